/* Layers of variables for one host, and the scope of its templates. */
#include "run/variables.h"

#include <stdarg.h>
#include <string.h>

#include "base/file.h"
#include "base/mem.h"
#include "base/text.h"
#include "model/module_name.h"
#include "run/host_facts.h"
#include "run/hostvars.h"
#include "run/play.h"
#include "run/role_names.h"

/* ---- magic ---- */

static void play_magic(const struct play_state *play, json_t *magic)
{
	json_object_set_new(magic, "playbook_dir", json_string(play->directory));
	json_object_set_new(magic, "ansible_play_name", json_string(play->name));
	role_names_add(play->play, magic);
}

static json_t *group_names(const struct host *host)
{
	auto_free const char **sorted = mem_array(host->group_count + 1, sizeof(*sorted));
	size_t count = 0;
	for (size_t i = 0; i < host->group_count; i++) {
		if (strcmp(host->groups[i]->name, "all") != 0)
			sorted[count++] = host->groups[i]->name;
	}
	qsort(sorted, count, sizeof(*sorted), text_order);
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

/* The play's hosts that have not failed. Read by walks, while other hosts may fail: each looks at one flag only. */
static json_t *standing(const struct variables *variables, json_t *names)
{
	json_t *left = json_array();
	for (size_t i = 0; i < json_array_size(names); i++) {
		const char *name = json_string_value(json_array_get(names, i));
		const struct host *host = inventory_host(variables->run->inventory, name);
		const struct host_state *state = host ? context_host(variables->run, host) : NULL;
		if (!state || (!state->failed && !state->unreachable && !state->ended))
			json_array_append_new(left, json_string(name));
	}
	return left;
}

static json_t *remaining(struct variables *variables, const char *key, json_t *names)
{
	if (!atomic_load(&variables->run->any_out))
		return names;
	if (!json_object_get(variables->task_magic, key))
		json_object_set_new(variables->task_magic, key, standing(variables, names));
	return json_object_get(variables->task_magic, key);
}

static json_t *hosts_of(struct run_context *run, const char *pattern)
{
	auto_free struct host **hosts = NULL;
	size_t count = 0;
	auto_problems struct problems ignored = PROBLEMS_INIT;
	struct err err = ERR_INIT;
	json_t *names = json_array();
	if (inventory_match(run->inventory, pattern, &hosts, &count, &ignored, &err) < 0)
		return names;
	for (size_t i = 0; i < count; i++)
		json_array_append_new(names, json_string(hosts[i]->name));
	return names;
}

/* "hosts of PATTERN", which the lookup inventory_hostnames asks for. */
static json_t *matching(struct variables *variables, const char *name)
{
	static const char prefix[] = "hosts of ";
	if (strncmp(name, prefix, strlen(prefix)) != 0)
		return NULL;
	const char *pattern = name + strlen(prefix);
	if (!variables->matches)
		variables->matches = json_object();
	if (!json_object_get(variables->matches, pattern))
		json_object_set_new(variables->matches, pattern, hosts_of(variables->run, pattern));
	return json_object_get(variables->matches, pattern);
}

static bool find_magic(struct variables *variables, const char *name, json_t **value, bool *final)
{
	*final = true;
	if (strcmp(name, "groups") == 0) {
		*value = variables->run->groups;
	} else if (strcmp(name, "hostvars") == 0) {
		if (variables->is_plain)
			return false;
		if (!variables->hostvars)
			variables->hostvars = hostvars_take(variables->run);
		*value = hostvars_values(variables->hostvars);
	} else if (variables->play && (strcmp(name, "play_hosts") == 0 || strcmp(name, "ansible_play_batch") == 0)) {
		*value = remaining(variables, "ansible_play_batch", variables->play->batch_names);
	} else if (variables->play && strcmp(name, "ansible_play_hosts") == 0) {
		*value = remaining(variables, "ansible_play_hosts", variables->play->all_names);
	} else if (variables->play && strcmp(name, "ansible_play_hosts_all") == 0) {
		*value = variables->play->all_names;
	} else {
		*value = matching(variables, name);
	}
	return *value != NULL;
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

static void scope_keep_secret(void *context, const char *text, size_t length)
{
	struct variables *variables = context;
	event_mask(variables->run->events, text, length);
}

static void scope_warn(void *context, const char *text)
{
	const struct variables *variables = context;
	context_warn(variables->run, variables->host->host->name, "%s", text);
}

/* ---- layers ---- */

static void add_object(struct vars *vars, enum vars_level level, json_t *values, bool final, const char *origin)
{
	if (json_is_object(values))
		vars_add(vars, level, values, final, origin);
	for (size_t i = 0; json_is_array(values) && i < json_array_size(values); i++)
		add_object(vars, level, json_array_get(values, i), final, origin);
}

static void add_role(struct vars *vars, const struct role *role)
{
	add_object(vars, VARS_ROLE_DEFAULTS, role->defaults.value, false, "role defaults");
	add_object(vars, VARS_ROLE, role->vars.value, false, "role vars");
}

/* To the play: its vars only where roles are not private. */
static void add_play_role(struct variables *variables, const struct role *role)
{
	if (variables->run->options->has_private_roles)
		add_object(&variables->vars, VARS_ROLE_DEFAULTS, role->defaults.value, false, "role defaults");
	else
		add_role(&variables->vars, role);
}

static void add_entry_role(void *context, const struct entry *entry)
{
	struct variables *variables = context;
	if (entry->scope.kind != SCOPE_ROLE || !entry->scope.role)
		return;
	if (!module_name_get(entry->scope.node, "import_role").value)
		add_object(&variables->vars, VARS_ROLE, scope_own(&entry->scope, "vars").value, false, "vars where the role is named");
	add_play_role(variables, entry->scope.role);
}

/* The roles that a play names or imports show their variables to all of it, and so do public ones once they are included. */
static void add_play_roles(struct variables *variables)
{
	struct vars *vars = &variables->vars;
	const struct play *play = variables->play->play;
	add_object(vars, VARS_ROLE_DEFAULTS, variables->address, false, "magic"); /* below all that says it */
	const struct entries *const sections[] = { &play->roles, &play->pre_tasks, &play->tasks, &play->post_tasks };
	for (size_t i = 0; i < sizeof(sections) / sizeof(*sections); i++)
		entries_each(sections[i], add_entry_role, variables);
	const struct role *role;
	for (size_t i = 0; (role = play_public_role(variables->play, i)); i++)
		add_play_role(variables, role);
}

static void add_play(struct variables *variables)
{
	const struct play_state *play = variables->play;
	add_play_roles(variables);
	struct node values = scope_own(&play->play->scope, "vars");
	if (json_is_array(values.value)) {
		for (size_t i = 0; i < json_array_size(values.value); i++)
			add_object(&variables->vars, VARS_PLAY, json_array_get(values.value, i), false, "play vars");
	} else {
		add_object(&variables->vars, VARS_PLAY, values.value, false, "play vars");
	}
	for (const struct scope *scope = play->play->scope.importer; scope; scope = scope->importer)
		add_object(&variables->vars, VARS_PLAY, scope_own(scope, "vars").value, false, "import_playbook vars");
	add_object(&variables->vars, VARS_PLAY_PROMPT, play->prompted, false, "vars_prompt");
	for (size_t i = 0; i < play->vars_file_count; i++)
		add_object(&variables->vars, VARS_PLAY_FILES, play_vars_file(variables->play, variables->host, i), false, "vars_files");
}

/* Where a host is has a value also where nothing says it; below all that does. */
static json_t *host_address(struct variables *variables)
{
	json_t *given = NULL;
	bool is_known = vars_find(&variables->vars, "ansible_ssh_host", &given) && json_is_string(given);
	return json_pack("{s:s}", "ansible_host", is_known ? json_string_value(given) : variables->host->host->name);
}

void variables_init(struct variables *variables, struct run_context *run, struct play_state *play,
                    struct host_state *host)
{
	*variables = (struct variables){ .run = run, .play = play, .host = host };
	inventory_vars(run->inventory, host->host, &variables->vars);
	add_object(&variables->vars, VARS_INVENTORY_HOST, host->added, true, "add_host");
	if (play) {
		variables->address = host_address(variables);
		add_play(variables);
	}
	add_object(&variables->vars, VARS_FACTS, host->facts, true, "facts");
	add_object(&variables->vars, VARS_INCLUDE_VARS, host->included, false, "include_vars");
	add_object(&variables->vars, VARS_SET_FACT, host->variables, true, "set_fact or register");
	add_object(&variables->vars, VARS_EXTRA, run->extra_vars, false, "extra vars");
	variables->magic = host_magic(variables);
	add_object(&variables->vars, VARS_MAGIC, run->options_vars, true, "magic");
	add_object(&variables->vars, VARS_MAGIC, variables->magic, true, "magic");
	variables->matches = NULL;
	variables->task_magic = json_object();
	add_object(&variables->vars, VARS_MAGIC, variables->task_magic, true, "magic");
	variables->scope = (struct template_scope){
		.context = variables,
		.find = scope_find,
		.each = scope_offer,
		.services = variables,
		.cancelled = scope_cancelled,
		.open_sealed = scope_open_sealed,
		.keep_secret = scope_keep_secret,
		.warn = scope_warn,
		.directory = play ? play->directory : NULL,
	};
}

void variables_init_other(struct variables *variables, struct run_context *run, struct play_state *play,
                          struct host_state *host)
{
	variables_init(variables, run, play, host);
	variables->is_other = true;
	for (size_t i = 0; i < json_array_size(host->given); i++)
		add_object(&variables->vars, VARS_SET_FACT, json_array_get(json_array_get(host->given, i), 1), true, "set_fact");
}

void variables_reload(struct variables *variables)
{
	struct run_context *run = variables->run;
	struct play_state *play = variables->play;
	struct host_state *host = variables->host;
	variables_release(variables);
	variables_init(variables, run, play, host);
}

void variables_release(struct variables *variables)
{
	vars_release(&variables->vars);
	scope_folders_free(variables->folders);
	json_decref(variables->address);
	json_decref(variables->magic);
	json_decref(variables->task_magic);
	json_decref(variables->matches);
	hostvars_give(variables->run, variables->hostvars);
}

static void take_given(struct variables *variables);
static void drop_hostvars(struct variables *variables);

/* What an include is given counts more than what was set by set_fact; what an import is given are vars like a block's. */
static bool is_include(const struct scope *scope)
{
	return scope->kind == SCOPE_TASK && (module_name_get(scope->node, "include_tasks").value ||
	                                     module_name_get(scope->node, "include_role").value);
}

/* From the play inwards, so that an inner layer is added last and wins. */
static void enter_scope(struct variables *variables, const struct scope *scope)
{
	if (!scope || scope->kind == SCOPE_PLAY)
		return;
	enter_scope(variables, scope->parent);
	struct vars *vars = &variables->vars;
	bool is_listed = scope->kind == SCOPE_ROLE && !module_name_get(scope->node, "import_role").value;
	if (is_listed) /* below the role's own vars, unlike those of an import */
		add_object(vars, VARS_ROLE, scope_own(scope, "vars").value, false, "vars where the role is named");
	if (scope->role && (!scope->parent || scope->parent->role != scope->role)) {
		add_role(vars, scope->role);
		add_object(vars, VARS_ROLE_PARAMS, scope->role->params, false, "role parameters");
	}
	static const struct {
		enum vars_level level;
		const char *origin;
	} kinds[] = {
		[SCOPE_PLAY] = { VARS_PLAY, "play vars" },
		[SCOPE_ROLE] = { VARS_TASK, "vars of import_role" },
		[SCOPE_BLOCK] = { VARS_TASK, "block vars" },
		[SCOPE_TASK] = { VARS_TASK, "task vars" },
	};
	json_t *own = scope_own(scope, "vars").value;
	if (own && is_include(scope))
		add_object(vars, VARS_INCLUDE_PARAMS, own, false, "vars of an include");
	else if (!is_listed)
		add_object(vars, kinds[scope->kind].level, own, false, kinds[scope->kind].origin);
}

/* The same for all tasks of a file in a role, or in a play. */
static void find_folders(struct variables *variables, const struct scope *scope)
{
	if (!variables->folders || variables->folders_document != scope->node.document || variables->folders_role != scope->role) {
		scope_folders_free(variables->folders);
		variables->folders = scope_folders(scope);
		for (char **folder = variables->folders; *folder; folder++) {
			char *absolute = file_absolute(*folder);
			free(*folder);
			*folder = absolute;
		}
		variables->folders_document = scope->node.document;
		variables->folders_role = scope->role;
	}
	variables->scope.folders = variables->folders;
}

void variables_enter(struct variables *variables, const struct entry *entry)
{
	if (!variables->is_other)
		take_given(variables);
	drop_hostvars(variables);
	enter_scope(variables, &entry->scope);
	const struct role *role = entry->scope.role;
	json_object_clear(variables->task_magic);
	if (role) {
		json_object_set_new(variables->task_magic, "role_name", json_string(role->name));
		json_object_set_new(variables->task_magic, "ansible_role_name", json_string(role->name));
		json_object_set_new(variables->task_magic, "ansible_collection_name", json_null());
		role_names_add_parents(&entry->scope, variables->task_magic);
		auto_free char *path = file_absolute(role->path);
		json_object_set_new(variables->task_magic, "role_path", json_string(path));
	}
	find_folders(variables, &entry->scope);
}

void variables_leave(struct variables *variables)
{
	static const enum vars_level levels[] = {
		VARS_TASK, VARS_ROLE_PARAMS, VARS_INCLUDE_PARAMS, VARS_LOOP, VARS_DEBUGGER,
	};
	for (size_t i = 0; i < sizeof(levels) / sizeof(*levels); i++)
		vars_remove_level(&variables->vars, levels[i]);
	/* The levels of roles are shared with the play's own roles, so they are laid anew. */
	vars_remove_level(&variables->vars, VARS_ROLE_DEFAULTS);
	vars_remove_level(&variables->vars, VARS_ROLE);
	if (variables->play)
		add_play_roles(variables);
	json_object_clear(variables->task_magic);
	if (variables->matches)
		json_object_clear(variables->matches);
	variables->scope.folders = NULL;
	drop_hostvars(variables);
}

void variables_loop(struct variables *variables, json_t *loop)
{
	vars_remove_level(&variables->vars, VARS_LOOP);
	add_object(&variables->vars, VARS_LOOP, loop, true, "loop");
}

/* Between evaluations only: what one has looked up lives as long as it does. */
static void drop_hostvars(struct variables *variables)
{
	if (!variables->hostvars || !hostvars_is_old(variables->run, variables->hostvars))
		return;
	hostvars_give(variables->run, variables->hostvars);
	variables->hostvars = NULL;
}

static void changed(struct run_context *run, struct host_state *host)
{
	hostvars_changed(run, host);
	pthread_mutex_unlock(&run->facts_lock);
}

void variables_set(struct variables *variables, const char *name, json_t *value)
{
	pthread_mutex_lock(&variables->run->facts_lock);
	json_object_set_new_nocheck(variables->host->variables, name, value);
	changed(variables->run, variables->host);
	drop_hostvars(variables);
}

/* Under facts_lock. */
static void learn(const struct run_context *run, struct host_state *host, unsigned kinds, json_t *facts)
{
	auto_json json_t *copy = json_deep_copy(facts);
	if (kinds & FACTS_SET)
		json_object_update(host->variables, copy);
	if (kinds & FACTS_INCLUDED)
		vars_put_all(host->included, copy, run->options->inventory.merges_hashes);
	if (kinds & FACTS_GATHERED)
		host_facts_add(host, facts);
}

void variables_learn(struct variables *variables, unsigned kinds, json_t *facts)
{
	pthread_mutex_lock(&variables->run->facts_lock);
	learn(variables->run, variables->host, kinds, facts);
	changed(variables->run, variables->host);
	drop_hostvars(variables);
}

void variables_clear_facts(struct run_context *run, struct host_state *host)
{
	pthread_mutex_lock(&run->facts_lock);
	host_facts_clear(host);
	changed(run, host);
}

/* Where it goes: what several hosts give in the same turn counts in their order, whichever was the fastest. */
static size_t place_in(const json_t *list, size_t turn, size_t place)
{
	size_t at = json_array_size(list);
	for (; at > 0; at--) {
		const json_t *before = json_array_get(list, at - 1);
		if ((size_t)json_integer_value(json_array_get(before, 2)) != turn ||
		    (size_t)json_integer_value(json_array_get(before, 3)) <= place)
			break;
	}
	return at;
}

void variables_give(struct run_context *run, struct host_state *host, unsigned kinds, json_t *facts, size_t turn, size_t place)
{
	json_t *given = json_pack("[i, o, I, I]", (int)kinds, json_deep_copy(facts), (json_int_t)turn, (json_int_t)place);
	pthread_mutex_lock(&run->facts_lock);
	if (!host->given)
		host->given = json_array();
	json_array_insert_new(host->given, place_in(host->given, turn, place), given);
	changed(run, host);
}

static bool is_before(const json_t *list, size_t turn)
{
	return (size_t)json_integer_value(json_array_get(json_array_get(list, 0), 2)) < turn;
}

static void take_given(struct variables *variables)
{
	struct host_state *host = variables->host;
	pthread_mutex_lock(&variables->run->facts_lock);
	/* What is given in the turn under way is not complete yet. */
	while (json_array_size(host->given) && (!variables->play || variables->play->is_free || is_before(host->given, variables->run->turn))) {
		json_t *given = json_array_get(host->given, 0);
		learn(variables->run, host, (unsigned)json_integer_value(json_array_get(given, 0)), json_array_get(given, 1));
		json_array_remove(host->given, 0);
		hostvars_changed(variables->run, host);
	}
	pthread_mutex_unlock(&variables->run->facts_lock);
}
