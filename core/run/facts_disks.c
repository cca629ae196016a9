/* Facts about block devices and mounted file systems. */
#include <ctype.h>
#include <string.h>

#include "base/mem.h"
#include "run/facts_inside.h"

enum { ENTRIES_MOST = 20000, DEVICES_MOST = 5000, MOUNTS_MOST = 2000, PCI_MOST = 256 * 1024 };

static const char *base_name(const char *path)
{
	const char *slash = strrchr(path, '/');
	return slash ? slash + 1 : path;
}

/* ---- links ---- */

/* What one line "... NAME -> TARGET" of ls(1) says; false where it says nothing of the kind. */
static bool link_of(struct facts *facts, const char *line, const char **name, const char **target)
{
	const char *arrow = strstr(line, " -> ");
	if (!arrow)
		return false;
	const char *start = arrow;
	while (start > line && start[-1] != ' ')
		start--;
	*name = arena_copy(&facts->reply.arena, start, (size_t)(arrow - start));
	*target = arrow + 4;
	return **name != 0;
}

static int by_text(const void *a, const void *b)
{
	return strcmp(json_string_value(*(json_t *const *)a), json_string_value(*(json_t *const *)b));
}

static void sort_strings(json_t *list)
{
	size_t count = json_array_size(list);
	auto_free json_t **items = mem_array(count, sizeof(*items));
	for (size_t i = 0; i < count; i++)
		items[i] = json_incref(json_array_get(list, i));
	qsort(items, count, sizeof(*items), by_text);
	for (size_t i = 0; i < count; i++)
		json_array_set_new(list, i, items[i]);
}

static void add_to(json_t *table, const char *key, const char *value)
{
	auto_json json_t *name = facts_string(key);
	json_t *list = json_object_get(table, json_string_value(name));
	if (!list) {
		list = json_array();
		json_object_set_new(table, json_string_value(name), list);
	}
	json_array_append_new(list, facts_string(value));
}

/* {"ids": {device: [link, ...]}, "uuids": ..., "labels": ..., "masters": ...} */
static json_t *device_links(struct facts *facts)
{
	static const struct { const char *folder, *name; } folders[] = {
		{ "/dev/disk/by-id/:", "ids" }, { "/dev/disk/by-uuid/:", "uuids" }, { "/dev/disk/by-label/:", "labels" },
	};
	json_t *links = json_pack("{s:{}, s:{}, s:{}, s:{}}", "ids", "uuids", "labels", "masters"), *table = NULL;
	const char *text = facts_section_text(&facts->reply, "disk"), *name, *target, *line;
	for (size_t i = 0; i < ENTRIES_MOST && (line = facts_line(&facts->reply, &text)); i++) {
		for (size_t j = 0; j < 3; j++) {
			if (strcmp(line, folders[j].folder) == 0)
				table = json_object_get(links, folders[j].name);
		}
		if (table && link_of(facts, line, &name, &target))
			add_to(table, base_name(target), name);
	}
	/* /sys/block/MASTER/slaves/DEVICE */
	text = facts_section_text(&facts->reply, "slaves");
	for (size_t i = 0; i < ENTRIES_MOST && (line = facts_line(&facts->reply, &text)); i++) {
		const char *start = strncmp(line, "/sys/block/", 11) == 0 ? line + 11 : "";
		size_t length = strcspn(start, "/");
		if (length && strncmp(start + length, "/slaves/", 8) == 0)
			add_to(json_object_get(links, "masters"), start + length + 8,
			       arena_copy(&facts->reply.arena, start, length));
	}
	const char *kind, *key;
	json_t *list;
	json_object_foreach(links, kind, table) {
		json_object_foreach(table, key, list)
			sort_strings(list);
	}
	return links;
}

static json_t *links_of(json_t *links, const char *device)
{
	json_t *own = json_object(), *table;
	const char *kind;
	auto_json json_t *key = facts_string(device);
	json_object_foreach(links, kind, table) {
		json_t *list = json_object_get(table, json_string_value(key));
		json_object_set_new(own, kind, list ? json_deep_copy(list) : json_array());
	}
	return own;
}

/* ---- devices ---- */

/* As Ansible writes sizes: "256.00 GB". */
static json_t *human_size(struct facts *facts, const char *sectors)
{
	static const struct { const char *suffix; double limit; } ranges[] = {
		{ "YB", 0x1p80 }, { "ZB", 0x1p70 }, { "EB", 0x1p60 }, { "PB", 0x1p50 }, { "TB", 0x1p40 }, { "GB", 0x1p30 },
		{ "MB", 0x1p20 }, { "KB", 0x1p10 },
	};
	double size = (double)facts_number(sectors, 0) * 512;
	for (size_t i = 0; i < sizeof(ranges) / sizeof(*ranges); i++) {
		if (size >= ranges[i].limit)
			return facts_string(arena_printf(&facts->reply.arena, "%.2f %s", size / ranges[i].limit, ranges[i].suffix));
	}
	return facts_string(arena_printf(&facts->reply.arena, "%.2f Bytes", size));
}

static json_t *sector_size(struct facts *facts, const char *folder)
{
	const char *size = facts_file(&facts->reply, "%s/queue/logical_block_size", folder);
	if (!size)
		size = facts_file(&facts->reply, "%s/queue/hw_sector_size", folder);
	return size ? facts_string(size) : json_integer(512);
}

static json_t *or_zero(const char *text) { return text ? facts_string(text) : json_integer(0); }

/* The device-mapper devices that are made on this one, by their names where they have one. */
static json_t *holders_of(struct facts *facts, const char *folder)
{
	json_t *holders = json_array();
	const char *start = arena_printf(&facts->reply.arena, "%s/holders/", folder);
	const struct facts_reply *reply = &facts->reply;
	for (size_t i = facts_file_from(reply, start); i < reply->file_count; i++) {
		const char *path = reply->files[i].path, *holder = path + strlen(start);
		if (strncmp(path, start, strlen(start)) != 0)
			break;
		if (strchr(holder, '/'))
			continue;
		const char *name = facts_file(reply, "%s/dm/name", path);
		json_array_append_new(holders, facts_string(name ? name : holder));
	}
	return holders;
}

static json_t *partition_of(struct facts *facts, const char *folder, const char *name, json_t *links)
{
	json_t *part = json_object(), *own = links_of(links, name);
	const char *sectors = facts_file(&facts->reply, "%s/size", folder);
	json_t *uuid = json_array_get(json_object_get(own, "uuids"), 0);
	json_object_set_new(part, "uuid", uuid ? json_deep_copy(uuid) : json_null());
	json_object_set_new(part, "links", own);
	json_object_set_new(part, "start", or_zero(facts_file(&facts->reply, "%s/start", folder)));
	json_object_set_new(part, "sectors", or_zero(sectors));
	json_object_set_new(part, "sectorsize", sector_size(facts, folder));
	json_object_set_new(part, "size", human_size(facts, sectors));
	json_object_set_new(part, "holders", holders_of(facts, folder));
	return part;
}

/* Partitions are the folders "sda1" or "nvme0n1p1" that have a start: files are sorted, so they stand together. */
static json_t *partitions_of(struct facts *facts, const char *device, json_t *links)
{
	json_t *partitions = json_object();
	const struct facts_reply *reply = &facts->reply;
	auto_free char *start = mem_printf("/sys/block/%s/%s", device, device);
	size_t length = strlen(start), first = facts_file_from(reply, start);
	for (; first < reply->file_count && strncmp(reply->files[first].path, start, length) == 0; first++) {
		const char *path = reply->files[first].path, *number = path + length, *slash = strchr(number, '/');
		number += *number == 'p';
		if (!slash || !isdigit((unsigned char)*number) || strcmp(slash, "/start") != 0 ||
		    strspn(number, "0123456789") != (size_t)(slash - number))
			continue;
		const char *folder = arena_copy(&facts->reply.arena, path, (size_t)(slash - path));
		auto_json json_t *key = facts_string(base_name(folder));
		json_object_set_new(partitions, json_string_value(key), partition_of(facts, folder, base_name(folder), links));
	}
	return partitions;
}

/* "none [mq-deadline] kyber" */
static json_t *scheduler_of(struct facts *facts, const char *folder)
{
	const char *text = facts_file(&facts->reply, "%s/queue/scheduler", folder);
	const char *open = text ? strchr(text, '[') : NULL, *close = open ? strrchr(open, ']') : NULL;
	if (!close)
		return json_string("");
	return facts_string(arena_copy(&facts->reply.arena, open + 1, (size_t)(close - open - 1)));
}

/* "0000:00:1f.2" just before the device's own folders, looked up in lspci's list. */
static const char *pci_host(struct facts *facts, const char *target)
{
	const char *found = NULL;
	for (const char *p = strchr(target, '/'); p; p = strchr(p + 1, '/')) {
		if (strlen(p) > 13 && p[5] == ':' && p[8] == ':' && p[11] == '.' && p[13] == '/')
			found = p + 1;
	}
	if (!found)
		return "";
	const char *id = arena_copy(&facts->reply.arena, found, 12);
	const struct facts_section *list = facts_section(&facts->reply, "lspci");
	const char *at = list && list->length < PCI_MOST ? strstr(list->text, id) : NULL;
	return at && (at == list->text || at[-1] == '\n') && at[12] == ' '
		? arena_copy(&facts->reply.arena, at + 13, strcspn(at + 13, "\n")) : "";
}

static json_t *device_of(struct facts *facts, const char *name, const char *target, json_t *links)
{
	json_t *device = json_object(), *own = links_of(links, name), *id;
	const char *folder = arena_printf(&facts->reply.arena, "/sys/block/%s", name);
	static const char *const about[] = { "vendor", "model", "sas_address", "sas_device_handle" };
	for (size_t i = 0; i < sizeof(about) / sizeof(*about); i++)
		json_object_set_new(device, about[i], facts_string(facts_file(&facts->reply, "%s/device/%s", folder, about[i])));
	const char *serial = facts_file(&facts->reply, "%s/device/serial", folder);
	if (serial)
		json_object_set_new(device, "serial", facts_string(serial));
	size_t i;
	json_array_foreach(json_object_get(own, "ids"), i, id) {
		if (strncmp(json_string_value(id), "wwn-", 4) == 0)
			json_object_set_new(device, "wwn", json_string(json_string_value(id) + 4));
	}
	const char *sectors = facts_file(&facts->reply, "%s/size", folder);
	json_object_set_new(device, "virtual", json_integer(1));
	json_object_set_new(device, "links", own);
	json_object_set_new(device, "removable", facts_string(facts_file(&facts->reply, "%s/removable", folder)));
	json_object_set_new(device, "support_discard",
	                    facts_string(facts_file(&facts->reply, "%s/queue/discard_granularity", folder)));
	json_object_set_new(device, "rotational", facts_string(facts_file(&facts->reply, "%s/queue/rotational", folder)));
	json_object_set_new(device, "partitions", partitions_of(facts, name, links));
	json_object_set_new(device, "scheduler_mode", scheduler_of(facts, folder));
	json_object_set_new(device, "sectors", or_zero(sectors));
	json_object_set_new(device, "sectorsize", sector_size(facts, folder));
	json_object_set_new(device, "size", human_size(facts, sectors));
	json_object_set_new(device, "host", facts_string(pci_host(facts, target)));
	json_object_set_new(device, "holders", holders_of(facts, folder));
	return device;
}

void facts_read_devices(struct facts *facts)
{
	json_t *links = device_links(facts), *devices = json_object();
	const char *text = facts_section_text(&facts->reply, "blocks"), *name, *target, *line;
	for (size_t i = 0; i < DEVICES_MOST && (line = facts_line(&facts->reply, &text)); i++) {
		if (!link_of(facts, line, &name, &target))
			continue;
		auto_json json_t *key = facts_string(name);
		json_object_set_new(devices, json_string_value(key), device_of(facts, name, target, links));
	}
	facts_set(facts, "devices", devices);
	facts_set(facts, "device_links", links);
}

/* ---- mounts ---- */

/* "\040" is a blank in the tables of mounts. */
static const char *unescape(struct facts *facts, const char *text)
{
	char *plain = arena_str(&facts->reply.arena, text), *to = plain;
	for (const char *p = text; *p; to++) {
		bool is_octal = p[0] == '\\' && p[1] >= '0' && p[1] <= '3' && p[2] >= '0' && p[2] <= '7' && p[3] >= '0' && p[3] <= '7';
		*to = (char)(is_octal ? (p[1] - '0') * 64 + (p[2] - '0') * 8 + (p[3] - '0') : *p);
		p += is_octal ? 4 : 1;
	}
	*to = 0;
	return plain;
}

struct sized {
	const char *mount;
	unsigned long long block, fragment, total, available, inodes, inodes_free;
};

/* What was asked of the mounts besides their list. */
struct mount_tables {
	struct sized *sized;
	size_t sized_count;
	const char **binds; /* mount points, escaped, of parts of file systems */
	size_t bind_count;
};

/* "4096 4096 TOTAL AVAILABLE INODES FREE MOUNT"; false if the line is none of these. */
static bool sized_of(const char *line, struct sized *sized)
{
	unsigned long long *numbers[] = { &sized->block, &sized->fragment, &sized->total, &sized->available, &sized->inodes,
	                                  &sized->inodes_free };
	for (size_t i = 0; i < sizeof(numbers) / sizeof(*numbers); i++) {
		size_t length = strspn(line, "0123456789");
		if (!length || length > 18 || line[length] != ' ')
			return false;
		*numbers[i] = strtoull(line, NULL, 10);
		line += length + 1;
	}
	sized->mount = line;
	return true;
}

/* The lines of mountinfo are "36 35 98:0 /part /mount ...". */
static struct mount_tables read_tables(struct facts *facts)
{
	struct arena *arena = &facts->reply.arena;
	struct mount_tables tables = {
		.sized = arena_array(arena, MOUNTS_MOST, sizeof(*tables.sized)),
		.binds = arena_array(arena, MOUNTS_MOST, sizeof(*tables.binds)),
	};
	const char *text = facts_section_text(&facts->reply, "statfs"), *words[5], *line;
	while (tables.sized_count < MOUNTS_MOST && (line = facts_line(&facts->reply, &text)))
		tables.sized_count += sized_of(line, &tables.sized[tables.sized_count]);
	text = facts_section_text(&facts->reply, "mountinfo");
	while (tables.bind_count < MOUNTS_MOST && (line = facts_line(&facts->reply, &text))) {
		if (facts_words(&facts->reply, line, words, 5) == 5 && strcmp(words[3], "/") != 0)
			tables.binds[tables.bind_count++] = words[4];
	}
	return tables;
}

static unsigned long long times(unsigned long long a, unsigned long long b)
{
	unsigned long long product;
	return __builtin_mul_overflow(a, b, &product) || product > INT64_MAX ? 0 : product;
}

/* What statfs says of the mount; nothing where it could not be asked. */
static void set_sizes(const struct mount_tables *tables, json_t *about, const char *mount)
{
	const struct sized *sized = tables->sized, *end = sized + tables->sized_count;
	while (sized < end && strcmp(sized->mount, mount) != 0)
		sized++;
	if (sized == end)
		return;
	const struct { const char *name; unsigned long long value; } values[] = {
		{ "size_total", times(sized->fragment, sized->total) },
		{ "size_available", times(sized->fragment, sized->available) },
		{ "block_size", sized->block },
		{ "block_total", sized->total },
		{ "block_available", sized->available },
		{ "block_used", sized->total - sized->available },
		{ "inode_total", sized->inodes },
		{ "inode_available", sized->inodes_free },
		{ "inode_used", sized->inodes - sized->inodes_free },
	};
	for (size_t i = 0; i < sizeof(values) / sizeof(*values); i++)
		json_object_set_new(about, values[i].name, json_integer((json_int_t)values[i].value));
}

static bool is_bind(const struct mount_tables *tables, const char *escaped)
{
	for (size_t i = 0; i < tables->bind_count; i++) {
		if (strcmp(tables->binds[i], escaped) == 0)
			return true;
	}
	return false;
}

static json_t *mount_of(struct facts *facts, const struct mount_tables *tables, const char *const *fields)
{
	const char *device = unescape(facts, fields[0]), *mount = unescape(facts, fields[1]), *options = fields[3];
	if ((*device != '/' && *device != '\\' && !strstr(device, ":/")) || strcmp(fields[2], "none") == 0)
		return NULL;
	if (is_bind(tables, fields[1]) && !strstr(options, "bind"))
		options = arena_printf(&facts->reply.arena, "%s,bind", options);
	const char *uuid = *device == '/' ? facts_file(&facts->reply, "%s", device) : NULL;
	json_t *about = json_object();
	json_object_set_new(about, "mount", facts_string(mount));
	json_object_set_new(about, "device", facts_string(device));
	json_object_set_new(about, "fstype", facts_string(fields[2]));
	json_object_set_new(about, "options", facts_string(options));
	set_sizes(tables, about, mount);
	json_object_set_new(about, "uuid", facts_string(uuid ? uuid : "N/A"));
	return about;
}

void facts_read_mounts(struct facts *facts)
{
	json_t *mounts = json_array();
	const struct mount_tables tables = read_tables(facts);
	const char *text = facts_section_text(&facts->reply, "mounts"), *fields[4], *line;
	for (size_t i = 0; i < MOUNTS_MOST && (line = facts_line(&facts->reply, &text)); i++) {
		bool is_whole = facts_words(&facts->reply, line, fields, 4) == 4;
		json_t *mount = is_whole ? mount_of(facts, &tables, fields) : NULL;
		if (mount)
			json_array_append_new(mounts, mount);
	}
	facts_set(facts, "mounts", mounts);
}
