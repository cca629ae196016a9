/* Tasks and blocks: which key of a task is its module, the shorthands for arguments, and static imports. */
#include <string.h>

#include "base/mem.h"
#include "base/suggest.h"
#include "model/loader.h"
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
	static const char *const own[] = { "import_tasks", "import_role", "include_tasks", "include_role" };
	for (size_t i = 0; i < sizeof(own) / sizeof(*own); i++)
		if (strcmp(action, own[i]) == 0)
			return true;
	return false;
}

static const char *short_name(const char *name)
{
	static const char *const prefixes[] = { "ansible.builtin.", "ansible.legacy." };
	for (size_t i = 0; i < sizeof(prefixes) / sizeof(*prefixes); i++)
		if (strncmp(name, prefixes[i], strlen(prefixes[i])) == 0)
			return name + strlen(prefixes[i]);
	return name;
}

/* ansible-core's modules: what people will have in their playbooks. */
static bool is_ansibles(const char *name)
{
	static const char *const names[] = {
		"add_host", "apt", "apt_key", "apt_repository", "assemble", "assert", "async_status", "blockinfile", "command",
		"copy", "cron", "debconf", "debug", "dnf", "dnf5", "dpkg_selections", "expect", "fail", "fetch", "file", "find",
		"gather_facts", "get_url", "getent", "git", "group", "group_by", "hostname", "import_playbook", "include",
		"iptables", "known_hosts", "lineinfile", "meta", "mount_facts", "package", "package_facts", "pause", "ping", "pip",
		"raw", "reboot", "replace", "rpm_key", "script", "service", "service_facts", "set_fact", "set_stats", "setup",
		"shell", "slurp", "stat", "subversion", "systemd", "systemd_service", "sysvinit", "tempfile", "template",
		"unarchive", "uri", "user", "validate_argument_spec", "wait_for", "wait_for_connection", "yum", "yum_repository",
	};
	for (size_t i = 0; i < sizeof(names) / sizeof(*names); i++)
		if (strcmp(short_name(name), names[i]) == 0)
			return true;
	return false;
}

static bool is_known(struct loader *loader, const char *action)
{
	return is_own(action) || loader->modules->known(loader->modules->context, action);
}

static void offer(void *to, const char *name) { suggest_offer(to, name); }

/* A module named where only a module can stand: by action, or with a prefix. */
static void unknown_module(struct loader *loader, const char *name, struct node at, bool at_key)
{
	struct suggest suggest;
	suggest_start(&suggest, name);
	if (loader->modules->each)
		loader->modules->each(loader->modules->context, offer, &suggest);
	auto_free char *hint = suggest.best ? mem_printf("did you mean \"%s\"?", suggest.best) : NULL;
	if (at_key)
		node_problem_key(loader->problems, at, hint, "unknown module \"%s\"", name);
	else
		node_problem(loader->problems, at, hint, "unknown module \"%s\"", name);
}

static void lacking_module(struct loader *loader, const char *name, struct node value)
{
	auto_free char *hint = mem_printf("a module in Lua can take its place: library/%s.lua", name);
	node_problem_key(loader->problems, value, hint, "neap does not have Ansible's module \"%s\" yet", name);
}

/* A key that is neither a keyword nor a module. */
static void unknown_key(struct loader *loader, const char *key, struct node value, enum keyword_place place,
                        const char *what)
{
	if (strcmp(short_name(key), "import_playbook") == 0)
		node_problem_key(loader->problems, value, "put it beside the plays", "import_playbook is no task");
	else if (strcmp(short_name(key), "include") == 0)
		node_problem_key(loader->problems, value, "write include_tasks or import_tasks", "include is gone from Ansible");
	else if (is_ansibles(key))
		lacking_module(loader, short_name(key), value);
	else if (short_name(key) != key)
		unknown_module(loader, short_name(key), value, true);
	else if (strchr(key, '.'))
		node_problem_key(loader->problems, value,
		                 "neap has no collections: name one of its modules, or write one as library/NAME.lua",
		                 "unknown module \"%s\"", key);
	else
		loader_unknown_key(loader, key, place, what, value, true);
}

struct reading { /* of one task */
	struct loader *loader;
	struct entry *entry;
	enum keyword_place place;
	const char *what;      /* "a task" */
	struct node module;    /* where the module is named */
	size_t modules, unknown;
};

static void found_module(struct reading *reading, const char *key, struct node value)
{
	if (reading->modules++ == 0) {
		reading->module = value;
		reading->entry->action = short_name(key);
		reading->entry->arguments = value;
		return;
	}
	auto_free char *hint = mem_printf("make two tasks of it, one for %s and one for %s", reading->entry->action,
	                                  short_name(key));
	node_problem_key(reading->loader->problems, value, hint, "a task has one module, this one names a second: \"%s\"",
	                 key);
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
	else if (!is_known(reading->loader, short_name(name)))
		unknown_module(reading->loader, name, value, false);
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
	if (!is_known(reading->loader, short_name(name)))
		unknown_module(reading->loader, name, module, false);
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
		reading->entry->scope.implied = json_pack("{s:s}", "delegate_to", "localhost");
}

static void task_key(struct reading *reading, const char *key, struct node value)
{
	struct loader *loader = reading->loader;
	const struct keyword *keyword = keyword_find(key);
	if (keyword) {
		bool fits = loader_keyword(loader, keyword, reading->place, reading->what, value);
		if (strcmp(key, "action") == 0 || strcmp(key, "local_action") == 0)
			task_action(reading, key, value);
		else if (fits && strcmp(key, "args") == 0)
			reading->entry->extra_arguments = value;
		else if (fits && strcmp(key, "vars") == 0)
			loader_check_vars(loader, value);
	} else if (is_known(loader, short_name(key))) {
		found_module(reading, key, value);
	} else {
		reading->unknown++;
		unknown_key(loader, key, value, reading->place, reading->what);
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
	bool is_whole = task_is_whole(&reading, node);
	if (is_whole && is_own(entry->action))
		own_arguments(&reading);
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
		if (!keyword && is_known(loader, short_name(key)))
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
