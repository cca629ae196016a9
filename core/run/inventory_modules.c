/* add_host and group_by: they say what the inventory should have more; inventory_change.c carries it out. */
#include <ctype.h>
#include <string.h>

#include "base/mem.h"
#include "plan/module.h"

/* ---- add_host ---- */

static const char *const host_names[] = { "host", "hostname", NULL };
static const char *const groups_names[] = { "group", "groupname", NULL };
static const struct arg add_host_args[] = {
	{ .name = "name", .required = true, .aliases = host_names, .doc = "The host's name; with :port behind it for another port.",
	  .pattern = ".", .pattern_doc = "not be empty" },
	{ .name = "groups", .type = ARG_LIST, .aliases = groups_names, .doc = "Groups that it is put into; those that are missing are made." },
	{ 0 },
};

static const struct module_example add_host_examples[] = {
	{ "A machine that was just made, for the plays that follow",
	  "{\"name\": \"the new machine\", \"add_host\": {\"name\": \"{{ created.address }}\", \"groups\": [\"new\"], "
	  "\"ansible_user\": \"admin\"}}" },
	{ 0 },
};

static const struct module_return add_host_returns[] = {
	{ "add_host", "dict", "host_name, groups and host_vars." },
	{ 0 },
};

/* Splits "name:port" and "[address]:port"; 0 where there is no port. */
static long split_port(char *name)
{
	char *colon = strrchr(name, ':');
	bool bracketed = *name == '[' && colon && colon > name && colon[-1] == ']';
	if (!colon || !colon[1] || strspn(colon + 1, "0123456789") != strlen(colon + 1) || (!bracketed && strchr(name, ':') != colon))
		return 0;
	long port = strtol(colon + 1, NULL, 10);
	*colon = 0;
	if (bracketed) {
		colon[-1] = 0;
		memmove(name, name + 1, strlen(name));
	}
	return port;
}

static json_t *stripped_groups(json_t *groups)
{
	json_t *list = json_array();
	size_t i;
	json_t *group;
	json_array_foreach(groups, i, group) {
		const char *text = json_string_value(group);
		size_t length = text ? strlen(text) : 0;
		while (length && isspace((unsigned char)*text))
			text++, length--;
		while (length && isspace((unsigned char)text[length - 1]))
			length--;
		if (length)
			json_array_append_new(list, json_stringn(text, length));
	}
	return list;
}

static int add_host_decide(const struct module *module, const void *wanted, struct decision *decision, struct err *err)
{
	(void)module, (void)err;
	json_t *want = (json_t *)wanted, *value;
	auto_free char *name = mem_strdup(json_string_value(json_object_get(want, "name")));
	long port = split_port(name);
	auto_json json_t *vars = json_object();
	const char *key;
	json_object_foreach(want, key, value) {
		if (strcmp(key, "name") != 0 && strcmp(key, "groups") != 0)
			json_object_set_new(vars, key, json_deep_copy(value));
	}
	if (port)
		json_object_set_new(vars, "ansible_ssh_port", json_integer(port));
	result_set(decision, "add_host", json_pack("{s:s, s:o, s:O}", "host_name", name, "groups",
	                                           stripped_groups(json_object_get(want, "groups")), "host_vars", vars));
	return 0;
}

const struct module add_host_module = {
	.name = "add_host",
	.doc = "Adds a host to the inventory for the rest of the run. Every other argument is a variable of the host.",
	.spec = { .args = add_host_args, .any_key = true },
	.examples = add_host_examples,
	.returns = add_host_returns,
	.decide = add_host_decide,
	.acts_on_run = true,
	.runs_once = true,
	.changes_inventory = true,
};

/* ---- group_by ---- */

struct group_by_want { const char *key; json_t *parents; };

static const struct arg group_by_args[] = {
	{ .name = "key", .required = true, .offset = offsetof(struct group_by_want, key), .pattern = ".", .pattern_doc = "not be empty",
	  .doc = "The name of the group that the host is put into. Blanks become dashes." },
	{ .name = "parents", .type = ARG_LIST, .fallback = "[\"all\"]", .offset = offsetof(struct group_by_want, parents),
	  .doc = "Groups that the group is put into." },
	{ 0 },
};

static const struct module_example group_by_examples[] = {
	{ "Groups by what the hosts run", "{\"name\": \"by system\", \"group_by\": {\"key\": \"os_{{ ansible_distribution }}\"}}" },
	{ 0 },
};

static const struct module_return group_by_returns[] = {
	{ "add_group", "str", "The group." },
	{ "parent_groups", "list", "The groups that it is in." },
	{ 0 },
};

static char *dashed(struct decision *decision, const char *name)
{
	char *text = arena_str(&decision->arena, name);
	for (char *p = text; *p; p++) {
		if (*p == ' ')
			*p = '-';
	}
	return text;
}

static int group_by_decide(const struct module *module, const void *wanted, struct decision *decision, struct err *err)
{
	(void)module, (void)err;
	const struct group_by_want *want = wanted;
	result_str(decision, "add_group", dashed(decision, want->key));
	json_t *parents = json_array();
	for (size_t i = 0; i < json_array_size(want->parents); i++)
		json_array_append_new(parents, json_string(dashed(decision, json_string_value(json_array_get(want->parents, i)))));
	result_set(decision, "parent_groups", parents);
	return 0;
}

const struct module group_by_module = {
	.name = "group_by",
	.doc = "Puts the host into a group that is named by an expression, for the rest of the run.",
	.spec = { .args = group_by_args, .want_size = sizeof(struct group_by_want) },
	.examples = group_by_examples,
	.returns = group_by_returns,
	.decide = group_by_decide,
	.acts_on_run = true,
	.changes_inventory = true,
};
