/* A hash table with linear probing, at most half full. */
#include "base/index.h"

#include <stdlib.h>

#include "base/mem.h"

enum { INDEX_ROOM = 16 };

struct index_slot {
	unsigned code;
	bool used;
	size_t number;
};

static void index_place(struct index *index, unsigned code, size_t number)
{
	size_t at = code % index->room;
	while (index->slots[at].used)
		at = (at + 1) % index->room;
	index->slots[at] = (struct index_slot){ code, true, number };
}

static void index_grow(struct index *index)
{
	struct index old = *index;
	index->room = old.room ? 2 * old.room : INDEX_ROOM;
	index->slots = mem_array(index->room, sizeof(*index->slots));
	for (size_t i = 0; i < old.room; i++)
		if (old.slots[i].used)
			index_place(index, old.slots[i].code, old.slots[i].number);
	free(old.slots);
}

void index_add(struct index *index, unsigned code, size_t number)
{
	if (2 * (index->count + 1) > index->room)
		index_grow(index);
	index_place(index, code, number);
	index->count++;
}

bool index_next(const struct index *index, unsigned code, size_t *probe, size_t *number)
{
	for (; *probe < index->room; ++*probe) {
		const struct index_slot *slot = &index->slots[(code + *probe) % index->room];
		if (!slot->used)
			return false;
		if (slot->code == code) {
			*number = slot->number;
			++*probe;
			return true;
		}
	}
	return false;
}

void index_release(struct index *index)
{
	free(index->slots);
	*index = (struct index)INDEX_INIT;
}
