/* Conversations about tasks that have ended.
 *
 * What is written is shown as it is written: task.args and task_vars hold templates. A bare name is what a template makes of
 * it. What the user types is a template again, but not where variables went into it: what a target said stays data. */
#include "run/debugger.h"

#include <string.h>

#include "base/mem.h"
#include "base/printable.h"
#include "model/unsafe.h"
#include "run/debugger_line.h"
#include "run/play.h"
#include "run/terminal.h"

struct talk {
	struct terminal terminal;
	const struct evaluation *at;
	struct walk *walk;
	const struct task_outcome *outcome;
	struct debugger_edits *edits;
	bool has_looked; /* a name was looked up */
	json_t *names;   /* what task, task_vars, host and result are; for one expression */
};

void debugger_edits_release(struct debugger_edits *edits)
{
	json_decref(edits->arguments);
	json_decref(edits->variables);
	*edits = (struct debugger_edits){ 0 };
}

/* ---- when ---- */

bool debugger_may_stop(const struct walk *walk, const struct entry *entry)
{
	return walk->play->is_debugged || scope_keyword(&entry->scope, "debugger").value;
}

static bool is_wanted(const struct evaluation *at, struct walk *walk, const struct task_outcome *outcome)
{
	struct err err = ERR_INIT;
	auto_free char *when = NULL;
	bool failed = outcome->status == STATUS_FAILED &&
	              !(outcome->ignored && !walk->run->options->debugger_minds_ignored);
	bool unreachable = outcome->status == STATUS_UNREACHABLE;
	if (keyword_text(at, "debugger", &when, &err) < 0)
		context_warn(walk->run, walk->host->host->name, "%s", err.text);
	const char *word = when ? when : "";
	if (strcmp(word, "always") == 0 || (strcmp(word, "on_failed") == 0 && failed) ||
	    (strcmp(word, "on_unreachable") == 0 && unreachable) ||
	    (strcmp(word, "on_skipped") == 0 && outcome->status == STATUS_SKIPPED))
		return true;
	return strcmp(word, "never") != 0 && walk->play->is_debugged && (failed || unreachable);
}

/* ---- saying ---- */

static void say(const struct talk *talk, const char *text)
{
	auto_free char *masked = mem_strdup(text);
	auto_buf struct buf shown = BUF_INIT;
	event_mask_text(talk->walk->run->events, &masked);
	printable_add(&shown, masked, strlen(masked));
	buf_char(&shown, '\n');
	terminal_say(&talk->terminal, buf_text(&shown));
}

static void say_error(const struct talk *talk, const struct err *err)
{
	auto_free char *text = mem_printf("***%s%s%s%s", err->text, err->hint[0] ? " (" : "", err->hint, err->hint[0] ? ")" : "");
	say(talk, text);
}

/* ---- what there is to see ---- */

/* The arguments as they are written, or as they were changed. New. */
static json_t *arguments_of(const struct talk *talk, struct err *err)
{
	const struct entry *entry = talk->at->entry;
	const struct module *module = registry_find(talk->walk->run->registry, entry->action);
	json_t *written = entry->arguments.value;
	if (talk->edits->arguments)
		return json_deep_copy(talk->edits->arguments);
	if (module)
		return spec_arguments(&module->spec, written, entry->extra_arguments.value, err);
	return json_is_object(written) ? json_deep_copy(written) : json_pack("{s:o}", "_raw_params", json_deep_copy(written));
}

static json_t *describe_task(const struct talk *talk)
{
	struct err err = ERR_INIT;
	json_t *task = outcome_describe(talk->walk, talk->at->vm, talk->at->entry), *arguments = arguments_of(talk, &err);
	if (talk->outcome->no_log) {
		json_decref(arguments);
		json_object_clear(task);
		arguments = json_string("(censored due to no_log)");
	}
	json_object_set_new(task, "name", json_string(talk->outcome->name));
	json_object_set_new(task, "args", arguments ? arguments : json_string(err.text));
	json_t *shown = unsafe_show(task);
	json_decref(task);
	return shown;
}

static void add_variable(void *context, const char *name, json_t *value, const struct vars_layer *layer)
{
	(void)layer;
	json_object_set_new_nocheck(context, name, json_deep_copy(value));
}

static json_t *describe_variables(const struct talk *talk)
{
	json_t *all = json_object();
	json_object_set_new(all, "groups", json_deep_copy(talk->walk->run->groups));
	vars_each(&talk->walk->variables.vars, add_variable, all);
	json_t *shown = unsafe_show(all);
	json_decref(all);
	return shown;
}

static json_t *describe_host(const struct talk *talk)
{
	const struct host *host = talk->walk->host->host;
	json_t *groups = json_array();
	for (size_t i = 0; i < host->group_count; i++)
		json_array_append_new(groups, json_string(host->groups[i]->name));
	return json_pack("{s:s, s:o, s:o}", "name", host->name, "groups", groups, "vars", json_deep_copy(host->vars));
}

static json_t *describe_result(const struct talk *talk)
{
	const struct task_outcome *outcome = talk->outcome;
	json_t *result = outcome->no_log ? outcome_censored(outcome->result) : json_deep_copy(outcome->result);
	return json_pack("{s:s, s:s, s:o}", "_host", talk->walk->host->host->name, "_task", outcome->name, "_result", result);
}

static bool find_name(void *context, const char *name, json_t **value, bool *final)
{
	struct talk *talk = context;
	const struct template_scope *scope = &talk->walk->variables.scope;
	talk->has_looked = true;
	if (strcmp(name, "task_vars") == 0 && !json_object_get(talk->names, name))
		json_object_set_new(talk->names, name, describe_variables(talk));
	*value = json_object_get(talk->names, name);
	*final = true;
	return *value || scope->find(scope->context, name, value, final);
}

static void offer_names(void *context, void (*offer)(void *to, const char *name), void *to)
{
	const struct template_scope *scope = &((struct talk *)context)->walk->variables.scope;
	scope->each(scope->context, offer, to);
}

static int evaluate(struct talk *talk, const char *expression, json_t **value, struct err *err)
{
	struct template_scope scope = talk->walk->variables.scope;
	scope.context = talk;
	scope.find = find_name;
	scope.each = offer_names;
	/* Not while it is evaluated: that of the task evaluates something itself. */
	talk->names = json_pack("{s:o, s:o, s:o}", "task", describe_task(talk), "host", describe_host(talk), "result", describe_result(talk));
	int failed = template_expression(talk->at->vm, expression, &scope, value, err);
	json_decref(talk->names);
	talk->names = NULL;
	return failed;
}

/* ---- commands ---- */

static int print(struct talk *talk, const char *expression, struct err *err)
{
	auto_json json_t *value = NULL;
	if (evaluate(talk, expression, &value, err) < 0)
		return -1;
	auto_json json_t *shown = unsafe_show(value);
	auto_free char *text = json_dumps(shown, JSON_INDENT(4) | JSON_SORT_KEYS | JSON_ENCODE_ANY);
	say(talk, text ? text : "null");
	return 0;
}

/* Text that the user has typed whole may be a template. */
static int typed_value(struct talk *talk, const char *expression, json_t **value, struct err *err)
{
	auto_json json_t *evaluated = NULL;
	unsigned long looks = template_looks(talk->at->vm);
	talk->has_looked = false;
	if (evaluate(talk, expression, &evaluated, err) < 0)
		return -1;
	bool is_typed = !talk->has_looked && template_looks(talk->at->vm) == looks;
	*value = is_typed ? json_incref(evaluated) : unsafe_mark(evaluated);
	return 0;
}

/* The arguments, to be changed. */
static json_t **own_arguments(struct talk *talk, struct err *err)
{
	if (!talk->edits->arguments)
		talk->edits->arguments = arguments_of(talk, err);
	return talk->edits->arguments ? &talk->edits->arguments : NULL;
}

/* Those that were changed; where only a part of one is to be, with the whole of it. */
static json_t **own_variables(struct talk *talk, json_t *path)
{
	json_t *known = NULL;
	const char *name = json_string_value(json_array_get(path, 0));
	json_t *own = talk->edits->variables;
	if (json_array_size(path) > 1 && !json_object_get(own, name) && vars_find(&talk->walk->variables.vars, name, &known))
		json_object_set_new(own, name, json_deep_copy(known));
	return &talk->edits->variables;
}

static int change(struct talk *talk, const struct debugger_line *line, struct err *err)
{
	const struct module *module = registry_find(talk->walk->run->registry, talk->at->entry->action);
	const char *first = json_string_value(json_array_get(line->path, 0));
	json_t *value = NULL, **root;
	if (!line->is_variable && first && strcmp(first, "_raw_params") == 0 && module && module->spec.free_form)
		json_array_set_new(line->path, 0, json_string(module->spec.free_form)); /* Ansible's name for it */
	if (typed_value(talk, line->expression, &value, err) < 0)
		return -1;
	root = line->is_variable ? own_variables(talk, line->path) : own_arguments(talk, err);
	if (root)
		return debugger_line_set(root, line->path, value, err);
	json_decref(value);
	return -1;
}

static int take_away(struct talk *talk, const struct debugger_line *line, struct err *err)
{
	json_t **root = own_arguments(talk, err);
	return root ? debugger_line_delete(*root, line->path, err) : -1;
}

static int update_task(struct talk *talk, struct err *err)
{
	json_t *before = talk->edits->arguments;
	talk->edits->arguments = NULL;
	auto_json json_t *written = arguments_of(talk, err), *evaluated = NULL;
	if (!written || template_value(talk->at->vm, written, &talk->walk->variables.scope, &evaluated, NULL, err) < 0) {
		talk->edits->arguments = before;
		return -1;
	}
	json_decref(before);
	talk->edits->arguments = unsafe_mark(evaluated);
	return 0;
}

static int obey(struct talk *talk, const struct debugger_line *line, struct err *err)
{
	switch (line->verb) {
	case DEBUGGER_PRINT: return print(talk, line->expression, err);
	case DEBUGGER_SET: return change(talk, line, err);
	case DEBUGGER_DELETE: return take_away(talk, line, err);
	case DEBUGGER_UPDATE_TASK: return update_task(talk, err);
	case DEBUGGER_HELP: terminal_say(&talk->terminal, debugger_line_help); return 0;
	default: return 0;
	}
}

/* How the conversation ends. */
static enum debugger_verb converse(struct talk *talk)
{
	auto_buf struct buf prompt = BUF_INIT;
	auto_free char *shown = mem_printf("[%s] TASK: %s", talk->walk->host->host->name, talk->outcome->name);
	event_mask_text(talk->walk->run->events, &shown);
	printable_line(&prompt, shown, strlen(shown));
	buf_str(&prompt, " (debug)> ");
	for (;;) {
		struct err err = ERR_INIT;
		auto_secret struct secret typed = SECRET_INIT;
		auto_(debugger_line_release) struct debugger_line line = { 0 };
		if (!terminal_ask(&talk->terminal, buf_text(&prompt), true, &typed)) {
			terminal_say(&talk->terminal, "\n");
			return DEBUGGER_QUIT;
		}
		if (debugger_line_read(&line, typed.bytes ? typed.bytes : "", &err) < 0 || obey(talk, &line, &err) < 0)
			say_error(talk, &err);
		else if (line.verb == DEBUGGER_DO_AGAIN || line.verb == DEBUGGER_GO_ON || line.verb == DEBUGGER_QUIT)
			return line.verb;
	}
}

bool debugger_stop(const struct evaluation *at, struct walk *walk, const struct task_outcome *outcome,
                   struct debugger_edits *edits)
{
	struct run_context *run = walk->run;
	if (!debugger_may_stop(walk, at->entry) || atomic_load(&run->cancelled) || !is_wanted(at, walk, outcome))
		return false;
	struct talk talk = { .at = at, .walk = walk, .outcome = outcome, .edits = edits };
	if (!terminal_open(&talk.terminal, run)) {
		if (!atomic_exchange(&run->debugger_told, true))
			context_warn(run, NULL, "the task debugger is asked for, and there is no terminal to talk on: the run goes on without it");
		return false;
	}
	if (!edits->variables) {
		edits->variables = json_object();
		vars_add(&walk->variables.vars, VARS_DEBUGGER, edits->variables, false, "the task debugger");
	}
	enum debugger_verb end = converse(&talk);
	terminal_close(&talk.terminal);
	if (end == DEBUGGER_QUIT)
		atomic_store(&run->cancelled, true);
	return end == DEBUGGER_DO_AGAIN;
}
