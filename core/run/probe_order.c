/* Which asks of a probe go together. */
#include "run/probe_order.h"

#include <string.h>

#include "base/index.h"
#include "base/mem.h"

enum {
	PATHS_MOST = 1024, BYTES_MOST = 60000, /* in one call: the words of a command have a bound on every system */
	READ_TOGETHER = 5,                     /* fewer files are read by one command each: to join them takes four */
};

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

/* Whose files have contents that their sizes do not tell. */
static bool is_made_up(const char *path)
{
	static const char *const folders[] = { "/proc/", "/sys/", "/dev/" };
	for (size_t i = 0; i < sizeof(folders) / sizeof(*folders); i++) {
		if (strncmp(path, folders[i], strlen(folders[i])) == 0)
			return true;
	}
	return false;
}

static bool go_together(const struct ask *a, const struct ask *b)
{
	if (a->kind != b->kind)
		return false;
	switch (a->kind) {
	case ASK_STAT: case ASK_USER: case ASK_GROUP: return true;
	case ASK_HASH: return strcmp(a->algorithm, b->algorithm) == 0;
	case ASK_READ: return a->limit == b->limit && is_made_up(a->path) == is_made_up(b->path);
	default: return false;
	}
}

/* A group that grows: the paths in it, and all their bytes. */
struct growing {
	struct probe_order *order;
	struct probe_group group;
	size_t used; /* asks in the order, with those of the group */
	struct index paths;
	size_t bytes;
};

static unsigned path_code(const char *path)
{
	return ask_hash_code(&(struct ask){ .kind = ASK_STAT, .path = path });
}

/* Which of the group's paths that is; as many as there are where it is a new one. */
static size_t path_find(const struct growing *growing, const char *path, unsigned code)
{
	const struct probe_group *group = &growing->group;
	for (size_t probe = 0, i; index_next(&growing->paths, code, &probe, &i);) {
		if (strcmp(group->asks[i]->path, path) == 0)
			return group->paths[i];
	}
	return group->path_count;
}

/* false: there is no room for it. */
static bool group_add(struct growing *growing, const struct ask *ask, size_t place)
{
	struct probe_group *group = &growing->group;
	unsigned code = path_code(ask->path);
	size_t path = path_find(growing, ask->path, code);
	if (path == group->path_count) {
		growing->bytes += strlen(ask->path) + 1;
		if (group->count && (path == PATHS_MOST || growing->bytes > BYTES_MOST))
			return false;
		index_add(&growing->paths, code, group->count);
		group->path_count++;
	}
	growing->order->asks[growing->used] = ask;
	growing->order->places[growing->used] = place;
	growing->order->paths[growing->used++] = path;
	group->count++;
	group->follow |= ask->follow;
	return true;
}

/* All asks behind that one that go with it. */
static struct probe_group group_of(struct growing *growing, const struct ask *const *asks, size_t count, size_t first, bool *taken)
{
	struct probe_order *order = growing->order;
	growing->group = (struct probe_group){
		.kind = kind_of(asks[first]), .asks = order->asks + growing->used, .places = order->places + growing->used,
		.paths = order->paths + growing->used,
	};
	growing->bytes = 0;
	for (size_t i = first; i < count; i++) {
		if (taken[i] || (i != first && !go_together(asks[first], asks[i])))
			continue;
		if (!group_add(growing, asks[i], i))
			break;
		taken[i] = true;
	}
	index_release(&growing->paths);
	return growing->group;
}

struct probe_order probe_order_of(const struct ask *const *asks, size_t count, bool apart)
{
	struct probe_order order = {
		.asks = mem_array(count + 1, sizeof(*order.asks)), .places = mem_array(count + 1, sizeof(*order.places)),
		.paths = mem_array(count + 1, sizeof(*order.paths)),
	};
	auto_free bool *taken = mem_array(count + 1, sizeof(*taken));
	struct growing growing = { .order = &order };
	for (size_t i = 0; i < count; i++) {
		if (taken[i] || kind_of(asks[i]) == PROBE_KINDS)
			continue;
		struct probe_group group = group_of(&growing, asks, count, i, taken);
		group.joined = !apart && group.path_count >= READ_TOGETHER && !is_made_up(asks[i]->path);
		mem_grow(order.groups, order.count, order.room);
		order.groups[order.count++] = group;
	}
	return order;
}

void probe_order_release(struct probe_order *order)
{
	free(order->asks);
	free(order->places);
	free(order->paths);
	free(order->groups);
	*order = (struct probe_order){ 0 };
}
