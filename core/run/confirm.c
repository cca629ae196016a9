/* Questions before tasks. */
#include "run/confirm.h"

#include <ctype.h>
#include <stdio.h>

#include "base/buf.h"
#include "base/printable.h"

#include <string.h>

/* The first letter of a line; 0 at the end of input. */
static int read_answer(FILE *terminal)
{
	int first = 0, c;
	while ((c = fgetc(terminal)) != EOF && c != '\n') {
		if (!first && !isspace(c))
			first = tolower(c);
	}
	return c == EOF ? 0 : first ? first : 'n';
}

int confirm_possible(const struct run_context *run, struct err *err)
{
	if (!run->options->step)
		return 0;
	auto_fclose FILE *terminal = fopen("/dev/tty", "r+e");
	if (terminal)
		return 0;
	err_set(err, ERR_USAGE, "--step asks before each task, and there is no terminal to ask on");
	return err_hint(err, "run it in a terminal, or use --tags or --start-at-task");
}

bool confirm_step(struct run_context *run, const char *task)
{
	if (!run->options->step || run->steps_confirmed)
		return true;
	auto_fclose FILE *terminal = fopen("/dev/tty", "r+e");
	if (!terminal)
		return false;
	auto_buf struct buf name = BUF_INIT;
	printable_line(&name, task, strlen(task));
	for (;;) {
		fprintf(terminal, "Perform task: %s (N)o/(y)es/(c)ontinue: ", buf_text(&name));
		fflush(terminal);
		int answer = read_answer(terminal);
		run->steps_confirmed = answer == 'c';
		if (answer == 'y' || answer == 'c')
			return true;
		if (answer == 'n' || answer == 0)
			return false;
	}
}
