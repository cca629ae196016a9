/* The file of hosts that a run has lost, for the next one's --limit. */
#include <errno.h>
#include <string.h>
#include <sys/stat.h>

#include "base/mem.h"
#include "base/printable.h"
#include "base/text.h"
#include "report/report.h"

struct retry {
	char *folder;     /* NULL: beside the playbook */
	FILE *messages;
	char **playbooks; /* of the run */
	size_t count;
	char *playbook;   /* that was begun last */
	char *unwritten;  /* a file that could not be; with errno in os_error */
	int os_error;
};

static void on_run_start(struct retry *retry, const struct event *event)
{
	json_t *names = json_object_get(event->data, "playbooks");
	retry->count = json_array_size(names);
	retry->playbooks = mem_array(retry->count, sizeof(*retry->playbooks));
	for (size_t i = 0; i < retry->count; i++)
		retry->playbooks[i] = mem_strdup(json_string_value(json_array_get(names, i)));
	retry->playbook = retry->count ? mem_strdup(retry->playbooks[0]) : NULL;
}

/* A play that was imported belongs to the playbook that was begun before it. */
static void on_play_start(struct retry *retry, const struct event *event)
{
	for (size_t i = 0; event->place && i < retry->count; i++) {
		size_t length = strlen(retry->playbooks[i]);
		if (strncmp(event->place, retry->playbooks[i], length) != 0 || event->place[length] != ':')
			continue;
		free(retry->playbook);
		retry->playbook = mem_strdup(retry->playbooks[i]);
	}
}

/* site.json: site.retry, beside it or in the folder. */
static char *path_of(const struct retry *retry)
{
	const char *slash = strrchr(retry->playbook, '/'), *name = slash ? slash + 1 : retry->playbook, *dot = strrchr(name, '.');
	size_t length = dot ? (size_t)(dot - name) : strlen(name);
	if (retry->folder)
		return mem_printf("%s/%.*s.retry", retry->folder, (int)length, name);
	return mem_printf("%.*s%.*s.retry", (int)(name - retry->playbook), retry->playbook, (int)length, name);
}

static int write_names(const char *path, const char *const *names, size_t count)
{
	auto_fclose FILE *file = fopen(path, "we");
	if (!file)
		return -1;
	for (size_t i = 0; i < count; i++)
		fprintf(file, "%s\n", names[i]);
	return fflush(file) == 0 ? 0 : -1;
}

static void on_run_end(struct retry *retry, const struct event *event)
{
	auto_free const char **names = mem_array(event->stats_count + 1, sizeof(*names));
	size_t count = 0;
	for (size_t i = 0; i < event->stats_count; i++) {
		if (event->stats[i].failed || event->stats[i].unreachable)
			names[count++] = event->stats[i].host;
	}
	if (!count || !retry->playbook)
		return;
	qsort(names, count, sizeof(*names), text_order);
	auto_free char *path = path_of(retry);
	if (retry->folder)
		mkdir(retry->folder, 0777);
	if (write_names(path, names, count) < 0) {
		retry->os_error = errno;
		retry->unwritten = steal(path);
		return;
	}
	auto_buf struct buf line = BUF_INIT;
	printable_line(&line, path, strlen(path));
	fprintf(retry->messages, "to retry, use: --limit @%s\n", buf_text(&line));
}

static void retry_handle(void *context, const struct event *event)
{
	struct retry *retry = context;
	if (event->kind == EVENT_RUN_START)
		on_run_start(retry, event);
	else if (event->kind == EVENT_PLAY_START)
		on_play_start(retry, event);
	else if (event->kind == EVENT_RUN_END)
		on_run_end(retry, event);
}

/* The run is what it is without the file. */
static int retry_finish(void *context)
{
	const struct retry *retry = context;
	if (retry->unwritten)
		fprintf(retry->messages, "neap: warning: %s cannot be written: %s\n", retry->unwritten, strerror(retry->os_error));
	return 0;
}

static void retry_free(void *context)
{
	struct retry *retry = context;
	for (size_t i = 0; i < retry->count; i++)
		free(retry->playbooks[i]);
	free(retry->playbooks);
	free(retry->playbook);
	free(retry->unwritten);
	free(retry->folder);
	free(retry);
}

struct reporter *report_retry(const char *folder, FILE *messages)
{
	struct retry *retry = mem_alloc(sizeof(*retry));
	*retry = (struct retry){ .folder = folder ? mem_strdup(folder) : NULL, .messages = messages };
	struct reporter *reporter = mem_alloc(sizeof(*reporter));
	*reporter = (struct reporter){ retry, retry_handle, NULL, retry_finish, retry_free };
	return reporter;
}
