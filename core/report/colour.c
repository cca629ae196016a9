/* Escape sequences around safe text. */
#include "report/colour.h"

#include <string.h>

#include "base/printable.h"

static const char *const codes[] = {
	[COLOUR_NONE] = "", [COLOUR_OK] = "0;32", [COLOUR_CHANGED] = "0;33", [COLOUR_ERROR] = "0;31", [COLOUR_SKIP] = "0;36",
	[COLOUR_UNREACHABLE] = "1;31", [COLOUR_WARNING] = "1;35", [COLOUR_QUIET] = "1;30", [COLOUR_VERBOSE] = "0;34",
};

void colour_add(struct buf *out, bool on, enum colour colour, const char *text, size_t length)
{
	if (!on || colour == COLOUR_NONE) {
		printable_add(out, text, length);
		return;
	}
	const char *end = text + length;
	while (text < end) {
		const char *stop = memchr(text, '\n', (size_t)(end - text));
		size_t line = (size_t)((stop ? stop : end) - text);
		if (line) {
			buf_printf(out, "\x1b[%sm", codes[colour]);
			printable_add(out, text, line);
			buf_str(out, "\x1b[0m");
		}
		if (stop)
			buf_char(out, '\n');
		text += line + (stop ? 1 : 0);
	}
}

void colour_str(struct buf *out, bool on, enum colour colour, const char *text)
{
	colour_add(out, on, colour, text, strlen(text));
}

static bool is_wide(unsigned code)
{
	return (code >= 0x1100 && code <= 0x115f) || (code >= 0x2e80 && code <= 0xa4cf) || (code >= 0xac00 && code <= 0xd7a3) ||
	       (code >= 0xf900 && code <= 0xfaff) || (code >= 0xfe30 && code <= 0xfe6f) || (code >= 0xff00 && code <= 0xff60) ||
	       (code >= 0xffe0 && code <= 0xffe6) || (code >= 0x1f300 && code <= 0x1faff) || (code >= 0x20000 && code <= 0x3fffd);
}

static bool is_combining(unsigned code)
{
	return (code >= 0x300 && code <= 0x36f) || (code >= 0x200b && code <= 0x200d) || (code >= 0xfe00 && code <= 0xfe0f);
}

size_t colour_width(const char *text, size_t length)
{
	size_t width = 0;
	for (size_t i = 0; i < length;) {
		unsigned code = 0;
		size_t count = printable_utf8(text + i, length - i, &code);
		if (!is_combining(code))
			width += is_wide(code) ? 2 : 1;
		i += count ? count : 1;
	}
	return width;
}
