/* Texts: compared, also where they may be absent. */
#ifndef NEAP_BASE_TEXT_H
#define NEAP_BASE_TEXT_H

#include <stdbool.h>
#include <string.h>

/* Whether both are the same text, or both NULL. */
static inline bool text_same(const char *a, const char *b) { return a == b || (a && b && strcmp(a, b) == 0); }

/* The order of a and b, which point to texts: for qsort over an array of them. */
static inline int text_order(const void *a, const void *b) { return strcmp(*(const char *const *)a, *(const char *const *)b); }

#endif
