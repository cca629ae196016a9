/* loop:, with_items: and their relatives, and loop_control. */
#ifndef NEAP_RUN_LOOP_H
#define NEAP_RUN_LOOP_H

#include "run/keywords.h"

struct loop {
	json_t *items;    /* array; NULL: the task has no loop. Owned */
	json_t *values;   /* item, index_var, ansible_loop for the current item; owned */
	char *variable;   /* loop_var */
	char *index_variable;
	json_t *label;    /* template, borrowed; or NULL */
	double pause_s;
	bool extended;
	bool hides_all;     /* extended_allitems: false */
	json_t *break_when; /* condition or list of them, borrowed; or NULL */
};

/* Evaluates the items. The loop must be released even after -1. */
int loop_init(struct loop *loop, const struct evaluation *at, struct err *err) must_check;
/* Sets the loop variables to those of an item. */
void loop_enter(struct loop *loop, struct variables *variables, size_t index);
void loop_leave(struct loop *loop, struct variables *variables);
/* How the item is shown: its label, or the item itself. New string, one line. */
char *loop_label(const struct loop *loop, const struct evaluation *at, size_t index);
/* A loop's result, as Ansible puts its items' results together. New object. */
json_t *loop_result(json_t *item_results, bool unreachable);
/* Whether break_when holds after an item; a condition that cannot be evaluated does not. */
bool loop_breaks(const struct loop *loop, const struct evaluation *at);
void loop_release(struct loop *loop);

#endif
