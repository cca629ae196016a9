/* Where the secrets of a vault come from: what --vault-id, --vault-password-file and --ask-vault-password name. */
#ifndef NEAP_RUN_VAULT_SECRETS_H
#define NEAP_RUN_VAULT_SECRETS_H

#include <stdbool.h>
#include <stddef.h>

#include "base/err.h"
#include "model/problem.h"
#include "model/vault.h"

/* As the command line gives them; borrowed. */
struct vault_sources {
	const char *const *ids; size_t id_count;     /* "LABEL@SOURCE" or "SOURCE"; SOURCE: "prompt", a file, or a program */
	const char *const *files; size_t file_count; /* "FILE" is "default@FILE"; tried behind the ids */
	bool ask;   /* and at last one that the user is asked for */
	bool fresh; /* for sealing: a prompt asks twice, and nothing may be missing */
};

/* Adds the secrets to the vault in the order in which Ansible tries them. A program is run, with `--vault-id LABEL` where its name ends in
 * "-client" (and any extension); a file may itself be sealed, by a secret before it. A source that gives no secret is a
 * warning, unless it was the only one or fresh is set: then ERR_INPUT or ERR_USAGE. Nothing is asked for but what sources say. */
int vault_secrets_read(struct vault *vault, const struct vault_sources *sources, struct problems *problems,
                       struct err *err) must_check;

#endif
