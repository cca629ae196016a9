/* Sessions of jump hosts and the threads that carry them.
 *
 * A jump host is opened by the first thread that needs it, with that thread's deadline, prompts and cancel; the others
 * wait for the outcome and share it. Then it belongs to its own thread alone, and is asked for a way by a queue under the
 * table's lock. */
#include "wire/jump.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <pthread.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/eventfd.h>
#include <sys/socket.h>
#include <unistd.h>

#include "base/buf.h"
#include "base/clock.h"
#include "base/mem.h"
#include "base/printable.h"

enum { PIECE = 64 * 1024, QUEUE_MOST = 512 * 1024, EVENTS = 64, LOOK_MS = 50 };

enum jump_step { JUMP_NONE, JUMP_OPENING, JUMP_READY, JUMP_FAILED };

/* One host behind a jump host: made by its thread, then the jump host's; freed by whoever lets go last. */
struct way {
	struct way *next;
	struct jump *jump;
	char *host;
	int port, fd;             /* the jump host's end of the pair */
	struct channel *channel;
	struct buf back;          /* from the host, not yet taken by the pair */
	bool reading, writing;    /* what epoll watches */
	bool ended;
	/* under the table's lock: */
	bool over, released;      /* the jump host's thread is done with it; so is the host's */
	struct err why;
};

struct jump {
	struct jump *next;
	struct jump_table *table;
	char *name, *key;
	struct wire_config config;
	char *host, *user, *arguments;
	struct session *session;
	pthread_t thread;
	int stop_fd, wake_fd, epoll_fd;
	struct way *ways;
	/* under the table's lock: */
	enum jump_step step;
	struct err why;
	struct way *wanted;
};

struct jump_table {
	pthread_mutex_t lock;
	struct jump *jumps;
};

/* ---- moving bytes, on the jump host's thread ---- */

static void way_watch(struct way *way)
{
	bool reading = channel_queued(way->channel) < QUEUE_MOST;
	bool writing = way->back.length > 0;
	if (reading == way->reading && writing == way->writing)
		return;
	way->reading = reading;
	way->writing = writing;
	struct epoll_event event = { .events = (reading ? EPOLLIN : 0U) | (writing ? EPOLLOUT : 0U), .data.ptr = way };
	epoll_ctl(way->jump->epoll_fd, EPOLL_CTL_MOD, way->fd, &event);
}

static void way_flush(struct way *way)
{
	while (way->back.length > 0) {
		ssize_t written = send(way->fd, way->back.data, way->back.length, MSG_NOSIGNAL | MSG_DONTWAIT);
		if (written < 0 && errno == EAGAIN)
			return;
		if (written <= 0) {
			way->ended = true;
			return;
		}
		buf_consume(&way->back, (size_t)written);
	}
}

static void on_data(void *context, bool is_stderr, const char *bytes, size_t length)
{
	struct way *way = context;
	if (is_stderr)
		return;
	buf_add(&way->back, bytes, length);
	way_flush(way);
}

static void way_read(struct way *way)
{
	char piece[PIECE];
	ssize_t got = recv(way->fd, piece, sizeof(piece), MSG_DONTWAIT);
	if (got > 0)
		channel_write(way->channel, piece, (size_t)got);
	else if (got == 0 || errno != EAGAIN)
		way->ended = true;
}

static void way_free(struct way *way)
{
	buf_release(&way->back);
	free(way->host);
	free(way);
}

/* Closes the pair, which the host sees as the end of its connection, and says why. */
static void way_end(struct way *way, const struct err *why)
{
	channel_close(way->channel);
	pthread_mutex_lock(&way->jump->table->lock);
	way->why = *why;
	close(way->fd); /* which takes it out of epoll as well */
	way->fd = -1;
	way->over = true;
	bool last = way->released;
	pthread_mutex_unlock(&way->jump->table->lock);
	if (last)
		way_free(way);
}

static void way_start(struct jump *jump, struct way *way)
{
	struct err why = ERR_INIT;
	struct channel_events events = { way, on_data };
	struct epoll_event event = { .data.ptr = way };
	way->channel = ssh_channel_start_forward(jump->session, way->host, way->port, &events, &why);
	if (!way->channel || epoll_ctl(jump->epoll_fd, EPOLL_CTL_ADD, way->fd, &event) < 0) {
		way_end(way, &why);
		return;
	}
	way->next = jump->ways;
	jump->ways = way;
}

static void start_wanted(struct jump *jump)
{
	eventfd_t ignored;
	(void)eventfd_read(jump->wake_fd, &ignored);
	pthread_mutex_lock(&jump->table->lock);
	struct way *wanted = jump->wanted;
	jump->wanted = NULL;
	pthread_mutex_unlock(&jump->table->lock);
	while (wanted) {
		struct way *way = wanted;
		wanted = way->next;
		way_start(jump, way);
	}
}

static void take_events(struct jump *jump)
{
	struct epoll_event events[EVENTS];
	int count = epoll_wait(jump->epoll_fd, events, EVENTS, 0);
	for (int i = 0; i < count; i++) {
		struct way *way = events[i].data.ptr;
		if (!way) {
			start_wanted(jump);
			continue;
		}
		if (events[i].events & EPOLLOUT)
			way_flush(way);
		if (events[i].events & (EPOLLIN | EPOLLHUP | EPOLLERR))
			way_read(way);
	}
}

/* What the server of the jump host said about the far end. */
static void way_refused(const struct way *way, struct err *why)
{
	err_set(why, ERR_UNREACHABLE, "%s cannot reach %s port %d: %s", way->jump->name, way->host, way->port,
	        channel_error(way->channel));
	err_hint(why, "check from %s that the host is up, and that its sshd allows AllowTcpForwarding", way->jump->name);
}

static void tidy(struct jump *jump)
{
	for (struct way **at = &jump->ways; *at;) {
		struct way *way = *at;
		bool closed = channel_ended(way->channel, NULL) != CHANNEL_OPEN;
		if (!way->ended && !(closed && way->back.length == 0)) {
			way_watch(way);
			at = &way->next;
			continue;
		}
		struct err why = ERR_INIT;
		if (closed && !ssh_channel_accepted(way->channel))
			way_refused(way, &why);
		*at = way->next;
		way_end(way, &why);
	}
}

static void *jump_thread(void *context)
{
	struct jump *jump = context;
	struct err why = ERR_INIT;
	while (jump->session->operations->pump(jump->session, jump->epoll_fd, CLOCK_NEVER, &why) == 0) {
		take_events(jump);
		tidy(jump);
	}
	err_wrap(&why, "the jump host %s", jump->name);
	pthread_mutex_lock(&jump->table->lock);
	jump->step = JUMP_FAILED;
	jump->why = why;
	struct way *wanted = jump->wanted;
	jump->wanted = NULL;
	pthread_mutex_unlock(&jump->table->lock);
	while (wanted) {
		struct way *way = wanted;
		wanted = way->next;
		way_end(way, &why);
	}
	while (jump->ways) {
		struct way *way = jump->ways;
		jump->ways = way->next;
		way_end(way, &why);
	}
	return NULL;
}

/* ---- opening one ---- */

/* "[user@]host[:port]" or "ssh://...", as ssh_config(5) has ProxyJump. */
static void parse_hop(struct jump *jump, const char *hop, size_t length)
{
	auto_free char *text = mem_strndup(hop, length);
	char *at = strncmp(text, "ssh://", 6) == 0 ? text + 6 : text;
	char *user_end = strrchr(at, '@');
	if (user_end) {
		*user_end = '\0';
		jump->user = mem_strdup(at);
		at = user_end + 1;
	}
	char *close = at[0] == '[' ? strchr(at, ']') : NULL;
	char *colon = strchr(close ? close : at, ':');
	if (close) {
		*close = '\0';
		at++;
	}
	/* More than one colon without brackets is an IPv6 address. */
	if (colon && (close || !strchr(colon + 1, ':'))) {
		*colon = '\0';
		jump->config.port = (int)strtol(colon + 1, NULL, 10);
	}
	at[strcspn(at, "/")] = '\0';
	jump->host = mem_strdup(at);
}

/* The last hop is the jump host; those before it are the way to it. As ssh does, only -F goes along from the host. */
static struct jump *jump_new(struct jump_table *table, const struct ssh_state *state, const char *key)
{
	struct jump *jump = mem_alloc(sizeof(*jump));
	const char *chain = state->config.proxy_jump;
	const char *comma = strrchr(chain, ',');
	const char *last = comma ? comma + 1 : chain;
	auto_buf struct buf arguments = BUF_INIT;
	parse_hop(jump, last, strlen(last));
	if (state->config.file)
		buf_printf(&arguments, "-F \"%s\" ", state->config.file);
	if (comma)
		buf_printf(&arguments, "-o \"ProxyJump=%.*s\"", (int)(comma - chain), chain);
	jump->arguments = buf_take(&arguments);
	jump->table = table;
	jump->name = mem_strdup(last);
	jump->key = mem_strdup(key);
	jump->config.name = jump->name;
	jump->config.host = jump->host;
	jump->config.user = jump->user;
	jump->config.common_args = jump->arguments;
	jump->config.key_passphrase = state->base.config->key_passphrase;
	jump->config.host_keys = state->base.config->host_keys;
	jump->config.connect_timeout_ms = state->base.config->connect_timeout_ms;
	jump->config.keepalive_ms = state->base.config->keepalive_ms;
	jump->stop_fd = jump->wake_fd = jump->epoll_fd = -1;
	jump->step = JUMP_OPENING;
	return jump;
}

static int start_thread(struct jump *jump, struct err *err)
{
	struct epoll_event event = { .events = EPOLLIN };
	jump->stop_fd = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
	jump->wake_fd = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
	jump->epoll_fd = epoll_create1(EPOLL_CLOEXEC);
	if (jump->stop_fd < 0 || jump->wake_fd < 0 || jump->epoll_fd < 0 ||
	    epoll_ctl(jump->epoll_fd, EPOLL_CTL_ADD, jump->wake_fd, &event) < 0)
		return err_errno(err, ERR_SYSTEM, "setting up the jump host %s", jump->name);
	/* What belonged to the thread that opened it is not there for good. */
	jump->session->cancel_fd = jump->stop_fd;
	jump->session->watch = (struct wire_watch){ 0 };
	jump->config.key_passphrase = NULL;
	errno = pthread_create(&jump->thread, NULL, jump_thread, jump);
	return errno ? err_errno(err, ERR_SYSTEM, "starting a thread for the jump host %s", jump->name) : 0;
}

/* The last that became ready is the first to end: it may stand on those before it. Table locked. */
static void move_to_front(struct jump *jump)
{
	struct jump **at = &jump->table->jumps;
	while (*at != jump)
		at = &(*at)->next;
	*at = jump->next;
	jump->next = jump->table->jumps;
	jump->table->jumps = jump;
}

static void jump_open(struct jump *jump, const struct ssh_state *state, struct err *err)
{
	const struct ssh_chain chain = { state->chain, jump->key };
	int status = ssh_session_open_chain(&jump->session, state->hub, &jump->config, &state->base.watch,
	                                    state->base.cancel_fd, &chain, err);
	if (status == 0 && (status = start_thread(jump, err)) < 0) {
		session_free(jump->session);
		jump->session = NULL;
	}
	if (status < 0) {
		err_wrap(err, "the jump host %s", jump->name);
		err->where[0] = '\0';
	}
	pthread_mutex_lock(&jump->table->lock);
	jump->step = status == 0 ? JUMP_READY : err->kind == ERR_INTERRUPTED ? JUMP_NONE : JUMP_FAILED;
	if (status < 0)
		jump->why = *err;
	else
		move_to_front(jump);
	pthread_mutex_unlock(&jump->table->lock);
}

/* ---- the hosts behind it ---- */

static bool is_in_chain(const struct ssh_state *state, const char *key)
{
	for (const struct ssh_chain *chain = state->chain; chain; chain = chain->outer)
		if (strcmp(chain->key, key) == 0)
			return true;
	return false;
}

/* The jump host, to be opened by the caller if *mine. Table locked. */
static struct jump *jump_find(struct jump_table *table, const struct ssh_state *state, const char *key, bool *mine)
{
	struct jump *jump = table->jumps;
	while (jump && strcmp(jump->key, key) != 0)
		jump = jump->next;
	*mine = !jump || jump->step == JUMP_NONE;
	if (!jump) {
		jump = jump_new(table, state, key);
		jump->next = table->jumps;
		table->jumps = jump;
	}
	if (*mine) {
		jump->step = JUMP_OPENING;
		jump->config.key_passphrase = state->base.config->key_passphrase;
	}
	return jump;
}

int jump_prepare(struct ssh_state *state, struct err *err)
{
	struct jump_table *table = hub_jumps(state->hub);
	auto_free char *key = mem_printf("%s\n%s", state->config.proxy_jump, state->config.file ? state->config.file : "");
	if (is_in_chain(state, key))
		return err_set(err, ERR_INPUT, "the jump hosts %s lead back to themselves", state->config.proxy_jump);
	for (;;) {
		bool mine;
		pthread_mutex_lock(&table->lock);
		struct jump *jump = jump_find(table, state, key, &mine);
		enum jump_step step = jump->step;
		if (step == JUMP_FAILED)
			*err = jump->why;
		pthread_mutex_unlock(&table->lock);
		state->jump = jump;
		if (step == JUMP_FAILED)
			return -1;
		if (step == JUMP_READY)
			return 0;
		struct pollfd cancel = { state->base.cancel_fd, POLLIN, 0 };
		if (mine)
			jump_open(jump, state, err);
		else if (poll(&cancel, 1, LOOK_MS) > 0)
			return err_set(err, ERR_INTERRUPTED, "cancelled while waiting for the jump host %s", jump->name);
		if (mine && err->kind == ERR_INTERRUPTED)
			return -1;
	}
}

int jump_dial(struct ssh_state *state, int *fd, struct err *err)
{
	struct jump *jump = state->jump;
	struct jump_table *table = jump->table;
	int pair[2];
	if (socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0, pair) < 0)
		return err_errno(err, ERR_SYSTEM, "a socket pair for the jump host");
	ssh_phase(state, "connecting to %s port %d by %s", state->config.host_name, state->config.port, jump->name);
	struct way *way = mem_alloc(sizeof(*way));
	way->jump = jump;
	way->host = mem_strdup(state->config.host_name);
	way->port = state->config.port;
	way->fd = pair[1];
	pthread_mutex_lock(&table->lock);
	bool gone = jump->step != JUMP_READY;
	if (gone) {
		*err = jump->why;
	} else {
		way->next = jump->wanted;
		jump->wanted = way;
		(void)eventfd_write(jump->wake_fd, 1);
	}
	pthread_mutex_unlock(&table->lock);
	if (gone) {
		close(pair[0]);
		close(pair[1]);
		way_free(way);
		return -1;
	}
	state->way = way;
	snprintf(state->via, sizeof(state->via), " by %.80s", state->config.proxy_jump);
	*fd = pair[0];
	return 0;
}

bool jump_failure(struct ssh_state *state, struct err *err)
{
	if (!state->way)
		return false;
	pthread_mutex_lock(&state->way->jump->table->lock);
	bool failed = state->way->why.kind != ERR_NONE;
	if (failed)
		*err = state->way->why;
	pthread_mutex_unlock(&state->way->jump->table->lock);
	return failed;
}

void jump_release(struct ssh_state *state)
{
	struct way *way = state->way;
	if (!way)
		return;
	state->way = NULL;
	pthread_mutex_lock(&way->jump->table->lock);
	way->released = true;
	bool last = way->over;
	pthread_mutex_unlock(&way->jump->table->lock);
	if (last)
		way_free(way);
}

/* ---- the table ---- */

struct jump_table *jump_table_new(void)
{
	struct jump_table *table = mem_alloc(sizeof(*table));
	pthread_mutex_init(&table->lock, NULL);
	return table;
}

static void jump_free(struct jump *jump)
{
	if (jump->session) {
		eventfd_write(jump->stop_fd, 1);
		pthread_join(jump->thread, NULL);
		session_free(jump->session);
	}
	if (jump->stop_fd >= 0)
		close(jump->stop_fd);
	if (jump->wake_fd >= 0)
		close(jump->wake_fd);
	if (jump->epoll_fd >= 0)
		close(jump->epoll_fd);
	free(jump->name);
	free(jump->key);
	free(jump->host);
	free(jump->user);
	free(jump->arguments);
	free(jump);
}

void jump_table_free(struct jump_table *table)
{
	while (table->jumps) {
		struct jump *jump = table->jumps;
		table->jumps = jump->next;
		jump_free(jump);
	}
	pthread_mutex_destroy(&table->lock);
	free(table);
}
