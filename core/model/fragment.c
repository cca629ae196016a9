/* Fragments: what an include brings in while a play runs. */
#include <string.h>

#include "base/mem.h"
#include "model/loader.h"

static struct fragment *fragment_new(void)
{
	struct fragment *fragment = mem_alloc(sizeof(*fragment));
	fragment->files = mem_alloc(sizeof(*fragment->files));
	fragment->files->values = json_array();
	return fragment;
}

static struct loader loader_of(struct fragment *fragment, const struct scope *parent, const char *const *role_paths,
                               const struct playbook_modules *modules, struct problems *problems)
{
	const struct play *play = scope_play(parent);
	return (struct loader){ .playbook = fragment->files, .role_paths = role_paths, .modules = modules,
	                        .problems = problems, .directory = play ? play->directory : ".",
	                        .handlers = &fragment->handlers };
}

/* Hands the fragment out, or frees it after an error. */
static int finish(struct fragment **out, struct fragment *fragment, struct loader *loader, size_t errors_before)
{
	free(loader->uses);
	*out = NULL;
	if (loader->problems->errors != errors_before) {
		fragment_free(fragment);
		return -1;
	}
	*out = fragment;
	return 0;
}

int fragment_load_tasks(struct fragment **fragment, const char *path, const struct scope *parent, bool handlers,
                        const struct playbook_modules *modules, struct problems *problems)
{
	size_t before = problems->errors;
	struct fragment *made = fragment_new();
	struct loader loader = loader_of(made, parent, NULL, modules, problems);
	task_read_file(&loader, &made->entries, path, parent->node, parent, handlers ? KEYWORD_HANDLER : KEYWORD_TASK);
	made->is_blank = made->files->document_count == 1 && json_is_null(document_root(made->files->documents[0]).value);
	return finish(fragment, made, &loader, before);
}

/* Where a task names the role that it includes. */
static struct node name_of_role(struct node task, const char *name)
{
	for (size_t i = 0; i < node_count(task); i++) {
		const char *key;
		struct node arguments = node_member(task, i, &key), named = node_get(arguments, "name");
		if (json_is_string(named.value) && strcmp(json_string_value(named.value), name) == 0)
			return named;
	}
	return task;
}

int fragment_load_role(struct fragment **fragment, const char *name, const struct role_from *from,
                       const struct scope *parent, const char *const *role_paths,
                       const struct playbook_modules *modules, struct problems *problems)
{
	size_t before = problems->errors;
	struct fragment *made = fragment_new();
	struct loader loader = loader_of(made, parent, role_paths, modules, problems);
	struct node nameless = parent->node; /* the include's keywords are in parent; the block itself has none */
	nameless.value = NULL;
	struct entry *entry = task_new_entry(&made->entries, ENTRY_BLOCK, SCOPE_ROLE, nameless, parent);
	role_fill_entry(&loader, entry, name, from, name_of_role(parent->node, name));
	made->role = (struct role *)entry->scope.role;
	return finish(fragment, made, &loader, before);
}

void fragment_free(struct fragment *fragment)
{
	if (!fragment)
		return;
	task_free_entries(&fragment->entries);
	task_free_entries(&fragment->handlers);
	playbook_free(fragment->files);
	free(fragment);
}
