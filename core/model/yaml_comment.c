/* Finds comments: a # that is in none of YAML's scalars and has a blank or nothing before it. */
#include <stdlib.h>
#include <string.h>

#include <yaml.h>

#include "base/mem.h"
#include "base/printable.h"
#include "model/comment.h"

struct scan {
	const char *bytes;
	size_t length, at;
	size_t index; /* of the character at at, as libyaml counts */
	int line;
	struct comments *comments;
};

static bool is_alone(const struct scan *scan)
{
	size_t at = scan->at;
	while (at > 0 && (scan->bytes[at - 1] == ' ' || scan->bytes[at - 1] == '\t'))
		at--;
	return at == 0 || scan->bytes[at - 1] == '\n';
}

static bool begins_comment(const struct scan *scan)
{
	return scan->bytes[scan->at] == '#' && (scan->at == 0 || strchr(" \t\r\n", scan->bytes[scan->at - 1]));
}

static void step(struct scan *scan)
{
	size_t step = printable_utf8(scan->bytes + scan->at, scan->length - scan->at, NULL);
	scan->line += scan->bytes[scan->at] == '\n';
	scan->at += step ? step : 1;
	scan->index++;
}

static void take_comment(struct scan *scan)
{
	struct comments *comments = scan->comments;
	const char *text = scan->bytes + scan->at + 1;
	size_t length = strcspn(text, "\r\n");
	bool shebang = scan->line == 1 && *text == '!';
	if (length && *text == ' ') {
		text++;
		length--;
	}
	mem_grow(comments->items, comments->count, comments->room);
	if (!shebang)
		comments->items[comments->count++] = (struct comment){ scan->line, is_alone(scan), mem_strndup(text, length) };
	while (scan->at < scan->length && scan->bytes[scan->at] != '\n')
		step(scan);
}

/* Up to a character: comments are looked for where look is set. */
static void move(struct scan *scan, size_t index, bool look)
{
	while (scan->index < index && scan->at < scan->length) {
		if (look && begins_comment(scan))
			take_comment(scan);
		else
			step(scan);
	}
}

void comments_find(const char *bytes, size_t length, struct comments *comments)
{
	size_t skip = length >= 3 && memcmp(bytes, "\xef\xbb\xbf", 3) == 0 ? 3 : 0;
	struct scan scan = { .bytes = bytes + skip, .length = length - skip, .line = 1, .comments = comments };
	yaml_parser_t parser;
	if (!yaml_parser_initialize(&parser))
		abort();
	yaml_parser_set_encoding(&parser, YAML_UTF8_ENCODING);
	yaml_parser_set_input_string(&parser, (const unsigned char *)scan.bytes, scan.length);
	yaml_token_t token = { 0 };
	for (bool more = true; more && yaml_parser_scan(&parser, &token); yaml_token_delete(&token)) {
		if (token.type == YAML_SCALAR_TOKEN) {
			bool block = token.data.scalar.style == YAML_LITERAL_SCALAR_STYLE || token.data.scalar.style == YAML_FOLDED_SCALAR_STYLE;
			move(&scan, token.start_mark.index, true);
			while (block && scan.at < scan.length && scan.bytes[scan.at] != '\n')
				move(&scan, scan.index + 1, true); /* "|" may have one on its line */
			move(&scan, token.end_mark.index, false);
		}
		more = token.type != YAML_STREAM_END_TOKEN && token.type != YAML_NO_TOKEN;
	}
	move(&scan, scan.length, true);
	yaml_parser_delete(&parser);
}

void comments_release(struct comments *comments)
{
	for (size_t i = 0; i < comments->count; i++)
		free(comments->items[i].text);
	free(comments->items);
	*comments = (struct comments){ 0 };
}
