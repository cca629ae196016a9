/* Escaping of what must not reach a terminal, and cleaning of what must be UTF-8. */
#include "base/printable.h"

#include <string.h>

size_t printable_utf8(const char *bytes, size_t length, unsigned *code)
{
	static const unsigned smallest[] = { 0, 0, 0x80, 0x800, 0x10000 };
	const unsigned char *p = (const unsigned char *)bytes;
	if (!length)
		return 0;
	size_t count = p[0] < 0x80 ? 1 : p[0] >= 0xf0 && p[0] < 0xf8 ? 4 : p[0] >= 0xe0 && p[0] < 0xf0 ? 3
	             : p[0] >= 0xc2 && p[0] < 0xe0 ? 2 : 0;
	if (!count || count > length)
		return 0;
	unsigned value = count == 1 ? p[0] : p[0] & (0x7fu >> count);
	for (size_t i = 1; i < count; i++) {
		if ((p[i] & 0xc0) != 0x80)
			return 0;
		value = value << 6 | (p[i] & 0x3f);
	}
	if (value < smallest[count] || value > 0x10ffff || (value >= 0xd800 && value <= 0xdfff))
		return 0;
	if (code)
		*code = value;
	return count;
}

static bool is_unsafe(unsigned code)
{
	return code < 0x20 || (code >= 0x7f && code <= 0x9f) || code == 0x200e || code == 0x200f ||
	       (code >= 0x2028 && code <= 0x202e) || (code >= 0x2066 && code <= 0x2069) || code == 0xfeff;
}

static void escape(struct buf *buf, const char *bytes, size_t length, bool one_line)
{
	for (size_t i = 0; i < length;) {
		unsigned code = 0;
		size_t count = printable_utf8(bytes + i, length - i, &code);
		if (!count) {
			buf_printf(buf, "\\x%02x", (unsigned char)bytes[i]);
			i++;
			continue;
		}
		if (!is_unsafe(code) || (!one_line && (code == '\n' || code == '\t')))
			buf_add(buf, bytes + i, count);
		else if (code == '\n' || code == '\t')
			buf_str(buf, code == '\n' ? "\\n" : "\\t");
		else
			buf_printf(buf, code < 0x80 ? "\\x%02x" : "\\u{%x}", code);
		i += count;
	}
}

void printable_add(struct buf *buf, const char *bytes, size_t length) { escape(buf, bytes, length, false); }

void printable_line(struct buf *buf, const char *bytes, size_t length) { escape(buf, bytes, length, true); }

void printable_utf8_clean(struct buf *buf, const char *bytes, size_t length)
{
	for (size_t i = 0; i < length;) {
		size_t count = printable_utf8(bytes + i, length - i, NULL);
		if (count)
			buf_add(buf, bytes + i, count);
		else
			buf_str(buf, "\xef\xbf\xbd");
		i += count ? count : 1;
	}
}
