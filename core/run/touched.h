/* What steps touch, and what the answers to asks depend on, by the names of paths.
 *
 * A step touches its paths and what is under them. A folder above such a path stays what it is, but its times and its list change
 * where the path is right in it; a command, and a step that makes missing folders, may change all the way up. */
#ifndef NEAP_RUN_TOUCHED_H
#define NEAP_RUN_TOUCHED_H

#include "plan/ask.h"
#include "plan/step.h"

/* What steps, done one after the other as one user, may touch: all else outlives them. */
struct touched {
	const struct step *const *steps;
	size_t count;
	bool anywhere; /* one of them may go where its path's name does not tell */
};

/* Whether what is asked of the ask's path may be another behind those steps. Looks at each of them. */
bool touched_reaches(const struct touched *touched, const struct ask *ask);

/* The same for many asks, found by hashing. Borrows the steps. */
struct touched_set;
struct touched_set *touched_set_new(const struct touched *touched);
void touched_set_free(struct touched_set *set);
/* As touched_reaches, for asks of a plain path (store.c: from the root, no "." or "..", no empty part). */
bool touched_set_reaches(const struct touched_set *set, const struct ask *ask);

#endif
