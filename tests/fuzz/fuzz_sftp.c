/* The SFTP engine against a server that answers anything: a session of our own hands it the input as what arrives.
 *
 * The first byte sets the size of the pieces. Then records: a byte below 0x40 makes a well-formed length word for that many
 * of the bytes that follow, so that packets get through to the parser; a byte from 0x40 sends that many raw bytes.
 *
 * covers: core/wire/packets.c core/wire/sftp.c */
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "base/clock.h"
#include "base/mem.h"
#include "wire/sftp.h"

struct fake { struct session session; struct channel *channel; const uint8_t *at, *end; size_t piece; bool lost; };

static int fake_pump(struct session *session, int wake_fd, int64_t deadline, struct err *err)
{
	struct fake *fake = (struct fake *)session;
	(void)wake_fd; (void)deadline;
	if (fake->at == fake->end)
		return err_set(err, ERR_UNREACHABLE, "the input ended");
	size_t length = *fake->at++, left = (size_t)(fake->end - fake->at);
	bool framed = length < 0x40;
	struct buf bytes = BUF_INIT;
	if (length > left)
		length = left;
	if (framed) {
		char word[4] = { 0, 0, 0, (char)length };
		buf_add(&bytes, word, 4);
	}
	buf_add(&bytes, fake->at, length);
	fake->at += length;
	for (size_t i = 0; i < bytes.length; i += fake->piece) {
		size_t now = bytes.length - i < fake->piece ? bytes.length - i : fake->piece;
		fake->channel->events.data(fake->channel->events.context, false, bytes.data + i, now);
	}
	buf_release(&bytes);
	return 0;
}

static struct channel *fake_open(struct session *session, const char *command, const char *subsystem, bool pty,
                                 const struct channel_events *events, struct err *err)
{
	struct fake *fake = (struct fake *)session;
	(void)command; (void)subsystem; (void)pty; (void)err;
	fake->channel = mem_alloc(sizeof(*fake->channel));
	*fake->channel = (struct channel){ .session = session, .events = *events };
	return fake->channel;
}

static void fake_write(struct channel *channel, const void *bytes, size_t length) { (void)channel; (void)bytes; (void)length; }
static void fake_write_eof(struct channel *channel) { (void)channel; }
static size_t fake_queued(const struct channel *channel) { (void)channel; return 0; }
static const char *fake_error(const struct channel *channel) { (void)channel; return "fake"; }
static bool fake_accepted(const struct channel *channel) { (void)channel; return true; }
static void fake_close(struct channel *channel) { free(channel); }
static void fake_free(struct session *session) { (void)session; }
static enum channel_ended fake_ended(const struct channel *channel, int *code)
{
	const struct fake *fake = (const struct fake *)channel->session;
	*code = 0;
	return fake->lost && fake->at == fake->end ? CHANNEL_LOST : CHANNEL_OPEN;
}

static const struct session_operations fake_operations = {
	.pump = fake_pump, .open = fake_open, .write = fake_write, .write_eof = fake_write_eof, .queued = fake_queued,
	.ended = fake_ended, .error = fake_error, .accepted = fake_accepted, .close = fake_close, .free = fake_free,
};

struct reader { struct sftp *sftp; struct sftp_call *call; struct sftp_handle *handle; uint64_t sum; };

static void take(void *context, uint64_t offset, uint32_t wanted, const char *bytes, size_t length)
{
	struct reader *reader = context;
	for (size_t i = 0; i < length; i++)
		reader->sum += (unsigned char)bytes[i];
	if (length && length < wanted)
		sftp_read(reader->sftp, reader->call, reader->handle, offset + length, wanted - (uint32_t)length);
}

/* Everything there is to ask, in the order in which ids are given: 0 in the first slot and so on. */
static void ask(struct sftp *sftp, struct sftp_call *calls, struct sftp_handle *handle, struct reader *reader)
{
	struct packet_attributes all = { .flags = 15 };
	calls[1].handle = handle;
	*reader = (struct reader){ sftp, &calls[2], handle, 0 };
	calls[2].data = take;
	calls[2].context = reader;
	sftp_lstat(sftp, &calls[0], "/a");
	sftp_create(sftp, &calls[1], "/b");
	sftp_read(sftp, &calls[2], handle, 0, 64);
	sftp_read(sftp, &calls[2], handle, 64, 64);
	sftp_write(sftp, &calls[3], handle, 0, "xyz", 3);
	sftp_fsync(sftp, &calls[3], handle);
	sftp_rename(sftp, &calls[4], "/a", "/b");
	sftp_stat(sftp, &calls[5], "/c");
	sftp_fstat(sftp, &calls[5], handle);
	sftp_setstat(sftp, &calls[6], "/d", &all);
	sftp_fsetstat(sftp, &calls[6], handle, &all);
	sftp_open_read(sftp, &calls[1], "/e");
	sftp_close_handle(sftp, &calls[6], handle);
	sftp_remove(sftp, &calls[6], "/f");
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);
int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	if (size < 1)
		return 0;
	struct wire_config config = { .name = "fuzz" };
	struct fake fake = { .session = { .operations = &fake_operations, .config = &config, .cancel_fd = -1 },
		.at = data + 1, .end = data + size, .piece = 1 + data[0] % 100, .lost = data[0] & 128 };
	struct sftp *sftp = NULL;
	struct err err = ERR_INIT;
	struct sftp_call calls[7] = { 0 };
	struct sftp_handle handle = { .bytes = "h", .length = 1 };
	struct reader reader;
	if (sftp_open(&sftp, &fake.session, NULL, &err) < 0)
		abort();
	ask(sftp, calls, &handle, &reader);
	if (sftp_wait(sftp, 0, 0, &err) == 0) {
		ask(sftp, calls, &handle, &reader);
		if (sftp_wait(sftp, 2, 10, &err) < 0 && sftp_absent(sftp))
			abort(); /* it has greeted */
	}
	for (size_t i = 0; i < 7; i++)
		(void)sftp_call_error(&calls[i], &err, "x");
	sftp_close(sftp);
	return 0;
}
