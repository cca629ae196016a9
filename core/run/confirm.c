/* Questions before tasks. */
#include "run/confirm.h"

#include <ctype.h>
#include <string.h>

#include "base/buf.h"
#include "base/printable.h"
#include "run/passwords.h"
#include "run/terminal.h"

/* The first letter of a line; 0 where nobody answers. */
static int ask_letter(struct run_context *run, const char *question)
{
	auto_secret struct secret line = SECRET_INIT;
	if (!passwords_ask(run, question, true, &line))
		return 0;
	const char *letter = line.length ? line.bytes : "";
	while (isspace((unsigned char)*letter))
		letter++;
	return *letter ? tolower((unsigned char)*letter) : 'n';
}

int confirm_possible(const struct run_context *run, struct err *err)
{
	if (!run->options->step || terminal_is_there())
		return 0;
	err_set(err, ERR_USAGE, "--step asks before each task, and there is no terminal to ask on");
	return err_hint(err, "run it in a terminal, or use --tags or --start-at-task");
}

bool confirm_step(struct run_context *run, const char *task)
{
	if (!run->options->step || run->steps_confirmed)
		return true;
	auto_buf struct buf question = BUF_INIT;
	buf_str(&question, "Perform task: ");
	printable_line(&question, task, strlen(task));
	buf_str(&question, " (N)o/(y)es/(c)ontinue: ");
	for (;;) {
		int answer = ask_letter(run, buf_text(&question));
		run->steps_confirmed = answer == 'c';
		if (answer == 'y' || answer == 'c')
			return true;
		if (answer == 'n' || answer == 0)
			return false;
	}
}
