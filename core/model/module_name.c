/* Names of modules: collections, and those of Ansible's that look like another one. */
#include "model/module_name.h"

#include <string.h>

const char *module_name_short(const char *name)
{
	static const char *const prefixes[] = { "ansible.builtin.", "ansible.legacy." };
	const char *own = name;
	for (size_t i = 0; i < sizeof(prefixes) / sizeof(*prefixes); i++)
		if (strncmp(name, prefixes[i], strlen(prefixes[i])) == 0)
			own = name + strlen(prefixes[i]);
	return strcmp(own, "gather_facts") == 0 ? "setup" : own; /* which runs setup, and here nothing else */
}

struct node module_name_get(struct node node, const char *module)
{
	const char *key;
	json_t *value;
	json_object_foreach(node.value, key, value) {
		if (strcmp(module_name_short(key), module) == 0)
			return node_get(node, key);
	}
	return node_of(NULL);
}

const char *module_name_in_collection(const char *name, size_t *length)
{
	static const char letters[] = "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789_";
	size_t space = strspn(name, letters);
	size_t collection = name[space] == '.' ? strspn(name + space + 1, letters) : 0;
	*length = space + 1 + collection;
	if (!space || !collection || name[*length] != '.')
		return NULL;
	const char *own = name + *length + 1;
	return *own && !own[strspn(own, ".abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789_")] ? own : NULL;
}

/* ansible-core's, and those of its collections that are a letter or two away from a module or keyword of neap's. */
bool module_name_is_ansibles(const char *name)
{
	static const char *const names[] = {
		"add_host", "apk", "apt", "apt_key", "apt_repository", "archive", "assemble", "assert", "async_status", "at",
		"blockinfile", "cargo", "command", "copr", "copy", "cron", "dconf", "deb822_repository", "debconf", "debug", "dnf",
		"dnf5", "dpkg_selections", "expect", "fail", "fetch", "file", "find", "gather_facts", "get_url", "getent", "git",
		"group", "group_by", "grove", "hostname", "import_playbook", "include", "iptables", "known_hosts", "lineinfile",
		"mail", "meta", "monit", "mount_facts", "package", "package_facts", "parted", "patch", "pause", "ping", "pip",
		"pkgng", "port", "raw", "rax", "reboot", "replace", "rpm_key", "script", "seport", "service", "service_facts",
		"set_fact", "set_stats", "setup", "shell", "slack", "slurp", "stat", "statsd", "subversion", "systemd",
		"systemd_service", "sysvinit", "tempfile", "template", "unarchive", "uri", "urpmi", "user", "validate_argument_spec",
		"wait_for", "wait_for_connection", "win_file", "win_template", "yum", "yum_repository",
	};
	for (size_t i = 0; i < sizeof(names) / sizeof(*names); i++)
		if (strcmp(module_name_short(name), names[i]) == 0)
			return true;
	return false;
}
