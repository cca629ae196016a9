/* Where passwords come from. */
#include "run/passwords.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <pthread.h>
#include <string.h>
#include <termios.h>
#include <unistd.h>

#include "base/buf.h"
#include "base/child.h"
#include "base/mem.h"
#include "run/context.h"

enum { LONGEST = 4096, PROGRAM_MS = 60000 };

/* One question at a time stands on the terminal, whichever target's thread asks. */
static pthread_mutex_t asking = PTHREAD_MUTEX_INITIALIZER;

static bool is_ready(int fd)
{
	struct pollfd poll_fd = { .fd = fd, .events = POLLIN };
	return poll(&poll_fd, 1, 100) > 0;
}

static bool read_line(int fd, const atomic_bool *cancelled, struct secret *answer)
{
	char line[LONGEST];
	size_t length = 0;
	bool ended = false;
	while (length < sizeof(line) && !ended) {
		if (cancelled && atomic_load(cancelled))
			break;
		if (cancelled && !is_ready(fd))
			continue;
		ssize_t got = read(fd, line + length, 1);
		if (got < 0 && errno == EINTR)
			continue;
		if (got <= 0)
			break;
		ended = line[length] == '\n';
		length += !ended;
	}
	if (ended)
		secret_set(answer, line, length);
	secret_wipe(line, sizeof(line));
	return ended;
}

static bool prompt_on(int fd, const char *text, bool echo, const atomic_bool *cancelled, struct secret *answer)
{
	struct termios before, silent;
	if (tcgetattr(fd, &before) < 0)
		return false;
	silent = before;
	if (!echo)
		silent.c_lflag &= ~(tcflag_t)ECHO;
	tcsetattr(fd, TCSAFLUSH, &silent);
	bool given = dprintf(fd, "%s", text) >= 0 && read_line(fd, cancelled, answer);
	tcsetattr(fd, TCSAFLUSH, &before);
	if (!echo)
		dprintf(fd, "\n");
	return given;
}

bool passwords_prompt(void *context, const char *text, struct secret *answer)
{
	auto_free char *question = mem_printf("%s: ", text);
	return passwords_ask(context, question, false, answer);
}

bool passwords_ask(struct run_context *run, const char *text, bool echo, struct secret *answer)
{
	auto_close int fd = open("/dev/tty", O_RDWR | O_NOCTTY | O_CLOEXEC);
	if (fd < 0)
		return false;
	pthread_mutex_lock(&asking);
	if (run)
		event_hold(run->events);
	bool given = prompt_on(fd, text, echo, run ? &run->cancelled : NULL, answer);
	if (run)
		event_resume(run->events);
	pthread_mutex_unlock(&asking);
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
