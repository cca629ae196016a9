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
#include "run/perform.h"

enum { STACK_BYTES = 512 * 1024, SLOT_WAIT_MS = 200, HELD_MOST = 64 * 1024 };

struct target {
	struct target_options options;
	struct store *store;
	struct overlay *overlay;
	pthread_t thread;
	bool started;

	pthread_mutex_t lock; /* of what follows */
	struct job *first, **last;
	bool closing, reset, cancelled;
	struct wire *wire;    /* set under the lock, used by the thread */

	int work_fd; /* eventfd: there is a job, or the end */
	struct err lost; /* why the connection failed; kind ERR_NONE while it has not. Thread's own */
	const char *task; /* of the job under way, for output. Thread's own */
	struct buf held[2]; /* the begun line of its stdout and stderr, where secrets may be in it. Thread's own */
};

struct target *target_new(const struct target_options *options)
{
	struct target *target = mem_alloc(sizeof(*target));
	target->options = *options;
	target->store = store_new();
	target->overlay = overlay_new();
	target->last = &target->first;
	target->work_fd = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
	pthread_mutex_init(&target->lock, NULL);
	return target;
}

struct store *target_store(struct target *target) { return target->store; }

struct overlay *target_overlay(struct target *target) { return target->overlay; }

const char *target_name(const struct target *target) { return target->options.name; }

static void wake(struct target *target)
{
	uint64_t one = 1;
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

static void on_progress(void *context, const char *path, uint64_t done, uint64_t total)
{
	struct target *target = context;
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
	const char *newline = memrchr(held->data, '\n', held->length);
	bool is_whole = !event_masks(target->options.events) || held->length > HELD_MOST;
	flush_output(target, is_stderr, is_whole ? held->length : newline ? (size_t)(newline - held->data) + 1 : 0);
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

static int connect_wire(struct target *target, struct err *err)
{
	const struct wire_watch watch = {
		.context = target,
		.warning = on_warning,
		.phase = on_phase,
		.prompt = target->options.prompt,
		.progress = on_progress,
	};
	struct wire *wire = wire_new(target->options.hub, target->options.config);
	pthread_mutex_lock(&target->lock);
	target->wire = wire;
	if (target->cancelled)
		wire_cancel(wire);
	pthread_mutex_unlock(&target->lock);
	if (wire_connect(wire, &watch, err) < 0) {
		disconnect(target);
		return unreachable(err);
	}
	event_emit(target->options.events, host_event(target, EVENT_CONNECTED, wire_route(wire)));
	return 0;
}

/* ---- jobs ---- */

static int answer_job(struct target *target, struct job *job, struct err *err)
{
	uint64_t generation = store_generation(target->store);
	if (batch_answer(target->wire, job->asks, job->ask_count, err) < 0)
		return -1;
	for (size_t i = 0; i < job->ask_count; i++)
		store_keep(target->store, job->asks[i].user->key, job->asks[i].ask, job->asks[i].answer, generation);
	return 0;
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

static int steps_job(struct target *target, struct job *job, struct err *err)
{
	if (wait_for_slot(target, err) < 0)
		return -1;
	struct perform_watch watch = { .context = target, .output = on_output };
	int failed = perform_steps(target->wire, job, &watch, err);
	flush_output(target, false, target->held[false].length);
	flush_output(target, true, target->held[true].length);
	host_slots_give(target->options.slots);
	/* Also the step that failed, and those after it that a lost connection may have reached. */
	size_t touched = failed ? job->step_count : job->steps_done;
	for (size_t i = 0; i < touched; i++)
		store_forget(target->store, job->steps[i]);
	return failed;
}

static void do_job(struct target *target, struct job *job)
{
	target->task = job->task;
	struct err err = target->lost;
	if (err.kind == ERR_NONE && (target->wire || connect_wire(target, &err) == 0)) {
		if (job->kind == JOB_ASKS)
			(void)!answer_job(target, job, &err);
		else
			(void)!steps_job(target, job, &err);
	}
	if (err.kind != ERR_NONE)
		target->lost = err;
	job->err = err;
	target->task = NULL;
	job->done(job);
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
	store_free(target->store);
	overlay_free(target->overlay);
	buf_release(&target->held[0]);
	buf_release(&target->held[1]);
	close(target->work_fd);
	pthread_mutex_destroy(&target->lock);
	free(target);
}
