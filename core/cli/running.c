/* From options to a run: the reporter and its colours, the run itself, and what is said when it could not start. */
#include "cli/running.h"

#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <unistd.h>

#include "base/mem.h"

enum { REPORTERS_MOST = 4 };

const char *const running_connections[] = { "ssh", "local", "smart", NULL };
const char *const running_become_methods[] = { "sudo", "su", "doas", NULL };
const char *const running_formats[] = { "text", "json", "jsonl", NULL };
const char *const running_mismatches[] = { "warning", "error", "ignore", NULL };

/* Of what is done unless a setting refuses it. */
static bool is_refused(const char *setting) { return setting && !setting_is_true(setting); }

static enum run_mismatch mismatch_of(const char *setting)
{
	if (setting && strcmp(setting, "error") == 0)
		return RUN_MISMATCH_ERROR;
	return setting && strcmp(setting, "ignore") == 0 ? RUN_MISMATCH_IGNORED : RUN_MISMATCH_WARNING;
}

struct run_options running_to_run(const struct running_options *options)
{
	return (struct run_options){
		.inventories = options->inventories.items, .inventory_count = options->inventories.count,
		.limits = options->limits.items, .limit_count = options->limits.count,
		.extra_vars = options->extra_vars.items, .extra_var_count = options->extra_vars.count,
		.module_paths = options->module_paths.items, .module_path_count = options->module_paths.count,
		.check = options->check, .diff = options->diff, .ask_pass = options->ask_pass,
		.ask_become_pass = options->ask_become_pass, .become = options->become,
		.list = options->list_hosts ? RUN_LIST_HOSTS : RUN_LIST_NOTHING,
		.forks = options->forks, .timeout_s = options->timeout ? options->timeout : options->ssh_timeout, .verbosity = options->verbosity,
		.user = options->user, .private_key = options->private_key, .connection = options->connection,
		.ssh_common_args = options->ssh_common_args, .ssh_extra_args = options->ssh_extra_args,
		.become_user = options->become_user, .become_method = options->become_method,
		.connection_password_file = options->connection_password_file,
		.become_password_file = options->become_password_file,
		.host_key_checking = options->host_key_checking, .ssh_args = options->ssh_args,
		.become_flags = options->become_flags, .become_exe = options->become_exe, .port = options->port,
		.ssh_retries = options->ssh_retries,
		.strategy = options->strategy, .inventory = inventories_options(&options->inventory, NULL), .task_debugger = options->task_debugger,
		.debugger_minds_ignored = is_refused(options->debugger_ignore_errors),
		.defaults = {
			.no_log = options->no_log, .poll_s = options->poll,
			.timeout_s = options->task_timeout ? strtod(options->task_timeout, NULL) : 0,
		},
		.is_quiet_of_localhost = is_refused(options->localhost_warning),
		.mismatch = mismatch_of(options->pattern_mismatch),
		.vault = vaulting_sources(&options->vault), .vault_match_ids = options->vault.match_ids,
	};
}

static bool is_terminal(int fd)
{
	const char *term = getenv("TERM");
	return isatty(fd) && term && strcmp(term, "dumb") != 0;
}

static bool wants_colour(const struct running_options *options, int fd)
{
	if (options->force_color)
		return true;
	const char *no_color = getenv("NO_COLOR"); /* no-color.org: any value but the empty one */
	return is_terminal(fd) && !(no_color && *no_color) && !options->no_color;
}

static int columns_of(int fd)
{
	struct winsize size;
	return ioctl(fd, TIOCGWINSZ, &size) == 0 ? size.ws_col : 0;
}

/* Of Ansible's callbacks: those of which there is a report of the same shape. */
static const char *format_of(const char *callback)
{
	const char *dot = callback ? strrchr(callback, '.') : NULL;
	return !callback ? "text" : dot ? dot + 1 : callback;
}

static const char *format_name(const struct running_options *options)
{
	return options->format ? options->format : format_of(options->callback);
}

struct reporter *running_reporter(const struct running_options *options, bool is_adhoc)
{
	bool is_live = is_terminal(STDERR_FILENO);
	struct report_options report = {
		.out = stdout, .messages = stderr, .colour = wants_colour(options, STDOUT_FILENO), .live = is_live,
		.columns = columns_of(is_live ? STDERR_FILENO : STDOUT_FILENO), .verbosity = options->verbosity,
		.hides_skipped = is_refused(options->display_skipped), .hides_ok = is_refused(options->display_ok),
		.hides_deprecations = is_refused(options->deprecation_warnings),
		.diff_context = options->diff_context ? strtoul(options->diff_context, NULL, 10) : REPORT_DIFF_CONTEXT,
		.diff = options->diff, .ordered = !isatty(STDOUT_FILENO),
	};
	const char *format = format_name(options);
	if (strcmp(format, "json") == 0)
		return report_json(&report);
	if (strcmp(format, "jsonl") == 0)
		return report_jsonl(&report);
	return is_adhoc ? report_exec(&report) : report_text(&report);
}

static void show_problems(void *context, const struct problems *problems)
{
	auto_buf struct buf text = BUF_INIT;
	problems_print(problems, &text, wants_colour(context, STDERR_FILENO));
	fputs(buf_text(&text), stderr);
}

/* Of those that Ansible's callbacks name, also as COLLECTION.NAME. */
static unsigned times_of(const char *callbacks)
{
	static const struct { const char *name; unsigned what; } rows[] = {
		{ "timer", REPORT_TIMES_TOTAL }, { "profile_tasks", REPORT_TIMES_TASKS }, { "profile_roles", REPORT_TIMES_ROLES },
	};
	unsigned what = 0;
	for (const char *at = callbacks ? callbacks : ""; *at;) {
		at += strspn(at, ", \t\n");
		size_t length = strcspn(at, ", \t\n");
		auto_free char *whole = mem_strndup(at, length);
		const char *dot = strrchr(whole, '.'), *name = dot ? dot + 1 : whole;
		for (size_t i = 0; i < sizeof(rows) / sizeof(*rows); i++)
			what |= strcmp(rows[i].name, name) == 0 ? rows[i].what : 0;
		at += length;
	}
	return what;
}

/* The report that was asked for, and what settings want beside it. */
static int make_reporters(const struct running_options *options, const struct run_options *run, struct reporter **reporters,
                          size_t *count, struct err *err)
{
	unsigned times = times_of(options->callbacks ? options->callbacks : options->callbacks_before);
	bool runs = !run->list && !run->syntax_check, is_text = strcmp(format_name(options), "text") == 0;
	struct reporter *log = NULL;
	if (runs && options->log_path) {
		log = report_log(options->log_path, options->verbosity, options->diff, err);
		if (!log)
			return -1;
	}
	reporters[(*count)++] = running_reporter(options, run->adhoc != NULL);
	if (log)
		reporters[(*count)++] = log;
	if (runs && times && is_text && !run->adhoc)
		reporters[(*count)++] = report_times(times, stdout);
	if (runs && options->retry_files && !run->adhoc)
		reporters[(*count)++] = report_retry(options->retry_folder, stderr);
	return 0;
}

int running_go(const struct running_options *options, struct run_options *run)
{
	struct err err = ERR_INIT;
	if (options->shard && shard_read(options->shard, &run->shard, &err) < 0) {
		command_error(&err);
		return err_exit_status(err.kind);
	}
	auto_problems struct problems problems = PROBLEMS_INIT;
	signal(SIGPIPE, SIG_IGN); /* a peer or a reader of the report that goes away is an error value, not the end */
	struct reporter *reporters[REPORTERS_MOST];
	size_t count = 0;
	if (make_reporters(options, run, reporters, &count, &err) < 0) {
		command_error(&err);
		return err_exit_status(err.kind);
	}
	run->checked = show_problems;
	run->checked_context = (void *)options;
	int status = run_playbooks(run, reporters, count, &problems, &err);
	while (count)
		report_free(reporters[--count]);
	if (err.kind != ERR_NONE) {
		command_error(&err);
		return status;
	}
	int finished = command_finish();
	return status ? status : finished;
}
