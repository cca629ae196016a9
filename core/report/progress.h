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
/* The line at a wall-clock time, at most columns wide, without a newline; empty while nothing runs. Where most hosts have
 * ended the task, it says for whom they wait. */
void progress_line(const struct progress *progress, int64_t now_us, size_t columns, struct buf *out);
/* For where there is no such line: the same, once for each task that most hosts have ended while another has taken half a
 * minute already; else empty. */
void progress_straggler(struct progress *progress, int64_t now_us, struct buf *out);

#endif
