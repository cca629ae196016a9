/* script: a script of the controller, sent to the target and run there. */
#include "modules/command_task.h"
#include "plan/path.h"

struct script_want {
	const char *cmd, *chdir, *creates, *removes, *executable;
	int decrypt;
};

static const struct arg script_args[] = {
	{ .name = "cmd", .aliases = command_task_names, .required = true, .offset = offsetof(struct script_want, cmd),
	  .controller_path = true,
	  .doc = "The script's path, looked up in files/ beside the role and the playbook, and its arguments, split into words "
	         "as a shell would. A task may give it as a plain string." },
	{ .name = "chdir", .type = ARG_PATH, .offset = offsetof(struct script_want, chdir),
	  .doc = "The directory to run in.", .pattern = "^/", .pattern_doc = "be an absolute path" },
	{ .name = "creates", .type = ARG_PATH, .offset = offsetof(struct script_want, creates),
	  .doc = "A path. Where it exists, the task is skipped." },
	{ .name = "removes", .type = ARG_PATH, .offset = offsetof(struct script_want, removes),
	  .doc = "A path. Where it does not exist, the task is skipped." },
	{ .name = "decrypt", .type = ARG_BOOL, .fallback = "true", .offset = offsetof(struct script_want, decrypt),
	  .doc = "Of a script that is sealed by Ansible Vault, sends what is sealed in it." },
	{ .name = "executable", .offset = offsetof(struct script_want, executable),
	  .doc = "The program that reads the script, with its options. Without it the script's first line says." },
	{ 0 },
};

static const struct module_example script_examples[] = {
	{ "Run a script once", "{\"name\": \"install the agent\", \"script\": {\"cmd\": \"install.sh --quiet\", "
	                       "\"creates\": \"/opt/agent\"}}" },
	{ "Name the interpreter", "{\"name\": \"report\", \"script\": \"report.py --all executable=python3\"}" },
	{ 0 },
};

static const struct module_return script_returns[] = {
	{ "rc", "int", "The exit status." },
	COMMAND_OUTPUT_RETURNS,
	{ 0 },
};

/* 1: run it; 0: not answered yet, or skipped. */
static int is_wanted(const struct script_want *want, struct decision *decision)
{
	const char *creates = path_expand(decision, want->creates), *removes = path_expand(decision, want->removes);
	if (!creates || !removes)
		return 0;
	const struct stat_answer *created = *creates ? ask_stat(decision, creates, ASK_NO_FOLLOW) : NULL;
	const struct stat_answer *removable = *removes ? ask_stat(decision, removes, ASK_NO_FOLLOW) : NULL;
	if ((*creates && !created) || (*removes && !removable))
		return 0;
	if (created && created->type)
		return result_skip(decision, "%s exists, matching creates option", want->creates);
	if (removable && !removable->type)
		return result_skip(decision, "%s does not exist, matching removes option", want->removes);
	return 1;
}

static int script_run(const struct script_want *want, struct decision *decision, const char *path,
                      const char *const *words)
{
	if (result_is_check(decision)) {
		if (!want->creates && !want->removes)
			return result_skip(decision, "Check mode is not supported for this task.");
		result_changed(decision, true);
		return 0;
	}
	const struct command command = {
		.local_script = path, .opens = want->decrypt, .argv = words, .chdir = want->chdir, .shell = want->executable,
	};
	const struct outcome *outcome = step_run(decision, &(struct step_run){ .command = command, .live = true });
	if (!outcome)
		return 0;
	result_command(decision, &outcome->run, false);
	for (const char *const *key = (const char *const[]){ "start", "end", "delta", NULL }; *key; key++)
		json_object_del(decision->result, *key);
	return command_succeeded(&outcome->run) ? 0 : result_fail(decision, "non-zero return code");
}

static int script_decide(const struct module *module, const void *wanted, struct decision *decision, struct err *err)
{
	(void)module, (void)err;
	const struct script_want *want = wanted;
	const char *why = NULL;
	const char *const *words = command_task_split(&decision->arena, want->cmd, &why);
	if (!words)
		return result_fail(decision, "%s: %s", why, want->cmd);
	if (!words[0])
		return result_fail(decision, "no script given");
	if (!is_wanted(want, decision))
		return 0;
	const struct answer *found = ask_find(decision, words[0], "files");
	if (!found)
		return 0;
	if (found->state != ANSWER_OK)
		return result_fail(decision, "Could not find or access '%s'%s%s", words[0], found->why ? ": " : "",
		                   found->why ? found->why : "");
	/* Only to hear now of a sealed script that cannot be opened. */
	const struct answer *digest = ask_local(decision, &(struct ask){ .kind = ASK_HASH, .path = found->found, .algorithm = "sha1",
	                                                                 .opens = want->decrypt });
	if (digest && digest->state != ANSWER_OK)
		return result_fail(decision, "Script %s not readable: %s", found->found, digest->why ? digest->why : "");
	return digest ? script_run(want, decision, found->found, words + 1) : 0;
}

const struct module script_module = {
	.name = "script",
	.doc = "Sends a script to the target and runs it there.",
	.spec = { .args = script_args, .free_form = "cmd", .want_size = sizeof(struct script_want) },
	.examples = script_examples,
	.returns = script_returns,
	.decide = script_decide,
};
