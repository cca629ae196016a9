/* Names of roles, as Ansible's magic variables have them. */
#include "run/role_names.h"

#include <string.h>

#include "base/file.h"
#include "base/mem.h"
#include "model/module_name.h"

static void add_name(json_t *names, const char *name)
{
	size_t i;
	json_t *known;
	json_array_foreach(names, i, known) {
		if (strcmp(json_string_value(known), name) == 0)
			return;
	}
	json_array_append_new(names, json_string(name));
}

struct role_names {
	json_t *direct, *dependent;
};

static void add_dependencies(json_t *names, struct node dependencies)
{
	for (size_t i = 0; json_is_array(dependencies.value) && i < node_count(dependencies); i++) {
		struct node item = node_at(dependencies, i), role = node_get(item, "role");
		json_t *name = !json_is_object(item.value) ? item.value : role.value ? role.value : node_get(item, "name").value;
		const char *text = json_string_value(name), *slash = text ? strrchr(text, '/') : NULL;
		if (text)
			add_name(names, slash ? slash + 1 : text);
	}
}

static void add_entry(void *context, const struct entry *entry)
{
	struct role_names *names = context;
	const struct scope *scope = &entry->scope;
	if (scope->kind != SCOPE_ROLE || !scope->role)
		return;
	bool is_listed = scope->parent && scope->parent->kind == SCOPE_PLAY;
	if (is_listed || module_name_get(scope->node, "import_role").value)
		json_array_append_new(names->direct, json_string(scope->role->name));
	add_dependencies(names->dependent, scope->role->dependencies);
}

void role_names_add(const struct play *play, json_t *magic)
{
	struct role_names names = { json_array(), json_array() };
	const struct entries *const sections[] = { &play->roles, &play->pre_tasks, &play->tasks, &play->post_tasks };
	for (size_t i = 0; i < sizeof(sections) / sizeof(*sections); i++)
		entries_each(sections[i], add_entry, &names);
	json_t *all = json_array(), *name;
	size_t i;
	json_array_foreach(names.dependent, i, name)
		add_name(all, json_string_value(name));
	json_array_foreach(names.direct, i, name)
		add_name(all, json_string_value(name));
	json_object_set_new(magic, "ansible_role_names", all);
	json_object_set_new(magic, "ansible_dependent_role_names", names.dependent);
	json_object_set(magic, "ansible_play_role_names", names.direct);
	json_object_set_new(magic, "role_names", names.direct);
}

void role_names_add_parents(const struct scope *scope, json_t *magic)
{
	json_t *names = json_array(), *paths = json_array();
	for (; scope && scope->parent; scope = scope->parent) {
		bool is_brought = module_name_get(scope->node, "include_role").value ||
		                  module_name_get(scope->node, "import_role").value;
		const struct role *around = is_brought ? scope->parent->role : NULL;
		if (!around)
			continue;
		auto_free char *path = file_absolute(around->path);
		json_array_append_new(names, json_string(around->name));
		json_array_append_new(paths, json_string(path));
	}
	if (json_array_size(names)) {
		json_object_set(magic, "ansible_parent_role_names", names);
		json_object_set(magic, "ansible_parent_role_paths", paths);
	}
	json_decref(names);
	json_decref(paths);
}
