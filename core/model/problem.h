/* What is wrong in the files a user wrote: collected, not stopped at, and shown with the line and a caret.
 *
 *   site.json:12:17: error: unknown argument "ownr" of module file
 *       12 |       "file": { "path": "/srv", "ownr": "www" }
 *          |                                 ^~~~~~
 *       did you mean "owner"?
 *
 * A list of problems belongs to one thread. */
#ifndef NEAP_MODEL_PROBLEM_H
#define NEAP_MODEL_PROBLEM_H

#include <stdbool.h>
#include <stddef.h>

#include "base/buf.h"
#include "base/err.h"

struct place {
	const char *file; /* borrowed; a list of problems keeps a copy. NULL: no file (the command line) */
	int line;         /* from 1; 0: the file as a whole */
	int column;       /* from 1, in characters; 0: the line as a whole */
	int width;        /* characters to underline; 0 counts as 1 */
};

enum problem_level { PROBLEM_ERROR, PROBLEM_WARNING };

struct problem {
	enum problem_level level;
	struct place place;
	char *text; /* one line */
	char *hint; /* "did you mean ...?", or NULL */
	char *line; /* the offending line as it is in the file, of a long one the part around the column; or NULL */
	int line_from; /* characters that were left off at its front */
	bool line_cut; /* and whether at its end */
};

struct problems {
	struct problem *items;
	size_t count, room;
	size_t errors; /* how many of them are errors */
	size_t dropped; /* beyond PROBLEMS_MOST */
};

enum { PROBLEMS_MOST = 200 };

#define PROBLEMS_INIT { 0 }

/* The source line is copied from the place's document by whoever reports (document_line), or NULL. What stands in it behind the
 * name of a password, secret or token is kept and shown as stars. */
void problem_add(struct problems *problems, enum problem_level level, struct place place, const char *line,
                 const char *hint, const char *format, ...) __attribute__((format(printf, 6, 7)));
/* All of them in file and line order, each once; with colour escapes when asked. Terminal-safe. */
void problems_print(const struct problems *problems, struct buf *out, bool colour);
/* The first error as an error value; otherwise is its text where there is none. Always -1. */
int problems_first(const struct problems *problems, const char *otherwise, struct err *err);
void problems_release(struct problems *problems);

#define auto_problems auto_(problems_release)

#endif
