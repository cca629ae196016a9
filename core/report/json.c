/* The report as one JSON document, in the shape of Ansible's json callback: it is written when the run has ended. */
#include <string.h>

#include "base/mem.h"
#include "report/screen.h"
#include "report/shape.h"

struct json_report {
	struct screen screen;
	json_t *plays;    /* a list, what the document holds */
	json_t *tasks;    /* of the play, as shape_task_of() keeps them */
	bool is_free;
	json_t *end;      /* what else the document holds; NULL until the run has ended */
	bool has_listing; /* what was asked for was a list, and that was the answer */
};

static json_t *last_play(struct json_report *report)
{
	size_t count = json_array_size(report->plays);
	return count ? json_array_get(report->plays, count - 1) : NULL;
}

static json_t *task_of(struct json_report *report, const struct event *event)
{
	bool is_new;
	json_t *task = shape_task_of(report->tasks, event, report->is_free, &is_new);
	if (is_new)
		json_array_append(json_object_get(last_play(report), "tasks"), task);
	return task;
}

static void end_at(json_t *holder, const char *key, int64_t time_us)
{
	json_t *duration = json_object_get(json_object_get(holder, key), "duration");
	if (duration)
		json_object_set_new(duration, "end", shape_time(time_us));
}

static void on_result(struct json_report *report, const struct event *event)
{
	json_t *task = task_of(report, event);
	json_object_set_new(json_object_get(task, "hosts"), event->host ? event->host : "", shape_result(event));
	end_at(task, "task", event->time_us);
	end_at(last_play(report), "play", event->time_us);
	if (report->is_free)
		shape_task_forget(report->tasks, event);
}

static void write_value(struct json_report *report, const json_t *value)
{
	auto_buf struct buf text = BUF_INIT;
	shape_write(value, true, &text);
	screen_out(&report->screen, &text);
}

static void on_listing(struct json_report *report, const struct event *event)
{
	report->has_listing = true;
	auto_json json_t *value = event->data ? json_incref(event->data) : json_string(event->text ? event->text : "");
	write_value(report, value);
}

static void json_handle(void *context, const struct event *event)
{
	struct json_report *report = context;
	screen_event(&report->screen, event);
	if (event->kind == EVENT_PLAY_START) {
		json_object_clear(report->tasks);
		report->is_free = shape_is_free(event);
		json_array_append_new(report->plays, shape_play(event));
	} else if (event->kind == (report->is_free ? EVENT_HOST_START : EVENT_TASK_START)) {
		task_of(report, event);
	} else if (event->kind == EVENT_RESULT && !event->is_item) {
		on_result(report, event);
	} else if (event->kind == EVENT_LISTING) {
		on_listing(report, event);
	} else if (event->kind == EVENT_RUN_END) {
		json_decref(report->end);
		report->end = json_pack("{s:o}", "stats", shape_stats(event));
		shape_shard(event, report->end);
	}
}

static void json_tick(void *context, int64_t now_ms)
{
	struct json_report *report = context;
	(void)now_ms;
	screen_tick(&report->screen);
}

static int json_finish(void *context)
{
	struct json_report *report = context;
	if (!report->has_listing && (report->end || json_array_size(report->plays))) {
		auto_json json_t *document = json_pack("{s:O, s:{}, s:{}, s:{}}", "plays", report->plays, "stats", "custom_stats",
		                                       "global_custom_stats");
		if (report->end)
			json_object_update(document, report->end);
		write_value(report, document);
	}
	return screen_finish(&report->screen);
}

static void json_free(void *context)
{
	struct json_report *report = context;
	screen_release(&report->screen);
	json_decref(report->plays);
	json_decref(report->tasks);
	json_decref(report->end);
	free(report);
}

struct reporter *report_json(const struct report_options *options)
{
	struct json_report *report = mem_alloc(sizeof(*report));
	screen_init(&report->screen, options);
	report->plays = json_array();
	report->tasks = json_object();
	struct reporter *reporter = mem_alloc(sizeof(*reporter));
	*reporter = (struct reporter){ report, json_handle, json_tick, json_finish, json_free };
	return reporter;
}
