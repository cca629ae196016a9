/* Documents: what is accepted, what is refused, and whether every place is right. */
#include <string.h>

#include <criterion/criterion.h>

#include "base/mem.h"
#include "model/document.h"

static struct document *parse(const char *text, struct problems *problems)
{
	struct document *document = NULL;
	int result = document_parse(&document, "t.json", text, strlen(text), problems);
	cr_assert_eq(result == 0, document != NULL);
	return document;
}

/* The text parses to what expected parses to by jansson alone. */
static void accept(const char *text, const char *expected)
{
	auto_problems struct problems problems = PROBLEMS_INIT;
	struct document *document = parse(text, &problems);
	cr_assert_not_null(document, "refused: %s: %s", text, problems.count ? problems.items[0].text : "?");
	auto_json json_t *value = json_loads(expected, JSON_DECODE_ANY | JSON_ALLOW_NUL, NULL);
	cr_assert(json_equal(value, document_root(document).value), "%s", text);
	cr_assert_eq(problems.count, 0);
	document_free(document);
}

/* The text is refused, first at line:column with a text that contains part and a hint that contains hint. */
static void refuse(const char *text, int line, int column, const char *part, const char *hint)
{
	auto_problems struct problems problems = PROBLEMS_INIT;
	struct document *document = parse(text, &problems);
	cr_assert_null(document, "accepted: %s", text);
	cr_assert_gt(problems.errors, 0);
	const struct problem *first = &problems.items[0];
	cr_assert(first->place.line == line && first->place.column == column, "%s: at %d:%d, not %d:%d (%s)", text,
	          first->place.line, first->place.column, line, column, first->text);
	cr_assert(strstr(first->text, part), "%s: says %s", text, first->text);
	if (hint)
		cr_assert(first->hint && strstr(first->hint, hint), "%s: hints %s", text, first->hint);
}

static size_t count_faults(const char *text)
{
	auto_problems struct problems problems = PROBLEMS_INIT;
	cr_assert_null(parse(text, &problems));
	return problems.errors;
}

Test(document, reads_all_of_json)
{
	accept("null", "null");
	accept(" [1, -2, 0.5, 1e3, -1.5E-2, true, false, null, \"\", [], {}]\n",
	       "[1,-2,0.5,1000.0,-0.015,true,false,null,\"\",[],{}]");
	accept("\"\\\"\\\\\\/\\b\\f\\n\\r\\t\\u00e9\\u20ac\\ud83c\\udf19 \xc3\xa9\"",
	       "\"\\\"\\\\\\/\\b\\f\\n\\r\\t\xc3\xa9\xe2\x82\xac\xf0\x9f\x8c\x99 \xc3\xa9\"");
	accept("{\"a\": {\"b\": [{}, {\"c\": 9223372036854775807}]}}", "{\"a\":{\"b\":[{},{\"c\":9223372036854775807}]}}");
	accept("-9223372036854775808", "-9223372036854775808");
	accept("[\"a\\u0000b\"]", "[\"a\\u0000b\"]");
	accept("[true]\n", "[true]");
	accept("\xef\xbb\xbf{}", "{}");
}

Test(document, reads_comments_and_trailing_commas)
{
	accept("// one\n/* two\n * lines */ [1, // x\n 2, /* y */ ] // end", "[1,2]");
	accept("{\"a\": 1,}", "{\"a\":1}");
	accept("\"a // b /* c */\"", "\"a // b /* c */\"");
}

Test(document, refuses_what_is_not_json_and_says_where)
{
	refuse("", 1, 1, "ends where a value", NULL);
	refuse("[1,\n 2", 1, 1, "never closed", NULL);
	refuse("{\"a\": [1, 2}", 1, 12, "\",\" or \"]\"", "line 1, column 7");
	refuse("[1 2]", 1, 4, "comma is missing", NULL);
	refuse("{\"a\" 1}", 1, 6, "colon", NULL);
	refuse("{\"a\": }", 1, 7, "value is expected", NULL);
	refuse("{a: 1}", 1, 2, "not a string", "double quotes");
	refuse("{5: 1}", 1, 2, "not a string", NULL);
	refuse("{{}: 1}", 1, 2, "key is expected", NULL);
	refuse("['a']", 1, 2, "single quotes", NULL);
	refuse("[,1]", 1, 2, "nothing before", NULL);
	refuse("[1] 2", 1, 5, "more behind", NULL);
	refuse("[True]", 1, 2, "True", "true");
	refuse("[None]", 1, 2, "None", "null");
	refuse("[web1]", 1, 2, "web1", "double quotes");
	refuse("[1] # x", 1, 5, "#", "//");
	refuse("[1 /* x", 1, 4, "never closed", NULL);
	refuse("[\"abc\n]", 1, 2, "not closed", "\\n");
	refuse("[\"a\tb\"]", 1, 4, "control", "\\t");
	refuse("[\"a\x01\"]", 1, 4, "control", NULL);
	refuse("[\"\\x\"]", 1, 3, "backslash", NULL);
	refuse("[\"\\", 1, 3, "backslash", NULL);
	refuse("[\"\\u12g4\"]", 1, 3, "hex", NULL);
	refuse("[\"\\ud800\"]", 1, 3, "surrogate", NULL);
	refuse("[\"\\udc00\"]", 1, 3, "surrogate", NULL);
	refuse("[\"\\ud800\\u0041\"]", 1, 3, "surrogate", NULL);
	refuse("{\"a\\u0000\": 1}", 1, 2, "NUL", NULL);
}

Test(document, refuses_numbers_that_do_not_fit)
{
	refuse("[0644]", 1, 2, "begin with 0", "\"0644\"");
	refuse("[9223372036854775808]", 1, 2, "64 bits", NULL);
	refuse("[-9223372036854775809]", 1, 2, "64 bits", NULL);
	refuse("[1e999]", 1, 2, "too large", NULL);
	refuse("[+1]", 1, 2, "not a number", NULL);
	refuse("[.5]", 1, 2, "not a number", NULL);
	refuse("[5.]", 1, 2, "not a number", NULL);
	refuse("[5e]", 1, 2, "not a number", NULL);
	refuse("[-]", 1, 2, "not a number", NULL);
	refuse("[0x1f]", 1, 2, "not a number", NULL);
	refuse("[1.2.3.4]", 1, 2, "not a number", NULL);
}

Test(document, names_both_places_of_a_duplicate_key)
{
	refuse("{\"a\": 1,\n \"b\": 2,\n \"a\": 3}", 3, 2, "\"a\" is given twice", "t.json:1:2");
}

Test(document, reports_more_than_the_first_fault)
{
	cr_assert_eq(count_faults("{\"a\": True,\n \"b\": 0644,\n \"b\": 'x'\n \"c\": 1}"), 5);
	cr_assert_eq(count_faults("[a a a a a a a a a a a a a a a a a a a a a a a a a a a a a a a a a a]"), 20);
}

Test(document, refuses_bytes_that_are_not_utf8)
{
	refuse("[1,\n \"\xc3\xa9\xff\"]", 2, 4, "0xff", "UTF-8");
	refuse("// \xc0\xaf\n[]", 1, 4, "0xc0", NULL);
	refuse("\xff\xfe[", 1, 1, "0xff", "UTF-16");
}

Test(document, recognises_other_formats)
{
	refuse("---\n- hosts: all\n", 1, 1, "not JSON", "YAML");
	refuse("- hosts: all\n", 1, 1, "not JSON", "YAML");
	refuse("# vars\nport: 80\n", 1, 1, "not JSON", "YAML");
	refuse("\nport: 80\n", 2, 1, "not JSON", "YAML");
	refuse("#!/usr/bin/python\nimport x\n", 1, 1, "not JSON", "Python");
	refuse("import json\n", 1, 1, "not JSON", "Python");
	refuse("[web]\nweb1\n", 1, 1, "not JSON", "INI");
	refuse("$ANSIBLE_VAULT;1.1;AES256\n36\n", 1, 1, "not JSON", "vault");
	refuse("<html>", 1, 1, "not JSON", "HTML");
}

Test(document, bounds_depth)
{
	auto_buf struct buf text = BUF_INIT;
	for (int i = 0; i < DOCUMENT_MAX_DEPTH + 1; i++)
		buf_char(&text, '[');
	refuse(buf_text(&text), 1, DOCUMENT_MAX_DEPTH + 1, "deeper", NULL);
	auto_buf struct buf good = BUF_INIT;
	for (int i = 0; i < DOCUMENT_MAX_DEPTH; i++)
		buf_char(&good, '[');
	for (int i = 0; i < DOCUMENT_MAX_DEPTH; i++)
		buf_char(&good, ']');
	auto_problems struct problems problems = PROBLEMS_INIT;
	struct document *document = parse(buf_text(&good), &problems);
	cr_assert_not_null(document);
	document_free(document);
}

Test(document, bounds_size)
{
	auto_problems struct problems problems = PROBLEMS_INIT;
	struct document *document = NULL;
	char *big = mem_alloc(DOCUMENT_MAX_BYTES + 1);
	memset(big, ' ', DOCUMENT_MAX_BYTES + 1);
	cr_assert_lt(document_parse(&document, "big", big, DOCUMENT_MAX_BYTES + 1, &problems), 0);
	cr_assert_not_null(strstr(problems.items[0].text, "64 MiB"));
	free(big);
}

static void expect_where(struct node node, const char *where)
{
	auto_free char *found = node_where(node);
	cr_assert_str_eq(found, where);
}

Test(document, knows_where_values_and_keys_are)
{
	auto_problems struct problems problems = PROBLEMS_INIT;
	struct document *document = parse("{\"\xc3\xa9\": true,\n  \"list\": [true,\r\n\ttrue, {\"x\": \"yz\"}]}", &problems);
	struct node root = document_root(document);
	expect_where(root, "t.json:1:1");
	expect_where(node_get(root, "\xc3\xa9"), "t.json:1:7");
	struct node list = node_get(root, "list");
	cr_assert_eq(list.key.column, 3);
	cr_assert_eq(list.key.width, 6);
	expect_where(node_at(list, 0), "t.json:2:12");
	expect_where(node_at(list, 1), "t.json:3:2");
	struct node x = node_get(node_at(list, 2), "x");
	expect_where(x, "t.json:3:14");
	cr_assert_eq(x.place.width, 4);
	const char *key = NULL;
	struct node second = node_member(root, 1, &key);
	cr_assert_str_eq(key, "list");
	cr_assert_eq(second.value, list.value);
	cr_assert_eq(node_count(root), 2);
	cr_assert_eq(node_count(list), 3);
	cr_assert_eq(node_count(x), 0);
	document_free(document);
}

Test(document, gives_nodes_that_are_missing_their_parents_place)
{
	auto_problems struct problems problems = PROBLEMS_INIT;
	struct document *document = parse("\n [{\"a\": 1}]", &problems);
	struct node list = document_root(document);
	struct node missing = node_get(node_at(list, 0), "b");
	cr_assert_null(missing.value);
	expect_where(missing, "t.json:2:3");
	cr_assert_null(node_at(list, 1).value);
	cr_assert_null(node_get(missing, "c").value);
	cr_assert_null(node_get(list, "c").value);
	const char *key;
	cr_assert_null(node_member(node_at(list, 0), 1, &key).value);
	cr_assert_null(key);
	document_free(document);
}

Test(document, takes_values_made_in_memory)
{
	auto_json json_t *value = json_pack("{s:i, s:[s]}", "a", 1, "b", "c");
	struct node node = node_of(value);
	const char *key;
	cr_assert_eq(node_member(node, 1, &key).value, json_object_get(value, "b"));
	cr_assert_str_eq(key, "b");
	cr_assert_str_eq(json_string_value(node_at(node_get(node, "b"), 0).value), "c");
	expect_where(node, "");
	auto_problems struct problems problems = PROBLEMS_INIT;
	node_problem(&problems, node, NULL, "wrong");
	cr_assert_null(problems.items[0].line);
}

Test(document, shows_lines_without_their_ends)
{
	auto_problems struct problems problems = PROBLEMS_INIT;
	struct document *document = parse("[\r\n1,\n2]", &problems);
	const char *const lines[] = { "[", "1,", "2]" };
	for (int i = 0; i < 3; i++) {
		auto_free char *line = document_line(document, i + 1);
		cr_assert_str_eq(line, lines[i]);
	}
	cr_assert_null(document_line(document, 4));
	cr_assert_null(document_line(document, 0));
	cr_assert_str_eq(document_name(document), "t.json");
	document_free(document);
}

Test(document, says_what_kind_a_value_is)
{
	auto_json json_t *list = json_pack("[i,f,s,b,n,{},[]]", 1, 0.5, "x", 1);
	const char *const kinds[] = { "a number", "a number", "a string", "true or false", "null", "a dictionary", "a list" };
	const char *const texts[] = { "1", "0.5", "\"x\"", "true", "null", "{}", "[]" };
	for (size_t i = 0; i < 7; i++) {
		auto_free char *text = node_text(json_array_get(list, i));
		cr_assert_str_eq(node_kind(json_array_get(list, i)), kinds[i]);
		cr_assert_str_eq(text, texts[i]);
	}
	auto_json json_t *big = json_pack("{s:s}", "a", "0123456789012345678901234567890123456789012345678901234567890123456789");
	auto_free char *nested = node_text(big), *cut = node_text(json_object_get(big, "a"));
	cr_assert_str_eq(nested, "{...}");
	cr_assert_eq(strlen(cut), 63);
}

Test(document, reports_files_that_cannot_be_read)
{
	auto_problems struct problems problems = PROBLEMS_INIT;
	struct document *document;
	cr_assert_lt(document_load(&document, "/nonexistent/x.json", NULL, &problems), 0);
	cr_assert_lt(document_load(&document, "/", NULL, &problems), 0);
	cr_assert_eq(problems.errors, 2);
	cr_assert_eq(problems.items[0].place.line, 0);
	auto_buf struct buf out = BUF_INIT;
	problems_print(&problems, &out, false);
	cr_assert_str_eq(buf_text(&out), "/: error: cannot be read: Is a directory\n"
	                                 "/nonexistent/x.json: error: cannot be read: No such file or directory\n");
}

Test(document, finds_members_of_large_objects)
{
	auto_buf struct buf text = BUF_INIT;
	buf_str(&text, "{");
	for (int i = 0; i < 20000; i++)
		buf_printf(&text, "\n\"key%d\": null,", i);
	buf_str(&text, "}");
	auto_problems struct problems problems = PROBLEMS_INIT;
	struct document *document = parse(buf_text(&text), &problems);
	expect_where(node_get(document_root(document), "key19999"), "t.json:20001:13");
	document_free(document);
}

Test(document, may_begin_with_a_remark_that_has_a_colon)
{
	accept("// a page: neap run\n{ \"a\": 1 }", "{ \"a\": 1 }");
}
