/* The registry of modules, and one call of a module's decide. */
#include "plan/module.h"

#include <stdatomic.h>
#include <string.h>

#include "base/mem.h"
#include "model/module_name.h"
#include "plan/builtin.h"

int module_decide(const struct module *module, const void *want, struct decision *decision, struct err *err)
{
	decision_rewind(decision);
	if (module->decide(module, want, decision, err) < 0)
		return err_wrap(err, "module %s", module->name);
	if (!decision->fault && !decision->failed && !decision->skipped &&
	    decision->stepped_next < decision_steps_done(decision))
		decision->fault = arena_printf(&decision->arena, "it did not ask again for step %zu, \"%s\", which was done",
		                               decision->stepped_next + 1, decision->stepped[decision->stepped_next].step->human);
	if (!decision->fault)
		return 0;
	err_set(err, ERR_HOST, "module %s is not a pure function: %s", module->name, decision->fault);
	return err_hint(err, "mend the module: decide() must say the same about the same answers each time it is called");
}

struct entry {
	struct entry *older;
	char *name;
	_Atomic(const struct module *) module; /* NULL until it is made */
	const struct module *(*make)(const void *context);
	const void *context;
	void (*free_module)(const struct module *);
};

struct registry {
	_Atomic(struct entry *) newest;
};

struct registry *registry_new(void)
{
	struct registry *registry = mem_alloc(sizeof(*registry));
	for (const struct module *const *module = builtin_modules; *module; module++)
		registry_add(registry, *module, NULL);
	return registry;
}

void registry_free(struct registry *registry)
{
	if (!registry)
		return;
	for (struct entry *entry = registry->newest, *older; entry; entry = older) {
		const struct module *module = entry->module;
		if (module && entry->free_module)
			entry->free_module(module);
		older = entry->older;
		free(entry->name);
		free(entry);
	}
	free(registry);
}

/* Entries never move or change their names, so whoever reads sees the list with this one or without it. */
static void add(struct registry *registry, const char *name, struct entry entry)
{
	struct entry *newest = mem_alloc(sizeof(*newest));
	*newest = entry;
	newest->name = mem_strdup(name);
	newest->older = registry->newest;
	registry->newest = newest;
}

void registry_add(struct registry *registry, const struct module *module, void (*free_module)(const struct module *))
{
	add(registry, module->name, (struct entry){ .module = module, .free_module = free_module });
}

void registry_add_late(struct registry *registry, const char *name, const struct module *(*make)(const void *context),
                       const void *context, void (*free_module)(const struct module *))
{
	add(registry, name, (struct entry){ .make = make, .context = context, .free_module = free_module });
}

/* Two threads may make the same module at once: the first is kept. */
static const struct module *entry_module(struct entry *entry)
{
	const struct module *module = entry->module, *first = NULL;
	if (module)
		return module;
	module = entry->make(entry->context);
	if (atomic_compare_exchange_strong(&entry->module, &first, module))
		return module;
	entry->free_module(module);
	return first;
}

static struct entry *find(const struct registry *registry, const char *name)
{
	struct entry *entry = registry->newest;
	while (entry && strcmp(entry->name, name) != 0)
		entry = entry->older;
	return entry;
}

const struct module *registry_find(const struct registry *registry, const char *name)
{
	size_t length = 0;
	struct entry *entry = find(registry, module_name_short(name));
	const char *own = entry ? NULL : module_name_in_collection(name, &length);
	if (own)
		entry = find(registry, own);
	const struct module *module = entry ? entry_module(entry) : NULL;
	if (!module || !own)
		return module;
	if (!module->collection)
		return module->is_users ? module : NULL;
	return strlen(module->collection) == length && strncmp(name, module->collection, length) == 0 ? module : NULL;
}

bool registry_has(const struct registry *registry, const char *name)
{
	size_t length;
	return find(registry, module_name_short(name)) ||
	       (module_name_in_collection(name, &length) && registry_find(registry, name));
}

void registry_each(const struct registry *registry, void (*visit)(void *context, const struct module *module),
                   void *context)
{
	for (struct entry *entry = registry->newest; entry; entry = entry->older) {
		if (find(registry, entry->name) == entry)
			visit(context, entry_module(entry));
	}
}

void registry_offer(const struct registry *registry, void (*offer)(void *to, const char *name), void *to)
{
	for (struct entry *entry = registry->newest; entry; entry = entry->older) {
		if (find(registry, entry->name) == entry)
			offer(to, entry->name);
	}
}
