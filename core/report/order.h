/* Results in the play's order of hosts, whichever host is first: what is no terminal gets the same report each time.
 *
 * A host's text is released once all hosts before it that still take part have ended the task. */
#ifndef NEAP_REPORT_ORDER_H
#define NEAP_REPORT_ORDER_H

#include <stdbool.h>

#include <jansson.h>

#include "base/buf.h"

struct order;

struct order *order_new(void);
void order_free(struct order *order);
/* The hosts of a play, in its order. */
void order_play(struct order *order, const json_t *hosts);
/* Holds what a host said; ended: the host has ended the task; leaves: it takes no further part. Adds to out what may
 * be shown now. */
void order_add(struct order *order, const char *host, const struct buf *text, bool ended, bool leaves, struct buf *out);
/* The task is over: adds all that is held, and begins anew. */
void order_flush(struct order *order, struct buf *out);

#endif
