/* Which asks of a probe go together. */
#include "run/probe_order.h"

#include <string.h>

#include "base/mem.h"

enum { PATHS_MOST = 256 }; /* in one call: the words of a command have a bound on every system */

static enum probe_kind kind_of(const struct ask *ask)
{
	switch (ask->kind) {
	case ASK_STAT: return PROBE_STAT;
	case ASK_HASH: return PROBE_HASH;
	case ASK_READ: return PROBE_READ;
	case ASK_LIST: return PROBE_LIST;
	case ASK_GLOB: return PROBE_GLOB;
	case ASK_USER: return PROBE_USERS;
	case ASK_GROUP: return PROBE_GROUPS;
	default: return PROBE_KINDS;
	}
}

static bool go_together(const struct ask *a, const struct ask *b)
{
	if (a->kind != b->kind)
		return false;
	switch (a->kind) {
	case ASK_STAT: return a->follow == b->follow;
	case ASK_HASH: return strcmp(a->algorithm, b->algorithm) == 0;
	case ASK_USER: case ASK_GROUP: return true;
	default: return false;
	}
}

struct probe_order probe_order_of(const struct ask *const *asks, size_t count)
{
	struct probe_order order = {
		.asks = mem_array(count + 1, sizeof(*order.asks)), .places = mem_array(count + 1, sizeof(*order.places)),
	};
	auto_free bool *taken = mem_array(count + 1, sizeof(*taken));
	size_t used = 0;
	for (size_t i = 0; i < count; i++) {
		if (taken[i] || kind_of(asks[i]) == PROBE_KINDS)
			continue;
		struct probe_group group = {
			.kind = kind_of(asks[i]), .follow = asks[i]->follow, .asks = order.asks + used, .places = order.places + used,
		};
		for (size_t j = i; j < count && group.count < PATHS_MOST; j++) {
			if (taken[j] || (j != i && !go_together(asks[i], asks[j])))
				continue;
			taken[j] = true;
			order.asks[used] = asks[j];
			order.places[used++] = j;
			group.count++;
		}
		mem_grow(order.groups, order.count, order.room);
		order.groups[order.count++] = group;
	}
	return order;
}

void probe_order_release(struct probe_order *order)
{
	free(order->asks);
	free(order->places);
	free(order->groups);
	*order = (struct probe_order){ 0 };
}
