/* Fetching a file: READs up to 16 MB ahead, written beside its place on this machine, checked, renamed.
 *
 * The way to the place goes from directory to directory by descriptors, and through no symbolic link, so that nobody who
 * may write in one of them can send the file elsewhere. */
#include "wire/get.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/digest.h"
#include "base/mem.h"
#include "base/quote.h"
#include "wire/command.h"
#include "wire/journal.h"
#include "wire/remote.h"
#include "wire/sftp.h"

enum { GET_FLIGHT = 16 * 1024 * 1024, GET_SMALL = 256 * 1024 /* bytes: one that was small may have grown */ };

struct getting {
	const struct wire_get *get;
	struct session *session;
	struct sftp *sftp;
	struct sftp_handle handle;
	struct sftp_call open, stat, read;
	int folder, fd;          /* on this machine */
	char *temp;              /* in folder; NULL: none yet */
	const char *name;        /* what it becomes there */
	struct digest *digest;   /* of what came in order; NULL once something came out of order */
	struct digest *md5;      /* the same, of a file that is not too big for it */
	struct remote_sha1 remote; /* of the file over there, under way */
	char there[REMOTE_SHA1];   /* what it hashes to there; "": not known */
	uint64_t digested;
	uint64_t size, next, end, arrived; /* end: where the file ended; UINT64_MAX: not known */
	int write_error;
};

static void get_drop_digest(struct digest **digest)
{
	char hex[DIGEST_HEX_MAX];
	if (*digest)
		digest_final(*digest, hex);
	*digest = NULL;
}

static void get_release(struct getting *getting)
{
	get_drop_digest(&getting->digest);
	get_drop_digest(&getting->md5);
	if (getting->temp)
		unlinkat(getting->folder, getting->temp, 0);
	if (getting->fd >= 0)
		close(getting->fd);
	if (getting->folder >= 0)
		close(getting->folder);
	free(getting->temp);
}

/* ---- this machine's side ---- */

static int get_enter(int folder, const char *name, const char *to, struct err *err)
{
	if (mkdirat(folder, name, 0777) < 0 && errno != EEXIST)
		return err_errno(err, ERR_SYSTEM, "making the directory %s of %s", name, to);
	int next = openat(folder, name, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
	if (next >= 0)
		return next;
	struct stat st;
	if (fstatat(folder, name, &st, AT_SYMLINK_NOFOLLOW) == 0 && S_ISLNK(st.st_mode)) {
		err_set(err, ERR_SYSTEM, "%s in %s is a symbolic link, and files are not fetched through one", name, to);
		return err_hint(err, "name the directory that it points to");
	}
	return err_errno(err, ERR_SYSTEM, "opening the directory %s of %s", name, to);
}

/* Opens the directory that `to` is in, making what is missing; getting->name is what is left. */
static int get_open_folder(struct getting *getting, struct err *err)
{
	const char *at = getting->get->to;
	getting->folder = open(*at == '/' ? "/" : ".", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	if (getting->folder < 0)
		return err_errno(err, ERR_SYSTEM, "opening the directory of %s", at);
	for (;;) {
		at += strspn(at, "/");
		const char *slash = strchr(at, '/');
		if (!slash)
			break;
		auto_free char *name = mem_strndup(at, (size_t)(slash - at));
		int next = get_enter(getting->folder, name, getting->get->to, err);
		if (next < 0)
			return -1;
		close(getting->folder);
		getting->folder = next;
		at = slash;
	}
	if (!*at || strcmp(at, ".") == 0 || strcmp(at, "..") == 0)
		return err_set(err, ERR_INPUT, "%s names no file to fetch to", getting->get->to);
	getting->name = at;
	return 0;
}

static int get_open_temporary(struct getting *getting, struct err *err)
{
	auto_free char *temp = journal_temporary(getting->name);
	getting->fd = openat(getting->folder, temp, O_RDWR | O_CREAT | O_EXCL | O_NOFOLLOW | O_CLOEXEC, 0600);
	if (getting->fd < 0)
		return err_errno(err, ERR_SYSTEM, "creating a file beside %s", getting->get->to);
	getting->temp = steal(temp);
	getting->digest = digest_new("sha1");
	getting->md5 = digest_new("md5");
	return 0;
}

static void get_digest_part(struct getting *getting, uint64_t offset, const char *bytes, size_t length)
{
	if (offset != getting->digested || !getting->digest) {
		get_drop_digest(&getting->digest);
		get_drop_digest(&getting->md5);
		return;
	}
	digest_update(getting->digest, bytes, length);
	getting->digested += length;
	if (getting->digested > DIGEST_MD5_MOST)
		get_drop_digest(&getting->md5);
	else if (getting->md5)
		digest_update(getting->md5, bytes, length);
}

static void get_store(struct getting *getting, uint64_t offset, const char *bytes, size_t length)
{
	enum { WRITEBACK = 8 * 1024 * 1024 };
	get_digest_part(getting, offset, bytes, length);
	/* The disk works while the wire does, so that the flush at the end is short. */
	if (getting->arrived / WRITEBACK != (getting->arrived + length) / WRITEBACK)
		(void)sync_file_range(getting->fd, 0, 0, SYNC_FILE_RANGE_WRITE);
	getting->arrived += length;
	while (length && !getting->write_error) {
		ssize_t n = pwrite(getting->fd, bytes, length, (off_t)offset);
		if (n < 0 && errno != EINTR)
			getting->write_error = errno;
		if (n <= 0)
			continue;
		bytes += n;
		offset += (uint64_t)n;
		length -= (size_t)n;
	}
}

static int get_check(struct getting *getting, struct err *err)
{
	const struct wire_get *get = getting->get;
	if (getting->write_error) {
		errno = getting->write_error;
		return err_errno(err, ERR_SYSTEM, "writing %s", get->to);
	}
	if (get->most && getting->arrived > get->most)
		return err_set(err, ERR_HOST, "%s has more than the %llu bytes that are allowed", get->path,
		               (unsigned long long)get->most);
	return 0;
}

/* The digest that was kept while the file came, or of the file read back. */
static int get_digest(struct getting *getting, const char *algorithm, struct digest **digest, char *text, size_t room,
                      struct err *err)
{
	char hex[DIGEST_HEX_MAX];
	if (*digest && getting->digested == getting->end) {
		digest_final(*digest, hex);
		*digest = NULL;
	} else {
		if (lseek(getting->fd, 0, SEEK_SET) < 0)
			return err_errno(err, ERR_SYSTEM, "reading back %s", getting->get->to);
		if (digest_fd(algorithm, getting->fd, hex, err) < 0)
			return -1;
	}
	memcpy(text, hex, room - 1); /* room is that of this algorithm's digits and a NUL */
	text[room - 1] = '\0';
	return 0;
}

static int get_digests(struct getting *getting, struct wire_get_result *result, struct err *err)
{
	if (get_digest(getting, "sha1", &getting->digest, result->sha1, sizeof(result->sha1), err) < 0)
		return -1;
	if (getting->end > DIGEST_MD5_MOST)
		return 0;
	return get_digest(getting, "md5", &getting->md5, result->md5, sizeof(result->md5), err);
}

/* What the caller or the target says that the file hashes to. */
static int get_verify(struct getting *getting, struct identity *identity, const char *arrived, struct err *err)
{
	if (remote_sha1_finish(identity, &getting->remote, getting->there, err) < 0)
		return -1;
	const char *wanted = getting->get->sha1 ? getting->get->sha1 : getting->there;
	if (!*wanted || strcmp(wanted, arrived) == 0)
		return 0;
	err_set(err, ERR_HOST, "%s came with SHA-1 %s and should have %s", getting->get->path, arrived, wanted);
	return err_hint(err, "something writes it while it is fetched, or it was damaged on its way: run again");
}

static int get_place(struct getting *getting, struct identity *identity, struct wire_get_result *result,
                     struct err *err)
{
	const struct wire_get *get = getting->get;
	if (ftruncate(getting->fd, (off_t)getting->end) < 0 || fsync(getting->fd) < 0)
		return err_errno(err, ERR_SYSTEM, "writing %s", get->to);
	result->size = getting->end;
	if (get_digests(getting, result, err) < 0 || get_verify(getting, identity, result->sha1, err) < 0)
		return -1;
	if (renameat(getting->folder, getting->temp, getting->folder, getting->name) < 0)
		return err_errno(err, ERR_SYSTEM, "putting %s in place", get->to);
	free(getting->temp);
	getting->temp = NULL;
	return 0;
}

/* ---- by SFTP ---- */

static void get_data(void *context, uint64_t offset, uint32_t wanted, const char *bytes, size_t length)
{
	struct getting *getting = context;
	if (!length) {
		if (offset < getting->end)
			getting->end = offset;
		return;
	}
	get_store(getting, offset, bytes, length);
	if (length < wanted && offset + length < getting->end && !getting->write_error)
		sftp_read(getting->sftp, &getting->read, &getting->handle, offset + length, wanted - (uint32_t)length);
}

static int get_sftp_open(struct getting *getting, struct err *err)
{
	struct sftp *sftp = getting->sftp;
	getting->open.handle = &getting->handle;
	sftp_stat(sftp, &getting->stat, getting->get->path);
	sftp_open_read(sftp, &getting->open, getting->get->path);
	if (sftp_wait(sftp, 0, 0, err) < 0)
		return -1;
	const struct packet_attributes *now = &getting->stat.attributes;
	if (getting->stat.status == STATUS_OK && (now->flags & ATTRIBUTE_MODE) && (now->mode & 0170000) == 0040000)
		err_set(err, ERR_HOST, "%s is a directory", getting->get->path);
	else if (getting->open.status != STATUS_OK)
		sftp_call_error(&getting->open, err, getting->get->path);
	else if (getting->get->most && now->size > getting->get->most)
		err_set(err, ERR_HOST, "%s has %llu bytes and no more than %llu are allowed", getting->get->path,
		        (unsigned long long)now->size, (unsigned long long)getting->get->most);
	else
		getting->size = now->flags & ATTRIBUTE_SIZE ? now->size : 0;
	return 0;
}

/* Reads up to and once past the size it had: what it has grown by is read on, what it lost ends it earlier. */
static int get_sftp_read(struct getting *getting, struct err *err)
{
	struct sftp *sftp = getting->sftp;
	const struct wire_watch *watch = &getting->session->watch;
	uint64_t goal = getting->size;
	getting->read.data = get_data;
	getting->read.context = getting;
	while (getting->end == UINT64_MAX) {
		uint32_t part = (uint32_t)sftp_read_most(sftp); /* the server may tell its limits meanwhile */
		while (getting->next <= goal && sftp_pending_bytes(sftp) < GET_FLIGHT) {
			sftp_read(sftp, &getting->read, &getting->handle, getting->next, part);
			getting->next += part;
		}
		size_t pending = sftp_pending_bytes(sftp);
		if (sftp_wait(sftp, SIZE_MAX, pending > GET_FLIGHT / 2 ? pending - part : 0, err) < 0)
			return -1;
		if (getting->read.status != STATUS_OK || getting->write_error ||
		    (getting->get->most && getting->arrived > getting->get->most))
			break;
		if (getting->next > goal && !sftp_pending_bytes(sftp))
			goal = getting->next;
		if (watch->progress)
			watch->progress(watch->context, getting->get->path, getting->arrived, getting->size);
	}
	return sftp_wait(sftp, 0, 0, err);
}

static int get_sftp(struct getting *getting, struct err *err)
{
	if (get_sftp_open(getting, err) < 0)
		return -1;
	if (getting->open.status != STATUS_OK)
		return 0;
	if (err->kind == ERR_NONE && get_sftp_read(getting, err) < 0)
		return -1;
	sftp_drop_handle(getting->sftp, &getting->handle);
	if (err->kind == ERR_NONE && getting->read.status != STATUS_OK)
		sftp_call_error(&getting->read, err, getting->get->path);
	return 0;
}

/* ---- by the shell ---- */

static void get_shell_take(void *context, bool is_stderr, const char *bytes, size_t length)
{
	struct getting *getting = context;
	if (!is_stderr && !(getting->get->most && getting->arrived > getting->get->most))
		get_store(getting, getting->arrived, bytes, length);
}

static int get_shell(struct getting *getting, struct identity *identity, struct err *err)
{
	auto_buf struct buf script = BUF_INIT;
	buf_str(&script, *getting->get->path == '/' ? "exec cat <" : "exec cat <./");
	quote_word(&script, getting->get->path);
	struct wire_command command = { .script = script.data, .keep = 4096, .output = get_shell_take, .context = getting };
	struct wire_outcome outcome = { 0 };
	int status = command_run(identity, &command, &outcome, err);
	if (status == 0 && (outcome.ended != WIRE_EXITED || outcome.code != 0))
		status = remote_error(&outcome, err, getting->get->path);
	wire_outcome_release(&outcome);
	getting->end = getting->arrived;
	return status;
}

/* ---- both ---- */

/* A small file costs the shell's one round trip. 1: it is here; 0: it goes another way; -1. */
static int get_small(struct getting *getting, struct identity *identity, struct err *err)
{
	auto_buf struct buf bytes = BUF_INIT;
	const struct wire_get *get = getting->get;
	if (!wire_get_is_small(get->size))
		return 0;
	int status = remote_read(identity, get->path, GET_SMALL, &bytes, get->verify ? getting->there : NULL, err);
	if (status > 0) {
		get_store(getting, 0, bytes.data ? bytes.data : "", bytes.length);
		getting->end = getting->arrived;
	}
	return status;
}

/* -1: failed; 0: there is no SFTP server; 1: it is here. */
static int get_try(struct identity *identity, struct getting *getting, struct err *err)
{
	if (identity->no_sftp)
		return get_shell(getting, identity, err) < 0 ? -1 : 1;
	getting->sftp = identity_sftp(identity, err);
	if (!getting->sftp)
		return -1;
	struct err failed = ERR_INIT;
	if (get_sftp(getting, &failed) < 0) {
		identity->no_sftp = sftp_absent(getting->sftp);
		identity_drop_sftp(identity);
		*err = failed;
		return identity->no_sftp ? 0 : -1;
	}
	if (failed.kind != ERR_NONE)
		*err = failed;
	return failed.kind == ERR_NONE ? 1 : -1;
}

/* After a failure the shell's answer is still to come, and is nobody's any more. */
static void get_forget_remote(struct getting *getting, struct identity *identity)
{
	char ignored[REMOTE_SHA1];
	struct err unheard = ERR_INIT;
	(void)!remote_sha1_finish(identity, &getting->remote, ignored, &unheard);
}

int get_file(struct identity *identity, const struct wire_get *get, struct wire_get_result *result, struct err *err)
{
	struct getting getting = { .get = get, .session = identity->session, .folder = -1, .fd = -1, .end = UINT64_MAX };
	int status = get_open_folder(&getting, err) < 0 || get_open_temporary(&getting, err) < 0 ? -1 : 0;
	if (status == 0)
		status = get_small(&getting, identity, err);
	if (status == 0 && get->verify)
		status = remote_sha1_start(identity, get->path, &getting.remote, err);
	if (status == 0)
		status = get_try(identity, &getting, err);
	if (status == 0) {
		err_clear(err);
		status = get_try(identity, &getting, err);
	}
	if (status < 0 && err->os_error == COMMAND_REFUSED && getting.remote.started) { /* one after the other, then */
		err_clear(err);
		status = remote_sha1_finish(identity, &getting.remote, getting.there, err) < 0 ? -1 : get_try(identity, &getting, err);
	}
	if (status > 0)
		status = get_check(&getting, err) < 0 || get_place(&getting, identity, result, err) < 0 ? -1 : 1;
	get_forget_remote(&getting, identity);
	get_release(&getting);
	return status < 0 ? err_wrap(err, "fetching") : 0;
}
