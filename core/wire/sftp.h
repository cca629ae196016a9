/* An SFTP version 3 engine over a channel: requests are sent without waiting, as many as wanted, and each answer finds the
 * call it belongs to. Wire's thread only.
 *
 *   struct sftp_call a = SFTP_CALL_INIT, b = SFTP_CALL_INIT;
 *   sftp_lstat(sftp, &a, "/etc/hosts");
 *   sftp_lstat(sftp, &b, "/etc/passwd");
 *   if (sftp_wait(sftp, 0, 0, err) < 0) return -1;   // one round trip
 *
 * A call lives until nothing of it is pending or sftp_wait has failed; after that the engine touches no call any more and
 * is good for nothing but sftp_close. */
#ifndef NEAP_WIRE_SFTP_H
#define NEAP_WIRE_SFTP_H

#include "wire/packets.h"
#include "wire/session.h"

struct sftp;

struct sftp_handle {
	char bytes[PACKETS_HANDLE_MOST];
	size_t length;
};

/* One request, or the many WRITEs or READs of one file, and what became of them. */
struct sftp_call {
	unsigned pending;        /* requests without an answer */
	uint32_t status;         /* the first that was neither OK nor, for READ, EOF */
	char message[96];        /* the server's words for it, raw */
	struct packet_attributes attributes; /* LSTAT, STAT, FSTAT */
	struct sftp_handle *handle;          /* where OPEN's goes */
	uint64_t bytes;          /* written and acknowledged */
	/* READ: what came; length 0: the end of the file is at or before offset. It may send further requests. */
	void (*data)(void *context, uint64_t offset, uint32_t wanted, const char *bytes, size_t length);
	void *context;
};
#define SFTP_CALL_INIT { 0 }

/* Returns at once. Requests may be sent straight away, they ride behind the first packet. */
int sftp_open(struct sftp **sftp, struct session *session, const struct wire_become *become, struct err *err) must_check;
/* NULL is allowed. */
void sftp_close(struct sftp *sftp);
/* Waits until at most that many requests and that many bytes of WRITE or READ are pending. A minute without any progress
 * is ERR_TIMEOUT, an answer that makes no sense ERR_PROTOCOL. */
int sftp_wait(struct sftp *sftp, size_t requests, size_t bytes, struct err *err) must_check;
/* After a failed wait: whether there simply is no SFTP server, so that it may be done without. */
bool sftp_absent(const struct sftp *sftp);
/* Says that nobody uses it until sftp_wake: meanwhile it may end, as where a server takes few channels at once. */
void sftp_rest(struct sftp *sftp);
/* false: it has ended since. */
bool sftp_wake(struct sftp *sftp) must_check;
/* The stall that is ERR_TIMEOUT. */
void sftp_set_patience(struct sftp *sftp, int64_t ms);
size_t sftp_pending_bytes(const struct sftp *sftp);
/* Most bytes for one WRITE or READ, and most handles to have open at once (0: it does not say). */
size_t sftp_write_most(const struct sftp *sftp);
size_t sftp_read_most(const struct sftp *sftp);
size_t sftp_handles_most(const struct sftp *sftp);
bool sftp_has_fsync(const struct sftp *sftp);
bool sftp_has_posix_rename(const struct sftp *sftp);

/* ---- requests ---- */

void sftp_lstat(struct sftp *sftp, struct sftp_call *call, const char *path);
void sftp_stat(struct sftp *sftp, struct sftp_call *call, const char *path);
void sftp_fstat(struct sftp *sftp, struct sftp_call *call, const struct sftp_handle *handle);
void sftp_fsetstat(struct sftp *sftp, struct sftp_call *call, const struct sftp_handle *handle,
                   const struct packet_attributes *attributes);
void sftp_setstat(struct sftp *sftp, struct sftp_call *call, const char *path,
                  const struct packet_attributes *attributes);
/* A new file, with EXCL and 0600. */
void sftp_create(struct sftp *sftp, struct sftp_call *call, const char *path);
void sftp_open_read(struct sftp *sftp, struct sftp_call *call, const char *path);
void sftp_write(struct sftp *sftp, struct sftp_call *call, const struct sftp_handle *handle, uint64_t offset,
                const void *bytes, size_t length);
void sftp_read(struct sftp *sftp, struct sftp_call *call, const struct sftp_handle *handle, uint64_t offset,
               uint32_t length);
void sftp_fsync(struct sftp *sftp, struct sftp_call *call, const struct sftp_handle *handle);
void sftp_close_handle(struct sftp *sftp, struct sftp_call *call, const struct sftp_handle *handle);
/* Closes what was only read: how that ends is not waited for. */
void sftp_drop_handle(struct sftp *sftp, const struct sftp_handle *handle);
/* Over what is there, where the server has posix-rename@openssh.com; else it fails if something is there. */
void sftp_rename(struct sftp *sftp, struct sftp_call *call, const char *from, const char *to);
void sftp_remove(struct sftp *sftp, struct sftp_call *call, const char *path);

/* Sets ERR_HOST: "what: No such file or directory"; -1. */
int sftp_call_error(const struct sftp_call *call, struct err *err, const char *what);

#endif
