/* Layers of variables. */
#include <string.h>

#include <criterion/criterion.h>

#include "base/auto.h"
#include "model/vars.h"

#define auto_vars auto_(vars_release)

Test(vars, finds_the_highest_level_whatever_was_added_last)
{
	auto_json json_t *extra = json_pack("{s:i}", "a", 1), *play = json_pack("{s:i, s:i}", "a", 2, "b", 3);
	auto_vars struct vars vars = VARS_INIT;
	vars_add(&vars, VARS_EXTRA, extra, true, "-e");
	vars_add(&vars, VARS_PLAY, play, false, "play");
	json_t *value;
	const struct vars_layer *layer = vars_find(&vars, "a", &value);
	cr_assert_eq(json_integer_value(value), 1);
	cr_assert(layer->final);
	cr_assert_str_eq(vars_find(&vars, "b", &value)->origin, "play");
	cr_assert_null(vars_find(&vars, "c", &value));
	cr_assert_null(value);
}

Test(vars, finds_the_last_layer_of_one_level)
{
	auto_json json_t *first = json_pack("{s:i}", "a", 1), *second = json_pack("{s:i}", "a", 2);
	auto_vars struct vars vars = VARS_INIT;
	vars_add(&vars, VARS_TASK, first, false, "outer");
	vars_add(&vars, VARS_TASK, second, false, "inner");
	json_t *value;
	cr_assert_str_eq(vars_find(&vars, "a", &value)->origin, "inner");
	vars_remove_level(&vars, VARS_TASK);
	cr_assert_null(vars_find(&vars, "a", &value));
}

static void collect(void *context, const char *name, json_t *value, const struct vars_layer *layer)
{
	(void)layer;
	cr_assert_null(json_object_get(context, name), "%s comes twice", name);
	json_object_set(context, name, value);
}

Test(vars, visits_each_name_once_with_its_winner)
{
	auto_json json_t *low = json_pack("{s:i, s:i}", "a", 1, "b", 2), *high = json_pack("{s:i}", "a", 3);
	auto_vars struct vars vars = VARS_INIT;
	vars_add(&vars, VARS_TASK, high, false, "task");
	vars_add(&vars, VARS_ROLE_DEFAULTS, low, false, "defaults");
	auto_json json_t *seen = json_object(), *expected = json_pack("{s:i, s:i}", "a", 3, "b", 2);
	vars_each(&vars, collect, seen);
	cr_assert(json_equal(seen, expected));
}

static json_t *parse(const char *text)
{
	json_t *value = json_loads(text, 0, NULL);
	cr_assert_not_null(value, "%s", text);
	return value;
}

static void expect_merged(const struct vars *vars, const char *name, const char *expected, bool final)
{
	json_t *value;
	auto_json json_t *wanted = parse(expected);
	const struct vars_layer *layer = vars_find(vars, name, &value);
	auto_free char *text = json_dumps(value, JSON_SORT_KEYS);
	cr_assert(json_equal(value, wanted), "%s is %s", name, text);
	cr_assert_eq(layer->final, final);
}

Test(vars, merges_hashes_at_all_depths_down_to_what_is_none)
{
	auto_json json_t *low = parse("{\"a\": {\"lost\": 1}, \"b\": {\"x\": {\"p\": 1}, \"l\": [1]}}");
	auto_json json_t *middle = parse("{\"a\": 5, \"b\": {\"x\": {\"q\": 2}, \"l\": [2]}}");
	auto_json json_t *high = parse("{\"a\": {\"kept\": 1}, \"b\": {\"y\": \"{{ z }}\"}}");
	auto_vars struct vars vars = VARS_INIT;
	vars_merge_hashes(&vars);
	vars_add(&vars, VARS_PLAY, middle, false, "play");
	vars_add(&vars, VARS_EXTRA, high, false, "-e");
	vars_add(&vars, VARS_ROLE_DEFAULTS, low, false, "defaults");
	expect_merged(&vars, "a", "{\"kept\": 1}", false);
	expect_merged(&vars, "b", "{\"x\": {\"p\": 1, \"q\": 2}, \"y\": \"{{ z }}\", \"l\": [2]}", false);
	json_t *first, *second;
	vars_find(&vars, "b", &first);
	json_object_set_new(json_object_get(middle, "b"), "n", json_true());
	vars_find(&vars, "b", &second);
	cr_assert(json_object_get(second, "n") && !json_object_get(first, "n")); /* what was found stays as it was */
}

Test(vars, merges_final_values_with_templates_as_data)
{
	auto_json json_t *play = parse("{\"a\": {\"t\": \"{{ x }}\"}}"), *fact = parse("{\"a\": {\"f\": \"{{ y }}\", \"g\": \"plain\"}}");
	auto_vars struct vars vars = VARS_INIT;
	vars_merge_hashes(&vars);
	vars_add(&vars, VARS_SET_FACT, fact, true, "set_fact");
	expect_merged(&vars, "a", "{\"f\": \"{{ y }}\", \"g\": \"plain\"}", true);
	vars_add(&vars, VARS_PLAY, play, false, "play");
	expect_merged(&vars, "a", "{\"t\": \"{{ x }}\", \"f\": {\"__ansible_unsafe\": \"{{ y }}\"}, \"g\": \"plain\"}", false);
}

Test(vars, merges_nothing_into_what_hides_its_own_level_or_all)
{
	auto_json json_t *play = parse("{\"a\": {\"p\": 1}}"), *outer = parse("{\"a\": {\"o\": 1}}"), *inner = parse("{\"a\": {\"i\": 1}}");
	auto_vars struct vars vars = VARS_INIT;
	vars_merge_hashes(&vars);
	vars_add(&vars, VARS_PLAY, play, false, "play");
	vars_add(&vars, VARS_TASK, outer, false, "block");
	vars_add(&vars, VARS_TASK, inner, false, "task");
	expect_merged(&vars, "a", "{\"p\": 1, \"i\": 1}", false);
	vars_add(&vars, VARS_LOOP, outer, true, "loop");
	expect_merged(&vars, "a", "{\"o\": 1}", true);
	vars_remove_level(&vars, VARS_LOOP);
	vars_remove_level(&vars, VARS_TASK);
	expect_merged(&vars, "a", "{\"p\": 1}", false);
}
