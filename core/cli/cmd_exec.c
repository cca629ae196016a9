/* `neap exec`: one module on many hosts, as a play made in memory. */
#include "cli/running.h"

struct exec_cli {
	struct running_options running;
	const char *module, *arguments;
};

/* The module's arguments: JSON where they begin as JSON, else text as a playbook's string would be. */
static json_t *exec_arguments(const char *text, struct err *err)
{
	if (!text)
		return json_object();
	if (text[0] != '{')
		return json_string(text);
	json_error_t fault;
	json_t *arguments = json_loads(text, JSON_REJECT_DUPLICATES, &fault);
	if (!arguments) {
		err_set(err, ERR_USAGE, "--args: %s at character %d", fault.text, fault.position);
		err_hint(err, "give k=v words, or one JSON dictionary");
	}
	return arguments;
}

static json_t *exec_play(const struct exec_cli *cli, const char *pattern, struct err *err)
{
	const char *module = cli->module ? cli->module : "command";
	json_t *arguments = exec_arguments(cli->arguments, err);
	if (!arguments)
		return NULL;
	return json_pack("{s:s, s:s, s:b, s:[{s:o}]}", "name", "exec", "hosts", pattern, "gather_facts", 0, "tasks", module,
	                 arguments);
}

static int exec_run(const void *given, char **words, int count)
{
	(void)count;
	const struct exec_cli *cli = given;
	struct err err = ERR_INIT;
	struct run_options run = running_to_run(&cli->running);
	auto_json json_t *play = exec_play(cli, words[0], &err);
	if (!play) {
		if (err.kind == ERR_NONE)
			err_set(&err, ERR_USAGE, "the pattern, the module and its arguments must be UTF-8 text");
		command_error(&err);
		return err_exit_status(err.kind);
	}
	run.adhoc = play;
	return running_go(&cli->running, &run);
}

/* clang-format off */
static const struct option_row exec_rows[] = {
	{ "module-name", 'm', OPTION_STRING, "MODULE", NULL, "the module; command unless given", offsetof(struct exec_cli, module) },
	{ "args", 'a', OPTION_STRING, "ARGS", NULL, "its arguments: k=v words, a command line, or a JSON dictionary", offsetof(struct exec_cli, arguments) },
	RUNNING_ROWS,
	{ 0 },
};

static const struct option_row exec_settings[] = { RUNNING_SETTINGS, { 0 } };
/* clang-format on */

static const struct option_absent exec_absent[] = {
	RUNNING_ABSENT,
	{ "background", 'B', "a command is left running by a playbook", "a task of command or shell with async and poll" },
	{ 0 },
};

static const struct command_example exec_examples[] = {
	{ "neap exec all -i hosts.json -a uptime", "run a command everywhere" },
	{ "neap exec web -i hosts.json -m file -a 'path=/srv/www state=directory mode=0755'", "one module with arguments" },
	{ 0 },
};

const struct command_row cmd_exec = {
	.name = "exec", .arguments = "PATTERN", .summary = "runs one module on the hosts that a pattern names",
	.doc = "As ansible(1) does it. The report of a command shows its output.",
	.options = exec_rows, .settings = exec_settings, .tells_ignored = true, .absent = exec_absent, .examples = exec_examples, .options_size = sizeof(struct exec_cli),
	.words_least = 1, .words_most = 1, .run = exec_run,
};
