/* What all parts of the playbook loader do alike: reading files once, refusing cycles, checking keywords. */
#include "model/loader.h"

#include <ctype.h>
#include <string.h>
#include <sys/stat.h>

#include "base/mem.h"
#include "base/suggest.h"

/* ---- files ---- */

char *loader_directory(const char *path)
{
	const char *slash = strrchr(path, '/');
	if (!slash)
		return mem_strdup(".");
	return mem_strndup(path, slash == path ? 1 : (size_t)(slash - path));
}

char *loader_join(const char *directory, const char *name)
{
	if (*name == '/' || strcmp(directory, ".") == 0)
		return mem_strdup(name);
	return mem_printf("%s%s%s", directory, directory[strlen(directory) - 1] == '/' ? "" : "/", name);
}

char *loader_converted_name(const char *name)
{
	const char *dot = strrchr(name, '.');
	if (!dot || (strcmp(dot, ".yml") != 0 && strcmp(dot, ".yaml") != 0))
		return NULL;
	return mem_printf("%.*s.json", (int)(dot - name), name);
}

bool loader_is_file(const char *path)
{
	struct stat status;
	return stat(path, &status) == 0 && !S_ISDIR(status.st_mode);
}

bool loader_is_folder(const char *path)
{
	struct stat status;
	return stat(path, &status) == 0 && S_ISDIR(status.st_mode);
}

char *loader_find_stem(const char *stem, bool as_named)
{
	static const char *const extensions[] = { "", ".yml", ".yaml", ".json", "" };
	for (size_t i = as_named ? 0 : 1; i < sizeof(extensions) / sizeof(*extensions); i++) {
		auto_free char *path = mem_printf("%s%s", stem, extensions[i]);
		if (loader_is_file(path))
			return steal(path);
	}
	return NULL;
}

bool loader_enter(const struct loading **stack, struct loading *frame, const char *path, struct node at,
                  struct problems *problems)
{
	struct stat status;
	*frame = (struct loading){ .outer = *stack };
	if (stat(path, &status) == 0) { /* where it fails, reading it will say so */
		frame->device = status.st_dev;
		frame->inode = status.st_ino;
	}
	for (const struct loading *outer = *stack; outer && frame->inode; outer = outer->outer)
		if (outer->inode == frame->inode && outer->device == frame->device) {
			node_problem(problems, at, "include_tasks with a condition may go round",
			             "%s brings in itself, without an end", path);
			return false;
		}
	*stack = frame;
	return true;
}

void loader_leave(const struct loading **stack) { *stack = (*stack)->outer; }

struct document *loader_read(struct loader *loader, const char *path)
{
	struct playbook *playbook = loader->playbook;
	for (size_t i = 0; i < playbook->document_count; i++)
		if (strcmp(document_name(playbook->documents[i]), path) == 0)
			return playbook->documents[i];
	struct document *document = NULL;
	if (document_load(&document, path, loader->modules->vault, loader->problems) < 0)
		return NULL;
	mem_grow(playbook->documents, playbook->document_count, playbook->document_room);
	return playbook->documents[playbook->document_count++] = document;
}

void loader_library(struct loader *loader, const char *directory)
{
	struct playbook *playbook = loader->playbook;
	auto_free char *path = loader_join(directory, "library");
	for (size_t i = 0; i < playbook->library_count; i++)
		if (strcmp(playbook->libraries[i], path) == 0)
			return;
	if (!loader_is_folder(path))
		return;
	if (loader->modules->library)
		loader->modules->library(loader->modules->context, path, loader->problems);
	mem_grow(playbook->libraries, playbook->library_count, playbook->library_room);
	playbook->libraries[playbook->library_count++] = steal(path);
}

/* ---- values ---- */

bool loader_is_template(const char *text) { return strstr(text, "{{") || strstr(text, "{%") || strstr(text, "{#"); }

/* What is sealed in a value is not known before it is opened. */
static bool is_template(const json_t *value)
{
	return vault_value_is_text(value) || (json_is_string(value) && loader_is_template(json_string_value(value)));
}

bool playbook_is_identifier(const char *text)
{
	static const char *const reserved[] = { "and", "or", "not", "in", "is", "if", "else", "true", "false", "none",
	                                        "True", "False", "None" };
	if (!isalpha((unsigned char)*text) && *text != '_')
		return false;
	for (const char *c = text; *c; c++)
		if (!isalnum((unsigned char)*c) && *c != '_')
			return false;
	for (size_t i = 0; i < sizeof(reserved) / sizeof(*reserved); i++)
		if (strcmp(text, reserved[i]) == 0)
			return false;
	return true;
}

static void check_names(struct problems *problems, struct node vars)
{
	for (size_t i = 0; json_is_array(vars.value) && i < node_count(vars); i++)
		check_names(problems, node_at(vars, i));
	for (size_t i = 0; i < json_object_size(vars.value); i++) {
		const char *name;
		struct node value = node_member(vars, i, &name);
		if (!playbook_is_identifier(name))
			node_problem_key(problems, value, "letters, digits and _ only, not first a digit, and no word of the language",
			                 "\"%s\" cannot name a variable", name);
	}
}

void loader_check_vars(struct loader *loader, struct node vars) { check_names(loader->problems, vars); }

int playbook_load_vars(struct document **document, const char *path, struct vault *vault, struct problems *problems)
{
	size_t before = problems->errors;
	if (document_load(document, path, vault, problems) < 0)
		return -1;
	struct node root = document_root(*document);
	if (!json_is_object(root.value) && !json_is_null(root.value))
		node_problem(problems, root, "{ \"name\": value, ... }", "a file of variables holds a dictionary, not %s",
		             node_kind(root.value));
	check_names(problems, root);
	if (problems->errors == before)
		return 0;
	document_free(*document);
	*document = NULL;
	return -1;
}

static bool is_whole(const json_t *value)
{
	const char *text = json_string_value(value);
	return json_is_integer(value) ||
	       (text && *text && strspn(text + (*text == '-'), "0123456789") == strlen(text + (*text == '-')));
}

static bool is_percent(const json_t *value)
{
	const char *text = json_string_value(value);
	if (!text)
		return json_is_number(value);
	size_t number = strspn(text, "0123456789.");
	return number > 0 && (text[number] == '\0' || strcmp(text + number, "%") == 0);
}

static bool all_elements(const json_t *list, bool (*is)(const json_t *))
{
	size_t i;
	json_t *element;
	json_array_foreach(list, i, element) {
		if (!is(element))
			return false;
	}
	return true;
}

static bool is_text(const json_t *value) { return json_is_string(value) || json_is_integer(value); }

static bool is_condition(const json_t *value) { return json_is_string(value) || json_is_boolean(value) || json_is_number(value); }

static bool is_dictionary(const json_t *value) { return json_is_object(value) || is_template(value); }

static bool is_prompt(const json_t *value) { return json_is_string(json_object_get(value, "name")); }

static bool is_batch(const json_t *value) { return is_percent(value) || is_template(value); }

/* Keywords of type any whose values have a shape all the same. NULL: it fits; else what it must be. */
static const char *shape_fault(const char *name, const json_t *value)
{
	bool is_list = json_is_array(value);
	if (strcmp(name, "serial") == 0)
		return (is_list ? all_elements(value, is_batch) : is_percent(value)) ? NULL
			: "a number, a percentage such as \"30%\", or a list of them";
	if (strcmp(name, "environment") == 0 || strcmp(name, "module_defaults") == 0)
		return (is_list ? all_elements(value, is_dictionary) : json_is_object(value)) ? NULL
			: "a dictionary, or a list of dictionaries";
	if (strcmp(name, "vars_prompt") == 0)
		return (is_list ? all_elements(value, is_prompt) : is_prompt(value)) ? NULL
			: "a list of dictionaries, each with name";
	if (strcmp(name, "delay") == 0)
		return json_is_number(value) || is_percent(value) ? NULL : "a number of seconds";
	if (strcmp(name, "loop") == 0 || strcmp(name, "with_list") == 0)
		return is_list ? NULL : "a list";
	if (strcmp(name, "action") == 0 || strcmp(name, "local_action") == 0)
		return json_is_string(value) || json_is_object(value) ? NULL : "a string, or a dictionary with the key \"module\"";
	return NULL;
}

/* NULL: it fits; else what it must be. */
static const char *type_fault(const struct keyword *keyword, const json_t *value)
{
	switch (keyword->type) {
	case KEYWORD_STRING:
		return json_is_string(value) ? NULL : "a string";
	case KEYWORD_BOOL:
		return keyword_bool(value) >= 0 ? NULL : "true or false";
	case KEYWORD_INT:
		return is_whole(value) ? NULL : "a whole number";
	case KEYWORD_PERCENT:
		return is_percent(value) ? NULL : "a number, or a percentage such as \"30%\"";
	case KEYWORD_LIST:
		return is_text(value) || (json_is_array(value) && all_elements(value, is_text)) ? NULL
			: "a string or a list of strings";
	case KEYWORD_DICT:
		if (strcmp(keyword->name, "vars") == 0 && json_is_array(value) && all_elements(value, is_dictionary))
			return NULL;
		return json_is_object(value) ? NULL : "a dictionary";
	case KEYWORD_CONDITION:
		return is_condition(value) || (json_is_array(value) && all_elements(value, is_condition)) ? NULL
			: "an expression, true or false, or a list of them";
	case KEYWORD_TASKS:
		return json_is_array(value) ? NULL : "a list of tasks";
	default:
		return shape_fault(keyword->name, value);
	}
}

/* ---- keywords ---- */

static const char *places_of(unsigned places)
{
	if (places & KEYWORD_PLAY)
		return "plays";
	return places & KEYWORD_TASK ? "tasks" : places & KEYWORD_BLOCK ? "blocks" : "handlers";
}

/* Whether a word is one of those that the keyword has. */
static bool is_chosen(struct loader *loader, const struct keyword *keyword, struct node value)
{
	const char *const *choices = keyword_choices(keyword), *text = json_string_value(value.value);
	struct suggest suggest;
	auto_buf struct buf hint = BUF_INIT;
	suggest_start(&suggest, text ? text : "");
	for (size_t i = 0; choices && text && choices[i]; i++) {
		if (strcmp(text, choices[i]) == 0)
			return true;
		suggest_offer(&suggest, choices[i]);
		buf_printf(&hint, "%s%s", i ? ", " : "it is one of ", choices[i]);
	}
	if (!choices || !text)
		return true;
	auto_free char *near = suggest.best ? mem_printf("did you mean \"%s\"?", suggest.best) : NULL;
	node_problem(loader->problems, value, near ? near : buf_text(&hint), "neap has no %s \"%s\"", keyword->name, text);
	return false;
}

/* The element that must be something else, where the keyword can be a list and one element alone would do; else the list. */
static struct node wrong_element(const struct keyword *keyword, struct node list)
{
	auto_json json_t *none = json_array();
	for (size_t i = 0; i < node_count(list) && !type_fault(keyword, none); i++) {
		struct node element = node_at(list, i);
		auto_json json_t *alone = json_pack("[O]", element.value);
		if (type_fault(keyword, alone))
			return element;
	}
	return list;
}

bool loader_keyword(struct loader *loader, const struct keyword *keyword, enum keyword_place place, const char *what,
                    struct node value)
{
	if (!(keyword->places & place)) {
		node_problem_key(loader->problems, value, NULL, "\"%s\" is a keyword of %s, not of %s", keyword->name,
		                 places_of(keyword->places), what);
		return false;
	}
	if (json_is_null(value.value) || (keyword->templated && is_template(value.value)))
		return true;
	const char *must = type_fault(keyword, value.value);
	if (!must)
		return is_chosen(loader, keyword, value);
	if (json_is_array(value.value) && keyword->type != KEYWORD_TASKS) /* where it can be a list, the first that is wrong */
		value = wrong_element(keyword, value);
	auto_free char *text = node_text(value.value);
	bool number = keyword->type == KEYWORD_STRING && json_is_number(value.value);
	auto_free char *quoted = number ? mem_printf("put it into quotes: \"%s\"", text) : NULL;
	const char *hint = keyword->type == KEYWORD_TASKS && json_is_object(value.value)
		? "each task is one of the list: [ { ... }, ... ], in YAML with \"- \" before its first line" : quoted;
	node_problem(loader->problems, value, hint, "\"%s\" must be %s, not %s", keyword->name, must,
	             json_is_string(value.value) ? text : node_kind(value.value));
	return false;
}

static void offer(void *to, const char *name) { suggest_offer(to, name); }

/* What Ansible has instead of a keyword that it had once; NULL: it never had it. */
static const char *successor(const char *key)
{
	static const struct { const char *was, *is; } rows[] = {
		{ "sudo", "become" }, { "sudo_user", "become_user" }, { "sudo_exe", "become_exe" }, { "sudo_flags", "become_flags" },
		{ "su", "become" }, { "su_user", "become_user" }, { "always_run", "check_mode" }, { "only_if", "when" },
		{ "first_available_file", "with_first_found" }, { "include", "import_playbook" },
		{ "static", "import_tasks" },
	};
	for (size_t i = 0; i < sizeof(rows) / sizeof(*rows); i++)
		if (strcmp(rows[i].was, key) == 0)
			return rows[i].is;
	return NULL;
}

void loader_unknown_key(struct loader *loader, const char *key, enum keyword_place place, const char *what,
                        struct node value, bool with_modules)
{
	struct suggest suggest;
	suggest_start(&suggest, key);
	for (size_t i = 0; i < keyword_count; i++)
		if (keywords[i].places & (unsigned)place)
			suggest_offer(&suggest, keywords[i].name);
	if (with_modules && loader->modules->each)
		loader->modules->each(loader->modules->context, offer, &suggest);
	const char *now = successor(key);
	auto_free char *hint = now ? mem_printf("Ansible has \"%s\" for it now", now)
	                     : suggest.best ? mem_printf("did you mean \"%s\"?", suggest.best) : NULL;
	bool is_module = !with_modules && loader->modules->known(loader->modules->context, key);
	node_problem_key(loader->problems, value, is_module ? "a module belongs into a task, in the list \"tasks\"" : hint,
	                 "unknown key \"%s\" of %s", key, what);
}
