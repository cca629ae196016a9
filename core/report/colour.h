/* Colours as Ansible's display has them, and the one place where text is made safe for a terminal. */
#ifndef NEAP_REPORT_COLOUR_H
#define NEAP_REPORT_COLOUR_H

#include <stdbool.h>
#include <stddef.h>

#include "base/buf.h"

enum colour {
	COLOUR_NONE, COLOUR_OK, COLOUR_CHANGED, COLOUR_ERROR, COLOUR_SKIP, COLOUR_UNREACHABLE, COLOUR_WARNING, COLOUR_QUIET,
	COLOUR_VERBOSE,
};

/* Adds text with what is unsafe escaped (newlines and tabs stay), each line in the colour where `on`. */
void colour_add(struct buf *out, bool on, enum colour colour, const char *text, size_t length);
void colour_str(struct buf *out, bool on, enum colour colour, const char *text);
/* Terminal columns that a safe text takes: characters, wide ones (East Asian, emoji) counted twice. */
size_t colour_width(const char *text, size_t length);

#endif
