/* From a host's ansible_* variables and the command line to a connection, and the table of targets that are connected. */
#ifndef NEAP_RUN_CONNECT_H
#define NEAP_RUN_CONNECT_H

#include "run/keywords.h"
#include "run/target.h"

struct targets;

struct targets *targets_new(struct run_context *run);
/* Closes all connections at the same time and waits for them; nothing may be submitted afterwards. */
void targets_close(struct targets *targets);
void targets_free(struct targets *targets);
/* Cancels all (Ctrl-C). Any thread. */
void targets_cancel(struct targets *targets);

/* The target for a host as its variables (at->variables) and the task's keywords (remote_user, port, connection) say; the
 * same one for the same settings. at->entry may be NULL. Owned by the table. Any thread. */
struct target *targets_get(struct targets *targets, const struct evaluation *at, struct err *err) must_check;
/* Whom the task becomes (become keywords and ansible_become_* variables), made once for each target and user. */
const struct target_user *targets_user(struct targets *targets, struct target *target, const struct evaluation *at,
                                       struct err *err) must_check;

#endif
