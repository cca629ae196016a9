/* What is kept open on a session for one user: the login user, or one that was become. Owned by the wire's thread. */
#ifndef NEAP_WIRE_IDENTITY_H
#define NEAP_WIRE_IDENTITY_H

#include "wire/journal.h"
#include "wire/session.h"
#include "wire/shell.h"

struct runner;
struct sftp;

struct identity {
	struct identity *next;
	struct session *session;
	char *key;
	struct wire_become become; /* its words and its password are the identity's own */
	struct secret password;
	bool becomes;              /* false: the login user */
	bool became;               /* it has worked: no second try with a password that is wrong */
	struct shell *shell;
	struct runner *spare;      /* a channel that only waits for a command (command.c) */
	struct sftp *sftp;
	bool no_sftp;              /* there is none to be had: the shell does its work */
	bool no_tar;               /* there is no tar to be relied on */
	bool no_few;               /* nor for a few files */
	struct journal journal;    /* temporary files that may be there */
	long umask;                /* of the user there; -1: not known yet */
};

/* The one for that user, made if it is new; a password given now replaces the one before. */
struct identity *identity_find(struct identity **list, struct session *session, const struct wire_become *become);
/* NULL for the login user. */
const struct wire_become *identity_become(const struct identity *identity);
/* Its shell, opened if there is none. */
struct shell *identity_shell(struct identity *identity, struct err *err) must_check;
/* shell_batch in its shell; a shell that failed is closed, the next batch gets a new one. */
int identity_batch(struct identity *identity, const struct wire_command *commands, struct wire_outcome *outcomes,
                   size_t count, bool stop, int64_t deadline, struct err *err) must_check;
/* One command of identity_batch in two halves (shell_start, shell_finish): it runs while files move. */
int identity_start(struct identity *identity, const struct wire_command *command, struct wire_outcome *outcome,
                   struct err *err) must_check;
int identity_finish(struct identity *identity, int64_t deadline, struct err *err) must_check;
/* What runs in it goes on, and nobody hears of it. The next use gets a new one. */
void identity_drop_shell(struct identity *identity);
/* Whether a channel may be opened before it is needed. */
bool identity_may_expect(const struct identity *identity);
/* Whether what failed with that error may work on a terminal, where it was not tried: it will be, and the error is cleared. */
bool identity_wants_terminal(struct identity *identity, struct err *err);
/* Its SFTP session, opened if there is none. */
struct sftp *identity_sftp(struct identity *identity, struct err *err) must_check;
/* After a failure: the next use gets a new one. */
void identity_drop_sftp(struct identity *identity);
void identity_free_all(struct identity *list);

#endif
