/* The check of files on the controller that a task names by plain text: that they are there, and that a template can be
 * compiled. What the run itself may make, or may not come to, is none of an error. */
#include <string.h>

#include "base/arena.h"
#include "base/file.h"
#include "base/mem.h"
#include "model/vault.h"
#include "modules/command_task.h"
#include "run/check_inside.h"

enum { TEMPLATE_MOST = 1024 * 1024 }; /* bytes of a file that is compiled here */

/* ---- what the run may make ---- */

struct making {
	const struct entry *entry; /* which names the file */
	const char *name;          /* without its folders */
	bool is_named, is_at_home; /* another task has the name in it; another task acts on the controller */
};

static bool has_name(const json_t *value, const char *name)
{
	const char *key;
	json_t *member;
	size_t i;
	if (json_is_string(value))
		return strstr(json_string_value(value), name) != NULL;
	json_array_foreach((json_t *)value, i, member) {
		if (has_name(member, name))
			return true;
	}
	json_object_foreach((json_t *)value, key, member) {
		if (has_name(member, name))
			return true;
	}
	return false;
}

static bool is_here(const char *host)
{
	return host && (spec_is_template(host) || strcmp(host, "localhost") == 0 || strcmp(host, "127.0.0.1") == 0);
}

static void look_at(void *context, const struct entry *entry)
{
	struct making *making = context;
	if (entry == making->entry || entry->kind != ENTRY_TASK)
		return;
	making->is_named = making->is_named || has_name(entry->arguments.value, making->name) ||
	                   has_name(entry->extra_arguments.value, making->name);
	const char *connection = json_string_value(scope_keyword(&entry->scope, "connection").value);
	making->is_at_home = making->is_at_home || strcmp(entry->action, "fetch") == 0 ||
	                     is_here(json_string_value(scope_keyword(&entry->scope, "delegate_to").value)) ||
	                     (connection && strcmp(connection, "local") == 0);
}

static void look_everywhere(const struct playbook *playbook, struct making *making)
{
	for (size_t i = 0; i < playbook->count; i++) {
		const struct play *play = playbook->plays[i];
		const struct entries *sections[] = { &play->pre_tasks, &play->roles, &play->tasks, &play->post_tasks, &play->handlers };
		for (size_t s = 0; s < sizeof(sections) / sizeof(*sections); s++)
			entries_each(sections[s], look_at, making);
		making->is_at_home = making->is_at_home || is_here(json_string_value(play->hosts.value));
	}
}

static void note_condition(void *context, struct node value)
{
	if (!json_is_true(value.value))
		*(bool *)context = true;
}

/* Whether the task may be passed over, or may fail and be no failure. */
static bool is_conditional(const struct entry *entry)
{
	bool conditional = false;
	scope_each(&entry->scope, "when", note_condition, &conditional);
	struct node ignore = scope_keyword(&entry->scope, "ignore_errors");
	conditional = conditional || (ignore.value && keyword_bool(ignore.value) != 0);
	for (const struct scope *at = &entry->scope; at && !conditional; at = at->parent)
		conditional = at->kind == SCOPE_BLOCK && scope_own(at, "rescue").value;
	for (size_t i = 0; i < keyword_count && !conditional; i++)
		conditional = (keyword_is_loop(keywords[i].name) || strcmp(keywords[i].name, "failed_when") == 0) && scope_own(&entry->scope, keywords[i].name).value;
	return conditional;
}

/* ---- a file that is not there ---- */

static void report_missing(struct check *check, const struct entry *entry, struct node node, const char *kind, const char *text)
{
	const char *slash = strrchr(text, '/');
	struct making making = { .entry = entry, .name = slash && slash[1] ? slash + 1 : text };
	look_everywhere(check->playbook, &making);
	if (making.is_named)
		return;
	auto_free char *near = scope_near_file(&entry->scope, kind, text), *sought = NULL;
	if (!near && *text != '/')
		sought = mem_printf("it was looked for in %s/ and beside it, in the role and beside the playbook", kind);
	const char *hint = near ? near : sought;
	const char *what = strcmp(kind, "templates") == 0 ? "template" : "file";
	if (making.is_at_home || is_conditional(entry))
		node_warning(check->problems, node, hint, "there is no %s \"%s\" now", what, text);
	else
		node_problem(check->problems, node, hint, "there is no %s \"%s\"", what, text);
}

/* ---- templates ---- */

static void compile(struct check *check, struct node node, const char *path, json_t *bound)
{
	const struct template_settings settings = {
		.trim_blocks = !json_is_false(json_object_get(bound, "trim_blocks")),
		.lstrip_blocks = json_is_true(json_object_get(bound, "lstrip_blocks")),
		.block_start = json_string_value(json_object_get(bound, "block_start_string")),
		.block_end = json_string_value(json_object_get(bound, "block_end_string")),
		.variable_start = json_string_value(json_object_get(bound, "variable_start_string")),
		.variable_end = json_string_value(json_object_get(bound, "variable_end_string")),
		.comment_start = json_string_value(json_object_get(bound, "comment_start_string")),
		.comment_end = json_string_value(json_object_get(bound, "comment_end_string")),
	};
	auto_buf struct buf text = BUF_INIT;
	struct err err = ERR_INIT;
	if (file_read(path, TEMPLATE_MOST, &text, &err) < 0 || vault_is_sealed(buf_text(&text), text.length))
		return; /* the run will tell */
	if (template_check_file(check->vm, path, buf_text(&text), text.length, &settings, &err) < 0)
		check_report(check, node, false, "template", &err);
}

/* ---- arguments ---- */

/* The file that a script's command line begins with. */
static const char *script_of(struct arena *arena, const char *line)
{
	const char *why, *const *words = command_task_split(arena, line, &why);
	return words ? words[0] : NULL;
}

static bool is_elsewhere(json_t *bound)
{
	json_t *remote = json_object_get(bound, "remote_src"), *copy = json_object_get(bound, "copy");
	return (remote && !json_is_false(remote)) || (copy && !json_is_true(copy));
}

void check_files(struct check *check, const struct entry *entry, const struct module *module, json_t *bound)
{
	bool is_template = strcmp(module->name, "template") == 0, is_script = strcmp(module->name, "script") == 0;
	const char *kind = is_template ? "templates" : strcmp(module->name, "include_vars") == 0 ? "vars" : "files";
	auto_arena struct arena arena = ARENA_INIT;
	if (!check->playbook || is_elsewhere(bound))
		return;
	for (const struct arg *arg = module->spec.args; arg && arg->name; arg++) {
		const char *text = arg->controller_path ? json_string_value(json_object_get(bound, arg->name)) : NULL;
		if (!text || spec_is_template(text) || *text == '~' || !*text)
			continue;
		if (is_script && !(text = script_of(&arena, text)))
			continue;
		struct node node = check_argument_node(entry, arg);
		auto_free char *path = scope_find_file(&entry->scope, kind, text);
		if (!path)
			report_missing(check, entry, node, kind, text);
		else if (is_template)
			compile(check, node, path, bound);
	}
}
