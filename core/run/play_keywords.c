/* The scope of a play's own keywords: there is no host yet. */
#include "run/play_keywords.h"

#include <string.h>

#include "run/keywords.h"

/* The variables that a play has before it has hosts: -e, its own, and those of all hosts alike. */
struct hostless {
	const struct run_context *run;
	const struct play *play;
};

static json_t *find_in_play(const struct play *play, const char *name)
{
	json_t *value = NULL;
	for (size_t i = play->vars_file_count; i-- > 0 && !value;)
		value = json_object_get(play->vars_files[i].vars.value, name);
	json_t *imported = NULL; /* the outermost import has the last word */
	for (const struct scope *scope = play->scope.importer; scope && !value; scope = scope->importer) {
		json_t *given = json_object_get(scope_own(scope, "vars").value, name);
		imported = given ? given : imported;
	}
	if (!value)
		value = imported;
	json_t *own = scope_own(&play->scope, "vars").value;
	if (!value && json_is_object(own))
		value = json_object_get(own, name);
	for (size_t i = json_array_size(own); i-- > 0 && !value;)
		value = json_object_get(json_array_get(own, i), name);
	return value;
}

static bool find_hostless(void *context, const char *name, json_t **value, bool *final)
{
	const struct hostless *hostless = context;
	const struct run_context *run = hostless->run;
	*final = false;
	*value = json_object_get(run->extra_vars, name);
	if (!*value)
		*value = find_in_play(hostless->play, name);
	if (!*value) {
		*final = true;
		*value = strcmp(name, "groups") == 0 ? run->groups : json_object_get(run->options_vars, name);
	}
	return *value != NULL;
}

static int open_sealed(void *context, const char *sealed, size_t length, const struct secret **plain, struct err *err)
{
	const struct hostless *hostless = context;
	return vault_value_open(hostless->run->vault, sealed, length, plain, err);
}

int play_keyword_evaluate(struct run_context *run, const struct play *play, json_t *written, struct template_vm *vm,
                          json_t **value, struct err *err)
{
	struct hostless hostless = { run, play };
	const struct template_scope scope = {
		.context = &hostless, .find = find_hostless, .services = &hostless, .open_sealed = open_sealed, .directory = play->directory,
	};
	return template_value(vm, written, &scope, value, NULL, err);
}

int play_keyword_value(struct run_context *run, const struct play *play, const char *name, struct template_vm *vm,
                      json_t **value, struct err *err)
{
	*value = NULL;
	struct node node = scope_own(&play->scope, name);
	if (!node.value)
		return 0;
	if (play_keyword_evaluate(run, play, node.value, vm, value, err) == 0)
		return 0;
	auto_free char *where = node_where(node);
	err_wrap(err, "%s", name);
	return err_at(err, "%s", where ? where : "");
}

int play_keyword_flag(struct run_context *run, const struct play *play, const char *name, struct template_vm *vm,
                     bool fallback, bool *flag, struct err *err)
{
	auto_json json_t *value = NULL;
	*flag = fallback;
	if (play_keyword_value(run, play, name, vm, &value, err) < 0)
		return -1;
	if (value)
		*flag = keyword_bool(value) == 1;
	return 0;
}
