/* The ssh-agent (draft-miller-ssh-agent), with a say in which of its keys libssh offers: libssh offers all it is shown,
 * one after another, and servers hang up after six. So libssh is shown one key at a time, by a filter in between. */
#ifndef NEAP_WIRE_AGENT_H
#define NEAP_WIRE_AGENT_H

#include <stddef.h>

#include "base/err.h"

struct agent;

struct agent_key {
	unsigned char *blob;
	size_t length;
	char *comment;
};

/* Connects to the agent at that socket and lists its keys. NULL where there is none or it does not answer; cancel_fd ends
 * every wait for it, now and later. */
struct agent *agent_open(const char *path, int cancel_fd);
size_t agent_count(const struct agent *agent);
const struct agent_key *agent_key(const struct agent *agent, size_t i);

/* A descriptor for ssh_set_agent_socket, which takes it over; -1 on failure. Once. */
int agent_socket(struct agent *agent);
/* The key that is shown from now on. */
void agent_show(struct agent *agent, size_t i);
/* NULL is allowed. libssh must not use the descriptor any more. */
void agent_free(struct agent *agent);

#endif
