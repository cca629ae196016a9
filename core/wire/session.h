/* Inside the wire: a session is what channels are opened on (an SSH session, or this machine), and the pump is the one
 * place where a thread waits. shell.c, command.c, sftp.c, put.c, get.c and become.c are written against this header
 * only and work over SSH and locally alike.
 *
 * All calls are made by the wire's thread. Nothing blocks but session_pump, which returns when something happened, the
 * deadline has passed or the wire was cancelled; code stays linear:
 *
 *   while (!shell->done) if (session_pump(session, deadline, err) < 0) return -1; */
#ifndef NEAP_WIRE_SESSION_H
#define NEAP_WIRE_SESSION_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/buf.h"
#include "base/clock.h"
#include "base/err.h"
#include "wire/wire.h"

struct session;
struct channel;

/* What its owner would lose with a channel, at the moment. */
enum channel_need {
	CHANNEL_NEEDED, /* something runs in it, or is to */
	CHANNEL_HANDY,  /* there is another way to do what it is for */
	CHANNEL_RESTS,  /* it does nothing, and can be opened again */
	CHANNEL_SPARE,  /* it was opened in case that it will be needed */
};

/* Called from within session_pump. */
struct channel_events {
	void *context;
	/* Bytes of stdout (false) or stderr (true). All of them are taken: a consumer that must bound itself drops. */
	void (*data)(void *context, bool is_stderr, const char *bytes, size_t length);
	/* Asked where a server takes no more channels: one that is needed has others ended in its favour, those that rest or are
	 * spare; one that is handy has spare ones ended. NULL: it is needed, and nothing is ended for it. */
	enum channel_need (*need)(void *context);
};

enum channel_ended { CHANNEL_OPEN, CHANNEL_EXITED, CHANNEL_SIGNALLED, CHANNEL_LOST };

/* What a kind of session provides. */
struct session_operations {
	/* Lets things move: reads, writes, timers; returns 0 after some event or when deadline (clock_ms) has passed,
	 * -1 when the session is gone (ERR_UNREACHABLE) or cancelled (ERR_INTERRUPTED). wake_fd, if >= 0, ends the wait too. */
	int (*pump)(struct session *session, int wake_fd, int64_t deadline, struct err *err);
	/* Starts a command (a word list in shell text for exec) or, with subsystem set, an SSH subsystem ("sftp"; locally the
	 * sftp-server binary). Returns at once: the request is on its way, writes may follow in the same flight. NULL if it
	 * cannot even be tried. A refusal shows as CHANNEL_LOST with channel_error. */
	struct channel *(*open)(struct session *session, const char *command, const char *subsystem, bool pty,
	                        const struct channel_events *events, struct err *err);
	/* Puts another command in the place of the one that open was given, and takes back what was written, if the request
	 * has not left yet. */
	bool (*replace)(struct channel *channel, const char *command);
	/* Queues bytes for stdin; the queue is unbounded, channel_queued tells its length. */
	void (*write)(struct channel *channel, const void *bytes, size_t length);
	void (*write_eof)(struct channel *channel);
	/* Bytes that write took and that have not yet gone to the socket or pipe. */
	size_t (*queued)(const struct channel *channel);
	/* CHANNEL_OPEN until the end is known and all data was delivered; *code: status or signal number (POSIX numbers). */
	enum channel_ended (*ended)(const struct channel *channel, int *code);
	/* Why a channel was lost: "the server refused the sftp subsystem"; borrowed. */
	const char *(*error)(const struct channel *channel);
	/* Whether the peer has accepted the exec or subsystem request. */
	bool (*accepted)(const struct channel *channel);
	/* Closes and frees; does not kill the command. */
	void (*close)(struct channel *channel);
	void (*free)(struct session *session);
};

struct session { /* first member of ssh_session_state (ssh.c) and local_session (local.c) */
	const struct session_operations *operations;
	const struct wire_config *config;
	struct wire_watch watch;
	int cancel_fd;             /* eventfd; readable for good once the wire is cancelled */
	bool pty;                  /* the configuration wants a terminal for each command */
	int64_t hurried_ms;        /* since when there is only cleaning up to do (session_hurry); 0: there is not */
	struct wire_counts counts;
	char route[256], method[256];
};
struct channel { /* first member of what operations->open returns */
	struct session *session;
	struct channel_events events;
};

/* Constructors. */
int ssh_session_open(struct session **session, struct wire_hub *hub, const struct wire_config *config,
                     const struct wire_watch *watch, int cancel_fd, struct err *err) must_check;
int local_session_open(struct session **session, const struct wire_config *config, const struct wire_watch *watch,
                       int cancel_fd, struct err *err) must_check;

/* The user has cancelled: what is still to be said to the peer is said, but one that is silent from now on is given up
 * long before it would be held for dead otherwise. */
static inline void session_hurry(struct session *session)
{
	if (session && !session->hurried_ms)
		session->hurried_ms = clock_ms();
}

/* The sh to start on the target. */
static inline const char *session_sh(const struct session *session)
{
	return session->config->shell ? session->config->shell : "/bin/sh";
}

/* Thin calls through the table. */
static inline int session_pump(struct session *session, int64_t deadline, struct err *err)
{
	return session->operations->pump(session, -1, deadline, err);
}
/* Where a channel has ended before its time: -1 if that is because the whole session is lost. */
static inline int session_check(struct session *session, struct err *err)
{
	return session_pump(session, clock_ms(), err);
}
static inline struct channel *channel_open(struct session *session, const char *command, const char *subsystem, bool pty,
                                           const struct channel_events *events, struct err *err)
{
	return session->operations->open(session, command, subsystem, pty, events, err);
}
static inline bool channel_replace(struct channel *channel, const char *command)
{
	return channel->session->operations->replace(channel, command);
}
static inline void channel_write(struct channel *channel, const void *bytes, size_t length)
{
	channel->session->operations->write(channel, bytes, length);
}
static inline void channel_write_eof(struct channel *channel) { channel->session->operations->write_eof(channel); }
static inline size_t channel_queued(const struct channel *channel)
{
	return channel->session->operations->queued(channel);
}
static inline enum channel_ended channel_ended(const struct channel *channel, int *code)
{
	return channel->session->operations->ended(channel, code);
}
static inline const char *channel_error(const struct channel *channel)
{
	return channel->session->operations->error(channel);
}
static inline bool channel_accepted(const struct channel *channel)
{
	return channel->session->operations->accepted(channel);
}
/* NULL is allowed. */
static inline void channel_close(struct channel *channel)
{
	if (channel)
		channel->session->operations->close(channel);
}
static inline void session_free(struct session *session)
{
	if (session)
		session->operations->free(session);
}

#endif
