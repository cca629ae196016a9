/* From a host name to a connected socket: resolves, and tries the addresses one after another with a short head start
 * each (RFC 8305), all within one deadline. */
#ifndef NEAP_WIRE_DIAL_H
#define NEAP_WIRE_DIAL_H

#include <stdbool.h>
#include <stdint.h>

#include "base/err.h"
#include "wire/wire.h"

struct dial {
	const char *host;
	int port;
	int family;               /* AF_UNSPEC: any */
	const char *bind_address; /* or NULL */
	int timeout_ms;           /* for all of it */
	int cancel_fd;
	const struct wire_watch *watch;
	char address[128];        /* out: where it got through, or was tried last: "10.0.0.1 port 22" */
};

/* Returns a nonblocking socket (close-on-exec, NODELAY, keepalive), or -1 with ERR_UNREACHABLE, ERR_TIMEOUT or
 * ERR_INTERRUPTED that names every address that was tried and why it failed. */
int dial_connect(struct dial *dial, struct err *err) must_check;

/* The options that every socket to a peer gets. alive_ms: how long sent data may stay unacknowledged; keepalive: whether
 * the kernel asks a silent peer. */
void dial_prepare(int fd, int alive_ms, bool keepalive);

#endif
