/* The command table: one file cmd_<verb>.c with one const descriptor each. main.c looks the verb up and runs it; help,
 * completion and the man page come from the same table. */
#ifndef NEAP_CLI_COMMAND_H
#define NEAP_CLI_COMMAND_H

#include <stdbool.h>
#include <stddef.h>

#include "base/err.h"

enum option_type { OPTION_FLAG, OPTION_COUNT, OPTION_STRING, OPTION_LIST /* may be given again */, OPTION_INT };

struct option_row {
	const char *name;      /* long, without the dashes */
	char letter;           /* or 0 */
	enum option_type type;
	const char *value;     /* "PATH", "N" for the help; NULL for flags */
	const char *const *choices; /* NULL-terminated, or NULL */
	const char *doc;
	size_t offset;         /* in the command's options struct: bool, int, const char *, struct option_list, int */
};

struct option_list { const char **items; size_t count, room; };

struct command_row {
	const char *name;
	const char *arguments; /* "PLAYBOOK..." */
	const char *summary;   /* one line */
	const char *doc;       /* paragraphs for the man page */
	const struct option_row *options; /* ends at name NULL */
	size_t options_size;
	/* options: the filled struct; words: what is left, NULL-terminated. Returns the exit status. */
	int (*run)(const void *options, char **words, int count);
};

extern const struct command_row *const commands[]; /* ends at NULL */

/* Parses argv (after the verb) by a table, as getopt_long does (bundled letters, --name=value, unambiguous prefixes, "--").
 * ERR_USAGE with the nearest name. */
int options_parse(const struct option_row *table, void *options, int argc, char **argv, char ***words, int *count,
                  struct err *err) must_check;
/* Prints an error as everything in neap does: "neap: where: text" and the remedy on a line of its own, to stderr. */
void command_error(const struct err *err);

#endif
