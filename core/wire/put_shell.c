/* The steps of writing files, by the shell alone: where there is no SFTP server, and where the source is on the target
 * itself. Only what POSIX has is relied on; what GNU or busybox do better is tried first. */
#include "wire/put.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/digest.h"
#include "base/mem.h"
#include "base/quote.h"
#include "wire/command.h"

static char *put_shell_word(const char *path)
{
	auto_buf struct buf word = BUF_INIT;
	if (*path == '-')
		buf_str(&word, "./");
	quote_word(&word, path);
	return buf_take(&word);
}

/* Prints one line that changes when the file does; nothing where there is none. The number of links is left out: the old
 * file may have got one more to keep it. */
static void put_shell_look_text(struct buf *script, const char *word)
{
	buf_printf(script, "if [ -e %s ] || [ -L %s ]; then { LC_ALL=C ls -lidn --full-time %s 2>/dev/null || "
	           "LC_ALL=C ls -lidn %s; } | sed 's/^ *\\([0-9]* [^ ]*\\) *[0-9]*/\\1/'; fi", word, word, word, word);
}

/* Runs one script for each file below the limit, in one flight; judge gets each outcome. */
static int put_shell_each(struct put_batch *batch, void (*write)(struct put_batch *batch, size_t index, struct buf *script),
                          void (*judge)(struct put_batch *batch, size_t index, const struct wire_outcome *outcome),
                          struct err *err)
{
	size_t count = batch->limit;
	struct wire_command *commands = mem_array(count, sizeof(*commands));
	struct wire_outcome *outcomes = mem_array(count, sizeof(*outcomes));
	struct buf *scripts = mem_array(count, sizeof(*scripts));
	for (size_t i = 0; i < count; i++) {
		write(batch, i, &scripts[i]);
		commands[i].script = buf_text(&scripts[i]);
	}
	/* How long a copy on the target takes depends on its size alone. */
	int64_t deadline = batch->files[0].put->source == WIRE_REMOTE_FILE ? CLOCK_NEVER : clock_deadline(REMOTE_PATIENCE_MS);
	int status = identity_batch(batch->identity, commands, outcomes, count, false, deadline, err);
	for (size_t i = 0; i < count; i++) {
		if (status == 0)
			judge(batch, i, &outcomes[i]);
		wire_outcome_release(&outcomes[i]);
		buf_release(&scripts[i]);
	}
	free(commands);
	free(outcomes);
	free(scripts);
	return status;
}

/* ---- look ---- */

static void put_shell_write_look(struct put_batch *batch, size_t index, struct buf *script)
{
	auto_free char *word = put_shell_word(batch->files[index].path);
	auto_free char *folder = put_folder(batch->files[index].temp), *folder_word = put_shell_word(folder);
	auto_free char *missing = mem_printf(WIRE_NO_FOLDER, folder);
	buf_printf(script, "[ -d %s ] || { echo ", folder_word);
	quote_word(script, missing);
	buf_str(script, " >&2; exit 1; }\n");
	put_shell_look_text(script, word);
}

/* "-rwsr-x--T" as bits. */
static uint32_t put_shell_mode(const char *text)
{
	uint32_t mode = 0;
	for (int i = 0; i < 9; i++) {
		char c = text[i + 1];
		if (!c)
			return mode;
		if (c != '-' && c != 'S' && c != 'T')
			mode |= 0400u >> i;
		if (strchr("sStT", c))
			mode |= 04000u >> (i / 3);
	}
	return mode;
}

static void put_shell_judge_look(struct put_batch *batch, size_t index, const struct wire_outcome *outcome)
{
	struct put_file *file = &batch->files[index];
	char mode[16];
	unsigned uid, gid;
	file->old_line = mem_strdup(buf_text(&outcome->output));
	file->old_line[strcspn(file->old_line, "\n")] = '\0';
	if (outcome->code != 0) {
		remote_error(outcome, put_fail(batch, index), "looking at what is there");
		return;
	}
	if (!outcome->output.length)
		return;
	if (sscanf(file->old_line, "%*s %15s %u %u", mode, &uid, &gid) != 3) {
		err_set(put_fail(batch, index), ERR_HOST, "ls on the target says what cannot be understood");
		return;
	}
	file->exists = true;
	file->old = (struct packet_attributes){ .flags = ATTRIBUTE_OWNER | ATTRIBUTE_MODE, .uid = uid, .gid = gid,
		.mode = put_shell_mode(mode) };
	if (*mode == 'd')
		err_set(put_fail(batch, index), ERR_HOST, "there is a directory in its place");
}

/* ---- write ---- */

static void put_shell_write_copy(struct put_batch *batch, size_t index, struct buf *script)
{
	const struct put_file *file = &batch->files[index];
	auto_free char *temp = put_shell_word(file->temp), *from = put_shell_word(file->put->from);
	buf_printf(script, "umask 077; set -C; exec cat <%s >%s", from, temp);
}

static void put_shell_judge_copy(struct put_batch *batch, size_t index, const struct wire_outcome *outcome)
{
	if (outcome->ended != WIRE_EXITED || outcome->code != 0)
		remote_error(outcome, put_fail(batch, index), "writing");
}

static int put_shell_stream(struct put_batch *batch, size_t index, const char *bytes, size_t length, struct err *err)
{
	struct put_file *file = &batch->files[index];
	auto_free char *temp = put_shell_word(file->temp);
	auto_free char *script = mem_printf("umask 077; set -C; exec cat >%s", temp);
	struct wire_command command = { .script = script, .input = bytes, .input_length = length, .keep = 64 * 1024 };
	struct wire_outcome outcome = { 0 };
	int status = command_run(batch->identity, &command, &outcome, err);
	if (status == 0)
		put_shell_judge_copy(batch, index, &outcome);
	wire_outcome_release(&outcome);
	const struct wire_watch *watch = &batch->identity->session->watch;
	if (status == 0 && watch->progress)
		watch->progress(watch->context, file->put->path, length, length);
	return status;
}

static int put_shell_stream_local(struct put_batch *batch, size_t index, struct err *err)
{
	struct put_file *file = &batch->files[index];
	auto_close int fd = open(file->put->from, O_RDONLY | O_CLOEXEC | O_NOCTTY);
	struct stat st;
	if (fd < 0 || fstat(fd, &st) < 0 || !S_ISREG(st.st_mode)) {
		err_errno(put_fail(batch, index), ERR_SYSTEM, "reading %s", file->put->from);
		return 0;
	}
	char hex[DIGEST_HEX_MAX];
	size_t length = (size_t)st.st_size;
	char *bytes = length ? mmap(NULL, length, PROT_READ, MAP_PRIVATE, fd, 0) : NULL;
	if (bytes == MAP_FAILED) {
		err_errno(put_fail(batch, index), ERR_SYSTEM, "reading %s", file->put->from);
		return 0;
	}
	digest_bytes("sha1", length ? bytes : "", length, hex);
	memcpy(file->sha1, hex, sizeof(file->sha1));
	file->size = length;
	int status = put_shell_stream(batch, index, length ? bytes : "", length, err);
	if (length)
		munmap(bytes, length);
	return status;
}

static int put_shell_stream_file(struct put_batch *batch, size_t index, struct err *err)
{
	struct put_file *file = &batch->files[index];
	if (file->put->source == WIRE_LOCAL_FILE)
		return put_shell_stream_local(batch, index, err);
	const char *bytes = file->put->bytes ? file->put->bytes : "";
	char hex[DIGEST_HEX_MAX];
	digest_bytes("sha1", bytes, file->put->length, hex);
	memcpy(file->sha1, hex, sizeof(file->sha1));
	file->size = file->put->length;
	return put_shell_stream(batch, index, bytes, file->put->length, err);
}

/* ---- attributes ---- */

static void put_shell_owner_text(struct buf *script, const struct put_file *file, const char *temp)
{
	if (file->wants_uid || file->wants_gid) {
		if (file->uid != UINT32_MAX)
			buf_printf(script, "chown %u %s || exit 1; ", file->uid, temp);
		if (file->gid != UINT32_MAX)
			buf_printf(script, "chgrp %u %s || exit 1; ", file->gid, temp);
	} else if (file->exists) {
		buf_printf(script, "chown %u:%u %s 2>/dev/null || chgrp %u %s 2>/dev/null || %s; ", file->uid, file->gid, temp,
		           file->gid, temp, file->mode & 06000 ? "exit 1" : ":");
	}
}

static void put_shell_write_finish(struct put_batch *batch, size_t index, struct buf *script)
{
	struct put_file *file = &batch->files[index];
	auto_free char *temp = put_shell_word(file->temp);
	put_resolve_attributes(file, UINT32_MAX, UINT32_MAX, batch->identity->umask);
	if (file->put->source != WIRE_REMOTE_FILE)
		buf_printf(script, "n=$(wc -c <%s); [ $((n)) -eq %llu ] || { echo \"$((n)) bytes arrived\" >&2; exit 1; }; ",
		           temp, (unsigned long long)file->size);
	put_shell_owner_text(script, file, temp);
	buf_printf(script, "chmod %04o %s || exit 1; sync %s 2>/dev/null && echo synced; exit 0", file->mode & 07777, temp,
	           temp);
}

static void put_shell_judge_finish(struct put_batch *batch, size_t index, const struct wire_outcome *outcome)
{
	if (outcome->ended != WIRE_EXITED || outcome->code != 0)
		remote_error(outcome, put_fail(batch, index), "setting its owner and mode");
	else
		batch->files[index].result->fsynced = outcome->output.length > 0;
}

int put_shell_send(struct put_batch *batch, struct err *err)
{
	if (put_shell_each(batch, put_shell_write_look, put_shell_judge_look, err) < 0)
		return -1;
	bool here = batch->limit && batch->files[0].put->source == WIRE_REMOTE_FILE; /* all of a window, or none */
	if (here && put_shell_each(batch, put_shell_write_copy, put_shell_judge_copy, err) < 0)
		return -1;
	for (size_t i = 0; !here && i < batch->limit; i++)
		if (put_shell_stream_file(batch, i, err) < 0)
			return -1;
	return put_shell_each(batch, put_shell_write_finish, put_shell_judge_finish, err);
}

/* ---- putting in place ---- */

static void put_shell_time_text(struct buf *script, const char *flag, const struct timespec *time, const char *temp)
{
	struct tm utc;
	if (time->tv_nsec == UTIME_NOW || !gmtime_r(&time->tv_sec, &utc))
		return;
	char day[32], stamp[32];
	strftime(day, sizeof(day), "%Y-%m-%d %H:%M:%S", &utc);
	strftime(stamp, sizeof(stamp), "%Y%m%d%H%M.%S", &utc);
	buf_printf(script, "TZ=UTC0 touch %s -d '%s.%09ld' %s 2>/dev/null || TZ=UTC0 touch %s -t %s %s || exit 1; ", flag, day,
	           time->tv_nsec, temp, flag, stamp, temp);
}

static void put_shell_write_rename(struct put_batch *batch, size_t index, struct buf *script)
{
	const struct put_file *file = &batch->files[index];
	auto_free char *temp = put_shell_word(file->temp), *path = put_shell_word(file->path);
	if (file->put->has_mtime)
		put_shell_time_text(script, "-m", &file->put->mtime, temp);
	if (file->put->has_atime)
		put_shell_time_text(script, "-a", &file->put->atime, temp);
	buf_str(script, "[ \"$(");
	put_shell_look_text(script, path);
	buf_str(script, ")\" = ");
	quote_word(script, file->old_line);
	/* Without -T a directory in its place, or a link to one, would take the file in. */
	buf_printf(script, " ] || { echo 'it was changed by somebody else meanwhile' >&2; exit 1; }; "
	           "mv -fT %s %s 2>/dev/null || { [ -d %s ] && { echo 'mv there cannot replace a link to a directory' >&2; "
	           "exit 1; }; mv -f %s %s; }", temp, path, path, temp, path);
}

static void put_shell_judge_rename(struct put_batch *batch, size_t index, const struct wire_outcome *outcome)
{
	if (outcome->ended != WIRE_EXITED || outcome->code != 0)
		remote_error(outcome, put_fail(batch, index), "putting it in place");
}

int put_shell_rename(struct put_batch *batch, struct err *err)
{
	return put_shell_each(batch, put_shell_write_rename, put_shell_judge_rename, err);
}
