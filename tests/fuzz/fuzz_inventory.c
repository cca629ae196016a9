/* Inventories from INI and JSON, and patterns on them.
 * covers: core/model/inventory_ini.c core/model/inventory_json.c core/model/host_range.c core/model/shell_words.c
 * covers: core/model/python_literal.c core/model/inventory_match.c */
#include <stdint.h>
#include <stdlib.h>

#include "model/inventory_parts.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

/* What follows the last line that begins with "?" is a pattern. */
static void patterns_try(struct inventory *inventory, const char *text, struct problems *problems)
{
	for (const char *at = text; (at = strstr(at, "\n?")); at += 2) {
		auto_free char *pattern = strndup(at + 2, strcspn(at + 2, "\n"));
		struct err err = ERR_INIT;
		auto_free struct host **hosts = NULL;
		size_t count;
		if (strchr(pattern, '@') || inventory_match(inventory, pattern, &hosts, &count, problems, &err) < 0)
			continue;
		for (size_t i = 0; i < count; i++)
			if (!hosts[i]->name)
				abort();
	}
}

/* inventory_load wants files; the readers take what is in memory. */
int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct inventory *inventory;
	auto_problems struct problems problems = PROBLEMS_INIT;
	if (inventory_load(&inventory, NULL, 0, NULL, &problems) < 0)
		abort();
	auto_free char *text = strndup((const char *)data, size);
	size_t length = strlen(text);
	struct document *document;
	if (*text != '{') {
		inventory_ini_read(inventory, "fuzz.ini", text, length, &problems);
	} else if (document_parse(&document, "fuzz.json", text, strcspn(text, "?"), &problems) == 0) {
		inventory_keep_document(inventory, document);
		inventory_json_read(inventory, document_root(document), NULL, &problems);
	}
	inventory_settle(inventory, &problems);
	patterns_try(inventory, text, &problems);
	json_decref(inventory_list(inventory));
	auto_buf struct buf out = BUF_INIT;
	inventory_graph(inventory, "all", true, &out);
	problems_print(&problems, &out, false);
	inventory_free(inventory);
	return 0;
}
