/* The table of keywords. */
#include <string.h>

#include <criterion/criterion.h>

#include "base/auto.h"
#include "model/keyword.h"

Test(keyword, table_is_sorted_and_documented)
{
	for (size_t i = 0; i < keyword_count; i++) {
		cr_assert(i == 0 || strcmp(keywords[i - 1].name, keywords[i].name) < 0, "%s", keywords[i].name);
		cr_assert_gt(strlen(keywords[i].doc), 10, "%s", keywords[i].name);
		cr_assert_neq(keywords[i].places, 0);
	}
}

Test(keyword, is_found_by_name)
{
	cr_assert_str_eq(keyword_find("become_user")->name, "become_user");
	cr_assert_eq(keyword_find("when")->inherit, KEYWORD_MERGE);
	cr_assert_null(keyword_find("copy"));
}

Test(keyword, bool_takes_ansibles_spellings)
{
	auto_json json_t *values = json_loads("[true, \"yes\", \"On\", 1, \"1\", \"y\", false, \"no\", \"OFF\", 0, \"n\", \"x\", 2, null, []]", 0, NULL);
	static const int expected[] = { 1, 1, 1, 1, 1, 1, 0, 0, 0, 0, 0, -1, -1, -1, -1 };
	for (size_t i = 0; i < sizeof(expected) / sizeof(*expected); i++)
		cr_assert_eq(keyword_bool(json_array_get(values, i)), expected[i], "%zu", i);
}
