/* Writing files so that each is old or new, never half.
 *
 * In order: what is there is looked at; a temporary file with a random name is made beside it, for its owner only, after
 * its name went into the journal; the bytes are written; owner, mode and times are set, in this order; it is forced to the
 * disk where the server can do that; its size is compared, and its hash as the target reads it, because sizes agree even
 * after a lying write; it is validated; the old file is kept by a hard link; what is there is looked at again, and a
 * change since is an error; only then the temporary file is renamed over it. Nothing is ever unlinked first. Whatever
 * fails, the temporary file is removed.
 *
 * Files go through in windows: each step of a whole window is one flight, so that a thousand small files cost about as
 * many round trips as one. A failure at one file keeps that file and those behind it from being put in place. Small files
 * that are all new go as a tar stream first (put_tar.c): if that fails, they go the way of the others. */
#include "wire/put.h"

#include <fcntl.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/digest.h"
#include "base/mem.h"
#include "base/quote.h"
#include "wire/command.h"

enum {
	PUT_WINDOW = 1000, PUT_WINDOW_SMALL = 64, PUT_CLEAN_MS = 30000,
	PUT_ALONE_LEAST = 32 * 1024 * 1024, /* bytes: its transfer takes longer than the round trips of a window */
};

struct err *put_fail(struct put_batch *batch, size_t index)
{
	if (index >= batch->limit)
		return NULL;
	batch->limit = index;
	batch->retry = false;
	return batch->err;
}

struct err *put_fail_arrived(struct put_batch *batch, size_t index)
{
	batch->delta.doubted = batch->delta.copied && index < batch->limit;
	return put_fail(batch, index);
}

void put_resolve_attributes(struct put_file *file, uint32_t own_uid, uint32_t own_gid, long umask)
{
	if (!file->wants_uid)
		file->uid = file->exists && (file->old.flags & ATTRIBUTE_OWNER) ? file->old.uid : own_uid;
	if (!file->wants_gid)
		file->gid = file->exists && (file->old.flags & ATTRIBUTE_OWNER) ? file->old.gid : own_gid;
	if (file->put->has_mode)
		file->mode = file->put->mode & 07777;
	else if (file->exists && (file->old.flags & ATTRIBUTE_MODE) && (file->old.mode & S_IFMT) != S_IFLNK)
		file->mode = file->old.mode & 07777;
	else
		file->mode = 0666u & ~(uint32_t)umask;
}

/* ---- what has to be known before ---- */

struct put_name { const char *name; bool group; uint32_t id; };

struct put_names { struct put_name *items; size_t count, room; }; /* asked once in a call */

static int put_name_find(struct put_names *names, struct identity *identity, bool group, const char *name, uint32_t *id,
                         struct err *err)
{
	for (size_t i = 0; i < names->count; i++)
		if (names->items[i].group == group && strcmp(names->items[i].name, name) == 0) {
			*id = names->items[i].id;
			return 0;
		}
	if (remote_id(identity, group, name, id, err) < 0)
		return -1;
	mem_grow(names->items, names->count, names->room);
	names->items[names->count++] = (struct put_name){ name, group, *id };
	return 0;
}

/* Names become numbers; what is followed is resolved; the umask is learnt where it will matter. */
static int put_prepare_file(struct put_batch *batch, size_t index, struct put_names *names, struct err *err)
{
	struct put_file *file = &batch->files[index];
	const struct wire_put *put = file->put;
	file->wants_uid = put->owner != NULL;
	file->wants_gid = put->group != NULL;
	if (put->owner && put_name_find(names, batch->identity, false, put->owner, &file->uid, err) < 0)
		return -1;
	if (put->group && put_name_find(names, batch->identity, true, put->group, &file->gid, err) < 0)
		return -1;
	if (!put->has_mode && remote_umask(batch->identity, err) < 0)
		return -1;
	return 0;
}

static int put_follow(struct put_batch *batch, struct err *err)
{
	auto_buf struct buf script = BUF_INIT;
	size_t *which = mem_array(batch->count, sizeof(*which)), count = 0;
	for (size_t i = 0; i < batch->count; i++) {
		if (!batch->files[i].put->follow)
			continue;
		auto_buf struct buf word = BUF_INIT;
		quote_word(&word, batch->files[i].path);
		/* A step at a time: readlink -f of a link to nothing is wrong in some versions of busybox. */
		buf_printf(&script, "p=%s n=0; while [ -L \"$p\" ] && [ $n -lt 40 ]; do l=$(readlink \"$p\"); n=$((n+1)); "
		           "case $l in /*) p=$l;; *) p=$(dirname \"$p\")/$l;; esac; done; printf '%%s\\0' \"$p\"; ", word.data);
		which[count++] = i;
	}
	struct wire_outcome outcome = { 0 };
	int status = count ? remote_run(batch->identity, script.data, &outcome, err) : 0;
	const char *at = buf_text(&outcome.output), *end = at + outcome.output.length;
	for (size_t i = 0; status == 0 && i < count && at < end; i++, at += strlen(at) + 1) {
		if (!*at)
			continue;
		free(batch->files[which[i]].path);
		batch->files[which[i]].path = mem_strdup(at);
	}
	wire_outcome_release(&outcome);
	free(which);
	return status;
}

/* ---- checks between writing and putting in place ---- */

struct put_readback { struct digest *digest; };

static void put_readback_take(void *context, bool is_stderr, const char *bytes, size_t length)
{
	if (!is_stderr)
		digest_update(((struct put_readback *)context)->digest, bytes, length);
}

/* Where the target has no tool that hashes, the file comes back. */
static int put_readback(struct identity *identity, const char *path, char sha1[REMOTE_SHA1], struct err *err)
{
	auto_buf struct buf script = BUF_INIT;
	buf_str(&script, *path == '/' ? "exec cat <" : "exec cat <./");
	quote_word(&script, path);
	struct put_readback readback = { digest_new("sha1") };
	struct wire_command command = { .script = script.data, .keep = 4096, .output = put_readback_take,
		.context = &readback };
	struct wire_outcome outcome = { 0 };
	char hex[DIGEST_HEX_MAX];
	int status = command_run(identity, &command, &outcome, err);
	digest_final(readback.digest, hex);
	memcpy(sha1, hex, REMOTE_SHA1 - 1);
	sha1[REMOTE_SHA1 - 1] = '\0';
	if (status == 0 && (outcome.ended != WIRE_EXITED || outcome.code != 0))
		status = remote_error(&outcome, err, "reading back what was written");
	wire_outcome_release(&outcome);
	return status;
}

char *put_folder(const char *path)
{
	const char *slash = strrchr(path, '/');
	return slash > path ? mem_strndup(path, (size_t)(slash - path)) : mem_strdup(slash ? "/" : ".");
}

/* Forces the file systems of all directories to the disk; where only all of them can be, all of them. */
static void put_sync_text(const struct put_batch *batch, struct buf *script)
{
	auto_free char *last = NULL;
	buf_str(script, "sync -f");
	for (size_t i = 0; i < batch->limit; i++) {
		auto_free char *folder = put_folder(batch->files[i].temp);
		if (last && strcmp(folder, last) == 0)
			continue;
		buf_str(script, *folder == '-' ? " ./" : " ");
		quote_word(script, folder);
		free(last);
		last = steal(folder);
	}
	buf_str(script, " 2>/dev/null || sync");
}

static int put_hashes(struct put_batch *batch, const char *const *paths, size_t count, char (*sha1)[REMOTE_SHA1],
                      struct err *err)
{
	auto_buf struct buf sync = BUF_INIT;
	if (batch->syncs_together && batch->limit)
		put_sync_text(batch, &sync);
	int status = count ? remote_sha1(batch->identity, buf_text(&sync), paths, count, sha1, err) : 1;
	for (size_t i = 0; status >= 0 && sync.length && i < batch->limit; i++)
		batch->files[i].result->fsynced = true;
	for (size_t i = 0; status == 0 && i < count; i++)
		if (put_readback(batch->identity, paths[i], sha1[i], err) < 0)
			return -1;
	return status < 0 ? -1 : 0;
}

/* Whether a source on this machine is what arrived, and not what it was when its hash was taken. */
static bool put_source_is(const struct wire_put *put, const char *arrived)
{
	char hex[DIGEST_HEX_MAX];
	struct err ignored = ERR_INIT;
	auto_close int fd = put->source == WIRE_LOCAL_FILE ? open(put->from, O_RDONLY | O_CLOEXEC | O_NOCTTY) : -1;
	return fd >= 0 && digest_fd("sha1", fd, hex, &ignored) == 0 && strcmp(hex, arrived) == 0;
}

static void put_judge_hash(struct put_batch *batch, size_t index, const char *source, const char *arrived)
{
	struct put_file *file = &batch->files[index];
	const char *wanted = file->put->sha1 ? file->put->sha1 : source;
	bool has_arrived = strcmp(arrived, wanted) == 0, has_changed = strcmp(source, wanted) != 0;
	if (has_arrived && !has_changed)
		memcpy(file->result->sha1, wanted, sizeof(file->result->sha1));
	else if (has_changed || put_source_is(file->put, arrived))
		err_set(put_fail(batch, index), ERR_HOST, "the source has SHA-1 %s and should have %s: it has changed meanwhile",
		        has_changed ? source : arrived, wanted);
	else
		err_set(put_fail_arrived(batch, index), ERR_HOST, "what arrived has SHA-1 %s and should have %s", arrived, wanted);
}

/* 1: what was hashed while it came is what it should be; 0: it has to be looked at; -1: the connection is lost. */
static int put_verify_growing(struct put_batch *batch, struct err *err)
{
	struct put_file *file = &batch->files[0];
	char sha1[REMOTE_SHA1] = "";
	if (batch->growing.started && file->size != batch->growing_size)
		remote_sha1_drop(batch->identity, &batch->growing);
	if (remote_sha1_finish(batch->identity, &batch->growing, sha1, err) < 0) {
		if (err->kind != ERR_HOST)
			return -1;
		err_clear(err);
	}
	const char *wanted = file->put->sha1 ? file->put->sha1 : file->sha1;
	if (!*sha1 || strcmp(sha1, wanted) != 0 || strcmp(sha1, file->sha1) != 0)
		return 0;
	memcpy(file->result->sha1, sha1, sizeof(file->result->sha1));
	return 1;
}

/* The first half of the paths are the temporary files; the others the sources that are on the target themselves. */
static int put_verify(struct put_batch *batch, struct err *err)
{
	size_t count = batch->limit, sources = 0;
	int known = batch->growing.started ? put_verify_growing(batch, err) : 0;
	if (known)
		return known < 0 ? -1 : 0;
	const char **paths = mem_array(2 * count, sizeof(*paths));
	char (*sha1)[REMOTE_SHA1] = mem_array(2 * count, sizeof(*sha1));
	for (size_t i = 0; i < count; i++) {
		paths[i] = batch->files[i].temp;
		if (!*batch->files[i].sha1)
			paths[count + sources++] = batch->files[i].put->from;
	}
	int status = put_hashes(batch, paths, count + sources, sha1, err);
	for (size_t i = 0, source = count; status == 0 && i < count; i++) {
		const char *sent = *batch->files[i].sha1 ? batch->files[i].sha1 : sha1[source++];
		put_judge_hash(batch, i, sent, sha1[i]);
	}
	free(paths);
	free(sha1);
	return status;
}

static void put_validate_text(struct buf *script, const char *validate, const char *temp)
{
	for (const char *at = validate; *at; at++) {
		if (at[0] == '%' && at[1] == 's') {
			quote_word(script, temp);
			at++;
		} else {
			buf_char(script, *at);
		}
	}
}

static int put_validate(struct put_batch *batch, size_t index, struct err *err)
{
	struct put_file *file = &batch->files[index];
	if (!file->put->validate)
		return 0;
	auto_buf struct buf script = BUF_INIT;
	put_validate_text(&script, file->put->validate, file->temp);
	struct wire_command command = { .script = buf_text(&script) };
	struct wire_outcome outcome = { 0 };
	int status = command_run(batch->identity, &command, &outcome, err);
	if (status < 0 || (outcome.ended == WIRE_EXITED && outcome.code == 0)) {
		wire_outcome_release(&outcome);
		return status;
	}
	remote_error(&outcome, put_fail(batch, index), "validating the new content");
	file->result->validate_failed = true;
	file->result->validate = outcome;
	return 0;
}

/* A name that is taken gets a copy written over it only where hard links cannot be made. */
static int put_backup(struct put_batch *batch, size_t index, struct err *err)
{
	struct put_file *file = &batch->files[index];
	if (!file->put->backup || !file->exists)
		return 0;
	auto_buf struct buf names = BUF_INIT;
	quote_word(&names, file->path);
	buf_char(&names, ' ');
	quote_word(&names, file->put->backup);
	auto_free char *script = mem_printf("ln -- %s 2>/dev/null || cp -p -- %s", names.data, names.data);
	struct wire_outcome outcome;
	int status = remote_run(batch->identity, script, &outcome, err);
	file->result->backed_up = status == 0 && outcome.ended == WIRE_EXITED && outcome.code == 0;
	if (status == 0 && !file->result->backed_up)
		remote_error(&outcome, put_fail(batch, index), "keeping the old file");
	wire_outcome_release(&outcome);
	return status;
}

static int put_check_each(struct put_batch *batch, struct err *err)
{
	for (size_t i = 0; i < batch->limit; i++)
		if (put_validate(batch, i, err) < 0)
			return -1;
	for (size_t i = 0; i < batch->limit; i++)
		if (put_backup(batch, i, err) < 0)
			return -1;
	return 0;
}

/* ---- a window ---- */

/* Whether the second look may fly together with the hashes: nothing that takes its time lies between. */
static bool put_looks_early(const struct put_batch *batch)
{
	for (size_t i = 0; i < batch->limit; i++) {
		const struct wire_put *put = batch->files[i].put;
		if (put->validate || put->backup || put->has_atime)
			return false;
	}
	return true;
}

static int put_window_sftp(struct put_batch *batch, struct err *err)
{
	int status = put_sftp_send(batch, err);
	if (status < 0 || batch->limit < batch->count)
		remote_sha1_drop(batch->identity, &batch->growing);
	if (status < 0)
		return -1;
	bool early = put_looks_early(batch);
	if (early)
		put_sftp_ask_again(batch);
	if (put_verify(batch, err) < 0 || put_check_each(batch, err) < 0)
		return -1;
	if (!early)
		put_sftp_ask_again(batch);
	if (put_sftp_look_again(batch, err) < 0)
		return -1;
	return put_sftp_rename(batch, err);
}

static int put_window_shell(struct put_batch *batch, struct err *err)
{
	if (put_shell_send(batch, err) < 0 || put_verify(batch, err) < 0 || put_check_each(batch, err) < 0)
		return -1;
	return put_shell_rename(batch, err);
}

/* Names, umask, and what is followed. */
static int put_window_prepare(struct put_batch *batch, struct err *err)
{
	struct put_names names = { 0 };
	int status = put_follow(batch, err);
	for (size_t i = 0; status == 0 && i < batch->limit; i++)
		if (put_prepare_file(batch, i, &names, batch->err) < 0) {
			if (batch->err->kind != ERR_HOST) {
				*err = *batch->err;
				status = -1;
			}
			put_fail(batch, i);
		}
	free(names.items);
	return status;
}

static int put_window_steps(struct put_batch *batch, struct err *err)
{
	if (put_window_prepare(batch, err) < 0)
		return -1;
	int at_once = batch->tar && batch->limit == batch->count ? put_tar(batch, batch->more, err) : 0;
	if (at_once)
		return at_once < 0 ? -1 : 0;
	for (size_t i = 0; i < batch->count; i++) {
		struct put_file *file = &batch->files[i];
		file->temp = journal_temporary(file->path);
		journal_add(&batch->identity->journal, file->temp);
	}
	bool shell = batch->identity->no_sftp || batch->files[0].put->source == WIRE_REMOTE_FILE;
	if (!shell && put_window_sftp(batch, err) < 0) {
		struct identity *identity = batch->identity;
		if (identity->sftp && sftp_absent(identity->sftp))
			identity->no_sftp = true;
		identity_drop_sftp(identity);
		return -1;
	}
	return shell ? put_window_shell(batch, err) : 0;
}

static void put_file_release(struct put_file *file)
{
	free(file->path);
	free(file->temp);
	free(file->old_line);
}

int put_clean(struct identity *identity, bool late, int64_t deadline, struct err *err)
{
	if (!identity->journal.count)
		return 0;
	auto_buf struct buf script = BUF_INIT;
	journal_script(&identity->journal, &script);
	if (late) {
		buf_str(&script, "\nsleep 1\n");
		journal_script(&identity->journal, &script);
	}
	struct wire_command command = { .script = script.data };
	struct wire_outcome outcome = { 0 };
	int status = identity_batch(identity, &command, &outcome, 1, false, deadline, err);
	if (status == 0)
		journal_clear(&identity->journal);
	wire_outcome_release(&outcome);
	return status;
}

int put_batch(struct identity *identity, const struct wire_command *commands, struct wire_outcome *outcomes, size_t count,
              bool stop, int64_t deadline, struct err *err)
{
	struct err ignored = ERR_INIT;
	bool left = false;
	for (size_t i = 0; i < count; i++)
		if (commands[i].temporary)
			journal_add(&identity->journal, commands[i].temporary);
	int status = identity_batch(identity, commands, outcomes, count, stop, deadline, err);
	if (status < 0 && (err->kind == ERR_UNREACHABLE || err->kind == ERR_INTERRUPTED))
		return -1; /* the wire cleans up, over a new connection or when it closes */
	for (size_t i = 0; status == 0 && i < count; i++) {
		bool gone = outcomes[i].not_run || (outcomes[i].ended == WIRE_EXITED && outcomes[i].code == 0);
		left = left || (commands[i].temporary && !gone);
		if (commands[i].temporary && gone)
			journal_drop(&identity->journal, commands[i].temporary);
	}
	if (status < 0 || left)
		(void)!put_clean(identity, status < 0, clock_deadline(PUT_CLEAN_MS), &ignored);
	return status;
}

/* Removes what was not renamed; the error that led here is the one to be told. */
static void put_window_clean(struct put_batch *batch, bool lost, const struct err *err)
{
	struct err ignored = ERR_INIT;
	if (lost && (err->kind == ERR_UNREACHABLE || err->kind == ERR_INTERRUPTED))
		return; /* the wire cleans up, over a new connection or when it closes */
	for (size_t i = 0; !lost && i < batch->limit; i++)
		if (batch->files[i].temp)
			journal_drop(&batch->identity->journal, batch->files[i].temp);
	if (put_clean(batch->identity, lost, clock_deadline(PUT_CLEAN_MS), &ignored) < 0)
		return;
}

/* Returns how many of the window are in place; *err is set if that is not all, unless retry. */
static size_t put_window(struct put_batch *batch, bool *failed, struct err *err)
{
	int status = put_window_steps(batch, err);
	if (status == 0 && batch->delta.doubted) {
		err_clear(err);
		batch->retry = true;
	}
	if (status == 0 && batch->limit < batch->count && !batch->retry)
		put_sftp_explain(batch);
	put_window_clean(batch, status < 0, err);
	*failed = status < 0 || (batch->limit < batch->count && !batch->retry);
	if (status == 0 && *failed)
		err_wrap(err, "writing %s", batch->files[batch->limit].put->path);
	return status < 0 ? 0 : batch->limit;
}

/* A big file that is there already is worth a window of its own: most of it may not have to be sent. */
static bool put_goes_alone(const struct wire_put *put)
{
	struct stat st;
	return put->source == WIRE_LOCAL_FILE && !put->is_new && stat(put->from, &st) == 0 && st.st_size >= PUT_ALONE_LEAST;
}

/* How many of the puts go together: sources on the target go another way than those that are sent. */
static size_t put_window_count(const struct wire_put *puts, size_t count, size_t most)
{
	size_t n = 1;
	if (count > 1 && put_goes_alone(&puts[0]))
		return 1;
	while (n < count && n < most && (puts[n].source == WIRE_REMOTE_FILE) == (puts[0].source == WIRE_REMOTE_FILE) &&
	       !put_goes_alone(&puts[n]))
		n++;
	return n;
}

/* How many go together, and how. A few files are no reason to open a channel: they take one that is ready. */
static void put_window_choose(struct put_batch *batch, const struct wire_put *puts, size_t count, size_t most)
{
	const struct identity *identity = batch->identity;
	size_t at_once = identity->no_tar ? 0 : put_tar_count(puts, count);
	if (!at_once && identity->spare && !identity->no_tar && !identity->no_few && put_tar_few(puts, count)) {
		batch->few = true;
		at_once = count;
	}
	batch->tar = at_once != 0;
	batch->count = batch->limit = at_once ? at_once : put_window_count(puts, count, most);
	batch->more = batch->few || batch->count < count;
}

int put_files(struct identity *identity, const struct wire_put *puts, struct wire_put_result *results, size_t count,
              size_t *done, struct err *err)
{
	size_t most = PUT_WINDOW;
	bool whole = false;
	*done = 0;
	while (*done < count) {
		struct put_batch batch = { .identity = identity, .err = err, .whole = whole };
		put_window_choose(&batch, puts + *done, count - *done, most);
		batch.files = mem_array(batch.count, sizeof(*batch.files));
		for (size_t i = 0; i < batch.count; i++) {
			batch.files[i].put = &puts[*done + i];
			batch.files[i].result = &results[*done + i];
			batch.files[i].path = mem_strdup(puts[*done + i].path);
		}
		bool failed, had_sftp = !identity->no_sftp;
		*done += put_window(&batch, &failed, err);
		whole = batch.delta.doubted;
		if (batch.retry && !whole)
			most = PUT_WINDOW_SMALL;
		for (size_t i = 0; i < batch.count; i++)
			put_file_release(&batch.files[i]);
		free(batch.files);
		put_delta_release(&batch.delta);
		if (failed && had_sftp && identity->no_sftp)
			err_clear(err); /* once more, through the shell */
		else if (failed)
			return -1;
	}
	return 0;
}
