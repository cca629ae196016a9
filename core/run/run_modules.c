/* Modules that act on the run itself: debug, fail, assert, set_fact, meta; beside them stand pause.c, include_vars.c and
 * inventory_modules.c. They have descriptors like all others and look at no target; what meta does is done by the walk. */
#include <ctype.h>
#include <string.h>

#include "base/mem.h"
#include "plan/module.h"

/* ---- debug ---- */

struct debug_want { json_t *msg, *var; long long verbosity; };

static const struct arg debug_args[] = {
	{ .name = "msg", .type = ARG_RAW, .fallback = "\"Hello world!\"", .offset = offsetof(struct debug_want, msg),
	  .doc = "What to show." },
	{ .name = "var", .type = ARG_EXPRESSION, .offset = offsetof(struct debug_want, var),
	  .doc = "An expression, often the name of a variable, whose value is shown." },
	{ .name = "verbosity", .type = ARG_INT, .fallback = "0", .offset = offsetof(struct debug_want, verbosity),
	  .doc = "Shown only from so many -v on." },
	{ 0 },
};

static const struct rule debug_rules[] = {
	{ .kind = RULE_EXCLUSIVE, .names = (const char *const[]){ "msg", "var", NULL } },
	{ 0 },
};

static const struct module_example debug_examples[] = {
	{ "Show a text", "{\"name\": \"where we are\", \"debug\": {\"msg\": \"on {{ inventory_hostname }}\"}}" },
	{ "Show a variable", "{\"name\": \"the result\", \"debug\": {\"var\": \"result.stdout_lines\"}}" },
	{ 0 },
};

static const struct module_return debug_returns[] = {
	{ "msg", "raw", "The text; with var the key is the expression, and its value stands under it." },
	{ 0 },
};

static int debug_decide(const struct module *module, const void *wanted, struct decision *decision, struct err *err)
{
	(void)module, (void)err;
	const struct debug_want *want = wanted;
	if (want->verbosity > (long long)decision->verbosity) {
		result_str(decision, "skipped_reason", "Verbosity threshold not met.");
		decision->skipped = true;
		return 0;
	}
	if (!want->var) {
		result_set(decision, "msg", json_deep_copy(want->msg));
		return 0;
	}
	const char *expression = json_string_value(json_object_get(want->var, "expression"));
	json_t *value = json_object_get(want->var, "value");
	result_set(decision, expression ? expression : "var",
	           value ? json_deep_copy(value) : json_string("VARIABLE IS NOT DEFINED!"));
	return 0;
}

const struct module debug_module = {
	.name = "debug",
	.doc = "Shows a text or a value.",
	.spec = { .args = debug_args, .rules = debug_rules, .want_size = sizeof(struct debug_want) },
	.examples = debug_examples,
	.returns = debug_returns,
	.decide = debug_decide,
	.acts_on_run = true,
};

/* ---- fail ---- */

struct fail_want { const char *msg; };

static const struct arg fail_args[] = {
	{ .name = "msg", .fallback = "\"Failed as requested from task\"", .offset = offsetof(struct fail_want, msg),
	  .doc = "Why." },
	{ 0 },
};

static const struct module_example fail_examples[] = {
	{ "Stop where something is wrong", "{\"name\": \"enough memory\", \"fail\": {\"msg\": \"2 GB are needed\"}, \"when\": "
	                                   "\"memory_mb < 2048\"}" },
	{ 0 },
};

static int fail_decide(const struct module *module, const void *wanted, struct decision *decision, struct err *err)
{
	(void)module, (void)err;
	const struct fail_want *want = wanted;
	return result_fail(decision, "%s", want->msg);
}

const struct module fail_module = {
	.name = "fail",
	.doc = "Fails with a message.",
	.spec = { .args = fail_args, .want_size = sizeof(struct fail_want) },
	.examples = fail_examples,
	.decide = fail_decide,
	.acts_on_run = true,
};

/* ---- assert ---- */

struct assert_want { json_t *that, *fail_msg, *success_msg; int quiet; };

static const char *const fail_msg_names[] = { "msg", NULL };
static const struct arg assert_args[] = {
	{ .name = "that", .type = ARG_CONDITION, .required = true, .offset = offsetof(struct assert_want, that),
	  .doc = "An expression, or a list of them, that must all hold." },
	{ .name = "fail_msg", .type = ARG_RAW, .aliases = fail_msg_names, .offset = offsetof(struct assert_want, fail_msg),
	  .doc = "What to say where one does not." },
	{ .name = "success_msg", .type = ARG_RAW, .offset = offsetof(struct assert_want, success_msg),
	  .doc = "What to say where all do." },
	{ .name = "quiet", .type = ARG_BOOL, .fallback = "false", .offset = offsetof(struct assert_want, quiet),
	  .doc = "Says nothing where all hold." },
	{ 0 },
};

static const struct module_example assert_examples[] = {
	{ "Check what must be true", "{\"name\": \"sane\", \"assert\": {\"that\": [\"port > 1024\", \"user is defined\"], "
	                             "\"fail_msg\": \"port and user must be set\"}}" },
	{ 0 },
};

static const struct module_return assert_returns[] = {
	{ "assertion", "str", "The expression that does not hold." },
	{ "evaluated_to", "bool", "false, where one does not hold." },
	{ "msg", "raw", "The message." },
	{ 0 },
};

static int assert_decide(const struct module *module, const void *wanted, struct decision *decision, struct err *err)
{
	(void)module, (void)err;
	const struct assert_want *want = wanted;
	size_t i;
	json_t *condition;
	json_array_foreach(want->that, i, condition) {
		if (json_is_true(json_object_get(condition, "holds")))
			continue;
		result_set(decision, "assertion", json_deep_copy(json_object_get(condition, "expression")));
		result_bool(decision, "evaluated_to", false);
		result_fail(decision, "Assertion failed");
		if (want->fail_msg && !json_is_null(want->fail_msg))
			result_set(decision, "msg", json_deep_copy(want->fail_msg));
		return 0;
	}
	bool has_text = want->success_msg && !json_is_null(want->success_msg);
	if (!want->quiet || !has_text)
		result_set(decision, "msg", has_text ? json_deep_copy(want->success_msg) : json_string("All assertions passed"));
	return 0;
}

const struct module assert_module = {
	.name = "assert",
	.doc = "Fails unless all of the given expressions hold.",
	.spec = { .args = assert_args, .want_size = sizeof(struct assert_want) },
	.examples = assert_examples,
	.returns = assert_returns,
	.decide = assert_decide,
	.acts_on_run = true,
};

/* ---- set_fact ---- */

static const struct arg set_fact_args[] = {
	{ .name = "cacheable", .type = ARG_BOOL, .fallback = "false", .doc = "Keeps the values as facts for later runs too." },
	{ 0 },
};

static const struct module_example set_fact_examples[] = {
	{ "Name a value", "{\"name\": \"the release\", \"set_fact\": {\"release_path\": \"/srv/{{ release }}\", \"tries\": 3}}" },
	{ 0 },
};

static const struct module_return set_fact_returns[] = {
	{ "ansible_facts", "dict", "The values by name." },
	{ 0 },
};

static bool is_variable_name(const char *name)
{
	if (!isalpha((unsigned char)*name) && *name != '_')
		return false;
	for (; *name; name++) {
		if (!isalnum((unsigned char)*name) && *name != '_')
			return false;
	}
	return true;
}

static int set_fact_decide(const struct module *module, const void *wanted, struct decision *decision, struct err *err)
{
	(void)module, (void)err;
	auto_json json_t *facts = json_object();
	const char *name;
	json_t *value;
	/* No struct: the keys are the task's own. */
	json_object_foreach((json_t *)wanted, name, value) {
		if (strcmp(name, "cacheable") == 0)
			continue;
		if (!is_variable_name(name))
			return result_fail(decision, "The variable name '%s' is not valid. Variables must start with a letter or underscore "
			                             "character, and contain only letters, numbers and underscores.", name);
		json_object_set_new(facts, name, json_deep_copy(value));
	}
	if (!json_object_size(facts))
		return result_fail(decision, "No key/value pairs provided, at least one is required for this action to succeed");
	result_set(decision, "ansible_facts", json_incref(facts));
	if (json_is_true(json_object_get((json_t *)wanted, "cacheable")))
		result_bool(decision, "_ansible_facts_cacheable", true);
	return 0;
}

const struct module set_fact_module = {
	.name = "set_fact",
	.doc = "Sets variables of the host for the rest of the run.",
	.spec = { .args = set_fact_args, .any_key = true },
	.examples = set_fact_examples,
	.returns = set_fact_returns,
	.decide = set_fact_decide,
	.acts_on_run = true,
};

/* ---- meta ---- */

struct meta_want { const char *action; };

static const char *const meta_names[] = { "_raw_params", NULL };
static const char *const meta_actions[] = {
	"clear_facts", "clear_host_errors", "end_batch", "end_host", "end_play", "end_role", "flush_handlers", "noop",
	"refresh_inventory", "reset_connection", NULL,
};
static const struct arg meta_args[] = {
	{ .name = "free_form", .required = true, .aliases = meta_names, .choices = meta_actions,
	  .offset = offsetof(struct meta_want, action),
	  .doc = "flush_handlers runs the notified handlers now; end_host ends the play for this host, end_play and end_batch for "
	         "all, end_role this host's part in a role; clear_facts forgets facts, clear_host_errors lets failed hosts take part "
	         "again; refresh_inventory reads the inventory again, new hosts take part from the next play on; reset_connection connects "
	         "anew; noop does nothing." },
	{ 0 },
};

static const struct module_example meta_examples[] = {
	{ "Handlers now", "{\"name\": \"restart before the checks\", \"meta\": \"flush_handlers\"}" },
	{ 0 },
};

static int meta_decide(const struct module *module, const void *wanted, struct decision *decision, struct err *err)
{
	(void)module, (void)wanted, (void)decision, (void)err;
	return 0;
}

const struct module meta_module = {
	.name = "meta",
	.doc = "Acts on the run itself.",
	.spec = { .args = meta_args, .free_form = "free_form", .want_size = sizeof(struct meta_want) },
	.examples = meta_examples,
	.decide = meta_decide,
	.acts_on_run = true,
};
