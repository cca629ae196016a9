/* Keywords of a play, evaluated before it has hosts: by -e, the play's own variables and those of all hosts alike. */
#ifndef NEAP_RUN_PLAY_KEYWORDS_H
#define NEAP_RUN_PLAY_KEYWORDS_H

#include "lua/template.h"
#include "run/context.h"

/* Anything that stands in the play. */
int play_keyword_evaluate(struct run_context *run, const struct play *play, json_t *written, struct template_vm *vm,
                          json_t **value, struct err *err) must_check;
/* *value: new, NULL where the play does not have the keyword. */
int play_keyword_value(struct run_context *run, const struct play *play, const char *name, struct template_vm *vm,
                       json_t **value, struct err *err) must_check;
int play_keyword_flag(struct run_context *run, const struct play *play, const char *name, struct template_vm *vm,
                      bool fallback, bool *flag, struct err *err) must_check;

#endif
