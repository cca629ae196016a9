/* Keywords of a task, evaluated. */
#include "run/keywords.h"

#include <ctype.h>
#include <math.h>
#include <string.h>

#include "base/mem.h"
#include "model/python_literal.h"
#include "plan/spec.h"

static int place_error(struct node node, struct err *err)
{
	auto_free char *where = node_where(node);
	return err_at(err, "%s", where ? where : "");
}

int keyword_value(const struct evaluation *at, const char *name, json_t **value, struct err *err)
{
	*value = NULL;
	struct node node = scope_keyword(&at->entry->scope, name);
	if (!node.value)
		return 0;
	if (template_value(at->vm, node.value, &at->variables->scope, value, NULL, err) < 0) {
		err_wrap(err, "%s", name);
		return place_error(node, err);
	}
	return 0;
}

static int wrong_type(const struct evaluation *at, const char *name, const json_t *value, const char *wanted,
                      struct err *err)
{
	auto_free char *text = node_text(value);
	err_set(err, ERR_INPUT, "%s must be %s, but it is %s", name, wanted, text);
	return place_error(scope_keyword(&at->entry->scope, name), err);
}

int keyword_flag(const struct evaluation *at, const char *name, bool fallback, bool *flag, struct err *err)
{
	*flag = fallback;
	struct node node = scope_keyword(&at->entry->scope, name);
	if (!node.value)
		return 0;
	auto_json json_t *value = NULL;
	if (json_is_boolean(node.value)) {
		*flag = json_is_true(node.value);
		return 0;
	}
	if (keyword_value(at, name, &value, err) < 0)
		return -1;
	if (json_is_null(value))
		return 0;
	int truth = keyword_bool(value);
	if (truth < 0)
		return wrong_type(at, name, value, "true or false", err);
	*flag = truth == 1;
	return 0;
}

int keyword_number(const struct evaluation *at, const char *name, double fallback, double *number, struct err *err)
{
	*number = fallback;
	auto_json json_t *value = NULL;
	if (keyword_value(at, name, &value, err) < 0)
		return -1;
	if (!value || json_is_null(value))
		return 0;
	if (json_is_number(value)) {
		*number = json_number_value(value);
		return 0;
	}
	const char *text = json_string_value(value);
	char *end = NULL;
	if (text)
		*number = strtod(text, &end);
	if (!text || end == text || (*end && strcmp(end, "%") != 0) || !isfinite(*number))
		return wrong_type(at, name, value, "a number", err);
	return 0;
}

int keyword_text(const struct evaluation *at, const char *name, char **text, struct err *err)
{
	*text = NULL;
	auto_json json_t *value = NULL;
	if (keyword_value(at, name, &value, err) < 0)
		return -1;
	if (!value || json_is_null(value))
		return 0;
	if (json_is_string(value))
		*text = mem_strdup(json_string_value(value));
	else if (json_is_integer(value))
		*text = mem_printf("%lld", (long long)json_integer_value(value));
	else
		return wrong_type(at, name, value, "a string", err);
	return 0;
}

/* ---- conditions ---- */

struct holding {
	const struct evaluation *at;
	const char *name;
	bool *holds;
	json_t **failing;
	struct err *err;
	int failed;
};

static void hold_one(struct holding *holding, json_t *condition)
{
	if (holding->failed || !*holding->holds)
		return;
	bool truth = false;
	holding->failed = template_condition(holding->at->vm, condition, &holding->at->variables->scope, &truth,
	                                     holding->err);
	if (!holding->failed && !truth) {
		*holding->holds = false;
		if (holding->failing)
			*holding->failing = condition;
	}
}

static void hold_scope(void *context, struct node value)
{
	struct holding *holding = context;
	bool failed_before = holding->failed;
	if (json_is_array(value.value)) {
		for (size_t i = 0; i < json_array_size(value.value); i++)
			hold_one(holding, json_array_get(value.value, i));
	} else {
		hold_one(holding, value.value);
	}
	if (holding->failed && !failed_before) {
		err_wrap(holding->err, "%s", holding->name);
		place_error(value, holding->err);
	}
}

int keyword_holds(const struct evaluation *at, const char *name, bool fallback, bool *holds, json_t **failing,
                  struct err *err)
{
	const struct keyword *keyword = keyword_find(name);
	struct node nearest = scope_keyword(&at->entry->scope, name);
	bool merged = keyword && keyword->inherit == KEYWORD_MERGE;
	*holds = nearest.value || merged ? true : fallback;
	struct holding holding = { at, name, holds, failing, err, 0 };
	if (merged)
		scope_each(&at->entry->scope, name, hold_scope, &holding);
	else if (nearest.value)
		hold_scope(&holding, nearest);
	return holding.failed;
}

/* ---- environment ---- */

struct merging {
	const struct evaluation *at;
	json_t *environment;
	struct err *err;
	int failed;
};

static bool is_name(const char *name)
{
	if (!*name || isdigit((unsigned char)*name))
		return false;
	for (; *name; name++) {
		if (!isalnum((unsigned char)*name) && *name != '_')
			return false;
	}
	return true;
}

static int merge_variable(struct merging *merging, const char *name, json_t *value)
{
	if (!is_name(name))
		return err_set(merging->err, ERR_INPUT, "environment: \"%s\" cannot be the name of a variable", name);
	auto_buf struct buf text = BUF_INIT;
	if (!json_is_null(value)) /* {{ x if y else None }} is nothing in a text */
		python_show(&text, value);
	json_object_set_new(merging->environment, name, json_stringn(buf_text(&text), text.length));
	return 0;
}

static void merge_object(struct merging *merging, json_t *object)
{
	const char *name;
	json_t *value;
	json_object_foreach(object, name, value) {
		if (!merging->failed)
			merging->failed = merge_variable(merging, name, value);
	}
}

static void merge_scope(void *context, struct node node)
{
	struct merging *merging = context;
	if (merging->failed)
		return;
	auto_json json_t *value = NULL;
	const struct evaluation *at = merging->at;
	merging->failed = template_value(at->vm, node.value, &at->variables->scope, &value, NULL, merging->err);
	if (merging->failed) {
		err_wrap(merging->err, "environment");
	} else if (json_is_array(value)) {
		for (size_t i = 0; i < json_array_size(value); i++)
			merge_object(merging, json_array_get(value, i));
	} else {
		merge_object(merging, value);
	}
	if (merging->failed)
		place_error(node, merging->err);
}

int keyword_environment(const struct evaluation *at, json_t **environment, struct err *err)
{
	*environment = NULL;
	struct merging merging = { .at = at, .environment = json_object(), .err = err };
	scope_each(&at->entry->scope, "environment", merge_scope, &merging);
	if (!merging.failed && json_object_size(merging.environment))
		*environment = merging.environment;
	else
		json_decref(merging.environment);
	return merging.failed;
}

/* ---- names ---- */

static char *task_title(const struct evaluation *at)
{
	const char *name = at->entry->name;
	if (!name)
		return mem_strdup(at->entry->action);
	if (!spec_is_template(name))
		return mem_strdup(name);
	struct err ignored = ERR_INIT;
	auto_json json_t *text = json_string(name), *value = NULL;
	if (template_value(at->vm, text, &at->variables->scope, &value, NULL, &ignored) == 0 && json_is_string(value))
		return mem_strdup(json_string_value(value));
	return mem_strdup(name);
}

char *keyword_task_name(const struct evaluation *at)
{
	char *title = task_title(at);
	if (!at->entry->scope.role)
		return title;
	char *full = mem_printf("%s : %s", at->entry->scope.role->name, title);
	free(title);
	return full;
}

bool keyword_has_loop(const struct entry *entry)
{
	for (size_t i = 0; i < node_count(entry->scope.node); i++) {
		const char *key;
		node_member(entry->scope.node, i, &key);
		if (keyword_is_loop(key))
			return true;
	}
	return false;
}

bool keyword_has_own_connection(const struct entry *entry)
{
	static const char *const names[] = { "remote_user", "port", "connection" };
	for (const struct scope *scope = &entry->scope; scope && scope->kind != SCOPE_PLAY; scope = scope->parent) {
		for (size_t i = 0; i < sizeof(names) / sizeof(*names); i++) {
			if (scope_own(scope, names[i]).value)
				return true;
		}
	}
	return false;
}
