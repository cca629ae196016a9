/* Reading of lines for the task debugger. */
#include "run/debugger_line.h"

#include <ctype.h>
#include <stdlib.h>
#include <string.h>

#include "base/auto.h"

const char debugger_line_help[] =
	"p EXPRESSION             shows a value: task, task.args, task_vars, task_vars['NAME'], host, result._result,\n"
	"                         or any expression as in a when\n"
	"task.args['NAME'] = EXPRESSION    changes an argument of the task; del task.args['NAME'] takes it away\n"
	"task_vars['NAME'] = EXPRESSION    changes a variable, for this task on this host\n"
	"u, update_task           reads the task's arguments again as they are written, with the variables as they are now\n"
	"r, redo                  does the task again\n"
	"c, continue              goes on with the result as it is\n"
	"q, quit                  ends the run\n"
	"h, help                  shows this\n";

static const char *skip_blanks(const char *text) { return text + strspn(text, " \t"); }

/* ['NAME'], ["NAME"], [3] or .NAME; NULL: none of them. The end of it in *end. */
static json_t *read_key(const char *text, const char **end)
{
	if (*text == '.') {
		const char *name = text + 1;
		size_t length = 0;
		while (isalnum((unsigned char)name[length]) || name[length] == '_')
			length++;
		*end = name + length;
		return length ? json_stringn(name, length) : NULL;
	}
	if (*text != '[')
		return NULL;
	const char *at = skip_blanks(text + 1), *last;
	json_t *key;
	if (*at == '\'' || *at == '"') {
		const char *close = strchr(at + 1, *at);
		if (!close)
			return NULL;
		key = json_stringn(at + 1, (size_t)(close - at - 1));
		last = close + 1;
	} else {
		char *after;
		long number = strtol(at, &after, 10);
		if (after == at)
			return NULL;
		key = json_integer(number);
		last = after;
	}
	last = skip_blanks(last);
	*end = last + 1;
	if (*last == ']' && key)
		return key;
	json_decref(key);
	return NULL;
}

/* task.args or task_vars, and what leads into them. The end of it; NULL: it begins with neither. */
static const char *read_place(struct debugger_line *line, const char *text)
{
	static const char arguments[] = "task.args", variables[] = "task_vars";
	line->is_variable = strncmp(text, variables, strlen(variables)) == 0;
	if (!line->is_variable && strncmp(text, arguments, strlen(arguments)) != 0)
		return NULL;
	const char *at = text + strlen(arguments); /* both are as long */
	line->path = json_array();
	for (json_t *key; (key = read_key(at, &at));)
		json_array_append_new(line->path, key);
	return skip_blanks(at);
}

static int read_deletion(struct debugger_line *line, const char *text, struct err *err)
{
	const char *end = read_place(line, text);
	line->verb = DEBUGGER_DELETE;
	if (!end || *end || line->is_variable || !json_array_size(line->path))
		return err_set(err, ERR_INPUT, "only arguments can be taken away: del task.args['NAME']");
	return 0;
}

static int read_change(struct debugger_line *line, const char *text, struct err *err)
{
	const char *end = read_place(line, text);
	if (!end || *end != '=' || end[1] == '=') {
		line->verb = DEBUGGER_PRINT;
		line->expression = text;
		return 0;
	}
	line->verb = DEBUGGER_SET;
	line->expression = skip_blanks(end + 1);
	if (line->is_variable && !json_is_string(json_array_get(line->path, 0)))
		return err_set(err, ERR_INPUT, "which variable is meant? task_vars['NAME'] = ...");
	return 0;
}

int debugger_line_read(struct debugger_line *line, const char *text, struct err *err)
{
	static const struct { const char *name; enum debugger_verb verb; } commands[] = {
		{ "p", DEBUGGER_PRINT }, { "pprint", DEBUGGER_PRINT }, { "print", DEBUGGER_PRINT },
		{ "u", DEBUGGER_UPDATE_TASK }, { "update_task", DEBUGGER_UPDATE_TASK },
		{ "r", DEBUGGER_DO_AGAIN }, { "redo", DEBUGGER_DO_AGAIN },
		{ "c", DEBUGGER_GO_ON }, { "continue", DEBUGGER_GO_ON },
		{ "q", DEBUGGER_QUIT }, { "quit", DEBUGGER_QUIT },
		{ "h", DEBUGGER_HELP }, { "help", DEBUGGER_HELP }, { "?", DEBUGGER_HELP },
	};
	*line = (struct debugger_line){ 0 };
	text = skip_blanks(text);
	if (!*text)
		return 0;
	size_t length = strcspn(text, " \t");
	const char *rest = skip_blanks(text + length);
	for (size_t i = 0; i < sizeof(commands) / sizeof(*commands); i++) {
		bool is_meant = strlen(commands[i].name) == length && memcmp(commands[i].name, text, length) == 0;
		if (!is_meant)
			continue;
		line->verb = commands[i].verb;
		line->expression = rest;
		return line->verb == DEBUGGER_PRINT && !*rest ? err_set(err, ERR_INPUT, "what is to be shown? p task.args") : 0;
	}
	if (length == 3 && strncmp(text, "del", 3) == 0)
		return read_deletion(line, rest, err);
	return read_change(line, text, err);
}

void debugger_line_release(struct debugger_line *line)
{
	json_decref(line->path);
	line->path = NULL;
}

/* ---- changing ---- */

static json_t *member(json_t *of, json_t *key)
{
	if (json_is_string(key))
		return json_object_get(of, json_string_value(key));
	json_int_t at = json_integer_value(key);
	return at < 0 ? NULL : json_array_get(of, (size_t)at);
}

/* What the last key is one of. */
static json_t *find_holder(json_t *root, json_t *path, struct err *err)
{
	for (size_t i = 0; root && i + 1 < json_array_size(path); i++)
		root = member(root, json_array_get(path, i));
	json_t *last = json_array_get(path, json_array_size(path) - 1);
	if (json_is_string(last) ? json_is_object(root) : json_is_array(root))
		return root;
	err_set(err, ERR_INPUT, "there is no such %s to change", json_is_string(last) ? "dictionary" : "list");
	return NULL;
}

int debugger_line_set(json_t **root, json_t *path, json_t *value, struct err *err)
{
	auto_json json_t *owned = value;
	if (!json_array_size(path)) {
		if (!json_is_object(value))
			return err_set(err, ERR_INPUT, "this is no dictionary");
		json_decref(*root);
		*root = steal(owned);
		return 0;
	}
	json_t *holder = find_holder(*root, path, err), *last = json_array_get(path, json_array_size(path) - 1);
	if (!holder)
		return -1;
	if (json_is_string(last))
		return json_object_set(holder, json_string_value(last), value);
	if (!member(holder, last))
		return err_set(err, ERR_INPUT, "the list has only %zu elements", json_array_size(holder));
	return json_array_set(holder, (size_t)json_integer_value(last), value);
}

int debugger_line_delete(json_t *root, json_t *path, struct err *err)
{
	json_t *holder = find_holder(root, path, err), *last = json_array_get(path, json_array_size(path) - 1);
	if (!holder)
		return -1;
	if (!member(holder, last))
		return err_set(err, ERR_INPUT, "there is none to be taken away");
	return json_is_string(last) ? json_object_del(holder, json_string_value(last))
	                            : json_array_remove(holder, (size_t)json_integer_value(last));
}
