/* Text from outside, made safe to show on a terminal. */
#ifndef NEAP_BASE_PRINTABLE_H
#define NEAP_BASE_PRINTABLE_H

#include <stdbool.h>
#include <stddef.h>

#include "base/buf.h"

/* Adds bytes with control characters (but newline and tab), C1 controls, bidirectional overrides and what is not
 * UTF-8 written as \xNN or \u{NNNN}: an escape sequence from a target never reaches the terminal. */
void printable_add(struct buf *buf, const char *bytes, size_t length);
/* As above on one line: newline and tab are escaped as well. */
void printable_line(struct buf *buf, const char *bytes, size_t length);

/* Length of the UTF-8 sequence at bytes (RFC 3629), 0 if it is none. code may be NULL. */
size_t printable_utf8(const char *bytes, size_t length, unsigned *code);
/* Adds bytes with each byte that is not UTF-8 replaced by U+FFFD: what a JSON string can hold. */
void printable_utf8_clean(struct buf *buf, const char *bytes, size_t length);

#endif
