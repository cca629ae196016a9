/* A line split into words as a POSIX shell (and Python's shlex) does it. */
#ifndef NEAP_MODEL_SHELL_WORDS_H
#define NEAP_MODEL_SHELL_WORDS_H

#include <stddef.h>

#include "base/auto.h"
#include "base/err.h"

/* Quotes group, a backslash takes the next character, # begins a comment, in a word too. *words is a new NULL-terminated
 * array, freed by shell_words_free. ERR_INPUT for a quote or backslash that is left open. */
int shell_words(const char *line, char ***words, size_t *count, struct err *err) must_check;
void shell_words_free(char **words);

static inline void auto_shell_words_(char ***words) { shell_words_free(*words); }
#define auto_shell_words auto_(auto_shell_words_)

#endif
