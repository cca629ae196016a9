/* Private keys in files: opened once for the run, with a passphrase where they need one, and their certificates. */
#ifndef NEAP_WIRE_PRIVATE_KEY_H
#define NEAP_WIRE_PRIVATE_KEY_H

#include <stdbool.h>

#include "base/secret.h"
#include "wire/hub.h"
#include "wire/libssh.h"
#include "wire/wire.h"

enum private_key_found { PRIVATE_KEY_READY, PRIVATE_KEY_MISSING, PRIVATE_KEY_ENCRYPTED, PRIVATE_KEY_UNREADABLE };

struct private_key {
	const char *path;
	const char *certificate;         /* its file; NULL: path-cert.pub if there is one */
	const struct secret *passphrase; /* or NULL */
	const struct wire_watch *watch;
	ssh_key key, certified;          /* out: borrowed from the hub; certified carries the certificate, or NULL */
};

/* Finds the key in the hub or opens its file. ask: prompts for the passphrase if none was given or it is wrong. With a
 * certificate named that does not belong to the key, nothing is found (PRIVATE_KEY_MISSING). */
enum private_key_found private_key_open(struct private_key *identity, struct wire_hub *hub, bool ask);

/* The public half, from path.pub; NULL where there is none. The caller frees it. */
ssh_key private_key_public(const char *path);

#endif
