/* All that happens in a run is an event. Reports are readers of the one stream; nothing else prints.
 *
 * Workers and targets emit; the main thread takes from one bounded queue and hands each event to every reporter in
 * turn, so reporters need no locks. An event owns its data. Secrets are masked by value when an event is emitted. */
#ifndef NEAP_RUN_EVENT_H
#define NEAP_RUN_EVENT_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include <jansson.h>

enum event_kind {
	EVENT_RUN_START,     /* data: {"playbooks": [...], "check": bool} */
	EVENT_PLAY_START,    /* play, place; data: {"hosts": [...], "strategy": "free" where it is not linear} */
	EVENT_NO_HOSTS,      /* play, after its start: its pattern matched none */
	EVENT_TASK_START,    /* play, task, action, place, is_handler */
	EVENT_HOST_START,    /* host began the task (for the progress line) */
	EVENT_RESULT,        /* host, task, status, result; item results of a loop come before it with is_item */
	EVENT_RETRY,         /* host, task, result: an attempt of until that was not enough; data: {"attempts", "retries"} */
	EVENT_OUTPUT,        /* host, text: live output of a long command; is_stderr */
	EVENT_PROGRESS,      /* host, text: path; done, total: bytes */
	EVENT_PHASE,         /* host, text: what a connection does, for -vvv */
	EVENT_CONNECTED,     /* host, text: by which way; for -vvv */
	EVENT_INCLUDED,      /* text: file; data: {"hosts": [...]} */
	EVENT_WARNING,       /* text; host or NULL */
	EVENT_DEPRECATED,    /* text */
	EVENT_MESSAGE,       /* text: said to the user about the run, on stderr */
	EVENT_HOLD,          /* the user is about to be asked on the terminal: what stands at its foot makes way, and stays away */
	EVENT_RESUME,        /* the user has answered */
	EVENT_LISTING,       /* text: what --list-* or --syntax-check answer, for stdout; data: the same for JSON, or NULL */
	EVENT_NO_HOSTS_LEFT, /* play: all its hosts have failed */
	EVENT_RUN_END,       /* stats: the recap; data, of one of several runs: {"shard": {"index", "count", "status"}} */
};

enum event_status {
	STATUS_OK, STATUS_CHANGED, STATUS_FAILED, STATUS_SKIPPED, STATUS_UNREACHABLE,
};

struct event_stats { /* one host's line of the recap */
	char *host;
	unsigned ok, changed, unreachable, failed, skipped, rescued, ignored, uncertain;
};

struct event {
	enum event_kind kind;
	int64_t time_us;      /* wall clock */
	char *play;           /* its name; NULL where there is none yet */
	unsigned play_number; /* from 1 */
	char *task;           /* its templated name, "role : name" in a role */
	unsigned task_number; /* unique in the run; 0: no task */
	char *action;
	char *place;          /* "site.json:12:5"; NULL where nobody wrote it */
	char *host;
	char *delegated_to;   /* the host it ran on, where another */
	char *text;
	char *item;           /* label of a loop item, masked and one line */
	enum event_status status;
	bool is_include;      /* the result of an include, which EVENT_INCLUDED has told to people */
	bool is_handler, is_item, is_stderr, ignored, rescued, no_log, uncertain;
	unsigned verbosity;   /* shown from -v times this on; 0: always */
	uint64_t done, total;
	json_t *result;       /* what is registered, masked; with "diff" where asked for */
	json_t *data;
	struct event_stats *stats;
	size_t stats_count;
};

struct event *event_new(enum event_kind kind);
void event_free(struct event *event);

/* A reader of the stream. */
struct reporter {
	void *context;
	void (*handle)(void *context, const struct event *event);
	/* Called about ten times a second, for the progress line; may be NULL. */
	void (*tick)(void *context, int64_t now_ms);
	/* After the last event; writes what is still held. -1 with errno when the output could not be written. */
	int (*finish)(void *context);
	void (*free)(void *context);
};

/* ---- the stream ---- */

struct event_stream;

struct event_stream *event_stream_new(void);
void event_stream_free(struct event_stream *stream);
/* Values that are masked in all later events (run/mask.h says in which forms). Any thread. */
void event_mask(struct event_stream *stream, const char *secret, size_t length);
/* Whether there is anything to mask. Any thread. */
bool event_masks(const struct event_stream *stream);
/* Whether a text has something in it that would be masked. Any thread. */
bool event_would_mask(const struct event_stream *stream, const char *text);
/* Masks a text that does not go through the stream, in place; it may become another string on the heap. Any thread. */
void event_mask_text(const struct event_stream *stream, char **text);
/* Takes the event over, hides what no_log says, masks secrets; blocks while the queue is full, but never the thread that
 * made the stream, which is the one that takes. The json values must be the event's own. Any thread. */
void event_emit(struct event_stream *stream, struct event *event);
/* Around a question to the user. event_hold returns when the reader has handled all that was emitted before and an
 * EVENT_HOLD; it takes nothing more until event_resume, so that nothing is written over the question. One thread at a time;
 * the reader's own is not held up. */
void event_hold(struct event_stream *stream);
void event_resume(struct event_stream *stream);
/* The next event, to be freed by the caller; NULL after timeout_ms without one. Main thread. */
struct event *event_take(struct event_stream *stream, int timeout_ms);

#endif
