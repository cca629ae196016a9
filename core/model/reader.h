/* The JSON reader behind document.h: text to values and positions. Private to the document. */
#ifndef NEAP_MODEL_READER_H
#define NEAP_MODEL_READER_H

#include <stdbool.h>
#include <stddef.h>

#include <jansson.h>

#include "model/position.h"
#include "model/problem.h"

struct reader {
	const char *name;  /* of the file, for messages */
	const char *bytes; /* with a NUL behind them */
	size_t length;
	struct problems *problems;
	struct positions *positions;
	/* the reader's own */
	size_t at;
	int line, column;
	int depth;
	size_t faults; /* reported so far */
	bool stopped;  /* nothing sensible can be read behind the last fault */
};

/* Reads the one value of the text. NULL if there was any fault; *span is the value's place. */
json_t *reader_read(struct reader *reader, struct span *span);
/* Reports the first byte that is NUL or not UTF-8; false if there is one. reader_read does it too. */
bool reader_check_utf8(struct reader *reader);
/* The bytes of a line without its end; NULL if there is no such line. */
const char *reader_line(const char *bytes, size_t length, int line, size_t *line_length);
/* Adds a character, which is no surrogate. */
void reader_add_utf8(struct buf *buf, unsigned code);

#endif
