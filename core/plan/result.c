/* What a module says about a task. */
#include "plan/result.h"

#include <string.h>
#include <time.h>

#include "base/buf.h"
#include "base/mem.h"
#include "base/printable.h"

void result_set(struct decision *decision, const char *key, json_t *value)
{
	json_object_set_new(decision->result, key, value);
}

json_t *result_take(struct decision *decision)
{
	json_t *taken = decision->result;
	decision->result = json_object();
	return taken;
}

/* A NUL becomes U+FFFD as well: what is dumped here must be readable again under jansson's default flags. */
static json_t *clean_string(const char *bytes, size_t length)
{
	auto_buf struct buf clean = BUF_INIT;
	printable_utf8_clean(&clean, bytes, length);
	auto_buf struct buf whole = BUF_INIT;
	for (size_t i = 0; i < clean.length; i++) {
		if (clean.data[i])
			buf_char(&whole, clean.data[i]);
		else
			buf_str(&whole, "\xef\xbf\xbd");
	}
	return json_stringn(buf_text(&whole), whole.length);
}

void result_bytes(struct decision *decision, const char *key, const char *bytes, size_t length)
{
	result_set(decision, key, clean_string(bytes, length));
}

void result_str(struct decision *decision, const char *key, const char *text)
{
	if (text)
		result_bytes(decision, key, text, strlen(text));
	else
		result_set(decision, key, json_null());
}

void result_int(struct decision *decision, const char *key, long long value)
{
	result_set(decision, key, json_integer(value));
}

void result_bool(struct decision *decision, const char *key, bool value)
{
	result_set(decision, key, json_boolean(value));
}

/* ---- commands ---- */

static bool is_line_end(char c)
{
	return c && strchr("\n\r\v\f\x1c\x1d\x1e", c);
}

/* Lines as Python's str.splitlines cuts them, for the ASCII line ends. */
static json_t *lines_of(const char *bytes, size_t length)
{
	json_t *lines = json_array();
	for (size_t start = 0; start < length;) {
		size_t end = start;
		while (end < length && !is_line_end(bytes[end]))
			end++;
		json_array_append_new(lines, clean_string(bytes + start, end - start));
		bool both = end + 1 < length && bytes[end] == '\r' && bytes[end + 1] == '\n';
		start = end + 1 + both;
	}
	return lines;
}

static void set_stream(struct decision *decision, const char *name, const char *bytes, size_t length, bool strip)
{
	while (strip && length && (bytes[length - 1] == '\n' || bytes[length - 1] == '\r'))
		length--;
	result_bytes(decision, name, bytes ? bytes : "", length);
	char lines[32];
	snprintf(lines, sizeof(lines), "%s_lines", name);
	result_set(decision, lines, lines_of(bytes, length));
}

void result_stream(struct decision *decision, const char *name, const char *bytes, size_t length)
{
	set_stream(decision, name, bytes, length, false);
}

void result_time(struct decision *decision, const char *key, int64_t us)
{
	time_t seconds = (time_t)(us / 1000000);
	struct tm local;
	char text[64];
	localtime_r(&seconds, &local);
	size_t used = strftime(text, sizeof(text), "%Y-%m-%d %H:%M:%S", &local);
	snprintf(text + used, sizeof(text) - used, ".%06d", (int)(us % 1000000));
	result_str(decision, key, text);
}

static void set_delta(struct decision *decision, int64_t us)
{
	if (us < 0)
		us = 0;
	long long seconds = us / 1000000;
	char text[64];
	snprintf(text, sizeof(text), "%lld:%02lld:%02lld.%06lld", seconds / 3600, seconds / 60 % 60, seconds % 60,
	         (long long)(us % 1000000));
	result_str(decision, "delta", text);
}

void result_command(struct decision *decision, const struct command_result *run, bool strip)
{
	result_int(decision, "rc", run->ended == ENDED_EXIT ? run->code : run->ended == ENDED_SIGNAL ? -run->code : -1);
	set_stream(decision, "stdout", run->output, run->output_length, strip);
	set_stream(decision, "stderr", run->errors, run->errors_length, strip);
	result_time(decision, "start", run->start_us);
	result_time(decision, "end", run->end_us);
	set_delta(decision, run->end_us - run->start_us);
	if (run->cut)
		result_warn(decision, "the command wrote more than is kept: its output here is cut");
}

/* ---- success and failure ---- */

static void say(struct decision *decision, const char *format, va_list arguments)
{
	char *text = mem_vprintf(format, arguments);
	result_str(decision, "msg", text);
	free(text);
}

int result_fail(struct decision *decision, const char *format, ...)
{
	if (decision->failed)
		return 0;
	va_list arguments;
	va_start(arguments, format);
	say(decision, format, arguments);
	va_end(arguments);
	decision->failed = true;
	return 0;
}

int result_skip(struct decision *decision, const char *format, ...)
{
	va_list arguments;
	va_start(arguments, format);
	say(decision, format, arguments);
	va_end(arguments);
	decision->skipped = true;
	return 0;
}

void result_warn(struct decision *decision, const char *format, ...)
{
	json_t *warnings = json_object_get(decision->result, "warnings");
	if (!warnings) {
		warnings = json_array();
		result_set(decision, "warnings", warnings);
	}
	va_list arguments;
	va_start(arguments, format);
	auto_free char *text = mem_vprintf(format, arguments);
	va_end(arguments);
	json_array_append_new(warnings, clean_string(text, strlen(text)));
}

void result_changed(struct decision *decision, bool changed)
{
	decision->changed = changed;
}

bool result_is_check(const struct decision *decision)
{
	return decision->check_mode;
}

bool result_wants_diff(const struct decision *decision)
{
	return decision->diff_mode;
}

/* ---- differences ---- */

static struct difference *difference_new(struct decision *decision)
{
	mem_grow(decision->differences, decision->difference_count, decision->difference_room);
	struct difference *difference = &decision->differences[decision->difference_count++];
	*difference = (struct difference){ 0 };
	return difference;
}

void result_diff(struct decision *decision, const char *before_name, const char *before, size_t before_length,
                 const char *after_name, const char *after, size_t after_length)
{
	struct difference *difference = difference_new(decision);
	*difference = (struct difference){
		.before_name = arena_str(&decision->arena, before_name),
		.after_name = arena_str(&decision->arena, after_name),
		.before = before ? arena_copy(&decision->arena, before, before_length) : NULL,
		.after = after ? arena_copy(&decision->arena, after, after_length) : NULL,
		.before_length = before ? before_length : 0,
		.after_length = after ? after_length : 0,
	};
}

void result_diff_larger(struct decision *decision, const char *before_name, bool before_is, const char *after_name, bool after_is,
                        uint64_t most)
{
	struct difference *difference = difference_new(decision);
	*difference = (struct difference){
		.before_name = arena_str(&decision->arena, before_name),
		.after_name = arena_str(&decision->arena, after_name),
		.before_larger = before_is ? most : 0,
		.after_larger = after_is ? most : 0,
	};
}

void result_diff_note(struct decision *decision, const char *format, ...)
{
	va_list arguments;
	va_start(arguments, format);
	auto_buf struct buf line = BUF_INIT;
	buf_vprintf(&line, format, arguments);
	va_end(arguments);
	buf_char(&line, '\n');
	difference_new(decision)->note = arena_str(&decision->arena, line.data);
}

static struct difference *difference_of(struct decision *decision, const char *path)
{
	for (size_t i = 0; i < decision->difference_count; i++) {
		struct difference *difference = &decision->differences[i];
		if (difference->before_values && strcmp(difference->after_name, path) == 0)
			return difference;
	}
	struct difference *difference = difference_new(decision);
	difference->before_name = difference->after_name = arena_str(&decision->arena, path);
	difference->before_values = json_object();
	difference->after_values = json_object();
	return difference;
}

void result_diff_attribute(struct decision *decision, const char *path, const char *name, json_t *before, json_t *after)
{
	struct difference *difference = difference_of(decision, path);
	json_object_set_new(difference->before_values, name, before);
	json_object_set_new(difference->after_values, name, after);
}
