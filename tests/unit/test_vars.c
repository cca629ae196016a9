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
