/* ProxyCommand: a program whose input and output are the connection. */
#ifndef NEAP_WIRE_PROXY_H
#define NEAP_WIRE_PROXY_H

#include <stdbool.h>
#include <sys/types.h>

#include "base/err.h"

struct ssh_state;

struct proxy {
	pid_t pid;   /* 0: there is none */
	int errors;  /* a file in memory with what it said on stderr */
};

/* Starts state->config.proxy_command in a shell; *fd is our end of its input and output. */
int proxy_start(struct proxy *proxy, const struct ssh_state *state, int *fd, struct err *err) must_check;
/* Whether it has ended by itself, and why. */
bool proxy_failure(struct proxy *proxy, struct err *err);
/* Ends it: after its connection was closed it has a moment to go by itself. */
void proxy_end(struct proxy *proxy);

#endif
