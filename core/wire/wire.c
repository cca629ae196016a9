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
#include "wire/get.h"
#include "wire/identity.h"
#include "wire/put.h"
#include "wire/sftp.h"

enum { WIRE_CLEAN_MS = 15000, WIRE_CLEAN_AGAIN_MS = 30000 };

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

static int wire_session_open(struct wire *wire, struct session **session, const struct wire_watch *watch,
                             struct err *err)
{
	if (wire->config.local)
		return local_session_open(session, &wire->config, watch, wire->cancel_fd, err);
	return ssh_session_open(session, wire->hub, &wire->config, watch, wire->cancel_fd, err);
}

struct wire *wire_new(struct wire_hub *hub, const struct wire_config *config)
{
	struct wire *wire = mem_alloc(sizeof(*wire));
	wire->config = *config;
	wire->hub = hub;
	wire->cancel_fd = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
	return wire;
}

int wire_connect(struct wire *wire, const struct wire_watch *watch, struct err *err)
{
	if (wire->cancel_fd < 0)
		return err_set(err, ERR_SYSTEM, "no file descriptor was free for this connection");
	wire_block_sigpipe();
	if (wire_session_open(wire, &wire->session, watch, err) < 0)
		return -1;
	wire->session->pty |= wire->config.pty;
	return 0;
}

int wire_open(struct wire **wire, struct wire_hub *hub, const struct wire_config *config,
              const struct wire_watch *watch, struct err *err)
{
	struct wire *made = wire_new(hub, config);
	if (wire_connect(made, watch, err) < 0 || !identity_shell(identity_find(&made->identities, made->session, NULL), err)) {
		wire_close(made);
		return -1;
	}
	*wire = made;
	return 0;
}

/* What was cancelled may clean up after itself: the cancellation is taken back for that. */
static void wire_clean(struct wire *wire)
{
	struct err ignored = ERR_INIT;
	eventfd_t value;
	if (atomic_load(&wire->cancelled))
		session_hurry(wire->session);
	for (struct identity *identity = wire->identities; identity; identity = identity->next) {
		if (!identity->journal.count)
			continue;
		(void)eventfd_read(wire->cancel_fd, &value);
		identity_drop_sftp(identity);
		if (put_clean(identity, true, clock_deadline(WIRE_CLEAN_MS), &ignored) < 0)
			break;
	}
}

/* The connection went away in the middle of a copy: one more is made to remove what was left. */
static void wire_clean_again(struct wire *wire, struct identity *identity)
{
	struct err ignored = ERR_INIT;
	struct session *session = NULL;
	struct identity *list = NULL;
	if (!identity->journal.count || wire->config.local || atomic_load(&wire->cancelled))
		return;
	if (wire_session_open(wire, &session, &wire->session->watch, &ignored) < 0)
		return;
	struct identity *again = identity_find(&list, session, identity_become(identity));
	again->journal = identity->journal;
	identity->journal = (struct journal){ 0 };
	if (put_clean(again, true, clock_deadline(WIRE_CLEAN_AGAIN_MS), &ignored) < 0)
		journal_clear(&again->journal);
	identity_free_all(list);
	session_free(session);
}

void wire_close(struct wire *wire)
{
	if (!wire)
		return;
	wire_clean(wire);
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
	int status = put_batch(identity, commands, outcomes, count, stop, deadline, err);
	if (status < 0 && err->kind == ERR_UNREACHABLE)
		wire_clean_again(wire, identity);
	return status;
}

void wire_expect_shell(struct wire *wire, const struct wire_become *become)
{
	struct err ignored = ERR_INIT;
	if (wire_check(wire, &ignored) == 0)
		(void)!identity_shell(identity_find(&wire->identities, wire->session, become), &ignored);
}

void wire_expect_command(struct wire *wire, const struct wire_become *become)
{
	struct err ignored = ERR_INIT;
	if (wire->session->pty || become)
		wire_expect_shell(wire, NULL);
	else if (wire_check(wire, &ignored) == 0)
		command_expect(identity_find(&wire->identities, wire->session, NULL));
}

int wire_run(struct wire *wire, const struct wire_become *become, const struct wire_command *command,
             struct wire_outcome *outcome, struct err *err)
{
	if (wire_check(wire, err) < 0)
		return -1;
	struct wire_command wanted = *command;
	wanted.pty |= wire->session->pty;
	return command_run(identity_find(&wire->identities, wire->session, become), &wanted, outcome, err);
}

/* Each has a terminal of its own. */
static int stream_by_one(struct wire *wire, const struct wire_become *become, const struct wire_command *commands,
                         struct wire_outcome *outcomes, size_t count, size_t *done, struct err *err)
{
	for (*done = 0; *done < count;) {
		if (wire_run(wire, become, &commands[*done], &outcomes[*done], err) < 0)
			return -1;
		const struct wire_outcome *outcome = &outcomes[(*done)++];
		if (outcome->ended != WIRE_EXITED || outcome->code != 0)
			break;
	}
	return 0;
}

int wire_stream(struct wire *wire, const struct wire_become *become, const struct wire_command *commands,
                struct wire_outcome *outcomes, size_t count, size_t *done, struct err *err)
{
	*done = 0;
	if (wire_check(wire, err) < 0)
		return -1;
	if (wire->session->pty)
		return stream_by_one(wire, become, commands, outcomes, count, done, err);
	return command_stream(identity_find(&wire->identities, wire->session, become), commands, outcomes, count, done, err);
}

void wire_expect_files(struct wire *wire, const struct wire_become *become, const struct wire_expected *expected)
{
	struct err ignored = ERR_INIT;
	struct identity *identity = identity_find(&wire->identities, wire->session, become);
	size_t puts = expected->puts;
	bool tar = expected->new_puts >= PUT_TAR_LEAST && !identity->no_tar;
	bool few = puts <= PUT_TAR_FEW && identity->spare && !identity->no_tar && !identity->no_few;
	if (!identity_may_expect(identity))
		return;
	if (tar)
		command_expect(identity);
	if (!identity->no_sftp && (expected->gets || (!few && puts > (tar ? expected->new_puts : 0))))
		(void)!identity_sftp(identity, &ignored); /* NULL shows again when it is needed */
}

/* Between the calls that move files. */
static void wire_rest(struct identity *identity)
{
	if (identity->sftp)
		sftp_rest(identity->sftp);
}

int wire_put(struct wire *wire, const struct wire_become *become, const struct wire_put *puts,
             struct wire_put_result *results, size_t count, size_t *done, struct err *err)
{
	*done = 0;
	if (wire_check(wire, err) < 0)
		return -1;
	struct identity *identity = identity_find(&wire->identities, wire->session, become);
	int status = put_files(identity, puts, results, count, done, err);
	wire_rest(identity);
	if (status < 0 && err->kind == ERR_UNREACHABLE)
		wire_clean_again(wire, identity);
	return status;
}

int wire_put_tree(struct wire *wire, const struct wire_become *become, const struct wire_folder *folders,
                  size_t folder_count, const struct wire_put *puts, struct wire_put_result *results, size_t count,
                  struct err *err)
{
	if (wire_check(wire, err) < 0)
		return -1;
	struct identity *identity = identity_find(&wire->identities, wire->session, become);
	int status = put_tree(identity, folders, folder_count, puts, results, count, err);
	wire_rest(identity);
	if (status < 0 && err->kind == ERR_UNREACHABLE)
		wire_clean_again(wire, identity);
	return status;
}

int wire_get(struct wire *wire, const struct wire_become *become, const struct wire_get *get,
             struct wire_get_result *result, struct err *err)
{
	if (wire_check(wire, err) < 0)
		return -1;
	struct identity *identity = identity_find(&wire->identities, wire->session, become);
	int status = get_file(identity, get, result, err);
	wire_rest(identity);
	return status;
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
