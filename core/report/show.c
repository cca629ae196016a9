/* Results as text for people. */
#include "report/show.h"

#include <string.h>

#include "base/printable.h"
#include "base/quote.h"

enum { STREAM_LINES_MOST = 60 };

void show_host(const struct event *event, struct buf *out)
{
	const char *host = event->host ? event->host : "";
	printable_line(out, host, strlen(host));
	if (event->delegated_to && strcmp(event->delegated_to, host) != 0) {
		buf_str(out, " -> ");
		printable_line(out, event->delegated_to, strlen(event->delegated_to));
	}
}

static bool is_one_of(const char *key, const char *const *names)
{
	for (; *names; names++)
		if (strcmp(*names, key) == 0)
			return true;
	return false;
}

/* debug says what it was told to say, and nothing of itself. */
static bool is_hidden_of_debug(const json_t *result, const char *key)
{
	static const char *const shown[] = { "msg", "exception", NULL };
	static const char *const hidden[] = { "changed", "failed", "skipped", "invocation", "skip_reason", NULL };
	return json_object_get(result, "msg") ? !is_one_of(key, shown) : is_one_of(key, hidden);
}

json_t *show_clean(const struct event *event, unsigned verbosity)
{
	static const char *const never[] = { "warnings", "deprecations", NULL };
	static const char *const very_verbose[] = { "invocation", "diff", NULL };
	json_t *clean = json_object();
	const char *key;
	json_t *value;
	json_object_foreach (event->result, key, value) {
		if (strncmp(key, "_ansible_", 9) == 0 || is_one_of(key, never))
			continue;
		if (verbosity < 3 && is_one_of(key, very_verbose))
			continue;
		if (strcmp(key, "failed") == 0 && !json_is_true(value))
			continue;
		if (event->action && strcmp(event->action, "debug") == 0 && is_hidden_of_debug(event->result, key))
			continue;
		json_object_set(clean, key, value);
	}
	return clean;
}

void show_json(const json_t *value, bool indented, struct buf *out)
{
	size_t flags = JSON_SORT_KEYS | JSON_ENCODE_ANY | (indented ? JSON_INDENT(4) : 0);
	char *text = json_dumps(value, flags);
	if (text)
		buf_str(out, text);
	free(text);
}

/* ---- failures ---- */

static void add_indented(struct buf *out, const char *text, size_t length, const char *indent)
{
	const char *end = text + length;
	while (text < end) {
		const char *stop = memchr(text, '\n', (size_t)(end - text));
		size_t line = (size_t)((stop ? stop : end) - text);
		buf_char(out, '\n');
		if (line)
			buf_str(out, indent);
		buf_add(out, text, line);
		text += line + 1;
	}
}

/* An output stream as a block; of a long one the end, which says why. */
static void show_stream(const json_t *result, const char *key, unsigned verbosity, struct buf *out)
{
	const char *text = json_string_value(json_object_get(result, key));
	size_t length = text ? json_string_length(json_object_get(result, key)) : 0, lines = 0;
	while (length && (text[length - 1] == '\n' || text[length - 1] == '\r'))
		length--;
	if (!length)
		return;
	buf_printf(out, "\n    %s:", key);
	const char *start = text + length;
	while (start > text && (verbosity || lines < STREAM_LINES_MOST)) {
		const char *before = memrchr(text, '\n', (size_t)(start - text - (start < text + length)));
		start = before ? before + 1 : text;
		lines++;
	}
	size_t hidden = 0;
	for (const char *at = text; at < start; at++)
		hidden += *at == '\n';
	if (hidden)
		buf_printf(out, "\n        (%zu lines before these; -v shows them)", hidden);
	add_indented(out, start, (size_t)(text + length - start), "        ");
}

/* A command as the words somebody would type. */
static void show_words(const json_t *words, struct buf *out)
{
	size_t i;
	json_t *word;
	json_array_foreach (words, i, word) {
		if (i)
			buf_char(out, ' ');
		if (json_is_string(word))
			quote_word(out, json_string_value(word));
		else
			show_json(word, false, out);
	}
}

static void show_member(const char *key, const json_t *value, struct buf *out)
{
	buf_printf(out, "\n    %s: ", key);
	if (strcmp(key, "cmd") == 0 && json_is_array(value))
		show_words(value, out);
	else if (json_is_string(value) && strchr(json_string_value(value), '\n')) {
		out->length--;
		add_indented(out, json_string_value(value), json_string_length(value), "        ");
	} else if (json_is_string(value))
		buf_add(out, json_string_value(value), json_string_length(value));
	else
		show_json(value, false, out);
}

static bool is_empty(const json_t *value)
{
	return json_is_null(value) || (json_is_string(value) && !json_string_length(value)) ||
	       (json_is_array(value) && !json_array_size(value)) || (json_is_object(value) && !json_object_size(value));
}

static void show_others(json_t *result, unsigned verbosity, struct buf *out)
{
	static const char *const elsewhere[] = { "msg", "cmd", "rc", "stdout", "stderr", "stdout_lines", "stderr_lines", NULL };
	static const char *const dull[] = { "changed", "failed", "unreachable", "start", "end", "delta", "results", "exception",
	                                    NULL };
	const char *key;
	json_t *value;
	json_object_foreach (result, key, value)
		if (!is_one_of(key, elsewhere) && (verbosity || (!is_one_of(key, dull) && !is_empty(value))))
			show_member(key, value, out);
}

void show_failure(const struct event *event, unsigned verbosity, struct buf *out)
{
	auto_json json_t *result = show_clean(event, verbosity);
	const json_t *message = json_object_get(result, "msg");
	if (!message && json_object_get(result, "censored"))
		message = json_object_get(result, "censored");
	const char *text = json_string_value(message);
	if (text) {
		size_t length = json_string_length(message), first = strcspn(text, "\n");
		buf_add(out, text, first);
		if (first < length)
			add_indented(out, text + first + 1, length - first - 1, "    ");
	} else if (message) {
		show_json(message, false, out);
	} else {
		show_json(result, false, out);
	}
	json_object_del(result, "censored");
	static const char *const first[] = { "cmd", "rc" };
	for (size_t i = 0; text && i < sizeof(first) / sizeof(*first); i++)
		if (json_object_get(result, first[i]))
			show_member(first[i], json_object_get(result, first[i]), out);
	if (text)
		show_others(result, verbosity, out);
	if (event->place)
		buf_printf(out, "\n    at: %s%s%s", event->place, event->action ? ", module " : "", event->action ? event->action : "");
	if (text) {
		show_stream(result, "stdout", verbosity, out);
		show_stream(result, "stderr", verbosity, out);
	}
}

/* ---- quantities ---- */

void show_bytes(uint64_t bytes, struct buf *out)
{
	static const char *const units[] = { "B", "kB", "MB", "GB", "TB", "PB", "EB" };
	double value = (double)bytes;
	size_t unit = 0;
	while (value >= 1000 && unit < 6) {
		value /= 1000;
		unit++;
	}
	buf_printf(out, unit && value < 99.95 ? "%.1f %s" : "%.0f %s", value, units[unit]);
}

void show_duration(int64_t ms, struct buf *out)
{
	long long seconds = ms > 0 ? ms / 1000 : 0;
	if (seconds >= 3600)
		buf_printf(out, "%lld:%02lld:%02lld", seconds / 3600, seconds / 60 % 60, seconds % 60);
	else
		buf_printf(out, "%lld:%02lld", seconds / 60, seconds % 60);
}
