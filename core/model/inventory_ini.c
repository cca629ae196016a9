/* Reads INI inventories as Ansible's ini plugin does:
 *
 *   web1 ansible_host=10.0.0.1      # hosts before any section are ungrouped
 *   [web]                           # hosts with variables; values are Python literals or plain text
 *   www[01:20].example.com:2222 http_port=80
 *   [web:vars]                      # variables of a group, one a line
 *   ntp = ntp.example.com
 *   [prod:children]                 # groups in a group
 *   web
 *
 * [x:vars] and the names in [x:children] may come before the group they speak of, but it must come. */
#include <ctype.h>
#include <string.h>

#include "base/mem.h"
#include "base/printable.h"
#include "base/suggest.h"
#include "model/host_range.h"
#include "model/inventory_parts.h"
#include "model/python_literal.h"
#include "model/shell_words.h"

enum section { SECTION_HOSTS, SECTION_VARS, SECTION_CHILDREN };

/* A group that was spoken of and not declared so far. */
struct pending {
	const char *name;
	enum section section;
	int line;
	struct group **parents; /* that want it as their child */
	size_t parent_count, parent_room;
};

struct ini {
	struct inventory *inventory;
	struct problems *problems;
	const char *name;
	struct group *group;
	enum section section;
	int line_number;
	char *line;       /* this line whole */
	const char *text; /* in it, without the blanks around */
	struct pending *pending;
	size_t pending_count, pending_room;
};

/* Characters before a place in the line, plus 1. */
static int ini_column(const struct ini *ini, const char *at)
{
	int column = 1;
	for (const char *c = ini->line; c < at; c++)
		column += ((unsigned char)*c & 0xc0) != 0x80;
	return column;
}

/* at points into the line, or is NULL for the line as a whole. */
static void __attribute__((format(printf, 5, 6)))
ini_problem(struct ini *ini, const char *at, size_t width, const char *hint, const char *format, ...)
{
	auto_buf struct buf text = BUF_INIT;
	va_list arguments;
	va_start(arguments, format);
	buf_vprintf(&text, format, arguments);
	va_end(arguments);
	struct place place = { .file = ini->name, .line = ini->line_number, .column = ini_column(ini, at ? at : ini->text),
		                   .width = (int)(at ? width : strlen(ini->text)) };
	problem_add(ini->problems, PROBLEM_ERROR, place, ini->line, hint, "%s", buf_text(&text));
}

/* A variable's name, where it stands in the line. */
static void ini_look(struct ini *ini, const char *at, const char *name, const json_t *value)
{
	struct place place = { .file = ini->name, .line = ini->line_number, .column = ini_column(ini, at), .width = (int)strlen(name) };
	inventory_look_at_name(ini->inventory, place, ini->line, name, value, ini->problems);
}

static struct pending *ini_pending(struct ini *ini, const char *name)
{
	for (size_t i = 0; i < ini->pending_count; i++)
		if (strcmp(ini->pending[i].name, name) == 0)
			return &ini->pending[i];
	return NULL;
}

static struct pending *ini_await(struct ini *ini, const char *name)
{
	struct pending *pending = ini_pending(ini, name);
	if (pending)
		return pending;
	mem_grow(ini->pending, ini->pending_count, ini->pending_room);
	pending = &ini->pending[ini->pending_count++];
	*pending = (struct pending){ .name = arena_str(&ini->inventory->arena, name), .section = ini->section,
		                         .line = ini->line_number };
	return pending;
}

static void ini_put_child(struct ini *ini, struct group *parent, struct group *child)
{
	struct err err = ERR_INIT;
	if (inventory_put_child(ini->inventory, parent, child, &err) < 0)
		ini_problem(ini, NULL, 0, "take one of the groups out of the other", "%s", err.text);
}

/* What waited for this group gets it. */
static void ini_declare(struct ini *ini, struct group *group)
{
	struct pending *pending = ini_pending(ini, group->name);
	if (!pending)
		return;
	for (size_t i = 0; i < pending->parent_count; i++)
		ini_put_child(ini, pending->parents[i], group);
	free(pending->parents);
	*pending = ini->pending[--ini->pending_count];
}

/* Length of a group's name at text: neither blank nor ":" nor "]". */
static size_t group_name_length(const char *text)
{
	return strcspn(text, ":] \t\v\f\r");
}

/* Whether nothing but blanks and a comment follows. */
static bool rest_is_comment(const char *text)
{
	text += strspn(text, " \t\v\f\r");
	return !*text || *text == '#';
}

static void ini_enter(struct ini *ini, const char *name, const char *kind)
{
	static const char *const kinds[] = { "hosts", "vars", "children" };
	size_t section = 0;
	while (section < 3 && strcmp(kind, kinds[section]) != 0)
		section++;
	if (section == 3) {
		struct suggest suggest;
		suggest_start(&suggest, kind);
		for (size_t i = 0; i < 3; i++)
			suggest_offer(&suggest, kinds[i]);
		auto_free char *hint = suggest.best ? mem_printf("did you mean [%s:%s]?", name, suggest.best) :
		                                      mem_strdup("a section is [group], [group:vars] or [group:children]");
		ini_problem(ini, strchr(ini->text, ':') + 1, strlen(kind), hint, "unknown kind of section \"%s\"", kind);
		section = SECTION_HOSTS;
	}
	ini->section = (enum section)section;
	bool known = inventory_group(ini->inventory, name) != NULL;
	ini->group = inventory_put_group(ini->inventory, name);
	if (ini->section != SECTION_VARS)
		ini_declare(ini, ini->group);
	else if (!known)
		ini_await(ini, name);
}

/* "[group]", "[group:kind]": false when the line is something else. */
static bool ini_section(struct ini *ini)
{
	const char *at = ini->text + 1;
	if (*ini->text != '[')
		return false;
	size_t name_length = group_name_length(at), kind_length = 0;
	const char *kind = at + name_length;
	if (*kind == ':') {
		kind++;
		while (isalnum((unsigned char)kind[kind_length]) || kind[kind_length] == '_')
			kind_length++;
	}
	const char *end = kind + kind_length;
	if (!name_length || *end != ']' || (end > at + name_length && !kind_length) || !rest_is_comment(end + 1)) {
		bool is_open = !strchr(ini->text, ']');
		if (!is_open && ini->text[strlen(ini->text) - 1] != ']')
			return false;
		if (is_open) {
			ini_problem(ini, NULL, 0, "write: [group]", "this section is not closed by \"]\"");
			return true;
		}
		ini_problem(ini, NULL, 0, "a section is [group], [group:vars] or [group:children], without blanks",
		            "this is not a section");
		return true;
	}
	auto_free char *name = mem_strndup(at, name_length);
	auto_free char *word = mem_strndup(kind_length ? kind : "hosts", kind_length ? kind_length : 5);
	ini_enter(ini, name, word);
	return true;
}

/* The words behind a host's name: k=v each. New dictionary; NULL when one is wrong. */
static json_t *ini_host_vars(struct ini *ini, char **words)
{
	auto_json json_t *values = json_object();
	for (; *words; words++) {
		char *equals = strchr(*words, '=');
		if (!equals || equals == *words) {
			const char *at = strstr(ini->text, *words);
			ini_problem(ini, at && **words ? at : NULL, strlen(*words), "write key=value, and quotes around a value with blanks",
			            "\"%s\" is no variable of a host", *words);
			return NULL;
		}
		*equals = '\0';
		json_object_set_new(values, *words, python_literal(equals + 1));
		const char *at = strstr(ini->text, *words);
		ini_look(ini, at ? at : ini->text, *words, json_object_get(values, *words));
	}
	return steal(values);
}

static void ini_put_hosts(struct ini *ini, const struct host_names *names, int port, json_t *values)
{
	for (size_t i = 0; i < names->count; i++) {
		struct host *host = inventory_put_host(ini->inventory, names->items[i], ini->group, port);
		const char *key;
		json_t *value;
		json_object_foreach(values, key, value)
			host_put_var(ini->inventory, host, key, json_deep_copy(value));
	}
}

static void ini_hosts(struct ini *ini)
{
	auto_shell_words char **words = NULL;
	auto_host_names struct host_names names = HOST_NAMES_INIT;
	struct err err = ERR_INIT;
	size_t count, room = INVENTORY_MAX_HOSTS - ini->inventory->expanded;
	int port;
	if (shell_words(ini->text, &words, &count, &err) < 0) {
		ini_problem(ini, NULL, 0, NULL, "%s", err.text);
		return;
	}
	if (!count || !*words[0] || strcmp(words[0], "---") == 0) {
		ini_problem(ini, NULL, 0, count && *words[0] ? "an inventory in YAML has a name that ends in .yml, or none of the other endings" : NULL,
		            "this is no host's name");
		return;
	}
	if (host_range_expand(words[0], room, &names, &port, &err) < 0) {
		ini_problem(ini, ini->text, strlen(words[0]), NULL, "\"%s\": %s", words[0], err.text);
		return;
	}
	if (words[0][strlen(words[0]) - 1] == ':' && !port) {
		ini_problem(ini, ini->text, strlen(words[0]), "the colon is for a port: web1:2222",
		            "a host's name cannot end in \":\"");
		return;
	}
	auto_json json_t *values = ini_host_vars(ini, words + 1);
	if (!values)
		return;
	ini->inventory->expanded += names.count;
	ini_put_hosts(ini, &names, port, values);
}

static void ini_variable(struct ini *ini)
{
	const char *equals = strchr(ini->text, '=');
	size_t length = equals ? (size_t)(equals - ini->text) : 0;
	while (length && isspace((unsigned char)ini->text[length - 1]))
		length--;
	if (!length) {
		ini_problem(ini, NULL, 0, "in a :vars section each line is key=value", "this is no variable");
		return;
	}
	auto_free char *key = mem_strndup(ini->text, length);
	struct err err = ERR_INIT;
	const char *value = equals + 1;
	while (isspace((unsigned char)*value))
		value++;
	auto_json json_t *read = python_literal(value);
	ini_look(ini, ini->text, key, read);
	if (group_put_var(ini->inventory, ini->group, key, json_incref(read), &err) < 0)
		ini_problem(ini, value, strlen(value), NULL, "%s", err.text);
}

static void ini_child(struct ini *ini)
{
	size_t length = group_name_length(ini->text);
	if (!length || !rest_is_comment(ini->text + length)) {
		ini_problem(ini, NULL, 0, "in a :children section each line is the name of a group", "this is no group's name");
		return;
	}
	auto_free char *name = mem_strndup(ini->text, length);
	struct group *child = inventory_group(ini->inventory, name);
	if (child) {
		ini_put_child(ini, ini->group, child);
		return;
	}
	struct pending *pending = ini_await(ini, name);
	mem_grow(pending->parents, pending->parent_count, pending->parent_room);
	pending->parents[pending->parent_count++] = ini->group;
}

static void ini_line(struct ini *ini)
{
	if (*ini->text == '\0' || *ini->text == '#' || *ini->text == ';')
		return;
	size_t length = strlen(ini->text);
	for (size_t i = 0, step; i < length; i += step) {
		step = printable_utf8(ini->text + i, length - i, NULL);
		if (step)
			continue;
		ini_problem(ini, ini->text + i, 1, NULL, "this is not UTF-8 text");
		return;
	}
	if (ini_section(ini))
		return;
	if (ini->section == SECTION_HOSTS)
		ini_hosts(ini);
	else if (ini->section == SECTION_VARS)
		ini_variable(ini);
	else
		ini_child(ini);
}

/* Groups that were spoken of and never came. */
static void ini_end(struct ini *ini)
{
	for (size_t i = 0; i < ini->pending_count; i++) {
		struct pending *pending = &ini->pending[i];
		struct suggest suggest;
		suggest_start(&suggest, pending->name);
		for (size_t j = 0; j < ini->inventory->group_count; j++)
			if (strcmp(ini->inventory->groups[j]->name, pending->name) != 0)
				suggest_offer(&suggest, ini->inventory->groups[j]->name);
		auto_free char *hint = suggest.best ? mem_printf("did you mean \"%s\"?", suggest.best) :
		                                      mem_printf("declare it with a section [%s]", pending->name);
		struct place place = { .file = ini->name, .line = pending->line };
		problem_add(ini->problems, PROBLEM_ERROR, place, NULL, hint, "the group \"%s\" is used and not defined",
		            pending->name);
		free(pending->parents);
	}
	free(ini->pending);
}

void inventory_ini_read(struct inventory *inventory, const char *name, const char *bytes, size_t length,
                        struct problems *problems)
{
	struct ini ini = { .inventory = inventory, .problems = problems, .name = arena_str(&inventory->arena, name),
		               .group = inventory->ungrouped };
	for (size_t at = 0; at < length;) {
		const char *newline = memchr(bytes + at, '\n', length - at);
		size_t end = newline ? (size_t)(newline - bytes) : length;
		auto_free char *line = mem_strndup(bytes + at, end - at);
		ini.line_number++;
		at = end + 1;
		size_t kept = strlen(line); /* a NUL byte ends the line */
		while (kept && isspace((unsigned char)line[kept - 1]))
			kept--;
		line[kept] = '\0';
		ini.line = line;
		ini.text = line;
		while (isspace((unsigned char)*ini.text))
			ini.text++;
		ini_line(&ini);
	}
	ini_end(&ini);
}
