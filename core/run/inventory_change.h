/* Changes of the inventory while a play runs: add_host, group_by and meta: refresh_inventory note them, the conductor carries
 * them out where no walk is under way. What add_host and group_by made is made again in an inventory that was read anew. */
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
/* Reads the inventory again, to be taken over. ERR_INPUT: it has faults, and the one there is stays. Any worker. */
int inventory_change_refresh(struct run_context *run, struct err *err) must_check;
enum inventory_changed { INVENTORY_SAME, INVENTORY_CHANGED, INVENTORY_REFRESHED };
/* Carries out what was noted. Every walk's variables must be laid anew then (variables_reload); where it was refreshed, hosts
 * may be gone (context_is_gone). The conductor, while no walk is under way. */
enum inventory_changed inventory_change_apply(struct run_context *run);

#endif
