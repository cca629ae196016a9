/* When facts are gathered.
 *
 * gather_facts: true has a task of its own at the start of the play, as with Ansible. gather_facts: false gathers nothing.
 * Where a play says neither, a fact is gathered when the first template needs it: a name that is not known notes in
 * variables.wanted what it is part of, the task waits while that is gathered, and evaluates again. The asks of coming tasks
 * are looked at in the same round trip, and what they will want is gathered along. A run in which nothing needs a fact
 * pays nothing, and one that needs some pays one round trip.
 *
 * What other hosts look up through hostvars cannot be found out that way: those facts are read out of the texts before the
 * run (gather_shared), and every play gathers them at its start. */
#ifndef NEAP_RUN_GATHER_H
#define NEAP_RUN_GATHER_H

#include "lua/template.h"
#include "model/inventory.h"
#include "model/playbook.h"
#include "plan/fact_subset.h"
#include "run/asks.h"

struct walk;

struct gather {
	bool is_asked;      /* gather_facts: true */
	fact_parts allowed; /* what may be gathered because it is needed; 0: nothing */
	struct entry task;  /* "Gathering Facts" */
	struct entry *tasks[1];
	struct entries list; /* that task if is_asked, else empty */
	json_t *arguments;
	json_t *implied;
	const char *fact_path;
	size_t timeout_s;
};

/* From a play's evaluated keywords, NULL where they are not given. by_default: what gather_facts is where it is not given:
 * 1, 0, or -1 for "as needed". gather must not move afterwards. */
int gather_init(struct gather *gather, const struct play *play, json_t *gather_facts, json_t *arguments, int by_default,
                struct err *err) must_check;
void gather_release(struct gather *gather);

/* Adds the ask for what the walk's templates have wanted so far. false with err: nobody to ask. */
int gather_ask(struct walk *walk, struct template_vm *vm, struct target *target, struct asks *asks, struct err *err) must_check;
/* Takes facts that a job has brought, and counts what was wanted as gathered whatever became of it. */
void gather_take(struct walk *walk, const struct asks *asks);

/* The parts of facts that texts of the playbook, its roles and templates beside it look up through hostvars. */
fact_parts gather_shared(const struct playbook *playbook, const struct inventory *inventory);

#endif
