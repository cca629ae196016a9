/* Looking ahead: what the coming tasks of a walk will ask, as far as it can be told now, so that it rides in the flight
 * that leaves anyway. Only a warming of the store: each task decides afresh when its turn comes, so a wrong guess costs
 * nothing but a question. A command is asked early only if its task's condition is known to be true. */
#ifndef NEAP_RUN_AHEAD_H
#define NEAP_RUN_AHEAD_H

#include "run/asks.h"
#include "run/loop.h"
#include "run/walk.h"

/* Adds asks that are not in the target's store, or will not be any more behind those steps (NULL: there are none). after: the
 * task behind which to begin, NULL: the walk's next. The walk's variables are as between tasks afterwards. */
void ahead_collect(struct walk *walk, struct template_vm *vm, struct target *target, const struct touched *behind,
                   const struct entry *after, struct asks *asks);

/* The same of the items of a loop behind that one: those of the task under way, whose variables are those of the item index. */
void ahead_collect_items(struct walk *walk, const struct evaluation *at, struct loop *loop, size_t item, size_t index,
                         struct target *target, const struct touched *behind, struct asks *asks);

#endif
