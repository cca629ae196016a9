/* One inventory after another. */
#include "run/inventory_refresh.h"

#include <string.h>

#include "base/mem.h"

int inventory_refresh_read(const struct run_context *run, struct inventory **inventory, struct problems *problems)
{
	struct inventory_options options = run->options->inventory;
	options.vault = run->vault;
	int failed = inventory_load(inventory, run->options->inventories, run->options->inventory_count, &options, problems);
	for (size_t i = 0; !failed && i < run->playbook_count; i++) {
		const struct playbook *playbook = run->playbooks[i];
		for (size_t j = 0; j < playbook->count; j++)
			failed |= inventory_add_vars_beside(*inventory, playbook->plays[j]->directory, problems);
	}
	return failed;
}

/* What is implicit is made now, so that no host is added while the run goes on. */
void inventory_refresh_make_hosts(struct run_context *run)
{
	const struct host *localhost = inventory_host(run->inventory, "localhost");
	if (localhost->implicit)
		context_add_host(run, localhost);
	for (size_t i = 0; i < inventory_host_count(run->inventory); i++)
		context_add_host(run, inventory_host_at(run->inventory, i));
}

/* The states from before, by name. */
struct known {
	json_t *index; /* name to position */
	struct host_state **states;
	size_t count, room;
};

static void know(struct known *known, struct host_state *state)
{
	if (!state)
		return;
	json_object_set_new_nocheck(known->index, state->host->name, json_integer((json_int_t)known->count));
	mem_grow(known->states, known->count, known->room);
	known->states[known->count++] = state;
}

static struct host_state *take(struct known *known, const struct host *host)
{
	json_t *position = json_object_get(known->index, host->name);
	if (!position)
		return NULL;
	struct host_state **found = &known->states[json_integer_value(position)], *state = *found;
	*found = NULL;
	if (state)
		state->host = host;
	return state;
}

static struct known all_states(struct run_context *run)
{
	struct known known = { .index = json_object() };
	for (size_t i = 0; i < run->gone_count; i++)
		know(&known, run->gone[i]);
	for (size_t i = 0; i < run->host_count; i++)
		know(&known, run->hosts[i]);
	know(&known, run->localhost);
	free(run->hosts);
	run->hosts = NULL;
	run->host_count = run->gone_count = 0;
	run->localhost = NULL;
	return known;
}

void inventory_refresh_adopt(struct run_context *run, struct inventory *fresh)
{
	struct known known = all_states(run);
	mem_grow(run->past_inventories, run->past_inventory_count, run->past_inventory_room);
	run->past_inventories[run->past_inventory_count++] = run->inventory;
	run->inventory = fresh;
	const struct host *localhost = inventory_host(fresh, "localhost");
	if (localhost->implicit)
		run->localhost = take(&known, localhost);
	run->host_count = inventory_host_count(fresh);
	run->hosts = mem_array(run->host_count, sizeof(*run->hosts));
	for (size_t i = 0; i < run->host_count; i++)
		run->hosts[i] = take(&known, inventory_host_at(fresh, i));
	inventory_refresh_make_hosts(run);
	for (size_t i = 0; i < known.count; i++) {
		if (!known.states[i])
			continue;
		mem_grow(run->gone, run->gone_count, run->gone_room);
		run->gone[run->gone_count++] = known.states[i];
	}
	json_decref(known.index);
	free(known.states);
}
