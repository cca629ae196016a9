/* The YAML reader: places, faults with their hints, aliases and their bounds. What values mean is compared with Ansible in
 * tests/compat/yaml. */
#include <string.h>

#include <criterion/criterion.h>

#include "base/mem.h"
#include "model/comment.h"
#include "model/document.h"

static struct document *parse(const char *text, struct problems *problems)
{
	struct document *document = NULL;
	int result = document_parse(&document, "t.yml", text, strlen(text), problems);
	cr_assert_eq(result == 0, document != NULL);
	return document;
}

static struct document *parse_good(const char *text)
{
	auto_problems struct problems problems = PROBLEMS_INIT;
	struct document *document = parse(text, &problems);
	cr_assert(document && !problems.count, "%s: %s", text, problems.count ? problems.items[0].text : "?");
	return document;
}

static void accept(const char *text, const char *expected)
{
	struct document *document = parse_good(text);
	char *got = json_dumps(document_root(document).value, JSON_ENCODE_ANY);
	cr_assert_str_eq(got, expected);
	free(got);
	document_free(document);
}

static void refuse(const char *text, int line, int column, const char *part, const char *hint)
{
	auto_problems struct problems problems = PROBLEMS_INIT;
	cr_assert_null(parse(text, &problems), "accepted: %s", text);
	cr_assert_gt(problems.errors, 0);
	const struct problem *first = &problems.items[0];
	cr_assert(first->place.line == line && first->place.column == column, "%s: at %d:%d, not %d:%d (%s)", text,
	          first->place.line, first->place.column, line, column, first->text);
	cr_assert(strstr(first->text, part), "%s: says %s", text, first->text);
	if (hint)
		cr_assert(first->hint && strstr(first->hint, hint), "%s: hints %s", text, first->hint ? first->hint : "nothing");
}

Test(yaml_reader, knows_where_keys_and_values_stand)
{
	struct document *document = parse_good("# top\n- name: one\n  é: [a, {b: c}]\n  text: |\n    x\n  last:\n");
	struct node task = node_at(document_root(document), 0), list = node_get(task, "é");
	cr_assert(task.place.line == 2 && task.place.column == 3);
	cr_assert(node_get(task, "name").key.column == 3 && node_get(task, "name").place.column == 9);
	cr_assert(node_get(task, "name").key.width == 4 && node_get(task, "name").place.width == 3);
	cr_assert(list.key.line == 3 && list.place.column == 6);
	cr_assert(node_get(node_at(list, 1), "b").place.column == 14);
	cr_assert(node_get(task, "text").place.line == 4 && node_get(task, "text").place.column == 9);
	cr_assert(json_is_null(node_get(task, "last").value) && node_get(task, "last").place.line == 6);
	document_free(document);
}

Test(yaml_reader, gives_merged_members_the_places_of_their_anchor)
{
	struct document *document = parse_good("a: &x\n  b: 1\n  c: 2\nd:\n  <<: *x\n  c: 3\ne: *x\n");
	struct node d = node_get(document_root(document), "d");
	const char *key;
	cr_assert(node_get(d, "b").key.line == 2 && node_get(d, "c").key.line == 6);
	node_member(d, 0, &key);
	cr_assert_str_eq(key, "b");
	cr_assert_eq(node_get(document_root(document), "e").place.line, 7);
	cr_assert_eq(node_get(node_get(document_root(document), "e"), "c").place.line, 3);
	document_free(document);
}

Test(yaml_reader, keeps_an_octal_mode_as_it_is_written)
{
	accept("mode: 0644", "{\"mode\": \"0644\"}");
	accept("mode: 0o644", "{\"mode\": \"0644\"}");
	accept("directory_mode: 02_755", "{\"directory_mode\": \"02755\"}");
	accept("m: &m 0600\nmode: *m", "{\"m\": 384, \"mode\": \"0600\"}");
	accept("mode: 644", "{\"mode\": 644}");
	accept("mode: '644'", "{\"mode\": \"644\"}");
	accept("port: 0644", "{\"port\": 420}");
	accept("mode: [0644]", "{\"mode\": [420]}");
}

Test(yaml_reader, marks_what_is_sealed_and_what_is_no_template)
{
	accept("a: !vault |\n  $ANSIBLE_VAULT;1.1\n  31\n", "{\"a\": {\"__ansible_vault\": \"$ANSIBLE_VAULT;1.1\\n31\\n\"}}");
	accept("a: !unsafe {b: [x, 1], c: !vault y}",
	       "{\"a\": {\"b\": [{\"__ansible_unsafe\": \"x\"}, 1], \"c\": {\"__ansible_vault\": \"y\"}}}");
	accept("a: &x {b: c}\nd: !unsafe [*x]", "{\"a\": {\"b\": \"c\"}, \"d\": [{\"b\": {\"__ansible_unsafe\": \"c\"}}]}");
}

Test(yaml_reader, hints_at_the_usual_mistakes)
{
	refuse("a:\n\tb: 1", 2, 1, "tab", "spaces");
	refuse("a: {{ x }}", 1, 5, "dictionary cannot be a key", "\"{{ name }}\"");
	refuse("a: {{ x }}/y", 1, 5, "key", "quotes");
	refuse("a: {% if x %}", 1, 5, "", "quotes");
	refuse("a: b: c", 1, 5, "colon", "into quotes");
	refuse("a: b\n  c: d", 2, 4, "colon", "indented");
	refuse("key\nb: c", 2, 2, "colon", "indented");
	refuse("a: \"x\" == 'y'", 1, 8, "key", "quotes of the other kind");
	refuse("a: @b", 1, 4, "no value begins", "quotes");
	refuse("a: *b", 1, 4, "no anchor \"b\"", "\"*b\"");
	refuse("a: * * * *", 1, 5, "name is expected", "quotes");
	refuse("a: !important", 1, 4, "tag !important", "!vault");
	refuse("a: 'b\nc: d", 1, 4, "never closed", NULL);
	refuse("a: \"\\d\"", 1, 5, "backslash", "single quotes");
	refuse("- a\nb: c", 2, 1, "list does not go on", "same column");
	refuse("a: [b\nc: d", 2, 2, "expected here", "ends with ]");
	refuse("a: 1\n---\nb: 2", 2, 1, "second document", "two files");
	refuse("a: !!int b", 1, 4, "!!int does not fit", "!!int 5");
	refuse("a: !!seq {b: c}", 1, 4, "does not fit a dictionary", NULL);
	refuse("<<: a", 1, 5, "merge key takes", "*anchor");
	refuse("[a]: b", 1, 1, "cannot be a list", NULL);
	refuse("a: \x07", 1, 4, "control character", NULL);
	refuse("a: \xff", 1, 4, "0xff", "UTF-8");
}

Test(yaml_reader, warns_of_a_key_that_is_given_twice_and_takes_the_last)
{
	auto_problems struct problems problems = PROBLEMS_INIT;
	struct document *document = parse("a: 1\nb: 2\na: 3\n", &problems);
	cr_assert(document && problems.count == 1 && problems.errors == 0);
	cr_assert(problems.items[0].place.line == 3 && strstr(problems.items[0].hint, "t.yml:1:1"));
	cr_assert_eq(json_integer_value(node_get(document_root(document), "a").value), 3);
	cr_assert_eq(node_get(document_root(document), "a").place.line, 3);
	document_free(document);
}

Test(yaml_reader, reports_more_than_the_first_fault)
{
	auto_problems struct problems problems = PROBLEMS_INIT;
	cr_assert_null(parse("- !foo a\n- *b\n- !!int c\n", &problems));
	cr_assert_eq(problems.errors, 3);
}

Test(yaml_reader, bounds_depth)
{
	auto_buf struct buf text = BUF_INIT;
	for (int i = 0; i <= DOCUMENT_MAX_DEPTH; i++)
		buf_str(&text, "- ");
	refuse(buf_text(&text), 1, DOCUMENT_MAX_DEPTH * 2 + 1, "deeper", NULL);
	buf_clear(&text);
	buf_str(&text, "a: &a ");
	for (int i = 0; i < 150; i++)
		buf_char(&text, '[');
	for (int i = 0; i < 150; i++)
		buf_char(&text, ']');
	buf_str(&text, "\nb: &b [[*a]]\nc: [[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[*b]]]]]]]]]]]]]]]]]]]]]]]]]]]]]]]]]]]]]]]]]]]]]]]]]]]]]]");
	refuse(buf_text(&text), 3, 58, "deeper", NULL);
}

Test(yaml_reader, bounds_what_aliases_stand_for)
{
	auto_buf struct buf text = BUF_INIT;
	buf_str(&text, "a: &a [x, x, x, x, x, x, x, x, x, x]\n");
	for (char c = 'b'; c <= 'i'; c++) {
		buf_printf(&text, "%c: &%c [", c, c);
		for (int i = 0; i < 10; i++)
			buf_printf(&text, "*%c, ", c - 1);
		buf_str(&text, "]\n");
	}
	refuse(buf_text(&text), 7, 12, "stand for more than 64 MiB", "multiply");
	refuse("a: &a [*a]", 1, 8, "contains itself", NULL);
	refuse("a: &a {b: {<<: *a}}", 1, 16, "contains itself", NULL);
}

Test(yaml_reader, tells_the_format_by_name_and_beginning)
{
	static const struct { const char *name, *text; bool good; } cases[] = {
		{ "a.json", "a: 1", false }, { "a.yml", "a: 1", true }, { "a.YAML", "a: 1", true }, { "a", "a: 1", true },
		{ "a", "{\"a\": 1,}", true }, { "a", "{a: 1}", false }, { "a.yml", "{a: 1}", true }, { "a.yml", "{\"a\":\t1}", true },
		{ "a", "// x\n[]", true }, { "a", "# x\n- a", true }, { "a.yml", "{\"a\": \"\\/\"}", true }, { "a.json", "", false },
		{ "a.yml", "", true },
	};
	for (size_t i = 0; i < sizeof(cases) / sizeof(*cases); i++) {
		auto_problems struct problems problems = PROBLEMS_INIT;
		struct document *document = NULL;
		int result = document_parse(&document, cases[i].name, cases[i].text, strlen(cases[i].text), &problems);
		cr_assert_eq(result == 0, cases[i].good, "%s: %s", cases[i].name, cases[i].text);
		document_free(document);
	}
}

Test(yaml_reader, finds_comments)
{
	static const char text[] = "#!/usr/bin/env x\n# one\na: b # two\nc: 'd # e' #three\nf: | # four\n  # text\n  x\n#\ng: h#i\n";
	auto_comments struct comments comments = { 0 };
	auto_buf struct buf all = BUF_INIT;
	comments_find(text, sizeof(text) - 1, &comments);
	for (size_t i = 0; i < comments.count; i++)
		buf_printf(&all, "%d%s:%s;", comments.items[i].line, comments.items[i].alone ? "!" : "", comments.items[i].text);
	cr_assert_str_eq(buf_text(&all), "2!:one;3:two;4:three;5:four;8!:;");
}
