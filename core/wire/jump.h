/* Jump hosts (ProxyJump): one SSH session for each, shared by all hosts behind it and carried by a thread of its own,
 * because the hosts behind it belong to threads that come and go.
 *
 * A host behind it gets one end of a socket pair; the thread moves bytes between the other end and a direct-tcpip channel
 * (RFC 4254 7.2). A chain is a jump host that is itself reached through one. */
#ifndef NEAP_WIRE_JUMP_H
#define NEAP_WIRE_JUMP_H

#include "base/err.h"
#include "wire/ssh.h"

/* Waits until the last host of state->config.proxy_jump is connected, by this thread or by another one. ERR_* of the jump
 * host's own connection, which all hosts behind it get, or ERR_INTERRUPTED. */
int jump_prepare(struct ssh_state *state, struct err *err) must_check;
/* A descriptor that leads to state's host and port through the prepared jump host. Returns before the far end has
 * answered: the first bytes wait here for the channel's confirmation. */
int jump_dial(struct ssh_state *state, int *fd, struct err *err) must_check;
/* Why the way through the jump host ended, if it was the jump host that ended it. */
bool jump_failure(struct ssh_state *state, struct err *err);
/* Gives the way back, when the session has ended. */
void jump_release(struct ssh_state *state);

/* Ends all sessions, the inner ones of chains first. */
struct jump_table *jump_table_new(void);
void jump_table_free(struct jump_table *table);

#endif
