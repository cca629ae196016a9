/* Facts about processors, memory and the machine itself. */
#include <ctype.h>
#include <string.h>

#include "base/mem.h"
#include "run/facts_inside.h"

/* ---- memory ---- */

static json_t *megabytes(bool known, long long value) { return known ? json_integer(value) : json_null(); }

void facts_read_memory(struct facts *facts)
{
	enum { TOTAL, FREE, SWAP_TOTAL, SWAP_FREE, BUFFERS, CACHED, SWAP_CACHED, KEYS };
	static const char *const keys[] = { "MemTotal", "MemFree", "SwapTotal", "SwapFree", "Buffers", "Cached", "SwapCached" };
	static const char *const names[] = { "memtotal_mb", "memfree_mb", "swaptotal_mb", "swapfree_mb" };
	const char *text = facts_file(&facts->reply, "/proc/meminfo");
	long long mb[KEYS];
	bool has[KEYS];
	if (!text)
		return;
	for (size_t i = 0; i < KEYS; i++) {
		long long kb = facts_number(facts_value(&facts->reply, text, keys[i], ':'), -1);
		has[i] = kb >= 0 && kb < (1LL << 50);
		mb[i] = has[i] ? kb / 1024 : 0;
		if (has[i] && i < sizeof(names) / sizeof(*names))
			facts_set_number(facts, names[i], mb[i]);
	}
	bool real = has[TOTAL] && has[FREE], swap = has[SWAP_TOTAL] && has[SWAP_FREE];
	bool cache = has[CACHED] && has[FREE] && has[BUFFERS];
	long long free_mb = mb[CACHED] + mb[FREE] + mb[BUFFERS];
	json_t *memory = json_pack("{s:{s:o, s:o, s:o}, s:{s:o, s:o}, s:{s:o, s:o, s:o, s:o}}",
		"real", "total", megabytes(has[TOTAL], mb[TOTAL]), "used", megabytes(real, mb[TOTAL] - mb[FREE]),
		"free", megabytes(has[FREE], mb[FREE]),
		"nocache", "free", megabytes(cache, free_mb), "used", megabytes(cache && has[TOTAL], mb[TOTAL] - free_mb),
		"swap", "total", megabytes(has[SWAP_TOTAL], mb[SWAP_TOTAL]), "free", megabytes(has[SWAP_FREE], mb[SWAP_FREE]),
		"used", megabytes(swap, mb[SWAP_TOTAL] - mb[SWAP_FREE]),
		"cached", megabytes(has[SWAP_CACHED], mb[SWAP_CACHED]));
	facts_set(facts, "memory_mb", memory);
}

/* ---- processors ---- */

enum { LINES_MOST = 200000 };

/* Sockets or cores, each once in the order they come, with what /proc/cpuinfo says of it: Ansible's counting. */
struct counted {
	char *ids[1024];
	long long values[1024];
	size_t count;
};

static void counted_set(struct counted *counted, struct arena *arena, const char *id, long long value)
{
	size_t i = 0;
	while (i < counted->count && strcmp(counted->ids[i], id) != 0)
		i++;
	if (i == sizeof(counted->ids) / sizeof(*counted->ids))
		return;
	if (i == counted->count)
		counted->ids[counted->count++] = arena_str(arena, id);
	counted->values[i] = value;
}

static bool counted_has(const struct counted *counted, const char *id)
{
	for (size_t i = 0; i < counted->count; i++) {
		if (strcmp(counted->ids[i], id) == 0)
			return true;
	}
	return false;
}

struct cpus {
	json_t *processor;
	struct counted sockets, cores;
	const char *socket, *core;
	long long entries, vendors, models, processors, declared;
	bool has_vme;
};

static bool is_listed(const char *key)
{
	static const char *const keys[] = { "model name", "Processor", "vendor_id", "cpu", "Vendor", "processor" };
	for (size_t i = 0; i < sizeof(keys) / sizeof(*keys); i++) {
		if (strcmp(key, keys[i]) == 0)
			return true;
	}
	return false;
}

static void read_cpu_line(struct cpus *cpus, struct arena *arena, const char *key, const char *value)
{
	if (is_listed(key)) {
		json_array_append_new(cpus->processor, facts_string(value));
		cpus->vendors += strcmp(key, "vendor_id") == 0;
		cpus->models += strcmp(key, "model name") == 0;
		cpus->processors += strcmp(key, "processor") == 0;
		cpus->entries++;
	} else if (strcmp(key, "physical id") == 0) {
		cpus->socket = value;
		if (!counted_has(&cpus->sockets, value))
			counted_set(&cpus->sockets, arena, value, 1);
	} else if (strcmp(key, "core id") == 0) {
		cpus->core = value;
		if (!counted_has(&cpus->sockets, value))
			counted_set(&cpus->cores, arena, value, 1);
	} else if (strcmp(key, "cpu cores") == 0) {
		counted_set(&cpus->sockets, arena, cpus->socket, facts_number(value, 1));
	} else if (strcmp(key, "siblings") == 0) {
		counted_set(&cpus->cores, arena, cpus->core, facts_number(value, 1));
	} else if (strcmp(key, "# processors") == 0) {
		cpus->declared = facts_number(value, 0);
	} else if (strcmp(key, "ncpus active") == 0) {
		cpus->entries = facts_number(value, cpus->entries);
	} else if (strcmp(key, "flags") == 0) {
		cpus->has_vme = cpus->has_vme || strstr(value, "vme");
	}
}

static void read_cpus(struct facts *facts, struct cpus *cpus)
{
	const char *text = facts_section_text(&facts->reply, "cpuinfo"), *line;
	for (size_t i = 0; i < LINES_MOST && (line = facts_line(&facts->reply, &text)); i++) {
		const char *colon = strchr(line, ':');
		if (!colon)
			continue;
		const char *key = arena_copy(&facts->reply.arena, line, (size_t)(colon - line));
		read_cpu_line(cpus, &facts->reply.arena, facts_strip(&facts->reply, key, ""),
		              facts_strip(&facts->reply, colon + 1, ""));
	}
	if (cpus->vendors > 0 && cpus->vendors == cpus->models)
		cpus->entries = cpus->vendors;
	static const char *const by_processor[] = { "armv", "aarch", "ppc" };
	for (size_t i = 0; i < sizeof(by_processor) / sizeof(*by_processor); i++) {
		if (strncmp(facts_machine(facts), by_processor[i], strlen(by_processor[i])) == 0)
			cpus->entries = cpus->processors;
	}
}

/* The processors that this process may use: bits of "Cpus_allowed: ff,ffffffff". */
static long long allowed_cpus(struct facts *facts, long long fallback)
{
	const char *status = facts_file(&facts->reply, "/proc/self/status");
	const char *mask = status ? facts_value(&facts->reply, status, "Cpus_allowed", ':') : NULL;
	long long count = 0;
	for (; mask && *mask; mask++) {
		const char digit[2] = { *mask, 0 };
		if (isxdigit((unsigned char)*mask))
			count += __builtin_popcountl(strtoul(digit, NULL, 16));
	}
	return count ? count : fallback;
}

static bool is_xen(struct facts *facts)
{
	const char *type = facts_file(&facts->reply, "/sys/hypervisor/type");
	return facts_section_has(&facts->reply, "exists", "/proc/xen") || (type && strncmp(type, "xen", 3) == 0);
}

static void set_counts(struct facts *facts, const struct cpus *cpus)
{
	long long count = cpus->sockets.count ? (long long)cpus->sockets.count : cpus->entries;
	long long cores = cpus->sockets.count && cpus->sockets.values[0] > 0 ? cpus->sockets.values[0] : 1;
	long long threads = (cpus->cores.count ? cpus->cores.values[0] : 1) / cores;
	if (is_xen(facts) && !cpus->has_vme) {
		count = cores = cpus->entries;
		threads = 1;
	}
	bool sane = count < 1000000 && cores < 1000000 && threads >= 0 && threads < 1000000;
	facts_set_number(facts, "processor_count", count);
	facts_set_number(facts, "processor_cores", cores);
	facts_set_number(facts, "processor_threads_per_core", threads);
	if (is_xen(facts) && !cpus->has_vme) {
		facts_set_number(facts, "processor_vcpus", count);
		return;
	}
	facts_set_number(facts, "processor_vcpus", sane ? threads * count * cores : 0);
	facts_set_number(facts, "processor_nproc", allowed_cpus(facts, cpus->processors));
}

void facts_read_cpu(struct facts *facts)
{
	if (!facts_section(&facts->reply, "cpuinfo"))
		return;
	struct cpus *cpus = arena_alloc(&facts->reply.arena, sizeof(*cpus));
	cpus->processor = json_array();
	cpus->socket = cpus->core = "0";
	read_cpus(facts, cpus);
	facts_set(facts, "processor", cpus->processor);
	if (cpus->declared)
		facts_set_number(facts, "processor_cores", cpus->declared);
	if (strcmp(facts_machine(facts), "s390x") != 0)
		set_counts(facts, cpus);
}

/* ---- DMI ---- */

static const char *form_factor(struct facts *facts, const char *type)
{
	static const char *const forms[] = {
		"Unknown", "Other", "Unknown", "Desktop", "Low Profile Desktop", "Pizza Box", "Mini Tower", "Tower", "Portable",
		"Laptop", "Notebook", "Hand Held", "Docking Station", "All In One", "Sub Notebook", "Space-saving", "Lunch Box",
		"Main Server Chassis", "Expansion Chassis", "Sub Chassis", "Bus Expansion Chassis", "Peripheral Chassis",
		"RAID Chassis", "Rack Mount Chassis", "Sealed-case PC", "Multi-system", "CompactPCI", "AdvancedTCA", "Blade",
		"Blade Enclosure", "Tablet", "Convertible", "Detachable", "IoT Gateway", "Embedded PC", "Mini PC", "Stick PC",
	};
	long long number = facts_number(type, -1);
	if (number >= 0 && number < (long long)(sizeof(forms) / sizeof(*forms)))
		return forms[number];
	return arena_printf(&facts->reply.arena, "unknown (%s)", type);
}

void facts_read_dmi(struct facts *facts)
{
	static const struct { const char *name, *file; } keys[] = {
		{ "bios_date", "bios_date" }, { "bios_vendor", "bios_vendor" }, { "bios_version", "bios_version" },
		{ "board_asset_tag", "board_asset_tag" }, { "board_name", "board_name" }, { "board_serial", "board_serial" },
		{ "board_vendor", "board_vendor" }, { "board_version", "board_version" },
		{ "chassis_asset_tag", "chassis_asset_tag" }, { "chassis_serial", "chassis_serial" },
		{ "chassis_vendor", "chassis_vendor" }, { "chassis_version", "chassis_version" },
		{ "form_factor", "chassis_type" }, { "product_name", "product_name" }, { "product_serial", "product_serial" },
		{ "product_uuid", "product_uuid" }, { "product_version", "product_version" }, { "system_vendor", "sys_vendor" },
	};
	for (size_t i = 0; i < sizeof(keys) / sizeof(*keys); i++) {
		const char *value = facts_file(&facts->reply, "/sys/devices/virtual/dmi/id/%s", keys[i].file);
		if (value && strcmp(keys[i].name, "form_factor") == 0)
			value = form_factor(facts, value);
		facts_set_text(facts, keys[i].name, value ? value : "NA");
	}
}

void facts_read_uptime(struct facts *facts)
{
	const char *text = facts_file(&facts->reply, "/proc/uptime");
	if (text)
		facts_set_number(facts, "uptime_seconds", facts_number(text, 0));
}

/* ---- LVM ---- */

/* One dictionary per line of vgs(8) and its like; fields are counted from the end where they are negative. */
struct lvm_field { const char *name; int index; };

static json_t *lvm_table(struct facts *facts, const char *section, const struct lvm_field *fields, size_t count)
{
	json_t *table = json_object();
	const char *text = facts_section_text(&facts->reply, section);
	for (const char *line; (line = facts_line(&facts->reply, &text));) {
		const char *items[16], *p = facts_strip(&facts->reply, line, "");
		int total = 0;
		for (; total < 16; total++) {
			size_t length = strcspn(p, ",");
			items[total] = arena_copy(&facts->reply.arena, p, length);
			p += length;
			if (!*p++) {
				total++;
				break;
			}
		}
		if (total < 6 && strcmp(section, "lvs") != 0)
			continue;
		if (total < 4)
			continue;
		json_t *row = json_object();
		for (size_t i = 0; i < count; i++)
			json_object_set_new(row, fields[i].name, facts_string(items[fields[i].index < 0 ? total + fields[i].index
			                                                                               : fields[i].index]));
		auto_json json_t *key = facts_string(items[0]);
		json_object_set_new(table, json_string_value(key), row);
	}
	return table;
}

void facts_read_lvm(struct facts *facts)
{
	static const struct lvm_field vgs[] = { { "size_g", -2 }, { "free_g", -1 }, { "num_lvs", 2 }, { "num_pvs", 1 } };
	static const struct lvm_field lvs[] = { { "size_g", 3 }, { "vg", 1 } };
	static const struct lvm_field pvs[] = { { "size_g", 4 }, { "free_g", 5 }, { "vg", 1 } };
	if (!facts_section(&facts->reply, "vgs")) {
		facts_set_text(facts, "lvm", "N/A");
		return;
	}
	facts_set(facts, "lvm", json_pack("{s:o, s:o, s:o}", "vgs", lvm_table(facts, "vgs", vgs, 4),
	                                  "lvs", lvm_table(facts, "lvs", lvs, 2), "pvs", lvm_table(facts, "pvs", pvs, 3)));
}
