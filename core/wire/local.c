/* A session on this machine: channels are children with pipes or a pseudo terminal, in sessions of their own as sshd
 * gives them, so that what stands on session.h works without SSH too. */
#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <sys/ioctl.h>
#include <sys/pidfd.h>
#include <sys/wait.h>
#include <termios.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/mem.h"
#include "base/secret.h"
#include "wire/session.h"

enum { LOCAL_READ = 64 * 1024, LOCAL_TICK_MS = 20 };

struct local_channel {
	struct channel channel;
	struct local_channel *next;
	pid_t pid;          /* 0: was never started */
	int exit_fd;        /* pidfd; -1 where the kernel has none */
	int input, streams[2]; /* -1: closed */
	bool eof_wanted, exited, drained;
	int status;         /* of waitpid */
	struct buf queue;
	size_t sent;        /* of the queue's front */
	const char *error;
};

struct local_session {
	struct session session;
	struct local_channel *channels;
	pid_t *orphans; /* children whose channels were closed before they ended */
	size_t orphan_count, orphan_room;
};

static struct local_channel *local_of(const struct channel *channel)
{
	return (struct local_channel *)channel;
}

static void local_close_fd(int *fd)
{
	if (*fd >= 0)
		close(*fd);
	*fd = -1;
}

/* ---- starting a child ---- */

struct local_ends { int input, output, errors; }; /* the child's */

/* In the child, between fork and exec: only async-signal-safe calls. */
static void local_child(const struct local_ends *ends, bool pty, const char *const *words)
{
	sigset_t none;
	sigemptyset(&none);
	sigprocmask(SIG_SETMASK, &none, NULL);
	for (int number = 1; number < NSIG; number++)
		if (number != SIGKILL && number != SIGSTOP)
			signal(number, SIG_DFL);
	setsid();
	if (pty)
		ioctl(ends->input, TIOCSCTTY, 0);
	if (dup2(ends->input, 0) < 0 || dup2(ends->output, 1) < 0 || dup2(ends->errors, 2) < 0)
		_exit(126);
	execv(words[0], (char *const *)words);
	_exit(127);
}

static int local_pty(struct local_channel *channel, struct local_ends *ends)
{
	char name[128];
	int master = posix_openpt(O_RDWR | O_NOCTTY | O_CLOEXEC);
	if (master < 0)
		return -1;
	channel->streams[0] = master;
	if (grantpt(master) < 0 || unlockpt(master) < 0 || ptsname_r(master, name, sizeof(name)) != 0)
		return -1;
	ends->input = open(name, O_RDWR | O_NOCTTY | O_CLOEXEC);
	channel->input = fcntl(master, F_DUPFD_CLOEXEC, 0);
	if (ends->input < 0 || channel->input < 0)
		return -1;
	ends->output = ends->errors = ends->input;
	return 0;
}

static int local_pipes(struct local_channel *channel, struct local_ends *ends)
{
	int pair[2];
	if (pipe2(pair, O_CLOEXEC) < 0)
		return -1;
	ends->input = pair[0];
	channel->input = pair[1];
	if (pipe2(pair, O_CLOEXEC) < 0)
		return -1;
	channel->streams[0] = pair[0];
	ends->output = pair[1];
	if (pipe2(pair, O_CLOEXEC) < 0)
		return -1;
	channel->streams[1] = pair[0];
	ends->errors = pair[1];
	return 0;
}

static int local_start(struct local_channel *channel, const char *const *words, bool pty, struct err *err)
{
	struct local_ends ends = { -1, -1, -1 };
	int made = pty ? local_pty(channel, &ends) : local_pipes(channel, &ends);
	int reason = errno;
	if (made == 0) {
		fcntl(channel->input, F_SETFL, O_NONBLOCK | O_WRONLY);
		fcntl(channel->streams[0], F_SETFL, O_NONBLOCK);
		if (channel->streams[1] >= 0)
			fcntl(channel->streams[1], F_SETFL, O_NONBLOCK);
		channel->pid = fork();
		if (channel->pid == 0)
			local_child(&ends, pty, words);
		reason = errno;
	}
	if (ends.output != ends.input) {
		local_close_fd(&ends.output);
		local_close_fd(&ends.errors);
	}
	local_close_fd(&ends.input);
	if (made < 0 || channel->pid < 0) {
		channel->pid = 0;
		errno = reason;
		return err_errno(err, ERR_SYSTEM, "starting %s on this machine", words[0]);
	}
	channel->exit_fd = pidfd_open(channel->pid, 0);
	return 0;
}

static const char *local_sftp_server(void)
{
	static const char *const places[] = { "/usr/lib/openssh/sftp-server", "/usr/lib/ssh/sftp-server",
		"/usr/libexec/openssh/sftp-server", "/usr/libexec/sftp-server", "/usr/lib/sftp-server" };
	for (size_t i = 0; i < sizeof(places) / sizeof(*places); i++)
		if (access(places[i], X_OK) == 0)
			return places[i];
	return NULL;
}

static void local_close(struct channel *channel);

static struct channel *local_open(struct session *session, const char *command, const char *subsystem, bool pty,
                                  const struct channel_events *events, struct err *err)
{
	struct local_session *local = (struct local_session *)session;
	struct local_channel *made = mem_alloc(sizeof(*made));
	made->channel.session = session;
	made->channel.events = *events;
	made->exit_fd = made->input = made->streams[0] = made->streams[1] = -1;
	made->next = local->channels;
	local->channels = made;
	session->counts.channels++;
	const char *words[] = { "/bin/sh", "-c", command, NULL };
	if (subsystem) {
		words[0] = local_sftp_server();
		words[1] = NULL;
		if (!words[0]) {
			made->error = "there is no sftp-server on this machine";
			return &made->channel;
		}
	}
	if (local_start(made, words, pty, err) < 0) {
		local_close(&made->channel);
		return NULL;
	}
	return &made->channel;
}

/* ---- moving bytes ---- */

static void local_write(struct channel *channel, const void *bytes, size_t length)
{
	struct local_channel *local = local_of(channel);
	if (local->input >= 0 && !local->eof_wanted)
		buf_add(&local->queue, bytes, length);
}

static void local_write_eof(struct channel *channel)
{
	local_of(channel)->eof_wanted = true;
}

static size_t local_queued(const struct channel *channel)
{
	return local_of(channel)->queue.length - local_of(channel)->sent;
}

/* Sends what the child takes; what was sent is wiped, for a password may have been in it. */
static void local_send(struct local_channel *channel)
{
	struct buf *queue = &channel->queue;
	while (channel->sent < queue->length) {
		ssize_t n = write(channel->input, queue->data + channel->sent, queue->length - channel->sent);
		if (n < 0 && errno == EINTR)
			continue;
		if (n < 0 && errno == EAGAIN)
			return;
		if (n < 0) {
			local_close_fd(&channel->input);
			channel->sent = queue->length;
			break;
		}
		secret_wipe(queue->data + channel->sent, (size_t)n);
		channel->channel.session->counts.bytes_sent += (uint64_t)n;
		channel->sent += (size_t)n;
	}
	buf_clear(queue);
	channel->sent = 0;
	if (channel->eof_wanted)
		local_close_fd(&channel->input);
}

/* Returns whether anything came. */
static bool local_receive(struct local_channel *channel, int stream)
{
	char bytes[LOCAL_READ];
	ssize_t n;
	do
		n = read(channel->streams[stream], bytes, sizeof(bytes));
	while (n < 0 && errno == EINTR);
	if (n > 0) {
		channel->channel.session->counts.bytes_received += (uint64_t)n;
		channel->channel.events.data(channel->channel.events.context, stream == 1, bytes, (size_t)n);
		return true;
	}
	if (n == 0 || errno != EAGAIN) /* EIO is a terminal's end */
		local_close_fd(&channel->streams[stream]);
	return false;
}

/* Once the child is gone, all it wrote is in the pipes; what its own children still hold open does not matter. */
static bool local_look(struct local_channel *channel)
{
	bool moved = false;
	if (channel->input >= 0 && (channel->sent < channel->queue.length || channel->eof_wanted)) {
		size_t before = local_queued(&channel->channel);
		local_send(channel);
		moved = local_queued(&channel->channel) != before;
	}
	if (channel->pid && !channel->exited && waitpid(channel->pid, &channel->status, WNOHANG) == channel->pid)
		channel->exited = moved = true;
	bool more = false;
	for (int i = 0; i < 2; i++)
		if (channel->streams[i] >= 0 && local_receive(channel, i))
			more = true;
	if (channel->exited && !more && !channel->drained)
		channel->drained = moved = true;
	return moved || more;
}

static void local_reap(struct local_session *local)
{
	for (size_t i = 0; i < local->orphan_count;) {
		if (waitpid(local->orphans[i], NULL, WNOHANG) != 0)
			local->orphans[i] = local->orphans[--local->orphan_count];
		else
			i++;
	}
}

struct local_poll {
	struct pollfd *fds;
	size_t count, room;
};

static void local_poll_add(struct local_poll *set, int fd, short events)
{
	if (fd < 0)
		return;
	mem_grow(set->fds, set->count, set->room);
	set->fds[set->count++] = (struct pollfd){ .fd = fd, .events = events };
}

/* Whether a child without a pidfd has to be looked for. */
static bool local_poll_fill(struct local_session *local, struct local_poll *set, int wake_fd)
{
	bool tick = false;
	local_poll_add(set, local->session.cancel_fd, POLLIN);
	local_poll_add(set, wake_fd, POLLIN);
	for (struct local_channel *channel = local->channels; channel; channel = channel->next) {
		if (local_queued(&channel->channel) || channel->eof_wanted)
			local_poll_add(set, channel->input, POLLOUT);
		if (!channel->drained) {
			local_poll_add(set, channel->streams[0], POLLIN);
			local_poll_add(set, channel->streams[1], POLLIN);
		}
		if (channel->pid && !channel->exited) {
			local_poll_add(set, channel->exit_fd, POLLIN);
			tick |= channel->exit_fd < 0;
		}
	}
	return tick;
}

static int local_pump(struct session *session, int wake_fd, int64_t deadline, struct err *err)
{
	struct local_session *local = (struct local_session *)session;
	struct local_poll set = { 0 };
	bool tick = local_poll_fill(local, &set, wake_fd);
	int wait = clock_left(deadline);
	if (tick && (wait < 0 || wait > LOCAL_TICK_MS))
		wait = LOCAL_TICK_MS;
	int ready = poll(set.fds, set.count, wait);
	bool cancelled = ready > 0 && session->cancel_fd >= 0 && set.fds[0].revents;
	free(set.fds);
	if (cancelled)
		return err_set(err, ERR_INTERRUPTED, "interrupted");
	/* A consumer may open channels, which go to the front, but closes none from within. */
	for (struct local_channel *channel = local->channels; channel; channel = channel->next)
		local_look(channel);
	local_reap(local);
	return 0;
}

/* ---- ends ---- */

static enum channel_ended local_ended(const struct channel *channel, int *code)
{
	const struct local_channel *local = local_of(channel);
	if (!local->pid)
		return CHANNEL_LOST;
	if (!local->drained)
		return CHANNEL_OPEN;
	bool signalled = WIFSIGNALED(local->status);
	if (code)
		*code = signalled ? WTERMSIG(local->status) : WEXITSTATUS(local->status);
	return signalled ? CHANNEL_SIGNALLED : CHANNEL_EXITED;
}

static const char *local_error(const struct channel *channel)
{
	return local_of(channel)->error ? local_of(channel)->error : "the process ended";
}

static bool local_accepted(const struct channel *channel)
{
	return local_of(channel)->pid != 0;
}

static void local_close(struct channel *channel)
{
	struct local_session *local = (struct local_session *)channel->session;
	struct local_channel *closed = local_of(channel);
	for (struct local_channel **at = &local->channels; *at; at = &(*at)->next)
		if (*at == closed) {
			*at = closed->next;
			break;
		}
	local_close_fd(&closed->input);
	local_close_fd(&closed->streams[0]);
	local_close_fd(&closed->streams[1]);
	local_close_fd(&closed->exit_fd);
	if (closed->pid && !closed->exited && waitpid(closed->pid, NULL, WNOHANG) == 0) {
		mem_grow(local->orphans, local->orphan_count, local->orphan_room);
		local->orphans[local->orphan_count++] = closed->pid;
	}
	if (closed->queue.data)
		secret_wipe(closed->queue.data, closed->queue.length);
	buf_release(&closed->queue);
	free(closed);
}

static void local_free(struct session *session)
{
	struct local_session *local = (struct local_session *)session;
	while (local->channels)
		local_close(&local->channels->channel);
	/* Shells end as soon as they see the end of their input. */
	for (int64_t deadline = clock_deadline(200); local->orphan_count && clock_left(deadline) > 0;) {
		local_reap(local);
		if (local->orphan_count)
			poll(NULL, 0, 2);
	}
	free(local->orphans);
	free(local);
}

/* Here it is under way as soon as it is opened. */
static bool local_replace(struct channel *channel, const char *command)
{
	(void)channel, (void)command;
	return false;
}

static const struct session_operations local_operations = {
	.pump = local_pump, .open = local_open, .replace = local_replace, .write = local_write, .write_eof = local_write_eof,
	.queued = local_queued, .ended = local_ended, .error = local_error, .accepted = local_accepted,
	.close = local_close, .free = local_free,
};

int local_session_open(struct session **session, const struct wire_config *config, const struct wire_watch *watch,
                       int cancel_fd, struct err *err)
{
	(void)err;
	struct local_session *local = mem_alloc(sizeof(*local));
	local->session.operations = &local_operations;
	local->session.config = config;
	if (watch)
		local->session.watch = *watch;
	local->session.cancel_fd = cancel_fd;
	snprintf(local->session.route, sizeof(local->session.route), "this machine");
	snprintf(local->session.method, sizeof(local->session.method), "local");
	*session = &local->session;
	return 0;
}
