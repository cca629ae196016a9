/* What a run remembers of its hosts, and its warnings. */
#include "run/context.h"

#include <stdarg.h>
#include <stdint.h>
#include <stdlib.h>
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
	json_decref(state->plain);
	json_decref(state->given);
	json_decref(state->added);
	free(state);
}

void context_set_groups(struct run_context *run)
{
	const struct inventory *inventory = run->inventory;
	json_t *groups = json_object();
	for (size_t i = 0; i < inventory_group_count(inventory); i++) {
		struct group *group = inventory_group_at(inventory, i);
		size_t count;
		auto_free struct host **hosts = inventory_group_hosts(inventory, group, &count);
		json_t *names = json_array();
		for (size_t j = 0; j < count; j++)
			json_array_append_new(names, json_string(hosts[j]->name));
		json_object_set_new(groups, group->name, names);
	}
	json_decref(run->groups);
	run->groups = groups;
}

void context_host_out(struct run_context *run, atomic_bool *flag)
{
	atomic_store(flag, true);
	atomic_store(&run->any_out, true);
}

int context_open_sealed(void *context, const char *sealed, size_t length, const struct secret **plain, struct err *err)
{
	struct run_context *run = context;
	return vault_value_open(run->vault, sealed, length, plain, err);
}

struct host_state *context_host(struct run_context *run, const struct host *host)
{
	struct host_state *state = host->implicit ? run->localhost : host->index < run->host_count ? run->hosts[host->index] : NULL;
	if (state && state->host == host)
		return state;
	const struct host *current = inventory_host(run->inventory, host->name);
	return !current ? NULL : current->implicit ? run->localhost : run->hosts[current->index];
}

bool context_is_gone(const struct run_context *run, const struct host_state *state)
{
	for (size_t i = 0; i < run->gone_count; i++) {
		if (run->gone[i] == state)
			return true;
	}
	return false;
}

char *context_place(const struct run_context *run, struct node node) { return run->options->adhoc ? NULL : node_where(node); }

/* ---- strangers ---- */

struct stranger {
	struct stranger *next;
	struct host host;
	char *name;
	struct host_state *state;
};

void context_free_strangers(struct run_context *run)
{
	for (struct stranger *stranger = run->strangers, *next; stranger; stranger = next) {
		next = stranger->next;
		context_free_host(stranger->state);
		json_decref(stranger->host.vars);
		free(stranger->name);
		free(stranger);
	}
}

static struct host_state *stranger_by_name(struct run_context *run, const char *name)
{
	struct stranger *stranger = run->strangers;
	while (stranger && strcmp(stranger->name, name) != 0)
		stranger = stranger->next;
	if (stranger)
		return stranger->state;
	stranger = mem_alloc(sizeof(*stranger));
	*stranger = (struct stranger){ .next = run->strangers, .name = mem_strdup(name) };
	stranger->host = (struct host){ .name = stranger->name, .vars = json_object(), .index = SIZE_MAX };
	stranger->state = new_state(&stranger->host);
	run->strangers = stranger;
	return stranger->state;
}

struct host_state *context_delegate(struct run_context *run, const char *name)
{
	const struct inventory *inventory = run->inventory;
	const struct host *host = inventory_host(run->inventory, name);
	for (size_t i = 0; i < inventory_host_count(inventory) && !host; i++) {
		const struct host *other = inventory_host_at(inventory, i);
		const char *address = json_string_value(json_object_get(other->vars, "ansible_host"));
		if (address && strcmp(address, name) == 0)
			host = other;
	}
	if (host)
		return context_host(run, host);
	pthread_mutex_lock(&run->facts_lock);
	struct host_state *state = stranger_by_name(run, name);
	pthread_mutex_unlock(&run->facts_lock);
	return state;
}

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
