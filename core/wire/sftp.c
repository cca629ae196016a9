/* The SFTP engine.
 *
 * Every request has a slot; its id is the slot's number with a serial above it, so that an answer is only taken for a
 * request that is outstanding, and only if it is of a kind that this request can have. Whatever else arrives breaks the
 * session: a peer that answers nonsense gets an error, never memory. */
#include "wire/sftp.h"

#include <assert.h>
#include <stdio.h>
#include <string.h>

#include "base/clock.h"
#include "base/mem.h"
#include "base/printable.h"
#include "wire/become.h"

enum {
	SFTP_PATIENCE_MS = 60000,
	SFTP_SLOT_BITS = 18, SFTP_SLOTS_MOST = 1 << SFTP_SLOT_BITS,
	SFTP_CHUNK = 32 * 1024,        /* what every server takes */
	SFTP_CHUNK_MOST = 128 * 1024,
};

struct sftp_slot {
	uint32_t id;
	bool used;
	enum packet_type type, answer; /* what was asked, and what comes if all is well */
	struct sftp_call *call;
	uint64_t offset;
	uint32_t length;
};

struct sftp {
	struct session *session;
	struct channel *channel;
	struct become_gate gate;
	bool gated;
	bool rests;    /* nobody uses it at the moment */
	struct buf held;      /* requests that wait for the gate */
	struct buf in;        /* the beginning of a packet */
	struct sftp_slot *slots;
	size_t slot_count, slot_room;
	uint32_t *unused;
	size_t unused_count, unused_room;
	uint32_t serial;
	size_t pending, bytes;
	bool greeted, broken;
	struct err why;       /* of broken */
	bool fsync, posix_rename;
	struct sftp_call limits, dropped; /* whose answers nobody waits for */
	size_t write_most, read_most, handles_most;
	int64_t patience, progress;
	size_t queued;
};

/* Forgets all calls: their owners may free them. */
static void sftp_break(struct sftp *sftp, const char *what)
{
	if (sftp->broken)
		return;
	sftp->broken = true;
	sftp->slot_count = sftp->unused_count = sftp->pending = sftp->bytes = 0;
	err_set(&sftp->why, ERR_PROTOCOL, "the SFTP server %s", what);
}

/* ---- answers ---- */

static void sftp_take_version(struct sftp *sftp, const struct packet_reply *reply);

static struct sftp_slot *sftp_slot_of(struct sftp *sftp, uint32_t id)
{
	uint32_t index = id & (SFTP_SLOTS_MOST - 1);
	if (index >= sftp->slot_count || !sftp->slots[index].used || sftp->slots[index].id != id)
		return NULL;
	return &sftp->slots[index];
}

static void sftp_take_status(const struct sftp_slot *slot, const struct packet_reply *reply)
{
	struct sftp_call *call = slot->call;
	uint32_t status = reply->status;
	if (status == STATUS_OK && slot->answer != PACKET_STATUS)
		status = STATUS_BAD_MESSAGE;
	if (status == STATUS_EOF && slot->type == PACKET_READ) {
		if (call->data)
			call->data(call->context, slot->offset, slot->length, "", 0);
		return;
	}
	if (status == STATUS_OK) {
		call->bytes += slot->length;
	} else if (call->status == STATUS_OK) {
		size_t length = reply->text.length < sizeof(call->message) ? reply->text.length : sizeof(call->message) - 1;
		call->status = status;
		memcpy(call->message, reply->text.bytes, length);
		call->message[length] = '\0';
	}
}

static void sftp_take_limits(struct sftp *sftp, const struct packet_reply *reply)
{
	uint64_t limits[4]; /* packet, read, write, handles; 0: none known */
	if (!packets_numbers(&reply->text, limits, 4)) {
		sftp_break(sftp, "gave limits that make no sense");
		return;
	}
	if (limits[1] >= 512)
		sftp->read_most = limits[1] < SFTP_CHUNK_MOST ? (size_t)limits[1] : SFTP_CHUNK_MOST;
	if (limits[2] >= 512)
		sftp->write_most = limits[2] < SFTP_CHUNK_MOST ? (size_t)limits[2] : SFTP_CHUNK_MOST;
	sftp->handles_most = limits[3] < 65536 ? (size_t)limits[3] : 65536;
}

static void sftp_take_answer(struct sftp *sftp, const struct sftp_slot *slot, const struct packet_reply *reply)
{
	struct sftp_call *call = slot->call;
	if (reply->type == PACKET_STATUS) {
		sftp_take_status(slot, reply);
	} else if (reply->type != slot->answer) {
		sftp_break(sftp, "gave an answer of a kind that was not asked for");
	} else if (reply->type == PACKET_ATTRS) {
		call->attributes = reply->attributes;
	} else if (reply->type == PACKET_HANDLE) {
		memcpy(call->handle->bytes, reply->text.bytes, reply->text.length);
		call->handle->length = reply->text.length;
	} else if (reply->type == PACKET_DATA) {
		if (reply->text.length == 0 || reply->text.length > slot->length)
			sftp_break(sftp, "sent more than was asked for, or nothing");
		else if (call->data)
			call->data(call->context, slot->offset, slot->length, reply->text.bytes, reply->text.length);
	} else if (reply->type == PACKET_EXTENDED_REPLY) {
		sftp_take_limits(sftp, reply);
	}
}

static bool sftp_is_awaited(const struct sftp *sftp, const struct sftp_call *call)
{
	return call != &sftp->limits && call != &sftp->dropped;
}

static void sftp_take_packet(struct sftp *sftp, const char *bytes, size_t length)
{
	struct packet_reply reply;
	if (packets_read(bytes, length, &reply) < 0) {
		sftp_break(sftp, "sent a malformed packet");
		return;
	}
	if (reply.type == PACKET_VERSION || !sftp->greeted) {
		if (reply.type != PACKET_VERSION || sftp->greeted || reply.version < 3)
			sftp_break(sftp, "did not agree on version 3 of the protocol");
		else
			sftp_take_version(sftp, &reply);
		return;
	}
	struct sftp_slot *found = sftp_slot_of(sftp, reply.id);
	if (!found) {
		sftp_break(sftp, "answered what was not asked");
		return;
	}
	struct sftp_slot slot = *found; /* a callback may send requests, which moves the slots */
	uint32_t index = reply.id & (SFTP_SLOTS_MOST - 1);
	found->used = false;
	mem_grow(sftp->unused, sftp->unused_count, sftp->unused_room);
	sftp->unused[sftp->unused_count++] = index;
	if (sftp_is_awaited(sftp, slot.call))
		sftp->pending--;
	sftp->bytes -= slot.length;
	slot.call->pending--;
	sftp_take_answer(sftp, &slot, &reply);
}

/* Takes all whole packets off the bytes; returns how many bytes that was. */
static size_t sftp_take_packets(struct sftp *sftp, const char *bytes, size_t length)
{
	size_t taken = 0, size;
	while (!sftp->broken) {
		int whole = packets_whole(bytes + taken, length - taken, &size);
		if (whole < 0)
			sftp_break(sftp, "sent a packet of an impossible length");
		if (whole <= 0)
			break;
		sftp_take_packet(sftp, bytes + taken + 4, size);
		taken += 4 + size;
	}
	return sftp->broken ? length : taken;
}

static void sftp_data(void *context, bool is_stderr, const char *bytes, size_t length)
{
	struct sftp *sftp = context;
	sftp->progress = clock_ms();
	if (sftp->gated) {
		size_t own = become_take(&sftp->gate, sftp->channel, is_stderr, bytes, length);
		if (sftp->gate.state != BECOME_READY)
			return;
		sftp->gated = false;
		channel_write(sftp->channel, sftp->held.data, sftp->held.length);
		buf_release(&sftp->held);
		bytes += own;
		length -= own;
	}
	if (is_stderr || sftp->broken)
		return;
	if (sftp->in.length) {
		buf_add(&sftp->in, bytes, length);
		buf_consume(&sftp->in, sftp_take_packets(sftp, sftp->in.data, sftp->in.length));
		return;
	}
	size_t taken = sftp_take_packets(sftp, bytes, length);
	buf_add(&sftp->in, bytes + taken, length - taken);
}

/* ---- requests ---- */

static void sftp_send(struct sftp *sftp, const struct buf *packet)
{
	if (sftp->gated)
		buf_add(&sftp->held, packet->data, packet->length);
	else
		channel_write(sftp->channel, packet->data, packet->length);
}

static uint32_t sftp_slot_new(struct sftp *sftp)
{
	if (sftp->unused_count)
		return sftp->unused[--sftp->unused_count];
	assert(sftp->slot_count < SFTP_SLOTS_MOST);
	mem_grow(sftp->slots, sftp->slot_count, sftp->slot_room);
	return (uint32_t)sftp->slot_count++;
}

struct sftp_request {
	struct buf packet;
	size_t start;
};

/* Begins a packet for the call: type and id are written. */
static struct sftp_request sftp_begin(struct sftp *sftp, struct sftp_call *call, enum packet_type type,
                                      enum packet_type answer, uint64_t offset, uint32_t length)
{
	struct sftp_request request = { .packet = BUF_INIT };
	request.start = packets_start(&request.packet, type);
	if (sftp->broken) { /* the next wait tells; nothing is pending for the caller's call */
		packets_u32(&request.packet, 0);
		return request;
	}
	uint32_t index = sftp_slot_new(sftp);
	uint32_t id = index | ++sftp->serial << SFTP_SLOT_BITS;
	sftp->slots[index] = (struct sftp_slot){ .id = id, .used = true, .type = type, .answer = answer, .call = call,
		.offset = offset, .length = length };
	if (sftp_is_awaited(sftp, call))
		sftp->pending++;
	sftp->bytes += length;
	call->pending++;
	packets_u32(&request.packet, id);
	return request;
}

static void sftp_finish(struct sftp *sftp, struct sftp_request *request)
{
	packets_end(&request->packet, request->start, 0);
	if (!sftp->broken)
		sftp_send(sftp, &request->packet);
	buf_release(&request->packet);
}

static void sftp_by_path(struct sftp *sftp, struct sftp_call *call, enum packet_type type, enum packet_type answer,
                         const char *path)
{
	struct sftp_request request = sftp_begin(sftp, call, type, answer, 0, 0);
	packets_text(&request.packet, path);
	sftp_finish(sftp, &request);
}

void sftp_lstat(struct sftp *sftp, struct sftp_call *call, const char *path)
{
	sftp_by_path(sftp, call, PACKET_LSTAT, PACKET_ATTRS, path);
}

void sftp_stat(struct sftp *sftp, struct sftp_call *call, const char *path)
{
	sftp_by_path(sftp, call, PACKET_STAT, PACKET_ATTRS, path);
}

void sftp_remove(struct sftp *sftp, struct sftp_call *call, const char *path)
{
	sftp_by_path(sftp, call, PACKET_REMOVE, PACKET_STATUS, path);
}

static void sftp_by_handle(struct sftp *sftp, struct sftp_call *call, enum packet_type type, enum packet_type answer,
                           const struct sftp_handle *handle)
{
	struct sftp_request request = sftp_begin(sftp, call, type, answer, 0, 0);
	packets_string(&request.packet, handle->bytes, handle->length);
	sftp_finish(sftp, &request);
}

void sftp_fstat(struct sftp *sftp, struct sftp_call *call, const struct sftp_handle *handle)
{
	sftp_by_handle(sftp, call, PACKET_FSTAT, PACKET_ATTRS, handle);
}

void sftp_close_handle(struct sftp *sftp, struct sftp_call *call, const struct sftp_handle *handle)
{
	sftp_by_handle(sftp, call, PACKET_CLOSE, PACKET_STATUS, handle);
}

void sftp_drop_handle(struct sftp *sftp, const struct sftp_handle *handle)
{
	sftp_close_handle(sftp, &sftp->dropped, handle);
}

void sftp_fsetstat(struct sftp *sftp, struct sftp_call *call, const struct sftp_handle *handle,
                   const struct packet_attributes *attributes)
{
	struct sftp_request request = sftp_begin(sftp, call, PACKET_FSETSTAT, PACKET_STATUS, 0, 0);
	packets_string(&request.packet, handle->bytes, handle->length);
	packets_attributes(&request.packet, attributes);
	sftp_finish(sftp, &request);
}

void sftp_setstat(struct sftp *sftp, struct sftp_call *call, const char *path,
                  const struct packet_attributes *attributes)
{
	struct sftp_request request = sftp_begin(sftp, call, PACKET_SETSTAT, PACKET_STATUS, 0, 0);
	packets_text(&request.packet, path);
	packets_attributes(&request.packet, attributes);
	sftp_finish(sftp, &request);
}

static void sftp_open_file(struct sftp *sftp, struct sftp_call *call, const char *path, uint32_t how,
                           const struct packet_attributes *attributes)
{
	struct sftp_request request = sftp_begin(sftp, call, PACKET_OPEN, PACKET_HANDLE, 0, 0);
	packets_text(&request.packet, path);
	packets_u32(&request.packet, how);
	packets_attributes(&request.packet, attributes);
	sftp_finish(sftp, &request);
}

void sftp_create(struct sftp *sftp, struct sftp_call *call, const char *path)
{
	struct packet_attributes attributes = { .flags = ATTRIBUTE_MODE, .mode = 0600 };
	sftp_open_file(sftp, call, path, OPEN_WRITE | OPEN_CREATE | OPEN_EXCLUSIVE, &attributes);
}

void sftp_open_read(struct sftp *sftp, struct sftp_call *call, const char *path)
{
	struct packet_attributes attributes = { 0 };
	sftp_open_file(sftp, call, path, OPEN_READ, &attributes);
}

void sftp_write(struct sftp *sftp, struct sftp_call *call, const struct sftp_handle *handle, uint64_t offset,
                const void *bytes, size_t length)
{
	struct sftp_request request = sftp_begin(sftp, call, PACKET_WRITE, PACKET_STATUS, offset, (uint32_t)length);
	packets_string(&request.packet, handle->bytes, handle->length);
	packets_u64(&request.packet, offset);
	packets_string(&request.packet, bytes, length);
	sftp_finish(sftp, &request);
}

void sftp_read(struct sftp *sftp, struct sftp_call *call, const struct sftp_handle *handle, uint64_t offset,
               uint32_t length)
{
	struct sftp_request request = sftp_begin(sftp, call, PACKET_READ, PACKET_DATA, offset, length);
	packets_string(&request.packet, handle->bytes, handle->length);
	packets_u64(&request.packet, offset);
	packets_u32(&request.packet, length);
	sftp_finish(sftp, &request);
}

void sftp_fsync(struct sftp *sftp, struct sftp_call *call, const struct sftp_handle *handle)
{
	struct sftp_request request = sftp_begin(sftp, call, PACKET_EXTENDED, PACKET_STATUS, 0, 0);
	packets_text(&request.packet, "fsync@openssh.com");
	packets_string(&request.packet, handle->bytes, handle->length);
	sftp_finish(sftp, &request);
}

void sftp_rename(struct sftp *sftp, struct sftp_call *call, const char *from, const char *to)
{
	enum packet_type type = sftp->posix_rename ? PACKET_EXTENDED : PACKET_RENAME;
	struct sftp_request request = sftp_begin(sftp, call, type, PACKET_STATUS, 0, 0);
	if (sftp->posix_rename)
		packets_text(&request.packet, "posix-rename@openssh.com");
	packets_text(&request.packet, from);
	packets_text(&request.packet, to);
	sftp_finish(sftp, &request);
}

/* ---- greeting ---- */

static bool sftp_is(const struct packet_bytes *name, const char *text)
{
	return name->length == strlen(text) && memcmp(name->bytes, text, name->length) == 0;
}

static void sftp_take_version(struct sftp *sftp, const struct packet_reply *reply)
{
	struct packet_bytes pairs = reply->extensions, name, data;
	bool limits = false;
	sftp->greeted = true;
	while (pairs.length && packets_extension(&pairs, &name, &data)) {
		sftp->fsync |= sftp_is(&name, "fsync@openssh.com");
		sftp->posix_rename |= sftp_is(&name, "posix-rename@openssh.com");
		limits |= sftp_is(&name, "limits@openssh.com");
	}
	if (limits) {
		struct sftp_request request =
			sftp_begin(sftp, &sftp->limits, PACKET_EXTENDED, PACKET_EXTENDED_REPLY, 0, 0);
		packets_text(&request.packet, "limits@openssh.com");
		sftp_finish(sftp, &request);
	}
}

/* Where there is none, the shell does its work. */
static enum channel_need sftp_need(void *context)
{
	return ((const struct sftp *)context)->rests ? CHANNEL_RESTS : CHANNEL_HANDY;
}

void sftp_rest(struct sftp *sftp) { sftp->rests = true; }

bool sftp_wake(struct sftp *sftp)
{
	int code = 0;
	bool gone = sftp->rests && channel_ended(sftp->channel, &code) != CHANNEL_OPEN;
	sftp->rests = false;
	return !gone;
}

int sftp_open(struct sftp **sftp, struct session *session, const struct wire_become *become, struct err *err)
{
	static const char server[] =
		"for neap_p in /usr/lib/openssh /usr/libexec/openssh /usr/lib/ssh /usr/libexec /usr/lib /usr/local/libexec; "
		"do test -x $neap_p/sftp-server && exec $neap_p/sftp-server; done; exit 127";
	struct sftp *made = mem_alloc(sizeof(*made));
	made->session = session;
	made->patience = SFTP_PATIENCE_MS;
	made->write_most = made->read_most = SFTP_CHUNK;
	made->gated = become != NULL;
	struct channel_events events = { .context = made, .data = sftp_data, .need = sftp_need };
	if (become) {
		auto_buf struct buf line = BUF_INIT;
		become_command(&line, &made->gate, become, session_sh(session), server, become_needs_pty(become));
		made->channel = channel_open(session, line.data, NULL, become_needs_pty(become), &events, err);
	} else {
		made->channel = channel_open(session, NULL, "sftp", false, &events, err);
	}
	if (!made->channel) {
		sftp_close(made);
		return -1;
	}
	auto_buf struct buf init = BUF_INIT;
	size_t start = packets_start(&init, PACKET_INIT);
	packets_u32(&init, 3);
	packets_end(&init, start, 0);
	sftp_send(made, &init);
	*sftp = made;
	return 0;
}

void sftp_close(struct sftp *sftp)
{
	if (!sftp)
		return;
	channel_close(sftp->channel);
	become_release(&sftp->gate);
	buf_release(&sftp->held);
	buf_release(&sftp->in);
	free(sftp->slots);
	free(sftp->unused);
	free(sftp);
}

/* ---- waiting ---- */

static int sftp_check(struct sftp *sftp, struct err *err)
{
	int code = 0;
	if (!sftp->broken && sftp->gated && become_check(&sftp->gate, sftp->channel, err) < 0) {
		sftp_break(sftp, "was not reached");
		return -1;
	}
	if (!sftp->broken && channel_ended(sftp->channel, &code) != CHANNEL_OPEN) {
		sftp_break(sftp, "ended");
		if (channel_ended(sftp->channel, &code) == CHANNEL_LOST)
			err_set(&sftp->why, ERR_HOST, "the SFTP server was lost: %s", channel_error(sftp->channel));
		else
			err_set(&sftp->why, ERR_HOST, "the SFTP server ended (status %d)", code);
	}
	if (sftp->broken && err)
		*err = sftp->why;
	return sftp->broken ? -1 : 0;
}

static int sftp_check_progress(struct sftp *sftp, struct err *err)
{
	size_t queued = channel_queued(sftp->channel);
	if (queued != sftp->queued) {
		sftp->queued = queued;
		sftp->progress = clock_ms();
	}
	if (clock_ms() - sftp->progress < sftp->patience)
		return 0;
	sftp_break(sftp, "did not answer");
	err_set(&sftp->why, ERR_TIMEOUT, "the SFTP server has not answered for %lld seconds",
	        (long long)(sftp->patience / 1000));
	return sftp_check(sftp, err);
}

int sftp_wait(struct sftp *sftp, size_t requests, size_t bytes, struct err *err)
{
	sftp->progress = clock_ms();
	sftp->queued = channel_queued(sftp->channel);
	for (;;) {
		if (sftp->broken)
			return sftp_check(sftp, err);
		if (sftp->pending <= requests && sftp->bytes <= bytes)
			return 0;
		if (sftp_check(sftp, err) < 0 || sftp_check_progress(sftp, err) < 0)
			return -1;
		struct err lost = ERR_INIT;
		if (session_pump(sftp->session, sftp->progress + sftp->patience, &lost) < 0) {
			sftp_break(sftp, "was lost");
			sftp->why = lost;
		}
	}
}

bool sftp_absent(const struct sftp *sftp)
{
	bool here = sftp->why.kind == ERR_HOST || sftp->why.kind == ERR_PROTOCOL;
	return sftp->broken && !sftp->greeted && (!sftp->gated || !channel_accepted(sftp->channel)) && here;
}

void sftp_set_patience(struct sftp *sftp, int64_t ms) { sftp->patience = ms; }
size_t sftp_pending_bytes(const struct sftp *sftp) { return sftp->bytes; }
size_t sftp_write_most(const struct sftp *sftp) { return sftp->write_most; }
size_t sftp_read_most(const struct sftp *sftp) { return sftp->read_most; }
size_t sftp_handles_most(const struct sftp *sftp) { return sftp->handles_most; }
bool sftp_has_fsync(const struct sftp *sftp) { return sftp->fsync; }
bool sftp_has_posix_rename(const struct sftp *sftp) { return sftp->posix_rename; }

int sftp_call_error(const struct sftp_call *call, struct err *err, const char *what)
{
	static const char *const words[] = {
		[STATUS_EOF] = "unexpected end", [STATUS_NO_SUCH_FILE] = "No such file or directory",
		[STATUS_PERMISSION_DENIED] = "Permission denied", [STATUS_BAD_MESSAGE] = "the server calls it invalid; is a name too long?",
		[STATUS_OP_UNSUPPORTED] = "the server cannot do that",
	};
	const char *word = call->status < sizeof(words) / sizeof(*words) ? words[call->status] : NULL;
	if (word)
		return err_set(err, ERR_HOST, "%s: %s", what, word);
	auto_buf struct buf said = BUF_INIT;
	printable_line(&said, call->message, strlen(call->message));
	return err_set(err, ERR_HOST, "%s: %s", what, said.length ? said.data : "the server refused");
}
