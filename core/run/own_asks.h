/* Asks that the runner itself answers, because they need a task's variables, its documents or the user. */
#ifndef NEAP_RUN_OWN_ASKS_H
#define NEAP_RUN_OWN_ASKS_H

#include "run/keywords.h"

/* A new reference; NULL where the ask is not one of these. at's worker, which a prompt keeps until the user has answered. */
struct answer *own_ask_answer(const struct evaluation *at, const struct ask *ask);

#endif
