/* Comments of a YAML text, which libyaml skips: found between the tokens it tells of. */
#ifndef NEAP_MODEL_COMMENT_H
#define NEAP_MODEL_COMMENT_H

#include <stdbool.h>
#include <stddef.h>

struct comment {
	int line;   /* from 1 */
	bool alone; /* nothing stands before it on its line */
	char *text; /* without the # and the blank behind it */
};

struct comments {
	struct comment *items; /* in the order of the text */
	size_t count, room;
};

/* The text is one that document_parse has read as YAML. Any thread. */
void comments_find(const char *bytes, size_t length, struct comments *comments);
void comments_release(struct comments *comments);

#define auto_comments auto_(comments_release)

#endif
