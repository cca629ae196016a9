/* What follows from a task's result: events, statistics, register, facts, notified handlers, and where the walk goes. */
#ifndef NEAP_RUN_OUTCOME_H
#define NEAP_RUN_OUTCOME_H

#include "run/walk.h"

/* How one task (or one item of its loop) ended on one host. */
struct task_outcome {
	const struct entry *entry;
	unsigned number;        /* of the task, in events */
	const char *name;       /* evaluated */
	const char *delegated_to;
	json_t *result;         /* borrowed */
	enum event_status status;
	bool ignored, no_log, uncertain;
	bool is_include;        /* its line says what was included, not a result */
	const char *item;       /* label; NULL: the task as a whole */
};

enum event_status outcome_status(const json_t *result);
/* A result without what no_log hides. New. */
json_t *outcome_censored(const json_t *result);
/* ansible_failed_task: its keywords as they are written, its name and its arguments as they are now. New. */
json_t *outcome_describe(struct walk *walk, struct template_vm *vm, const struct entry *entry);
/* Emits the event of a result; the event's copy of the result is censored where no_log says so. */
void outcome_emit(struct walk *walk, const struct task_outcome *outcome);
/* That the task is tried again: so many times it was, of so many. */
void outcome_emit_retry(struct walk *walk, const struct task_outcome *outcome, unsigned attempts, unsigned retries);
/* Everything else, at the end of a task: counts, notifies, and moves the walk to its next task. */
void outcome_conclude(struct walk *walk, struct template_vm *vm, const struct task_outcome *outcome);

#endif
