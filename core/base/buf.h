/* A growing row of bytes. There is always a NUL behind the last byte, so data is a C string where no NUL is inside. */
#ifndef NEAP_BASE_BUF_H
#define NEAP_BASE_BUF_H

#include <stdarg.h>
#include <stddef.h>

#include "base/auto.h"

struct buf {
	char *data;    /* never NULL after the first add; buf_text() gives "" before it */
	size_t length;
	size_t room;
};

#define BUF_INIT { 0 }

void buf_add(struct buf *buf, const void *bytes, size_t length);
void buf_str(struct buf *buf, const char *text);
void buf_char(struct buf *buf, char c);
void buf_printf(struct buf *buf, const char *format, ...) __attribute__((format(printf, 2, 3)));
void buf_vprintf(struct buf *buf, const char *format, va_list arguments) __attribute__((format(printf, 2, 0)));
/* Room for at least that many more bytes; returns where they go. The caller adds to length what it wrote. */
char *buf_reserve(struct buf *buf, size_t more);
/* Takes length bytes off the front. */
void buf_consume(struct buf *buf, size_t length);
/* Length 0; the memory is kept. */
void buf_clear(struct buf *buf);
/* The bytes as a C string, owned by the buf and good until it changes; "" when empty. */
const char *buf_text(const struct buf *buf);
/* The bytes as a heap string for the caller to free, never NULL; the buf is empty afterwards. */
char *buf_take(struct buf *buf);
void buf_release(struct buf *buf);

#define auto_buf auto_(buf_release)

#endif
