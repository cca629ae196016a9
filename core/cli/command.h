/* The command table: one file cmd_<verb>.c with one const descriptor each. commands_main looks the verb up, parses its
 * options and runs it; help, completion and the man page come from the same table. A new command is one file, its name
 * in meson.build and a row in commands.c. */
#ifndef NEAP_CLI_COMMAND_H
#define NEAP_CLI_COMMAND_H

#include <stdbool.h>
#include <stddef.h>

#include "base/buf.h"
#include "base/err.h"
#include "cli/setting.h"

enum option_type { OPTION_FLAG, OPTION_COUNT, OPTION_STRING, OPTION_LIST /* may be given again */, OPTION_INT };

struct option_row {
	const char *name;      /* long, without the dashes */
	char letter;           /* or 0 */
	enum option_type type;
	const char *value;     /* "PATH", "N" for the help; NULL for flags. PATH, FILE and FOLDER are completed as paths */
	const char *const *choices; /* NULL-terminated, or NULL */
	const char *doc;       /* begins in lower case and has no full stop, as it stands in the help */
	size_t offset;         /* in the command's options struct: bool, unsigned, const char *, struct option_list, int */
	char separator;        /* of OPTION_LIST: one value holds several, as in --tags a,b; 0: it does not */
	const char *environment; /* a variable that stands in where the option is not given, or NULL; where it is a setting of
	                          * Ansible's (setting.h), so does ansible.cfg */
};

/* Items of a row with a separator are the list's own; others point into argv. options_release frees them. */
struct option_list { const char **items; size_t count, room; };

/* An option that people know from ansible-playbook and that does not exist here: why, and what to do instead. */
struct option_absent { const char *name; char letter; const char *reason, *instead; };

struct command_example { const char *line, *doc; };

struct command_row {
	const char *name;
	const char *arguments; /* "PLAYBOOK..."; "" where there are none */
	const char *summary;   /* one line, no full stop */
	const char *doc;       /* paragraphs for the man page, an empty line between them */
	const struct option_row *options;   /* ends at name NULL; or NULL */
	const struct option_row *settings;  /* what only settings give; by their environment. Ends at name NULL; or NULL */
	const struct option_absent *absent; /* ends at name NULL; or NULL */
	const struct command_example *examples; /* ends at line NULL; or NULL */
	size_t options_size;
	bool tells_ignored;    /* settings that are ignored are told */
	int words_least, words_most; /* how many words it takes; most -1: any number */
	/* options: the filled struct; words: what is left, NULL-terminated. Returns the exit status. */
	int (*run)(const void *options, char **words, int count);
};

extern const struct command_row *const commands[]; /* ends at NULL, in the order of the help */

/* NULL if there is none. */
const struct command_row *command_find(const char *name);
/* The whole program: runs the verb in argv[1]. Returns the exit status. */
int commands_main(int argc, char **argv);
/* Prints an error as everything in neap does: "neap: where: text" and the remedy on a line of its own, to stderr. */
void command_error(const struct err *err);
/* Flushes stdout after a command that printed its answer there; says so and returns 2 where it could not be written. */
int command_finish(void);

enum { OPTIONS_HELP = 1 };

/* Parses the words after the verb by its table, as getopt_long does (bundled letters, --name=value, unambiguous
 * prefixes, "--", options after words), then takes what was not given from the environment and the settings (NULL: none),
 * which must live as long as the options. Returns 0, OPTIONS_HELP
 * where --help was asked for, or -1 with ERR_USAGE and the nearest name. words has room for argc + 1 pointers. */
int options_parse(const struct command_row *command, void *options, int argc, char **argv, char **words, int *count,
                  struct settings *settings, struct err *err) must_check;
void options_release(const struct command_row *command, void *options);

/* ---- what is generated from the table ---- */

/* Adds words of text from column `at`, going on under column `left`, and a newline. */
void help_wrap(struct buf *out, const char *text, size_t at, size_t left, size_t columns);
/* `neap VERB --help`, wrapped at columns (0: 80). */
void help_command(const struct command_row *command, int columns, struct buf *out);
/* `neap --help`. */
void help_overview(struct buf *out);
/* The man page, in man(7)'s language. */
void help_manual(struct buf *out);

#endif
