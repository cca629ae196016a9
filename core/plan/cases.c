/* The case runner. */
#include "plan/cases.h"

#include <string.h>

#include "base/mem.h"
#include "plan/model_host.h"

enum { CALLS_MOST = 1000 };

struct trial { /* one case */
	struct cases *cases;
	const struct module *module;
	json_t *one;
	const char *name;
	struct model_host *host, *controller;
	json_t *arguments; /* canonical */
	void *want;
	size_t faults;
	struct buf complaints; /* of the binding */
};

static void complain(struct trial *trial, const char *format, ...) __attribute__((format(printf, 2, 3)));

static void complain(struct trial *trial, const char *format, ...)
{
	va_list arguments;
	va_start(arguments, format);
	auto_free char *text = mem_vprintf(format, arguments);
	va_end(arguments);
	trial->faults++;
	if (trial->cases->fault)
		trial->cases->fault(trial->cases->context, trial->name, text);
}

/* ---- arguments ---- */

static void note_complaint(void *context, const char *path, bool at_key, const char *hint, const char *text)
{
	(void)at_key;
	struct trial *trial = context;
	buf_printf(&trial->complaints, "%s%s%s%s%s%s", trial->complaints.length ? "; " : "", path, *path ? ": " : "", text,
	           hint ? ": " : "", hint ? hint : "");
}

/* 0: bound; 1: refused as the case expects; -1: a fault. */
static int bind(struct trial *trial)
{
	struct err err = ERR_INIT;
	const char *refused = json_string_value(json_object_get(trial->one, "refused"));
	auto_json json_t *written =
		spec_arguments(&trial->module->spec, json_object_get(trial->one, "args"), NULL, &err);
	if (written)
		trial->arguments = spec_bind(&trial->module->spec, written, 0, note_complaint, trial, NULL);
	else
		buf_str(&trial->complaints, err.text);
	if (refused && trial->complaints.length && strstr(buf_text(&trial->complaints), refused))
		return 1;
	if (refused)
		complain(trial, "the arguments should be refused with \"%s\", not with \"%s\"", refused, buf_text(&trial->complaints));
	else if (!trial->arguments)
		complain(trial, "the arguments are refused: %s", buf_text(&trial->complaints));
	if (refused || !trial->arguments)
		return -1;
	trial->want = trial->arguments;
	if (trial->module->spec.want_size) {
		trial->want = mem_alloc(trial->module->spec.want_size);
		spec_fill(&trial->module->spec, trial->arguments, trial->want);
	}
	return 0;
}

/* ---- the decision ---- */

static void give_answers(struct trial *trial, struct decision *decision)
{
	for (size_t i = 0; i < decision->asked_count; i++) {
		if (!decision_ask_is_open(decision, i))
			continue;
		const struct ask *ask = decision->asked[i].ask;
		struct model_host *side = ask->side == ASK_ON_CONTROLLER ? trial->controller : trial->host;
		decision_answer(decision, i, model_host_answer(side, ask));
	}
}

/* false: a step failed, which ends the task. */
static bool do_steps(struct trial *trial, struct decision *decision)
{
	for (size_t i = decision_steps_done(decision); i < decision->stepped_count; i++) {
		const struct step *step = decision->stepped[i].step;
		const struct outcome *outcome = model_host_do(trial->host, trial->controller, step, &decision->arena);
		if (!outcome->ok) {
			result_fail(decision, "%s", outcome->error);
			complain(trial, "the step \"%s\" failed: %s", step->human, outcome->error);
			return false;
		}
		decision_outcome(decision, i, outcome);
	}
	return true;
}

/* Decides until there is nothing to add. */
static void carry_out(struct trial *trial, struct decision *decision)
{
	for (int calls = 0; calls < CALLS_MOST; calls++) {
		struct err err = ERR_INIT;
		if (module_decide(trial->module, trial->want, decision, &err) < 0) {
			complain(trial, "%s", err.text);
			return;
		}
		if (decision_is_done(decision))
			return;
		if (decision_wants_answers(decision))
			give_answers(trial, decision);
		else if (decision->check_mode || !do_steps(trial, decision))
			return;
	}
	complain(trial, "decide() was called %d times without coming to an end", CALLS_MOST);
}

static void decision_start(struct trial *trial, struct decision *decision)
{
	decision_init(decision, json_is_true(json_object_get(trial->one, "check")));
	decision->diff_mode = json_is_true(json_object_get(trial->one, "diff"));
	const char *name = json_string_value(json_object_get(trial->one, "host_name"));
	decision->host = name ? name : "host";
	decision->folder = "/playbook";
}

/* ---- what is expected ---- */

static void expect_flag(struct trial *trial, const char *name, bool fallback, bool got, struct decision *decision)
{
	json_t *expected = json_object_get(trial->one, name);
	bool wanted = expected ? json_is_true(expected) : fallback;
	if (wanted == got)
		return;
	const char *msg = json_string_value(json_object_get(decision->result, "msg"));
	complain(trial, "the task should %sbe %s%s%s", wanted ? "" : "not ", name, msg ? ": " : "", msg ? msg : "");
}

static void expect_steps(struct trial *trial, const struct decision *decision)
{
	json_t *expected = json_object_get(trial->one, "steps");
	if (!expected)
		return;
	size_t count = json_array_size(expected) > decision->stepped_count ? json_array_size(expected) : decision->stepped_count;
	for (size_t i = 0; i < count; i++) {
		const char *wanted = json_string_value(json_array_get(expected, i));
		const char *got = i < decision->stepped_count ? decision->stepped[i].step->human : NULL;
		if (!wanted || !got || strcmp(wanted, got) != 0)
			complain(trial, "step %zu should be \"%s\", it is \"%s\"", i + 1, wanted ? wanted : "(none)", got ? got : "(none)");
	}
}

static void expect_values(struct trial *trial, json_t *expected, json_t *got, const char *where)
{
	const char *key;
	json_t *value;
	json_object_foreach(expected, key, value) {
		json_t *found = json_object_get(got, key);
		if (json_is_object(value) && json_is_object(found)) {
			expect_values(trial, value, found, key);
			continue;
		}
		if (found ? json_equal(value, found) : json_is_null(value))
			continue;
		auto_free char *wanted = json_dumps(value, JSON_ENCODE_ANY | JSON_COMPACT);
		auto_free char *is = found ? json_dumps(found, JSON_ENCODE_ANY | JSON_COMPACT) : NULL;
		complain(trial, "%s.%s should be %s, it is %s", where, key, wanted, is ? is : "missing");
	}
}

static json_t *difference_of(const struct difference *difference)
{
	if (difference->before_values)
		return json_pack("{s:O, s:O}", "before", difference->before_values, "after", difference->after_values);
	return json_pack("{s:s%, s:s%}", "before", difference->before ? difference->before : "", difference->before_length, "after",
	                 difference->after ? difference->after : "", difference->after_length);
}

static void expect_differences(struct trial *trial, const struct decision *decision)
{
	json_t *expected = json_object_get(trial->one, "differences");
	if (!expected)
		return;
	auto_json json_t *got = json_array();
	for (size_t i = 0; i < decision->difference_count; i++)
		json_array_append_new(got, difference_of(&decision->differences[i]));
	if (json_equal(expected, got))
		return;
	auto_free char *text = json_dumps(got, JSON_COMPACT);
	complain(trial, "the differences are %s", text ? text : "(not text)");
}

static void report_file(void *context, const char *text)
{
	complain(context, "%s", text);
}

static void expect_all(struct trial *trial, struct decision *decision)
{
	expect_steps(trial, decision);
	expect_flag(trial, "failed", false, decision->failed, decision);
	expect_flag(trial, "skipped", false, decision->skipped, decision);
	json_t *steps = json_object_get(trial->one, "steps");
	if (json_object_get(trial->one, "changed") || steps)
		expect_flag(trial, "changed", json_array_size(steps) > 0, decision_is_changed(decision), decision);
	expect_values(trial, json_object_get(trial->one, "result"), decision->result, "result");
	expect_differences(trial, decision);
	model_host_compare(trial->host, json_object_get(trial->one, "after"), report_file, trial);
	model_host_compare(trial->controller, json_object_get(trial->one, "controller_after"), report_file, trial);
}

/* What was done must have been enough. */
static void decide_again(struct trial *trial)
{
	auto_(decision_release) struct decision decision;
	decision_start(trial, &decision);
	carry_out(trial, &decision);
	if (decision.failed) {
		const char *msg = json_string_value(json_object_get(decision.result, "msg"));
		complain(trial, "decided again, the task fails: %s", msg ? msg : "");
	}
	for (size_t i = 0; i < decision.stepped_count; i++) {
		if (!decision.stepped[i].step->unchanged)
			complain(trial, "decided again, there is still to do: %s", decision.stepped[i].step->human);
	}
}

/* ---- cases ---- */

static void try_one(struct trial *trial)
{
	struct err err = ERR_INIT;
	if (bind(trial) != 0)
		return;
	trial->host = model_host_new(json_object_get(trial->one, "host"), &err);
	trial->controller = trial->host ? model_host_new(json_object_get(trial->one, "controller"), &err) : NULL;
	if (!trial->controller) {
		complain(trial, "the case's host cannot be made: %s", err.text);
		return;
	}
	auto_(decision_release) struct decision decision;
	decision_start(trial, &decision);
	carry_out(trial, &decision);
	expect_all(trial, &decision);
	if (!decision.failed && !decision.check_mode && !json_is_true(json_object_get(trial->one, "always")))
		decide_again(trial);
}

void cases_run(struct cases *cases, const struct module *module, json_t *one)
{
	const char *name = json_string_value(json_object_get(one, "name"));
	struct trial trial = { .cases = cases, .module = module, .one = one, .name = name ? name : "(no name)" };
	try_one(&trial);
	if (trial.want != trial.arguments)
		free(trial.want);
	json_decref(trial.arguments);
	model_host_free(trial.host);
	model_host_free(trial.controller);
	buf_release(&trial.complaints);
	if (trial.faults)
		cases->failed++;
	else
		cases->passed++;
}

int cases_run_file(struct cases *cases, const struct module *module, const char *path, struct err *err)
{
	json_error_t error;
	auto_json json_t *file = json_load_file(path, JSON_REJECT_DUPLICATES, &error);
	if (!file) {
		err_set(err, ERR_INPUT, "%s", error.text);
		return err_at(err, "%s:%d:%d", path, error.line, error.column);
	}
	if (!json_is_array(file)) {
		cases_run(cases, module, file);
		return 0;
	}
	size_t i;
	json_t *one;
	json_array_foreach(file, i, one)
		cases_run(cases, module, one);
	return 0;
}
