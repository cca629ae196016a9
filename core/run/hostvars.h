/* hostvars: the variables of every host as far as the run knows them, each evaluated for its own host. A snapshot is shared by
 * all walks that look things up in it, and the next one evaluates the hosts that have changed since, not the others: a
 * task on a thousand hosts that looks at a thousand must not evaluate a million. */
#ifndef NEAP_RUN_HOSTVARS_H
#define NEAP_RUN_HOSTVARS_H

#include "run/context.h"

struct hostvars;

/* As the variables are now; to be given back. Any thread, without facts_lock. */
struct hostvars *hostvars_take(struct run_context *run);
/* NULL is allowed. */
void hostvars_give(struct run_context *run, struct hostvars *hostvars);
/* Host names to their variables. Borrowed; immutable as long as the snapshot is not given back. */
json_t *hostvars_values(const struct hostvars *hostvars);
/* Whether some host's variables have changed since. */
bool hostvars_is_old(const struct run_context *run, const struct hostvars *hostvars);
/* A host's variables have changed. Under facts_lock. */
void hostvars_changed(struct run_context *run, struct host_state *host);
/* The inventory has changed. The conductor, while no walk is under way. */
void hostvars_forget(struct run_context *run);
/* At the end of the run, when all snapshots were given back. */
void hostvars_release(struct run_context *run);

#endif
