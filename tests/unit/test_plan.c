/* The plan floor: binding arguments, replaying decisions, modes, results. */
#include <math.h>
#include <string.h>

#include <criterion/criterion.h>

#include "base/buf.h"
#include "base/mem.h"
#include "plan/module.h"

/* ---- a table to bind with ---- */

struct sample { const char *path, *state, *mode, *secret, *check; long long count; double ratio; int force; json_t *words, *options, *find; };

static const char *const states[] = { "present", "absent", NULL };
static const char *const path_aliases[] = { "dest", "name", NULL };
static const struct arg nested_args[] = {
	{ .name = "size", .type = ARG_INT, .required = true }, { .name = "kind", .type = ARG_STR, .fallback = "\"x\"" }, { 0 },
};
static const struct arg sample_args[] = {
	{ .name = "path", .type = ARG_PATH, .required = true, .aliases = path_aliases, .offset = offsetof(struct sample, path) },
	{ .name = "state", .choices = states, .fallback = "\"present\"", .offset = offsetof(struct sample, state) },
	{ .name = "mode", .type = ARG_MODE, .offset = offsetof(struct sample, mode) },
	{ .name = "password", .type = ARG_SECRET, .offset = offsetof(struct sample, secret) },
	{ .name = "count", .type = ARG_INT, .offset = offsetof(struct sample, count) },
	{ .name = "ratio", .type = ARG_FLOAT, .offset = offsetof(struct sample, ratio) },
	{ .name = "force", .type = ARG_BOOL, .offset = offsetof(struct sample, force) },
	{ .name = "check", .pattern = "%s", .pattern_doc = "have %s in it", .offset = offsetof(struct sample, check) },
	{ .name = "find", .type = ARG_LIST, .regex = true, .offset = offsetof(struct sample, find) },
	{ .name = "words", .type = ARG_LIST, .offset = offsetof(struct sample, words) },
	{ .name = "options", .type = ARG_DICT, .options = nested_args, .offset = offsetof(struct sample, options) },
	{ 0 },
};
static const struct rule sample_rules[] = {
	{ .kind = RULE_EXCLUSIVE, .names = (const char *const[]){ "count", "ratio", NULL } },
	{ .kind = RULE_ALLOWED_IF, .names = (const char *const[]){ "words", NULL }, .if_name = "state",
	  .if_values = (const char *const[]){ "present", "latest", NULL } },
	{ .kind = RULE_REQUIRED_IF, .names = (const char *const[]){ "force", NULL }, .if_name = "state", .if_values = (const char *const[]){ "absent", NULL } },
	{ 0 },
};
static const struct spec sample = { .args = sample_args, .rules = sample_rules, .want_size = sizeof(struct sample) };

static void note(void *context, const char *path, bool at_key, const char *hint, const char *text)
{
	buf_printf(context, "%s%s: %s%s%s%s\n", path, at_key ? " (key)" : "", text, hint ? " [" : "", hint ? hint : "",
	           hint ? "]" : "");
}

static json_t *try_bind(const char *json, unsigned flags, struct buf *notes)
{
	auto_json json_t *arguments = json_loads(json, 0, NULL);
	cr_assert_not_null(arguments, "the test's own JSON is wrong: %s", json);
	return spec_bind(&sample, arguments, flags, note, notes, NULL);
}

static void expect_note(const char *json, const char *expected)
{
	auto_buf struct buf notes = BUF_INIT;
	auto_json json_t *bound = try_bind(json, 0, &notes);
	cr_assert_null(bound, "%s was bound", json);
	cr_expect_str_eq(buf_text(&notes), expected, "for %s:\n%s", json, buf_text(&notes));
}

static void expect_bound(const char *json, const char *key, const char *expected)
{
	auto_buf struct buf notes = BUF_INIT;
	auto_json json_t *bound = try_bind(json, 0, &notes);
	cr_assert_not_null(bound, "%s: %s", json, buf_text(&notes));
	auto_free char *text = json_dumps(json_object_get(bound, key), JSON_ENCODE_ANY | JSON_COMPACT);
	cr_expect_str_eq(text ? text : "(absent)", expected, "for %s: %s", json, text);
}

Test(spec, fills_a_struct_with_values_and_marks_of_absence)
{
	auto_buf struct buf notes = BUF_INIT;
	auto_json json_t *bound = try_bind("{\"dest\": \"/a\", \"count\": \"12\"}", 0, &notes);
	cr_assert_not_null(bound, "%s", buf_text(&notes));
	struct sample want = { 0 };
	spec_fill(&sample, bound, &want);
	cr_expect_str_eq(want.path, "/a");
	cr_expect_str_eq(want.state, "present");
	cr_expect_eq(want.count, 12);
	cr_expect(isnan(want.ratio));
	cr_expect_eq(want.force, -1);
	cr_expect_null(want.words);
	cr_expect_null(want.mode);
}

Test(spec, converts_as_ansible_does)
{
	expect_bound("{\"path\": \"a\", \"force\": \"yes\"}", "force", "true");
	expect_bound("{\"path\": \"a\", \"force\": \"OFF\"}", "force", "false");
	expect_bound("{\"path\": \"a\", \"force\": 1}", "force", "true");
	expect_bound("{\"path\": \"a\", \"count\": \" 7 \"}", "count", "7");
	expect_bound("{\"path\": \"a\", \"count\": 7.0}", "count", "7");
	expect_bound("{\"path\": \"a\", \"password\": 12}", "password", "\"12\"");
	expect_bound("{\"path\": \"a\", \"password\": 1.5}", "password", "\"1.5\"");
	expect_bound("{\"path\": \"a\", \"password\": true}", "password", "\"True\"");
	expect_bound("{\"path\": \"a\", \"words\": \"x,y,z\"}", "words", "[\"x\",\"y\",\"z\"]");
	expect_bound("{\"path\": \"a\", \"words\": [1, \"b\"]}", "words", "[\"1\",\"b\"]");
	expect_bound("{\"path\": \"a\", \"words\": 5}", "words", "[\"5\"]");
	expect_bound("{\"path\": \"a\", \"options\": \"size=3 kind='a b'\"}", "options", "{\"size\":3,\"kind\":\"a b\"}");
	expect_bound("{\"path\": \"a\", \"options\": \"{\\\"size\\\": 4}\"}", "options", "{\"size\":4,\"kind\":\"x\"}");
	expect_bound("{\"path\": \"a\", \"mode\": null}", "mode", "(absent)");
}

Test(spec, says_what_was_probably_meant)
{
	expect_note("{\"path\": \"a\", \"stat\": \"present\"}", "stat (key): unknown argument \"stat\" [did you mean \"state\"?]\n");
	expect_note("{\"path\": \"a\", \"state\": \"presnt\"}",
	            "state: must be one of present, absent, not \"presnt\" [did you mean \"present\"?]\n");
	expect_note("{\"path\": \"a\", \"options\": {\"size\": 1, \"kin\": 2}}",
	            "options.kin (key): unknown argument \"kin\" [did you mean \"kind\"?]\n");
	expect_note("{\"path\": \"a\", \"options\": {}}", "options: missing required argument: size\n");
}

Test(spec, reports_every_fault_at_once)
{
	expect_note("{\"count\": \"x\", \"force\": \"maybe\"}",
	            "count: must be a whole number, not \"x\"\nforce: must be true or false, not \"maybe\"\n"
	            ": missing required argument: path\n");
}

Test(spec, refuses_a_mode_as_a_number_and_shows_both_readings)
{
	expect_note("{\"path\": \"a\", \"mode\": 644}",
	            "mode: a mode must be a string: the number 644 is 1204 in octal [write \"0644\" for the digits as they stand, or "
	            "\"1204\" for what the number is in octal]\n");
	expect_note("{\"path\": \"a\", \"mode\": 420}",
	            "mode: a mode must be a string: the number 420 is 0644 in octal [write \"0420\" for the digits as they stand, or "
	            "\"0644\" for what the number is in octal]\n");
	expect_note("{\"path\": \"a\", \"mode\": 493}",
	            "mode: a mode must be a string: the number 493 is 0755 in octal [write \"0755\", which is what the number is in "
	            "octal]\n");
	expect_note("{\"path\": \"a\", \"mode\": \"rw-r--r--\"}",
	            "mode: \"rw-r--r--\" is no mode [write octal digits (\"0644\") or symbols (\"u=rw,go=r\")]\n");
}

Test(spec, refuses_two_names_of_one_argument_that_differ)
{
	expect_note("{\"path\": \"a\", \"dest\": \"b\"}",
	            "dest (key): \"dest\" and another name of the same argument, \"path\", differ [keep one of them]\n");
	expect_bound("{\"path\": \"a\", \"dest\": \"a\"}", "path", "\"a\"");
}

Test(spec, keeps_rules_across_arguments)
{
	expect_note("{\"path\": \"a\", \"count\": 1, \"ratio\": 2}",
	            ": these arguments exclude each other: count, ratio [keep one of them]\n");
	expect_note("{\"path\": \"a\", \"state\": \"absent\"}", ": state is absent, which needs force too\n");
	expect_note("{\"path\": \"a\", \"state\": \"absent\", \"force\": true, \"words\": [\"b\"]}",
	            "words (key): \"words\" is for state present or latest, and state is absent\n");
	expect_bound("{\"path\": \"a\", \"words\": [\"b\"]}", "state", "\"present\"");
}

Test(spec, wants_texts_that_match_their_patterns)
{
	expect_note("{\"path\": \"a\", \"check\": \"true\"}", "check: must have %s in it\n");
	expect_note("{\"path\": \"a\", \"find\": [\"a\", \"(\"]}", "find[1]: the regular expression (: missing closing parenthesis\n");
	expect_bound("{\"path\": \"a\", \"check\": \"true %s\", \"find\": [\"a\", \"b|c\"]}", "check", "\"true %s\"");
}

Test(spec, judges_no_template_before_the_run)
{
	auto_buf struct buf notes = BUF_INIT;
	auto_json json_t *bound =
		try_bind("{\"path\": \"{{ p }}\", \"count\": \"{{ n }}\", \"state\": \"{{ s }}\", \"mode\": \"{% if a %}0644{% endif %}\"}",
	             SPEC_TEMPLATES, &notes);
	cr_assert_not_null(bound, "%s", buf_text(&notes));
	cr_expect_str_eq(buf_text(&notes), "");
}

Test(spec, gathers_secrets)
{
	auto_buf struct buf notes = BUF_INIT;
	auto_json json_t *arguments = json_loads("{\"path\": \"a\", \"password\": \"hunter2\"}", 0, NULL);
	auto_json json_t *secrets = json_array();
	auto_json json_t *bound = spec_bind(&sample, arguments, 0, note, &notes, secrets);
	cr_assert_not_null(bound);
	cr_expect_str_eq(json_string_value(json_array_get(secrets, 0)), "hunter2");
}

static void expect_split(const char *free_form, const char *text, const char *expected)
{
	static const struct arg args[] = { { .name = "cmd" }, { .name = "chdir" }, { .name = "creates" }, { 0 } };
	const struct spec spec = { .args = args, .free_form = free_form };
	struct err err = ERR_INIT;
	auto_json json_t *written = json_string(text);
	auto_json json_t *arguments = spec_arguments(&spec, written, NULL, &err);
	auto_free char *dump = arguments ? json_dumps(arguments, JSON_COMPACT) : NULL;
	cr_expect_str_eq(dump ? dump : err.text, expected);
}

Test(spec_split, takes_words_and_free_forms_apart)
{
	expect_split(NULL, "chdir=/x creates='a b'", "{\"chdir\":\"/x\",\"creates\":\"a b\"}");
	expect_split(NULL, "chdir={{ a | b }} creates=\"{{ x['y'] }}\"", "{\"chdir\":\"{{ a | b }}\",\"creates\":\"{{ x['y'] }}\"}");
	expect_split("cmd", "make  install X=1 chdir=/src", "{\"chdir\":\"/src\",\"cmd\":\"make  install X=1\"}");
	expect_split("cmd", "chdir=/src echo \"a  b\"\n  next", "{\"chdir\":\"/src\",\"cmd\":\"echo \\\"a  b\\\"\\n  next\"}");
	expect_split("cmd", "echo \"open", "an open quote in \"\"open\"");
	/* as ansible.parsing.splitter does it */
	expect_split("cmd", "echo a=1 chdir=/tmp creates='/x y'", "{\"chdir\":\"/tmp\",\"creates\":\"/x y\",\"cmd\":\"echo a=1\"}");
	expect_split("cmd", "cat <<E\n   indented  x\nE\n", "{\"cmd\":\"cat <<E\\n   indented  x\\nE\\n\"}");
	expect_split("cmd", "echo a\\=b chdir=/x", "{\"chdir\":\"/x\",\"cmd\":\"echo a=b\"}");
	expect_split("cmd", "echo \\\n more", "{\"cmd\":\"echo more\"}");
	expect_split("cmd", "echo \\n {{ a b }} creates={{ x }}", "{\"creates\":\"{{ x }}\",\"cmd\":\"echo \\\\n {{ a b }}\"}");
	expect_split("cmd", "echo \"chdir=/x\"", "{\"cmd\":\"echo \\\"chdir=/x\\\"\"}");
	expect_split(NULL, "chdir=/x\\ny creates='d\\x41'", "{\"chdir\":\"/x\\ny\",\"creates\":\"dA\"}");
	expect_split(NULL, "chdir=1 chdir=2", "\"chdir\" is given twice");
	expect_split(NULL, "word", "\"word\" is not of the form key=value");
}

Test(spec_split, lets_the_modules_own_arguments_win_over_args)
{
	struct err err = ERR_INIT;
	auto_json json_t *written = json_loads("{\"path\": \"a\"}", 0, NULL);
	auto_json json_t *extra = json_loads("{\"path\": \"b\", \"mode\": \"0600\"}", 0, NULL);
	auto_json json_t *arguments = spec_arguments(&sample, written, extra, &err);
	cr_expect_str_eq(json_string_value(json_object_get(arguments, "path")), "a");
	cr_expect_str_eq(json_string_value(json_object_get(arguments, "mode")), "0600");
}

/* ---- modes ---- */

static void expect_mode(const char *text, mode_t old, bool is_directory, mode_t expected)
{
	struct err err = ERR_INIT;
	cr_assert_eq(mode_check(text, &err), 0, "%s: %s", text, err.text);
	mode_t mode = mode_apply(text, old, is_directory, 022);
	cr_expect_eq(mode, expected, "%s on %04o gives %04o", text, (unsigned)old, (unsigned)mode);
}

Test(mode, is_applied_as_chmod_does)
{
	expect_mode("0644", 0777, false, 0644);
	expect_mode("00644", 0, false, 0644);
	expect_mode("1777", 0, true, 01777);
	expect_mode("u=rw,go=r", 0777, false, 0644);
	expect_mode("a+X", 0644, false, 0644);
	expect_mode("a+X", 0744, false, 0755);
	expect_mode("a+X", 0644, true, 0755);
	expect_mode("+w", 0444, false, 0644);
	expect_mode("g=u", 0740, false, 0770);
	expect_mode("u+s,o+t", 0755, false, 05755);
	expect_mode("u=rwx,g+w-x,o=", 0755, false, 0760);
}

Test(mode, refuses_what_is_none)
{
	static const char *const wrong[] = { "", "0999", "77777", "rwx", "u~x", "u=rw,", "u=rw,,g=r", "u", NULL };
	for (const char *const *text = wrong; *text; text++) {
		struct err err = ERR_INIT;
		cr_expect_eq(mode_check(*text, &err), -1, "\"%s\" was taken", *text);
	}
}

/* ---- decisions ---- */

static int decide_file(const struct module *module, const void *want, struct decision *decision, struct err *err)
{
	(void)module, (void)want, (void)err;
	const struct stat_answer *a = ask_stat(decision, "/a", ASK_NO_FOLLOW);
	const struct stat_answer *b = ask_stat(decision, "/b", ASK_NO_FOLLOW);
	if (!a || !b)
		return 0;
	if (!a->type && !step_mkdir(decision, &(struct step_mkdir){ .path = "/a" }))
		return 0;
	const struct stat_answer *after = ask_stat(decision, "/a", ASK_NO_FOLLOW);
	if (!after)
		return 0;
	result_int(decision, "type", after->type);
	return 0;
}

static const struct module sample_module = { .name = "sample", .decide = decide_file };

static struct answer *stat_of(char type)
{
	struct answer *answer = answer_new();
	answer->state = type ? ANSWER_OK : ANSWER_ABSENT;
	answer->stat = (struct stat_answer){ .type = type, .owner = "", .group = "" };
	return answer;
}

static void call(struct decision *decision)
{
	struct err err = ERR_INIT;
	cr_assert_eq(module_decide(&sample_module, NULL, decision, &err), 0, "%s", err.text);
}

Test(decision, goes_from_asks_to_steps_to_the_result)
{
	auto_(decision_release) struct decision decision;
	decision_init(&decision, false);
	call(&decision);
	cr_assert_eq(decision.asked_count, 2);
	cr_assert(decision_wants_answers(&decision) && !decision_is_done(&decision));
	decision_answer(&decision, 0, stat_of(0));
	decision_answer(&decision, 1, stat_of('f'));
	call(&decision);
	cr_assert(!decision_wants_answers(&decision) && decision_wants_steps(&decision));
	cr_expect_str_eq(decision.stepped[0].step->human, "create directory /a");
	const struct outcome done = { .ok = true };
	decision_outcome(&decision, 0, &done);
	call(&decision);
	cr_assert_eq(decision.asked_count, 3, "what follows a step is asked anew");
	cr_assert_eq(decision.asked[2].after_steps, 1);
	decision_answer(&decision, 2, stat_of('d'));
	call(&decision);
	cr_assert(decision_is_done(&decision) && decision_is_changed(&decision));
	cr_expect_eq(json_integer_value(json_object_get(decision.result, "type")), 'd');
}

Test(decision, fails_the_task_where_a_path_cannot_be_looked_at)
{
	auto_(decision_release) struct decision decision;
	decision_init(&decision, false);
	call(&decision);
	struct answer *denied = answer_new();
	denied->state = ANSWER_DENIED;
	denied->why = "Permission denied";
	decision_answer(&decision, 0, denied);
	decision_answer(&decision, 1, stat_of(0));
	call(&decision);
	cr_assert(decision.failed && decision_is_done(&decision));
	cr_expect_str_eq(json_string_value(json_object_get(decision.result, "msg")), "cannot stat /a: Permission denied");
}

static int decide_impure(const struct module *module, const void *want, struct decision *decision, struct err *err)
{
	(void)want, (void)err;
	int *calls = module->context;
	auto_free char *path = mem_printf("/%d", ++*calls);
	step_mkdir(decision, &(struct step_mkdir){ .path = path });
	return 0;
}

Test(decision, finds_a_module_that_is_not_pure)
{
	int calls = 0;
	const struct module module = { .name = "moody", .decide = decide_impure, .context = &calls };
	auto_(decision_release) struct decision decision;
	decision_init(&decision, false);
	struct err err = ERR_INIT;
	cr_assert_eq(module_decide(&module, NULL, &decision, &err), 0);
	cr_assert_eq(module_decide(&module, NULL, &decision, &err), 0, "what was not done may change");
	decision_outcome(&decision, 0, &(struct outcome){ .ok = true });
	cr_assert_eq(module_decide(&module, NULL, &decision, &err), -1);
	cr_expect_str_eq(err.text, "module moody is not a pure function: step 1 was \"create directory /2\" and is now "
	                           "\"create directory /3\"");
}

static int decide_on_and_on(const struct module *module, const void *want, struct decision *decision, struct err *err)
{
	(void)want, (void)err, (void)module;
	if (!step_mkdir(decision, &(struct step_mkdir){ .path = "/a" })) {
		step_last(decision);
		return 0;
	}
	step_mkdir(decision, &(struct step_mkdir){ .path = "/b" });
	return 0;
}

Test(decision, finds_a_module_that_goes_on_behind_its_last_step)
{
	const struct module module = { .name = "restless", .decide = decide_on_and_on };
	auto_(decision_release) struct decision decision;
	decision_init(&decision, false);
	struct err err = ERR_INIT;
	cr_assert_eq(module_decide(&module, NULL, &decision, &err), 0);
	cr_assert_eq(decision.last, 1);
	cr_assert_eq(module_decide(&module, NULL, &decision, &err), 0, "what was not done may change");
	decision_outcome(&decision, 0, &(struct outcome){ .ok = true });
	cr_assert_eq(module_decide(&module, NULL, &decision, &err), -1);
	cr_expect_str_eq(err.text, "module restless is not a pure function: step 1 was to be the last");
}

/* ---- results ---- */

Test(result, shows_a_command_as_ansible_does)
{
	auto_(decision_release) struct decision decision;
	decision_init(&decision, false);
	const struct command_result run = {
		.ended = ENDED_EXIT, .code = 3, .output = "a\nb\n\n", .output_length = 5, .errors = "x\xffy", .errors_length = 3,
		.start_us = 1700000000000000, .end_us = 1700000001500000,
	};
	result_command(&decision, &run, true);
	auto_free char *text = json_dumps(decision.result, JSON_COMPACT | JSON_SORT_KEYS);
	cr_expect(strstr(text, "\"delta\":\"0:00:01.500000\"") && strstr(text, "\"rc\":3") && strstr(text, "\"stdout\":\"a\\nb\"") &&
	          strstr(text, "\"stdout_lines\":[\"a\",\"b\"]") && strstr(text, "\"stderr\":\"x\xef\xbf\xbdy\""), "%s", text);
}

Test(registry, finds_a_module_under_its_long_names)
{
	struct registry *registry = registry_new();
	cr_assert_not_null(registry_find(registry, "ping"));
	cr_assert_eq(registry_find(registry, "ansible.builtin.ping"), registry_find(registry, "ping"));
	cr_assert_null(registry_find(registry, "community.general.ping"));
	static const struct module own = { .name = "ping" };
	registry_add(registry, &own, NULL);
	cr_assert_eq(registry_find(registry, "ping"), &own);
	registry_free(registry);
}

static const struct module late_module = { .name = "late" };

static const struct module *make_late(const void *made)
{
	++*(int *)(uintptr_t)made;
	return &late_module;
}

Test(registry, makes_a_module_when_it_is_first_looked_up)
{
	struct registry *registry = registry_new();
	int made = 0;
	registry_add_late(registry, "late", make_late, &made, NULL);
	cr_expect(registry_has(registry, "ansible.builtin.late"));
	cr_expect_eq(made, 0);
	cr_expect_eq(registry_find(registry, "late"), &late_module);
	cr_expect_eq(registry_find(registry, "late"), &late_module);
	cr_expect_eq(made, 1);
	registry_free(registry);
}
