/* Actions that are carried out by the walk itself, because they change where it goes: meta, include_tasks, include_role. */
#ifndef NEAP_RUN_SPECIAL_H
#define NEAP_RUN_SPECIAL_H

#include "run/keywords.h"
#include "run/walk.h"

/* Of meta: what the first host does for all, as Ansible's strategy linear has it. */
bool special_runs_once(const struct entry *entry);
bool special_handles(const struct entry *entry);
/* Whether it counts as a task in the recap (meta does not). */
bool special_counts(const struct entry *entry);
/* Does it; the result as a new dictionary, or NULL with err. loop: the loop variables of the item, or NULL. */
json_t *special_do(struct walk *walk, const struct evaluation *at, json_t *loop, struct err *err);

/* What an include would bring in, without doing it: NULL for other actions and where that cannot be told. */
const struct entries *special_look(struct walk *walk, const struct evaluation *at);

#endif
