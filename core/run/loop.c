/* Loops over items. */
#include "run/loop.h"

#include <stdlib.h>
#include <string.h>

#include "base/mem.h"

/* with_items flattens one level; a single value is a list of one. */
static json_t *flatten_once(json_t *value)
{
	if (!json_is_array(value))
		return json_pack("[O]", value);
	json_t *flat = json_array();
	for (size_t i = 0; i < json_array_size(value); i++) {
		json_t *element = json_array_get(value, i);
		if (json_is_array(element))
			json_array_extend(flat, element);
		else
			json_array_append(flat, element);
	}
	return flat;
}

static json_t *flatten_all(json_t *value, json_t *flat)
{
	if (!json_is_array(value)) {
		json_array_append(flat, value);
		return flat;
	}
	for (size_t i = 0; i < json_array_size(value); i++)
		flatten_all(json_array_get(value, i), flat);
	return flat;
}

static json_t *from_dictionary(json_t *value)
{
	if (!json_is_object(value))
		return NULL;
	json_t *list = json_array();
	const char *key;
	json_t *member;
	json_object_foreach(value, key, member)
		json_array_append_new(list, json_pack("{s:s, s:O}", "key", key, "value", member));
	return list;
}

static json_t *with_indices(json_t *value)
{
	auto_json json_t *flat = flatten_once(value);
	json_t *list = json_array();
	for (size_t i = 0; i < json_array_size(flat); i++)
		json_array_append_new(list, json_pack("[i, O]", (int)i, json_array_get(flat, i)));
	return list;
}

static json_t *as_list(const char *keyword, json_t *value)
{
	if (strcmp(keyword, "with_items") == 0)
		return flatten_once(value);
	if (strcmp(keyword, "with_dict") == 0)
		return from_dictionary(value);
	if (strcmp(keyword, "with_indexed_items") == 0)
		return with_indices(value);
	if (strcmp(keyword, "with_flattened") == 0)
		return flatten_all(value, json_array());
	return json_is_array(value) ? json_incref(value) : NULL;
}

static int read_items(struct loop *loop, const struct evaluation *at, struct err *err)
{
	static const char *const kinds[] = {
		"loop", "with_items", "with_list", "with_dict", "with_indexed_items", "with_flattened",
	};
	for (size_t i = 0; i < sizeof(kinds) / sizeof(*kinds); i++) {
		auto_json json_t *value = NULL;
		if (keyword_value(at, kinds[i], &value, err) < 0)
			return -1;
		if (!value)
			continue;
		loop->items = as_list(kinds[i], value);
		if (loop->items)
			return 0;
		auto_free char *text = node_text(value);
		auto_free char *where = node_where(scope_own(&at->entry->scope, kinds[i]));
		err_set(err, ERR_INPUT, "%s must be %s, but it is %s", kinds[i],
		        strcmp(kinds[i], "with_dict") == 0 ? "a dictionary" : "a list", text);
		err_hint(err, "a dictionary can be looped over by \"{{ name | dict2items }}\"");
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
	loop->extended = keyword_truth(json_object_get(control, "extended")) == 1;
	loop->pause_s = json_number_value(json_object_get(control, "pause"));
	return read_items(loop, at, err);
}

static json_t *extended(const struct loop *loop, size_t index)
{
	size_t count = json_array_size(loop->items);
	json_t *values = json_pack("{s:O, s:I, s:I, s:I, s:I, s:b, s:b, s:I}", "allitems", loop->items, "index",
	                           (json_int_t)index + 1, "index0", (json_int_t)index, "revindex",
	                           (json_int_t)(count - index), "revindex0", (json_int_t)(count - index - 1), "first",
	                           index == 0, "last", index + 1 == count, "length", (json_int_t)count);
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

void loop_release(struct loop *loop)
{
	json_decref(loop->items);
	json_decref(loop->values);
	free(loop->variable);
	free(loop->index_variable);
	*loop = (struct loop){ 0 };
}
