/* A program run to its end on the machine neap runs on: inventory scripts, password programs, `ssh -G`. */
#ifndef NEAP_BASE_CHILD_H
#define NEAP_BASE_CHILD_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/buf.h"
#include "base/err.h"

struct child_run {
	const char *const *argv;  /* NULL-terminated; argv[0] is looked up in PATH unless it has a slash */
	const char *directory;    /* where it runs, or NULL: here */
	const char *input;        /* its standard input, or NULL: /dev/null */
	size_t input_length;
	bool keeps_terminal;      /* stays in neap's process group, so that it may ask the user on /dev/tty */
	int64_t timeout_ms;       /* 0: none; when it has passed, its whole process group is killed */
	bool (*cancelled)(void *context); /* asked while it runs; true: it is killed as well. May be NULL */
	void *context;
	size_t output_most;       /* bytes taken of each stream; more of stdout is an error, more of stderr is dropped */
};

/* Runs it and waits. out and err_out get its streams (either may be NULL: /dev/null). *status is the exit status, or 128 + the
 * signal's number. -1 where it could not be started (os_error says why: ENOENT, EACCES, ENOEXEC), took too long
 * (ERR_TIMEOUT), was cancelled (ERR_INTERRUPTED) or wrote too much. Any thread; the program ignores SIGPIPE. */
int child_run(const struct child_run *run, struct buf *out, struct buf *err_out, int *status, struct err *err) must_check;

#endif
