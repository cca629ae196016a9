/* Loops over items. */
#include "run/loop.h"

#include <stdlib.h>
#include <string.h>

#include "base/mem.h"

/* ---- items ---- */

struct asking {
	const struct template_scope *outer;
	json_t *terms;
};

static bool find_term(void *context, const char *name, json_t **value, bool *final)
{
	struct asking *asking = context;
	if (strcmp(name, "_loop_terms") != 0)
		return asking->outer->find(asking->outer->context, name, value, final);
	*final = true;
	*value = asking->terms;
	return true;
}

static void each_term(void *context, void (*offer)(void *to, const char *name), void *to)
{
	const struct asking *asking = context;
	asking->outer->each(asking->outer->context, offer, to);
}

/* The folder of a role in which with_first_found looks: that of what the task's module reads. */
static const char *searched_folder(const char *action)
{
	return strstr(action, "template") ? "templates" : strstr(action, "var") ? "vars" : "files";
}

/* The terms of with_first_found: one that is undefined is no candidate. */
static int defined_terms(const struct evaluation *at, struct node node, json_t **value, struct err *err)
{
	auto_json json_t *terms = json_array();
	for (size_t i = 0; i < json_array_size(node.value); i++) {
		json_t *term = NULL;
		if (template_value(at->vm, json_array_get(node.value, i), &at->variables->scope, &term, NULL, err) == 0) {
			json_array_append_new(terms, term);
		} else {
			if (err->os_error != TEMPLATE_UNDEFINED)
				return err_wrap(err, "with_first_found");
			err_clear(err);
		}
	}
	*value = steal(terms);
	return 0;
}

/* with_NAME: what the lookup NAME gives for the evaluated terms. */
static json_t *look_up(const struct evaluation *at, const char *lookup, json_t *value, struct err *err)
{
	const struct template_scope *outer = &at->variables->scope;
	auto_json json_t *terms = json_is_array(value) ? json_incref(value) : json_pack("[O]", value);
	struct asking asking = { outer, terms };
	struct template_scope scope = *outer;
	scope.context = &asking;
	scope.find = find_term;
	scope.each = each_term;
	auto_free char *expression = strcmp(lookup, "first_found") == 0
		? mem_printf("query('first_found', *_loop_terms, _kind='%s')", searched_folder(at->entry->action))
		: mem_printf("query('%s', *_loop_terms)", lookup);
	json_t *items = NULL;
	return template_expression(at->vm, expression, &scope, &items, err) < 0 ? NULL : items;
}

static int read_items(struct loop *loop, const struct evaluation *at, struct err *err)
{
	for (size_t i = 0; i < keyword_count; i++) {
		const char *name = keywords[i].name;
		bool is_lookup = strncmp(name, "with_", 5) == 0;
		if (!is_lookup && strcmp(name, "loop") != 0)
			continue;
		auto_json json_t *value = NULL;
		struct node written = scope_keyword(&at->entry->scope, name);
		bool is_found = strcmp(name, "with_first_found") == 0 && json_is_array(written.value);
		if ((is_found ? defined_terms(at, written, &value, err) : keyword_value(at, name, &value, err)) < 0)
			return -1;
		if (!value)
			continue;
		if (is_lookup)
			loop->items = look_up(at, name + 5, value, err);
		else if (json_is_array(value))
			loop->items = json_incref(value);
		if (loop->items)
			return 0;
		auto_free char *where = node_where(scope_own(&at->entry->scope, name));
		if (is_lookup) {
			err_wrap(err, "%s", name);
		} else {
			auto_free char *text = node_text(value);
			err_set(err, ERR_INPUT, "loop must be a list, but it is %s", text);
			err_hint(err, "a dictionary can be looped over by \"{{ name | dict2items }}\"");
		}
		return err_at(err, "%s", where ? where : "");
	}
	return 0;
}

static char *control_name(json_t *control, const char *key, const char *fallback)
{
	const char *name = json_string_value(json_object_get(control, key));
	return mem_strdup(name ? name : fallback);
}

int loop_init(struct loop *loop, const struct evaluation *at, struct err *err)
{
	*loop = (struct loop){ 0 };
	json_t *control = scope_own(&at->entry->scope, "loop_control").value;
	loop->variable = control_name(control, "loop_var", "item");
	loop->index_variable = control_name(control, "index_var", NULL);
	loop->label = json_object_get(control, "label");
	loop->extended = keyword_bool(json_object_get(control, "extended")) == 1;
	loop->hides_all = keyword_bool(json_object_get(control, "extended_allitems")) == 0;
	loop->break_when = json_object_get(control, "break_when");
	loop->pause_s = json_number_value(json_object_get(control, "pause"));
	return read_items(loop, at, err);
}

static json_t *extended(const struct loop *loop, size_t index)
{
	size_t count = json_array_size(loop->items);
	json_t *values = json_pack("{s:I, s:I, s:I, s:I, s:b, s:b, s:I}", "index", (json_int_t)index + 1, "index0", (json_int_t)index, "revindex",
	                           (json_int_t)(count - index), "revindex0", (json_int_t)(count - index - 1), "first",
	                           index == 0, "last", index + 1 == count, "length", (json_int_t)count);
	if (!loop->hides_all)
		json_object_set(values, "allitems", loop->items);
	if (index > 0)
		json_object_set(values, "previtem", json_array_get(loop->items, index - 1));
	if (index + 1 < count)
		json_object_set(values, "nextitem", json_array_get(loop->items, index + 1));
	return values;
}

void loop_enter(struct loop *loop, struct variables *variables, size_t index)
{
	json_t *values = json_object();
	json_object_set(values, loop->variable, json_array_get(loop->items, index));
	json_object_set_new(values, "ansible_loop_var", json_string(loop->variable));
	if (loop->index_variable) {
		json_object_set_new(values, loop->index_variable, json_integer((json_int_t)index));
		json_object_set_new(values, "ansible_index_var", json_string(loop->index_variable));
	}
	if (loop->extended)
		json_object_set_new(values, "ansible_loop", extended(loop, index));
	variables_loop(variables, values);
	json_decref(loop->values);
	loop->values = values;
}

void loop_leave(struct loop *loop, struct variables *variables)
{
	variables_loop(variables, NULL);
	json_decref(loop->values);
	loop->values = NULL;
}

char *loop_label(const struct loop *loop, const struct evaluation *at, size_t index)
{
	auto_json json_t *value = NULL;
	struct err ignored = ERR_INIT;
	if (!loop->label || template_value(at->vm, loop->label, &at->variables->scope, &value, NULL, &ignored) < 0)
		value = json_deep_copy(json_array_get(loop->items, index));
	if (json_is_string(value))
		return mem_strdup(json_string_value(value));
	char *text = json_dumps(value, JSON_ENCODE_ANY);
	return text ? text : mem_strdup("");
}

bool loop_breaks(const struct loop *loop, const struct evaluation *at)
{
	bool holds = false;
	struct err ignored = ERR_INIT;
	return loop->break_when &&
	       template_condition(at->vm, loop->break_when, &at->variables->scope, &holds, &ignored) == 0 && holds;
}

void loop_release(struct loop *loop)
{
	json_decref(loop->items);
	json_decref(loop->values);
	free(loop->variable);
	free(loop->index_variable);
	*loop = (struct loop){ 0 };
}

/* ---- results ---- */

static bool any_item(json_t *results, const char *key)
{
	size_t i;
	json_t *result;
	json_array_foreach(results, i, result) {
		if (json_is_true(json_object_get(result, key)))
			return true;
	}
	return false;
}

static bool all_items(json_t *results, const char *key)
{
	size_t i;
	json_t *result;
	json_array_foreach(results, i, result) {
		if (!json_is_true(json_object_get(result, key)))
			return false;
	}
	return true;
}

json_t *loop_result(json_t *item_results, bool unreachable)
{
	json_t *result = json_pack("{s:O, s:b}", "results", item_results, "changed", any_item(item_results, "changed"));
	if (!json_array_size(item_results)) {
		json_object_set_new(result, "skipped", json_true());
		json_object_set_new(result, "skipped_reason", json_string("No items in the list"));
	} else if (unreachable) {
		json_object_set_new(result, "unreachable", json_true());
		json_object_set_new(result, "msg", json_string("the host became unreachable during the loop"));
	} else if (any_item(item_results, "failed")) {
		json_object_set_new(result, "failed", json_true());
		json_object_set_new(result, "msg", json_string("One or more items failed"));
	} else if (all_items(item_results, "skipped")) {
		json_object_set_new(result, "skipped", json_true());
		json_object_set_new(result, "msg", json_string("All items skipped"));
	} else {
		json_object_set_new(result, "msg", json_string("All items completed"));
	}
	if (!json_object_get(result, "skipped"))
		json_object_set_new(result, "skipped", json_false());
	return result;
}
