/* How long tasks took, below the recap: what Ansible's callbacks timer, profile_tasks and profile_roles tell. */
#include <stdlib.h>
#include <string.h>

#include "base/mem.h"
#include "base/printable.h"
#include "report/report.h"

enum { WIDTH = 79, ROWS_MOST = 20 };

struct row {
	char *name;
	int64_t us;
};

struct rows {
	struct row *items;
	size_t count, room;
};

struct times {
	FILE *out;
	unsigned what;      /* enum report_times_of, or-ed */
	int64_t start_us, task_us; /* when the run and the task under way began */
	char *task, *role;  /* that one's name, and its role, or its module where it is in none; or NULL */
	struct rows tasks, roles;
};

/* Of a role, one row for all of its tasks; each task has its own. */
static void add(struct rows *rows, const char *name, int64_t us, bool joins)
{
	for (size_t i = 0; joins && i < rows->count; i++) {
		if (strcmp(rows->items[i].name, name) == 0) {
			rows->items[i].us += us;
			return;
		}
	}
	mem_grow(rows->items, rows->count, rows->room);
	rows->items[rows->count++] = (struct row){ mem_strdup(name), us };
}

static void end_task(struct times *times, int64_t now_us)
{
	if (!times->task)
		return;
	add(&times->tasks, times->task, now_us - times->task_us, false);
	add(&times->roles, times->role, now_us - times->task_us, true);
	free(times->task);
	free(times->role);
	times->task = times->role = NULL;
}

static void begin_task(struct times *times, const struct event *event)
{
	end_task(times, event->time_us);
	const char *action = event->action ? event->action : "", *colon = event->task ? strstr(event->task, " : ") : NULL;
	times->task = mem_strdup(event->task && *event->task ? event->task : action);
	times->role = colon ? mem_strndup(event->task, (size_t)(colon - event->task)) : mem_strdup(action);
	times->task_us = event->time_us;
}

static int by_time(const void *a, const void *b)
{
	const struct row *x = a, *y = b;
	return x->us < y->us ? 1 : x->us > y->us ? -1 : strcmp(x->name, y->name);
}

/* The longest first. */
static void show(const struct times *times, struct rows *rows)
{
	if (!rows->count)
		return;
	qsort(rows->items, rows->count, sizeof(*rows->items), by_time);
	for (int i = 0; i < WIDTH; i++)
		fputc('=', times->out);
	fputc('\n', times->out);
	for (size_t i = 0; i < rows->count && i < ROWS_MOST; i++) {
		auto_buf struct buf name = BUF_INIT;
		printable_line(&name, rows->items[i].name, strlen(rows->items[i].name));
		auto_free char *time = mem_printf("%.2fs", (double)rows->items[i].us / 1e6);
		fprintf(times->out, "%s ", buf_text(&name));
		for (size_t used = name.length + 2 + strlen(time); used < WIDTH; used++)
			fputc('-', times->out);
		fprintf(times->out, " %s\n", time);
	}
}

static void show_total(const struct times *times, int64_t us)
{
	long long s = us / 1000000;
	fprintf(times->out, "Playbook run took %lld days, %lld hours, %lld minutes, %lld seconds\n", s / 86400, s / 3600 % 24,
	        s / 60 % 60, s % 60);
}

static void times_handle(void *context, const struct event *event)
{
	struct times *times = context;
	if (event->kind == EVENT_RUN_START)
		times->start_us = event->time_us;
	else if (event->kind == EVENT_TASK_START)
		begin_task(times, event);
	if (event->kind != EVENT_RUN_END)
		return;
	end_task(times, event->time_us);
	if (times->what & REPORT_TIMES_TASKS)
		show(times, &times->tasks);
	if (times->what & REPORT_TIMES_ROLES)
		show(times, &times->roles);
	if (times->what & REPORT_TIMES_TOTAL)
		show_total(times, event->time_us - times->start_us);
}

static int times_finish(void *context) { return fflush(((struct times *)context)->out) == 0 ? 0 : -1; }

static void free_rows(struct rows *rows)
{
	for (size_t i = 0; i < rows->count; i++)
		free(rows->items[i].name);
	free(rows->items);
}

static void times_free(void *context)
{
	struct times *times = context;
	free(times->task);
	free(times->role);
	free_rows(&times->tasks);
	free_rows(&times->roles);
	free(times);
}

struct reporter *report_times(unsigned what, FILE *out)
{
	struct times *times = mem_alloc(sizeof(*times));
	*times = (struct times){ .out = out, .what = what };
	struct reporter *reporter = mem_alloc(sizeof(*reporter));
	*reporter = (struct reporter){ times, times_handle, NULL, times_finish, times_free };
	return reporter;
}
