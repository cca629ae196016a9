/* Jobs: commands that go on by themselves on the target, apart from the connection that has started them.
 *
 * A job is a folder, named by the job's id, in the user's folder of jobs: ~/.ansible_async, or what the variable
 * ansible_async_dir or the task's environment (ANSIBLE_ASYNC_DIR) says. Only the user can look into it. The file "job" in it
 * tells in one line of JSON how the job stands; "in", "out" and "err" are its streams. A supervisor on the target, in a
 * session of its own, waits for the command, ends it when its time is up, and writes how it ended. */
#ifndef NEAP_MODULES_ASYNC_JOB_H
#define NEAP_MODULES_ASYNC_JOB_H

#include "plan/module.h"

enum async_job_state {
	JOB_OPEN,    /* not answered yet, or the task has failed: decide returns */
	JOB_MISSING, /* there is no such job */
	JOB_RUNNING,
	JOB_LATE,    /* it was ended, because its time was up: the caller fails */
	JOB_ENDED,
};

/* Starts the command, for decision->async_s seconds, and with decision->poll_s waits until it has ended; the result is set.
 * What is in the result already is what the job's end will have, beside what the command gives; strip as in result_command.
 * Without a command the job is one that has ended, with that result. Always 0. */
int async_job_run(struct decision *decision, const struct command *command, bool strip);
/* How the job stands. Sets ansible_job_id, results_file, started, finished, and when it has ended its result. */
enum async_job_state async_job_look(struct decision *decision, const char *id);
/* Removes what is left of the job; *path is where it was, in the arena. */
enum async_job_state async_job_erase(struct decision *decision, const char *id, const char **path);

#endif
