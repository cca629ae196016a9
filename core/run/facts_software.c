/* Facts about what runs on the machine: service and package manager, security modules, Python, LSB. */
#include <stdlib.h>
#include <string.h>

#include "run/facts_inside.h"

/* ---- Python ---- */

struct python {
	const char *executable, *release, *type;
	long long major, minor, micro, serial;
};

static bool python_of(struct facts *facts, struct python *python)
{
	const char *text = facts_section_text(&facts->reply, "python"), *words[5];
	const char *executable = facts_line(&facts->reply, &text), *version = facts_line(&facts->reply, &text);
	const char *type = facts_line(&facts->reply, &text);
	if (!type || facts_words(&facts->reply, version, words, 5) < 5)
		return false;
	*python = (struct python){
		.executable = executable, .release = words[3], .type = type, .major = facts_number(words[0], 0),
		.minor = facts_number(words[1], 0), .micro = facts_number(words[2], 0), .serial = facts_number(words[4], 0),
	};
	return true;
}

void facts_read_python_version(struct facts *facts)
{
	struct python python;
	if (python_of(facts, &python))
		facts_set_text(facts, "python_version", arena_printf(&facts->reply.arena, "%lld.%lld.%lld", python.major,
		                                                     python.minor, python.micro));
}

void facts_read_python(struct facts *facts)
{
	struct python python;
	if (!python_of(facts, &python))
		return;
	json_t *version = json_object(), *info = json_array(), *about = json_object();
	json_object_set_new(version, "major", json_integer(python.major));
	json_object_set_new(version, "minor", json_integer(python.minor));
	json_object_set_new(version, "micro", json_integer(python.micro));
	json_object_set_new(version, "releaselevel", facts_string(python.release));
	json_object_set_new(version, "serial", json_integer(python.serial));
	static const char *const order[] = { "major", "minor", "micro", "releaselevel", "serial" };
	for (size_t i = 0; i < 5; i++)
		json_array_append_new(info, json_deep_copy(json_object_get(version, order[i])));
	bool has_ssl = python.major > 3 || (python.major == 3 && python.minor >= 2) ||
	               (python.major == 2 && python.minor == 7 && python.micro >= 9);
	json_object_set_new(about, "version", version);
	json_object_set_new(about, "version_info", info);
	json_object_set_new(about, "executable", facts_string(python.executable));
	json_object_set_new(about, "has_sslcontext", json_boolean(has_ssl));
	json_object_set_new(about, "type", facts_string(python.type));
	facts_set(facts, "python", about);
}

/* ---- LSB ---- */

static void set_lsb(struct facts *facts, json_t *lsb, const char *name, const char *value)
{
	if (value)
		json_object_set_new(lsb, name, facts_string(facts_strip(&facts->reply, value, "'\"\\")));
}

void facts_read_lsb(struct facts *facts)
{
	json_t *lsb = json_object();
	static const struct { const char *name, *said, *written; } keys[] = {
		{ "id", "Distributor ID", "DISTRIB_ID" },
		{ "description", "Description", "DISTRIB_DESCRIPTION" },
		{ "release", "Release", "DISTRIB_RELEASE" },
		{ "codename", "Codename", "DISTRIB_CODENAME" },
	};
	const char *said = facts_section_text(&facts->reply, "lsb"), *file = facts_file(&facts->reply, "/etc/lsb-release");
	for (size_t i = 0; i < sizeof(keys) / sizeof(*keys); i++)
		set_lsb(facts, lsb, keys[i].name, facts_value(&facts->reply, said, keys[i].said, ':'));
	bool said_all = json_object_size(lsb) > 0;
	for (size_t i = 0; !said_all && file && i < sizeof(keys) / sizeof(*keys); i++)
		set_lsb(facts, lsb, keys[i].name, facts_value(&facts->reply, file, keys[i].written, '='));
	const char *release = json_string_value(json_object_get(lsb, "release"));
	if (release)
		json_object_set_new(lsb, "major_release", json_stringn(release, strcspn(release, ".")));
	facts_set(facts, "lsb", lsb);
}

/* ---- security ---- */

/* "Current: = cap_chown,cap_kill+ep" of capsh(1). */
void facts_read_caps(struct facts *facts)
{
	const struct facts_section *section = facts_section(&facts->reply, "caps");
	const char *current = section ? facts_value(&facts->reply, section->text, "Current", ':') : NULL;
	if (!current) {
		facts_set_text(facts, "system_capabilities", "N/A");
		facts_set_text(facts, "system_capabilities_enforced", "N/A");
		return;
	}
	json_t *caps = json_array();
	bool enforced = strcmp(current, "=ep") != 0;
	const char *p = strchr(current, '=');
	for (p = enforced && p ? p + 1 : ""; *p;) {
		size_t length = strcspn(p, ",=");
		const char *cap = arena_copy(&facts->reply.arena, p, length);
		json_array_append_new(caps, facts_string(facts_strip(&facts->reply, cap, "")));
		if (p[length] != ',')
			break;
		p += length + 1;
	}
	facts_set(facts, "system_capabilities", caps);
	facts_set_text(facts, "system_capabilities_enforced", enforced ? "True" : "False");
}

/* "DEVICE INODE" of / and of the first process's /; the file system's type where that may not be seen. */
void facts_read_chroot(struct facts *facts)
{
	const char *text = facts_section_text(&facts->reply, "roots");
	const char *mine = facts_line(&facts->reply, &text), *first = facts_line(&facts->reply, &text);
	const char *type = facts_line(&facts->reply, &text), *name = facts_section_text(&facts->reply, "chroot_name");
	bool is_chroot = *facts_strip(&facts->reply, name, "") != 0;
	if (!is_chroot && mine && first && strchr(first, ' ')) {
		is_chroot = strcmp(mine, first) != 0;
	} else if (!is_chroot && mine && strchr(mine, ' ')) {
		long long root = type && strstr(type, "btrfs") ? 256 : type && strstr(type, "xfs") ? 128 : 2;
		is_chroot = facts_number(strchr(mine, ' ') + 1, root) != root;
	}
	facts_set(facts, "is_chroot", json_boolean(is_chroot));
}

void facts_read_apparmor(struct facts *facts)
{
	bool enabled = facts_section_has(&facts->reply, "exists", "/sys/kernel/security/apparmor");
	facts_set(facts, "apparmor", json_pack("{s:s}", "status", enabled ? "enabled" : "disabled"));
}

static const char *known_mode(const char *mode)
{
	static const char *const modes[] = { "enforcing", "permissive", "disabled" };
	for (size_t i = 0; mode && i < sizeof(modes) / sizeof(*modes); i++) {
		if (strcmp(mode, modes[i]) == 0)
			return modes[i];
	}
	return "unknown";
}

void facts_read_selinux(struct facts *facts)
{
	json_t *selinux = json_object();
	bool enabled = facts_section_has(&facts->reply, "exists", "/sys/fs/selinux/enforce");
	json_object_set_new(selinux, "status", json_string(enabled ? "enabled" : "disabled"));
	if (enabled) {
		const char *config = facts_file(&facts->reply, "/etc/selinux/config");
		const char *type = config ? facts_value(&facts->reply, config, "SELINUXTYPE", '=') : NULL;
		const char *enforce = facts_file(&facts->reply, "/sys/fs/selinux/enforce");
		json_object_set_new(selinux, "policyvers",
		                    json_integer(facts_number(facts_file(&facts->reply, "/sys/fs/selinux/policyvers"), 0)));
		json_object_set_new(selinux, "config_mode",
		                    json_string(known_mode(config ? facts_value(&facts->reply, config, "SELINUX", '=') : NULL)));
		json_object_set_new(selinux, "mode", json_string(enforce && *enforce == '1' ? "enforcing" : "permissive"));
		json_object_set_new(selinux, "type", facts_string(type ? type : "unknown"));
	}
	facts_set(facts, "selinux", selinux);
	facts_set(facts, "selinux_python_present", json_true());
}

/* ---- service manager ---- */

static const char *base_name(const char *path)
{
	const char *slash = strrchr(path, '/');
	return slash ? slash + 1 : path;
}

/* What /sbin/init links to, NULL if it is no symlink. */
static const char *init_target(struct facts *facts)
{
	return facts_value(&facts->reply, facts_section_text(&facts->reply, "links"), "/sbin/init", ' ');
}

static bool exists(struct facts *facts, const char *path) { return facts_section_has(&facts->reply, "exists", path); }

/* Where the first process does not tell. */
static const char *service_mgr_by_files(struct facts *facts)
{
	const char *system = facts_system(facts), *init = init_target(facts);
	bool has_systemctl = facts_section_has(&facts->reply, "commands", "systemctl");
	if (strstr(system, "BSD") || strcmp(system, "DragonFly") == 0)
		return "bsdinit";
	if (strcmp(system, "Darwin") == 0)
		return "launchd";
	if (strcmp(system, "SunOS") == 0)
		return "smf";
	if (strcmp(facts_text_of(facts, "distribution"), "OpenWrt") == 0)
		return "openwrt_init";
	if (has_systemctl && (exists(facts, "/run/systemd/system/") || exists(facts, "/dev/.run/systemd/") ||
	                      exists(facts, "/dev/.systemd/")))
		return "systemd";
	if (facts_section_has(&facts->reply, "commands", "initctl") && exists(facts, "/etc/init/"))
		return "upstart";
	if (exists(facts, "/sbin/openrc"))
		return "openrc";
	if (has_systemctl && init && strcmp(base_name(init), "systemd") == 0)
		return "systemd";
	return exists(facts, "/etc/init.d/") ? "sysvinit" : "service";
}

void facts_read_service_mgr(struct facts *facts)
{
	static const struct { const char *comm, *name; } known[] = {
		{ "procd", "openwrt_init" }, { "runit-init", "runit" }, { "svscan", "svc" }, { "openrc-init", "openrc" },
	};
	const char *first = facts_file(&facts->reply, "/proc/1/comm");
	if (!first)
		first = init_target(facts);
	first = first ? base_name(first) : "init";
	size_t length = strlen(first);
	if (strcmp(first, "init") == 0 || (length >= 2 && strcmp(first + length - 2, "sh") == 0))
		first = service_mgr_by_files(facts);
	for (size_t i = 0; i < sizeof(known) / sizeof(*known); i++) {
		if (strcmp(first, known[i].comm) == 0)
			first = known[i].name;
	}
	facts_set_text(facts, "service_mgr", first);
}

/* ---- package manager ---- */

/* Of a family that has had two. */
static const char *red_hat_manager(struct facts *facts, const char *found)
{
	const char *distribution = facts_text_of(facts, "distribution");
	if (exists(facts, "/run/ostree-booted"))
		return "atomic_container";
	long long major = facts_number(facts_text_of(facts, "distribution_major_version"), 1000000);
	bool has_dnf = exists(facts, "/usr/bin/dnf"), has_yum = exists(facts, "/usr/bin/yum");
	if (strcmp(distribution, "Fedora") == 0)
		return major < 23 ? (has_yum ? "yum" : found) : (has_dnf || major == 1000000 ? "dnf" : found);
	if (strcmp(distribution, "Amazon") == 0)
		return major < 2022 ? (has_yum ? "yum" : found) : (has_dnf || major == 1000000 ? "dnf" : found);
	return major < 8 ? "yum" : "dnf";
}

void facts_read_pkg_mgr(struct facts *facts)
{
	/* The last one that is there counts. */
	static const struct { const char *path, *name; } managers[] = {
		{ "/usr/bin/rpm-ostree", "atomic_container" }, { "/usr/bin/yum", "yum" }, { "/usr/bin/dnf", "dnf" },
		{ "/usr/bin/apt-get", "apt" }, { "/usr/bin/zypper", "zypper" }, { "/usr/sbin/urpmi", "urpmi" },
		{ "/usr/bin/pacman", "pacman" }, { "/bin/opkg", "opkg" }, { "/usr/pkg/bin/pkgin", "pkgin" },
		{ "/opt/local/bin/pkgin", "pkgin" }, { "/opt/tools/bin/pkgin", "pkgin" }, { "/opt/local/bin/port", "macports" },
		{ "/usr/local/bin/brew", "homebrew" }, { "/opt/homebrew/bin/brew", "homebrew" }, { "/sbin/apk", "apk" },
		{ "/usr/sbin/pkg", "pkgng" }, { "/usr/sbin/swlist", "swdepot" }, { "/usr/bin/emerge", "portage" },
		{ "/usr/sbin/pkgadd", "svr4pkg" }, { "/usr/bin/pkg", "pkg5" }, { "/usr/bin/xbps-install", "xbps" },
		{ "/usr/local/sbin/pkg", "pkgng" }, { "/usr/bin/swupd", "swupd" }, { "/usr/sbin/sorcery", "sorcery" },
		{ "/usr/bin/installp", "installp" }, { "/QOpenSys/pkgs/bin/yum", "yum" },
	};
	const char *family = facts_text_of(facts, "os_family"), *found = "unknown";
	bool is_alt = strcmp(family, "Altlinux") == 0;
	for (size_t i = 0; i < sizeof(managers) / sizeof(*managers); i++) {
		if (exists(facts, managers[i].path) && !(is_alt && strcmp(managers[i].path, "/usr/bin/pkg") == 0))
			found = managers[i].name;
	}
	if (strcmp(family, "OpenBSD") == 0)
		found = "openbsd_pkg";
	else if (strcmp(family, "RedHat") == 0)
		found = red_hat_manager(facts, found);
	else if (strcmp(family, "Debian") == 0)
		found = "apt";
	if (strcmp(found, "apt") == 0 && (is_alt || facts_section_has(&facts->reply, "apt_rpm", "yes")))
		found = "apt_rpm";
	facts_set_text(facts, "pkg_mgr", found);
}
