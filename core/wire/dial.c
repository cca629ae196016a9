/* Resolving and connecting without ever blocking past the deadline or the user's cancel. */
#include "wire/dial.h"

#include <errno.h>
#include <fcntl.h>
#include <netdb.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <poll.h>
#include <signal.h>
#include <stdbool.h>
#include <string.h>
#include <sys/socket.h>

#include "base/auto.h"
#include "base/buf.h"
#include "base/clock.h"
#include "base/mem.h"

enum { ADDRESSES_MAX = 16, HEAD_START_MS = 250, LOOK_MS = 20 };

static void tell(const struct dial *dial, const char *what, const char *where)
{
	if (!dial->watch || !dial->watch->phase)
		return;
	auto_free char *text = mem_printf("%s %s", what, where);
	dial->watch->phase(dial->watch->context, text);
}

static bool cancelled(const struct dial *dial)
{
	struct pollfd fd = { dial->cancel_fd, POLLIN, 0 };
	return dial->cancel_fd >= 0 && poll(&fd, 1, 0) > 0;
}

/* ---- resolving ---- */

/* What the resolver works on; on the heap because a lookup that cannot be cancelled goes on after we gave up. */
struct lookup {
	struct gaicb request;
	struct addrinfo hints;
	char port[8];
	char host[]; 
};

static struct lookup *lookup_new(const struct dial *dial)
{
	size_t length = strlen(dial->host);
	struct lookup *lookup = mem_alloc(sizeof(*lookup) + length + 1);
	memcpy(lookup->host, dial->host, length + 1);
	snprintf(lookup->port, sizeof(lookup->port), "%d", dial->port);
	lookup->hints = (struct addrinfo){ .ai_family = dial->family, .ai_socktype = SOCK_STREAM,
		                               .ai_flags = AI_NUMERICSERV };
	lookup->request = (struct gaicb){ .ar_name = lookup->host, .ar_service = lookup->port,
		                              .ar_request = &lookup->hints };
	return lookup;
}

static int resolve_failed(const struct dial *dial, int code, struct err *err)
{
	err_set(err, ERR_UNREACHABLE, "resolving %s: %s", dial->host,
	        code == EAI_SYSTEM ? strerror(errno) : gai_strerror(code));
	return err_hint(err, "check the spelling, or give its address as ansible_host");
}

/* Asks the resolver, looking every now and then whether it is still wanted. */
static int resolve_name(const struct dial *dial, int64_t deadline, struct addrinfo **found, struct err *err)
{
	struct lookup *lookup = lookup_new(dial);
	struct gaicb *requests[1] = { &lookup->request };
	struct sigevent event = { .sigev_notify = SIGEV_NONE };
	int code = getaddrinfo_a(GAI_NOWAIT, requests, 1, &event);
	if (code != 0) {
		free(lookup);
		return resolve_failed(dial, code, err);
	}
	const struct timespec look = { 0, LOOK_MS * 1000000L };
	while ((code = gai_error(&lookup->request)) == EAI_INPROGRESS) {
		bool stop = cancelled(dial);
		if (stop || clock_left(deadline) == 0) {
			if (gai_cancel(&lookup->request) == EAI_CANCELED)
				free(lookup);
			return stop ? err_set(err, ERR_INTERRUPTED, "cancelled while resolving %s", dial->host)
			            : err_set(err, ERR_TIMEOUT, "resolving %s took longer than %d s", dial->host,
			                      dial->timeout_ms / 1000);
		}
		gai_suspend((const struct gaicb *const *)requests, 1, &look);
	}
	*found = lookup->request.ar_result;
	free(lookup);
	return code == 0 ? 0 : resolve_failed(dial, code, err);
}

static int resolve(const struct dial *dial, int64_t deadline, struct addrinfo **found, struct err *err)
{
	char port[8];
	snprintf(port, sizeof(port), "%d", dial->port);
	struct addrinfo hints = { .ai_family = dial->family, .ai_socktype = SOCK_STREAM,
		                      .ai_flags = AI_NUMERICHOST | AI_NUMERICSERV };
	if (getaddrinfo(dial->host, port, &hints, found) == 0)
		return 0;
	tell(dial, "resolving", dial->host);
	return resolve_name(dial, deadline, found, err);
}

/* ---- connecting ---- */

void dial_prepare(int fd, int alive_ms, bool keepalive)
{
	int on = 1, asks = keepalive;
	unsigned unacknowledged = (unsigned)alive_ms;
	/* Failures do not matter: on a socket pair to a proxy none of them applies. */
	(void)setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &on, sizeof(on));
	(void)setsockopt(fd, SOL_SOCKET, SO_KEEPALIVE, &asks, sizeof(asks));
	if (alive_ms > 0)
		(void)setsockopt(fd, IPPROTO_TCP, TCP_USER_TIMEOUT, &unacknowledged, sizeof(unacknowledged));
}

struct attempt {
	int fd; /* -1: not started or over */
	char address[128];
};

struct attempts {
	struct attempt items[ADDRESSES_MAX];
	size_t count;
	struct buf failures; /* "10.0.0.1 port 22: Connection refused; ..." */
	int os_error;        /* of the last failure */
};

static void attempt_failed(struct attempts *attempts, struct attempt *attempt, int os_error)
{
	char reason[128];
	attempts->os_error = os_error;
	buf_printf(&attempts->failures, "%s%s: %s", attempts->failures.length ? "; " : "", attempt->address,
	           strerror_r(os_error, reason, sizeof(reason)));
	if (attempt->fd >= 0)
		close(attempt->fd);
	attempt->fd = -1;
}

static int bind_local(const struct dial *dial, int fd, int family)
{
	if (!dial->bind_address)
		return 0;
	struct addrinfo hints = { .ai_family = family, .ai_socktype = SOCK_STREAM, .ai_flags = AI_NUMERICHOST | AI_PASSIVE };
	struct addrinfo *local = NULL;
	if (getaddrinfo(dial->bind_address, NULL, &hints, &local) != 0) {
		errno = EADDRNOTAVAIL;
		return -1;
	}
	int status = bind(fd, local->ai_addr, local->ai_addrlen);
	freeaddrinfo(local);
	return status;
}

/* Starts one; true if it is under way or through. */
static bool attempt_start(const struct dial *dial, struct attempts *attempts, const struct addrinfo *address)
{
	struct attempt *attempt = &attempts->items[attempts->count++];
	char host[64] = "?", port[16] = "?";
	getnameinfo(address->ai_addr, address->ai_addrlen, host, sizeof(host), port, sizeof(port),
	            NI_NUMERICHOST | NI_NUMERICSERV);
	snprintf(attempt->address, sizeof(attempt->address), "%s port %s", host, port);
	tell(dial, "connecting to", attempt->address);
	attempt->fd = socket(address->ai_family, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
	if (attempt->fd < 0 || bind_local(dial, attempt->fd, address->ai_family) < 0 ||
	    (connect(attempt->fd, address->ai_addr, address->ai_addrlen) < 0 && errno != EINPROGRESS)) {
		attempt_failed(attempts, attempt, errno);
		return false;
	}
	return true;
}

/* Waits for any attempt under way; 1 with *through set, 0 when time is up or one failed, -1 cancelled. */
static int attempts_wait(const struct dial *dial, struct attempts *attempts, int64_t until, struct attempt **through)
{
	struct pollfd polls[ADDRESSES_MAX + 1];
	polls[0] = (struct pollfd){ dial->cancel_fd, POLLIN, 0 };
	for (size_t i = 0; i < attempts->count; i++)
		polls[i + 1] = (struct pollfd){ attempts->items[i].fd, POLLOUT, 0 };
	if (poll(polls, attempts->count + 1, clock_left(until)) < 0)
		return 0;
	if (polls[0].revents)
		return -1;
	for (size_t i = 0; i < attempts->count; i++) {
		int failure = 0;
		socklen_t length = sizeof(failure);
		if (!polls[i + 1].revents)
			continue;
		getsockopt(attempts->items[i].fd, SOL_SOCKET, SO_ERROR, &failure, &length);
		if (failure == 0) {
			*through = &attempts->items[i];
			return 1;
		}
		attempt_failed(attempts, &attempts->items[i], failure);
	}
	return 0;
}

static size_t attempts_pending(const struct attempts *attempts)
{
	size_t pending = 0;
	for (size_t i = 0; i < attempts->count; i++)
		pending += attempts->items[i].fd >= 0;
	return pending;
}

static int none_got_through(const struct dial *dial, struct attempts *attempts, struct err *err)
{
	bool late = attempts_pending(attempts) > 0;
	for (size_t i = 0; i < attempts->count; i++)
		if (attempts->items[i].fd >= 0)
			attempt_failed(attempts, &attempts->items[i], ETIMEDOUT);
	err_set(err, late ? ERR_TIMEOUT : ERR_UNREACHABLE, "connecting to %s", buf_text(&attempts->failures));
	if (late)
		err_hint(err, "nothing answered within %d s: check the address, the network and firewalls, or raise the timeout",
		         dial->timeout_ms / 1000);
	else if (attempts->os_error == EMFILE)
		err_hint(err, "%s", err_too_many_files);
	else
		err_hint(err, "check that %s runs an SSH server on port %d", dial->host, dial->port);
	return -1;
}

/* The race itself: a new attempt whenever the last one failed or had its head start. */
static int race(struct dial *dial, struct attempts *attempts, const struct addrinfo *next, int64_t deadline,
                struct err *err)
{
	int64_t started = 0;
	for (;;) {
		bool room = next && attempts->count < ADDRESSES_MAX;
		size_t pending = attempts_pending(attempts);
		if (room && (pending == 0 || clock_ms() - started >= HEAD_START_MS)) {
			attempt_start(dial, attempts, next);
			started = clock_ms();
			next = next->ai_next;
			continue;
		}
		if (pending == 0 || clock_left(deadline) == 0)
			return none_got_through(dial, attempts, err);
		int64_t until = room && started + HEAD_START_MS < deadline ? started + HEAD_START_MS : deadline;
		struct attempt *through = NULL;
		int status = attempts_wait(dial, attempts, until, &through);
		if (status < 0)
			return err_set(err, ERR_INTERRUPTED, "cancelled while connecting to %s", dial->host);
		if (status > 0) {
			memcpy(dial->address, through->address, sizeof(dial->address));
			int fd = through->fd;
			through->fd = -1;
			return fd;
		}
	}
}

int dial_connect(struct dial *dial, struct err *err)
{
	struct addrinfo *found = NULL;
	int64_t deadline = clock_deadline(dial->timeout_ms);
	snprintf(dial->address, sizeof(dial->address), "%.100s port %d", dial->host, dial->port);
	if (resolve(dial, deadline, &found, err) < 0)
		return -1;
	struct attempts attempts = { 0 };
	int fd = race(dial, &attempts, found, deadline, err);
	freeaddrinfo(found);
	for (size_t i = 0; i < attempts.count; i++)
		if (attempts.items[i].fd >= 0)
			close(attempts.items[i].fd);
	buf_release(&attempts.failures);
	return fd;
}
