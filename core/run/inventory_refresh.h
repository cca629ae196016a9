/* Reading the inventory: before the run, and again where meta: refresh_inventory asks for it. */
#ifndef NEAP_RUN_INVENTORY_REFRESH_H
#define NEAP_RUN_INVENTORY_REFRESH_H

#include "run/context.h"

/* The sources of the run's options, and the variables beside its playbooks. Made even where it is at fault (inventory_load).
 * Any thread. */
int inventory_refresh_read(const struct run_context *run, struct inventory **inventory, struct problems *problems) must_check;
/* Gives the run a state for each host. Before the run. */
void inventory_refresh_make_hosts(struct run_context *run);
/* Takes over an inventory that was read anew: hosts keep by their names what the run knows of them; those that are there no
 * more are gone. The one before stays in memory, because much borrows from it. The conductor, while no walk is under way. */
void inventory_refresh_adopt(struct run_context *run, struct inventory *fresh);

#endif
