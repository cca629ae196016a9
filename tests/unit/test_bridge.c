/* Lua modules: the table becomes a struct module, decide() is replayed, and no module gets out of its bounds. */
#include <criterion/criterion.h>

#include <fcntl.h>
#include <sys/stat.h>

#include "base/buf.h"
#include "base/mem.h"
#include "lua/bridge.h"

static char *folder_new(void)
{
	char *folder = mem_strdup("/tmp/neap-bridge-XXXXXX");
	cr_assert(mkdtemp(folder));
	return folder;
}

static char *file_new(const char *folder, const char *name, const char *text)
{
	char *path = mem_printf("%s/%s", folder, name);
	FILE *file = fopen(path, "w");
	cr_assert(file);
	fputs(text, file);
	fclose(file);
	return path;
}

#define EXAMPLES "examples = { { 'one', '{ \"m\": {} }' } },\n"

/* A module called m from its text; NULL with the problems' text in why. */
static const struct module *load(struct registry *registry, const char *text, char **why)
{
	auto_free char *folder = folder_new();
	auto_free char *path = file_new(folder, "m.lua", text);
	auto_problems struct problems problems = PROBLEMS_INIT;
	int status = bridge_add_file(registry, path, &problems);
	if (status < 0) {
		cr_assert_geq(problems.count, 1);
		*why = mem_printf("%d: %s", problems.items[0].place.line, problems.items[0].text);
	}
	unlink(path);
	rmdir(folder);
	return status < 0 ? NULL : registry_find(registry, "m");
}

/* A module whose decide has this body. */
static const struct module *decider(struct registry *registry, const char *args, const char *body)
{
	auto_free char *why = NULL;
	auto_free char *text = mem_printf("return { doc = 'd', args = {%s},\n" EXAMPLES
	                                  "decide = function(want, known)\n%s\nend }\n", args, body);
	const struct module *module = load(registry, text, &why);
	cr_assert(module, "%s", why);
	return module;
}

static struct answer *answer_file(const char *content)
{
	struct answer *answer = answer_new();
	answer->read.bytes = arena_str(&answer->arena, content);
	answer->read.length = strlen(content);
	return answer;
}

static void decide(const struct module *module, json_t *want, struct decision *decision)
{
	struct err err = ERR_INIT;
	decision_rewind(decision);
	cr_assert_eq(module->decide(module, want, decision, &err), 0, "%s: %s", err.where, err.text);
}

/* What decide() says when it must fail. New string "where: text". */
static char *fault_of(const char *body)
{
	struct registry *registry = registry_new();
	const struct module *module = decider(registry, "", body);
	struct decision decision;
	struct err err = ERR_INIT;
	auto_json json_t *want = json_object();
	decision_init(&decision, false);
	decision_rewind(&decision);
	cr_assert_eq(module->decide(module, want, &decision, &err), -1);
	decision_release(&decision);
	char *text = mem_printf("%s: %s", strrchr(err.where, '/') + 1, err.text);
	registry_free(registry);
	return text;
}

static void fault_has(const char *body, const char *expected)
{
	auto_free char *text = fault_of(body);
	cr_expect(strstr(text, expected), "%s\nlacks: %s", text, expected);
}

Test(bridge, a_table_becomes_a_module)
{
	struct registry *registry = registry_new();
	auto_free char *why = NULL;
	const struct module *m = load(registry,
		"return {\n"
		"  name = 'm', doc = 'Does a thing.',\n"
		"  args = {\n"
		"    path = { 'path', required = true, aliases = { 'dest' }, doc = 'where' },\n"
		"    state = { 'str', default = 'present', choices = { 'present', 'absent' }, doc = 'which' },\n"
		"    test = { 'str', pattern = '%s', pattern_doc = 'have %s in it', regex = true, doc = 'a command' },\n"
		"    items = { 'list', elements = 'dict', options = { key = { 'int', doc = 'a number' } }, doc = 'some' },\n"
		"  },\n"
		"  required_if = { { 'state', 'present', { 'items' } } },\n"
		"  allowed_if = { { 'state', { 'present', 'absent' }, { 'test' } } },\n"
		"  mutually_exclusive = { { 'path', 'items' } },\n"
		"  returns = { b = { 'str', doc = 'second' }, a = { 'int', doc = 'first' } },\n"
		EXAMPLES
		"  decide = function() end,\n"
		"}\n", &why);
	cr_assert(m, "%s", why);
	cr_expect_str_eq(m->doc, "Does a thing.");
	cr_expect_str_eq(m->spec.args[0].name, "path");
	cr_expect(m->spec.args[0].required);
	cr_expect_str_eq(m->spec.args[0].aliases[0], "dest");
	cr_expect_str_eq(m->spec.args[1].name, "items");
	cr_expect_eq(m->spec.args[1].elements, ARG_DICT);
	cr_expect_str_eq(m->spec.args[1].options[0].name, "key");
	cr_expect_str_eq(m->spec.args[2].fallback, "\"present\"");
	cr_expect_str_eq(m->spec.args[2].choices[1], "absent");
	cr_expect_str_eq(m->spec.args[3].pattern_doc, "have %s in it");
	cr_expect(m->spec.args[3].regex);
	cr_expect_null(m->spec.args[4].name);
	cr_expect_eq(m->spec.rules[0].kind, RULE_EXCLUSIVE);
	cr_expect_eq(m->spec.rules[1].kind, RULE_REQUIRED_IF);
	cr_expect_str_eq(m->spec.rules[1].if_values[0], "present");
	cr_expect_eq(m->spec.rules[2].kind, RULE_ALLOWED_IF);
	cr_expect_str_eq(m->spec.rules[2].if_values[1], "absent");
	cr_expect_str_eq(m->returns[0].name, "a");
	cr_expect_str_eq(m->examples[0].title, "one");
	registry_free(registry);
	bridge_thread_end();
}

Test(bridge, nobody_changes_what_all_modules_share)
{
	fault_has("string.calls = 1", "'calls' cannot be set: the table belongs to all modules");
	fault_has("text.lines = nil", "'lines' cannot be set");
	fault_has("table.insert(json, 1)", "'1' cannot be set");
	fault_has("getmetatable(step).__index = {}", "attempt to index a boolean value");
	fault_has("fail = 1", "'fail' is assigned but not declared");
	bridge_thread_end();
}

Test(bridge, faults_of_the_table_name_their_line)
{
	static const struct { const char *text, *expected; } cases[] = {
		{ "return {\n doc = = 1 }", "2: unexpected symbol near '='" },
		{ "return 5", "0: the file must return a table, not number" },
		{ "return { doc = 'd',\n argz = {} }", "2: module: unknown key \"argz\"; did you mean \"args\"?" },
		{ "return { doc = 'd', decide = print,\n}", "1: there is no variable or function 'print'" },
		{ "return { doc = 'd', decide = function() end,\n args = { a =\n { 'string', doc = 'x' } } }",
		  "3: args.a: unknown type \"string\"; did you mean \"str\"" },
		{ "return { doc = 'd', decide = function() end,\n args = { a = { 'str' } } }", "2: args.a: it needs a doc" },
		{ "return { doc = 'd', decide = function() end,\n required_together = { { 'ghost' } } }",
		  "2: required_together names \"ghost\", which is not in args" },
		{ "return { name = 'n', doc = 'd', decide = function() end }", "1: the file is called m.lua but the module's name is \"n\"" },
		{ "return { doc = 'd', decide = function() end, examples = { { 't', '{' } } }", "is not a task in JSON" },
		{ "x = 1", "1: 'x' is assigned but not declared; write: local x" },
		{ "\x1bLua", "0: " },
		{ "while true do end", "it took too many steps" },
	};
	for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
		struct registry *registry = registry_new();
		auto_free char *why = NULL;
		cr_expect_null(load(registry, cases[i].text, &why));
		cr_expect(why && strstr(why, cases[i].expected), "%s\nlacks: %s", why, cases[i].expected);
		registry_free(registry);
	}
	bridge_thread_end();
}

Test(bridge, asks_then_steps_then_results)
{
	struct registry *registry = registry_new();
	const struct module *module = decider(registry, "path = { 'path', doc = 'p' }, line = { 'str', doc = 'l' }",
		"local text = need(known:read(want.path))\n"
		"result.had = #text\n"
		"if text == want.line then return end\n"
		"local put = need(step.put{ path = want.path, content = want.line, mode = '0640', backup = true })\n"
		"result.backup_file = put.backup_file\n");
	auto_json json_t *want = json_pack("{ssss}", "path", "/etc/motd", "line", "hello\n");
	struct decision decision;
	decision_init(&decision, false);

	decide(module, want, &decision);
	cr_assert(decision_wants_answers(&decision));
	cr_assert_eq(decision.asked_count, 1);
	cr_expect_eq(decision.asked[0].ask->kind, ASK_READ);
	cr_expect_str_eq(decision.asked[0].ask->path, "/etc/motd");

	decision_answer(&decision, 0, answer_file("old\n"));
	decide(module, want, &decision);
	cr_assert(decision_wants_steps(&decision));
	cr_expect_eq(json_integer_value(json_object_get(decision.result, "had")), 4);
	const struct put *put = &decision.stepped[0].step->put;
	cr_expect_str_eq(put->path, "/etc/motd");
	cr_expect_str_eq(put->bytes, "hello\n");
	cr_expect_eq(put->attributes.mode, 0640);
	cr_expect(put->backup);

	static const struct outcome done = { .ok = true, .backup_file = "/etc/motd.1~" };
	decision_outcome(&decision, 0, &done);
	decide(module, want, &decision);
	cr_expect(decision_is_done(&decision));
	cr_expect(decision_is_changed(&decision));
	cr_expect_str_eq(json_string_value(json_object_get(decision.result, "backup_file")), "/etc/motd.1~");
	decision_release(&decision);
	registry_free(registry);
	bridge_thread_end();
}

Test(bridge, asks_before_need_come_in_one_round)
{
	struct registry *registry = registry_new();
	const struct module *module = decider(registry, "",
		"local a, b = known:read('/a'), known:run{ 'id', '-u', 1000, env = { LANG = 'C' }, stdin = 'x\\0y' }\n"
		"need(a, b)\n");
	auto_json json_t *want = json_object();
	struct decision decision;
	decision_init(&decision, false);
	decide(module, want, &decision);
	cr_assert_eq(decision.asked_count, 2);
	const struct command *command = &decision.asked[1].ask->command;
	cr_expect_str_eq(command->argv[2], "1000");
	cr_expect_str_eq(json_string_value(json_object_get(command->environment, "LANG")), "C");
	cr_expect_eq(command->input_length, 3);
	decision_release(&decision);
	registry_free(registry);
	bridge_thread_end();
}

Test(bridge, a_failed_command_fails_the_task_unless_it_may)
{
	static const struct outcome failed = {
		.ok = false, .run = { .ended = ENDED_EXIT, .code = 3, .output = "", .errors = "no such key\n", .errors_length = 12 },
	};
	for (int may = 0; may < 2; may++) {
		struct registry *registry = registry_new();
		const struct module *module = decider(registry, "", may
			? "local r = need(step.run{ 'sysctl', '-w', may_fail = true })\nresult.code = r.rc\n"
			: "need(step.run{ 'sysctl', '-w' })\n");
		auto_json json_t *want = json_object();
		struct decision decision;
		decision_init(&decision, false);
		decide(module, want, &decision);
		cr_assert(decision_wants_steps(&decision));
		decision_outcome(&decision, 0, &failed);
		decide(module, want, &decision);
		cr_expect_eq(decision.failed, !may);
		const char *msg = json_string_value(json_object_get(decision.result, "msg"));
		if (may)
			cr_expect_eq(json_integer_value(json_object_get(decision.result, "code")), 3);
		else
			cr_expect_str_eq(msg, "sysctl: exit status 3: no such key");
		decision_release(&decision);
		registry_free(registry);
	}
	bridge_thread_end();
}

Test(bridge, fail_and_need_are_not_held_up_by_pcall)
{
	struct registry *registry = registry_new();
	const struct module *module = decider(registry, "",
		"pcall(fail, 'the reason %d', 7)\n"
		"pcall(step.remove, '/')\n"
		"step.remove('/')\n");
	auto_json json_t *want = json_object();
	struct decision decision;
	decision_init(&decision, false);
	decide(module, want, &decision);
	cr_expect(decision.failed);
	cr_expect_eq(decision.stepped_count, 0);
	cr_expect_str_eq(json_string_value(json_object_get(decision.result, "msg")), "the reason 7");
	decision_release(&decision);
	registry_free(registry);
	bridge_thread_end();
}

Test(bridge, a_path_with_a_tilde_is_what_the_target_says)
{
	struct registry *registry = registry_new();
	const struct module *module = decider(registry, "path = { 'path', doc = 'p' }", "result.path = want.path\n");
	auto_json json_t *want = json_pack("{ss}", "path", "~/x");
	struct decision decision;
	decision_init(&decision, false);
	decide(module, want, &decision);
	cr_assert(decision_wants_answers(&decision));
	cr_assert_eq(decision.asked[0].ask->kind, ASK_RUN);
	struct answer *answer = answer_new();
	answer->run = (struct command_result){ .ended = ENDED_EXIT, .output = "/home/jo/x", .output_length = 10, .errors = "" };
	decision_answer(&decision, 0, answer);
	decide(module, want, &decision);
	cr_expect(decision_is_done(&decision));
	cr_expect_str_eq(json_string_value(json_object_get(decision.result, "path")), "/home/jo/x");
	cr_expect_str_eq(json_string_value(json_object_get(want, "path")), "~/x");
	decision_release(&decision);
	registry_free(registry);
	bridge_thread_end();
}

Test(bridge, what_may_not_be_read_fails_the_task)
{
	struct registry *registry = registry_new();
	const struct module *module = decider(registry, "", "need(known:read('/etc/shadow'))\n");
	auto_json json_t *want = json_object();
	struct decision decision;
	decision_init(&decision, false);
	decide(module, want, &decision);
	struct answer *answer = answer_new();
	answer->state = ANSWER_DENIED;
	answer->why = "/etc/shadow: Permission denied";
	decision_answer(&decision, 0, answer);
	decide(module, want, &decision);
	cr_expect(decision.failed);
	decision_release(&decision);
	registry_free(registry);
	bridge_thread_end();
}

Test(bridge, a_call_sees_nothing_of_the_one_before)
{
	struct registry *registry = registry_new();
	auto_free char *why = NULL;
	const struct module *module = load(registry,
		"local calls = 0\n"
		"return { doc = 'd', " EXAMPLES " decide = function()\n"
		"  calls = calls + 1\n"
		"  result.calls = calls\n"
		"end }\n", &why);
	cr_assert(module, "%s", why);
	auto_json json_t *want = json_object();
	for (int i = 0; i < 2; i++) {
		struct decision decision;
		decision_init(&decision, false);
		decide(module, want, &decision);
		cr_expect_eq(json_integer_value(json_object_get(decision.result, "calls")), 1);
		decision_release(&decision);
	}
	registry_free(registry);
	bridge_thread_end();
}

Test(bridge, faults_of_decide_name_file_and_line)
{
	/* The body starts at line 4. */
	fault_has("local x = nil\nreturn x.y", "m.lua:5: attempt to index a nil value (local 'x')");
	fault_has("undefined_name()", "m.lua:4: there is no variable or function 'undefined_name'");
	fault_has("return want.ownr", "m.lua:4: the module has no argument \"ownr\"");
	fault_has("step.put{ path = '/x', contents = 'y' }", "m.lua:4: step.put has no field \"contents\"; did you mean \"content\"?");
	fault_has("step.put{ path = '/x', content = 'y', mode = 644 }", "m.lua:4: step.put: a mode is a string such as \"0644\"");
	fault_has("step.run{ 'a', {} }", "m.lua:4: step.run: word 2 must be a string, not table");
	fault_has("step.run{}", "give the command's words");
	fault_has("known:stat(5)", "m.lua:4: known:stat: the path must be a string, not number");
	fault_has("known.stat('/x')", "known:stat is called with a colon");
	fault_has("known:stat('/a\\0b')", "has a NUL byte in it");
	fault_has("result.f = function() end", "result.f: ");
	fault_has("result.changed = true", "result.changed is set by the function of that name");
	fault_has("error('own words')", "m.lua:4: own words");
	fault_has("error({})", "an error without a message");
	fault_has("diff('/x', 5, 6)", "diff takes two texts or two tables");
	bridge_thread_end();
}

Test(bridge, what_a_module_must_not_reach_is_not_there)
{
	static const char *const names[] = { "io", "os", "debug", "load", "loadstring", "dofile", "require", "package",
		                                 "collectgarbage", "coroutine", "print", "rawset", "next", NULL };
	for (size_t i = 0; names[i]; i++) {
		auto_free char *body = mem_printf("return %s", names[i]);
		fault_has(body, "there is no variable or function");
	}
	fault_has("return string.dump(function() end)", "attempt to call a nil value (field 'dump')");
	fault_has("getmetatable('').__index.rep = nil", "attempt to index a boolean value");
	bridge_thread_end();
}

Test(bridge, hostile_modules_end_with_a_clear_error, .timeout = 120)
{
	fault_has("while true do end", "m.lua:4: it took too many steps");
	fault_has("while true do pcall(function() while true do end end) end", "it took too many steps");
	fault_has("local function f() pcall(f) end while true do pcall(f) end", "it took too many steps");
	fault_has("local s = 'x' while true do s = s .. s end", "memory");
	fault_has("local t = {} for i = 1, 1e9 do t[i] = {} end", "memory");
	fault_has("return ('x'):rep(1000000000)", "memory");
	fault_has("setmetatable({}, { __gc = function() while true do end end })", "cannot have __gc");
	fault_has("local function f() return f() + 1 end f()", "stack overflow");
	bridge_thread_end();
}

Test(bridge, a_python_module_is_refused_with_a_pointer)
{
	auto_free char *folder = folder_new();
	auto_free char *python = file_new(folder, "old.py", "print('x')\n");
	auto_free char *good = file_new(folder, "good.lua", "return { doc = 'd', " EXAMPLES " decide = function() end }");
	struct registry *registry = registry_new();
	auto_problems struct problems problems = PROBLEMS_INIT;
	cr_expect_eq(bridge_add_folder(registry, folder, &problems), -1);
	cr_assert_eq(problems.count, 1);
	cr_expect(strstr(problems.items[0].text, "Python"));
	cr_expect(strstr(problems.items[0].hint, "docs/guide/writing-a-lua-module.md"));
	cr_expect(registry_find(registry, "good"));
	unlink(python);
	unlink(good);
	rmdir(folder);
	registry_free(registry);
	bridge_thread_end();
}
