/* The stack of frames that says where in a play a host is. */
#include "run/walk.h"

#include <stdlib.h>
#include <string.h>

#include "base/mem.h"
#include "run/debugger.h"
#include "run/play.h"
#include "run/sched.h"
#include "run/select.h"
#include "run/stream.h"
#include "run/task.h"
#include "run/throttle.h"

/* The sections of a play, in order; facts are gathered where the play asks for it, handlers run after pre_tasks, after tasks and after post_tasks. */
enum { SECTION_FACTS, SECTION_PRE, SECTION_PRE_HANDLERS, SECTION_ROLES, SECTION_TASKS, SECTION_HANDLERS, SECTION_POST,
	   SECTION_POST_HANDLERS, SECTIONS };
enum { BLOCK_MAIN, BLOCK_RESCUE, BLOCK_ALWAYS };
enum { AHEAD_WINDOW = 2000 };

static struct frame *top(struct walk *walk)
{
	return walk->frame_count ? &walk->frames[walk->frame_count - 1] : NULL;
}

static void pop(struct walk *walk)
{
	struct frame *frame = top(walk);
	for (size_t i = 0; i < frame->part_count; i++) {
		if (frame->parts[i].params)
			json_array_append_new(walk->spent, frame->parts[i].params);
	}
	free(frame->parts);
	walk->frame_count--;
}

static void pop_all(struct walk *walk)
{
	while (walk->frame_count)
		pop(walk);
}

static struct frame *push(struct walk *walk, enum frame_kind kind)
{
	mem_grow(walk->frames, walk->frame_count, walk->frame_room);
	struct frame *frame = &walk->frames[walk->frame_count++];
	*frame = (struct frame){ .kind = kind };
	return frame;
}

static const struct entries *section_list(const struct play_state *state, unsigned section)
{
	const struct play *play = state->play;
	switch (section) {
	case SECTION_FACTS: return &state->gather.list;
	case SECTION_PRE: return &play->pre_tasks;
	case SECTION_ROLES: return &play->roles;
	case SECTION_TASKS: return &play->tasks;
	case SECTION_POST: return &play->post_tasks;
	default: return NULL;
	}
}

/* ---- to the next task ---- */

/* The next section of a play; false at its end. */
static bool next_play_section(struct walk *walk, struct frame *frame)
{
	if (++frame->section >= SECTIONS)
		return false;
	frame->index = 0;
	frame->list = section_list(walk->play, frame->section);
	if (!frame->list)
		walk_flush_handlers(walk);
	return true;
}

static void enter_part(struct frame *frame, size_t number)
{
	const struct part *part = &frame->parts[number];
	frame->part = number;
	frame->section = part->rank;
	frame->list = part->list;
	frame->params = part->params;
	frame->index = 0;
}

/* After block or rescue comes always; after an always that ran for a failure the failure goes on. */
static bool next_block_section(struct walk *walk, struct frame *frame)
{
	if (frame->section != BLOCK_ALWAYS && frame->block->always.count) {
		frame->section = BLOCK_ALWAYS;
		frame->list = &frame->block->always;
		frame->index = 0;
		return true;
	}
	bool failing = frame->failing;
	if (frame->has_run && !failing)
		json_object_set_new_nocheck(walk->roles_done, frame->block->scope.role->identity, json_true());
	pop(walk);
	if (failing)
		walk_fail(walk);
	return true;
}

static const struct entry *next_handler(struct walk *walk, struct frame *frame)
{
	while (frame->index < walk->notified_count) {
		size_t i = frame->index++;
		if (!walk->notified[i])
			continue;
		walk->notified[i] = false;
		return play_handler(walk->play, i);
	}
	return NULL;
}

static bool is_role(const struct entry *block) { return block->scope.kind == SCOPE_ROLE && block->scope.role; }

/* Whether these roles (NULL: none) have the block's, which need not be done again then. */
static bool is_done(const json_t *roles, const struct entry *block)
{
	return is_role(block) && !block->scope.role->allow_duplicates && json_object_get(roles, block->scope.role->identity);
}

static void enter_block(struct walk *walk, const struct entry *block)
{
	if (is_done(walk->roles_done, block))
		return;
	struct frame *frame = push(walk, FRAME_BLOCK);
	frame->block = block;
	frame->list = &block->block;
}

/* One move: the next task if the top frame has one, else the frames change and NULL is returned. */
static const struct entry *move(struct walk *walk)
{
	struct frame *frame = top(walk);
	if (frame->kind == FRAME_HANDLERS) {
		const struct entry *handler = next_handler(walk, frame);
		if (!handler) {
			bool failing = frame->failing;
			pop(walk);
			if (failing)
				pop_all(walk);
		}
		return handler;
	}
	if (frame->list && frame->index < frame->list->count) {
		const struct entry *entry = frame->list->items[frame->index++];
		if (entry->kind == ENTRY_TASK)
			return entry;
		enter_block(walk, entry);
		return NULL;
	}
	if (frame->kind == FRAME_PLAY) {
		if (!next_play_section(walk, frame))
			pop_all(walk);
	} else if (frame->kind == FRAME_BLOCK) {
		next_block_section(walk, frame);
	} else if (frame->part + 1 < frame->part_count) {
		enter_part(frame, frame->part + 1);
	} else {
		pop(walk);
	}
	return NULL;
}

void walk_advance(struct walk *walk)
{
	walk->next = NULL;
	walk->included = 0;
	while (!walk->next && walk->frame_count) {
		const struct entry *entry = move(walk);
		if (entry && (entry->is_handler || select_entry(walk->run, entry)))
			walk->next = entry;
	}
}

void walk_end(struct walk *walk)
{
	pop_all(walk);
	walk->ended = true;
}

static size_t role_frame(const struct walk *walk, const struct role *role)
{
	size_t at = walk->frame_count;
	while (at) {
		const struct frame *frame = &walk->frames[at - 1];
		if (frame->kind == FRAME_BLOCK && is_role(frame->block) && (!role || frame->block->scope.role == role))
			break;
		at--;
	}
	return at;
}

void walk_note_role(struct walk *walk, const struct role *role)
{
	size_t at = role ? role_frame(walk, role) : 0;
	if (at)
		walk->frames[at - 1].has_run = true;
}

bool walk_end_role(struct walk *walk)
{
	size_t at = role_frame(walk, NULL);
	if (!at)
		return false;
	while (walk->frame_count >= at)
		pop(walk);
	return true;
}

/* ---- failures ---- */

static bool to_section(struct frame *frame, unsigned section, const struct entries *list)
{
	if (!list->count)
		return false;
	frame->section = section;
	frame->list = list;
	frame->index = 0;
	return true;
}

/* Out of the play; with force_handlers by way of the handlers that were notified, unless it was one of them that failed. */
static void leave_play(struct walk *walk, bool by_handler)
{
	walk->failed = true;
	pop_all(walk);
	if (!by_handler && walk->play->force_handlers && walk->notified_any && !walk->host->unreachable) {
		push(walk, FRAME_PLAY)->section = SECTIONS - 1;
		push(walk, FRAME_HANDLERS)->failing = true;
	}
}

/* Whether a block below the top frame will rescue what goes on failing after an always. */
static bool rescue_waits(const struct walk *walk)
{
	for (size_t i = walk->frame_count - 1; i-- > 0;) {
		const struct frame *frame = &walk->frames[i];
		if (frame->kind == FRAME_BLOCK && frame->section == BLOCK_MAIN && frame->block->rescue.count)
			return true;
	}
	return false;
}

bool walk_fail(struct walk *walk)
{
	bool by_handler = false;
	while (walk->frame_count) {
		struct frame *frame = top(walk);
		if (frame->kind == FRAME_BLOCK && frame->section == BLOCK_MAIN &&
		    to_section(frame, BLOCK_RESCUE, &frame->block->rescue))
			return true;
		if (frame->kind == FRAME_BLOCK && frame->section != BLOCK_ALWAYS &&
		    to_section(frame, BLOCK_ALWAYS, &frame->block->always)) {
			frame->failing = true;
			return rescue_waits(walk);
		}
		by_handler = by_handler || frame->kind == FRAME_HANDLERS;
		pop(walk);
	}
	leave_play(walk, by_handler);
	return false;
}

/* ---- handlers and includes ---- */

void walk_flush_handlers(struct walk *walk) { push(walk, FRAME_HANDLERS); }

void walk_include(struct walk *walk, const struct entries *entries, json_t *params)
{
	struct frame *frame = walk->included ? top(walk) : push(walk, FRAME_INCLUDE);
	mem_grow(frame->parts, frame->part_count, frame->part_room);
	frame->parts[frame->part_count++] = (struct part){ entries, params, 0 };
	if (!walk->included++)
		enter_part(frame, 0);
	frame->is_new = true;
}

static bool is_same_part(const struct part *a, const struct part *b)
{
	return a->list == b->list && (a->params == b->params || (a->params && b->params && json_equal(a->params, b->params)));
}

struct ranking {
	struct part *parts; /* borrowed; the rank of each is its place here */
	size_t count, room;
};

/* Most hosts include the same in the same order, so that the part behind the last one found is looked at first. */
static unsigned rank_of(struct ranking *ranking, const struct part *part, size_t expected)
{
	if (expected < ranking->count && is_same_part(&ranking->parts[expected], part))
		return (unsigned)expected;
	for (size_t i = 0; i < ranking->count; i++) {
		if (is_same_part(&ranking->parts[i], part))
			return (unsigned)i;
	}
	mem_grow(ranking->parts, ranking->count, ranking->room);
	ranking->parts[ranking->count] = *part;
	return (unsigned)ranking->count++;
}

void walk_order_included(struct walk *const *walks, size_t count)
{
	struct ranking ranking = { 0 };
	for (size_t i = 0; i < count; i++) {
		struct frame *frame = walks[i]->frames + walks[i]->frame_count;
		while (frame > walks[i]->frames && !frame[-1].is_new)
			frame--;
		if (frame == walks[i]->frames)
			continue;
		frame--;
		size_t expected = 0;
		for (size_t part = 0; part < frame->part_count; part++) {
			frame->parts[part].rank = rank_of(&ranking, &frame->parts[part], expected);
			expected = frame->parts[part].rank + 1;
		}
		frame->section = frame->parts[frame->part].rank;
		frame->is_new = false;
	}
	free(ranking.parts);
}

void walk_enter_other(const struct walk *walk, struct variables *other, const struct entry *entry)
{
	variables_enter(other, entry);
	for (size_t i = 0; i < walk->frame_count; i++) {
		if (walk->frames[i].params)
			vars_add(&other->vars, VARS_INCLUDE_PARAMS, walk->frames[i].params, true, "include");
	}
	if (walk->edits && walk->edits->variables && entry == walk->next)
		vars_add(&other->vars, VARS_DEBUGGER, walk->edits->variables, false, "the task debugger");
}

void walk_enter_variables(struct walk *walk, const struct entry *entry)
{
	if (json_array_size(walk->spent))
		json_array_clear(walk->spent);
	walk_enter_other(walk, &walk->variables, entry);
}

static bool is_named(struct walk *walk, struct template_vm *vm, const struct entry *handler, const char *name)
{
	if (!handler->name)
		return false;
	if (strcmp(handler->name, name) == 0)
		return true;
	auto_json json_t *written = json_string(handler->name), *title = NULL;
	struct err ignored = ERR_INIT;
	if (template_value(vm, written, &walk->variables.scope, &title, NULL, &ignored) < 0 || !json_is_string(title))
		return false;
	if (strcmp(json_string_value(title), name) == 0)
		return true;
	if (!handler->scope.role)
		return false;
	auto_free char *full = mem_printf("%s : %s", handler->scope.role->name, json_string_value(title));
	return strcmp(full, name) == 0;
}

static bool listens(const struct entry *handler, const char *name)
{
	json_t *topics = scope_own(&handler->scope, "listen").value;
	if (json_is_string(topics))
		return strcmp(json_string_value(topics), name) == 0;
	for (size_t i = 0; i < json_array_size(topics); i++) {
		const char *topic = json_string_value(json_array_get(topics, i));
		if (topic && strcmp(topic, name) == 0)
			return true;
	}
	return false;
}

/* Of handlers with the same name the last counts, as with Ansible; all that listen to a topic do. */
bool walk_notify(struct walk *walk, struct template_vm *vm, const char *name)
{
	size_t count = play_handler_count(walk->play);
	if (count > walk->notified_count) { /* an include of a role has brought more */
		walk->notified = mem_resize(walk->notified, count, sizeof(*walk->notified));
		memset(walk->notified + walk->notified_count, 0, (count - walk->notified_count) * sizeof(*walk->notified));
		walk->notified_count = count;
	}
	bool named = false, listening = false;
	for (size_t i = count; i-- > 0;) {
		const struct entry *handler = play_handler(walk->play, i);
		bool by_name = !named && is_named(walk, vm, handler, name), by_topic = listens(handler, name);
		/* One that notifies itself has just run. */
		walk->notified[i] = walk->notified[i] || ((by_name || by_topic) && handler != walk->next);
		named = named || by_name;
		listening = listening || by_topic;
	}
	walk->notified_any = walk->notified_any || named || listening;
	return named || listening;
}

/* ---- positions ---- */

int walk_compare(const struct walk *a, const struct walk *b)
{
	size_t common = a->frame_count < b->frame_count ? a->frame_count : b->frame_count;
	for (size_t i = 0; i < common; i++) {
		const struct frame *x = &a->frames[i], *y = &b->frames[i];
		if (x->section != y->section)
			return x->section < y->section ? -1 : 1;
		if (x->index != y->index)
			return x->index < y->index ? -1 : 1;
	}
	return a->frame_count < b->frame_count ? -1 : a->frame_count > b->frame_count;
}

struct coming {
	bool (*visit)(void *context, const struct entry *entry);
	void *context;
	enum walk_reach reach;
	bool going;
	json_t *roles; /* identities of those that are done, or may be when the walk gets there; owned */
};

/* Whether a role may have been done by then; where it matters that it was not, this is as far as can be told. */
static bool comes_again(struct coming *coming, const struct entry *block)
{
	if (!is_role(block))
		return false;
	bool again = is_done(coming->roles, block);
	if (again && coming->reach == WALK_TO_HANDLERS)
		coming->going = false;
	json_object_set_new_nocheck(coming->roles, block->scope.role->identity, json_true());
	return again;
}

static struct coming coming_of(const struct walk *walk, enum walk_reach reach,
                               bool (*visit)(void *context, const struct entry *entry), void *context)
{
	struct coming coming = { visit, context, reach, true, json_deep_copy(walk->roles_done) };
	for (size_t i = 0; i < walk->frame_count; i++) {
		const struct frame *frame = &walk->frames[i];
		if (frame->kind == FRAME_BLOCK && is_role(frame->block))
			json_object_set_new_nocheck(coming.roles, frame->block->scope.role->identity, json_true());
	}
	return coming;
}

static void come(struct coming *coming, const struct entries *entries, size_t from)
{
	for (size_t i = from; i < entries->count && coming->going; i++) {
		const struct entry *entry = entries->items[i];
		if (entry->kind == ENTRY_TASK) {
			coming->going = coming->visit(coming->context, entry);
		} else if (!comes_again(coming, entry)) {
			come(coming, &entry->block, 0);
			come(coming, &entry->always, 0);
		}
	}
}

static void come_from(struct coming *coming, struct walk *walk, const struct frame *frame)
{
	if (frame->list)
		come(coming, frame->list, frame->index);
	for (size_t i = frame->part + 1; i < frame->part_count; i++) {
		if (coming->reach == WALK_TO_HANDLERS && top(walk)->params)
			return;
		top(walk)->params = frame->parts[i].params;
		come(coming, frame->parts[i].list, 0);
	}
	if (frame->kind == FRAME_BLOCK && frame->section != BLOCK_ALWAYS)
		come(coming, &frame->block->always, 0);
	if (frame->kind != FRAME_PLAY || coming->reach == WALK_TO_HANDLERS)
		return;
	for (unsigned section = frame->section + 1; section < SECTIONS; section++) {
		const struct entries *list = section_list(walk->play, section);
		if (list)
			come(coming, list, 0);
	}
}

void walk_each_coming(struct walk *walk, enum walk_reach reach, bool (*visit)(void *context, const struct entry *entry),
                      void *context)
{
	struct coming coming = coming_of(walk, reach, visit, context);
	size_t count = walk->frame_count;
	auto_free struct frame *frames = mem_array(count, sizeof(*frames));
	memcpy(frames, walk->frames, count * sizeof(*frames));
	for (size_t i = count; i-- > 0 && coming.going;) {
		walk->frame_count = i + 1; /* an include that has ended by then gives no variables any more */
		if (reach == WALK_TO_HANDLERS && frames[i].kind == FRAME_HANDLERS)
			break;
		come_from(&coming, walk, &frames[i]);
		if (reach == WALK_TO_HANDLERS && top(walk)->params)
			break;
	}
	memcpy(walk->frames, frames, count * sizeof(*frames));
	walk->frame_count = count;
	json_decref(coming.roles);
}

void walk_each_included(struct walk *walk, const struct entries *entries, json_t *params,
                        bool (*visit)(void *context, const struct entry *entry), void *context)
{
	struct coming coming = coming_of(walk, WALK_TO_END, visit, context);
	push(walk, FRAME_INCLUDE)->params = params;
	come(&coming, entries, 0);
	pop(walk);
	json_decref(coming.roles);
}

/* ---- life ---- */

/* --start-at-task: all before the task is left out, but not the gathering of facts. */
static void start_at(struct walk *walk)
{
	const struct play_state *play = walk->play;
	while (walk->next && !play->started && !select_starts_at(walk->run, walk->next))
		walk_advance(walk);
	if (!walk->next)
		return;
	atomic_store(&walk->run->start_found, true);
	if (play->started || !play->gather.is_asked || walk->next == &play->gather.task)
		return;
	top(walk)->index--;
	push(walk, FRAME_INCLUDE)->list = &play->gather.list;
	walk_advance(walk);
}

struct walk *walk_new(struct run_context *run, struct play_state *play, struct host_state *host, size_t place)
{
	struct walk *walk = mem_alloc(sizeof(*walk));
	walk->run = run;
	walk->play = play;
	walk->host = host;
	walk->place = place;
	walk->roles_done = json_object();
	walk->spent = json_array();
	host->took_part = true;
	host->ended = false;
	walk->ahead_window = AHEAD_WINDOW;
	variables_init(&walk->variables, run, play, host);
	struct frame *frame = push(walk, FRAME_PLAY);
	frame->list = section_list(play, SECTION_FACTS);
	walk_advance(walk);
	start_at(walk);
	return walk;
}

void walk_free(struct walk *walk)
{
	if (!walk)
		return;
	pop_all(walk);
	variables_release(&walk->variables);
	free(walk->frames);
	free(walk->notified);
	json_decref(walk->roles_done);
	json_decref(walk->spent);
	stream_free(walk->stream);
	arena_release(&walk->arena);
	free(walk);
}

/* Under linear a turn is one task; under free it is the whole play. */
static bool has_turn(const struct walk *walk)
{
	return walk->play->is_free && !walk->facts_only && walk->next &&
	       (!atomic_load(&walk->run->cancelled) || stream_awaits(walk));
}

/* Under linear it is the conductor who sees to throttle. */
static bool may_begin(struct walk *walk, struct template_vm *vm)
{
	bool is_held = walk->play->is_free && !walk->facts_only && !walk->throttle;
	return !is_held || throttle_enter(walk->play->throttles, walk, vm);
}

void walk_continue(struct walk *walk, struct template_vm *vm)
{
	do {
		if (!walk->task && !may_begin(walk, vm))
			return; /* whoever gives a place makes the walk ready */
		if (!walk->task)
			walk->task = walk->facts_only ? task_new_facts(walk) : task_new(walk, walk->next);
		if (!task_continue(walk->task, vm))
			return; /* it waits; whoever ends the wait makes the walk ready */
		task_free(walk->task);
		walk->task = NULL;
		throttle_leave(walk->play->throttles, walk);
	} while (has_turn(walk));
	sched_turn_ended(walk->run->sched, walk);
}
