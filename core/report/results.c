/* Reading reports: the JSON document as it is, JSON Lines put together to the same. */
#include "report/results.h"

#include <stdbool.h>
#include <string.h>

#include "base/auto.h"

/* ---- what a document must look like ---- */

static int wrong(struct err *err, const char *what)
{
	err_set(err, ERR_INPUT, "this is no report of a run: %s", what);
	return err_hint(err, "give what neap run --format json or jsonl has written");
}

/* Whether each value of an object is an object. */
static bool holds_objects(const json_t *object)
{
	const char *key;
	json_t *value;
	json_object_foreach ((json_t *)object, key, value) {
		if (!json_is_object(value))
			return false;
	}
	return json_is_object(object);
}

static bool is_count(const json_t *value)
{
	return !value || (json_is_integer(value) && json_integer_value(value) >= 0 && json_integer_value(value) <= 1000000000);
}

static bool is_shard(const json_t *shard)
{
	json_int_t index = json_integer_value(json_object_get(shard, "index"));
	json_int_t count = json_integer_value(json_object_get(shard, "count"));
	json_int_t status = json_integer_value(json_object_get(shard, "status"));
	return !shard || (index >= 1 && index <= count && count <= 100000 && status >= 0 && status <= 255);
}

static bool are_stats(const json_t *stats)
{
	const char *host, *name;
	json_t *counts, *count;
	if (!holds_objects(stats))
		return false;
	json_object_foreach ((json_t *)stats, host, counts)
		json_object_foreach (counts, name, count)
			if (!is_count(count))
				return false;
	return true;
}

static bool are_tasks(const json_t *tasks)
{
	size_t i;
	json_t *task;
	json_array_foreach (tasks, i, task) {
		if (!json_is_object(json_object_get(task, "task")) || !holds_objects(json_object_get(task, "hosts")))
			return false;
	}
	return json_is_array(tasks);
}

static int check(const json_t *document, struct err *err)
{
	size_t i;
	json_t *play, *plays = json_object_get(document, "plays"), *stats = json_object_get(document, "stats");
	if (!json_is_array(plays) || json_array_size(plays) > RESULTS_PLAYS_MOST)
		return wrong(err, "it has no list of plays");
	json_array_foreach (plays, i, play) {
		if (!json_is_object(json_object_get(play, "play")) || !are_tasks(json_object_get(play, "tasks")))
			return wrong(err, "a play has no name, or no tasks with results of hosts");
	}
	if (stats && !are_stats(stats))
		return wrong(err, "its stats are no counts for each host");
	return is_shard(json_object_get(document, "shard")) ? 0 : wrong(err, "its shard is none");
}

/* ---- JSON Lines ---- */

struct lines {
	json_t *documents;
	json_t *document; /* of the run whose lines these are; NULL between runs */
	json_t *tasks;    /* "task-12": the task of the play */
};

static json_t *last_play(const struct lines *lines)
{
	json_t *plays = json_object_get(lines->document, "plays");
	size_t count = json_array_size(plays);
	return count ? json_array_get(plays, count - 1) : NULL;
}

static void begin_play(struct lines *lines, const json_t *line)
{
	if (!lines->document)
		lines->document = json_pack("{s:[]}", "plays");
	json_object_clear(lines->tasks);
	json_t *play = json_pack("{s:O?, s:[]}", "play", json_object_get(line, "play"), "tasks");
	json_array_append_new(json_object_get(lines->document, "plays"), play);
}

/* Whether a task has a result of one of a line's hosts: it is done again, in a file that was included again. */
static bool has_results_of(const json_t *task, const json_t *line)
{
	const char *host;
	json_t *result;
	json_object_foreach (json_object_get(line, "hosts"), host, result) {
		if (json_object_get(json_object_get(task, "hosts"), host))
			return true;
	}
	return false;
}

/* The task that a line is about, a new one where it begins it; NULL where the line or what came before it is not as it
 * should be. */
static json_t *task_of(const struct lines *lines, const json_t *line, bool begins)
{
	json_t *head = json_object_get(line, "task"), *play = last_play(lines);
	const char *id = json_string_value(json_object_get(head, "id"));
	if (!id || !play)
		return NULL;
	json_t *task = json_object_get(lines->tasks, id);
	if (!task || begins || has_results_of(task, line)) {
		task = json_pack("{s:O, s:{}}", "task", head, "hosts");
		json_object_set_new(lines->tasks, id, task);
		json_array_append(json_object_get(play, "tasks"), task);
	}
	return task;
}

static bool add_results(const struct lines *lines, const json_t *line)
{
	json_t *hosts = json_object_get(line, "hosts");
	json_t *task = json_is_object(hosts) ? task_of(lines, line, false) : NULL;
	json_t *end = json_object_get(json_object_get(json_object_get(line, "task"), "duration"), "end");
	json_t *duration = json_object_get(json_object_get(task, "task"), "duration");
	if (!task)
		return false;
	json_object_update(json_object_get(task, "hosts"), hosts);
	if (end && duration)
		json_object_set(duration, "end", end);
	return true;
}

static void end_run(struct lines *lines, const json_t *line)
{
	if (!lines->document)
		lines->document = json_pack("{s:[]}", "plays");
	static const char *const names[] = { "stats", "shard" };
	for (size_t i = 0; i < sizeof(names) / sizeof(*names); i++) {
		json_t *value = json_object_get(line, names[i]);
		if (value)
			json_object_set(lines->document, names[i], value);
	}
	json_array_append_new(lines->documents, steal(lines->document));
}

static bool add_line(struct lines *lines, const json_t *line)
{
	const char *name = json_string_value(json_object_get(line, "_event"));
	if (!name)
		return false;
	if (strcmp(name, "v2_playbook_on_play_start") == 0)
		begin_play(lines, line);
	else if (strcmp(name, "v2_playbook_on_stats") == 0)
		end_run(lines, line);
	else if (strcmp(name, "v2_runner_on_start") == 0)
		return task_of(lines, line, false) != NULL;
	else if (strcmp(name, "v2_playbook_on_task_start") == 0)
		return task_of(lines, line, true) != NULL;
	else if (strcmp(name, "v2_playbook_on_handler_task_start") == 0)
		return json_object_set_new(task_of(lines, line, true), "is_handler", json_true()) == 0;
	else if (strncmp(name, "v2_runner_on_", strlen("v2_runner_on_")) == 0)
		return add_results(lines, line);
	return true; /* an event of another kind says nothing about results */
}

/* A last line without its end is what an interrupted run leaves. */
static int read_lines(const char *text, size_t length, struct lines *lines, struct err *err)
{
	size_t number = 0;
	for (const char *end = text + length; text < end;) {
		const char *stop = memchr(text, '\n', (size_t)(end - text));
		size_t used = stop ? (size_t)(stop - text) : (size_t)(end - text);
		auto_json json_t *line = json_loadb(text, used, 0, NULL);
		number++;
		if (!line && !stop)
			break;
		if (!line ? used != 0 : !add_line(lines, line)) {
			wrong(err, line ? "a line tells of something that was not said to begin" : "a line is not JSON");
			return err_at(err, "line %zu", number);
		}
		text += used + (stop != NULL);
	}
	if (lines->document)
		json_array_append_new(lines->documents, steal(lines->document));
	return 0;
}

/* ---- either ---- */

int results_read(const char *text, size_t length, json_t *documents, struct err *err)
{
	json_error_t fault;
	auto_json json_t *first = json_loadb(text, length, JSON_DISABLE_EOF_CHECK, &fault);
	size_t before = json_array_size(documents);
	if (!first && !length)
		return wrong(err, "it is empty: that run ended before there was anything to report");
	if (json_object_get(first, "_event")) {
		struct lines lines = { .documents = documents, .tasks = json_object() };
		int failed = read_lines(text, length, &lines, err);
		json_decref(lines.tasks);
		json_decref(lines.document);
		if (failed)
			return -1;
	} else if (!first || !json_object_get(first, "plays")) {
		return wrong(err, first ? "it has no plays" : fault.text);
	} else {
		json_array_append(documents, first);
	}
	for (size_t i = before; i < json_array_size(documents); i++)
		if (check(json_array_get(documents, i), err) < 0)
			return -1;
	return 0;
}
