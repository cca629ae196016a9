/* An attempt: one module's arguments for one host (and loop item), bound, and the decision as it grows.
 *
 * attempt_decide calls the module as often as it takes with what is known already, and stops where something must be
 * asked or done on the target. The task under way and the looking ahead are both written on this. */
#ifndef NEAP_RUN_ATTEMPT_H
#define NEAP_RUN_ATTEMPT_H

#include "run/keywords.h"
#include "run/target.h"

struct attempt {
	const struct module *module;
	json_t *arguments;  /* canonical; owned */
	const void *want;   /* arguments as the module takes them */
	struct decision decision;
	json_t *environment;   /* of the task, or NULL; owned */
	struct target *target; /* NULL for modules that act on the run */
	const struct target_user *user;
	const struct touched *behind; /* it is decided before these steps, for when they were done; NULL: there are none. Borrowed */
	bool check;
};

/* Evaluates and binds the task's arguments, with the module_defaults that apply. The attempt must be released even then.
 * -1: err says what is wrong with them, with its place. target and user are set by the caller afterwards. */
int attempt_prepare(struct attempt *attempt, const struct evaluation *at, const struct module *module, bool check,
                    bool diff, struct err *err) must_check;

enum attempt_need { ATTEMPT_DONE, ATTEMPT_ANSWERS, ATTEMPT_STEPS };

/* Goes on until answers or steps are needed that are not known, or the decision is done. -1: the module is at fault. */
int attempt_decide(struct attempt *attempt, const struct evaluation *at, enum attempt_need *need,
                   struct err *err) must_check;
/* What has to be asked for the decision's ask of that index: in check mode a link that would be made may lead elsewhere. */
const struct ask *attempt_ask(struct attempt *attempt, size_t index);
/* Gives the decision the answer to it, with what check mode predicts laid over it. Takes the reference. */
void attempt_answer(struct attempt *attempt, size_t index, const struct ask *ask, struct answer *answer);
/* The result so far as a new dictionary: the module's keys, changed, failed or skipped, and diff where wanted. */
json_t *attempt_result(struct attempt *attempt, bool diff);
void attempt_release(struct attempt *attempt);

#endif
