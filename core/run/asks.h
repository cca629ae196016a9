/* A list of asks for one job, each once. Copies what it is given. */
#ifndef NEAP_RUN_ASKS_H
#define NEAP_RUN_ASKS_H

#include "base/index.h"
#include "run/target.h"

struct asks {
	struct arena arena;
	struct job_ask *items;
	struct index index;
	size_t count, room;
};

void asks_add(struct asks *asks, const struct target_user *user, const struct ask *ask);
/* The answer that a job brought for an ask, a new reference; NULL if there is none. */
struct answer *asks_find(const struct asks *asks, const struct target_user *user, const struct ask *ask);
/* Drops answers and asks. */
void asks_release(struct asks *asks);

#endif
