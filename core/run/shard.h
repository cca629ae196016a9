/* --shard: the part of a run's hosts that this of several runs takes.
 *
 * A host's shard follows from its name alone: the first 8 bytes of the name's SHA-256, as a big-endian number, put into one
 * of N buckets by jump consistent hashing (J. Lamping, E. Veach, "A Fast, Minimal Memory, Consistent Hash Algorithm", 2014).
 * Hosts that come or go move no other; with one shard more, one in N + 1 moves, and only to the new one. */
#ifndef NEAP_RUN_SHARD_H
#define NEAP_RUN_SHARD_H

#include <stdbool.h>
#include <stddef.h>

#include "base/err.h"
#include "model/inventory.h"

enum { SHARD_MOST = 100000 };

struct shard {
	unsigned index, count; /* index from 1; count 0: the run is not one of several */
};

/* Reads "2/8", or "auto": what GitLab CI, a Kubernetes indexed job or a Slurm array has put into the environment. ERR_USAGE
 * where it is neither, or the environment says nothing, too little, or more than one thing. */
int shard_read(const char *text, struct shard *shard, struct err *err) must_check;
/* The shard of count, from 1, that a name belongs to. */
unsigned shard_of(const char *name, unsigned count);
/* Keeps the hosts of this shard, in their order; localhost, which each run has for itself, is in all of them. */
void shard_apply(const struct shard *shard, struct host **hosts, size_t *count);

#endif
