/* include_vars: variables from files on the controller, while the play runs. */
#include <string.h>

#include "base/mem.h"
#include "base/pattern.h"
#include "model/vars.h"
#include "plan/module.h"
#include "plan/path.h"

struct include_want {
	const char *file, *dir, *files_matching, *name, *hash_behaviour;
	json_t *ignore_files, *extensions;
	long long depth;
	int ignore_unknown_extensions;
};

static const char *const file_names[] = { "_raw_params", NULL };
static const char *const behaviours[] = { "replace", "merge", NULL };
static const struct arg include_args[] = {
	{ .name = "file", .type = ARG_PATH, .aliases = file_names, .offset = offsetof(struct include_want, file), .controller_path = true,
	  .doc = "A file, looked up in vars/ beside the role and the playbook." },
	{ .name = "dir", .type = ARG_PATH, .offset = offsetof(struct include_want, dir), .controller_path = true,
	  .doc = "A folder whose files are all read, folder by folder and in order of their names; a later one wins." },
	{ .name = "name", .offset = offsetof(struct include_want, name),
	  .doc = "A variable that becomes a dictionary of what was read. Without it each is a variable of its own." },
	{ .name = "depth", .type = ARG_INT, .fallback = "0", .offset = offsetof(struct include_want, depth),
	  .doc = "How many folders inside of each other are read; 1: only dir itself, 0: all." },
	{ .name = "files_matching", .offset = offsetof(struct include_want, files_matching),
	  .doc = "A regular expression; only files whose names have it are read." },
	{ .name = "ignore_files", .type = ARG_LIST, .offset = offsetof(struct include_want, ignore_files),
	  .doc = "Regular expressions; files whose names end in one are not read." },
	{ .name = "extensions", .type = ARG_LIST, .fallback = "[\"json\", \"yaml\", \"yml\"]",
	  .offset = offsetof(struct include_want, extensions), .doc = "What the names of files in dir end in." },
	{ .name = "ignore_unknown_extensions", .type = ARG_BOOL, .fallback = "false",
	  .offset = offsetof(struct include_want, ignore_unknown_extensions),
	  .doc = "Leaves out files with other endings, which are an error without it." },
	{ .name = "hash_behaviour", .choices = behaviours, .offset = offsetof(struct include_want, hash_behaviour),
	  .doc = "merge: a dictionary is merged, at all depths, into the one that the variable is now." },
	{ 0 },
};

static const struct rule include_rules[] = {
	{ .kind = RULE_EXCLUSIVE, .names = (const char *const[]){ "file", "dir", NULL } },
	{ .kind = RULE_ONE_OF, .names = (const char *const[]){ "file", "dir", NULL } },
	{ .kind = RULE_EXCLUSIVE, .names = (const char *const[]){ "file", "files_matching", NULL } },
	{ .kind = RULE_EXCLUSIVE, .names = (const char *const[]){ "file", "ignore_files", NULL } },
	{ 0 },
};

static const struct module_example include_examples[] = {
	{ "By system", "{\"name\": \"what differs\", \"include_vars\": \"{{ ansible_os_family }}.json\"}" },
	{ "A folder", "{\"name\": \"all services\", \"include_vars\": {\"dir\": \"services\", \"name\": \"services\"}}" },
	{ 0 },
};

static const struct module_return include_returns[] = {
	{ "ansible_facts", "dict", "The variables." },
	{ "ansible_included_var_files", "list", "The files that were read." },
	{ 0 },
};

struct including {
	const struct include_want *want;
	struct decision *decision;
	json_t *values, *files; /* owned by the decision's result, in the end */
	bool waits;
};

static int fail(struct including *including, const char *text)
{
	result_str(including->decision, "message", text);
	return result_fail(including->decision, "%s", text);
}

static const struct answer *ask_here(struct decision *decision, enum ask_kind kind, const char *path, bool recurse)
{
	return ask_local(decision, &(struct ask){ .kind = kind, .path = path, .follow = kind == ASK_STAT, .recurse = recurse });
}

static void read_file(struct including *including, const char *path)
{
	const struct answer *vars = ask_here(including->decision, ASK_VARS, path, false);
	if (!vars) {
		including->waits = true;
	} else if (vars->state != ANSWER_OK || !json_is_object(vars->facts)) {
		fail(including, vars->state == ANSWER_OK ? arena_printf(&including->decision->arena, "%s must be stored as a dictionary/hash", path)
		                                         : vars->why);
	} else {
		auto_json json_t *copy = json_deep_copy(vars->facts);
		json_object_update(including->values, copy);
		json_array_append_new(including->files, json_string(path));
	}
}

/* ---- a folder ---- */

/* Whether a name has the expression, at its end if so wanted; a fault of the expression fails the task. */
static bool has_expression(struct including *including, const char *name, const char *expression, bool at_end)
{
	struct err err = ERR_INIT;
	auto_free char *text = mem_printf("%s%s", expression, at_end ? "$" : "");
	auto_pattern struct pattern *pattern = pattern_new(text, 0, &err);
	if (!pattern) {
		fail(including, arena_printf(&including->decision->arena, "Invalid regular expression: %s", err.text));
		return false;
	}
	return pattern_matches(pattern, name, strlen(name), PATTERN_SEARCH);
}

static bool has_extension(const struct including *including, const char *name)
{
	const char *dot = strrchr(name, '.');
	for (size_t i = 0; dot && dot > name && i < json_array_size(including->want->extensions); i++) {
		if (strcmp(dot + 1, json_string_value(json_array_get(including->want->extensions, i))) == 0)
			return true;
	}
	return false;
}

static bool is_ignored(struct including *including, const char *name)
{
	json_t *list = including->want->ignore_files;
	for (size_t i = 0; i < json_array_size(list); i++) {
		if (has_expression(including, name, json_string_value(json_array_get(list, i)), true))
			return true;
	}
	return false;
}

static void consider(struct including *including, const char *path)
{
	const struct include_want *want = including->want;
	const char *name = path_base(path);
	if ((want->files_matching && !has_expression(including, name, want->files_matching, false)) || is_ignored(including, name))
		return;
	if (has_extension(including, name)) {
		read_file(including, path);
	} else if (!want->ignore_unknown_extensions) {
		auto_buf struct buf list = BUF_INIT;
		for (size_t i = 0; i < json_array_size(want->extensions); i++)
			buf_printf(&list, "%s%s", i ? ", " : "", json_string_value(json_array_get(want->extensions, i)));
		fail(including, arena_printf(&including->decision->arena, "%s does not have a valid extension: %s", path, buf_text(&list)));
	}
}

static size_t slashes(const char *path)
{
	size_t count = 0;
	for (; *path; path++)
		count += *path == '/';
	return count;
}

/* Whether entry stands in the folder itself, not deeper. */
static bool is_directly_in(const char *entry, const char *folder)
{
	size_t length = strlen(folder);
	if (!length)
		return !strchr(entry, '/');
	return strncmp(entry, folder, length) == 0 && entry[length] == '/' && !strchr(entry + length + 1, '/');
}

/* The files of one folder, "" for the one that was named. */
static void read_folder(struct including *including, const char *root, const struct list_answer *list, const char *folder)
{
	struct decision *decision = including->decision;
	if (including->want->depth > 0 && (long long)(*folder ? slashes(folder) + 2 : 1) > including->want->depth)
		return;
	for (size_t i = 0; i < list->count && !decision->failed; i++) {
		const struct list_entry *entry = &list->entries[i];
		if (!is_directly_in(entry->name, folder) || entry->stat.type == 'd')
			continue;
		const char *path = path_join(decision, root, entry->name);
		const struct answer *behind = entry->stat.type == 'l' ? ask_here(decision, ASK_STAT, path, false) : NULL;
		if (entry->stat.type == 'l' && !behind)
			including->waits = true;
		else if (entry->stat.type == 'f' || (behind && behind->state == ANSWER_OK && behind->stat.type == 'f'))
			consider(including, path);
	}
}

static void read_tree(struct including *including, const char *root)
{
	struct decision *decision = including->decision;
	const struct answer *stat = ask_here(decision, ASK_STAT, root, false);
	const struct answer *list = ask_here(decision, ASK_LIST, root, true);
	if (!stat || !list) {
		including->waits = true;
	} else if (stat->state == ANSWER_OK && stat->stat.type != 'd') {
		fail(including, arena_printf(&decision->arena, "%s is not a directory", root));
	} else if (list->state != ANSWER_OK) {
		fail(including, arena_printf(&decision->arena, "%s: %s", root, list->why ? list->why : "it cannot be read"));
	} else {
		read_folder(including, root, &list->list, "");
		for (size_t i = 0; i < list->list.count && !decision->failed; i++) {
			if (list->list.entries[i].stat.type == 'd')
				read_folder(including, root, &list->list, list->list.entries[i].name);
		}
	}
}

/* ---- merging ---- */

/* Each dictionary becomes what the variable of that name is now, with it merged into it. */
static void merge_all(struct including *including, json_t *facts)
{
	auto_json json_t *merged = json_object();
	const char *name;
	json_t *value;
	json_object_foreach(facts, name, value) {
		const struct ask ask = { .kind = ASK_VARIABLE, .side = ASK_ON_CONTROLLER, .path = name };
		const struct answer *old = json_is_object(value) ? ask_any(including->decision, &ask) : NULL;
		including->waits = including->waits || (json_is_object(value) && !old);
		if (!old || old->state == ANSWER_ABSENT)
			continue;
		if (old->state == ANSWER_OK && !json_is_object(old->facts))
			continue;
		if (old->state != ANSWER_OK) {
			fail(including, arena_printf(&including->decision->arena, "%s cannot be merged: %s", name, old->why));
			continue;
		}
		json_t *both = json_deep_copy(old->facts);
		vars_merge(both, value);
		json_object_set_new(merged, name, both);
	}
	json_object_update(facts, merged);
}

static int include_decide(const struct module *module, const void *wanted, struct decision *decision, struct err *err)
{
	(void)module, (void)err;
	const struct include_want *want = wanted;
	struct including including = { .want = want, .decision = decision, .values = json_object(), .files = json_array() };
	json_t *facts = want->name ? json_pack("{s:o}", want->name, including.values) : including.values;
	result_set(decision, "ansible_facts", facts);
	result_set(decision, "ansible_included_var_files", including.files);
	const struct answer *found = ask_find(decision, want->dir ? want->dir : want->file, "vars");
	if (!found)
		return 0;
	if (found->state != ANSWER_OK)
		return fail(&including, want->dir ? arena_printf(&decision->arena, "%s directory does not exist", want->dir)
		                                  : arena_printf(&decision->arena, "Could not find or access '%s': %s", want->file,
		                                                 found->why ? found->why : "it is not there"));
	if (want->dir)
		read_tree(&including, found->found);
	else
		read_file(&including, found->found);
	if (!including.waits && !decision->failed && want->hash_behaviour && strcmp(want->hash_behaviour, "merge") == 0)
		merge_all(&including, facts);
	return 0;
}

const struct module include_vars_module = {
	.name = "include_vars",
	.doc = "Reads variables from files on the controller, for the rest of the run. What is in them may be templates.",
	.spec = { .args = include_args, .rules = include_rules, .free_form = "file", .want_size = sizeof(struct include_want) },
	.examples = include_examples,
	.returns = include_returns,
	.decide = include_decide,
	.acts_on_run = true,
	.gives_templates = true,
};
