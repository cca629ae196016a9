/* A big file of which the target has most already: only the blocks that differ are sent.
 *
 * Over a fast line reading and hashing the old file costs more than sending the new one. So the line is measured: the
 * first MB is sent and waited for, and only where that took longer than 25 ms (40 MB/s at most; target and shell together
 * manage about 100) the target is asked to compare. One script gets the SHA-1 of each whole block of the new file. It looks
 * at every eighth block of the old one, and where none of those is the same it ends, and the file is sent whole from
 * the second MB on. Else it copies the old file into the temporary one, which is its owner's alone, and says which blocks of
 * that copy are the same; the others are written over it. Blocks are compared where they are: what was appended to, or
 * changed in place, is found, what was moved is not.
 *
 * All that follows is as for a file that was sent whole: its hash, as the target reads it, has to be right before it is put in
 * place. Where it is not, for whatever reason, the file is sent once more, whole. */
#include "wire/put.h"

#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/digest.h"
#include "base/mem.h"
#include "base/quote.h"

enum {
	DELTA_LEAST = 4 * 1024 * 1024, /* bytes of both files */
	DELTA_PROBE = 1024 * 1024,     /* bytes that measure the line */
	DELTA_SLOW_MS = 25,            /* for them */
	DELTA_BLOCK = 1024 * 1024,     /* bytes; a multiple of it where there would be more blocks than: */
	DELTA_BLOCKS_MOST = 2048,      /* each costs the target three processes */
	DELTA_PART = 128 * 1024,
	DELTA_TYPE = 0170000, DELTA_REGULAR = 0100000,
};

void put_delta_release(struct put_delta *delta) { free(delta->same); }

/* ---- the new file ---- */

/* Up to length bytes from offset on. -1: it cannot be read; the transfer itself tells why. */
static ssize_t delta_read(const struct wire_put *put, int fd, uint64_t offset, char *bytes, size_t length)
{
	if (put->source == WIRE_LOCAL_FILE)
		return pread(fd, bytes, length, (off_t)offset);
	size_t part = put->length - offset < length ? put->length - (size_t)offset : length;
	memcpy(bytes, put->bytes + offset, part);
	return (ssize_t)part;
}

static bool delta_hash(const struct wire_put *put, int fd, uint64_t offset, size_t block, char hex[DIGEST_HEX_MAX])
{
	auto_free char *part = mem_alloc(DELTA_PART);
	struct digest *digest = digest_new("sha1");
	size_t done = 0;
	for (ssize_t n = 0; done < block; done += (size_t)n) {
		n = delta_read(put, fd, offset + done, part, block - done < DELTA_PART ? block - done : DELTA_PART);
		if (n <= 0)
			break;
		digest_update(digest, part, (size_t)n);
	}
	digest_final(digest, hex);
	return done == block;
}

/* ---- whether it is worth it ---- */

static bool delta_fits(const struct put_batch *batch, int fd, uint64_t *size)
{
	const struct put_file *file = &batch->files[0];
	struct stat st = { .st_mode = S_IFREG, .st_size = (off_t)file->put->length };
	if (batch->whole || batch->count != 1 || batch->limit != 1 || !file->exists ||
	    (file->put->source == WIRE_LOCAL_FILE && (fd < 0 || fstat(fd, &st) < 0)))
		return false;
	*size = (uint64_t)st.st_size;
	return S_ISREG(st.st_mode) && st.st_size >= DELTA_LEAST && (file->old.flags & ATTRIBUTE_MODE) &&
	       (file->old.mode & DELTA_TYPE) == DELTA_REGULAR && (file->old.flags & ATTRIBUTE_SIZE) &&
	       file->old.size >= DELTA_LEAST;
}

/* Sends the beginning. 1: the line is slow; 0: it is not, or the file failed; -1: the connection is lost. */
static int delta_measure(struct put_batch *batch, struct sftp *sftp, int fd, struct err *err)
{
	struct put_file *file = &batch->files[0];
	auto_free char *bytes = mem_alloc(DELTA_PROBE);
	ssize_t n = delta_read(file->put, fd, 0, bytes, DELTA_PROBE);
	if (n < DELTA_PROBE)
		return 0;
	int64_t before = clock_ms();
	if (put_sftp_write_bytes(batch, sftp, file, 0, bytes, DELTA_PROBE, err) < 0 || sftp_wait(sftp, 0, 0, err) < 0)
		return -1;
	batch->delta.sent = DELTA_PROBE;
	return file->write.status == STATUS_OK && clock_ms() - before > DELTA_SLOW_MS;
}

/* ---- the target's part ---- */

/* "copied" goes out before the temporary file is touched; then the numbers of the blocks that are the same, and "done". */
static const char delta_compare[] =
	"neap_safe \"$neap_t/\" && [ -f \"$neap_o\" ] && [ ! -L \"$neap_o\" ] || exit 1\n"
	"neap_y= neap_i=0\n"
	"for neap_w; do\n"
	"if [ $((neap_i % 8)) -eq 0 ]; then\n"
	"neap_x=$(dd if=\"$neap_o\" bs=$neap_b skip=$neap_i count=1 2>/dev/null | $neap_h)\n"
	"[ \"${neap_x%% *}\" != \"$neap_w\" ] || { neap_y=1; break; }\n"
	"fi\n"
	"neap_i=$((neap_i + 1))\n"
	"done\n"
	"[ -n \"$neap_y\" ] || exit 0\n"
	"echo copied\n"
	"cp --reflink=auto \"$neap_o\" \"$neap_t\" 2>/dev/null || cp \"$neap_o\" \"$neap_t\" || exit 1\n"
	"neap_i=0\n"
	"for neap_w; do\n"
	"neap_x=$(dd bs=$neap_b count=1 2>/dev/null <&3 | $neap_h)\n"
	"[ \"${neap_x%% *}\" != \"$neap_w\" ] || echo $neap_i\n"
	"neap_i=$((neap_i + 1))\n"
	"done 3<\"$neap_t\"\n"
	"echo done";

static void delta_word(struct buf *script, const char *name, const char *path)
{
	buf_printf(script, "%s=%s", name, *path == '/' ? "" : "./");
	quote_word(script, path);
	buf_char(script, '\n');
}

/* False where the new file cannot be read. */
static bool delta_script(const struct put_file *file, int fd, const struct put_delta *delta, struct buf *script)
{
	char hex[DIGEST_HEX_MAX];
	delta_word(script, "neap_o", file->path);
	delta_word(script, "neap_t", file->temp);
	buf_printf(script, "neap_b=%zu\nset --", delta->block);
	for (size_t i = 0; i < delta->count; i++) {
		if (!delta_hash(file->put, fd, i * delta->block, delta->block, hex))
			return false;
		buf_printf(script, " %s", hex);
	}
	buf_char(script, '\n');
	remote_sha1_tool(script);
	tar_safe_text(script);
	buf_str(script, delta_compare);
	return true;
}

/* What the target says is only believed as far as it makes sense; whether it is true is for the whole file's hash to tell. */
static void delta_take(struct put_delta *delta, const struct wire_outcome *outcome)
{
	const char *at = buf_text(&outcome->output);
	if (strncmp(at, "copied\n", 7) != 0)
		return;
	delta->copied = true;
	delta->sent = 0;
	char *end = NULL;
	for (at += 7; *at >= '0' && *at <= '9'; at = end + (*end == '\n')) {
		unsigned long block = strtoul(at, &end, 10);
		if (block < delta->count && !delta->same[block]) {
			delta->same[block] = true;
			delta->kept += delta->block;
		}
	}
	if (outcome->ended == WIRE_EXITED && outcome->code == 0 && strcmp(at, "done\n") == 0)
		return;
	memset(delta->same, 0, delta->count * sizeof(*delta->same));
	delta->kept = 0;
}

static int delta_ask(struct put_batch *batch, struct sftp *sftp, int fd, uint64_t size, struct err *err)
{
	struct put_file *file = &batch->files[0];
	struct put_delta *delta = &batch->delta;
	uint64_t common = size < file->old.size ? size : file->old.size;
	delta->block = (size_t)(common / DELTA_BLOCKS_MOST / DELTA_BLOCK + 1) * DELTA_BLOCK;
	delta->count = (size_t)(common / delta->block);
	delta->same = mem_array(delta->count, sizeof(*delta->same));
	auto_buf struct buf script = BUF_INIT;
	if (!delta_script(file, fd, delta, &script))
		return 0;
	struct wire_outcome outcome;
	int status = remote_run(batch->identity, script.data, &outcome, err);
	if (status == 0)
		delta_take(delta, &outcome);
	wire_outcome_release(&outcome);
	if (status == 0 && delta->copied) { /* the old one may have been longer */
		struct packet_attributes length = { .flags = ATTRIBUTE_SIZE, .size = size };
		sftp_fsetstat(sftp, &file->write, &file->handle, &length);
	}
	return status;
}

int put_delta(struct put_batch *batch, struct sftp *sftp, struct err *err)
{
	const struct wire_put *put = batch->files[0].put;
	uint64_t size = 0;
	auto_close int fd = put->source == WIRE_LOCAL_FILE && batch->count == 1 && batch->files[0].exists
		? open(put->from, O_RDONLY | O_CLOEXEC | O_NOCTTY | O_NONBLOCK) : -1;
	if (!delta_fits(batch, fd, &size))
		return 0;
	int slow = delta_measure(batch, sftp, fd, err);
	return slow <= 0 ? slow : delta_ask(batch, sftp, fd, size, err);
}

bool put_delta_sends(const struct put_delta *delta, uint64_t offset, uint64_t *end)
{
	if (offset < delta->sent) {
		*end = delta->sent;
		return false;
	}
	size_t i = delta->copied ? (size_t)(offset / delta->block) : delta->count;
	bool same = i < delta->count && delta->same[i];
	while (i < delta->count && delta->same[i] == same)
		i++;
	*end = i < delta->count || same ? i * delta->block : UINT64_MAX;
	return !same;
}
