/* The inventory as ansible-inventory shows it: --list, --host, --graph. */
#include <stdlib.h>
#include <string.h>

#include "base/mem.h"
#include "base/text.h"
#include "model/inventory_parts.h"
#include "model/python_literal.h"

/* Names that are about the run, not about the host. */
static const char *const internal[] = {
	"ansible_diff_mode", "ansible_config_file", "ansible_facts", "ansible_forks", "ansible_inventory_sources",
	"ansible_limit", "ansible_playbook_python", "ansible_run_tags", "ansible_skip_tags", "ansible_verbosity",
	"ansible_version", "inventory_dir", "inventory_file", "inventory_hostname", "inventory_hostname_short", "groups",
	"group_names", "omit", "playbook_dir",
};

static void value_keep(void *context, const char *name, json_t *value, const struct vars_layer *layer)
{
	(void)layer;
	for (size_t i = 0; i < sizeof(internal) / sizeof(*internal); i++)
		if (strcmp(name, internal[i]) == 0)
			return;
	json_object_set_new(context, name, json_deep_copy(value));
}

json_t *inventory_host_vars(const struct inventory *inventory, const struct host *host)
{
	json_t *values = json_object();
	struct vars vars = VARS_INIT;
	inventory_vars(inventory, host, &vars);
	vars_each(&vars, value_keep, values);
	vars_release(&vars);
	return values;
}

/* The group's parts that are not empty, into list; then the groups in it that were not there. */
static void list_group(const struct group *group, json_t *list)
{
	json_t *own = json_object(), *hosts = json_array(), *children = json_array();
	json_object_set_new(list, group->name, own);
	for (size_t i = 0; i < group->host_count; i++)
		json_array_append_new(hosts, json_string(group->hosts[i]->name));
	for (size_t i = 0; i < group->child_count; i++) {
		json_array_append_new(children, json_string(group->children[i]->name));
		if (!json_object_get(list, group->children[i]->name))
			list_group(group->children[i], list);
	}
	if (json_array_size(hosts) && strcmp(group->name, "all") != 0)
		json_object_set(own, "hosts", hosts);
	if (json_array_size(children))
		json_object_set(own, "children", children);
	json_decref(hosts);
	json_decref(children);
}

/* Groups without hosts and children are not shown. */
static void list_drop_empty(json_t *list)
{
	const char *name;
	json_t *group;
	void *next;
	json_object_foreach_safe(list, next, name, group)
		if (!json_object_size(group))
			json_object_del(list, name);
}

json_t *inventory_list(const struct inventory *inventory)
{
	json_t *list = json_object(), *hostvars = json_object();
	list_group(inventory->all, list);
	list_drop_empty(list);
	for (size_t i = 0; i < inventory->host_count; i++) {
		json_t *values = inventory_host_vars(inventory, inventory->hosts[i]);
		if (json_object_size(values))
			json_object_set(hostvars, inventory->hosts[i]->name, values);
		json_decref(values);
	}
	json_object_set_new(list, "_meta", json_pack("{s:o}", "hostvars", hostvars));
	return list;
}

static void graph_name(struct buf *out, int depth, const char *format, const char *name)
{
	for (int i = 0; i < depth; i++)
		buf_str(out, "  |");
	buf_printf(out, "%s", depth ? "--" : "");
	for (const char *c = format; *c; c++) {
		if (*c == '%')
			buf_str(out, name);
		else
			buf_char(out, *c);
	}
	buf_char(out, '\n');
}

static void graph_vars(struct buf *out, int depth, json_t *values)
{
	size_t count = json_object_size(values), at = 0;
	auto_free const char **names = mem_array(count + 1, sizeof(*names));
	const char *name;
	json_t *value;
	json_object_foreach(values, name, value)
		names[at++] = name;
	qsort(names, count, sizeof(*names), text_order);
	for (size_t i = 0; i < count; i++) {
		auto_buf struct buf line = BUF_INIT;
		buf_printf(&line, "{%s = ", names[i]);
		python_show(&line, json_object_get(values, names[i]));
		buf_char(&line, '}');
		graph_name(out, depth, "%", buf_text(&line));
	}
}

/* A group's own variables: the inventory's and those of its files. */
static json_t *group_own_vars(const struct inventory *inventory, const struct group *group)
{
	json_t *values = json_copy(group->vars);
	for (size_t i = 0; i < inventory->folder_count; i++) {
		json_t *more = json_object_get(inventory->folders[i]->groups, group->name);
		if (more)
			json_object_update(values, more);
	}
	if (group->priority != 1)
		json_object_set_new(values, "ansible_group_priority", json_integer(group->priority));
	return values;
}

static void graph_group(const struct inventory *inventory, const struct group *group, int depth, bool with_vars,
                        struct buf *out)
{
	graph_name(out, depth, "@%:", group->name);
	for (size_t i = 0; i < group->child_count; i++)
		graph_group(inventory, group->children[i], depth + 1, with_vars, out);
	for (size_t i = 0; i < group->host_count && group != inventory->all; i++) {
		graph_name(out, depth + 1, "%", group->hosts[i]->name);
		if (with_vars) {
			auto_json json_t *values = inventory_host_vars(inventory, group->hosts[i]);
			graph_vars(out, depth + 2, values);
		}
	}
	if (with_vars) {
		auto_json json_t *values = group_own_vars(inventory, group);
		graph_vars(out, depth + 1, values);
	}
}

void inventory_graph(const struct inventory *inventory, const char *group, bool with_vars, struct buf *out)
{
	const struct group *start = inventory_group(inventory, group ? group : "all");
	if (start)
		graph_group(inventory, start, 0, with_vars, out);
}
