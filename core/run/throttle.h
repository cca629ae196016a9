/* throttle: how many hosts may do a task at the same time. */
#ifndef NEAP_RUN_THROTTLE_H
#define NEAP_RUN_THROTTLE_H

#include <stdbool.h>
#include <stddef.h>

#include "lua/template.h"

struct throttles;
struct walk;

/* What the walk's next task says; SIZE_MAX: any number. */
size_t throttle_most(struct walk *walk, struct template_vm *vm);

struct throttles *throttles_new(void);
void throttles_free(struct throttles *throttles);
/* Where hosts do not go in turns: a place at the walk's next task. false: there is none, and sched_ready comes when the walk
 * has got one. Any thread. */
bool throttle_enter(struct throttles *throttles, struct walk *walk, struct template_vm *vm);
/* Leaves the place, if the walk has one. Any thread. */
void throttle_leave(struct throttles *throttles, struct walk *walk);

#endif
