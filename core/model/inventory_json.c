/* Reads inventories in JSON and YAML, in both of Ansible's shapes, told apart part by part:
 *
 *   { "all": { "hosts": { "web1": {} }, "children": { "db": { "hosts": { "db[1:3]": null } } }, "vars": {} } }
 *   { "web": { "hosts": ["web1"], "vars": {}, "children": ["db"] }, "db": ["db1"], "_meta": { "hostvars": {} } } */
#include <string.h>

#include "base/mem.h"
#include "base/suggest.h"
#include "model/host_range.h"
#include "model/inventory_parts.h"

struct json_reader {
	struct inventory *inventory;
	struct problems *problems;
	const char *script;
	json_t *seen; /* names of the hosts of this source, for _meta and --host */
};

static void reader_see(struct json_reader *r, const char *name)
{
	json_object_set_new_nocheck(r->seen, name, json_true());
}

static void reader_host_vars(struct json_reader *r, struct host *host, struct node vars)
{
	if (!vars.value || json_is_null(vars.value))
		return;
	if (!json_is_object(vars.value)) {
		node_problem(r->problems, vars, "write { \"name\": value }, or null where there is none",
		             "the variables of the host \"%s\" are a dictionary, not %s", host->name, node_kind(vars.value));
		return;
	}
	inventory_look_at_names(r->inventory, vars, r->problems);
	const char *key;
	json_t *value;
	json_object_foreach(vars.value, key, value)
		host_put_var(r->inventory, host, key, json_incref(value));
}

/* A name in the static shape may have ranges and a port. */
static void reader_hosts_put(struct json_reader *r, struct group *group, const char *name, struct node at, struct node vars)
{
	auto_host_names struct host_names names = HOST_NAMES_INIT;
	struct err err = ERR_INIT;
	int port;
	if (!*name) {
		node_problem_key(r->problems, at, NULL, "a host's name is empty");
		return;
	}
	if (host_range_expand(name, INVENTORY_MAX_HOSTS - r->inventory->expanded, &names, &port, &err) < 0) {
		node_problem_key(r->problems, at, NULL, "\"%s\": %s", name, err.text);
		return;
	}
	r->inventory->expanded += names.count;
	for (size_t i = 0; i < names.count; i++) {
		struct host *host = inventory_put_host(r->inventory, names.items[i], group, port);
		reader_see(r, host->name);
		/* A dictionary that is no dictionary is one fault, not one for each host of a range. */
		if (i == 0 || json_is_object(vars.value))
			reader_host_vars(r, host, vars);
	}
}

static void reader_hosts(struct json_reader *r, struct group *group, struct node hosts)
{
	if (json_is_string(hosts.value)) {
		reader_hosts_put(r, group, json_string_value(hosts.value), hosts, (struct node){ 0 });
	} else if (json_is_array(hosts.value)) {
		for (size_t i = 0; i < node_count(hosts); i++) {
			struct node item = node_at(hosts, i);
			const char *name = json_string_value(item.value);
			if (!name || !*name) {
				node_problem(r->problems, item, NULL, "a host's name is a string, not %s",
				             name ? "an empty one" : node_kind(item.value));
				continue;
			}
			inventory_put_host(r->inventory, name, group, 0);
			reader_see(r, name);
		}
	} else if (json_is_object(hosts.value)) {
		for (size_t i = 0; i < node_count(hosts); i++) {
			const char *name;
			struct node vars = node_member(hosts, i, &name);
			reader_hosts_put(r, group, name, vars, vars);
		}
	} else if (!json_is_null(hosts.value)) {
		node_problem(r->problems, hosts, NULL, "the hosts of a group are a dictionary or a list, not %s",
		             node_kind(hosts.value));
	}
}

static struct group *reader_group(struct json_reader *r, const char *name, struct node at, struct node data);

static void reader_child(struct json_reader *r, struct group *parent, const char *name, struct node at, struct node data)
{
	struct group *child = reader_group(r, name, at, data);
	struct err err = ERR_INIT;
	if (child && inventory_put_child(r->inventory, parent, child, &err) < 0)
		node_problem_key(r->problems, at, "take one of the groups out of the other", "%s", err.text);
}

static void reader_children(struct json_reader *r, struct group *group, struct node children)
{
	const struct node none = { 0 };
	if (json_is_string(children.value)) {
		reader_child(r, group, json_string_value(children.value), children, none);
	} else if (json_is_array(children.value)) {
		for (size_t i = 0; i < node_count(children); i++) {
			struct node item = node_at(children, i);
			if (json_is_string(item.value))
				reader_child(r, group, json_string_value(item.value), item, none);
			else
				node_problem(r->problems, item, NULL, "a group's name is a string, not %s", node_kind(item.value));
		}
	} else if (json_is_object(children.value)) {
		for (size_t i = 0; i < node_count(children); i++) {
			const char *name;
			struct node data = node_member(children, i, &name);
			reader_child(r, group, name, data, data);
		}
	} else if (!json_is_null(children.value)) {
		node_problem(r->problems, children, NULL, "the children of a group are a dictionary or a list, not %s",
		             node_kind(children.value));
	}
}

static void reader_vars(struct json_reader *r, struct group *group, struct node vars)
{
	if (!json_is_object(vars.value)) {
		if (!json_is_null(vars.value))
			node_problem(r->problems, vars, NULL, "the variables of a group are a dictionary, not %s", node_kind(vars.value));
		return;
	}
	inventory_look_at_names(r->inventory, vars, r->problems);
	for (size_t i = 0; i < node_count(vars); i++) {
		const char *name;
		struct node value = node_member(vars, i, &name);
		struct err err = ERR_INIT;
		if (group_put_var(r->inventory, group, name, json_incref(value.value), &err) < 0)
			node_problem(r->problems, value, NULL, "%s", err.text);
	}
}

static const char *const group_parts[] = { "hosts", "children", "vars" };

/* In what a program prints, a group without any of its parts is its variables, and its one host has its name. */
static bool reader_is_short_host(const struct json_reader *r, struct node data)
{
	if (!r->script || !json_is_object(data.value))
		return false;
	for (size_t i = 0; i < 3; i++)
		if (json_object_get(data.value, group_parts[i]))
			return false;
	return json_object_size(data.value) > 0;
}

static void reader_group_parts(struct json_reader *r, struct group *group, struct node data)
{
	for (size_t i = 0; i < node_count(data); i++) {
		const char *part;
		struct node value = node_member(data, i, &part);
		if (strcmp(part, "hosts") == 0) {
			reader_hosts(r, group, value);
		} else if (strcmp(part, "children") == 0) {
			reader_children(r, group, value);
		} else if (strcmp(part, "vars") == 0) {
			reader_vars(r, group, value);
		} else {
			struct suggest suggest;
			suggest_start(&suggest, part);
			for (size_t j = 0; j < 3; j++)
				suggest_offer(&suggest, group_parts[j]);
			auto_free char *hint = suggest.best ? mem_printf("did you mean \"%s\"?", suggest.best) :
			                                      mem_strdup("a group has \"hosts\", \"children\" and \"vars\"");
			node_problem_key(r->problems, value, hint, "unknown part \"%s\" of the group \"%s\"", part, group->name);
		}
	}
}

/* NULL for a name that cannot be one. */
static struct group *reader_group(struct json_reader *r, const char *name, struct node at, struct node data)
{
	if (!*name) {
		node_problem_key(r->problems, at, NULL, "a group's name is empty");
		return NULL;
	}
	struct group *group = inventory_put_group(r->inventory, name);
	if (json_is_array(data.value)) {
		reader_hosts(r, group, data);
	} else if (reader_is_short_host(r, data)) {
		reader_see(r, name);
		inventory_put_host(r->inventory, name, group, 0);
		reader_vars(r, group, data);
	} else if (json_is_object(data.value)) {
		reader_group_parts(r, group, data);
	} else if (data.value && !json_is_null(data.value)) {
		node_problem(r->problems, data, "write { \"hosts\": { \"web1\": {} } }", "the group \"%s\" is a dictionary or a list, not %s",
		             name, node_kind(data.value));
	}
	return group;
}

/* Variables of the hosts of this source: from _meta, or from the program, one host at a time. */
static void reader_all_host_vars(struct json_reader *r, struct node meta)
{
	struct node all = node_get(meta, "hostvars");
	if (all.value && !json_is_object(all.value)) {
		node_problem(r->problems, all, NULL, "\"hostvars\" is a dictionary, not %s", node_kind(all.value));
		return;
	}
	if (!all.value && !r->script)
		return;
	const char *name;
	json_t *unused;
	json_object_foreach(r->seen, name, unused) {
		struct host *host = inventory_host(r->inventory, name);
		if (all.value)
			reader_host_vars(r, host, node_get(all, name));
		else
			inventory_script_host(r->inventory, r->script, host, r->problems);
	}
}

void inventory_json_read(struct inventory *inventory, struct node root, const char *script, struct problems *problems)
{
	if (!json_is_object(root.value)) {
		node_problem(problems, root, "write { \"all\": { \"hosts\": { \"web1\": {} } } }",
		             "an inventory is a dictionary of groups, not %s", node_kind(root.value));
		return;
	}
	struct node plugin = node_get(root, "plugin");
	if (json_is_string(plugin.value)) {
		node_problem_key(problems, plugin, "let ansible-inventory --list --export write what it finds into a file",
		                 "this configures the inventory plugin \"%s\", and neap has no such plugins",
		                 json_string_value(plugin.value));
		return;
	}
	auto_json json_t *seen = json_object();
	struct json_reader r = { .inventory = inventory, .problems = problems, .script = script, .seen = seen };
	for (size_t i = 0; i < node_count(root); i++) {
		const char *name;
		struct node data = node_member(root, i, &name);
		if (strcmp(name, "_meta") != 0)
			reader_group(&r, name, data, data);
	}
	reader_all_host_vars(&r, node_get(root, "_meta"));
}
