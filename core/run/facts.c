/* The script of facts, and what its reply means, part by part. */
#include "run/facts.h"

#include <string.h>

#include "base/mem.h"
#include "base/quote.h"
#include "plan/fact_subset.h"
#include "run/facts_inside.h"

enum { SECONDS = 10 }; /* Ansible's gather_timeout */

/* In an order in which what one needs of another was read before. */
static const struct {
	const char *part;
	void (*read)(struct facts *facts);
} readers[] = {
	{ "platform", facts_read_platform },
	{ "fqdn", facts_read_fqdn },
	{ "python_version", facts_read_python_version },
	{ "distribution", facts_read_distribution },
	{ "apparmor", facts_read_apparmor },
	{ "caps", facts_read_caps },
	{ "chroot", facts_read_chroot },
	{ "cmdline", facts_read_cmdline },
	{ "date_time", facts_read_date_time },
	{ "dns", facts_read_dns },
	{ "env", facts_read_env },
	{ "fips", facts_read_fips },
	{ "loadavg", facts_read_loadavg },
	{ "local", facts_read_local },
	{ "lsb", facts_read_lsb },
	{ "pkg_mgr", facts_read_pkg_mgr },
	{ "python", facts_read_python },
	{ "selinux", facts_read_selinux },
	{ "service_mgr", facts_read_service_mgr },
	{ "ssh_pub_keys", facts_read_ssh_pub_keys },
	{ "user", facts_read_user },
	{ "cpu", facts_read_cpu },
	{ "memory", facts_read_memory },
	{ "dmi", facts_read_dmi },
	{ "devices", facts_read_devices },
	{ "mounts", facts_read_mounts },
	{ "uptime", facts_read_uptime },
	{ "lvm", facts_read_lvm },
	{ "network", facts_read_network },
	{ "virtual", facts_read_virtual },
	{ "fibre_channel_wwn", facts_read_fibre_channel_wwn },
	{ "iscsi", facts_read_iscsi },
	{ "nvme", facts_read_nvme },
};

void facts_script(const struct ask *ask, const char *mark, struct buf *script)
{
	buf_printf(script, "exec 2>/dev/null\nm=%s seconds=%zu parts=", mark, ask->limit ? ask->limit : (size_t)SECONDS);
	quote_word(script, ask->path ? ask->path : "");
	buf_str(script, " fact_path=");
	quote_word(script, ask->folder ? ask->folder : "");
	buf_char(script, '\n');
	buf_str(script, facts_text);
}

struct answer *facts_parse(const struct ask *ask, const char *mark, const char *reply, size_t length)
{
	struct answer *answer = answer_new();
	struct facts facts = { .ask = ask, .values = json_object() };
	if (!facts_reply_read(&facts.reply, mark, reply, length)) {
		answer->state = ANSWER_FAILED;
		answer->why = "the target's reply could not be read to its end";
		json_decref(facts.values);
	} else {
		for (size_t i = 0; i < sizeof(readers) / sizeof(*readers); i++) {
			if (fact_subset_has(ask->path ? ask->path : "", readers[i].part))
				readers[i].read(&facts);
		}
		answer->facts = facts.values;
	}
	facts_reply_release(&facts.reply);
	return answer;
}

/* ---- for the readers ---- */

void facts_set(struct facts *facts, const char *name, json_t *value) { json_object_set_new(facts->values, name, value); }

void facts_set_text(struct facts *facts, const char *name, const char *text)
{
	if (text)
		facts_set(facts, name, facts_string(text));
}

void facts_set_number(struct facts *facts, const char *name, long long number)
{
	facts_set(facts, name, json_integer(number));
}

const char *facts_text_of(const struct facts *facts, const char *name)
{
	const char *text = json_string_value(json_object_get(facts->values, name));
	return text ? text : "";
}
