/* The tables of parts and collectors. */
#include "plan/fact_subset.h"

#include <string.h>

#include "base/buf.h"
#include "base/mem.h"
#include "base/suggest.h"

/* In the order of their bits. collector: the word of gather_subset that brings the part; names: the facts it gives;
 * needs: a part that it is made from. */
static const struct {
	const char *part, *collector, *names, *needs;
} parts_table[] = {
	{ "apparmor", "apparmor", "apparmor" },
	{ "caps", "caps", "system_capabilities system_capabilities_enforced" },
	{ "chroot", "chroot", "is_chroot" },
	{ "cmdline", "cmdline", "cmdline proc_cmdline" },
	{ "date_time", "date_time", "date_time" },
	{ "distribution", "distribution", "distribution distribution_version distribution_release distribution_major_version "
	                                  "distribution_minor_version distribution_file_parsed distribution_file_path "
	                                  "distribution_file_variety distribution_file_search_string os_family" },
	{ "dns", "dns", "dns" },
	{ "env", "env", "env" },
	{ "fips", "fips", "fips" },
	{ "loadavg", "loadavg", "loadavg" },
	{ "local", "local", "local" },
	{ "lsb", "lsb", "lsb" },
	{ "pkg_mgr", "pkg_mgr", "pkg_mgr", "distribution" },
	{ "platform", "platform", "system kernel kernel_version machine architecture userspace_architecture userspace_bits "
	                          "hostname nodename machine_id" },
	{ "fqdn", "platform", "fqdn domain" },
	{ "python_version", "platform", "python_version" },
	{ "python", "python", "python" },
	{ "selinux", "selinux", "selinux selinux_python_present" },
	{ "service_mgr", "service_mgr", "service_mgr", "distribution" },
	{ "ssh_pub_keys", "ssh_pub_keys", "ssh_host_key_dsa_public ssh_host_key_rsa_public ssh_host_key_ecdsa_public "
	                                  "ssh_host_key_ed25519_public ssh_host_key_dsa_public_keytype "
	                                  "ssh_host_key_rsa_public_keytype ssh_host_key_ecdsa_public_keytype "
	                                  "ssh_host_key_ed25519_public_keytype" },
	{ "user", "user", "user_id user_uid user_gid user_gecos user_dir user_shell real_user_id effective_user_id "
	                  "real_group_id effective_group_id" },
	{ "cpu", "hardware", "processor processor_cores processor_count processor_nproc processor_threads_per_core "
	                     "processor_vcpus" },
	{ "memory", "hardware", "memfree_mb memtotal_mb swapfree_mb swaptotal_mb memory_mb" },
	{ "dmi", "hardware", "bios_date bios_vendor bios_version board_asset_tag board_name board_serial board_vendor "
	                     "board_version chassis_asset_tag chassis_serial chassis_vendor chassis_version form_factor "
	                     "product_name product_serial product_uuid product_version system_vendor" },
	{ "devices", "hardware", "devices device_links" },
	{ "mounts", "hardware", "mounts" },
	{ "uptime", "hardware", "uptime_seconds" },
	{ "lvm", "hardware", "lvm" },
	{ "network", "network", "interfaces default_ipv4 default_ipv6 all_ipv4_addresses all_ipv6_addresses" },
	{ "virtual", "virtual", "virtualization_type virtualization_role virtualization_tech_guest virtualization_tech_host" },
	{ "fibre_channel_wwn", "fibre_channel_wwn", "fibre_channel_wwn" },
	{ "iscsi", "iscsi", "iscsi_iqn" },
	{ "nvme", "nvme", "hostnqn" },
};

/* ids: other words of gather_subset that bring the whole collector; needs: collectors that come with it. */
static const struct collector {
	const char *name;
	bool in_min;
	const char *ids, *needs;
} collectors[] = {
	{ "apparmor", true, "", "" },
	{ "caps", true, "system_capabilities system_capabilities_enforced", "" },
	{ "chroot", false, "is_chroot", "" },
	{ "cmdline", true, "", "" },
	{ "date_time", true, "", "" },
	{ "distribution", true, "distribution_version distribution_release distribution_major_version os_family", "" },
	{ "dns", true, "", "" },
	{ "env", true, "", "" },
	{ "facter", false, "", "" },
	{ "fibre_channel_wwn", false, "", "" },
	{ "fips", true, "", "" },
	{ "hardware", false, "processor processor_cores processor_count mounts devices", "platform" },
	{ "iscsi", false, "", "" },
	{ "loadavg", false, "", "" },
	{ "local", true, "", "" },
	{ "lsb", true, "", "" },
	{ "network", false, "interfaces default_ipv4 default_ipv6 all_ipv4_addresses all_ipv6_addresses",
	  "distribution platform" },
	{ "nvme", false, "", "" },
	{ "ohai", false, "", "" },
	{ "pkg_mgr", true, "", "distribution" },
	{ "platform", true, "system kernel kernel_version machine python_version architecture machine_id", "" },
	{ "python", true, "", "" },
	{ "selinux", true, "", "" },
	{ "service_mgr", true, "", "platform distribution" },
	{ "ssh_pub_keys", true, "ssh_host_pub_keys ssh_host_key_dsa_public ssh_host_key_rsa_public ssh_host_key_ecdsa_public "
	                        "ssh_host_key_ed25519_public", "" },
	{ "user", true, "user_id user_uid user_gid user_gecos user_dir user_shell real_user_id effective_user_id "
	                "effective_group_ids", "" },
	{ "virtual", false, "virtualization_type virtualization_role virtualization_tech_guest virtualization_tech_host", "" },
};

enum {
	PARTS = sizeof(parts_table) / sizeof(*parts_table),
	COLLECTORS = sizeof(collectors) / sizeof(*collectors),
	WORDS_MOST = 128,
};
_Static_assert(PARTS < 64, "a set of parts is 64 bits");

static bool has_word(const char *words, const char *word, size_t length)
{
	for (const char *p = words; *p;) {
		size_t size = strcspn(p, " ");
		if (size == length && memcmp(p, word, length) == 0)
			return true;
		p += size + (p[size] == ' ');
	}
	return false;
}

/* ---- the words of gather_subset ---- */

/* Every word that gather_subset knows, each with what was said of it. */
struct subset_word {
	const char *text;
	size_t length;
	size_t collector;
	bool in, out, named;
};
struct subset {
	struct subset_word words[WORDS_MOST];
	size_t count;
};

static void subset_add(struct subset *subset, const char *text, size_t length, size_t collector)
{
	if (length && subset->count < WORDS_MOST)
		subset->words[subset->count++] = (struct subset_word){ .text = text, .length = length, .collector = collector };
}

static void subset_init(struct subset *subset)
{
	subset->count = 0;
	for (size_t i = 0; i < COLLECTORS; i++) {
		subset_add(subset, collectors[i].name, strlen(collectors[i].name), i);
		for (const char *p = collectors[i].ids; *p;) {
			size_t length = strcspn(p, " ");
			subset_add(subset, p, length, i);
			p += length + (p[length] == ' ');
		}
	}
}

static bool is_min(const struct subset_word *word)
{
	return collectors[word->collector].in_min && word->length == strlen(collectors[word->collector].name) &&
	       memcmp(word->text, collectors[word->collector].name, word->length) == 0;
}

static int unknown_word(const struct subset *subset, const char *word, struct err *err)
{
	struct suggest suggest;
	auto_arena struct arena arena = ARENA_INIT;
	suggest_start(&suggest, word);
	suggest_offer(&suggest, "all");
	suggest_offer(&suggest, "min");
	for (size_t i = 0; i < subset->count; i++)
		suggest_offer(&suggest, arena_copy(&arena, subset->words[i].text, subset->words[i].length));
	err_set(err, ERR_INPUT, "gather_subset has no \"%s\"", word);
	if (suggest.best)
		err_hint(err, "did you mean \"%s\"?", suggest.best);
	return -1;
}

/* "!word": the word and what else brings the same collector. */
static void leave_out(struct subset *subset, const char *word)
{
	bool all = strcmp(word, "all") == 0, min = strcmp(word, "min") == 0;
	size_t length = strlen(word);
	for (size_t i = 0; i < subset->count; i++) {
		struct subset_word *known = &subset->words[i];
		const char *collector = collectors[known->collector].name;
		bool is_it = known->length == length && memcmp(known->text, word, length) == 0;
		if (is_it || strcmp(collector, word) == 0 || (all && !is_min(known)) || (min && is_min(known)))
			known->out = true;
	}
}

static int take_in(struct subset *subset, const char *word, struct err *err)
{
	bool all = strcmp(word, "all") == 0, min = strcmp(word, "min") == 0, found = all || min;
	size_t length = strlen(word);
	for (size_t i = 0; i < subset->count; i++) {
		struct subset_word *known = &subset->words[i];
		bool is_it = known->length == length && memcmp(known->text, word, length) == 0;
		known->in = known->in || is_it || all || (min && is_min(known));
		known->named = known->named || is_it;
		found = found || is_it;
	}
	return found ? 0 : unknown_word(subset, word, err);
}

static fact_parts parts_of_collector(const char *collector, size_t length)
{
	fact_parts parts = 0;
	for (size_t i = 0; i < PARTS; i++) {
		if (strlen(parts_table[i].collector) == length && memcmp(parts_table[i].collector, collector, length) == 0)
			parts |= (fact_parts)1 << i;
	}
	return parts;
}

static fact_parts parts_of_subset(const struct subset *subset)
{
	fact_parts parts = 0;
	for (size_t i = 0; i < subset->count; i++) {
		const struct subset_word *word = &subset->words[i];
		const struct collector *collector = &collectors[word->collector];
		if (!word->in || (word->out && !word->named))
			continue;
		parts |= parts_of_collector(collector->name, strlen(collector->name));
		for (const char *p = collector->needs; *p;) {
			size_t length = strcspn(p, " ");
			parts |= parts_of_collector(p, length);
			p += length + (p[length] == ' ');
		}
	}
	return parts;
}

int fact_subset_parts(json_t *words, fact_parts *parts, struct err *err)
{
	struct subset subset;
	subset_init(&subset);
	if (take_in(&subset, "min", err) < 0)
		return -1;
	if (!json_array_size(words) && take_in(&subset, "all", err) < 0)
		return -1;
	for (size_t i = 0; i < json_array_size(words); i++) {
		const char *word = json_string_value(json_array_get(words, i));
		if (word && *word == '!')
			leave_out(&subset, word + 1);
		else if (word && take_in(&subset, word, err) < 0)
			return -1;
	}
	*parts = parts_of_subset(&subset);
	return 0;
}

fact_parts fact_subset_all(void) { return ((fact_parts)1 << PARTS) - 1; }

/* ---- names ---- */

/* Variables of Ansible's that begin like facts and are none. */
static const char not_facts[] =
	"become become_exe become_flags become_method become_pass become_password become_user check_mode collection_name "
	"config_file connection dependent_role_names diff_mode failed_result failed_task forks host host_key_checking inventory_dir inventory_file managed index_var "
	"inventory_sources limit loop loop_var parent_role_names parent_role_paths password pipelining play_batch play_hosts "
	"play_hosts_all play_name play_role_names port private_key_file remote_tmp role_name role_names run_tags "
	"search_path shell_executable shell_type skip_tags ssh_args ssh_common_args ssh_executable ssh_extra_args ssh_host "
	"ssh_pass ssh_password ssh_pipelining ssh_port ssh_private_key_file ssh_retries ssh_timeout ssh_transfer_method ssh_user "
	"sudo_pass su_pass timeout user verbosity version";

static fact_parts part_named(const char *part)
{
	for (size_t i = 0; part && i < PARTS; i++) {
		if (strcmp(parts_table[i].part, part) == 0)
			return (fact_parts)1 << i;
	}
	return 0;
}

/* The part of a name without its prefix, 0 if no part has it. */
static fact_parts part_of_name(const char *name)
{
	size_t length = strlen(name);
	for (size_t i = 0; i < PARTS; i++) {
		if (has_word(parts_table[i].names, name, length))
			return (fact_parts)1 << i | part_named(parts_table[i].needs);
	}
	return 0;
}

bool fact_subset_may_be_fact(const char *name)
{
	static const char *const families[] = { "become_", "paramiko_", "sftp_", "scp_", "psrp_", "winrm_", "ssh_" };
	if (strcmp(name, "ansible_facts") == 0)
		return false;
	if (strncmp(name, "ansible_", 8) != 0 || part_of_name(name + 8))
		return true;
	name += 8;
	for (size_t i = 0; i < sizeof(families) / sizeof(*families); i++) {
		if (strncmp(name, families[i], strlen(families[i])) == 0)
			return false;
	}
	size_t length = strlen(name);
	bool interpreter = length > 12 && strcmp(name + length - 12, "_interpreter") == 0;
	return length && !interpreter && !has_word(not_facts, name, length);
}

bool fact_subset_is_guess(const char *name)
{
	return strncmp(name, "ansible_", 8) == 0 && !part_of_name(name + 8);
}

fact_parts fact_subset_of_variable(const char *name)
{
	if (strcmp(name, "ansible_facts") == 0)
		return fact_subset_all();
	if (strncmp(name, "ansible_", 8) != 0 || !fact_subset_may_be_fact(name))
		return 0;
	fact_parts parts = part_of_name(name + 8);
	return parts ? parts : parts_of_collector("network", strlen("network"));
}

const char *fact_subset_text(struct arena *arena, fact_parts parts)
{
	auto_buf struct buf text = BUF_INIT;
	for (size_t i = 0; i < PARTS; i++) {
		if (parts >> i & 1)
			buf_printf(&text, "%s%s", text.length ? " " : "", parts_table[i].part);
	}
	return arena_str(arena, buf_text(&text));
}

bool fact_subset_has(const char *text, const char *part) { return has_word(text, part, strlen(part)); }

fact_parts fact_subset_of_text(const char *text)
{
	fact_parts parts = 0;
	for (size_t i = 0; i < PARTS; i++)
		parts |= fact_subset_has(text, parts_table[i].part) ? (fact_parts)1 << i : 0;
	return parts;
}
