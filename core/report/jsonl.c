/* The report as JSON Lines, in the shape of Ansible's jsonl callback: one object for each event, as it happens. */
#include "base/mem.h"
#include "report/screen.h"
#include "report/shape.h"

struct jsonl {
	struct screen screen;
	json_t *tasks; /* "12": the task's head, for the lines of its results */
	bool is_free;
};

static void write_event(struct jsonl *report, const char *name, int64_t time_us, json_t *line)
{
	auto_buf struct buf text = BUF_INIT;
	json_object_set_new(line, "_event", json_string(name));
	json_object_set_new(line, "_timestamp", shape_time(time_us));
	shape_write(line, false, &text);
	screen_out(&report->screen, &text);
}

static json_t *task_of(struct jsonl *report, const struct event *event)
{
	char number[16];
	snprintf(number, sizeof(number), "%u", event->task_number);
	json_t *task = json_object_get(report->tasks, number);
	if (!task) {
		task = shape_task(event);
		json_object_set_new(report->tasks, number, task);
	}
	return task;
}

static void on_play_start(struct jsonl *report, const struct event *event)
{
	const char *strategy = json_string_value(json_object_get(event->data, "strategy"));
	report->is_free = strategy && strcmp(strategy, "free") == 0;
	json_object_clear(report->tasks);
	auto_json json_t *line = shape_play(event);
	write_event(report, "v2_playbook_on_play_start", event->time_us, line);
}

static void on_task_start(struct jsonl *report, const struct event *event)
{
	auto_json json_t *line = json_deep_copy(task_of(report, event));
	if (!report->is_free)
		write_event(report, event->is_handler ? "v2_playbook_on_handler_task_start" : "v2_playbook_on_task_start",
		            event->time_us, line);
}

static void on_host_start(struct jsonl *report, const struct event *event)
{
	auto_json json_t *line = json_deep_copy(task_of(report, event));
	if (report->is_free)
		write_event(report, "v2_runner_on_start", event->time_us, line);
}

static void on_result(struct jsonl *report, const struct event *event)
{
	static const char *const names[] = {
		[STATUS_OK] = "v2_runner_on_ok", [STATUS_CHANGED] = "v2_runner_on_ok", [STATUS_FAILED] = "v2_runner_on_failed",
		[STATUS_SKIPPED] = "v2_runner_on_skipped", [STATUS_UNREACHABLE] = "v2_runner_on_unreachable",
	};
	auto_json json_t *line = json_deep_copy(task_of(report, event));
	json_object_set_new(json_object_get(json_object_get(line, "task"), "duration"), "end", shape_time(event->time_us));
	json_object_set_new(json_object_get(line, "hosts"), event->host ? event->host : "", shape_result(event));
	write_event(report, names[event->status], event->time_us, line);
}

static void on_run_end(struct jsonl *report, const struct event *event)
{
	auto_json json_t *line = json_pack("{s:o, s:{}, s:{}}", "stats", shape_stats(event), "custom_stats",
	                                   "global_custom_stats");
	write_event(report, "v2_playbook_on_stats", event->time_us, line);
}

static void on_listing(struct jsonl *report, const struct event *event)
{
	auto_json json_t *line = json_pack("{s:o}", "listing", event->data ? json_incref(event->data)
	                                                                   : json_string(event->text ? event->text : ""));
	write_event(report, "neap_listing", event->time_us, line);
}

static void jsonl_handle(void *context, const struct event *event)
{
	struct jsonl *report = context;
	screen_event(&report->screen, event);
	if (event->kind == EVENT_PLAY_START)
		on_play_start(report, event);
	else if (event->kind == EVENT_TASK_START)
		on_task_start(report, event);
	else if (event->kind == EVENT_HOST_START)
		on_host_start(report, event);
	else if (event->kind == EVENT_RESULT && !event->is_item)
		on_result(report, event);
	else if (event->kind == EVENT_LISTING)
		on_listing(report, event);
	else if (event->kind == EVENT_RUN_END)
		on_run_end(report, event);
}

static void jsonl_tick(void *context, int64_t now_ms)
{
	struct jsonl *report = context;
	(void)now_ms;
	screen_tick(&report->screen);
}

static int jsonl_finish(void *context)
{
	struct jsonl *report = context;
	return screen_finish(&report->screen);
}

static void jsonl_free(void *context)
{
	struct jsonl *report = context;
	screen_release(&report->screen);
	json_decref(report->tasks);
	free(report);
}

struct reporter *report_jsonl(const struct report_options *options)
{
	struct jsonl *report = mem_alloc(sizeof(*report));
	screen_init(&report->screen, options);
	report->tasks = json_object();
	struct reporter *reporter = mem_alloc(sizeof(*reporter));
	*reporter = (struct reporter){ report, jsonl_handle, jsonl_tick, jsonl_finish, jsonl_free };
	return reporter;
}
