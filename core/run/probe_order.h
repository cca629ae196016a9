/* The order in which a probe's script answers asks, known to its writer and its reader alike. */
#ifndef NEAP_RUN_PROBE_ORDER_H
#define NEAP_RUN_PROBE_ORDER_H

#include <stdbool.h>
#include <stddef.h>

#include "plan/ask.h"

enum probe_kind { PROBE_STAT, PROBE_HASH, PROBE_READ, PROBE_LIST, PROBE_GLOB, PROBE_USERS, PROBE_GROUPS, PROBE_KINDS };

/* Asks that one call in the script answers together. */
struct probe_group {
	enum probe_kind kind;
	bool follow;                   /* STAT: something is asked of what symlinks lead to */
	bool joined;                   /* READ: in one piece */
	const struct ask *const *asks; /* in probe_order.asks */
	const size_t *places;          /* where each stands in what the caller gave */
	const size_t *paths;           /* which path each is about, counted in the order in which they first come */
	size_t count, path_count;
};

struct probe_order {
	const struct ask **asks;
	size_t *places, *paths;
	struct probe_group *groups;
	size_t count, room;
};

/* apart: no files are read together. */
struct probe_order probe_order_of(const struct ask *const *asks, size_t count, bool apart);
void probe_order_release(struct probe_order *order);

#endif
