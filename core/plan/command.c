/* Commands: copying one for keeping, showing one, and saying how it ended. */
#include "plan/command.h"

#include <stdio.h>
#include <string.h>

#include "base/quote.h"
#include "base/text.h"

bool command_succeeded(const struct command_result *result)
{
	return result->ended == ENDED_EXIT && result->code == 0;
}

const char *command_how(const struct command_result *result, char text[64])
{
	switch (result->ended) {
	case ENDED_EXIT:
		snprintf(text, 64, "exit status %d", result->code);
		break;
	case ENDED_SIGNAL:
		snprintf(text, 64, "killed by signal %d", result->code);
		break;
	case ENDED_TIMEOUT:
		snprintf(text, 64, "killed after its time was up");
		break;
	default:
		snprintf(text, 64, "no exit status was received");
	}
	return text;
}

static const char *const *words_copy(struct arena *arena, const char *const *words)
{
	if (!words)
		return NULL;
	size_t count = 0;
	while (words[count])
		count++;
	const char **copy = arena_array(arena, count + 1, sizeof(*copy));
	for (size_t i = 0; i < count; i++)
		copy[i] = arena_str(arena, words[i]);
	return copy;
}

struct command command_copy(struct arena *arena, const struct command *command)
{
	struct command copy = *command;
	copy.argv = words_copy(arena, command->argv);
	copy.script = arena_str(arena, command->script);
	copy.shell = arena_str(arena, command->shell);
	copy.chdir = arena_str(arena, command->chdir);
	copy.local_script = arena_str(arena, command->local_script);
	if (command->input)
		copy.input = arena_copy(arena, command->input, command->input_length);
	return copy;
}

static bool same_words(const char *const *a, const char *const *b)
{
	if (!a || !b)
		return a == b;
	for (; *a && *b; a++, b++) {
		if (strcmp(*a, *b) != 0)
			return false;
	}
	return !*a && !*b;
}

bool command_same(const struct command *a, const struct command *b)
{
	bool same_input = a->input && b->input
	                      ? a->input_length == b->input_length && memcmp(a->input, b->input, a->input_length) == 0
	                      : a->input == b->input;
	bool same_environment = a->environment == b->environment || json_equal(a->environment, b->environment);
	return same_words(a->argv, b->argv) && text_same(a->script, b->script) && text_same(a->shell, b->shell) &&
	       text_same(a->chdir, b->chdir) && text_same(a->local_script, b->local_script) && same_input &&
	       same_environment && a->raw == b->raw;
}

void command_describe(struct buf *buf, const struct command *command)
{
	if (command->secret) {
		buf_str(buf, "(a command that is not shown)");
		return;
	}
	auto_buf struct buf text = BUF_INIT;
	if (command->local_script)
		quote_word(&text, command->local_script);
	if (command->script)
		buf_str(&text, command->script);
	if (command->argv)
		quote_words(&text, command->argv);
	const char *start = buf_text(&text);
	buf_str(buf, start + (*start == ' '));
}
