/* A target: a connection to one machine, a thread that pumps it, and a queue of jobs. It knows asks and steps, nothing
 * of tasks. Walks hand it jobs (their own target, or another's when a task is delegated) and are told when one is done.
 *
 * The connection is opened by the first job and stays open; a connection that was lost is not opened again in the same
 * play unless target_reset asks for it. */
#ifndef NEAP_RUN_TARGET_H
#define NEAP_RUN_TARGET_H

#include <stdbool.h>
#include <stdint.h>

#include "plan/ask.h"
#include "plan/step.h"
#include "run/event.h"
#include "run/overlay.h"
#include "run/slots.h"
#include "run/store.h"
#include "wire/wire.h"

struct target;

/* Whom a job's asks and steps are done as. Borrowed for as long as the target lives. */
struct target_user {
	const char *key;                   /* names the login user, "" where it is nobody in particular; or method, user and flags */
	const struct wire_become *become;  /* NULL: the login user */
};

enum job_kind { JOB_ASKS, JOB_STEPS };

struct job_ask {
	const struct target_user *user;
	const struct ask *ask;
	struct answer *answer; /* set when done: one reference, to be taken over or dropped */
};

/* What one walk wants from a target. Owned by the walk; untouched by it until done is called. */
struct job {
	enum job_kind kind;
	struct job *next;
	struct job_ask *asks; /* JOB_ASKS; of JOB_STEPS: for when the steps are done, answered where that costs no round trip */
	size_t ask_count, files_to_come; /* how many files the task may send or fetch after it, as far as that is known */
	const struct step *const *steps; /* JOB_STEPS: in order; the first that fails ends the job */
	struct outcome *outcomes;        /* as many; memory from arena */
	size_t step_count, steps_done;   /* done: how many have an outcome, a failed one included */
	const struct target_user *user;
	struct arena *arena;             /* for outcomes; not used by the walk meanwhile */
	json_t *environment;             /* for commands; or NULL */
	const char *task;                /* for live output */
	int64_t timeout_ms;              /* of each command that has none of its own; 0: none */
	const struct basis *basis;       /* JOB_STEPS that others on this machine may come before: what was decided on */
	size_t basis_count;
	bool is_outdated;                /* nothing was done, as that is known otherwise by now: to be decided again */
	bool is_stream;                  /* commands of several tasks: the first that does not exit with 0 ends the job */
	bool is_joined;                  /* short steps of several tasks, that go in one flight; so do the asks behind them */
	bool is_last;                    /* JOB_STEPS of commands: nothing is expected to follow on this target */
	bool live;                       /* commands' output is told as it comes */
	bool pty;
	struct err err;                  /* kind != ERR_NONE: the connection failed */
	/* Called on the target's thread when all of the above is filled. */
	void (*done)(struct job *job);
	void *context;
};

struct target_options {
	const char *name;                 /* inventory name */
	const struct wire_config *config; /* borrowed */
	struct wire_hub *hub;
	struct event_stream *events;
	struct host_slots *slots;         /* shared bound on hosts that step at once */
	const struct target_user *login;  /* borrowed */
	struct store *store;              /* of the machine; borrowed */
	struct store *here;               /* of the machine neap runs on, where files are fetched to; borrowed */
	bool (*prompt)(void *context, const char *text, struct secret *answer); /* for passphrases; NULL: nobody to ask */
	void *prompt_context;
	unsigned long files_too_few; /* the limit on open files, where it leaves no room for this connection: its jobs fail; else 0 */
	int retries;       /* of a connection that the network does not make */
	bool tells_phases; /* EVENT_PHASE and EVENT_CONNECTED, which wake the main thread several times for each connection */
};

/* Starts no thread yet. */
struct target *target_new(const struct target_options *options);
/* Ends the connection and the thread; jobs in the queue are finished with ERR_INTERRUPTED. */
void target_free(struct target *target);
/* The end of the connection only, started at once. */
void target_close(struct target *target);
/* Waits for that end. */
void target_join(struct target *target);
/* Begins to connect, where that has not been done: the first job then finds the connection made, or learns why there is
 * none. Any thread. */
void target_expect(struct target *target);
/* Queues a job. Any thread. */
void target_submit(struct target *target, struct job *job);
/* Makes what runs fail with ERR_INTERRUPTED, and all that comes. Any thread, also a signal's reader. */
void target_cancel(struct target *target);
/* Ends the connection after the jobs that are queued; the next job opens a new one (meta: reset_connection). */
void target_reset(struct target *target);
struct store *target_store(struct target *target);
const struct target_user *target_login(const struct target *target);
/* What check mode would have changed here by now. */
struct overlay *target_overlay(struct target *target);
const char *target_name(const struct target *target);

#endif
