/* Changes of the inventory while a play runs: add_host and group_by note them, the conductor carries them out where no walk
 * is under way. */
#ifndef NEAP_RUN_INVENTORY_CHANGE_H
#define NEAP_RUN_INVENTORY_CHANGE_H

#include <stdbool.h>

#include "run/context.h"

struct inventory_changes;

struct inventory_changes *inventory_changes_new(void);
void inventory_changes_free(struct inventory_changes *changes);

/* Notes what add_host or group_by on host, which has that place among the batch's, asks for, and sets result's "changed": whether
 * the inventory lacks it yet. Locks itself; any worker. */
void inventory_change_note(struct run_context *run, const struct host *host, size_t place, json_t *result);
/* Carries out what was noted; whether there was anything. Every walk's variables must be laid anew then
 * (variables_reload). The conductor, while no walk is under way. */
bool inventory_change_apply(struct run_context *run);

#endif
