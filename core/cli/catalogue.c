/* Loading and finding modules for the commands that describe them. */
#include "cli/catalogue.h"

#include <stdio.h>
#include <string.h>
#include <sys/stat.h>

#include "base/mem.h"
#include "base/suggest.h"
#include "lua/bridge.h"

static void collect(void *context, const struct module *module)
{
	struct catalogue *catalogue = context;
	if (registry_find(catalogue->registry, module->name) != module)
		return; /* hidden by a later one of the same name */
	mem_grow(catalogue->modules, catalogue->count, catalogue->room);
	catalogue->modules[catalogue->count++] = module;
}

static int compare_names(const void *a, const void *b)
{
	const struct module *const *left = a, *const *right = b;
	return strcmp((*left)->name, (*right)->name);
}

int catalogue_load(struct catalogue *catalogue, const struct option_list *folders)
{
	*catalogue = (struct catalogue){ .registry = registry_new() };
	auto_problems struct problems problems = PROBLEMS_INIT;
	bridge_add_builtin(catalogue->registry);
	struct stat here;
	int result = stat("library", &here) == 0 ? bridge_add_folder(catalogue->registry, "library", &problems) : 0;
	for (size_t i = 0; i < folders->count; i++)
		result |= bridge_add_folder(catalogue->registry, folders->items[i], &problems);
	auto_buf struct buf text = BUF_INIT;
	problems_print(&problems, &text, false);
	fputs(buf_text(&text), stderr);
	registry_each(catalogue->registry, collect, catalogue);
	if (catalogue->count)
		qsort(catalogue->modules, catalogue->count, sizeof(*catalogue->modules), compare_names);
	return result;
}

void catalogue_release(struct catalogue *catalogue)
{
	free(catalogue->modules);
	registry_free(catalogue->registry);
	bridge_thread_end();
}

int catalogue_find(const struct catalogue *catalogue, const char *name, const struct module **module, struct err *err)
{
	*module = registry_find(catalogue->registry, name);
	if (*module)
		return 0;
	struct suggest suggest;
	suggest_start(&suggest, name);
	for (size_t i = 0; i < catalogue->count; i++)
		suggest_offer(&suggest, catalogue->modules[i]->name);
	err_set(err, ERR_INPUT, "there is no module \"%s\"", name);
	if (suggest.best)
		return err_hint(err, "did you mean %s?", suggest.best);
	return err_hint(err, "neap doc --list names all; modules of your own are found in ./library and by --module-path");
}

char *catalogue_summary(const struct module *module)
{
	const char *end = strstr(module->doc, ". ");
	return mem_strndup(module->doc, end ? (size_t)(end - module->doc) + 1 : strlen(module->doc));
}
