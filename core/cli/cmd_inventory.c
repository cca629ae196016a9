/* `neap inventory`: the inventory as it is understood, in ansible-inventory's forms. */
#include <stdio.h>
#include <string.h>

#include "base/mem.h"
#include "base/suggest.h"
#include "cli/inventories.h"
#include "cli/vaulting.h"
#include "model/inventory.h"

struct inventory_cli {
	struct option_list inventories;
	const char *playbook_dir, *host;
	bool list, graph, vars, list_hosts;
	struct vault_options vault;
	struct inventories_settings settings;
};

static void problems_show(const struct problems *problems)
{
	auto_buf struct buf text = BUF_INIT;
	problems_print(problems, &text, isatty(STDERR_FILENO));
	fputs(buf_text(&text), stderr);
}

static int show_json(json_t *value)
{
	char *text = json_dumps(value, JSON_INDENT(4) | JSON_SORT_KEYS);
	json_decref(value);
	puts(text);
	free(text);
	return command_finish();
}

static int fail(struct err *err)
{
	command_error(err);
	return err_exit_status(err->kind);
}

static int show_host(struct inventory *inventory, const char *name)
{
	struct err err = ERR_INIT;
	const struct host *host = inventory_host(inventory, name);
	if (host)
		return show_json(inventory_host_vars(inventory, host));
	struct suggest suggest;
	suggest_start(&suggest, name);
	for (size_t i = 0; i < inventory_host_count(inventory); i++)
		suggest_offer(&suggest, inventory_host_at(inventory, i)->name);
	err_set(&err, ERR_INPUT, "there is no host \"%s\" in the inventory", name);
	err_hint(&err, suggest.best ? "did you mean \"%s\"?" : "neap inventory --graph shows all of them", suggest.best);
	return fail(&err);
}

static int show_graph(const struct inventory *inventory, const char *group, bool vars)
{
	struct err err = ERR_INIT;
	if (!inventory_group(inventory, group)) {
		struct suggest suggest;
		suggest_start(&suggest, group);
		for (size_t i = 0; i < inventory_group_count(inventory); i++)
			suggest_offer(&suggest, inventory_group_at(inventory, i)->name);
		err_set(&err, ERR_INPUT, "there is no group \"%s\" in the inventory", group);
		err_hint(&err, suggest.best ? "did you mean \"%s\"?" : "neap inventory --graph shows all of them", suggest.best);
		return fail(&err);
	}
	auto_buf struct buf out = BUF_INIT;
	inventory_graph(inventory, group, vars, &out);
	fputs(buf_text(&out), stdout);
	return command_finish();
}

/* The names that a pattern stands for, a line each. */
static int show_hosts(struct inventory *inventory, const char *pattern)
{
	struct err err = ERR_INIT;
	auto_problems struct problems problems = PROBLEMS_INIT;
	auto_free struct host **hosts = NULL;
	size_t count;
	int result = inventory_match(inventory, pattern, &hosts, &count, &problems, &err);
	problems_show(&problems);
	if (result < 0)
		return fail(&err);
	for (size_t i = 0; i < count; i++)
		puts(hosts[i]->name);
	return command_finish();
}

static int inventory_show(const struct inventory_cli *cli, struct inventory *inventory, const char *word)
{
	if (cli->host)
		return show_host(inventory, cli->host);
	if (cli->graph)
		return show_graph(inventory, word ? word : "all", cli->vars);
	if (cli->list_hosts)
		return show_hosts(inventory, word ? word : "all");
	return show_json(inventory_list(inventory));
}

static int inventory_run(const void *given, char **words, int count)
{
	const struct inventory_cli *cli = given;
	struct err err = ERR_INIT;
	if (cli->list + cli->graph + cli->list_hosts + (cli->host != NULL) != 1) {
		err_set(&err, ERR_USAGE, "exactly one of --list, --host, --graph and --list-hosts is needed");
		return fail(&err);
	}
	auto_problems struct problems problems = PROBLEMS_INIT;
	struct inventory *inventory = NULL;
	struct vault *vault = vault_new();
	const struct vault_sources sources = vaulting_sources(&cli->vault);
	vault_match_ids(vault, cli->vault.match_ids);
	if (vault_secrets_read(vault, &sources, &problems, &err) < 0) {
		vault_free(vault);
		problems_show(&problems);
		return fail(&err);
	}
	const struct inventory_options options = inventories_options(&cli->settings, vault);
	int result = inventory_load(&inventory, cli->inventories.items, cli->inventories.count, &options, &problems);
	result |= inventory_add_vars_beside(inventory, cli->playbook_dir ? cli->playbook_dir : ".", &problems);
	problems_show(&problems);
	int status = result < 0 ? 1 : inventory_show(cli, inventory, count ? words[0] : NULL);
	inventory_free(inventory);
	vault_free(vault);
	return status;
}

/* clang-format off */
static const struct option_row inventory_rows[] = {
	{ "inventory", 'i', OPTION_LIST, "SOURCE", NULL, "inventory file, executable, folder, or \"host1,host2,\"", offsetof(struct inventory_cli, inventories), 0, "ANSIBLE_INVENTORY" },
	{ "list", 0, OPTION_FLAG, NULL, NULL, "all groups and hosts with their variables, as JSON", offsetof(struct inventory_cli, list) },
	{ "host", 0, OPTION_STRING, "HOST", NULL, "the variables of one host, as JSON", offsetof(struct inventory_cli, host) },
	{ "graph", 0, OPTION_FLAG, NULL, NULL, "the groups as a tree, from GROUP down", offsetof(struct inventory_cli, graph) },
	{ "list-hosts", 0, OPTION_FLAG, NULL, NULL, "the hosts that a pattern names, in the order in which they run", offsetof(struct inventory_cli, list_hosts) },
	{ "vars", 0, OPTION_FLAG, NULL, NULL, "variables in the tree", offsetof(struct inventory_cli, vars) },
	{ "playbook-dir", 0, OPTION_STRING, "DIR", NULL, "where the playbook is: its group_vars/ and host_vars/ are read as well; here unless given", offsetof(struct inventory_cli, playbook_dir), 0, "ANSIBLE_PLAYBOOK_DIR" },
	VAULT_ROWS(offsetof(struct inventory_cli, vault)),
	{ 0 },
};

static const struct option_row inventory_settings[] = { INVENTORIES_SETTINGS(offsetof(struct inventory_cli, settings)), { 0 } };
/* clang-format on */

static const struct command_example inventory_examples[] = {
	{ "neap inventory -i hosts.json --graph", "see the groups" },
	{ "neap inventory -i hosts.json --host web1", "see what a host's variables come to" },
	{ "neap inventory -i hosts.json --list-hosts 'web:!web3'", "try a pattern" },
	{ 0 },
};

const struct command_row cmd_inventory = {
	.name = "inventory", .arguments = "[GROUP|PATTERN]", .summary = "shows the inventory as it is understood",
	.doc = "What it prints with --list, --host and --graph is what ansible-inventory(1) prints.",
	.options = inventory_rows, .settings = inventory_settings, .examples = inventory_examples, .options_size = sizeof(struct inventory_cli),
	.words_least = 0, .words_most = 1, .run = inventory_run,
};
