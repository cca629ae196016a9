/* A thread for each target: it opens the connection, keeps it alive, and does the jobs that walks hand to it. */
#include "run/target.h"

#include <errno.h>
#include <poll.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/eventfd.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/mem.h"
#include "run/batch.h"
#include "run/command_text.h"
#include "run/perform.h"

enum { STACK_BYTES = 512 * 1024, SLOT_WAIT_MS = 200, HELD_MOST = 64 * 1024, PROGRESS_MS = 100, NO_FILE_WAIT_MS = 50 };

struct target {
	struct target_options options;
	struct overlay *overlay;
	pthread_t thread;
	bool started;

	pthread_mutex_t lock; /* of what follows */
	struct job *first, **last;
	bool expected, closing, reset, cancelled;
	struct wire *wire;    /* set under the lock, used by the thread */

	bool may_come; /* the network kept it from connecting, not the host itself. Thread's own */
	bool connects_again;
	struct wire_config again; /* the configuration of a connection that is made again. Thread's own, as the one above */

	int work_fd; /* eventfd: there is a job, or the end */
	struct err lost; /* why the connection failed; kind ERR_NONE while it has not. Thread's own */
	const char *task; /* of the job under way, for output. Thread's own */
	int64_t progress_ms; /* when it was last told. Thread's own */
	bool shows_progress; /* of a transfer that has not ended. Thread's own */
	struct buf held[2]; /* the begun line of its stdout and stderr, where secrets may be in it. Thread's own */
};

/* There is no file to wait with: the thread looks for jobs from time to time, and tells each why it is not done. */
static void refuse_all(struct target *target)
{
	unsigned long most = target->options.files_too_few;
	if (most)
		err_set(&target->lost, ERR_UNREACHABLE, "not connected: this process may open no more than %lu files", most);
	else
		err_errno(&target->lost, ERR_UNREACHABLE, "not connected: eventfd");
	err_hint(&target->lost, "raise the limit (ulimit -Hn: four for each host, and 40), or take fewer hosts in a run (--limit, --shard)");
}

struct target *target_new(const struct target_options *options)
{
	struct target *target = mem_alloc(sizeof(*target));
	target->options = *options;
	target->overlay = overlay_new();
	store_share(options->store);
	target->last = &target->first;
	target->work_fd = options->files_too_few ? -1 : eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
	if (target->work_fd < 0)
		refuse_all(target);
	pthread_mutex_init(&target->lock, NULL);
	return target;
}

struct store *target_store(struct target *target) { return target->options.store; }

const struct target_user *target_login(const struct target *target) { return target->options.login; }

struct overlay *target_overlay(struct target *target) { return target->overlay; }

const char *target_name(const struct target *target) { return target->options.name; }

static void wake(struct target *target)
{
	uint64_t one = 1;
	if (target->work_fd < 0)
		return;
	if (write(target->work_fd, &one, sizeof(one)) < 0 && errno != EAGAIN)
		abort();
}

/* ---- what the wire tells becomes events ---- */

static struct event *host_event(struct target *target, enum event_kind kind, const char *text)
{
	struct event *event = event_new(kind);
	event->host = mem_strdup(target->options.name);
	event->text = mem_strdup(text);
	return event;
}

static void on_warning(void *context, const char *text)
{
	struct target *target = context;
	event_emit(target->options.events, host_event(target, EVENT_WARNING, text));
}

static void on_phase(void *context, const char *text)
{
	struct target *target = context;
	struct event *event = host_event(target, EVENT_PHASE, text);
	event->verbosity = 3;
	event_emit(target->options.events, event);
}

/* A few times a second, and the end of what was shown: an event wakes the main thread, a packet is not worth that. */
static void on_progress(void *context, const char *path, uint64_t done, uint64_t total)
{
	struct target *target = context;
	int64_t now = clock_ms();
	if (done >= total ? !target->shows_progress : now - target->progress_ms < PROGRESS_MS)
		return;
	target->progress_ms = now;
	target->shows_progress = done < total;
	struct event *event = host_event(target, EVENT_PROGRESS, path);
	event->done = done;
	event->total = total;
	event_emit(target->options.events, event);
}

/* An event's text ends at its first NUL: each is written out, as the report writes other control characters. */
static char *text_without_nul(const char *bytes, size_t length)
{
	struct buf text = BUF_INIT;
	for (const char *nul; (nul = memchr(bytes, '\0', length)); length -= (size_t)(nul - bytes) + 1, bytes = nul + 1) {
		buf_add(&text, bytes, (size_t)(nul - bytes));
		buf_str(&text, "\\x00");
	}
	buf_add(&text, bytes, length);
	return buf_take(&text);
}

static void emit_output(struct target *target, bool is_stderr, const char *bytes, size_t length)
{
	struct event *event = event_new(EVENT_OUTPUT);
	event->host = mem_strdup(target->options.name);
	event->task = mem_strdup(target->task);
	event->text = text_without_nul(bytes, length);
	event->is_stderr = is_stderr;
	event->verbosity = 1;
	event_emit(target->options.events, event);
}

static void flush_output(struct target *target, bool is_stderr, size_t length)
{
	struct buf *held = &target->held[is_stderr];
	if (length)
		emit_output(target, is_stderr, held->data, length);
	buf_consume(held, length);
}

/* A secret that comes in two pieces is found in neither: where there are any, lines are shown when they are whole. */
static void on_output(void *context, bool is_stderr, const char *bytes, size_t length)
{
	struct target *target = context;
	struct buf *held = &target->held[is_stderr];
	if (!length)
		return;
	buf_add(held, bytes, length);
	if (!event_masks(target->options.events)) {
		flush_output(target, is_stderr, held->length);
		return;
	}
	const char *newline = memrchr(held->data, '\n', held->length);
	flush_output(target, is_stderr, newline ? (size_t)(newline - held->data) + 1 : 0);
	if (held->length > HELD_MOST) { /* nor is one found in the pieces of a line without end */
		static const char cut[] = ERR_CUT " (more than is shown while it comes)\n";
		buf_clear(held);
		emit_output(target, is_stderr, cut, strlen(cut));
	}
}

/* ---- the connection ---- */

static void disconnect(struct target *target)
{
	pthread_mutex_lock(&target->lock);
	struct wire *wire = target->wire;
	target->wire = NULL;
	pthread_mutex_unlock(&target->lock);
	if (wire)
		wire_close(wire);
}

/* Whatever kept it from connecting (a deadline, a key that cannot be read), the host was not reached. */
static int unreachable(struct err *err)
{
	if (err->kind == ERR_INTERRUPTED)
		return -1;
	if (!err->hint[0])
		err_hint(err, "%s", err_remedy(err));
	err->kind = ERR_UNREACHABLE;
	return -1;
}

static bool on_prompt(void *context, const char *text, struct secret *answer)
{
	const struct target *target = context;
	return target->options.prompt(target->options.prompt_context, text, answer);
}

static int connect_wire(struct target *target, struct err *err)
{
	const struct wire_watch watch = {
		.context = target,
		.warning = on_warning,
		.phase = target->options.tells_phases ? on_phase : NULL,
		.prompt = target->options.prompt ? on_prompt : NULL,
		.progress = on_progress,
	};
	struct wire *wire = wire_new(target->options.hub, target->connects_again ? &target->again : target->options.config);
	pthread_mutex_lock(&target->lock);
	target->wire = wire;
	if (target->cancelled)
		wire_cancel(wire);
	pthread_mutex_unlock(&target->lock);
	if (wire_connect(wire, &watch, err) < 0) {
		disconnect(target);
		target->may_come = err->kind == ERR_UNREACHABLE || err->kind == ERR_PROTOCOL || err->kind == ERR_TIMEOUT;
		return unreachable(err);
	}
	if (target->options.tells_phases)
		event_emit(target->options.events, host_event(target, EVENT_CONNECTED, wire_route(wire)));
	return 0;
}

/* The first channel of a new connection goes out together with what it is for. */
static void start_channel(struct target *target, const struct job *job)
{
	if (job && job->is_last && !job->pty)
		wire_expect_command(target->wire, job->user->become);
	else
		wire_expect_shell(target->wire, NULL);
}

static int connect_for(struct target *target, const struct job *job, struct err *err)
{
	if (connect_wire(target, err) < 0)
		return -1;
	start_channel(target, job);
	return 0;
}

/* ---- jobs ---- */

static void keep_answers(struct target *target, const struct job *job, uint64_t generation)
{
	for (size_t i = 0; i < job->ask_count; i++)
		if (job->asks[i].answer)
			store_keep(target->options.store, job->asks[i].user->key, job->asks[i].ask, &job->asks[i].answer, generation);
}

static int answer_job(struct target *target, struct job *job, struct err *err)
{
	enum { MANY_FILES = 64 };
	uint64_t generation = store_generation(target->options.store);
	/* Two round trips of what will carry them go together with the question which of them are there. */
	const struct wire_expected expected = { .puts = job->files_to_come, .new_puts = job->files_to_come };
	if (job->files_to_come >= MANY_FILES && job->user)
		wire_expect_files(target->wire, job->user->become, &expected);
	if (batch_answer(target->wire, target->options.events, job, err) < 0)
		return -1;
	keep_answers(target, job, generation);
	return 0;
}

/* What tasks ask behind steps that have gone together must be known before more is done: where it could not go with the last
 * of the steps, it goes now. */
static int answer_rest(struct target *target, struct job *job, struct err *err)
{
	for (size_t i = 0; i < job->ask_count; i++) {
		if (job->asks[i].answer)
			return 0;
	}
	return batch_answer(target->wire, target->options.events, job, err);
}

/* While others step, this host's connection must not be taken for dead. */
static int wait_for_slot(struct target *target, struct err *err)
{
	while (!host_slots_take(target->options.slots, SLOT_WAIT_MS)) {
		if (wire_idle(target->wire, -1, clock_ms(), err) < 0)
			return -1;
	}
	return 0;
}

/* ---- connecting again ---- */

enum { TRY_WAIT_MS = 200, TRIES_APART_MS = 500, TRIES_APART_MOST_MS = 12000 };

static bool is_cancelled(struct target *target)
{
	pthread_mutex_lock(&target->lock);
	bool cancelled = target->cancelled;
	pthread_mutex_unlock(&target->lock);
	return cancelled;
}

/* A connection that is there is kept alive meanwhile; one that is lost is gone then. */
static int pass_time(struct target *target, int64_t ms, struct err *err)
{
	int64_t deadline = clock_ms() + ms;
	for (;;) {
		if (is_cancelled(target))
			return err_set(err, ERR_INTERRUPTED, "interrupted");
		int64_t left = deadline - clock_ms();
		if (left <= 0)
			return 0;
		struct err lost = ERR_INIT;
		int64_t wait = left < TRY_WAIT_MS ? left : TRY_WAIT_MS;
		if (!target->wire)
			poll(NULL, 0, (int)wait);
		else if (wire_idle(target->wire, -1, clock_deadline(wait), &lost) < 0)
			disconnect(target);
	}
}

/* Tried again as often as the settings say, 0, 1, 3, 7, ... seconds apart as with Ansible; not where the host itself refuses. */
static int connect_in_the_end(struct target *target, const struct job *job, struct err *err)
{
	enum { APART_MOST_S = 30 };
	int64_t apart_s = 0;
	for (int left = target->options.retries;; left--) {
		if (connect_for(target, job, err) == 0)
			return 0;
		if (left <= 0 || err->kind == ERR_INTERRUPTED || !target->may_come)
			return -1;
		err_clear(err);
		if (pass_time(target, apart_s * 1000, err) < 0)
			return -1;
		apart_s = apart_s * 2 + 1 < APART_MOST_S ? apart_s * 2 + 1 : APART_MOST_S;
	}
}

/* Whether the host that answers is the one that is waited for. */
static bool is_awaited(const struct step_reconnect *reconnect, const struct command_result *result)
{
	if (!command_succeeded(result))
		return false;
	if (!reconnect->differs)
		return true;
	size_t length = result->output_length;
	while (length && strchr(" \t\r\n", result->output[length - 1]))
		length--;
	return length && (length != strlen(reconnect->differs) || memcmp(result->output, reconnect->differs, length) != 0);
}

/* One try: 1 it is there, 0 not yet, -1 it will not come. */
static int try_reconnect(struct target *target, struct job *job, const struct step_reconnect *reconnect,
                         struct command_result *result, struct err *err)
{
	struct wire_outcome raw = { 0 };
	struct err why = ERR_INIT;
	int failed = target->wire ? 0 : connect_for(target, job, &why);
	if (!failed)
		failed = perform_once(target->wire, job, &reconnect->command, &raw, &why);
	if (!failed)
		command_text_result(job->arena, &raw, result);
	wire_outcome_release(&raw);
	if (!failed && is_awaited(reconnect, result))
		return 1;
	if (failed || !reconnect->stays)
		disconnect(target);
	if (why.kind != ERR_INTERRUPTED && why.kind != ERR_HOSTKEY)
		return 0;
	*err = why;
	return -1;
}

static int reconnect_step(struct target *target, struct job *job, const struct step_reconnect *reconnect, struct err *err)
{
	struct command_result result = { .ended = ENDED_TIMEOUT };
	int64_t start_us = clock_wall_us(), deadline = clock_ms() + reconnect->delay_ms + reconnect->timeout_ms;
	int64_t apart = reconnect->apart_ms ? reconnect->apart_ms : TRIES_APART_MS;
	int64_t most = reconnect->apart_most_ms ? reconnect->apart_most_ms : reconnect->apart_ms ? apart : TRIES_APART_MOST_MS;
	if (!reconnect->keep)
		disconnect(target);
	if (!target->wire) {
		target->again = *target->options.config;
		target->connects_again = true;
		if (reconnect->connect_timeout_ms)
			target->again.connect_timeout_ms = (int)reconnect->connect_timeout_ms;
	}
	int there = pass_time(target, reconnect->delay_ms, err);
	while (!there) {
		there = try_reconnect(target, job, reconnect, &result, err);
		if (there || clock_ms() + apart > deadline)
			break;
		there = pass_time(target, apart, err);
		apart = apart * 2 < most ? apart * 2 : most;
	}
	if (there < 0)
		return -1;
	if (!there)
		result.ended = ENDED_TIMEOUT;
	result.start_us = start_us;
	result.end_us = clock_wall_us();
	job->outcomes[job->steps_done++] = (struct outcome){ .ok = true, .run = result };
	return 0;
}

/* Whether a step would restart this machine itself. */
static bool would_end_itself(const struct target *target, const struct job *job)
{
	for (size_t i = 0; i < job->step_count; i++) {
		if (job->steps[i]->kind == STEP_RUN && job->steps[i]->run.ends_connection && target->options.config->local)
			return true;
	}
	return false;
}

/* ---- steps ---- */

static int do_steps(struct target *target, struct job *job, struct err *err)
{
	struct perform_watch watch = { .context = target, .output = on_output };
	job->steps_done = 0;
	if (would_end_itself(target, job)) {
		job->outcomes[job->steps_done++] = (struct outcome){
			.error = "with connection local this would restart the machine that neap runs on",
		};
		return 0;
	}
	while (job->steps_done < job->step_count) {
		const struct step *step = job->steps[job->steps_done];
		if (step->kind == STEP_RECONNECT ? reconnect_step(target, job, &step->reconnect, err) < 0
		                                 : perform_steps(target->wire, job, &watch, err) < 0)
			return -1;
		if (job->is_stream || !job->outcomes[job->steps_done - 1].ok)
			break;
	}
	return 0;
}

/* What was fetched is there for tasks that look at it on the machine neap runs on. */
static void forget_fetched(struct target *target, const struct job *job)
{
	for (size_t i = 0; i < job->steps_done; i++) {
		if (job->steps[i]->kind != STEP_GET)
			continue;
		const char *const paths[] = { job->steps[i]->get.to, NULL };
		const struct step written = { .kind = STEP_PUT, .effects = EFFECT_PATHS, .paths = paths };
		const struct touched touched = store_touched(target->options.here, "", (const struct step *const[]){ &written }, 1);
		store_forget(target->options.here, &touched);
	}
}

/* Does the steps, unless what they were decided on is known otherwise by now. */
static int do_decided(struct target *target, struct job *job, struct err *err)
{
	struct store *store = target->options.store;
	struct touched touched = store_touched(store, job->user->key, job->steps, job->step_count);
	job->is_outdated = job->basis && !store_begin(store, job->basis, job->basis_count, &touched);
	if (job->is_outdated)
		return 0;
	uint64_t generation = store_generation(store);
	int failed = do_steps(target, job, err);
	/* Also the step that failed, and those after it that a lost connection may have reached. */
	touched.count = failed ? job->step_count : job->steps_done;
	generation += store_forget(store, &touched);
	forget_fetched(target, job);
	if (!failed && job->is_joined && job->steps_done == job->step_count && job->outcomes[job->steps_done - 1].ok)
		failed = answer_rest(target, job, err);
	keep_answers(target, job, generation); /* nothing is kept where another target of that machine did something meanwhile */
	return failed;
}

/* Those that look at nothing while they run, and end by themselves. */
static bool are_short(const struct job *job)
{
	for (size_t i = 0; i < job->step_count; i++) {
		if (!step_is_of_files(job->steps[i]))
			return false;
	}
	return true;
}

static int steps_job(struct target *target, struct job *job, struct err *err)
{
	if (wait_for_slot(target, err) < 0)
		return -1;
	bool alone = job->basis && are_short(job);
	if (alone)
		store_enter(target->options.store);
	int failed = do_decided(target, job, err);
	if (alone)
		store_leave(target->options.store);
	flush_output(target, false, target->held[false].length);
	flush_output(target, true, target->held[true].length);
	host_slots_give(target->options.slots);
	return failed;
}

static void do_job(struct target *target, struct job *job)
{
	target->task = job->task;
	/* What begins by connecting again is not kept from it by a connection that was lost, or cannot be made yet. */
	bool begins_anew = job->kind == JOB_STEPS && job->step_count && job->steps[0]->kind == STEP_RECONNECT;
	if (begins_anew)
		target->lost = (struct err)ERR_INIT;
	struct err err = target->lost;
	if (err.kind == ERR_NONE && (begins_anew || target->wire || connect_in_the_end(target, job, &err) == 0)) {
		if (job->kind == JOB_ASKS)
			(void)!answer_job(target, job, &err);
		else
			(void)!steps_job(target, job, &err);
	}
	if (err.kind != ERR_NONE && err.kind != ERR_BECOME) /* the host is there, for who may be who he is */
		target->lost = err;
	job->err = err;
	target->task = NULL;
	job->done(job);
}

/* By the time that the connection is made, the job that it is for is mostly there. */
static void connect_early(struct target *target)
{
	struct err err = ERR_INIT;
	if (target->wire || target->lost.kind != ERR_NONE)
		return;
	if (connect_wire(target, &err) < 0) {
		target->lost = err;
		return;
	}
	pthread_mutex_lock(&target->lock);
	const struct job *job = target->first;
	pthread_mutex_unlock(&target->lock);
	start_channel(target, job);
}

static struct job *next_job(struct target *target)
{
	pthread_mutex_lock(&target->lock);
	struct job *job = target->first;
	if (job) {
		target->first = job->next;
		if (!target->first)
			target->last = &target->first;
	}
	pthread_mutex_unlock(&target->lock);
	return job;
}

/* Until there is something to do; an idle connection that the peer ended is opened anew by the next job. */
static void wait_for_work(struct target *target)
{
	struct err err = ERR_INIT;
	if (target->work_fd < 0) {
		(void)poll(NULL, 0, NO_FILE_WAIT_MS);
		return;
	}
	if (target->wire && target->lost.kind == ERR_NONE) {
		if (wire_idle(target->wire, target->work_fd, CLOCK_NEVER, &err) < 0)
			disconnect(target);
	} else {
		struct pollfd fd = { .fd = target->work_fd, .events = POLLIN };
		poll(&fd, 1, -1);
	}
	uint64_t count;
	if (read(target->work_fd, &count, sizeof(count)) < 0 && errno != EAGAIN)
		abort();
}

static bool take_flag(struct target *target, bool *flag)
{
	pthread_mutex_lock(&target->lock);
	bool set = *flag;
	*flag = false;
	pthread_mutex_unlock(&target->lock);
	return set;
}

static bool is_closing(struct target *target)
{
	pthread_mutex_lock(&target->lock);
	bool closing = target->closing;
	pthread_mutex_unlock(&target->lock);
	return closing;
}

static void *serve(void *context)
{
	struct target *target = context;
	for (;;) {
		struct job *job = next_job(target);
		if (job) {
			do_job(target, job);
		} else if (take_flag(target, &target->expected)) {
			connect_early(target);
		} else if (take_flag(target, &target->reset)) {
			disconnect(target);
		} else if (is_closing(target)) {
			break;
		} else {
			wait_for_work(target);
		}
	}
	disconnect(target);
	return NULL;
}

static void start(struct target *target)
{
	pthread_attr_t attributes;
	pthread_attr_init(&attributes);
	pthread_attr_setstacksize(&attributes, STACK_BYTES);
	int failed = pthread_create(&target->thread, &attributes, serve, target);
	pthread_attr_destroy(&attributes);
	if (failed) {
		fprintf(stderr, "neap: starting a thread for %s: %s\n", target->options.name, strerror(failed));
		abort();
	}
	target->started = true;
}

void target_submit(struct target *target, struct job *job)
{
	job->next = NULL;
	pthread_mutex_lock(&target->lock);
	if (!target->started)
		start(target);
	*target->last = job;
	target->last = &job->next;
	pthread_mutex_unlock(&target->lock);
	wake(target);
}

void target_expect(struct target *target)
{
	pthread_mutex_lock(&target->lock);
	bool first = !target->started;
	if (first) {
		target->expected = true;
		start(target);
	}
	pthread_mutex_unlock(&target->lock);
}

void target_cancel(struct target *target)
{
	pthread_mutex_lock(&target->lock);
	target->cancelled = true;
	if (target->wire)
		wire_cancel(target->wire);
	pthread_mutex_unlock(&target->lock);
}

void target_reset(struct target *target)
{
	pthread_mutex_lock(&target->lock);
	target->reset = true;
	pthread_mutex_unlock(&target->lock);
	wake(target);
}

void target_close(struct target *target)
{
	pthread_mutex_lock(&target->lock);
	target->closing = true;
	pthread_mutex_unlock(&target->lock);
	wake(target);
}

void target_join(struct target *target)
{
	if (target->started)
		pthread_join(target->thread, NULL);
	target->started = false;
}

void target_free(struct target *target)
{
	if (!target)
		return;
	target_close(target);
	target_join(target);
	overlay_free(target->overlay);
	buf_release(&target->held[0]);
	buf_release(&target->held[1]);
	if (target->work_fd >= 0)
		close(target->work_fd);
	pthread_mutex_destroy(&target->lock);
	free(target);
}
