/* raw: a command exactly as it is written, for targets that have next to nothing. */
#include "modules/command_task.h"

struct raw_want { const char *text, *executable; };

static const char *const text_names[] = { "_raw_params", "cmd", NULL };
static const struct arg raw_args[] = {
	{ .name = "free_form", .aliases = text_names, .required = true, .offset = offsetof(struct raw_want, text),
	  .doc = "The command line, sent as it is to the login shell. A task may give it as a plain string." },
	{ .name = "executable", .type = ARG_PATH, .offset = offsetof(struct raw_want, executable),
	  .doc = "The shell that runs it, an absolute path. Without it: the login shell." },
	{ 0 },
};

static const struct module_example raw_examples[] = {
	{ "Talk to a device", "{\"name\": \"show the version\", \"raw\": \"show version\"}" },
	{ 0 },
};

static const struct module_return raw_returns[] = {
	{ "rc", "int", "The exit status." },
	COMMAND_OUTPUT_RETURNS,
	{ 0 },
};

static int raw_decide(const struct module *module, const void *wanted, struct decision *decision, struct err *err)
{
	(void)module, (void)err;
	const struct raw_want *want = wanted;
	if (result_is_check(decision))
		return result_skip(decision, "raw cannot tell what it would do");
	const struct command command = { .script = want->text, .shell = want->executable, .raw = true };
	const struct outcome *outcome = step_run(decision, &(struct step_run){ .command = command, .live = true });
	if (!outcome)
		return 0;
	result_command(decision, &outcome->run, false);
	for (const char *const *key = (const char *const[]){ "start", "end", "delta", NULL }; *key; key++)
		json_object_del(decision->result, *key);
	return command_succeeded(&outcome->run) ? 0 : result_fail(decision, "non-zero return code");
}

const struct module raw_module = {
	.name = "raw",
	.doc = "Sends a command line as it is written, with nothing around it. It is skipped in check mode.",
	.spec = { .args = raw_args, .free_form = "free_form", .want_size = sizeof(struct raw_want) },
	.examples = raw_examples,
	.returns = raw_returns,
	.decide = raw_decide,
	.judged_by_status = true,
	.no_check_mode = true,
};
