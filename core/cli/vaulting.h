/* The options that name vault secrets, as `neap run`, `exec`, `inventory` and `vault` share them. */
#ifndef NEAP_CLI_VAULTING_H
#define NEAP_CLI_VAULTING_H

#include "cli/command.h"
#include "run/vault_secrets.h"

struct vault_options {
	struct option_list ids, files;
	bool ask, match_ids;
};

/* at: the offset of a struct vault_options. */
/* clang-format off */
#define VAULT_ROWS(at) \
	{ "vault-id", 0, OPTION_LIST, "LABEL@SOURCE", NULL, "a vault secret and its label; SOURCE is a file, a program that prints it, or \"prompt\"", (at) + offsetof(struct vault_options, ids), ',', "ANSIBLE_VAULT_IDENTITY_LIST" }, \
	{ "vault-password-file", 0, OPTION_LIST, "FILE", NULL, "a vault secret from a file, or from a program that prints it", (at) + offsetof(struct vault_options, files), 0, "ANSIBLE_VAULT_PASSWORD_FILE" }, \
	{ "vault-pass-file", 0, OPTION_LIST, "FILE", NULL, "the same as --vault-password-file", (at) + offsetof(struct vault_options, files) }, \
	{ "ask-vault-password", 'J', OPTION_FLAG, NULL, NULL, "ask for a vault secret", (at) + offsetof(struct vault_options, ask), 0, "ANSIBLE_ASK_VAULT_PASS" }, \
	{ "ask-vault-pass", 0, OPTION_FLAG, NULL, NULL, "the same as --ask-vault-password", (at) + offsetof(struct vault_options, ask) }, \
	{ "vault-id-match", 0, OPTION_FLAG, NULL, NULL, "open what names a vault id by the secrets of that id alone", (at) + offsetof(struct vault_options, match_ids), 0, "ANSIBLE_VAULT_ID_MATCH" }
/* clang-format on */

struct vault_sources vaulting_sources(const struct vault_options *options);

#endif
