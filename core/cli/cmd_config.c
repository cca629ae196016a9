/* `neap config`: which settings of Ansible's are honoured, and what they are here. */
#include <stdio.h>
#include <string.h>

#include "cli/command.h"

struct config_cli {
	bool list;
	const char *format;
};

static bool is_first(const struct setting_row *row)
{
	return row == setting_rows || strcmp(row->environment, row[-1].environment) != 0;
}

static void print_row(const struct setting_row *row, bool markdown)
{
	bool fixed = row->kind == SETTING_FIXED;
	const char *only = fixed ? markdown ? "only `" : "only " : "", *end = fixed && markdown ? "`" : "";
	const char *tick = is_first(row) ? "`" : "";
	if (markdown)
		printf("| %s%s%s | `[%s]` `%s` | %s%s%s |\n", tick, is_first(row) ? row->environment : "", tick, row->section, row->key, only,
		       row->doc, end);
	else
		printf("%-34s [%s] %s: %s%s\n", row->environment, row->section, row->key, only, row->doc);
}

static int list_rows(bool markdown)
{
	if (markdown)
		printf("| variable | in ansible.cfg | what it is here |\n|---|---|---|\n");
	for (const struct setting_row *row = setting_rows; row->environment; row++)
		print_row(row, markdown);
	return command_finish();
}

static int show(void)
{
	struct err err = ERR_INIT;
	struct settings settings;
	if (settings_load(&settings, &err) < 0) {
		command_error(&err);
		settings_release(&settings);
		return err_exit_status(err.kind);
	}
	printf("# %s\n", settings.path ? settings.path : "there is no ansible.cfg");
	for (const struct setting_row *row = setting_rows; row->environment; row++) {
		const struct setting *setting = settings_find(&settings, row->environment);
		if (setting && is_first(row) && row->kind != SETTING_FIXED)
			printf("%s = %s    # %s\n", row->environment, setting->value, setting->where);
	}
	settings_warn(&settings);
	settings_release(&settings);
	return command_finish();
}

static int config_run(const void *given, char **words, int count)
{
	(void)words, (void)count;
	const struct config_cli *cli = given;
	return cli->list ? list_rows(cli->format && strcmp(cli->format, "markdown") == 0) : show();
}

static const char *const formats[] = { "text", "markdown", NULL };

static const struct option_row config_rows[] = {
	{ "list", 0, OPTION_FLAG, NULL, NULL, "all settings there are, set or not", offsetof(struct config_cli, list) },
	{ "format", 0, OPTION_STRING, "FORMAT", formats, "of that list", offsetof(struct config_cli, format) },
	{ 0 },
};

static const struct command_example config_examples[] = {
	{ "neap config", "what ansible.cfg and the environment set here" },
	{ "neap config --list", "all the settings that neap knows" },
	{ 0 },
};

const struct command_row cmd_config = {
	.name = "config", .arguments = "", .summary = "shows the settings of ansible.cfg and the environment that count here",
	.doc = "An option wins over the environment, and that over ansible.cfg, which is the first of $ANSIBLE_CONFIG, ansible.cfg in the\n"
	       "working folder (unless everybody may write there), ~/.ansible.cfg and /etc/ansible/ansible.cfg.",
	.options = config_rows, .examples = config_examples, .options_size = sizeof(struct config_cli), .run = config_run,
};
