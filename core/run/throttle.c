/* Places at tasks that only so many hosts may do at once, and at machines that several hosts are: who finds none waits behind those
 * that came before. */
#include "run/throttle.h"

#include <pthread.h>
#include <stdint.h>
#include <stdlib.h>

#include "base/mem.h"
#include "run/keywords.h"
#include "run/sched.h"
#include "run/walk.h"

struct throttle {
	struct throttle *next;
	const void *what; /* the task, or the machine's store */
	size_t inside;
	struct walk *first, **last; /* who waits */
};

struct throttles {
	pthread_mutex_t lock;
	struct throttle *first;
};

size_t throttle_most(struct walk *walk, struct template_vm *vm)
{
	double most = 0;
	struct err ignored = ERR_INIT;
	const struct evaluation at = { vm, &walk->variables, walk->next };
	if (keyword_number(&at, "throttle", 0, &most, &ignored) < 0 || most < 1)
		return SIZE_MAX;
	return (size_t)most;
}

struct throttles *throttles_new(void)
{
	struct throttles *throttles = mem_alloc(sizeof(*throttles));
	pthread_mutex_init(&throttles->lock, NULL);
	return throttles;
}

void throttles_free(struct throttles *throttles)
{
	if (!throttles)
		return;
	for (struct throttle *throttle = throttles->first, *next; throttle; throttle = next) {
		next = throttle->next;
		free(throttle);
	}
	pthread_mutex_destroy(&throttles->lock);
	free(throttles);
}

static struct throttle *throttle_of(struct throttles *throttles, const void *what)
{
	struct throttle *throttle = throttles->first;
	while (throttle && throttle->what != what)
		throttle = throttle->next;
	if (throttle)
		return throttle;
	throttle = mem_alloc(sizeof(*throttle));
	*throttle = (struct throttle){ .what = what, .next = throttles->first };
	throttle->last = &throttle->first;
	throttles->first = throttle;
	return throttle;
}

/* false: the walk waits. *place is what it has, or waits for. */
static bool enter(struct throttles *throttles, const void *what, size_t most, struct walk *walk, struct throttle **place)
{
	pthread_mutex_lock(&throttles->lock);
	struct throttle *throttle = throttle_of(throttles, what);
	*place = throttle;
	bool has_place = throttle->inside < most;
	if (has_place) {
		throttle->inside++;
	} else {
		walk->next_ready = NULL;
		*throttle->last = walk;
		throttle->last = &walk->next_ready;
	}
	pthread_mutex_unlock(&throttles->lock);
	return has_place;
}

static void leave(struct throttles *throttles, struct throttle **place)
{
	struct throttle *throttle = *place;
	if (!throttle)
		return;
	*place = NULL;
	pthread_mutex_lock(&throttles->lock);
	struct walk *next = throttle->first; /* it takes the place over */
	if (next)
		throttle->first = next->next_ready;
	else
		throttle->inside--;
	if (!throttle->first)
		throttle->last = &throttle->first;
	pthread_mutex_unlock(&throttles->lock);
	if (next)
		sched_ready(next->run->sched, next);
}

bool throttle_enter(struct throttles *throttles, struct walk *walk, struct template_vm *vm)
{
	if (!scope_keyword(&walk->next->scope, "throttle").value)
		return true;
	walk_enter_variables(walk, walk->next);
	size_t most = throttle_most(walk, vm);
	variables_leave(&walk->variables);
	return most == SIZE_MAX || enter(throttles, walk->next, most, walk, &walk->throttle);
}

void throttle_leave(struct throttles *throttles, struct walk *walk) { leave(throttles, &walk->throttle); }

bool throttle_enter_machine(struct throttles *throttles, struct walk *walk, const struct store *machine)
{
	return enter(throttles, machine, 1, walk, &walk->machine);
}

void throttle_leave_machine(struct throttles *throttles, struct walk *walk) { leave(throttles, &walk->machine); }
