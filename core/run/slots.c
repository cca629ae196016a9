/* A counting bound on the hosts that change something at the same time. */

#include <pthread.h>
#include <stdlib.h>
#include <time.h>

#include "base/mem.h"
#include "run/slots.h"

struct host_slots {
	pthread_mutex_t lock;
	pthread_cond_t freed;
	int free;
};

struct host_slots *host_slots_new(int count)
{
	struct host_slots *slots = mem_alloc(sizeof(*slots));
	pthread_mutex_init(&slots->lock, NULL);
	pthread_condattr_t attributes;
	pthread_condattr_init(&attributes);
	pthread_condattr_setclock(&attributes, CLOCK_MONOTONIC);
	pthread_cond_init(&slots->freed, &attributes);
	pthread_condattr_destroy(&attributes);
	slots->free = count;
	return slots;
}

void host_slots_free(struct host_slots *slots)
{
	if (!slots)
		return;
	pthread_cond_destroy(&slots->freed);
	pthread_mutex_destroy(&slots->lock);
	free(slots);
}

bool host_slots_take(struct host_slots *slots, int64_t wait_ms)
{
	struct timespec until;
	clock_gettime(CLOCK_MONOTONIC, &until);
	until.tv_sec += wait_ms / 1000;
	until.tv_nsec += wait_ms % 1000 * 1000000;
	if (until.tv_nsec >= 1000000000) {
		until.tv_sec++;
		until.tv_nsec -= 1000000000;
	}
	pthread_mutex_lock(&slots->lock);
	int failed = 0;
	while (slots->free == 0 && !failed)
		failed = pthread_cond_timedwait(&slots->freed, &slots->lock, &until);
	bool taken = slots->free > 0;
	if (taken)
		slots->free--;
	pthread_mutex_unlock(&slots->lock);
	return taken;
}

void host_slots_give(struct host_slots *slots)
{
	pthread_mutex_lock(&slots->lock);
	slots->free++;
	pthread_cond_signal(&slots->freed);
	pthread_mutex_unlock(&slots->lock);
}
