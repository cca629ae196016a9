/* Names in an inventory that may be misspelt. Ansible takes any name, and so does neap: what is near to a name that has a
 * meaning, and is none itself, is warned of once. */
#include <string.h>

#include "base/mem.h"
#include "base/suggest.h"
#include "model/inventory_parts.h"

static const char prefix[] = "ansible_";

/* What says how a host is reached, without the prefix. */
static const char *const names[] = {
	"become", "become_exe", "become_flags", "become_method", "become_pass", "become_password", "become_user", "connection",
	"group_priority", "host", "host_key_checking", "password", "port", "private_key_file", "private_key_passphrase",
	"shell_executable", "ssh_args", "ssh_common_args", "ssh_extra_args", "ssh_host", "ssh_host_key_checking", "ssh_pass",
	"ssh_password", "ssh_port", "ssh_private_key_file", "ssh_private_key_passphrase", "ssh_timeout", "ssh_use_tty", "ssh_user",
	"timeout", "user",
};

/* What is near to one of them and has a meaning of its own, for facts, other connections or Ansible itself. */
static const char *const others[] = {
	"become_pass_prompt", "hostname", "hostnqn", "psrp_host", "psrp_port", "psrp_user", "ssh_executable", "ssh_retries",
	"su_exe", "su_flags", "su_pass", "su_user", "sudo_exe", "sudo_flags", "sudo_pass", "sudo_user", "winrm_host", "winrm_pass",
	"winrm_password", "winrm_port", "winrm_user",
};

static bool is_among(const char *name, const char *const *list, size_t count)
{
	for (size_t i = 0; i < count; i++) {
		if (strcmp(list[i], name) == 0)
			return true;
	}
	return false;
}

#define IS_AMONG(name, list) is_among(name, list, sizeof(list) / sizeof(*(list)))

static size_t edits_most(const char *name) { return strlen(name) < 6 ? 1 : 2; }

/* The name that was probably meant; NULL where the name is known, or near to none. */
static const char *meant(const char *name)
{
	const char *stem = name + sizeof(prefix) - 1;
	if (strncmp(name, prefix, sizeof(prefix) - 1) != 0 || IS_AMONG(stem, names) || IS_AMONG(stem, others))
		return NULL;
	struct suggest suggest;
	suggest_start_within(&suggest, stem, edits_most(stem));
	for (size_t i = 0; i < sizeof(names) / sizeof(*names); i++)
		suggest_offer(&suggest, names[i]);
	return suggest.best;
}

void inventory_look_at_name(struct inventory *inventory, struct place place, const char *line, const char *name,
                            const json_t *value, struct problems *problems)
{
	const char *found = json_is_object(value) || json_is_array(value) ? NULL : meant(name);
	if (!found || json_object_get(inventory->suspects, name))
		return;
	json_object_set_new(inventory->suspects, name, json_true());
	auto_free char *hint = mem_printf("did you mean \"%s%s\"?", prefix, found);
	problem_add(problems, PROBLEM_WARNING, place, line, hint, "\"%s\" is no variable that neap knows", name);
}

void inventory_look_at_names(struct inventory *inventory, struct node vars, struct problems *problems)
{
	const char *name;
	json_t *value;
	json_object_foreach(vars.value, name, value) {
		if (strncmp(name, prefix, sizeof(prefix) - 1) != 0 || !meant(name))
			continue;
		struct node node = node_get(vars, name);
		auto_free char *line = node.document ? document_line(node.document, node.key.line) : NULL;
		inventory_look_at_name(inventory, node.key, line, name, value, problems);
	}
}

/* ---- files of variables ---- */

/* The known name that a file was probably to be named after, which has no file itself. */
static const char *owner_meant(const json_t *known, const json_t *files, const char *name)
{
	struct suggest suggest;
	suggest_start_within(&suggest, name, edits_most(name));
	const char *other;
	json_t *position;
	json_object_foreach((json_t *)known, other, position) {
		bool same_but_case = strcasecmp(name, other) == 0;
		if (!json_object_get(files, other) && (same_but_case || !suggest_differ_in_digits(name, other)))
			suggest_offer(&suggest, other);
	}
	return suggest.best;
}

void inventory_look_at_files(const struct inventory *inventory, const char *folder, bool hosts, const json_t *files,
                             struct problems *problems)
{
	const json_t *known = hosts ? inventory->host_index : inventory->group_index;
	const char *name;
	json_t *file;
	json_object_foreach((json_t *)files, name, file) {
		const char *owner = json_object_get(known, name) ? NULL : owner_meant(known, files, name);
		if (!owner)
			continue;
		auto_free char *path = mem_printf("%s/%s", folder, json_string_value(file));
		auto_free char *hint = mem_printf("did you mean \"%s%s\"?", owner, strlen(json_string_value(file)) > strlen(name)
		                                                                       ? json_string_value(file) + strlen(name) : "");
		problem_add(problems, PROBLEM_WARNING, (struct place){ .file = path }, NULL, hint, "the inventory has no %s \"%s\"",
		            hosts ? "host" : "group", name);
	}
}
