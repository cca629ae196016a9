/* One SSH session: connects by hand, steps libssh through handshake and authentication with a deadline for each phase,
 * and then pumps. libssh never waits: every wait is a poll of ours on the socket and the cancel descriptor.
 *
 * Before each wait TCP_QUICKACK is set: without it the server's Nagle and our delayed acknowledgement hold each other up
 * for 40 ms in the handshake and at the first command. It is not set while there still is something to read: an
 * acknowledgement for every 4 KB, which is what libssh reads at a time, would cost both sides more than the bytes. */
#include "wire/ssh.h"

#include <errno.h>
#include <fcntl.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <poll.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>

#include "base/buf.h"
#include "base/clock.h"
#include "base/mem.h"
#include "base/printable.h"
#include "wire/algorithms.h"
#include "wire/dial.h"
#include "wire/jump.h"

enum {
	PHASE_MS = 10000,
	KEEPALIVE_MS = 15000, KEEPALIVE_TIMES = 3,
	HURRY_MS = 2000, HURRY_TIMES = 2,
	PUMP_ROUNDS = 64,
	READ_MOST = 4096, /* of libssh at a time */
	TRIES = 3, BACK_OFF_MS = 200
};

/* ---- telling ---- */

void ssh_phase(struct ssh_state *state, const char *format, ...)
{
	if (!state->base.watch.phase)
		return;
	va_list arguments;
	va_start(arguments, format);
	auto_free char *text = mem_vprintf(format, arguments);
	va_end(arguments);
	state->base.watch.phase(state->base.watch.context, text);
}

void ssh_warning(struct ssh_state *state, const char *format, ...)
{
	if (!state->base.watch.warning)
		return;
	va_list arguments;
	va_start(arguments, format);
	auto_free char *text = mem_vprintf(format, arguments);
	va_end(arguments);
	state->base.watch.warning(state->base.watch.context, text);
}

int ssh_failed(struct ssh_state *state, enum err_kind kind, const char *what, struct err *err)
{
	auto_buf struct buf clean = BUF_INIT;
	if (jump_failure(state, err))
		return err_wrap(err, "%s", what);
	const char *text = ssh_get_error(state->ssh);
	size_t length = strlen(text);
	printable_line(&clean, text, length < 600 ? length : 600);
	return err_set(err, kind, "%s: %s", what, clean.length ? buf_text(&clean) : "the connection ended");
}

/* ---- waiting ---- */

static void quick_acknowledge(int fd)
{
	int on = 1;
	(void)setsockopt(fd, IPPROTO_TCP, TCP_QUICKACK, &on, sizeof(on));
}

static short wanted_events(struct ssh_state *state)
{
	return POLLIN | (ssh_get_poll_flags(state->ssh) & SSH_WRITE_PENDING ? POLLOUT : 0);
}

bool ssh_has_written(struct ssh_state *state, uint64_t *written)
{
	bool more = state->counter.out_bytes != *written && ssh_get_poll_flags(state->ssh) & SSH_WRITE_PENDING;
	*written = state->counter.out_bytes;
	return more;
}

int ssh_wait(struct ssh_state *state, int64_t deadline, const char *what, struct err *err)
{
	for (;;) {
		struct pollfd polls[2] = { { state->fd, wanted_events(state), 0 }, { state->base.cancel_fd, POLLIN, 0 } };
		quick_acknowledge(state->fd);
		int ready = poll(polls, 2, clock_left(deadline));
		if (ready < 0 && errno == EINTR)
			continue;
		if (polls[1].revents)
			return err_set(err, ERR_INTERRUPTED, "cancelled while %s", what);
		if (ready > 0)
			return 0;
		err_set(err, ERR_TIMEOUT, "%s: %s did not answer within %d s", what, state->peer, state->timeout_ms / 1000);
		return err_hint(err, "check the load of the host, or raise the timeout (-T, ansible_ssh_timeout)");
	}
}

/* ---- setting up ---- */

static int set_option(struct ssh_state *state, enum ssh_options_e option, const void *value, const char *name,
                      struct err *err)
{
	if (ssh_options_set(state->ssh, option, value) == SSH_OK)
		return 0;
	err_set(err, ERR_INPUT, "libssh does not take %s for %s", (const char *)value, name);
	return err_hint(err, "choose others in ~/.ssh/config or ansible_ssh_common_args");
}

static int set_options(struct ssh_state *state, int fd, struct err *err)
{
	const struct ssh_config *c = &state->config;
	bool no = false;
	auto_free char *home = ssh_config_home();
	auto_free char *directory = mem_printf("%s/.ssh", home);
	/* The configuration is read already; libssh's own reading could run commands, and its known hosts are not used. */
	ssh_options_set(state->ssh, SSH_OPTIONS_PROCESS_CONFIG, &no);
	ssh_options_set(state->ssh, SSH_OPTIONS_KNOWNHOSTS, "/dev/null");
	ssh_options_set(state->ssh, SSH_OPTIONS_GLOBAL_KNOWNHOSTS, "/dev/null");
	ssh_options_set(state->ssh, SSH_OPTIONS_SSH_DIR, directory);
	/* libssh wants a name to exist but connects by the descriptor. */
	if (ssh_options_set(state->ssh, SSH_OPTIONS_HOST, c->host_name) != SSH_OK)
		ssh_options_set(state->ssh, SSH_OPTIONS_HOST, "host");
	ssh_options_set(state->ssh, SSH_OPTIONS_GSSAPI_SERVER_IDENTITY, c->host_name);
	if (set_option(state, SSH_OPTIONS_USER, c->user, "the user", err) < 0)
		return -1;
	if (c->compression == SSH_CONFIG_YES && set_option(state, SSH_OPTIONS_COMPRESSION, "yes", "Compression", err) < 0)
		return -1;
	if (algorithms_apply(state->ssh, c, err) < 0 || hostkeys_prefer(state, err) < 0)
		return -1;
	return set_option(state, SSH_OPTIONS_FD, &fd, "the socket", err);
}

static int start_libssh(struct ssh_state *state, int fd, struct err *err)
{
	state->ssh = ssh_new();
	if (!state->ssh)
		return err_set(err, ERR_SYSTEM, "libssh cannot start a session");
	ssh_set_blocking(state->ssh, 0);
	if (set_options(state, fd, err) < 0)
		return -1;
	ssh_set_counters(state->ssh, &state->counter, NULL);
	return 0;
}

/* ---- signs of life ---- */

static int64_t keepalive_interval(const struct ssh_state *state)
{
	if (state->base.hurried_ms)
		return HURRY_MS;
	return state->base.config->keepalive_ms          ? state->base.config->keepalive_ms
	       : state->config.alive_interval_ms ? state->config.alive_interval_ms
	                                                 : KEEPALIVE_MS;
}

static int keepalive_times(const struct ssh_state *state)
{
	if (state->base.hurried_ms)
		return HURRY_TIMES;
	return state->config.alive_count && !state->base.config->keepalive_ms ? state->config.alive_count : KEEPALIVE_TIMES;
}

/* Since when the peer has been silent, or should have answered. */
static int64_t silent_since(const struct ssh_state *state)
{
	return state->heard_ms > state->base.hurried_ms ? state->heard_ms : state->base.hurried_ms;
}

/* ---- the phases ---- */

static int dial_directly(struct ssh_state *state, int *fd, struct err *err)
{
	const struct ssh_config *c = &state->config;
	struct dial dial = { .host = c->host_name, .port = c->port, .family = c->family, .bind_address = c->bind_address,
		                 .timeout_ms = state->timeout_ms, .cancel_fd = state->base.cancel_fd,
		                 .watch = &state->base.watch };
	*fd = dial_connect(&dial, err);
	snprintf(state->peer, sizeof(state->peer), "%s", dial.address);
	return *fd < 0 ? -1 : 0;
}

/* Connects; the descriptor goes to libssh, which closes it, and a duplicate stays here to wait on. */
static int phase_dial(struct ssh_state *state, int *fd, struct err *err)
{
	const struct ssh_config *c = &state->config;
	snprintf(state->peer, sizeof(state->peer), "%.120s port %d", c->host_name, c->port);
	int status = c->proxy_jump      ? jump_dial(state, fd, err)
	             : c->proxy_command ? proxy_start(&state->proxy, state, fd, err)
	                                : dial_directly(state, fd, err);
	if (status < 0)
		return -1;
	state->fd = fcntl(*fd, F_DUPFD_CLOEXEC, 0);
	if (state->fd < 0 || *fd > 0xffff) {
		close(*fd);
		return err_errno(err, ERR_SYSTEM, "keeping the connection to %s", state->peer);
	}
	int64_t alive = keepalive_interval(state) * (keepalive_times(state) + 1);
	dial_prepare(state->fd, alive < INT32_MAX ? (int)alive : INT32_MAX, c->tcp_keepalive != SSH_CONFIG_NO);
	return 0;
}

static int handshake_failed(struct ssh_state *state, bool banner, struct err *err)
{
	if (jump_failure(state, err) || proxy_failure(&state->proxy, err))
		return -1;
	ssh_failed(state, banner ? ERR_UNREACHABLE : ERR_PROTOCOL,
	           banner ? "waiting for the SSH banner" : "key exchange", err);
	if (strstr(err->text, "disconnected") || strstr(err->text, "reset by peer"))
		err->kind = ERR_UNREACHABLE;
	if (err->kind == ERR_UNREACHABLE)
		return err_hint(err, "%s closed the connection: check that it is an SSH server and that it lets this machine in",
		                state->peer);
	return -1;
}

static int phase_handshake(struct ssh_state *state, struct err *err)
{
	int64_t deadline = clock_deadline(state->timeout_ms);
	bool banner = true, taken = false;
	uint64_t written = 0;
	ssh_phase(state, "waiting for the SSH banner of %s", state->peer);
	for (;;) {
		int status = ssh_connect(state->ssh);
		if (!taken) /* libssh makes the socket blocking again when it takes it */
			(void)fcntl(state->fd, F_SETFL, fcntl(state->fd, F_GETFL) | O_NONBLOCK);
		taken = true;
		if (status == SSH_OK)
			return 0;
		if (banner && ssh_get_serverbanner(state->ssh)) {
			banner = false;
			deadline = clock_deadline(state->timeout_ms);
			ssh_phase(state, "exchanging keys with %s", state->peer);
		}
		if (status == SSH_ERROR)
			return handshake_failed(state, banner, err);
		if (ssh_has_written(state, &written))
			continue;
		if (ssh_wait(state, deadline, banner ? "waiting for the SSH banner" : "key exchange", err) < 0)
			return -1;
	}
}

static int phase_event(struct ssh_state *state, struct err *err)
{
	state->event = ssh_event_new();
	if (!state->event || ssh_event_add_session(state->event, state->ssh) != SSH_OK)
		return err_set(err, ERR_SYSTEM, "libssh cannot watch the session");
	state->heard_ms = clock_ms();
	state->heard_bytes = state->counter.in_bytes;
	return 0;
}

/* ---- the end of a connection ---- */

/* Says good-bye and frees. libssh closes its descriptor when it fails but not in ssh_disconnect; the number is closed here
 * only if it still is the socket that our duplicate is. */
static void end_libssh(struct ssh_state *state)
{
	if (!state->ssh)
		return;
	int fd = ssh_get_fd(state->ssh);
	if (state->event) {
		ssh_event_remove_session(state->event, state->ssh);
		ssh_event_free(state->event);
	}
	ssh_disconnect(state->ssh);
	ssh_free(state->ssh);
	struct stat theirs, ours;
	if (fd >= 0 && state->fd >= 0 && fstat(fd, &theirs) == 0 && fstat(state->fd, &ours) == 0 &&
	    theirs.st_ino == ours.st_ino && theirs.st_dev == ours.st_dev)
		close(fd);
	state->ssh = NULL;
	state->event = NULL;
}

/* Undoes what connect_once did. */
static void disconnect(struct ssh_state *state)
{
	end_libssh(state);
	if (state->fd >= 0)
		close(state->fd);
	state->fd = -1;
	jump_release(state);
	proxy_end(&state->proxy);
	hub_slot_release(state->hub, &state->slot);
}

/* ---- beside the session ---- */

int ssh_dial_again(struct ssh_state *state, struct ssh_state *probe, struct err *err)
{
	int fd = -1;
	/* The configuration is borrowed, so only what dialling makes is ended afterwards. */
	*probe = (struct ssh_state){ .base = { .config = state->base.config, .cancel_fd = state->base.cancel_fd },
		                         .hub = state->hub, .config = state->config, .jump = state->jump, .fd = -1,
		                         .timeout_ms = state->timeout_ms };
	if (phase_dial(probe, &fd, err) < 0)
		return -1;
	close(fd);
	return 0;
}

void ssh_dial_end(struct ssh_state *probe) { disconnect(probe); }

/* ---- all phases ---- */

/* The sshd that a slot is for; every address of this machine leads to the same one. */
static char *server_name(const struct ssh_state *state)
{
	const struct ssh_config *c = &state->config;
	bool here = strncmp(c->host_name, "127.", 4) == 0 || strcmp(c->host_name, "::1") == 0 ||
	            strcasecmp(c->host_name, "localhost") == 0;
	return mem_printf("%s port %d by %s", here ? "localhost" : c->host_name, c->port,
	                  c->proxy_jump ? c->proxy_jump : "");
}

/* Up to the point where something about the user is sent. *again: it is worth another try. */
static int connect_once(struct ssh_state *state, bool *again, struct err *err)
{
	int fd = -1;
	auto_free char *server = server_name(state);
	*again = false;
	if (hub_slot_take(state->hub, &state->slot, server, state->base.cancel_fd, err) < 0)
		return -1;
	*again = state->tries + 1 < state->config.attempts;
	if (phase_dial(state, &fd, err) < 0)
		return -1;
	if (start_libssh(state, fd, err) < 0) {
		*again = false;
		close(fd);
		return -1;
	}
	snprintf(state->base.route, sizeof(state->base.route), "%.60s@%.100s%.80s", state->config.user, state->peer, state->via);
	/* sshd hangs up on newcomers when it has too many: that passes. */
	if (phase_handshake(state, err) < 0) {
		*again = err->kind == ERR_UNREACHABLE;
		return -1;
	}
	return 0;
}

/* Waits longer each time, and not as long as its neighbours. */
static int back_off(const struct ssh_state *state, struct err *err)
{
	struct pollfd cancel = { state->base.cancel_fd, POLLIN, 0 };
	int wait = BACK_OFF_MS << (state->tries < 5 ? state->tries : 5);
	wait += (int)(clock_wall_us() % wait);
	if (poll(&cancel, 1, wait) > 0)
		return err_set(err, ERR_INTERRUPTED, "cancelled while waiting to try %s again", state->peer);
	return 0;
}

static int connect_again(struct ssh_state *state, struct err *err)
{
	bool again;
	while (connect_once(state, &again, err) < 0) {
		state->tries++;
		if (!again || (state->tries >= TRIES && state->tries >= state->config.attempts)) {
			if (state->tries > 1 && err->kind != ERR_INTERRUPTED)
				err_wrap(err, "tried %d times", state->tries);
			return -1;
		}
		ssh_phase(state, "trying again after: %s", err->text);
		disconnect(state);
		if (back_off(state, err) < 0)
			return -1;
		err_clear(err);
	}
	return 0;
}

static int session_connect(struct ssh_state *state, struct err *err)
{
	if (state->config.proxy_jump && jump_prepare(state, err) < 0)
		return -1;
	if (connect_again(state, err) < 0)
		return -1;
	ssh_phase(state, "checking the host key of %s", state->peer);
	if (hostkeys_check(state, err) < 0 || auth_run(state, err) < 0)
		return -1;
	return phase_event(state, err);
}

/* ---- the pump ---- */

static int lose(struct ssh_state *state, const struct err *why)
{
	if (!state->lost) {
		state->lost = true;
		state->why = *why;
	}
	return -1;
}

static int lost_connection(struct ssh_state *state, const char *what)
{
	struct err why = ERR_INIT;
	auto_free char *text = mem_printf("the connection to %s was lost: %s", state->peer, what);
	ssh_failed(state, ERR_UNREACHABLE, text, &why);
	return lose(state, &why);
}

/* Takes in what has come, a few rounds so that a download costs less waiting. */
static int take_in(struct ssh_state *state)
{
	uint64_t before = state->counter.in_bytes - READ_MOST;
	for (int round = 0; round < PUMP_ROUNDS && state->counter.in_bytes - before >= READ_MOST; round++) {
		before = state->counter.in_bytes;
		int status = ssh_event_dopoll(state->event, 0);
		if (status == SSH_ERROR || ssh_get_status(state->ssh) & (SSH_CLOSED | SSH_CLOSED_ERROR))
			return lost_connection(state, "reading");
		if (status == SSH_AGAIN)
			break;
	}
	return 0;
}

/* Carries the channels on. libssh's calls take packets in on the side, which may be what another channel waits for, so
 * this goes on until nothing more came; true if anything has come since the last time. */
static bool carry_on(struct ssh_state *state)
{
	uint64_t before;
	do {
		before = state->counter.in_bytes;
		ssh_channels_advance(state);
	} while (state->counter.in_bytes != before);
	state->base.counts.bytes_sent = state->counter.out_bytes;
	state->base.counts.bytes_received = state->counter.in_bytes;
	if (state->counter.in_bytes == state->heard_bytes)
		return false;
	state->heard_bytes = state->counter.in_bytes;
	state->heard_ms = clock_ms();
	state->asked_ms = 0;
	return true;
}

/* When the peer is to be asked, or asked again, or given up. */
static int64_t next_keep_alive(const struct ssh_state *state)
{
	int64_t since = silent_since(state);
	return (state->asked_ms > since ? state->asked_ms : since) + keepalive_interval(state);
}

/* Asks a silent peer for a sign of life; gives it up when it has not answered a number of times. */
static int keep_alive(struct ssh_state *state)
{
	int64_t now = clock_ms();
	int64_t interval = keepalive_interval(state), most = interval * keepalive_times(state);
	if (now - silent_since(state) >= most) {
		struct err why = ERR_INIT;
		err_set(&why, ERR_UNREACHABLE, "the connection to %s is dead: nothing came for %d s", state->peer,
		        (int)(most / 1000));
		return lose(state, &why);
	}
	if (now < next_keep_alive(state))
		return 0;
	state->asked_ms = now;
	uint64_t before = state->counter.out_bytes;
	/* The first call may only fetch the answer to the last one. */
	(void)ssh_send_keepalive(state->ssh);
	if (state->counter.out_bytes == before)
		(void)ssh_send_keepalive(state->ssh);
	return 0;
}

static int report_loss(const struct ssh_state *state, struct err *err)
{
	if (err)
		*err = state->why;
	return -1;
}

static int ssh_pump(struct session *session, int wake_fd, int64_t deadline, struct err *err)
{
	struct ssh_state *state = (struct ssh_state *)session;
	if (!state->lost && carry_on(state))
		return 0;
	while (!state->lost) {
		struct pollfd polls[3] = { { state->fd, wanted_events(state), 0 }, { session->cancel_fd, POLLIN, 0 },
			                       { wake_fd, POLLIN, 0 } };
		int64_t alive = next_keep_alive(state), again = ssh_channels_again(state);
		int64_t timer = again < alive ? again : alive;
		quick_acknowledge(state->fd);
		int ready = poll(polls, 3, clock_left(timer < deadline ? timer : deadline));
		if (ready < 0 && errno != EINTR)
			return err_errno(err, ERR_SYSTEM, "poll");
		if (ready > 0 && polls[1].revents)
			return err_set(err, ERR_INTERRUPTED, "cancelled");
		if (ready > 0 && polls[0].revents) {
			if (take_in(state) < 0)
				return report_loss(state, err);
			carry_on(state);
			return 0;
		}
		if (ready > 0)
			return 0;
		if (clock_ms() >= again)
			carry_on(state);
		if (keep_alive(state) == 0 && clock_left(deadline) == 0)
			return 0;
	}
	return report_loss(state, err);
}

/* ---- the end ---- */

static void ssh_end(struct session *session)
{
	struct ssh_state *state = (struct ssh_state *)session;
	ssh_channels_free(state);
	disconnect(state);
	hostkeys_release(state);
	ssh_config_release(&state->config);
	free(state);
}

static const struct session_operations operations = {
	.pump = ssh_pump,
	.open = ssh_channel_start,
	.replace = ssh_channel_replace,
	.write = ssh_channel_put,
	.write_eof = ssh_channel_put_eof,
	.queued = ssh_channel_queued,
	.ended = ssh_channel_ended,
	.error = ssh_channel_error,
	.accepted = ssh_channel_accepted,
	.close = ssh_channel_drop,
	.free = ssh_end,
};

int ssh_session_open_chain(struct session **session, struct wire_hub *hub, const struct wire_config *config,
                           const struct wire_watch *watch, int cancel_fd, const struct ssh_chain *chain, struct err *err)
{
	struct ssh_state *state = mem_alloc(sizeof(*state));
	state->base.operations = &operations;
	state->base.config = config;
	state->base.cancel_fd = cancel_fd;
	if (watch)
		state->base.watch = *watch;
	state->hub = hub;
	state->chain = chain;
	state->fd = -1;
	int status = ssh_config_load(&state->config, hub, config, cancel_fd, err);
	if (status == 0) {
		state->timeout_ms = config->connect_timeout_ms            ? config->connect_timeout_ms
		                    : state->config.connect_timeout_ms    ? state->config.connect_timeout_ms
		                                                          : PHASE_MS;
		state->base.pty = state->config.request_tty && strcasecmp(state->config.request_tty, "force") == 0;
		status = session_connect(state, err);
	}
	if (status < 0) {
		err_at(err, "host %s", config->name);
		ssh_end(&state->base);
		return -1;
	}
	state->chain = NULL;
	*session = &state->base;
	return 0;
}

int ssh_session_open(struct session **session, struct wire_hub *hub, const struct wire_config *config,
                     const struct wire_watch *watch, int cancel_fd, struct err *err)
{
	hub_opening(hub, cancel_fd);
	int status = ssh_session_open_chain(session, hub, config, watch, cancel_fd, NULL, err);
	hub_opened(hub, cancel_fd);
	return status;
}
