/* The terminal behind /dev/tty. */
#include "run/terminal.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <pthread.h>
#include <stdio.h>
#include <string.h>
#include <termios.h>
#include <unistd.h>

#include "run/context.h"

enum { LONGEST = 4096, HANG_UP_TRIES = 50 };

static pthread_mutex_t talking = PTHREAD_MUTEX_INITIALIZER;

static int open_device(void) { return open("/dev/tty", O_RDWR | O_NOCTTY | O_CLOEXEC); }

bool terminal_is_there(void)
{
	auto_close int fd = open_device();
	return fd >= 0;
}

bool terminal_open(struct terminal *terminal, struct run_context *run)
{
	*terminal = (struct terminal){ open_device(), run };
	if (terminal->fd < 0)
		return false;
	pthread_mutex_lock(&talking);
	if (run)
		event_hold(run->events);
	return true;
}

void terminal_close(struct terminal *terminal)
{
	if (terminal->run)
		event_resume(terminal->run->events);
	pthread_mutex_unlock(&talking);
	close(terminal->fd);
	terminal->fd = -1;
}

static bool is_ready(int fd)
{
	struct pollfd poll_fd = { .fd = fd, .events = POLLIN };
	return poll(&poll_fd, 1, 100) > 0;
}

/* A terminal that is gone has no answer, but that is told to the run by a signal, a moment later: nothing goes on without the
 * answer meanwhile. */
static void await_hang_up(int fd, const atomic_bool *cancelled)
{
	struct pollfd poll_fd = { .fd = fd };
	for (int tries = 0; tries < HANG_UP_TRIES && !atomic_load(cancelled); tries++) {
		if (poll(&poll_fd, 1, 0) <= 0 || !(poll_fd.revents & (POLLHUP | POLLERR | POLLNVAL)))
			return;
		poll(NULL, 0, 100);
	}
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
		if (got <= 0 && cancelled)
			await_hang_up(fd, cancelled);
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

bool terminal_ask(const struct terminal *terminal, const char *text, bool echo, struct secret *answer)
{
	struct termios before, silent;
	if (tcgetattr(terminal->fd, &before) < 0)
		return false;
	silent = before;
	if (!echo)
		silent.c_lflag &= ~(tcflag_t)ECHO;
	tcsetattr(terminal->fd, TCSAFLUSH, &silent);
	bool given = dprintf(terminal->fd, "%s", text) >= 0 &&
	             read_line(terminal->fd, terminal->run ? &terminal->run->cancelled : NULL, answer);
	tcsetattr(terminal->fd, TCSAFLUSH, &before);
	if (!echo)
		dprintf(terminal->fd, "\n");
	return given;
}

void terminal_say(const struct terminal *terminal, const char *text) { dprintf(terminal->fd, "%s", text); }
