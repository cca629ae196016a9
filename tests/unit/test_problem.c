/* Problems as they are shown. */
#include <string.h>

#include <criterion/criterion.h>

#include "base/mem.h"
#include "model/problem.h"

static void expect(const struct problems *problems, const char *shown)
{
	auto_buf struct buf out = BUF_INIT;
	problems_print(problems, &out, false);
	cr_assert_str_eq(buf_text(&out), shown);
}

Test(problem, is_shown_with_its_line_and_a_caret)
{
	auto_problems struct problems problems = PROBLEMS_INIT;
	struct place place = { .file = "site.json", .line = 12, .column = 30, .width = 6 };
	problem_add(&problems, PROBLEM_ERROR, place, "  \"file\": { \"path\": \"/srv\", \"ownr\": \"www\" }",
	            "did you mean \"owner\"?", "unknown argument \"%s\" of module file", "ownr");
	expect(&problems, "site.json:12:30: error: unknown argument \"ownr\" of module file\n"
	                  "    12 |   \"file\": { \"path\": \"/srv\", \"ownr\": \"www\" }\n"
	                  "       |                              ^~~~~~\n"
	                  "    did you mean \"owner\"?\n");
}

Test(problem, is_shown_in_the_order_of_files_and_lines_and_once)
{
	auto_problems struct problems problems = PROBLEMS_INIT;
	problem_add(&problems, PROBLEM_ERROR, (struct place){ "b.json", 1, 1, 1 }, NULL, NULL, "three");
	problem_add(&problems, PROBLEM_ERROR, (struct place){ "a.json", 10, 1, 1 }, NULL, NULL, "two");
	problem_add(&problems, PROBLEM_WARNING, (struct place){ "a.json", 9, 7, 1 }, NULL, NULL, "one");
	problem_add(&problems, PROBLEM_WARNING, (struct place){ "a.json", 9, 7, 1 }, NULL, NULL, "one");
	problem_add(&problems, PROBLEM_ERROR, (struct place){ 0 }, NULL, NULL, "zero");
	cr_assert_eq(problems.errors, 3);
	expect(&problems, "error: zero\na.json:9:7: warning: one\na.json:10:1: error: two\nb.json:1:1: error: three\n");
}

Test(problem, never_sends_an_escape_sequence)
{
	auto_problems struct problems problems = PROBLEMS_INIT;
	problem_add(&problems, PROBLEM_ERROR, (struct place){ "a\x1b[2J", 1, 2, 1 }, "\x1bx\ty", "hint\x07", "text\n%s", "\x1b[0m");
	expect(&problems, "a\\x1b[2J:1:2: error: text\\n\\x1b[0m\n"
	                  "     1 | \\x1bx    y\n"
	                  "       |     ^\n"
	                  "    hint\\x07\n");
}

Test(problem, underlines_wide_text_by_characters_and_tabs_by_their_width)
{
	auto_problems struct problems problems = PROBLEMS_INIT;
	problem_add(&problems, PROBLEM_ERROR, (struct place){ "a", 1, 4, 2 }, "\t\xc3\xa9\\ab", NULL, "x");
	expect(&problems, "a:1:4: error: x\n     1 |     \xc3\xa9\\ab\n       |       ^~\n");
}

static void expect_line(const char *line, const char *shown)
{
	auto_problems struct problems problems = PROBLEMS_INIT;
	problem_add(&problems, PROBLEM_ERROR, (struct place){ "a", 1, 0, 0 }, line, NULL, "x");
	auto_free char *all = mem_printf("a:1: error: x\n     1 | %s\n", shown);
	expect(&problems, all);
}

Test(problem, hides_what_stands_behind_the_name_of_a_secret)
{
	expect_line("h1 ansible_password=hidden port=2", "h1 ansible_password=****** port=2");
	expect_line("h1 ansible_password='a b' port=2", "h1 ansible_password='***' port=2");
	expect_line("{\"db_password\": \"a\\\"b\", \"x\": 1}", "{\"db_password\": \"****\", \"x\": 1}");
	expect_line("api_token: two words", "api_token: *********");
	expect_line("API_Secret : \xc3\xa9\xc3\xa9x", "API_Secret : ***");
	expect_line("\"password\": \"open", "\"password\": \"****");
	static const char *const shown[] = {
		"password: \"{{ vault }}\"", "password: !vault |", "\"password\": { \"a\": 1 }", "vault_password_file=x", "the pass is x", "password:",
		"password: \"\"", "=x: y",
	};
	for (size_t i = 0; i < sizeof(shown) / sizeof(*shown); i++)
		expect_line(shown[i], shown[i]);
}

Test(problem, shows_a_part_of_a_long_line)
{
	auto_problems struct problems problems = PROBLEMS_INIT;
	char line[1001];
	memset(line, 'a', 1000);
	line[1000] = '\0';
	line[499] = 'X';
	problem_add(&problems, PROBLEM_ERROR, (struct place){ "a", 1, 500, 1 }, line, NULL, "x");
	auto_buf struct buf out = BUF_INIT;
	problems_print(&problems, &out, false);
	const char *x = strchr(buf_text(&out), 'X'), *caret = strchr(buf_text(&out), '^');
	cr_assert_lt(out.length, 600);
	const char *first = strstr(buf_text(&out), "     1 | "), *second = strstr(buf_text(&out), "       | ");
	cr_assert_eq(x - first, caret - second);
}

Test(problem, points_behind_the_end_of_a_line)
{
	auto_problems struct problems problems = PROBLEMS_INIT;
	problem_add(&problems, PROBLEM_ERROR, (struct place){ "a", 1, 3, 0 }, "ab", NULL, "x");
	expect(&problems, "a:1:3: error: x\n     1 | ab\n       |   ^\n");
}

Test(problem, is_counted_beyond_the_most_that_are_kept)
{
	auto_problems struct problems problems = PROBLEMS_INIT;
	for (int i = 0; i < PROBLEMS_MOST + 5; i++)
		problem_add(&problems, PROBLEM_ERROR, (struct place){ "a", i + 1, 0, 0 }, NULL, NULL, "x");
	cr_assert_eq(problems.count, PROBLEMS_MOST);
	cr_assert_eq(problems.errors, PROBLEMS_MOST + 5);
	auto_buf struct buf out = BUF_INIT;
	problems_print(&problems, &out, false);
	cr_assert_not_null(strstr(buf_text(&out), "... and 5 more\n"));
}

Test(problem, is_coloured_when_asked)
{
	auto_problems struct problems problems = PROBLEMS_INIT;
	problem_add(&problems, PROBLEM_ERROR, (struct place){ "a", 1, 1, 1 }, "b", "c", "d");
	auto_buf struct buf out = BUF_INIT;
	problems_print(&problems, &out, true);
	cr_assert_not_null(strstr(buf_text(&out), "\x1b[31merror"));
}

Test(problem, keeps_the_name_of_a_file_that_is_gone)
{
	auto_problems struct problems problems = PROBLEMS_INIT;
	char *name = mem_strdup("gone.json");
	problem_add(&problems, PROBLEM_ERROR, (struct place){ name, 1, 0, 0 }, NULL, NULL, "x");
	memset(name, 'z', 4);
	free(name);
	expect(&problems, "gone.json:1: error: x\n");
}
