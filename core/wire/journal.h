/* The temporary files, and folders of them, that a transfer made or may have made: a name goes in before the file is made and comes out once it
 * was renamed or removed, so that after any error it is known what to remove. */
#ifndef NEAP_WIRE_JOURNAL_H
#define NEAP_WIRE_JOURNAL_H

#include <stddef.h>

#include "base/buf.h"

struct journal {
	char **paths;
	size_t count, room;
};

void journal_add(struct journal *journal, const char *path);
void journal_drop(struct journal *journal, const char *path);
/* Shell text that removes all that is in it. */
void journal_script(const struct journal *journal, struct buf *script);
void journal_clear(struct journal *journal);
void journal_release(struct journal *journal);

/* A name that nothing has, beside path: ".<its name's beginning>-<128 random bits>". Heap. */
char *journal_temporary(const char *path);

#endif
