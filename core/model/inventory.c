/* The graph of hosts and groups: making, looking up, settling after reading, and each host's variables. */
#include "model/inventory_parts.h"

#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "base/file.h"
#include "base/mem.h"

static size_t index_find(const json_t *index, const char *name)
{
	const json_t *position = json_object_get(index, name);
	return position ? (size_t)json_integer_value(position) : SIZE_MAX;
}

static struct group *group_make(struct inventory *inventory, const char *name)
{
	struct group *group = mem_alloc(sizeof(*group));
	group->name = arena_str(&inventory->arena, name);
	group->vars = json_object();
	group->priority = 1;
	json_object_set_new_nocheck(inventory->group_index, name, json_integer((json_int_t)inventory->group_count));
	mem_grow(inventory->groups, inventory->group_count, inventory->group_room);
	inventory->groups[inventory->group_count++] = group;
	return group;
}

static struct inventory *inventory_new(void)
{
	struct inventory *inventory = mem_alloc(sizeof(*inventory));
	inventory->host_index = json_object();
	inventory->group_index = json_object();
	inventory->suspects = json_object();
	inventory->all = group_make(inventory, "all");
	inventory->ungrouped = group_make(inventory, "ungrouped");
	struct err err = ERR_INIT;
	if (inventory_put_child(inventory, inventory->all, inventory->ungrouped, &err) < 0)
		abort();
	return inventory;
}

static void host_free(struct host *host)
{
	if (!host)
		return;
	json_decref(host->vars);
	free(host->groups);
	free(host);
}

static void group_free(struct group *group)
{
	json_decref(group->vars);
	free(group->children);
	free(group->parents);
	free(group->hosts);
	free(group);
}

void inventory_free(struct inventory *inventory)
{
	if (!inventory)
		return;
	if (inventory->localhost && inventory->localhost->implicit)
		host_free(inventory->localhost);
	for (size_t i = 0; i < inventory->host_count; i++)
		host_free(inventory->hosts[i]);
	for (size_t i = 0; i < inventory->group_count; i++)
		group_free(inventory->groups[i]);
	for (size_t i = 0; i < inventory->document_count; i++)
		document_free(inventory->documents[i]);
	for (size_t i = 0; i < inventory->folder_count; i++)
		vars_folder_free(inventory->folders[i]);
	free(inventory->hosts);
	free(inventory->groups);
	free(inventory->documents);
	free(inventory->folders);
	json_decref(inventory->host_index);
	json_decref(inventory->group_index);
	json_decref(inventory->suspects);
	arena_release(&inventory->arena);
	free(inventory);
}

void inventory_keep_document(struct inventory *inventory, struct document *document)
{
	mem_grow(inventory->documents, inventory->document_count, inventory->document_room);
	inventory->documents[inventory->document_count++] = document;
}

void inventory_each_document(const struct inventory *inventory, void (*visit)(void *context, struct node root), void *context)
{
	for (size_t i = 0; i < inventory->document_count; i++)
		visit(context, document_root(inventory->documents[i]));
}

/* Looking up */

size_t inventory_host_count(const struct inventory *inventory)
{
	return inventory->host_count;
}

struct host *inventory_host_at(const struct inventory *inventory, size_t index)
{
	return index < inventory->host_count ? inventory->hosts[index] : NULL;
}

size_t inventory_group_count(const struct inventory *inventory)
{
	return inventory->group_count;
}

struct group *inventory_group_at(const struct inventory *inventory, size_t index)
{
	return index < inventory->group_count ? inventory->groups[index] : NULL;
}

struct group *inventory_group(const struct inventory *inventory, const char *name)
{
	return inventory_group_at(inventory, index_find(inventory->group_index, name));
}

bool inventory_is_local_name(const char *name)
{
	return strcmp(name, "localhost") == 0 || strcmp(name, "127.0.0.1") == 0 || strcmp(name, "::1") == 0;
}

static struct host *host_make(struct inventory *inventory, const char *name)
{
	struct host *host = mem_alloc(sizeof(*host));
	host->name = arena_str(&inventory->arena, name);
	host->vars = json_object();
	return host;
}

struct host *inventory_host(struct inventory *inventory, const char *name)
{
	struct host *host = inventory_host_at(inventory, index_find(inventory->host_index, name));
	if (host || !inventory_is_local_name(name))
		return host;
	if (!inventory->localhost) {
		host = host_make(inventory, name);
		host->implicit = true;
		host->index = SIZE_MAX;
		json_object_set_new(host->vars, "ansible_connection", json_string("local"));
		inventory->localhost = host;
	}
	return inventory->localhost;
}

/* Building */

struct group *inventory_put_group(struct inventory *inventory, const char *name)
{
	struct group *group = inventory_group(inventory, name);
	return group ? group : group_make(inventory, name);
}

/* Adds to a pointer array unless it is there. */
#define put_once(items, count, room, item)                                      \
	do {                                                                        \
		size_t at_ = 0;                                                         \
		while (at_ < (count) && (items)[at_] != (item))                         \
			at_++;                                                              \
		if (at_ == (count)) {                                                   \
			mem_grow((items), (count), (room));                                 \
			(items)[(count)++] = (item);                                        \
		}                                                                       \
	} while (0)

/* Where the new host was read, for inventory_file and inventory_dir. */
static void host_note_source(const struct inventory *inventory, struct host *host)
{
	if (!inventory->source)
		return;
	auto_free char *source = file_absolute(inventory->source);
	const char *slash = strrchr(source, '/');
	host_put_var(inventory, host, "inventory_file", json_string(source));
	host_put_var(inventory, host, "inventory_dir", json_stringn(source, slash == source ? 1 : (size_t)(slash - source)));
}

/* Direct members only, until it is settled: the host's list is short, the group's may be long. */
static void host_put_into(struct host *host, struct group *group)
{
	size_t before = host->group_count;
	put_once(host->groups, host->group_count, host->group_room, group);
	if (host->group_count == before)
		return;
	mem_grow(group->hosts, group->host_count, group->host_room);
	group->hosts[group->host_count++] = host;
}

struct host *inventory_put_host(struct inventory *inventory, const char *name, struct group *group, int port)
{
	struct host *host = inventory_host_at(inventory, index_find(inventory->host_index, name));
	if (!host) {
		host = host_make(inventory, name);
		host->index = inventory->host_count;
		json_object_set_new_nocheck(inventory->host_index, name, json_integer((json_int_t)host->index));
		mem_grow(inventory->hosts, inventory->host_count, inventory->host_room);
		inventory->hosts[inventory->host_count++] = host;
		host_note_source(inventory, host);
		if (port)
			host_put_var(inventory, host, "ansible_port", json_integer(port));
		if (!inventory->localhost && inventory_is_local_name(name))
			inventory->localhost = host;
	}
	if (group)
		host_put_into(host, group);
	return host;
}

static bool group_has_below(const struct inventory *inventory, struct group *group, const struct group *wanted)
{
	if (!group->child_count)
		return false;
	size_t count;
	auto_free struct group **walk = group_walk(inventory, group, &count);
	for (size_t i = 0; i < count; i++)
		if (walk[i] == wanted)
			return true;
	return false;
}

int inventory_put_child(const struct inventory *inventory, struct group *parent, struct group *child, struct err *err)
{
	if (parent == child)
		return err_set(err, ERR_INPUT, "the group \"%s\" cannot be its own child", parent->name);
	if (group_has_below(inventory, child, parent))
		return err_set(err, ERR_INPUT, "\"%s\" as a child of \"%s\" closes a circle of groups", child->name, parent->name);
	put_once(parent->children, parent->child_count, parent->child_room, child);
	put_once(child->parents, child->parent_count, child->parent_room, parent);
	return 0;
}

void host_put_var(const struct inventory *inventory, struct host *host, const char *name, json_t *value)
{
	vars_put(host->vars, name, value, inventory->options.merges_hashes);
}

int group_put_var(const struct inventory *inventory, struct group *group, const char *name, json_t *value, struct err *err)
{
	if (strcmp(name, "ansible_group_priority") != 0) {
		vars_put(group->vars, name, value, inventory->options.merges_hashes);
		return 0;
	}
	auto_json json_t *priority = value;
	char *end = NULL;
	if (json_is_integer(priority))
		group->priority = (int)json_integer_value(priority);
	else if (json_is_string(priority) && *json_string_value(priority))
		group->priority = (int)strtol(json_string_value(priority), &end, 10);
	else
		end = (char *)"?";
	if (end && *end)
		return err_set(err, ERR_INPUT, "ansible_group_priority is a whole number");
	return 0;
}

/* Settling */

/* A group's depth is the longest way down to it from "all". There are no circles, so this ends. */
static void inventory_settle_depths(struct inventory *inventory)
{
	bool moved = true;
	while (moved) {
		moved = false;
		for (size_t i = 0; i < inventory->group_count; i++) {
			const struct group *group = inventory->groups[i];
			for (size_t j = 0; j < group->child_count; j++) {
				if (group->children[j]->depth > group->depth)
					continue;
				group->children[j]->depth = group->depth + 1;
				moved = true;
			}
		}
	}
}

static int group_order(const void *a, const void *b)
{
	const struct group *one = *(struct group *const *)a, *other = *(struct group *const *)b;
	if (one->depth != other->depth)
		return one->depth < other->depth ? -1 : 1;
	if (one->priority != other->priority)
		return one->priority < other->priority ? -1 : 1;
	return strcmp(one->name, other->name);
}

/* Adds the groups above those the host has, and sorts them. */
static void host_climb(struct host *host)
{
	for (size_t i = 0; i < host->group_count; i++) {
		const struct group *group = host->groups[i];
		for (size_t j = 0; j < group->parent_count; j++)
			put_once(host->groups, host->group_count, host->group_room, group->parents[j]);
	}
	if (host->group_count)
		qsort(host->groups, host->group_count, sizeof(struct group *), group_order);
}

static void inventory_settle_groups(struct inventory *inventory, struct problems *problems)
{
	for (size_t i = 0; i < inventory->group_count; i++) {
		struct group *group = inventory->groups[i];
		struct err err = ERR_INIT;
		if (group != inventory->all && !group->parent_count && inventory_put_child(inventory, inventory->all, group, &err) < 0)
			problem_add(problems, PROBLEM_ERROR, (struct place){ 0 }, NULL, NULL, "%s", err.text);
		if (json_object_get(inventory->host_index, group->name))
			problem_add(problems, PROBLEM_WARNING, (struct place){ .file = inventory->source }, NULL,
			            "give one of them another name: a pattern means both",
			            "\"%s\" is the name of a group and of a host", group->name);
	}
	inventory_settle_depths(inventory);
}

/* "ungrouped" is for hosts that are in no other group but "all". */
static void inventory_settle_ungrouped(struct inventory *inventory)
{
	struct group *ungrouped = inventory->ungrouped;
	size_t kept = 0;
	for (size_t i = 0; i < ungrouped->host_count; i++) {
		struct host *host = ungrouped->hosts[i];
		size_t others = 0, at = 0;
		for (size_t j = 0; j < host->group_count; j++) {
			others += host->groups[j] != ungrouped && host->groups[j] != inventory->all;
			if (host->groups[j] == ungrouped)
				at = j;
		}
		if (!others) {
			ungrouped->hosts[kept++] = host;
			continue;
		}
		host->group_count--;
		memmove(host->groups + at, host->groups + at + 1, (host->group_count - at) * sizeof(struct group *));
	}
	ungrouped->host_count = kept;
	for (size_t i = 0; i < inventory->host_count; i++) {
		struct host *host = inventory->hosts[i];
		if (!host->group_count || (host->group_count == 1 && host->groups[0] == inventory->all))
			host_put_into(host, ungrouped);
	}
}

void inventory_settle(struct inventory *inventory, struct problems *problems)
{
	inventory_settle_groups(inventory, problems);
	inventory_settle_ungrouped(inventory);
	for (size_t i = 0; i < inventory->host_count; i++)
		host_climb(inventory->hosts[i]);
}

/* While a play runs */

struct group *inventory_add_group(struct inventory *inventory, const char *name)
{
	struct group *group = inventory_put_group(inventory, name);
	struct err err = ERR_INIT;
	if (group != inventory->all && !group->parent_count && inventory_put_child(inventory, inventory->all, group, &err) == 0)
		group->depth = 1;
	return group;
}

struct host *inventory_add_host(struct inventory *inventory, const char *name)
{
	const char *source = inventory->source;
	inventory->source = NULL;
	struct host *host = inventory_put_host(inventory, name, NULL, 0);
	inventory->source = source;
	if (!host->group_count)
		inventory_join(inventory, host, inventory->all);
	return host;
}

void inventory_join(struct inventory *inventory, struct host *host, struct group *group)
{
	put_once(group->hosts, group->host_count, group->host_room, host);
	put_once(host->groups, host->group_count, host->group_room, group);
	(void)inventory;
	host_climb(host);
}

int inventory_nest(struct inventory *inventory, struct group *parent, struct group *child, struct err *err)
{
	for (size_t i = 0; i < parent->child_count; i++) {
		if (parent->children[i] == child)
			return 0;
	}
	return inventory_put_child(inventory, parent, child, err);
}

void inventory_tidy(struct inventory *inventory)
{
	auto_problems struct problems ignored = PROBLEMS_INIT;
	inventory_settle(inventory, &ignored);
}

/* Walking */

struct group **group_walk(const struct inventory *inventory, struct group *group, size_t *count)
{
	struct group **walk = NULL;
	size_t room = 0;
	auto_free bool *seen = mem_array(inventory->group_count + 1, sizeof(bool));
	*count = 0;
	mem_grow(walk, *count, room);
	walk[(*count)++] = group;
	for (size_t i = 0; i < *count; i++) {
		for (size_t j = 0; j < walk[i]->child_count; j++) {
			struct group *child = walk[i]->children[j];
			size_t index = index_find(inventory->group_index, child->name);
			if (seen[index])
				continue;
			seen[index] = true;
			mem_grow(walk, *count, room);
			walk[(*count)++] = child;
		}
	}
	return walk;
}

struct host **inventory_group_hosts(const struct inventory *inventory, struct group *group, size_t *count)
{
	size_t group_count, room = 0;
	auto_free struct group **walk = group_walk(inventory, group, &group_count);
	auto_free bool *seen = mem_array(inventory->host_count + 1, sizeof(bool));
	struct host **hosts = NULL;
	*count = 0;
	for (size_t i = 0; i < group_count; i++) {
		for (size_t j = 0; j < walk[i]->host_count; j++) {
			struct host *host = walk[i]->hosts[j];
			if (host->implicit || seen[host->index])
				continue;
			seen[host->index] = true;
			mem_grow(hosts, *count, room);
			hosts[(*count)++] = host;
		}
	}
	return hosts;
}

/* Variables, in the order of Ansible's default precedence */

static void folder_vars(const struct vars_folder *folder, bool host, const char *name, enum vars_level level,
                        struct vars *vars)
{
	json_t *values = json_object_get(host ? folder->hosts : folder->groups, name);
	if (values)
		vars_add(vars, level, values, false,
		         json_string_value(json_object_get(host ? folder->host_origins : folder->group_origins, name)));
}

void inventory_vars(const struct inventory *inventory, const struct host *host, struct vars *vars)
{
	const struct group *all = inventory->all;
	if (inventory->options.merges_hashes)
		vars_merge_hashes(vars);
	vars_add(vars, VARS_INVENTORY_ALL, all->vars, false, "inventory, group all");
	for (size_t i = 0; i < host->group_count; i++)
		if (host->groups[i] != all)
			vars_add(vars, VARS_INVENTORY_GROUP, host->groups[i]->vars, false, host->groups[i]->name);
	vars_add(vars, VARS_INVENTORY_HOST, host->vars, false, "inventory");
	for (size_t i = 0; i < inventory->folder_count; i++) {
		const struct vars_folder *folder = inventory->folders[i];
		folder_vars(folder, false, "all", VARS_GROUP_VARS_ALL, vars);
		for (size_t j = 0; j < host->group_count; j++)
			if (host->groups[j] != all)
				folder_vars(folder, false, host->groups[j]->name, VARS_GROUP_VARS, vars);
		folder_vars(folder, true, host->name, VARS_HOST_VARS, vars);
	}
}

/* Loading */

static int inventory_read_all(struct inventory *inventory, const char *const *sources, size_t count,
                              struct problems *problems)
{
	size_t before = problems->errors;
	for (size_t i = 0; i < count; i++)
		inventory_source_read(inventory, sources[i], problems);
	inventory_settle(inventory, problems);
	inventory->source = NULL;
	for (size_t i = 0; i < count; i++)
		inventory_source_folder(inventory, sources[i], problems);
	return problems->errors > before ? -1 : 0;
}

int inventory_load(struct inventory **inventory, const char *const *sources, size_t count,
                   const struct inventory_options *options, struct problems *problems)
{
	*inventory = inventory_new();
	if (options)
		(*inventory)->options = *options;
	return inventory_read_all(*inventory, sources, count, problems);
}

int inventory_add_vars_beside(struct inventory *inventory, const char *directory, struct problems *problems)
{
	size_t before = problems->errors;
	inventory_folder_read(inventory, directory, problems);
	return problems->errors > before ? -1 : 0;
}
