/* How a result is shown to people: as blocks they can read, or as JSON on a line. */
#ifndef NEAP_REPORT_SHOW_H
#define NEAP_REPORT_SHOW_H

#include <jansson.h>

#include "base/buf.h"
#include "run/event.h"

/* "web1", or "web1 -> db1" for a delegated task; one safe line. */
void show_host(const struct event *event, struct buf *out);
/* A result without what is not for display (internal keys; invocation and diff below -vvv; warnings). New object. */
json_t *show_clean(const struct event *event, unsigned verbosity);
/* Sorted JSON; indented by 4 where asked for. */
void show_json(const json_t *value, bool indented, struct buf *out);
/* The text after "FAILED! => ": msg, then the keys that matter as blocks indented by 4, the output unescaped. Ends
 * without a newline. */
void show_failure(const struct event *event, unsigned verbosity, struct buf *out);
/* "1.2 MB" */
void show_bytes(uint64_t bytes, struct buf *out);
/* "0:12", "1:02:03" */
void show_duration(int64_t ms, struct buf *out);

#endif
