/* Facts that the machine's administrator wrote: the files in facts.d, JSON or INI, read or run. */
#include <ctype.h>
#include <string.h>

#include "base/mem.h"
#include "base/printable.h"
#include "run/facts_inside.h"

enum { FACTS_MOST = 1000, OPTIONS_MOST = 10000, DEPTH_MOST = 10, FACTS_TEXT_MOST = 1024 * 1024 };

/* ---- INI, as Python's configparser reads it ---- */

struct ini {
	struct facts *facts;
	json_t *sections, *defaults;
	json_t *section;  /* where options go; NULL before the first head */
	const char *name; /* of the option that a continued line belongs to, else NULL */
	size_t indent;    /* of that option's own line */
	size_t options;
};

static const char *text_key(struct facts *facts, const char *text)
{
	auto_json json_t *clean = facts_string(text);
	return arena_str(&facts->reply.arena, json_string_value(clean));
}

static bool ini_head(struct ini *ini, const char *line)
{
	const char *end = strrchr(line, ']');
	if (*line != '[' || !end || end == line + 1)
		return false;
	const char *name = text_key(ini->facts, arena_copy(&ini->facts->reply.arena, line + 1, (size_t)(end - line - 1)));
	ini->name = NULL;
	if (strcmp(name, "DEFAULT") == 0) {
		ini->section = ini->defaults;
		return true;
	}
	ini->section = json_object();
	/* The same head twice is a fault there. */
	if (json_object_get(ini->sections, name)) {
		json_decref(ini->section);
		ini->section = NULL;
		return false;
	}
	json_object_set_new(ini->sections, name, ini->section);
	return true;
}

static bool ini_option(struct ini *ini, const char *line, size_t indent)
{
	size_t length = strcspn(line, "=:");
	if (!line[length] || !length || !ini->section || ++ini->options > OPTIONS_MOST)
		return false;
	char *name = arena_str(&ini->facts->reply.arena,
	                       facts_strip(&ini->facts->reply, arena_copy(&ini->facts->reply.arena, line, length), ""));
	for (char *p = name; *p; p++)
		*p = (char)tolower((unsigned char)*p);
	ini->name = text_key(ini->facts, name);
	ini->indent = indent;
	if (json_object_get(ini->section, ini->name))
		return false;
	json_object_set_new(ini->section, ini->name, facts_string(facts_strip(&ini->facts->reply, line + length + 1, "")));
	return true;
}

static void ini_continue(struct ini *ini, const char *line)
{
	const char *before = json_string_value(json_object_get(ini->section, ini->name));
	auto_json json_t *more = facts_string(line);
	json_object_set_new(ini->section, ini->name,
	                    facts_string(arena_printf(&ini->facts->reply.arena, "%s\n%s", before, json_string_value(more))));
}

static bool ini_line(struct ini *ini, const char *line)
{
	const char *text = facts_strip(&ini->facts->reply, line, "");
	size_t indent = strspn(line, " \t");
	if (*text == '#' || *text == ';' || !*text)
		return true;
	if (ini->name && indent > ini->indent) {
		if (++ini->options > OPTIONS_MOST)
			return false;
		ini_continue(ini, text);
		return true;
	}
	return *text == '[' ? ini_head(ini, text) : ini_option(ini, text, indent);
}

/* "%(name)s" is another option's value, "%%" a per cent sign. A text that is neither stays as it is. */
static void interpolate(struct facts *facts, json_t *options, const char *text, struct buf *out, int depth)
{
	for (const char *p = text; *p;) {
		const char *end = p[0] == '%' && p[1] == '(' ? strstr(p, ")s") : NULL;
		const char *name = end ? arena_copy(&facts->reply.arena, p + 2, (size_t)(end - p - 2)) : NULL;
		const char *value = name ? json_string_value(json_object_get(options, name)) : NULL;
		if (value && depth < DEPTH_MOST && out->length < FACTS_TEXT_MOST) {
			interpolate(facts, options, value, out, depth + 1);
			p = end + 2;
		} else {
			buf_char(out, *p);
			p += p[0] == '%' && p[1] == '%' ? 2 : 1;
		}
	}
}

static void finish_section(struct ini *ini, json_t *section)
{
	json_t *value;
	const char *name;
	json_object_update_missing(section, ini->defaults);
	auto_json json_t *written = json_deep_copy(section);
	json_object_foreach(written, name, value) {
		auto_buf struct buf text = BUF_INIT;
		if (!strchr(json_string_value(value), '%'))
			continue;
		interpolate(ini->facts, written, json_string_value(value), &text, 0);
		json_object_set_new(section, name, json_stringn(buf_text(&text), text.length));
	}
}

/* NULL where the text is no INI. */
static json_t *ini_read(struct facts *facts, const char *text)
{
	struct ini ini = { .facts = facts, .sections = json_object(), .defaults = json_object() };
	bool ok = true;
	for (const char *line; ok && (line = facts_line(&facts->reply, &text));)
		ok = ini_line(&ini, line);
	const char *name;
	json_t *section;
	json_object_foreach(ini.sections, name, section)
		finish_section(&ini, section);
	json_decref(ini.defaults);
	if (ok)
		return ini.sections;
	json_decref(ini.sections);
	return NULL;
}

/* ---- facts ---- */

static bool is_utf8(const char *text, size_t length)
{
	while (length) {
		size_t size = printable_utf8(text, length, NULL);
		if (!size)
			return false;
		text += size;
		length -= size;
	}
	return true;
}

static json_t *value_of(struct facts *facts, const struct facts_section *content, const char *path)
{
	struct arena *arena = &facts->reply.arena;
	if (!is_utf8(content->text, content->length))
		return facts_string(arena_printf(arena, "error loading fact - output of running \"%s\" was not utf-8", path));
	json_t *value = json_loadb(content->text, content->length, JSON_DECODE_ANY, NULL);
	if (!value)
		value = ini_read(facts, content->text);
	return value ? value : facts_string(arena_printf(arena, "error loading facts as JSON or ini - please check content: %s",
	                                                 path));
}

/* "fact_ran" with its status, "fact_text", or "fact_bad". */
static json_t *fact_of(struct facts *facts, size_t at, const char *path)
{
	const struct facts_reply *reply = &facts->reply;
	const struct facts_section *content = at < reply->section_count ? &reply->sections[at] : NULL;
	if (content && strcmp(content->name, "fact_text") == 0)
		return value_of(facts, content, path);
	bool has_run = content && strcmp(content->name, "fact_ran") == 0 && at + 1 < reply->section_count;
	if (!has_run)
		return facts_string(arena_printf(&facts->reply.arena, "Could not stat fact (%s)", path));
	const char *status = reply->sections[at + 1].text, *said = status + strcspn(status, " ");
	if (facts_number(status, -1) == 0)
		return value_of(facts, content, path);
	return facts_string(arena_printf(&facts->reply.arena, "Failure executing fact script (%s), rc: %lld, err: %s", path,
	                                 facts_number(status, -1), *said ? said + 1 : ""));
}

void facts_read_local(struct facts *facts)
{
	json_t *local = json_object();
	const struct facts_reply *reply = &facts->reply;
	for (size_t i = 0, count = 0; i < reply->section_count && count < FACTS_MOST; i++) {
		if (strcmp(reply->sections[i].name, "fact_name") != 0)
			continue;
		const char *file = reply->sections[i].text;
		const char *path = arena_printf(&facts->reply.arena, "%s/%s", facts->ask->folder ? facts->ask->folder : "", file);
		size_t length = strlen(file);
		bool has_end = length > 5 && strcmp(file + length - 5, ".fact") == 0;
		const char *name = arena_copy(&facts->reply.arena, file, has_end ? length - 5 : length);
		json_object_set_new(local, text_key(facts, name), fact_of(facts, i + 1, path));
		count++;
	}
	facts_set(facts, "local", local);
}
