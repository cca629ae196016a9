/* A host in memory: a tree of files, accounts and canned commands that answers asks and does steps, so that a module can be
 * tried without a machine. */
#ifndef NEAP_PLAN_MODEL_HOST_H
#define NEAP_PLAN_MODEL_HOST_H

#include "base/err.h"
#include "plan/ask.h"
#include "plan/step.h"

struct model_host;

/* From a description (docs/guide/writing-a-lua-module.md): {"files": {PATH: {"type", "content", "mode", "owner", "group",
 * "target", "same_as", "denied", "mtime"}}, "users": {NAME: NUMBER}, "groups": {NAME: NUMBER}, "commands": [{"argv" or
 * "script", "rc", "stdout", "stderr", "then"}], "facts": {NAME: VALUE}}. In paths and contents \xNN is a byte. NULL with err. */
struct model_host *model_host_new(json_t *description, struct err *err) must_check;
void model_host_free(struct model_host *host);
/* A new reference. */
struct answer *model_host_answer(struct model_host *host, const struct ask *ask);
/* Does a step; other is the host on the other side of a transfer. The outcome is in the arena. */
const struct outcome *model_host_do(struct model_host *host, struct model_host *other, const struct step *step,
                                    struct arena *arena);
/* Compares the host with expected files, each a dictionary of what is expected of it, or null: nothing is there. report is
 * called for each difference. */
void model_host_compare(struct model_host *host, json_t *expected, void (*report)(void *context, const char *text),
                        void *context);

#endif
