/* What a task has done on its target: jobs of asks and of steps, handed over and taken back. */
#include "run/task_inside.h"

#include "base/mem.h"
#include "run/ahead.h"
#include "run/connect.h"
#include "run/host_facts.h"
#include "run/play.h"
#include "run/sched.h"
#include "run/stream.h"
#include "run/throttle.h"
#include "run/unseal.h"

static void job_done(struct job *job)
{
	struct task *task = job->context;
	sched_ready(task->walk->run->sched, task->walk);
}

static void submit(struct task *task, struct target *target)
{
	task->job_target = target;
	task->job.task = task->name;
	task->job.done = job_done;
	task->job.context = task;
	task->wait = WAIT_JOB;
}

/* The asks of coming tasks, evaluated with their variables in place of this one's, and the facts that any of them wants; behind
 * steps (NULL: none) only what can go with these. */
static int look_ahead(struct task *task, struct target *target, const struct touched *behind, struct err *err)
{
	struct walk *walk = task->walk;
	fact_parts wanted = walk->variables.wanted;
	size_t item = task->index;
	const struct entry *last = behind ? stream_last(task, &item) : NULL;
	target_expect(target); /* the hosts shake hands while this is worked out */
	if (task->loop.items && task->has_attempt && (!last || last == task->entry))
		ahead_collect_items(walk, &task->at, &task->loop, item, task->index, target, behind, &task->asks);
	variables_leave(&walk->variables);
	ahead_collect(walk, task->at.vm, target, behind, last == task->entry ? NULL : last, &task->asks);
	if (behind)
		walk->variables.wanted = wanted;
	int failed = walk->variables.wanted && !behind ? gather_ask(walk, task->at.vm, target, &task->asks, err) : 0;
	walk_enter_variables(walk, task->entry);
	if (task->loop.items)
		variables_loop(&walk->variables, task->loop.values);
	return failed;
}

enum state task_gather(struct task *task, enum state back)
{
	struct walk *walk = task->walk;
	struct err err = ERR_INIT;
	const struct evaluation at = { task->at.vm, &walk->variables, &walk->play->gather.task };
	task->back = back;
	asks_release(&task->asks);
	if (!walk->target)
		walk->target = targets_get(walk->run->targets, &at, &err);
	if (!walk->target || look_ahead(task, walk->target, NULL, &err) < 0) {
		walk->host->gathered |= walk->variables.wanted; /* they stay undefined, and who needs them says so */
		walk->variables.wanted = 0;
		if (back == STATE_BEGIN || back == STATE_DONE)
			variables_leave(&walk->variables);
		return back;
	}
	if (back == STATE_BEGIN || back == STATE_DONE)
		variables_leave(&walk->variables);
	task->job = (struct job){
		.kind = JOB_ASKS, .asks = task->asks.items, .ask_count = task->asks.count, .user = task->asks.items[0].user,
	};
	submit(task, walk->target);
	return STATE_GATHERED;
}

/* Of a delegated task: as the other host's variables say, with those of the play and the task. */
static struct target *delegate_target(struct task *task, struct err *err)
{
	struct walk *walk = task->walk;
	struct run_context *run = walk->run;
	struct variables variables;
	const struct evaluation at = { task->at.vm, &variables, task->entry };
	pthread_mutex_lock(&run->facts_lock); /* another walk may have that host */
	variables_init_other(&variables, run, walk->play, context_delegate(run, task->settings.delegate_to));
	walk_enter_other(walk, &variables, task->entry);
	variables_loop(&variables, task->loop.values);
	struct target *target = targets_get(run->targets, &at, err);
	if (target)
		task->attempt.user = targets_user(run->targets, target, &at, err);
	variables_release(&variables);
	pthread_mutex_unlock(&run->facts_lock);
	return target;
}

static struct target *own_target(struct task *task, struct err *err)
{
	struct walk *walk = task->walk;
	if (keyword_has_own_connection(task->entry))
		return targets_get(walk->run->targets, &task->at, err);
	if (!walk->target)
		walk->target = targets_get(walk->run->targets, &task->at, err);
	return walk->target;
}

void task_find_target(struct task *task, struct err *err)
{
	struct attempt *attempt = &task->attempt;
	attempt->target = task->settings.delegate_to ? delegate_target(task, err) : own_target(task, err);
	if (attempt->target && !task->settings.delegate_to)
		attempt->user = targets_user(task->walk->run->targets, attempt->target, &task->at, err);
}

static void prepare_job(struct task *task)
{
	task->job.user = task->attempt.user;
	task->job.arena = &task->attempt.decision.arena;
	submit(task, task->attempt.target);
}

void task_send_asks(struct task *task)
{
	struct attempt *attempt = &task->attempt;
	struct walk *walk = task->walk;
	size_t files = 0;
	asks_release(&task->asks);
	for (size_t i = 0; i < attempt->decision.asked_count; i++) {
		if (!decision_ask_is_open(&attempt->decision, i))
			continue;
		const struct ask *ask = attempt_ask(attempt, i);
		asks_add(&task->asks, attempt->user, ask);
		files += ask->kind == ASK_HASH;
	}
	struct err ignored = ERR_INIT;
	if (attempt->target == walk->target)
		(void)!look_ahead(task, attempt->target, NULL, &ignored);
	task->job = (struct job){ .kind = JOB_ASKS, .asks = task->asks.items, .ask_count = task->asks.count,
		.files_to_come = attempt->check ? 0 : files };
	prepare_job(task);
}

/* What the coming tasks ask, and the steps make stale, is asked behind these. */
static void prepare_behind(struct task *task)
{
	struct attempt *attempt = &task->attempt;
	const struct job *job = &task->job;
	struct err ignored = ERR_INIT;
	const struct touched touched =
		store_touched(target_store(attempt->target), attempt->user->key, job->steps, job->step_count);
	if (attempt->target == task->walk->target)
		(void)!look_ahead(task, attempt->target, &touched, &ignored);
	task->job.asks = task->asks.items;
	task->job.ask_count = task->asks.count;
}

/* Whether the last of the steps goes in a flight that others may join. */
static bool ends_in_flight(const struct job *job)
{
	return step_is_of_files(job->steps[job->step_count - 1]);
}

/* What the first steps were decided on, where others may change it before they are done: a host that tasks are delegated to, or
 * several that are one machine. Who was come before decides again when it is its turn (WAIT_MACHINE); a task that others have come
 * before so often even then goes on as it is. */
static void add_basis(struct task *task)
{
	enum { REDONE_MOST = 100 };
	struct attempt *attempt = &task->attempt;
	struct decision *decision = &attempt->decision;
	bool may_clash = task->settings.delegate_to || store_is_shared(target_store(attempt->target));
	if (!may_clash || decision->alone || decision_steps_done(decision) || task->redone >= REDONE_MOST)
		return;
	struct basis *basis = arena_array(&decision->arena, decision->asked_count + 1, sizeof(*basis));
	size_t count = 0;
	for (size_t i = 0; i < decision->asked_count; i++) {
		const struct ask *ask = attempt_ask(attempt, i);
		const struct answer *answer = decision->asked[i].answer;
		if (answer && ask->side != ASK_ON_CONTROLLER && ask->kind < ASK_FACTS)
			basis[count++] = (struct basis){ attempt->user->key, ask, answer };
	}
	task->job.basis = count ? basis : NULL;
	task->job.basis_count = count;
}

void task_send_steps(struct task *task)
{
	struct decision *decision = &task->attempt.decision;
	size_t done = decision_steps_done(decision), count = decision->stepped_count - done;
	const struct step **steps = arena_array(&decision->arena, count, sizeof(*steps));
	for (size_t i = 0; i < count; i++)
		steps[i] = unseal_step(task->walk->run, &decision->arena, decision->stepped[done + i].step);
	task->job = (struct job){
		.kind = JOB_STEPS,
		.steps = steps,
		.step_count = count,
		.outcomes = arena_array(&decision->arena, count, sizeof(struct outcome)),
		.environment = task->settings.environment,
		.timeout_ms = (int64_t)(task->settings.timeout_s * 1000),
		.live = task->walk->run->options->verbosity > 0 && !task->settings.no_log,
	};
	task->step_count = count;
	asks_release(&task->asks);
	prepare_job(task);
	add_basis(task);
	if (task->job.basis)
		return;
	stream_collect(task);
	/* Something changes: what is asked early is soon stale; but the next flight may be as large as this one, and larger. */
	task->walk->ahead_window = 16 + 2 * task->job.step_count;
	if (ends_in_flight(&task->job))
		prepare_behind(task);
	task->job.is_last = stream_is_last(task);
}

enum state task_take_answers(struct task *task)
{
	if (task->job.err.kind != ERR_NONE)
		return task_lost(task, &task->job.err);
	gather_take(task->walk, &task->asks);
	struct decision *decision = &task->attempt.decision;
	for (size_t i = 0; i < decision->asked_count; i++) {
		if (!decision_ask_is_open(decision, i))
			continue;
		const struct ask *ask = attempt_ask(&task->attempt, i);
		struct answer *answer = asks_find(&task->asks, task->attempt.user, ask);
		if (answer)
			attempt_answer(&task->attempt, i, ask, answer);
	}
	asks_release(&task->asks);
	if (task->walk->ahead_window < 2000)
		task->walk->ahead_window *= 2;
	return STATE_DECIDE;
}

enum state task_take_gathered(struct task *task)
{
	if (task->job.err.kind != ERR_NONE && task->back == STATE_DONE) {
		task->walk->variables.wanted = 0; /* the task itself will meet the same fault, and tell it */
		return STATE_DONE;
	}
	if (task->job.err.kind != ERR_NONE) {
		play_announce(task->walk->play, task->entry, task->number, task->name);
		return task_lost(task, &task->job.err);
	}
	gather_take(task->walk, &task->asks);
	asks_release(&task->asks);
	return task->back;
}

enum state task_take_outcomes(struct task *task)
{
	struct job *job = &task->job;
	asks_release(&task->asks); /* what was answered is in the store */
	if (job->is_outdated && job->err.kind == ERR_NONE) {
		task->redone++;
		task->tries--;
		if (!task->walk->machine)
			task->wait = WAIT_MACHINE;
		return STATE_ATTEMPT;
	}
	throttle_leave_machine(task->walk->play->throttles, task->walk);
	bool is_shared = job->is_stream || job->is_joined;
	if (is_shared)
		stream_ended(task->walk, job);
	bool is_whole = job->steps_done >= task->step_count;
	size_t count = is_whole ? task->step_count : job->steps_done; /* the others are those of coming tasks */
	if (job->err.kind != ERR_NONE && !(is_shared && is_whole))
		return task_lost(task, &job->err);
	struct decision *decision = &task->attempt.decision;
	size_t first = decision_steps_done(decision);
	for (size_t i = 0; i < count; i++) {
		if (!job->outcomes[i].ok)
			return task_step_failed(task, job->steps[i], &job->outcomes[i], i > 0);
		decision_outcome(decision, first + i, &job->outcomes[i]);
	}
	return STATE_DECIDE;
}
