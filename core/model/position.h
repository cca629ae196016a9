/* Where the values of a document stand: a mark for each member of an object and each element of an array, found by its
 * container, because scalars such as true and null are shared between places. Private to the document. */
#ifndef NEAP_MODEL_POSITION_H
#define NEAP_MODEL_POSITION_H

#include <stddef.h>

#include <jansson.h>

struct span {
	int line, column, width; /* as in struct place */
};

struct mark {
	const char *key; /* as the object holds it, NULL in an array */
	struct span key_span, span;
};

struct position_slot {
	const void *pointer; /* a container or a key; NULL: free */
	size_t index;        /* of the container, or of the mark in its container */
};

struct position_container {
	struct mark *marks; /* owned */
	size_t count;
};

struct positions {
	struct position_container *containers;
	size_t count, room;
	struct position_slot *slots; /* open addressing; a power of two of them */
	size_t slot_room, used;
};

/* Takes the marks over. */
void positions_add(struct positions *positions, const json_t *container, struct mark *marks, size_t count);
/* NULL if nothing is known of it. */
const struct position_container *positions_find(const struct positions *positions, const json_t *container);
/* The mark of a member by the key pointer that the object holds (json_object_iter_key); NULL if there is none. */
const struct mark *positions_member(const struct positions *positions, const json_t *object, const char *key);
void positions_release(struct positions *positions);

#endif
