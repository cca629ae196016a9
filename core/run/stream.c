/* Commands that are decided ahead and sent together. */
#include "run/stream.h"

#include <stdlib.h>
#include <string.h>

#include "base/mem.h"
#include "run/connect.h"
#include "run/select.h"
#include "run/task_inside.h"

enum { COMMANDS_MOST = 64 }; /* in one flight: what was sent cannot be taken back */

struct streamed {
	const struct entry *entry;
	size_t item;
	struct attempt attempt;
};

struct stream {
	struct streamed *commands; /* behind the first, whose task has it */
	size_t count, room;
	size_t next;               /* not taken yet */
	size_t done;               /* ended */
	struct err err;            /* of the one that did not */
	struct arena arena;        /* of steps and outcomes */
	const struct step **steps;
	json_t **environments;     /* that the steps' commands borrow; owned */
	struct outcome *outcomes;
	size_t step_count;
};

void stream_free(struct stream *stream)
{
	if (!stream)
		return;
	for (size_t i = stream->next; i < stream->count; i++)
		attempt_release(&stream->commands[i].attempt);
	for (size_t i = 0; i < stream->step_count; i++)
		json_decref(stream->environments[i]);
	arena_release(&stream->arena);
	free(stream->commands);
	free(stream);
}

/* ---- who can take part ---- */

static bool has_any(const struct entry *entry, const char *const *names)
{
	for (; *names; names++) {
		if (scope_keyword(&entry->scope, *names).value)
			return true;
	}
	return false;
}

/* Whether a task's command is done once, for its own host, as a command of the play's user. */
static bool is_plain(const struct entry *entry)
{
	static const char *const others[] = {
		"until", "timeout", "async", "poll", "delegate_to", "run_once", "throttle", "check_mode", NULL,
	};
	return !has_any(entry, others) && !keyword_has_own_connection(entry);
}

/* Names of handlers that are all there are known by the check before the run. */
static bool is_literal(json_t *value)
{
	for (size_t i = 0; i < json_array_size(value); i++) {
		if (!is_literal(json_array_get(value, i)))
			return false;
	}
	return !json_is_string(value) || !spec_is_template(json_string_value(value));
}

/* Whether nothing but the command's exit status says how the task ends, and nothing of it shows in the next one. */
static bool is_unseen(const struct entry *entry)
{
	static const char *const looks[] = { "register", "failed_when", NULL };
	json_t *changed_when = scope_keyword(&entry->scope, "changed_when").value;
	return !has_any(entry, looks) && (!changed_when || json_is_boolean(changed_when)) &&
	       is_literal(scope_keyword(&entry->scope, "notify").value);
}

static const struct step *only_step(const struct attempt *attempt)
{
	const struct decision *decision = &attempt->decision;
	size_t done = decision_steps_done(decision);
	const struct step *step = decision->stepped_count == done + 1 ? decision->stepped[done].step : NULL;
	if (!step || step->kind != STEP_RUN)
		return NULL;
	const struct step_run *run = &step->run;
	return run->command.local_script || run->command.input || run->ends_connection || run->timeout_ms ? NULL : step;
}

/* ---- collecting ---- */

static void add_step(struct stream *stream, const struct step *step, json_t *environment)
{
	json_t *all = environment ? json_deep_copy(environment) : json_object();
	if (step->run.command.environment)
		json_object_update(all, step->run.command.environment);
	struct step *own = arena_alloc(&stream->arena, sizeof(*own));
	*own = *step;
	own->run.command.environment = all;
	stream->environments[stream->step_count] = all;
	stream->steps[stream->step_count++] = own;
}

struct collecting {
	struct task *task;
	struct stream *stream;
};

enum follows { FOLLOWS, SKIPPED, STOPS };

/* One coming command, its variables entered. An error is told when its turn comes. */
static enum follows decide_ahead(const struct collecting *collecting, const struct evaluation *at,
                                 const struct module *module, struct attempt *attempt)
{
	const struct task *task = collecting->task;
	struct run_context *run = task->walk->run;
	struct err ignored = ERR_INIT;
	enum attempt_need need;
	bool holds;
	*attempt = (struct attempt){ 0 };
	if (keyword_holds(at, "when", true, &holds, NULL, &ignored) < 0)
		return STOPS;
	if (!holds)
		return SKIPPED;
	if (attempt_prepare(attempt, at, module, false, run->options->diff, &ignored) < 0)
		return STOPS;
	attempt->target = task->attempt.target;
	attempt->user = targets_user(run->targets, attempt->target, at, &ignored);
	/* What it asked would be asked before the commands in front of it are done. */
	if (attempt->user != task->attempt.user || attempt_decide(attempt, at, &need, &ignored) < 0 ||
	    need != ATTEMPT_STEPS || attempt->decision.asked_count || !only_step(attempt))
		return STOPS;
	return FOLLOWS;
}

static enum follows follow(const struct collecting *collecting, const struct evaluation *at, const struct module *module,
                           size_t item)
{
	struct stream *stream = collecting->stream;
	struct variables *variables = at->variables;
	fact_parts wanted = variables->wanted;
	struct err ignored = ERR_INIT;
	auto_json json_t *environment = NULL;
	struct streamed command = { at->entry, item, { 0 } };
	enum follows how = decide_ahead(collecting, at, module, &command.attempt);
	if (variables->wanted != wanted || (how == FOLLOWS && keyword_environment(at, &environment, &ignored) < 0))
		how = STOPS; /* with facts that are not there yet it may mean something else */
	variables->wanted = wanted;
	if (how != FOLLOWS) {
		attempt_release(&command.attempt);
		return how;
	}
	add_step(stream, only_step(&command.attempt), environment);
	mem_grow(stream->commands, stream->count, stream->room);
	stream->commands[stream->count++] = command;
	return FOLLOWS;
}

static bool is_full(const struct stream *stream) { return stream->step_count >= COMMANDS_MOST; }

static void collect_items(const struct collecting *collecting)
{
	struct task *task = collecting->task;
	struct variables *variables = &task->walk->variables;
	bool going = true;
	for (size_t i = task->index + 1; going && i < json_array_size(task->loop.items) && !is_full(collecting->stream); i++) {
		loop_enter(&task->loop, variables, i);
		going = follow(collecting, &task->at, task->module, i) != STOPS;
	}
	loop_enter(&task->loop, variables, task->index);
}

static bool collect_task(void *context, const struct entry *entry)
{
	const struct collecting *collecting = context;
	struct walk *walk = collecting->task->walk;
	if (!select_entry(walk->run, entry))
		return true;
	const struct module *module = registry_find(walk->run->registry, entry->action);
	if (!module || !module->judged_by_status || keyword_has_loop(entry) || !is_plain(entry))
		return false;
	walk_enter_variables(walk, entry);
	const struct evaluation at = { collecting->task->at.vm, &walk->variables, entry };
	enum follows how = follow(collecting, &at, module, 0);
	variables_leave(&walk->variables);
	return how == SKIPPED || (how == FOLLOWS && is_unseen(entry) && !is_full(collecting->stream));
}

static void collect_tasks(struct collecting *collecting)
{
	struct walk *walk = collecting->task->walk;
	variables_leave(&walk->variables);
	walk_each_coming(walk, WALK_TO_HANDLERS, collect_task, collecting);
	walk_enter_variables(walk, collecting->task->entry);
}

/* Whether anything may be sent with the task's command: a live view of it would come before its heading. */
static bool can_lead(const struct task *task)
{
	const struct walk *walk = task->walk;
	const struct run_options *options = walk->run->options;
	if (!task->module->judged_by_status || options->verbosity || options->step || task->attempt.check ||
	    !is_plain(task->entry) || !only_step(&task->attempt))
		return false;
	if (task->loop.items)
		return !task->loop.break_when && task->loop.pause_s <= 0;
	return walk->alone && is_unseen(task->entry);
}

void stream_collect(struct task *task)
{
	struct walk *walk = task->walk;
	if (!can_lead(task))
		return;
	stream_free(walk->stream);
	struct stream *stream = walk->stream = mem_alloc(sizeof(*stream));
	stream->steps = arena_array(&stream->arena, COMMANDS_MOST, sizeof(*stream->steps));
	stream->environments = arena_array(&stream->arena, COMMANDS_MOST, sizeof(*stream->environments));
	stream->outcomes = arena_array(&stream->arena, COMMANDS_MOST, sizeof(*stream->outcomes));
	add_step(stream, only_step(&task->attempt), task->settings.environment);
	struct collecting collecting = { task, stream };
	if (task->loop.items)
		collect_items(&collecting);
	else
		collect_tasks(&collecting);
	if (!stream->count)
		return;
	task->job.is_stream = true;
	task->job.steps = stream->steps;
	task->job.step_count = stream->step_count;
	task->job.outcomes = stream->outcomes;
	task->job.environment = NULL; /* each command has its own */
	task->job.arena = &stream->arena;
}

/* ---- what became of them ---- */

void stream_ended(struct walk *walk, const struct job *job)
{
	struct stream *stream = walk->stream;
	stream->done = job->steps_done ? job->steps_done - 1 : 0;
	stream->err = job->err;
	size_t behind = stream->count - stream->done;
	if (job->err.kind == ERR_UNREACHABLE && job->steps_done && behind > 1)
		err_hint(&stream->err, "this command and the %zu behind it had been sent: see on the host which of them were run",
		         behind - 1);
}

static bool has_result(const struct stream *stream)
{
	return stream && stream->next < stream->count &&
	       (stream->next < stream->done || (stream->next == stream->done && stream->err.kind == ERR_UNREACHABLE));
}

bool stream_awaits(const struct walk *walk)
{
	return has_result(walk->stream) && walk->next == walk->stream->commands[walk->stream->next].entry;
}

bool stream_has(const struct walk *walk, const struct entry *entry, size_t item)
{
	const struct stream *stream = walk->stream;
	return has_result(stream) && stream->commands[stream->next].entry == entry &&
	       stream->commands[stream->next].item == item;
}

enum stream_found stream_take(struct walk *walk, const struct entry *entry, size_t item, struct attempt *attempt,
                              struct err *err)
{
	if (!stream_has(walk, entry, item))
		return STREAM_NOTHING;
	struct stream *stream = walk->stream;
	size_t at = stream->next;
	if (at >= stream->done) {
		*err = stream->err;
		stream->err = (struct err)ERR_INIT;
		return STREAM_LOST;
	}
	stream->next++;
	*attempt = stream->commands[at].attempt;
	decision_outcome(&attempt->decision, decision_steps_done(&attempt->decision), &stream->outcomes[at + 1]);
	return STREAM_DONE;
}
