/* The table of commands, and the way from argv to one of them. */
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "base/mem.h"
#include "base/printable.h"
#include "base/suggest.h"
#include "cli/command.h"

extern const struct command_row cmd_run, cmd_exec, cmd_inventory, cmd_explain, cmd_convert, cmd_doc, cmd_module, cmd_report, cmd_schema, cmd_vault,
	cmd_completion, cmd_config, cmd_help, cmd_version;

const struct command_row *const commands[] = {
	&cmd_run,
	&cmd_exec,
	&cmd_inventory,
	&cmd_explain,
	&cmd_config,
	&cmd_convert,
	&cmd_doc,
	&cmd_module,
	&cmd_report,
	&cmd_schema,
	&cmd_vault,
	&cmd_completion,
	&cmd_help,
	&cmd_version,
	NULL,
};

const struct command_row *command_find(const char *name)
{
	for (const struct command_row *const *row = commands; *row; row++)
		if (strcmp((*row)->name, name) == 0)
			return *row;
	return NULL;
}

void command_error(const struct err *err)
{
	auto_buf struct buf line = BUF_INIT;
	if (err->where[0]) {
		printable_line(&line, err->where, strlen(err->where));
		buf_str(&line, ": ");
	}
	printable_line(&line, err->text, strlen(err->text));
	fprintf(stderr, "neap: %s\n", buf_text(&line));
	buf_clear(&line);
	printable_line(&line, err_remedy(err), strlen(err_remedy(err)));
	if (line.length)
		fprintf(stderr, "  %s\n", line.data);
}

int command_finish(void)
{
	if (fflush(stdout) == 0 && !ferror(stdout))
		return 0;
	struct err err = ERR_INIT;
	err_errno(&err, ERR_SYSTEM, "writing to standard output");
	command_error(&err);
	return err_exit_status(err.kind);
}

static int unknown_command(const char *name)
{
	struct err err = ERR_INIT;
	struct suggest suggest;
	err_set(&err, ERR_USAGE, "unknown command \"%s\"", name);
	suggest_start(&suggest, name);
	for (const struct command_row *const *row = commands; *row; row++)
		suggest_offer(&suggest, (*row)->name);
	if (strstr(name, ".json") || strstr(name, ".y"))
		err_hint(&err, "to run a playbook: neap run %s", name);
	else if (name[0] == '-')
		err_hint(&err, "options come after the command, as in neap run %s ...; see neap --help", name);
	else if (suggest.best)
		err_hint(&err, "did you mean neap %s?", suggest.best);
	command_error(&err);
	return err_exit_status(err.kind);
}

static int run_command(const struct command_row *command, int argc, char **argv)
{
	struct err err = ERR_INIT;
	auto_free void *options = mem_alloc(command->options_size);
	auto_free char **words = mem_array((size_t)argc + 1, sizeof(*words));
	int count = 0, status;
	struct settings settings;
	int parsed = settings_load(&settings, &err);
	if (!parsed)
		parsed = options_parse(command, options, argc, argv, words, &count, &settings, &err);
	switch (parsed) {
	case 0:
		if (command->tells_ignored)
			settings_warn(&settings);
		status = command->run(options, words, count);
		break;
	case OPTIONS_HELP: {
		auto_buf struct buf text = BUF_INIT;
		help_command(command, 0, &text);
		fputs(buf_text(&text), stdout);
		status = command_finish();
		break;
	}
	default:
		command_error(&err);
		status = err_exit_status(err.kind);
	}
	options_release(command, options);
	settings_release(&settings);
	return status;
}

/* Where a standard stream is closed, a file or a connection would take its number, and get what is written to it. What
 * takes it here fails as a closed one does. */
static void keep_standard_streams(void)
{
	for (int fd = STDIN_FILENO; fd <= STDERR_FILENO; fd++) {
		if (fcntl(fd, F_GETFD) < 0 && errno == EBADF)
			(void)!open("/dev/null", fd == STDIN_FILENO ? O_WRONLY : O_RDONLY); /* the lowest number that is free */
	}
}

int commands_main(int argc, char **argv)
{
	keep_standard_streams();
	if (argc < 2) {
		auto_buf struct buf text = BUF_INIT;
		help_overview(&text);
		fputs(buf_text(&text), stderr);
		return err_exit_status(ERR_USAGE);
	}
	const char *name = argv[1];
	if (strcmp(name, "--help") == 0 || strcmp(name, "-h") == 0)
		name = "help";
	else if (strcmp(name, "--version") == 0 || strcmp(name, "-V") == 0)
		name = "version";
	const struct command_row *command = command_find(name);
	return command ? run_command(command, argc - 2, argv + 2) : unknown_command(name);
}
