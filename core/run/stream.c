/* Commands, or short steps, that are decided ahead and sent together. */
#include "run/stream.h"

#include <limits.h>
#include <stdlib.h>
#include <string.h>

#include "base/mem.h"
#include "run/connect.h"
#include "run/debugger.h"
#include "run/perform.h"
#include "run/play.h"
#include "run/select.h"
#include "run/task_inside.h"
#include "run/unseal.h"

enum { STEPS_MOST = 64 }; /* in one flight: what was sent cannot be taken back */

struct streamed {
	const struct entry *entry;
	size_t item;
	json_t *value; /* of a coming task's item, which may be another one when its turn comes; else NULL. Owned */
	struct attempt attempt;
	size_t first, count; /* which of the steps are its own */
};

struct stream {
	struct streamed *tasks; /* behind the first, which has its attempt itself */
	size_t count, room;
	bool is_files;             /* short steps, that fail by themselves; else commands, that modules judge */
	const struct entry *cut;   /* the last task, of whose items not all are there; NULL: all are */
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
		attempt_release(&stream->tasks[i].attempt);
	for (size_t i = 0; i < stream->count; i++)
		json_decref(stream->tasks[i].value);
	for (size_t i = 0; i < stream->step_count; i++)
		json_decref(stream->environments[i]);
	arena_release(&stream->arena);
	free(stream->tasks);
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
		"until", "timeout", "async", "poll", "delegate_to", "run_once", "throttle", "check_mode", "diff", "debugger", NULL,
	};
	return !has_any(entry, others) && !keyword_has_own_connection(entry);
}

/* Whether nothing but the command's exit status says how the task ends, and nothing of it shows in the next one. */
static bool is_unseen(const struct entry *entry)
{
	static const char *const looks[] = { "register", "failed_when", NULL };
	json_t *changed_when = scope_keyword(&entry->scope, "changed_when").value;
	/* Handlers that are named plainly are all there: the check before the run has seen to it. */
	return !has_any(entry, looks) && (!changed_when || json_is_boolean(changed_when)) &&
	       !spec_has_template(scope_keyword(&entry->scope, "notify").value);
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

/* Whether all that is left to do are short steps, and what the task asks behind them can change nothing. */
static bool ends_in_short_steps(const struct attempt *attempt)
{
	const struct decision *decision = &attempt->decision;
	size_t done = decision_steps_done(decision), left = decision->stepped_count - done;
	if (!left || left > STEPS_MOST || decision->last != decision->stepped_count)
		return false;
	for (size_t i = done; i < decision->stepped_count; i++) {
		const struct step *step = decision->stepped[i].step;
		if (step->effects != EFFECT_PATHS || !perform_can_be_short(step))
			return false;
	}
	return true;
}

/* ---- collecting ---- */

static void add_steps(struct stream *stream, struct run_context *run, const struct attempt *attempt)
{
	const struct decision *decision = &attempt->decision;
	for (size_t i = decision_steps_done(decision); i < decision->stepped_count; i++)
		stream->steps[stream->step_count++] = unseal_step(run, &stream->arena, decision->stepped[i].step);
}

static void add_command(struct stream *stream, const struct step *step, json_t *environment)
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
	struct touched touched; /* by the steps so far */
};

/* What a task asks behind its steps, which are all there are so far. */
static void add_asks(struct task *task, const struct attempt *attempt)
{
	const struct decision *decision = &attempt->decision;
	for (size_t i = 0; i < decision->asked_count; i++) {
		const struct asked *asked = &decision->asked[i];
		if (!asked->answer && asked->ask->side == ASK_ON_TARGET && asked->after_steps == decision->stepped_count)
			asks_add(&task->asks, attempt->user, asked->ask);
	}
}

/* Whether the steps in front find what they would find without those behind, when asked behind all. */
static bool leaves_answers(const struct collecting *collecting, const struct attempt *attempt)
{
	const struct decision *decision = &attempt->decision;
	auto_arena struct arena arena = ARENA_INIT;
	const struct step **steps = arena_array(&arena, decision->stepped_count, sizeof(*steps));
	for (size_t i = 0; i < decision->stepped_count; i++)
		steps[i] = decision->stepped[i].step;
	const struct touched touched =
		store_touched(target_store(attempt->target), attempt->user->key, steps, decision->stepped_count);
	const struct asks *asks = &collecting->task->asks;
	for (size_t i = 0; i < asks->count; i++) {
		if (touched_changes(&touched, asks->items[i].ask))
			return false;
	}
	return !touched.anywhere;
}

enum follows { FOLLOWS, SKIPPED, STOPS };

/* Whether what was asked of this machine stays the same behind the steps in front, be it the target too. */
static bool is_elsewhere(const struct collecting *collecting, const struct decision *decision)
{
	for (size_t i = 0; i < decision->asked_count; i++) {
		const struct ask *ask = decision->asked[i].ask;
		char real[PATH_MAX];
		if (ask->side != ASK_ON_CONTROLLER || ask->kind == ASK_FIND || ask->kind == ASK_VARIABLE)
			continue;
		const struct ask there = { .kind = ASK_STAT, .path = real };
		if (!ask->path || !realpath(ask->path, real) || touched_changes(&collecting->touched, &there))
			return false;
	}
	return true;
}

/* Whether its command may be done before it is known how those in front of it end. */
static enum follows command_follows(const struct attempt *attempt, enum attempt_need need)
{
	/* What it asked would be asked before the commands in front of it are done. */
	return need == ATTEMPT_STEPS && !attempt->decision.asked_count && only_step(attempt) ? FOLLOWS : STOPS;
}

/* The same of short steps: all that was asked is known, and no step in front changes it. */
static enum follows files_follow(const struct collecting *collecting, const struct evaluation *at,
                                 const struct attempt *attempt, enum attempt_need need)
{
	const struct decision *decision = &attempt->decision;
	if (need == ATTEMPT_DONE)
		return decision->failed || !is_unseen(at->entry) ? STOPS : SKIPPED;
	if (need == ATTEMPT_STEPS && !is_elsewhere(collecting, decision))
		return STOPS;
	bool fits = need == ATTEMPT_STEPS && ends_in_short_steps(attempt) &&
	            collecting->stream->step_count + decision->stepped_count <= STEPS_MOST;
	return fits && leaves_answers(collecting, attempt) ? FOLLOWS : STOPS;
}

/* One coming task, its variables entered. An error is told when its turn comes. */
static enum follows decide_ahead(struct collecting *collecting, const struct evaluation *at,
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
	if (attempt->user != task->attempt.user)
		return STOPS;
	struct stream *stream = collecting->stream;
	if (stream->is_files) {
		collecting->touched =
			store_touched(target_store(attempt->target), attempt->user->key, stream->steps, stream->step_count);
		attempt->behind = &collecting->touched;
	}
	int failed = attempt_decide(attempt, at, &need, &ignored);
	attempt->behind = NULL;
	if (failed)
		return STOPS;
	return stream->is_files ? files_follow(collecting, at, attempt, need) : command_follows(attempt, need);
}

/* value: of the item, where it is one of a coming task. */
static enum follows follow(struct collecting *collecting, const struct evaluation *at, const struct module *module,
                           size_t item, json_t *value)
{
	struct stream *stream = collecting->stream;
	struct variables *variables = at->variables;
	fact_parts wanted = variables->wanted;
	struct err ignored = ERR_INIT;
	auto_json json_t *environment = NULL;
	unsigned long looks = template_looks(at->vm);
	struct streamed streamed = { .entry = at->entry, .item = item, .first = stream->step_count };
	enum follows how = decide_ahead(collecting, at, module, &streamed.attempt);
	if (how == FOLLOWS && keyword_environment(at, &environment, &ignored) < 0)
		how = STOPS;
	/* With facts that are not there yet, or on a machine that is the target itself, it may mean something else. */
	if (variables->wanted != wanted || template_looks(at->vm) != looks)
		how = STOPS;
	variables->wanted = wanted;
	if (how != FOLLOWS) {
		attempt_release(&streamed.attempt);
		return how;
	}
	if (stream->is_files) {
		add_steps(stream, collecting->task->walk->run, &streamed.attempt);
		add_asks(collecting->task, &streamed.attempt);
	} else {
		add_command(stream, only_step(&streamed.attempt), environment);
	}
	streamed.count = stream->step_count - streamed.first;
	streamed.value = json_deep_copy(value);
	mem_grow(stream->tasks, stream->count, stream->room);
	stream->tasks[stream->count++] = streamed;
	return FOLLOWS;
}

static bool is_full(const struct stream *stream) { return stream->step_count >= STEPS_MOST; }

/* The other items of the task's loop; whether all of them are there. */
static bool collect_items(struct collecting *collecting)
{
	struct task *task = collecting->task;
	struct variables *variables = &task->walk->variables;
	bool going = true;
	for (size_t i = task->index + 1; going && i < json_array_size(task->loop.items); i++) {
		loop_enter(&task->loop, variables, i);
		going = !is_full(collecting->stream) && follow(collecting, &task->at, task->module, i, NULL) != STOPS;
	}
	loop_enter(&task->loop, variables, task->index);
	return going;
}

/* All items of a coming task, whose list must not depend on what those in front change either. */
static enum follows follow_loop(struct collecting *collecting, const struct evaluation *at, const struct module *module)
{
	struct variables *variables = at->variables;
	fact_parts wanted = variables->wanted;
	unsigned long looks = template_looks(at->vm);
	struct err ignored = ERR_INIT;
	struct loop loop;
	bool going = loop_init(&loop, at, &ignored) == 0 && loop.items && !loop.break_when && loop.pause_s <= 0 &&
	             variables->wanted == wanted && template_looks(at->vm) == looks;
	variables->wanted = wanted;
	for (size_t i = 0; going && i < json_array_size(loop.items); i++) {
		loop_enter(&loop, variables, i);
		going = !is_full(collecting->stream) && follow(collecting, at, module, i, json_array_get(loop.items, i)) != STOPS;
	}
	loop_release(&loop);
	if (!going)
		collecting->stream->cut = at->entry;
	return going ? FOLLOWS : STOPS;
}

static bool collect_task(void *context, const struct entry *entry)
{
	struct collecting *collecting = context;
	struct walk *walk = collecting->task->walk;
	if (!select_entry(walk->run, entry))
		return true;
	const struct module *module = registry_find(walk->run->registry, entry->action);
	bool may = module && !module->acts_on_run && (module->judged_by_status || collecting->stream->is_files);
	bool loops = keyword_has_loop(entry);
	if (!may || (loops && !collecting->stream->is_files) || !is_plain(entry))
		return false;
	walk_enter_variables(walk, entry);
	const struct evaluation at = { collecting->task->at.vm, &walk->variables, entry };
	enum follows how = loops ? follow_loop(collecting, &at, module) : follow(collecting, &at, module, 0, NULL);
	variables_leave(&walk->variables);
	return how == SKIPPED || (how == FOLLOWS && is_unseen(entry) && !is_full(collecting->stream));
}

static void collect_tasks(struct collecting *collecting)
{
	struct walk *walk = collecting->task->walk;
	variables_leave(&walk->variables);
	walk_each_coming(walk, WALK_TO_HANDLERS, collect_task, collecting);
	walk_enter_variables(walk, collecting->task->entry);
	if (collecting->task->loop.items)
		variables_loop(&walk->variables, collecting->task->loop.values);
}

/* Whether anything may be sent with the task's command, or its short steps. A live view of a command would come before
 * its heading. */
static bool can_lead(const struct task *task, bool *is_files)
{
	const struct walk *walk = task->walk;
	const struct run_options *options = walk->run->options;
	bool is_command = task->module->judged_by_status && !options->verbosity && only_step(&task->attempt);
	*is_files = !is_command && ends_in_short_steps(&task->attempt);
	if ((!is_command && !*is_files) || options->step || walk->play->is_debugged || task->attempt.check || !is_plain(task->entry))
		return false;
	if (task->loop.items)
		return !task->loop.break_when && task->loop.pause_s <= 0;
	return walk->alone && is_unseen(task->entry);
}

void stream_collect(struct task *task)
{
	struct walk *walk = task->walk;
	bool is_files;
	add_asks(task, &task->attempt);
	if (!can_lead(task, &is_files))
		return;
	stream_free(walk->stream);
	struct stream *stream = walk->stream = mem_alloc(sizeof(*stream));
	stream->is_files = is_files;
	stream->steps = arena_array(&stream->arena, STEPS_MOST, sizeof(*stream->steps));
	stream->environments = arena_array(&stream->arena, STEPS_MOST, sizeof(*stream->environments));
	stream->outcomes = arena_array(&stream->arena, STEPS_MOST, sizeof(*stream->outcomes));
	if (is_files)
		add_steps(stream, walk->run, &task->attempt);
	else
		add_command(stream, only_step(&task->attempt), task->settings.environment);
	struct collecting collecting = { .task = task, .stream = stream };
	walk->variables.scope.early = true;
	bool whole = !task->loop.items || (collect_items(&collecting) && is_files && walk->alone && is_unseen(task->entry));
	if (whole && !is_full(stream))
		collect_tasks(&collecting);
	walk->variables.scope.early = false;
	if (!stream->count)
		return;
	task->job.is_stream = !is_files;
	task->job.is_joined = is_files;
	task->job.steps = stream->steps;
	task->job.step_count = stream->step_count;
	task->job.outcomes = stream->outcomes;
	task->job.environment = NULL; /* each command has its own */
	task->job.arena = &stream->arena;
}

const struct entry *stream_last(const struct task *task, size_t *item)
{
	const struct stream *stream = task->walk->stream;
	if (!(task->job.is_stream || task->job.is_joined))
		return NULL;
	size_t count = stream->count;
	while (count && stream->tasks[count - 1].entry == stream->cut)
		count--;
	*item = count ? stream->tasks[count - 1].item : task->index;
	return count ? stream->tasks[count - 1].entry : task->entry;
}

/* ---- the last one ---- */

struct follower {
	const struct walk *walk;
	bool found;
};

/* What acts on the run needs no target, but an include may bring what does. */
static bool look_for_follower(void *context, const struct entry *entry)
{
	struct follower *follower = context;
	const struct walk *walk = follower->walk;
	const struct stream *stream = walk->stream;
	const struct module *module = registry_find(walk->run->registry, entry->action);
	if (!select_entry(walk->run, entry) ||
	    (module && module->acts_on_run && strncmp(entry->action, "include_", 8) != 0))
		return true;
	for (size_t i = 0; stream && i < stream->count; i++) {
		if (stream->tasks[i].entry == entry)
			return true;
	}
	follower->found = true;
	return false;
}

bool stream_is_last(const struct task *task)
{
	struct walk *walk = task->walk;
	const struct stream *stream = task->job.is_stream ? walk->stream : NULL;
	if (!walk->run->is_last_play || !task->module->judged_by_status || !only_step(&task->attempt) ||
	    task->settings.delegate_to || task->settings.has_until || debugger_may_stop(walk, task->entry))
		return false;
	if (task->loop.items && task->index + 1 + (stream ? stream->count : 0) < json_array_size(task->loop.items))
		return false;
	struct follower follower = { walk, false };
	walk_each_coming(walk, WALK_TO_END, look_for_follower, &follower);
	return !follower.found;
}

/* ---- what became of them ---- */

void stream_ended(struct walk *walk, const struct job *job)
{
	struct stream *stream = walk->stream;
	stream->err = job->err;
	/* One whose step failed has ended with it; one that was cut off has not. */
	for (stream->done = 0; stream->done < stream->count; stream->done++) {
		const struct streamed *streamed = &stream->tasks[stream->done];
		bool whole = streamed->first + streamed->count <= job->steps_done;
		if (!whole && (job->err.kind != ERR_NONE || streamed->first >= job->steps_done))
			break;
	}
	size_t behind = stream->count - stream->done;
	if (job->err.kind == ERR_UNREACHABLE && job->steps_done && behind > 1)
		err_hint(&stream->err, "this %s and the %zu behind it had been sent: see on the host which of them were %s",
		         stream->is_files ? "task" : "command", behind - 1, stream->is_files ? "done" : "run");
}

static bool has_result(const struct stream *stream)
{
	return stream && stream->next < stream->count &&
	       (stream->next < stream->done || (stream->next == stream->done && stream->err.kind == ERR_UNREACHABLE));
}

bool stream_awaits(const struct walk *walk)
{
	return has_result(walk->stream) && walk->next == walk->stream->tasks[walk->stream->next].entry;
}

bool stream_has(const struct walk *walk, const struct entry *entry, size_t item, const json_t *items)
{
	const struct stream *stream = walk->stream;
	if (!has_result(stream))
		return false;
	const struct streamed *next = &stream->tasks[stream->next];
	return next->entry == entry && next->item == item && (!next->value || json_equal(next->value, json_array_get(items, item)));
}

enum stream_found stream_take(struct walk *walk, const struct entry *entry, size_t item, const json_t *items, struct attempt *attempt,
                              struct stream_failure *failure, struct err *err)
{
	if (!stream_has(walk, entry, item, items))
		return STREAM_NOTHING;
	struct stream *stream = walk->stream;
	size_t at = stream->next;
	if (at >= stream->done) {
		*err = stream->err;
		stream->err = (struct err)ERR_INIT;
		return STREAM_LOST;
	}
	stream->next++;
	const struct streamed *streamed = &stream->tasks[at];
	*attempt = streamed->attempt;
	for (size_t i = 0; i < streamed->count; i++) {
		const struct outcome *outcome = &stream->outcomes[streamed->first + i];
		if (stream->is_files && !outcome->ok) {
			*failure = (struct stream_failure){ stream->steps[streamed->first + i], outcome, i > 0 };
			return STREAM_FAILED;
		}
		decision_outcome(&attempt->decision, decision_steps_done(&attempt->decision), outcome);
	}
	return STREAM_DONE;
}
