/* Host certificates (OpenSSH's PROTOCOL.certkeys): whether an authority vouches for a host's key. */
#ifndef NEAP_WIRE_CERTIFICATE_H
#define NEAP_WIRE_CERTIFICATE_H

#include <stddef.h>
#include <stdint.h>

#include "base/buf.h"
#include "base/err.h"

struct certificate {
	struct buf key;       /* the plain public key that it certifies, as it goes over the wire */
	struct buf authority; /* the public key that signed it */
	struct buf id;
	uint64_t after, before; /* seconds since 1970 */
	struct buf principals;  /* strings with lengths, as in the certificate */
};

/* Reads a certificate's blob and verifies its authority's signature. Who the authority is, is the caller's to check.
 * ERR_HOSTKEY says what is wrong with it. */
int certificate_read(struct certificate *certificate, const void *blob, size_t length, struct err *err) must_check;
/* Whether it is good for that host now. ERR_HOSTKEY. */
int certificate_check(const struct certificate *certificate, const char *host, int64_t now, struct err *err) must_check;
void certificate_release(struct certificate *certificate);

#endif
