/* Where passwords come from. */
#include "run/passwords.h"

#include <errno.h>
#include <fcntl.h>
#include <pthread.h>
#include <string.h>
#include <termios.h>
#include <unistd.h>

#include "base/buf.h"
#include "base/child.h"

enum { LONGEST = 4096, PROGRAM_MS = 60000 };

/* One question at a time stands on the terminal, whichever target's thread asks. */
static pthread_mutex_t asking = PTHREAD_MUTEX_INITIALIZER;

static bool read_line(int fd, struct secret *answer)
{
	char line[LONGEST];
	size_t length = 0;
	bool ended = false;
	while (length < sizeof(line) && !ended) {
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

static bool prompt_on(int fd, bool echo, const char *text, struct secret *answer)
{
	struct termios before, silent;
	if (tcgetattr(fd, &before) < 0)
		return false;
	silent = before;
	if (!echo)
		silent.c_lflag &= ~(tcflag_t)ECHO;
	tcsetattr(fd, TCSAFLUSH, &silent);
	bool given = dprintf(fd, "%s: ", text) > 0 && read_line(fd, answer);
	tcsetattr(fd, TCSAFLUSH, &before);
	if (!echo)
		dprintf(fd, "\n");
	return given;
}

static bool prompt(bool echo, const char *text, struct secret *answer)
{
	auto_close int fd = open("/dev/tty", O_RDWR | O_NOCTTY | O_CLOEXEC);
	if (fd < 0)
		return false;
	pthread_mutex_lock(&asking);
	bool given = prompt_on(fd, echo, text, answer);
	pthread_mutex_unlock(&asking);
	return given;
}

bool passwords_prompt(void *context, const char *text, struct secret *answer)
{
	(void)context;
	return prompt(false, text, answer);
}

bool passwords_prompt_shown(const char *text, struct secret *answer) { return prompt(true, text, answer); }

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
