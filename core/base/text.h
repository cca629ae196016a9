/* Texts that may be absent. */
#ifndef NEAP_BASE_TEXT_H
#define NEAP_BASE_TEXT_H

#include <stdbool.h>
#include <string.h>

/* Whether both are the same text, or both NULL. */
static inline bool text_same(const char *a, const char *b) { return a == b || (a && b && strcmp(a, b) == 0); }

#endif
