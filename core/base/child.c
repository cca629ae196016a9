/* Running a program to its end; see child.h. */
#include "base/child.h"

#include <errno.h>
#include <fcntl.h>
#include <stdbool.h>
#include <poll.h>
#include <signal.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/clock.h"

enum { READ_AT_ONCE = 65536, ASKED_EVERY_MS = 100 };

struct pipes {
	int in[2], out[2], err[2], failed[2]; /* failed carries the errno of an exec that did not happen */
};

#define PIPES_INIT { { -1, -1 }, { -1, -1 }, { -1, -1 }, { -1, -1 } }

static void fd_close(int *fd)
{
	if (*fd >= 0)
		close(*fd);
	*fd = -1;
}

static void pipes_release(struct pipes *pipes)
{
	for (int end = 0; end < 2; end++) {
		fd_close(&pipes->in[end]);
		fd_close(&pipes->out[end]);
		fd_close(&pipes->err[end]);
		fd_close(&pipes->failed[end]);
	}
}

static int pipes_open(struct pipes *pipes, struct err *err)
{
	if (pipe2(pipes->in, O_CLOEXEC) < 0 || pipe2(pipes->out, O_CLOEXEC) < 0 || pipe2(pipes->err, O_CLOEXEC) < 0 ||
	    pipe2(pipes->failed, O_CLOEXEC) < 0)
		return err_errno(err, ERR_SYSTEM, "making a pipe");
	return 0;
}

/* In the new process; never returns. Only async-signal-safe calls: other threads' locks may be held. */
static void __attribute__((noreturn)) child_become(const struct child_run *run, const struct pipes *pipes)
{
	sigset_t none;
	sigemptyset(&none);
	sigprocmask(SIG_SETMASK, &none, NULL);
	signal(SIGPIPE, SIG_DFL);
	if (!run->keeps_terminal)
		setpgid(0, 0);
	if (dup2(pipes->in[0], 0) >= 0 && dup2(pipes->out[1], 1) >= 0 && dup2(pipes->err[1], 2) >= 0 &&
	    (!run->directory || chdir(run->directory) == 0)) {
		/* execvp would hand any text file to a shell. */
		if (strchr(run->argv[0], '/'))
			execv(run->argv[0], (char *const *)run->argv);
		else
			execvp(run->argv[0], (char *const *)run->argv);
	}
	int reason = errno;
	ssize_t written = write(pipes->failed[1], &reason, sizeof(reason));
	_exit(written < 0 ? 126 : 127);
}

/* False at the end of the stream. One read past most is taken, so that the caller sees it was too much. */
static bool stream_read(int fd, struct buf *out, size_t most)
{
	char dropped[4096];
	bool takes = out && out->length <= most;
	char *to = takes ? buf_reserve(out, READ_AT_ONCE) : dropped;
	ssize_t n = read(fd, to, takes ? READ_AT_ONCE : sizeof(dropped));
	if (n < 0)
		return errno == EINTR || errno == EAGAIN;
	if (n > 0 && takes) {
		out->length += (size_t)n;
		out->data[out->length] = '\0';
	}
	return n > 0;
}

/* -1 once it is to be killed. */
static int child_given_up(const struct child_run *run, int64_t deadline, struct err *err)
{
	if (clock_left(deadline) == 0)
		return err_set(err, ERR_TIMEOUT, "%s took longer than %lld s", run->argv[0], (long long)run->timeout_ms / 1000);
	if (run->cancelled && run->cancelled(run->context))
		return err_set(err, ERR_INTERRUPTED, "%s was interrupted", run->argv[0]);
	return 0;
}

/* Feeds and drains until both outputs are closed. */
static int child_pump(const struct child_run *run, struct pipes *pipes, struct buf *out, struct buf *err_out,
                      int64_t deadline, struct err *err)
{
	size_t sent = 0;
	size_t most = run->output_most ? run->output_most : SIZE_MAX / 2;
	if (!run->input_length)
		fd_close(&pipes->in[1]);
	else
		fcntl(pipes->in[1], F_SETFL, O_NONBLOCK);
	while (pipes->out[0] >= 0 || pipes->err[0] >= 0) {
		struct pollfd fds[] = { { .fd = pipes->out[0], .events = POLLIN }, { .fd = pipes->err[0], .events = POLLIN },
			                    { .fd = pipes->in[1], .events = POLLOUT } };
		int left = clock_left(deadline);
		int ready = poll(fds, 3, run->cancelled && (left < 0 || left > ASKED_EVERY_MS) ? ASKED_EVERY_MS : left);
		if (child_given_up(run, deadline, err) < 0)
			return -1;
		if (ready <= 0)
			continue;
		if (fds[0].revents && !stream_read(pipes->out[0], out, most))
			fd_close(&pipes->out[0]);
		if (fds[1].revents && !stream_read(pipes->err[0], err_out, most))
			fd_close(&pipes->err[0]);
		if (out && out->length > most)
			return err_set(err, ERR_INPUT, "%s wrote more than %zu bytes", run->argv[0], most);
		if (!fds[2].revents)
			continue;
		ssize_t n = write(pipes->in[1], run->input + sent, run->input_length - sent);
		sent += n > 0 ? (size_t)n : 0;
		if (sent == run->input_length || (n < 0 && errno != EAGAIN && errno != EINTR))
			fd_close(&pipes->in[1]);
	}
	return 0;
}

/* The exit status; an ended pump does not yet mean an ended process, so the deadline holds here as well. */
static int child_reap(const struct child_run *run, pid_t pid, int64_t deadline, int *status, struct err *err)
{
	int state;
	for (;;) {
		pid_t got = waitpid(pid, &state, deadline == CLOCK_NEVER && !run->cancelled ? 0 : WNOHANG);
		if (got == pid)
			break;
		if (got < 0 && errno != EINTR)
			return err_errno(err, ERR_SYSTEM, "waiting for %s", run->argv[0]);
		if (child_given_up(run, deadline, err) < 0)
			return -1;
		if (got == 0)
			poll(NULL, 0, 5);
	}
	*status = WIFSIGNALED(state) ? 128 + WTERMSIG(state) : WEXITSTATUS(state);
	return 0;
}

int child_run(const struct child_run *run, struct buf *out, struct buf *err_out, int *status, struct err *err)
{
	auto_(pipes_release) struct pipes pipes = PIPES_INIT;
	if (pipes_open(&pipes, err) < 0)
		return -1;
	int64_t deadline = clock_deadline(run->timeout_ms);
	pid_t pid = fork();
	if (pid < 0)
		return err_errno(err, ERR_SYSTEM, "starting %s", run->argv[0]);
	if (pid == 0)
		child_become(run, &pipes);
	if (!run->keeps_terminal)
		setpgid(pid, pid);
	fd_close(&pipes.in[0]);
	fd_close(&pipes.out[1]);
	fd_close(&pipes.err[1]);
	fd_close(&pipes.failed[1]);

	int reason = 0;
	ssize_t told;
	do
		told = read(pipes.failed[0], &reason, sizeof(reason));
	while (told < 0 && errno == EINTR);
	if (told == sizeof(reason)) {
		waitpid(pid, NULL, 0);
		errno = reason;
		return err_errno(err, ERR_INPUT, "starting %s", run->argv[0]);
	}
	if (child_pump(run, &pipes, out, err_out, deadline, err) == 0 && child_reap(run, pid, deadline, status, err) == 0)
		return 0;
	kill(run->keeps_terminal ? pid : -pid, SIGKILL);
	waitpid(pid, NULL, 0);
	return -1;
}
