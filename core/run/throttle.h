/* throttle: how many hosts may do a task at the same time; and where several hosts are one machine, that they do not decide in each
 * other's way. */
#ifndef NEAP_RUN_THROTTLE_H
#define NEAP_RUN_THROTTLE_H

#include <stdbool.h>
#include <stddef.h>

#include "lua/template.h"

struct store;
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

/* The one place at a machine, for who has been come before there. false: it is taken, and sched_ready comes with it. Any thread; with
 * the last thing that the caller does about the walk. */
bool throttle_enter_machine(struct throttles *throttles, struct walk *walk, const struct store *machine);
/* Leaves that place, if the walk has it. Any thread. */
void throttle_leave_machine(struct throttles *throttles, struct walk *walk);

#endif
