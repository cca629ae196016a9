/* The registry of modules, and one call of a module's decide. */
#include "plan/module.h"

#include <string.h>

#include "base/mem.h"
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
	const struct module *module;
	void (*free_module)(const struct module *);
};

struct registry {
	struct entry *entries; /* oldest first */
	size_t count, room;
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
	for (size_t i = 0; i < registry->count; i++) {
		if (registry->entries[i].free_module)
			registry->entries[i].free_module(registry->entries[i].module);
	}
	free(registry->entries);
	free(registry);
}

void registry_add(struct registry *registry, const struct module *module, void (*free_module)(const struct module *))
{
	mem_grow(registry->entries, registry->count, registry->room);
	registry->entries[registry->count++] = (struct entry){ module, free_module };
}

static const char *short_name(const char *name)
{
	static const char *const prefixes[] = { "ansible.builtin.", "ansible.legacy." };
	for (size_t i = 0; i < sizeof(prefixes) / sizeof(*prefixes); i++) {
		size_t length = strlen(prefixes[i]);
		if (strncmp(name, prefixes[i], length) == 0)
			return name + length;
	}
	return name;
}

static const struct module *find(const struct registry *registry, const char *name)
{
	for (size_t i = registry->count; i > 0; i--) {
		if (strcmp(registry->entries[i - 1].module->name, name) == 0)
			return registry->entries[i - 1].module;
	}
	return NULL;
}

const struct module *registry_find(const struct registry *registry, const char *name)
{
	return find(registry, short_name(name));
}

void registry_each(const struct registry *registry, void (*visit)(void *context, const struct module *module),
                   void *context)
{
	for (size_t i = 0; i < registry->count; i++) {
		const struct module *module = registry->entries[i].module;
		if (find(registry, module->name) == module)
			visit(context, module);
	}
}

void registry_offer(const struct registry *registry, void (*offer)(void *to, const char *name), void *to)
{
	for (size_t i = 0; i < registry->count; i++) {
		const struct module *module = registry->entries[i].module;
		if (find(registry, module->name) == module)
			offer(to, module->name);
	}
}
