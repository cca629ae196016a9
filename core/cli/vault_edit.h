/* A secret text in the user's editor. */
#ifndef NEAP_CLI_VAULT_EDIT_H
#define NEAP_CLI_VAULT_EDIT_H

#include "base/err.h"
#include "base/secret.h"

/* Lets $EDITOR (vi) change text in place. It gets a file of mode 0600 in a new folder of mode 0700, in memory where the system has such a
 * place; whatever is in the folder afterwards is overwritten and removed, also after a failure, SIGINT, SIGTERM or SIGHUP.
 * name: of the sealed file, whose extension the editor sees. -1, with text as it was: the editor failed, or a signal came. */
int vault_edit(const char *name, struct secret *text, struct err *err) must_check;

#endif
