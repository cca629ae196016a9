/* Shell quoting. */
#include "base/quote.h"

#include <string.h>

static const char harmless[] = "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789_-./:,@%+";

void quote_word(struct buf *buf, const char *text)
{
	if (*text && !text[strspn(text, harmless)]) {
		buf_str(buf, text);
		return;
	}
	buf_char(buf, '\'');
	for (const char *at = text; *at;) {
		size_t run = strcspn(at, "'");
		buf_add(buf, at, run);
		at += run;
		if (*at) {
			buf_str(buf, "'\\''");
			at++;
		}
	}
	buf_char(buf, '\'');
}

void quote_words(struct buf *buf, const char *const *words)
{
	for (; *words; words++) {
		buf_char(buf, ' ');
		quote_word(buf, *words);
	}
}
