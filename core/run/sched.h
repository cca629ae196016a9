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

/* Starts workers; count 0: one for each core. */
struct sched *sched_new(int count);
/* Waits for the workers to end; no walk may be under way. */
void sched_free(struct sched *sched);

/* Starts a walk's turn: it counts as under way until sched_turn_ended. */
void sched_turn(struct sched *sched, struct walk *walk);
/* A walk of a turn can go on. Any thread. */
void sched_ready(struct sched *sched, struct walk *walk);
/* As sched_ready, after a time. */
void sched_after(struct sched *sched, struct walk *walk, int64_t ms);
/* A worker says that a walk's turn is over. */
void sched_turn_ended(struct sched *sched, struct walk *walk);
/* Waits until every turn that was started has ended. The conductor. */
void sched_wait(struct sched *sched);
/* Makes all timers due (Ctrl-C). Any thread. */
void sched_hurry(struct sched *sched);

#endif
