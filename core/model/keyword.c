/* The table of playbook keywords, and reading of the values that keywords share. */
#include "model/keyword.h"

#include <stdlib.h>
#include <string.h>
#include <strings.h>

enum {
	P = KEYWORD_PLAY, R = KEYWORD_ROLE, B = KEYWORD_BLOCK, T = KEYWORD_TASK, H = KEYWORD_HANDLER,
	TH = T | H, BTH = B | TH, RBTH = R | BTH, ALL = P | RBTH,
};
enum { TEMPLATED = 1, FIXED = 0 };

#define ROW(name, places, type, inherit, templated, doc) \
	{ name, places, KEYWORD_##type, KEYWORD_##inherit, templated, doc }

const struct keyword keywords[] = {
	ROW("action", TH, ANY, OWN, FIXED,
	    "Names the module and its arguments: \"copy src=a dest=b\", or a dictionary with the key module."),
	ROW("always", B, TASKS, OWN, FIXED,
	    "Tasks of a block that run at its end, whether or not something failed."),
	ROW("any_errors_fatal", P | R | BTH, BOOL, NEAREST, TEMPLATED,
	    "A failure on one host ends the play on all hosts once they have finished that task."),
	ROW("args", TH, DICT, OWN, TEMPLATED, "More arguments for the module, as a dictionary."),
	ROW("async", TH, INT, NEAREST, TEMPLATED, "Seconds that a task may run in the background."),
	ROW("become", ALL, BOOL, NEAREST, TEMPLATED, "Whether to act as another user (become_user)."),
	ROW("become_exe", ALL, STRING, NEAREST, TEMPLATED,
	    "The program that changes the user, when it is not the usual path."),
	ROW("become_flags", ALL, STRING, NEAREST, TEMPLATED, "Options for the program that changes the user."),
	ROW("become_method", ALL, STRING, NEAREST, TEMPLATED, "How the user is changed: sudo, su, doas and others."),
	ROW("become_user", ALL, STRING, NEAREST, TEMPLATED, "The user to become; root unless given."),
	ROW("block", B, TASKS, OWN, FIXED, "Tasks that share keywords and error handling."),
	ROW("changed_when", TH, CONDITION, OWN, TEMPLATED,
	    "When the task counts as changed, instead of what the module says."),
	ROW("check_mode", ALL, BOOL, NEAREST, TEMPLATED, "Forces check mode on, or off, whatever the run is."),
	ROW("collections", ALL, LIST, NEAREST, FIXED,
	    "Collections to search; read and ignored, neap has no collections."),
	ROW("connection", ALL, STRING, NEAREST, TEMPLATED, "How to reach the host: ssh or local."),
	ROW("debugger", ALL, STRING, NEAREST, TEMPLATED,
	    "When to stop in the task debugger: always, never, on_failed, on_unreachable, on_skipped."),
	ROW("delay", TH, ANY, OWN, TEMPLATED, "Seconds between two attempts of until; 5 unless given."),
	ROW("delegate_facts", RBTH, BOOL, NEAREST, TEMPLATED,
	    "Facts belong to the host of delegate_to rather than to the one in the loop."),
	ROW("delegate_to", RBTH, STRING, NEAREST, TEMPLATED, "The host to act on instead of the current one."),
	ROW("diff", ALL, BOOL, NEAREST, TEMPLATED, "Shows differences, or not, whatever the run is."),
	ROW("environment", ALL, ANY, MERGE, TEMPLATED,
	    "Environment variables for the commands of the task: a dictionary, or a list of them."),
	ROW("fact_path", P, STRING, OWN, TEMPLATED, "Where local facts are read from."),
	ROW("failed_when", TH, CONDITION, OWN, TEMPLATED,
	    "When the task counts as failed, instead of what the module says."),
	ROW("force_handlers", P, BOOL, OWN, TEMPLATED, "Notified handlers run on hosts that failed as well."),
	ROW("gather_facts", P, BOOL, OWN, TEMPLATED, "Whether facts of the hosts are gathered before the tasks."),
	ROW("gather_subset", P, LIST, OWN, TEMPLATED, "Which facts are gathered."),
	ROW("gather_timeout", P, INT, OWN, TEMPLATED, "Seconds that gathering facts may take."),
	ROW("handlers", P, TASKS, OWN, FIXED,
	    "Tasks that run once, at the end of a section, when another task notified them."),
	ROW("hosts", P, LIST, OWN, TEMPLATED, "The hosts of the play, as a pattern or a list of patterns."),
	ROW("ignore_errors", ALL, BOOL, NEAREST, TEMPLATED, "A failed task is shown, and the host goes on."),
	ROW("ignore_unreachable", ALL, BOOL, NEAREST, TEMPLATED,
	    "An unreachable host is shown, and tried again with the next task."),
	ROW("listen", H, LIST, OWN, FIXED, "Other names under which a handler can be notified."),
	ROW("local_action", TH, ANY, OWN, FIXED, "As action, done on the machine that neap runs on."),
	ROW("loop", TH, ANY, OWN, TEMPLATED, "A list; the task runs once for each element, which is called item."),
	ROW("loop_control", TH, DICT, OWN, TEMPLATED,
	    "Names and habits of a loop: loop_var, index_var, label, pause, extended."),
	ROW("max_fail_percentage", P, PERCENT, OWN, TEMPLATED,
	    "The share of failed hosts beyond which the play ends on all hosts."),
	ROW("module_defaults", ALL, ANY, MERGE, TEMPLATED,
	    "Arguments that modules get where a task does not give them."),
	ROW("name", ALL, STRING, OWN, TEMPLATED, "What the play, block or task is called in reports."),
	ROW("no_log", ALL, BOOL, NEAREST, TEMPLATED, "Keeps arguments and results of the task out of all reports."),
	ROW("notify", BTH, LIST, MERGE, TEMPLATED, "Handlers to run when the task has changed something."),
	ROW("order", P, STRING, OWN, TEMPLATED,
	    "The order of the hosts: inventory, reverse_inventory, sorted, reverse_sorted, shuffle."),
	ROW("poll", TH, INT, NEAREST, TEMPLATED,
	    "Seconds between two looks at a task in the background, 15 unless given; 0: it is not waited for."),
	ROW("port", ALL, INT, NEAREST, TEMPLATED, "The port to connect to."),
	ROW("post_tasks", P, TASKS, OWN, FIXED, "Tasks that run after tasks and their handlers."),
	ROW("pre_tasks", P, TASKS, OWN, FIXED, "Tasks that run before roles."),
	ROW("register", TH, STRING, OWN, FIXED, "The variable that gets the task's result."),
	ROW("remote_user", ALL, STRING, NEAREST, TEMPLATED, "The user to log in as."),
	ROW("rescue", B, TASKS, OWN, FIXED, "Tasks of a block that run when one of its tasks failed."),
	ROW("retries", TH, INT, OWN, TEMPLATED, "How often until tries again; 3 unless given."),
	ROW("roles", P, ANY, OWN, FIXED,
	    "Roles of the play: names, or dictionaries with role, keywords and variables."),
	ROW("run_once", ALL, BOOL, NEAREST, TEMPLATED,
	    "The task runs on the first host only, and its result counts for all."),
	ROW("serial", P, ANY, OWN, TEMPLATED,
	    "How many hosts go through the play at once: a number, a percentage, or a list of them."),
	ROW("strategy", P, STRING, OWN, TEMPLATED,
	    "linear keeps all hosts at the same task; free lets each go on alone."),
	ROW("tags", ALL, LIST, MERGE, TEMPLATED, "Labels that --tags and --skip-tags choose by."),
	ROW("tasks", P, TASKS, OWN, FIXED, "The tasks of the play, which run after its roles."),
	ROW("throttle", ALL, INT, NEAREST, TEMPLATED, "How many hosts may run the task at the same time."),
	ROW("timeout", ALL, INT, NEAREST, TEMPLATED, "Seconds after which the task is ended as failed."),
	ROW("until", TH, CONDITION, OWN, TEMPLATED, "The task is repeated (retries, delay) until this holds."),
	ROW("vars", ALL, DICT, MERGE, TEMPLATED, "Variables for what it stands on, as a dictionary."),
	ROW("vars_files", P, ANY, OWN, TEMPLATED,
	    "Files with variables; of a list within the list, the first that exists."),
	ROW("vars_prompt", P, ANY, OWN, FIXED, "Variables to ask the user for."),
	ROW("when", RBTH, CONDITION, MERGE, TEMPLATED, "The task runs only where this holds."),
	ROW("with_cartesian", TH, ANY, OWN, TEMPLATED, "An older form of loop, over all combinations."),
	ROW("with_dict", TH, ANY, OWN, TEMPLATED, "An older form of loop, over the members of a dictionary."),
	ROW("with_env", TH, ANY, OWN, TEMPLATED, "An older form of loop, over environment variables."),
	ROW("with_file", TH, ANY, OWN, TEMPLATED, "An older form of loop, over the contents of files."),
	ROW("with_fileglob", TH, ANY, OWN, TEMPLATED, "An older form of loop, over the files that match a pattern."),
	ROW("with_first_found", TH, ANY, OWN, TEMPLATED, "An older form of loop, over the first file that exists."),
	ROW("with_flattened", TH, ANY, OWN, TEMPLATED,
	    "An older form of loop: lists within the list are dissolved."),
	ROW("with_indexed_items", TH, ANY, OWN, TEMPLATED,
	    "An older form of loop, over pairs of number and element."),
	ROW("with_inventory_hostnames", TH, ANY, OWN, TEMPLATED,
	    "An older form of loop, over the hosts of a pattern."),
	ROW("with_items", TH, ANY, OWN, TEMPLATED,
	    "An older form of loop: lists directly in the list are dissolved."),
	ROW("with_lines", TH, ANY, OWN, TEMPLATED, "An older form of loop, over the lines a command prints."),
	ROW("with_list", TH, ANY, OWN, TEMPLATED, "An older form of loop, over the list as it is."),
	ROW("with_nested", TH, ANY, OWN, TEMPLATED, "An older form of loop, over all combinations."),
	ROW("with_pipe", TH, ANY, OWN, TEMPLATED, "An older form of loop, over what commands print."),
	ROW("with_random_choice", TH, ANY, OWN, TEMPLATED, "An older form of loop, over one element by chance."),
	ROW("with_sequence", TH, ANY, OWN, TEMPLATED, "An older form of loop, over numbers."),
	ROW("with_subelements", TH, ANY, OWN, TEMPLATED,
	    "An older form of loop, over the lists inside of dictionaries."),
	ROW("with_template", TH, ANY, OWN, TEMPLATED, "An older form of loop, over filled templates."),
	ROW("with_together", TH, ANY, OWN, TEMPLATED, "An older form of loop, over several lists side by side."),
	ROW("with_url", TH, ANY, OWN, TEMPLATED, "An older form of loop, over the contents of URLs."),
	ROW("with_vars", TH, ANY, OWN, TEMPLATED, "An older form of loop, over values of variables."),
};

const size_t keyword_count = sizeof(keywords) / sizeof(*keywords);

static int compare(const void *name, const void *keyword)
{
	return strcmp(name, ((const struct keyword *)keyword)->name);
}

const struct keyword *keyword_find(const char *name)
{
	return bsearch(name, keywords, keyword_count, sizeof(*keywords), compare);
}

bool keyword_is_loop(const char *name) { return strcmp(name, "loop") == 0 || strncmp(name, "with_", 5) == 0; }

const char *const *keyword_choices(const struct keyword *keyword)
{
	static const struct { const char *name, *words[10]; } rows[] = { /* the last of each is NULL */
		{ "become_method", { "sudo", "su", "doas" } },
		{ "connection", { "ssh", "local", "smart", "paramiko", "paramiko_ssh", "ansible.builtin.ssh", "ansible.builtin.local" } },
		{ "debugger", { "always", "never", "on_failed", "on_unreachable", "on_skipped" } },
		{ "order", { "inventory", "reverse_inventory", "sorted", "reverse_sorted", "shuffle" } },
		{ "strategy", { "linear", "free", "host_pinned", "debug", "ansible.builtin.linear", "ansible.builtin.free",
		  "ansible.builtin.host_pinned", "ansible.builtin.debug" } },
	};
	for (size_t i = 0; i < sizeof(rows) / sizeof(*rows); i++)
		if (strcmp(rows[i].name, keyword->name) == 0)
			return rows[i].words;
	return NULL;
}

int keyword_bool(const json_t *value)
{
	static const char *const words[2][9] = {
		{ "false", "no", "off", "n", "f", "0", "0.0", NULL },
		{ "true", "yes", "on", "y", "t", "1", "1.0", NULL },
	};
	if (json_is_boolean(value))
		return json_is_true(value);
	if (json_is_integer(value))
		return json_integer_value(value) == 0 ? 0 : json_integer_value(value) == 1 ? 1 : -1;
	for (int truth = 0; json_is_string(value) && truth < 2; truth++)
		for (size_t i = 0; words[truth][i]; i++)
			if (strcasecmp(json_string_value(value), words[truth][i]) == 0)
				return truth;
	return -1;
}
