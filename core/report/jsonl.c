/* The report as JSON Lines, in the shape of Ansible's jsonl callback: one object for each event, as it happens. */
#include "base/mem.h"
#include "report/screen.h"
#include "report/shape.h"

struct jsonl {
	struct screen screen;
	json_t *tasks; /* for the heads of the lines of results, as shape_task_of() keeps them */
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

static void on_play_start(struct jsonl *report, const struct event *event)
{
	report->is_free = shape_is_free(event);
	json_object_clear(report->tasks);
	auto_json json_t *line = shape_play(event);
	write_event(report, "v2_playbook_on_play_start", event->time_us, line);
}

static void write_task_start(struct jsonl *report, const struct event *event)
{
	auto_json json_t *line = shape_task(event);
	write_event(report, report->is_free ? "v2_runner_on_start"
	                    : event->is_handler ? "v2_playbook_on_handler_task_start" : "v2_playbook_on_task_start",
	            event->time_us, line);
}

static void on_start(struct jsonl *report, const struct event *event)
{
	bool is_new;
	if (!report->is_free)
		json_object_clear(report->tasks); /* all hosts have ended the task before */
	shape_task_of(report->tasks, event, report->is_free, &is_new);
	write_task_start(report, event);
}

static void on_result(struct jsonl *report, const struct event *event)
{
	static const char *const names[] = {
		[STATUS_OK] = "v2_runner_on_ok", [STATUS_CHANGED] = "v2_runner_on_ok", [STATUS_FAILED] = "v2_runner_on_failed",
		[STATUS_SKIPPED] = "v2_runner_on_skipped", [STATUS_UNREACHABLE] = "v2_runner_on_unreachable",
	};
	bool is_new;
	const char *host = event->host ? event->host : "";
	json_t *task = shape_task_of(report->tasks, event, report->is_free, &is_new);
	if (is_new)
		write_task_start(report, event);
	json_object_set_new(json_object_get(task, "hosts"), host, json_null()); /* it has had its result */
	auto_json json_t *line = json_pack("{s:o, s:{s:o}}", "task", json_deep_copy(json_object_get(task, "task")), "hosts", host,
	                                   shape_result(event));
	json_object_set_new(json_object_get(json_object_get(line, "task"), "duration"), "end", shape_time(event->time_us));
	write_event(report, names[event->status], event->time_us, line);
	if (report->is_free)
		shape_task_forget(report->tasks, event);
}

static void on_run_end(struct jsonl *report, const struct event *event)
{
	auto_json json_t *line = json_pack("{s:o, s:{}, s:{}}", "stats", shape_stats(event), "custom_stats",
	                                   "global_custom_stats");
	shape_shard(event, line);
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
	else if (event->kind == (report->is_free ? EVENT_HOST_START : EVENT_TASK_START))
		on_start(report, event);
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
