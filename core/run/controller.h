/* Asks about the machine neap runs on, answered by system calls at once. Files that tasks send are hashed once for all hosts:
 * a digest stays good while device, inode, size and times agree. Any thread. */
#ifndef NEAP_RUN_CONTROLLER_H
#define NEAP_RUN_CONTROLLER_H

#include "base/secret.h"
#include "model/vault.h"
#include "plan/ask.h"

struct controller;


/* vault opens sealed files where an ask wants that; borrowed. */
struct controller *controller_new(struct vault *vault);
void controller_free(struct controller *controller);
/* A new reference, never NULL. Relative paths are the process's own. FIND looks into the folders in order, until NULL; NULL: only
 * into the working folder. */
struct answer *controller_answer(struct controller *controller, const struct ask *ask, char *const *folders);

/* 1: the file is sealed by Ansible Vault, *plain is what is sealed in it; 0: it is not, or cannot be read; -1: it cannot be opened. */
int controller_unseal(struct controller *controller, const char *path, struct secret *plain, struct err *err) must_check;

#endif
