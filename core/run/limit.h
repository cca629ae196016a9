/* --limit: the hosts that a run keeps to. */
#ifndef NEAP_RUN_LIMIT_H
#define NEAP_RUN_LIMIT_H

#include "run/context.h"

/* Once, before anything is run: ERR_INPUT where --limit names no host at all, with the name that was probably meant; a
 * part of it that names nothing is a warning. */
int limit_check(struct run_context *run, struct err *err) must_check;
/* Keeps those of the hosts that --limit names; all without one. */
int limit_apply(struct run_context *run, struct host **hosts, size_t *count, struct err *err) must_check;

#endif
