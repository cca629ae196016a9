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
	size_t ready, under_way;
	bool ending, hurry;
	struct template_vm *conductors; /* a worker may have it while the conductor waits */
	bool lendable;
	pthread_t workers[WORKERS_MOST];
	size_t worker_count, workers_most, workers_idle;
};

static void push(struct sched *sched, struct walk *walk)
{
	walk->next_ready = NULL;
	*sched->last = walk;
	sched->last = &walk->next_ready;
	sched->ready++;
}

static struct walk *pop(struct sched *sched)
{
	struct walk *walk = sched->first;
	if (!walk)
		return NULL;
	sched->first = walk->next_ready;
	if (!sched->first)
		sched->last = &sched->first;
	sched->ready--;
	return walk;
}

static void *work(void *context);

/* Without the first nothing goes on; of the others, as many as the system gives. */
static void start_worker(struct sched *sched)
{
	pthread_attr_t attributes;
	pthread_attr_init(&attributes);
	pthread_attr_setstacksize(&attributes, STACK_BYTES);
	if (pthread_create(&sched->workers[sched->worker_count], &attributes, work, sched) == 0)
		sched->worker_count++;
	else if (!sched->worker_count)
		abort();
	pthread_attr_destroy(&attributes);
}

/* Somebody for so many of the walks that are ready, as far as there are cores; one walk never needs two workers. */
static void find_workers(struct sched *sched, size_t wanted)
{
	size_t idle = sched->workers_idle;
	size_t most = sched->under_way < sched->workers_most ? sched->under_way : sched->workers_most;
	for (size_t i = 0; i < wanted && i < idle; i++)
		pthread_cond_signal(&sched->work);
	for (size_t i = idle; i < wanted && sched->worker_count < most; i++)
		start_worker(sched);
}

/* A worker does this, and takes one of the walks that are ready itself. */
static void fire_timers(struct sched *sched)
{
	int64_t now = clock_ms();
	while (sched->timers && (sched->hurry || sched->timers->due <= now)) {
		struct walk *walk = sched->timers;
		sched->timers = walk->next_ready;
		push(sched, walk);
		find_workers(sched, sched->ready - 1);
	}
}

/* Until there is work, or the next timer is due. */
static void wait_for_work(struct sched *sched)
{
	sched->workers_idle++;
	if (sched->timers) {
		struct timespec until = {
			.tv_sec = sched->timers->due / 1000, .tv_nsec = sched->timers->due % 1000 * 1000000,
		};
		pthread_cond_timedwait(&sched->work, &sched->lock, &until);
	} else {
		pthread_cond_wait(&sched->work, &sched->lock);
	}
	sched->workers_idle--;
}

/* Carries a walk on with the conductor's vm, if a worker that has none yet can have it. */
static void carry_on(struct sched *sched, struct walk *walk, struct template_vm **own)
{
	bool borrowed = !*own && sched->lendable;
	if (borrowed)
		sched->lendable = false;
	else if (!*own)
		*own = template_vm_new();
	pthread_mutex_unlock(&sched->lock);
	walk_continue(walk, borrowed ? sched->conductors : *own);
	pthread_mutex_lock(&sched->lock);
	if (!borrowed)
		return;
	sched->lendable = true;
	if (!sched->under_way)
		pthread_cond_signal(&sched->ended);
}

static void *work(void *context)
{
	struct sched *sched = context;
	struct template_vm *own = NULL;
	pthread_mutex_lock(&sched->lock);
	for (;;) {
		fire_timers(sched);
		struct walk *walk = pop(sched);
		if (walk)
			carry_on(sched, walk, &own);
		else if (sched->ending)
			break;
		else
			wait_for_work(sched);
	}
	pthread_mutex_unlock(&sched->lock);
	template_vm_free(own);
	bridge_thread_end();
	return NULL;
}

struct sched *sched_new(struct template_vm *conductors)
{
	struct sched *sched = mem_alloc(sizeof(*sched));
	sched->conductors = conductors;
	sched->last = &sched->first;
	pthread_mutex_init(&sched->lock, NULL);
	pthread_condattr_t monotonic;
	pthread_condattr_init(&monotonic);
	pthread_condattr_setclock(&monotonic, CLOCK_MONOTONIC);
	pthread_cond_init(&sched->work, &monotonic);
	pthread_cond_init(&sched->ended, &monotonic);
	pthread_condattr_destroy(&monotonic);
	long cores = sysconf(_SC_NPROCESSORS_ONLN);
	sched->workers_most = cores < 1 ? 1 : cores > WORKERS_MOST ? WORKERS_MOST : (size_t)cores;
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
	for (size_t i = 0; i < sched->worker_count; i++)
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
	find_workers(sched, sched->ready);
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
	find_workers(sched, sched->ready);
	sched->lendable = true;
	while (sched->under_way || !sched->lendable)
		pthread_cond_wait(&sched->ended, &sched->lock);
	sched->lendable = false;
	pthread_mutex_unlock(&sched->lock);
}

void sched_hurry(struct sched *sched)
{
	pthread_mutex_lock(&sched->lock);
	sched->hurry = true;
	pthread_cond_broadcast(&sched->work);
	pthread_mutex_unlock(&sched->lock);
}
