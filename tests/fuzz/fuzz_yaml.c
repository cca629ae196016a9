/* Fuzzes the YAML reader: whatever the bytes are, it must return; each value must have a place in the text; what is JSON must
 * read as the same value; and what is read must not grow beyond its bound when aliases are written out.
 * covers: core/model/yaml.c core/model/yaml_scalar.c core/model/yaml_fault.c core/model/yaml_comment.c core/cli/convert.c */
#include <stdint.h>
#include <stdio.h>
#include <string.h>

#include "base/mem.h"
#include "cli/convert.h"
#include "model/document.h"

static void require(bool truth, const char *what)
{
	if (truth)
		return;
	fprintf(stderr, "fuzz_yaml: %s\n", what);
	abort();
}

static size_t walk(struct node node, int depth)
{
	require(depth <= DOCUMENT_MAX_DEPTH + 1, "nested too deep");
	size_t count = 1, members = node_count(node);
	auto_free char *line = document_line(node.document, node.place.line);
	require(line || node.place.line == 1 || members == 0, "a value stands on a line that is not there");
	for (size_t i = 0; i < members; i++) {
		const char *key = NULL;
		struct node inner = json_is_object(node.value) ? node_member(node, i, &key) : node_at(node, i);
		require(inner.value != NULL, "a member is missing");
		require(inner.place.line >= 1 && inner.place.column >= 1, "a member without a place");
		if (key)
			require(node_get(node, key).value == inner.value, "a key finds another member");
		if (count < 100000)
			count += walk(inner, depth + 1);
	}
	return count;
}

static void check_same_as_json(const char *text, size_t size, const struct document *document)
{
	auto_problems struct problems problems = PROBLEMS_INIT;
	struct document *json = NULL;
	bool is_json = document_parse_as(&json, DOCUMENT_EITHER, "fuzz", text, size, &problems) == 0;
	require(!document || is_json, "YAML alone reads it, but not where JSON may be, too");
	document_free(json);
}

static char *renamed(void *context, struct node name)
{
	(void)context;
	return *json_string_value(name.value) == 'r' ? mem_strdup("r") : NULL;
}

/* What neap convert writes is the same value. */
static void check_converted(const struct document *document, bool plain)
{
	auto_problems struct problems problems = PROBLEMS_INIT;
	auto_buf struct buf json = BUF_INIT;
	struct convert_options options = { .plain = plain, .renamed = plain ? NULL : renamed };
	struct document *again = NULL;
	convert_document(document, &options, &json);
	int result = document_parse_as(&again, DOCUMENT_JSON, "fuzz.json", buf_text(&json), json.length, &problems);
	require(result == 0, "it is converted to what cannot be read");
	require(!plain || json_equal(document_root(again).value, document_root(document).value), "it is converted to another value");
	document_free(again);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	auto_problems struct problems problems = PROBLEMS_INIT;
	struct document *document = NULL;
	int result = document_parse_as(&document, DOCUMENT_YAML, "fuzz.yml", (const char *)data, size, &problems);
	require((result == 0) == (document != NULL) && (result < 0) == (problems.errors > 0), "result and problems differ");
	check_same_as_json((const char *)data, size, document);
	if (document && walk(document_root(document), 1) < 100000) {
		check_converted(document, false);
		check_converted(document, true);
	}
	auto_buf struct buf shown = BUF_INIT;
	problems_print(&problems, &shown, false);
	require(document || shown.length, "a fault without words");
	document_free(document);
	return 0;
}
