/* Template files: the answers to ASK_RENDER, which need a task's variables. */
#ifndef NEAP_RUN_RENDER_H
#define NEAP_RUN_RENDER_H

#include "run/keywords.h"

/* A new reference, never NULL; .why of one that failed begins with the file and the line. at's worker. */
struct answer *render_answer(const struct evaluation *at, const struct ask *ask);

#endif
