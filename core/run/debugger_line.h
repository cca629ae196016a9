/* What is typed at the task debugger: a command, a change, or an expression to be shown. */
#ifndef NEAP_RUN_DEBUGGER_LINE_H
#define NEAP_RUN_DEBUGGER_LINE_H

#include <stdbool.h>

#include <jansson.h>

#include "base/err.h"

enum debugger_verb {
	DEBUGGER_NOTHING, DEBUGGER_PRINT, DEBUGGER_SET, DEBUGGER_DELETE, DEBUGGER_UPDATE_TASK, DEBUGGER_DO_AGAIN,
	DEBUGGER_GO_ON, DEBUGGER_QUIT, DEBUGGER_HELP,
};

struct debugger_line {
	enum debugger_verb verb;
	bool is_variable;       /* of SET and DELETE: task_vars, not task.args */
	json_t *path;           /* of SET and DELETE: the keys and numbers that lead to what is meant; owned */
	const char *expression; /* of PRINT and SET; points into what was read */
};

/* text is used as long as the line. ERR_INPUT: it is none of these. To be released even then. */
int debugger_line_read(struct debugger_line *line, const char *text, struct err *err) must_check;
void debugger_line_release(struct debugger_line *line);
/* Gives *root, a dictionary, the value at path; value is taken over. ERR_INPUT: there is nothing on the way. */
int debugger_line_set(json_t **root, json_t *path, json_t *value, struct err *err) must_check;
int debugger_line_delete(json_t *root, json_t *path, struct err *err) must_check;
/* What there is to type, a line for each. */
extern const char debugger_line_help[];

#endif
