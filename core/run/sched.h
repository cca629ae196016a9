/* The scheduler: evaluation workers, one for each core, that carry walks on; timers for pauses and retries; and the
 * conductor's wait for a turn's end.
 *
 * A walk is with at most one worker at a time. It is handed over by sched_ready: by the conductor at the start of a turn, by
 * a target when a job is done, by a timer. */
#ifndef NEAP_RUN_SCHED_H
#define NEAP_RUN_SCHED_H

#include <stdint.h>

#include "lua/template.h"
#include "run/walk.h"

struct sched;

/* Starts no thread yet: workers come with the work, one for each core at most. conductors, which is borrowed, is lent to a worker
 * while the conductor waits for a turn's end, so that a run on one host opens one engine for templates. */
struct sched *sched_new(struct template_vm *conductors);
/* Waits for the workers to end; no walk may be under way. */
void sched_free(struct sched *sched);

/* Adds a walk to the turn: it counts as under way until sched_turn_ended. sched_wait starts it. */
void sched_turn(struct sched *sched, struct walk *walk);
/* A walk of a turn can go on. Any thread. */
void sched_ready(struct sched *sched, struct walk *walk);
/* As sched_ready, after a time. */
void sched_after(struct sched *sched, struct walk *walk, int64_t ms);
/* A worker says that a walk's turn is over. */
void sched_turn_ended(struct sched *sched, struct walk *walk);
/* Starts the turn of the walks that were added, and waits until all have ended. The conductor. */
void sched_wait(struct sched *sched);
/* Makes all timers due (Ctrl-C). Any thread. */
void sched_hurry(struct sched *sched);

#endif
