/* vars_prompt: variables that the user is asked for before a play. */
#ifndef NEAP_RUN_PROMPTS_H
#define NEAP_RUN_PROMPTS_H

#include "run/context.h"

/* Asks for those that no -e gives; prompts: the evaluated keyword, or NULL. Where nobody can answer, a prompt has its default,
 * or is empty. *values is a new dictionary of templates, NULL where the play asks for nothing. */
int prompts_ask(struct run_context *run, struct template_vm *vm, json_t *prompts, json_t **values, struct err *err) must_check;
/* What the filter password_hash calls the scheme that encrypt names; NULL: there is none by that name. */
const char *prompts_scheme(const char *encrypt);

#endif
