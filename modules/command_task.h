/* What command, shell, script and raw have in common: whether to run at all, and what the result says. */
#ifndef NEAP_MODULES_COMMAND_TASK_H
#define NEAP_MODULES_COMMAND_TASK_H

#include "plan/module.h"

struct command_task {
	const char *program; /* its first word, where no shell is asked for; else NULL */
	const char *line;    /* the command as one text; with program */
	const char *creates, *removes;
	const char *chdir;   /* that relative ones are in; NULL: the user's home */
	bool strip;         /* trailing line ends off the output */
	json_t *shown;      /* the result's cmd, taken over; NULL: none */
};

/* The arguments that command and shell have in common, whose struct is want. */
#define COMMAND_ARGS(want) \
	{ .name = "chdir", .type = ARG_PATH, .offset = offsetof(struct want, chdir), \
	  .doc = "The directory to run in. Without it: the user's home." }, \
	{ .name = "creates", .type = ARG_PATH, .offset = offsetof(struct want, creates), \
	  .doc = "A path or shell pattern. Where something of that name exists, the command is not run." }, \
	{ .name = "removes", .type = ARG_PATH, .offset = offsetof(struct want, removes), \
	  .doc = "A path or shell pattern. Where nothing of that name exists, the command is not run." }, \
	{ .name = "stdin", .offset = offsetof(struct want, stdin_text), .doc = "Text for the command's standard input." }, \
	{ .name = "stdin_add_newline", .type = ARG_BOOL, .fallback = "true", \
	  .offset = offsetof(struct want, stdin_add_newline), .doc = "Adds a newline to the text of stdin." }, \
	{ .name = "strip_empty_ends", .type = ARG_BOOL, .fallback = "true", \
	  .offset = offsetof(struct want, strip_empty_ends), \
	  .doc = "Takes line ends off the end of stdout and stderr in the result." }

/* The documentation of what command_task_judge sets. */
#define COMMAND_OUTPUT_RETURNS                                            \
	{ "stdout", "str", "What it wrote." },                                \
	{ "stdout_lines", "list", "The same in lines." },                     \
	{ "stderr", "str", "What it wrote to standard error." },              \
	{ "stderr_lines", "list", "The same in lines." }
/* And of what command_task_run adds. */
#define COMMAND_TIME_RETURNS                                                              \
	{ "start", "str", "When it began, by the clock of the machine neap runs on." },       \
	{ "end", "str", "When it ended." },                                                   \
	{ "delta", "str", "How long it took." }

/* Other names of the command line. */
extern const char *const command_task_names[];

/* Whether creates and removes leave something to do. 1: run it; 0: not yet answered, or the result is set: return 0. */
int command_task_wanted(struct decision *decision, const struct command_task *task);
/* Gives the command a text for its standard input, with a newline behind it where that is wanted; NULL: none. */
void command_task_give(struct decision *decision, struct command *command, const char *text, bool newline);
/* Runs the command, as a job where the task has async, and sets the result. Always 0. */
int command_task_run(struct decision *decision, const struct command_task *task, const struct command *command);
/* Sets what a command that has ended gave, and whether it failed. */
void command_task_judge(struct decision *decision, const struct command_result *run, bool strip);
/* Words as Python's shlex.split takes a line apart: quotes and backslashes, no expansion. NULL-terminated, in the arena;
 * NULL with why where a quote is not closed. */
const char *const *command_task_split(struct arena *arena, const char *text, const char **why);

#endif
