/* The event stream: a bounded queue from all threads to the main one, and the masking of what passes. */
#include "run/event.h"

#include <errno.h>
#include <pthread.h>
#include <string.h>
#include <time.h>

#include "base/auto.h"
#include "base/clock.h"
#include "base/mem.h"
#include "run/mask.h"

enum { QUEUE_MOST = 4096 };

struct entry {
	struct entry *next;
	struct event *event;
};

struct event_stream {
	pthread_mutex_t lock;
	pthread_cond_t filled, drained; /* filled: on CLOCK_MONOTONIC */
	pthread_cond_t held_now;
	bool holds, held; /* holds: EVENT_HOLD was taken; held: and handled */
	struct entry *first, **last;
	size_t count;
	pthread_t reader; /* never waits for itself */
	struct mask *mask;
};

struct event *event_new(enum event_kind kind)
{
	struct event *event = mem_alloc(sizeof(*event));
	event->kind = kind;
	event->time_us = clock_wall_us();
	return event;
}

void event_free(struct event *event)
{
	if (!event)
		return;
	char *texts[] = { event->play, event->task, event->action, event->place, event->host, event->delegated_to,
	                  event->text, event->item };
	for (size_t i = 0; i < sizeof(texts) / sizeof(*texts); i++)
		free(texts[i]);
	json_decref(event->result);
	json_decref(event->data);
	for (size_t i = 0; i < event->stats_count; i++)
		free(event->stats[i].host);
	free(event->stats);
	free(event);
}

struct event_stream *event_stream_new(void)
{
	struct event_stream *stream = mem_alloc(sizeof(*stream));
	pthread_condattr_t attributes;
	pthread_condattr_init(&attributes);
	pthread_condattr_setclock(&attributes, CLOCK_MONOTONIC);
	pthread_cond_init(&stream->filled, &attributes);
	pthread_condattr_destroy(&attributes);
	pthread_cond_init(&stream->drained, NULL);
	pthread_cond_init(&stream->held_now, NULL);
	pthread_mutex_init(&stream->lock, NULL);
	stream->last = &stream->first;
	stream->reader = pthread_self();
	stream->mask = mask_new();
	return stream;
}

/* Takes the first entry off; the lock is held and there is one. */
static struct event *shift(struct event_stream *stream)
{
	struct entry *entry = stream->first;
	struct event *event = entry->event;
	stream->first = entry->next;
	if (!stream->first)
		stream->last = &stream->first;
	stream->count--;
	free(entry);
	return event;
}

void event_stream_free(struct event_stream *stream)
{
	if (!stream)
		return;
	while (stream->first)
		event_free(shift(stream));
	mask_free(stream->mask);
	pthread_mutex_destroy(&stream->lock);
	pthread_cond_destroy(&stream->filled);
	pthread_cond_destroy(&stream->drained);
	pthread_cond_destroy(&stream->held_now);
	free(stream);
}

void event_mask(struct event_stream *stream, const char *secret, size_t length)
{
	mask_add(stream->mask, secret, length);
}

bool event_masks(const struct event_stream *stream) { return !mask_is_empty(stream->mask); }

static void mask_field(const struct mask *mask, char **field)
{
	size_t length;
	char *masked = *field ? mask_text(mask, *field, strlen(*field), &length) : NULL;
	if (masked) {
		free(*field);
		*field = masked;
	}
}

void event_mask_text(const struct event_stream *stream, char **text) { mask_field(stream->mask, text); }

bool event_would_mask(const struct event_stream *stream, const char *text)
{
	size_t length;
	auto_free char *masked = mask_text(stream->mask, text, strlen(text), &length);
	return masked != NULL;
}

static void mask_event(const struct mask *mask, struct event *event)
{
	mask_field(mask, &event->play);
	mask_field(mask, &event->task);
	mask_field(mask, &event->text);
	mask_field(mask, &event->item);
	if (event->result)
		event->result = mask_json(mask, event->result);
	if (event->data)
		event->data = mask_json(mask, event->data);
}

/* What no_log hides never enters the stream, whichever reader there is. */
static void censor(struct event *event)
{
	static const char why[] =
		"the output has been hidden due to the fact that 'no_log: true' was specified for this result";
	if (event->result) {
		json_t *censored = json_pack("{s:s, s:b}", "censored", why, "changed",
		                             event->status == STATUS_CHANGED || json_is_true(json_object_get(event->result, "changed")));
		static const char *const kept[] = { "attempts", "retries" };
		for (size_t i = 0; i < sizeof(kept) / sizeof(*kept); i++)
			json_object_set(censored, kept[i], json_object_get(event->result, kept[i]));
		json_decref(event->result);
		event->result = censored;
	}
	if (event->item) {
		free(event->item);
		event->item = mem_strdup("(censored due to no_log)");
	}
	if (event->kind == EVENT_OUTPUT) {
		free(event->text);
		event->text = mem_strdup("");
	}
}

void event_emit(struct event_stream *stream, struct event *event)
{
	if (event->no_log)
		censor(event);
	mask_event(stream->mask, event);
	struct entry *entry = mem_alloc(sizeof(*entry));
	entry->event = event;
	bool may_wait = !pthread_equal(pthread_self(), stream->reader);
	pthread_mutex_lock(&stream->lock);
	while (may_wait && stream->count >= QUEUE_MOST)
		pthread_cond_wait(&stream->drained, &stream->lock);
	*stream->last = entry;
	stream->last = &entry->next;
	stream->count++;
	pthread_cond_signal(&stream->filled);
	pthread_mutex_unlock(&stream->lock);
}

void event_hold(struct event_stream *stream)
{
	if (pthread_equal(pthread_self(), stream->reader))
		return;
	event_emit(stream, event_new(EVENT_HOLD));
	pthread_mutex_lock(&stream->lock);
	while (!stream->held)
		pthread_cond_wait(&stream->held_now, &stream->lock);
	pthread_mutex_unlock(&stream->lock);
}

void event_resume(struct event_stream *stream)
{
	if (pthread_equal(pthread_self(), stream->reader))
		return;
	pthread_mutex_lock(&stream->lock);
	stream->holds = stream->held = false;
	pthread_mutex_unlock(&stream->lock);
	event_emit(stream, event_new(EVENT_RESUME));
}

struct event *event_take(struct event_stream *stream, int timeout_ms)
{
	struct timespec until;
	clock_gettime(CLOCK_MONOTONIC, &until);
	until.tv_sec += timeout_ms / 1000;
	until.tv_nsec += timeout_ms % 1000 * 1000000L;
	if (until.tv_nsec >= 1000000000L) {
		until.tv_sec++;
		until.tv_nsec -= 1000000000L;
	}
	struct event *event = NULL;
	pthread_mutex_lock(&stream->lock);
	if (stream->holds && !stream->held) { /* whoever takes the next event has handled the one before */
		stream->held = true;
		pthread_cond_signal(&stream->held_now);
	}
	int waited = 0;
	while ((!stream->first || stream->holds) && waited != ETIMEDOUT)
		waited = pthread_cond_timedwait(&stream->filled, &stream->lock, &until);
	if (stream->first && !stream->holds) {
		event = shift(stream);
		stream->holds = event->kind == EVENT_HOLD;
	}
	if (stream->count < QUEUE_MOST)
		pthread_cond_broadcast(&stream->drained);
	pthread_mutex_unlock(&stream->lock);
	return event;
}
