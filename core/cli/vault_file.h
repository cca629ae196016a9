/* Files of `neap vault`: read whole, and replaced so that they are old or new, never half. */
#ifndef NEAP_CLI_VAULT_FILE_H
#define NEAP_CLI_VAULT_FILE_H

#include <stdbool.h>
#include <stddef.h>

#include "base/err.h"
#include "base/secret.h"

/* "-" is standard input. ERR_INPUT where it cannot be read, or is too large to be a vault's. */
int vault_file_read(const char *path, struct secret *bytes, struct err *err) must_check;
/* "-" is standard output. A file that is there keeps its mode and, where that is allowed, its owner; a new one gets 0600. A symlink stays,
 * and what it points to is replaced. wipe: what the old file held is overwritten before it goes, where no other name has it. */
int vault_file_write(const char *path, const char *bytes, size_t length, bool wipe, struct err *err) must_check;
/* Overwrites an open file with zeros, to the disk. */
void vault_file_wipe(int fd);

#endif
