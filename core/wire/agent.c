/* The agent's filter: a thread, because libssh waits for its agent without end, between libssh's socket and the agent's.
 * It answers the question for keys by itself and hands on everything else; when the wire is cancelled it hangs up. */
#include "wire/agent.h"

#include <errno.h>
#include <poll.h>
#include <pthread.h>
#include <signal.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <sys/eventfd.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#include "base/auto.h"
#include "base/buf.h"
#include "base/clock.h"
#include "base/mem.h"

enum { REQUEST_IDENTITIES = 11, IDENTITIES_ANSWER = 12, LONGEST_MESSAGE = 256 * 1024, LIST_MS = 5000 };

struct agent {
	struct agent_key *keys;
	size_t count, room;
	atomic_size_t shown;
	int fd;        /* to the agent */
	int near;      /* the filter's end of libssh's socket, -1: there is no filter */
	int cancel_fd, stop_fd;
	pthread_t thread;
};

/* ---- messages ---- */

static void put_u32(struct buf *text, size_t value)
{
	unsigned char bytes[4] = { (unsigned char)(value >> 24), (unsigned char)(value >> 16), (unsigned char)(value >> 8),
		                       (unsigned char)value };
	buf_add(text, bytes, 4);
}

static void put_string(struct buf *text, const void *bytes, size_t length)
{
	put_u32(text, length);
	buf_add(text, bytes, length);
}

struct cursor {
	const unsigned char *at, *end;
};

static bool get_u32(struct cursor *cursor, size_t *value)
{
	if (cursor->end - cursor->at < 4)
		return false;
	*value = (size_t)cursor->at[0] << 24 | (size_t)cursor->at[1] << 16 | (size_t)cursor->at[2] << 8 | cursor->at[3];
	cursor->at += 4;
	return true;
}

static bool get_string(struct cursor *cursor, const unsigned char **bytes, size_t *length)
{
	if (!get_u32(cursor, length) || (size_t)(cursor->end - cursor->at) < *length)
		return false;
	*bytes = cursor->at;
	cursor->at += *length;
	return true;
}

/* ---- moving them ---- */

/* Whether fd is ready before the deadline; not when cancelled or stopped. */
static bool ready(const struct agent *agent, int fd, short events, int64_t deadline)
{
	struct pollfd polls[3] = { { fd, events, 0 }, { agent->cancel_fd, POLLIN, 0 }, { agent->stop_fd, POLLIN, 0 } };
	int count;
	do
		count = poll(polls, 3, clock_left(deadline));
	while (count < 0 && errno == EINTR);
	return count > 0 && !polls[1].revents && !polls[2].revents;
}

static bool send_all(const struct agent *agent, int fd, const struct buf *message, int64_t deadline)
{
	for (size_t sent = 0; sent < message->length;) {
		ssize_t wrote = send(fd, message->data + sent, message->length - sent, MSG_NOSIGNAL | MSG_DONTWAIT);
		if (wrote > 0)
			sent += (size_t)wrote;
		else if ((errno != EAGAIN && errno != EINTR) || !ready(agent, fd, POLLOUT, deadline))
			return false;
	}
	return true;
}

static bool receive(const struct agent *agent, int fd, struct buf *message, size_t length, int64_t deadline)
{
	while (message->length < length) {
		if (!ready(agent, fd, POLLIN, deadline))
			return false;
		ssize_t got = recv(fd, buf_reserve(message, length - message->length), length - message->length, MSG_DONTWAIT);
		if (got == 0 || (got < 0 && errno != EAGAIN && errno != EINTR))
			return false;
		message->length += got > 0 ? (size_t)got : 0;
	}
	return true;
}

/* One message with its length in front. */
static bool receive_message(const struct agent *agent, int fd, struct buf *message, int64_t deadline)
{
	size_t length = 0;
	buf_clear(message);
	if (!receive(agent, fd, message, 4, deadline))
		return false;
	struct cursor cursor = { (unsigned char *)message->data, (unsigned char *)message->data + 4 };
	return get_u32(&cursor, &length) && length > 0 && length <= LONGEST_MESSAGE &&
	       receive(agent, fd, message, 4 + length, deadline);
}

/* ---- the filter ---- */

static void put_shown(const struct agent *agent, struct buf *answer)
{
	const struct agent_key *key = &agent->keys[atomic_load(&agent->shown)];
	auto_buf struct buf body = BUF_INIT;
	buf_char(&body, IDENTITIES_ANSWER);
	put_u32(&body, 1);
	put_string(&body, key->blob, key->length);
	put_string(&body, key->comment, strlen(key->comment));
	buf_clear(answer);
	put_string(answer, body.data, body.length);
}

static void *filter_thread(void *context)
{
	struct agent *agent = context;
	auto_buf struct buf message = BUF_INIT;
	sigset_t all;
	sigfillset(&all);
	pthread_sigmask(SIG_BLOCK, &all, NULL);
	while (receive_message(agent, agent->near, &message, CLOCK_NEVER)) {
		if (message.data[4] == REQUEST_IDENTITIES)
			put_shown(agent, &message);
		else if (!send_all(agent, agent->fd, &message, CLOCK_NEVER) ||
		         !receive_message(agent, agent->fd, &message, CLOCK_NEVER))
			break;
		if (!send_all(agent, agent->near, &message, CLOCK_NEVER))
			break;
	}
	/* libssh's wait ends with the socket. */
	shutdown(agent->near, SHUT_RDWR);
	return NULL;
}

int agent_socket(struct agent *agent)
{
	int pair[2];
	if (socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, pair) < 0)
		return -1;
	agent->near = pair[1];
	if (pthread_create(&agent->thread, NULL, filter_thread, agent) == 0)
		return pair[0];
	close(pair[0]);
	close(pair[1]);
	agent->near = -1;
	return -1;
}

void agent_show(struct agent *agent, size_t i) { atomic_store(&agent->shown, i); }

/* ---- opening ---- */

static int connect_to(const char *path)
{
	struct sockaddr_un address = { .sun_family = AF_UNIX };
	if (strlen(path) >= sizeof(address.sun_path))
		return -1;
	memcpy(address.sun_path, path, strlen(path) + 1);
	int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
	if (fd >= 0 && connect(fd, (struct sockaddr *)&address, sizeof(address)) < 0) {
		close(fd);
		return -1;
	}
	return fd;
}

static bool parse_keys(struct agent *agent, const struct buf *message)
{
	struct cursor cursor = { (unsigned char *)message->data + 5, (unsigned char *)message->data + message->length };
	size_t count = 0;
	if (message->data[4] != IDENTITIES_ANSWER || !get_u32(&cursor, &count))
		return false;
	for (size_t i = 0; i < count; i++) {
		const unsigned char *blob, *comment;
		size_t length, comment_length;
		if (!get_string(&cursor, &blob, &length) || !get_string(&cursor, &comment, &comment_length))
			return false;
		mem_grow(agent->keys, agent->count, agent->room);
		struct agent_key *key = &agent->keys[agent->count++];
		key->blob = (unsigned char *)mem_strndup((const char *)blob, length);
		key->length = length;
		key->comment = mem_strndup((const char *)comment, comment_length);
	}
	return true;
}

static bool list_keys(struct agent *agent)
{
	auto_buf struct buf message = BUF_INIT;
	int64_t deadline = clock_deadline(LIST_MS);
	buf_add(&message, "\0\0\0\1\13", 5);
	return send_all(agent, agent->fd, &message, deadline) && receive_message(agent, agent->fd, &message, deadline) &&
	       parse_keys(agent, &message);
}

struct agent *agent_open(const char *path, int cancel_fd)
{
	int fd = connect_to(path);
	if (fd < 0)
		return NULL;
	struct agent *agent = mem_alloc(sizeof(*agent));
	agent->fd = fd;
	agent->near = -1;
	agent->cancel_fd = cancel_fd;
	agent->stop_fd = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
	if (agent->stop_fd >= 0 && list_keys(agent))
		return agent;
	agent_free(agent);
	return NULL;
}

size_t agent_count(const struct agent *agent) { return agent->count; }

const struct agent_key *agent_key(const struct agent *agent, size_t i) { return &agent->keys[i]; }

void agent_free(struct agent *agent)
{
	if (!agent)
		return;
	if (agent->near >= 0) {
		eventfd_write(agent->stop_fd, 1);
		pthread_join(agent->thread, NULL);
		close(agent->near);
	}
	for (size_t i = 0; i < agent->count; i++) {
		free(agent->keys[i].blob);
		free(agent->keys[i].comment);
	}
	free(agent->keys);
	close(agent->fd);
	if (agent->stop_fd >= 0)
		close(agent->stop_fd);
	free(agent);
}
