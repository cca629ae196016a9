/* Ciphers, MACs, KexAlgorithms, HostKeyAlgorithms and PubkeyAcceptedAlgorithms as ssh_config(5) has them: what they choose
 * from what libssh can do. */
#ifndef NEAP_WIRE_ALGORITHMS_H
#define NEAP_WIRE_ALGORITHMS_H

#include "base/buf.h"
#include "base/err.h"
#include "wire/libssh.h"
#include "wire/ssh_config.h"

struct algorithms {
	const char *option;               /* of ssh_config(5) */
	const char *usual, *further;      /* comma lists, best first: used unless told otherwise, and only if asked for */
	size_t field;                     /* in struct ssh_config */
	enum ssh_options_e options[2];    /* of libssh: from us, to us; the same twice where there is but one */
};
enum { ALGORITHMS_CIPHERS, ALGORITHMS_MACS, ALGORITHMS_KEX, ALGORITHMS_HOST_KEYS, ALGORITHMS_PUBKEYS, ALGORITHMS_COUNT };
extern const struct algorithms algorithms_table[ALGORITHMS_COUNT];

/* Adds what `wanted` stands for, as a comma list: a list of names and patterns in its own order, or what is usual with
 * names added behind (+), taken away (-) or put in front (^). NULL: what is usual. ERR_INPUT where nothing remains. */
int algorithms_choose(const struct algorithms *algorithms, const char *wanted, struct buf *chosen, struct err *err)
	must_check;

/* Puts into the configuration's fields, where they are given, what they choose. ERR_INPUT as above. */
int algorithms_settle(struct ssh_config *config, struct err *err) must_check;
/* Tells libssh what a settled configuration chooses, but for host keys, whose order also depends on what is known (hostkeys.c). */
int algorithms_apply(ssh_session ssh, const struct ssh_config *config, struct err *err) must_check;

#endif
