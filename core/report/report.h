/* Reporters: readers of the event stream. */
#ifndef NEAP_REPORT_REPORT_H
#define NEAP_REPORT_REPORT_H

#include <stdbool.h>
#include <stdio.h>

#include "base/buf.h"
#include "run/event.h"

struct report_options {
	FILE *out;       /* the report, in the format asked for and nothing else */
	FILE *messages;  /* what is said to the user about the run: stderr */
	bool colour;
	bool live;       /* a progress line: messages is a terminal */
	int columns;     /* width of the terminal, 0: unknown */
	unsigned verbosity;
	bool diff;
};

/* Text as Ansible's default callback has it. */
struct reporter *report_text(const struct report_options *options);
/* One JSON document at the end, in the shape of ansible.posix.json. */
struct reporter *report_json(const struct report_options *options);
/* JSON Lines, in the shape of ansible.posix.jsonl. */
struct reporter *report_jsonl(const struct report_options *options);
void report_free(struct reporter *reporter);

/* A unified diff as --diff shows it: bounded, "\ No newline at end of file", binary said to be binary. */
void report_diff(json_t *diff, bool colour, struct buf *out);

#endif
