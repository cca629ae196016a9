/* `neap vault encrypt-string`: single values, sealed. */
#ifndef NEAP_CLI_VAULT_STRING_H
#define NEAP_CLI_VAULT_STRING_H

#include <stdbool.h>

#include "base/buf.h"
#include "base/err.h"
#include "base/secret.h"
#include "cli/command.h"

struct vault_strings {
	const struct secret *secret;
	const char *id;                  /* for the header, or NULL */
	char **words;                    /* what is to be sealed; "-" is standard input */
	const struct option_list *names; /* of the words, in their order */
	const char *stdin_name;
	bool prompt, show_input;
	bool yaml;                       /* as ansible-vault prints them; else JSON */
};

/* Writes them to out. ERR_USAGE where there is nothing to seal. */
int vault_strings_seal(const struct vault_strings *strings, struct buf *out, struct err *err) must_check;

#endif
