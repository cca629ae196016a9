/* Finds where a command's output ends in a shell's stream: at a mark of 128 random bits that the shell prints behind it
 * and that no output can guess. Bytes pass through whatever they are; a mark may be split between reads anywhere. */
#ifndef NEAP_WIRE_FRAMING_H
#define NEAP_WIRE_FRAMING_H

#include <stdbool.h>
#include <stddef.h>

#include "base/buf.h"

enum { FRAMING_MARK = 32, FRAMING_TAIL = 32 };

struct framing {
	char mark[FRAMING_MARK + 1];
	struct buf *kept;      /* the first keep bytes of what precedes the mark; NULL: none */
	size_t keep;
	bool cut;              /* more than keep came */
	void (*live)(void *context, const char *bytes, size_t length); /* all of it as it comes, or NULL */
	void *context;
	bool marked, ended;
	char tail[FRAMING_TAIL + 1]; /* what stood between the mark and the end of its line: the status */
	size_t tail_length;
	char held[FRAMING_MARK];     /* the mark's beginning, perhaps */
	size_t held_length;
};

/* Starts over for the next frame; live and context are kept. */
void framing_start(struct framing *framing, const char *mark, struct buf *kept, size_t keep);
/* Takes bytes up to the end of the frame and returns how many that were: all of them until framing->ended. */
size_t framing_take(struct framing *framing, const char *bytes, size_t length);
/* The tail as a number from 0 to most; -1 if it is none. */
long framing_number(const struct framing *framing, long most);

#endif
