/* Documents written as JSON the way people write it: order, comments and blank lines are kept, short lists and dictionaries
 * stand on one line. */
#ifndef NEAP_CLI_CONVERT_H
#define NEAP_CLI_CONVERT_H

#include <stdbool.h>

#include "base/buf.h"
#include "model/document.h"

struct convert_options {
	bool plain; /* strict JSON: without comments */
	/* What a file that is named in the document is called from now on, as a new string; NULL: as before. Or NULL. */
	char *(*renamed)(void *context, struct node name);
	void *context;
};

/* Adds the document as JSON, with a newline at its end. */
void convert_document(const struct document *document, const struct convert_options *options, struct buf *out);

#endif
