/* Inside a play: what play.c (the play), play_hosts.c (its hosts), play_include.c (what it includes) and play_turn.c (its
 * turns) share. All of it is the conductor's, but for what play.h says any thread may call. */
#ifndef NEAP_RUN_PLAY_INSIDE_H
#define NEAP_RUN_PLAY_INSIDE_H

#include "base/buf.h"
#include "run/play.h"

struct play_batch { /* the hosts that go through the play together */
	struct walk **walks;
	size_t count;
};

/* Adds a pattern, or a list of them, with commas between. */
void play_join_pattern(struct buf *pattern, json_t *value);
json_t *play_host_names(struct host *const *hosts, size_t count);
/* The names without regard to order:, as the magic variables have them. */
json_t *play_names_as_matched(const struct play *play, struct host *const *hosts, size_t count);

/* Reads those of vars_files that are the same for all hosts. */
int play_load_vars_files(struct play_state *state, struct template_vm *vm, struct err *err) must_check;

/* Makes a handler one of the play's; context is its state. For entries_each. */
void play_add_handler(void *context, const struct entry *entry);
void play_free_includes(struct play_state *play);

/* What other hosts look up through hostvars is gathered before anyone does. */
void play_gather_shared(struct play_state *play, const struct play_batch *batch);
/* Through the tasks, turn by turn or each host by itself. false: too many hosts have failed for the play to go on, or the run
 * was interrupted. */
bool play_walk_linear(struct play_state *play, const struct play_batch *batch, struct template_vm *vm);
bool play_walk_free(struct play_state *play, const struct play_batch *batch, struct template_vm *vm);
size_t play_count_failed(const struct play_batch *batch);

#endif
