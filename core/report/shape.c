/* Events as JSON values. */
#include "report/shape.h"

#include <string.h>
#include <time.h>

#include "base/mem.h"
#include "base/printable.h"

json_t *shape_time(int64_t time_us)
{
	time_t seconds = (time_t)(time_us / 1000000);
	struct tm parts;
	gmtime_r(&seconds, &parts);
	char date[32];
	strftime(date, sizeof(date), "%Y-%m-%dT%H:%M:%S", &parts);
	auto_free char *text = mem_printf("%s.%06dZ", date, (int)(time_us % 1000000));
	return json_string(text);
}

static json_t *clean_string(const char *text)
{
	auto_buf struct buf clean = BUF_INIT;
	if (text)
		printable_utf8_clean(&clean, text, strlen(text));
	return json_stringn(buf_text(&clean), clean.length);
}

static json_t *head(const struct event *event, const char *name, const char *kind, unsigned number)
{
	auto_free char *id = mem_printf("%s-%u", kind, number);
	json_t *object = json_pack("{s:o, s:s, s:{s:o}}", "name", clean_string(name), "id", id, "duration", "start",
	                           shape_time(event->time_us));
	if (event->place)
		json_object_set_new(object, "path", clean_string(event->place));
	return object;
}

json_t *shape_play(const struct event *event)
{
	return json_pack("{s:o, s:[]}", "play", head(event, event->play, "play", event->play_number), "tasks");
}

json_t *shape_task(const struct event *event)
{
	const char *name = event->task && *event->task ? event->task : event->action;
	return json_pack("{s:o, s:{}}", "task", head(event, name, "task", event->task_number), "hosts");
}

bool shape_is_free(const struct event *event)
{
	const char *strategy = json_string_value(json_object_get(event->data, "strategy"));
	return strategy && strcmp(strategy, "free") == 0;
}

static char *task_key(const struct event *event, bool is_free)
{
	return mem_printf("%u %s", event->task_number, is_free && event->host ? event->host : "");
}

void shape_task_forget(json_t *tasks, const struct event *event)
{
	auto_free char *key = task_key(event, true);
	json_object_del(tasks, key);
}

json_t *shape_task_of(json_t *tasks, const struct event *event, bool is_free, bool *is_new)
{
	auto_free char *key = task_key(event, is_free);
	json_t *task = json_object_get(tasks, key);
	json_t *hosts = json_object_get(task, "hosts");
	bool is_again = event->kind == EVENT_TASK_START ? json_object_size(hosts) > 0
		: event->kind == EVENT_RESULT && event->host && json_object_get(hosts, event->host);
	*is_new = !task || is_again;
	if (*is_new) {
		task = shape_task(event);
		json_object_set_new(tasks, key, task);
	}
	return task;
}

json_t *shape_result(const struct event *event)
{
	json_t *result = event->result ? json_copy(event->result) : json_object();
	if (!json_object_get(result, "changed"))
		json_object_set_new(result, "changed", json_boolean(event->status == STATUS_CHANGED));
	json_object_del(result, "failed"); /* there only where they are true, as with Ansible's callbacks */
	json_object_del(result, "skipped");
	json_object_set_new(result, "action", clean_string(event->action));
	if (event->status == STATUS_FAILED)
		json_object_set_new(result, "failed", json_true());
	if (event->status == STATUS_SKIPPED)
		json_object_set_new(result, "skipped", json_true());
	if (event->status == STATUS_UNREACHABLE)
		json_object_set_new(result, "unreachable", json_true());
	if (event->uncertain)
		json_object_set_new(result, "uncertain", json_true());
	if (event->ignored)
		json_object_set_new(result, "_ansible_ignore_errors", json_true());
	return result;
}

json_t *shape_stats(const struct event *event)
{
	json_t *all = json_object();
	for (size_t i = 0; i < event->stats_count; i++) {
		const struct event_stats *stats = &event->stats[i];
		json_t *one = json_pack("{s:i, s:i, s:i, s:i, s:i, s:i, s:i}", "ok", (int)stats->ok, "changed",
		                        (int)stats->changed, "unreachable", (int)stats->unreachable, "failures",
		                        (int)stats->failed, "skipped", (int)stats->skipped, "rescued", (int)stats->rescued,
		                        "ignored", (int)stats->ignored);
		if (stats->uncertain)
			json_object_set_new(one, "uncertain", json_integer(stats->uncertain));
		json_object_set_new(all, stats->host, one);
	}
	return all;
}

void shape_shard(const struct event *event, json_t *document)
{
	const json_t *shard = json_object_get(event->data, "shard");
	if (shard)
		json_object_set_new(document, "shard", json_deep_copy(shard));
}

void shape_write(const json_t *value, bool indented, struct buf *out)
{
	size_t flags = JSON_SORT_KEYS | JSON_ENCODE_ANY | JSON_ENSURE_ASCII;
	char *text = json_dumps(value, flags | (indented ? JSON_INDENT(4) : JSON_COMPACT));
	if (text)
		buf_str(out, text);
	buf_char(out, '\n');
	free(text);
}
