/* Commands for the target's sh. */
#include "run/command_text.h"

#include "base/mem.h"
#include "base/quote.h"

void command_text_path(struct buf *text, const char *path)
{
	buf_char(text, ' ');
	if (path[0] != '-') {
		quote_word(text, path);
		return;
	}
	auto_free char *safe = mem_printf("./%s", path);
	quote_word(text, safe);
}

void command_text_result(struct arena *arena, const struct wire_outcome *from, struct command_result *to)
{
	static const enum ended ends[] = {
		[WIRE_EXITED] = ENDED_EXIT,
		[WIRE_SIGNALLED] = ENDED_SIGNAL,
		[WIRE_TIMED_OUT] = ENDED_TIMEOUT,
		[WIRE_UNKNOWN] = ENDED_UNKNOWN,
	};
	*to = (struct command_result){
		.ended = ends[from->ended],
		.code = from->code,
		.output = arena_copy(arena, from->output.data, from->output.length),
		.output_length = from->output.length,
		.errors = arena_copy(arena, from->errors.data, from->errors.length),
		.errors_length = from->errors.length,
		.cut = from->cut,
		.start_us = from->start_us,
		.end_us = from->end_us,
	};
}

static void add_environment(struct buf *text, json_t *environment)
{
	const char *name;
	json_t *value;
	json_object_foreach(environment, name, value) {
		if (!json_is_string(value))
			continue;
		buf_printf(text, "export %s=", name);
		quote_word(text, json_string_value(value));
		buf_str(text, "\n");
	}
}

void command_text(struct buf *text, const struct command *command, json_t *environment)
{
	if (command->raw) {
		buf_str(text, command->script);
		return;
	}
	add_environment(text, environment);
	add_environment(text, command->environment);
	if (command->chdir) {
		buf_str(text, "cd");
		command_text_path(text, command->chdir);
		buf_str(text, " || exit 1\n");
	}
	buf_str(text, "exec");
	if (command->argv && !command->script) {
		quote_words(text, command->argv);
		return;
	}
	buf_char(text, ' ');
	quote_word(text, command->shell ? command->shell : "/bin/sh");
	buf_str(text, " -c ");
	quote_word(text, command->script);
}
