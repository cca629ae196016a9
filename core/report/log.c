/* The text report in a file, each line with its time, as Ansible's log_path has it. */
#include <errno.h>
#include <fcntl.h>
#include <pwd.h>
#include <string.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

#include "base/mem.h"
#include "report/report.h"

struct log {
	int fd;
	struct buf line;  /* not ended yet */
	char user[64];
	struct reporter *text;
	FILE *out;
};

static void put_line(struct log *log, const char *text, size_t length)
{
	struct timespec now;
	struct tm local;
	char when[32];
	clock_gettime(CLOCK_REALTIME, &now);
	localtime_r(&now.tv_sec, &local);
	strftime(when, sizeof(when), "%Y-%m-%d %H:%M:%S", &local);
	auto_buf struct buf whole = BUF_INIT;
	buf_printf(&whole, "%s,%03ld p=%ld u=%s n=neap | ", when, now.tv_nsec / 1000000, (long)getpid(), log->user);
	buf_add(&whole, text, length);
	buf_char(&whole, '\n');
	(void)!write(log->fd, whole.data, whole.length); /* one write for each line: runs may share the file */
}

static ssize_t log_write(void *context, const char *bytes, size_t length)
{
	struct log *log = context;
	buf_add(&log->line, bytes, length);
	size_t from = 0;
	for (const char *end; (end = memchr(log->line.data + from, '\n', log->line.length - from));) {
		size_t to = (size_t)(end - log->line.data);
		if (to > from)
			put_line(log, log->line.data + from, to - from);
		from = to + 1;
	}
	buf_consume(&log->line, from);
	return (ssize_t)length;
}

static void log_handle(void *context, const struct event *event)
{
	struct log *log = context;
	log->text->handle(log->text->context, event);
}

static int log_finish(void *context)
{
	struct log *log = context;
	return log->text->finish(log->text->context);
}

static void log_free(void *context)
{
	struct log *log = context;
	report_free(log->text);
	fclose(log->out);
	close(log->fd);
	buf_release(&log->line);
	free(log);
}

struct reporter *report_log(const char *path, unsigned verbosity, bool diff, struct err *err)
{
	int fd = open(path, O_WRONLY | O_CREAT | O_APPEND | O_CLOEXEC, 0600);
	if (fd < 0) {
		err_errno(err, ERR_USAGE, "log_path %s", path);
		return NULL;
	}
	struct log *log = mem_alloc(sizeof(*log));
	*log = (struct log){ .fd = fd };
	const struct passwd *user = getpwuid(getuid());
	snprintf(log->user, sizeof(log->user), "%s", user ? user->pw_name : "?");
	log->out = fopencookie(log, "w", (cookie_io_functions_t){ .write = log_write });
	setvbuf(log->out, NULL, _IOLBF, BUFSIZ);
	const struct report_options options = {
		.out = log->out, .messages = log->out, .verbosity = verbosity, .diff = diff, .diff_context = REPORT_DIFF_CONTEXT,
	};
	log->text = report_text(&options);
	struct reporter *reporter = mem_alloc(sizeof(*reporter));
	*reporter = (struct reporter){ log, log_handle, NULL, log_finish, log_free };
	return reporter;
}
