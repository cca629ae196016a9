/* SFTP version 3 packets, both ways. */
#include "wire/packets.h"

#include <string.h>

struct packet_cursor {
	const unsigned char *at, *end;
	bool bad;
};

static bool cursor_has(struct packet_cursor *cursor, size_t length)
{
	if ((size_t)(cursor->end - cursor->at) >= length)
		return true;
	cursor->bad = true;
	cursor->at = cursor->end;
	return false;
}

static uint32_t cursor_u8(struct packet_cursor *cursor)
{
	return cursor_has(cursor, 1) ? *cursor->at++ : 0;
}

static uint32_t cursor_u32(struct packet_cursor *cursor)
{
	if (!cursor_has(cursor, 4))
		return 0;
	const unsigned char *at = cursor->at;
	cursor->at += 4;
	return (uint32_t)at[0] << 24 | (uint32_t)at[1] << 16 | (uint32_t)at[2] << 8 | at[3];
}

static uint64_t cursor_u64(struct packet_cursor *cursor)
{
	uint64_t high = cursor_u32(cursor);
	return high << 32 | cursor_u32(cursor);
}

static struct packet_bytes cursor_string(struct packet_cursor *cursor)
{
	uint32_t length = cursor_u32(cursor);
	if (cursor->bad || !cursor_has(cursor, length))
		return (struct packet_bytes){ "", 0 };
	struct packet_bytes string = { (const char *)cursor->at, length };
	cursor->at += length;
	return string;
}

/* Section 5; the extended pairs at the end are read over. */
static void cursor_attributes(struct packet_cursor *cursor, struct packet_attributes *attributes)
{
	uint32_t flags = cursor_u32(cursor);
	attributes->flags = flags & 15;
	if (flags & ATTRIBUTE_SIZE)
		attributes->size = cursor_u64(cursor);
	if (flags & ATTRIBUTE_OWNER) {
		attributes->uid = cursor_u32(cursor);
		attributes->gid = cursor_u32(cursor);
	}
	if (flags & ATTRIBUTE_MODE)
		attributes->mode = cursor_u32(cursor);
	if (flags & ATTRIBUTE_TIMES) {
		attributes->atime = cursor_u32(cursor);
		attributes->mtime = cursor_u32(cursor);
	}
	if (flags & 0x80000000u)
		for (uint32_t pairs = cursor_u32(cursor); pairs && !cursor->bad; pairs--) {
			cursor_string(cursor);
			cursor_string(cursor);
		}
}

static struct packet_cursor cursor_on(const char *bytes, size_t length)
{
	const unsigned char *start = (const unsigned char *)bytes;
	return (struct packet_cursor){ start, start + length, false };
}

int packets_whole(const char *bytes, size_t length, size_t *size)
{
	struct packet_cursor cursor = cursor_on(bytes, length);
	uint32_t claimed = cursor_u32(&cursor);
	if (cursor.bad)
		return 0;
	if (claimed == 0 || claimed > PACKETS_MOST)
		return -1;
	*size = claimed;
	return length - 4 >= claimed;
}

static void packets_read_body(struct packet_cursor *cursor, struct packet_reply *reply)
{
	switch (reply->type) {
	case PACKET_STATUS:
		reply->status = cursor_u32(cursor);
		if (cursor->at < cursor->end) /* servers of version 2 send no message */
			reply->text = cursor_string(cursor);
		break;
	case PACKET_HANDLE:
		reply->text = cursor_string(cursor);
		if (reply->text.length > PACKETS_HANDLE_MOST)
			cursor->bad = true;
		break;
	case PACKET_DATA:
		reply->text = cursor_string(cursor);
		break;
	case PACKET_NAME:
		reply->names = cursor_u32(cursor);
		if (reply->names)
			reply->text = cursor_string(cursor);
		break;
	case PACKET_ATTRS:
		cursor_attributes(cursor, &reply->attributes);
		break;
	case PACKET_EXTENDED_REPLY:
		reply->text = (struct packet_bytes){ (const char *)cursor->at, (size_t)(cursor->end - cursor->at) };
		break;
	default:
		cursor->bad = true;
	}
}

int packets_read(const char *bytes, size_t length, struct packet_reply *reply)
{
	struct packet_cursor cursor = cursor_on(bytes, length);
	*reply = (struct packet_reply){ .type = (enum packet_type)cursor_u8(&cursor), .text = { "", 0 } };
	if (reply->type == PACKET_VERSION) {
		reply->version = cursor_u32(&cursor);
		reply->extensions = (struct packet_bytes){ (const char *)cursor.at, (size_t)(cursor.end - cursor.at) };
	} else {
		reply->id = cursor_u32(&cursor);
		packets_read_body(&cursor, reply);
	}
	return cursor.bad ? -1 : 0;
}

bool packets_extension(struct packet_bytes *pairs, struct packet_bytes *name, struct packet_bytes *data)
{
	struct packet_cursor cursor = cursor_on(pairs->bytes, pairs->length);
	*name = cursor_string(&cursor);
	*data = cursor_string(&cursor);
	pairs->bytes = (const char *)cursor.at;
	pairs->length = (size_t)(cursor.end - cursor.at);
	return !cursor.bad;
}

bool packets_numbers(const struct packet_bytes *bytes, uint64_t *numbers, size_t count)
{
	struct packet_cursor cursor = cursor_on(bytes->bytes, bytes->length);
	for (size_t i = 0; i < count; i++)
		numbers[i] = cursor_u64(&cursor);
	return !cursor.bad;
}

/* ---- building ---- */

static void packets_store(char *to, uint32_t value)
{
	for (int i = 0; i < 4; i++)
		to[i] = (char)(value >> (24 - 8 * i));
}

size_t packets_start(struct buf *buf, enum packet_type type)
{
	size_t start = buf->length;
	packets_u32(buf, 0);
	buf_char(buf, (char)type);
	return start;
}

void packets_u32(struct buf *buf, uint32_t value)
{
	char bytes[4];
	packets_store(bytes, value);
	buf_add(buf, bytes, 4);
}

void packets_u64(struct buf *buf, uint64_t value)
{
	packets_u32(buf, (uint32_t)(value >> 32));
	packets_u32(buf, (uint32_t)value);
}

void packets_string(struct buf *buf, const void *bytes, size_t length)
{
	packets_u32(buf, (uint32_t)length);
	buf_add(buf, bytes, length);
}

void packets_text(struct buf *buf, const char *text)
{
	packets_string(buf, text, strlen(text));
}

void packets_attributes(struct buf *buf, const struct packet_attributes *attributes)
{
	packets_u32(buf, attributes->flags & 15);
	if (attributes->flags & ATTRIBUTE_SIZE)
		packets_u64(buf, attributes->size);
	if (attributes->flags & ATTRIBUTE_OWNER) {
		packets_u32(buf, attributes->uid);
		packets_u32(buf, attributes->gid);
	}
	if (attributes->flags & ATTRIBUTE_MODE)
		packets_u32(buf, attributes->mode);
	if (attributes->flags & ATTRIBUTE_TIMES) {
		packets_u32(buf, attributes->atime);
		packets_u32(buf, attributes->mtime);
	}
}

void packets_end(struct buf *buf, size_t start, size_t extra)
{
	packets_store(buf->data + start, (uint32_t)(buf->length - start - 4 + extra));
}
