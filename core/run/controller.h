#ifndef NEAP_RUN_CONTROLLER_H
#define NEAP_RUN_CONTROLLER_H
#include "plan/ask.h"
struct controller;
struct controller_search { const char *role, *playbook; };
struct controller *controller_new(void);
void controller_free(struct controller *c);
struct answer *controller_answer(struct controller *c, const struct ask *ask, const struct controller_search *search);
#endif
