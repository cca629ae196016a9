/* Scopes: which keywords reach a task from what is around it, and where the files it names are. */
#include <string.h>

#include "base/mem.h"
#include "base/suggest.h"
#include "model/loader.h"
#include "model/playbook.h"

static bool is_given(struct node node) { return node.value && !json_is_null(node.value); }

struct node scope_own(const struct scope *scope, const char *name)
{
	struct node node = node_get(scope->node, name);
	if (!is_given(node)) {
		node.value = json_object_get(scope->implied, name);
		node.key = node.place = scope->node.place;
	}
	return node;
}

/* What an include brings in does not inherit the include's own keywords: they are about the including. */
static const struct scope *outer(const struct scope *scope)
{
	do
		scope = scope->parent ? scope->parent : scope->importer;
	while (scope && scope->kind == SCOPE_TASK);
	return scope;
}

struct node scope_keyword(const struct scope *scope, const char *name)
{
	struct node node = scope_own(scope, name);
	const struct keyword *keyword = keyword_find(name);
	if (!keyword || keyword->inherit == KEYWORD_OWN)
		return node;
	while (!node.value && (scope = outer(scope)))
		node = scope_own(scope, name);
	return node;
}

void scope_each(const struct scope *scope, const char *name, void (*visit)(void *context, struct node value),
                void *context)
{
	if (outer(scope))
		scope_each(outer(scope), name, visit, context);
	struct node node = scope_own(scope, name);
	if (node.value)
		visit(context, node);
}

const struct play *scope_play(const struct scope *scope)
{
	while (scope->parent)
		scope = scope->parent;
	return scope->kind == SCOPE_PLAY ? (const struct play *)scope : NULL;
}

/* directory/kind/name, then directory/name. */
static char *find_in(const char *directory, const char *kind, const char *name)
{
	auto_free char *folder = loader_join(directory, kind);
	auto_free char *inside = loader_join(folder, name), *beside = loader_join(directory, name);
	if (loader_is_file(inside) || loader_is_folder(inside))
		return steal(inside);
	if (loader_is_file(beside) || loader_is_folder(beside))
		return steal(beside);
	return NULL;
}

static bool has_folder(char *const *folders, size_t count, const char *folder)
{
	for (size_t i = 0; i < count; i++) {
		if (strcmp(folders[i], folder) == 0)
			return true;
	}
	return false;
}

static char *own_folder(const struct scope *scope)
{
	return scope->node.document ? loader_directory(document_name(scope->node.document)) : NULL;
}

char **scope_folders(const struct scope *scope)
{
	char **folders = NULL;
	size_t count = 0, room = 0;
	const struct play *play = scope_play(scope);
	auto_free char *own = own_folder(scope);
	const char *others[] = { own, play ? play->directory : NULL };
	for (const struct scope *at = scope; at; at = at->parent) {
		if (!at->role || (at->parent && at->parent->role == at->role) || has_folder(folders, count, at->role->path))
			continue;
		mem_grow(folders, count, room);
		folders[count++] = mem_strdup(at->role->path);
	}
	for (size_t i = 0; i < sizeof(others) / sizeof(*others); i++) {
		if (!others[i] || has_folder(folders, count, others[i]))
			continue;
		mem_grow(folders, count, room);
		folders[count++] = mem_strdup(others[i]);
	}
	mem_grow(folders, count, room);
	folders[count] = NULL;
	return folders;
}

void scope_folders_free(char **folders)
{
	for (size_t i = 0; folders && folders[i]; i++)
		free(folders[i]);
	free(folders);
}

static char *find_named(const struct scope *scope, const char *kind, const char *name)
{
	if (*name == '/')
		return loader_is_file(name) || loader_is_folder(name) ? mem_strdup(name) : NULL;
	auto_free char *own = strcmp(kind, "tasks") == 0 ? own_folder(scope) : NULL;
	auto_free char *beside = own ? loader_join(own, name) : NULL;
	if (beside && loader_is_file(beside)) /* task files find each other before all else */
		return steal(beside);
	char **folders = scope_folders(scope), *found = NULL;
	for (size_t i = 0; folders[i] && !found; i++)
		found = find_in(folders[i], kind, name);
	scope_folders_free(folders);
	return found;
}

/* A playbook that was converted to JSON may still name a file as it was called, in a variable or a template. */
char *scope_find_file(const struct scope *scope, const char *kind, const char *name)
{
	char *found = find_named(scope, kind, name);
	auto_free char *converted = found ? NULL : loader_converted_name(name);
	return converted ? find_named(scope, kind, converted) : found;
}

/* What is in a folder, and in its folder of that kind, below inner. */
static void offer_in(struct suggest *suggest, const char *directory, const char *kind, const char *inner, json_t *kept)
{
	auto_free char *folder = loader_join(directory, kind);
	auto_free char *inside = loader_join(folder, inner), *beside = loader_join(directory, inner);
	suggest_offer_folder(suggest, *inner ? inside : folder, kept);
	suggest_offer_folder(suggest, *inner ? beside : directory, kept);
}

char *scope_near_file(const struct scope *scope, const char *kind, const char *name)
{
	const char *slash = strrchr(name, '/');
	auto_free char *inner = slash ? mem_strndup(name, (size_t)(slash - name)) : mem_strdup("");
	auto_json json_t *kept = json_array();
	struct suggest suggest;
	suggest_start_file(&suggest, slash ? slash + 1 : name);
	if (*name == '/')
		suggest_offer_folder(&suggest, *inner ? inner : "/", kept);
	char **folders = scope_folders(scope);
	for (size_t i = 0; *name != '/' && folders[i]; i++)
		offer_in(&suggest, folders[i], kind, inner, kept);
	scope_folders_free(folders);
	return suggest.best ? mem_printf("did you mean \"%s%s%s\"?", inner, slash ? "/" : "", suggest.best) : NULL;
}

void entries_each(const struct entries *entries, void (*visit)(void *context, const struct entry *entry), void *context)
{
	for (size_t i = 0; i < entries->count; i++) {
		const struct entry *entry = entries->items[i];
		visit(context, entry);
		entries_each(&entry->block, visit, context);
		entries_each(&entry->rescue, visit, context);
		entries_each(&entry->always, visit, context);
	}
}
