/* The turns of a batch of hosts: task by task on all of them (linear), or each host by itself (free). */
#include "run/play_inside.h"

#include <stdlib.h>
#include <string.h>

#include "base/mem.h"
#include "run/confirm.h"
#include "run/inventory_change.h"
#include "run/keywords.h"
#include "run/sched.h"
#include "run/special.h"
#include "run/stream.h"
#include "run/throttle.h"

/* The walk that is furthest behind; NULL when all are at their end. */
static struct walk *rearmost(const struct play_batch *batch)
{
	struct walk *found = NULL;
	for (size_t i = 0; i < batch->count; i++) {
		struct walk *walk = batch->walks[i];
		if (walk->next && (!found || walk_compare(walk, found) < 0))
			found = walk;
	}
	return found;
}

static bool is_run_once(struct walk *walk, struct template_vm *vm)
{
	if (!scope_keyword(&walk->next->scope, "run_once").value)
		return false;
	bool once = false;
	struct err ignored = ERR_INIT;
	const struct evaluation at = { vm, &walk->variables, walk->next };
	return keyword_flag(&at, "run_once", false, &once, &ignored) == 0 && once;
}

/* Of pause and its like, one host does it for all; the others learn nothing of it, as with Ansible. */
static bool is_done_once(const struct walk *walk)
{
	const struct module *module = registry_find(walk->run->registry, walk->next->action);
	return (module && module->runs_once) || special_runs_once(walk->next);
}

/* Facts that templates of these walks have wanted, gathered before they go on. */
static void gather_turn(struct run_context *run, struct walk *const *walks, size_t count)
{
	for (size_t i = 0; i < count; i++) {
		walks[i]->facts_only = walks[i]->next && walks[i]->variables.wanted;
		if (walks[i]->facts_only)
			sched_turn(run->sched, walks[i]);
	}
	sched_wait(run->sched);
	for (size_t i = 0; i < count; i++)
		walks[i]->facts_only = false;
}

void play_gather_shared(struct play_state *play, const struct play_batch *batch)
{
	fact_parts shared = play->run->shared_facts & play->gather.allowed;
	for (size_t i = 0; i < batch->count; i++)
		batch->walks[i]->variables.wanted = shared & ~batch->walks[i]->host->gathered;
	if (shared)
		gather_turn(play->run, batch->walks, batch->count);
}

static char *name_of_next(struct walk *walk, struct template_vm *vm)
{
	struct err ignored = ERR_INIT; /* the task will meet it, and tell it */
	(void)!play_enter_variables(walk, vm, walk->next, &ignored);
	const struct evaluation at = { vm, &walk->variables, walk->next };
	char *name = keyword_task_name(&at);
	variables_leave(&walk->variables);
	return name;
}

/* A name that wants facts is told when all hosts have them. */
static void announce_turn(struct play_state *play, const struct play_batch *batch, struct walk *first, struct template_vm *vm)
{
	auto_free char *name = name_of_next(first, vm);
	if (first->variables.wanted) {
		for (size_t i = 0; i < batch->count; i++) {
			struct walk *walk = batch->walks[i];
			if (walk->next == first->next)
				walk->variables.wanted = first->variables.wanted & ~walk->host->gathered;
		}
		gather_turn(play->run, batch->walks, batch->count);
		free(name);
		name = name_of_next(first, vm);
	}
	play_announce_again(play, first->next, name);
}

/* What one host did for all: they have its variable, and its failure. */
static void share_result(struct walk *walk, const struct walk *doer, const struct entry *entry)
{
	json_t *name = scope_own(&entry->scope, "register").value;
	json_t *value = json_is_string(name) ? json_object_get(doer->host->variables, json_string_value(name)) : NULL;
	if (value)
		variables_set(&walk->variables, json_string_value(name), json_deep_copy(value));
	if (doer->failed) {
		walk->failed = true;
		walk_end(walk);
	} else if (doer->was_rescued) {
		walk_fail(walk);
	}
	walk_advance(walk);
}

/* --step: the user leaves this task out. */
static void skip_turn(const struct play_batch *batch, const struct walk *first, const struct entry *entry)
{
	struct walk place = *first;
	auto_free struct frame *frames = mem_array(first->frame_count, sizeof(*frames));
	memcpy(frames, first->frames, first->frame_count * sizeof(*frames));
	place.frames = frames;
	for (size_t i = 0; i < batch->count; i++) {
		struct walk *walk = batch->walks[i];
		if (walk->next == entry && walk_compare(walk, &place) == 0)
			walk_advance(walk);
	}
}

/* The inventory is another one: who is gone ends, who is new has no part in this play but for its name among the play's. */
static void take_fresh_inventory(struct play_state *play, const struct play_batch *batch, struct template_vm *vm)
{
	auto_free struct host **hosts = NULL;
	size_t count;
	struct err err = ERR_INIT;
	json_array_clear(play->batch_names);
	for (size_t i = 0; i < batch->count; i++) {
		struct walk *walk = batch->walks[i];
		walk->target = NULL;
		if (!context_is_gone(play->run, walk->host)) {
			json_array_append_new(play->batch_names, json_string(walk->host->host->name));
			continue;
		}
		walk_end(walk);
		walk_advance(walk);
	}
	if (play_hosts(play->run, play->play, vm, &hosts, &count, &err) < 0) {
		context_warn(play->run, NULL, "%s", err.text);
		return;
	}
	json_decref(play->all_names);
	play->all_names = play_names_as_matched(play->play, hosts, count);
	json_decref(play->names_in_order);
	play->names_in_order = play_host_names(hosts, count);
}

static void take_inventory_changes(struct play_state *play, const struct play_batch *batch, struct template_vm *vm)
{
	enum inventory_changed how = inventory_change_apply(play->run);
	if (how == INVENTORY_REFRESHED)
		take_fresh_inventory(play, batch, vm);
	for (size_t i = 0; how != INVENTORY_SAME && i < batch->count; i++)
		variables_reload(&batch->walks[i]->variables);
}

/* Hosts that are still on their way through the play. */
static size_t count_waiting(const struct play_batch *batch)
{
	size_t waiting = 0;
	for (size_t i = 0; i < batch->count; i++)
		waiting += batch->walks[i]->next != NULL;
	return waiting;
}

/* Whether a task was done ahead whose turn has yet to come. */
static bool is_owed(const struct play_batch *batch)
{
	for (size_t i = 0; i < batch->count; i++) {
		if (stream_awaits(batch->walks[i]))
			return true;
	}
	return false;
}

static void turn(struct play_state *play, const struct play_batch *batch, struct template_vm *vm)
{
	struct run_context *run = play->run;
	struct walk *first = rearmost(batch);
	run->turn++;
	const struct entry *entry = first->next;
	announce_turn(play, batch, first, vm);
	if (!confirm_step(run, first->next->name ? first->next->name : first->next->action)) {
		skip_turn(batch, first, entry);
		return;
	}
	bool once = is_run_once(first, vm), alone = once || is_done_once(first);
	auto_free struct walk **together = mem_array(batch->count, sizeof(struct walk *));
	size_t count = 0;
	for (size_t i = 0; i < batch->count; i++) {
		struct walk *walk = batch->walks[i];
		/* Hosts may be at the same place in different files, where an include's name differs. */
		if (walk->next == entry && walk_compare(walk, first) == 0)
			together[count++] = walk;
	}
	first->alone = count_waiting(batch) == 1;
	size_t most = throttle_most(first, vm), done = 0, doers = alone ? 1 : count;
	while (done < doers) {
		for (size_t i = 0; i < most && done < doers; i++)
			sched_turn(run->sched, together[done++]);
		sched_wait(run->sched);
	}
	walk_order_included(together, count);
	for (size_t i = 1; alone && i < count; i++) {
		if (once)
			share_result(together[i], together[0], entry);
		else
			walk_advance(together[i]);
	}
	take_inventory_changes(play, batch, vm);
}

size_t play_count_failed(const struct play_batch *batch)
{
	size_t failed = 0;
	for (size_t i = 0; i < batch->count; i++)
		failed += batch->walks[i]->failed;
	return failed;
}

/* Whether so many hosts have failed that the play must stop. */
static bool is_fatal(const struct play_state *play, const struct play_batch *batch)
{
	size_t failed = play_count_failed(batch);
	if (!failed)
		return false;
	if (atomic_load(&play->is_fatal))
		return true;
	return play->max_fail_percentage >= 0 &&
	       100.0 * (double)failed / (double)batch->count > play->max_fail_percentage;
}

static void stop_all(const struct play_batch *batch, bool failed)
{
	for (size_t i = 0; i < batch->count; i++) {
		struct walk *walk = batch->walks[i];
		if (!walk->next)
			continue;
		walk->failed = walk->failed || failed;
		walk_end(walk);
		walk_advance(walk);
	}
}

bool play_walk_linear(struct play_state *play, const struct play_batch *batch, struct template_vm *vm)
{
	while (rearmost(batch)) {
		if (atomic_load(&play->run->cancelled) && !is_owed(batch))
			return false;
		turn(play, batch, vm);
		if (is_fatal(play, batch)) {
			stop_all(batch, true);
			return false;
		}
		if (atomic_load(&play->is_over) || atomic_load(&play->batch_is_over))
			stop_all(batch, false);
	}
	return true;
}

bool play_walk_free(struct play_state *play, const struct play_batch *batch, struct template_vm *vm)
{
	for (size_t i = 0; i < batch->count; i++) {
		batch->walks[i]->alone = true;
		if (batch->walks[i]->next)
			sched_turn(play->run->sched, batch->walks[i]);
	}
	sched_wait(play->run->sched);
	take_inventory_changes(play, batch, vm);
	return !is_fatal(play, batch);
}
