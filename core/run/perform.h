/* Steps, done on a target: the only place from which anything on a machine is changed. */
#ifndef NEAP_RUN_PERFORM_H
#define NEAP_RUN_PERFORM_H

#include "run/target.h"

struct perform_watch {
	void *context;
	void (*output)(void *context, bool is_stderr, const char *bytes, size_t length);
};

/* Does a job's steps from steps_done on, in order until one fails or connects again; fills outcomes and steps_done. Where all
 * were done and the last of them left in a flight of the shell, the job's asks of its own user went with it. -1 if the
 * connection is lost. Target's thread. */
int perform_steps(struct wire *wire, struct job *job, const struct perform_watch *watch, struct err *err) must_check;
/* One command as the job's user, with its environment; the outcome must be released. -1 if the connection is lost. */
int perform_once(struct wire *wire, struct job *job, const struct command *command, struct wire_outcome *outcome,
                 struct err *err) must_check;

/* ---- between the parts of it ---- */

/* A PUT as the wire takes it; what it points to is borrowed, or in the arena. */
struct wire_put perform_wire_put(struct arena *arena, const struct put *put);
/* At most that many PUTs from the job's position on, their data pipelined. */
int perform_puts(struct wire *wire, struct job *job, size_t most, struct err *err) must_check;
enum { PERFORM_SHA1 = 41 };
/* The steps from the job's position on that are one command each; the first is one of those, or a PUT. */
int perform_short(struct wire *wire, struct job *job, struct err *err) must_check;
/* Whether the step there is a PUT that is one. */
bool perform_is_short(const struct job *job, size_t at);
/* Whether the step can be one, a small file being alone. Any thread. */
bool perform_can_be_short(const struct step *step);
/* A new folder, with the steps that fill it, at once. 1: they are done; 0: they cannot be done so; -1 as perform_steps. */
int perform_tree(struct wire *wire, struct job *job, struct err *err) must_check;

#endif
