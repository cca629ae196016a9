/* The report of `neap exec`: what Ansible's ad-hoc command prints, one piece for each host. */
#include <string.h>

#include "base/mem.h"
#include "report/order.h"
#include "report/screen.h"
#include "report/show.h"

struct exec {
	struct screen screen;
	struct order *order; /* NULL: as they come */
	struct buf out;
};

static bool is_command(const struct event *event)
{
	static const char *const names[] = { "command", "shell", "raw", "script" };
	for (size_t i = 0; event->action && i < sizeof(names) / sizeof(*names); i++)
		if (strcmp(event->action, names[i]) == 0)
			return json_object_get(event->result, "rc") != NULL;
	return false;
}

/* The streams as they came, then msg of a failure, each beginning on a line of its own. */
static void add_output(const struct event *event, struct buf *out)
{
	static const char *const keys[] = { "stdout", "stderr", "msg" };
	size_t count = event->status == STATUS_FAILED ? 3 : 2;
	for (size_t i = 0; i < count; i++) {
		const json_t *value = json_object_get(event->result, keys[i]);
		size_t length = json_string_length(value);
		if (!length)
			continue;
		buf_add(out, json_string_value(value), length);
		if (out->data[out->length - 1] != '\n')
			buf_char(out, '\n');
	}
}

static void add_result(struct exec *exec, const struct event *event)
{
	static const struct { const char *word; enum colour colour; } looks[] = {
		[STATUS_OK] = { "SUCCESS", COLOUR_OK }, [STATUS_CHANGED] = { "CHANGED", COLOUR_CHANGED },
		[STATUS_FAILED] = { "FAILED", COLOUR_ERROR }, [STATUS_SKIPPED] = { "SKIPPED", COLOUR_SKIP },
		[STATUS_UNREACHABLE] = { "UNREACHABLE", COLOUR_UNREACHABLE },
	};
	bool is_bad = event->status == STATUS_FAILED || event->status == STATUS_UNREACHABLE;
	auto_buf struct buf line = BUF_INIT;
	show_host(event, &line);
	buf_printf(&line, " | %s", looks[event->status].word);
	if (is_command(event)) {
		buf_printf(&line, " | rc=%lld >>\n", (long long)json_integer_value(json_object_get(event->result, "rc")));
		add_output(event, &line);
	} else if (is_bad) {
		buf_str(&line, "! => ");
		show_failure(event, exec->screen.options.verbosity, &line);
		buf_char(&line, '\n');
	} else {
		auto_json json_t *clean = show_clean(event, exec->screen.options.verbosity);
		buf_str(&line, " => ");
		show_json(clean, true, &line);
		buf_char(&line, '\n');
	}
	colour_add(&exec->out, exec->screen.options.colour, looks[event->status].colour, line.data, line.length);
}

static void on_result(struct exec *exec, const struct event *event)
{
	json_t *diff = json_object_get(event->result, "diff");
	screen_result_warnings(&exec->screen, event);
	if (exec->screen.options.diff && diff && event->status == STATUS_CHANGED)
		report_diff(diff, &exec->screen.options, &exec->out);
	add_result(exec, event);
	if (!exec->order || !event->host)
		return;
	auto_buf struct buf said = exec->out;
	exec->out = (struct buf)BUF_INIT;
	order_add(exec->order, event->host, &said, true, false, &exec->out);
}

static void exec_handle(void *context, const struct event *event)
{
	struct exec *exec = context;
	screen_event(&exec->screen, event);
	if (event->kind == EVENT_PLAY_START && exec->order)
		order_play(exec->order, json_object_get(event->data, "hosts"));
	else if (event->kind == EVENT_NO_HOSTS)
		screen_say(&exec->screen, COLOUR_WARNING, "[WARNING]: no hosts matched");
	else if (event->kind == EVENT_LISTING)
		colour_str(&exec->out, false, COLOUR_NONE, event->text ? event->text : "");
	else if (event->kind == EVENT_RESULT && !event->is_item)
		on_result(exec, event);
	else if (event->kind == EVENT_RUN_END && exec->order)
		order_flush(exec->order, &exec->out);
	screen_out(&exec->screen, &exec->out);
	buf_clear(&exec->out);
}

static void exec_tick(void *context, int64_t now_ms)
{
	struct exec *exec = context;
	(void)now_ms;
	screen_tick(&exec->screen);
}

static int exec_finish(void *context)
{
	struct exec *exec = context;
	if (exec->order)
		order_flush(exec->order, &exec->out);
	screen_out(&exec->screen, &exec->out);
	buf_clear(&exec->out);
	return screen_finish(&exec->screen);
}

static void exec_free(void *context)
{
	struct exec *exec = context;
	screen_release(&exec->screen);
	order_free(exec->order);
	buf_release(&exec->out);
	free(exec);
}

struct reporter *report_exec(const struct report_options *options)
{
	struct exec *exec = mem_alloc(sizeof(*exec));
	screen_init(&exec->screen, options);
	exec->order = options->ordered ? order_new() : NULL;
	struct reporter *reporter = mem_alloc(sizeof(*reporter));
	*reporter = (struct reporter){ exec, exec_handle, exec_tick, exec_finish, exec_free };
	return reporter;
}
