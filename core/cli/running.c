/* From options to a run: the reporter and its colours, the run itself, and what is said when it could not start. */
#include "cli/running.h"

#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/ioctl.h>
#include <unistd.h>


const char *const running_connections[] = { "ssh", "local", "smart", NULL };
const char *const running_become_methods[] = { "sudo", "su", "doas", NULL };
const char *const running_formats[] = { "text", "json", "jsonl", NULL };

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
		.forks = options->forks, .timeout_s = options->timeout, .verbosity = options->verbosity,
		.user = options->user, .private_key = options->private_key, .connection = options->connection,
		.ssh_common_args = options->ssh_common_args, .ssh_extra_args = options->ssh_extra_args,
		.become_user = options->become_user, .become_method = options->become_method,
		.connection_password_file = options->connection_password_file,
		.become_password_file = options->become_password_file,
		.host_key_checking = options->host_key_checking, .ssh_args = options->ssh_args,
		.become_flags = options->become_flags, .become_exe = options->become_exe, .port = options->port,
		.strategy = options->strategy, .inventory = inventories_options(&options->inventory, NULL), .task_debugger = options->task_debugger,
		.debugger_minds_ignored = options->debugger_ignore_errors && !setting_is_true(options->debugger_ignore_errors),
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

struct reporter *running_reporter(const struct running_options *options, bool is_adhoc)
{
	bool is_live = is_terminal(STDERR_FILENO);
	struct report_options report = {
		.out = stdout, .messages = stderr, .colour = wants_colour(options, STDOUT_FILENO), .live = is_live,
		.columns = columns_of(is_live ? STDERR_FILENO : STDOUT_FILENO), .verbosity = options->verbosity,
		.diff = options->diff, .ordered = !isatty(STDOUT_FILENO),
	};
	const char *format = options->format ? options->format : format_of(options->callback);
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

int running_go(const struct running_options *options, struct run_options *run)
{
	struct err err = ERR_INIT;
	if (options->shard && shard_read(options->shard, &run->shard, &err) < 0) {
		command_error(&err);
		return err_exit_status(err.kind);
	}
	auto_problems struct problems problems = PROBLEMS_INIT;
	signal(SIGPIPE, SIG_IGN); /* a peer or a reader of the report that goes away is an error value, not the end */
	struct reporter *reporter = running_reporter(options, run->adhoc != NULL);
	run->checked = show_problems;
	run->checked_context = (void *)options;
	int status = run_playbooks(run, &reporter, 1, &problems, &err);
	report_free(reporter);
	if (err.kind != ERR_NONE) {
		command_error(&err);
		return status;
	}
	int finished = command_finish();
	return status ? status : finished;
}
