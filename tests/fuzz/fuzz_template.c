/* Fuzzes the template engine: whatever the text is, its lexer, parser and evaluation must return within their bounds; a text that is
 * refused has words for it; what is evaluated twice is the same; and what cannot be compiled cannot be evaluated.
 * The first byte says what the rest is: an expression, a template file, or a value. Lookups can reach commands and files,
 * so a text that could name one is passed over.
 * covers: lua/template.c lua/native_yaml.c */
#include <stdint.h>
#include <stdio.h>
#include <string.h>

#include "base/mem.h"
#include "lua/template.h"

static void require(bool truth, const char *what)
{
	if (truth)
		return;
	fprintf(stderr, "fuzz_template: %s\n", what);
	abort();
}

struct names {
	json_t *variables;
	int asked;
};

static bool find(void *context, const char *name, json_t **value, bool *final)
{
	*value = json_object_get(((struct names *)context)->variables, name);
	*final = strcmp(name, "fact") == 0;
	return *value != NULL;
}

static void each(void *context, void (*offer)(void *to, const char *name), void *to)
{
	const char *key;
	json_t *value;
	json_object_foreach(((struct names *)context)->variables, key, value)
		offer(to, key);
}

/* An input is not worth more than a moment: what takes longer is ended as by Ctrl-C. */
static bool cancelled(void *context)
{
	return ++((struct names *)context)->asked > 2000;
}

static int open_sealed(void *context, const char *sealed, size_t length, const struct secret **plain, struct err *err)
{
	(void)context;
	(void)sealed;
	*plain = NULL;
	return err_set(err, ERR_INPUT, "%zu bytes cannot be opened", length);
}

static const char variables_text[] =
    "{\"n\": 5, \"f\": 2.5, \"s\": \"text\", \"t\": \"{{ n }}\", \"loop\": \"{{ loop }}\", \"l\": [3, \"{{ t }}\", [1]], \"none\": null,"
    " \"d\": {\"k\": \"{{ n + 1 }}\", \"x\": {\"y\": [1, 2]}}, \"fact\": {\"a\": \"{{ n }}\"}, \"y\": \"a: [1, {b: c}]\\n\","
    " \"v\": {\"__ansible_vault\": \"$ANSIBLE_VAULT;1.1;AES256\\n00\\n\"}, \"u\": {\"__ansible_unsafe\": \"{{ n }}\"}}";

static struct template_vm *vm;
static struct names names;
static const struct template_scope scope = {
    .context = &names, .find = find, .each = each, .services = &names, .cancelled = cancelled, .open_sealed = open_sealed,
    .directory = "/nonexistent",
};

static bool is_word(char c) { return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || c == '_'; }

/* Whether the text has a word by which lookups are called, or the filter that walks through folders. */
static bool names_lookup(const char *text, size_t length)
{
	static const char *const words[] = {"lookup", "query", "q", "fileglob"};
	for (size_t i = 0; i < length; i++)
		for (size_t w = 0; w < sizeof(words) / sizeof(words[0]); w++) {
			size_t end = i + strlen(words[w]);
			if (end <= length && memcmp(text + i, words[w], end - i) == 0 && (i == 0 || !is_word(text[i - 1])) &&
			    (end == length || !is_word(text[end])))
				return true;
		}
	return false;
}

static void offer(void *to, const char *name)
{
	require(name && *name, "a name that is empty");
	(*(int *)to)++;
}

static void check_failed(int status, const struct err *err)
{
	require(status == 0 || err->text[0], "a fault without words");
	require(status == 0 || err->os_error != TEMPLATE_WORDLESS, "a fault of the engine itself");
}

static void fuzz_expression(const char *text)
{
	struct err err = ERR_INIT, unread = ERR_INIT;
	auto_json json_t *result = NULL;
	auto_json json_t *condition = json_string(text);
	int count = 0;
	bool truth;
	int checked = template_check(vm, text, true, &unread);
	check_failed(checked, &unread);
	int status = template_expression(vm, text, &scope, &result, &err);
	check_failed(status, &err);
	require(checked == 0 || status < 0, "it is evaluated although it cannot be compiled");
	require((status == 0) == (result != NULL), "status and result differ");
	err = (struct err)ERR_INIT;
	require(template_names(vm, text, true, offer, &count, &err) < 0 || checked == 0, "names of what cannot be compiled");
	if (!condition)
		return;
	err = (struct err)ERR_INIT;
	names.asked = 0;
	check_failed(template_condition(vm, condition, &scope, &truth, &err), &err);
}

static void fuzz_file(const char *text, size_t length)
{
	static const struct template_settings other = {
	    .lstrip_blocks = true, .newline = "\r\n", .variable_start = "<<", .variable_end = ">>"};
	struct err err = ERR_INIT;
	auto_free char *result = NULL;
	size_t got = 0;
	const bool is_other = length % 2 == 1;
	int status = template_text(vm, "fuzz.j2", text, length, is_other ? &other : NULL, &scope, &result, &got, &err);
	check_failed(status, &err);
	require(status < 0 || result, "there is no text");
}

static void fuzz_value(const char *text, size_t length)
{
	struct err err = ERR_INIT;
	auto_json json_t *value = json_loadb(text, length, JSON_DECODE_ANY, NULL);
	auto_json json_t *result = NULL;
	bool omitted = false, truth;
	if (!value && !(value = json_stringn(text, length)))
		return;
	int status = template_value(vm, value, &scope, &result, &omitted, &err);
	check_failed(status, &err);
	err = (struct err)ERR_INIT;
	names.asked = 0;
	check_failed(template_condition(vm, value, &scope, &truth, &err), &err);
	require(status < 0 || omitted || result, "there is no value");
}

int LLVMFuzzerInitialize(int *count, char ***arguments);

int LLVMFuzzerInitialize(int *count, char ***arguments)
{
	(void)count;
	(void)arguments;
	names.variables = json_loads(variables_text, 0, NULL);
	require(names.variables != NULL, "the variables cannot be read");
	vm = template_vm_new();
	return 0;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	if (size == 0)
		return 0;
	auto_free char *text = mem_strndup((const char *)data + 1, size - 1);
	if (names_lookup(text, size - 1))
		return 0;
	names.asked = 0;
	switch (data[0]) {
	case 'e': fuzz_expression(text); break;
	case 'f': fuzz_file(text, size - 1); break;
	default: fuzz_value(text, size - 1);
	}
	return 0;
}
