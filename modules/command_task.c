/* Running a command as a task: creates and removes, check mode, the result's keys. */
#include "modules/command_task.h"

#include <string.h>

#include "base/buf.h"
#include "base/mem.h"
#include "modules/async_job.h"
#include "plan/path.h"

const char *const command_task_names[] = { "_raw_params", "free_form", NULL };

/* Whether there is something of that name or pattern, of which a relative one is in folder; -1: not answered yet. */
static int is_there(struct decision *decision, const char *written, const char *folder)
{
	const char *path = path_expand(decision, written);
	if (!path)
		return -1;
	if (folder && *folder && *path != '/')
		path = path_join(decision, folder, path);
	if (!strpbrk(path, "*?[")) {
		const struct stat_answer *stat = ask_stat(decision, path, ASK_NO_FOLLOW);
		return stat ? stat->type != 0 : -1;
	}
	const struct answer *answer = ask_glob(decision, path);
	if (!answer)
		return -1;
	if (answer->state == ANSWER_DENIED || answer->state == ANSWER_FAILED) {
		result_fail(decision, "cannot look for %s: %s", path, answer->why ? answer->why : "no reason was given");
		return -1;
	}
	return answer->state == ANSWER_OK && answer->glob.count > 0;
}

static int set_untouched(struct decision *decision, const char *path, const char *how)
{
	char *text = mem_printf("skipped, since %s %s", path, how);
	result_str(decision, "stdout", text);
	result_set(decision, "stdout_lines", json_pack("[s]", text));
	free(text);
	text = mem_printf("%s not run command since '%s' %s", result_is_check(decision) ? "Would" : "Did", path, how);
	result_str(decision, "msg", text);
	free(text);
	result_changed(decision, false);
	if (!decision->async_s || result_is_check(decision))
		return 0;
	if (!decision->poll_s)
		return async_job_run(decision, NULL, true);
	result_int(decision, "started", 1);
	result_int(decision, "finished", 1);
	return 0;
}

static void set_nothing_run(struct decision *decision, const struct command_task *task)
{
	result_set(decision, "cmd", task->shown ? json_deep_copy(task->shown) : json_null());
	result_int(decision, "rc", 0);
	for (const char *const *key = (const char *const[]){ "start", "end", "delta", NULL }; *key; key++)
		result_set(decision, *key, json_null());
	for (const char *const *key = (const char *const[]){ "stdout", "stderr", "msg", NULL }; *key; key++)
		result_str(decision, *key, "");
	result_set(decision, "stdout_lines", json_array());
	result_set(decision, "stderr_lines", json_array());
}

int command_task_wanted(struct decision *decision, const struct command_task *task)
{
	int created = task->creates ? is_there(decision, task->creates, task->chdir) : 0;
	int removable = task->removes ? is_there(decision, task->removes, task->chdir) : 1;
	if (created < 0 || removable < 0 || decision->failed)
		return 0;
	set_nothing_run(decision, task);
	if (created)
		return set_untouched(decision, path_expand(decision, task->creates), "exists");
	if (!removable)
		return set_untouched(decision, path_expand(decision, task->removes), "does not exist");
	if (!result_is_check(decision))
		return 1;
	if (task->creates || task->removes) {
		result_str(decision, "msg", "Command would have run if not in check mode");
		result_changed(decision, true);
		return 0;
	}
	return result_skip(decision, "Command would have run if not in check mode");
}

void command_task_judge(struct decision *decision, const struct command_result *run, bool strip)
{
	char how[64];
	result_command(decision, run, strip);
	if (run->ended == ENDED_EXIT && run->code != 0)
		result_fail(decision, "non-zero return code");
	else if (!command_succeeded(run))
		result_fail(decision, "the command did not end by itself: %s", command_how(run, how));
	else
		result_str(decision, "msg", "");
}

/* Whether what sh said is that it could not run the program: "sh: 1: exec: PROGRAM: not found" in the words of each shell. */
static bool was_not_run(const struct command_result *run, const char *program, const char *said)
{
	const char *end = run->errors + run->errors_length, *line = run->errors;
	for (const char *stop; line < end; line = stop + 1) {
		stop = memchr(line, '\n', (size_t)(end - line));
		stop = stop ? stop : end;
		const char *named = memmem(line, (size_t)(stop - line), program, strlen(program));
		if (!run->output_length && named > line && named[-1] == ' ' && named[strlen(program)] == ':' &&
		    memmem(named, (size_t)(stop - named), said, strlen(said)))
			return true;
	}
	return false;
}

/* A program that is not there, or must not be run, as Ansible tells of it; false: it ran. */
static bool tell_not_run(struct decision *decision, const struct command_task *task, const struct command_result *run)
{
	static const struct { int status, number; const char *said, *means; } rows[] = {
		{ 127, 2, "not found", "No such file or directory" }, { 127, 2, "No such file", "No such file or directory" },
		{ 126, 13, "ermission denied", "Permission denied" },
	};
	for (size_t i = 0; task->program && run->ended == ENDED_EXIT && i < sizeof(rows) / sizeof(*rows); i++) {
		if (run->code != rows[i].status || !was_not_run(run, task->program, rows[i].said))
			continue;
		json_decref(result_take(decision));
		result_stream(decision, "stdout", "", 0);
		result_stream(decision, "stderr", "", 0);
		result_str(decision, "cmd", task->line);
		result_int(decision, "rc", rows[i].number);
		result_changed(decision, false);
		result_fail(decision, "[Errno %d] %s: b'%s'", rows[i].number, rows[i].means, task->program);
		return true;
	}
	return false;
}

void command_task_give(struct decision *decision, struct command *command, const char *text, bool newline)
{
	if (!text)
		return;
	command->input = arena_printf(&decision->arena, "%s%s", text, newline ? "\n" : "");
	command->input_length = strlen(command->input);
}

int command_task_run(struct decision *decision, const struct command_task *task, const struct command *command)
{
	if (decision->async_s)
		return async_job_run(decision, command, task->strip);
	const struct outcome *outcome = step_run(decision, &(struct step_run){ .command = *command, .live = true });
	if (outcome && !tell_not_run(decision, task, &outcome->run))
		command_task_judge(decision, &outcome->run, task->strip);
	return 0;
}

/* ---- words ---- */

/* One word into buf; the text behind it, or NULL where a quote does not end. */
static const char *split_word(struct buf *word, const char *text)
{
	for (char quote = 0; *text && (quote || !strchr(" \t\r\n", *text)); text++) {
		if (quote == *text)
			quote = 0;
		else if (!quote && (*text == '\'' || *text == '"'))
			quote = *text;
		else if (*text == '\\' && quote != '\'' && text[1] && (!quote || strchr("\\\"", text[1])))
			buf_char(word, *++text);
		else
			buf_char(word, *text);
		if (quote && !text[1])
			return NULL;
	}
	return text;
}

const char *const *command_task_split(struct arena *arena, const char *text, const char **why)
{
	size_t count = 0, room = 0;
	auto_free const char **words = NULL;
	for (;;) {
		text += strspn(text, " \t\r\n");
		mem_grow(words, count, room);
		words[count] = NULL;
		if (!*text)
			break;
		auto_buf struct buf word = BUF_INIT;
		text = split_word(&word, text);
		if (!text) {
			*why = "a quote is opened and not closed";
			return NULL;
		}
		words[count++] = arena_copy(arena, buf_text(&word), word.length);
	}
	return arena_copy(arena, words, (count + 1) * sizeof(*words));
}
