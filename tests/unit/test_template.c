/* Evaluation of values, conditions, expressions and templates; what is final; bounds. */
#include <criterion/criterion.h>

#include <sys/stat.h>
#include <unistd.h>

#include "lua/template.h"

struct names {
	json_t *variables;  /* templates may be inside */
	json_t *facts;      /* final */
	bool cancelled;
};

static bool find(void *context, const char *name, json_t **value, bool *final)
{
	const struct names *names = context;
	*final = (*value = json_object_get(names->facts, name)) != NULL;
	if (!*final)
		*value = json_object_get(names->variables, name);
	return *value != NULL;
}

static void each(void *context, void (*offer)(void *to, const char *name), void *to)
{
	const struct names *names = context;
	const char *key;
	json_t *value;
	json_object_foreach(names->variables, key, value)
		offer(to, key);
}

static bool cancelled(void *context)
{
	return ((struct names *)context)->cancelled;
}

static const char *variables_text =
    "{'n': 5, 'name': 'web{{ n }}', 'chain': '{{ name }}.example', 'self': '{{ self }}', 'a': '{{ b }}', 'b': '{{ a }}',"
    " 'list': [1, '{{ n }}', {'x': '{{ name }}'}], 'dict': {'k': '{{ n + 1 }}', 'bad': '{{ nope }}', 'deep': {'z': '{{ list }}'}},"
    " 'text': '[1, 2]', 'truth': 'false', 'port': 80, 'users': [{'name': 'x'}], 'null': null,"
    " 'inner': {'me': '{{ inner.me }}'}}";
static const char *facts_text = "{'evil': '{{ n }}', 'tree': {'cmd': '{{ n }}', 'list': ['{{ n }}']}}";

static struct template_vm *vm;
static struct names names;
static struct template_scope scope;

/* JSON with single quotes, as C holds it without escapes. */
static json_t *loose(const char *text)
{
	char *copy = strdup(text);
	for (char *c = copy; *c; c++)
		*c = *c == '\'' ? '"' : *c;
	json_error_t why;
	json_t *value = json_loads(copy, JSON_DECODE_ANY, &why);
	cr_assert_not_null(value, "%s: %s", why.text, copy);
	free(copy);
	return value;
}

static void setup(void)
{
	names = (struct names){.variables = loose(variables_text), .facts = loose(facts_text)};
	json_object_set_new(names.variables, "braces", json_string("{{ '{{ n }}' }}"));
	scope = (struct template_scope){.context = &names, .find = find, .each = each, .services = &names, .cancelled = cancelled};
	vm = template_vm_new();
}

static void teardown(void)
{
	template_vm_free(vm);
	json_decref(names.variables);
	json_decref(names.facts);
}

static void gives(const char *text, const char *expected)
{
	struct err err = ERR_INIT;
	auto_json json_t *value = json_loads(text, JSON_DECODE_ANY, NULL);
	auto_json json_t *result = NULL;
	bool omitted;
	if (!value)
		value = json_string(text);
	cr_assert_eq(template_value(vm, value, &scope, &result, &omitted, &err), 0, "%s: %s", text, err.text);
	auto_free char *got = json_dumps(result, JSON_ENCODE_ANY | JSON_COMPACT);
	cr_expect_str_eq(got, expected, "%s", text);
}

static void fails(const char *text, const char *expected)
{
	struct err err = ERR_INIT;
	auto_json json_t *value = json_string(text);
	auto_json json_t *result = NULL;
	cr_assert_eq(template_value(vm, value, &scope, &result, NULL, &err), -1, "%s should fail", text);
	cr_expect_not_null(strstr(err.text, expected), "%s\n gives: %s\n not: %s", text, err.text, expected);
	cr_expect_eq(err.kind, ERR_INPUT);
}

static bool holds(const char *text)
{
	struct err err = ERR_INIT;
	auto_json json_t *expression = json_loads(text, JSON_DECODE_ANY, NULL);
	bool truth = false;
	if (!expression)
		expression = json_string(text);
	cr_assert_eq(template_condition(vm, expression, &scope, &truth, &err), 0, "%s: %s", text, err.text);
	return truth;
}

TestSuite(template, .init = setup, .fini = teardown, .timeout = 600);

Test(template, one_expression_keeps_its_type)
{
	gives("{{ n }}", "5");
	gives("{{ [1, 'a', none, 2.5, true] }}", "[1,\"a\",null,2.5,true]");
	gives("{{ {} }}", "{}");
	gives("{{ [] }}", "[]");
	gives("{{ () }}", "[]");
	gives("x{{ n }}", "\"x5\"");
	gives("{{ n }}{{ n }}", "\"55\"");
	gives("{{ n }} ", "\"5 \"");
	gives("{{ none }}", "null");
	gives("plain", "\"plain\"");
}

Test(template, results_are_never_read_again)
{
	gives("{{ text }}", "\"[1, 2]\"");
	gives("{{ '5' }}", "\"5\"");
	gives("{{ braces }}", "\"{{ n }}\"");
	gives("{{ braces }}!", "\"{{ n }}!\"");
}

Test(template, variables_are_templates_evaluated_when_used)
{
	gives("{{ chain }}", "\"web5.example\"");
	gives("{{ list }}", "[1,5,{\"x\":\"web5\"}]");
	gives("{{ list[2].x }}", "\"web5\"");
	gives("{{ dict.k }}", "6");
	gives("{{ dict.deep.z[1] }}", "5");
	fails("{{ dict }}", "'nope' is undefined");
}

Test(template, final_values_are_not_templates)
{
	gives("{{ evil }}", "\"{{ n }}\"");
	gives("{{ tree.cmd }}", "\"{{ n }}\"");
	gives("{{ tree }}", "{\"cmd\":\"{{ n }}\",\"list\":[\"{{ n }}\"]}");
	gives("{{ tree.list[0] ~ n }}", "\"{{ n }}5\"");
	gives("{{ tree.list.append(1) or tree }}", "{\"cmd\":\"{{ n }}\",\"list\":[\"{{ n }}\",1]}");
}

Test(template, documents_are_evaluated_at_any_depth)
{
	gives("{\"a\": [\"{{ n }}\", {\"{{ name }}\": \"x{{ n }}\"}], \"b\": null}", "{\"a\":[5,{\"web5\":\"x5\"}],\"b\":null}");
	gives("{\"a\": \"{{ omit }}\", \"b\": [1, \"{{ nope | default(omit) }}\"]}", "{\"b\":[1]}");
	gives("{{ {'a': omit, 'b': [omit, 2]} }}", "{\"b\":[2]}");
}

Test(template, omit_of_the_whole_value_is_told)
{
	struct err err = ERR_INIT;
	auto_json json_t *value = json_string("{{ nope | default(omit) }}");
	auto_json json_t *result = NULL;
	bool omitted = false;
	cr_assert_eq(template_value(vm, value, &scope, &result, &omitted, &err), 0);
	cr_assert(omitted);
}

Test(template, undefined_names_are_told_with_the_nearest)
{
	struct err err = ERR_INIT;
	auto_json json_t *value = json_string("{{ prot }}");
	auto_json json_t *result = NULL;
	cr_assert_eq(template_value(vm, value, &scope, &result, NULL, &err), -1);
	cr_expect_str_eq(err.text, "'prot' is undefined");
	cr_expect_str_eq(err.hint, "did you mean 'port'?");
	cr_expect_eq(err.os_error, TEMPLATE_UNDEFINED);
	fails("{{ users[0].nam }}", "'users[0].nam' is undefined: there is no key 'nam'");
	fails("{{ users[3] }}", "'users[3]' is undefined: the list has 1 elements");
	fails("{{ dict.bad }}", "'nope' is undefined");
	fails("a\n{{ n }}\n{{ nope }}", "line 3: 'nope' is undefined");
}

Test(template, arguments_of_the_wrong_type_are_named)
{
	fails("{{ 'a' | center('x') }}", "center: the argument 'width' must be an integer, not 'x' (str)");
	fails("{{ [1, 2] | join(',', list) }}", "join: the argument 'attribute' must be the name of an attribute or its position, not a value of type list");
	fails("{{ 'a'.split(5) }}", "split: the argument 'sep' must be a string, not 5 (int)");
	fails("{{ 'a' | regex_search('a', ignorcase=true) }}", "regex_search: there is no argument 'ignorcase' (did you mean 'ignorecase'?)");
	fails("{{ ['a'] | map('center', 'x') }}", "center: the argument 'width' must be an integer");
	fails("{{ 'a' | center(nope) }}", "'nope' is undefined");
	fails("{{ 'a' | to_nice_yaml(width='x') }}", "to_nice_yaml: the argument 'width' must be a number, not 'x' (str)");
	gives("{{ [] | map('center', nope) | list }}", "[]");
	gives("{{ nope | default(nope) | default(5) }}", "5");
	gives("{{ true | ternary(1, nope) }}", "1");
}

Test(template, lookups_that_are_not_there_say_what_is)
{
	struct err err = ERR_INIT;
	json_t *result = NULL;
	cr_assert_eq(template_expression(vm, "lookup('ansible.builtin.config', 'DEFAULT_FORKS')", &scope, &result, &err), -1);
	cr_expect_str_eq(err.text, "there is no lookup 'config'");
	cr_expect_not_null(strstr(err.hint, "settings are its options"));
}

Test(template, arguments_are_placed_by_line_and_column)
{
	struct err err = ERR_INIT;
	char *result = NULL;
	size_t length;
	const char text[] = "one\n  {{ n | string\n     | center( 'x' ) }}\n";
	cr_assert_eq(template_text(vm, "t.j2", text, strlen(text), NULL, &scope, &result, &length, &err), -1);
	cr_expect_str_eq(err.text, "t.j2:3:16: center: the argument 'width' must be an integer, not 'x' (str)");
}

Test(template, reference_to_itself_is_an_error)
{
	fails("{{ self }}", "the variable 'self' refers to itself");
	fails("{{ a }}", "the variable 'a' refers to itself (a -> b -> a)");
	fails("{{ inner.me }}", "refer to each other");
	gives("{{ n }}", "5");
}

Test(template, conditions_have_pythons_truth)
{
	cr_expect(holds("n == 5 and name is defined"));
	cr_expect(holds("truth"));
	cr_expect(holds("true"));
	cr_expect(!holds("false"));
	cr_expect(holds("[\"n > 1\", \"n < 9\", true]"));
	cr_expect(!holds("[\"n > 1\", \"n > 9\", \"nope\"]"));
	cr_expect(!holds("[] or {} or '' or 0 or none"));
	cr_expect(holds("{{ n > 1 }}"));
	cr_expect(holds("null"));
	cr_expect(holds("{{ n }} > 4 and {{ n }} < {{ n + 1 }}"));
	cr_expect(holds("'{{ n }}x{{ n }}' == \"5x{{ '5' }}\" and '{{ \"}}\" }}' == '}' ~ '}'"));
}

Test(template, syntax_is_checked_without_values)
{
	struct err err = ERR_INIT;
	cr_expect_eq(template_check(vm, "{{ a.b | default(1) }} x", false, &err), 0);
	cr_expect_eq(template_check(vm, "{{ a | lowr }}", false, &err), -1);
	cr_expect_str_eq(err.text, "there is no filter 'lowr'");
	cr_expect_str_eq(err.hint, "did you mean 'lower'?");
	cr_expect_eq(template_check(vm, "a ==", true, &err), -1);
	cr_expect_eq(template_check(vm, "{% for x in y %}", false, &err), -1);
	cr_expect_not_null(strstr(err.text, "endfor"), "%s", err.text);
	cr_expect_eq(template_check(vm, "{{ x | join(nope=1) }}", false, &err), -1);
}

static void collect(void *to, const char *name)
{
	char *list = to;
	size_t length = strlen(list);
	snprintf(list + length, 200 - length, "%s,", name);
}

Test(template, names_that_are_read_are_found)
{
	struct err err = ERR_INIT;
	char list[200] = "";
	cr_assert_eq(template_names(vm, "a.b[c] == d | default(e) and lookup('env', f) and a", true, collect, list, &err), 0);
	cr_expect_str_eq(list, "a,c,d,e,f,");
	list[0] = '\0';
	cr_assert_eq(template_names(vm, "{% for i in xs %}{{ i }}{{ y }}{% set z = 1 %}{{ z }}{% endfor %}", false, collect, list, &err), 0);
	cr_expect_str_eq(list, "xs,y,");
}

static void fails_at(const char *text, const char *where, const char *hint)
{
	struct err err = ERR_INIT;
	char *bytes = NULL;
	size_t length;
	cr_expect_eq(template_text(vm, "t.j2", text, strlen(text), NULL, &scope, &bytes, &length, &err), -1, "%s", text);
	cr_expect(strncmp(err.text, where, strlen(where)) == 0, "%s\ngave: %s\nnot: %s", text, err.text, where);
	cr_expect(strstr(err.hint, hint) && (*hint || !*err.hint), "%s\nhint: %s\nnot: %s", text, err.hint, hint);
	free(bytes);
}

Test(template, faults_of_a_file_have_their_place_and_what_was_meant)
{
	fails_at("a\n {{ n | replace('a') }}", "t.j2:2:7: replace: the argument 'new' is missing", "");
	fails_at("{% set x = %}", "t.j2:1:12: expected an expression", "");
	fails_at("{{ n }", "t.j2:1:6: unexpected '}': the tag is closed by }}", "");
	fails_at("{{ (n }}", "t.j2:1:7: unexpected '}': '(' is not closed yet", "");
	fails_at("{% fro i in l %}", "t.j2:1:1: unknown tag 'fro'", "did you mean 'for'?");
	fails_at("{% endfor %}", "t.j2:1:1: nothing is open that 'endfor' could end", "");
	fails_at("{{ if n }}", "t.j2:1:7: expected '}}' before 'n'", "{% if ... %}");
	fails_at("{% if n = 5 %}{% endif %}", "t.j2:1:9: expected '%}' before '='", "==");
	fails_at("a\n{{ n }} {{ 'n' + n }}", "t.j2:2:16: can only concatenate str", "~ joins");
	fails_at("{{ 'a'.uper() }}", "t.j2:1:1: a value of type str has no attribute 'uper'", "did you mean 'upper'?");
	fails_at("{% for k, v in {'a': 1} %}{% endfor %}", "t.j2:1:1: a loop over a dictionary gives its keys", "items()");
	fails_at("{% for i in range(20) %}\n{{ i }}{{ 1 - (i | string) }}{% endfor %}", "t.j2:2:13: unsupported operand type(s) for -", "");
}

Test(template, long_loops_end_and_go_on_as_short_ones)
{
	gives("{% for i in range(20) %}{{ i }}{% if i == 2 %}{% continue %}{% elif i > 3 %}{% break %}{% endif %},{% endfor %}", "\"0,1,23,4\"");
	gives("{% for i in range(16) %}{% for j in range(9) %}{% if j == i %}{% break %}{% endif %}{{ j }}{% endfor %}"
	      "{% if i > 2 %}{% break %}{% endif %}{% endfor %}", "\"001012\"");
	gives("{% for i in range(20) %}{% with j = i %}{% if j == 4 %}{% break %}{% endif %}{{ j }}{% endwith %}{% endfor %}.", "\"0123.\"");
	gives("{% set ns = namespace(v=1) %}{% for i in range(18) %}{% set ns.v = ns.v * 2 %}{% if ns.v > 1000 %}{% break %}{% endif %}{% endfor %}"
	      "{{ ns.v }}.", "\"1024.\"");
}

Test(template, bombs_are_stopped)
{
	fails("{% for a in range(100000) %}{% for b in range(100000) %}{% endfor %}{% endfor %}x", "too many steps");
	fails("{{ 'x' * 100000000 }}", "longer than");
	fails("{{ [0] * 10000000 }}", "more than a million");
	fails("{% set x = ['a' * 1000000] %}{% for i in range(1000) %}{{ x[0] }}{% endfor %}", "longer than 64 MB");
	fails("{{ 2 ** 100 }}", "too large");
	fails("{{ 9223372036854775807 + 1 }}", "too large");
	fails("{{ range(100000000) }}", "range");
	fails("{% macro m() %}{{ m() }}{% endmacro %}{{ m() }}x", "inside itself");
	fails("{% set l = [] %}{{ l.append(l) }}{{ l }}", "nested");
	fails("{% set l = [] %}{% set _ = l.append(l) %}{{ l | to_json }}", "nested");
	fails("{% set l = [] %}{% set m = [] %}{% set _ = l.append(m) or m.append(l) %}{{ l == m }}", "nested");
	fails("{{ ('a' * 60 ~ 'c') is match('(a|aa)+[bd]') }}", "");
	fails("{{ range(50) | permutations | list }}", "more than");
	fails("{{ 'x' | center(1000000000) }}", "too large");
	fails("{{ 'x'.ljust(1000000000) }}", "too large");
	fails("{{ '%1000000000d' % 1 }}", "too large");
	fails("{{ '%.1000000000d' % 1 }}", "too large");
	fails("{{ '{:1000000000}'.format(1) }}", "too large");
	fails("{{ 'ab' | wordwrap(0) }}", "above 0");
	fails("{{ [1] | slice(1000000000) }}", "100000");
	fails("{{ [1] | batch(1000000000, 1) }}", "100000");
	fails("{{ [1] | product(repeat=1000000000) }}", "times at most");
	fails("{{ lipsum(n=1000000000) }}", "at most");
	fails("{{ query('sequence', 'count=1000000000') }}", "more than");
	fails("{{ 'a\\tb'.expandtabs(1000000000) }}", "too large");
	gives("{{ '' * 9223372036854775807 }}", "\"\"");
	gives("{{ [] * 9223372036854775807 }}", "[]");
	fails("{% set x = 'a' * 30000000 %}{% for i in range(100000) %}{% set y = x | upper %}{% endfor %}x", "too many steps");
	fails("{% set x = 'a' * 30000000 %}{% set y = 'a' * 30000000 %}{% for i in range(100000) %}{{ '' if x == y else 1 }}{% endfor %}x", "too many steps");
	fails("{% set x = range(100000) %}{% for i in range(100000) %}{{ 1 if -1 in x }}{% endfor %}x", "too many steps");
	fails("{% set x = namespace(a=[1], b=[1]) %}{% for i in range(30) %}{% set x.a = [x.a, x.a] %}{% set x.b = [x.b, x.b] %}"
	      "{% endfor %}{{ x.a == x.b }}x", "too many steps");
	gives("{{ (' ' * 300000 ~ 'x' ~ ' ' * 300000) | trim }}", "\"x\"");
	fails("{{ 'x' | password_hash('sha512', rounds=999999999) }}", "too many steps");
	fails("{{ 'x' | password_hash('blowfish', rounds=31) }}", "too many steps");
	fails("{{ 'x' | password_hash('sha512', 'rounds=999999999$abc') }}", "a salt has");
	gives("{{ n }}", "5");
}

Test(template, a_password_is_kept_for_its_owner_alone)
{
	char folder[] = "/tmp/neap-test-XXXXXX", text[200], path[64], first[64] = "", second[64] = "";
	struct stat info;
	cr_assert_not_null(mkdtemp(folder));
	snprintf(path, sizeof(path), "%s/new/kept", folder);
	snprintf(text, sizeof(text), "{{ lookup('password', '%s', length=12, chars='digits') ~ 'x' }}", path);
	for (int round = 0; round < 2; round++) {
		struct err err = ERR_INIT;
		auto_json json_t *value = json_string(text);
		auto_json json_t *result = NULL;
		cr_assert_eq(template_value(vm, value, &scope, &result, NULL, &err), 0, "%s", err.text);
		snprintf(round ? second : first, sizeof(first), "%s", json_string_value(result));
	}
	cr_expect_eq(strlen(first), 13);
	cr_expect_str_eq(first, second);
	cr_expect_eq(stat(path, &info), 0);
	cr_expect_eq(info.st_mode & 0777, 0600);
	cr_expect_eq(unlink(path), 0);
	*strrchr(path, '/') = '\0';
	cr_expect_eq(stat(path, &info), 0);
	cr_expect_eq(info.st_mode & 0777, 0700);
	cr_expect_eq(rmdir(path), 0, "something else was left beside the password");
	cr_expect_eq(rmdir(folder), 0);
}

Test(template, a_salt_is_kept_with_its_password)
{
	char folder[] = "/tmp/neap-test-XXXXXX", text[300], path[64];
	cr_assert_not_null(mkdtemp(folder));
	snprintf(path, sizeof(path), "%s/kept", folder);
	for (int round = 0; round < 2; round++) {
		struct err err = ERR_INIT;
		bool truth = false;
		snprintf(text, sizeof(text), "{{ lookup('password', '%s') ~ 'x' }}", path);
		auto_json json_t *value = json_string(text);
		auto_json json_t *result = NULL;
		cr_assert_eq(template_value(vm, value, &scope, &result, NULL, &err), 0, "%s", err.text);
		snprintf(text, sizeof(text), "lookup('password', '%s', encrypt='sha512_crypt') == lookup('password', '%s', encrypt='sha512_crypt')", path, path);
		auto_json json_t *same = json_string(text);
		cr_assert_eq(template_condition(vm, same, &scope, &truth, &err), 0, "%s", err.text);
		cr_expect(truth);
	}
	cr_expect_eq(unlink(path), 0);
	cr_expect_eq(rmdir(folder), 0);
}

Test(template, yaml_is_bounded)
{
	fails("{% set l = [] %}{% set _ = l.append(l) %}{{ l | to_yaml }}", "nested");
	fails("{{ ('[' * 5000) | from_yaml }}", "");
	fails("{{ 'a: b: c' | from_yaml }}", "line 1");
	fails("{{ [1] | to_yaml(indnt=2) }}", "there is no argument 'indnt'");
}

Test(template, deep_nesting_is_stopped)
{
	char text[10000] = "{{ ";
	memset(text + 3, '(', 4000);
	memset(text + 4003, ')', 4000);
	snprintf(text + 8003, 10, " }}");
	fails(text, "nested more than");
	memset(text + 3, '-', 8000);
	fails(text, "nested more than");
}

Test(template, ends_when_cancelled)
{
	struct err err = ERR_INIT;
	auto_json json_t *value = json_string("{% for a in range(100000) %}{% for b in range(100000) %}{% endfor %}{% endfor %}x");
	auto_json json_t *result = NULL;
	names.cancelled = true;
	cr_assert_eq(template_value(vm, value, &scope, &result, NULL, &err), -1);
	cr_expect_eq(err.kind, ERR_INTERRUPTED);
}

Test(template, text_of_a_file_may_hold_any_bytes)
{
	struct err err = ERR_INIT;
	char *result = NULL;
	size_t length = 0;
	const char text[] = "a\0\xff{{ n }}\n";
	cr_assert_eq(template_text(vm, "x.j2", text, sizeof(text) - 1, NULL, &scope, &result, &length, &err), 0, "%s", err.text);
	cr_expect_eq(length, sizeof("a\0\xff" "5\n") - 1);
	cr_expect_eq(memcmp(result, "a\0\xff" "5\n", length), 0);
	free(result);
}

Test(template, members_that_lua_knows_are_only_members)
{
	fails("{{ dict.__index }}", "undefined");
	fails("{{ ''.__class__ }}", "no attribute");
	fails("{{ range.call }}", "no attribute");
	fails("{{ users.append.apply }}", "no attribute");
	gives("{{ {'__name': 1}.__name }}", "1");
}
