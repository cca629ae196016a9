/* Asks, answered by a target in as few round trips as they can be: one for each user they are asked as. */
#ifndef NEAP_RUN_BATCH_H
#define NEAP_RUN_BATCH_H

#include "run/target.h"

/* Fills every ask's answer, or returns -1 if the connection is lost, or the job's user, who waits for the answers, cannot
 * be become (ERR_BECOME). Asks without an answer are NULL: then, and where another user, whose tasks are only coming,
 * cannot be become. What events would mask is not shown on the target either. Target's thread. */
int batch_answer(struct wire *wire, const struct event_stream *events, struct job *job, struct err *err) must_check;

#endif
