/* A command to run on a target, and how it ended. */
#ifndef NEAP_PLAN_COMMAND_H
#define NEAP_PLAN_COMMAND_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include <jansson.h>

#include "base/arena.h"
#include "base/buf.h"

struct command {
	const char *const *argv;  /* NULL-terminated words, run without a shell's expansion; or */
	const char *script;       /* text for the shell; exactly one of both is set */
	const char *shell;        /* runs script as `shell -c script`; NULL: /bin/sh. Of a local_script: text for sh that
	                           * is put before it ("perl -w"); NULL: it runs by itself */
	const char *chdir;        /* NULL: the user's home */
	json_t *environment;      /* name: string, added to the session's; borrowed, or NULL */
	const char *input;        /* bytes for stdin; NULL: /dev/null */
	size_t input_length;
	const char *local_script; /* path on the controller of a script that is sent and run: its arguments are argv */
	bool opens;               /* sends what is sealed in local_script, where that is sealed by Ansible Vault */
	const char *script_bytes; /* the runner's own: what it found to be sealed there; or NULL */
	size_t script_length;
	bool secret;              /* its words are not shown */
	bool raw;                 /* exactly as written, no session wrapper: the raw module */
};

enum ended { ENDED_EXIT, ENDED_SIGNAL, ENDED_TIMEOUT, ENDED_UNKNOWN };

struct command_result {
	enum ended ended;   /* anything but ENDED_EXIT is never success */
	int code;           /* exit status, or the signal's number */
	const char *output; /* stdout, bytes with a NUL behind them */
	size_t output_length;
	const char *errors; /* stderr */
	size_t errors_length;
	bool cut;           /* more came than is kept */
	int64_t start_us, end_us; /* wall clock of the controller, microseconds since 1970 */
};

/* Exited with status 0. */
bool command_succeeded(const struct command_result *result);
/* "exit status 3", "killed by signal 9", "no exit status was received" */
const char *command_how(const struct command_result *result, char text[64]);

/* A copy in the arena; the environment stays borrowed. */
struct command command_copy(struct arena *arena, const struct command *command);
/* Whether both would do the same. */
bool command_same(const struct command *a, const struct command *b);
/* Adds the command's words as a person would type them. */
void command_describe(struct buf *buf, const struct command *command);

#endif
