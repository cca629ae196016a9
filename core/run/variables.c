/* Layers of variables for one host, and the scope of its templates. */
#include "run/variables.h"

#include <stdarg.h>
#include <string.h>

#include "base/file.h"
#include "base/mem.h"
#include "run/play.h"

/* ---- magic ---- */

static void add_role_name(json_t *names, const struct entries *entries)
{
	for (size_t i = 0; i < entries->count; i++) {
		const struct entry *entry = entries->items[i];
		if (entry->scope.kind == SCOPE_ROLE && entry->scope.role)
			json_array_append_new(names, json_string(entry->scope.role->name));
	}
}

static void play_magic(const struct play_state *play, json_t *magic)
{
	json_t *roles = json_array();
	add_role_name(roles, &play->play->roles);
	json_object_set_new(magic, "playbook_dir", json_string(play->directory));
	json_object_set_new(magic, "ansible_play_name", json_string(play->name));
	json_object_set(magic, "ansible_play_role_names", roles);
	json_object_set_new(magic, "role_names", roles);
}

static int by_text(const void *a, const void *b) { return strcmp(*(const char *const *)a, *(const char *const *)b); }

static json_t *group_names(const struct host *host)
{
	auto_free const char **sorted = mem_array(host->group_count + 1, sizeof(*sorted));
	size_t count = 0;
	for (size_t i = 0; i < host->group_count; i++) {
		if (strcmp(host->groups[i]->name, "all") != 0)
			sorted[count++] = host->groups[i]->name;
	}
	qsort(sorted, count, sizeof(*sorted), by_text);
	json_t *names = json_array();
	for (size_t i = 0; i < count; i++)
		json_array_append_new(names, json_string(sorted[i]));
	return names;
}

static json_t *host_magic(const struct variables *variables)
{
	const struct host *host = variables->host->host;
	json_t *magic = json_object();
	json_object_set_new(magic, "inventory_hostname", json_string(host->name));
	json_object_set_new(magic, "inventory_hostname_short",
	                    json_stringn(host->name, strcspn(host->name, ".")));
	json_object_set_new(magic, "group_names", group_names(host));
	if (variables->play)
		play_magic(variables->play, magic);
	return magic;
}

/* Every host's variables as far as this run knows them: inventory, and what was registered. */
static json_t *all_hostvars(struct run_context *run)
{
	json_t *all = json_object();
	for (size_t i = 0; i < run->host_count; i++) {
		struct host_state *state = run->hosts[i];
		struct variables other;
		variables_init(&other, run, NULL, state);
		json_t *values = json_object();
		for (size_t layer = 0; layer < other.vars.count; layer++) {
			auto_json json_t *copy = json_deep_copy(other.vars.layers[layer].values);
			json_object_update(values, copy);
		}
		json_object_set_new(all, state->host->name, values);
		variables_release(&other);
	}
	return all;
}

static bool find_magic(struct variables *variables, const char *name, json_t **value, bool *final)
{
	*final = true;
	if (strcmp(name, "groups") == 0) {
		*value = variables->run->groups;
	} else if (strcmp(name, "hostvars") == 0) {
		if (!variables->hostvars)
			variables->hostvars = all_hostvars(variables->run);
		*value = variables->hostvars;
		*final = false;
	} else if (variables->play && (strcmp(name, "ansible_play_hosts") == 0 || strcmp(name, "play_hosts") == 0 ||
	                               strcmp(name, "ansible_play_batch") == 0)) {
		*value = variables->play->batch_names;
	} else if (variables->play && strcmp(name, "ansible_play_hosts_all") == 0) {
		*value = variables->play->all_names;
	} else {
		return false;
	}
	return true;
}

/* A fact that is not gathered yet is wanted, unless something hides it. */
static void note_fact(struct variables *variables, const char *name, const struct vars_layer *layer)
{
	if (layer && (layer->level > VARS_FACTS || fact_subset_is_guess(name)) && strcmp(name, "ansible_facts") != 0)
		return;
	variables->wanted |= fact_subset_of_variable(name) & variables->play->gather.allowed & ~variables->host->gathered;
}

static bool scope_find(void *context, const char *name, json_t **value, bool *final)
{
	struct variables *variables = context;
	if (find_magic(variables, name, value, final))
		return true;
	const struct vars_layer *layer = vars_find(&variables->vars, name, value);
	if (variables->play && variables->play->gather.allowed && strncmp(name, "ansible_", 8) == 0)
		note_fact(variables, name, layer);
	if (!layer)
		return false;
	*final = layer->final;
	return true;
}

struct offering {
	void (*offer)(void *to, const char *name);
	void *to;
};

static void offer_name(void *context, const char *name, json_t *value, const struct vars_layer *layer)
{
	(void)value;
	(void)layer;
	const struct offering *offering = context;
	offering->offer(offering->to, name);
}

static void scope_offer(void *context, void (*offer)(void *to, const char *name), void *to)
{
	struct variables *variables = context;
	struct offering offering = { offer, to };
	vars_each(&variables->vars, offer_name, &offering);
}

static bool scope_cancelled(void *context)
{
	struct variables *variables = context;
	return atomic_load(&variables->run->cancelled);
}

static int scope_open_sealed(void *context, const char *sealed, size_t length, const struct secret **plain, struct err *err)
{
	struct variables *variables = context;
	return context_open_sealed(variables->run, sealed, length, plain, err);
}

/* ---- layers ---- */

static void add_object(struct vars *vars, enum vars_level level, json_t *values, bool final, const char *origin)
{
	if (json_is_object(values))
		vars_add(vars, level, values, final, origin);
}

static void add_role(struct vars *vars, const struct role *role)
{
	add_object(vars, VARS_ROLE_DEFAULTS, role->defaults.value, false, "role defaults");
	add_object(vars, VARS_ROLE, role->vars.value, false, "role vars");
}

/* The roles a play names show their variables to all of it. */
static void add_play_roles(struct vars *vars, const struct entries *roles)
{
	for (size_t i = 0; i < roles->count; i++) {
		if (roles->items[i]->scope.role)
			add_role(vars, roles->items[i]->scope.role);
		if (roles->items[i]->kind == ENTRY_BLOCK)
			add_play_roles(vars, &roles->items[i]->block);
	}
}

static void add_play(struct variables *variables)
{
	const struct play_state *play = variables->play;
	add_play_roles(&variables->vars, &play->play->roles);
	if (play->play->scope.importer)
		add_object(&variables->vars, VARS_PLAY, scope_own(play->play->scope.importer, "vars").value, false,
		           "import_playbook vars");
	struct node values = scope_own(&play->play->scope, "vars");
	if (json_is_array(values.value)) {
		for (size_t i = 0; i < json_array_size(values.value); i++)
			add_object(&variables->vars, VARS_PLAY, json_array_get(values.value, i), false, "play vars");
	} else {
		add_object(&variables->vars, VARS_PLAY, values.value, false, "play vars");
	}
	for (size_t i = 0; i < play->vars_file_count; i++)
		add_object(&variables->vars, VARS_PLAY_FILES, play->vars_files[i], false, "vars_files");
}

void variables_init(struct variables *variables, struct run_context *run, const struct play_state *play,
                    struct host_state *host)
{
	*variables = (struct variables){ .run = run, .play = play, .host = host };
	inventory_vars(run->inventory, host->host, &variables->vars);
	add_object(&variables->vars, VARS_INVENTORY_HOST, host->added, true, "add_host");
	if (play)
		add_play(variables);
	add_object(&variables->vars, VARS_FACTS, host->facts, true, "facts");
	add_object(&variables->vars, VARS_INCLUDE_VARS, host->included, false, "include_vars");
	add_object(&variables->vars, VARS_SET_FACT, host->variables, true, "set_fact or register");
	add_object(&variables->vars, VARS_EXTRA, run->extra_vars, false, "extra vars");
	variables->magic = host_magic(variables);
	add_object(&variables->vars, VARS_MAGIC, run->options_vars, true, "magic");
	add_object(&variables->vars, VARS_MAGIC, variables->magic, true, "magic");
	variables->task_magic = json_object();
	add_object(&variables->vars, VARS_MAGIC, variables->task_magic, true, "magic");
	variables->scope = (struct template_scope){
		.context = variables,
		.find = scope_find,
		.each = scope_offer,
		.cancelled = scope_cancelled,
		.open_sealed = scope_open_sealed,
		.directory = play ? play->directory : NULL,
	};
}

void variables_reload(struct variables *variables)
{
	struct run_context *run = variables->run;
	const struct play_state *play = variables->play;
	struct host_state *host = variables->host;
	variables_release(variables);
	variables_init(variables, run, play, host);
}

void variables_release(struct variables *variables)
{
	vars_release(&variables->vars);
	json_decref(variables->magic);
	json_decref(variables->task_magic);
	json_decref(variables->hostvars);
}

/* From the play inwards, so that an inner layer is added last and wins. */
static void enter_scope(struct variables *variables, const struct scope *scope)
{
	if (!scope || scope->kind == SCOPE_PLAY)
		return;
	enter_scope(variables, scope->parent);
	struct vars *vars = &variables->vars;
	if (scope->role && (!scope->parent || scope->parent->role != scope->role)) {
		add_role(vars, scope->role);
		add_object(vars, VARS_ROLE_PARAMS, scope->role->params, false, "role parameters");
	}
	static const struct {
		enum vars_level level;
		const char *origin;
	} kinds[] = {
		[SCOPE_PLAY] = { VARS_PLAY, "play vars" },
		[SCOPE_ROLE] = { VARS_ROLE, "vars where the role is named" },
		[SCOPE_BLOCK] = { VARS_BLOCK, "block vars" },
		[SCOPE_TASK] = { VARS_TASK, "task vars" },
	};
	add_object(vars, kinds[scope->kind].level, scope_own(scope, "vars").value, false, kinds[scope->kind].origin);
}

void variables_enter(struct variables *variables, const struct entry *entry)
{
	enter_scope(variables, &entry->scope);
	const struct role *role = entry->scope.role;
	json_object_clear(variables->task_magic);
	if (role) {
		json_object_set_new(variables->task_magic, "role_name", json_string(role->name));
		json_object_set_new(variables->task_magic, "ansible_role_name", json_string(role->name));
		auto_free char *path = file_absolute(role->path);
		json_object_set_new(variables->task_magic, "role_path", json_string(path));
	}
	variables->scope.role = json_string_value(json_object_get(variables->task_magic, "role_path"));
}

void variables_leave(struct variables *variables)
{
	static const enum vars_level levels[] = {
		VARS_BLOCK, VARS_TASK, VARS_ROLE_PARAMS, VARS_INCLUDE_PARAMS, VARS_LOOP,
	};
	for (size_t i = 0; i < sizeof(levels) / sizeof(*levels); i++)
		vars_remove_level(&variables->vars, levels[i]);
	/* The levels of roles are shared with the play's own roles, so they are laid anew. */
	vars_remove_level(&variables->vars, VARS_ROLE_DEFAULTS);
	vars_remove_level(&variables->vars, VARS_ROLE);
	if (variables->play)
		add_play_roles(&variables->vars, &variables->play->play->roles);
	json_object_clear(variables->task_magic);
	variables->scope.role = NULL;
}

void variables_loop(struct variables *variables, json_t *loop)
{
	vars_remove_level(&variables->vars, VARS_LOOP);
	add_object(&variables->vars, VARS_LOOP, loop, true, "loop");
}

void variables_changed(struct variables *variables)
{
	json_decref(variables->hostvars);
	variables->hostvars = NULL;
}
