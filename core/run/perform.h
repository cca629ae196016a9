/* Steps, done on a target: the only place from which anything on a machine is changed. */
#ifndef NEAP_RUN_PERFORM_H
#define NEAP_RUN_PERFORM_H

#include "run/target.h"

struct perform_watch {
	void *context;
	void (*output)(void *context, bool is_stderr, const char *bytes, size_t length);
};

/* Does a job's steps from steps_done on, in order until one fails or connects again; fills outcomes and steps_done. -1 if the
 * connection is lost. Target's thread. */
int perform_steps(struct wire *wire, struct job *job, const struct perform_watch *watch, struct err *err) must_check;
/* One command as the job's user, with its environment; the outcome must be released. -1 if the connection is lost. */
int perform_once(struct wire *wire, struct job *job, const struct command *command, struct wire_outcome *outcome,
                 struct err *err) must_check;

/* ---- between the parts of it ---- */

/* A PUT as the wire takes it; what it points to is borrowed, or in the arena. */
struct wire_put perform_wire_put(struct arena *arena, const struct put *put);
/* A new folder, with the steps that fill it, at once. 1: they are done; 0: they cannot be done so; -1 as perform_steps. */
int perform_tree(struct wire *wire, struct job *job, struct err *err) must_check;

#endif
