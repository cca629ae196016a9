/* What a play includes on its way: files of tasks and roles, with the handlers they bring. */
#include "run/play_inside.h"

#include <string.h>

#include "base/mem.h"
#include "model/module_name.h"
#include "run/check.h"

struct included { /* what an include brought in */
	struct included *next;
	const struct entry *from;
	char *key; /* the file or the role */
	struct scope apply; /* the keywords of apply:, around all of it */
	struct fragment *fragment;
	bool is_in; /* its handlers and what it imports are the play's: not as long as it was only looked at */
};

/* Whether another use of the same role has brought its handlers. */
static bool has_handlers_of(const struct play_state *state, const struct role *role)
{
	for (size_t i = 0; role && i < state->handler_count; i++) {
		const struct role *other = state->handlers[i]->scope.role;
		if (other && other != role && strcmp(other->identity, role->identity) == 0)
			return true;
	}
	return false;
}

void play_add_handler(void *context, const struct entry *entry)
{
	struct play_state *state = context;
	if (entry->kind != ENTRY_TASK || has_handlers_of(state, entry->scope.role))
		return;
	mem_grow(state->handlers, state->handler_count, state->handler_room);
	state->handlers[state->handler_count++] = entry;
}

/* What was loaded is checked like the playbook was; NULL where that finds a fault. */
static struct fragment *checked(struct play_state *play, struct fragment *fragment, struct template_vm *vm,
                                struct problems *problems, struct err *err)
{
	if (fragment) {
		check_entries(&fragment->entries, play->run, play->run->registry, vm, problems);
		check_entries(&fragment->handlers, play->run, play->run->registry, vm, problems);
	}
	if (fragment && !problems->errors)
		return fragment;
	problems_first(problems, "it cannot be read", err);
	fragment_free(fragment);
	return NULL;
}

static struct included *new_include(const struct entry *from, const char *key)
{
	struct included *included = mem_alloc(sizeof(*included));
	*included = (struct included){ .from = from, .key = mem_strdup(key) };
	included->apply = (struct scope){
		.kind = SCOPE_BLOCK, .parent = &from->scope, .node = node_get(from->arguments, "apply"), .role = from->scope.role,
	};
	return included;
}

static const struct scope *include_scope(const struct included *included)
{
	return json_is_object(included->apply.node.value) ? &included->apply : &included->from->scope;
}

/* Keeps what was loaded, or drops the include where nothing was. */
static struct included *keep_include(struct play_state *play, struct included *included, struct fragment *fragment)
{
	if (!fragment) {
		free(included->key);
		free(included);
		return NULL;
	}
	included->fragment = fragment;
	included->next = play->included;
	play->included = included;
	return included;
}

static struct included *find_include(struct play_state *play, const struct entry *from, const char *key)
{
	for (struct included *included = play->included; included; included = included->next) {
		if (included->from == from && strcmp(included->key, key) == 0)
			return included;
	}
	return NULL;
}

static void publish(struct play_state *play, const struct role *role)
{
	mem_grow(play->public_roles, play->public_role_count, play->public_role_room);
	play->public_roles[play->public_role_count++] = role;
}

/* A role that is imported shows its variables to the whole play, and so do those that it depends on. */
static void publish_import(void *context, const struct entry *entry)
{
	const struct scope *scope = &entry->scope;
	if (scope->kind != SCOPE_ROLE || !scope->role)
		return;
	while (scope && scope->kind == SCOPE_ROLE && !module_name_get(scope->node, "import_role").value)
		scope = scope->parent;
	if (scope && scope->kind == SCOPE_ROLE)
		publish(context, entry->scope.role);
}

static const struct fragment *fragment_of(struct play_state *play, struct included *included, enum play_include how)
{
	if (!included)
		return NULL;
	if (how == PLAY_INCLUDE && !included->is_in) {
		entries_each(&included->fragment->entries, publish_import, play);
		entries_each(&included->fragment->handlers, play_add_handler, play);
	}
	included->is_in |= how == PLAY_INCLUDE;
	return included->fragment;
}

const struct fragment *play_include_tasks(struct play_state *play, const struct entry *from, const char *name,
                                          enum play_include how, struct template_vm *vm, struct err *err)
{
	auto_problems struct problems problems = PROBLEMS_INIT;
	auto_free char *path = scope_find_file(&from->scope, "tasks", name);
	if (!path) {
		err_set(err, ERR_INPUT, "there is no task file \"%s\" here, in the role or beside the playbook", name);
		return NULL;
	}
	pthread_mutex_lock(&play->lock);
	struct included *included = find_include(play, from, path);
	if (!included) {
		struct fragment *loaded = NULL;
		included = new_include(from, path);
		(void)!fragment_load_tasks(&loaded, path, include_scope(included), from->is_handler, play->run->playbook_modules,
		                           &problems);
		included = keep_include(play, included, checked(play, loaded, vm, &problems, err));
	}
	const struct fragment *fragment = fragment_of(play, included, how);
	pthread_mutex_unlock(&play->lock);
	return fragment;
}

const struct fragment *play_include_role(struct play_state *play, const struct entry *from, const char *name,
                                         const struct role_from *files, enum play_include how, struct template_vm *vm,
                                         struct err *err)
{
	auto_problems struct problems problems = PROBLEMS_INIT;
	const struct run_context *run = play->run;
	auto_free char *key = mem_printf("role %s\n%s\n%s\n%s\n%s\n%d%d", name, files->tasks ? files->tasks : "",
	                                 files->vars ? files->vars : "", files->defaults ? files->defaults : "",
	                                 files->handlers ? files->handlers : "", files->unvalidated, files->once);
	pthread_mutex_lock(&play->lock);
	struct included *included = find_include(play, from, key);
	if (!included) {
		struct fragment *loaded = NULL;
		included = new_include(from, key);
		(void)!fragment_load_role(&loaded, name, files, include_scope(included), run->options->role_paths,
		                          run->playbook_modules, &problems);
		included = keep_include(play, included, checked(play, loaded, vm, &problems, err));
	}
	const struct fragment *fragment = fragment_of(play, included, how);
	pthread_mutex_unlock(&play->lock);
	return fragment;
}

void play_publish_role(struct play_state *play, const struct role *role)
{
	pthread_mutex_lock(&play->lock);
	publish(play, role);
	pthread_mutex_unlock(&play->lock);
}

const struct role *play_public_role(struct play_state *play, size_t index)
{
	pthread_mutex_lock(&play->lock);
	const struct role *role = index < play->public_role_count ? play->public_roles[index] : NULL;
	pthread_mutex_unlock(&play->lock);
	return role;
}

size_t play_handler_count(struct play_state *play)
{
	pthread_mutex_lock(&play->lock);
	size_t count = play->handler_count;
	pthread_mutex_unlock(&play->lock);
	return count;
}

const struct entry *play_handler(struct play_state *play, size_t index)
{
	pthread_mutex_lock(&play->lock);
	const struct entry *handler = play->handlers[index];
	pthread_mutex_unlock(&play->lock);
	return handler;
}

void play_free_includes(struct play_state *play)
{
	for (struct included *included = play->included, *next; included; included = next) {
		next = included->next;
		fragment_free(included->fragment);
		free(included->key);
		free(included);
	}
	play->included = NULL;
}
