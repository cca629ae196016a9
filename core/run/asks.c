/* The asks of one job. */
#include "run/asks.h"

#include <stdlib.h>

#include "base/mem.h"

static struct job_ask *find(const struct asks *asks, const struct target_user *user, const struct ask *ask,
                            unsigned code)
{
	for (size_t probe = 0, i; index_next(&asks->index, code, &probe, &i);) {
		if (asks->items[i].user == user && ask_same(asks->items[i].ask, ask))
			return &asks->items[i];
	}
	return NULL;
}

void asks_add(struct asks *asks, const struct target_user *user, const struct ask *ask)
{
	unsigned code = ask_hash_code(ask);
	if (find(asks, user, ask, code))
		return;
	mem_grow(asks->items, asks->count, asks->room);
	index_add(&asks->index, code, asks->count);
	asks->items[asks->count++] = (struct job_ask){ .user = user, .ask = ask_keep(&asks->arena, ask) };
}

struct answer *asks_find(const struct asks *asks, const struct target_user *user, const struct ask *ask)
{
	struct job_ask *item = find(asks, user, ask, ask_hash_code(ask));
	return item && item->answer ? answer_ref(item->answer) : NULL;
}

void asks_release(struct asks *asks)
{
	for (size_t i = 0; i < asks->count; i++) {
		answer_unref(asks->items[i].answer);
		ask_drop(asks->items[i].ask);
	}
	free(asks->items);
	index_release(&asks->index);
	arena_release(&asks->arena);
	*asks = (struct asks){ 0 };
}
