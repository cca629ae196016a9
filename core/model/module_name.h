/* Names of modules as playbooks write them: with a collection before them, and of modules that neap does not have. */
#ifndef NEAP_MODEL_MODULE_NAME_H
#define NEAP_MODEL_MODULE_NAME_H

#include <stdbool.h>
#include <stddef.h>

#include "model/document.h"

/* "copy" for "ansible.builtin.copy" and "ansible.legacy.copy"; any other name as it is. Part of name. */
const char *module_name_short(const char *name);
/* The member named after one of Ansible's own modules, by whichever of its names; value NULL: none is. */
struct node module_name_get(struct node node, const char *module);
/* The module's own name in "community.general.ufw", and the length of the collection's; NULL where name is not of that form. */
const char *module_name_in_collection(const char *name, size_t *length);
/* Whether Ansible has a module of that name, though it looks like a slip of the pen. */
bool module_name_is_ansibles(const char *name);

#endif
