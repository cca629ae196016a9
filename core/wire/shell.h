/* A persistent shell on the target, one for each become user: short commands go to it in one write and come back one
 * behind the other, each framed by a mark of its own. Owned by the wire's thread. */
#ifndef NEAP_WIRE_SHELL_H
#define NEAP_WIRE_SHELL_H

#include "wire/session.h"

struct shell;

/* Returns at once; the shell is under way and commands may be given to it. become is borrowed until the shell is closed,
 * its password only until the first batch has returned. */
int shell_open(struct shell **shell, struct session *session, const struct wire_become *become, struct err *err)
	must_check;
/* As wire_batch, in two halves: between them the wire may do other things, and the commands run meanwhile. commands and
 * outcomes stay borrowed until shell_finish, which must follow; count is at least 1. */
void shell_start(struct shell *shell, const struct wire_command *commands, struct wire_outcome *outcomes,
                 size_t count, bool stop);
int shell_finish(struct shell *shell, int64_t deadline, struct err *err) must_check;
/* As wire_batch. After an error the shell is good for nothing but shell_close. */
int shell_batch(struct shell *shell, const struct wire_command *commands, struct wire_outcome *outcomes, size_t count,
                bool stop, int64_t deadline, struct err *err) must_check;
/* Whether it is still there, as far as is known. */
bool shell_alive(const struct shell *shell);
/* NULL is allowed. Ends the shell; what it left running stays. */
void shell_close(struct shell *shell);

/* The umask of the user there, -1 while it is not known: a batch has to have come back first. */
long shell_umask(const struct shell *shell);
/* Its process number there, 0 while it is not known. */
long shell_pid(const struct shell *shell);

#endif
