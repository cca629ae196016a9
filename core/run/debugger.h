/* The task debugger: a task that has ended as debugger: (or the setting enable_task_debugger, or strategy: debug) says is
 * shown to the user, who may look at it, change its arguments and variables, and have it done again. */
#ifndef NEAP_RUN_DEBUGGER_H
#define NEAP_RUN_DEBUGGER_H

#include "run/keywords.h"
#include "run/outcome.h"

/* What the user has changed of a task on one host, until it has ended for good. */
struct debugger_edits {
	json_t *arguments; /* instead of those that are written, or NULL; owned, as the next is */
	json_t *variables; /* above all others, or NULL */
};

void debugger_edits_release(struct debugger_edits *edits);

/* Whether it may stop at the task at all, so that nothing must be done beyond it before it has ended. */
bool debugger_may_stop(const struct walk *walk, const struct entry *entry);
/* Talks about a task that has ended like this, if that is asked for. true: the task is to be done again, with the edits. Without
 * a terminal it is not, and the user is warned, once. Quitting cancels the run. The worker that has the walk, and waits. */
bool debugger_stop(const struct evaluation *at, struct walk *walk, const struct task_outcome *outcome,
                   struct debugger_edits *edits);

#endif
