/* Channels of an SSH session: opened, requested and written to in steps that never wait. All that comes in is handed on
 * by libssh's callbacks, because its reading calls stop handling packets after an end of file.
 *
 * The order on the wire: CHANNEL_OPEN; then, as soon as the server has named its end, the window, the exec request and
 * everything that was written so far, in one flight. A channel that was dropped stays on the list until libssh can let go
 * of it: freeing one that is not confirmed yet would leave it open on the server.
 *
 * A server may take few channels at once (MaxSessions). One that is refused and needed has another one ended that is not, and
 * is asked for again until what ran in that has ended on the server, which nothing tells. */
#include "wire/ssh.h"

#include <signal.h>
#include <stdlib.h>
#include <string.h>

#include "base/buf.h"
#include "base/mem.h"
#include "base/printable.h"

enum {
	WINDOW = 16 * 1024 * 1024,    /* what the server may send before we answer: 16 MB is 300 MB/s at 50 ms */
	WINDOW_LOW = WINDOW / 2,
	WINDOW_FIRST = 32 * 1024,     /* of a command: what most never write is not worth a packet */
	WRITE_PIECE = 256 * 1024,
	ROOM_MS = 30 * 1000,          /* for how long a refused channel is asked for again */
	ROOM_FIRST_MS = 10, ROOM_MOST_MS = 200, /* between the times, each twice the one before */
	ROOM_EACH_MS = 1000           /* for what was ended to end */
};

enum channel_step { OPENING, TERMINAL, REQUESTING, RUNNING, ENDED };

struct ssh_channel_state {
	struct channel base;
	struct ssh_channel_state *next;
	ssh_channel ssh;
	struct ssh_channel_callbacks_struct callbacks;
	enum channel_step step;
	char *command, *subsystem, *host;
	int port;
	bool pty, accepted, dropped, closed;
	struct buf out;        /* written and not handed to libssh; from `sent` on */
	size_t sent;
	bool eof_wanted, eof_sent;
	bool wide;             /* the window was opened wide */
	size_t since_window;   /* bytes received since then */
	bool has_status, has_signal;
	int code;
	int64_t again_ms, patience_ms; /* of one that was refused: when to ask again, and until when; 0: it was not */
	int pause_ms;
	char error[256];
};

/* ---- what libssh tells ---- */

static int on_data(ssh_session ssh, ssh_channel channel, void *data, uint32_t length, int is_stderr, void *context)
{
	struct ssh_channel_state *state = context;
	(void)ssh;
	(void)channel;
	state->since_window += length;
	if (!state->dropped && state->base.events.data)
		state->base.events.data(state->base.events.context, is_stderr, data, length);
	return (int)length;
}

static void on_close(ssh_session ssh, ssh_channel channel, void *context)
{
	struct ssh_channel_state *state = context;
	(void)ssh;
	(void)channel;
	state->closed = true;
}

static void on_exit_status(ssh_session ssh, ssh_channel channel, int status, void *context)
{
	struct ssh_channel_state *state = context;
	(void)ssh;
	(void)channel;
	state->has_status = true;
	state->code = status;
}

/* RFC 4254 6.10 names signals, without SIG. */
static int signal_number(const char *name)
{
	static const struct {
		const char *name;
		int number;
	} signals[] = {
		{ "ABRT", SIGABRT }, { "ALRM", SIGALRM }, { "FPE", SIGFPE },   { "HUP", SIGHUP },   { "ILL", SIGILL },
		{ "INT", SIGINT },   { "KILL", SIGKILL }, { "PIPE", SIGPIPE }, { "QUIT", SIGQUIT }, { "SEGV", SIGSEGV },
		{ "TERM", SIGTERM }, { "USR1", SIGUSR1 }, { "USR2", SIGUSR2 }, { "BUS", SIGBUS },   { "XCPU", SIGXCPU },
		{ "XFSZ", SIGXFSZ }, { "SYS", SIGSYS },   { "TRAP", SIGTRAP }, { "VTALRM", SIGVTALRM },
	};
	size_t length = strcspn(name, "@");
	for (size_t i = 0; i < sizeof(signals) / sizeof(*signals); i++)
		if (strncmp(signals[i].name, name, length) == 0 && signals[i].name[length] == '\0')
			return signals[i].number;
	return 0;
}

static void on_exit_signal(ssh_session ssh, ssh_channel channel, const char *name, int core, const char *message,
                           const char *language, void *context)
{
	struct ssh_channel_state *state = context;
	(void)ssh;
	(void)channel;
	(void)core;
	(void)message;
	(void)language;
	state->has_signal = true;
	state->code = signal_number(name ? name : "");
}

/* ---- refused ---- */

static void refuse(struct ssh_channel_state *channel, const char *what)
{
	struct ssh_state *state = (struct ssh_state *)channel->base.session;
	auto_buf struct buf clean = BUF_INIT;
	const char *text = ssh_get_error(state->ssh);
	printable_line(&clean, text, strnlen(text, 150));
	snprintf(channel->error, sizeof(channel->error), "%s (%s)", what, buf_text(&clean));
	channel->step = ENDED;
}

/* In nonblocking mode a read of nothing is libssh's way to raise the window; the callback leaves nothing to read. */
static void open_window(struct ssh_channel_state *channel)
{
	char nothing[1];
	channel->wide = true;
	channel->since_window = 0;
	(void)ssh_channel_read_timeout(channel->ssh, nothing, WINDOW, 0, 0);
}

/* ---- room for another one ---- */

static enum channel_need need_of(const struct ssh_channel_state *channel)
{
	return channel->base.events.need ? channel->base.events.need(channel->base.events.context) : CHANNEL_NEEDED;
}

static struct ssh_channel_state *find_need(const struct ssh_state *state, enum channel_need need)
{
	struct ssh_channel_state *found = state->channels;
	while (found && (found->dropped || (found->step != REQUESTING && found->step != RUNNING) || need_of(found) != need))
		found = found->next;
	return found;
}

/* Ends a channel that is needed less; its owner finds it ended. */
static bool end_another(struct ssh_state *state, enum channel_need wanted)
{
	struct ssh_channel_state *other = find_need(state, CHANNEL_SPARE);
	if (!other && wanted == CHANNEL_NEEDED)
		other = find_need(state, CHANNEL_RESTS);
	if (!other)
		return false;
	(void)ssh_channel_send_eof(other->ssh);
	(void)ssh_channel_close(other->ssh);
	snprintf(other->error, sizeof(other->error), "it was closed, because the server takes no more channels at once");
	other->step = ENDED;
	state->room_ms = clock_ms();
	return true;
}

/* Whether a channel that was refused is asked for again. */
static bool wait_for_room(struct ssh_state *state, struct ssh_channel_state *channel)
{
	enum channel_need need = need_of(channel);
	int64_t now = clock_ms();
	if (!channel->base.events.need || need == CHANNEL_SPARE || need == CHANNEL_RESTS)
		return false;
	bool ends = (state->room_ms && now - state->room_ms < ROOM_EACH_MS) || end_another(state, need);
	if (channel->patience_ms ? now >= channel->patience_ms : !ends)
		return false;
	if (!channel->patience_ms)
		channel->patience_ms = now + ROOM_MS;
	channel->pause_ms = channel->pause_ms ? channel->pause_ms * 2 : ROOM_FIRST_MS;
	channel->pause_ms = channel->pause_ms < ROOM_MOST_MS ? channel->pause_ms : ROOM_MOST_MS;
	channel->again_ms = now + channel->pause_ms;
	return true;
}

/* libssh asks once for each of its channels. */
static bool start_again(struct ssh_channel_state *channel)
{
	ssh_remove_channel_callbacks(channel->ssh, &channel->callbacks);
	ssh_channel_free(channel->ssh);
	channel->again_ms = 0;
	channel->ssh = ssh_channel_new(((struct ssh_state *)channel->base.session)->ssh);
	return channel->ssh && ssh_set_channel_callbacks(channel->ssh, &channel->callbacks) == SSH_OK;
}

int64_t ssh_channels_again(const struct ssh_state *state)
{
	int64_t first = INT64_MAX;
	for (const struct ssh_channel_state *channel = state->channels; channel; channel = channel->next) {
		if (channel->again_ms && channel->again_ms < first)
			first = channel->again_ms;
	}
	return first;
}

/* ---- steps ---- */

/* Asks for the channel, once; then tells how that stands. */
static int ask(const struct ssh_channel_state *channel)
{
	return channel->host ? ssh_channel_open_forward(channel->ssh, channel->host, channel->port, "127.0.0.1", 0)
	                     : ssh_channel_open_session(channel->ssh);
}

static void step_opening(struct ssh_channel_state *channel)
{
	struct ssh_state *state = (struct ssh_state *)channel->base.session;
	if (channel->again_ms && clock_ms() < channel->again_ms)
		return;
	if (channel->again_ms && !start_again(channel)) {
		refuse(channel, "libssh cannot make a channel");
		return;
	}
	int status = ask(channel);
	if (status == SSH_AGAIN)
		return;
	/* Whatever the answer: sshd's doorkeeper has counted us in. */
	hub_slot_release(state->hub, &state->slot);
	if (status != SSH_OK && !channel->host && wait_for_room(state, channel))
		return;
	if (status != SSH_OK) {
		refuse(channel, channel->host ? "it refused the way"
		                              : "the server refused another channel; see MaxSessions in its sshd_config");
		return;
	}
	state->base.counts.channels++;
	if (!channel->command)
		open_window(channel);
	channel->accepted = channel->host;
	channel->step = channel->host ? RUNNING : channel->pty ? TERMINAL : REQUESTING;
}

/* libssh has one request under way at a time, so a terminal costs a round trip. */
static void step_terminal(struct ssh_channel_state *channel)
{
	int status = ssh_channel_request_pty_size(channel->ssh, "dumb", 80, 24);
	if (status == SSH_OK)
		channel->step = REQUESTING;
	else if (status != SSH_AGAIN)
		refuse(channel, "the server refused a terminal; see PermitTTY in its sshd_config");
}

static void step_requesting(struct ssh_channel_state *channel)
{
	int status = channel->subsystem ? ssh_channel_request_subsystem(channel->ssh, channel->subsystem)
	                                : ssh_channel_request_exec(channel->ssh, channel->command);
	if (status == SSH_OK) {
		channel->accepted = true;
		channel->step = RUNNING;
	} else if (status != SSH_AGAIN) {
		refuse(channel, channel->subsystem ? "the server refused the subsystem" : "the server refused to run a command");
	}
}

/* Hands on what was written, in pieces, as long as the socket takes it. */
static void step_write(struct ssh_state *state, struct ssh_channel_state *channel)
{
	while (channel->sent < channel->out.length && !(ssh_get_poll_flags(state->ssh) & SSH_WRITE_PENDING)) {
		size_t left = channel->out.length - channel->sent;
		uint32_t window = ssh_channel_window_size(channel->ssh);
		size_t piece = left < WRITE_PIECE ? left : WRITE_PIECE;
		if (window == 0)
			return;
		int written = ssh_channel_write(channel->ssh, channel->out.data + channel->sent,
		                                (uint32_t)(piece < window ? piece : window));
		if (written <= 0)
			return;
		channel->sent += (size_t)written;
		if (channel->sent == channel->out.length) {
			channel->sent = 0;
			buf_clear(&channel->out);
		} else if (channel->sent > channel->out.length / 2) {
			buf_consume(&channel->out, channel->sent);
			channel->sent = 0;
		}
	}
	if (channel->eof_wanted && !channel->eof_sent && channel->out.length == 0) {
		channel->eof_sent = true;
		(void)ssh_channel_send_eof(channel->ssh);
	}
}

static bool is_requested(const struct ssh_channel_state *channel)
{
	return channel->step == REQUESTING || channel->step == RUNNING;
}

static void channel_advance(struct ssh_state *state, struct ssh_channel_state *channel)
{
	if (channel->step == OPENING)
		step_opening(channel);
	if (channel->step == TERMINAL)
		step_terminal(channel);
	if (channel->step == REQUESTING)
		step_requesting(channel);
	if (is_requested(channel) && !channel->closed)
		step_write(state, channel);
	if (is_requested(channel) && channel->closed)
		channel->step = ENDED;
	else if (is_requested(channel) && channel->since_window >= (channel->wide ? WINDOW_LOW : WINDOW_FIRST))
		open_window(channel);
}

static void channel_release(struct ssh_channel_state *channel)
{
	if (channel->accepted)
		((struct ssh_state *)channel->base.session)->room_ms = clock_ms();
	if (channel->ssh) {
		ssh_remove_channel_callbacks(channel->ssh, &channel->callbacks);
		ssh_channel_free(channel->ssh);
	}
	free(channel->command);
	free(channel->subsystem);
	free(channel->host);
	buf_release(&channel->out);
	free(channel);
}

void ssh_channels_advance(struct ssh_state *state)
{
	for (struct ssh_channel_state **at = &state->channels; *at;) {
		struct ssh_channel_state *channel = *at;
		if (channel->dropped && channel->step != OPENING) {
			*at = channel->next;
			channel_release(channel);
			continue;
		}
		if (!channel->dropped || channel->step == OPENING)
			channel_advance(state, channel);
		at = &channel->next;
	}
}

void ssh_channels_free(struct ssh_state *state)
{
	while (state->channels) {
		struct ssh_channel_state *channel = state->channels;
		state->channels = channel->next;
		channel_release(channel);
	}
}

/* ---- the table ---- */

static struct ssh_channel_state *channel_new(struct ssh_state *state, const struct channel_events *events,
                                             struct err *err)
{
	if (state->lost) {
		if (err)
			*err = state->why;
		return NULL;
	}
	struct ssh_channel_state *channel = mem_alloc(sizeof(*channel));
	channel->base = (struct channel){ .session = &state->base, .events = *events };
	channel->callbacks = (struct ssh_channel_callbacks_struct){
		.userdata = channel, .channel_data_function = on_data, .channel_close_function = on_close,
		.channel_exit_status_function = on_exit_status, .channel_exit_signal_function = on_exit_signal };
	ssh_callbacks_init(&channel->callbacks);
	channel->ssh = ssh_channel_new(state->ssh);
	if (!channel->ssh || ssh_set_channel_callbacks(channel->ssh, &channel->callbacks) != SSH_OK) {
		channel_release(channel);
		err_set(err, ERR_SYSTEM, "libssh cannot make a channel");
		return NULL;
	}
	struct ssh_channel_state **last = &state->channels;
	while (*last)
		last = &(*last)->next;
	*last = channel;
	return channel;
}

struct channel *ssh_channel_start(struct session *session, const char *command, const char *subsystem, bool pty,
                                  const struct channel_events *events, struct err *err)
{
	struct ssh_channel_state *channel = channel_new((struct ssh_state *)session, events, err);
	if (!channel)
		return NULL;
	channel->command = mem_strdup(command);
	channel->subsystem = mem_strdup(subsystem);
	channel->pty = pty;
	(void)ask(channel); /* the answer is looked at when its owner has said what it is for */
	return &channel->base;
}

struct channel *ssh_channel_start_forward(struct session *session, const char *host, int port,
                                          const struct channel_events *events, struct err *err)
{
	struct ssh_channel_state *channel = channel_new((struct ssh_state *)session, events, err);
	if (!channel)
		return NULL;
	channel->host = mem_strdup(host);
	channel->port = port;
	(void)ask(channel);
	return &channel->base;
}

bool ssh_channel_replace(struct channel *channel, const char *command)
{
	struct ssh_channel_state *state = (struct ssh_channel_state *)channel;
	if (state->step != OPENING || state->sent || state->subsystem)
		return false;
	free(state->command);
	state->command = mem_strdup(command);
	buf_clear(&state->out);
	return true;
}

void ssh_channel_put(struct channel *channel, const void *bytes, size_t length)
{
	buf_add(&((struct ssh_channel_state *)channel)->out, bytes, length);
}

void ssh_channel_put_eof(struct channel *channel) { ((struct ssh_channel_state *)channel)->eof_wanted = true; }

size_t ssh_channel_queued(const struct channel *channel)
{
	const struct ssh_channel_state *state = (const struct ssh_channel_state *)channel;
	return state->out.length - state->sent;
}

enum channel_ended ssh_channel_ended(const struct channel *channel, int *code)
{
	const struct ssh_channel_state *state = (const struct ssh_channel_state *)channel;
	if (state->step != ENDED && !((const struct ssh_state *)channel->session)->lost)
		return CHANNEL_OPEN;
	if (code)
		*code = state->code;
	if (state->closed && state->has_status)
		return CHANNEL_EXITED;
	return state->closed && state->has_signal ? CHANNEL_SIGNALLED : CHANNEL_LOST;
}

const char *ssh_channel_error(const struct channel *channel)
{
	const struct ssh_channel_state *state = (const struct ssh_channel_state *)channel;
	if (state->error[0])
		return state->error;
	const struct ssh_state *session = (const struct ssh_state *)channel->session;
	return session->lost ? session->why.text : "the server closed the channel without saying how the command ended";
}

bool ssh_channel_accepted(const struct channel *channel)
{
	return ((const struct ssh_channel_state *)channel)->accepted;
}

void ssh_channel_drop(struct channel *channel)
{
	struct ssh_channel_state *state = (struct ssh_channel_state *)channel;
	state->dropped = true;
	if (state->again_ms)
		state->step = ENDED;
}
