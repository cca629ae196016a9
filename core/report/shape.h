/* The pieces that the JSON and the JSON Lines report are made of, in the shape of Ansible's callbacks. */
#ifndef NEAP_REPORT_SHAPE_H
#define NEAP_REPORT_SHAPE_H

#include <stdbool.h>

#include <jansson.h>

#include "base/buf.h"
#include "run/event.h"

/* "2026-11-22T16:38:26.000123Z"; new. */
json_t *shape_time(int64_t time_us);
/* {"play": {"name", "id", "path", "duration": {"start"}}, "tasks": []}; new. */
json_t *shape_play(const struct event *event);
/* {"task": {"name", "id", "path", "duration": {"start"}}, "hosts": {}}; new. */
json_t *shape_task(const struct event *event);
/* The task of an event in a dictionary of tasks by number, or by host and number under a strategy where each host goes its
 * own way; made where it is new, and where the host of a result has one already, because a file was included more than
 * once. Borrowed. */
json_t *shape_task_of(json_t *tasks, const struct event *event, bool is_free, bool *is_new);
/* A host's task under such a strategy has ended. */
void shape_task_forget(json_t *tasks, const struct event *event);
/* Of a play's start: whether each host goes its own way. */
bool shape_is_free(const struct event *event);
/* A result with "action" and, where it is so, "failed", "skipped", "unreachable", "uncertain", "_ansible_ignore_errors"; new. */
json_t *shape_result(const struct event *event);
/* {host: {"ok", "changed", "failures", ...}}; new. */
json_t *shape_stats(const struct event *event);
/* Adds {"shard": {"index", "count", "status"}} to what a run ended with, where it was one of several. */
void shape_shard(const struct event *event, json_t *document);
/* Sorted ASCII JSON, on one line or indented by 4, and a newline. */
void shape_write(const json_t *value, bool indented, struct buf *out);

#endif
