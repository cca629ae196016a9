/* --step: the user is asked before each task. */
#ifndef NEAP_RUN_CONFIRM_H
#define NEAP_RUN_CONFIRM_H

#include "run/context.h"

/* Whether the task is to be done; true at once without --step. Asks on /dev/tty; without a terminal the answer is no. */
bool confirm_step(struct run_context *run, const char *task);

#endif
