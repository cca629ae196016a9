/* What is wrong in a YAML file, in words that say what to do: libyaml tells what its grammar expected, which is seldom what
 * the writer did wrong, so the line itself is looked at for the usual mistakes. */
#include <stdarg.h>
#include <string.h>

#include "base/mem.h"
#include "base/printable.h"
#include "model/reader.h"
#include "model/yaml.h"

enum { FAULTS_MOST = 20 };

/* ---- places ---- */

static void cursor_reset(struct yaml *yaml)
{
	size_t skip = yaml->length >= 3 && memcmp(yaml->bytes, "\xef\xbb\xbf", 3) == 0 ? 3 : 0;
	yaml->cursor = (struct yaml_cursor){ .byte = skip, .line = 1, .column = 1 };
}

/* Moves one character on; false at the end. */
static bool cursor_step(struct yaml *yaml)
{
	struct yaml_cursor *cursor = &yaml->cursor;
	if (cursor->byte >= yaml->length)
		return false;
	size_t step = printable_utf8(yaml->bytes + cursor->byte, yaml->length - cursor->byte, NULL);
	bool line_end = yaml->bytes[cursor->byte] == '\n';
	cursor->byte += step ? step : 1;
	cursor->index++;
	cursor->line += line_end;
	cursor->column = line_end ? 1 : cursor->column + 1;
	return true;
}

static void cursor_move(struct yaml *yaml, size_t index)
{
	if (index < yaml->cursor.index)
		cursor_reset(yaml);
	while (yaml->cursor.index < index && cursor_step(yaml))
		continue;
}

static struct span cursor_span(const struct yaml *yaml)
{
	return (struct span){ .line = yaml->cursor.line, .column = yaml->cursor.column, .width = 1 };
}

struct span yaml_span(struct yaml *yaml, yaml_mark_t start, yaml_mark_t end)
{
	cursor_move(yaml, start.index);
	struct span span = cursor_span(yaml);
	if (start.line == end.line && end.index > start.index)
		span.width = (int)(end.index - start.index);
	return span;
}

/* ---- reporting ---- */

void yaml_fault(struct yaml *yaml, enum problem_level level, struct span span, const char *hint, const char *format, ...)
{
	va_list arguments;
	va_start(arguments, format);
	auto_free char *text = mem_vprintf(format, arguments);
	va_end(arguments);
	size_t length = 0;
	bool shown = yaml->problems->count < PROBLEMS_MOST; /* the line is looked for from the beginning */
	const char *start = shown ? reader_line(yaml->bytes, yaml->length, span.line, &length) : NULL;
	auto_free char *line = start ? mem_strndup(start, length) : NULL;
	struct place place = { .file = yaml->name, .line = span.line, .column = span.column, .width = span.width };
	problem_add(yaml->problems, level, place, line, hint, "%s", text);
	if (level == PROBLEM_ERROR && ++yaml->faults == FAULTS_MOST)
		yaml->stopped = true;
}

/* ---- the usual mistakes ---- */

/* Behind "key:" or "- ", where a value begins; the line itself where there is neither. */
static const char *value_of(const char *line)
{
	line += strspn(line, " ");
	while (line[0] == '-' && line[1] == ' ') {
		line += 2;
		line += strspn(line, " ");
	}
	const char *colon = strstr(line, ": ");
	if (!colon || *line == '"' || *line == '\'')
		return line;
	return colon + 1 + strspn(colon + 1, " ");
}

static bool has_tab_in_front(const char *line) { return line[strspn(line, " ")] == '\t'; }

static const char *hint_of_line(const char *line)
{
	const char *value = value_of(line);
	if (has_tab_in_front(line))
		return "YAML is indented by spaces; this line has a tab in front";
	if (strncmp(value, "{{", 2) == 0)
		return "a value that begins with {{ is put into quotes as a whole: \"{{ name }}/more\"";
	if (strncmp(value, "{%", 2) == 0)
		return "a value that begins with {% is put into quotes as a whole";
	if ((*value == '"' || *value == '\'') && strchr(value + 1, *value))
		return "a value that begins with a quote ends at the closing one; put the whole value into quotes of the other kind";
	if (*value == '@' || *value == '`' || *value == '%')
		return "a value that begins with this character is put into quotes";
	if (*value == '*' || *value == '&')
		return "* and & make aliases and anchors; a text that begins with one is put into quotes";
	if (strstr(value, ": ") && *value != '{' && *value != '[')
		return "a value with a colon and a blank in it is put into quotes";
	return NULL;
}

/* libyaml's problem, what it is here, and what helps where the line shows nothing else. */
static const struct { const char *problem, *text, *hint; } words[] = {
	{ "mapping values are not allowed", "a colon is not expected here",
	  "is this line indented like the one above, does that have a blank behind its colon, and is a value with a colon in quotes?" },
	{ "block sequence entries are not allowed", "a list cannot begin here", "put the \"-\" on a line of its own" },
	{ "block mapping entries are not allowed", "a key cannot begin here", NULL },
	{ "mapping keys are not allowed", "a key cannot begin here", NULL },
	{ "could not find expected ':'", "a key without a colon", "write \"key: value\"; a text of several lines is indented, behind | or >" },
	{ "did not find expected key", "a key is expected here", "keys of one dictionary begin in the same column" },
	{ "did not find expected '-' indicator", "the list does not go on like this",
	  "items of one list begin in the same column, each with \"- \"" },
	{ "did not find expected ',' or ']'", "\",\" or \"]\" is expected here", "a list that begins with [ ends with ]" },
	{ "did not find expected ',' or '}'", "\",\" or \"}\" is expected here", "a dictionary that begins with { ends with }" },
	{ "did not find expected node content", "a value is expected here", NULL },
	{ "did not find expected <document start>", "there is more behind the end of the document",
	  "is this line indented like the first one?" },
	{ "cannot start any token", "no value begins with this character", "put the value into quotes" },
	{ "found a tab character", "a tab where YAML has spaces", "YAML is indented by spaces" },
	{ "found unexpected end of stream", "this quote is never closed", NULL },
	{ "found unexpected document indicator", "this quote is never closed", NULL },
	{ "found unknown escape character", "a backslash with nothing it can escape",
	  "in double quotes a backslash itself is written \\\\; in single quotes it stands for itself" },
	{ "did not find expected hexdecimal number", "a backslash with too few hex digits", "\\x41, \\u00e9 or \\U0001f319" },
	{ "found invalid Unicode character escape code", "an escape for no character", "beyond U+FFFF write \\U0001f319" },
	{ "did not find expected alphabetic or numeric character", "a name is expected behind * or &",
	  "* and & make aliases and anchors; a text that begins with one is put into quotes" },
	{ "found undefined tag handle", "a tag without a meaning", "a text that begins with ! is put into quotes" },
	{ "control characters are not allowed", "a control character", "in double quotes it is written \\x1b" },
	{ "found incompatible YAML document", "a version of YAML that is not known", "take the %YAML line out" },
	{ "did not find expected comment or line break", "something stands behind the | or >", "the text begins on the next line" },
};

/* What stands where the problem is. */
static void describe(const char *problem, const char **text, const char **hint)
{
	*text = problem;
	*hint = NULL;
	for (size_t i = 0; i < sizeof(words) / sizeof(*words); i++)
		if (strstr(problem, words[i].problem)) {
			*text = words[i].text;
			*hint = words[i].hint;
			return;
		}
}

/* libyaml's reader knows bytes, its scanner and parser characters. */
static struct span syntax_span(struct yaml *yaml, bool unclosed)
{
	const yaml_parser_t *parser = &yaml->parser;
	if (parser->error == YAML_READER_ERROR) {
		cursor_reset(yaml);
		size_t skip = yaml->cursor.byte;
		while (yaml->cursor.byte < skip + parser->problem_offset && cursor_step(yaml))
			continue;
	} else {
		cursor_move(yaml, unclosed ? parser->context_mark.index : parser->problem_mark.index);
	}
	return cursor_span(yaml);
}

/* The hint of the line, or of the one above it: a broken value often shows on the next line only. */
static const char *syntax_hint(struct yaml *yaml, int line)
{
	const char *hint = NULL;
	for (int i = line; i >= 1 && i >= line - 1 && !hint; i--) {
		size_t length = 0;
		const char *start = reader_line(yaml->bytes, yaml->length, i, &length);
		auto_free char *text = start ? mem_strndup(start, length) : NULL;
		hint = text ? hint_of_line(text) : NULL;
	}
	return hint;
}

void yaml_fault_syntax(struct yaml *yaml)
{
	const yaml_parser_t *parser = &yaml->parser;
	const char *text, *hint, *problem = parser->problem ? parser->problem : "this cannot be read";
	bool quoted = parser->context && strstr(parser->context, "quoted scalar");
	bool unclosed = quoted && (strstr(problem, "end of stream") || strstr(problem, "document indicator"));
	describe(problem, &text, &hint);
	struct span span = syntax_span(yaml, unclosed);
	if (strstr(problem, "cannot start any token") && yaml->bytes[yaml->cursor.byte] == '\t')
		text = "a tab where YAML has spaces";
	const char *line_hint = quoted || parser->error == YAML_READER_ERROR ? NULL : syntax_hint(yaml, span.line);
	yaml_fault(yaml, PROBLEM_ERROR, span, line_hint ? line_hint : hint, "%s", text);
	yaml->stopped = true;
}
