/* Asks about the machine neap runs on, answered by system calls at once. Files that tasks send are hashed once for all hosts:
 * a digest stays good while device, inode, size and times agree. Any thread. */
#ifndef NEAP_RUN_CONTROLLER_H
#define NEAP_RUN_CONTROLLER_H

#include "plan/ask.h"

struct controller;

/* Where FIND looks, in this order: the role's folder, then the playbook's. Each may be NULL. */
struct controller_search { const char *role, *playbook; };

struct controller *controller_new(void);
void controller_free(struct controller *controller);
/* A new reference, never NULL. Relative paths are the process's own. */
struct answer *controller_answer(struct controller *controller, const struct ask *ask,
                                 const struct controller_search *search);

#endif
