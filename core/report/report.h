/* Reporters: readers of the event stream. */
#ifndef NEAP_REPORT_REPORT_H
#define NEAP_REPORT_REPORT_H

#include <stdbool.h>
#include <stdio.h>

#include "base/buf.h"
#include "base/err.h"
#include "run/event.h"

struct report_options {
	FILE *out;       /* the report, in the format asked for and nothing else */
	FILE *messages;  /* what is said to the user about the run: stderr */
	bool colour;
	bool live;       /* a progress line: messages is a terminal */
	bool ordered;    /* results in the play's order of hosts, not as they come */
	int columns;     /* width of the terminal, 0: unknown */
	unsigned verbosity;
	bool diff;
	size_t diff_context; /* lines of a difference around what has changed */
	bool hides_skipped, hides_ok, hides_deprecations;
};

enum { REPORT_DIFF_CONTEXT = 3 };

/* Text as Ansible's default callback has it. */
struct reporter *report_text(const struct report_options *options);
/* Text as Ansible's ad-hoc command has it, for `neap exec`: no headings, a command's output below its host's name. */
struct reporter *report_exec(const struct report_options *options);
/* One JSON document at the end, in the shape of ansible.posix.json. */
struct reporter *report_json(const struct report_options *options);
/* JSON Lines, in the shape of ansible.posix.jsonl. */
struct reporter *report_jsonl(const struct report_options *options);
/* The text in a file, at the end of what is there, with a time before each line; only its owner may read it. NULL: ERR_USAGE, it
 * cannot be opened. */
struct reporter *report_log(const char *path, unsigned verbosity, bool diff, struct err *err);
/* Writes the names of hosts that failed or were not reached into PLAYBOOK.retry, in that folder (NULL: beside the playbook). */
struct reporter *report_retry(const char *folder, FILE *messages);
enum report_times_of { REPORT_TIMES_TOTAL = 1, REPORT_TIMES_TASKS = 2, REPORT_TIMES_ROLES = 4 };
/* How long the run and its tasks took; what: those, or-ed. */
struct reporter *report_times(unsigned what, FILE *out);
void report_free(struct reporter *reporter);

/* Differences as --diff shows them: diff is an object with before, after (text, or a dictionary of attributes),
 * before_header and after_header, or a list of them. Unified, bounded in size and time, "\ No newline at end of file",
 * binary said to be binary; terminal-safe. Of options colour and diff_context count. Ends with an empty line where there is
 * anything to show. */
void report_diff(json_t *diff, const struct report_options *options, struct buf *out);

#endif
