/* The YAML reader against what Ansible's own loader read (yaml/record.py). */
#include <string.h>

#include <criterion/criterion.h>

#include "base/buf.h"
#include "base/mem.h"
#include "cli/convert.h"
#include "model/document.h"

static json_t *load(const char *name)
{
	char path[4096];
	const char *folder = getenv("YAML_CASES");
	json_error_t why;
	snprintf(path, sizeof(path), "%s/%s", folder ? folder : "tests/compat/yaml", name);
	json_t *value = json_load_file(path, JSON_ALLOW_NUL, &why);
	cr_assert_not_null(value, "%s: %s", path, why.text);
	return value;
}

/* Where each value begins, in the order of the document. */
static void add_places(struct buf *places, struct node node)
{
	bool wrapped = json_object_get(node.value, "__ansible_vault") || json_object_get(node.value, "__ansible_unsafe");
	buf_printf(places, "%s%d:%d", places->length ? " " : "", node.place.line, node.place.column);
	for (size_t i = 0; !wrapped && i < node_count(node); i++) {
		const char *key;
		add_places(places, json_is_object(node.value) ? node_member(node, i, &key) : node_at(node, i));
	}
}

/* Ansible knows the places of dictionaries, lists and texts only: an empty word stands for the others. */
static void compare_places(const char *text, struct node root, const char *wanted)
{
	auto_buf struct buf places = BUF_INIT;
	add_places(&places, root);
	char *rest = places.data, *given = mem_strdup(wanted), *given_rest = given;
	for (const char *one; (one = strsep(&given_rest, " "));) {
		const char *got = strsep(&rest, " ");
		cr_expect(got && (!*one || strcmp(got, one) == 0), "%s\n  a value is at %s and should be at %s (of %s)", text,
		          got ? got : "no place", one, wanted);
	}
	free(given);
}

/* What neap convert makes of it is the same value in JSON. */
static void compare_converted(const char *text, const struct document *document)
{
	for (int plain = 0; plain <= 1; plain++) {
		auto_problems struct problems problems = PROBLEMS_INIT;
		auto_buf struct buf json = BUF_INIT;
		struct convert_options options = { .plain = plain };
		struct document *again = NULL;
		convert_document(document, &options, &json);
		int status = document_parse_as(&again, DOCUMENT_JSON, "case.json", buf_text(&json), json.length, &problems);
		cr_expect(status == 0 && json_equal(document_root(again).value, document_root(document).value), "%s\n  converts to %s",
		          text, buf_text(&json));
		if (plain) {
			auto_json json_t *strict = json_loadb(json.data, json.length, JSON_DECODE_ANY | JSON_ALLOW_NUL, NULL);
			cr_expect(strict != NULL, "%s\n  converts to what is not strict JSON: %s", text, buf_text(&json));
		}
		document_free(again);
	}
}

static void compare(const json_t *one, const json_t *difference)
{
	const char *text = json_string_value(json_object_get(one, "text")), *where = json_string_value(json_object_get(one, "places"));
	const json_t *expected = json_object_get(difference ? difference : one, "result");
	auto_problems struct problems problems = PROBLEMS_INIT;
	struct document *document = NULL;
	int status = document_parse(&document, "case.yml", text, strlen(text), &problems);
	char *got = document ? json_dumps(document_root(document).value, JSON_ENCODE_ANY) : NULL;
	char *wanted = expected ? json_dumps(expected, JSON_ENCODE_ANY) : NULL;
	if (!expected)
		cr_expect(status < 0, "%s\n  gives %s\n  but Ansible has an error: %s", text, got ? got : "",
		          json_string_value(json_object_get(one, "error")));
	else
		cr_expect(got && strcmp(got, wanted) == 0, "%s\n  gives %s\n  but should %s", text,
		          got ? got : problems.items[0].text, wanted);
	cr_expect((status < 0) == (problems.errors > 0), "%s: a result without its problem, or the other way round", text);
	if (document && where && !difference)
		compare_places(text, document_root(document), where);
	if (document)
		compare_converted(text, document);
	free(got);
	free(wanted);
	document_free(document);
}

Test(yaml, agrees_with_ansible)
{
	json_t *recorded = load("recorded.json"), *differences = load("differences.json"), *one;
	const json_t *cases = json_object_get(recorded, "cases");
	size_t i, used = 0;
	json_array_foreach(cases, i, one) {
		const json_t *difference = json_object_get(differences, json_string_value(json_object_get(one, "text")));
		used += difference != NULL;
		compare(one, difference);
	}
	cr_expect(i > 1500, "only %zu cases", i);
	cr_expect_eq(used, json_object_size(differences), "a difference is listed that no case has");
	json_decref(recorded);
	json_decref(differences);
}
