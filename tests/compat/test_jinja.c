/* Expressions and templates against what Ansible's own templar made of them (jinja/record.py, jinja/chance.py). */
#include <criterion/criterion.h>

#include "base/buf.h"
#include "lua/template.h"

static bool find(void *context, const char *name, json_t **value, bool *final)
{
	*value = json_object_get(context, name);
	*final = true;
	return *value != NULL;
}

static json_t *load(const char *name)
{
	char path[4096];
	const char *folder = getenv("JINJA_CASES");
	json_error_t why;
	snprintf(path, sizeof(path), "%s%s%s", *name == '/' ? "" : folder ? folder : "tests/compat/jinja", *name == '/' ? "" : "/", name);
	json_t *value = json_load_file(path, 0, &why);
	cr_assert_not_null(value, "%s: %s", path, why.text);
	return value;
}

static int evaluate(struct template_vm *vm, const struct template_scope *scope, const json_t *one, json_t **result,
                    struct err *err)
{
	const char *expression = json_string_value(json_object_get(one, "expression"));
	if (expression)
		return template_expression(vm, expression, scope, result, err);
	const char *text = json_string_value(json_object_get(one, "template"));
	char *bytes = NULL;
	size_t length = 0;
	if (template_text(vm, "case", text, strlen(text), NULL, scope, &bytes, &length, err) < 0)
		return -1;
	*result = json_stringn(bytes, length);
	free(bytes);
	return 0;
}

static const char *case_text(const json_t *one)
{
	const json_t *text = json_object_get(one, "expression");
	return json_string_value(text ? text : json_object_get(one, "template"));
}

/* What neap must give: Ansible's result, or what differences.json says. NULL: an error. */
static const json_t *expected_of(const json_t *one, const json_t *differences)
{
	const json_t *difference = json_object_get(differences, case_text(one));
	return json_object_get(difference ? difference : one, "result");
}

static void compare(struct template_vm *vm, const struct template_scope *scope, const json_t *one, const json_t *differences)
{
	struct err err = ERR_INIT;
	json_t *result = NULL;
	const json_t *expected = expected_of(one, differences);
	int status = evaluate(vm, scope, one, &result, &err);
	char *got = result ? json_dumps(result, JSON_ENCODE_ANY | JSON_SORT_KEYS) : NULL;
	char *wanted = expected ? json_dumps(expected, JSON_ENCODE_ANY | JSON_SORT_KEYS) : NULL;
	if (!expected)
		cr_expect(status < 0, "%s\n  gives %s\n  but Ansible has an error: %s", case_text(one), got ? got : "",
		          json_string_value(json_object_get(one, "error")));
	else
		cr_expect(status == 0 && got && strcmp(got, wanted) == 0, "%s\n  gives %s\n  but should %s", case_text(one),
		          got ? got : err.text, wanted);
	cr_expect(status == 0 || err.text[0], "%s: an error without a text", case_text(one));
	cr_expect(err.os_error != TEMPLATE_WORDLESS, "%s: an error of the engine itself: %s", case_text(one), err.text);
	free(got);
	free(wanted);
	json_decref(result);
}

static void compare_all(const char *name, size_t least)
{
	json_t *variables = load("variables.json");
	json_t *record = load(name), *recorded = json_object_get(record, "cases");
	json_t *differences = load("differences.json");
	const char *folder = getenv("JINJA_CASES");
	const struct template_scope scope = {.context = variables, .find = find, .directory = folder ? folder : "tests/compat/jinja"};
	struct template_vm *vm = template_vm_new();
	setenv("TZ", "UTC", 1);
	cr_assert_geq(json_array_size(recorded), least);
	for (size_t i = 0; i < json_array_size(recorded); i++)
		compare(vm, &scope, json_array_get(recorded, i), differences);
	template_vm_free(vm);
	json_decref(variables);
	json_decref(record);
	json_decref(differences);
}

Test(jinja, agrees_with_ansible)
{
	compare_all("recorded.json", 1500);
}

/* What generate.py made of a seed; $JINJA_RECORD: a record made just now, of another one. */
Test(jinja, agrees_with_ansible_where_chance_leads)
{
	const char *record = getenv("JINJA_RECORD");
	compare_all(record ? record : "chance.json", 700);
}
