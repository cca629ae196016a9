/* Where the text reports write: standard output, the messages beside it, and the progress line that both make way for. */
#ifndef NEAP_REPORT_SCREEN_H
#define NEAP_REPORT_SCREEN_H

#include "report/colour.h"
#include "report/progress.h"
#include "report/report.h"

struct screen {
	struct report_options options;
	struct progress *progress;
	struct buf partial;      /* live output without its end of line yet */
	char *partial_host;
	bool partial_is_stderr;
	size_t line_width;       /* of the progress line that stands there now; 0: none */
	bool held;               /* the user is being asked: there is no progress line */
	int failed;              /* errno where standard output could not be written */
};

void screen_init(struct screen *screen, const struct report_options *options);
void screen_release(struct screen *screen);
/* Writes finished text to standard output. */
void screen_out(struct screen *screen, const struct buf *text);
/* Writes a line, in a colour, to the messages. */
void screen_say(struct screen *screen, enum colour colour, const char *text);
/* What every text report does with an event: progress, warnings, messages, live output, phases. */
void screen_event(struct screen *screen, const struct event *event);
/* The warnings and deprecations that came with a result. */
void screen_result_warnings(struct screen *screen, const struct event *event);
void screen_tick(struct screen *screen);
/* -1 with errno when standard output could not be written. */
int screen_finish(struct screen *screen);

#endif
