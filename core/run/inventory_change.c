/* The queue between the tasks that change the inventory and the conductor. */
#include "run/inventory_change.h"

#include <pthread.h>
#include <stdint.h>
#include <string.h>

#include "base/mem.h"
#include "run/hostvars.h"
#include "run/inventory_refresh.h"

struct change {
	struct change *next;
	const char *host;        /* of group_by: its name */
	size_t place;            /* of the host whose task it was, in the batch */
	json_t *wish;            /* {"add_host": ...} or {"add_group", "parent_groups"}; NULL: an inventory is taken over */
	struct inventory *fresh; /* that one */
};

struct inventory_changes {
	pthread_mutex_t lock;
	struct change *first; /* in the order of the hosts, whichever was the fastest */
	struct change *done, **done_last; /* carried out */
};

struct inventory_changes *inventory_changes_new(void)
{
	struct inventory_changes *changes = mem_alloc(sizeof(*changes));
	pthread_mutex_init(&changes->lock, NULL);
	changes->done_last = &changes->done;
	return changes;
}

static void change_free(struct change *change)
{
	json_decref(change->wish);
	inventory_free(change->fresh);
	free(change);
}

static void free_all(struct change *first)
{
	for (struct change *change = first, *next; change; change = next) {
		next = change->next;
		change_free(change);
	}
}

void inventory_changes_free(struct inventory_changes *changes)
{
	if (!changes)
		return;
	free_all(changes->first);
	free_all(changes->done);
	pthread_mutex_destroy(&changes->lock);
	free(changes);
}

/* ---- what is new ---- */

/* A host by name that is made by nobody: inventory_host makes implicit ones. */
static struct host *find_host(const struct inventory *inventory, const char *name)
{
	for (size_t i = 0; i < inventory_host_count(inventory); i++) {
		struct host *host = inventory_host_at(inventory, i);
		if (!host->implicit && strcmp(host->name, name) == 0)
			return host;
	}
	return NULL;
}

static bool is_in(const struct host *host, const char *group)
{
	for (size_t i = 0; i < host->group_count; i++) {
		if (strcmp(host->groups[i]->name, group) == 0)
			return true;
	}
	return false;
}

static bool is_host_news(struct run_context *run, json_t *wish)
{
	const struct host *host = find_host(run->inventory, json_string_value(json_object_get(wish, "host_name")));
	if (!host)
		return true;
	json_t *groups = json_object_get(wish, "groups"), *vars = json_object_get(wish, "host_vars"), *value;
	for (size_t i = 0; i < json_array_size(groups); i++) {
		if (!is_in(host, json_string_value(json_array_get(groups, i))))
			return true;
	}
	const char *name;
	json_object_foreach(vars, name, value) {
		json_t *known = json_object_get(context_host(run, host)->added, name);
		if (!json_equal(known ? known : json_object_get(host->vars, name), value))
			return true;
	}
	return false;
}

static bool is_group_news(const struct run_context *run, const struct host *host, json_t *wish)
{
	json_t *parents = json_object_get(wish, "parent_groups");
	if (!is_in(host, json_string_value(json_object_get(wish, "add_group"))))
		return true;
	for (size_t i = 0; i < json_array_size(parents); i++) {
		if (!inventory_group(run->inventory, json_string_value(json_array_get(parents, i))))
			return true;
	}
	return false;
}

static bool is_noted(const struct inventory_changes *changes, const struct host *host, json_t *wish)
{
	for (const struct change *change = changes->first; change; change = change->next) {
		if ((!host || change->host == host->name) && json_equal(change->wish, wish))
			return true;
	}
	return false;
}

/* Behind those of the hosts before it, and those of its own. Under the lock. */
static void note(struct inventory_changes *changes, struct change what)
{
	struct change *change = mem_alloc(sizeof(*change)), **link = &changes->first;
	*change = what;
	while (*link && (*link)->place <= change->place)
		link = &(*link)->next;
	change->next = *link;
	*link = change;
}

void inventory_change_note(struct run_context *run, const struct host *host, size_t place, json_t *result)
{
	struct inventory_changes *changes = run->inventory_changes;
	json_t *add_host = json_object_get(result, "add_host");
	if (json_is_true(json_object_get(result, "failed")) || (!add_host && !json_object_get(result, "add_group")))
		return;
	auto_json json_t *shared = add_host ? json_pack("{s:O}", "add_host", add_host)
		: json_pack("{s:O, s:O}", "add_group", json_object_get(result, "add_group"), "parent_groups",
		            json_object_get(result, "parent_groups"));
	auto_json json_t *wish = json_deep_copy(shared);
	if (add_host)
		host = NULL;
	pthread_mutex_lock(&changes->lock);
	bool is_news = !is_noted(changes, host, wish) && (add_host ? is_host_news(run, add_host) : is_group_news(run, host, wish));
	if (is_news)
		note(changes, (struct change){ .host = host ? host->name : NULL, .place = place, .wish = steal(wish) });
	pthread_mutex_unlock(&changes->lock);
	json_object_set_new(result, "changed", json_boolean(is_news));
}

/* ---- carrying out ---- */

static void add_host(struct run_context *run, json_t *wish)
{
	struct host *host = inventory_add_host(run->inventory, json_string_value(json_object_get(wish, "host_name")));
	struct host_state *state = context_add_host(run, host);
	json_t *groups = json_object_get(wish, "groups");
	for (size_t i = 0; i < json_array_size(groups); i++)
		inventory_join(run->inventory, host,
		               inventory_add_group(run->inventory, json_string_value(json_array_get(groups, i))));
	json_object_update(state->added, json_object_get(wish, "host_vars"));
}

static void add_group(struct run_context *run, struct host *host, json_t *wish)
{
	struct group *group = inventory_add_group(run->inventory, json_string_value(json_object_get(wish, "add_group")));
	json_t *parents = json_object_get(wish, "parent_groups");
	for (size_t i = 0; i < json_array_size(parents); i++) {
		struct err err = ERR_INIT;
		struct group *parent = inventory_add_group(run->inventory, json_string_value(json_array_get(parents, i)));
		if (parent != group && inventory_nest(run->inventory, parent, group, &err) < 0)
			context_warn(run, host->name, "group_by: %s", err.text);
	}
	inventory_join(run->inventory, host, group);
}

/* Of a host that is gone nothing is made again. */
static void carry_out(struct run_context *run, const struct change *change)
{
	json_t *wish = json_object_get(change->wish, "add_host");
	struct host *host = change->host ? inventory_host(run->inventory, change->host) : NULL;
	if (wish)
		add_host(run, wish);
	else if (host)
		add_group(run, host, change->wish);
}

static void take_over(struct run_context *run, struct change *change)
{
	inventory_refresh_adopt(run, steal(change->fresh));
	for (const struct change *done = run->inventory_changes->done; done; done = done->next)
		carry_out(run, done);
}

int inventory_change_refresh(struct run_context *run, struct err *err)
{
	struct inventory_changes *changes = run->inventory_changes;
	struct inventory *fresh = NULL;
	auto_problems struct problems problems = PROBLEMS_INIT;
	if (inventory_refresh_read(run, &fresh, &problems) < 0) {
		(void)!problems_first(&problems, "the inventory cannot be read again", err);
		inventory_free(fresh); /* which the problems borrow from */
		return -1;
	}
	pthread_mutex_lock(&changes->lock);
	note(changes, (struct change){ .place = SIZE_MAX, .fresh = fresh });
	pthread_mutex_unlock(&changes->lock);
	return 0;
}

enum inventory_changed inventory_change_apply(struct run_context *run)
{
	struct inventory_changes *changes = run->inventory_changes;
	pthread_mutex_lock(&changes->lock);
	struct change *first = changes->first;
	changes->first = NULL;
	pthread_mutex_unlock(&changes->lock);
	enum inventory_changed how = first ? INVENTORY_CHANGED : INVENTORY_SAME;
	for (struct change *change = first, *next; change; change = next) {
		next = change->next;
		change->next = NULL;
		if (change->fresh) {
			take_over(run, change);
			how = INVENTORY_REFRESHED;
			change_free(change);
			continue;
		}
		carry_out(run, change);
		*changes->done_last = change;
		changes->done_last = &change->next;
	}
	if (how != INVENTORY_SAME) {
		inventory_tidy(run->inventory);
		context_set_groups(run);
		hostvars_forget(run);
	}
	return how;
}
