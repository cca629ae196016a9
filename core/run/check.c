/* The check before the first connection: arguments by the modules' tables, templates and conditions by the compiler of
 * the language, and names that must match something. Files that are included by a literal name are checked as well. */
#include "run/check.h"

#include <string.h>

#include "base/mem.h"
#include "base/suggest.h"
#include "model/vault.h"
#include "run/check_inside.h"
#include "run/prompts.h"
#include "run/select.h"
#include "run/special.h"

static void check_entry(void *context, const struct entry *entry);

/* ---- templates and conditions ---- */

void check_report(struct check *check, struct node node, bool at_key, const char *what, const struct err *err)
{
	const char *hint = err->hint[0] ? err->hint : NULL;
	if (check->warns || (check->may_be_unused && err->os_error == TEMPLATE_ABSENT))
		node_warning(check->problems, node, hint, "%s: %s", what, err->text);
	else if (at_key)
		node_problem_key(check->problems, node, hint, "%s: %s", what, err->text);
	else
		node_problem(check->problems, node, hint, "%s: %s", what, err->text);
}

void check_text(struct check *check, struct node node, const char *text, bool at_key)
{
	struct err err = ERR_INIT;
	if (spec_is_template(text) && template_check(check->vm, text, false, &err) < 0)
		check_report(check, node, at_key, "template", &err);
}

void check_templates(struct check *check, struct node node)
{
	if (vault_value_is_text(node.value)) /* which is no template */
		return;
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

void check_expression(struct check *check, struct node node)
{
	struct err err = ERR_INIT;
	const char *text = json_string_value(node.value);
	if (text && spec_is_template(text))
		node_warning(check->problems, node, "write the name alone: \"name\"", "an expression is written without {{ }} here");
	if (text && template_check(check->vm, text, true, &err) < 0)
		check_report(check, node, false, "expression", &err);
}

void check_condition(struct check *check, struct node node)
{
	struct err err = ERR_INIT;
	const char *text = json_string_value(node.value);
	for (size_t i = 0; json_is_array(node.value) && i < node_count(node); i++)
		check_condition(check, node_at(node, i));
	if (!text || !*text) /* an empty one holds */
		return;
	if (spec_is_template(text))
		node_warning(check->problems, node, "write the expression alone: \"name == 'x'\"",
		             "a condition is an expression without {{ }}");
	if (template_check(check->vm, text, true, &err) < 0)
		check_report(check, node, false, "condition", &err);
}

/* ---- keywords ---- */

/* Members of a keyword's dictionary: names ends at NULL, and the first of them name variables. */
static void check_members(struct check *check, const char *keyword, struct node members, const char *const *names, size_t identifiers)
{
	for (size_t i = 0; json_is_object(members.value) && i < node_count(members); i++) {
		const char *key;
		struct node value = node_member(members, i, &key);
		struct suggest suggest;
		suggest_start(&suggest, key);
		size_t found = 0;
		while (names[found] && strcmp(names[found], key) != 0)
			suggest_offer(&suggest, names[found++]);
		const char *text = json_string_value(value.value);
		if (!names[found]) {
			auto_free char *hint = suggest.best ? mem_printf("did you mean \"%s\"?", suggest.best) : NULL;
			node_problem_key(check->problems, value, hint, "unknown key \"%s\" of %s", key, keyword);
		} else if (found < identifiers && (!text || !playbook_is_identifier(text))) {
			node_problem(check->problems, value, NULL, "\"%s\" must be the name of a variable", key);
		}
	}
}

/* Variables, which nobody may ask for. */
static void check_variables(struct check *check, struct node vars)
{
	bool may_be_unused = check->may_be_unused;
	check->may_be_unused = true;
	check_templates(check, vars);
	check->may_be_unused = may_be_unused;
}

static void check_loop_control(struct check *check, struct node control)
{
	static const char *const names[] = { "loop_var", "index_var", "label", "pause", "extended",
	                                     "extended_allitems", "break_when", NULL };
	check_members(check, "loop_control", control, names, 2);
}

static void check_prompt(struct check *check, struct node prompt)
{
	static const char *const names[] = { "name", "prompt", "default", "private", "confirm", "encrypt", "salt", "salt_size", "unsafe", NULL };
	struct node encrypt = node_get(prompt, "encrypt");
	const char *scheme = json_string_value(encrypt.value);
	check_members(check, "vars_prompt", prompt, names, 1);
	if (scheme && !spec_is_template(scheme) && !prompts_scheme(scheme))
		node_problem(check->problems, encrypt, "one of sha512_crypt, sha256_crypt, md5_crypt, bcrypt",
		             "neap cannot encrypt by \"%s\"", scheme);
}

static void check_prompts(struct check *check, struct node prompts)
{
	if (!json_is_array(prompts.value))
		check_prompt(check, prompts);
	for (size_t i = 0; json_is_array(prompts.value) && i < node_count(prompts); i++)
		check_prompt(check, node_at(prompts, i));
	check_templates(check, prompts);
}

static void check_keyword(struct check *check, const struct keyword *keyword, struct node value)
{
	const char *name = keyword->name, *text = json_string_value(value.value);
	if (keyword->type == KEYWORD_CONDITION)
		check_condition(check, value);
	else if (strcmp(name, "register") == 0 && text && !playbook_is_identifier(text))
		node_problem(check->problems, value, NULL, "\"%s\" cannot name a variable", text);
	else if (strcmp(name, "vars") == 0)
		check_variables(check, value);
	else if (keyword->type != KEYWORD_TASKS && keyword->templated)
		check_templates(check, value);
	if (strcmp(name, "loop_control") == 0)
		check_loop_control(check, value);
	else if (strcmp(name, "vars_prompt") == 0)
		check_prompts(check, value);
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
		if (keyword_is_loop(key) && loop)
			node_problem_key(check->problems, value, NULL, "a task has one loop, this one has \"%s\" and \"%s\"", loop, key);
		loop = keyword_is_loop(key) ? key : loop;
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

static void check_meta(struct check *check, const struct entry *entry, const struct module *meta)
{
	bool is_text = json_is_string(entry->arguments.value);
	struct node action = is_text ? entry->arguments : node_get(entry->arguments, "free_form");
	const char *text = json_string_value(action.value);
	if (!text)
		node_problem(check->problems, entry->arguments, "\"meta\": \"flush_handlers\"", "meta takes the name of an action");
	else if (strcmp(text, "end_role") == 0 && (entry->is_handler || !entry->scope.role))
		node_problem(check->problems, action, NULL, "end_role is for tasks of a role");
	else if (!spec_is_template(text))
		check_known(check, action, false, text, meta->spec.args[0].choices, "meta");
}

/* apply: keywords that a block can have. */
static void check_apply(struct check *check, struct node apply)
{
	for (size_t i = 0; json_is_object(apply.value) && i < node_count(apply); i++) {
		const char *key;
		struct node value = node_member(apply, i, &key);
		const struct keyword *keyword = keyword_find(key);
		struct suggest suggest;
		suggest_start(&suggest, key);
		for (size_t k = 0; k < keyword_count; k++)
			if (keywords[k].places & KEYWORD_BLOCK && keywords[k].type != KEYWORD_TASKS)
				suggest_offer(&suggest, keywords[k].name);
		auto_free char *hint = suggest.best ? mem_printf("did you mean \"%s\"?", suggest.best) : NULL;
		if (keyword && keyword->places & KEYWORD_BLOCK && keyword->type != KEYWORD_TASKS)
			check_keyword(check, keyword, value);
		else
			node_problem_key(check->problems, value, hint, "\"%s\" is no keyword of a block, which apply takes", key);
	}
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

/* The name of a task's loop variable; NULL: it has no loop. */
static const char *loop_variable(const struct entry *entry)
{
	bool loops = false;
	for (size_t i = 0; i < keyword_count && !loops; i++)
		loops = keyword_is_loop(keywords[i].name) && scope_own(&entry->scope, keywords[i].name).value;
	const char *name = json_string_value(node_get(scope_own(&entry->scope, "loop_control"), "loop_var").value);
	return !loops ? NULL : name ? name : "item";
}

/* A loop within the loop of an include, by the same name. */
static void check_loop_variable(struct check *check, const struct entry *entry)
{
	const char *name = loop_variable(entry);
	if (name && check->outer_loop && strcmp(name, check->outer_loop) == 0)
		node_warning(check->problems, entry->scope.node, "give one of them a name of its own: \"loop_control\": { \"loop_var\": \"...\" }",
		             "the loop variable \"%s\" is that of the loop around this include as well", name);
}

static bool is_selected(const struct check *check, const struct entry *entry)
{
	return !check->is_left_out && (!check->run || entry->is_handler || select_entry(check->run, entry));
}

/* Checks what an include brings in, and keeps it. */
static void check_fragment(struct check *check, const struct entry *entry, struct fragment *fragment)
{
	const char *outer = check->outer_loop, *own = loop_variable(entry);
	bool is_left_out = check->is_left_out;
	check->is_left_out = is_left_out || !is_selected(check, entry);
	check->outer_loop = own ? own : outer;
	mem_grow(check->fragments, check->fragment_count, check->fragment_room);
	check->fragments[check->fragment_count++] = fragment;
	if (check->handlers)
		entries_each(&fragment->handlers, collect_handler, check);
	entries_each(&fragment->entries, check_entry, check);
	entries_each(&fragment->handlers, check_entry, check);
	check->is_left_out = is_left_out;
	check->outer_loop = outer;
}

/* Each file once: includes may go round in a circle, with a condition. */
static void check_include_tasks(struct check *check, const struct entry *entry)
{
	struct node name = json_is_string(entry->arguments.value) ? entry->arguments : node_get(entry->arguments, "file");
	if (!name.value)
		name = node_get(entry->arguments, "_raw_params");
	const char *text = json_string_value(name.value);
	if (!text || !*text)
		return; /* told of by the module's table */
	if (spec_is_template(text))
		return;
	auto_free char *path = scope_find_file(&entry->scope, "tasks", text);
	if (!path) {
		auto_free char *hint = scope_near_file(&entry->scope, "tasks", text);
		node_problem(check->problems, name, hint, "there is no file %s", text);
		return;
	}
	struct fragment *fragment = NULL;
	if (was_seen(check, path) || fragment_load_tasks(&fragment, path, &entry->scope, entry->is_handler, &check->modules,
	                                                  check->problems) < 0)
		return;
	check_fragment(check, entry, fragment);
}

/* A literal argument of include_role; *known becomes false for a template. */
static const char *role_argument(const struct entry *entry, const char *name, bool *known)
{
	const char *text = json_string_value(node_get(entry->arguments, name).value);
	*known = *known && !(text && spec_is_template(text));
	return text;
}

static void check_include_role(struct check *check, const struct entry *entry)
{
	bool known = true;
	const char *name = role_argument(entry, "name", &known);
	name = name ? name : role_argument(entry, "role", &known);
	struct role_from from = {
		.tasks = role_argument(entry, "tasks_from", &known), .handlers = role_argument(entry, "handlers_from", &known),
		.vars = role_argument(entry, "vars_from", &known), .defaults = role_argument(entry, "defaults_from", &known),
		.unvalidated = keyword_bool(node_get(entry->arguments, "rolespec_validate").value) == 0,
	};
	check->handlers_unknown = check->handlers_unknown || !known;
	if (!name || !*name || !known || !check->playbook)
		return;
	auto_free char *key = mem_printf("role %s\n%s", name, from.tasks ? from.tasks : "");
	struct fragment *fragment = NULL;
	if (!was_seen(check, key) && fragment_load_role(&fragment, name, &from, &entry->scope, check->playbook->role_paths,
	                                                &check->modules, check->problems) == 0)
		check_fragment(check, entry, fragment);
}

/* A job is one command that the target goes on with by itself. */
static void check_async(struct check *check, const struct entry *entry, const struct module *module)
{
	struct node async = scope_own(&entry->scope, "async");
	if (!async.value || entry->is_absent || (module && module->can_detach) || keyword_bool(async.value) == 0)
		return;
	node_problem(check->problems, async, "take it off, or make it a task of command or shell; timeout ends any task",
	             "async is for modules whose steps are one command, and %s is none of them", entry->action);
}

/* ---- entries ---- */

static void check_action(struct check *check, const struct entry *entry)
{
	const struct module *module = registry_find(check->registry, entry->action);
	if (entry->is_absent && is_selected(check, entry))
		check_absent(check->absent, entry, !check->may_be_unused);
	check_async(check, entry, module);
	if (strcmp(entry->action, "meta") == 0)
		check_meta(check, entry, module);
	else if (module)
		check_arguments(check, entry, module);
	if (strcmp(entry->action, "validate_argument_spec") == 0)
		check_role_arguments(check, entry);
	if (strncmp(entry->action, "include_", 8) == 0)
		check_apply(check, node_get(entry->arguments, "apply"));
	if (strcmp(entry->action, "include_tasks") == 0)
		check_include_tasks(check, entry);
	else if (strcmp(entry->action, "include_role") == 0)
		check_include_role(check, entry);
}

static void check_entry(void *context, const struct entry *entry)
{
	struct check *check = context;
	bool may_be_unused = check->may_be_unused;
	check->may_be_unused = may_be_unused || !is_selected(check, entry) || !check_is_certain(entry);
	check_keywords(check, &entry->scope);
	check_loop_variable(check, entry);
	struct node notify = scope_own(&entry->scope, "notify");
	if (notify.value)
		remember_notify(check, notify);
	const struct module *import = entry->is_static_import && entry->action ? registry_find(check->registry, entry->action) : NULL;
	if (import && entry->scope.kind != SCOPE_TASK) /* its name is known */
		check_arguments(check, entry, import);
	if (entry->kind == ENTRY_TASK)
		check_action(check, entry);
	check->may_be_unused = may_be_unused;
}

/* ---- plays ---- */

static bool registry_known(void *context, const char *name)
{
	return registry_has(((struct check *)context)->registry, name);
}

static bool registry_takes(void *context, const char *name, const char *argument)
{
	const struct module *module = registry_find(((struct check *)context)->registry, name);
	return module && spec_find(&module->spec, argument);
}

static void offer_modules(void *context, void (*offer)(void *to, const char *name), void *to)
{
	registry_offer(((struct check *)context)->registry, offer, to);
}

static void check_start(struct check *check, const struct run_context *run, const struct registry *registry,
                        struct template_vm *vm, struct absent_modules *absent, struct problems *problems)
{
	*check = (struct check){ .run = run, .registry = registry, .vm = vm, .absent = absent, .problems = problems };
	check->modules = (struct playbook_modules){ .context = check, .known = registry_known, .each = offer_modules,
	                                            .takes = registry_takes, .vault = run ? run->vault : NULL };
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

static void check_play(const struct playbook *playbook, const struct play *play, const struct check *from)
{
	struct check check;
	check_start(&check, from->run, from->registry, from->vm, from->absent, from->problems);
	check.playbook = playbook;
	check.handlers = json_object();
	check_keywords(&check, &play->scope);
	entries_each(&play->handlers, collect_handler, &check);
	const struct entries *sections[] = { &play->pre_tasks, &play->roles, &play->tasks, &play->post_tasks,
	                                     &play->handlers };
	for (size_t i = 0; i < sizeof(sections) / sizeof(*sections); i++)
		entries_each(sections[i], check_entry, &check);
	for (size_t i = 0; i < play->vars_file_count; i++)
		check_variables(&check, play->vars_files[i].vars);
	check_end(&check);
}

void check_playbook(const struct playbook *playbook, const struct run_context *run, const struct registry *registry,
                    struct template_vm *vm, struct problems *problems)
{
	struct check check;
	struct absent_modules absent = { 0 };
	check_start(&check, run, registry, vm, &absent, problems);
	for (size_t i = 0; i < playbook->count; i++)
		check_play(playbook, playbook->plays[i], &check);
	for (size_t i = 0; i < playbook->import_count; i++)
		check_keywords(&check, playbook->imports[i]);
	for (size_t i = 0; i < playbook->role_count; i++) {
		check_variables(&check, playbook->role_list[i]->defaults);
		check_variables(&check, playbook->role_list[i]->vars);
	}
	check_end(&check);
	check_tell_absent(&absent, problems);
}

void check_entries(const struct entries *entries, const struct run_context *run, const struct registry *registry,
                   struct template_vm *vm, struct problems *problems)
{
	struct check check;
	struct absent_modules absent = { 0 };
	check_start(&check, run, registry, vm, &absent, problems);
	entries_each(entries, check_entry, &check);
	check_end(&check);
	check_tell_absent(&absent, problems);
}

/* ---- the inventory ---- */

static void check_document(void *context, struct node root)
{
	if (spec_has_template(root.value)) /* walking with places takes longer */
		check_templates(context, root);
}

void check_inventory(const struct inventory *inventory, struct template_vm *vm, struct problems *problems)
{
	struct check check;
	check_start(&check, NULL, NULL, vm, NULL, problems);
	check.warns = true;
	inventory_each_document(inventory, check_document, &check);
	check_end(&check);
}
