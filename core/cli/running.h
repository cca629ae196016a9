/* What `neap run` and `neap exec` share: the options of a run, its reporter, and the way it ends. */
#ifndef NEAP_CLI_RUNNING_H
#define NEAP_CLI_RUNNING_H

#include "cli/command.h"
#include "cli/inventories.h"
#include "cli/vaulting.h"
#include "report/report.h"
#include "run/run.h"

/* The first member of both commands' option structs, so that the rows below serve both. */
struct running_options {
	struct option_list inventories, limits, extra_vars, module_paths;
	struct vault_options vault;
	bool check, diff, ask_pass, ask_become_pass, become, list_hosts;
	int forks, timeout;
	unsigned verbosity;
	const char *user, *private_key, *connection, *ssh_common_args, *ssh_extra_args;
	const char *become_user, *become_method, *connection_password_file, *become_password_file, *format, *shard;
	/* by settings only */
	const char *host_key_checking, *ssh_args, *become_flags, *become_exe, *callback, *strategy;
	int port, ssh_timeout;
	const char *ssh_retries;
	bool no_color, force_color, task_debugger;
	const char *debugger_ignore_errors;
	struct inventories_settings inventory;
	const char *display_skipped, *display_ok, *deprecation_warnings, *diff_context, *localhost_warning, *pattern_mismatch;
	const char *callbacks, *callbacks_before, *log_path, *retry_folder;
	bool no_log, retry_files;
	const char *task_timeout;
	int poll;
};

#define RUNNING_AT(member) offsetof(struct running_options, member)

/* clang-format off */
#define RUNNING_ROWS \
	{ "inventory", 'i', OPTION_LIST, "SOURCE", NULL, "inventory file, executable, folder, or \"host1,host2,\"", RUNNING_AT(inventories), 0, "ANSIBLE_INVENTORY" }, \
	{ "limit", 'l', OPTION_LIST, "PATTERN", NULL, "only those hosts of each play", RUNNING_AT(limits) }, \
	{ "shard", 0, OPTION_STRING, "I/N", NULL, "only the I-th of N parts of the hosts, split by their names; or auto: what GitLab CI, Kubernetes or Slurm say", RUNNING_AT(shard), 0, "NEAP_SHARD" }, \
	{ "extra-vars", 'e', OPTION_LIST, "VARS", NULL, "variables that win over all others: k=v words, JSON, YAML in braces, or @FILE", RUNNING_AT(extra_vars) }, \
	{ "check", 'C', OPTION_FLAG, NULL, NULL, "change nothing; say what would be changed", RUNNING_AT(check) }, \
	{ "diff", 'D', OPTION_FLAG, NULL, NULL, "show what changes in files and attributes", RUNNING_AT(diff), 0, "ANSIBLE_DIFF_ALWAYS" }, \
	{ "forks", 'f', OPTION_INT, "N", NULL, "how many hosts may change at once; 50 unless given", RUNNING_AT(forks), 0, "ANSIBLE_FORKS" }, \
	{ "list-hosts", 0, OPTION_FLAG, NULL, NULL, "list the hosts it would run on, and stop", RUNNING_AT(list_hosts) }, \
	{ "module-path", 'M', OPTION_LIST, "FOLDER", NULL, "folders of Lua modules", RUNNING_AT(module_paths), ':', "ANSIBLE_LIBRARY" }, \
	{ "user", 'u', OPTION_STRING, "NAME", NULL, "log in as this user", RUNNING_AT(user), 0, "ANSIBLE_REMOTE_USER" }, \
	{ "private-key", 0, OPTION_STRING, "FILE", NULL, "log in with this key", RUNNING_AT(private_key), 0, "ANSIBLE_PRIVATE_KEY_FILE" }, \
	{ "key-file", 0, OPTION_STRING, "FILE", NULL, "the same as --private-key", RUNNING_AT(private_key) }, \
	{ "ask-pass", 'k', OPTION_FLAG, NULL, NULL, "ask for the password to log in with", RUNNING_AT(ask_pass), 0, "ANSIBLE_ASK_PASS" }, \
	{ "connection-password-file", 0, OPTION_STRING, "FILE", NULL, "read that password from a file, or from a program that prints it", RUNNING_AT(connection_password_file), 0, "ANSIBLE_CONNECTION_PASSWORD_FILE" }, \
	{ "connection", 'c', OPTION_STRING, "TYPE", running_connections, "how to reach hosts", RUNNING_AT(connection), 0, "ANSIBLE_TRANSPORT" }, \
	{ "timeout", 'T', OPTION_INT, "SECONDS", NULL, "how long connecting may take; 10 unless given", RUNNING_AT(timeout), 0, "ANSIBLE_TIMEOUT" }, \
	{ "ssh-common-args", 0, OPTION_STRING, "ARGS", NULL, "ssh's -o options for all connections", RUNNING_AT(ssh_common_args), 0, "ANSIBLE_SSH_COMMON_ARGS" }, \
	{ "ssh-extra-args", 0, OPTION_STRING, "ARGS", NULL, "more of them", RUNNING_AT(ssh_extra_args), 0, "ANSIBLE_SSH_EXTRA_ARGS" }, \
	{ "become", 'b', OPTION_FLAG, NULL, NULL, "run tasks as another user", RUNNING_AT(become), 0, "ANSIBLE_BECOME" }, \
	{ "become-user", 0, OPTION_STRING, "NAME", NULL, "that user; root unless given", RUNNING_AT(become_user), 0, "ANSIBLE_BECOME_USER" }, \
	{ "become-method", 0, OPTION_STRING, "METHOD", running_become_methods, "by what program", RUNNING_AT(become_method), 0, "ANSIBLE_BECOME_METHOD" }, \
	{ "ask-become-pass", 'K', OPTION_FLAG, NULL, NULL, "ask for the password that needs", RUNNING_AT(ask_become_pass), 0, "ANSIBLE_BECOME_ASK_PASS" }, \
	{ "become-password-file", 0, OPTION_STRING, "FILE", NULL, "read that password from a file, or from a program that prints it", RUNNING_AT(become_password_file), 0, "ANSIBLE_BECOME_PASSWORD_FILE" }, \
	VAULT_ROWS(RUNNING_AT(vault)), \
	{ "format", 0, OPTION_STRING, "FORMAT", running_formats, "the report on standard output", RUNNING_AT(format), 0, "NEAP_FORMAT" }, \
	{ "verbose", 'v', OPTION_COUNT, NULL, NULL, "show results; more of it shows connections (-vvv)", RUNNING_AT(verbosity), 0, "ANSIBLE_VERBOSITY" }

#define RUNNING_SETTINGS \
	{ "host-key-checking", 0, OPTION_STRING, NULL, NULL, NULL, RUNNING_AT(host_key_checking), 0, "ANSIBLE_HOST_KEY_CHECKING" }, \
	{ "ssh-args", 0, OPTION_STRING, NULL, NULL, NULL, RUNNING_AT(ssh_args), 0, "ANSIBLE_SSH_ARGS" }, \
	{ "become-flags", 0, OPTION_STRING, NULL, NULL, NULL, RUNNING_AT(become_flags), 0, "ANSIBLE_BECOME_FLAGS" }, \
	{ "become-exe", 0, OPTION_STRING, NULL, NULL, NULL, RUNNING_AT(become_exe), 0, "ANSIBLE_BECOME_EXE" }, \
	{ "callback", 0, OPTION_STRING, NULL, NULL, NULL, RUNNING_AT(callback), 0, "ANSIBLE_STDOUT_CALLBACK" }, \
	{ "strategy", 0, OPTION_STRING, NULL, NULL, NULL, RUNNING_AT(strategy), 0, "ANSIBLE_STRATEGY" }, \
	INVENTORIES_SETTINGS(RUNNING_AT(inventory)), \
	{ "callbacks", 0, OPTION_STRING, NULL, NULL, NULL, RUNNING_AT(callbacks), 0, "ANSIBLE_CALLBACKS_ENABLED" }, \
	{ "callbacks-before", 0, OPTION_STRING, NULL, NULL, NULL, RUNNING_AT(callbacks_before), 0, "ANSIBLE_CALLBACK_WHITELIST" }, \
	{ "log-path", 0, OPTION_STRING, NULL, NULL, NULL, RUNNING_AT(log_path), 0, "ANSIBLE_LOG_PATH" }, \
	{ "retry-files", 0, OPTION_FLAG, NULL, NULL, NULL, RUNNING_AT(retry_files), 0, "ANSIBLE_RETRY_FILES_ENABLED" }, \
	{ "retry-folder", 0, OPTION_STRING, NULL, NULL, NULL, RUNNING_AT(retry_folder), 0, "ANSIBLE_RETRY_FILES_SAVE_PATH" }, \
	{ "display-skipped", 0, OPTION_STRING, NULL, NULL, NULL, RUNNING_AT(display_skipped), 0, "ANSIBLE_DISPLAY_SKIPPED_HOSTS" }, \
	{ "display-ok", 0, OPTION_STRING, NULL, NULL, NULL, RUNNING_AT(display_ok), 0, "ANSIBLE_DISPLAY_OK_HOSTS" }, \
	{ "deprecation-warnings", 0, OPTION_STRING, NULL, NULL, NULL, RUNNING_AT(deprecation_warnings), 0, "ANSIBLE_DEPRECATION_WARNINGS" }, \
	{ "diff-context", 0, OPTION_STRING, NULL, NULL, NULL, RUNNING_AT(diff_context), 0, "ANSIBLE_DIFF_CONTEXT" }, \
	{ "localhost-warning", 0, OPTION_STRING, NULL, NULL, NULL, RUNNING_AT(localhost_warning), 0, "ANSIBLE_LOCALHOST_WARNING" }, \
	{ "pattern-mismatch", 0, OPTION_STRING, NULL, running_mismatches, NULL, RUNNING_AT(pattern_mismatch), 0, "ANSIBLE_HOST_PATTERN_MISMATCH" }, \
	{ "no-log", 0, OPTION_FLAG, NULL, NULL, NULL, RUNNING_AT(no_log), 0, "ANSIBLE_NO_LOG" }, \
	{ "poll", 0, OPTION_INT, NULL, NULL, NULL, RUNNING_AT(poll), 0, "ANSIBLE_POLL_INTERVAL" }, \
	{ "task-timeout", 0, OPTION_STRING, NULL, NULL, NULL, RUNNING_AT(task_timeout), 0, "ANSIBLE_TASK_TIMEOUT" }, \
	{ "ssh-retries", 0, OPTION_STRING, NULL, NULL, NULL, RUNNING_AT(ssh_retries), 0, "ANSIBLE_SSH_RETRIES" }, \
	{ "ssh-timeout", 0, OPTION_INT, NULL, NULL, NULL, RUNNING_AT(ssh_timeout), 0, "ANSIBLE_SSH_TIMEOUT" }, \
	{ "task-debugger", 0, OPTION_FLAG, NULL, NULL, NULL, RUNNING_AT(task_debugger), 0, "ANSIBLE_ENABLE_TASK_DEBUGGER" }, \
	{ "debugger-ignore-errors", 0, OPTION_STRING, NULL, NULL, NULL, RUNNING_AT(debugger_ignore_errors), 0, "ANSIBLE_TASK_DEBUGGER_IGNORE_ERRORS" }, \
	{ "port", 0, OPTION_INT, NULL, NULL, NULL, RUNNING_AT(port), 0, "ANSIBLE_REMOTE_PORT" }, \
	{ "no-color", 0, OPTION_FLAG, NULL, NULL, NULL, RUNNING_AT(no_color), 0, "ANSIBLE_NOCOLOR" }, \
	{ "force-color", 0, OPTION_FLAG, NULL, NULL, NULL, RUNNING_AT(force_color), 0, "ANSIBLE_FORCE_COLOR" }

#define RUNNING_ABSENT \
	{ "scp-extra-args", 0, "neap does not use scp", "give options of the connection with --ssh-common-args" }, \
	{ "sftp-extra-args", 0, "neap does not use the sftp program", "give options of the connection with --ssh-common-args" }
/* clang-format on */

extern const char *const running_connections[], *const running_become_methods[], *const running_formats[], *const running_mismatches[];

/* The part of run_options that both commands have, but for what running_go reads. */
struct run_options running_to_run(const struct running_options *options);
/* The reporter that --format asks for, on standard output; freed by report_free. */
struct reporter *running_reporter(const struct running_options *options, bool is_adhoc);
/* Reads --shard; runs with the reporter that --format asks for; prints problems and the error. Returns the exit status. */
int running_go(const struct running_options *options, struct run_options *run);

#endif
