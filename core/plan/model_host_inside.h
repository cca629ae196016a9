/* What the files of a host in memory share: model_host.c describes and compares it, model_answer.c answers asks,
 * model_command.c has its commands, model_step.c does steps. */
#ifndef NEAP_PLAN_MODEL_HOST_INSIDE_H
#define NEAP_PLAN_MODEL_HOST_INSIDE_H

#include <jansson.h>

#include "plan/model_files.h"
#include "plan/model_host.h"

struct model_host {
	struct model_files files;
	json_t *users, *groups; /* by name: a number, or a dictionary with "id" */
	json_t *commands;       /* the first that matches counts */
	json_t *facts;          /* all of them, whatever subset is asked for; NULL: none were described */
};

/* Adds what a description says to what is there. */
int model_host_describe(struct model_host *host, json_t *description, struct err *err) must_check;
/* Adds text with \xNN made a byte. */
void model_host_bytes(struct buf *buf, const char *text);
/* The name of the account with a number, or the number as text. In the arena. */
const char *model_host_account(struct arena *arena, json_t *accounts, unsigned number);
/* What is said of a command; NULL: nothing. */
json_t *model_command_find(struct model_host *host, const struct command *command);
/* What a command gives, of which canned says something. In the arena. */
void model_command_fill(struct model_host *host, struct arena *arena, json_t *canned, struct command_result *run);

#endif
