/* Growing byte buffers. */
#include "base/buf.h"

#include <assert.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/mem.h"

char *buf_reserve(struct buf *buf, size_t more)
{
	if (more > SIZE_MAX / 4 || buf->length > SIZE_MAX / 4)
		abort();
	size_t need = buf->length + more + 1;
	if (need > buf->room) {
		size_t room = buf->room ? buf->room : 64;
		while (room < need)
			room *= 2;
		buf->data = mem_resize(buf->data, room, 1);
		buf->room = room;
		buf->data[buf->length] = '\0';
	}
	return buf->data + buf->length;
}

void buf_add(struct buf *buf, const void *bytes, size_t length)
{
	char *end = buf_reserve(buf, length);
	if (length)
		memcpy(end, bytes, length);
	buf->length += length;
	buf->data[buf->length] = '\0';
}

void buf_str(struct buf *buf, const char *text) { buf_add(buf, text, strlen(text)); }

void buf_char(struct buf *buf, char c) { buf_add(buf, &c, 1); }

void buf_vprintf(struct buf *buf, const char *format, va_list arguments)
{
	assert(format);
	va_list again;
	va_copy(again, arguments);
	int length = vsnprintf(NULL, 0, format, arguments);
	if (length > 0) {
		vsnprintf(buf_reserve(buf, (size_t)length), (size_t)length + 1, format, again);
		buf->length += (size_t)length;
	}
	va_end(again);
}

void buf_printf(struct buf *buf, const char *format, ...)
{
	va_list arguments;
	va_start(arguments, format);
	buf_vprintf(buf, format, arguments);
	va_end(arguments);
}

void buf_consume(struct buf *buf, size_t length)
{
	if (length > buf->length)
		length = buf->length;
	buf->length -= length;
	if (buf->data)
		memmove(buf->data, buf->data + length, buf->length + 1);
}

void buf_clear(struct buf *buf)
{
	buf->length = 0;
	if (buf->data)
		buf->data[0] = '\0';
}

const char *buf_text(const struct buf *buf) { return buf->data ? buf->data : ""; }

char *buf_take(struct buf *buf)
{
	buf_reserve(buf, 0);
	char *data = buf->data;
	*buf = (struct buf)BUF_INIT;
	return data;
}

void buf_release(struct buf *buf)
{
	free(buf->data);
	*buf = (struct buf)BUF_INIT;
}
