/* Settings of the inventory, for all commands that read one. */
#ifndef NEAP_CLI_INVENTORIES_H
#define NEAP_CLI_INVENTORIES_H

#include "cli/command.h"
#include "model/inventory.h"

struct inventories_settings {
	const char *hash_behaviour;
};

extern const char *const inventories_hash_behaviours[];

/* Rows of settings; base: where the struct stands in the command's. */
#define INVENTORIES_SETTINGS(base) \
	{ "hash-behaviour", 0, OPTION_STRING, NULL, inventories_hash_behaviours, NULL, \
	  (base) + offsetof(struct inventories_settings, hash_behaviour), 0, "ANSIBLE_HASH_BEHAVIOUR" }

struct inventory_options inventories_options(const struct inventories_settings *settings, struct vault *vault);

#endif
