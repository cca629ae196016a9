/* Python's regular expressions, by PCRE2, for C. Text is UTF-8; bytes that are not match nothing. */
#ifndef NEAP_BASE_PATTERN_H
#define NEAP_BASE_PATTERN_H

#include <stdbool.h>
#include <stddef.h>

#include "base/auto.h"
#include "base/buf.h"
#include "base/err.h"

struct pattern;

enum pattern_anchor {
	PATTERN_SEARCH, /* anywhere, as re.search */
	PATTERN_MATCH,  /* at the start, as re.match */
};

enum pattern_flags { PATTERN_MULTILINE = 1 };

/* NULL with ERR_INPUT for what Python refuses. One thread at a time. */
struct pattern *pattern_new(const char *text, unsigned flags, struct err *err) must_check;
void pattern_free(struct pattern *pattern);
static inline void auto_pattern_(struct pattern **pattern) { pattern_free(*pattern); }
#define auto_pattern auto_(auto_pattern_)
/* Whether it matches; a search that takes too long, or fails otherwise, does not. */
bool pattern_matches(struct pattern *pattern, const char *text, size_t length, enum pattern_anchor anchor);
/* How many groups there are, and where one of the last match is; false where it took no part. 0 is the whole. */
size_t pattern_group_count(const struct pattern *pattern);
bool pattern_group(const struct pattern *pattern, size_t group, size_t *start, size_t *end);
/* The name of a group, NULL if it has none. */
const char *pattern_group_name(const struct pattern *pattern, size_t group);

/* Python's syntax in PCRE2's. ERR_INPUT for what Python refuses and PCRE2 would take for something else. */
int pattern_translate(const char *pattern, size_t length, struct buf *out, struct err *err) must_check;

#endif
