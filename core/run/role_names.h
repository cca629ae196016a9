/* The magic variables that name roles. */
#ifndef NEAP_RUN_ROLE_NAMES_H
#define NEAP_RUN_ROLE_NAMES_H

#include "model/playbook.h"

/* role_names and its like: the play's own roles and those it imports, and what these depend on. */
void role_names_add(const struct play *play, json_t *magic);
/* ansible_parent_role_names and _paths: the roles around the one that an include_role or import_role in them has brought. */
void role_names_add_parents(const struct scope *scope, json_t *magic);

#endif
