/* What check mode would have made: the answers that later tasks would have got, had the steps before them been done.
 * One for each target; locks itself. */
#ifndef NEAP_RUN_OVERLAY_H
#define NEAP_RUN_OVERLAY_H

#include "plan/ask.h"
#include "plan/step.h"

struct overlay;

struct overlay *overlay_new(void);
void overlay_free(struct overlay *overlay);
/* The steps of a decision that would be done now; what it was told of users and groups tells who would own their files. */
void overlay_predict(struct overlay *overlay, const struct decision *decision);
/* The ask that has to be asked instead, because a link or a copy that would be made leads elsewhere; else the ask itself.
 * In the arena. The functions below want this one. */
const struct ask *overlay_redirect(struct overlay *overlay, struct arena *arena, const struct ask *ask);
/* The answer that an ask would get, a new reference; NULL: the target has to be asked. */
struct answer *overlay_answer(struct overlay *overlay, const struct ask *ask);
/* Lays the prediction over what the target answered. Takes the reference, returns one. */
struct answer *overlay_over(struct overlay *overlay, const struct ask *ask, struct answer *answer);
/* Whether a step whose effect nobody knows would have been done: later results are uncertain. */
bool overlay_is_uncertain(struct overlay *overlay);

#endif
