/* Keyword values as a task on a host has them: looked up through the scopes around the task, templates evaluated. */
#ifndef NEAP_RUN_KEYWORDS_H
#define NEAP_RUN_KEYWORDS_H

#include <stdbool.h>

#include "run/variables.h"

/* What evaluation needs; one worker's. */
struct evaluation {
	struct template_vm *vm;
	struct variables *variables;
	const struct entry *entry;
	json_t *arguments; /* instead of the entry's, or NULL; borrowed */
};

/* The keyword's evaluated value as a new reference in *value, NULL if it is not given. err has the place. */
int keyword_value(const struct evaluation *at, const char *name, json_t **value, struct err *err) must_check;
int keyword_flag(const struct evaluation *at, const char *name, bool fallback, bool *flag, struct err *err) must_check;
/* A whole or broken number, or a string of one. */
int keyword_number(const struct evaluation *at, const char *name, double fallback, double *number,
                   struct err *err) must_check;
/* New string in *text, NULL if it is not given. */
int keyword_text(const struct evaluation *at, const char *name, char **text, struct err *err) must_check;
/* Whether all conditions of a keyword hold, through all scopes if it is merged; true if there are none. *failing, where
 * not NULL, is the condition that did not (borrowed json). */
int keyword_holds(const struct evaluation *at, const char *name, bool fallback, bool *holds, json_t **failing,
                  struct err *err) must_check;
/* environment: through all scopes, inner over outer; new object, or NULL. Names are checked, values are strings. */
int keyword_environment(const struct evaluation *at, json_t **environment, struct err *err) must_check;
/* Whether the task has a loop: of its own, they are not inherited. */
bool keyword_has_loop(const struct entry *entry);
/* Whether it connects in a way that its play does not: another user, port or kind of connection. */
bool keyword_has_own_connection(const struct entry *entry);
/* The task's name as it is shown: "role : name", templates evaluated as far as they can be. New string. */
char *keyword_task_name(const struct evaluation *at);

#endif
