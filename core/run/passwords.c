/* Where passwords come from. */
#include "run/passwords.h"

#include <fcntl.h>
#include <string.h>
#include <unistd.h>

#include "base/buf.h"
#include "base/child.h"
#include "base/mem.h"
#include "run/terminal.h"

enum { LONGEST = 4096, PROGRAM_MS = 60000 };

bool passwords_prompt(void *context, const char *text, struct secret *answer)
{
	auto_free char *question = mem_printf("%s: ", text);
	return passwords_ask(context, question, false, answer);
}

bool passwords_ask(struct run_context *run, const char *text, bool echo, struct secret *answer)
{
	struct terminal terminal;
	if (!terminal_open(&terminal, run))
		return false;
	bool given = terminal_ask(&terminal, text, echo, answer);
	terminal_close(&terminal);
	return given;
}

bool passwords_prompt_shown(const char *text, struct secret *answer)
{
	auto_free char *question = mem_printf("%s: ", text);
	return passwords_ask(NULL, question, true, answer);
}

static void first_line(struct secret *password, const char *bytes, size_t length)
{
	size_t end = 0;
	while (end < length && bytes[end] != '\n' && bytes[end] != '\r')
		end++;
	secret_set(password, bytes, end);
}

static int read_program(const char *path, struct secret *password, struct err *err)
{
	auto_free char *absolute = realpath(path, NULL);
	const char *const argv[] = { absolute ? absolute : path, NULL };
	const struct child_run run = {
		.argv = argv, .keeps_terminal = true, .timeout_ms = PROGRAM_MS, .output_most = LONGEST,
	};
	auto_buf struct buf out = BUF_INIT, said = BUF_INIT;
	int status = 0;
	int failed = child_run(&run, &out, &said, &status, err);
	if (!failed && status)
		failed = err_set(err, ERR_INPUT, "it ended with status %d: %.200s", status, buf_text(&said));
	if (!failed)
		first_line(password, buf_text(&out), out.length);
	secret_wipe(out.data, out.length);
	return failed;
}

static int read_plain(const char *path, struct secret *password, struct err *err)
{
	auto_close int fd = open(path, O_RDONLY | O_CLOEXEC);
	if (fd < 0)
		return err_errno(err, ERR_INPUT, "open");
	char bytes[LONGEST];
	ssize_t got = read(fd, bytes, sizeof(bytes));
	if (got < 0)
		return err_errno(err, ERR_INPUT, "read");
	first_line(password, bytes, (size_t)got);
	secret_wipe(bytes, sizeof(bytes));
	return 0;
}

int passwords_read(const char *path, struct secret *password, struct err *err)
{
	int failed = access(path, X_OK) == 0 ? read_program(path, password, err) : read_plain(path, password, err);
	return failed ? err_wrap(err, "reading a password from %s", path) : 0;
}
