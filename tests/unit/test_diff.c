/* Differences: the algorithm against a table of longest common subsequences, and what is shown. */
#include <stdlib.h>
#include <string.h>

#include <criterion/criterion.h>

#include "base/mem.h"
#include "report/myers.h"
#include "report/report.h"

enum { SIDE_MOST = 40 };

static const struct report_options plain = { .diff_context = 3 }, coloured = { .colour = true, .diff_context = 3 };

static size_t common_length(const uint32_t *a, size_t a_count, const uint32_t *b, size_t b_count)
{
	size_t table[SIDE_MOST + 1][SIDE_MOST + 1] = { { 0 } };
	for (size_t i = 1; i <= a_count; i++)
		for (size_t j = 1; j <= b_count; j++)
			table[i][j] = a[i - 1] == b[j - 1] ? table[i - 1][j - 1] + 1
			              : table[i - 1][j] > table[i][j - 1] ? table[i - 1][j] : table[i][j - 1];
	return table[a_count][b_count];
}

/* What is kept of both sides must be the same; returns how many that are. */
static size_t kept(const uint32_t *a, size_t a_count, const uint32_t *b, size_t b_count, const bool *removed,
                   const bool *added)
{
	size_t i = 0, j = 0, count = 0;
	for (;;) {
		while (i < a_count && removed[i])
			i++;
		while (j < b_count && added[j])
			j++;
		if (i == a_count || j == b_count)
			break;
		cr_assert_eq(a[i++], b[j++]);
		count++;
	}
	cr_assert(i == a_count && j == b_count);
	return count;
}

Test(myers, keeps_as_much_as_can_be_kept)
{
	srand(1);
	for (int round = 0; round < 20000; round++) {
		uint32_t a[SIDE_MOST], b[SIDE_MOST];
		bool removed[SIDE_MOST] = { 0 }, added[SIDE_MOST] = { 0 };
		size_t a_count = (size_t)rand() % (SIDE_MOST + 1), b_count = (size_t)rand() % (SIDE_MOST + 1);
		uint32_t letters = 1 + (uint32_t)rand() % 8;
		for (size_t i = 0; i < SIDE_MOST; i++) {
			a[i] = (uint32_t)rand() % letters;
			b[i] = (uint32_t)rand() % letters;
		}
		myers_diff(a, a_count, b, b_count, removed, added);
		cr_assert_eq(kept(a, a_count, b, b_count, removed, added), common_length(a, a_count, b, b_count));
	}
}

Test(myers, stays_correct_and_quick_where_everything_differs, .timeout = 20)
{
	enum { COUNT = 50000 };
	uint32_t *a = mem_array(COUNT, sizeof(*a)), *b = mem_array(COUNT, sizeof(*b));
	bool *removed = mem_array(COUNT, 1), *added = mem_array(COUNT, 1);
	srand(2);
	for (size_t i = 0; i < COUNT; i++) {
		a[i] = (uint32_t)rand() % 1000;
		b[i] = (uint32_t)rand() % 1000;
	}
	myers_diff(a, COUNT, b, COUNT, removed, added);
	cr_assert_gt(kept(a, COUNT, b, COUNT, removed, added), 100);
	free(a), free(b), free(removed), free(added);
}

static void expect_diff(const char *before, const char *after, const char *shown)
{
	auto_json json_t *diff = json_pack("{s:s, s:s, s:s, s:s}", "before", before, "after", after, "before_header", "/f",
	                                   "after_header", "/f");
	auto_buf struct buf out = BUF_INIT;
	report_diff(diff, &plain, &out);
	cr_expect_str_eq(buf_text(&out), shown, "got:\n%s", buf_text(&out));
}

#define NAMES "--- before: /f\n+++ after: /f\n"

Test(diff, is_what_pythons_difflib_gives)
{
	expect_diff("a\nb\nc\n", "a\nB\nc\n", NAMES "@@ -1,3 +1,3 @@\n a\n-b\n+B\n c\n\n");
	expect_diff("", "x\n", NAMES "@@ -0,0 +1 @@\n+x\n\n");
	expect_diff("x\n", "", NAMES "@@ -1 +0,0 @@\n-x\n\n");
	expect_diff("same\n", "same\n", "");
}

Test(diff, tells_of_a_missing_end_of_line)
{
	expect_diff("a\nb", "a\nb\n",
	            NAMES "@@ -1,2 +1,2 @@\n a\n-b\n\\ No newline at end of file\n+b\n\n");
}

Test(diff, shows_three_lines_around_and_joins_what_is_near)
{
	expect_diff("1\n2\n3\n4\n5\n6\n7\n8\n9\n10\n11\n12\n13\n14\n15\n", "1\n2\n3\n4\nX\n6\n7\n8\n9\n10\n11\nY\n13\n14\n15\n",
	            NAMES "@@ -2,14 +2,14 @@\n 2\n 3\n 4\n-5\n+X\n 6\n 7\n 8\n 9\n 10\n 11\n-12\n+Y\n 13\n 14\n 15\n\n");
	expect_diff("1\n2\n3\n4\n5\n6\n7\n8\n9\n10\n11\n12\n13\n14\n", "0\n1\n2\n3\n4\n5\n6\n7\n8\n9\n10\n11\n12\n13\n14\n15\n",
	            NAMES "@@ -1,3 +1,4 @@\n+0\n 1\n 2\n 3\n@@ -12,3 +13,4 @@\n 12\n 13\n 14\n+15\n\n");
}

Test(diff, shows_attributes_as_json)
{
	auto_json json_t *diff = json_pack("[{s:{s:s}, s:{s:s}}]", "before", "mode", "0644", "after", "mode", "0600");
	auto_buf struct buf out = BUF_INIT;
	report_diff(diff, &coloured, &out);
	cr_assert_str_eq(buf_text(&out), "\x1b[0;31m--- before\x1b[0m\n\x1b[0;32m+++ after\x1b[0m\n"
	                                 "\x1b[0;36m@@ -1,3 +1,3 @@\x1b[0m\n {\n"
	                                 "\x1b[0;31m-    \"mode\": \"0644\"\x1b[0m\n"
	                                 "\x1b[0;32m+    \"mode\": \"0600\"\x1b[0m\n }\n\n");
}

Test(diff, says_so_where_it_cannot_show)
{
	auto_json json_t *binary = json_pack("{s:s%, s:s}", "before", "a\0b", (size_t)3, "after", "x");
	auto_json json_t *skipped = json_pack("{s:b, s:i}", "dst_binary", 1, "src_larger", 104448);
	auto_buf struct buf out = BUF_INIT;
	report_diff(binary, &plain, &out);
	report_diff(skipped, &plain, &out);
	cr_assert_str_eq(buf_text(&out), "--- before\n+++ after\nbinary files differ: 3 bytes before, 1 bytes after\n\n"
	                                 "diff skipped: destination file appears to be binary\n"
	                                 "diff skipped: source file size is greater than 104448\n");
}

Test(diff, is_bounded_and_safe)
{
	struct buf many = BUF_INIT;
	for (int i = 0; i < 5000; i++)
		buf_printf(&many, "line %d \x1b[2J\n", i);
	auto_json json_t *diff = json_pack("{s:s, s:s}", "before", "", "after", many.data);
	auto_buf struct buf out = BUF_INIT;
	report_diff(diff, &plain, &out);
	cr_assert_null(strchr(out.data, '\x1b'));
	cr_assert_not_null(strstr(out.data, "(3000 more lines of this difference are not shown)\n\n"));
	buf_release(&many);
}
