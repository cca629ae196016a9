/* Tasks and blocks: which key of a task is its module, the shorthands for arguments, and static imports. */
#include <string.h>

#include "base/mem.h"
#include "base/suggest.h"
#include "model/loader.h"
#include "model/module_name.h"
#include "model/words.h"

/* ---- entries ---- */

struct entry *task_new_entry(struct entries *into, enum entry_kind kind, enum scope_kind scope, struct node node,
                             const struct scope *parent)
{
	struct entry *entry = mem_alloc(sizeof(*entry));
	entry->kind = kind;
	entry->scope = (struct scope){ .kind = scope, .parent = parent, .node = node, .role = parent ? parent->role : NULL };
	entry->name = json_string_value(node_get(node, "name").value);
	mem_grow(into->items, into->count, into->room);
	return into->items[into->count++] = entry;
}

static void entry_free(struct entry *entry)
{
	json_decref(entry->scope.implied);
	task_free_entries(&entry->block);
	task_free_entries(&entry->rescue);
	task_free_entries(&entry->always);
	free(entry);
}

void task_free_entries(struct entries *entries)
{
	for (size_t i = 0; i < entries->count; i++)
		entry_free(entries->items[i]);
	free(entries->items);
	*entries = (struct entries){ 0 };
}

/* ---- which module ---- */

/* Modules that the loader or the runner itself is. */
static bool is_own(const char *action)
{
	static const char *const own[] = { "import_tasks", "import_role", "include_tasks", "include_role", "include" };
	for (size_t i = 0; i < sizeof(own) / sizeof(*own); i++)
		if (strcmp(action, own[i]) == 0)
			return true;
	return false;
}

static bool is_known(struct loader *loader, const char *action)
{
	return is_own(action) || loader->modules->known(loader->modules->context, action);
}

static void offer(void *to, const char *name) { suggest_offer(to, name); }

/* The module or keyword that the name was probably meant to be; NULL: it is the name of something else. */
static const char *meant(struct loader *loader, const char *name, bool with_keywords)
{
	struct suggest suggest;
	if (module_name_is_ansibles(name))
		return NULL;
	suggest_start_within(&suggest, name, strlen(name) <= 4 ? 1 : 2);
	for (size_t i = 0; with_keywords && i < keyword_count; i++)
		suggest_offer(&suggest, keywords[i].name);
	if (loader->modules->each)
		loader->modules->each(loader->modules->context, offer, &suggest);
	return suggest.best;
}

static void unknown_module(struct loader *loader, const char *name, struct node at, bool at_key, const char *best)
{
	auto_free char *hint = mem_printf("did you mean \"%s\"?", best);
	if (at_key)
		node_problem_key(loader->problems, at, hint, "unknown module \"%s\"", name);
	else
		node_problem(loader->problems, at, hint, "unknown module \"%s\"", name);
}

struct stray { /* a key that nothing knew, and its value */
	const char *key;
	struct node value;
};

struct reading { /* of one task */
	struct loader *loader;
	struct entry *entry;
	enum keyword_place place;
	const char *what;      /* "a task" */
	struct node module;    /* where the module is named */
	size_t modules, unknown;
	struct stray *strays;  /* keys that are neither keywords nor modules of neap's; owned */
	size_t stray_room;
};

static void found_module(struct reading *reading, const char *key, struct node value)
{
	if (reading->modules++ == 0) {
		reading->module = reading->entry->module = value;
		reading->entry->action = module_name_short(key);
		reading->entry->arguments = value;
		return;
	}
	auto_free char *hint = mem_printf("make two tasks of it, one for %s and one for %s", reading->entry->action,
	                                  module_name_short(key));
	node_problem_key(reading->loader->problems, value, hint, "a task has one module, this one names a second: \"%s\"",
	                 key);
}

/* A module that action: names. */
static void action_name(struct reading *reading, const char *name, struct node at)
{
	if (is_known(reading->loader, module_name_short(name)))
		return;
	const char *best = meant(reading->loader, module_name_short(name), false);
	reading->entry->is_absent = !best;
	if (best)
		unknown_module(reading->loader, name, at, false, best);
}

/* "copy src=a dest=b": the first word is the module, what follows its arguments. */
static void action_string(struct reading *reading, struct node value)
{
	json_t *values = reading->loader->playbook->values;
	const char *text = json_string_value(value.value);
	text += strspn(text, " \t\n");
	size_t length = strcspn(text, " \t\n");
	json_array_append_new(values, json_stringn(text, length));
	const char *name = json_string_value(json_array_get(values, json_array_size(values) - 1));
	text += length;
	text += strspn(text, " \t\n");
	json_array_append_new(values, json_string(text));
	struct node arguments = value;
	arguments.value = json_array_get(values, json_array_size(values) - 1);
	found_module(reading, name, arguments);
	if (!*name)
		node_problem(reading->loader->problems, value, "write: \"copy src=a dest=b\"", "no module is named here");
	else
		action_name(reading, name, value);
}

/* { "module": "copy", "src": "a" } */
static void action_dictionary(struct reading *reading, struct node value)
{
	struct node module = node_get(value, "module");
	const char *name = json_string_value(module.value);
	if (!name) {
		node_problem(reading->loader->problems, value, "{ \"module\": \"copy\", \"src\": ... }",
		             "the module is named by the key \"module\"");
		reading->modules++;
		return;
	}
	json_t *arguments = json_deep_copy(value.value);
	json_object_del(arguments, "module");
	json_array_append_new(reading->loader->playbook->values, arguments);
	struct node rest = value;
	rest.value = arguments;
	found_module(reading, name, rest);
	action_name(reading, name, module);
}

/* A keyword that is not written as such, but follows from what is. */
static void imply(struct entry *entry, const char *name, json_t *value)
{
	if (!entry->scope.implied)
		entry->scope.implied = json_object();
	json_object_set_new(entry->scope.implied, name, value);
}

static void task_action(struct reading *reading, const char *key, struct node value)
{
	if (json_is_string(value.value))
		action_string(reading, value);
	else if (json_is_object(value.value))
		action_dictionary(reading, value);
	else
		reading->modules++; /* its type was reported */
	if (strcmp(key, "local_action") == 0)
		imply(reading->entry, "delegate_to", json_string("localhost"));
}

/* with_community.general.flattened is with_flattened. NULL if key is nothing of that kind. */
static const struct keyword *collection_loop(struct reading *reading, const char *key, struct node value)
{
	size_t length;
	const char *lookup = strncmp(key, "with_", 5) == 0 ? module_name_in_collection(key + 5, &length) : NULL;
	auto_free char *name = lookup ? mem_printf("with_%s", lookup) : NULL;
	const struct keyword *keyword = name ? keyword_find(name) : NULL;
	if (keyword)
		imply(reading->entry, name, json_deep_copy(value.value));
	return keyword;
}

static void task_key(struct reading *reading, const char *key, struct node value)
{
	struct loader *loader = reading->loader;
	bool gathers = strcmp(key, "gather_facts") == 0 && !json_is_boolean(value.value); /* the module, not the play's keyword */
	const struct keyword *keyword = gathers ? NULL : keyword_find(key);
	if (!keyword)
		keyword = collection_loop(reading, key, value);
	if (keyword) {
		bool fits = loader_keyword(loader, keyword, reading->place, reading->what, value);
		if (strcmp(key, "action") == 0 || strcmp(key, "local_action") == 0)
			task_action(reading, key, value);
		else if (fits && strcmp(key, "args") == 0)
			reading->entry->extra_arguments = value;
		else if (fits && strcmp(key, "vars") == 0)
			loader_check_vars(loader, value);
	} else if (is_known(loader, module_name_short(key))) {
		found_module(reading, key, value);
	} else {
		mem_grow(reading->strays, reading->unknown, reading->stray_room);
		reading->strays[reading->unknown++] = (struct stray){ key, value };
	}
}

/* A key that nothing knew. */
static void unknown_key(struct reading *reading, const struct stray *stray)
{
	const struct playbook_modules *modules = reading->loader->modules;
	const struct node arguments = reading->entry->arguments;
	const char *module = reading->modules == 1 ? reading->entry->action : NULL;
	if (!module || !modules->takes || !modules->takes(modules->context, module, stray->key)) {
		loader_unknown_key(reading->loader, stray->key, reading->place, reading->what, stray->value, true);
		return;
	}
	auto_free char *hint = json_is_string(arguments.value)
		? mem_printf("put it into args: \"args\": { \"%s\": ... }", stray->key)
		: mem_printf("put it into \"%s\", one level deeper than it stands", module);
	node_problem_key(reading->loader->problems, stray->value, hint, "\"%s\" is an argument of %s, not a keyword of %s", stray->key,
	                 module, reading->what);
}

/* The key that nothing knew is a module's name, unless the task has a module, or it is next to a name that is known. */
static void stray_key(struct reading *reading)
{
	struct loader *loader = reading->loader;
	const char *key = reading->strays[0].key;
	struct node value = reading->strays[0].value;
	size_t length;
	bool is_own = module_name_short(key) != key;
	const char *best = is_own || !module_name_in_collection(key, &length) ? meant(loader, module_name_short(key), !is_own) : NULL;
	if (strcmp(module_name_short(key), "import_playbook") == 0)
		node_problem_key(loader->problems, value, "put it beside the plays", "import_playbook is no task");
	else if (best && is_own)
		unknown_module(loader, module_name_short(key), value, true, best);
	else if (best || reading->modules || reading->unknown > 1)
		unknown_key(reading, &reading->strays[0]);
	else {
		found_module(reading, key, value);
		reading->entry->is_absent = true;
	}
}

/* Whether the task can be used: it has one module, with arguments of a type that a module can take. */
static bool task_is_whole(struct reading *reading, struct node node)
{
	struct problems *problems = reading->loader->problems;
	const json_t *arguments = reading->entry->arguments.value;
	if (!reading->modules && !reading->unknown)
		node_problem(problems, node, "name one beside the keywords: \"command\": \"uptime\"", "%s without a module",
		             reading->what);
	if (!reading->entry->action || reading->modules != 1)
		return false;
	if (json_is_object(arguments) || json_is_string(arguments) || json_is_null(arguments))
		return true;
	node_problem(problems, reading->module, "{ \"argument\": value, ... }",
	             "the arguments of %s are a dictionary or a string, not %s", reading->entry->action, node_kind(arguments));
	return false;
}

/* The arguments of an include or import as one dictionary, or the file's name alone: k=v words are split, args: added. */
static void own_arguments(struct reading *reading)
{
	struct entry *entry = reading->entry;
	const char *text = json_string_value(entry->arguments.value);
	struct err err = ERR_INIT;
	auto_json json_t *given = text ? words_pairs(text, &err) : json_deep_copy(entry->arguments.value);
	if (!given) {
		node_problem(reading->loader->problems, entry->arguments, err.hint[0] ? err.hint : NULL, "%s: %s", entry->action, err.text);
		return;
	}
	json_t *name = json_object_get(given, "_raw_params");
	bool is_alone = text && name && json_object_size(given) == 1 && !entry->extra_arguments.value;
	if ((!text && !entry->extra_arguments.value) || is_alone)
		return;
	if (json_is_null(given)) {
		json_decref(given);
		given = json_object();
	}
	if (json_is_object(entry->extra_arguments.value)) {
		auto_json json_t *extra = json_deep_copy(entry->extra_arguments.value);
		json_object_update_missing(given, extra);
		entry->extra_arguments = (struct node){ 0 };
	}
	json_array_append(reading->loader->playbook->values, given);
	entry->arguments.value = given;
}

/* ---- imports ---- */

/* An import stands for a block, so that only a block's keywords have a meaning on it. */
static void check_import_keywords(struct reading *reading, struct node node)
{
	for (size_t i = 0; i < node_count(node); i++) {
		const char *key;
		struct node value = node_member(node, i, &key);
		const struct keyword *keyword = keyword_find(key);
		if (!keyword || keyword->places & KEYWORD_BLOCK || strstr(" action local_action args listen ", key))
			continue;
		const char *hint = strcmp(reading->entry->action, "import_tasks") == 0 ? "use include_tasks" : NULL;
		node_problem_key(reading->loader->problems, value, hint, "\"%s\" has no meaning for %s, which is read before the run",
		                 key, reading->entry->action);
	}
}

/* A literal string among the arguments of an import; NULL with a problem where it is required. */
static const char *import_argument(struct reading *reading, const char *name, bool required, struct node *at)
{
	struct problems *problems = reading->loader->problems;
	const struct entry *entry = reading->entry;
	bool is_text = required && json_is_string(entry->arguments.value);
	struct node node = is_text ? entry->arguments : node_get(entry->arguments, name);
	if (!node.value && required)
		node = node_get(entry->arguments, strcmp(name, "name") == 0 ? "role" : "_raw_params");
	*at = node;
	if (!node.value && !required)
		return NULL;
	const char *text = json_string_value(node.value);
	if (!text || !*text) {
		*at = node.value ? node : reading->module;
		node_problem(problems, *at, NULL, "%s needs \"%s\", a string", entry->action, name);
		return NULL;
	}
	if (loader_is_template(text)) {
		bool is_tasks = strcmp(entry->action, "import_tasks") == 0;
		const char *hint = is_tasks ? "use include_tasks, which is read while the play runs" : NULL;
		node_problem(problems, node, hint, "%s is read before the run: \"%s\" cannot be a template", entry->action, name);
		return NULL;
	}
	return text;
}

/* "setup.yml" was converted to "setup.json", say, or the other way round. */
static void report_missing_file(struct reading *reading, const char *name, struct node at)
{
	static const char *const extensions[] = { ".json", ".yml", ".yaml" };
	const char *dot = strrchr(name, '.');
	auto_free char *hint = NULL;
	for (size_t i = 0; i < sizeof(extensions) / sizeof(*extensions) && !hint; i++) {
		auto_free char *other = mem_printf("%.*s%s", dot ? (int)(dot - name) : (int)strlen(name), name, extensions[i]);
		auto_free char *found = scope_find_file(&reading->entry->scope, "tasks", other);
		hint = found ? mem_printf("there is %s", found) : NULL;
	}
	if (!hint)
		hint = scope_near_file(&reading->entry->scope, "tasks", name);
	node_problem(reading->loader->problems, at, hint, "there is no file %s", name);
}

static void import_tasks(struct reading *reading)
{
	struct entry *entry = reading->entry;
	struct node at;
	const char *name = import_argument(reading, "file", true, &at);
	if (!name)
		return;
	auto_free char *path = scope_find_file(&entry->scope, "tasks", name);
	if (!path) {
		report_missing_file(reading, name, at);
		return;
	}
	entry->scope.kind = SCOPE_BLOCK;
	task_read_file(reading->loader, &entry->block, path, at, &entry->scope, reading->place);
}

static void import_role(struct reading *reading)
{
	struct node at, ignored;
	const char *name = import_argument(reading, "name", true, &at);
	struct role_from from = {
		.tasks = import_argument(reading, "tasks_from", false, &ignored),
		.handlers = import_argument(reading, "handlers_from", false, &ignored),
		.vars = import_argument(reading, "vars_from", false, &ignored),
		.defaults = import_argument(reading, "defaults_from", false, &ignored),
		.unvalidated = keyword_bool(node_get(reading->entry->arguments, "rolespec_validate").value) == 0,
		.once = keyword_bool(node_get(reading->entry->arguments, "allow_duplicates").value) == 0,
	};
	if (!name)
		return;
	reading->entry->scope.kind = SCOPE_ROLE;
	role_fill_entry(reading->loader, reading->entry, name, &from, at);
}

/* Turns the task into the block of what it imports. */
static void task_import(struct reading *reading, struct node node)
{
	check_import_keywords(reading, node);
	reading->entry->kind = ENTRY_BLOCK;
	reading->entry->is_static_import = true;
	if (strcmp(reading->entry->action, "import_tasks") == 0)
		import_tasks(reading);
	else
		import_role(reading);
}

/* What include meant before it had two names: read while the play runs only where it has to be. */
static void resolve_include(struct entry *entry)
{
	struct node file = json_is_string(entry->arguments.value) ? entry->arguments : node_get(entry->arguments, "_raw_params");
	if (!file.value)
		file = node_get(entry->arguments, "file");
	const char *name = json_string_value(file.value);
	bool is_late = name && loader_is_template(name);
	for (size_t i = 0; i < keyword_count && !is_late; i++)
		is_late = keyword_is_loop(keywords[i].name) && scope_own(&entry->scope, keywords[i].name).value;
	entry->action = is_late || entry->is_handler ? "include_tasks" : "import_tasks";
}

static void include_role(struct loader *loader, const struct entry *entry)
{
	const char *name = json_string_value(node_get(entry->arguments, "name").value);
	if (!name)
		name = json_string_value(node_get(entry->arguments, "role").value);
	if (name && *name && !loader_is_template(name))
		role_tell_library(loader, name, entry->scope.parent);
}

/* ---- tasks and blocks ---- */

static void task_read(struct loader *loader, struct entries *into, struct node node, const struct scope *parent,
                      enum keyword_place place)
{
	struct reading reading = { .loader = loader, .place = place, .what = place == KEYWORD_HANDLER ? "a handler" : "a task" };
	struct entry *entry = reading.entry = task_new_entry(into, ENTRY_TASK, SCOPE_TASK, node, parent);
	entry->is_handler = place == KEYWORD_HANDLER;
	for (size_t i = 0; i < node_count(node); i++) {
		const char *key;
		struct node value = node_member(node, i, &key);
		task_key(&reading, key, value);
	}
	if (reading.unknown)
		stray_key(&reading);
	for (size_t i = 1; i < reading.unknown; i++)
		unknown_key(&reading, &reading.strays[i]);
	free(reading.strays);
	bool is_whole = task_is_whole(&reading, node);
	if (is_whole && is_own(entry->action))
		own_arguments(&reading);
	if (is_whole && strcmp(entry->action, "include") == 0)
		resolve_include(entry);
	if (!is_whole) {
		into->count--;
		entry_free(entry);
	} else if (strcmp(entry->action, "import_tasks") == 0 || strcmp(entry->action, "import_role") == 0) {
		task_import(&reading, node);
	} else if (strcmp(entry->action, "include_role") == 0) {
		include_role(loader, entry);
	}
}

static void block_section(struct loader *loader, struct entries *into, const char *name, const struct scope *scope)
{
	struct node list = scope_own(scope, name);
	if (json_is_array(list.value)) /* anything else was reported as a keyword */
		task_read_list(loader, into, list, scope, KEYWORD_TASK);
}

static void block_read(struct loader *loader, struct entries *into, struct node node, const struct scope *parent)
{
	struct entry *entry = task_new_entry(into, ENTRY_BLOCK, SCOPE_BLOCK, node, parent);
	for (size_t i = 0; i < node_count(node); i++) {
		const char *key;
		struct node value = node_member(node, i, &key);
		const struct keyword *keyword = keyword_find(key);
		if (!keyword && is_known(loader, module_name_short(key)))
			node_problem_key(loader->problems, value, "put it into the block as a task", "a block has no module of its own");
		else if (!keyword)
			loader_unknown_key(loader, key, KEYWORD_BLOCK, "a block", value, false);
		else if (loader_keyword(loader, keyword, KEYWORD_BLOCK, "a block", value) && strcmp(key, "vars") == 0)
			loader_check_vars(loader, value);
	}
	block_section(loader, &entry->block, "block", &entry->scope);
	block_section(loader, &entry->rescue, "rescue", &entry->scope);
	block_section(loader, &entry->always, "always", &entry->scope);
}

static void read_one(struct loader *loader, struct entries *into, struct node node, const struct scope *parent,
                     enum keyword_place place)
{
	const char *what = place == KEYWORD_HANDLER ? "a handler" : "a task";
	if (!json_is_object(node.value)) {
		node_problem(loader->problems, node, "{ \"name\": \"...\", \"command\": \"...\" }", "%s is a dictionary, not %s", what,
		             node_kind(node.value));
		return;
	}
	struct node lone = node_get(node, node_get(node, "rescue").value ? "rescue" : "always");
	if (node_get(node, "block").value && place == KEYWORD_HANDLER)
		node_problem(loader->problems, node, "name each of its tasks as a handler", "a block cannot be a handler");
	else if (node_get(node, "block").value)
		block_read(loader, into, node, parent);
	else if (lone.value)
		node_problem_key(loader->problems, lone, NULL, "rescue and always belong to a block, and \"block\" is missing");
	else if (node_get(node, "hosts").value && node_get(node, "tasks").value)
		node_problem(loader->problems, node, "a playbook is run, or brought in by import_playbook",
		             "this is a play, not a task");
	else
		task_read(loader, into, node, parent, place);
}

void task_read_list(struct loader *loader, struct entries *into, struct node list, const struct scope *parent,
                    enum keyword_place place)
{
	for (size_t i = 0; i < node_count(list); i++)
		read_one(loader, into, node_at(list, i), parent, place);
}

void task_read_file(struct loader *loader, struct entries *into, const char *path, struct node at,
                    const struct scope *parent, enum keyword_place place)
{
	struct loading frame;
	if (!loader_enter(&loader->files, &frame, path, at, loader->problems))
		return;
	struct document *document = loader_read(loader, path);
	if (document) {
		struct node root = document_root(document);
		if (json_is_array(root.value))
			task_read_list(loader, into, root, parent, place);
		else if (!json_is_null(root.value))
			node_problem(loader->problems, root, "[ { \"name\": ... }, ... ]", "a file of tasks holds a list, not %s",
			             node_kind(root.value));
	}
	loader_leave(&loader->files);
}
