/* The wire's public calls: each checks for cancellation and hands on to the layer that does the work. */
#include "wire/wire.h"

#include <errno.h>
#include <poll.h>
#include <signal.h>
#include <stdatomic.h>
#include <sys/eventfd.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/mem.h"
#include "wire/command.h"
#include "wire/identity.h"

struct wire {
	struct wire_config config;
	struct wire_hub *hub;
	struct session *session;
	struct identity *identities;
	atomic_bool cancelled;
	int cancel_fd;
};

/* A peer that is gone must show as EPIPE: the signal is blocked on this thread, and not inherited by what it starts. */
static void wire_block_sigpipe(void)
{
	sigset_t set;
	sigemptyset(&set);
	sigaddset(&set, SIGPIPE);
	pthread_sigmask(SIG_BLOCK, &set, NULL);
}

static int wire_session_open(struct wire *wire, const struct wire_watch *watch, struct err *err)
{
	if (wire->config.local)
		return local_session_open(&wire->session, &wire->config, watch, wire->cancel_fd, err);
	return ssh_session_open(&wire->session, wire->hub, &wire->config, watch, wire->cancel_fd, err);
}

int wire_open(struct wire **wire, struct wire_hub *hub, const struct wire_config *config,
              const struct wire_watch *watch, struct err *err)
{
	struct wire *made = mem_alloc(sizeof(*made));
	made->config = *config;
	made->hub = hub;
	made->cancel_fd = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
	if (made->cancel_fd < 0) {
		err_errno(err, ERR_SYSTEM, "opening an eventfd");
		wire_close(made);
		return -1;
	}
	wire_block_sigpipe();
	if (wire_session_open(made, watch, err) < 0 ||
	    !identity_shell(identity_find(&made->identities, made->session, NULL), err)) {
		wire_close(made);
		return -1;
	}
	*wire = made;
	return 0;
}

void wire_close(struct wire *wire)
{
	if (!wire)
		return;
	identity_free_all(wire->identities);
	session_free(wire->session);
	if (wire->cancel_fd >= 0)
		close(wire->cancel_fd);
	free(wire);
}

void wire_cancel(struct wire *wire)
{
	atomic_store(&wire->cancelled, true);
	eventfd_write(wire->cancel_fd, 1);
}

static int wire_check(struct wire *wire, struct err *err)
{
	return atomic_load(&wire->cancelled) ? err_set(err, ERR_INTERRUPTED, "interrupted") : 0;
}

int wire_idle(struct wire *wire, int fd, int64_t deadline, struct err *err)
{
	struct pollfd look = { .fd = fd, .events = POLLIN };
	for (;;) {
		if (wire_check(wire, err) < 0)
			return -1;
		if (fd >= 0 && poll(&look, 1, 0) > 0)
			return 1;
		if (clock_left(deadline) == 0)
			return 0;
		if (wire->session->operations->pump(wire->session, fd, deadline, err) < 0)
			return -1;
	}
}

void wire_outcome_release(struct wire_outcome *outcome)
{
	buf_release(&outcome->output);
	buf_release(&outcome->errors);
}

int wire_batch(struct wire *wire, const struct wire_become *become, const struct wire_command *commands,
               struct wire_outcome *outcomes, size_t count, bool stop, int64_t deadline, struct err *err)
{
	if (wire_check(wire, err) < 0)
		return -1;
	struct identity *identity = identity_find(&wire->identities, wire->session, become);
	return identity_batch(identity, commands, outcomes, count, stop, deadline, err);
}

int wire_run(struct wire *wire, const struct wire_become *become, const struct wire_command *command,
             struct wire_outcome *outcome, struct err *err)
{
	if (wire_check(wire, err) < 0)
		return -1;
	struct wire_command wanted = *command;
	wanted.pty |= wire->config.pty;
	return command_run(identity_find(&wire->identities, wire->session, become), &wanted, outcome, err);
}

struct wire_counts wire_counts(const struct wire *wire)
{
	return wire->session->counts;
}

const char *wire_auth_method(const struct wire *wire)
{
	return wire->session->method;
}

const char *wire_route(const struct wire *wire)
{
	return wire->session->route;
}
