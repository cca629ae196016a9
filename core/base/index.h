/* Numbers found by hash code, for lists too long to be searched from their beginning. What else must agree is for the caller to
 * compare: several numbers may have one code. */
#ifndef NEAP_BASE_INDEX_H
#define NEAP_BASE_INDEX_H

#include <stdbool.h>
#include <stddef.h>

struct index {
	struct index_slot *slots;
	size_t count, room;
};

#define INDEX_INIT { 0 }

void index_add(struct index *index, unsigned code, size_t number);
/* The next number that was added with the code; *probe is 0 at first. False: no more. */
bool index_next(const struct index *index, unsigned code, size_t *probe, size_t *number);
/* Forgets all; it is empty and usable. */
void index_release(struct index *index);

#endif
