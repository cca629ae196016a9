/* `neap explain`: where a variable's value comes from on a host, and which others it hides. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/file.h"
#include "base/mem.h"
#include "base/suggest.h"
#include "cli/inventories.h"
#include "cli/vaulting.h"
#include "model/inventory.h"
#include "model/playbook.h"
#include "run/extra_vars.h"
#include "run/mask.h"

struct explain_cli {
	struct option_list inventories, extra_vars, role_paths;
	const char *host;
	struct vault_options vault;
	struct inventories_settings settings;
};

struct finding {
	enum vars_level level;
	char *origin; /* owned */
	json_t *value;
};

struct explain {
	const char *name;
	struct inventory *inventory;
	struct playbook *playbook;
	struct vault *vault;
	struct mask *mask;        /* what was opened */
	json_t *extra;
	bool merges;              /* hash_behaviour */
	struct finding *findings; /* lowest precedence first */
	size_t count, room;
	char **inside;            /* where blocks and tasks set it for themselves; owned */
	size_t inside_count, inside_room;
};

static void add(struct explain *explain, enum vars_level level, const char *origin, json_t *value)
{
	mem_grow(explain->findings, explain->count, explain->room);
	size_t at = explain->count++;
	while (at > 0 && explain->findings[at - 1].level > level) {
		explain->findings[at] = explain->findings[at - 1];
		at--;
	}
	explain->findings[at] = (struct finding){ level, mem_strdup(origin), value };
}

/* A member of a dictionary in a file, with its place. */
static void add_node(struct explain *explain, enum vars_level level, const char *kind, struct node dictionary)
{
	struct node node = node_get(dictionary, explain->name);
	if (!node.value)
		return;
	auto_free char *where = node_where(node);
	auto_free char *origin = where ? mem_printf("%s, %s", kind, where) : mem_strdup(kind);
	add(explain, level, origin, node.value);
}

/* ---- where to look ---- */

static const char *inventory_kind(enum vars_level level)
{
	switch (level) {
	case VARS_INVENTORY_ALL:
	case VARS_INVENTORY_GROUP: return "variables of a group in the inventory";
	case VARS_INVENTORY_HOST: return "variables of the host in the inventory";
	case VARS_GROUP_VARS_ALL:
	case VARS_GROUP_VARS: return "group_vars";
	default: return "host_vars";
	}
}

static void look_in_inventory(struct explain *explain, const struct host *host)
{
	struct vars vars = VARS_INIT;
	inventory_vars(explain->inventory, host, &vars);
	for (size_t i = 0; i < vars.count; i++) {
		const struct vars_layer *layer = &vars.layers[i];
		json_t *value = json_object_get(layer->values, explain->name);
		auto_free char *origin = mem_printf("%s, %s", inventory_kind(layer->level), layer->origin);
		if (value)
			add(explain, layer->level, origin, value);
	}
	vars_release(&vars);
}

static void note_inside(struct explain *explain, const char *kind, const struct scope *scope)
{
	struct node node = node_get(scope_own(scope, "vars"), explain->name);
	auto_free char *where = node.value ? node_where(node) : NULL;
	if (!where)
		return;
	mem_grow(explain->inside, explain->inside_count, explain->inside_room);
	explain->inside[explain->inside_count++] = mem_printf("%s, %s", kind, where);
}

static void look_in_entry(void *context, const struct entry *entry)
{
	struct explain *explain = context;
	if (entry->scope.kind == SCOPE_ROLE && entry->scope.role) {
		add_node(explain, VARS_ROLE_DEFAULTS, "defaults of a role", entry->scope.role->defaults);
		add_node(explain, VARS_ROLE, "vars of a role", entry->scope.role->vars);
	}
	static const char *const kinds[] = {
		[SCOPE_ROLE] = "where a role is named", [SCOPE_BLOCK] = "vars of a block", [SCOPE_TASK] = "vars of a task",
	};
	note_inside(explain, kinds[entry->scope.kind], &entry->scope);
}

static void look_in_play(struct explain *explain, const struct play *play)
{
	struct node vars = scope_own(&play->scope, "vars");
	for (size_t i = 0; json_is_array(vars.value) && i < node_count(vars); i++)
		add_node(explain, VARS_PLAY, "vars of a play", node_at(vars, i));
	add_node(explain, VARS_PLAY, "vars of a play", vars);
	for (size_t i = 0; i < play->vars_file_count; i++)
		add_node(explain, VARS_PLAY_FILES, "vars_files", play->vars_files[i].vars);
	const struct entries *const sections[] = { &play->pre_tasks, &play->roles, &play->tasks, &play->post_tasks, &play->handlers };
	for (size_t i = 0; i < sizeof(sections) / sizeof(*sections); i++)
		entries_each(sections[i], look_in_entry, explain);
}

/* Whether the play is for the host; where its hosts are a template, it may be. */
static bool is_for(struct inventory *inventory, const struct play *play, const struct host *host)
{
	const char *pattern = json_string_value(play->hosts.value);
	if (!pattern || strstr(pattern, "{{"))
		return true;
	auto_free struct host **hosts = NULL;
	size_t count = 0;
	auto_problems struct problems ignored = PROBLEMS_INIT;
	struct err err = ERR_INIT;
	if (inventory_match(inventory, pattern, &hosts, &count, &ignored, &err) < 0)
		return true;
	for (size_t i = 0; i < count; i++) {
		if (hosts[i] == host)
			return true;
	}
	return false;
}

/* ---- the answer ---- */

static char *shown(const struct explain *explain, json_t *value)
{
	if (json_is_object(value) && json_object_get(value, "__ansible_vault"))
		return mem_strdup("(sealed by Ansible Vault)");
	char *text = json_dumps(value, JSON_ENCODE_ANY | JSON_SORT_KEYS);
	size_t length;
	char *masked = text ? mask_text(explain->mask, text, strlen(text), &length) : NULL;
	if (masked)
		free(text);
	return masked ? masked : text ? text : mem_strdup("?");
}

static void keep_opened(void *context, const char *text, size_t length) { mask_add(context, text, length); }

static void print_value(const struct explain *explain, const char *how, json_t *value, const char *origin)
{
	auto_free char *text = shown(explain, value);
	printf("%-6s %s\n       %s\n", how, text, origin);
}

static bool is_merged(const struct explain *explain, size_t i)
{
	const json_t *value = explain->findings[i].value;
	return explain->merges && json_is_object(value) && !vault_value_is_text(value);
}

/* Where hashes are merged, the dictionaries that the value is made of. How many there are; below two, nothing is said. */
static size_t answer_merged(const struct explain *explain)
{
	size_t parts = 0;
	while (parts < explain->count && is_merged(explain, explain->count - 1 - parts))
		parts++;
	if (parts < 2)
		return 0;
	auto_json json_t *whole = json_object();
	for (size_t i = explain->count - parts; i < explain->count; i++)
		vars_merge(whole, explain->findings[i].value);
	print_value(explain, "is", whole, "merged of");
	for (size_t i = explain->count; i-- > explain->count - parts;)
		print_value(explain, "", explain->findings[i].value, explain->findings[i].origin);
	return parts;
}

static int answer(const struct explain *explain)
{
	size_t parts = answer_merged(explain);
	for (size_t i = explain->count - parts; i-- > 0;)
		print_value(explain, i + 1 == explain->count ? "is" : "hides", explain->findings[i].value, explain->findings[i].origin);
	if (!explain->count)
		printf("%s is not set before the tasks run\n", explain->name);
	for (size_t i = 0; i < explain->inside_count; i++)
		printf("inside %s\n", explain->inside[i]);
	return command_finish();
}

static int explain_host(struct explain *explain, const char *name, struct err *err)
{
	const struct host *host = inventory_host(explain->inventory, name);
	if (!host) {
		struct suggest suggest;
		suggest_start(&suggest, name);
		for (size_t i = 0; i < inventory_host_count(explain->inventory); i++)
			suggest_offer(&suggest, inventory_host_at(explain->inventory, i)->name);
		err_set(err, ERR_INPUT, "there is no host \"%s\" in the inventory", name);
		return suggest.best ? err_hint(err, "did you mean \"%s\"?", suggest.best) : -1;
	}
	look_in_inventory(explain, host);
	for (size_t i = 0; explain->playbook && i < explain->playbook->count; i++) {
		if (is_for(explain->inventory, explain->playbook->plays[i], host))
			look_in_play(explain, explain->playbook->plays[i]);
	}
	json_t *extra = json_object_get(explain->extra, explain->name);
	if (extra)
		add(explain, VARS_EXTRA, "-e on the command line", extra);
	return 0;
}

/* ---- the command ---- */

static bool is_known(void *context, const char *name)
{
	(void)context, (void)name;
	return true; /* modules do not matter here */
}

static void show_problems(const struct problems *problems)
{
	auto_buf struct buf text = BUF_INIT;
	problems_print(problems, &text, isatty(STDERR_FILENO));
	fputs(buf_text(&text), stderr);
}

static int load(struct explain *explain, const struct explain_cli *cli, const char *playbook, struct problems *problems,
                struct err *err)
{
	const struct vault_sources sources = vaulting_sources(&cli->vault);
	explain->vault = vault_new();
	explain->mask = mask_new();
	vault_watch(explain->vault, keep_opened, explain->mask);
	vault_match_ids(explain->vault, cli->vault.match_ids);
	if (vault_secrets_read(explain->vault, &sources, problems, err) < 0)
		return -1;
	const struct inventory_options options = inventories_options(&cli->settings, explain->vault);
	explain->merges = options.merges_hashes;
	const struct playbook_modules modules = { .known = is_known, .vault = explain->vault };
	const char *role_paths[64] = { NULL };
	for (size_t i = 0; i < cli->role_paths.count && i < 63; i++)
		role_paths[i] = cli->role_paths.items[i];
	int failed = playbook ? playbook_load(&explain->playbook, playbook, role_paths, &modules, problems) : 0;
	failed |= inventory_load(&explain->inventory, cli->inventories.items, cli->inventories.count, &options, problems);
	if (!explain->playbook)
		failed |= inventory_add_vars_beside(explain->inventory, ".", problems);
	for (size_t i = 0; !failed && explain->playbook && i < explain->playbook->count; i++)
		failed |= inventory_add_vars_beside(explain->inventory, explain->playbook->plays[i]->directory, problems);
	explain->extra = extra_vars_read(cli->extra_vars.items, cli->extra_vars.count, explain->merges, explain->vault, problems, err);
	return failed || !explain->extra ? -1 : 0;
}

static void release(struct explain *explain)
{
	for (size_t i = 0; i < explain->count; i++)
		free(explain->findings[i].origin);
	for (size_t i = 0; i < explain->inside_count; i++)
		free(explain->inside[i]);
	free(explain->findings);
	free(explain->inside);
	json_decref(explain->extra);
	if (explain->playbook)
		playbook_free(explain->playbook);
	if (explain->inventory)
		inventory_free(explain->inventory);
	vault_free(explain->vault);
	mask_free(explain->mask);
}

static int explain_run(const void *given, char **words, int count)
{
	const struct explain_cli *cli = given;
	struct err err = ERR_INIT;
	struct explain explain = { .name = words[0] };
	auto_problems struct problems problems = PROBLEMS_INIT;
	int status = err_exit_status(ERR_INPUT);
	if (!cli->host) {
		err_set(&err, ERR_USAGE, "--host is needed: a variable's value is a host's");
		command_error(&err);
		return err_exit_status(err.kind);
	}
	int failed = load(&explain, cli, count > 1 ? words[1] : NULL, &problems, &err);
	show_problems(&problems);
	if (!failed && explain_host(&explain, cli->host, &err) == 0)
		status = answer(&explain);
	if (err.kind != ERR_NONE) {
		command_error(&err);
		status = err_exit_status(err.kind);
	}
	release(&explain);
	return status;
}

/* clang-format off */
static const struct option_row explain_rows[] = {
	{ "host", 0, OPTION_STRING, "HOST", NULL, "the host whose variable is meant", offsetof(struct explain_cli, host) },
	{ "inventory", 'i', OPTION_LIST, "SOURCE", NULL, "inventory file, executable, folder, or \"host1,host2,\"", offsetof(struct explain_cli, inventories), 0, "ANSIBLE_INVENTORY" },
	{ "extra-vars", 'e', OPTION_LIST, "VARS", NULL, "variables that win over all others: k=v words, JSON, YAML in braces, or @FILE", offsetof(struct explain_cli, extra_vars) },
	{ "roles-path", 0, OPTION_LIST, "FOLDER", NULL, "folders of roles, besides roles/ beside the playbook", offsetof(struct explain_cli, role_paths), ':', "ANSIBLE_ROLES_PATH" },
	VAULT_ROWS(offsetof(struct explain_cli, vault)),
	{ 0 },
};

static const struct option_row explain_settings[] = { INVENTORIES_SETTINGS(offsetof(struct explain_cli, settings)), { 0 } };
/* clang-format on */

static const struct command_example explain_examples[] = {
	{ "neap explain http_port --host web1 -i hosts.json", "which file of the inventory decides the port" },
	{ "neap explain http_port site.json --host web1 -i hosts.json", "the same, with the plays and roles of a playbook" },
	{ 0 },
};

const struct command_row cmd_explain = {
	.name = "explain", .arguments = "VARIABLE [PLAYBOOK]", .summary = "shows where a variable's value comes from",
	.doc = "The value that a host has when the tasks begin comes first, with the file and line that sets it; then the values it\n"
	       "hides, the nearest first. Places inside the playbook that set it for a block, a task or a role are named after\n"
	       "them. Nothing is evaluated and no host is asked: what tasks register or set is not known.",
	.options = explain_rows, .settings = explain_settings, .examples = explain_examples, .options_size = sizeof(struct explain_cli),
	.words_least = 1, .words_most = 2, .run = explain_run,
};
