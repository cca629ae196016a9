/* Reading the reply of facts.sh. */
#include "run/facts_reply.h"

#include <ctype.h>
#include <errno.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>

#include "base/buf.h"
#include "base/mem.h"
#include "base/printable.h"

enum { SECTIONS_MOST = 20000, FILES_MOST = 100000 };

static const char blanks[] = " \t\r\n\v\f";

/* ---- sections ---- */

static void add_section(struct facts_reply *reply, const char *name, size_t name_length, const char *bytes, size_t length)
{
	mem_grow(reply->sections, reply->section_count, reply->section_room);
	reply->sections[reply->section_count++] = (struct facts_section){
		.name = arena_copy(&reply->arena, name, name_length),
		.text = arena_copy(&reply->arena, bytes, length),
		.length = length,
	};
}

/* Whether the sections came whole: the last one says so. */
static bool split_sections(struct facts_reply *reply, const char *mark, const char *bytes, size_t length)
{
	auto_buf struct buf head = BUF_INIT;
	buf_printf(&head, "\n%s ", mark);
	const char *end = bytes + length, *at = memmem(bytes, length, head.data, head.length);
	while (at && reply->section_count < SECTIONS_MOST) {
		const char *name = at + head.length, *line = memchr(name, '\n', (size_t)(end - name));
		if (!line)
			return false;
		if (line - name == 3 && memcmp(name, "end", 3) == 0)
			return true;
		at = memmem(line, (size_t)(end - line), head.data, head.length);
		const char *stop = at ? at : end;
		add_section(reply, name, (size_t)(line - name), stop > line ? line + 1 : line, stop > line ? (size_t)(stop - line - 1) : 0);
	}
	return false;
}

const struct facts_section *facts_section(const struct facts_reply *reply, const char *name)
{
	for (size_t i = 0; i < reply->section_count; i++) {
		if (strcmp(reply->sections[i].name, name) == 0)
			return &reply->sections[i];
	}
	return NULL;
}

const char *facts_section_text(const struct facts_reply *reply, const char *name)
{
	const struct facts_section *section = facts_section(reply, name);
	return section ? section->text : "";
}

bool facts_section_has(const struct facts_reply *reply, const char *name, const char *line)
{
	size_t length = strlen(line);
	for (const char *p = facts_section_text(reply, name); *p;) {
		size_t size = strcspn(p, "\n");
		if (size == length && memcmp(p, line, length) == 0)
			return true;
		p += size + (p[size] == '\n');
	}
	return false;
}

/* ---- files ---- */

/* One line "path:text" of grep; lines of one file follow each other. */
struct file_lines {
	struct facts_reply *reply;
	const char *path;
	size_t path_length;
	struct buf text;
};

static void end_file(struct file_lines *lines)
{
	struct facts_reply *reply = lines->reply;
	if (lines->path && reply->file_count < FILES_MOST) {
		const char *text = arena_copy(&reply->arena, buf_text(&lines->text), lines->text.length);
		mem_grow(reply->files, reply->file_count, reply->file_room);
		reply->files[reply->file_count++] = (struct facts_file){
			.path = arena_copy(&reply->arena, lines->path, lines->path_length),
			.text = facts_strip(reply, text, ""),
		};
	}
	buf_clear(&lines->text);
	lines->path = NULL;
}

static void add_line(struct file_lines *lines, const char *line, size_t length)
{
	const char *colon = memchr(line, ':', length);
	if (!colon || line[0] != '/')
		return;
	size_t path_length = (size_t)(colon - line);
	if (!lines->path || path_length != lines->path_length || memcmp(line, lines->path, path_length) != 0) {
		end_file(lines);
		lines->path = line;
		lines->path_length = path_length;
	}
	buf_add(&lines->text, colon + 1, length - path_length - 1);
	buf_char(&lines->text, '\n');
}

static int by_path(const void *a, const void *b)
{
	return strcmp(((const struct facts_file *)a)->path, ((const struct facts_file *)b)->path);
}

static void read_files(struct facts_reply *reply)
{
	struct file_lines lines = { .reply = reply };
	for (size_t i = 0; i < reply->section_count; i++) {
		const struct facts_section *section = &reply->sections[i];
		if (strcmp(section->name, "files") != 0)
			continue;
		for (const char *p = section->text, *end = p + section->length; p < end;) {
			const char *stop = memchr(p, '\n', (size_t)(end - p));
			stop = stop ? stop : end;
			add_line(&lines, p, (size_t)(stop - p));
			p = stop + 1;
		}
		end_file(&lines);
	}
	buf_release(&lines.text);
	if (reply->file_count)
		qsort(reply->files, reply->file_count, sizeof(*reply->files), by_path);
}

const char *facts_file(const struct facts_reply *reply, const char *format, ...)
{
	va_list arguments;
	va_start(arguments, format);
	auto_free char *path = mem_vprintf(format, arguments);
	va_end(arguments);
	const struct facts_file key = { .path = path };
	const struct facts_file *file = reply->file_count
		? bsearch(&key, reply->files, reply->file_count, sizeof(*reply->files), by_path) : NULL;
	return file && *file->text ? file->text : NULL;
}

size_t facts_file_from(const struct facts_reply *reply, const char *path)
{
	size_t first = 0, last = reply->file_count;
	while (first < last) {
		size_t middle = (first + last) / 2;
		if (strcmp(reply->files[middle].path, path) < 0)
			first = middle + 1;
		else
			last = middle;
	}
	return first;
}

bool facts_reply_read(struct facts_reply *reply, const char *mark, const char *bytes, size_t length)
{
	*reply = (struct facts_reply){ 0 };
	if (!split_sections(reply, mark, bytes, length))
		return false;
	read_files(reply);
	return true;
}

void facts_reply_release(struct facts_reply *reply)
{
	free(reply->sections);
	free(reply->files);
	arena_release(&reply->arena);
	*reply = (struct facts_reply){ 0 };
}

/* ---- texts ---- */

const char *facts_line(struct facts_reply *reply, const char **text)
{
	if (!**text)
		return NULL;
	size_t length = strcspn(*text, "\n");
	const char *line = arena_copy(&reply->arena, *text, length);
	*text += length + ((*text)[length] == '\n');
	return line;
}

size_t facts_words(struct facts_reply *reply, const char *line, const char **words, size_t most)
{
	size_t count = 0;
	for (const char *p = line + strspn(line, blanks); *p && count < most;) {
		size_t length = strcspn(p, blanks);
		words[count++] = arena_copy(&reply->arena, p, length);
		p += length;
		p += strspn(p, blanks);
	}
	return count;
}

const char *facts_value(struct facts_reply *reply, const char *text, const char *key, char separator)
{
	size_t length = strlen(key);
	for (const char *p = text; *p;) {
		size_t size = strcspn(p, "\n");
		const char *behind = p + length;
		if (size > length && memcmp(p, key, length) == 0) {
			while (*behind == ' ' || *behind == '\t')
				behind++;
			if (*behind == separator && behind < p + size)
				return facts_strip(reply, arena_copy(&reply->arena, behind + 1, (size_t)(p + size - behind - 1)), "");
		}
		p += size + (p[size] == '\n');
	}
	return NULL;
}

static bool is_in(char c, const char *quotes) { return c && (strchr(blanks, c) || strchr(quotes, c)); }

const char *facts_strip(struct facts_reply *reply, const char *text, const char *quotes)
{
	while (is_in(*text, quotes))
		text++;
	size_t length = strlen(text);
	while (length && is_in(text[length - 1], quotes))
		length--;
	return arena_copy(&reply->arena, text, length);
}

json_t *facts_string(const char *text)
{
	if (!text)
		return json_null();
	auto_buf struct buf clean = BUF_INIT;
	printable_utf8_clean(&clean, text, strlen(text));
	return json_stringn(buf_text(&clean), clean.length);
}

long long facts_number(const char *text, long long fallback)
{
	if (!text || !(isdigit((unsigned char)*text) || *text == '-'))
		return fallback;
	char *end;
	errno = 0;
	long long number = strtoll(text, &end, 10);
	return end == text || errno ? fallback : number;
}
