/* What a module says about a task: keys for register, differences, success or failure. decide() may set the same key
 * again; a call starts with none. */
#ifndef NEAP_PLAN_RESULT_H
#define NEAP_PLAN_RESULT_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include <jansson.h>

#include "plan/command.h"
#include "plan/decision.h"

/* Takes over value. */
void result_set(struct decision *decision, const char *key, json_t *value);
/* What was set so far, as the caller's own: the result is empty again. */
json_t *result_take(struct decision *decision);
/* NULL text sets null. Bytes that are not UTF-8 become U+FFFD. */
void result_str(struct decision *decision, const char *key, const char *text);
void result_bytes(struct decision *decision, const char *key, const char *bytes, size_t length);
void result_int(struct decision *decision, const char *key, long long value);
/* Microseconds since 1970 as the local time, in Python's form. */
void result_time(struct decision *decision, const char *key, int64_t us);
void result_bool(struct decision *decision, const char *key, bool value);
/* Bytes as the key name, and their lines as name_lines: stdout and stdout_lines. */
void result_stream(struct decision *decision, const char *name, const char *bytes, size_t length);
/* rc, stdout, stderr, stdout_lines, stderr_lines, start, end, delta as Ansible's command gives them; strip takes
 * trailing newlines off. */
void result_command(struct decision *decision, const struct command_result *run, bool strip);

/* Ends the task as failed with msg; the first failure stays. Always returns 0, so that `return result_fail(...)` ends decide(). */
int result_fail(struct decision *decision, const char *format, ...) __attribute__((format(printf, 2, 3)));
int result_skip(struct decision *decision, const char *format, ...) __attribute__((format(printf, 2, 3)));
void result_warn(struct decision *decision, const char *format, ...) __attribute__((format(printf, 2, 3)));
/* Check mode, for modules whose answer differs in it (command: "would have run"). */
bool result_is_check(const struct decision *decision);
/* Whether differences are shown: only then is it worth to ask for the contents of files. */
bool result_wants_diff(const struct decision *decision);
/* Overrides what the steps say. */
void result_changed(struct decision *decision, bool changed);

/* A text before and after, for --diff; NULL before: it did not exist. Copied. */
void result_diff(struct decision *decision, const char *before_name, const char *before, size_t before_length,
                 const char *after_name, const char *after, size_t after_length);
/* Of files too large to be shown: which of the two is larger than so many bytes. */
void result_diff_larger(struct decision *decision, const char *before_name, bool before_is, const char *after_name, bool after_is,
                        uint64_t most);
/* A line among the differences. */
void result_diff_note(struct decision *decision, const char *format, ...) __attribute__((format(printf, 2, 3)));
/* One attribute of a path before and after: {"mode": "0644"} -> {"mode": "0600"}; takes the values over. */
void result_diff_attribute(struct decision *decision, const char *path, const char *name, json_t *before, json_t *after);

#endif
