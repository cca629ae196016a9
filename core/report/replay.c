/* Results told as the events they came from. */
#include "report/replay.h"

#include <string.h>
#include <time.h>

#include "base/mem.h"

struct replay {
	const json_t *stats;
	struct reporter *reporter;
	bool only_failures;
	unsigned play, task; /* numbers of the ones in hand */
	const json_t *untold; /* the play, before anything of it was told */
};

static void hand(const struct replay *replay, struct event *event)
{
	replay->reporter->handle(replay->reporter->context, event);
	event_free(event);
}

/* "2026-11-22T16:38:26.000123Z" in microseconds; 0 where it is none. */
static int64_t time_of(const json_t *head, const char *name)
{
	const char *text = json_string_value(json_object_get(json_object_get(head, "duration"), name));
	struct tm parts = { 0 };
	const char *rest = text ? strptime(text, "%Y-%m-%dT%H:%M:%S", &parts) : NULL;
	if (!rest)
		return 0;
	long micro = *rest == '.' ? strtol(rest + 1, NULL, 10) : 0;
	return (int64_t)timegm(&parts) * 1000000 + (micro > 0 && micro < 1000000 ? micro : 0);
}

static char *text_of(const json_t *object, const char *name) { return mem_strdup(json_string_value(json_object_get(object, name))); }

static void tell_play(struct replay *replay)
{
	if (!replay->untold)
		return;
	const json_t *head = json_object_get(replay->untold, "play");
	struct event *event = event_new(EVENT_PLAY_START);
	event->play_number = replay->play;
	event->play = text_of(head, "name");
	event->place = text_of(head, "path");
	event->time_us = time_of(head, "start");
	replay->untold = NULL;
	hand(replay, event);
}

static struct event *task_event(const struct replay *replay, enum event_kind kind, const json_t *task)
{
	const json_t *head = json_object_get(task, "task");
	struct event *event = event_new(kind);
	event->play_number = replay->play;
	event->task_number = replay->task;
	event->task = text_of(head, "name");
	event->place = text_of(head, "path");
	event->is_handler = json_is_true(json_object_get(task, "is_handler"));
	event->time_us = time_of(head, kind == EVENT_RESULT ? "end" : "start");
	return event;
}

static enum event_status status_of(const json_t *result)
{
	static const struct { const char *name; enum event_status status; } rows[] = {
		{ "unreachable", STATUS_UNREACHABLE }, { "failed", STATUS_FAILED }, { "skipped", STATUS_SKIPPED },
		{ "changed", STATUS_CHANGED },
	};
	for (size_t i = 0; i < sizeof(rows) / sizeof(*rows); i++)
		if (json_is_true(json_object_get(result, rows[i].name)))
			return rows[i].status;
	return STATUS_OK;
}

/* Whether a result is one that its host did not get over. */
static bool is_failure(const struct replay *replay, const char *host, const json_t *result)
{
	const json_t *counts = json_object_get(replay->stats, host);
	enum event_status status = status_of(result);
	bool host_failed = !counts || json_integer_value(json_object_get(counts, "failures")) ||
	                   json_integer_value(json_object_get(counts, "unreachable"));
	return (status == STATUS_FAILED || status == STATUS_UNREACHABLE) && host_failed &&
	       !json_is_true(json_object_get(result, "_ansible_ignore_errors"));
}

static void replay_result(const struct replay *replay, const json_t *task, const char *host, json_t *result)
{
	struct event *event = task_event(replay, EVENT_RESULT, task);
	event->host = mem_strdup(host);
	event->action = text_of(result, "action");
	event->status = status_of(result);
	event->ignored = json_is_true(json_object_get(result, "_ansible_ignore_errors"));
	event->uncertain = json_is_true(json_object_get(result, "uncertain"));
	event->result = json_deep_copy(result);
	json_object_del(event->result, "action"); /* of these the event itself tells */
	json_object_del(event->result, "_ansible_ignore_errors");
	hand(replay, event);
}

static void tell_task(struct replay *replay, const json_t *task)
{
	tell_play(replay);
	hand(replay, task_event(replay, EVENT_TASK_START, task));
}

static void replay_task(struct replay *replay, const json_t *task)
{
	const char *host;
	json_t *result;
	bool told = false;
	replay->task++;
	if (!replay->only_failures) {
		tell_task(replay, task);
		told = true;
	}
	json_object_foreach (json_object_get(task, "hosts"), host, result) {
		if (replay->only_failures && !is_failure(replay, host, result))
			continue;
		if (!told)
			tell_task(replay, task);
		told = true;
		replay_result(replay, task, host, result);
	}
}

static void replay_play(struct replay *replay, const json_t *play)
{
	const char *id = json_string_value(json_object_get(json_object_get(play, "play"), "id"));
	size_t i;
	json_t *task;
	replay->play = id && strncmp(id, "play-", 5) == 0 ? (unsigned)strtoul(id + 5, NULL, 10) : replay->play + 1;
	replay->untold = play;
	if (!replay->only_failures)
		tell_play(replay);
	json_array_foreach (json_object_get(play, "tasks"), i, task)
		replay_task(replay, task);
}

static unsigned count_of(const json_t *counts, const char *name)
{
	return (unsigned)json_integer_value(json_object_get(counts, name));
}

static void replay_recap(const struct replay *replay)
{
	struct event *event = event_new(EVENT_RUN_END);
	const char *host;
	json_t *counts;
	event->stats = mem_array(json_object_size(replay->stats) + 1, sizeof(*event->stats));
	json_object_foreach ((json_t *)replay->stats, host, counts) {
		event->stats[event->stats_count++] = (struct event_stats){
			.host = mem_strdup(host), .ok = count_of(counts, "ok"), .changed = count_of(counts, "changed"),
			.unreachable = count_of(counts, "unreachable"), .failed = count_of(counts, "failures"),
			.skipped = count_of(counts, "skipped"), .rescued = count_of(counts, "rescued"),
			.ignored = count_of(counts, "ignored"), .uncertain = count_of(counts, "uncertain"),
		};
	}
	hand(replay, event);
}

void replay_results(const json_t *plays, const json_t *stats, struct reporter *reporter, bool only_failures)
{
	struct replay replay = { .stats = stats, .reporter = reporter, .only_failures = only_failures };
	size_t i;
	json_t *play;
	json_array_foreach (plays, i, play)
		replay_play(&replay, play);
	replay_recap(&replay);
}
