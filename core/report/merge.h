/* The results of several runs joined into those of one: shards of a run, each with hosts of its own.
 *
 * Plays are joined by their place in the playbook, tasks by the line they stand on and how often it was reached before. */
#ifndef NEAP_REPORT_MERGE_H
#define NEAP_REPORT_MERGE_H

#include <stdbool.h>
#include <stddef.h>

#include "base/err.h"
#include "run/event.h"

struct merge;

struct merge *merge_new(void);
void merge_free(struct merge *merge);
/* Joins the results of a file, which may hold several runs in JSON Lines. ERR_INPUT where they cannot be read, or a host or a
 * shard was there already. localhost, which each shard has for itself, becomes "localhost (2/8)". */
int merge_add(struct merge *merge, const char *name, const char *text, size_t length, struct err *err) must_check;
/* ERR_INPUT where not all shards are there, or the results of one end before its recap. */
int merge_complete(const struct merge *merge, struct err *err) must_check;
/* What one run would have ended with: 0, 2, 4, or what a shard that did not come to its end had. */
int merge_status(const struct merge *merge);
/* Hands the joined results to a reporter, as the events of a run; of results only those that failed, where asked for. */
void merge_replay(const struct merge *merge, struct reporter *reporter, bool only_failures);

#endif
