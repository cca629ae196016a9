/* From settings to how an inventory is read. */
#include "cli/inventories.h"

#include <string.h>

const char *const inventories_hash_behaviours[] = { "replace", "merge", NULL };

struct inventory_options inventories_options(const struct inventories_settings *settings, struct vault *vault)
{
	return (struct inventory_options){
		.vault = vault, .merges_hashes = settings->hash_behaviour && strcmp(settings->hash_behaviour, "merge") == 0,
	};
}
