/* The state machine of one task on one host. */
#include "run/task.h"

#include <math.h>
#include <string.h>

#include "base/clock.h"
#include "base/mem.h"
#include "run/asks.h"
#include "run/attempt.h"
#include "run/inventory_change.h"
#include "run/loop.h"
#include "run/outcome.h"
#include "run/play.h"
#include "run/sched.h"
#include "run/special.h"
#include "run/stream.h"
#include "run/throttle.h"
#include "run/task_inside.h"

struct task *task_new(struct walk *walk, const struct entry *entry)
{
	struct task *task = mem_alloc(sizeof(*task));
	task->walk = walk;
	task->entry = entry;
	task->module = registry_find(walk->run->registry, entry->action);
	task->number = play_task_number(walk->play, entry);
	return task;
}

struct task *task_new_facts(struct walk *walk)
{
	struct task *task = task_new(walk, walk->next);
	task->state = STATE_GATHER;
	return task;
}

static void settings_release(struct settings *settings)
{
	json_decref(settings->environment);
	free(settings->delegate_to);
	*settings = (struct settings){ 0 };
}

static void drop_attempt(struct task *task)
{
	if (task->has_attempt)
		attempt_release(&task->attempt);
	task->has_attempt = false;
}

void task_free(struct task *task)
{
	drop_attempt(task);
	if (task->walk->edits)
		task->walk->target = NULL; /* what was typed may have led elsewhere */
	task->walk->edits = NULL;
	debugger_edits_release(&task->edits);
	asks_release(&task->asks);
	settings_release(&task->settings);
	loop_release(&task->loop);
	json_decref(task->item_results);
	json_decref(task->result);
	free(task->name);
	free(task);
}

/* ---- begin ---- */

static void emit_start(const struct task *task)
{
	struct event *event = event_new(EVENT_HOST_START);
	event->task = mem_strdup(task->name);
	event->task_number = task->number;
	event->action = mem_strdup(task->entry->action);
	event->place = context_place(task->walk->run, task->entry->scope.node);
	event->host = mem_strdup(task->walk->host->host->name);
	event_emit(task->walk->run->events, event);
}

/* What is asked of a task that fails before its other keywords are read. A template in them that needs the item is
 * read again with it. */
static int read_tolerance(struct task *task, struct err *err)
{
	struct settings *settings = &task->settings;
	if (keyword_flag(&task->at, "no_log", task->walk->run->options->defaults.no_log, &settings->no_log, err) == 0 &&
	    keyword_flag(&task->at, "ignore_errors", false, &settings->ignore_errors, err) == 0 &&
	    keyword_flag(&task->at, "ignore_unreachable", false, &settings->ignore_unreachable, err) == 0)
		return 0;
	if (err->os_error != TEMPLATE_UNDEFINED || !keyword_has_loop(task->entry))
		return -1;
	err_clear(err);
	return 0;
}

static enum state begin(struct task *task)
{
	struct walk *walk = task->walk;
	if (atomic_load(&walk->run->cancelled) && !stream_awaits(walk))
		return STATE_LEFT;
	struct err err = ERR_INIT;
	int failed = play_enter_variables(walk, task->at.vm, task->entry, &err);
	free(task->name);
	task->name = keyword_task_name(&task->at);
	if (walk->variables.wanted) {
		variables_leave(&walk->variables);
		return task_gather(task, STATE_BEGIN);
	}
	play_announce(walk->play, task->entry, task->number, task->name);
	emit_start(task);
	if (!failed)
		return STATE_LOOP;
	task_fail(task, &err);
	return STATE_CONCLUDE;
}

static enum state enter_loop(struct task *task)
{
	struct walk *walk = task->walk;
	struct err err = ERR_INIT;
	if (read_tolerance(task, &err) < 0) {
		task_fail(task, &err);
		return STATE_CONCLUDE;
	}
	int failed = loop_init(&task->loop, &task->at, &err);
	if (walk->variables.wanted) {
		loop_release(&task->loop);
		return task_gather(task, STATE_LOOP);
	}
	if (failed) {
		/* A condition that is false without the items spares the error, as Ansible does it. */
		struct err ignored = ERR_INIT;
		bool holds = true;
		if (err.os_error == TEMPLATE_UNDEFINED &&
		    keyword_holds(&task->at, "when", true, &holds, NULL, &ignored) == 0 && !holds) {
			task_set_result(task, json_pack("{s:b, s:b, s:s}", "changed", 0, "skipped", 1, "skip_reason",
			                           "Conditional result was False"));
			return STATE_CONCLUDE;
		}
		task_fail(task, &err);
		return STATE_CONCLUDE;
	}
	if (task->loop.items)
		task->item_results = json_array();
	return STATE_ITEM;
}

/* ---- one item ---- */

static int read_settings(struct task *task, struct err *err)
{
	struct settings *settings = &task->settings;
	const struct evaluation *at = &task->at;
	const struct run_options *options = task->walk->run->options;
	bool check = options->check;
	settings_release(settings);
	settings->has_until = scope_keyword(&task->entry->scope, "until").value != NULL;
	if (keyword_flag(at, "ignore_errors", false, &settings->ignore_errors, err) < 0 ||
	    keyword_flag(at, "ignore_unreachable", false, &settings->ignore_unreachable, err) < 0 ||
	    keyword_flag(at, "no_log", options->defaults.no_log, &settings->no_log, err) < 0 ||
	    keyword_flag(at, "check_mode", check, &settings->check, err) < 0 ||
	    keyword_flag(at, "diff", options->diff, &settings->diff, err) < 0 ||
	    keyword_number(at, "retries", settings->has_until ? 3 : 0, &settings->retries, err) < 0 ||
	    keyword_number(at, "delay", 5, &settings->delay_s, err) < 0 ||
	    keyword_number(at, "timeout", options->defaults.timeout_s, &settings->timeout_s, err) < 0 ||
	    keyword_environment(at, &settings->environment, err) < 0)
		return -1;
	return keyword_text(at, "delegate_to", &settings->delegate_to, err);
}

static enum state enter_item(struct task *task)
{
	struct err err = ERR_INIT;
	bool holds = true;
	if (task->loop.items) {
		if (task->index >= json_array_size(task->loop.items))
			return STATE_CONCLUDE;
		loop_enter(&task->loop, &task->walk->variables, task->index);
	}
	task->tries = 0;
	task_set_result(task, NULL);
	if (task->loop.items && read_tolerance(task, &err) < 0) {
		task_fail(task, &err);
		return STATE_ITEM_END;
	}
	bool is_known = stream_has(task->walk, task->entry, task->index, task->loop.items);
	if (!is_known && keyword_holds(&task->at, "when", true, &holds, NULL, &err) < 0) {
		task_fail(task, &err);
		return STATE_ITEM_END;
	}
	if (!holds) {
		task->is_silent = task->is_silent || strcmp(task->entry->action, "meta") == 0;
		task_set_result(task, json_pack("{s:b, s:b, s:s}", "changed", 0, "skipped", 1, "skip_reason",
		                           "Conditional result was False"));
		return STATE_ITEM_END;
	}
	if (read_settings(task, &err) < 0) {
		task_fail(task, &err);
		return STATE_ITEM_END;
	}
	return STATE_ATTEMPT;
}

/* ---- an attempt ---- */

static enum state do_special(struct task *task)
{
	struct err err = ERR_INIT;
	json_t *result = special_do(task->walk, &task->at, task->loop.values, &err);
	if (result)
		task_set_result(task, result);
	else
		task_fail(task, &err);
	task->is_silent = result != NULL;
	return STATE_ITEM_END;
}

/* Of a task that acts as soon as it is evaluated: whether evaluating it wants facts. */
static bool wants_facts(struct task *task)
{
	json_t *ignored = NULL;
	struct err err = ERR_INIT;
	(void)!template_value(task->at.vm, task->entry->arguments.value, &task->walk->variables.scope, &ignored, NULL, &err);
	json_decref(ignored);
	return task->walk->variables.wanted != 0;
}

static enum state start_attempt(struct task *task)
{
	struct err err = ERR_INIT;
	drop_attempt(task);
	if (special_handles(task->entry) && wants_facts(task))
		return task_gather(task, STATE_ATTEMPT);
	task->tries++;
	if (special_handles(task->entry))
		return do_special(task);
	struct stream_failure failure;
	enum stream_found found = stream_take(task->walk, task->entry, task->index, task->loop.items, &task->attempt, &failure, &err);
	if (found == STREAM_LOST)
		return task_lost(task, &err);
	if (!task->module) {
		err_set(&err, ERR_INPUT, "neap has no module \"%s\"", task->entry->action);
		task_fail(task, &err);
		return STATE_ITEM_END;
	}
	task->has_attempt = true;
	if (found == STREAM_FAILED)
		return task_step_failed(task, failure.step, failure.outcome, failure.changed);
	if (found == STREAM_DONE)
		return STATE_DECIDE;
	if (attempt_prepare(&task->attempt, &task->at, task->module, task->settings.check, task->settings.diff, &err) < 0) {
		task_fail(task, &err);
		return STATE_ITEM_END;
	}
	if (task->module->acts_on_run)
		return STATE_DECIDE;
	struct attempt *attempt = &task->attempt;
	task_find_target(task, &err);
	if (!attempt->user) {
		task_fail(task, &err);
		return STATE_ITEM_END;
	}
	if (attempt->check && attempt->module->no_check_mode) {
		task_set_result(task, json_pack("{s:b, s:b, s:o}", "changed", 0, "skipped", 1, "msg",
		                           json_sprintf("remote module (ansible.legacy.%s) does not support check mode",
		                                        attempt->module->name)));
		return STATE_ITEM_END;
	}
	return STATE_DECIDE;
}

/* In check mode what would be done is remembered, so that later tasks find it; but not what single tasks of a real run would
 * have done, as those behind them do not come upon it. */
static enum state predict(struct task *task)
{
	if (!task->walk->run->options->check)
		return STATE_JUDGE;
	struct overlay *overlay = target_overlay(task->attempt.target);
	task->uncertain = overlay_is_uncertain(overlay);
	overlay_predict(overlay, &task->attempt.decision);
	return STATE_JUDGE;
}

/* Of a module that acts on the run: its next step is a wait, which needs no target. */
static bool begin_wait(struct task *task)
{
	const struct decision *decision = &task->attempt.decision;
	const struct step *step = decision->stepped[decision_steps_done(decision)].step;
	if (task->attempt.target || step->kind != STEP_WAIT)
		return false;
	if (step->wait.say) {
		struct event *event = event_new(EVENT_MESSAGE);
		event->text = mem_strdup(step->wait.say);
		event_emit(task->walk->run->events, event);
	}
	task->wait_start_us = clock_wall_us();
	task->wait = WAIT_TIMER;
	task->wait_ms = step->wait.ms + 1; /* not less than the time that was asked for */
	return true;
}

static enum state end_wait(struct task *task)
{
	if (atomic_load(&task->walk->run->cancelled))
		return STATE_LEFT;
	struct decision *decision = &task->attempt.decision;
	struct outcome *outcome = arena_alloc(&decision->arena, sizeof(*outcome));
	outcome->ok = true;
	outcome->run.start_us = task->wait_start_us;
	outcome->run.end_us = clock_wall_us();
	decision_outcome(decision, decision_steps_done(decision), outcome);
	return STATE_DECIDE;
}

static enum state decide(struct task *task)
{
	struct err err = ERR_INIT;
	enum attempt_need need;
	if (attempt_decide(&task->attempt, &task->at, &need, &err) < 0) {
		auto_free char *where = node_where(task->entry->scope.node);
		if (!err.where[0])
			err_at(&err, "%s", where ? where : "");
		task_fail(task, &err);
		return STATE_ITEM_END;
	}
	if (need == ATTEMPT_DONE)
		return STATE_JUDGE;
	if (need == ATTEMPT_STEPS && begin_wait(task))
		return STATE_WAITED;
	if (!task->attempt.target) {
		err_set(&err, ERR_HOST, "module %s acts on the run and cannot ask or do anything on a target",
		        task->module->name);
		task_fail(task, &err);
		return STATE_ITEM_END;
	}
	if (need == ATTEMPT_STEPS && task->attempt.check)
		return predict(task);
	if (atomic_load(&task->walk->run->cancelled))
		return STATE_LEFT;
	if (need == ATTEMPT_ANSWERS)
		task_send_asks(task);
	else
		task_send_steps(task);
	return need == ATTEMPT_ANSWERS ? STATE_ANSWERED : STATE_STEPPED;
}

/* ---- judging ---- */

static struct task_outcome outcome_of(struct task *task, const char *item)
{
	struct task_outcome outcome = {
		.entry = task->entry,
		.number = task->number,
		.name = task->name,
		.delegated_to = task->settings.delegate_to,
		.result = task->result,
		.status = outcome_status(task->result),
		.no_log = task->settings.no_log,
		.uncertain = task->uncertain,
		.item = item,
	};
	outcome.is_include = task->is_silent && strcmp(task->entry->action, "meta") != 0;
	outcome.ignored = (outcome.status == STATUS_FAILED && task->settings.ignore_errors) ||
	                  (outcome.status == STATUS_UNREACHABLE && task->settings.ignore_unreachable);
	return outcome;
}

static enum state judge(struct task *task)
{
	struct err err = ERR_INIT;
	bool again = false;
	throttle_leave_machine(task->walk->play->throttles, task->walk);
	task_set_result(task, attempt_result(&task->attempt, task->settings.diff));
	task_judge_facts(task);
	if (task->module->changes_inventory)
		inventory_change_note(task->walk->run, task->walk->host->host, task->walk->place, task->result);
	if (task_judge_conditions(task, &again, &err) < 0) {
		task_fail(task, &err);
		return STATE_ITEM_END;
	}
	if (!again)
		return STATE_ITEM_END;
	const struct task_outcome outcome = outcome_of(task, NULL);
	outcome_emit_retry(task->walk, &outcome, task->tries, (unsigned)task->settings.retries + 1);
	if (task->attempt.target) /* what was known is what was not enough: ask afresh */
		store_forget_all(target_store(task->attempt.target));
	task->wait = WAIT_TIMER;
	task->wait_ms = (int64_t)(fmax(task->settings.delay_s, 0) * 1000);
	return STATE_ATTEMPT;
}

/* ---- the end of an item and of the task ---- */

static enum state end_item(struct task *task)
{
	throttle_leave_machine(task->walk->play->throttles, task->walk);
	drop_attempt(task);
	if (!task->loop.items)
		return STATE_CONCLUDE;
	json_object_set_new(task->result, task->loop.variable,
	                    json_deep_copy(json_array_get(task->loop.items, task->index)));
	json_object_set_new(task->result, "ansible_loop_var", json_string(task->loop.variable));
	if (task->loop.index_variable) {
		json_object_set_new(task->result, task->loop.index_variable, json_integer((json_int_t)task->index));
		json_object_set_new(task->result, "ansible_index_var", json_string(task->loop.index_variable));
	}
	json_t *extended = json_object_get(task->loop.values, "ansible_loop");
	if (extended)
		json_object_set_new(task->result, "ansible_loop", json_deep_copy(extended));
	auto_free char *label = loop_label(&task->loop, &task->at, task->index);
	const struct task_outcome outcome = outcome_of(task, label);
	if (!task->is_silent)
		outcome_emit(task->walk, &outcome);
	json_array_append_new(task->item_results, json_incref(task->result));
	task->index++;
	if (task->unreachable || loop_breaks(&task->loop, &task->at))
		return STATE_CONCLUDE;
	if (task->loop.pause_s > 0 && task->index < json_array_size(task->loop.items)) {
		task->wait = WAIT_TIMER;
		task->wait_ms = (int64_t)(task->loop.pause_s * 1000);
	}
	return STATE_ITEM;
}

/* The user has looked at it, and may have changed the host as well. */
static enum state begin_again(struct task *task)
{
	struct walk *walk = task->walk;
	if (walk->target)
		store_forget_all(target_store(walk->target));
	if (task->job_target)
		store_forget_all(target_store(task->job_target));
	loop_release(&task->loop);
	json_decref(task->item_results);
	task->item_results = NULL;
	task_set_result(task, NULL);
	task->index = 0;
	task->unreachable = task->uncertain = task->is_silent = false;
	walk->target = NULL;
	walk->edits = &task->edits;
	task->at.arguments = task->edits.arguments;
	return STATE_LOOP;
}

/* STATE_LOOP where the task is to be done again. */
static enum state conclude(struct task *task)
{
	struct walk *walk = task->walk;
	struct err err = ERR_INIT;
	if (task->loop.items && (task->item_results && (json_array_size(task->item_results) || !task->result)))
		task_set_result(task, loop_result(task->item_results, task->unreachable));
	if (task->loop.items)
		loop_leave(&task->loop, &walk->variables);
	if (task_judge_register(task, &err) < 0)
		task_fail(task, &err);
	const struct task_outcome outcome = outcome_of(task, NULL);
	if (!task->is_silent || outcome.is_include)
		outcome_emit(walk, &outcome);
	if (!task->is_silent && debugger_stop(&task->at, walk, &outcome, &task->edits))
		return begin_again(task);
	if (task->is_silent && special_counts(task->entry) && outcome.status <= STATUS_CHANGED)
		walk->host->stats.ok += (unsigned)walk->included - 1; /* each file counts, the task does not */
	if (task->is_silent && !special_counts(task->entry))
		walk_advance(walk);
	else
		outcome_conclude(walk, task->at.vm, &outcome);
	variables_leave(&walk->variables);
	return STATE_DONE;
}

static void leave(struct task *task)
{
	struct walk *walk = task->walk;
	throttle_leave_machine(walk->play->throttles, walk);
	if (task->name) {
		loop_leave(&task->loop, &walk->variables);
		variables_leave(&walk->variables);
	}
	walk_end(walk);
	walk_advance(walk);
}

static void await_machine(struct task *task)
{
	struct walk *walk = task->walk;
	if (throttle_enter_machine(walk->play->throttles, walk, target_store(task->job_target)))
		sched_ready(walk->run->sched, walk);
}

static void hand_over(struct task *task)
{
	enum wait wait = task->wait;
	task->wait = WAIT_NOTHING;
	if (wait == WAIT_JOB)
		target_submit(task->job_target, &task->job);
	else if (wait == WAIT_MACHINE)
		await_machine(task);
	else
		sched_after(task->walk->run->sched, task->walk, task->wait_ms);
}

/* What a state has led to; or, if its templates wanted facts, their gathering, after which it is done again. What has been
 * done on the target is not done again: an attempt is thrown away only before its first step. */
static enum state with_facts(struct task *task, enum state state, enum state next)
{
	if (!task->walk->variables.wanted || task->wait == WAIT_JOB || next == STATE_LEFT)
		return next;
	if (state == STATE_ATTEMPT || state == STATE_DECIDE) {
		if (!task->has_attempt || decision_steps_done(&task->attempt.decision))
			return next;
		drop_attempt(task);
		task->tries--;
		state = STATE_ATTEMPT;
	}
	task->wait = WAIT_NOTHING;
	return task_gather(task, state);
}

bool task_continue(struct task *task, struct template_vm *vm)
{
	task->at = (struct evaluation){ vm, &task->walk->variables, task->entry, task->edits.arguments };
	while (task->wait == WAIT_NOTHING) {
		switch (task->state) {
		case STATE_BEGIN: task->state = begin(task); break;
		case STATE_LOOP: task->state = enter_loop(task); break;
		case STATE_ITEM: task->state = with_facts(task, STATE_ITEM, enter_item(task)); break;
		case STATE_ATTEMPT: task->state = with_facts(task, STATE_ATTEMPT, start_attempt(task)); break;
		case STATE_DECIDE: task->state = with_facts(task, STATE_DECIDE, decide(task)); break;
		case STATE_ANSWERED: task->state = task_take_answers(task); break;
		case STATE_STEPPED: task->state = task_take_outcomes(task); break;
		case STATE_WAITED: task->state = end_wait(task); break;
		case STATE_JUDGE: task->state = with_facts(task, STATE_JUDGE, judge(task)); break;
		case STATE_ITEM_END: task->state = end_item(task); break;
		case STATE_CONCLUDE: task->state = conclude(task); break;
		case STATE_LEFT: leave(task); return true;
		case STATE_GATHER: task->state = task_gather(task, STATE_DONE); break;
		case STATE_GATHERED: task->state = task_take_gathered(task); break;
		case STATE_DONE: return true;
		}
	}
	hand_over(task);
	return false;
}
