/* What is known about a target: answers, kept until a step may have made them stale.
 *
 * An answer belongs to the target and the user it was asked as. A step declares what it touches; that is forgotten, and
 * only that. Paths are compared by their names, which is right only where no symlink is on the way: the target says so with
 * each answer (ask.h: is_straight). An answer that was reached otherwise is forgotten with every step, and every path with a
 * step that goes where nobody has looked.
 *
 * Locks itself: the walks that share a target (by delegation) may be on different workers, and the targets that are one
 * machine (connect.c) share one. */
#ifndef NEAP_RUN_STORE_H
#define NEAP_RUN_STORE_H

#include <stdint.h>

#include "run/touched.h"

struct store;

struct store *store_new(void);
void store_free(struct store *store);

/* A reference to the answer, or NULL where it is not known, or will not be any more once what is in touched (NULL: nothing)
 * was done. user: the key of a target_user. */
struct answer *store_find(struct store *store, const char *user, const struct ask *ask, const struct touched *touched);
/* An answer that a decision was made on. Borrowed. */
struct basis {
	const char *user;
	const struct ask *ask;
	const struct answer *answer;
};

/* Whether all of these answers are still the ones that are known. If so, what steps touch is forgotten at once, before they are
 * done, so that no other who decides on the same finds the answers that they are about to make stale. */
bool store_begin(struct store *store, const struct basis *basis, size_t count, const struct touched *touched);
/* While one target does short steps that were decided on answers, no other of the machine does. */
void store_enter(struct store *store);
void store_leave(struct store *store);
/* Another target uses it. */
void store_share(struct store *store);
/* Whether several targets do: hosts that are one machine. */
bool store_is_shared(struct store *store);
/* Counts the times something was forgotten: an answer is stored only if nothing was since it was asked. */
uint64_t store_generation(struct store *store);
/* Keeps an answer (with a reference of its own) if the generation is still the given one. Where one is known by now that is as good,
 * *answer is exchanged for it. */
void store_keep(struct store *store, const char *user, const struct ask *ask, struct answer **answer,
                uint64_t generation);
/* What the steps will touch, as far as can be told now, before they are done: links on their way count. Borrows them. */
struct touched store_touched(struct store *store, const char *user, const struct step *const *steps, size_t count);
/* Whether the answer to an ask may be another one behind those steps than before them, where no symlink is on its way. */
bool touched_changes(const struct touched *touched, const struct ask *ask);
/* Forgets what may have been touched; whether anything may have been. */
bool store_forget(struct store *store, const struct touched *touched);
/* Forgets all that is known of the target. */
void store_forget_all(struct store *store);

#endif
