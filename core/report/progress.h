/* The line at the foot of a terminal that says what is going on: the task, the hosts that still run, how long it has
 * taken, who is slow, what is being transferred. */
#ifndef NEAP_REPORT_PROGRESS_H
#define NEAP_REPORT_PROGRESS_H

#include "base/buf.h"
#include "run/event.h"

struct progress;

struct progress *progress_new(void);
void progress_free(struct progress *progress);
/* Keeps the account: HOST_START, RESULT, PROGRESS, TASK_START, PLAY_START. */
void progress_note(struct progress *progress, const struct event *event);
/* The line at a wall-clock time, at most columns wide, without a newline; empty while nothing runs. */
void progress_line(const struct progress *progress, int64_t now_us, size_t columns, struct buf *out);

#endif
