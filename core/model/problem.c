/* Problems: collected while files are checked, then shown in the order of the files with the offending lines. */
#include "model/problem.h"

#include <ctype.h>
#include <stdarg.h>
#include <string.h>

#include "base/mem.h"
#include "base/printable.h"

enum {
	LINE_MOST = 240,  /* characters of a line that are kept */
	LINE_BEFORE = 80, /* of them before the column */
	TAB_WIDTH = 4,
};

/* Keeps the part of a long line that is around the column. */
static void keep_line(struct problem *problem, const char *line)
{
	size_t length = strlen(line), at = 0, start = 0, count = 0;
	size_t skip = problem->place.column > LINE_BEFORE ? (size_t)problem->place.column - LINE_BEFORE : 0;
	while (at < length && count < skip + LINE_MOST) {
		size_t step = printable_utf8(line + at, length - at, NULL);
		at += step ? step : 1;
		if (++count == skip)
			start = at;
	}
	if (at == length && count <= LINE_MOST)
		start = skip = 0;
	problem->line = mem_strndup(line + start, at - start);
	problem->line_from = (int)skip;
	problem->line_cut = at < length;
}

/* ---- secrets in the line ---- */

static bool is_name_char(char c) { return isalnum((unsigned char)c) || c == '_' || c == '-' || c == '.'; }

/* A name that has a secret behind it, and not where one is. */
static bool is_secret_name(const char *name, size_t length)
{
	static const char *const words[] = { "pass", "secret", "token" };
	auto_free char *text = mem_strndup(name, length);
	for (size_t i = 0; i < sizeof(words) / sizeof(*words); i++) {
		if (strcasestr(text, words[i]))
			return !strcasestr(text, "_file") && !strcasestr(text, "_path");
	}
	return false;
}

/* Where the value ends that begins at `at`: with its quote, behind = with the word, behind : with the line. */
static size_t value_end(const char *line, size_t at, char separator)
{
	char quote = line[at] == '"' || line[at] == '\'' ? line[at] : 0;
	size_t end = at + (quote != 0);
	while (line[end] && (quote ? line[end] != quote : separator == ':' || !strchr(" \t", line[end])))
		end += line[end] == '\\' && line[end + 1] ? 2 : 1;
	return end;
}

/* A star for each character of what stands behind a secret's name; what is no text there, a template say, stays. */
static void hide_secrets(char *line)
{
	for (size_t at = 0; line[at];) {
		size_t start = at;
		while (is_name_char(line[at]))
			at++;
		size_t length = at - start;
		if (!length) {
			at++;
			continue;
		}
		at += line[at] == '"' || line[at] == '\'';
		at += strspn(line + at, " \t");
		if ((line[at] != ':' && line[at] != '=') || !is_secret_name(line + start, length))
			continue;
		char separator = line[at++];
		at += strspn(line + at, " \t");
		size_t end = value_end(line, at, separator);
		at += line[at] == '"' || line[at] == '\'';
		if (at >= end || strchr("!&*|>[{", line[at]))
			continue;
		size_t kept = at;
		for (; at < end; at++) {
			if (((unsigned char)line[at] & 0xc0) != 0x80)
				line[kept++] = '*';
		}
		memmove(line + kept, line + end, strlen(line + end) + 1);
		at = kept;
	}
}

void problem_add(struct problems *problems, enum problem_level level, struct place place, const char *line,
                 const char *hint, const char *format, ...)
{
	if (level == PROBLEM_ERROR)
		problems->errors++;
	if (problems->count == PROBLEMS_MOST) {
		problems->dropped++;
		return;
	}
	mem_grow(problems->items, problems->count, problems->room);
	struct problem *problem = &problems->items[problems->count++];
	*problem = (struct problem){ .level = level, .place = place, .hint = mem_strdup(hint) };
	problem->place.file = mem_strdup(place.file);
	va_list arguments;
	va_start(arguments, format);
	problem->text = mem_vprintf(format, arguments);
	va_end(arguments);
	if (line) {
		auto_free char *shown = mem_strdup(line);
		hide_secrets(shown);
		keep_line(problem, shown);
	}
}

static int compare_texts(const char *a, const char *b)
{
	return !a || !b ? (a != NULL) - (b != NULL) : strcmp(a, b);
}

static int compare(const void *left, const void *right)
{
	const struct problem *a = *(const struct problem *const *)left, *b = *(const struct problem *const *)right;
	int order = compare_texts(a->place.file, b->place.file);
	if (order)
		return order;
	if (a->place.line != b->place.line)
		return a->place.line < b->place.line ? -1 : 1;
	if (a->place.column != b->place.column)
		return a->place.column < b->place.column ? -1 : 1;
	if (a->level != b->level)
		return a->level < b->level ? -1 : 1;
	order = strcmp(a->text, b->text);
	return order ? order : compare_texts(a->hint, b->hint);
}

static const char *colour_of(bool colour, const char *escape) { return colour ? escape : ""; }

static void print_text(struct buf *out, const char *text) { printable_line(out, text, strlen(text)); }

/* Adds one character of a source line; returns the columns it takes on the screen. */
static int show_character(struct buf *out, const char *bytes, size_t length)
{
	if (*bytes == '\t') {
		buf_printf(out, "%*s", TAB_WIDTH, "");
		return TAB_WIDTH;
	}
	size_t before = out->length;
	printable_line(out, bytes, length);
	bool escaped = out->length - before != length || (length == 1 && *bytes == '\\' && out->length - before > 1);
	return escaped ? (int)(out->length - before) : 1;
}

/* The line, and under it a caret where the problem begins. */
static void print_line(const struct problem *problem, struct buf *out, bool colour)
{
	auto_buf struct buf marks = BUF_INIT;
	const char *line = problem->line;
	size_t length = strlen(line), step = 1;
	int first = problem->place.column - problem->line_from, width = problem->place.width ? problem->place.width : 1;
	buf_printf(out, "%6d | %s", problem->place.line, problem->line_from ? "..." : "");
	buf_printf(&marks, "%*s", problem->line_from ? 3 : 0, "");
	int column = 1;
	for (size_t at = 0; at < length; at += step, column++) {
		step = printable_utf8(line + at, length - at, NULL);
		step = step ? step : 1;
		int shown = show_character(out, line + at, step);
		for (int i = 0; i < shown && column < first + width; i++)
			buf_char(&marks, column < first ? ' ' : column == first && i == 0 ? '^' : '~');
	}
	if (first >= column) /* just behind the line's end */
		buf_char(&marks, '^');
	buf_printf(out, "%s\n", problem->line_cut ? "..." : "");
	if (problem->place.column > 0)
		buf_printf(out, "       | %s%s%s\n", colour_of(colour, "\x1b[32m"), buf_text(&marks),
		           colour_of(colour, "\x1b[0m"));
}

static void print_place(const struct place *place, struct buf *out)
{
	if (!place->file)
		return;
	print_text(out, place->file);
	if (place->line > 0)
		buf_printf(out, ":%d", place->line);
	if (place->line > 0 && place->column > 0)
		buf_printf(out, ":%d", place->column);
	buf_str(out, ": ");
}

static void print_problem(const struct problem *problem, struct buf *out, bool colour)
{
	bool error = problem->level == PROBLEM_ERROR;
	buf_str(out, colour_of(colour, "\x1b[1m"));
	print_place(&problem->place, out);
	buf_printf(out, "%s%s: %s", colour_of(colour, error ? "\x1b[31m" : "\x1b[35m"), error ? "error" : "warning",
	           colour_of(colour, "\x1b[0m\x1b[1m"));
	print_text(out, problem->text);
	buf_printf(out, "%s\n", colour_of(colour, "\x1b[0m"));
	if (problem->line && problem->place.line > 0)
		print_line(problem, out, colour);
	if (problem->hint && *problem->hint) {
		buf_printf(out, "    %s", colour_of(colour, "\x1b[36m"));
		print_text(out, problem->hint);
		buf_printf(out, "%s\n", colour_of(colour, "\x1b[0m"));
	}
}

void problems_print(const struct problems *problems, struct buf *out, bool colour)
{
	auto_free const struct problem **sorted = mem_array(problems->count, sizeof(*sorted));
	for (size_t i = 0; i < problems->count; i++)
		sorted[i] = &problems->items[i];
	if (problems->count)
		qsort(sorted, problems->count, sizeof(*sorted), compare);
	for (size_t i = 0; i < problems->count; i++)
		if (i == 0 || compare(&sorted[i - 1], &sorted[i]) != 0)
			print_problem(sorted[i], out, colour);
	if (problems->dropped)
		buf_printf(out, "... and %zu more\n", problems->dropped);
}

int problems_first(const struct problems *problems, const char *otherwise, struct err *err)
{
	const struct problem *first = NULL;
	for (size_t i = 0; i < problems->count && !first; i++)
		first = problems->items[i].level == PROBLEM_ERROR ? &problems->items[i] : NULL;
	err_set(err, ERR_INPUT, "%s%s", first ? first->text : otherwise, problems->errors > 1 ? " (and more)" : "");
	if (first && first->place.file)
		err_at(err, "%s:%d:%d", first->place.file, first->place.line, first->place.column);
	if (first && first->hint)
		err_hint(err, "%s", first->hint);
	return -1;
}

void problems_release(struct problems *problems)
{
	for (size_t i = 0; i < problems->count; i++) {
		struct problem *problem = &problems->items[i];
		free((char *)problem->place.file);
		free(problem->text);
		free(problem->hint);
		free(problem->line);
	}
	free(problems->items);
	*problems = (struct problems)PROBLEMS_INIT;
}
