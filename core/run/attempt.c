/* Arguments to decision, for one host. */
#include "run/attempt.h"

#include <math.h>
#include <string.h>

#include "base/mem.h"
#include "base/printable.h"
#include "run/controller.h"
#include "run/overlay.h"
#include "run/own_asks.h"
#include "run/play.h"

enum { ASYNC_MOST_S = 366 * 24 * 3600 };
enum { CALLS_MOST = 10000 }; /* of decide(), in one attempt: a module that never ends is at fault */

/* ---- arguments ---- */

static int evaluate_expression(const struct evaluation *at, json_t *text, json_t **result, struct err *err)
{
	if (!json_is_string(text)) {
		auto_free char *shown = node_text(text);
		bool is_many = json_is_object(text) || json_is_array(text); /* Ansible's own name for what has none */
		*result = json_pack("{s:s, s:O}", "expression", !is_many ? shown : json_is_array(text) ? "<class 'list'>" : "<class 'dict'>",
		                    "value", text);
		return 0;
	}
	json_t *value = NULL;
	if (spec_is_template(json_string_value(text))) { /* it gives the expression, or what is shown */
		if (template_value(at->vm, text, &at->variables->scope, &value, NULL, err) < 0) {
			if (err->os_error != TEMPLATE_UNDEFINED)
				return -1;
			err_clear(err);
			*result = json_pack("{s:O}", "expression", text);
			return 0;
		}
		auto_json json_t *inner = value;
		return spec_is_template(json_string_value(inner) ? json_string_value(inner) : "")
			? err_set(err, ERR_INPUT, "this gives a template, not an expression") : evaluate_expression(at, inner, result, err);
	}
	if (template_expression(at->vm, json_string_value(text), &at->variables->scope, &value, err) < 0) {
		if (err->os_error != TEMPLATE_UNDEFINED)
			return -1;
		err_clear(err); /* an undefined expression is an answer: it has no value */
	}
	*result = json_pack("{s:s, s:o*}", "expression", json_string_value(text), "value", value);
	return 0;
}

static int evaluate_condition(const struct evaluation *at, json_t *condition, json_t *list, struct err *err)
{
	bool holds = false;
	if (template_condition(at->vm, condition, &at->variables->scope, &holds, err) < 0)
		return -1;
	auto_free char *text = json_is_string(condition) ? mem_strdup(json_string_value(condition)) : node_text(condition);
	json_array_append_new(list, json_pack("{s:s, s:b}", "expression", text, "holds", holds));
	return 0;
}

static int evaluate_conditions(const struct evaluation *at, json_t *written, json_t **result, struct err *err)
{
	*result = json_array();
	if (!json_is_array(written))
		return evaluate_condition(at, written, *result, err);
	for (size_t i = 0; i < json_array_size(written); i++) {
		if (evaluate_condition(at, json_array_get(written, i), *result, err) < 0)
			return -1;
	}
	return 0;
}

static int evaluate_argument(const struct evaluation *at, const struct spec *spec, const char *name, json_t *written,
                             json_t *evaluated, struct err *err)
{
	const struct arg *arg = spec_find(spec, name);
	json_t *value = NULL;
	bool omitted = false;
	int failed;
	if (arg && arg->type == ARG_CONDITION)
		failed = evaluate_conditions(at, written, &value, err);
	else if (arg && arg->type == ARG_EXPRESSION)
		failed = evaluate_expression(at, written, &value, err);
	else
		failed = template_value(at->vm, written, &at->variables->scope, &value, &omitted, err);
	if (failed || omitted) {
		json_decref(value);
		if (!failed)
			json_object_del(evaluated, name); /* nor does the default of module_defaults count */
		return failed;
	}
	json_object_set_new(evaluated, name, value);
	return 0;
}

/* Where an argument stands, for messages: in the task's own dictionary, else the task. */
static void place_argument(const struct evaluation *at, const char *path, struct err *err)
{
	char name[128];
	size_t length = strcspn(path, ".[");
	snprintf(name, sizeof(name), "%.*s", (int)length, path);
	struct node node = node_get(at->entry->arguments, name);
	if (!node.value)
		node = node_get(at->entry->extra_arguments, name);
	if (!node.value)
		node = at->entry->scope.node;
	auto_free char *where = node_where(node);
	err_at(err, "%s", where ? where : "");
}

/* set_fact: {"{{ name }}": value} */
static int evaluate_key(const struct evaluation *at, const char **name, json_t **key, struct err *err)
{
	auto_json json_t *written = json_string(*name);
	if (template_value(at->vm, written, &at->variables->scope, key, NULL, err) < 0)
		return -1;
	if (!json_is_string(*key))
		return err_set(err, ERR_INPUT, "the key \"%s\" does not give a string", *name);
	*name = json_string_value(*key);
	return 0;
}

static int evaluate_arguments(const struct evaluation *at, const struct spec *spec, json_t *written,
                              json_t *evaluated, struct err *err)
{
	const char *name;
	json_t *value;
	json_object_foreach(written, name, value) {
		auto_json json_t *key = NULL;
		const char *named = name;
		if (spec_is_template(name) && evaluate_key(at, &named, &key, err) < 0) {
			place_argument(at, "", err);
			return -1;
		}
		if (evaluate_argument(at, spec, named, value, evaluated, err) < 0) {
			place_argument(at, name, err);
			return -1;
		}
	}
	return 0;
}

struct reporting {
	const struct evaluation *at;
	const char *module;
	struct err *err;
};

static void report_argument(void *context, const char *path, bool at_key, const char *hint, const char *text)
{
	(void)at_key;
	struct reporting *reporting = context;
	if (reporting->err->kind != ERR_NONE)
		return; /* the first is enough at run time */
	if (*path)
		err_set(reporting->err, ERR_INPUT, "%s: %s: %s", reporting->module, path, text);
	else
		err_set(reporting->err, ERR_INPUT, "%s: %s", reporting->module, text);
	if (hint)
		err_hint(reporting->err, "%s", hint);
	place_argument(reporting->at, path, reporting->err);
}

/* module_defaults from the play inwards, an inner one over an outer one. */
struct defaulting {
	const struct evaluation *at;
	const struct module *module;
	json_t *merged;
	struct err *err;
	int failed;
};

static bool is_of_module(const char *key, const struct module *module)
{
	const char *dot = strrchr(key, '.');
	return strcmp(dot ? dot + 1 : key, module->name) == 0;
}

/* One module's: a dictionary, or a template that gives one. */
static int merge_module(const struct defaulting *defaulting, json_t *value)
{
	const struct evaluation *at = defaulting->at;
	auto_json json_t *given = NULL;
	if (json_is_object(value))
		return evaluate_arguments(at, &defaulting->module->spec, value, defaulting->merged, defaulting->err);
	if (!json_is_string(value))
		return 0;
	if (template_value(at->vm, value, &at->variables->scope, &given, NULL, defaulting->err) < 0)
		return -1;
	if (!json_is_object(given))
		return err_set(defaulting->err, ERR_INPUT, "module_defaults: the arguments of %s are not a dictionary", defaulting->module->name);
	return json_object_update(defaulting->merged, given);
}

static void merge_defaults(void *context, struct node node)
{
	struct defaulting *defaulting = context;
	const char *key;
	json_t *value;
	for (size_t i = 0; i < json_array_size(node.value); i++)
		merge_defaults(context, node_at(node, i));
	json_object_foreach(node.value, key, value) {
		if (!defaulting->failed && is_of_module(key, defaulting->module))
			defaulting->failed = merge_module(defaulting, value);
	}
}

static int written_arguments(const struct evaluation *at, const struct spec *spec, json_t **written, struct err *err)
{
	*written = at->arguments ? json_deep_copy(at->arguments)
	                         : spec_arguments(spec, at->entry->arguments.value, at->entry->extra_arguments.value, err);
	if (*written)
		return 0;
	place_argument(at, "", err);
	return -1;
}

/* async and poll, of the few tasks that have them. */
static int read_async(struct attempt *attempt, const struct evaluation *at, struct err *err)
{
	int poll_s = at->variables->run->options->defaults.poll_s;
	double seconds = 0, poll = poll_s ? poll_s : 15;
	if (!scope_own(&at->entry->scope, "async").value)
		return 0;
	if (keyword_number(at, "async", 0, &seconds, err) < 0 || keyword_number(at, "poll", poll, &poll, err) < 0)
		return -1;
	if (seconds < 0 || poll < 0 || seconds > ASYNC_MOST_S || poll > ASYNC_MOST_S)
		return err_set(err, ERR_INPUT, "async and poll are seconds, from 0 to %d", ASYNC_MOST_S);
	if (seconds >= 1 && !attempt->module->can_detach)
		return err_set(err, ERR_INPUT, "async is for modules whose steps are one command, and %s is none of them",
		               attempt->module->name);
	attempt->decision.async_s = (long long)seconds;
	attempt->decision.poll_s = (long long)ceil(poll);
	return 0;
}

int attempt_prepare(struct attempt *attempt, const struct evaluation *at, const struct module *module, bool check,
                    bool diff, struct err *err)
{
	*attempt = (struct attempt){ .module = module, .check = check };
	decision_init(&attempt->decision, check);
	attempt->decision.host = at->variables->host->host->name;
	attempt->decision.diff_mode = diff;
	attempt->decision.alone = at->variables->play && json_array_size(at->variables->play->all_names) == 1;
	attempt->decision.folder = at->variables->scope.directory ? at->variables->scope.directory : "";
	attempt->decision.verbosity = at->variables->run->options->verbosity;
	if (read_async(attempt, at, err) < 0 || keyword_environment(at, &attempt->environment, err) < 0)
		return -1;
	attempt->decision.environment = attempt->environment;
	auto_json json_t *written = NULL, *evaluated = json_object();
	if (written_arguments(at, &module->spec, &written, err) < 0)
		return -1;
	struct defaulting defaulting = { at, module, evaluated, err, 0 };
	scope_each(&at->entry->scope, "module_defaults", merge_defaults, &defaulting);
	if (defaulting.failed || evaluate_arguments(at, &module->spec, written, evaluated, err) < 0)
		return -1;
	auto_json json_t *secrets = json_array();
	struct reporting reporting = { at, module->name, err };
	attempt->arguments = spec_bind(&module->spec, evaluated, 0, report_argument, &reporting, secrets);
	for (size_t i = 0; i < json_array_size(secrets); i++) {
		json_t *secret = json_array_get(secrets, i);
		event_mask(at->variables->run->events, json_string_value(secret), json_string_length(secret));
	}
	if (!attempt->arguments)
		return -1;
	attempt->want = attempt->arguments;
	if (module->spec.want_size) {
		void *want = arena_alloc(&attempt->decision.arena, module->spec.want_size);
		spec_fill(&module->spec, attempt->arguments, want);
		attempt->want = want;
	}
	return 0;
}

/* ---- deciding ---- */

const struct ask *attempt_ask(struct attempt *attempt, size_t index)
{
	const struct ask *ask = attempt->decision.asked[index].ask;
	if (!attempt->check || !attempt->target)
		return ask;
	return overlay_redirect(target_overlay(attempt->target), &attempt->decision.arena, ask);
}

void attempt_answer(struct attempt *attempt, size_t index, const struct ask *ask, struct answer *answer)
{
	if (attempt->check && attempt->target)
		answer = overlay_over(target_overlay(attempt->target), ask, answer);
	decision_answer(&attempt->decision, index, answer);
}

static struct answer *known_answer(struct attempt *attempt, const struct evaluation *at, const struct ask *ask)
{
	struct run_context *run = at->variables->run;
	struct answer *own = own_ask_answer(at, ask);
	if (own)
		return own;
	if (ask->side == ASK_ON_CONTROLLER || !attempt->target)
		return controller_answer(run->controller, ask, at->variables->scope.folders);
	if (attempt->check) {
		struct answer *predicted = overlay_answer(target_overlay(attempt->target), ask);
		if (predicted)
			return predicted;
	}
	return store_find(target_store(attempt->target), attempt->user->key, ask, attempt->behind);
}

/* Gives the open asks what is known; whether that was anything. */
static bool fill_known(struct attempt *attempt, const struct evaluation *at)
{
	bool any = false;
	struct decision *decision = &attempt->decision;
	for (size_t i = 0; i < decision->asked_count; i++) {
		if (!decision_ask_is_open(decision, i))
			continue;
		const struct ask *ask = attempt_ask(attempt, i);
		struct answer *answer = known_answer(attempt, at, ask);
		if (answer)
			attempt_answer(attempt, i, ask, answer);
		any = any || answer;
	}
	return any;
}

int attempt_decide(struct attempt *attempt, const struct evaluation *at, enum attempt_need *need, struct err *err)
{
	for (int calls = 0; calls < CALLS_MOST; calls++) {
		if (module_decide(attempt->module, attempt->want, &attempt->decision, err) < 0)
			return -1;
		*need = ATTEMPT_DONE;
		if (attempt->decision.failed || attempt->decision.skipped)
			return 0;
		if (decision_wants_answers(&attempt->decision)) {
			if (fill_known(attempt, at))
				continue; /* it may have more to ask, which goes with what is open */
			*need = ATTEMPT_ANSWERS;
			return 0;
		}
		if (decision_wants_steps(&attempt->decision))
			*need = ATTEMPT_STEPS;
		return 0;
	}
	return err_set(err, ERR_HOST, "module %s asked more than %d times without coming to a decision",
	               attempt->module->name, CALLS_MOST);
}

/* ---- the result ---- */

/* The text of one side; or that it is binary, or too large, in the words of Ansible's result. */
static void add_side(json_t *diff, const char *key, const char *side, const char *bytes, size_t length, uint64_t larger)
{
	auto_buf struct buf text = BUF_INIT;
	auto_free char *is_larger = mem_printf("%s_larger", side), *is_binary = mem_printf("%s_binary", side);
	if (larger) {
		json_object_set_new(diff, is_larger, json_integer((json_int_t)larger));
	} else if (bytes && memchr(bytes, '\0', length)) {
		json_object_set_new(diff, is_binary, json_integer(1));
	} else {
		printable_utf8_clean(&text, bytes ? bytes : "", length);
		json_object_set_new(diff, key, json_stringn_nocheck(buf_text(&text), text.length));
	}
}

static json_t *difference_json(const struct difference *difference)
{
	json_t *diff = json_object();
	if (difference->before_values || difference->after_values) {
		json_object_set(diff, "before", difference->before_values);
		json_object_set(diff, "after", difference->after_values);
	} else if (difference->note) {
		json_object_set_new(diff, "prepared", json_string(difference->note));
	} else {
		add_side(diff, "before", "dst", difference->before, difference->before_length, difference->before_larger);
		add_side(diff, "after", "src", difference->after, difference->after_length, difference->after_larger);
	}
	if (difference->before_name)
		json_object_set_new(diff, "before_header", json_string(difference->before_name));
	if (difference->after_name)
		json_object_set_new(diff, "after_header", json_string(difference->after_name));
	return diff;
}

/* Playbooks look into it: result.diff.before, but result.diff[0].before of copy and its like. */
static void set_differences(json_t *result, const struct decision *decision, bool as_list)
{
	auto_json json_t *list = json_array();
	for (size_t i = 0; i < decision->difference_count; i++) {
		if (!decision->differences[i].secret)
			json_array_append_new(list, difference_json(&decision->differences[i]));
	}
	bool is_one = !as_list && json_array_size(list) == 1;
	json_object_set(result, "diff", is_one ? json_array_get(list, 0) : list);
}

json_t *attempt_result(struct attempt *attempt, bool diff)
{
	struct decision *decision = &attempt->decision;
	json_t *result = json_deep_copy(decision->result);
	json_object_set_new(result, "changed", json_boolean(!decision->skipped && decision_is_changed(decision)));
	json_object_set_new(result, "failed", json_boolean(decision->failed));
	if (decision->skipped)
		json_object_set_new(result, "skipped", json_true());
	if (diff && decision->difference_count)
		set_differences(result, decision, attempt->module->lists_differences);
	return result;
}

void attempt_release(struct attempt *attempt)
{
	json_decref(attempt->arguments);
	attempt->arguments = NULL;
	decision_release(&attempt->decision);
	json_decref(attempt->environment);
	attempt->environment = NULL;
}
