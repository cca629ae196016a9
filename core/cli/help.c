/* Help texts and the man page, generated from the command table. */
#include <ctype.h>
#include <string.h>

#include "cli/command.h"

enum { COLUMNS_USUAL = 80, DOC_COLUMN = 30 };

/* ---- plain text ---- */

void help_wrap(struct buf *out, const char *text, size_t at, size_t left, size_t columns)
{
	size_t column = at;
	while (*text) {
		size_t length = strcspn(text, " \n");
		if (column > left && column + 1 + length > columns) {
			buf_printf(out, "\n%*s", (int)left, "");
			column = left;
		} else if (column > left) {
			buf_char(out, ' ');
			column++;
		}
		buf_add(out, text, length);
		column += length;
		text += length;
		text += strspn(text, " \n");
	}
	buf_char(out, '\n');
}

/* Adds the option's doc with its choices and its environment variable. */
static void option_doc(const struct option_row *row, struct buf *doc)
{
	buf_str(doc, row->doc);
	for (const char *const *choice = row->choices; choice && *choice; choice++)
		buf_printf(doc, "%s%s", choice == row->choices ? ": " : ", ", *choice);
	if (row->type == OPTION_LIST)
		buf_str(doc, row->separator == ',' ? " (may be repeated; separated by commas)"
		             : row->separator ? " (may be repeated; separated by colons)" : " (may be repeated)");
	if (row->environment)
		buf_printf(doc, " [%s]", row->environment);
}

static void help_option(const struct option_row *row, size_t columns, struct buf *out)
{
	auto_buf struct buf left = BUF_INIT;
	auto_buf struct buf doc = BUF_INIT;
	if (row->letter)
		buf_printf(&left, "  -%c, --%s", row->letter, row->name);
	else
		buf_printf(&left, "      --%s", row->name);
	if (row->value)
		buf_printf(&left, " %s", row->value);
	buf_str(out, left.data);
	if (left.length + 2 > DOC_COLUMN)
		buf_printf(out, "\n%*s", DOC_COLUMN, "");
	else
		buf_printf(out, "%*s", (int)(DOC_COLUMN - left.length), "");
	option_doc(row, &doc);
	help_wrap(out, doc.data, DOC_COLUMN, DOC_COLUMN, columns);
}

void help_command(const struct command_row *command, int columns, struct buf *out)
{
	size_t width = columns > DOC_COLUMN + 20 ? (size_t)columns : COLUMNS_USUAL;
	buf_printf(out, "Usage: neap %s%s%s%s\n\n%c%s.\n", command->name, command->options ? " [OPTIONS]" : "",
	           command->arguments[0] ? " " : "", command->arguments, toupper((unsigned char)command->summary[0]),
	           command->summary + 1);
	buf_str(out, "\nOptions:\n");
	for (const struct option_row *row = command->options; row && row->name; row++)
		help_option(row, width, out);
	static const struct option_row help = { "help", 'h', OPTION_FLAG, NULL, NULL, "show this help" };
	help_option(&help, width, out);
	for (const struct command_example *example = command->examples; example && example->line; example++)
		buf_printf(out, "%s  %s\n      %s\n", example == command->examples ? "\nExamples:\n" : "", example->line,
		           example->doc);
}

void help_overview(struct buf *out)
{
	buf_str(out, "Usage: neap COMMAND [OPTIONS] ...\n\n"
	             "Brings machines to the state that playbooks describe, over SSH, with nothing installed on them.\n\n"
	             "Commands:\n");
	for (const struct command_row *const *row = commands; *row; row++)
		buf_printf(out, "  %-11s %s\n", (*row)->name, (*row)->summary);
	buf_str(out, "\n`neap COMMAND --help` lists a command's options; `neap doc MODULE` documents a module.\n");
}

/* ---- the man page ---- */

/* Text as roff has it: backslashes, and dots and quotes that begin a line. */
static void roff(struct buf *out, const char *text)
{
	for (bool line_start = true; *text; text++) {
		if (line_start && (*text == '.' || *text == '\''))
			buf_str(out, "\\&");
		if (*text == '\\')
			buf_str(out, "\\e");
		else if (*text == '-')
			buf_str(out, "\\-");
		else
			buf_char(out, *text);
		line_start = *text == '\n';
	}
}

static void manual_paragraphs(struct buf *out, const char *text)
{
	while (*text) {
		const char *end = strstr(text, "\n\n");
		size_t length = end ? (size_t)(end - text) : strlen(text);
		auto_buf struct buf paragraph = BUF_INIT;
		buf_add(&paragraph, text, length);
		buf_str(out, ".PP\n");
		roff(out, buf_text(&paragraph));
		buf_char(out, '\n');
		text += length + (end ? 2 : 0);
	}
}

static void manual_option(const struct option_row *row, struct buf *out)
{
	auto_buf struct buf doc = BUF_INIT;
	buf_str(out, ".TP\n");
	if (row->letter)
		buf_printf(out, "\\fB\\-%c\\fR, ", row->letter);
	buf_str(out, "\\fB\\-\\-");
	roff(out, row->name);
	buf_str(out, "\\fR");
	if (row->value)
		buf_printf(out, " \\fI%s\\fR", row->value);
	buf_char(out, '\n');
	option_doc(row, &doc);
	roff(out, doc.data);
	buf_char(out, '\n');
}

static void manual_command(const struct command_row *command, struct buf *out)
{
	buf_printf(out, ".SS neap %s%s %s\n", command->name, command->options ? " [OPTIONS]" : "", command->arguments);
	auto_buf struct buf summary = BUF_INIT;
	buf_printf(&summary, "%c%s.", toupper((unsigned char)command->summary[0]), command->summary + 1);
	roff(out, summary.data);
	buf_char(out, '\n');
	manual_paragraphs(out, command->doc);
	for (const struct option_row *row = command->options; row && row->name; row++)
		manual_option(row, out);
	for (const struct command_example *example = command->examples; example && example->line; example++) {
		buf_str(out, ".TP\n.B ");
		roff(out, example->line);
		buf_char(out, '\n');
		roff(out, example->doc);
		buf_char(out, '\n');
	}
}

/* The exit statuses of all error kinds, one line for each status. */
static void manual_statuses(struct buf *out)
{
	static const struct { int status; const char *meaning; } rows[] = {
		{ 0, "All is done." },
		{ 1, "A playbook, an inventory, a vault or an argument in them is wrong; nothing was changed by it." },
		{ 2, "A task failed on at least one host, or this machine's system refused something." },
		{ 4, "A host could not be reached, or it or its key was not accepted." },
		{ 5, "The command line is wrong." },
		{ 99, "The run was interrupted." },
	};
	buf_str(out, ".SH EXIT STATUS\n");
	for (size_t i = 0; i < sizeof(rows) / sizeof(*rows); i++)
		buf_printf(out, ".TP\n.B %d\n%s\n", rows[i].status, rows[i].meaning);
}

void help_manual(struct buf *out)
{
	buf_str(out, ".\\\" Generated by `neap help --man`.\n.TH NEAP 1 \"\" \"neap " NEAP_VERSION "\" \"User Commands\"\n"
	             ".SH NAME\nneap \\- Ansible's playbooks, in JSON or YAML, over plain SSH\n"
	             ".SH SYNOPSIS\n.B neap\n.I COMMAND\n[\\fIOPTIONS\\fR] ...\n.SH DESCRIPTION\n"
	             "neap reads a playbook (Ansible's keywords, in JSON or YAML), asks each target what differs from it, and\n"
	             "changes only that. A target needs an SSH server and a POSIX shell; nothing is installed there.\n"
	             ".SH COMMANDS\nEach of them takes \\fB\\-h\\fR, \\fB\\-\\-help\\fR as well.\n");
	for (const struct command_row *const *row = commands; *row; row++)
		manual_command(*row, out);
	manual_statuses(out);
	buf_str(out, ".SH ENVIRONMENT\nA variable in square brackets stands in where its option is not given.\n"
	             ".TP\n.B NO_COLOR, ANSIBLE_NOCOLOR\nNo colours.\n"
	             ".TP\n.B ANSIBLE_FORCE_COLOR\nColours also where the output is no terminal.\n"
	             ".TP\n.B ANSIBLE_CONFIG\nThe ansible.cfg that counts. neap config \\-\\-list names the settings that are honoured.\n"
	             ".SH FILES\n.TP\n.I ansible.cfg, ~/.ansible.cfg, /etc/ansible/ansible.cfg\nSettings: the first of them counts. One in a folder where "
	             "everybody may write does not.\n.TP\n.I ~/.ssh/config, ~/.ssh/known_hosts\nHonoured as by ssh(1).\n"
	             ".SH SEE ALSO\n.BR ssh (1),\n.BR ssh_config (5),\n.BR ansible\\-playbook (1)\n");
}
