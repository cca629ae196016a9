/* What the parts of the check share. Private to it. */
#ifndef NEAP_RUN_CHECK_INSIDE_H
#define NEAP_RUN_CHECK_INSIDE_H

#include "run/check.h"

struct check {
	const struct registry *registry;
	struct template_vm *vm;
	struct problems *problems;
	const struct playbook *playbook; /* NULL: a file that was included at run time */
	struct playbook_modules modules; /* as the registry has them, for included files */
	json_t *handlers;       /* names that can be notified, as keys; NULL: not checked */
	bool handlers_unknown;  /* more may come while the play runs */
	struct node *notifies;  /* names to look up once all handlers are known */
	size_t notify_count, notify_room;
	struct fragment **fragments; /* included files, kept while nodes of theirs are in use */
	size_t fragment_count, fragment_room;
	const char *outer_loop; /* the loop variable of the include that brought in what is looked at; or NULL */
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
/* Of a task, by its module's table: names, types, rules, templates. */
void check_arguments(struct check *check, const struct entry *entry, const struct module *module);
/* Where an argument is written, under any of its names. */
struct node check_argument_node(const struct entry *entry, const struct arg *arg);
/* Files on the controller that canonical arguments name. */
void check_files(struct check *check, const struct entry *entry, const struct module *module, json_t *bound);

#endif
