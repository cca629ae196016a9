/* meta, include_tasks and include_role. */
#include "run/special.h"

#include <string.h>

#include "base/mem.h"
#include "run/connect.h"
#include "run/host_facts.h"
#include "run/inventory_change.h"
#include "run/play.h"

bool special_handles(const struct entry *entry)
{
	return strcmp(entry->action, "meta") == 0 || strcmp(entry->action, "include_tasks") == 0 ||
	       strcmp(entry->action, "include_role") == 0;
}

bool special_counts(const struct entry *entry) { return strcmp(entry->action, "include_tasks") == 0; }

static json_t *arguments_of(const struct evaluation *at)
{
	return at->arguments ? at->arguments : at->entry->arguments.value;
}

/* The one word that the action takes: the task's value itself, or its only argument. New string, or NULL with err. */
static char *evaluated_word(const struct evaluation *at, const char *argument, struct err *err)
{
	json_t *written = arguments_of(at);
	if (json_is_object(written))
		written = json_object_get(written, json_object_get(written, argument) ? argument : "_raw_params");
	auto_json json_t *value = NULL;
	if (written && template_value(at->vm, written, &at->variables->scope, &value, NULL, err) < 0)
		return NULL;
	if (json_is_string(value) && *json_string_value(value))
		return mem_strdup(json_string_value(value));
	err_set(err, ERR_INPUT, "%s needs %s", at->entry->action, argument);
	return NULL;
}

/* ---- meta ---- */

bool special_runs_once(const struct entry *entry)
{
	static const char *const actions[] = { "clear_facts", "clear_host_errors", "end_batch", "end_play",
	                                       "refresh_inventory" };
	json_t *written = entry->arguments.value;
	const char *action = json_string_value(json_is_object(written) ? json_object_get(written, "free_form") : written);
	for (size_t i = 0; action && strcmp(entry->action, "meta") == 0 && i < sizeof(actions) / sizeof(*actions); i++) {
		if (strcmp(actions[i], action) == 0)
			return true;
	}
	return false;
}

/* Of all hosts of the play. */
static void each_host(struct walk *walk, void (*visit)(struct walk *walk, struct host_state *state))
{
	json_t *names = walk->play->all_names;
	for (size_t i = 0; i < json_array_size(names); i++) {
		const struct host *host = inventory_host(walk->run->inventory, json_string_value(json_array_get(names, i)));
		if (host)
			visit(walk, context_host(walk->run, host));
	}
}

static void end_all(struct walk *walk)
{
	atomic_store(&walk->play->is_over, true);
	walk_end(walk);
}

static void clear_errors(struct walk *walk, struct host_state *state)
{
	(void)walk;
	state->failed = state->unreachable = false;
}

static void clear_facts(struct walk *walk, struct host_state *state) { variables_clear_facts(walk->run, state); }

static int do_meta(struct walk *walk, const struct evaluation *at, const char *action, struct err *err)
{
	struct host_state *host = walk->host;
	if (strcmp(action, "noop") == 0)
		return 0;
	if (strcmp(action, "flush_handlers") == 0) {
		walk_flush_handlers(walk);
	} else if (strcmp(action, "end_host") == 0) {
		context_host_out(walk->run, &host->ended);
		walk_end(walk);
	} else if (strcmp(action, "end_batch") == 0) {
		atomic_store(&walk->play->batch_is_over, true);
		walk_end(walk);
	} else if (strcmp(action, "end_play") == 0) {
		end_all(walk);
	} else if (strcmp(action, "end_role") == 0) {
		return walk_end_role(walk) ? 0 : err_set(err, ERR_INPUT, "end_role is for tasks of a role");
	} else if (strcmp(action, "clear_facts") == 0) {
		if (walk->play->is_free) /* the others are on their way */
			clear_facts(walk, host);
		else
			each_host(walk, clear_facts);
	} else if (strcmp(action, "refresh_inventory") == 0) {
		return inventory_change_refresh(walk->run, err);
	} else if (strcmp(action, "clear_host_errors") == 0) {
		each_host(walk, clear_errors);
	} else if (strcmp(action, "reset_connection") == 0) {
		struct target *target = targets_get(walk->run->targets, at, err);
		if (!target)
			return -1;
		target_reset(target);
	} else {
		return err_set(err, ERR_INPUT, "meta has no action \"%s\"", action);
	}
	return 0;
}

static json_t *special_meta(struct walk *walk, const struct evaluation *at, struct err *err)
{
	auto_free char *action = evaluated_word(at, "free_form", err);
	if (!action || do_meta(walk, at, action, err) < 0)
		return NULL;
	return json_pack("{s:b}", "changed", 0);
}

/* ---- includes ---- */

/* The label of the loop's item, as its results have it; NULL outside of loops. */
static char *item_label(json_t *loop)
{
	const char *variable = json_string_value(json_object_get(loop, "ansible_loop_var"));
	const json_t *item = variable ? json_object_get(loop, variable) : NULL;
	if (!item)
		return NULL;
	return json_is_string(item) ? mem_strdup(json_string_value(item)) : json_dumps(item, JSON_ENCODE_ANY);
}

static void included(struct walk *walk, const struct evaluation *at, const char *name, const struct fragment *fragment,
                     json_t *loop)
{
	if (fragment->is_blank)
		return; /* of which nothing is told, as with Ansible */
	json_t *params = json_deep_copy(loop);
	json_object_del(params, "ansible_loop_var"); /* a loop's own */
	json_object_del(params, "ansible_index_var");
	walk_include(walk, &fragment->entries, params);
	struct event *event = event_new(EVENT_INCLUDED);
	event->play = mem_strdup(walk->play->name);
	event->task_number = at->entry->number;
	event->host = mem_strdup(walk->host->host->name);
	event->text = mem_strdup(name);
	event->item = item_label(loop);
	event->data = json_pack("{s:[s]}", "hosts", walk->host->host->name);
	event_emit(walk->run->events, event);
}

/* What an include brings in: of include_role with the evaluated arguments. */
struct inclusion {
	const struct fragment *fragment;
	char *name;
	json_t *arguments; /* owned, as the name is */
	bool is_public;
};

static void inclusion_release(struct inclusion *inclusion)
{
	free(inclusion->name);
	json_decref(inclusion->arguments);
}

static int find_tasks(struct walk *walk, const struct evaluation *at, enum play_include how, struct inclusion *inclusion,
                      struct err *err)
{
	inclusion->name = evaluated_word(at, "file", err);
	if (inclusion->name)
		inclusion->fragment = play_include_tasks(walk->play, at->entry, inclusion->name, how, at->vm, err);
	return inclusion->fragment ? 0 : -1;
}

static int find_role(struct walk *walk, const struct evaluation *at, enum play_include how, struct inclusion *inclusion,
                     struct err *err)
{
	if (template_value(at->vm, arguments_of(at), &at->variables->scope, &inclusion->arguments, NULL, err) < 0)
		return -1;
	json_t *arguments = inclusion->arguments;
	const char *name = json_string_value(json_object_get(arguments, "name"));
	if (!name)
		name = json_string_value(json_object_get(arguments, "role"));
	if (!name)
		return err_set(err, ERR_INPUT, "include_role needs name");
	const struct role_from files = {
		.tasks = json_string_value(json_object_get(arguments, "tasks_from")),
		.handlers = json_string_value(json_object_get(arguments, "handlers_from")),
		.vars = json_string_value(json_object_get(arguments, "vars_from")),
		.defaults = json_string_value(json_object_get(arguments, "defaults_from")),
		.unvalidated = keyword_bool(json_object_get(arguments, "rolespec_validate")) == 0,
		.once = keyword_bool(json_object_get(arguments, "allow_duplicates")) == 0,
	};
	inclusion->name = mem_strdup(name);
	inclusion->is_public = keyword_bool(json_object_get(arguments, "public")) == 1;
	inclusion->fragment = play_include_role(walk->play, at->entry, name, &files, how, at->vm, err);
	return inclusion->fragment ? 0 : -1;
}

static json_t *special_include(struct walk *walk, const struct evaluation *at, json_t *loop, struct err *err)
{
	auto_(inclusion_release) struct inclusion found = { 0 };
	bool is_role = strcmp(at->entry->action, "include_role") == 0;
	if ((is_role ? find_role : find_tasks)(walk, at, PLAY_INCLUDE, &found, err) < 0)
		return NULL;
	if (found.is_public && found.fragment->role)
		play_publish_role(walk->play, found.fragment->role);
	included(walk, at, found.name, found.fragment, loop);
	if (is_role)
		return json_pack("{s:O}", "include_args", found.arguments);
	return json_pack("{s:s, s:{}}", "include", found.name, "include_args");
}

const struct entries *special_look(struct walk *walk, const struct evaluation *at)
{
	auto_(inclusion_release) struct inclusion found = { 0 };
	struct err ignored = ERR_INIT;
	if (strcmp(at->entry->action, "include_role") == 0)
		(void)!find_role(walk, at, PLAY_LOOK, &found, &ignored);
	else if (strcmp(at->entry->action, "include_tasks") == 0)
		(void)!find_tasks(walk, at, PLAY_LOOK, &found, &ignored);
	return found.fragment ? &found.fragment->entries : NULL;
}

json_t *special_do(struct walk *walk, const struct evaluation *at, json_t *loop, struct err *err)
{
	if (strcmp(at->entry->action, "meta") == 0)
		return special_meta(walk, at, err);
	return special_include(walk, at, loop, err);
}
