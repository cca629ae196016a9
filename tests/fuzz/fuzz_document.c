/* Fuzzes the document reader: whatever the bytes are, it must return; what jansson takes it must take alike; and each value
 * must begin where its place says.
 * covers: core/model/document.c core/model/reader.c core/model/foreign.c core/model/position.c core/model/problem.c */
#include <ctype.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>
#include <sys/mman.h>

#include "base/mem.h"
#include "base/printable.h"
#include "model/document.h"

static void require(bool truth, const char *what)
{
	if (truth)
		return;
	fprintf(stderr, "fuzz_document: %s\n", what);
	abort();
}

/* The bytes of the character at a column of a line. */
static const char *at_column(const char *line, int column)
{
	size_t length = strlen(line), at = 0;
	for (int i = 1; i < column && at < length; i++) {
		size_t step = printable_utf8(line + at, length - at, NULL);
		at += step ? step : 1;
	}
	return line + at;
}

static bool begins_like(const json_t *value, char c)
{
	switch (json_typeof(value)) {
	case JSON_OBJECT: return c == '{';
	case JSON_ARRAY: return c == '[';
	case JSON_STRING: return c == '"';
	case JSON_TRUE: return c == 't';
	case JSON_FALSE: return c == 'f';
	case JSON_NULL: return c == 'n';
	default: return c == '-' || isdigit((unsigned char)c);
	}
}

static void check_node(struct node node)
{
	auto_free char *line = document_line(node.document, node.place.line);
	require(line != NULL, "a value stands on a line that is not there");
	if (!strchr(line, '\r')) /* the message's copy ends before the line does where NULs are inside; those are refused */
		require(begins_like(node.value, *at_column(line, node.place.column)), "a value is not where its place says");
	auto_free char *where = node_where(node), *text = node_text(node.value);
	require(*where && *text && *node_kind(node.value), "a value without words for it");
}

static void walk(struct node node)
{
	check_node(node);
	for (size_t i = 0; i < node_count(node); i++) {
		const char *key = NULL;
		struct node inner = json_is_object(node.value) ? node_member(node, i, &key) : node_at(node, i);
		require(inner.value != NULL, "a member is missing");
		if (key) {
			struct node again = node_get(node, key);
			require(again.value == inner.value && again.place.column == inner.place.column, "a key finds another member");
		}
		walk(inner);
	}
	const char *key = NULL;
	require(!node_at(node, node_count(node)).value && !node_member(node, node_count(node), &key).value,
	        "there is a member beyond the last");
}

static void report_at(struct node node, struct problems *problems)
{
	node_problem(problems, node, "hint", "error");
	node_problem_key(problems, node, NULL, "error");
	node_warning(problems, node, NULL, "warning");
	auto_buf struct buf shown = BUF_INIT;
	problems_print(problems, &shown, true);
	require(shown.length > 0, "problems print nothing");
}

/* The same through a file. */
static struct document *load(const uint8_t *data, size_t size, struct problems *problems)
{
	auto_close int fd = memfd_create("fuzz", MFD_CLOEXEC);
	if (fd < 0 || write(fd, data, size) != (ssize_t)size)
		return NULL;
	char path[64];
	snprintf(path, sizeof(path), "/proc/self/fd/%d", fd);
	struct document *document = NULL;
	/* The file's beginning tells the format; a vault without secrets opens nothing. */
	struct vault *vault = vault_new();
	int result = document_load(&document, path, vault, problems);
	require((result == 0) == (document != NULL) && (result < 0) == (problems->errors > 0), "result and problems differ");
	document_free(document);
	vault_free(vault);
	static const char *const names[] = { "fuzz.yml", "fuzz", "fuzz.json" };
	for (size_t i = 0; i < sizeof(names) / sizeof(*names); i++) {
		auto_problems struct problems others = PROBLEMS_INIT;
		result = document_parse(&document, names[i], (const char *)data, size, &others);
		require((result == 0) == (document != NULL), "result and document differ");
		document_free(document);
	}
	problems_release(problems);
	*problems = (struct problems)PROBLEMS_INIT;
	result = document_parse_as(&document, DOCUMENT_JSON, path, (const char *)data, size, problems);
	require((result == 0) == (document != NULL) && (result < 0) == (problems->errors > 0), "result and problems differ");
	return document;
}

static bool too_deep(const struct problems *problems)
{
	for (size_t i = 0; i < problems->count; i++)
		if (strstr(problems->items[i].text, "nested deeper"))
			return true;
	return false;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	auto_problems struct problems problems = PROBLEMS_INIT;
	struct document *document = load(data, size, &problems);
	bool comparable = size && !memchr(data, 0, size); /* jansson lets a NUL pass behind a number */
	auto_json json_t *expected = comparable ? json_loadb((const char *)data, size, JSON_DECODE_ANY | JSON_REJECT_DUPLICATES,
	                                                     NULL) : NULL;
	if (expected && !document)
		require(too_deep(&problems), "jansson takes what was refused");
	if (document) {
		require(*document_name(document) == '/', "a document without its name");
		struct node root = document_root(document);
		require(!expected || json_equal(expected, root.value), "jansson reads another value");
		walk(root);
		report_at(root, &problems);
		struct node alone = node_of(root.value);
		const char *key = NULL;
		node_member(alone, 1, &key);
		node_problem(&problems, alone, NULL, "nowhere");
		auto_free char *nowhere = node_where(alone);
		require(!*nowhere, "a value in memory has a place");
		document_free(document);
	} else {
		auto_buf struct buf shown = BUF_INIT;
		struct err first = ERR_INIT;
		problems_print(&problems, &shown, false);
		require(problems_first(&problems, "none", &first) < 0 && first.text[0], "the first problem says nothing");
	}
	return 0;
}
