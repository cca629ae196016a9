/* The commands of a host in memory: what a case says they give. */
#include "plan/model_host_inside.h"

#include <string.h>

/* A script is given whole, or its start with a "*" behind. */
static bool is_script(const char *canned, const char *script)
{
	size_t length = strlen(canned);
	if (length && canned[length - 1] == '*')
		return strncmp(canned, script, length - 1) == 0;
	return strcmp(canned, script) == 0;
}

static bool is_command(json_t *canned, const struct command *command)
{
	const char *script = json_string_value(json_object_get(canned, "script"));
	if (script || command->script)
		return script && command->script && is_script(script, command->script);
	json_t *argv = json_object_get(canned, "argv");
	size_t count = 0;
	while (command->argv && command->argv[count])
		count++;
	if (count != json_array_size(argv))
		return false;
	for (size_t i = 0; i < count; i++) {
		const char *word = json_string_value(json_array_get(argv, i));
		if (!word || (strcmp(word, "*") != 0 && strcmp(word, command->argv[i]) != 0)) /* "*": any word */
			return false;
	}
	return count > 0;
}

json_t *model_command_find(struct model_host *host, const struct command *command)
{
	size_t i;
	json_t *canned;
	json_array_foreach(host->commands, i, canned) {
		if (is_command(canned, command))
			return canned;
	}
	return NULL;
}

static const char *stream_of(struct arena *arena, json_t *canned, const char *name, size_t *length)
{
	auto_buf struct buf bytes = BUF_INIT;
	const char *text = json_string_value(json_object_get(canned, name));
	model_host_bytes(&bytes, text ? text : "");
	*length = bytes.length;
	return arena_copy(arena, buf_text(&bytes), bytes.length);
}

void model_command_fill(struct model_host *host, struct arena *arena, json_t *canned, struct command_result *run)
{
	*run = (struct command_result){ .ended = ENDED_EXIT, .code = (int)json_integer_value(json_object_get(canned, "rc")) };
	run->output = stream_of(arena, canned, "stdout", &run->output_length);
	run->errors = stream_of(arena, canned, "stderr", &run->errors_length);
	run->start_us = run->end_us = (int64_t)host->files.clock * 1000000;
}
