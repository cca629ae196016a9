/* Questions that copying files asks through the target's shell: who has that name, what does that file hash to. */
#ifndef NEAP_WIRE_REMOTE_H
#define NEAP_WIRE_REMOTE_H

#include "wire/identity.h"

enum { REMOTE_SHA1 = 41, REMOTE_PATIENCE_MS = 600 * 1000 /* a dead peer is noticed long before by keepalives */ };

/* Runs one script in the user's shell. The outcome is the caller's to release. */
int remote_run(struct identity *identity, const char *script, struct wire_outcome *outcome, struct err *err) must_check;
/* As above; a script that does not exit with 0 is ERR_HOST with the last line it said. */
int remote_do(struct identity *identity, const char *what, const char *script, struct err *err) must_check;
/* ERR_HOST: "what: the last line it said". -1. */
int remote_error(const struct wire_outcome *outcome, struct err *err, const char *what);
/* Reads a file of at most that many bytes, and with sha1 its hash, in one round trip ("" where there is no tool). 1: done;
 * 0: it is longer; -1. */
int remote_read(struct identity *identity, const char *path, size_t most, struct buf *bytes, char sha1[REMOTE_SHA1],
                struct err *err) must_check;
/* Adds what sets $neap_h to the words that hash stdin, and exits where there is no such tool. */
void remote_sha1_tool(struct buf *script);
/* SHA-1 in lower-case hex of each file, by whatever tool there is, in one round trip; before is a script that is run first
 * and must not fail. 1: done; 0: there is no tool. */
int remote_sha1(struct identity *identity, const char *before, const char *const *paths, size_t count,
                char (*sha1)[REMOTE_SHA1], struct err *err) must_check;
/* The same of one file while other things are done: must not move between the halves, and finish must follow a start that
 * succeeded. finish: 1: sha1 is filled; 0: there is no tool, or it was not started; -1. */
struct remote_sha1 {
	bool started;
	char *script;
	struct wire_command command;
	struct wire_outcome outcome;
};
int remote_sha1_start(struct identity *identity, const char *path, struct remote_sha1 *hash, struct err *err) must_check;
/* The same of a file that is being written, until it has that size: it is read, and forced to the disk, while it comes. What
 * finish gives may be the hash of less where the writer was slow: only one that is right means something. */
int remote_sha1_start_growing(struct identity *identity, const char *path, uint64_t size, struct remote_sha1 *hash,
                              struct err *err) must_check;
/* Instead of finish: nobody waits for it. The user's shell, which is busy with it, is closed. */
void remote_sha1_drop(struct identity *identity, struct remote_sha1 *hash);
int remote_sha1_finish(struct identity *identity, struct remote_sha1 *hash, char sha1[REMOTE_SHA1],
                       struct err *err) must_check;
/* The umask of the user there, asked once. */
int remote_umask(struct identity *identity, struct err *err) must_check;
/* The number of a user or group, given by name or number. */
int remote_id(struct identity *identity, bool group, const char *name, uint32_t *id, struct err *err) must_check;

#endif
