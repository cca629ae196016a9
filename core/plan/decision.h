/* One task's decision on one host: what decide() is given, and what it says.
 *
 * decide(want, decision) is a pure function that is called again and again ("replayed"). Each call starts from its first
 * line. What it asks for with ask_*() (ask.h) comes back as NULL until the runner has the answer; what it wants done
 * with step_*() (step.h) comes back as NULL until the runner has done it. A call that got a NULL it needs simply
 * returns; the runner fetches what is missing, in one batch with the asks of other tasks, and calls again. It may also
 * go on and ask more before it returns, so that one batch answers all. An ask is known by what it asks and by how many
 * steps stand before it: one that follows a step is asked after that step was done. Steps are known by their order: the
 * nth of this call must be the nth of the last one once it was done, or the module is not pure, which is a fault of the
 * module (module_decide). Steps that were not done are forgotten before the next call. The last call gets everything and
 * fills the result (result.h).
 *
 *   const struct stat_answer *old = ask_stat(decision, want->path, ASK_NO_FOLLOW);
 *   if (!old) return 0;                                     // not answered yet
 *   if (old->type != 'd') step_mkdir(decision, want->path, &attributes);
 *   return 0;                                               // no steps: nothing to change: "ok"
 *
 * In check mode decide() is not called again after steps that have no outcome: the result keys it has set by then are
 * the result. So set what is known before adding steps.
 *
 * changed: a task is changed when a step that changes something was added (or result_changed says so).
 * Fields are for the runner and for ask.c, step.c and result.c; modules use the functions. */
#ifndef NEAP_PLAN_DECISION_H
#define NEAP_PLAN_DECISION_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

#include <jansson.h>

#include "base/arena.h"
#include "base/err.h"
#include "base/index.h"

struct ask;
struct answer;
struct step;
struct outcome;

struct asked {
	const struct ask *ask;   /* in the arena */
	size_t after_steps;      /* how many steps come before it */
	struct answer *answer;   /* a reference; NULL: not answered yet */
};

struct stepped {
	const struct step *step;       /* in the arena */
	const struct outcome *outcome; /* in the arena; NULL: not done yet */
};

/* A difference to show: of a text, or of attributes. */
struct difference {
	const char *before_name, *after_name;
	const char *before, *after; /* bytes in the arena; NULL where it is attributes or does not exist */
	size_t before_length, after_length;
	uint64_t before_larger, after_larger; /* than so many bytes, so that it is not shown; or 0 */
	const char *note;   /* a line instead of all that; or NULL */
	json_t *before_values, *after_values; /* dictionaries: {"mode": "0644"}; or NULL; owned */
	bool secret;
};

struct decision {
	struct arena arena; /* lives as long as the decision */
	json_t *kept;       /* an array of values that the log refers to, owned */

	/* Set by the runner before the first call. */
	const char *host;   /* the host's name in the inventory, "" where there is none; borrowed */
	mode_t umask;       /* of the target's shell; decision_init says 022 */
	const char *folder; /* the playbook's, that relative paths on the controller are beside; "": the process's own; borrowed */
	unsigned verbosity; /* how many -v */
	json_t *environment;/* the task's, for the commands that it asks; borrowed until the decision is released, or NULL */
	bool alone;         /* the play has one host: what is asked of the controller serves no other */
	long long async_s;  /* the task's async: its command goes on as a job, for so many seconds at most; 0: it does not */
	long long poll_s;   /* with async_s: how often the job is looked at until it has ended; 0: it is not waited for */
	bool diff_mode;     /* differences are shown: worth asking for contents (result_wants_diff) */

	/* The log of the replay. */
	struct asked *asked;
	size_t asked_count, asked_room, asked_next;   /* next: the position in this call */
	struct index asked_index;                     /* of the log, by what is asked and when */
	struct stepped *stepped;
	size_t stepped_count, stepped_room, stepped_next;
	size_t last;       /* how many steps there are when the last is done, as step_last said; 0: it did not */
	const char *fault; /* how the module broke the rules of the replay, in the arena; NULL: it did not */

	/* What this call said. */
	json_t *result; /* keys set so far, owned */
	struct difference *differences;
	size_t difference_count, difference_room;
	bool failed, skipped;
	int changed; /* -1: by the steps */
	bool check_mode; /* for the runner; modules have no accessor but result_is_check, which command's family needs */
};

void decision_init(struct decision *decision, bool check_mode);
/* Before each call of decide: back to its first line, results and steps that were not done dropped, answers and outcomes
 * kept. module_decide does it. */
void decision_rewind(struct decision *decision);
/* Whether asks, or steps, are open after a call. Asks before steps: a runner first answers, then does. Asks behind a step
 * that is not done are not open yet. */
bool decision_wants_answers(const struct decision *decision);
bool decision_wants_steps(const struct decision *decision);
/* Whether the ask at index can be answered now: it has no answer, and the steps before it are done. */
bool decision_ask_is_open(const struct decision *decision, size_t index);
/* How many steps, from the first, have an outcome. */
size_t decision_steps_done(const struct decision *decision);
/* Whether the call that just returned had a decision to report: no open asks or steps, or failed or skipped. */
bool decision_is_done(const struct decision *decision);
bool decision_is_changed(const struct decision *decision);
/* The runner's side: gives the answer (takes a reference over) or the outcome (borrowed, in the arena). */
void decision_answer(struct decision *decision, size_t index, struct answer *answer);
void decision_outcome(struct decision *decision, size_t index, const struct outcome *outcome);
void decision_release(struct decision *decision);

#endif
