/* The report as text: what Ansible's default callback prints, so that its users read it at once; failures as blocks
 * that can be read. */
#include <string.h>

#include "base/mem.h"
#include "base/printable.h"
#include "report/order.h"
#include "report/screen.h"
#include "report/show.h"

enum { COLUMNS_LEAST = 79, HOST_COLUMN = 26, STARS_LEAST = 3 };

struct text {
	struct screen screen;
	struct order *order; /* NULL: results are shown as they come */
	struct buf out;      /* what the event in hand makes */
	unsigned banner;     /* task whose heading was printed last */
	bool is_free;        /* no heading before there is a result */
	struct buf heading;  /* of the task under way, where it is shown only with a result; else empty */
	json_t *looped;      /* host: number of the task whose items it has shown */
};

static void add(struct text *text, enum colour colour, const char *line)
{
	colour_str(&text->out, text->screen.options.colour, colour, line);
}

/* What is out is the first of a task whose heading has waited for it. */
static void lead(struct text *text)
{
	if (!text->out.length || !text->heading.length)
		return;
	buf_add(&text->heading, text->out.data, text->out.length);
	buf_clear(&text->out);
	buf_add(&text->out, text->heading.data, text->heading.length);
	buf_clear(&text->heading);
}

static void flush(struct text *text)
{
	screen_out(&text->screen, &text->out);
	buf_clear(&text->out);
}

/* ---- headings ---- */

static void add_banner(struct text *text, const char *heading)
{
	auto_buf struct buf safe = BUF_INIT;
	printable_line(&safe, heading, strlen(heading));
	size_t columns = text->screen.options.columns > COLUMNS_LEAST ? (size_t)text->screen.options.columns - 1 : COLUMNS_LEAST;
	size_t width = colour_width(safe.data, safe.length);
	buf_printf(&text->out, "\n%s ", safe.data);
	for (size_t stars = width + STARS_LEAST < columns ? columns - width : STARS_LEAST; stars; stars--)
		buf_char(&text->out, '*');
	buf_char(&text->out, '\n');
}

static void add_play_banner(struct text *text, const struct event *event)
{
	auto_free char *heading = event->play && *event->play ? mem_printf("PLAY [%s]", event->play) : mem_strdup("PLAY");
	add_banner(text, heading);
}

static void add_task_banner(struct text *text, const struct event *event)
{
	text->banner = event->task_number;
	auto_free char *heading = mem_printf("%s [%s]", event->is_handler ? "RUNNING HANDLER" : "TASK",
	                                     event->task && *event->task ? event->task : event->action ? event->action : "");
	add_banner(text, heading);
	if (text->screen.options.verbosity >= 2 && event->place) {
		auto_free char *line = mem_printf("task path: %s\n", event->place);
		add(text, COLOUR_QUIET, line);
	}
}

/* ---- results ---- */

static bool is_include(const struct event *event)
{
	static const char *const names[] = { "include_tasks", "include_role", "import_tasks", "import_role", "include" };
	for (size_t i = 0; event->action && i < sizeof(names) / sizeof(*names); i++)
		if (strcmp(event->action, names[i]) == 0)
			return true;
	return false;
}

static bool has_shown_items(const struct text *text, const struct event *event)
{
	const json_t *task = event->host ? json_object_get(text->looped, event->host) : NULL;
	return !event->is_item && task && json_integer_value(task) == (json_int_t)event->task_number;
}

/* "ok: [web1]", "changed: [web1] => (item=x)", "failed: [web1] (item=x)" */
static void add_label(const char *word, const struct event *event, struct buf *line)
{
	buf_printf(line, "%s: [", word);
	show_host(event, line);
	buf_char(line, ']');
	if (event->is_item) {
		buf_str(line, event->status == STATUS_FAILED || event->status == STATUS_UNREACHABLE ? " (item=" : " => (item=");
		const char *item = event->item ? event->item : "";
		printable_line(line, item, strlen(item));
		buf_char(line, ')');
	}
	if (event->uncertain)
		buf_str(line, " (uncertain: it depends on what an earlier task would have done)");
}

static void add_good(struct text *text, const struct event *event)
{
	static const struct { const char *word; enum colour colour; } looks[] = {
		[STATUS_OK] = { "ok", COLOUR_OK }, [STATUS_CHANGED] = { "changed", COLOUR_CHANGED },
		[STATUS_SKIPPED] = { "skipping", COLOUR_SKIP },
	};
	if (event->status != STATUS_SKIPPED && (has_shown_items(text, event) || (!event->is_item && is_include(event))))
		return;
	unsigned verbosity = text->screen.options.verbosity;
	bool is_debug = event->action && strcmp(event->action, "debug") == 0;
	auto_buf struct buf line = BUF_INIT;
	add_label(looks[event->status].word, event, &line);
	if (event->result && (verbosity >= 1 || (is_debug && event->status != STATUS_SKIPPED))) {
		auto_json json_t *clean = show_clean(event, verbosity);
		buf_str(&line, " => ");
		show_json(clean, is_debug || verbosity >= 3, &line);
	}
	buf_char(&line, '\n');
	add(text, looks[event->status].colour, line.data);
}

static void add_bad(struct text *text, const struct event *event)
{
	bool is_unreachable = event->status == STATUS_UNREACHABLE;
	enum colour colour = is_unreachable ? COLOUR_UNREACHABLE : COLOUR_ERROR;
	if (!has_shown_items(text, event)) {
		auto_buf struct buf line = BUF_INIT;
		add_label(event->is_item ? "failed" : "fatal", event, &line);
		buf_str(&line, event->is_item ? " => " : is_unreachable ? ": UNREACHABLE! => " : ": FAILED! => ");
		show_failure(event, text->screen.options.verbosity, &line);
		buf_char(&line, '\n');
		add(text, colour, line.data);
	}
	if (event->ignored && !event->is_item)
		add(text, COLOUR_SKIP, "...ignoring\n");
}

static void add_diff(struct text *text, const struct event *event)
{
	json_t *diff = json_object_get(event->result, "diff");
	if (text->screen.options.diff && diff && event->status == STATUS_CHANGED && !has_shown_items(text, event))
		report_diff(diff, &text->screen.options, &text->out);
}

/* Passes what one host said through the order of hosts, where there is one. */
static void put_in_order(struct text *text, const struct event *event, bool ended)
{
	if (!text->order || text->is_free || !event->host)
		return;
	auto_buf struct buf said = text->out;
	text->out = (struct buf)BUF_INIT;
	bool leaves = ended && !event->ignored && !event->rescued &&
	              (event->status == STATUS_FAILED || event->status == STATUS_UNREACHABLE);
	order_add(text->order, event->host, &said, ended, leaves, &text->out);
}

/* display_ok_hosts and display_skipped_hosts. */
static bool is_hidden(const struct text *text, const struct event *event)
{
	const struct report_options *options = &text->screen.options;
	return (event->status == STATUS_OK && options->hides_ok) || (event->status == STATUS_SKIPPED && options->hides_skipped);
}

static void on_result(struct text *text, const struct event *event)
{
	screen_result_warnings(&text->screen, event);
	if (is_hidden(text, event)) {
		put_in_order(text, event, !event->is_item);
		return;
	}
	if (event->task_number != text->banner && (text->is_free || !text->order) && !is_include(event) && !text->heading.length)
		add_task_banner(text, event);
	add_diff(text, event);
	if (event->status == STATUS_FAILED || event->status == STATUS_UNREACHABLE)
		add_bad(text, event);
	else
		add_good(text, event);
	if (event->is_item && event->host)
		json_object_set_new(text->looped, event->host, json_integer(event->task_number));
	put_in_order(text, event, !event->is_item);
}

static void on_retry(struct text *text, const struct event *event)
{
	long long left = json_integer_value(json_object_get(event->data, "retries")) -
	                 json_integer_value(json_object_get(event->data, "attempts"));
	auto_buf struct buf line = BUF_INIT;
	buf_str(&line, "FAILED - RETRYING: [");
	show_host(event, &line);
	buf_str(&line, "]: ");
	const char *task = event->task ? event->task : "";
	printable_line(&line, task, strlen(task));
	buf_printf(&line, " (%lld retries left).", left);
	if (text->screen.options.verbosity >= 3 && event->result) {
		auto_json json_t *clean = show_clean(event, text->screen.options.verbosity);
		buf_str(&line, "Result was: ");
		show_json(clean, true, &line);
	}
	buf_char(&line, '\n');
	add(text, COLOUR_QUIET, line.data);
	put_in_order(text, event, false);
}

static void on_included(struct text *text, const struct event *event)
{
	auto_buf struct buf line = BUF_INIT;
	const char *file = event->text ? event->text : "";
	buf_str(&line, "included: ");
	printable_line(&line, file, strlen(file));
	buf_str(&line, " for ");
	size_t i;
	json_t *host;
	json_array_foreach (json_object_get(event->data, "hosts"), i, host) {
		buf_str(&line, i ? ", " : "");
		printable_line(&line, json_string_value(host), json_string_length(host));
	}
	if (event->item) {
		buf_str(&line, " => (item=");
		printable_line(&line, event->item, strlen(event->item));
		buf_char(&line, ')');
	}
	buf_char(&line, '\n');
	add(text, COLOUR_SKIP, line.data);
}

/* ---- the recap ---- */

static void add_count(struct text *text, const char *name, unsigned count, enum colour colour)
{
	auto_free char *field = mem_printf("%s=%-4u", name, count);
	buf_char(&text->out, ' ');
	add(text, count ? colour : COLOUR_NONE, field);
}

static void add_stats(struct text *text, const struct event_stats *stats)
{
	auto_buf struct buf host = BUF_INIT;
	printable_line(&host, stats->host, strlen(stats->host));
	add(text, stats->failed || stats->unreachable ? COLOUR_ERROR : stats->changed ? COLOUR_CHANGED : COLOUR_OK,
	    buf_text(&host));
	size_t width = colour_width(buf_text(&host), host.length);
	buf_printf(&text->out, "%*s :", width < HOST_COLUMN ? (int)(HOST_COLUMN - width) : 0, "");
	add_count(text, "ok", stats->ok, COLOUR_OK);
	add_count(text, "changed", stats->changed, COLOUR_CHANGED);
	add_count(text, "unreachable", stats->unreachable, COLOUR_UNREACHABLE);
	add_count(text, "failed", stats->failed, COLOUR_ERROR);
	add_count(text, "skipped", stats->skipped, COLOUR_SKIP);
	add_count(text, "rescued", stats->rescued, COLOUR_OK);
	add_count(text, "ignored", stats->ignored, COLOUR_WARNING);
	if (stats->uncertain)
		add_count(text, "uncertain", stats->uncertain, COLOUR_WARNING);
	buf_char(&text->out, '\n');
}

static int compare_hosts(const void *a, const void *b)
{
	const struct event_stats *const *left = a, *const *right = b;
	return strcmp((*left)->host, (*right)->host);
}

static void on_run_end(struct text *text, const struct event *event)
{
	if (!event->stats)
		return;
	add_banner(text, "PLAY RECAP");
	auto_free const struct event_stats **sorted = mem_array(event->stats_count, sizeof(*sorted));
	for (size_t i = 0; i < event->stats_count; i++)
		sorted[i] = &event->stats[i];
	qsort(sorted, event->stats_count, sizeof(*sorted), compare_hosts);
	for (size_t i = 0; i < event->stats_count; i++)
		add_stats(text, sorted[i]);
	buf_char(&text->out, '\n');
}

/* ---- the reporter ---- */

static void on_play_start(struct text *text, const struct event *event)
{
	const char *strategy = json_string_value(json_object_get(event->data, "strategy"));
	text->is_free = strategy && strcmp(strategy, "free") == 0;
	text->banner = 0;
	if (text->order)
		order_play(text->order, json_object_get(event->data, "hosts"));
	add_play_banner(text, event);
}

/* What was held belongs before anything but another result. */
static bool ends_order(enum event_kind kind)
{
	return kind == EVENT_PLAY_START || kind == EVENT_TASK_START || kind == EVENT_INCLUDED || kind == EVENT_NO_HOSTS ||
	       kind == EVENT_NO_HOSTS_LEFT || kind == EVENT_LISTING || kind == EVENT_RUN_END;
}

/* A heading that may have no result below it waits for one that is shown. */
static void on_task_start(struct text *text, const struct event *event)
{
	bool waits = text->screen.options.hides_ok || text->screen.options.hides_skipped;
	if (text->is_free)
		return;
	if (waits)
		flush(text);
	add_task_banner(text, event);
	if (!waits)
		return;
	buf_add(&text->heading, text->out.data, text->out.length);
	buf_clear(&text->out);
}

static void text_handle(void *context, const struct event *event)
{
	struct text *text = context;
	screen_event(&text->screen, event);
	if (text->order && ends_order(event->kind))
		order_flush(text->order, &text->out);
	lead(text);
	if (ends_order(event->kind))
		buf_clear(&text->heading);
	switch (event->kind) {
	case EVENT_PLAY_START:
		on_play_start(text, event);
		break;
	case EVENT_TASK_START:
		on_task_start(text, event);
		break;
	case EVENT_RESULT:
		if (!event->is_include)
			on_result(text, event);
		lead(text);
		break;
	case EVENT_RETRY:
		on_retry(text, event);
		lead(text);
		break;
	case EVENT_INCLUDED:
		on_included(text, event);
		break;
	case EVENT_NO_HOSTS:
		add(text, COLOUR_SKIP, "skipping: no hosts matched\n");
		break;
	case EVENT_NO_HOSTS_LEFT:
		add_banner(text, "NO MORE HOSTS LEFT");
		break;
	case EVENT_LISTING:
		add(text, COLOUR_NONE, event->text ? event->text : "");
		break;
	case EVENT_RUN_END:
		on_run_end(text, event);
		break;
	default:
		break;
	}
	flush(text);
}

static void text_tick(void *context, int64_t now_ms)
{
	struct text *text = context;
	(void)now_ms;
	screen_tick(&text->screen);
}

static int text_finish(void *context)
{
	struct text *text = context;
	if (text->order)
		order_flush(text->order, &text->out);
	flush(text);
	return screen_finish(&text->screen);
}

static void text_free(void *context)
{
	struct text *text = context;
	screen_release(&text->screen);
	order_free(text->order);
	buf_release(&text->out);
	buf_release(&text->heading);
	json_decref(text->looped);
	free(text);
}

struct reporter *report_text(const struct report_options *options)
{
	struct text *text = mem_alloc(sizeof(*text));
	screen_init(&text->screen, options);
	text->order = options->ordered ? order_new() : NULL;
	text->looped = json_object();
	struct reporter *reporter = mem_alloc(sizeof(*reporter));
	*reporter = (struct reporter){ text, text_handle, text_tick, text_finish, text_free };
	return reporter;
}

void report_free(struct reporter *reporter)
{
	if (reporter)
		reporter->free(reporter->context);
	free(reporter);
}
