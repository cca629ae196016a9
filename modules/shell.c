/* shell: a command line for the target's shell. */
#include "modules/command_task.h"
#include "plan/path.h"

struct shell_want {
	const char *cmd, *chdir, *creates, *removes, *executable, *stdin_text;
	int stdin_add_newline, strip_empty_ends;
};

static const struct arg shell_args[] = {
	{ .name = "cmd", .aliases = command_task_names, .required = true, .offset = offsetof(struct shell_want, cmd),
	  .doc = "The command line, read by the shell: pipes, redirections, variables and globs work. A task may give it as a "
	         "plain string." },
	{ .name = "executable", .type = ARG_PATH, .offset = offsetof(struct shell_want, executable),
	  .doc = "The shell, an absolute path. Without it: /bin/sh." },
	COMMAND_ARGS(shell_want),
	{ 0 },
};

static const struct module_example shell_examples[] = {
	{ "Use a pipe", "{\"name\": \"count users\", \"shell\": \"getent passwd | wc -l\", \"register\": \"users\"}" },
	{ "Use another shell", "{\"name\": \"a bash feature\", \"shell\": {\"cmd\": \"diff <(ls /a) <(ls /b)\", "
	                       "\"executable\": \"/bin/bash\"}}" },
	{ 0 },
};

static const struct module_return shell_returns[] = {
	{ "cmd", "str", "The command line." },
	{ "rc", "int", "Its exit status; negative: the signal that killed it." },
	COMMAND_OUTPUT_RETURNS,
	COMMAND_TIME_RETURNS,
	{ "msg", "str", "Why it was not run, or failed." },
	{ 0 },
};

static int shell_decide(const struct module *module, const void *wanted, struct decision *decision, struct err *err)
{
	(void)module, (void)err;
	const struct shell_want *want = wanted;
	if (!want->cmd[strspn(want->cmd, " \t\n")]) {
		result_int(decision, "rc", 256);
		return result_fail(decision, "no command given");
	}
	auto_json json_t *shown = json_string(want->cmd);
	const char *chdir = path_expand(decision, want->chdir);
	const struct command_task task = {
		.creates = want->creates, .removes = want->removes, .chdir = chdir, .strip = want->strip_empty_ends, .shown = shown,
	};
	if (!chdir || !command_task_wanted(decision, &task))
		return 0;
	struct command command = { .script = want->cmd, .shell = want->executable, .chdir = *chdir ? chdir : NULL };
	command_task_give(decision, &command, want->stdin_text, want->stdin_add_newline);
	return command_task_run(decision, &task, &command);
}

const struct module shell_module = {
	.name = "shell",
	.doc = "Runs a command line by a shell on the target.",
	.spec = { .args = shell_args, .free_form = "cmd", .want_size = sizeof(struct shell_want) },
	.examples = shell_examples,
	.returns = shell_returns,
	.decide = shell_decide,
	.judged_by_status = true,
	.can_detach = true,
};
