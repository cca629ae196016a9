/* Writing, and making way. */
#include "report/screen.h"

#include <errno.h>
#include <string.h>

#include "base/clock.h"
#include "base/mem.h"
#include "base/printable.h"

enum { COLUMNS_USUAL = 80, PARTIAL_MOST = 16 * 1024 };

void screen_init(struct screen *screen, const struct report_options *options)
{
	*screen = (struct screen){ .options = *options, .progress = progress_new() };
}

void screen_release(struct screen *screen)
{
	progress_free(screen->progress);
	buf_release(&screen->partial);
	free(screen->partial_host);
}

static void make_way(struct screen *screen)
{
	if (screen->line_width) {
		fputs("\r\x1b[K", screen->options.messages);
		fflush(screen->options.messages);
	}
	screen->line_width = 0;
}

void screen_out(struct screen *screen, const struct buf *text)
{
	if (!text->length)
		return;
	make_way(screen);
	bool written = fwrite(text->data, 1, text->length, screen->options.out) == text->length &&
	               fflush(screen->options.out) == 0;
	if (!written && !screen->failed)
		screen->failed = errno ? errno : EIO;
}

void screen_say(struct screen *screen, enum colour colour, const char *text)
{
	auto_buf struct buf line = BUF_INIT;
	make_way(screen);
	/* the messages' own terminal decides about colour; a live line means that it is one */
	colour_str(&line, screen->options.colour && screen->options.live, colour, text);
	buf_char(&line, '\n');
	fputs(line.data, screen->options.messages);
	fflush(screen->options.messages);
}

static void say_with(struct screen *screen, enum colour colour, const char *before, const char *text)
{
	auto_free char *line = mem_printf("%s%s", before, text);
	screen_say(screen, colour, line);
}

/* ---- live output, whole lines with their host before them ---- */

static void say_output_line(struct screen *screen, const char *host, const char *line, size_t length)
{
	auto_buf struct buf text = BUF_INIT;
	printable_line(&text, host, strlen(host));
	buf_str(&text, " | ");
	while (length && line[length - 1] == '\r')
		length--;
	buf_add(&text, line, length);
	screen_say(screen, COLOUR_NONE, text.data);
}

static void end_partial(struct screen *screen)
{
	if (screen->partial.length)
		say_output_line(screen, screen->partial_host, screen->partial.data, screen->partial.length);
	buf_clear(&screen->partial);
}

static void say_output(struct screen *screen, const struct event *event)
{
	const char *text = event->text ? event->text : "", *host = event->host ? event->host : "";
	if (screen->partial_host &&
	    (strcmp(screen->partial_host, host) != 0 || screen->partial_is_stderr != event->is_stderr))
		end_partial(screen);
	free(screen->partial_host);
	screen->partial_host = mem_strdup(host);
	screen->partial_is_stderr = event->is_stderr;
	for (const char *stop; (stop = strchr(text, '\n')); text = stop + 1) {
		buf_add(&screen->partial, text, (size_t)(stop - text));
		say_output_line(screen, host, buf_text(&screen->partial), screen->partial.length);
		buf_clear(&screen->partial);
	}
	buf_str(&screen->partial, text);
	if (screen->partial.length > PARTIAL_MOST) /* a line without an end is not kept whole */
		end_partial(screen);
}

/* ---- events ---- */

static void say_phase(struct screen *screen, const struct event *event)
{
	auto_free char *line = event->host ? mem_printf("<%s> %s", event->host, event->text ? event->text : "connected")
	                                   : mem_strdup(event->text ? event->text : "");
	screen_say(screen, COLOUR_VERBOSE, line);
}

static void say_warning(struct screen *screen, const struct event *event)
{
	auto_free char *line = event->host ? mem_printf("[WARNING]: %s: %s", event->host, event->text)
	                                   : mem_printf("[WARNING]: %s", event->text);
	screen_say(screen, COLOUR_WARNING, line);
}

void screen_event(struct screen *screen, const struct event *event)
{
	unsigned verbosity = screen->options.verbosity;
	progress_note(screen->progress, event);
	if (event->kind == EVENT_HOLD || event->kind == EVENT_RESUME) {
		make_way(screen);
		screen->held = event->kind == EVENT_HOLD;
	}
	if (event->verbosity > verbosity)
		return;
	if (event->kind == EVENT_RESULT && screen->partial_host && event->host &&
	    strcmp(screen->partial_host, event->host) == 0)
		end_partial(screen);
	if (event->kind == EVENT_OUTPUT && verbosity >= 1)
		say_output(screen, event);
	else if ((event->kind == EVENT_PHASE || event->kind == EVENT_CONNECTED) && verbosity >= 3)
		say_phase(screen, event);
	else if (event->kind == EVENT_WARNING)
		say_warning(screen, event);
	else if (event->kind == EVENT_DEPRECATED && !screen->options.hides_deprecations)
		say_with(screen, COLOUR_WARNING, "[DEPRECATION WARNING]: ", event->text);
	else if (event->kind == EVENT_MESSAGE)
		screen_say(screen, COLOUR_NONE, event->text);
}

void screen_result_warnings(struct screen *screen, const struct event *event)
{
	size_t i;
	json_t *warning;
	json_array_foreach (json_object_get(event->result, "warnings"), i, warning)
		if (json_is_string(warning))
			say_with(screen, COLOUR_WARNING, "[WARNING]: ", json_string_value(warning));
	if (screen->options.hides_deprecations)
		return;
	json_array_foreach (json_object_get(event->result, "deprecations"), i, warning) {
		const char *text = json_string_value(json_is_object(warning) ? json_object_get(warning, "msg") : warning);
		say_with(screen, COLOUR_WARNING, "[DEPRECATION WARNING]: ", text ? text : "");
	}
}

void screen_tick(struct screen *screen)
{
	if (screen->held)
		return;
	auto_buf struct buf line = BUF_INIT;
	if (!screen->options.live) {
		progress_straggler(screen->progress, clock_wall_us(), &line);
		if (line.length)
			screen_say(screen, COLOUR_NONE, line.data);
		return;
	}
	int columns = screen->options.columns > 0 ? screen->options.columns : COLUMNS_USUAL;
	progress_line(screen->progress, clock_wall_us(), (size_t)columns - 1, &line);
	if (!line.length && !screen->line_width)
		return;
	fprintf(screen->options.messages, "\r\x1b[K%s", buf_text(&line));
	fflush(screen->options.messages);
	screen->line_width = line.length;
}

int screen_finish(struct screen *screen)
{
	end_partial(screen);
	make_way(screen);
	if (!screen->failed && fflush(screen->options.out) == 0 && !ferror(screen->options.out))
		return 0;
	errno = screen->failed ? screen->failed : errno;
	return -1;
}
