/* include_tasks, include_role, import_tasks and import_role: their argument tables. The walk carries the includes out
 * (run/special.h); the imports are blocks by the time a run begins. */
#include "plan/module.h"

static int nothing_to_decide(const struct module *module, const void *wanted, struct decision *decision, struct err *err)
{
	(void)module, (void)wanted, (void)decision, (void)err;
	return 0;
}

static const char *const raw_names[] = { "_raw_params", NULL };
static const char *const role_names[] = { "role", NULL };

/* ---- files of tasks ---- */

#define FILE_ARG(text) { .name = "file", .type = ARG_PATH, .required = true, .aliases = raw_names, .doc = text }
#define APPLY_ARG                                                                                              \
	{ .name = "apply", .type = ARG_DICT,                                                                       \
	  .doc = "Keywords of a block that go for all that is included, such as tags or become. Those on the task " \
	         "itself go for the include alone." }

static const struct arg include_tasks_args[] = {
	FILE_ARG("A file with a list of tasks; it is looked for beside the file it is named in, in the role's tasks/ and beside the "
	         "playbook. A task may give it as a plain string. It may be a template."),
	APPLY_ARG,
	{ 0 },
};

static const struct module_example include_tasks_examples[] = {
	{ "By the system's name", "{\"include_tasks\": \"{{ ansible_facts.os_family | lower }}.json\"}" },
	{ 0 },
};

const struct module include_tasks_module = {
	.name = "include_tasks",
	.doc = "Runs the tasks of a file in this place. The file is read when the play gets there; one that is named by plain text "
	       "is checked before the run all the same. In a loop it is included for each item.",
	.spec = { .args = include_tasks_args, .free_form = "file" },
	.examples = include_tasks_examples,
	.decide = nothing_to_decide,
	.acts_on_run = true,
};

static const struct arg import_tasks_args[] = {
	FILE_ARG("A file with a list of tasks, no template. A task may give it as a plain string."),
	{ 0 },
};

static const struct module_example import_tasks_examples[] = {
	{ "The users first", "{\"import_tasks\": \"users.json\", \"become\": true}" },
	{ 0 },
};

const struct module import_tasks_module = {
	.name = "import_tasks",
	.doc = "Reads the tasks of a file into this place before the run. Its keywords go for each of them, so there is no loop.",
	.spec = { .args = import_tasks_args, .free_form = "file" },
	.examples = import_tasks_examples,
	.decide = nothing_to_decide,
	.acts_on_run = true,
};

/* ---- roles ---- */

#define ROLE_ARGS                                                                                                      \
	{ .name = "name", .required = true, .aliases = role_names, .doc = "The role." },                                   \
	{ .name = "tasks_from", .doc = "A file in the role's tasks/ instead of main." },                                   \
	{ .name = "handlers_from", .doc = "A file in the role's handlers/ instead of main." },                             \
	{ .name = "vars_from", .doc = "A file in the role's vars/ instead of main." },                                     \
	{ .name = "defaults_from", .doc = "A file in the role's defaults/ instead of main." },                             \
	{ .name = "allow_duplicates", .type = ARG_BOOL, .fallback = "true",                                                \
	  .doc = "False: a host that has done the role by another include or import like this one does not do it again." },                                      \
	{ .name = "rolespec_validate", .type = ARG_BOOL, .fallback = "true",                                               \
	  .doc = "Whether the role's arguments are compared with what it says of them (meta/argument_specs)." }

static const struct arg include_role_args[] = {
	ROLE_ARGS,
	APPLY_ARG,
	{ .name = "public", .type = ARG_BOOL, .fallback = "false",
	  .doc = "Whether the role's defaults and vars are there for the tasks that follow." },
	{ 0 },
};

static const struct module_example include_role_examples[] = {
	{ "One part of a role", "{\"include_role\": {\"name\": \"web\", \"tasks_from\": \"certificates\"}, \"when\": \"use_tls\"}" },
	{ 0 },
};

const struct module include_role_module = {
	.name = "include_role",
	.doc = "Runs a role in this place. The role is read when the play gets there; one that is named by plain text is checked "
	       "before the run all the same. In a loop it runs for each item.",
	.spec = { .args = include_role_args },
	.examples = include_role_examples,
	.decide = nothing_to_decide,
	.acts_on_run = true,
};

static const struct arg import_role_args[] = { ROLE_ARGS, { 0 } };

static const struct module_example import_role_examples[] = {
	{ "Between two tasks", "{\"import_role\": {\"name\": \"common\"}, \"vars\": {\"timezone\": \"UTC\"}}" },
	{ 0 },
};

const struct module import_role_module = {
	.name = "import_role",
	.doc = "Reads a role into this place before the run. Its keywords go for each of the role's tasks, so there is no loop.",
	.spec = { .args = import_role_args },
	.examples = import_role_examples,
	.decide = nothing_to_decide,
	.acts_on_run = true,
};
