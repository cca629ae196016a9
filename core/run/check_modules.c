/* Modules that there are none of: gathered over a whole playbook, and told once each.
 *
 * A task that is sure to be reached must have its module. One behind a condition, in a loop that may be empty, in a rescue,
 * or a handler may never be: a role for many systems has tasks for each, and most are of other systems. It is warned of, and
 * fails where it is reached all the same. */
#include "run/check_inside.h"

#include <string.h>

#include "base/mem.h"
#include "model/module_name.h"

static void look_at_when(void *context, struct node value)
{
	bool *may_be_false = context;
	*may_be_false = *may_be_false || keyword_bool(value.value) != 1;
}

static bool has_loop(const struct scope *scope)
{
	for (size_t i = 0; i < keyword_count; i++) {
		struct node loop = keyword_is_loop(keywords[i].name) ? scope_own(scope, keywords[i].name) : node_of(NULL);
		if (loop.value && !(json_is_array(loop.value) && json_array_size(loop.value)))
			return true;
	}
	return false;
}

static bool is_rescue(const struct scope *scope)
{
	const struct scope *parent = scope->parent;
	struct node rescue = parent && parent->kind == SCOPE_BLOCK ? scope_own(parent, "rescue") : node_of(NULL);
	for (size_t i = 0; i < node_count(rescue); i++)
		if (node_at(rescue, i).value == scope->node.value)
			return true;
	return false;
}

bool check_is_certain(const struct entry *entry)
{
	bool may_be_false = entry->is_handler;
	scope_each(&entry->scope, "when", look_at_when, &may_be_false);
	for (const struct scope *scope = &entry->scope; scope && !may_be_false; scope = scope->parent)
		may_be_false = has_loop(scope) || is_rescue(scope);
	return !may_be_false;
}

void check_absent(struct absent_modules *absent, const struct entry *entry, bool is_certain)
{
	struct absent_module *module = NULL;
	for (size_t i = 0; i < absent->count && !module; i++)
		if (strcmp(absent->items[i].name, entry->action) == 0)
			module = &absent->items[i];
	if (!module) {
		mem_grow(absent->items, absent->count, absent->room);
		module = &absent->items[absent->count++];
		*module = (struct absent_module){ .name = mem_strdup(entry->action) };
	}
	if (!module->uses++ || (is_certain && !module->is_certain)) {
		free(module->file);
		module->place = entry->module.key.file ? entry->module.key : entry->module.place;
		module->place.file = module->file = mem_strdup(module->place.file);
	}
	module->is_certain = module->is_certain || is_certain;
}

void check_tell_absent(struct absent_modules *absent, struct problems *problems)
{
	for (size_t i = 0; i < absent->count; i++) {
		const struct absent_module *module = &absent->items[i];
		size_t length;
		const char *own = module_name_in_collection(module->name, &length);
		auto_free char *hint = i ? NULL
			: mem_printf("write it in Lua as library/%s.lua, do its work by another module, or leave its tasks out by --skip-tags",
			             own ? own : module->name);
		auto_free char *uses = module->uses == 1 ? mem_strdup("one task") : mem_printf("%zu tasks", module->uses);
		if (module->is_certain)
			problem_add(problems, PROBLEM_ERROR, module->place, NULL, hint, "neap has no module \"%s\", which %s name%s",
			            module->name, uses, module->uses == 1 ? "s" : "");
		else
			problem_add(problems, PROBLEM_WARNING, module->place, NULL, hint,
			            "neap has no module \"%s\": %s with a condition would fail where it is reached", module->name, uses);
		free(module->name);
		free(module->file);
	}
	free(absent->items);
	*absent = (struct absent_modules){ 0 };
}
