/* Becoming another user: the command line of sudo, su or doas, and the gate at its other end, which answers the one
 * password prompt and opens when what was started says that it is ready. Until then nothing else may be written: it would
 * be read as the password. */
#ifndef NEAP_WIRE_BECOME_H
#define NEAP_WIRE_BECOME_H

#include "base/digest.h"
#include "wire/session.h"

/* ---- identity ---- */

/* Heap copy of all that tells one become user from another, "" for NULL: same text, same user. */
char *become_key(const struct wire_become *become);
/* Whether a terminal is needed: doas reads a password only from one, and sudo may be told to. The two output streams then
 * arrive as one, as bytes, without echo. */
bool become_needs_pty(const struct wire_become *become);

/* ---- gate ---- */

enum become_state { BECOME_WAITING, BECOME_READY, BECOME_REFUSED };

struct become_gate {
	enum become_state state;
	const struct wire_become *become; /* NULL: only waits for the word */
	char nonce[DIGEST_RANDOM_HEX];
	bool answered;
	struct buf seen[2]; /* what came on each stream before the word */
};

/* The word list, as shell text for exec, that runs `inner` (sh text) as that user and lets it say READY first.
 * pty: the terminal is made to pass bytes untouched before that. */
void become_command(struct buf *line, struct become_gate *gate, const struct wire_become *become, const char *shell,
                    const char *inner, bool pty);
/* Takes bytes while the gate is closed; returns how many were its own, the rest belongs to what was started. */
size_t become_take(struct become_gate *gate, struct channel *channel, bool is_stderr, const char *bytes, size_t length);
/* -1 with ERR_BECOME once it is refused or the channel ended before it opened; its os_error is ENOTTY where that was for want
 * of a terminal. */
int become_check(const struct become_gate *gate, const struct channel *channel, struct err *err) must_check;
void become_release(struct become_gate *gate);

#endif
