/* An account of the hosts that run. */
#include "report/progress.h"

#include <string.h>

#include "base/mem.h"
#include "base/printable.h"
#include "report/colour.h"
#include "report/show.h"

enum { NAMED_MOST = 3, STRAGGLES_US = 30 * 1000 * 1000 };

struct running {
	char *host, *path; /* path: of a transfer, or NULL */
	int64_t since_us, transfer_us;
	uint64_t done, total, transfer_done; /* transfer_done: what was there when transfer_us was taken */
};

struct progress {
	struct running *hosts; /* the longest running first */
	size_t count, room;
	size_t ended;   /* hosts that have ended the task */
	bool is_free;   /* nobody waits for anybody */
	bool has_told;  /* of a straggler in this task */
	char *task;
};

struct progress *progress_new(void) { return mem_alloc(sizeof(struct progress)); }

static void forget(struct progress *progress, size_t index)
{
	free(progress->hosts[index].host);
	free(progress->hosts[index].path);
	memmove(progress->hosts + index, progress->hosts + index + 1,
	        (progress->count - index - 1) * sizeof(*progress->hosts));
	progress->count--;
}

void progress_free(struct progress *progress)
{
	if (!progress)
		return;
	while (progress->count)
		forget(progress, progress->count - 1);
	free(progress->hosts);
	free(progress->task);
	free(progress);
}

static struct running *find(struct progress *progress, const char *host)
{
	for (size_t i = 0; host && i < progress->count; i++)
		if (strcmp(progress->hosts[i].host, host) == 0)
			return &progress->hosts[i];
	return NULL;
}

static void note_start(struct progress *progress, const struct event *event)
{
	struct running *running = find(progress, event->host);
	if (running)
		forget(progress, (size_t)(running - progress->hosts));
	if (!event->host)
		return;
	mem_grow(progress->hosts, progress->count, progress->room);
	progress->hosts[progress->count++] = (struct running){ .host = mem_strdup(event->host), .since_us = event->time_us };
}

static void note_transfer(struct progress *progress, const struct event *event)
{
	struct running *running = find(progress, event->host);
	if (!running || !event->text)
		return;
	if (!running->path || strcmp(running->path, event->text) != 0 || event->done < running->done) {
		free(running->path);
		running->path = mem_strdup(event->text);
		running->transfer_us = event->time_us;
		running->transfer_done = event->done;
	}
	running->done = event->done;
	running->total = event->total;
}

static bool is_free(const struct event *event)
{
	const char *strategy = json_string_value(json_object_get(event->data, "strategy"));
	return strategy && strcmp(strategy, "free") == 0;
}

void progress_note(struct progress *progress, const struct event *event)
{
	struct running *running;
	switch (event->kind) {
	case EVENT_TASK_START:
		free(progress->task);
		progress->task = mem_strdup(event->task && *event->task ? event->task : event->action);
		progress->ended = 0;
		progress->has_told = false;
		return;
	case EVENT_HOST_START:
		note_start(progress, event);
		return;
	case EVENT_PROGRESS:
		note_transfer(progress, event);
		return;
	case EVENT_RESULT:
		running = event->is_item ? NULL : find(progress, event->host);
		if (running) {
			forget(progress, (size_t)(running - progress->hosts));
			progress->ended++;
		}
		return;
	case EVENT_PLAY_START:
	case EVENT_RUN_END:
		progress->is_free = is_free(event);
		progress->ended = 0;
		while (progress->count)
			forget(progress, progress->count - 1);
		return;
	default:
		return;
	}
}

static void add_transfer(const struct running *running, int64_t now_us, struct buf *out)
{
	const char *name = strrchr(running->path, '/');
	name = name && name[1] ? name + 1 : running->path;
	buf_char(out, ' ');
	printable_line(out, name, strlen(name));
	if (running->total)
		buf_printf(out, " %u%%", (unsigned)((double)running->done * 100 / (double)running->total));
	buf_char(out, ' ');
	show_bytes(running->done, out);
	int64_t spent_us = now_us - running->transfer_us;
	if (spent_us > 500000) {
		buf_str(out, ", ");
		show_bytes((uint64_t)((double)(running->done - running->transfer_done) * 1e6 / (double)spent_us), out);
		buf_str(out, "/s");
	}
}

/* Cuts safe text to a width without splitting a character. */
static void cut(struct buf *text, size_t columns)
{
	size_t width = 0, at = 0;
	while (at < text->length) {
		size_t count = printable_utf8(text->data + at, text->length - at, NULL);
		count = count ? count : 1;
		width += colour_width(text->data + at, count);
		if (width > columns)
			break;
		at += count;
	}
	if (at < text->length) {
		text->length = at;
		text->data[at] = '\0';
	}
}

/* Most have ended the task and wait, if it is one that all do together. */
static bool has_stragglers(const struct progress *progress)
{
	return progress->count && progress->ended >= progress->count && !progress->is_free;
}

static void add_age(const struct running *running, int64_t now_us, struct buf *out)
{
	show_duration((now_us - running->since_us) / 1000, out);
}

/* "waiting for web7 (0:12), web9 (0:03): apt" */
static void add_stragglers(const struct progress *progress, int64_t now_us, struct buf *out)
{
	buf_str(out, "waiting for ");
	for (size_t i = 0; i < progress->count && i < NAMED_MOST; i++) {
		const struct running *running = &progress->hosts[i];
		buf_str(out, i ? ", " : "");
		printable_line(out, running->host, strlen(running->host));
		buf_str(out, " (");
		add_age(running, now_us, out);
		buf_char(out, ')');
		if (running->path)
			add_transfer(running, now_us, out);
	}
	if (progress->count > NAMED_MOST)
		buf_printf(out, " and %zu more", progress->count - NAMED_MOST);
	if (progress->task) {
		buf_str(out, ": ");
		printable_line(out, progress->task, strlen(progress->task));
	}
}

static void add_running(const struct progress *progress, int64_t now_us, struct buf *out)
{
	buf_printf(out, "%zu host%s, ", progress->count, progress->count == 1 ? "" : "s");
	add_age(&progress->hosts[0], now_us, out);
	buf_str(out, ": ");
	for (size_t i = 0; i < progress->count && i < NAMED_MOST; i++) {
		if (i)
			buf_str(out, ", ");
		printable_line(out, progress->hosts[i].host, strlen(progress->hosts[i].host));
		if (progress->hosts[i].path)
			add_transfer(&progress->hosts[i], now_us, out);
	}
	if (progress->count > NAMED_MOST)
		buf_str(out, ", ...");
	if (progress->task) {
		buf_str(out, " [");
		printable_line(out, progress->task, strlen(progress->task));
		buf_char(out, ']');
	}
}

void progress_line(const struct progress *progress, int64_t now_us, size_t columns, struct buf *out)
{
	if (!progress->count)
		return;
	auto_buf struct buf line = BUF_INIT;
	if (has_stragglers(progress))
		add_stragglers(progress, now_us, &line);
	else
		add_running(progress, now_us, &line);
	cut(&line, columns);
	buf_add(out, line.data, line.length);
}

void progress_straggler(struct progress *progress, int64_t now_us, struct buf *out)
{
	if (progress->has_told || !has_stragglers(progress) || now_us - progress->hosts[0].since_us < STRAGGLES_US)
		return;
	progress->has_told = true;
	add_stragglers(progress, now_us, out);
}
