/* Regular expressions, compiled and matched. */
#define PCRE2_CODE_UNIT_WIDTH 8
#include "base/pattern.h"

#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <pcre2.h>

#include "base/mem.h"

enum { MATCH_LIMIT = 2 * 1000 * 1000, HEAP_LIMIT_KB = 64 * 1024 };

struct pattern {
	pcre2_code *code;
	pcre2_match_data *match;
	pcre2_match_context *context;
};

struct pattern *pattern_new(const char *text, unsigned flags, struct err *err)
{
	auto_buf struct buf translated = BUF_INIT;
	if (pattern_translate(text, strlen(text), &translated, err) < 0) {
		err_wrap(err, "the regular expression %s", text);
		return NULL;
	}
	uint32_t options = PCRE2_UTF | PCRE2_UCP | PCRE2_MATCH_INVALID_UTF | (flags & PATTERN_MULTILINE ? PCRE2_MULTILINE : 0);
	pcre2_compile_context *compiling = pcre2_compile_context_create(NULL);
	pcre2_set_newline(compiling, PCRE2_NEWLINE_LF);
	int status;
	PCRE2_SIZE at;
	pcre2_code *code =
		pcre2_compile((PCRE2_SPTR)buf_text(&translated), translated.length, options, &status, &at, compiling);
	pcre2_compile_context_free(compiling);
	if (!code) {
		char message[160];
		pcre2_get_error_message(status, (PCRE2_UCHAR *)message, sizeof(message));
		err_set(err, ERR_INPUT, "the regular expression %s: %s", text, message);
		return NULL;
	}
	struct pattern *pattern = mem_alloc(sizeof(*pattern));
	pattern->code = code;
	pattern->match = pcre2_match_data_create_from_pattern(code, NULL);
	pattern->context = pcre2_match_context_create(NULL);
	pcre2_set_match_limit(pattern->context, MATCH_LIMIT);
	pcre2_set_heap_limit(pattern->context, HEAP_LIMIT_KB);
	return pattern;
}

void pattern_free(struct pattern *pattern)
{
	if (!pattern)
		return;
	pcre2_match_data_free(pattern->match);
	pcre2_match_context_free(pattern->context);
	pcre2_code_free(pattern->code);
	free(pattern);
}

bool pattern_matches(struct pattern *pattern, const char *text, size_t length, enum pattern_anchor anchor)
{
	uint32_t options = anchor == PATTERN_MATCH ? PCRE2_ANCHORED : 0;
	return pcre2_match(pattern->code, (PCRE2_SPTR)text, length, 0, options, pattern->match, pattern->context) >= 0;
}

size_t pattern_group_count(const struct pattern *pattern)
{
	uint32_t count = 0;
	pcre2_pattern_info(pattern->code, PCRE2_INFO_CAPTURECOUNT, &count);
	return count;
}

bool pattern_group(const struct pattern *pattern, size_t group, size_t *start, size_t *end)
{
	const PCRE2_SIZE *at = pcre2_get_ovector_pointer(pattern->match);
	if (group >= pcre2_get_ovector_count(pattern->match) || at[2 * group] == PCRE2_UNSET)
		return false;
	*start = at[2 * group];
	*end = at[2 * group + 1];
	return true;
}

const char *pattern_group_name(const struct pattern *pattern, size_t group)
{
	uint32_t count = 0, size = 0;
	const unsigned char *row = NULL;
	pcre2_pattern_info(pattern->code, PCRE2_INFO_NAMECOUNT, &count);
	pcre2_pattern_info(pattern->code, PCRE2_INFO_NAMEENTRYSIZE, &size);
	pcre2_pattern_info(pattern->code, PCRE2_INFO_NAMETABLE, &row);
	for (uint32_t i = 0; i < count; i++, row += size) {
		if ((size_t)(row[0] << 8 | row[1]) == group)
			return (const char *)row + 2;
	}
	return NULL;
}
