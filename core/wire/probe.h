/* Fetching a host's certificate. libssh does not negotiate certificates for hosts, so a second connection asks for one:
 * the first messages of a key exchange, in clear, up to the one that shows the host's key (RFC 4253 8, RFC 8731). Nothing
 * rests on that connection: a certificate proves itself, and the session's own key exchange proves who holds its key. */
#ifndef NEAP_WIRE_PROBE_H
#define NEAP_WIRE_PROBE_H

#include "base/buf.h"
#include "base/err.h"

/* Reads the certificate's blob from a new connection fd, by deadline (clock_ms); ERR_HOSTKEY if the server has none,
 * ERR_UNREACHABLE, ERR_TIMEOUT, ERR_INTERRUPTED. */
int probe_certificate(int fd, int cancel_fd, int64_t deadline, struct buf *blob, struct err *err) must_check;

#endif
