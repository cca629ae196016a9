/* Workers, the queue of walks that can go on, and timers. */
#include "run/sched.h"

#include <pthread.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/mem.h"
#include "lua/bridge.h"

enum { WORKERS_MOST = 16, STACK_BYTES = 8 * 1024 * 1024 };

struct sched {
	pthread_mutex_t lock;
	pthread_cond_t work;  /* a walk is ready, a timer was set, or the end */
	pthread_cond_t ended; /* the last turn has ended */
	struct walk *first, **last;
	struct walk *timers;  /* soonest first */
	size_t under_way;
	bool ending, hurry;
	pthread_t workers[WORKERS_MOST];
	int worker_count;
};

static void push(struct sched *sched, struct walk *walk)
{
	walk->next_ready = NULL;
	*sched->last = walk;
	sched->last = &walk->next_ready;
	pthread_cond_signal(&sched->work);
}

static struct walk *pop(struct sched *sched)
{
	struct walk *walk = sched->first;
	if (!walk)
		return NULL;
	sched->first = walk->next_ready;
	if (!sched->first)
		sched->last = &sched->first;
	return walk;
}

static void fire_timers(struct sched *sched)
{
	int64_t now = clock_ms();
	while (sched->timers && (sched->hurry || sched->timers->due <= now)) {
		struct walk *walk = sched->timers;
		sched->timers = walk->next_ready;
		push(sched, walk);
	}
}

/* Until there is work, or the next timer is due. */
static void wait_for_work(struct sched *sched)
{
	if (!sched->timers) {
		pthread_cond_wait(&sched->work, &sched->lock);
		return;
	}
	struct timespec until = {
		.tv_sec = sched->timers->due / 1000, .tv_nsec = sched->timers->due % 1000 * 1000000,
	};
	pthread_cond_timedwait(&sched->work, &sched->lock, &until);
}

static void *work(void *context)
{
	struct sched *sched = context;
	struct template_vm *vm = template_vm_new();
	pthread_mutex_lock(&sched->lock);
	for (;;) {
		fire_timers(sched);
		struct walk *walk = pop(sched);
		if (walk) {
			pthread_mutex_unlock(&sched->lock);
			walk_continue(walk, vm);
			pthread_mutex_lock(&sched->lock);
		} else if (sched->ending) {
			break;
		} else {
			wait_for_work(sched);
		}
	}
	pthread_mutex_unlock(&sched->lock);
	template_vm_free(vm);
	bridge_thread_end();
	return NULL;
}

struct sched *sched_new(int count)
{
	struct sched *sched = mem_alloc(sizeof(*sched));
	sched->last = &sched->first;
	pthread_mutex_init(&sched->lock, NULL);
	pthread_condattr_t monotonic;
	pthread_condattr_init(&monotonic);
	pthread_condattr_setclock(&monotonic, CLOCK_MONOTONIC);
	pthread_cond_init(&sched->work, &monotonic);
	pthread_cond_init(&sched->ended, &monotonic);
	pthread_condattr_destroy(&monotonic);
	long cores = count > 0 ? count : sysconf(_SC_NPROCESSORS_ONLN);
	sched->worker_count = cores < 1 ? 1 : cores > WORKERS_MOST ? WORKERS_MOST : (int)cores;
	pthread_attr_t attributes;
	pthread_attr_init(&attributes);
	pthread_attr_setstacksize(&attributes, STACK_BYTES);
	for (int i = 0; i < sched->worker_count; i++) {
		if (pthread_create(&sched->workers[i], &attributes, work, sched) != 0)
			abort();
	}
	pthread_attr_destroy(&attributes);
	return sched;
}

void sched_free(struct sched *sched)
{
	if (!sched)
		return;
	pthread_mutex_lock(&sched->lock);
	sched->ending = true;
	pthread_cond_broadcast(&sched->work);
	pthread_mutex_unlock(&sched->lock);
	for (int i = 0; i < sched->worker_count; i++)
		pthread_join(sched->workers[i], NULL);
	pthread_cond_destroy(&sched->work);
	pthread_cond_destroy(&sched->ended);
	pthread_mutex_destroy(&sched->lock);
	free(sched);
}

void sched_turn(struct sched *sched, struct walk *walk)
{
	pthread_mutex_lock(&sched->lock);
	sched->under_way++;
	push(sched, walk);
	pthread_mutex_unlock(&sched->lock);
}

void sched_ready(struct sched *sched, struct walk *walk)
{
	pthread_mutex_lock(&sched->lock);
	push(sched, walk);
	pthread_mutex_unlock(&sched->lock);
}

void sched_after(struct sched *sched, struct walk *walk, int64_t ms)
{
	walk->due = clock_ms() + ms;
	pthread_mutex_lock(&sched->lock);
	struct walk **link = &sched->timers;
	while (*link && (*link)->due <= walk->due)
		link = &(*link)->next_ready;
	walk->next_ready = *link;
	*link = walk;
	pthread_cond_broadcast(&sched->work); /* whoever waits may have to wait less long */
	pthread_mutex_unlock(&sched->lock);
}

void sched_turn_ended(struct sched *sched, struct walk *walk)
{
	(void)walk;
	pthread_mutex_lock(&sched->lock);
	if (--sched->under_way == 0)
		pthread_cond_signal(&sched->ended);
	pthread_mutex_unlock(&sched->lock);
}

void sched_wait(struct sched *sched)
{
	pthread_mutex_lock(&sched->lock);
	while (sched->under_way)
		pthread_cond_wait(&sched->ended, &sched->lock);
	pthread_mutex_unlock(&sched->lock);
}

void sched_hurry(struct sched *sched)
{
	pthread_mutex_lock(&sched->lock);
	sched->hurry = true;
	pthread_cond_broadcast(&sched->work);
	pthread_mutex_unlock(&sched->lock);
}
