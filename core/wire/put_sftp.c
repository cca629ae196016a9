/* The steps of writing files, by SFTP: each step of all files is one flight. */
#include "wire/put.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/digest.h"
#include "base/mem.h"
#include "base/printable.h"
#include "base/quote.h"

enum {
	PUT_FLIGHT = 4 * 1024 * 1024, /* bytes of WRITEs in flight */
	PUT_TYPE = 0170000, PUT_REGULAR = 0100000, PUT_FOLDER = 0040000,
	PUT_SYNC_EACH = 8,            /* files that are forced to the disk one by one */
	PUT_HANDLES_KNOWN = 64,       /* any server lets that many be open */
	PUT_GROWING_LEAST = 16 * 1024 * 1024, /* bytes of a file that is hashed while it comes */
};

static int put_sftp_file_error(struct put_batch *batch, size_t index, const struct sftp_call *call, const char *doing)
{
	struct err *err = put_fail(batch, index);
	sftp_call_error(call, err, doing);
	return 0;
}

/* ---- look and open ---- */

static void put_sftp_judge_look(struct put_batch *batch, size_t index)
{
	struct put_file *file = &batch->files[index];
	if (file->look.status == STATUS_NO_SUCH_FILE)
		return;
	if (file->look.status != STATUS_OK) {
		put_sftp_file_error(batch, index, &file->look, "looking at what is there");
		return;
	}
	file->exists = true;
	file->old = file->look.attributes;
	if ((file->old.flags & ATTRIBUTE_MODE) && (file->old.mode & PUT_TYPE) == PUT_FOLDER)
		err_set(put_fail(batch, index), ERR_HOST, "there is a directory in its place");
}

/* A server that is out of handles fails the later ones of many: they are for another window. */
static void put_sftp_judge_open(struct put_batch *batch, size_t index)
{
	struct put_file *file = &batch->files[index];
	file->opened = file->open.status == STATUS_OK;
	if (file->opened)
		return;
	if (file->open.status == STATUS_FAILURE && index >= PUT_HANDLES_KNOWN && index < batch->limit) {
		put_fail(batch, index);
		batch->retry = true;
		return;
	}
	if (file->open.status == STATUS_NO_SUCH_FILE) {
		auto_free char *folder = put_folder(file->temp);
		err_set(put_fail(batch, index), ERR_HOST, WIRE_NO_FOLDER, folder);
		return;
	}
	auto_free char *doing = mem_printf("creating %s", file->temp);
	put_sftp_file_error(batch, index, &file->open, doing);
}

static int put_sftp_open(struct put_batch *batch, struct sftp *sftp, struct err *err)
{
	for (size_t i = 0; i < batch->limit; i++) {
		struct put_file *file = &batch->files[i];
		file->open.handle = &file->handle;
		sftp_lstat(sftp, &file->look, file->path);
		sftp_create(sftp, &file->open, file->temp);
	}
	if (sftp_wait(sftp, 0, 0, err) < 0)
		return -1;
	/* All are looked at, for what was opened has to be closed. */
	size_t count = batch->limit;
	for (size_t i = 0; i < count; i++) {
		put_sftp_judge_look(batch, i);
		put_sftp_judge_open(batch, i);
	}
	return 0;
}

/* A single big file is hashed, and forced to the disk, while it comes: by the shell, which has nothing else to do. */
static int put_sftp_hash_growing(struct put_batch *batch, struct err *err)
{
	const struct wire_put *put = batch->files[0].put;
	struct stat st = { .st_size = (off_t)put->length };
	if (batch->delta.copied || batch->count != 1 || batch->limit != 1 || (put->source == WIRE_LOCAL_FILE && stat(put->from, &st) < 0) ||
	    st.st_size < PUT_GROWING_LEAST)
		return 0;
	batch->growing_size = (uint64_t)st.st_size;
	return remote_sha1_start_growing(batch->identity, batch->files[0].temp, batch->growing_size, &batch->growing, err);
}

/* ---- attributes ---- */

/* Owner before mode: chown takes setuid bits away. */
static void put_sftp_attributes(struct sftp *sftp, struct put_file *file, long umask)
{
	const struct packet_attributes *now = &file->stat.attributes; /* empty of a new file, which keeps its owner */
	put_resolve_attributes(file, now->uid, now->gid, umask);
	if (file->uid != now->uid || file->gid != now->gid) {
		struct packet_attributes owner = { .flags = ATTRIBUTE_OWNER, .uid = file->uid, .gid = file->gid };
		sftp_fsetstat(sftp, &file->set, &file->handle, &owner);
	}
	struct packet_attributes mode = { .flags = ATTRIBUTE_MODE, .mode = file->mode };
	sftp_fsetstat(sftp, &file->set, &file->handle, &mode);
}

static uint32_t put_sftp_second(const struct timespec *wanted, bool given, uint32_t now)
{
	if (!given)
		return now;
	if (wanted->tv_nsec == UTIME_NOW) /* it was written just now, by that clock */
		return now;
	return wanted->tv_sec < 0 ? 0 : wanted->tv_sec > UINT32_MAX ? UINT32_MAX : (uint32_t)wanted->tv_sec;
}

static bool put_sftp_has_times(const struct wire_put *put)
{
	return put->has_atime || put->has_mtime;
}

static struct packet_attributes put_sftp_times(const struct put_file *file)
{
	const struct wire_put *put = file->put;
	const struct packet_attributes *now = &file->stat.attributes;
	return (struct packet_attributes){ .flags = ATTRIBUTE_TIMES,
		.atime = put_sftp_second(&put->atime, put->has_atime, now->atime),
		.mtime = put_sftp_second(&put->mtime, put->has_mtime, now->mtime) };
}

static void put_sftp_finish_file(struct put_batch *batch, struct sftp *sftp, struct put_file *file)
{
	bool fsync = sftp_has_fsync(sftp) && !batch->syncs_together;
	put_sftp_attributes(sftp, file, batch->identity->umask);
	if (put_sftp_has_times(file->put)) {
		struct packet_attributes times = put_sftp_times(file);
		sftp_fsetstat(sftp, &file->set, &file->handle, &times);
	}
	if (fsync)
		sftp_fsync(sftp, &file->sync, &file->handle);
	sftp_close_handle(sftp, &file->close, &file->handle);
	file->opened = false;
	file->result->fsynced = fsync;
}

/* ---- write ---- */

static void put_sftp_progress(const struct put_batch *batch, const struct put_file *file)
{
	const struct wire_watch *watch = &batch->identity->session->watch;
	if (watch->progress)
		watch->progress(watch->context, file->put->path, file->write.bytes + batch->delta.kept, file->size);
}

int put_sftp_write_bytes(struct put_batch *batch, struct sftp *sftp, struct put_file *file, uint64_t offset,
                         const char *bytes, size_t length, struct err *err)
{
	size_t most = sftp_write_most(sftp);
	for (size_t done = 0; done < length;) {
		size_t part = length - done < most ? length - done : most;
		sftp_write(sftp, &file->write, &file->handle, offset + done, bytes + done, part);
		done += part;
		if (sftp_pending_bytes(sftp) < PUT_FLIGHT)
			continue;
		if (sftp_wait(sftp, SIZE_MAX, PUT_FLIGHT - most, err) < 0)
			return -1;
		put_sftp_progress(batch, file);
	}
	return 0;
}

/* Reads the source and sends what has to be sent of it. Returns as read() does, or -2 where the connection is lost. */
static ssize_t put_sftp_write_from(struct put_batch *batch, struct sftp *sftp, struct put_file *file, int fd,
                                   struct digest *digest, struct err *err)
{
	enum { PART = 128 * 1024 };
	auto_free char *part = mem_alloc(PART);
	uint64_t offset = 0, end = 0;
	bool sends = false;
	ssize_t n = 1;
	while (n > 0 && file->write.status == STATUS_OK) {
		if (offset >= end)
			sends = put_delta_sends(&batch->delta, offset, &end);
		if (!sends && !digest && lseek(fd, (off_t)end, SEEK_SET) >= 0) {
			offset = end;
			continue;
		}
		n = read(fd, part, end - offset < PART ? (size_t)(end - offset) : PART);
		if (n <= 0)
			break;
		if (digest)
			digest_update(digest, part, (size_t)n);
		if (sends && put_sftp_write_bytes(batch, sftp, file, offset, part, (size_t)n, err) < 0)
			n = -2;
		offset += (uint64_t)n;
	}
	file->size = offset;
	return n;
}

static int put_sftp_write_local(struct put_batch *batch, struct sftp *sftp, size_t index, struct err *err)
{
	struct put_file *file = &batch->files[index];
	auto_close int fd = open(file->put->from, O_RDONLY | O_CLOEXEC | O_NOCTTY);
	struct stat st;
	if (fd < 0 || fstat(fd, &st) < 0) {
		err_errno(put_fail(batch, index), ERR_SYSTEM, "reading %s", file->put->from);
		return 0;
	}
	char hex[DIGEST_HEX_MAX] = "";
	/* What it has to be is what the target's hash is compared with, whatever is sent. */
	struct digest *digest = file->put->sha1 ? NULL : digest_new("sha1");
	file->size = (uint64_t)st.st_size;
	ssize_t n = put_sftp_write_from(batch, sftp, file, fd, digest, err);
	if (digest)
		digest_final(digest, hex);
	if (n == -1)
		err_errno(put_fail(batch, index), ERR_SYSTEM, "reading %s", file->put->from);
	memcpy(file->sha1, digest ? hex : file->put->sha1, sizeof(file->sha1));
	return n == -2 ? -1 : 0;
}

static int put_sftp_write_file(struct put_batch *batch, struct sftp *sftp, size_t index, struct err *err)
{
	struct put_file *file = &batch->files[index];
	if (file->put->source == WIRE_LOCAL_FILE)
		return put_sftp_write_local(batch, sftp, index, err);
	char hex[DIGEST_HEX_MAX];
	digest_bytes("sha1", file->put->bytes ? file->put->bytes : "", file->put->length, hex);
	memcpy(file->sha1, hex, sizeof(file->sha1));
	file->size = file->put->length;
	for (uint64_t offset = 0, end; offset < file->size; offset = end) {
		bool sends = put_delta_sends(&batch->delta, offset, &end);
		end = end < file->size ? end : file->size;
		if (sends && put_sftp_write_bytes(batch, sftp, file, offset, file->put->bytes + offset, (size_t)(end - offset), err) < 0)
			return -1;
	}
	return 0;
}

static void put_sftp_judge_write(struct put_batch *batch, size_t index)
{
	struct put_file *file = &batch->files[index];
	const struct packet_attributes *now = &file->stat.attributes;
	if (file->write.status != STATUS_OK)
		put_sftp_file_error(batch, index, &file->write, "writing");
	else if (file->stat.status != STATUS_OK)
		put_sftp_file_error(batch, index, &file->stat, "looking at what was written");
	else if ((now->flags & ATTRIBUTE_SIZE) && now->size != file->size)
		err_set(put_fail_arrived(batch, index), ERR_HOST, "%llu bytes were sent and %llu arrived",
		        (unsigned long long)file->size, (unsigned long long)now->size);
}

/* Whether nothing has to be learnt from the written file before its attributes are set: a new file is its writer's. */
static bool put_sftp_finishes_early(const struct put_file *file)
{
	return !file->exists && !file->wants_uid && !file->wants_gid && !put_sftp_has_times(file->put);
}

static int put_sftp_write(struct put_batch *batch, struct sftp *sftp, struct err *err)
{
	batch->syncs_together = batch->limit > PUT_SYNC_EACH;
	for (size_t i = 0; i < batch->limit; i++) {
		struct put_file *file = &batch->files[i];
		if (put_sftp_write_file(batch, sftp, i, err) < 0)
			return -1;
		sftp_fstat(sftp, &file->stat, &file->handle);
		if (put_sftp_finishes_early(file))
			put_sftp_finish_file(batch, sftp, file);
	}
	if (sftp_wait(sftp, 0, 0, err) < 0)
		return -1;
	size_t count = batch->limit;
	for (size_t i = 0; i < count; i++) {
		put_sftp_progress(batch, &batch->files[i]);
		put_sftp_judge_write(batch, i);
	}
	return 0;
}

/* ---- the end of a file ---- */

/* The old file's owner is kept where that is allowed; one that was asked for must be got, and setuid without the owner
 * that it was meant for would be worse than an error. */
static bool put_sftp_set_matters(const struct put_file *file)
{
	return file->set.status != STATUS_PERMISSION_DENIED || file->wants_uid || file->wants_gid || (file->mode & 06000);
}

static int put_sftp_finish(struct put_batch *batch, struct sftp *sftp, struct err *err)
{
	for (size_t i = 0; i < batch->limit; i++)
		if (batch->files[i].opened)
			put_sftp_finish_file(batch, sftp, &batch->files[i]);
	if (sftp_wait(sftp, 0, 0, err) < 0)
		return -1;
	size_t count = batch->limit;
	for (size_t i = 0; i < count; i++) {
		struct put_file *file = &batch->files[i];
		if (file->set.status != STATUS_OK && put_sftp_set_matters(file))
			put_sftp_file_error(batch, i, &file->set, "setting its owner, mode and times");
		else if (file->sync.status != STATUS_OK)
			put_sftp_file_error(batch, i, &file->sync, "writing it to the disk (fsync)");
		else if (file->close.status != STATUS_OK)
			put_sftp_file_error(batch, i, &file->close, "closing it");
	}
	return 0;
}

/* What a failure left open. */
static int put_sftp_close_rest(struct put_batch *batch, struct sftp *sftp, struct err *err)
{
	for (size_t i = 0; i < batch->count; i++)
		if (batch->files[i].opened) {
			sftp_close_handle(sftp, &batch->files[i].close, &batch->files[i].handle);
			batch->files[i].opened = false;
		}
	return sftp_wait(sftp, 0, 0, err);
}

int put_sftp_send(struct put_batch *batch, struct err *err)
{
	struct sftp *sftp = identity_sftp(batch->identity, err);
	if (!sftp || put_sftp_open(batch, sftp, err) < 0 || put_delta(batch, sftp, err) < 0 ||
	    put_sftp_hash_growing(batch, err) < 0 || put_sftp_write(batch, sftp, err) < 0 || put_sftp_finish(batch, sftp, err) < 0)
		return -1;
	return put_sftp_close_rest(batch, sftp, err);
}

/* ---- putting in place ---- */

static bool put_sftp_changed(const struct put_file *file)
{
	const struct packet_attributes *old = &file->old, *now = &file->again.attributes;
	if (!file->exists)
		return file->again.status == STATUS_OK;
	return file->again.status != STATUS_OK || old->flags != now->flags || old->size != now->size ||
	       old->uid != now->uid || old->gid != now->gid || old->mode != now->mode || old->mtime != now->mtime;
}

void put_sftp_ask_again(struct put_batch *batch)
{
	struct sftp *sftp = batch->identity->sftp;
	for (size_t i = 0; i < batch->limit; i++) {
		struct put_file *file = &batch->files[i];
		if (file->put->has_atime) { /* reading it for its hash may have changed that */
			struct packet_attributes times = put_sftp_times(file);
			sftp_setstat(sftp, &file->set, file->temp, &times);
		}
		sftp_lstat(sftp, &file->again, file->path);
	}
}

int put_sftp_look_again(struct put_batch *batch, struct err *err)
{
	struct sftp *sftp = batch->identity->sftp;
	if (sftp_wait(sftp, 0, 0, err) < 0)
		return -1;
	size_t count = batch->limit;
	for (size_t i = 0; i < count; i++) {
		if (put_sftp_changed(&batch->files[i])) {
			struct err *changed = put_fail(batch, i);
			err_set(changed, ERR_HOST, "it was changed by somebody else meanwhile");
			err_hint(changed, "find out what else writes it, and run again");
		}
	}
	return 0;
}

/* Without posix-rename@openssh.com only mv replaces what is there. */
static int put_sftp_move(struct put_batch *batch, size_t index, struct err *err)
{
	struct put_file *file = &batch->files[index];
	auto_buf struct buf script = BUF_INIT, names = BUF_INIT;
	quote_word(&names, file->temp);
	buf_char(&names, ' ');
	quote_word(&names, file->path);
	auto_buf struct buf path = BUF_INIT;
	quote_word(&path, file->path);
	buf_printf(&script, "mv -fT -- %s 2>/dev/null || { [ ! -d %s ] && mv -f -- %s; }", names.data, path.data, names.data);
	struct wire_outcome outcome;
	int status = remote_run(batch->identity, script.data, &outcome, err);
	if (status == 0 && (outcome.ended != WIRE_EXITED || outcome.code != 0))
		remote_error(&outcome, put_fail(batch, index), "putting it in place");
	wire_outcome_release(&outcome);
	return status;
}

int put_sftp_rename(struct put_batch *batch, struct err *err)
{
	struct sftp *sftp = batch->identity->sftp;
	for (size_t i = 0; i < batch->limit; i++) {
		struct put_file *file = &batch->files[i];
		if (!file->exists || sftp_has_posix_rename(sftp))
			sftp_rename(sftp, &file->rename, file->temp, file->path);
	}
	for (size_t i = 0; i < batch->limit && !sftp_has_posix_rename(sftp); i++)
		if (batch->files[i].exists && put_sftp_move(batch, i, err) < 0)
			return -1;
	if (sftp_wait(sftp, 0, 0, err) < 0)
		return -1;
	size_t count = batch->limit;
	for (size_t i = 0; i < count; i++)
		if (batch->files[i].rename.status != STATUS_OK)
			put_sftp_file_error(batch, i, &batch->files[i].rename, "putting it in place");
	return 0;
}

/* ---- why not ---- */

void put_sftp_explain(struct put_batch *batch)
{
	struct put_file *file = &batch->files[batch->limit];
	if (file->open.status != STATUS_FAILURE && file->write.status != STATUS_FAILURE && file->sync.status != STATUS_FAILURE)
		return;
	/* What was written still takes its room: the shell meets the same obstacle, and has words for it. */
	auto_buf struct buf script = BUF_INIT, name = BUF_INIT;
	quote_word(&name, file->temp);
	buf_printf(&script, "{ head -c 65536 /dev/zero >>%s; } 2>&1 | tail -n 1; rm -f -- %s", name.data, name.data);
	struct err ignored = ERR_INIT;
	struct wire_outcome outcome = { 0 };
	if (remote_run(batch->identity, script.data, &outcome, &ignored) == 0) {
		auto_buf struct buf said = BUF_INIT;
		const char *words = buf_text(&outcome.output), *colon = strrchr(words, ':');
		printable_line(&said, colon ? colon + 1 : words, strcspn(colon ? colon + 1 : words, "\n"));
		size_t used = strlen(batch->err->text);
		if (said.length)
			snprintf(batch->err->text + used, sizeof(batch->err->text) - used, ":%s", said.data);
	}
	wire_outcome_release(&outcome);
}
