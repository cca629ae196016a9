/* Words for a POSIX shell. */
#ifndef NEAP_BASE_QUOTE_H
#define NEAP_BASE_QUOTE_H

#include "base/buf.h"

/* Adds text as one shell word: plain where every byte is harmless, else in single quotes (XCU 2.2.2). */
void quote_word(struct buf *buf, const char *text);
/* Adds each word of a NULL-terminated list, with a space before each. */
void quote_words(struct buf *buf, const char *const *words);

#endif
