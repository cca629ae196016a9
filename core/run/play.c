/* Plays, conducted: hosts are chosen and cut into batches; each batch is walked to its end. */
#include "run/play.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "base/file.h"
#include "base/mem.h"
#include "run/check.h"
#include "run/confirm.h"
#include "run/inventory_change.h"
#include "run/keywords.h"
#include "run/limit.h"
#include "run/play_keywords.h"
#include "run/prompts.h"
#include "run/sched.h"
#include "run/special.h"
#include "run/stream.h"
#include "run/throttle.h"

struct included { /* what an include brought in */
	struct included *next;
	const struct entry *from;
	char *key; /* the file or the role */
	struct scope apply; /* the keywords of apply:, around all of it */
	struct fragment *fragment;
	bool has_handlers; /* its handlers are the play's: not as long as it was only looked at */
};

/* ---- hosts ---- */

static void join_pattern(struct buf *pattern, json_t *value)
{
	if (json_is_string(value)) {
		buf_printf(pattern, "%s%s", pattern->length ? "," : "", json_string_value(value));
		return;
	}
	for (size_t i = 0; i < json_array_size(value); i++)
		join_pattern(pattern, json_array_get(value, i));
}

static int by_name(const void *a, const void *b)
{
	return strcmp((*(struct host *const *)a)->name, (*(struct host *const *)b)->name);
}

static int by_index(const void *a, const void *b)
{
	size_t x = (*(struct host *const *)a)->index, y = (*(struct host *const *)b)->index;
	return x < y ? -1 : x > y;
}

static void reverse(struct host **hosts, size_t count)
{
	for (size_t i = 0; i < count / 2; i++) {
		struct host *other = hosts[i];
		hosts[i] = hosts[count - 1 - i];
		hosts[count - 1 - i] = other;
	}
}

static int order_hosts(struct run_context *run, const struct play *play, struct template_vm *vm, struct host **hosts,
                       size_t count, struct err *err)
{
	auto_json json_t *order = NULL;
	if (play_keyword_value(run, play, "order", vm, &order, err) < 0)
		return -1;
	const char *word = json_is_string(order) ? json_string_value(order) : "inventory";
	if (strcmp(word, "sorted") == 0 || strcmp(word, "reverse_sorted") == 0)
		qsort(hosts, count, sizeof(*hosts), by_name);
	if (strcmp(word, "reverse_sorted") == 0 || strcmp(word, "reverse_inventory") == 0)
		reverse(hosts, count);
	return 0;
}

int play_hosts(struct run_context *run, const struct play *play, struct template_vm *vm, struct host ***hosts,
               size_t *count, struct err *err)
{
	auto_json json_t *value = NULL;
	auto_buf struct buf pattern = BUF_INIT;
	auto_problems struct problems warnings = PROBLEMS_INIT;
	*hosts = NULL;
	*count = 0;
	if (play_keyword_value(run, play, "hosts", vm, &value, err) < 0)
		return -1;
	join_pattern(&pattern, value);
	if (inventory_match(run->inventory, buf_text(&pattern), hosts, count, &warnings, err) < 0)
		return -1;
	for (size_t i = 0; i < warnings.count; i++)
		context_warn(run, NULL, "%s%s%s", warnings.items[i].text, warnings.items[i].hint ? "; " : "",
		             warnings.items[i].hint ? warnings.items[i].hint : "");
	if (limit_apply(run, *hosts, count, err) < 0)
		return -1;
	shard_apply(&run->options->shard, *hosts, count);
	return order_hosts(run, play, vm, *hosts, *count, err);
}

static json_t *host_names(struct host *const *hosts, size_t count)
{
	json_t *names = json_array();
	for (size_t i = 0; i < count; i++)
		json_array_append_new(names, json_string(hosts[i]->name));
	return names;
}

/* ---- a play's settings ---- */

static double percentage(json_t *value)
{
	if (json_is_number(value))
		return json_number_value(value);
	return json_is_string(value) ? strtod(json_string_value(value), NULL) : -1;
}

/* The first problem as an error value. */
static int first_problem(const struct problems *problems, const char *otherwise, struct err *err)
{
	const struct problem *first = NULL;
	for (size_t i = 0; i < problems->count && !first; i++)
		first = problems->items[i].level == PROBLEM_ERROR ? &problems->items[i] : NULL;
	err_set(err, ERR_INPUT, "%s%s", first ? first->text : otherwise, problems->errors > 1 ? " (and more)" : "");
	if (first && first->place.file)
		err_at(err, "%s:%d:%d", first->place.file, first->place.line, first->place.column);
	if (first && first->hint)
		err_hint(err, "%s", first->hint);
	return -1;
}

/* One whose name is a template; of a list, the first that exists. */
static int load_vars_file(struct play_state *state, struct template_vm *vm, const struct vars_file *file,
                          json_t **values, struct err *err)
{
	auto_json json_t *names = NULL;
	if (play_keyword_evaluate(state->run, state->play, file->name.value, vm, &names, err) < 0)
		return err_wrap(err, "vars_files");
	for (size_t i = 0; i < (json_is_array(names) ? json_array_size(names) : 1); i++) {
		json_t *name = json_is_array(names) ? json_array_get(names, i) : names;
		auto_free char *path = json_is_string(name)
			? scope_find_file(&state->play->scope, "vars", json_string_value(name)) : NULL;
		if (!path)
			continue;
		auto_problems struct problems problems = PROBLEMS_INIT;
		struct document *document = NULL;
		if (playbook_load_vars(&document, path, state->run->vault, &problems) < 0)
			return first_problem(&problems, "the file cannot be read", err);
		mem_grow(state->documents, state->document_count, state->document_room);
		state->documents[state->document_count++] = document;
		*values = document_root(document).value;
		return 0;
	}
	auto_free char *text = node_text(names);
	return err_set(err, ERR_INPUT, "vars_files: there is no file %s", text);
}

static int load_vars_files(struct play_state *state, struct template_vm *vm, struct err *err)
{
	const struct play *play = state->play;
	for (size_t i = 0; i < play->vars_file_count; i++) {
		json_t *values = play->vars_files[i].vars.value;
		if (!values && load_vars_file(state, vm, &play->vars_files[i], &values, err) < 0) {
			auto_free char *where = node_where(play->vars_files[i].name);
			return err_at(err, "%s", where ? where : "");
		}
		mem_grow(state->vars_files, state->vars_file_count, state->vars_file_room);
		state->vars_files[state->vars_file_count++] = values;
	}
	return 0;
}

/* Whether another use of the same role has brought its handlers. */
static bool has_handlers_of(const struct play_state *state, const struct role *role)
{
	for (size_t i = 0; role && i < state->handler_count; i++) {
		const struct role *other = state->handlers[i]->scope.role;
		if (other && other != role && strcmp(other->identity, role->identity) == 0)
			return true;
	}
	return false;
}

static void add_handler(void *context, const struct entry *entry)
{
	struct play_state *state = context;
	if (entry->kind != ENTRY_TASK || has_handlers_of(state, entry->scope.role))
		return;
	mem_grow(state->handlers, state->handler_count, state->handler_room);
	state->handlers[state->handler_count++] = entry;
}

static int read_gathering(struct play_state *state, struct template_vm *vm, struct err *err)
{
	static const char *const names[] = { "gather_subset", "gather_timeout", "fact_path" };
	static const int by_default[] = { [RUN_GATHER_NEEDED] = -1, [RUN_GATHER_IMPLICIT] = 1, [RUN_GATHER_EXPLICIT] = 0 };
	auto_json json_t *facts = NULL, *arguments = json_object();
	if (play_keyword_value(state->run, state->play, "gather_facts", vm, &facts, err) < 0)
		return -1;
	for (size_t i = 0; i < sizeof(names) / sizeof(*names); i++) {
		json_t *value = NULL;
		if (play_keyword_value(state->run, state->play, names[i], vm, &value, err) < 0)
			return -1;
		if (value)
			json_object_set_new(arguments, names[i], value);
	}
	return gather_init(&state->gather, state->play, facts, arguments, by_default[state->run->options->gathering], err);
}

static int read_settings(struct play_state *state, struct template_vm *vm, struct err *err)
{
	struct run_context *run = state->run;
	const struct play *play = state->play;
	auto_json json_t *strategy = NULL, *most = NULL;
	if (play_keyword_flag(run, play, "force_handlers", vm, run->options->force_handlers, &state->force_handlers, err) < 0 ||
	    play_keyword_value(run, play, "strategy", vm, &strategy, err) < 0 ||
	    play_keyword_value(run, play, "max_fail_percentage", vm, &most, err) < 0)
		return -1;
	state->max_fail_percentage = most ? percentage(most) : -1;
	const char *word = strategy ? json_string_value(strategy) : run->options->strategy;
	const char *dot = word ? strrchr(word, '.') : NULL;
	word = dot ? dot + 1 : word;
	state->is_free = word && !run->options->step && (strcmp(word, "free") == 0 || strcmp(word, "host_pinned") == 0);
	static const char *const known[] = { "linear", "free", "host_pinned" };
	bool is_known = !word;
	for (size_t i = 0; i < sizeof(known) / sizeof(*known); i++)
		is_known = is_known || strcmp(word, known[i]) == 0;
	if (!is_known)
		return err_set(err, ERR_INPUT, "strategy \"%s\" is not one of linear, free, host_pinned", word);
	entries_each(&play->handlers, add_handler, state);
	if (read_gathering(state, vm, err) < 0)
		return -1;
	auto_json json_t *prompts = NULL;
	if (play_keyword_value(run, play, "vars_prompt", vm, &prompts, err) < 0)
		return -1;
	if (prompts_ask(run, vm, prompts, &state->prompted, err) < 0) {
		auto_free char *where = node_where(scope_own(&play->scope, "vars_prompt"));
		err_wrap(err, "vars_prompt");
		return err_at(err, "%s", where ? where : "");
	}
	return load_vars_files(state, vm, err);
}

/* ---- announcements and includes ---- */

unsigned play_task_number(struct play_state *play, const struct entry *entry)
{
	pthread_mutex_lock(&play->lock);
	if (!entry->number) /* the one thing about an entry that the runner gives it */
		((struct entry *)entry)->number = atomic_fetch_add(&play->run->task_numbers, 1) + 1;
	unsigned number = entry->number;
	pthread_mutex_unlock(&play->lock);
	return number;
}

static bool is_announced(struct play_state *play, unsigned number)
{
	if (number >= play->announced_room) {
		size_t room = (size_t)number * 2 + 64;
		play->announced = mem_resize(play->announced, room, sizeof(*play->announced));
		memset(play->announced + play->announced_room, 0, room - play->announced_room);
		play->announced_room = room;
	}
	bool announced = play->announced[number];
	play->announced[number] = true;
	return announced;
}

void play_announce(struct play_state *play, const struct entry *entry, unsigned number, const char *name)
{
	if (strcmp(entry->action, "meta") == 0)
		return;
	pthread_mutex_lock(&play->lock);
	bool announced = is_announced(play, number);
	pthread_mutex_unlock(&play->lock);
	if (announced)
		return;
	struct event *event = event_new(EVENT_TASK_START);
	event->play = mem_strdup(play->name);
	event->play_number = play->number;
	event->task = mem_strdup(name);
	event->task_number = number;
	event->action = mem_strdup(entry->action);
	event->place = context_place(play->run, entry->scope.node);
	event->is_handler = entry->is_handler;
	event_emit(play->run->events, event);
}

/* What was loaded is checked like the playbook was; NULL where that finds a fault. */
static struct fragment *checked(struct play_state *play, struct fragment *fragment, struct template_vm *vm,
                                struct problems *problems, struct err *err)
{
	if (fragment) {
		check_entries(&fragment->entries, play->run, play->run->registry, vm, problems);
		check_entries(&fragment->handlers, play->run, play->run->registry, vm, problems);
	}
	if (fragment && !problems->errors)
		return fragment;
	first_problem(problems, "it cannot be read", err);
	fragment_free(fragment);
	return NULL;
}

static struct included *new_include(const struct entry *from, const char *key)
{
	struct included *included = mem_alloc(sizeof(*included));
	*included = (struct included){ .from = from, .key = mem_strdup(key) };
	included->apply = (struct scope){
		.kind = SCOPE_BLOCK, .parent = &from->scope, .node = node_get(from->arguments, "apply"), .role = from->scope.role,
	};
	return included;
}

static const struct scope *include_scope(const struct included *included)
{
	return json_is_object(included->apply.node.value) ? &included->apply : &included->from->scope;
}

/* Keeps what was loaded, or drops the include where nothing was. */
static struct included *keep_include(struct play_state *play, struct included *included, struct fragment *fragment)
{
	if (!fragment) {
		free(included->key);
		free(included);
		return NULL;
	}
	included->fragment = fragment;
	included->next = play->included;
	play->included = included;
	return included;
}

static struct included *find_include(struct play_state *play, const struct entry *from, const char *key)
{
	for (struct included *included = play->included; included; included = included->next) {
		if (included->from == from && strcmp(included->key, key) == 0)
			return included;
	}
	return NULL;
}

static const struct entries *entries_of(struct play_state *play, struct included *included, enum play_include how)
{
	if (!included)
		return NULL;
	if (how == PLAY_INCLUDE && !included->has_handlers)
		entries_each(&included->fragment->handlers, add_handler, play);
	included->has_handlers |= how == PLAY_INCLUDE;
	return &included->fragment->entries;
}

const struct entries *play_include_tasks(struct play_state *play, const struct entry *from, const char *name,
                                         enum play_include how, struct template_vm *vm, struct err *err)
{
	auto_problems struct problems problems = PROBLEMS_INIT;
	auto_free char *path = scope_find_file(&from->scope, "tasks", name);
	if (!path) {
		err_set(err, ERR_INPUT, "there is no task file \"%s\" here, in the role or beside the playbook", name);
		return NULL;
	}
	pthread_mutex_lock(&play->lock);
	struct included *included = find_include(play, from, path);
	if (!included) {
		struct fragment *fragment = NULL;
		included = new_include(from, path);
		(void)!fragment_load_tasks(&fragment, path, include_scope(included), from->is_handler, play->run->playbook_modules,
		                           &problems);
		fragment = checked(play, fragment, vm, &problems, err);
		included = keep_include(play, included, fragment);
	}
	const struct entries *entries = entries_of(play, included, how);
	pthread_mutex_unlock(&play->lock);
	return entries;
}

const struct entries *play_include_role(struct play_state *play, const struct entry *from, const char *name,
                                        const struct role_from *files, enum play_include how, struct template_vm *vm,
                                        struct err *err)
{
	auto_problems struct problems problems = PROBLEMS_INIT;
	const struct run_context *run = play->run;
	auto_free char *key = mem_printf("role %s\n%s\n%s\n%s\n%s\n%d%d", name, files->tasks ? files->tasks : "",
	                                 files->vars ? files->vars : "", files->defaults ? files->defaults : "",
	                                 files->handlers ? files->handlers : "", files->unvalidated, files->once);
	pthread_mutex_lock(&play->lock);
	struct included *included = find_include(play, from, key);
	if (!included) {
		struct fragment *fragment = NULL;
		included = new_include(from, key);
		(void)!fragment_load_role(&fragment, name, files, include_scope(included), run->options->role_paths,
		                          run->playbook_modules, &problems);
		fragment = checked(play, fragment, vm, &problems, err);
		included = keep_include(play, included, fragment);
	}
	const struct entries *entries = entries_of(play, included, how);
	pthread_mutex_unlock(&play->lock);
	return entries;
}

void play_publish_role(struct play_state *play, const struct role *role)
{
	pthread_mutex_lock(&play->lock);
	mem_grow(play->public_roles, play->public_role_count, play->public_role_room);
	play->public_roles[play->public_role_count++] = role;
	pthread_mutex_unlock(&play->lock);
}

const struct role *play_public_role(struct play_state *play, size_t index)
{
	pthread_mutex_lock(&play->lock);
	const struct role *role = index < play->public_role_count ? play->public_roles[index] : NULL;
	pthread_mutex_unlock(&play->lock);
	return role;
}

size_t play_handler_count(struct play_state *play)
{
	pthread_mutex_lock(&play->lock);
	size_t count = play->handler_count;
	pthread_mutex_unlock(&play->lock);
	return count;
}

const struct entry *play_handler(struct play_state *play, size_t index)
{
	pthread_mutex_lock(&play->lock);
	const struct entry *handler = play->handlers[index];
	pthread_mutex_unlock(&play->lock);
	return handler;
}

/* ---- turns ---- */

struct batch {
	struct walk **walks;
	size_t count;
};

/* The walk that is furthest behind; NULL when all are at their end. */
static struct walk *rearmost(const struct batch *batch)
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

/* What other hosts look up through hostvars must be there before anyone does. */
static void gather_shared_facts(struct play_state *play, const struct batch *batch)
{
	fact_parts shared = play->run->shared_facts & play->gather.allowed;
	for (size_t i = 0; i < batch->count; i++)
		batch->walks[i]->variables.wanted = shared & ~batch->walks[i]->host->gathered;
	if (shared)
		gather_turn(play->run, batch->walks, batch->count);
}

static char *name_of_next(struct walk *walk, struct template_vm *vm)
{
	walk_enter_variables(walk, walk->next);
	const struct evaluation at = { vm, &walk->variables, walk->next };
	char *name = keyword_task_name(&at);
	variables_leave(&walk->variables);
	return name;
}

/* A name that wants facts is told when all hosts have them. */
static void announce_turn(struct play_state *play, const struct batch *batch, struct walk *first, struct template_vm *vm)
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
	play_announce(play, first->next, play_task_number(play, first->next), name);
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
static void skip_turn(const struct batch *batch, const struct walk *first, const struct entry *entry)
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

static void take_inventory_changes(struct run_context *run, const struct batch *batch)
{
	if (!inventory_change_apply(run))
		return;
	for (size_t i = 0; i < batch->count; i++)
		variables_reload(&batch->walks[i]->variables);
}

/* Hosts that are still on their way through the play. */
static size_t count_waiting(const struct batch *batch)
{
	size_t waiting = 0;
	for (size_t i = 0; i < batch->count; i++)
		waiting += batch->walks[i]->next != NULL;
	return waiting;
}

/* Whether a task was done ahead whose turn has yet to come. */
static bool is_owed(const struct batch *batch)
{
	for (size_t i = 0; i < batch->count; i++) {
		if (stream_awaits(batch->walks[i]))
			return true;
	}
	return false;
}

static void turn(struct play_state *play, const struct batch *batch, struct template_vm *vm)
{
	struct run_context *run = play->run;
	struct walk *first = rearmost(batch);
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
	for (size_t i = 1; alone && i < count; i++) {
		if (once)
			share_result(together[i], together[0], entry);
		else
			walk_advance(together[i]);
	}
	take_inventory_changes(run, batch);
}

static size_t count_failed(const struct batch *batch)
{
	size_t failed = 0;
	for (size_t i = 0; i < batch->count; i++)
		failed += batch->walks[i]->failed;
	return failed;
}

/* Whether so many hosts have failed that the play must stop. */
static bool is_fatal(const struct play_state *play, const struct batch *batch)
{
	size_t failed = count_failed(batch);
	if (!failed)
		return false;
	if (atomic_load(&play->is_fatal))
		return true;
	return play->max_fail_percentage >= 0 &&
	       100.0 * (double)failed / (double)batch->count > play->max_fail_percentage;
}

static void stop_all(const struct batch *batch, bool failed)
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

static bool walk_linear(struct play_state *play, const struct batch *batch, struct template_vm *vm)
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

static bool walk_free_strategy(struct play_state *play, const struct batch *batch)
{
	for (size_t i = 0; i < batch->count; i++) {
		batch->walks[i]->alone = true;
		if (batch->walks[i]->next)
			sched_turn(play->run->sched, batch->walks[i]);
	}
	sched_wait(play->run->sched);
	take_inventory_changes(play->run, batch);
	return !is_fatal(play, batch);
}

/* ---- batches ---- */

/* serial: 3, "30%", [1, 5, "100%"]: how many hosts the nth batch has. */
static size_t batch_size(json_t *serial, size_t number, size_t total)
{
	json_t *value = serial;
	if (json_is_array(serial)) {
		size_t count = json_array_size(serial);
		value = count ? json_array_get(serial, number < count ? number : count - 1) : NULL;
	}
	double size = 0;
	if (json_is_integer(value))
		size = json_number_value(value);
	else if (json_is_string(value)) {
		size = strtod(json_string_value(value), NULL);
		if (strchr(json_string_value(value), '%'))
			size = fmax(floor(size * (double)total / 100), 1);
	}
	return size >= 1 && size < (double)total ? (size_t)size : total;
}

/* false: too many have failed for the play to go on. */
static bool run_batch(struct play_state *play, struct host *const *hosts, size_t count, struct template_vm *vm)
{
	struct batch batch = { mem_array(count, sizeof(*batch.walks)), count };
	auto_json json_t *names = host_names(hosts, count);
	play->batch_names = names;
	atomic_store(&play->batch_is_over, false);
	if (play->announced)
		memset(play->announced, 0, play->announced_room);
	for (size_t i = 0; i < count; i++)
		batch.walks[i] = walk_new(play->run, play, context_host(play->run, hosts[i]));
	gather_shared_facts(play, &batch);
	bool going = play->is_free ? walk_free_strategy(play, &batch) : walk_linear(play, &batch, vm);
	if (count_failed(&batch) == count)
		going = false;
	for (size_t i = 0; i < count; i++)
		walk_free(batch.walks[i]);
	free(batch.walks);
	play->batch_names = NULL;
	return going;
}

static void emit_play(struct play_state *play, enum event_kind kind)
{
	struct event *event = event_new(kind);
	event->play = mem_strdup(play->name);
	event->play_number = play->number;
	event->place = context_place(play->run, play->play->scope.node);
	event->data = json_pack("{s:O}", "hosts", play->all_names);
	if (play->is_free)
		json_object_set_new(event->data, "strategy", json_string("free"));
	json_t *own = json_deep_copy(event->data);
	json_decref(event->data);
	event->data = own;
	event_emit(play->run->events, event);
}

static bool run_batches(struct play_state *play, struct host **hosts, size_t count, struct template_vm *vm,
                        struct err *err)
{
	auto_json json_t *serial = NULL;
	if (play_keyword_value(play->run, play->play, "serial", vm, &serial, err) < 0)
		return false;
	bool going = true;
	for (size_t first = 0, number = 0; first < count && going && !atomic_load(&play->is_over); number++) {
		size_t size = batch_size(serial, number, count);
		if (size > count - first)
			size = count - first;
		if (first) /* each batch begins like a play of its own, as with Ansible */
			emit_play(play, EVENT_PLAY_START);
		going = run_batch(play, hosts + first, size, vm);
		first += size;
	}
	return going;
}

/* Hosts that failed in an earlier play are out. */
static size_t drop_failed(struct run_context *run, struct host **hosts, size_t count)
{
	size_t kept = 0;
	for (size_t i = 0; i < count; i++) {
		const struct host_state *state = context_host(run, hosts[i]);
		if (!state->failed && !state->unreachable)
			hosts[kept++] = hosts[i];
	}
	return kept;
}

static void state_release(struct play_state *state)
{
	for (size_t i = 0; i < state->document_count; i++)
		document_free(state->documents[i]);
	free(state->documents);
	free(state->directory);
	free(state->vars_files);
	free(state->handlers);
	free(state->public_roles);
	throttles_free(state->throttles);
	free(state->announced);
	for (struct included *included = state->included, *next; included; included = next) {
		next = included->next;
		fragment_free(included->fragment);
		free(included->key);
		free(included);
	}
	json_decref(state->all_names);
	json_decref(state->prompted);
	gather_release(&state->gather);
	pthread_mutex_destroy(&state->lock);
}

static int conduct(struct play_state *state, struct host **hosts, size_t count, struct template_vm *vm, bool *stop,
                   struct err *err)
{
	struct run_context *run = state->run;
	if (!count) {
		emit_play(state, EVENT_PLAY_START);
		emit_play(state, EVENT_NO_HOSTS);
		return 0;
	}
	size_t left = drop_failed(run, hosts, count);
	if (!left) {
		emit_play(state, EVENT_NO_HOSTS_LEFT);
		*stop = true;
		return 0;
	}
	if (read_settings(state, vm, err) < 0)
		return -1;
	emit_play(state, EVENT_PLAY_START);
	if (!run_batches(state, hosts, left, vm, err)) {
		if (err->kind != ERR_NONE)
			return -1;
		*stop = true;
		if (!atomic_load(&run->cancelled))
			emit_play(state, EVENT_NO_HOSTS_LEFT);
	}
	return 0;
}

/* The magic variables name the hosts without regard to order:. */
static json_t *names_as_matched(const struct play *play, struct host *const *hosts, size_t count)
{
	if (!scope_own(&play->scope, "order").value || !count)
		return host_names(hosts, count);
	auto_free struct host **sorted = mem_array(count, sizeof(struct host *));
	memcpy(sorted, hosts, count * sizeof(struct host *));
	qsort(sorted, count, sizeof(*sorted), by_index);
	return host_names(sorted, count);
}

int play_run(struct run_context *run, const struct play *play, unsigned number, struct template_vm *vm, bool *stop,
             struct err *err)
{
	struct play_state state = { .run = run, .play = play, .number = number };
	pthread_mutex_init(&state.lock, NULL);
	state.throttles = throttles_new();
	state.directory = file_absolute(play->directory);
	state.started = !run->options->start_at_task || atomic_load(&run->start_found);
	auto_free struct host **hosts = NULL;
	auto_json json_t *name = NULL, *pattern_value = NULL;
	auto_buf struct buf pattern = BUF_INIT;
	size_t count = 0;
	int failed = play_keyword_value(run, play, "name", vm, &name, err);
	if (!failed)
		failed = play_hosts(run, play, vm, &hosts, &count, err);
	if (!failed)
		failed = play_keyword_value(run, play, "hosts", vm, &pattern_value, err);
	if (!failed) {
		join_pattern(&pattern, pattern_value);
		state.name = json_is_string(name) ? json_string_value(name) : buf_text(&pattern);
		state.all_names = names_as_matched(play, hosts, count);
		failed = conduct(&state, hosts, count, vm, stop, err);
	}
	state_release(&state);
	return failed;
}
