/* A hash table from containers and keys, by their addresses, to marks. */
#include "model/position.h"

#include <stdint.h>
#include <stdlib.h>

#include "base/mem.h"

static size_t hash(const void *pointer)
{
	uint64_t bits = (uint64_t)(uintptr_t)pointer * 0x9e3779b97f4a7c15u;
	return (size_t)(bits ^ bits >> 29);
}

static struct position_slot *slot_of(const struct positions *positions, const void *pointer)
{
	size_t mask = positions->slot_room - 1, at = hash(pointer) & mask;
	while (positions->slots[at].pointer && positions->slots[at].pointer != pointer)
		at = (at + 1) & mask;
	return &positions->slots[at];
}

static void grow(struct positions *positions)
{
	struct position_slot *old = positions->slots;
	size_t old_room = positions->slot_room;
	positions->slot_room = old_room ? old_room * 2 : 64;
	positions->slots = mem_array(positions->slot_room, sizeof(*old));
	for (size_t i = 0; i < old_room; i++)
		if (old[i].pointer)
			*slot_of(positions, old[i].pointer) = old[i];
	free(old);
}

static void put(struct positions *positions, const void *pointer, size_t index)
{
	if ((positions->used + 1) * 2 > positions->slot_room)
		grow(positions);
	*slot_of(positions, pointer) = (struct position_slot){ .pointer = pointer, .index = index };
	positions->used++;
}

void positions_add(struct positions *positions, const json_t *container, struct mark *marks, size_t count)
{
	mem_grow(positions->containers, positions->count, positions->room);
	put(positions, container, positions->count);
	positions->containers[positions->count++] = (struct position_container){ .marks = marks, .count = count };
	for (size_t i = 0; i < count; i++)
		if (marks[i].key)
			put(positions, marks[i].key, i);
}

const struct position_container *positions_find(const struct positions *positions, const json_t *container)
{
	if (!positions->slot_room)
		return NULL;
	const struct position_slot *slot = slot_of(positions, container);
	return slot->pointer ? &positions->containers[slot->index] : NULL;
}

const struct mark *positions_member(const struct positions *positions, const json_t *object, const char *key)
{
	const struct position_container *container = positions_find(positions, object);
	const struct position_slot *slot = container ? slot_of(positions, key) : NULL;
	return slot && slot->pointer ? &container->marks[slot->index] : NULL;
}

void positions_release(struct positions *positions)
{
	for (size_t i = 0; i < positions->count; i++)
		free(positions->containers[i].marks);
	free(positions->containers);
	free(positions->slots);
	*positions = (struct positions){ 0 };
}
