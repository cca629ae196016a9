/* One task on one host, from its loop and its conditions to what is registered, notified and reported. A state machine:
 * task_continue goes on until something must be waited for (a target's job, a pause), and is called again when it is over. */
#ifndef NEAP_RUN_TASK_H
#define NEAP_RUN_TASK_H

#include <stdbool.h>

#include "run/walk.h"

struct task;

/* One that only gathers what the walk's templates have wanted, and leaves the walk where it is. */
struct task *task_new_facts(struct walk *walk);
struct task *task_new(struct walk *walk, const struct entry *entry);
/* true: the task has ended and the walk has been moved on; false: it waits, and sched_ready comes when that is over. */
bool task_continue(struct task *task, struct template_vm *vm);
void task_free(struct task *task);

#endif
