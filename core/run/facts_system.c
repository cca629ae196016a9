/* Facts about the kernel, the user and what the machine is called. */
#include <ctype.h>
#include <string.h>
#include <time.h>

#include "base/mem.h"
#include "run/facts_inside.h"

/* ---- platform ---- */

/* "Linux name 6.1.0 #1 SMP ... x86_64": the version may have blanks, the others have none. */
struct uname {
	const char *system, *node, *release, *version, *machine;
};

static struct uname uname_of(struct facts *facts)
{
	struct uname uname = { "", "", "", "", "" };
	const char *text = facts_section_text(&facts->reply, "uname");
	char *line = arena_str(&facts->reply.arena, facts_strip(&facts->reply, text, ""));
	char *words[4] = { 0 };
	for (size_t i = 0; i < 4; i++) {
		words[i] = line;
		line += strcspn(line, " ");
		if (!*line)
			return uname;
		*line++ = 0;
	}
	char *last = strrchr(line, ' ');
	if (last) {
		*last = 0;
		uname.machine = last + 1;
		uname.version = arena_printf(&facts->reply.arena, "%s %s", words[3], line);
	} else {
		uname.machine = line;
		uname.version = words[3];
	}
	uname.system = words[0];
	uname.node = words[1];
	uname.release = words[2];
	return uname;
}

const char *facts_system(struct facts *facts) { return uname_of(facts).system; }

const char *facts_machine(struct facts *facts) { return uname_of(facts).machine; }

const char *facts_kernel(struct facts *facts) { return uname_of(facts).release; }

static const char *bits_of(struct facts *facts, const char *machine)
{
	long long bits = facts_number(facts_section_text(&facts->reply, "bits"), 0);
	if (bits == 32 || bits == 64)
		return bits == 32 ? "32" : "64";
	return strstr(machine, "64") || strcmp(machine, "s390x") == 0 ? "64" : "32";
}

static bool is_i86(const char *machine)
{
	return machine[0] == 'i' && machine[1] && ((strchr("3456", machine[1]) && strncmp(machine + 2, "86", 2) == 0) ||
	                                           strncmp(machine + 1, "86pc", 4) == 0);
}

void facts_read_platform(struct facts *facts)
{
	struct uname uname = uname_of(facts);
	const char *bits = bits_of(facts, uname.machine);
	facts_set_text(facts, "system", uname.system);
	facts_set_text(facts, "kernel", uname.release);
	facts_set_text(facts, "kernel_version", uname.version);
	facts_set_text(facts, "machine", uname.machine);
	facts_set_text(facts, "nodename", uname.node);
	facts_set_text(facts, "hostname", arena_copy(&facts->reply.arena, uname.node, strcspn(uname.node, ".")));
	facts_set_text(facts, "userspace_bits", bits);
	bool is_i386 = is_i86(uname.machine);
	if (is_i386 || strcmp(uname.machine, "x86_64") == 0)
		facts_set_text(facts, "userspace_architecture", strcmp(bits, "64") == 0 ? "x86_64" : "i386");
	facts_set_text(facts, "architecture", is_i386 ? "i386" : uname.machine);
	const char *id = facts_file(&facts->reply, "/var/lib/dbus/machine-id");
	if (!id)
		id = facts_file(&facts->reply, "/etc/machine-id");
	if (id)
		facts_set_text(facts, "machine_id", facts_line(&facts->reply, &id));
}

/* "ADDRESS NAME ALIAS...": the first name with a dot, else the first. */
void facts_read_fqdn(struct facts *facts)
{
	const char *words[32], *text = facts_section_text(&facts->reply, "fqdn");
	const char *line = facts_line(&facts->reply, &text), *name = uname_of(facts).node;
	size_t count = line ? facts_words(&facts->reply, line, words, 32) : 0;
	if (count > 1)
		name = words[1];
	for (size_t i = 1; i < count; i++) {
		if (strchr(words[i], '.')) {
			name = words[i];
			break;
		}
	}
	const char *dot = strchr(name, '.');
	facts_set_text(facts, "fqdn", name);
	facts_set_text(facts, "domain", dot ? dot + 1 : "");
}

/* ---- user ---- */

/* "uid=0(root) gid=0(root) euid=..." */
static long long id_of(const char *line, const char *key, long long fallback)
{
	const char *at = strncmp(line, key, strlen(key)) == 0 ? line : NULL;
	if (!at) {
		auto_free char *inside = mem_printf(" %s", key);
		at = strstr(line, inside);
		at = at ? at + 1 : NULL;
	}
	return at ? facts_number(at + strlen(key), fallback) : fallback;
}

/* The fields of the account's line; false if there is none. */
static bool account_of(struct facts *facts, const char *name, long long uid, const char *fields[7])
{
	const char *text = facts_section_text(&facts->reply, "passwd");
	bool found = false;
	for (const char *line; (line = facts_line(&facts->reply, &text));) {
		const char *these[7];
		size_t count = 0;
		for (const char *p = line; count < 7; count++) {
			size_t length = strcspn(p, ":");
			these[count] = arena_copy(&facts->reply.arena, p, length);
			p += length;
			if (*p)
				p++;
			else if (count < 6)
				break;
		}
		if (count < 7)
			continue;
		bool is_named = strcmp(these[0], name) == 0;
		if (is_named || (!found && facts_number(these[2], -1) == uid)) {
			memcpy(fields, these, sizeof(these));
			found = true;
		}
		if (is_named)
			break;
	}
	return found;
}

void facts_read_user(struct facts *facts)
{
	const char *id = facts_section_text(&facts->reply, "id"), *text = facts_section_text(&facts->reply, "user");
	long long uid = id_of(id, "uid=", 0), gid = id_of(id, "gid=", 0);
	const char *name = facts_line(&facts->reply, &text), *fields[7];
	facts_set_text(facts, "user_id", name ? name : "");
	if (account_of(facts, name ? name : "", uid, fields)) {
		facts_set_number(facts, "user_uid", facts_number(fields[2], uid));
		facts_set_number(facts, "user_gid", facts_number(fields[3], gid));
		facts_set_text(facts, "user_gecos", fields[4]);
		facts_set_text(facts, "user_dir", fields[5]);
		facts_set_text(facts, "user_shell", fields[6]);
	}
	facts_set_number(facts, "real_user_id", uid);
	facts_set_number(facts, "effective_user_id", id_of(id, "euid=", uid));
	facts_set_number(facts, "real_group_id", gid);
	facts_set_number(facts, "effective_group_id", gid);
}

/* ---- environment ---- */

static void set_variable(json_t *env, struct arena *arena, const char *text, size_t length)
{
	const char *equals = memchr(text, '=', length);
	if (!equals || equals == text)
		return;
	const char *name = arena_copy(arena, text, (size_t)(equals - text));
	const char *value = arena_copy(arena, equals + 1, (size_t)(text + length - equals - 1));
	auto_json json_t *key = facts_string(name);
	json_object_set_new(env, json_string_value(key), facts_string(value));
}

void facts_read_env(struct facts *facts)
{
	json_t *env = json_object();
	const struct facts_section *whole = facts_section(&facts->reply, "env0");
	for (size_t at = 0; whole && at < whole->length;) {
		size_t length = strnlen(whole->text + at, whole->length - at);
		set_variable(env, &facts->reply.arena, whole->text + at, length);
		at += length + 1;
	}
	const char *text = facts_section_text(&facts->reply, "env");
	for (const char *line; (line = facts_line(&facts->reply, &text));)
		set_variable(env, &facts->reply.arena, line, strlen(line));
	facts_set(facts, "env", env);
}

/* ---- time ---- */

/* The name of summer time in a POSIX TZ text: "CEST" of "CET-1CEST,M3.5.0"; the only name where there is one. */
static const char *summer_name(struct facts *facts, const char *zone, const char *now)
{
	const char *first = zone, *p = zone;
	for (int i = 0; i < 2; i++) {
		const char *name = p;
		size_t length;
		if (*p == '<') {
			name = p + 1;
			length = strcspn(name, ">");
			p = name + length + (name[length] == '>');
		} else {
			while (isalpha((unsigned char)*p))
				p++;
			length = (size_t)(p - name);
		}
		if (!length)
			return i ? arena_copy(&facts->reply.arena, first, strcspn(first, ">+-0123456789,")) : now;
		if (i)
			return arena_copy(&facts->reply.arena, name, length);
		first = name;
		p += strspn(p, "+-0123456789:");
	}
	return now;
}

void facts_read_date_time(struct facts *facts)
{
	enum { YEAR, MONTH, WEEKDAY, WEEKDAY_NUMBER, WEEK, DAY, HOUR, MINUTE, SECOND, EPOCH, NANO, OFFSET, ZONE, FIELDS };
	static const char *const names[] = { "year", "month", "weekday", "weekday_number", "weeknumber", "day", "hour", "minute",
	                                     "second", "epoch" };
	const char *words[FIELDS], *text = facts_section_text(&facts->reply, "date");
	json_t *about = json_object();
	facts_set(facts, "date_time", about);
	if (facts_words(&facts->reply, text, words, FIELDS) < FIELDS)
		return;
	for (size_t i = 0; i < sizeof(names) / sizeof(*names); i++)
		json_object_set_new(about, names[i], facts_string(words[i]));
	/* Not every date(1) tells parts of a second. */
	char micro[8] = "000000", utc[32] = "";
	if (strlen(words[NANO]) == 9 && strspn(words[NANO], "0123456789") == 9)
		memcpy(micro, words[NANO], 6);
	time_t epoch = (time_t)facts_number(words[EPOCH], 0);
	struct tm when;
	if (gmtime_r(&epoch, &when))
		strftime(utc, sizeof(utc), "%Y-%m-%dT%H:%M:%S", &when);
	const struct { const char *name, *value; } made[] = {
		{ "epoch_int", words[EPOCH] },
		{ "date", arena_printf(&facts->reply.arena, "%s-%s-%s", words[YEAR], words[MONTH], words[DAY]) },
		{ "time", arena_printf(&facts->reply.arena, "%s:%s:%s", words[HOUR], words[MINUTE], words[SECOND]) },
		{ "iso8601", arena_printf(&facts->reply.arena, "%sZ", utc) },
		{ "iso8601_micro", arena_printf(&facts->reply.arena, "%s.%sZ", utc, micro) },
		{ "iso8601_basic", arena_printf(&facts->reply.arena, "%s%s%sT%s%s%s%s", words[YEAR], words[MONTH], words[DAY],
		                                words[HOUR], words[MINUTE], words[SECOND], micro) },
		{ "iso8601_basic_short", arena_printf(&facts->reply.arena, "%s%s%sT%s%s%s", words[YEAR], words[MONTH], words[DAY],
		                                      words[HOUR], words[MINUTE], words[SECOND]) },
		{ "tz", words[ZONE] },
		{ "tz_dst", summer_name(facts, facts_strip(&facts->reply, facts_section_text(&facts->reply, "zone"), ""), words[ZONE]) },
		{ "tz_offset", words[OFFSET] },
	};
	for (size_t i = 0; i < sizeof(made) / sizeof(*made); i++)
		json_object_set_new(about, made[i].name, facts_string(made[i].value));
}

/* ---- kernel command line ---- */

/* Words as Python's shlex splits them without POSIX rules: quotes keep blanks together and stay. */
static const char *next_piece(struct facts *facts, const char **text)
{
	const char *p = *text + strspn(*text, " \t\r\n");
	if (!*p)
		return NULL;
	const char *start = p;
	if (*p == '"' || *p == '\'') {
		const char *end = strchr(p + 1, *p);
		p = end ? end + 1 : p + strlen(p);
	} else {
		p += strcspn(p, " \t\r\n");
	}
	*text = p;
	return arena_copy(&facts->reply.arena, start, (size_t)(p - start));
}

void facts_read_cmdline(struct facts *facts)
{
	const char *text = facts_file(&facts->reply, "/proc/cmdline");
	if (!text)
		return;
	json_t *last = json_object(), *all = json_object();
	for (const char *piece; (piece = next_piece(facts, &text));) {
		const char *equals = strchr(piece, '=');
		const char *raw = arena_copy(&facts->reply.arena, piece, equals ? (size_t)(equals - piece) : strlen(piece));
		auto_json json_t *key = facts_string(raw);
		const char *name = json_string_value(key);
		json_object_set_new(last, name, equals ? facts_string(equals + 1) : json_true());
		json_t *before = json_object_get(all, name);
		if (!equals || !before)
			json_object_set_new(all, name, equals ? facts_string(equals + 1) : json_true());
		else if (json_is_array(before))
			json_array_append_new(before, facts_string(equals + 1));
		else
			json_object_set_new(all, name, json_pack("[O, o]", before, facts_string(equals + 1)));
	}
	facts_set(facts, "cmdline", last);
	facts_set(facts, "proc_cmdline", all);
}

/* ---- resolver ---- */

static json_t *strings_of(const char *const *words, size_t count)
{
	json_t *list = json_array();
	for (size_t i = 0; i < count; i++)
		json_array_append_new(list, facts_string(words[i]));
	return list;
}

static void set_options(json_t *options, struct arena *arena, const char *const *words, size_t count)
{
	for (size_t i = 0; i < count; i++) {
		const char *colon = strchr(words[i], ':');
		const char *name = arena_copy(arena, words[i], colon ? (size_t)(colon - words[i]) : strlen(words[i]));
		auto_json json_t *key = facts_string(name);
		json_object_set_new(options, json_string_value(key),
		                    colon && colon[1] ? facts_string(colon + 1) : json_true());
	}
}

void facts_read_dns(struct facts *facts)
{
	json_t *dns = json_object();
	const char *text = facts_file(&facts->reply, "/etc/resolv.conf"), *words[64];
	for (const char *line; text && (line = facts_line(&facts->reply, &text));) {
		size_t count = facts_words(&facts->reply, line, words, 64);
		if (!count || *line == '#' || *line == ';')
			continue;
		if (strcmp(words[0], "nameserver") == 0) {
			if (!json_object_get(dns, "nameservers"))
				json_object_set_new(dns, "nameservers", json_array());
			auto_json json_t *more = strings_of(words + 1, count - 1);
			json_array_extend(json_object_get(dns, "nameservers"), more);
		} else if (strcmp(words[0], "domain") == 0 && count > 1) {
			json_object_set_new(dns, "domain", facts_string(words[1]));
		} else if (strcmp(words[0], "search") == 0 || strcmp(words[0], "sortlist") == 0) {
			json_object_set_new(dns, words[0], strings_of(words + 1, count - 1));
		} else if (strcmp(words[0], "options") == 0) {
			json_t *options = json_object();
			set_options(options, &facts->reply.arena, words + 1, count - 1);
			json_object_set_new(dns, "options", options);
		}
	}
	facts_set(facts, "dns", dns);
}

/* ---- small ones ---- */

/* Those of the first folder that has any. */
void facts_read_ssh_pub_keys(struct facts *facts)
{
	static const char *const folders[] = { "/etc/ssh", "/etc/openssh", "/etc" };
	static const char *const kinds[] = { "dsa", "rsa", "ecdsa", "ed25519" };
	bool found = false;
	for (size_t i = 0; i < 3 && !found; i++) {
		for (size_t j = 0; j < 4; j++) {
			const char *words[2], *text = facts_file(&facts->reply, "%s/ssh_host_%s_key.pub", folders[i], kinds[j]);
			if (!text || facts_words(&facts->reply, text, words, 2) < 2)
				continue;
			const char *name = arena_printf(&facts->reply.arena, "ssh_host_key_%s_public", kinds[j]);
			facts_set_text(facts, name, words[1]);
			facts_set_text(facts, arena_printf(&facts->reply.arena, "%s_keytype", name), words[0]);
			found = true;
		}
	}
}

void facts_read_loadavg(struct facts *facts)
{
	const char *words[3], *text = facts_file(&facts->reply, "/proc/loadavg");
	if (!text || facts_words(&facts->reply, text, words, 3) < 3)
		return;
	json_t *load = json_object();
	static const char *const names[] = { "1m", "5m", "15m" };
	for (size_t i = 0; i < 3; i++) {
		double value = strtod(words[i], NULL);
		json_object_set_new(load, names[i], json_real(value >= 0 && value < 1e9 ? value : 0));
	}
	facts_set(facts, "loadavg", load);
}

void facts_read_fips(struct facts *facts)
{
	const char *text = facts_file(&facts->reply, "/proc/sys/crypto/fips_enabled");
	facts_set(facts, "fips", json_boolean(text && strcmp(text, "1") == 0));
}

/* What stands behind the prefix on the first line that has it, else "". */
static const char *line_behind(struct facts *facts, const char *path, const char *prefix, bool keep)
{
	const char *text = facts_file(&facts->reply, "%s", path);
	for (const char *line; text && (line = facts_line(&facts->reply, &text));) {
		if (strncmp(line, prefix, strlen(prefix)) == 0)
			return keep ? line : line + strlen(prefix);
	}
	return "";
}

void facts_read_iscsi(struct facts *facts)
{
	facts_set_text(facts, "iscsi_iqn", line_behind(facts, "/etc/iscsi/initiatorname.iscsi", "InitiatorName=", false));
}

void facts_read_nvme(struct facts *facts)
{
	facts_set_text(facts, "hostnqn", line_behind(facts, "/etc/nvme/hostnqn", "nqn.", true));
}

void facts_read_fibre_channel_wwn(struct facts *facts)
{
	json_t *names = json_array();
	const char *start = "/sys/class/fc_host/";
	for (size_t i = facts_file_from(&facts->reply, start); i < facts->reply.file_count; i++) {
		const struct facts_file *file = &facts->reply.files[i];
		if (strncmp(file->path, start, strlen(start)) != 0)
			break;
		if (strlen(file->text) > 2)
			json_array_append_new(names, facts_string(file->text + 2));
	}
	facts_set(facts, "fibre_channel_wwn", names);
}
