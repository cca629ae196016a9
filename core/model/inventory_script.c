/* Inventories that a program prints: it is run with --list, and with --host NAME where --list has no _meta. */
#include <errno.h>
#include <string.h>

#include "base/child.h"
#include "base/mem.h"
#include "model/inventory_parts.h"

enum { TELLS_LINES = 5 }; /* of its stderr, when it fails */

/* The last lines of what it wrote to stderr, on one. */
static char *last_lines(struct buf *text)
{
	while (text->length && strchr(" \r\n\t", text->data[text->length - 1]))
		text->length--;
	if (!text->length)
		return NULL;
	text->data[text->length] = '\0';
	char *start = text->data + text->length;
	for (int lines = 0; start > text->data; start--)
		if (start[-1] == '\n' && ++lines == TELLS_LINES)
			break;
	auto_buf struct buf line = BUF_INIT;
	buf_str(&line, "it said: ");
	for (const char *c = start; *c; c++) {
		if (*c == '\n')
			buf_str(&line, " / ");
		else
			buf_char(&line, *c);
	}
	return buf_take(&line);
}

/* Runs it and reads what it prints. NULL after a fault, which is told, or where it cannot be executed (*refused). */
static struct document *script_run(struct inventory *inventory, const char *path, const char *option, const char *host,
                                   bool *refused, struct problems *problems)
{
	auto_free char *program = strchr(path, '/') ? mem_strdup(path) : mem_printf("./%s", path);
	auto_free char *name = mem_printf("%s %s%s%s", path, option, host ? " " : "", host ? host : "");
	const char *const argv[] = { program, option, host, NULL };
	struct child_run run = { .argv = argv, .timeout_ms = INVENTORY_SCRIPT_MS, .output_most = DOCUMENT_MAX_BYTES };
	auto_buf struct buf out = BUF_INIT;
	auto_buf struct buf said = BUF_INIT;
	struct err err = ERR_INIT;
	struct document *document;
	int status;
	*refused = false;
	if (child_run(&run, &out, &said, &status, &err) < 0) {
		*refused = err.os_error == ENOEXEC || err.os_error == EACCES;
		if (!*refused)
			problem_add(problems, PROBLEM_ERROR, (struct place){ .file = path }, NULL,
			            err.os_error == ENOENT ? "is the interpreter in its first line installed?" : NULL, "%s", err.text);
		return NULL;
	}
	if (status != 0) {
		auto_free char *hint = last_lines(&said);
		problem_add(problems, PROBLEM_ERROR, (struct place){ .file = path }, NULL, hint,
		            "the inventory program ended with status %d (%s)", status, name);
		return NULL;
	}
	const char *text = host && !out.length ? "{}" : buf_text(&out);
	if (document_parse_as(&document, DOCUMENT_JSON, name, text, strlen(text), problems) < 0) {
		auto_free char *hint = last_lines(&said);
		if (hint)
			problem_add(problems, PROBLEM_ERROR, (struct place){ .file = path }, NULL, hint, "it did not print JSON (%s)", name);
		return NULL;
	}
	inventory_keep_document(inventory, document);
	return document;
}

int inventory_script_read(struct inventory *inventory, const char *path, struct problems *problems)
{
	bool refused;
	struct document *document = script_run(inventory, path, "--list", NULL, &refused, problems);
	if (document)
		inventory_json_read(inventory, document_root(document), path, problems);
	return refused ? 1 : 0;
}

void inventory_script_host(struct inventory *inventory, const char *path, struct host *host, struct problems *problems)
{
	bool refused;
	struct document *document = script_run(inventory, path, "--host", host->name, &refused, problems);
	if (!document)
		return;
	struct node root = document_root(document);
	if (!json_is_object(root.value)) {
		node_problem(problems, root, NULL, "the variables of a host are a dictionary, not %s", node_kind(root.value));
		return;
	}
	const char *key;
	json_t *value;
	json_object_foreach(root.value, key, value)
		host_put_var(inventory, host, key, json_incref(value));
}
