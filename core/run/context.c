/* What a run remembers of its hosts, and its warnings. */
#include "run/context.h"

#include <stdarg.h>
#include <string.h>

#include "base/mem.h"
#include "run/host_facts.h"

static struct host_state *new_state(const struct host *host)
{
	struct host_state *state = mem_alloc(sizeof(*state));
	*state = (struct host_state){
		.host = host, .variables = json_object(), .included = json_object(), .added = json_object(),
		.facts = host_facts_new(),
	};
	return state;
}

struct host_state *context_add_host(struct run_context *run, const struct host *host)
{
	if (host->implicit) {
		if (!run->localhost)
			run->localhost = new_state(host);
		return run->localhost;
	}
	if (host->index >= run->host_count) {
		size_t count = host->index + 1;
		run->hosts = mem_resize(run->hosts, count, sizeof(*run->hosts));
		memset(run->hosts + run->host_count, 0, (count - run->host_count) * sizeof(*run->hosts));
		run->host_count = count;
	}
	if (!run->hosts[host->index])
		run->hosts[host->index] = new_state(host);
	return run->hosts[host->index];
}

void context_free_host(struct host_state *state)
{
	if (!state)
		return;
	json_decref(state->variables);
	json_decref(state->included);
	json_decref(state->facts);
	json_decref(state->given);
	json_decref(state->added);
	free(state);
}

void context_set_groups(struct run_context *run)
{
	const struct inventory *inventory = run->inventory;
	json_t *groups = json_object();
	for (size_t i = 0; i < inventory_group_count(inventory); i++)
		json_object_set_new(groups, inventory_group_at(inventory, i)->name, json_array());
	for (size_t i = 0; i < inventory_host_count(inventory); i++) {
		const struct host *host = inventory_host_at(inventory, i);
		for (size_t j = 0; j < host->group_count && !host->implicit; j++)
			json_array_append_new(json_object_get(groups, host->groups[j]->name), json_string(host->name));
	}
	json_decref(run->groups);
	run->groups = groups;
}

int context_open_sealed(void *context, const char *sealed, size_t length, const struct secret **plain, struct err *err)
{
	struct run_context *run = context;
	return vault_value_open(run->vault, sealed, length, plain, err);
}

struct host_state *context_host(struct run_context *run, const struct host *host) 
{
	return host->implicit ? run->localhost : run->hosts[host->index];
}

char *context_place(const struct run_context *run, struct node node) { return run->options->adhoc ? NULL : node_where(node); }

void context_warn(struct run_context *run, const char *host, const char *format, ...)
{
	va_list arguments;
	va_start(arguments, format);
	struct event *event = event_new(EVENT_WARNING);
	event->host = mem_strdup(host);
	event->text = mem_vprintf(format, arguments);
	va_end(arguments);
	event_emit(run->events, event);
}
