/* `neap run`: playbooks on the hosts of an inventory. */
#include <stdlib.h>
#include <string.h>

#include "cli/running.h"

struct run_cli {
	struct running_options running;
	struct option_list tags, skip_tags, role_paths, gather_subset;
	const char *start_at_task, *fact_cache;
	const char *cache, *cache_folder, *cache_seconds, *gathering; /* by settings only */
	const char *cache_prefix, *fact_path;
	int gather_timeout;
	bool any_errors_fatal, private_roles; /* the same */
	bool step, force_handlers, list_tasks, list_tags, syntax_check, flush_cache;
};

/* Of Ansible's caches the one that is a folder of JSON files. */
static void set_facts(const struct run_cli *cli, struct run_options *run)
{
	const char *dot = cli->cache ? strrchr(cli->cache, '.') : NULL;
	bool is_folder = cli->cache && strcmp(dot ? dot + 1 : cli->cache, "jsonfile") == 0;
	run->fact_cache = cli->fact_cache ? cli->fact_cache : is_folder ? cli->cache_folder : NULL;
	run->fact_cache_seconds = cli->cache_seconds ? strtoll(cli->cache_seconds, NULL, 10) : 24 * 60 * 60;
	run->fact_cache_prefix = cli->cache_prefix;
	run->defaults.gather_subset = cli->gather_subset.items;
	run->defaults.gather_subset_count = cli->gather_subset.count;
	run->defaults.gather_timeout_s = cli->gather_timeout;
	run->defaults.fact_path = cli->fact_path;
	if (cli->gathering && strcmp(cli->gathering, "explicit") == 0)
		run->gathering = RUN_GATHER_EXPLICIT;
	else if (cli->gathering && strcmp(cli->gathering, "implicit") == 0)
		run->gathering = RUN_GATHER_IMPLICIT;
}

static int run_run(const void *given, char **words, int count)
{
	const struct run_cli *cli = given;
	struct run_options run = running_to_run(&cli->running);
	run.playbooks = (const char *const *)words;
	run.playbook_count = (size_t)count;
	run.tags = cli->tags.items;
	run.tag_count = cli->tags.count;
	run.skip_tags = cli->skip_tags.items;
	run.skip_tag_count = cli->skip_tags.count;
	run.role_paths = cli->role_paths.items;
	run.role_path_count = cli->role_paths.count;
	run.start_at_task = cli->start_at_task;
	run.step = cli->step;
	run.force_handlers = cli->force_handlers;
	run.any_errors_fatal = cli->any_errors_fatal;
	run.has_private_roles = cli->private_roles;
	run.syntax_check = cli->syntax_check;
	run.flush_cache = cli->flush_cache;
	set_facts(cli, &run);
	run.list |= (cli->list_tasks ? (unsigned)RUN_LIST_TASKS : 0) | (cli->list_tags ? (unsigned)RUN_LIST_TAGS : 0);
	return running_go(&cli->running, &run);
}

#define AT(member) offsetof(struct run_cli, member)

/* clang-format off */
static const struct option_row run_rows[] = {
	RUNNING_ROWS,
	{ "tags", 't', OPTION_LIST, "TAGS", NULL, "only tasks with one of these tags", AT(tags), ',', "ANSIBLE_RUN_TAGS" },
	{ "skip-tags", 0, OPTION_LIST, "TAGS", NULL, "no tasks with one of these tags", AT(skip_tags), ',', "ANSIBLE_SKIP_TAGS" },
	{ "start-at-task", 0, OPTION_STRING, "NAME", NULL, "begin with the task of this name", AT(start_at_task) },
	{ "step", 0, OPTION_FLAG, NULL, NULL, "ask before each task", AT(step) },
	{ "force-handlers", 0, OPTION_FLAG, NULL, NULL, "run notified handlers also where a task failed", AT(force_handlers), 0, "ANSIBLE_FORCE_HANDLERS" },
	{ "fact-cache", 0, OPTION_STRING, "FOLDER", NULL, "keep facts there from run to run, and use what is there", AT(fact_cache) },
	{ "flush-cache", 0, OPTION_FLAG, NULL, NULL, "forget cached facts first", AT(flush_cache) },
	{ "roles-path", 0, OPTION_LIST, "FOLDER", NULL, "folders of roles, besides roles/ beside the playbook", AT(role_paths), ':', "ANSIBLE_ROLES_PATH" },
	{ "syntax-check", 0, OPTION_FLAG, NULL, NULL, "check the playbook, connect to nothing, and stop", AT(syntax_check) },
	{ "list-tasks", 0, OPTION_FLAG, NULL, NULL, "list the tasks it would run, and stop", AT(list_tasks) },
	{ "list-tags", 0, OPTION_FLAG, NULL, NULL, "list the tags there are, and stop", AT(list_tags) },
	{ 0 },
};

static const struct option_row run_settings[] = {
	RUNNING_SETTINGS,
	{ "any-errors-fatal", 0, OPTION_FLAG, NULL, NULL, NULL, AT(any_errors_fatal), 0, "ANSIBLE_ANY_ERRORS_FATAL" },
	{ "cache", 0, OPTION_STRING, NULL, NULL, NULL, AT(cache), 0, "ANSIBLE_CACHE_PLUGIN" },
	{ "cache-folder", 0, OPTION_STRING, NULL, NULL, NULL, AT(cache_folder), 0, "ANSIBLE_CACHE_PLUGIN_CONNECTION" },
	{ "cache-seconds", 0, OPTION_STRING, NULL, NULL, NULL, AT(cache_seconds), 0, "ANSIBLE_CACHE_PLUGIN_TIMEOUT" },
	{ "cache-prefix", 0, OPTION_STRING, NULL, NULL, NULL, AT(cache_prefix), 0, "ANSIBLE_CACHE_PLUGIN_PREFIX" },
	{ "fact-path", 0, OPTION_STRING, NULL, NULL, NULL, AT(fact_path), 0, "ANSIBLE_FACT_PATH" },
	{ "gather-subset", 0, OPTION_LIST, NULL, NULL, NULL, AT(gather_subset), ',', "ANSIBLE_GATHER_SUBSET" },
	{ "gather-timeout", 0, OPTION_INT, NULL, NULL, NULL, AT(gather_timeout), 0, "ANSIBLE_GATHER_TIMEOUT" },
	{ "private-roles", 0, OPTION_FLAG, NULL, NULL, NULL, AT(private_roles), 0, "ANSIBLE_PRIVATE_ROLE_VARS" },
	{ "gathering", 0, OPTION_STRING, NULL, NULL, NULL, AT(gathering), 0, "ANSIBLE_GATHERING" },
	{ 0 },
};
/* clang-format on */

static const struct option_absent run_absent[] = { RUNNING_ABSENT, { 0 } };

static const struct command_example run_examples[] = {
	{ "neap run site.json -i hosts.json", "make the hosts as the playbook describes them" },
	{ "neap run site.json -i hosts.json -l web -C -D", "show what that would change on the web hosts" },
	{ "neap run site.json -i 'web1,' -t deploy -e version=1.4", "the tasks tagged deploy, on one host" },
	{ 0 },
};

const struct command_row cmd_run = {
	.name = "run", .arguments = "PLAYBOOK...", .summary = "runs playbooks on the hosts of an inventory",
	.doc = "The whole playbook, its roles and the inventory are checked before the first connection. A second run of a\n"
	       "playbook that has done its work changes nothing. The options have the names they have in ansible-playbook.",
	.options = run_rows, .settings = run_settings, .tells_ignored = true, .absent = run_absent, .examples = run_examples, .options_size = sizeof(struct run_cli),
	.words_least = 1, .words_most = -1, .run = run_run,
};
