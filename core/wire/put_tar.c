/* Many small new files, or a few that may be there already, in one flight: a tar stream on the stdin of one command.
 *
 * The files are unpacked into folders of their own (0700, with random names that went into the journal first) inside the
 * folders they are for, under their final names. The same command then compares the SHA-1 of each with the list that
 * came as the stream's last member, gives them to their owner, forces them to the disk, sees that nothing is in their
 * places, and moves a whole folder's files by one mv, which renames one by one: each file is there whole or not at all.
 * The list comes last, so that a stream that was cut anywhere fails before anything is moved.
 *
 * A few files go this way where a channel is ready for the command. What is in their places is looked at before and once more
 * after that; regular files keep their owner and mode as in the other ways and are replaced by one rename each.
 *
 * Whatever goes wrong, the command removes its folders and the window goes another way (put_sftp.c, put_shell.c), which
 * does one file after the other and can tell which one failed, and why. */
#include "wire/put.h"

#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/digest.h"
#include "base/mem.h"
#include "base/quote.h"
#include "base/text.h"
#include "wire/command.h"

enum {
	TAR_BLOCK = 512, TAR_RECORD = 20 * TAR_BLOCK /* of zeroes: readers may wait for a whole one */, TAR_NAME = 100,
	TAR_FILE_MOST = 256 * 1024,          /* bytes: bigger ones gain nothing */
	TAR_WINDOW_BYTES = 8 * 1024 * 1024,
	TAR_WINDOW_FILES = 2000,             /* as many names as one exec surely takes */
	TAR_STAGES_MOST = 128,
	TAR_FILES_PER_STAGE = 4,             /* fewer are not worth a process each for their folder */
};

struct tar_header { /* POSIX.1-1988, "ustar" */
	char name[TAR_NAME], mode[8], uid[8], gid[8], size[12], mtime[12], checksum[8], type, link[TAR_NAME];
	char magic[6], version[2], user[32], group[32], major[8], minor[8], prefix[155], padding[12];
};
_Static_assert(sizeof(struct tar_header) == TAR_BLOCK, "a header is one block");

/* Where files of one folder are unpacked: "/folder/.neap-<128 random bits>/". */
struct stage {
	const char *folder; /* of a file's path, borrowed, with its last slash; not terminated there */
	size_t length;
	char *path;
};

struct tar {
	struct put_batch *batch;
	struct stage stages[TAR_STAGES_MOST];
	size_t stage_count;
	char *list_path; /* in the first stage */
	struct buf stream, list;
};

static void tar_release(struct tar *tar)
{
	for (size_t i = 0; i < tar->stage_count; i++)
		free(tar->stages[i].path);
	free(tar->list_path);
	buf_release(&tar->stream);
	buf_release(&tar->list);
}

/* ---- which files go this way ---- */

static size_t put_tar_folder(const char *path)
{
	const char *slash = strrchr(path, '/');
	return slash ? (size_t)(slash - path) + 1 : 0;
}

bool put_tar_name_is_plain(const char *path)
{
	const char *name = path + put_tar_folder(path);
	return *path == '/' && *name && strcmp(name, ".") != 0 && strncmp(name, "..", 2) != 0 && !strpbrk(path, "\\\n\r") &&
	       !strstr(path, "/../");
}

static bool tar_takes(const struct wire_put *put)
{
	bool plain = !put->has_atime && !put->has_mtime && !put->backup && !put->validate && !put->follow &&
	             put_tar_name_is_plain(put->path);
	/* chown takes setuid bits off. */
	return plain && !((put->owner || put->group) && put->has_mode && (put->mode & 07000));
}

bool put_tar_takes(const struct wire_put *put) { return put->is_new && tar_takes(put); }

/* SIZE_MAX: it goes another way. */
static size_t put_tar_size(const struct wire_put *put)
{
	struct stat st;
	if (!tar_takes(put))
		return SIZE_MAX;
	size_t size = put->length;
	if (put->source == WIRE_LOCAL_FILE)
		size = stat(put->from, &st) == 0 && S_ISREG(st.st_mode) && st.st_size >= 0 ? (size_t)st.st_size : SIZE_MAX;
	return put->source == WIRE_REMOTE_FILE || size > TAR_FILE_MOST ? SIZE_MAX : size;
}

/* The stage for that path, made if need be; NULL if there are too many. */
static struct stage *tar_stage(struct tar *tar, const char *path)
{
	size_t length = put_tar_folder(path);
	for (size_t i = tar->stage_count; i; i--) {
		struct stage *stage = &tar->stages[i - 1];
		if (stage->length == length && memcmp(stage->folder, path, length) == 0)
			return stage;
	}
	if (tar->stage_count == TAR_STAGES_MOST)
		return NULL;
	struct stage *stage = &tar->stages[tar->stage_count++];
	*stage = (struct stage){ .folder = path, .length = length };
	return stage;
}

size_t put_tar_count(const struct wire_put *puts, size_t count)
{
	struct tar tar = { 0 };
	size_t n = 0, bytes = 0;
	for (; n < count && n < TAR_WINDOW_FILES && bytes < TAR_WINDOW_BYTES; n++) {
		size_t size = puts[n].is_new ? put_tar_size(&puts[n]) : SIZE_MAX;
		if (size == SIZE_MAX || !text_same(puts[n].owner, puts[0].owner) ||
		    !text_same(puts[n].group, puts[0].group) || !tar_stage(&tar, puts[n].path))
			break;
		bytes += size;
	}
	return n >= PUT_TAR_LEAST && n / TAR_FILES_PER_STAGE >= tar.stage_count ? n : 0;
}

/* What an old file's owner does to setuid bits is for the other ways to sort out. */
bool put_tar_few(const struct wire_put *puts, size_t count)
{
	for (size_t i = 0; i < count; i++) {
		if (count > PUT_TAR_FEW || put_tar_size(&puts[i]) == SIZE_MAX || puts[i].has_mode != puts[0].has_mode ||
		    (puts[i].has_mode && (puts[i].mode & 06000)) || !text_same(puts[i].owner, puts[0].owner) ||
		    !text_same(puts[i].group, puts[0].group))
			return false;
	}
	return true;
}

/* ---- the stream ---- */

#pragma GCC diagnostic push
#pragma GCC diagnostic ignored "-Wformat-truncation" /* sizes and modes are bounded */
static void tar_block(struct buf *stream, const char *name, char type, unsigned mode, uint64_t size)
{
	struct tar_header header = { .type = type, .magic = "ustar", .version = { '0', '0' } };
	size_t length = strlen(name);
	memcpy(header.name, name, length < TAR_NAME ? length : TAR_NAME);
	snprintf(header.mode, sizeof(header.mode), "%07o", mode & 07777);
	snprintf(header.uid, sizeof(header.uid), "%07o", 0);
	snprintf(header.gid, sizeof(header.gid), "%07o", 0);
	snprintf(header.size, sizeof(header.size), "%011llo", (unsigned long long)size);
	snprintf(header.mtime, sizeof(header.mtime), "%011o", 0);
	memset(header.checksum, ' ', sizeof(header.checksum));
	unsigned sum = 0;
	for (size_t i = 0; i < sizeof(header); i++)
		sum += ((const unsigned char *)&header)[i];
	snprintf(header.checksum, sizeof(header.checksum) - 1, "%06o", sum);
	buf_add(stream, &header, sizeof(header));
}
#pragma GCC diagnostic pop

static void tar_zeroes(struct buf *stream, size_t length)
{
	memset(buf_reserve(stream, length), 0, length);
	stream->length += length;
}

void tar_pad(struct buf *stream, uint64_t size)
{
	tar_zeroes(stream, (TAR_BLOCK - size % TAR_BLOCK) % TAR_BLOCK);
}

/* A long name goes before, as GNU tar, busybox and libarchive all read it; busybox does not know pax headers. */
void tar_header(struct buf *stream, const char *name, char type, unsigned mode, uint64_t size)
{
	size_t length = strlen(name);
	if (length > TAR_NAME) {
		tar_block(stream, "././@LongLink", 'L', 0, length + 1);
		buf_add(stream, name, length + 1);
		tar_pad(stream, length + 1);
	}
	tar_block(stream, name, type, mode, size);
}

void tar_member(struct buf *stream, const char *name, unsigned mode, const char *bytes, size_t length)
{
	tar_header(stream, name, '0', mode, length);
	buf_add(stream, bytes, length);
	tar_pad(stream, length);
}

void tar_end(struct buf *stream) { tar_zeroes(stream, TAR_RECORD); }

/* False where the file is not what it was taken for: the way that follows tells. */
static bool tar_file(struct tar *tar, struct put_file *file)
{
	const struct wire_put *put = file->put;
	struct stage *stage = tar_stage(tar, file->path);
	auto_buf struct buf own = BUF_INIT;
	const char *bytes = put->length ? put->bytes : "";
	file->size = put->length;
	if (put->source == WIRE_LOCAL_FILE) {
		auto_close int fd = open(put->from, O_RDONLY | O_CLOEXEC | O_NOCTTY);
		char *room = buf_reserve(&own, TAR_FILE_MOST + 1);
		ssize_t n, length = 0;
		while ((n = read(fd, room + length, (size_t)(TAR_FILE_MOST + 1 - length))) > 0)
			length += n;
		if (n < 0 || length > TAR_FILE_MOST)
			return false;
		bytes = room;
		file->size = (uint64_t)length;
	}
	char hex[DIGEST_HEX_MAX];
	digest_bytes("sha1", bytes, (size_t)file->size, hex);
	memcpy(file->result->sha1, hex, sizeof(file->result->sha1));
	if (!stage || (put->sha1 && strcmp(put->sha1, hex) != 0))
		return false;
	auto_free char *name = mem_printf("%s%s", stage->path + 1, file->path + stage->length);
	put_resolve_attributes(file, UINT32_MAX, UINT32_MAX, tar->batch->identity->umask);
	tar_member(&tar->stream, name, file->mode, bytes, (size_t)file->size);
	buf_printf(&tar->list, "%s  %s\n", hex, name);
	return true;
}

static void tar_stage_name(struct tar *tar, struct stage *stage)
{
	auto_free char *beside = mem_printf("%.*sneap", (int)stage->length, stage->folder);
	auto_free char *path = journal_temporary(beside);
	stage->path = mem_printf("%s/", path);
	journal_add(&tar->batch->identity->journal, stage->path);
}

static bool tar_build(struct tar *tar)
{
	struct put_batch *batch = tar->batch;
	for (size_t i = 0; i < batch->count; i++)
		if (!tar_stage(tar, batch->files[i].path))
			return false;
	for (size_t i = 0; i < tar->stage_count; i++)
		tar_stage_name(tar, &tar->stages[i]);
	for (size_t i = 0; i < batch->count; i++)
		if (!tar_file(tar, &batch->files[i]))
			return false;
	char random[DIGEST_RANDOM_HEX]; /* as nothing of the files' names may be */
	digest_random(random);
	tar->list_path = mem_printf("%slist-%s", tar->stages[0].path, random);
	tar_member(&tar->stream, tar->list_path + 1, 0600, tar->list.data, tar->list.length);
	tar_end(&tar->stream);
	return true;
}

/* ---- the command ---- */

/* Runs a function with the words' first as its folder: $neap_s is where the files are, $neap_d where they are to go, and
 * the words are the files. */
static const char tar_each[] =
	"neap_each() { neap_do=$1 neap_s=$2; neap_d=${2%/*}; neap_d=${neap_d%/*}/; set -- \"$neap_s\".[!.]*; "
	"[ -e \"$1\" ] || shift; set -- \"$neap_s\"* \"$@\"; [ -e \"$1\" ] || shift; $neap_do \"$@\"; }\n"
	"neap_free() { for neap_f; do neap_f=$neap_d${neap_f##*/}; "
	"[ ! -e \"$neap_f\" ] && [ ! -L \"$neap_f\" ] || return 1; done; }\n"
	"neap_move() { mv -n \"$@\" \"$neap_d\"; }\n"
	"neap_sync() { sync \"$@\" 2>/dev/null || sync; }\n";

/* tar writes by path: whoever could put a link in a stage's place could lead it elsewhere. So the folders must be ours, and
 * writable by nobody else or sticky. The slash at their end looks through links. */
void tar_safe_text(struct buf *script)
{
	static const char safe[] =
		"neap_safe() { for neap_i; do shift; neap_d=${neap_i%/*}; neap_d=${neap_d%/*}/; [ -O \"$neap_d\" ] || return 1; "
		"set -- \"$@\" \"$neap_d\"; done; ls -ldn \"$@\" | while read -r neap_m neap_i; do case $neap_m in "
		"d????[!w]??[!w]*|d????????[tT]*) ;; *) exit 1;; esac; done; }\n";
	buf_str(script, safe);
}

static void tar_owner_text(const struct put_file *file, struct buf *script)
{
	if (!file->wants_uid && !file->wants_gid)
		return;
	buf_str(script, "neap_own() { ");
	if (file->wants_uid && file->wants_gid)
		buf_printf(script, "chown -h %u:%u", file->uid, file->gid);
	else
		buf_printf(script, "%s -h %u", file->wants_uid ? "chown" : "chgrp", file->wants_uid ? file->uid : file->gid);
	buf_str(script, " \"$@\"; }\n");
}

/* neap_keep: what the first word's file has to have of the second's, which is in its place. $neap_a is its owner. */
static void tar_keep_text(const struct put_file *file, struct buf *script)
{
	buf_str(script, "neap_keep() { [ -e \"$2\" ] || [ -L \"$2\" ] || return 0; [ -f \"$2\" ] && [ ! -L \"$2\" ] && "
	        "neap_a=$(stat -c '%u %g %a' \"$2\") || return 1; set -- \"$1\" $neap_a\n");
	/* What was not asked for is kept where that is allowed. */
	static const char *const keeps[2][2] = {
		{ "chown -h \"$2:$3\" \"$1\" 2>/dev/null || chgrp -h \"$3\" \"$1\" 2>/dev/null", "chown -h \"$2\" \"$1\" 2>/dev/null" },
		{ "chgrp -h \"$3\" \"$1\" 2>/dev/null", ":" },
	};
	buf_printf(script, "%s || [ \"$4\" -lt 2000 ] || return 1\n", keeps[file->wants_uid][file->wants_gid]);
	buf_str(script, file->put->has_mode ? "}\n" : "chmod \"$4\" \"$1\"; }\n");
}

/* Without -T a folder in its place would take the file in. */
static const char tar_replace[] =
	"neap_replace() { mv -fT \"$@\" 2>/dev/null || { [ ! -d \"$2\" ] && mv -f \"$@\"; }; }\n";

/* Adds a call of the function for each file, with what is in the stage and its place as words. */
static void tar_each_few(const struct tar *tar, const char *function, struct buf *script)
{
	for (size_t i = 0; i < tar->batch->count; i++) {
		const char *path = tar->batch->files[i].path;
		size_t length = put_tar_folder(path);
		const struct stage *stage = tar->stages;
		while (stage->length != length || memcmp(stage->folder, path, length) != 0)
			stage++;
		auto_free char *staged = mem_printf("%s%s", stage->path, path + length);
		buf_printf(script, "%s ", function);
		quote_word(script, staged);
		buf_char(script, ' ');
		quote_word(script, path);
		buf_str(script, " || return 1\n");
	}
}

/* As the many below, with words for each file. */
static void tar_script_few(const struct tar *tar, struct buf *script)
{
	tar_keep_text(&tar->batch->files[0], script);
	buf_str(script, tar_replace);
	buf_str(script, "neap_look() { stat -c '%n %f %u %g %s %Y %i'");
	for (size_t i = 0; i < tar->batch->count; i++) {
		buf_char(script, ' ');
		quote_word(script, tar->batch->files[i].path);
	}
	buf_str(script, " 2>/dev/null; :; }\n"
	        "neap_few() { neap_was=$(neap_look); neap_in \"$@\" || return 1\n");
	tar_each_few(tar, "neap_keep", script);
	buf_str(script, "for neap_i; do neap_each neap_sync \"$neap_i\" || return 1; done\n"
	        "[ \"$(neap_look)\" = \"$neap_was\" ] || return 1\n");
	tar_each_few(tar, "neap_replace", script);
	buf_str(script, "rmdir \"$@\"; }\n");
}

static void tar_script_many(struct buf *script)
{
	buf_str(script, "neap_many() { neap_in \"$@\" || return 1\n"
	        "sync -f \"$@\" 2>/dev/null || sync\n"
	        "for neap_i; do neap_each neap_free \"$neap_i\" && neap_each neap_move \"$neap_i\" || return 1; done\n"
	        "rmdir \"$@\"; }\n");
}

static void tar_script(const struct tar *tar, struct buf *script)
{
	const struct put_file *file = &tar->batch->files[0];
	bool owned = file->wants_uid || file->wants_gid;
	buf_str(script, "LC_ALL=C; export LC_ALL; umask 077; cd / || exit 1; neap_t= neap_h=\n"
	        "command -v tar >/dev/null 2>&1 || neap_t=busybox; command -v sha1sum >/dev/null 2>&1 || neap_h=busybox\n");
	buf_str(script, tar_each);
	tar_safe_text(script);
	tar_owner_text(file, script);
	buf_str(script, "neap_list=");
	quote_word(script, tar->list_path);
	buf_printf(script, "\nneap_in() { neap_safe \"$@\" && mkdir \"$@\" && $neap_t tar -xpmof - && "
	           "[ \"$($neap_h sha1sum -c \"$neap_list\" 2>/dev/null | grep -c ': OK$')\" = %zu ] && "
	           "rm \"$neap_list\" || return 1\n%s}\n", tar->batch->count,
	           owned ? "for neap_i; do neap_each neap_own \"$neap_i\" || return 1; done\n" : "");
	if (tar->batch->few)
		tar_script_few(tar, script);
	else
		tar_script_many(script);
	buf_str(script, "set --");
	for (size_t i = 0; i < tar->stage_count; i++) {
		buf_char(script, ' ');
		quote_word(script, tar->stages[i].path);
	}
	buf_printf(script, "\nneap_%s \"$@\" && exit 0; rm -rf \"$@\"; exit 1", tar->batch->few ? "few" : "many");
}

static void tar_done(struct tar *tar)
{
	struct put_batch *batch = tar->batch;
	const struct wire_watch *watch = &batch->identity->session->watch;
	for (size_t i = 0; i < tar->stage_count; i++)
		journal_drop(&batch->identity->journal, tar->stages[i].path);
	for (size_t i = 0; i < batch->count; i++) {
		batch->files[i].result->fsynced = true;
		if (watch->progress)
			watch->progress(watch->context, batch->files[i].put->path, batch->files[i].size, batch->files[i].size);
	}
}

int put_tar(struct put_batch *batch, bool more, struct err *err)
{
	auto_(tar_release) struct tar tar = { .batch = batch };
	auto_buf struct buf script = BUF_INIT;
	if (!tar_build(&tar))
		return 0;
	tar_script(&tar, &script);
	struct wire_command command = { .script = script.data, .input = tar.stream.data, .input_length = tar.stream.length,
		.keep = 4096, .timeout_ms = REMOTE_PATIENCE_MS, .last = !more };
	struct wire_outcome outcome = { 0 };
	int status = command_run(batch->identity, &command, &outcome, err);
	bool ok = status == 0 && outcome.ended == WIRE_EXITED && outcome.code == 0;
	if (ok)
		tar_done(&tar);
	else if (batch->few)
		batch->identity->no_few = true;
	else
		batch->identity->no_tar = true; /* once is enough to know it cannot be relied on there */
	wire_outcome_release(&outcome);
	return status < 0 ? -1 : ok;
}
