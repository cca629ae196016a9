/* Every filter, test and method on values of every type, with arguments of every type: it gives a value, or an error in words
 * that are meant for the user; never one of Lua's own. */
#include <criterion/criterion.h>

#include "base/mem.h"
#include "lua/template.h"

/* What stands for v and for each argument, in turn. JSON with single quotes, and backquotes inside of texts. */
static const char *const values_text =
    "[5, -1, 2.5, true, null, '', 'a b', '%s {x} (', [], [1, 'a', null], [{'k': 1, 'l': [2]}], {}, {'k': 1, 'l': [{'m': 3}]},"
    " '{{ nope }}', '{{ none if no }}', '{{ (1, [2]) }}', '{{ now() }}', '{{ now() - now() }}', '{{ namespace(a=1) }}', '{{ range }}',"
    " '{{ 9223372036854775807 }}', '{{ `nan` | float }}', '{{ `inf` | float }}', '{{ omit }}', '{{ [nope] }}', '{{ vars }}']";

static json_t *values;
static json_t *names[5]; /* what v, a, b, c and d are now */
static struct template_vm *vm;
static size_t count;

static bool find(void *context, const char *name, json_t **value, bool *final)
{
	static const char letters[] = "vabcd";
	const char *letter = strlen(name) == 1 ? strchr(letters, *name) : NULL;
	(void)context;
	*final = false;
	*value = letter ? names[letter - letters] : NULL;
	if (strcmp(name, "no") == 0)
		*value = json_object_get(json_array_get(values, 12), "no");
	return *value != NULL;
}

static const struct template_scope scope = { .find = find, .directory = "/nonexistent" };

static bool is_engine_error(const struct err *err)
{
	static const char *const marks[] = { "attempt to", "bad argument", "invalid option", "invalid key", "number has no integer",
		                                 "jinja/", "stack overflow", "malformed", "nil", "userdata",
		                                 "table index", "got no value", "invalid value", "invalid conversion", "value out of range", "out of bounds", "0x", "upvalue",
		                                 "no integer representation", "wrong number of arguments", "unfinished", "string slice too long" };
	for (size_t i = 0; i < sizeof(marks) / sizeof(marks[0]); i++)
		if (strstr(err->text, marks[i]))
			return true;
	return err->os_error == TEMPLATE_WORDLESS;
}

static void evaluate(const char *expression)
{
	struct err err = ERR_INIT;
	auto_json json_t *result = NULL;
	int status = template_expression(vm, expression, &scope, &result, &err);
	count++;
	if (status == 0 || !is_engine_error(&err))
		return;
	auto_json json_t *all = json_array();
	for (size_t i = 0; i < 5; i++)
		json_array_append(all, names[i]);
	auto_free char *shown = json_dumps(all, JSON_ENCODE_ANY);
	cr_expect_fail("%s where [v, a, b, c, d] are %s: %s", expression, shown, err.text);
}

/* The expression with each value for v (each third where there are many arguments), and each for the argument at place, the
 * others by turns. */
static void turn(const char *expression, int place)
{
	for (size_t v = 0; v < json_array_size(values); v += place > 1 ? 3 : 1) {
		names[0] = json_array_get(values, v);
		if (place == 0)
			evaluate(expression);
		for (size_t a = 0; place > 0 && a < json_array_size(values); a++) {
			for (size_t i = 1; i < 5; i++)
				names[i] = json_array_get(values, (v + a + i) % 13);
			names[place] = json_array_get(values, a);
			evaluate(expression);
		}
	}
}

static void keep(void *to, const char *name, int arguments)
{
	json_array_append_new(to, json_pack("[s, i]", name, arguments));
}

/* All that there is of a kind, with no argument up to all; form is what stands before the name. */
static void all(const char *what, const char *form)
{
	static const char *const given[] = { "", "(a)", "(a, b)", "(a, b, c)", "(a, b, c, d)" };
	struct err err = ERR_INIT;
	auto_json json_t *known = json_array();
	cr_assert_eq(template_definitions(vm, what, keep, known, &err), 0, "%s", err.text);
	for (size_t i = 0; i < json_array_size(known); i++) {
		const char *name;
		int arguments;
		cr_assert_eq(json_unpack(json_array_get(known, i), "[s, i]", &name, &arguments), 0);
		for (int k = 0; k <= arguments && k < 5; k++) {
			auto_free char *expression = mem_printf("%s%s%s", form, name, k == 0 && form[1] == '.' ? "()" : given[k]);
			turn(expression, k);
		}
	}
}

static void setup(void)
{
	auto_free char *text = mem_strdup(values_text);
	for (char *c = text; *c; c++)
		*c = *c == '\'' ? '"' : *c == '`' ? '\'' : *c;
	json_error_t why;
	values = json_loads(text, 0, &why);
	cr_assert_not_null(values, "%s: %s", why.text, text);
	vm = template_vm_new();
	for (size_t i = 0; i < 5; i++)
		names[i] = json_array_get(values, i);
}

static void teardown(void)
{
	template_vm_free(vm);
	json_decref(values);
}

TestSuite(template_types, .init = setup, .fini = teardown, .timeout = 600);

Test(template_types, filters_have_words_for_what_they_cannot_do)
{
	all("filter", "v | ");
	cr_expect_gt(count, 30000);
}

Test(template_types, tests_have_words_for_what_they_cannot_do)
{
	all("test", "v is ");
	cr_expect_gt(count, 10000);
}

Test(template_types, methods_have_words_for_what_they_cannot_do)
{
	static const char *const kinds[] = { "str", "list", "dict", "tuple", "int", "float", "datetime", "timedelta" };
	for (size_t i = 0; i < sizeof(kinds) / sizeof(kinds[0]); i++)
		all(kinds[i], "v.");
	cr_expect_gt(count, 10000);
}

Test(template_types, operators_have_words_for_what_they_cannot_do)
{
	static const char *const forms[] = { "v + a", "v - a", "v * a", "v / a", "v // a", "v % a", "v ** a", "v ~ a", "v in a", "v == a", "v < a",
		                                 "v >= a", "v[a]", "v[a:b]", "v[::a]", "v.k", "v(a)", "v(k=a)", "v if a else b", "[v, a] | max",
		                                 "{v: a}", "dict(v, **a)", "range(v, a, b)", "'%d %s %5.2f %x %c' % v", "'{:5} {k} {0.a[b]}'.format(v, k=a)",
		                                 "'%*.*f' % (a, b, v)", "cycler(v).next(a)", "joiner(v)()", "namespace(v)", "undef(v)", "now(v, a)",
		                                 "v | map(a, b) | list", "v | map(attribute=a, default=b)", "v | select(a, b)", "v | selectattr(a, b, c)",
		                                 "v | comment(prefix=a, postfix_count=b)", "v | product(repeat=a)", "v | zip(*a)", "v | combine(a, list_merge=b)",
		                                 "v | to_json(indent=a, separators=b)", "v | regex_search(a, b)", "v | zip_longest(a, fillvalue=b)",
		                                 "v | to_nice_yaml(indent=a, width=b, sort_keys=c)", "v | to_yaml(default_flow_style=a, allow_unicode=b)",
		                                 "lookup('dict', v)", "lookup('subelements', v, a, b)", "query('sequence', v, count=a, format=b)",
		                                 "query('nested', v, a)", "query('first_found', v, paths=a)", "query(v, a)", "query('varnames', v)",
		                                 "query('vars', v, default=a)", "query('indexed_items', v)", "query('random_choice', v)",
		                                 "query('csvfile', v, file=a)", "query('ini', v, section=a)", "query('env', v)", "query('file', v)",
		                                 "query('template', v)", "query('fileglob', v)", "query('together', v, a)", "lookup('vars', v, errors=a)",
		                                 "query('password', '/dev/null', length=v, chars=a, seed=b)", "query('inventory_hostnames', v)" };
	for (size_t i = 0; i < sizeof(forms) / sizeof(forms[0]); i++)
		turn(forms[i], 1);
	cr_expect_gt(count, 30000);
}
