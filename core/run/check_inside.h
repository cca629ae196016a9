/* What the parts of the check share. Private to it. */
#ifndef NEAP_RUN_CHECK_INSIDE_H
#define NEAP_RUN_CHECK_INSIDE_H

#include "run/check.h"

struct absent_module { /* named by tasks, and nobody's */
	char *name, *file; /* owned */
	struct place place; /* of the first task that is sure to be reached; of the first, where none is */
	size_t uses;
	bool is_certain; /* that such a task is reached */
};

struct absent_modules {
	struct absent_module *items;
	size_t count, room;
};

struct check {
	const struct run_context *run; /* NULL: every task counts as selected */
	const struct registry *registry;
	struct template_vm *vm;
	struct problems *problems;
	bool warns;             /* of templates, instead of refusing them */
	bool may_be_unused;     /* what is looked at: a variable, or of a task that may be skipped */
	const struct playbook *playbook; /* NULL: a file that was included at run time */
	struct playbook_modules modules; /* as the registry has them, for included files */
	json_t *handlers;       /* names that can be notified, as keys; NULL: not checked */
	bool handlers_unknown;  /* more may come while the play runs */
	struct node *notifies;  /* names to look up once all handlers are known */
	size_t notify_count, notify_room;
	struct fragment **fragments; /* included files, kept while nodes of theirs are in use */
	size_t fragment_count, fragment_room;
	const char *outer_loop; /* the loop variable of the include that brought in what is looked at; or NULL */
	struct absent_modules *absent;
	bool is_left_out;       /* by tags: what is looked at is not reached */
	char **files;           /* included files that were looked at */
	size_t file_count, file_room;
};

/* What is wrong in a text ("template", "condition"), at its value or its key. */
void check_report(struct check *check, struct node node, bool at_key, const char *what, const struct err *err);
/* A text that may be a template. */
void check_text(struct check *check, struct node node, const char *text, bool at_key);
/* Every string in a value, keys too. */
void check_templates(struct check *check, struct node node);
/* An expression, or a list of them. */
void check_condition(struct check *check, struct node node);
/* The text of an expression that gives a value. */
void check_expression(struct check *check, struct node node);
/* Of a task, by its module's table: names, types, rules, templates. */
void check_arguments(struct check *check, const struct entry *entry, const struct module *module);
/* Where an argument is written, under any of its names. */
struct node check_argument_node(const struct entry *entry, const struct arg *arg);
/* Whether nothing in a value waits for the run: a template, or a text that is sealed. */
bool check_is_literal(json_t *value);
/* What a role is given, at the task that compares it with the role's specification. */
void check_role_arguments(struct check *check, const struct entry *entry);
/* Files on the controller that canonical arguments name. */
void check_files(struct check *check, const struct entry *entry, const struct module *module, json_t *bound);

/* Whether a task is sure to be reached: no condition, no loop that may be empty, no handler. */
bool check_is_certain(const struct entry *entry);
/* Remembers a task whose module there is none of. is_certain: it is sure to be reached. */
void check_absent(struct absent_modules *absent, const struct entry *entry, bool is_certain);
/* Tells of each such module once, and lets go of them. */
void check_tell_absent(struct absent_modules *absent, struct problems *problems);

#endif
