/* Steps: what a module wants done, in order. Only the runner does them.
 *
 * Each step_*() returns NULL until the step was done, then its outcome (decision.h). A step that fails ends the task as
 * failed with the step's message and decide() is not called again, except for step_run: a command's exit status is for
 * the module to judge. Everything given is copied. Modes are numbers here; mode.h turns text into them. */
#ifndef NEAP_PLAN_STEP_H
#define NEAP_PLAN_STEP_H

#include <stdbool.h>
#include <stddef.h>
#include <sys/types.h>
#include <time.h>

#include "plan/ask.h"
#include "plan/command.h"
#include "plan/decision.h"

enum step_kind {
	STEP_RUN, STEP_PUT, STEP_GET, STEP_MKDIR, STEP_LINK, STEP_REMOVE, STEP_RENAME, STEP_SETATTR, STEP_WAIT,
	STEP_RECONNECT,
};

/* What a step may touch: whose answers become stale. */
enum step_effects {
	EFFECT_EVERYTHING, /* an opaque command */
	EFFECT_PATHS,      /* the paths it names, and what is under them */
	EFFECT_NOTHING,
};

struct attributes { /* of a file; what is not set stays */
	bool has_mode;
	mode_t mode;
	const char *owner, *group; /* names or numbers, NULL: as it is */
	bool has_atime, has_mtime; /* nsec == UTIME_NOW: the target's clock */
	struct timespec atime, mtime;
};

enum put_source { PUT_BYTES, PUT_LOCAL_FILE, PUT_REMOTE_FILE };

struct put { /* a file that is old or new, never half */
	const char *path;
	enum put_source source;
	const char *bytes; size_t length; /* PUT_BYTES */
	const char *from;                 /* PUT_LOCAL_FILE: on the controller; PUT_REMOTE_FILE: on the target */
	bool opens;                       /* PUT_LOCAL_FILE: of a file sealed by Ansible Vault, what is sealed in it */
	struct attributes attributes;     /* without a mode: 0666 less the umask for a new file, else the old file's */
	bool backup;                      /* keeps the old file beside it under Ansible's name */
	const char *validate;             /* a command with %s for the temporary file; a failure keeps the old one */
	const char *sha1;                 /* what the content must be, or NULL */
	bool follow;                      /* writes through a symlink at path */
	bool is_new;                      /* a hint: the module has seen that nothing is at path */
};

struct get {
	const char *path;  /* on the target */
	const char *to;    /* on the controller, made by the module from playbook and inventory only */
	const char *sha1;  /* what it must be, or NULL */
	bool verify;       /* the target hashes it as well, while it comes, and must agree */
	uint64_t size;     /* when it was last looked at; 0: not known */
};

struct step_link { const char *path, *target; bool hard, replace; };
struct step_rename { const char *from, *to; };
struct step_setattr { const char *path; struct attributes attributes; bool follow; };
struct step_remove { const char *path; bool recurse; };
struct step_mkdir { const char *path; struct attributes attributes; bool parents; /* parents get 0777 less the umask */ };
struct step_wait { int64_t ms; const char *say; /* to the user meanwhile; NULL: nothing */ };
struct step_run {
	struct command command;
	enum step_effects effects;
	const char *const *paths;   /* EFFECT_PATHS: NULL-terminated */
	bool unchanged;             /* it changes nothing: the task is not changed by it */
	int64_t timeout_ms;         /* 0: none */
	bool live;                  /* its output is worth showing while it runs */
	bool ends_connection;       /* the connection may be lost by it, which is no failure; a STEP_RECONNECT follows. It fails
	                             * where the connection is to this machine */
};
struct step_reconnect { /* the connection is made again until a command there succeeds; its outcome has the command's */
	struct command command;
	const char *differs;        /* what the command's output, stripped, must not be, nor nothing; or NULL */
	int64_t timeout_ms;         /* for all tries together */
	int64_t delay_ms;           /* before the first */
	int64_t apart_ms;           /* between tries, at first; 0: a sensible time */
	int64_t apart_most_ms;      /* to which it grows, twice as long each time; 0: as apart_ms is */
	int64_t connect_timeout_ms; /* of one try's connecting; 0: as configured */
	bool keep;                  /* the first try is on the connection that is there */
	bool stays;                 /* where the command fails, the connection stays: only one that is lost is made again */
};

struct step {
	enum step_kind kind;
	const char *human; /* one line, made by step.c: "create directory /srv" */
	bool secret;       /* human and contents are not shown */
	bool unchanged;
	enum step_effects effects;
	const char *const *paths; /* NULL-terminated, for EFFECT_PATHS */
	union {
		struct step_run run;
		struct put put;
		struct get get;
		struct step_mkdir mkdir;
		struct step_link link;
		struct step_remove remove;
		struct step_rename rename;
		struct step_setattr setattr;
		struct step_wait wait;
		struct step_reconnect reconnect;
	};
};

/* Whether a step changes files and nothing else: it starts nothing, fetches nothing and waits for nothing. */
static inline bool step_is_of_files(const struct step *step)
{
	return step->kind != STEP_RUN && step->kind != STEP_GET && step->kind != STEP_WAIT && step->kind != STEP_RECONNECT;
}

struct outcome {
	bool ok;
	bool refused;               /* PUT: the command that validates said no; run is what it said */
	const char *error;          /* why not, in words */
	struct command_result run;  /* STEP_RUN, and PUT's failed validation; WAIT: its times */
	const char *backup_file;    /* PUT with backup: where the old file is now, or NULL */
	const char *digest;         /* GET, PUT: SHA-1 of what arrived; of a PUT in a plan or a model: NULL */
	const char *md5;            /* GET: likewise; NULL for files over DIGEST_MD5_MOST */
	uint64_t size;              /* GET: its bytes */
};

const struct outcome *step_run(struct decision *decision, const struct step_run *run);
const struct outcome *step_put(struct decision *decision, const struct put *put);
const struct outcome *step_get(struct decision *decision, const struct get *get);
const struct outcome *step_mkdir(struct decision *decision, const struct step_mkdir *mkdir);
const struct outcome *step_link(struct decision *decision, const struct step_link *link);
const struct outcome *step_remove(struct decision *decision, const struct step_remove *remove);
const struct outcome *step_rename(struct decision *decision, const struct step_rename *rename);
const struct outcome *step_setattr(struct decision *decision, const struct step_setattr *setattr);
const struct outcome *step_wait(struct decision *decision, int64_t ms);
/* The steps wanted so far are the last: once they are done the task has succeeded, and what it asks then is only to be told. So
 * others may be done behind them before they are known to be done. More steps are a fault of the module. */
void step_last(struct decision *decision);
/* Any step whose fields are filled but human, effects and paths. */
const struct outcome *step_any(struct decision *decision, const struct step *step);

#endif
