/* The check of a whole playbook before the first connection: module names, every argument by its spec, keywords' types,
 * template syntax, handlers that are notified and not defined, variables no one defines in places that must be static. */
#ifndef NEAP_RUN_CHECK_H
#define NEAP_RUN_CHECK_H

#include "lua/template.h"
#include "model/inventory.h"
#include "model/playbook.h"
#include "plan/module.h"

struct run_context;

/* Adds what is wrong to problems, as many as there are. run says which tasks its tags leave out; NULL: none. */
void check_playbook(const struct playbook *playbook, const struct run_context *run, const struct registry *registry,
                    struct template_vm *vm, struct problems *problems);
/* The same for a file that was included at run time. */
void check_entries(const struct entries *entries, const struct run_context *run, const struct registry *registry,
                   struct template_vm *vm, struct problems *problems);
/* Warns of tags of the command line that no task has, and of hosts to delegate to that are nearly one of the inventory's. */
void check_given(const struct run_context *run, struct playbook *const *playbooks, size_t count, struct problems *problems);
/* Warns of templates in the inventory's files that cannot be compiled: they may be of use to others. */
void check_inventory(const struct inventory *inventory, struct template_vm *vm, struct problems *problems);

#endif
