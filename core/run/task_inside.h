/* Inside a task: its state, shared by task.c (the state machine), task_job.c (what it has done on its target), task_result.c
 * (results that no module gives) and task_judge.c (what a result means). */
#ifndef NEAP_RUN_TASK_INSIDE_H
#define NEAP_RUN_TASK_INSIDE_H

#include "base/buf.h"
#include "run/asks.h"
#include "run/attempt.h"
#include "run/debugger.h"
#include "run/keywords.h"
#include "run/loop.h"
#include "run/walk.h"

enum state {
	STATE_BEGIN,    /* nothing was done yet */
	STATE_LOOP,     /* its name was told; the loop is to be evaluated */
	STATE_ITEM,     /* the next item of the loop (or the task without one) */
	STATE_ATTEMPT,  /* its arguments are to be evaluated */
	STATE_DECIDE,   /* the module is to be called */
	STATE_ANSWERED, /* a job of asks is back */
	STATE_STEPPED,  /* a job of steps is back */
	STATE_WAITED,   /* a wait that needs no target is over */
	STATE_JUDGE,    /* the module is done: changed_when, failed_when, until */
	STATE_ITEM_END, /* the item has its result */
	STATE_CONCLUDE, /* the task has its result */
	STATE_LEFT,     /* the run was interrupted */
	STATE_GATHER,   /* facts are to be gathered, and nothing else */
	STATE_GATHERED, /* a job of facts is back */
	STATE_DONE,     /* there is no result to tell */
};

/* What task_continue hands the walk over to, as the last thing it does: from then on another thread may have it. */
enum wait { WAIT_NOTHING, WAIT_JOB, WAIT_TIMER, WAIT_MACHINE /* its turn there */ };

struct settings { /* keywords of the task for this item */
	bool ignore_errors, ignore_unreachable, no_log, check, diff;
	double retries, delay_s, timeout_s;
	bool has_until;
	json_t *environment;
	char *delegate_to;
};

struct task {
	struct walk *walk;
	const struct entry *entry;
	const struct module *module; /* NULL for what special.c does */
	struct evaluation at;
	enum state state;
	enum wait wait;
	int64_t wait_ms; /* WAIT_TIMER */
	int64_t wait_start_us;
	unsigned number;
	char *name;
	struct loop loop;
	size_t index;
	json_t *item_results; /* array, of a loop */
	struct settings settings;
	struct attempt attempt;
	struct debugger_edits edits;
	bool has_attempt;
	unsigned tries, redone; /* redone: how often others came before, so that it was decided again */
	struct asks asks;
	struct job job;
	size_t step_count; /* of the job's steps, its own: others may go with them */
	struct target *job_target;
	enum state back; /* where a task goes on once facts that it wanted are there */
	json_t *result; /* of the item, then of the task; owned */
	bool uncertain, unreachable;
	bool is_silent; /* what special.c did: it has no result line of its own */
};

/* Where the attempt acts, and as whom; user NULL with err. */
void task_find_target(struct task *task, struct err *err);
/* Gathers what templates have wanted; then the state that evaluated them, back, is done again. */
enum state task_gather(struct task *task, enum state back);
/* What the module asks goes to the target, with what coming tasks ask; so do the steps it wants. */
void task_send_asks(struct task *task);
void task_send_steps(struct task *task);
/* A job is back: the state that follows. */
enum state task_take_answers(struct task *task);
enum state task_take_gathered(struct task *task);
enum state task_take_outcomes(struct task *task);

/* Takes the result, which is the item's from now on. */
void task_set_result(struct task *task, json_t *result);
/* An error of ours (a template, an argument, a module's fault) as a failed result. */
void task_fail(struct task *task, const struct err *err);
/* The host is gone, or the run was interrupted: the state that follows. */
enum state task_lost(struct task *task, const struct err *err);
/* A step failed, behind others that have changed something: the state that follows. */
enum state task_step_failed(struct task *task, const struct step *step, const struct outcome *outcome, bool changed);
/* Adds an error of ours as a result's message shows it: where, what, and what to do. */
void task_error_text(const struct err *err, struct buf *clean);
/* Gives the result to the variable that register: names. */
int task_judge_register(struct task *task, struct err *err) must_check;
/* changed_when, failed_when, retries and until; *again: the task is to be tried once more. */
int task_judge_conditions(struct task *task, bool *again, struct err *err) must_check;
/* What set_fact and its like give becomes variables at once: the next item's templates may use it. */
void task_judge_facts(struct task *task);

#endif
