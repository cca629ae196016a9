/* --step: the user is asked before each task. */
#ifndef NEAP_RUN_CONFIRM_H
#define NEAP_RUN_CONFIRM_H

#include "run/context.h"

/* ERR_USAGE for --step where there is no terminal to ask on. */
int confirm_possible(const struct run_context *run, struct err *err) must_check;
/* Whether the task is to be done; true at once without --step. Asks on /dev/tty; without a terminal the answer is no. */
bool confirm_step(struct run_context *run, const char *task);

#endif
