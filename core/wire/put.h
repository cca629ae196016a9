/* Writing files so that each is old or new, never half. put.c has the order of things, the same for
 * all; put_sftp.c and put_shell.c know how each thing is done, put_delta.c what need not be sent, put_tar.c and put_text.c do
 * all of it at once. */
#ifndef NEAP_WIRE_PUT_H
#define NEAP_WIRE_PUT_H

#include "wire/identity.h"
#include "wire/remote.h"
#include "wire/sftp.h"

struct put_file {
	const struct wire_put *put;
	struct wire_put_result *result;
	char *path;              /* where it goes, symlinks resolved where they are followed */
	char *temp;              /* "" once it is renamed or removed */
	bool exists;             /* there is an old one */
	struct packet_attributes old;
	char *old_line;          /* put_shell.c: as ls shows it */
	struct sftp_handle handle;
	bool opened;
	uint64_t size;
	char sha1[REMOTE_SHA1];  /* of what was sent; "" where the bytes never passed here */
	bool wants_uid, wants_gid; /* they are asked for, and not only the old file's */
	uint32_t uid, gid;       /* UINT32_MAX: stay */
	uint32_t mode;
	struct sftp_call look, open, write, stat, set, sync, close, again, rename;
};

/* What is known of a single big file's old content (put_delta.c); zeroed: nothing. */
struct put_delta {
	uint64_t sent;       /* bytes from the beginning on that were sent to measure the line, and are still there */
	bool copied;         /* the temporary file began as a copy of the old one */
	size_t block, count; /* bytes of one, and how many were compared */
	bool *same;          /* of each: it need not be sent */
	uint64_t kept;       /* bytes of them */
	bool doubted;        /* what came of it is not right */
};

/* A window of files that go through the steps together. What fails at one file keeps those behind it from being put in
 * place: limit goes down to it, and err is its error. */
struct put_batch {
	struct identity *identity;
	struct put_file *files;
	size_t count, limit;
	struct err *err;
	bool syncs_together; /* to the disk, by one call for the whole file system: a thousand fsyncs take seconds */
	bool tar, few, more; /* it may go as a tar stream, as one of a few files; another window follows */
	struct remote_sha1 growing; /* the hash of a single big file, under way while it is written */
	uint64_t growing_size;      /* that it is expected to reach */
	struct put_delta delta;
	bool whole;  /* no delta is tried */
	bool retry;  /* the server ran out of handles at limit, or the delta is doubted: the rest goes into another window */
};

/* Lowers the limit to index and returns the error to fill; NULL where a file before it has failed already. */
struct err *put_fail(struct put_batch *batch, size_t index);
/* The same where what is on the target is not what was to arrive. */
struct err *put_fail_arrived(struct put_batch *batch, size_t index);
/* What the attributes are to be, once the old file is known and what the new one has by itself. */
void put_resolve_attributes(struct put_file *file, uint32_t own_uid, uint32_t own_gid, long umask);

/* The folder that path is in, the caller's own. */
char *put_folder(const char *path) __attribute__((returns_nonnull));

/* Each returns -1 only if the connection, or the server at its other end, is lost; what concerns a file is put_fail. */
int put_sftp_send(struct put_batch *batch, struct err *err) must_check;     /* look, open, write, attributes, close */
/* Sends the question; put_sftp_look_again waits for the answers. */
void put_sftp_ask_again(struct put_batch *batch);
int put_sftp_look_again(struct put_batch *batch, struct err *err) must_check;
int put_sftp_rename(struct put_batch *batch, struct err *err) must_check;
/* A server says "Failure" for a full disk as for one that is read-only: the reason is found out and added to the error. */
void put_sftp_explain(struct put_batch *batch);
int put_shell_send(struct put_batch *batch, struct err *err) must_check;
int put_shell_rename(struct put_batch *batch, struct err *err) must_check;  /* looks again in the same breath */

int put_sftp_write_bytes(struct put_batch *batch, struct sftp *sftp, struct put_file *file, uint64_t offset,
                         const char *bytes, size_t length, struct err *err) must_check;

/* ---- what the target has already ---- */

/* For a single file that is opened: finds out, where that wins, what need not be sent. -1 as above. */
int put_delta(struct put_batch *batch, struct sftp *sftp, struct err *err) must_check;
/* Whether the bytes from offset to *end have to be sent; it is UINT64_MAX behind all that was compared. */
bool put_delta_sends(const struct put_delta *delta, uint64_t offset, uint64_t *end);
void put_delta_release(struct put_delta *delta);

/* ---- many small new files at once, or a few of any kind ---- */

enum { PUT_TAR_LEAST = 16, PUT_TAR_FEW = 32 };

/* How many of the first puts can go together as one tar stream; 0: none. */
size_t put_tar_count(const struct wire_put *puts, size_t count);
/* Whether all of these, there already or not, can. */
bool put_tar_few(const struct wire_put *puts, size_t count);
/* 1: all of the window is in place; 0: none of it or some, another way has to be gone for all; -1: as above. more: another
 * window will follow. */
int put_tar(struct put_batch *batch, bool more, struct err *err) must_check;

/* Whether a file may be a member of a stream. */
bool put_tar_takes(const struct wire_put *put);
/* Adds the shell function neap_safe: whether the folders of the words, which each end in a slash, let nobody but us put
 * something else in their places. */
void tar_safe_text(struct buf *script);
/* sha1sum -c has no way to say some names that all tools know, and tar refuses "..". */
bool put_tar_name_is_plain(const char *path);

/* The stream's parts. A header is for size bytes, which the caller adds, and tar_pad behind them. */
void tar_header(struct buf *stream, const char *name, char type, unsigned mode, uint64_t size);
void tar_pad(struct buf *stream, uint64_t size);
void tar_member(struct buf *stream, const char *name, unsigned mode, const char *bytes, size_t length);
void tar_end(struct buf *stream);

/* ---- the calls of wire.h, for one user ---- */

int put_tree(struct identity *identity, const struct wire_folder *folders, size_t folder_count, const struct wire_put *puts,
             struct wire_put_result *results, size_t count, struct err *err) must_check;

int put_files(struct identity *identity, const struct wire_put *puts, struct wire_put_result *results, size_t count,
              size_t *done, struct err *err) must_check;
/* identity_batch of commands that have temporary files: those that they left are removed. */
int put_batch(struct identity *identity, const struct wire_command *commands, struct wire_outcome *outcomes, size_t count,
              bool stop, int64_t deadline, struct err *err) must_check;
/* Removes what is in the journal, through the shell. late: what was sent before may still be about to happen. */
int put_clean(struct identity *identity, bool late, int64_t deadline, struct err *err) must_check;

#endif
