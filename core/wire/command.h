/* One command in a session of its own on a channel of its own: it may be long, read its stdin, leave children behind, and
 * can be killed with all it started. */
#ifndef NEAP_WIRE_COMMAND_H
#define NEAP_WIRE_COMMAND_H

#include "wire/identity.h"

struct runner;

/* As wire_run. */
int command_run(struct identity *identity, const struct wire_command *command, struct wire_outcome *outcome,
                struct err *err) must_check;
/* NULL is allowed. */
void runner_close(struct runner *runner);

#endif
