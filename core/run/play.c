/* Plays, conducted: settings are read, hosts are cut into batches, each batch is walked to its end. */
#include "run/play_inside.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "base/file.h"
#include "base/mem.h"
#include "run/play_keywords.h"
#include "run/prompts.h"
#include "run/throttle.h"

static double percentage(json_t *value)
{
	if (json_is_number(value))
		return json_number_value(value);
	return json_is_string(value) ? strtod(json_string_value(value), NULL) : -1;
}

/* What the settings say. New, or NULL. */
static json_t *gathering_default(const struct run_defaults *defaults, const char *name)
{
	if (strcmp(name, "gather_timeout") == 0)
		return defaults->gather_timeout_s ? json_integer(defaults->gather_timeout_s) : NULL;
	if (strcmp(name, "fact_path") == 0)
		return defaults->fact_path ? json_string(defaults->fact_path) : NULL;
	json_t *subset = defaults->gather_subset_count ? json_array() : NULL;
	for (size_t i = 0; i < defaults->gather_subset_count; i++)
		json_array_append_new(subset, json_string(defaults->gather_subset[i]));
	return subset;
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
		if (!value)
			value = gathering_default(&state->run->options->defaults, names[i]);
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
	state->is_debugged = run->options->task_debugger || (word && strcmp(word, "debug") == 0);
	static const char *const known[] = { "linear", "free", "host_pinned", "debug" };
	bool is_known = !word;
	for (size_t i = 0; i < sizeof(known) / sizeof(*known); i++)
		is_known = is_known || strcmp(word, known[i]) == 0;
	if (!is_known)
		return err_set(err, ERR_INPUT, "strategy \"%s\" is not one of linear, free, host_pinned, debug", word);
	entries_each(&play->handlers, play_add_handler, state);
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
	return play_load_vars_files(state, vm, err);
}

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

void play_announce_again(struct play_state *play, const struct entry *entry, const char *name)
{
	unsigned number = play_task_number(play, entry);
	if (number < play->announced_room)
		play->announced[number] = false;
	play_announce(play, entry, number, name);
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
	struct play_batch batch = { mem_array(count, sizeof(*batch.walks)), count };
	play->batch_names = play_host_names(hosts, count);
	atomic_store(&play->batch_is_over, false);
	if (play->announced)
		memset(play->announced, 0, play->announced_room);
	for (size_t i = 0; i < count; i++)
		batch.walks[i] = walk_new(play->run, play, context_host(play->run, hosts[i]), i);
	play_gather_shared(play, &batch);
	bool going = play->is_free ? play_walk_free(play, &batch, vm) : play_walk_linear(play, &batch, vm);
	if (play_count_failed(&batch) == count)
		going = false;
	for (size_t i = 0; i < count; i++)
		walk_free(batch.walks[i]);
	free(batch.walks);
	json_decref(play->batch_names);
	play->batch_names = NULL;
	return going;
}

static void emit_play(struct play_state *play, enum event_kind kind)
{
	struct event *event = event_new(kind);
	event->play = mem_strdup(play->name);
	event->play_number = play->number;
	event->place = context_place(play->run, play->play->scope.node);
	event->data = json_pack("{s:O}", "hosts", play->names_in_order);
	if (play->is_free)
		json_object_set_new(event->data, "strategy", json_string("free"));
	json_t *own = json_deep_copy(event->data);
	json_decref(event->data);
	event->data = own;
	event_emit(play->run->events, event);
}

/* Hosts that are in the inventory no more are out as well. */
static size_t drop_gone(struct run_context *run, struct host **hosts, size_t count)
{
	size_t kept = 0;
	for (size_t i = 0; i < count; i++) {
		if (context_host(run, hosts[i]))
			hosts[kept++] = hosts[i];
	}
	return kept;
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
		size_t left = drop_gone(play->run, hosts + first, size);
		if (first && left) /* each batch begins like a play of its own, as with Ansible */
			emit_play(play, EVENT_PLAY_START);
		going = !left || run_batch(play, hosts + first, left, vm);
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
	free(state->host_files);
	index_release(&state->host_file_index);
	free(state->handlers);
	free(state->public_roles);
	throttles_free(state->throttles);
	free(state->announced);
	play_free_includes(state);
	json_decref(state->all_names);
	json_decref(state->names_in_order);
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
		play_join_pattern(&pattern, pattern_value);
		state.name = json_is_string(name) ? json_string_value(name) : buf_text(&pattern);
		state.all_names = play_names_as_matched(play, hosts, count);
		state.names_in_order = play_host_names(hosts, count);
		failed = conduct(&state, hosts, count, vm, stop, err);
	}
	state_release(&state);
	return failed;
}
