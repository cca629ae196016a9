/* Facts about virtualization: what this machine runs in, and what it can run. */
#include <string.h>

#include "run/facts_inside.h"

/* The first finding that says what it is counts; all of them are listed as technologies. */
struct virtual {
	struct facts *facts;
	const char *type, *role;
	json_t *guest, *host;
	bool found;
};

static void add_once(json_t *list, const char *tech)
{
	size_t i;
	json_t *known;
	auto_json json_t *value = facts_string(tech);
	json_array_foreach(list, i, known) {
		if (json_equal(known, value))
			return;
	}
	json_array_append(list, value);
}

static void is_guest(struct virtual *virtual, const char *tech)
{
	add_once(virtual->guest, tech);
	if (!virtual->found) {
		virtual->type = tech;
		virtual->role = "guest";
	}
	virtual->found = true;
}

static void is_host(struct virtual *virtual, const char *tech)
{
	add_once(virtual->host, tech);
	if (!virtual->found) {
		virtual->type = tech;
		virtual->role = "host";
	}
	virtual->found = true;
}

static bool exists(const struct virtual *virtual, const char *path)
{
	return facts_section_has(&virtual->facts->reply, "exists", path);
}

static bool lists(const struct virtual *virtual, const char *tech)
{
	size_t i;
	json_t *known;
	json_array_foreach(virtual->guest, i, known) {
		if (strcmp(json_string_value(known), tech) == 0)
			return true;
	}
	return false;
}

/* ---- containers ---- */

/* "/docker/" or "/docker-0123abcd.scope" */
static bool is_docker(const char *line)
{
	for (const char *p = line; (p = strstr(p, "/docker")); p++) {
		const char *behind = p + 7;
		size_t length = *behind == '-' ? strspn(behind + 1, "0123456789abcdef") : 0;
		if (*behind == '/' || (length && strncmp(behind + 1 + length, ".scope", 6) == 0))
			return true;
	}
	return false;
}

static void look_at_groups(struct virtual *virtual)
{
	const char *text = facts_file(&virtual->facts->reply, "/proc/1/cgroup");
	for (const char *line; text && (line = facts_line(&virtual->facts->reply, &text));) {
		if (is_docker(line))
			is_guest(virtual, "docker");
		if (strstr(line, "/lxc/") || strstr(line, "/machine.slice/machine-lxc"))
			is_guest(virtual, "lxc");
		if (strstr(line, "/system.slice/containerd.service"))
			is_guest(virtual, "containerd");
	}
}

static void look_at_environment(struct virtual *virtual)
{
	const char *text = facts_section_text(&virtual->facts->reply, "init_environment");
	for (const char *line; (line = facts_line(&virtual->facts->reply, &text));) {
		if (strstr(line, "container=lxc"))
			is_guest(virtual, "lxc");
		if (strstr(line, "container=podman"))
			is_guest(virtual, "podman");
		if (strncmp(line, "container=", 10) == 0 && line[10])
			is_guest(virtual, "container");
	}
}

static void look_for_containers(struct virtual *virtual)
{
	static const char *const container_techs[] = { "docker", "lxc", "podman", "openvz", "containerd" };
	look_at_groups(virtual);
	look_at_environment(virtual);
	if (exists(virtual, "/proc/vz") && !exists(virtual, "/proc/lve")) {
		if (exists(virtual, "/proc/bc"))
			is_host(virtual, "openvz");
		else
			is_guest(virtual, "openvz");
		virtual->type = "openvz";
	}
	const char *by_systemd = facts_file(&virtual->facts->reply, "/run/systemd/container");
	if (by_systemd)
		is_guest(virtual, by_systemd);
	if (exists(virtual, "/.dockerenv") || exists(virtual, "/.dockerinit"))
		is_guest(virtual, "docker");
	bool is_container = by_systemd != NULL;
	for (size_t i = 0; i < sizeof(container_techs) / sizeof(*container_techs); i++)
		is_container = is_container || lists(virtual, container_techs[i]);
	if (is_container)
		add_once(virtual->guest, "container");
}

/* ---- machines ---- */

static void look_for_xen(struct virtual *virtual)
{
	const char *abilities = facts_file(&virtual->facts->reply, "/proc/xen/capabilities");
	if (!exists(virtual, "/proc/xen"))
		return;
	if (abilities && strstr(abilities, "control_d")) {
		is_host(virtual, "xen");
	} else if (!virtual->found) {
		virtual->type = "xen";
		virtual->role = "guest";
		virtual->found = true;
	}
}

/* What the firmware says: which of its texts, what it is, and for which products if not for all. */
static void look_at_firmware(struct virtual *virtual)
{
	static const struct { const char *file, *text, *tech, *product_file, *product; } table[] = {
		{ "product_name", "KVM", "kvm" }, { "product_name", "KVM Server", "kvm" }, { "product_name", "Bochs", "kvm" },
		{ "product_name", "AHV", "kvm" }, { "sys_vendor", "oVirt", "oVirt" },
		{ "sys_vendor", "Red Hat", "RHV", "product_family", "RHV" },
		{ "sys_vendor", "Red Hat", "RHEV", "product_name", "RHEV Hypervisor" },
		{ "product_name", "VMware Virtual Platform", "VMware" }, { "product_name", "VMware7,1", "VMware" },
		{ "product_name", "OpenStack Compute", "openstack" }, { "product_name", "OpenStack Nova", "openstack" },
		{ "bios_vendor", "Xen", "xen" }, { "bios_vendor", "innotek GmbH", "virtualbox" },
		{ "bios_vendor", "Amazon EC2", "kvm" }, { "bios_vendor", "DigitalOcean", "kvm" }, { "bios_vendor", "Hetzner", "kvm" },
		{ "sys_vendor", "QEMU", "kvm" }, { "sys_vendor", "Amazon EC2", "kvm" }, { "sys_vendor", "DigitalOcean", "kvm" },
		{ "sys_vendor", "Google", "kvm" }, { "sys_vendor", "Scaleway", "kvm" }, { "sys_vendor", "Nutanix", "kvm" },
		{ "sys_vendor", "KubeVirt", "KubeVirt" }, { "sys_vendor", "Microsoft Corporation", "VirtualPC" },
		{ "sys_vendor", "Parallels Software International Inc.", "parallels" },
		{ "sys_vendor", "OpenStack Foundation", "openstack" },
	};
	static const char folder[] = "/sys/devices/virtual/dmi/id";
	for (size_t i = 0; i < sizeof(table) / sizeof(*table); i++) {
		const char *text = facts_file(&virtual->facts->reply, "%s/%s", folder, table[i].file), *product = NULL;
		if (!text || strcmp(text, table[i].text) != 0)
			continue;
		if (table[i].product)
			product = facts_file(&virtual->facts->reply, "%s/%s", folder, table[i].product_file);
		if (!table[i].product || (product && strcmp(product, table[i].product) == 0))
			is_guest(virtual, table[i].tech);
	}
}

static void look_at_processors(struct virtual *virtual)
{
	static const struct { const char *key, *text, *tech; } table[] = {
		{ "model name", "QEMU Virtual CPU", "kvm" }, { "vendor_id", "User Mode Linux", "uml" }, { "model name", "UML", "uml" },
		{ "machine", "CHRP IBM pSeries (emulated by qemu)", "kvm" }, { "vendor_id", "PowerVM Lx86", "powervm_lx86" },
		{ "vendor_id", "IBM/S390", "PR/SM" },
	};
	struct facts_reply *reply = &virtual->facts->reply;
	const char *status = facts_file(reply, "/proc/self/status"), *context = status ? facts_value(reply, status, "VxID", ':') : NULL;
	if (context && *context == '0')
		is_host(virtual, "linux_vserver");
	else if (context)
		is_guest(virtual, "linux_vserver");
	for (size_t i = 0; i < sizeof(table) / sizeof(*table); i++) {
		const char *value = facts_value(reply, facts_section_text(reply, "cpuinfo"), table[i].key, ':');
		bool was_found = virtual->found;
		if (!value || !strstr(value, table[i].text))
			continue;
		is_guest(virtual, table[i].tech);
		if (!was_found && strcmp(table[i].tech, "PR/SM") == 0)
			virtual->role = "LPAR";
	}
}

static bool has_module(const struct virtual *virtual, const char *name)
{
	return facts_value(&virtual->facts->reply, facts_section_text(&virtual->facts->reply, "modules"), name, ' ') ||
	       strncmp(facts_section_text(&virtual->facts->reply, "modules"), name, strlen(name)) == 0;
}

static void look_at_modules(struct virtual *virtual)
{
	if (has_module(virtual, "kvm"))
		is_host(virtual, "kvm");
	if (has_module(virtual, "vboxdrv"))
		is_host(virtual, "virtualbox");
	if (has_module(virtual, "virtio")) {
		add_once(virtual->host, "kvm");
		if (!virtual->found) {
			virtual->type = "kvm";
			virtual->role = "guest";
			virtual->found = true;
		}
	}
	const char *product = facts_section_text(&virtual->facts->reply, "dmidecode");
	if (strncmp(product, "VMware", 6) == 0)
		is_guest(virtual, "VMware");
	if (strstr(product, "BHYVE"))
		is_guest(virtual, "bhyve");
	if (exists(virtual, "/dev/kvm"))
		is_host(virtual, "kvm");
}

void facts_read_virtual(struct facts *facts)
{
	struct virtual virtual = { .facts = facts, .type = "NA", .role = "NA", .guest = json_array(), .host = json_array() };
	if (strcmp(facts_system(facts), "Linux") == 0) {
		look_for_containers(&virtual);
		look_for_xen(&virtual);
		look_at_firmware(&virtual);
		look_at_processors(&virtual);
		look_at_modules(&virtual);
	}
	facts_set_text(facts, "virtualization_type", virtual.type);
	facts_set_text(facts, "virtualization_role", virtual.role);
	facts_set(facts, "virtualization_tech_guest", virtual.guest);
	facts_set(facts, "virtualization_tech_host", virtual.host);
}
