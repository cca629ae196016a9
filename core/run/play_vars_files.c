/* vars_files whose names are templates: read for the whole play where nothing of a host is in the name, else for each host as
 * soon as what its name says is known. */
#include "run/play_inside.h"

#include <stdint.h>
#include <string.h>

#include "base/mem.h"
#include "run/play_keywords.h"
#include "run/walk.h"

struct host_file {
	const struct host_state *host;
	size_t index;
	json_t *values; /* borrowed from its document */
};

static struct document *known_document(const struct play_state *state, const char *path)
{
	for (size_t i = 0; i < state->document_count; i++) {
		if (strcmp(document_name(state->documents[i]), path) == 0)
			return state->documents[i];
	}
	return NULL;
}

static json_t *read_values(struct play_state *state, const char *path, struct err *err)
{
	auto_problems struct problems problems = PROBLEMS_INIT;
	struct document *document = known_document(state, path);
	if (document)
		return document_root(document).value;
	if (playbook_load_vars(&document, path, state->run->vault, &problems) < 0) {
		(void)!problems_first(&problems, "the file cannot be read", err);
		return NULL;
	}
	mem_grow(state->documents, state->document_count, state->document_room);
	state->documents[state->document_count++] = document;
	return document_root(document).value;
}

/* One name; of a list, the first that exists. NULL with err. */
static json_t *read_first(struct play_state *state, json_t *names, struct err *err)
{
	for (size_t i = 0; i < (json_is_array(names) ? json_array_size(names) : 1); i++) {
		json_t *name = json_is_array(names) ? json_array_get(names, i) : names;
		auto_free char *path = json_is_string(name)
			? scope_find_file(&state->play->scope, "vars", json_string_value(name)) : NULL;
		if (path)
			return read_values(state, path, err);
	}
	auto_free char *text = node_text(names);
	err_set(err, ERR_INPUT, "vars_files: there is no file %s", text);
	return NULL;
}

static int fault(const struct vars_file *file, struct err *err)
{
	auto_free char *where = node_where(file->name);
	return err_at(err, "%s", where ? where : "");
}

int play_load_vars_files(struct play_state *state, struct template_vm *vm, struct err *err)
{
	const struct play *play = state->play;
	for (size_t i = 0; i < play->vars_file_count; i++) {
		json_t *values = play->vars_files[i].vars.value;
		auto_json json_t *names = NULL;
		if (!values && play_keyword_evaluate(state->run, play, play->vars_files[i].name.value, vm, &names, err) == 0) {
			if (!(values = read_first(state, names, err)))
				return fault(&play->vars_files[i], err);
		} else if (!values && err->os_error == TEMPLATE_UNDEFINED) {
			err_clear(err);
			state->has_host_files = true;
		} else if (!values) {
			err_wrap(err, "vars_files");
			return fault(&play->vars_files[i], err);
		}
		mem_grow(state->vars_files, state->vars_file_count, state->vars_file_room);
		state->vars_files[state->vars_file_count++] = values;
	}
	return 0;
}

static unsigned code_of(const struct host_state *host) { return (unsigned)((uintptr_t)host >> 4); }

/* Under the play's lock. */
static json_t *find_values(const struct play_state *state, const struct host_state *host, size_t index)
{
	for (size_t probe = 0, i; index_next(&state->host_file_index, code_of(host), &probe, &i);) {
		if (state->host_files[i].host == host && state->host_files[i].index == index)
			return state->host_files[i].values;
	}
	return NULL;
}

json_t *play_vars_file(struct play_state *state, const struct host_state *host, size_t index)
{
	if (state->vars_files[index] || !state->has_host_files)
		return state->vars_files[index];
	pthread_mutex_lock(&state->lock);
	json_t *values = find_values(state, host, index);
	pthread_mutex_unlock(&state->lock);
	return values;
}

/* 1: it has been read; 0: a fact is wanted first; -1. */
static int load_for_host(struct walk *walk, struct template_vm *vm, size_t index, struct err *err)
{
	struct play_state *state = walk->play;
	auto_json json_t *names = NULL;
	if (template_value(vm, state->play->vars_files[index].name.value, &walk->variables.scope, &names, NULL, err) < 0)
		return walk->variables.wanted ? err_clear(err), 0 : err_wrap(err, "vars_files");
	pthread_mutex_lock(&state->lock);
	json_t *values = read_first(state, names, err);
	if (values) {
		mem_grow(state->host_files, state->host_file_count, state->host_file_room);
		index_add(&state->host_file_index, code_of(walk->host), state->host_file_count);
		state->host_files[state->host_file_count++] = (struct host_file){ walk->host, index, values };
	}
	pthread_mutex_unlock(&state->lock);
	return values ? 1 : -1;
}

int play_enter_variables(struct walk *walk, struct template_vm *vm, const struct entry *entry, struct err *err)
{
	struct play_state *state = walk->play;
	int loaded = 0;
	walk_enter_variables(walk, entry);
	if (!state->has_host_files || entry == &state->gather.task)
		return 0;
	for (size_t i = 0; i < state->vars_file_count; i++) {
		if (play_vars_file(state, walk->host, i))
			continue;
		int got = load_for_host(walk, vm, i, err);
		if (got < 0)
			return fault(&state->play->vars_files[i], err);
		loaded += got;
	}
	if (!loaded || walk->variables.wanted)
		return 0;
	variables_reload(&walk->variables);
	walk_enter_variables(walk, entry);
	return 0;
}
