/* `neap help`: the commands, one command's options, or the man page. */
#include <stdio.h>

#include "base/suggest.h"
#include "cli/command.h"

struct help_options { bool man; };

static int no_such_command(const char *name)
{
	struct err err = ERR_INIT;
	struct suggest suggest;
	suggest_start(&suggest, name);
	for (const struct command_row *const *row = commands; *row; row++)
		suggest_offer(&suggest, (*row)->name);
	err_set(&err, ERR_USAGE, "there is no command \"%s\"", name);
	if (suggest.best)
		err_hint(&err, "did you mean neap help %s?", suggest.best);
	command_error(&err);
	return err_exit_status(err.kind);
}

static int help_run(const void *given, char **words, int count)
{
	const struct help_options *options = given;
	auto_buf struct buf text = BUF_INIT;
	const struct command_row *command = count ? command_find(words[0]) : NULL;
	if (count && !command)
		return no_such_command(words[0]);
	if (options->man)
		help_manual(&text);
	else if (command)
		help_command(command, 0, &text);
	else
		help_overview(&text);
	fputs(buf_text(&text), stdout);
	return command_finish();
}

static const struct option_row help_rows[] = {
	{ "man", 0, OPTION_FLAG, NULL, NULL, "print the man page", offsetof(struct help_options, man) },
	{ 0 },
};

const struct command_row cmd_help = {
	.name = "help", .arguments = "[COMMAND]", .summary = "lists the commands, or one command's options",
	.doc = "", .options = help_rows, .options_size = sizeof(struct help_options), .words_most = 1, .run = help_run,
};
