/* vars_prompt: variables that the user is asked for before a play. */
#ifndef NEAP_RUN_PROMPTS_H
#define NEAP_RUN_PROMPTS_H

#include "run/context.h"

/* Asks for those that no -e gives. Where nobody can answer, a prompt has its default, or is empty. *values is a new
 * dictionary, NULL where the play asks for nothing. */
int prompts_ask(struct run_context *run, const struct play *play, json_t **values, struct err *err) must_check;

#endif
