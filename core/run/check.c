/* The check before the first connection: arguments by the modules' tables, templates and conditions by the compiler of the
 * language, and names that must match something. Files that are included by a literal name are checked as well. */
#include "run/check.h"

#include <string.h>

#include "base/mem.h"
#include "base/suggest.h"
#include "run/special.h"

struct check {
	const struct registry *registry;
	struct template_vm *vm;
	struct problems *problems;
	struct playbook_modules modules; /* as the registry has them, for included files */
	json_t *handlers;       /* names that can be notified, as keys; NULL: not checked */
	bool handlers_unknown;  /* more may come while the play runs */
	struct node *notifies;  /* names to look up once all handlers are known */
	size_t notify_count, notify_room;
	struct fragment **fragments; /* included files, kept while nodes of theirs are in use */
	size_t fragment_count, fragment_room;
	char **files;           /* included files that were looked at */
	size_t file_count, file_room;
};

static void check_entry(void *context, const struct entry *entry);

/* ---- templates and conditions ---- */

static void report_err(struct check *check, struct node node, bool at_key, const char *what, const struct err *err)
{
	const char *hint = err->hint[0] ? err->hint : NULL;
	if (at_key)
		node_problem_key(check->problems, node, hint, "%s: %s", what, err->text);
	else
		node_problem(check->problems, node, hint, "%s: %s", what, err->text);
}

static void check_text(struct check *check, struct node node, const char *text, bool at_key)
{
	struct err err = ERR_INIT;
	if (spec_is_template(text) && template_check(check->vm, text, false, &err) < 0)
		report_err(check, node, at_key, "template", &err);
}

/* Every string in a value, keys too. */
static void check_templates(struct check *check, struct node node)
{
	if (json_is_string(node.value))
		check_text(check, node, json_string_value(node.value), false);
	for (size_t i = 0; i < node_count(node); i++) {
		const char *key = NULL;
		struct node inner = json_is_object(node.value) ? node_member(node, i, &key) : node_at(node, i);
		if (key)
			check_text(check, inner, key, true);
		check_templates(check, inner);
	}
}

static void check_condition(struct check *check, struct node node)
{
	struct err err = ERR_INIT;
	const char *text = json_string_value(node.value);
	for (size_t i = 0; json_is_array(node.value) && i < node_count(node); i++)
		check_condition(check, node_at(node, i));
	if (!text)
		return;
	if (spec_is_template(text))
		node_warning(check->problems, node, "write the expression alone: \"name == 'x'\"",
		             "a condition is an expression without {{ }}");
	if (template_check(check->vm, text, true, &err) < 0)
		report_err(check, node, false, "condition", &err);
}

/* ---- keywords ---- */

static void check_loop_control(struct check *check, struct node control)
{
	static const char *const names[] = { "loop_var", "index_var", "label", "pause", "extended", "extended_allitems" };
	enum { NAMES = sizeof(names) / sizeof(*names), IDENTIFIERS = 2 };
	for (size_t i = 0; json_is_object(control.value) && i < node_count(control); i++) {
		const char *key;
		struct node value = node_member(control, i, &key);
		struct suggest suggest;
		suggest_start(&suggest, key);
		size_t found = 0;
		while (found < NAMES && strcmp(names[found], key) != 0)
			suggest_offer(&suggest, names[found++]);
		const char *text = json_string_value(value.value);
		if (found == NAMES) {
			auto_free char *hint = suggest.best ? mem_printf("did you mean \"%s\"?", suggest.best) : NULL;
			node_problem_key(check->problems, value, hint, "unknown key \"%s\" of loop_control", key);
		} else if (found < IDENTIFIERS && (!text || !playbook_is_identifier(text))) {
			node_problem(check->problems, value, NULL, "\"%s\" must be the name of a variable", key);
		}
	}
}

static bool is_loop(const char *keyword) { return strcmp(keyword, "loop") == 0 || strncmp(keyword, "with_", 5) == 0; }

static void check_keyword(struct check *check, const struct keyword *keyword, struct node value)
{
	const char *name = keyword->name, *text = json_string_value(value.value);
	if (keyword->type == KEYWORD_CONDITION)
		check_condition(check, value);
	else if (strcmp(name, "register") == 0 && text && !playbook_is_identifier(text))
		node_problem(check->problems, value, NULL, "\"%s\" cannot name a variable", text);
	else if (keyword->type != KEYWORD_TASKS && keyword->templated)
		check_templates(check, value);
	if (strcmp(name, "loop_control") == 0)
		check_loop_control(check, value);
}

/* Of a play, role, block or task. */
static void check_keywords(struct check *check, const struct scope *scope)
{
	const char *loop = NULL;
	for (size_t i = 0; i < node_count(scope->node); i++) {
		const char *key;
		struct node value = node_member(scope->node, i, &key);
		const struct keyword *keyword = keyword_find(key);
		if (!keyword) {
			if (scope->kind == SCOPE_ROLE) /* a variable for the role */
				check_templates(check, value);
			continue;
		}
		check_keyword(check, keyword, value);
		if (is_loop(key) && loop)
			node_problem_key(check->problems, value, NULL, "a task has one loop, this one has \"%s\" and \"%s\"", loop, key);
		loop = is_loop(key) ? key : loop;
	}
}

/* ---- handlers ---- */

static void add_names(json_t *names, json_t *value)
{
	if (json_is_string(value))
		json_object_set_new(names, json_string_value(value), json_true());
	for (size_t i = 0; json_is_array(value) && i < json_array_size(value); i++)
		add_names(names, json_array_get(value, i));
}

static void collect_handler(void *context, const struct entry *entry)
{
	struct check *check = context;
	if (entry->kind != ENTRY_TASK)
		return;
	if (strncmp(entry->action, "include_", 8) == 0 || (entry->name && spec_is_template(entry->name)))
		check->handlers_unknown = true;
	add_names(check->handlers, scope_own(&entry->scope, "listen").value);
	if (!entry->name)
		return;
	json_object_set_new(check->handlers, entry->name, json_true());
	if (entry->scope.role) {
		auto_free char *full = mem_printf("%s : %s", entry->scope.role->name, entry->name);
		json_object_set_new(check->handlers, full, json_true());
	}
}

static void remember_notify(void *context, struct node value)
{
	struct check *check = context;
	if (json_is_array(value.value)) {
		for (size_t i = 0; i < node_count(value); i++)
			remember_notify(check, node_at(value, i));
		return;
	}
	mem_grow(check->notifies, check->notify_count, check->notify_room);
	check->notifies[check->notify_count++] = value;
}

static void check_notify(struct check *check, struct node node)
{
	const char *name = json_string_value(node.value);
	if (!name || spec_is_template(name) || json_object_get(check->handlers, name))
		return;
	struct suggest suggest;
	suggest_start(&suggest, name);
	const char *known;
	json_t *value;
	json_object_foreach(check->handlers, known, value)
		suggest_offer(&suggest, known);
	auto_free char *near = suggest.best ? mem_printf("did you mean \"%s\"?", suggest.best) : NULL;
	bool none = json_object_size(check->handlers) == 0;
	node_problem(check->problems, node, none ? "the play has no handlers" : near, "no handler is called \"%s\"", name);
}

/* ---- arguments ---- */

struct binding { /* of one task's arguments */
	struct check *check;
	const struct entry *entry;
	const struct module *module;
};

/* The member of a path such as "options.name" or "list[2]" as written; value NULL if it is not there. */
static struct node walk_path(struct node node, const char *path)
{
	struct node whole = node_get(node, path);
	if (whole.value || !*path)
		return whole;
	while (*path && node.value) {
		if (*path == '[') {
			char *end = NULL;
			node = node_at(node, strtoul(path + 1, &end, 10));
			path = *end == ']' ? end + 1 : end;
		} else {
			path += *path == '.';
			size_t length = strcspn(path, ".[");
			auto_free char *key = mem_strndup(path, length);
			node = node_get(node, key);
			path += length;
		}
	}
	return node;
}

/* Moves the place to the word "name=..." of arguments that are a string, where its characters stand as in the file. */
static void point_into_string(struct node *node, const char *name)
{
	const char *text = json_string_value(node->value);
	size_t length = strlen(name);
	if (!text || (size_t)node->place.width != strlen(text) + 2)
		return;
	for (const char *at = text; (at = strstr(at, name)); at += length) {
		if (at[length] != '=' || (at > text && !strchr(" \t", at[-1])))
			continue;
		node->place.column += (int)(at - text) + 1;
		node->place.width = (int)strcspn(at, " \t");
		node->key = node->place;
		return;
	}
}

/* Where an argument was written. */
static struct node argument_node(const struct entry *entry, const char *path)
{
	struct node node = walk_path(entry->arguments, path);
	if (!node.value)
		node = walk_path(entry->extra_arguments, path);
	if (node.value)
		return node;
	node = entry->arguments;
	if (*path && json_is_string(node.value))
		point_into_string(&node, path);
	else
		node.place = node.key; /* from a default: the module's name */
	return node;
}

static void report(void *context, const char *path, bool at_key, const char *hint, const char *text)
{
	const struct binding *binding = context;
	struct problems *problems = binding->check->problems;
	const char *module = binding->module->name;
	struct node node = argument_node(binding->entry, path);
	if (!*path)
		node_problem_key(problems, node, hint, "module %s: %s", module, text);
	else if (at_key && strncmp(text, "unknown", 7) == 0)
		node_problem_key(problems, node, hint, "%s of module %s", text, module);
	else if (at_key)
		node_problem_key(problems, node, hint, "module %s: %s", module, text);
	else
		node_problem(problems, node, hint, "\"%s\" of module %s%s %s", path, module,
		             strncmp(text, "must", 4) == 0 ? "" : ":", text);
}

struct defaults { /* of module_defaults, for one module */
	const struct registry *registry;
	const struct module *module;
	json_t *values;
};

static void merge_defaults(void *context, struct node value)
{
	struct defaults *defaults = context;
	if (json_is_array(value.value)) {
		for (size_t i = 0; i < node_count(value); i++)
			merge_defaults(defaults, node_at(value, i));
		return;
	}
	const char *name;
	json_t *arguments;
	json_object_foreach(value.value, name, arguments) {
		if (registry_find(defaults->registry, name) != defaults->module || !json_is_object(arguments))
			continue;
		auto_json json_t *copy = json_deep_copy(arguments);
		json_object_update(defaults->values, copy);
	}
}

/* Adds what module_defaults gives and the task does not, under none of the argument's names. */
static void add_defaults(struct check *check, const struct entry *entry, const struct module *module, json_t *arguments)
{
	auto_json json_t *values = json_object();
	struct defaults defaults = { .registry = check->registry, .module = module, .values = values };
	scope_each(&entry->scope, "module_defaults", merge_defaults, &defaults);
	const char *name, *written;
	json_t *value, *ignored;
	json_object_foreach(values, name, value) {
		const struct arg *arg = spec_find(&module->spec, name);
		bool is_given = json_object_get(arguments, name) != NULL;
		json_object_foreach(arguments, written, ignored)
			is_given = is_given || (arg && spec_find(&module->spec, written) == arg);
		if (!is_given)
			json_object_set(arguments, name, value);
	}
}

/* Templates in arguments; what is an expression by the module's table is checked as one. */
static void check_argument_texts(struct check *check, const struct entry *entry, const struct module *module,
                                 json_t *arguments)
{
	const char *name;
	json_t *value;
	json_object_foreach(arguments, name, value) {
		struct node node = argument_node(entry, name);
		const struct arg *arg = spec_find(&module->spec, name);
		if (!json_equal(node.value, value)) /* a part of a string, which has no place of its own */
			node.value = value;
		check_text(check, node, name, true);
		if (arg && (arg->type == ARG_CONDITION || arg->type == ARG_EXPRESSION || arg->elements == ARG_CONDITION))
			check_condition(check, node);
		else
			check_templates(check, node);
	}
}

/* Whether the arguments are one template, of which nothing is known. */
static bool is_opaque(const struct entry *entry, const struct spec *spec)
{
	const char *text = json_string_value(entry->arguments.value);
	if (json_is_string(entry->extra_arguments.value))
		return true;
	return text && !spec->free_form && strncmp(text + strspn(text, " "), "{{", 2) == 0;
}

static void check_arguments(struct check *check, const struct entry *entry, const struct module *module)
{
	struct err err = ERR_INIT;
	if (is_opaque(entry, &module->spec)) {
		check_templates(check, entry->arguments);
		check_templates(check, entry->extra_arguments);
		return;
	}
	auto_json json_t *arguments = spec_arguments(&module->spec, entry->arguments.value, entry->extra_arguments.value, &err);
	if (!arguments) {
		auto_free char *what = mem_printf("module %s", module->name);
		report_err(check, entry->arguments, false, what, &err);
		return;
	}
	check_argument_texts(check, entry, module, arguments);
	add_defaults(check, entry, module, arguments);
	struct binding binding = { .check = check, .entry = entry, .module = module };
	auto_json json_t *bound = spec_bind(&module->spec, arguments, SPEC_TEMPLATES, report, &binding, NULL);
}

/* ---- what the runner itself does ---- */

static void check_known(struct check *check, struct node node, bool at_key, const char *text, const char *const *names,
                        const char *format)
{
	struct suggest suggest;
	suggest_start(&suggest, text);
	for (; *names; names++) {
		if (strcmp(*names, text) == 0)
			return;
		suggest_offer(&suggest, *names);
	}
	auto_free char *hint = suggest.best ? mem_printf("did you mean \"%s\"?", suggest.best) : NULL;
	if (at_key)
		node_problem_key(check->problems, node, hint, "unknown argument \"%s\" of module %s", text, format);
	else
		node_problem(check->problems, node, hint, "%s has no action \"%s\"", format, text);
}

static void check_meta(struct check *check, const struct entry *entry)
{
	static const char *const actions[] = { "flush_handlers", "noop", "end_host", "end_play", "end_batch", "clear_facts",
	                                       "clear_host_errors", "reset_connection", NULL };
	struct node action = json_is_string(entry->arguments.value) ? entry->arguments : node_get(entry->arguments, "free_form");
	const char *text = json_string_value(action.value);
	if (!text)
		node_problem(check->problems, entry->arguments, "\"meta\": \"flush_handlers\"", "meta takes the name of an action");
	else if (strcmp(text, "refresh_inventory") == 0 || strcmp(text, "end_role") == 0)
		node_problem(check->problems, action, NULL, "neap does not have the action \"%s\" of meta yet", text);
	else if (!spec_is_template(text))
		check_known(check, action, false, text, actions, "meta");
}

static void check_own_arguments(struct check *check, const struct entry *entry)
{
	static const char *const tasks[] = { "file", "apply", NULL };
	static const char *const role[] = { "name", "apply", "tasks_from", "vars_from", "defaults_from", "handlers_from",
	                                    "public", "allow_duplicates", "rolespec_validate", NULL };
	static const char *const vars[] = { "file", "dir", "name", "depth", "files_matching", "ignore_files",
	                                    "ignore_unknown_extensions", "extensions", "hash_behaviour", NULL };
	const char *action = entry->action;
	const char *const *names = strcmp(action, "include_role") == 0 ? role : strcmp(action, "include_vars") == 0 ? vars : tasks;
	struct node given[] = { entry->arguments, entry->extra_arguments };
	for (size_t g = 0; g < 2; g++)
		for (size_t i = 0; json_is_object(given[g].value) && i < node_count(given[g]); i++) {
			const char *key;
			struct node value = node_member(given[g], i, &key);
			check_known(check, value, true, key, names, action);
		}
	check_templates(check, entry->arguments);
	check_templates(check, entry->extra_arguments);
}

/* What an include names: the whole of a string, or the argument. */
static struct node included_name(const struct entry *entry, const char *argument)
{
	struct node name = json_is_string(entry->arguments.value) ? entry->arguments : node_get(entry->arguments, argument);
	return name.value ? name : node_get(entry->extra_arguments, argument);
}

static bool was_seen(struct check *check, const char *path)
{
	for (size_t i = 0; i < check->file_count; i++)
		if (strcmp(check->files[i], path) == 0)
			return true;
	mem_grow(check->files, check->file_count, check->file_room);
	check->files[check->file_count++] = mem_strdup(path);
	return false;
}

/* Each file once: includes may go round in a circle, with a condition. */
static void check_include_tasks(struct check *check, const struct entry *entry)
{
	struct node name = included_name(entry, "file");
	const char *text = json_string_value(name.value);
	if (!text || !*text) {
		name = name.value ? name : entry->arguments;
		node_problem(check->problems, name, "\"include_tasks\": \"more.json\"", "include_tasks needs the name of a file");
		return;
	}
	if (spec_is_template(text))
		return;
	auto_free char *path = scope_find_file(&entry->scope, "tasks", text);
	if (!path) {
		node_problem(check->problems, name, NULL, "there is no file %s", text);
		return;
	}
	struct fragment *fragment = NULL;
	if (was_seen(check, path) || fragment_load_tasks(&fragment, path, &entry->scope, entry->is_handler, &check->modules,
	                                                  check->problems) < 0)
		return;
	mem_grow(check->fragments, check->fragment_count, check->fragment_room);
	check->fragments[check->fragment_count++] = fragment;
	if (check->handlers)
		entries_each(&fragment->handlers, collect_handler, check);
	entries_each(&fragment->entries, check_entry, check);
	entries_each(&fragment->handlers, check_entry, check);
}

static void check_include_role(struct check *check, const struct entry *entry)
{
	struct node name = included_name(entry, "name");
	check->handlers_unknown = true;
	if (!json_string_length(name.value))
		node_problem_key(check->problems, entry->arguments, "\"include_role\": { \"name\": \"common\" }",
		                 "include_role needs \"name\", a string");
}

/* ---- entries ---- */

static void check_action(struct check *check, const struct entry *entry)
{
	const struct module *module = registry_find(check->registry, entry->action);
	if (strcmp(entry->action, "meta") == 0)
		check_meta(check, entry);
	else if (module)
		check_arguments(check, entry, module);
	else if (special_handles(entry))
		check_own_arguments(check, entry);
	else /* the loader knows all of Ansible's includes */
		node_problem_key(check->problems, entry->arguments,
		                 strcmp(entry->action, "include_role") == 0 ? "import_role brings a role in before the run" : NULL,
		                 "neap does not have Ansible's module \"%s\" yet", entry->action);
	if (strcmp(entry->action, "include_tasks") == 0)
		check_include_tasks(check, entry);
	else if (strcmp(entry->action, "include_role") == 0)
		check_include_role(check, entry);
}

static void check_entry(void *context, const struct entry *entry)
{
	struct check *check = context;
	check_keywords(check, &entry->scope);
	struct node notify = scope_own(&entry->scope, "notify");
	if (notify.value)
		remember_notify(check, notify);
	if (entry->kind == ENTRY_TASK)
		check_action(check, entry);
}

/* ---- plays ---- */

static bool registry_known(void *context, const char *name)
{
	return registry_find(((struct check *)context)->registry, name) != NULL;
}

struct offering {
	void (*offer)(void *to, const char *name);
	void *to;
};

static void offer_module(void *context, const struct module *module)
{
	struct offering *offering = context;
	offering->offer(offering->to, module->name);
}

static void registry_offer(void *context, void (*offer)(void *to, const char *name), void *to)
{
	struct offering offering = { offer, to };
	registry_each(((struct check *)context)->registry, offer_module, &offering);
}

static void check_start(struct check *check, const struct registry *registry, struct template_vm *vm,
                        struct problems *problems)
{
	*check = (struct check){ .registry = registry, .vm = vm, .problems = problems };
	check->modules = (struct playbook_modules){ .context = check, .known = registry_known, .each = registry_offer };
}

/* Looks up what was notified, and lets go of the included files. */
static void check_end(struct check *check)
{
	for (size_t i = 0; check->handlers && !check->handlers_unknown && i < check->notify_count; i++)
		check_notify(check, check->notifies[i]);
	for (size_t i = 0; i < check->fragment_count; i++)
		fragment_free(check->fragments[i]);
	for (size_t i = 0; i < check->file_count; i++)
		free(check->files[i]);
	free(check->notifies);
	free(check->fragments);
	free(check->files);
	json_decref(check->handlers);
}

static void check_play(const struct play *play, const struct registry *registry, struct template_vm *vm,
                       struct problems *problems)
{
	struct check check;
	check_start(&check, registry, vm, problems);
	check.handlers = json_object();
	check_keywords(&check, &play->scope);
	entries_each(&play->handlers, collect_handler, &check);
	const struct entries *sections[] = { &play->pre_tasks, &play->roles, &play->tasks, &play->post_tasks, &play->handlers };
	for (size_t i = 0; i < sizeof(sections) / sizeof(*sections); i++)
		entries_each(sections[i], check_entry, &check);
	for (size_t i = 0; i < play->vars_file_count; i++)
		check_templates(&check, play->vars_files[i].vars);
	check_end(&check);
}

void check_playbook(const struct playbook *playbook, const struct registry *registry, struct template_vm *vm,
                    struct problems *problems)
{
	for (size_t i = 0; i < playbook->count; i++)
		check_play(playbook->plays[i], registry, vm, problems);
	struct check check;
	check_start(&check, registry, vm, problems);
	for (size_t i = 0; i < playbook->import_count; i++)
		check_keywords(&check, playbook->imports[i]);
	for (size_t i = 0; i < playbook->role_count; i++) {
		check_templates(&check, playbook->role_list[i]->defaults);
		check_templates(&check, playbook->role_list[i]->vars);
	}
	check_end(&check);
}

void check_entries(const struct entries *entries, const struct registry *registry, struct template_vm *vm,
                   struct problems *problems)
{
	struct check check;
	check_start(&check, registry, vm, problems);
	entries_each(entries, check_entry, &check);
	check_end(&check);
}
