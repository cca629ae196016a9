/* Facts kept from run to run: a folder with a JSON file for each host, as Ansible's jsonfile cache has them. Conductor and
 * main thread. */
#ifndef NEAP_RUN_FACT_CACHE_H
#define NEAP_RUN_FACT_CACHE_H

#include "run/context.h"

/* Gives the hosts what is kept of them and is not too old; with --flush-cache it is thrown away instead. What cannot be
 * read is a warning, never an error. */
void fact_cache_load(struct run_context *run);
/* Keeps the facts of hosts that have new ones. Files are 0600, in a folder made 0700. */
void fact_cache_save(struct run_context *run);

#endif
