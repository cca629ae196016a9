/* Facts: gathered by every shell that is here, and read from recorded replies, hostile ones among them. */
#include <string.h>
#include <sys/utsname.h>
#include <unistd.h>

#include <criterion/criterion.h>
#include <criterion/parameterized.h>

#include "base/child.h"
#include "base/mem.h"
#include "plan/fact_subset.h"
#include "run/facts.h"

static const char mark[] = "0123456789abcdef0123456789abcdef";

/* ---- the script, by all shells ---- */

struct shell { char name[16]; char first[32], second[16]; bool only_busybox; };

static struct shell shells[] = {
	{ "dash", "/usr/bin/dash", "", false },
	{ "bash", "/bin/bash", "", false },
	{ "mksh", "/usr/bin/mksh", "", false },
	{ "busybox", "/usr/bin/busybox", "ash", false },
	{ "only busybox", "/usr/bin/busybox", "ash", true },
};

static const char everything[] =
	"apparmor caps chroot cmdline date_time distribution dns env fips loadavg local lsb pkg_mgr platform fqdn python_version python "
	"selinux service_mgr ssh_pub_keys user cpu memory dmi devices mounts uptime lvm network virtual fibre_channel_wwn iscsi nvme";

static void run(const char *const *argv, const struct buf *input, struct buf *out)
{
	struct err err = ERR_INIT;
	int status;
	const struct child_run child = {
		.argv = argv, .input = input ? input->data : NULL, .input_length = input ? input->length : 0, .timeout_ms = 30000,
		.output_most = 8 << 20,
	};
	cr_assert_eq(child_run(&child, out, NULL, &status, &err), 0, "%s", err.text);
}

/* What a shell writes when it gathers; facts is a folder with a fact of each kind. */
static void gather(const struct shell *shell, const char *parts, struct buf *out)
{
	char folder[] = "/tmp/neap-facts-XXXXXX";
	auto_buf struct buf script = BUF_INIT, prepare = BUF_INIT;
	cr_assert(mkdtemp(folder) != NULL);
	buf_printf(&prepare, "mkdir %s/tools %s/facts\nbusybox --install -s %s/tools\ncd %s/facts\n"
	           "printf '{\"a\": [1, true]}' >j.fact\nprintf '[Web]\\nPort = 80\\n' >i.fact\nprintf 'nothing' >bad.fact\n"
	           "printf '#!/bin/sh\\necho \"{\\\\\"ran\\\\\": \\\\\"$0\\\\\"}\"\\necho to stderr >&2\\n' >x.fact\n"
	           "printf '#!/bin/sh\\necho no good >&2\\nexit 3\\n' >f.fact\nchmod +x x.fact f.fact\n", folder, folder, folder, folder);
	run((const char *const[]){ "sh", "-s", NULL }, &prepare, NULL);
	auto_free char *path = mem_printf("PATH=%s/tools", folder), *facts = mem_printf("%s/facts", folder);
	const struct ask ask = { .kind = ASK_FACTS, .path = parts, .folder = facts, .limit = 5 };
	facts_script(&ask, mark, &script);
	const char *argv[] = { "env", "-i", shell->only_busybox ? path : "PATH=/usr/sbin:/usr/bin:/sbin:/bin", "ODD=two\nlines",
	                       shell->first, *shell->second ? shell->second : "-s", "-s", NULL };
	if (!*shell->second)
		argv[6] = NULL;
	run(argv, &script, out);
	run((const char *const[]){ "rm", "-rf", folder, NULL }, NULL, NULL);
}

static const char *text_of(json_t *facts, const char *name)
{
	const char *text = json_string_value(json_object_get(facts, name));
	return text ? text : "(none)";
}

static struct answer *parse(const char *parts, const char *reply, size_t length)
{
	const struct ask ask = { .kind = ASK_FACTS, .path = parts, .folder = "/f" };
	return facts_parse(&ask, mark, reply, length);
}

ParameterizedTestParameters(facts, are_gathered_by_every_shell)
{
	return cr_make_param_array(struct shell, shells, sizeof(shells) / sizeof(*shells));
}

ParameterizedTest(const struct shell *shell, facts, are_gathered_by_every_shell)
{
	if (access(shell->first, X_OK) < 0)
		cr_skip_test("%s is not installed", shell->first);
	auto_buf struct buf reply = BUF_INIT;
	struct utsname uname_answer;
	gather(shell, everything, &reply);
	struct answer *answer = parse(everything, reply.data, reply.length);
	cr_assert_eq(answer->state, ANSWER_OK, "%s: %s", shell->name, answer->why);
	cr_assert_eq(uname(&uname_answer), 0);
	json_t *facts = answer->facts, *local = json_object_get(facts, "local");
	cr_expect_str_eq(text_of(facts, "kernel"), uname_answer.release);
	cr_expect_str_eq(text_of(facts, "kernel_version"), uname_answer.version);
	cr_expect_str_eq(text_of(facts, "machine"), uname_answer.machine);
	cr_expect_str_eq(text_of(facts, "nodename"), uname_answer.nodename);
	cr_expect_eq(json_integer_value(json_object_get(facts, "real_user_id")), getuid());
	cr_expect_str_eq(text_of(json_object_get(facts, "env"), "ODD"), "two\nlines");
	cr_expect_gt(json_integer_value(json_object_get(facts, "memtotal_mb")), 0);
	cr_expect_eq(json_integer_value(json_object_get(facts, "processor_nproc")), sysconf(_SC_NPROCESSORS_ONLN));
	cr_expect_str_eq(text_of(json_object_get(facts, "lo"), "type"), "loopback");
	cr_expect_str_eq(text_of(json_object_get(json_object_get(facts, "lo"), "ipv4"), "address"), "127.0.0.1");
	cr_expect(json_array_size(json_object_get(facts, "mounts")) > 0);
	cr_expect(json_object_get(json_array_get(json_object_get(facts, "mounts"), 0), "size_total"));
	cr_expect(json_is_true(json_array_get(json_object_get(json_object_get(local, "j"), "a"), 1)));
	cr_expect_str_eq(text_of(json_object_get(json_object_get(local, "i"), "Web"), "port"), "80");
	cr_expect(strstr(text_of(json_object_get(local, "x"), "ran"), "/facts/x.fact"));
	cr_expect_str_eq(text_of(local, "bad"), "error loading facts as JSON or ini - please check content: /f/bad.fact");
	cr_expect_str_eq(text_of(local, "f"), "Failure executing fact script (/f/f.fact), rc: 3, err: no good");
	answer_unref(answer);
}

/* ---- recorded replies ---- */

static void reply_section(struct buf *reply, const char *name, const char *text)
{
	buf_printf(reply, "\n%s %s\n%s", mark, name, text);
}

/* A reply of sections: name, text, name, text, ..., NULL. */
static struct answer *answer_of(const char *parts, const char *const *sections)
{
	auto_buf struct buf reply = BUF_INIT;
	for (; *sections; sections += 2)
		reply_section(&reply, sections[0], sections[1]);
	reply_section(&reply, "end", "");
	return parse(parts, reply.data, reply.length);
}

static void expect_distribution(const char *files, const char *exists, const char *expected)
{
	struct answer *answer = answer_of("distribution pkg_mgr", (const char *const[]){
		"uname", "Linux h 6.1.0 #1 SMP x86_64\n", "files", files, "exists", exists, NULL });
	json_t *facts = answer->facts;
	auto_free char *got = mem_printf("%s %s %s %s %s %s", text_of(facts, "distribution"), text_of(facts, "distribution_version"),
	                                 text_of(facts, "distribution_major_version"), text_of(facts, "distribution_release"),
	                                 text_of(facts, "os_family"), text_of(facts, "pkg_mgr"));
	cr_expect_str_eq(got, expected);
	answer_unref(answer);
}

Test(facts, know_the_distributions)
{
	expect_distribution("/etc/os-release:NAME=\"Ubuntu\"\n/etc/os-release:VERSION_ID=\"22.04\"\n"
	                    "/etc/os-release:VERSION=\"22.04.3 LTS (Jammy Jellyfish)\"\n/etc/os-release:VERSION_CODENAME=jammy\n"
	                    "/etc/os-release:ID=ubuntu\n/etc/os-release:ID_LIKE=debian\n", "/usr/bin/apt-get\n",
	                    "Ubuntu 22.04 22 jammy Debian apt");
	expect_distribution("/etc/redhat-release:Rocky Linux release 9.3 (Blue Onyx)\n/etc/os-release:NAME=\"Rocky Linux\"\n"
	                    "/etc/os-release:VERSION=\"9.3 (Blue Onyx)\"\n/etc/os-release:ID=\"rocky\"\n/etc/os-release:VERSION_ID=\"9.3\"\n",
	                    "/usr/bin/dnf\n/usr/bin/yum\n", "Rocky 9.3 9 Blue Onyx RedHat dnf");
	expect_distribution("/etc/centos-release:CentOS Linux release 7.9.2009 (Core)\n"
	                    "/etc/redhat-release:CentOS Linux release 7.9.2009 (Core)\n/etc/os-release:NAME=\"CentOS Linux\"\n"
	                    "/etc/os-release:VERSION=\"7 (Core)\"\n/etc/os-release:ID=\"centos\"\n/etc/os-release:VERSION_ID=\"7\"\n",
	                    "/usr/bin/yum\n", "CentOS 7.9 7 Core RedHat yum");
	expect_distribution("/etc/redhat-release:Red Hat Enterprise Linux release 8.5 (Ootpa)\n/etc/os-release:ID=\"rhel\"\n"
	                    "/etc/os-release:VERSION=\"8.5 (Ootpa)\"\n/etc/os-release:VERSION_ID=\"8.5\"\n", "/usr/bin/dnf\n",
	                    "RedHat 8.5 8 Ootpa RedHat dnf");
	expect_distribution("/etc/redhat-release:Fedora release 38 (Thirty Eight)\n/etc/os-release:ID=fedora\n"
	                    "/etc/os-release:VERSION_ID=38\n/etc/os-release:VERSION_CODENAME=\"\"\n", "/usr/bin/dnf\n",
	                    "Fedora 38 38  RedHat dnf");
	expect_distribution("/etc/alpine-release:3.18.4\n/etc/os-release:ID=alpine\n/etc/os-release:VERSION_ID=3.18.4\n", "/sbin/apk\n",
	                    "Alpine 3.18.4 3 NA Alpine apk");
	expect_distribution("/etc/os-release:NAME=\"openSUSE Leap\"\n/etc/os-release:VERSION=\"15.5\"\n/etc/os-release:ID=\"opensuse-leap\"\n"
	                    "/etc/os-release:VERSION_ID=\"15.5\"\n", "/usr/bin/zypper\n", "openSUSE Leap 15.5 15 5 Suse zypper");
	expect_distribution("/etc/os-release:NAME=\"Arch Linux\"\n/etc/os-release:ID=arch\n", "/etc/arch-release\n/usr/bin/pacman\n",
	                    "Archlinux NA NA NA Archlinux pacman");
	expect_distribution("/etc/os-release:NAME=\"Amazon Linux\"\n/etc/os-release:VERSION=\"2023\"\n/etc/os-release:ID=\"amzn\"\n"
	                    "/etc/os-release:VERSION_ID=\"2023\"\n", "/usr/bin/dnf\n", "Amazon 2023 2023 NA RedHat dnf");
	expect_distribution("/etc/os-release:NAME=\"Void\"\n/etc/os-release:ID=\"void\"\n", "/usr/bin/xbps-install\n",
	                    "Void NA NA NA Void xbps");
	expect_distribution("", "", "OtherLinux NA NA NA OtherLinux unknown");
}

Test(facts, count_processors)
{
	static const char two_sockets[] =
		"processor\t: 0\nvendor_id\t: GenuineIntel\nmodel name\t: Xeon\nphysical id\t: 0\nsiblings\t: 4\ncore id\t\t: 0\ncpu cores\t: 2\n"
		"processor\t: 1\nvendor_id\t: GenuineIntel\nmodel name\t: Xeon\nphysical id\t: 1\nsiblings\t: 4\ncore id\t\t: 0\ncpu cores\t: 2\n";
	struct answer *answer = answer_of("cpu", (const char *const[]){ "uname", "Linux h 6 v x86_64\n", "cpuinfo", two_sockets,
		"files", "/proc/self/status:Cpus_allowed:\tff,00000003\n", NULL });
	cr_expect_eq(json_integer_value(json_object_get(answer->facts, "processor_count")), 2);
	cr_expect_eq(json_integer_value(json_object_get(answer->facts, "processor_cores")), 2);
	cr_expect_eq(json_integer_value(json_object_get(answer->facts, "processor_threads_per_core")), 2);
	cr_expect_eq(json_integer_value(json_object_get(answer->facts, "processor_vcpus")), 8);
	cr_expect_eq(json_integer_value(json_object_get(answer->facts, "processor_nproc")), 10);
	answer_unref(answer);
}

Test(facts, know_what_a_machine_runs_in)
{
	static const struct { const char *files, *exists, *type, *role; } cases[] = {
		{ "/sys/devices/virtual/dmi/id/sys_vendor:QEMU\n", "", "kvm", "guest" },
		{ "/sys/devices/virtual/dmi/id/product_name:VMware7,1\n", "", "VMware", "guest" },
		{ "/proc/1/cgroup:0::/docker/0123abc\n", "", "docker", "guest" },
		{ "/proc/1/cgroup:0::/system.slice/docker-0123abcdef.scope\n", "", "docker", "guest" },
		{ "/run/systemd/container:lxc\n", "", "lxc", "guest" },
		{ "", "/dev/kvm\n", "kvm", "host" },
		{ "", "", "NA", "NA" },
	};
	for (size_t i = 0; i < sizeof(cases) / sizeof(*cases); i++) {
		struct answer *answer = answer_of("virtual", (const char *const[]){ "uname", "Linux h 6 v x86_64\n", "files",
			cases[i].files, "exists", cases[i].exists, NULL });
		cr_expect_str_eq(text_of(answer->facts, "virtualization_type"), cases[i].type);
		cr_expect_str_eq(text_of(answer->facts, "virtualization_role"), cases[i].role);
		answer_unref(answer);
	}
}

Test(facts, know_the_names_of_summer_time)
{
	struct answer *answer = answer_of("date_time", (const char *const[]){ "uname", "Linux h 6 v x86_64\n", "zone",
		"CET-1CEST,M3.5.0,M10.5.0/3\n", "date", "2026 01 Monday 1 01 05 10 20 30 1767604830 123456789 +0100 CET\n", NULL });
	json_t *time = json_object_get(answer->facts, "date_time");
	cr_expect_str_eq(text_of(time, "tz_dst"), "CEST");
	cr_expect_str_eq(text_of(time, "tz"), "CET");
	cr_expect_str_eq(text_of(time, "iso8601_micro"), "2026-01-05T09:20:30.123456Z");
	cr_expect_str_eq(text_of(time, "iso8601_basic_short"), "20260105T102030");
	answer_unref(answer);
}

/* ---- hostile replies ---- */

Test(facts, survive_a_reply_cut_anywhere)
{
	auto_buf struct buf reply = BUF_INIT;
	gather(&shells[0], everything, &reply);
	for (size_t length = 0; length + 40 < reply.length; length += 7) {
		auto_free char *part = mem_strndup(reply.data, length);
		struct answer *answer = parse(everything, part, length);
		cr_expect_eq(answer->state, ANSWER_FAILED);
		answer_unref(answer);
	}
}

Test(facts, survive_any_byte_in_a_reply)
{
	auto_buf struct buf reply = BUF_INIT;
	gather(&shells[0], everything, &reply);
	unsigned random = 1;
	for (int round = 0; round < 300; round++) {
		auto_free char *bent = mem_strndup(reply.data, reply.length);
		for (int i = 0; i < 20; i++) {
			random = random * 1103515245u + 12345u;
			bent[random % reply.length] = (char)(random >> 16);
		}
		answer_unref(parse(everything, bent, reply.length));
	}
}

Test(facts, are_clean_text_whatever_a_target_sends)
{
	struct answer *answer = answer_of("platform", (const char *const[]){ "uname", "Linux \xff\x1b[2J 6 v x86_64\n", NULL });
	cr_assert_eq(answer->state, ANSWER_OK);
	cr_expect_str_eq(text_of(answer->facts, "nodename"), "\xef\xbf\xbd\x1b[2J");
	answer_unref(answer);
}

Test(facts, cannot_be_hidden_by_an_interface)
{
	struct answer *answer = answer_of("platform network", (const char *const[]){ "uname", "Linux h 6 v x86_64\n", "interfaces",
		"/sys/class/net/kernel/\n/sys/class/net/br-0/\n", "files", "/sys/class/net/br-0/mtu:9\n", "addresses", "", NULL });
	cr_expect_str_eq(text_of(answer->facts, "kernel"), "6");
	cr_expect_eq(json_integer_value(json_object_get(json_object_get(answer->facts, "br_0"), "mtu")), 9);
	answer_unref(answer);
}

/* ---- subsets ---- */

static fact_parts parts_of(const char *words)
{
	struct err err = ERR_INIT;
	fact_parts parts = 0;
	auto_json json_t *list = json_loads(words, 0, NULL);
	cr_assert_eq(fact_subset_parts(list, &parts, &err), 0, "%s", err.text);
	return parts;
}

static bool has(fact_parts parts, const char *part)
{
	auto_arena struct arena arena = ARENA_INIT;
	return fact_subset_has(fact_subset_text(&arena, parts), part);
}

Test(fact_subset, follows_the_rules_of_gather_subset)
{
	cr_expect_eq(parts_of("[]"), fact_subset_all());
	cr_expect_eq(parts_of("[\"all\"]"), fact_subset_all());
	cr_expect(has(parts_of("[\"!all\"]"), "distribution") && !has(parts_of("[\"!all\"]"), "cpu"));
	cr_expect_eq(parts_of("[\"!all\", \"!min\"]"), 0);
	cr_expect(has(parts_of("[\"network\"]"), "platform") && has(parts_of("[\"network\"]"), "network"));
	cr_expect(!has(parts_of("[\"network\"]"), "virtual"));
	cr_expect(!has(parts_of("[\"all\", \"!hardware\"]"), "mounts") && has(parts_of("[\"all\", \"!hardware\"]"), "network"));
	fact_parts only = parts_of("[\"!all\", \"!min\", \"pkg_mgr\"]");
	cr_expect(has(only, "pkg_mgr") && has(only, "distribution") && !has(only, "env"));
	cr_expect(has(parts_of("[\"!hardware\", \"mounts\"]"), "mounts"));
}

Test(fact_subset, knows_which_variables_are_facts)
{
	cr_expect(has(fact_subset_of_variable("ansible_os_family"), "distribution"));
	cr_expect(has(fact_subset_of_variable("ansible_eth0"), "network") && fact_subset_is_guess("ansible_eth0"));
	cr_expect_eq(fact_subset_of_variable("ansible_facts"), fact_subset_all());
	cr_expect_eq(fact_subset_of_variable("ansible_host"), 0);
	cr_expect_eq(fact_subset_of_variable("ansible_python_interpreter"), 0);
	cr_expect_eq(fact_subset_of_variable("ansible_check_mode"), 0);
	cr_expect_eq(fact_subset_of_variable("kernel"), 0);
	cr_expect(fact_subset_may_be_fact("ansible_ssh_host_key_rsa_public") && fact_subset_may_be_fact("services"));
	cr_expect(!fact_subset_may_be_fact("ansible_ssh_common_args") && !fact_subset_may_be_fact("ansible_become_password"));
	cr_expect(!fact_subset_may_be_fact("ansible_host") && !fact_subset_may_be_fact("ansible_connection"));
}
