/* One command in a session of its own on a channel of its own: it may be long, read its stdin, leave children behind, and
 * can be killed with all it started. */
#ifndef NEAP_WIRE_COMMAND_H
#define NEAP_WIRE_COMMAND_H

#include "wire/identity.h"

struct runner;

/* err.os_error: the server took no channel for it, and nothing has begun. */
enum { COMMAND_REFUSED = 10101 };

/* As wire_run. */
int command_run(struct identity *identity, const struct wire_command *command, struct wire_outcome *outcome,
                struct err *err) must_check;
/* As wire_stream. */
int command_stream(struct identity *identity, const struct wire_command *commands, struct wire_outcome *outcomes,
                   size_t count, size_t *done, struct err *err) must_check;
/* Adds a script that kills the process group which that process is of. */
void command_kill_text(struct buf *script, long pid);
/* Makes a channel ready for the next command, unless there is one; a failure shows when it is needed. */
void command_expect(struct identity *identity);
/* NULL is allowed. */
void runner_close(struct runner *runner);

#endif
