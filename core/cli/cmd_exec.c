/* `neap exec`: one module on many hosts, as a play made in memory. */
#include "cli/running.h"

#include <stdlib.h>

struct exec_cli {
	struct running_options running;
	const char *module, *arguments, *background, *poll;
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

/* A keyword of the task that an option gives. */
static int exec_seconds(json_t *task, const char *keyword, const char *option, const char *text, struct err *err)
{
	char *end = NULL;
	long seconds = text ? strtol(text, &end, 10) : 0;
	if (text && (end == text || *end || seconds < 0))
		return err_set(err, ERR_USAGE, "%s takes a number of seconds, not \"%s\"", option, text);
	if (text)
		json_object_set_new(task, keyword, json_integer(seconds));
	return 0;
}

static json_t *exec_play(const struct exec_cli *cli, const char *pattern, struct err *err)
{
	const char *module = cli->module ? cli->module : "command";
	json_t *arguments = exec_arguments(cli->arguments, err);
	if (!arguments)
		return NULL;
	json_t *task = json_pack("{s:o}", module, arguments);
	if (exec_seconds(task, "async", "--background", cli->background, err) < 0 ||
	    exec_seconds(task, "poll", "--poll", cli->poll, err) < 0) {
		json_decref(task);
		return NULL;
	}
	return json_pack("{s:s, s:s, s:b, s:[o]}", "name", "exec", "hosts", pattern, "gather_facts", 0, "tasks", task);
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
	{ "background", 'B', OPTION_STRING, "SECONDS", NULL, "run the command in the background, for so long at most", offsetof(struct exec_cli, background) },
	{ "poll", 'P', OPTION_STRING, "SECONDS", NULL, "with -B: the time between two looks, 15 unless given; 0: it is not waited for", offsetof(struct exec_cli, poll) },
	RUNNING_ROWS,
	{ 0 },
};

static const struct option_row exec_settings[] = { RUNNING_SETTINGS, { 0 } };
/* clang-format on */

static const struct option_absent exec_absent[] = {
	RUNNING_ABSENT,
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
