/* The inside of an SSH session: its state, and the wait that all its phases share. Used by ssh.c, ssh_channel.c, auth.c
 * and hostkeys.c; everybody else sees session.h. All of it belongs to the session's thread. */
#ifndef NEAP_WIRE_SSH_H
#define NEAP_WIRE_SSH_H

#include <stdbool.h>
#include <stdint.h>

#include "base/err.h"
#include "wire/hub.h"
#include "wire/proxy.h"
#include "wire/libssh.h"
#include "wire/session.h"
#include "wire/ssh_config.h"

struct ssh_channel_state;

/* The jump hosts that are being opened for one another, innermost first. */
struct ssh_chain {
	const struct ssh_chain *outer;
	const char *key;
};

struct ssh_state {
	struct session base;
	struct wire_hub *hub;
	struct ssh_config config;
	struct hub_slot slot;
	struct known_hosts_found *known; /* in each known_hosts file, the user's first; NULL until looked for (hostkeys.c) */
	ssh_session ssh;
	ssh_event event;               /* NULL until authenticated */
	int fd;                        /* a duplicate of libssh's descriptor, to wait on */
	struct ssh_counter_struct counter;
	struct ssh_channel_state *channels;
	const struct ssh_chain *chain; /* while it connects */
	struct jump *jump;             /* that it is behind, or NULL */
	struct way *way;
	struct proxy proxy;
	int64_t room_ms;               /* when a channel was last closed: the server may take another one since */
	bool lost;
	int tries;                     /* of connecting that failed */
	struct err why;                /* of the loss */
	char peer[160];                /* "10.0.0.1 port 22" */
	char via[96];                  /* " by jump1", or "" */
	int64_t heard_ms;              /* when the peer last sent anything */
	uint64_t heard_bytes;
	int64_t asked_ms;              /* when it was last asked for a sign of life; 0: not since it was heard */
	int timeout_ms;                /* for each phase */
};

/* As ssh_session_open, for a session that the chain of jump hosts needs. */
int ssh_session_open_chain(struct session **session, struct wire_hub *hub, const struct wire_config *config,
                           const struct wire_watch *watch, int cancel_fd, const struct ssh_chain *chain,
                           struct err *err) must_check;

/* Tells what is being done (wire_watch.phase). */
void ssh_phase(struct ssh_state *state, const char *format, ...) __attribute__((format(printf, 2, 3)));
void ssh_warning(struct ssh_state *state, const char *format, ...) __attribute__((format(printf, 2, 3)));

/* Connects as the configuration says, once more beside the session: *probe holds what belongs to the new connection, is
 * zeroed before, and is ended by ssh_dial_end. Returns 0 with probe->fd. */
int ssh_dial_again(struct ssh_state *state, struct ssh_state *probe, struct err *err) must_check;
void ssh_dial_end(struct ssh_state *probe);

/* One wait of a phase that steps libssh by hand: until the socket has something, or -1 with ERR_TIMEOUT (text says what
 * took too long) or ERR_INTERRUPTED. */
int ssh_wait(struct ssh_state *state, int64_t deadline, const char *what, struct err *err) must_check;

/* Whether libssh has written since the last time (*written: 0 at first), so that it waits to be told that the socket takes more: it is
 * called again at once then, which costs less than a wait that ends at once. */
bool ssh_has_written(struct ssh_state *state, uint64_t *written);

/* libssh's error, which may carry the server's own words, made safe to show. */
int ssh_failed(struct ssh_state *state, enum err_kind kind, const char *what, struct err *err);

/* ---- auth.c ---- */

/* Proves who we are, by the methods that the configuration allows, in its order, the likely key straight away. ERR_AUTH
 * says what was tried; ERR_UNREACHABLE, ERR_TIMEOUT, ERR_INTERRUPTED. Fills base.method. */
int auth_run(struct ssh_state *state, struct err *err) must_check;

/* ---- hostkeys.c ---- */

/* Before the handshake: asks for a key of a type that is known for this host first. ERR_INPUT. */
int hostkeys_prefer(struct ssh_state *state, struct err *err) must_check;
/* After it: lets a known key pass, saves or refuses others as the policy says. ERR_HOSTKEY. */
int hostkeys_check(struct ssh_state *state, struct err *err) must_check;
/* Frees what was found. */
void hostkeys_release(struct ssh_state *state);

/* ---- ssh_channel.c ---- */

struct channel *ssh_channel_start(struct session *session, const char *command, const char *subsystem, bool pty,
                                  const struct channel_events *events, struct err *err);
/* A way from the server to host and port. accepted: the server got through. */
struct channel *ssh_channel_start_forward(struct session *session, const char *host, int port,
                                          const struct channel_events *events, struct err *err);
bool ssh_channel_replace(struct channel *channel, const char *command);
void ssh_channel_put(struct channel *channel, const void *bytes, size_t length);
void ssh_channel_put_eof(struct channel *channel);
size_t ssh_channel_queued(const struct channel *channel);
enum channel_ended ssh_channel_ended(const struct channel *channel, int *code);
const char *ssh_channel_error(const struct channel *channel);
bool ssh_channel_accepted(const struct channel *channel);
void ssh_channel_drop(struct channel *channel);
/* Carries every channel on as far as it goes without waiting. */
void ssh_channels_advance(struct ssh_state *state);
/* When (clock_ms) a channel that was refused is to be asked for again, at the earliest; INT64_MAX: none is. */
int64_t ssh_channels_again(const struct ssh_state *state);
/* Frees all, as the session ends. */
void ssh_channels_free(struct ssh_state *state);

#endif
