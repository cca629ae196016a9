/* Texts held back until it is their host's turn. */
#include "report/order.h"

#include <string.h>

#include "base/mem.h"

struct turn {
	char *host;
	struct buf held;
	bool ended, left;
};

struct order {
	struct turn *turns;
	size_t count, room, next; /* next: the first whose text is still held */
};

struct order *order_new(void) { return mem_alloc(sizeof(struct order)); }

static void forget_all(struct order *order)
{
	for (size_t i = 0; i < order->count; i++) {
		free(order->turns[i].host);
		buf_release(&order->turns[i].held);
	}
	order->count = order->next = 0;
}

void order_free(struct order *order)
{
	if (!order)
		return;
	forget_all(order);
	free(order->turns);
	free(order);
}

static struct turn *add_turn(struct order *order, const char *host)
{
	mem_grow(order->turns, order->count, order->room);
	order->turns[order->count] = (struct turn){ .host = mem_strdup(host) };
	return &order->turns[order->count++];
}

void order_play(struct order *order, const json_t *hosts)
{
	size_t i;
	json_t *host;
	forget_all(order);
	json_array_foreach (hosts, i, host)
		if (json_is_string(host))
			add_turn(order, json_string_value(host));
}

static struct turn *find(struct order *order, const char *host)
{
	for (size_t i = 0; i < order->count; i++)
		if (strcmp(order->turns[i].host, host) == 0)
			return &order->turns[i];
	return add_turn(order, host);
}

static void release(struct turn *turn, struct buf *out)
{
	buf_add(out, buf_text(&turn->held), turn->held.length);
	buf_clear(&turn->held);
}

void order_add(struct order *order, const char *host, const struct buf *text, bool ended, bool leaves, struct buf *out)
{
	struct turn *turn = find(order, host);
	buf_add(&turn->held, buf_text(text), text->length);
	turn->ended |= ended;
	turn->left |= leaves;
	while (order->next < order->count) {
		struct turn *next = &order->turns[order->next];
		release(next, out);
		if (!next->ended && !next->left)
			return;
		order->next++;
	}
	release(turn, out); /* a host that was counted out says more */
}

void order_flush(struct order *order, struct buf *out)
{
	for (size_t i = 0; i < order->count; i++) {
		release(&order->turns[i], out);
		order->turns[i].ended = false;
	}
	order->next = 0;
}
