/* command: a program with its arguments, without a shell. */
#include "base/buf.h"
#include "base/quote.h"
#include "modules/command_task.h"
#include "plan/path.h"

struct command_want {
	const char *cmd, *chdir, *creates, *removes, *stdin_text;
	json_t *argv;
	int stdin_add_newline, strip_empty_ends;
};

static const struct arg command_args[] = {
	{ .name = "cmd", .aliases = command_task_names, .offset = offsetof(struct command_want, cmd),
	  .doc = "The command line. It is split into words as a shell would, but no shell runs: pipes, redirections and globs "
	         "mean nothing. A leading ~ and $NAME are replaced by the target's values. A task may give it as a plain string." },
	{ .name = "argv", .type = ARG_LIST, .offset = offsetof(struct command_want, argv),
	  .doc = "The command as a list of words, for words with spaces or quotes in them." },
	COMMAND_ARGS(command_want),
	{ 0 },
};

static const struct rule command_rules[] = {
	{ .kind = RULE_EXCLUSIVE, .names = (const char *const[]){ "cmd", "argv", NULL } },
	{ .kind = RULE_ONE_OF, .names = (const char *const[]){ "cmd", "argv", NULL } },
	{ 0 },
};

static const struct module_example command_examples[] = {
	{ "Run a program", "{\"name\": \"kernel version\", \"command\": \"uname -r\", \"register\": \"kernel\"}" },
	{ "Run it only once", "{\"name\": \"make the database\", \"command\": {\"argv\": [\"initdb\", \"-D\", \"/srv/db\"], "
	                      "\"creates\": \"/srv/db/PG_VERSION\"}}" },
	{ 0 },
};

static const struct module_return command_returns[] = {
	{ "cmd", "list", "The words of the command." },
	{ "rc", "int", "Its exit status; negative: the signal that killed it. 2 or 13 where the program is not there or must not be run." },
	COMMAND_OUTPUT_RETURNS,
	COMMAND_TIME_RETURNS,
	{ "msg", "str", "Why it was not run, or failed." },
	{ 0 },
};

/* The words, or NULL after the task was failed. */
static const char *const *words_of(const struct command_want *want, struct decision *decision)
{
	const char *why = NULL;
	const char *const *words = NULL;
	if (want->cmd && !(words = command_task_split(&decision->arena, want->cmd, &why))) {
		result_int(decision, "rc", 256);
		result_fail(decision, "%s: %s", why, want->cmd);
		return NULL;
	}
	if (!want->cmd) {
		const char **list = arena_array(&decision->arena, json_array_size(want->argv) + 1, sizeof(*list));
		for (size_t i = 0; i < json_array_size(want->argv); i++)
			list[i] = json_string_value(json_array_get(want->argv, i));
		words = list;
	}
	if (words[0])
		return words;
	result_int(decision, "rc", 256);
	result_fail(decision, "no command given");
	return NULL;
}

/* Where a word needs the target to replace something in it, sh does that, and nothing else. */
static void set_words(struct command *command, const char *const *words, struct arena *arena)
{
	bool expandable = false;
	for (const char *const *word = words; *word; word++)
		expandable = expandable || path_is_expandable(*word);
	if (!expandable) {
		command->argv = words;
		return;
	}
	auto_buf struct buf script = BUF_INIT;
	buf_str(&script, "exec");
	for (const char *const *word = words; *word; word++) {
		buf_char(&script, ' ');
		if (path_is_expandable(*word))
			path_quote(&script, *word);
		else
			quote_word(&script, *word);
	}
	command->script = arena_str(arena, buf_text(&script));
}

/* The command as one text. */
static const char *line_of(const struct command_want *want, const char *const *words, struct decision *decision)
{
	if (want->cmd)
		return want->cmd;
	auto_buf struct buf line = BUF_INIT;
	for (const char *const *word = words; *word; word++) {
		buf_str(&line, word == words ? "" : " ");
		quote_word(&line, *word);
	}
	return arena_str(&decision->arena, buf_text(&line));
}

static int command_decide(const struct module *module, const void *wanted, struct decision *decision, struct err *err)
{
	(void)module, (void)err;
	const struct command_want *want = wanted;
	const char *const *words = words_of(want, decision);
	if (!words)
		return 0;
	auto_json json_t *shown = json_array();
	for (const char *const *word = words; *word; word++)
		json_array_append_new(shown, json_string(*word));
	const char *chdir = path_expand(decision, want->chdir);
	const struct command_task task = {
		.program = words[0], .line = line_of(want, words, decision), .creates = want->creates, .removes = want->removes,
		.chdir = chdir, .strip = want->strip_empty_ends, .shown = shown,
	};
	if (!chdir || !command_task_wanted(decision, &task))
		return 0;
	struct command command = { .chdir = *chdir ? chdir : NULL };
	set_words(&command, words, &decision->arena);
	command_task_give(decision, &command, want->stdin_text, want->stdin_add_newline);
	return command_task_run(decision, &task, &command);
}

const struct module command_module = {
	.name = "command",
	.doc = "Runs a program on the target, without a shell.",
	.spec = { .args = command_args, .rules = command_rules, .free_form = "cmd", .want_size = sizeof(struct command_want) },
	.examples = command_examples,
	.returns = command_returns,
	.decide = command_decide,
	.judged_by_status = true,
	.can_detach = true,
};
