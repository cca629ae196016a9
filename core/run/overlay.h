/* What check mode would have made: the answers that later tasks would have got, had the steps before them been done.
 * One for each target; locks itself. */
#ifndef NEAP_RUN_OVERLAY_H
#define NEAP_RUN_OVERLAY_H

#include "plan/ask.h"
#include "plan/step.h"

struct overlay;

struct overlay *overlay_new(void);
void overlay_free(struct overlay *overlay);
/* A step that would be done now. */
void overlay_predict(struct overlay *overlay, const struct step *step);
/* The answer that an ask would get, a new reference; NULL: the predicted steps do not touch it. */
struct answer *overlay_answer(struct overlay *overlay, const struct ask *ask);
/* Whether a step whose effect nobody knows would have been done: later results are uncertain. */
bool overlay_is_uncertain(struct overlay *overlay);

#endif
