/* Steps, done on a target: the only place from which anything on a machine is changed. */
#ifndef NEAP_RUN_PERFORM_H
#define NEAP_RUN_PERFORM_H

#include "run/target.h"

struct perform_watch {
	void *context;
	void (*output)(void *context, bool is_stderr, const char *bytes, size_t length);
};

/* Does a job's steps in order until one fails; fills outcomes and steps_done. -1 if the connection is lost. Target's thread. */
int perform_steps(struct wire *wire, struct job *job, const struct perform_watch *watch, struct err *err) must_check;

#endif
