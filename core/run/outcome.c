/* The consequences of a result. */
#include "run/outcome.h"

#include <string.h>

#include "base/mem.h"
#include "run/keywords.h"
#include "run/play.h"

/* failed_when has the last word: that until was never satisfied is then in "failed" only. */
static bool is_failed(const json_t *result)
{
	const json_t *judged = json_object_get(result, "failed_when_result");
	if (judged)
		return !json_is_false(judged); /* a text says what is wrong with the condition */
	return json_is_true(json_object_get(result, "failed"));
}

static bool is_loop_failed(const json_t *result)
{
	json_t *items = json_object_get(result, "results"), *item;
	bool any_failed = false, any_judged = false;
	size_t i;
	json_array_foreach (items, i, item) {
		any_failed = any_failed || is_failed(item);
		any_judged = any_judged || json_object_get(item, "failed_when_result");
	}
	return any_judged ? any_failed : is_failed(result);
}

enum event_status outcome_status(const json_t *result)
{
	if (json_is_true(json_object_get(result, "unreachable")))
		return STATUS_UNREACHABLE;
	if (is_loop_failed(result))
		return STATUS_FAILED;
	if (json_is_true(json_object_get(result, "skipped")))
		return STATUS_SKIPPED;
	return json_is_true(json_object_get(result, "changed")) ? STATUS_CHANGED : STATUS_OK;
}

json_t *outcome_censored(const json_t *result)
{
	json_t *shown = json_object();
	static const char *const kept[] = { "changed", "failed", "skipped", "unreachable", "attempts", "retries" };
	for (size_t i = 0; i < sizeof(kept) / sizeof(*kept); i++) {
		json_t *value = json_object_get(result, kept[i]);
		if (value)
			json_object_set_new(shown, kept[i], json_deep_copy(value));
	}
	json_object_set_new(shown, "censored",
	                    json_string("the output has been hidden due to the fact that 'no_log: true' was specified for "
	                                "this result"));
	return shown;
}

void outcome_emit(struct walk *walk, const struct task_outcome *outcome)
{
	struct event *event = event_new(EVENT_RESULT);
	const struct entry *entry = outcome->entry;
	event->play = mem_strdup(walk->play->name);
	event->play_number = walk->play->number;
	event->task = mem_strdup(outcome->name);
	event->task_number = outcome->number;
	event->action = mem_strdup(entry->action);
	event->place = context_place(walk->run, entry->scope.node);
	event->host = mem_strdup(walk->host->host->name);
	event->delegated_to = mem_strdup(outcome->delegated_to);
	event->status = outcome->status;
	event->is_handler = entry->is_handler;
	event->ignored = outcome->ignored;
	event->no_log = outcome->no_log;
	event->uncertain = outcome->uncertain;
	event->is_include = outcome->is_include;
	event->is_item = outcome->item != NULL;
	event->item = mem_strdup(outcome->no_log && outcome->item ? "(censored due to no_log)" : outcome->item);
	event->result = outcome->no_log ? outcome_censored(outcome->result) : json_deep_copy(outcome->result);
	event_emit(walk->run->events, event);
}

static void count(struct host_state *host, const struct task_outcome *outcome)
{
	struct event_stats *stats = &host->stats;
	stats->uncertain += outcome->uncertain;
	switch (outcome->status) {
	case STATUS_OK:
		stats->ok++;
		break;
	case STATUS_CHANGED:
		stats->ok++;
		stats->changed++;
		break;
	case STATUS_SKIPPED:
		stats->skipped++;
		break;
	case STATUS_UNREACHABLE:
		if (outcome->ignored) {
			stats->ok++;
			stats->ignored++;
		} else {
			stats->unreachable++;
		}
		break;
	case STATUS_FAILED:
		if (outcome->ignored) {
			stats->ok++;
			stats->ignored++;
			stats->changed += json_is_true(json_object_get(outcome->result, "changed"));
		} else {
			stats->failed++;
		}
		break;
	}
}

static void set_variable(struct walk *walk, const char *name, json_t *value)
{
	variables_set(&walk->variables, name, value);
}

/* ---- handlers ---- */

static void notify_one(struct walk *walk, struct template_vm *vm, const struct task_outcome *outcome, json_t *name)
{
	auto_json json_t *value = NULL;
	struct err err = ERR_INIT;
	if (template_value(vm, name, &walk->variables.scope, &value, NULL, &err) < 0) {
		context_warn(walk->run, walk->host->host->name, "notify: %s", err.text);
		return;
	}
	if (json_is_array(value)) {
		for (size_t i = 0; i < json_array_size(value); i++)
			notify_one(walk, vm, outcome, json_array_get(value, i));
	} else if (json_is_string(value) && !walk_notify(walk, vm, json_string_value(value))) {
		context_warn(walk->run, walk->host->host->name, "the task \"%s\" notifies the handler \"%s\", which does not exist",
		             outcome->name, json_string_value(value));
	}
}

struct notifying {
	struct walk *walk;
	struct template_vm *vm;
	const struct task_outcome *outcome;
};

static void notify_scope(void *context, struct node value)
{
	struct notifying *notifying = context;
	notify_one(notifying->walk, notifying->vm, notifying->outcome, value.value);
}

static void notify(struct walk *walk, struct template_vm *vm, const struct task_outcome *outcome)
{
	struct notifying notifying = { walk, vm, outcome };
	scope_each(&outcome->entry->scope, "notify", notify_scope, &notifying);
}

/* ---- where the walk goes ---- */

static void add_tags(void *context, struct node value)
{
	auto_json json_t *own = json_deep_copy(value.value);
	if (json_is_array(own))
		json_array_extend(context, own);
	else
		json_array_append(context, own);
}

json_t *outcome_describe(struct walk *walk, struct template_vm *vm, const struct entry *entry)
{
	json_t *task = json_object(), *name = NULL, *tags = json_array();
	for (size_t i = 0; i < node_count(entry->scope.node); i++) {
		const char *key;
		struct node value = node_member(entry->scope.node, i, &key);
		if (keyword_find(key))
			json_object_set_new(task, key, json_deep_copy(value.value));
	}
	struct err ignored = ERR_INIT;
	auto_json json_t *written = json_string(entry->name ? entry->name : ""), *arguments = NULL;
	if (template_value(vm, written, &walk->variables.scope, &name, NULL, &ignored) < 0)
		name = json_incref(written);
	if (template_value(vm, entry->arguments.value, &walk->variables.scope, &arguments, NULL, &ignored) < 0)
		arguments = json_deep_copy(entry->arguments.value);
	scope_each(&entry->scope, "tags", add_tags, tags);
	json_object_set_new(task, "name", name);
	json_object_set_new(task, "action", json_string(entry->action));
	json_object_set_new(task, "args", json_is_object(arguments) ? json_incref(arguments) : json_pack("{s:O}", "_raw_params", arguments));
	json_object_set_new(task, "tags", tags);
	return task;
}

static void remember_failure(struct walk *walk, struct template_vm *vm, const struct task_outcome *outcome)
{
	set_variable(walk, "ansible_failed_task", outcome_describe(walk, vm, outcome->entry));
	set_variable(walk, "ansible_failed_result", json_deep_copy(outcome->result));
}

static void note_fatal(struct walk *walk, struct template_vm *vm, const struct task_outcome *outcome)
{
	bool fatal = false, once = false;
	struct err ignored = ERR_INIT;
	const struct evaluation at = { vm, &walk->variables, outcome->entry };
	if (keyword_flag(&at, "any_errors_fatal", walk->run->options->any_errors_fatal, &fatal, &ignored) < 0)
		return;
	if (!walk->play->is_free && keyword_flag(&at, "run_once", false, &once, &ignored) < 0) /* it failed for all of them */
		return;
	if (fatal || once)
		atomic_store(&walk->play->is_fatal, true);
}

static void fail(struct walk *walk, struct template_vm *vm, const struct task_outcome *outcome)
{
	struct host_state *host = walk->host;
	if (outcome->status == STATUS_UNREACHABLE) {
		note_fatal(walk, vm, outcome);
		context_host_out(walk->run, &host->unreachable);
		walk->failed = true;
		walk_end(walk);
		return;
	}
	bool rescued = walk_fail(walk);
	if (!rescued)
		note_fatal(walk, vm, outcome);
	walk->was_rescued = rescued;
	if (rescued) {
		remember_failure(walk, vm, outcome);
		host->stats.failed--;
		host->stats.rescued++;
		return;
	}
	if (walk->failed)
		context_host_out(walk->run, &host->failed);
}

void outcome_conclude(struct walk *walk, struct template_vm *vm, const struct task_outcome *outcome)
{
	count(walk->host, outcome);
	walk->was_rescued = false;
	if (outcome->status != STATUS_SKIPPED && outcome->status != STATUS_UNREACHABLE && !outcome->entry->is_handler)
		walk_note_role(walk, outcome->entry->scope.role);
	if (outcome->status == STATUS_CHANGED)
		notify(walk, vm, outcome);
	bool failed = outcome->status == STATUS_FAILED || outcome->status == STATUS_UNREACHABLE;
	if (failed && !outcome->ignored)
		fail(walk, vm, outcome);
	walk_advance(walk);
	if (walk->failed && !walk->next && outcome->status != STATUS_UNREACHABLE)
		context_host_out(walk->run, &walk->host->failed);
}

void outcome_emit_retry(struct walk *walk, const struct task_outcome *outcome, unsigned attempts, unsigned retries)
{
	struct event *event = event_new(EVENT_RETRY);
	event->play = mem_strdup(walk->play->name);
	event->task = mem_strdup(outcome->name);
	event->task_number = outcome->number;
	event->action = mem_strdup(outcome->entry->action);
	event->host = mem_strdup(walk->host->host->name);
	event->no_log = outcome->no_log;
	event->result = json_deep_copy(outcome->result);
	event->data = json_pack("{s:i, s:i}", "attempts", (int)attempts, "retries", (int)retries);
	event_emit(walk->run->events, event);
}
