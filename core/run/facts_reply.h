/* The reply of facts.sh taken apart: sections by name, small files by path. Everything lives in the reply's arena. */
#ifndef NEAP_RUN_FACTS_REPLY_H
#define NEAP_RUN_FACTS_REPLY_H

#include <stdbool.h>
#include <stddef.h>

#include <jansson.h>

#include "base/arena.h"

struct facts_section {
	const char *name;
	const char *text;  /* with a NUL behind */
	size_t length;
};

struct facts_file {
	const char *path;
	const char *text; /* lines, each with its newline, without blanks at both ends */
};

struct facts_reply {
	struct arena arena;
	struct facts_section *sections;
	size_t section_count, section_room;
	struct facts_file *files; /* sorted by path */
	size_t file_count, file_room;
};

/* false: it is not a whole reply. In either case released by facts_reply_release. */
bool facts_reply_read(struct facts_reply *reply, const char *mark, const char *bytes, size_t length);
void facts_reply_release(struct facts_reply *reply);

/* The first section of that name, NULL if there is none; its text, "" if there is none. */
const struct facts_section *facts_section(const struct facts_reply *reply, const char *name);
const char *facts_section_text(const struct facts_reply *reply, const char *name);
/* Whether a line of the section is this. */
bool facts_section_has(const struct facts_reply *reply, const char *name, const char *line);
/* A small file's text, NULL where it is not there or empty. */
const char *facts_file(const struct facts_reply *reply, const char *format, ...) __attribute__((format(printf, 2, 3)));

/* The first of the sorted files whose path is not before this; file_count where there is none. */
size_t facts_file_from(const struct facts_reply *reply, const char *path);

/* Takes the next line off text, without its newline; NULL at the end. In the arena. */
const char *facts_line(struct facts_reply *reply, const char **text);
/* The words of a line, split at blanks; at most most of them. */
size_t facts_words(struct facts_reply *reply, const char *line, const char **words, size_t most);
/* What stands behind "key" and the separator on the first line that has it, stripped; NULL if there is none. */
const char *facts_value(struct facts_reply *reply, const char *text, const char *key, char separator);
/* The text without blanks, and any of quotes, at both ends. */
const char *facts_strip(struct facts_reply *reply, const char *text, const char *quotes);
/* Text as a JSON string; NULL gives null. */
json_t *facts_string(const char *text);
/* The whole number a text begins with; fallback where it is none. */
long long facts_number(const char *text, long long fallback);

#endif
