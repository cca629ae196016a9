/* --forks: how many hosts may step at once. Any thread. */
#ifndef NEAP_RUN_SLOTS_H
#define NEAP_RUN_SLOTS_H

#include <stdbool.h>
#include <stdint.h>

struct host_slots;

struct host_slots *host_slots_new(int count);
void host_slots_free(struct host_slots *slots);
/* Waits at most that long for a place; false if there was none. */
bool host_slots_take(struct host_slots *slots, int64_t wait_ms);
void host_slots_give(struct host_slots *slots);

#endif
