/* The inventory: its readers, ranges, patterns, values, and how variables come together. */
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include <criterion/criterion.h>

#include "base/mem.h"
#include "model/host_range.h"
#include "model/inventory.h"
#include "model/python_literal.h"
#include "model/shell_words.h"

/* A folder of its own for each test. */
static char folder[64];

static void folder_make(void)
{
	snprintf(folder, sizeof(folder), "/tmp/neap-inventory.XXXXXX");
	cr_assert(mkdtemp(folder));
}

static void folder_remove(void)
{
	auto_free char *command = mem_printf("rm -rf '%s'", folder);
	FILE *removing = popen(command, "r");
	pclose(removing);
}

TestSuite(inventory, .init = folder_make, .fini = folder_remove);

/* Writes folder/name; the name may have folders in it. New string: the path. */
static char *put(const char *name, const char *text)
{
	char *path = mem_printf("%s/%s", folder, name);
	for (char *slash = path + strlen(folder) + 1; (slash = strchr(slash, '/')); slash++) {
		*slash = '\0';
		mkdir(path, 0700);
		*slash = '/';
	}
	FILE *file = fopen(path, "w");
	cr_assert(file, "%s", path);
	fputs(text, file);
	fclose(file);
	return path;
}

static struct inventory *load(const char *source, struct problems *problems, int expected)
{
	struct inventory *inventory = NULL;
	int result = inventory_load(&inventory, &source, 1, NULL, problems);
	auto_buf struct buf text = BUF_INIT;
	problems_print(problems, &text, false);
	cr_assert_eq(result, expected, "%s", buf_text(&text));
	cr_assert(inventory);
	return inventory;
}

static struct inventory *load_text(const char *name, const char *text)
{
	auto_free char *path = put(name, text);
	auto_problems struct problems problems = PROBLEMS_INIT;
	return load(path, &problems, 0);
}

/* What is wrong with an inventory, without the folder's name. */
static char *faults(const char *name, const char *text)
{
	auto_free char *path = put(name, text);
	auto_problems struct problems problems = PROBLEMS_INIT;
	inventory_free(load(path, &problems, -1));
	auto_buf struct buf out = BUF_INIT;
	problems_print(&problems, &out, false);
	auto_buf struct buf kept = BUF_INIT;
	size_t length = strlen(folder) + 1;
	for (const char *at = buf_text(&out); *at;) {
		if (strncmp(at, folder, length - 1) == 0 && at[length - 1] == '/')
			at += length;
		else
			buf_char(&kept, *at++);
	}
	return buf_take(&kept);
}

static void expect_vars(struct inventory *inventory, const char *host, const char *json)
{
	auto_json json_t *have = inventory_host_vars(inventory, inventory_host(inventory, host));
	auto_json json_t *want = json_loads(json, 0, NULL);
	auto_free char *text = json_dumps(have, JSON_SORT_KEYS);
	cr_assert(json_equal(have, want), "%s has %s", host, text);
}

static void expect_match(struct inventory *inventory, const char *pattern, const char *names)
{
	struct err err = ERR_INIT;
	auto_problems struct problems problems = PROBLEMS_INIT;
	auto_free struct host **hosts = NULL;
	size_t count;
	cr_assert_eq(inventory_match(inventory, pattern, &hosts, &count, &problems, &err), 0, "%s: %s", pattern, err.text);
	auto_buf struct buf found = BUF_INIT;
	for (size_t i = 0; i < count; i++)
		buf_printf(&found, "%s%s", i ? " " : "", hosts[i]->name);
	cr_assert_str_eq(buf_text(&found), names, "pattern %s", pattern);
}

Test(inventory, reads_ini_hosts_groups_and_values)
{
	struct inventory *inventory = load_text("hosts", "lone x='a b' n=5 # a remark\n; another\n\n[web:vars]\nport = 80\n"
	                                                 "url = http://x/#top\nlist=['a', 1]\n[web]\nwww[01:03]:2222 k=v\n"
	                                                 "[all_of_it:children]\nweb # remark\nlater\n[later]\nlate\n");
	expect_vars(inventory, "lone", "{\"x\": \"a b\", \"n\": 5}");
	expect_vars(inventory, "www02",
	            "{\"ansible_port\": 2222, \"k\": \"v\", \"port\": 80, \"url\": \"http://x/#top\", \"list\": [\"a\", 1]}");
	expect_match(inventory, "all_of_it", "www01 www02 www03 late");
	expect_match(inventory, "ungrouped", "lone");
	inventory_free(inventory);
}

Test(inventory, tells_every_fault_of_an_ini_file_with_its_place)
{
	auto_free char *text = faults("hosts.ini", "web1 novalue\n[web:var]\n[bad section]\n[db:vars]\nnothing\n[x:children]\n"
	                                           "wep\nbad name\n[web]\nw[1:\nw[3:1]\nopen='\n");
	static const char *const expected[] = {
		"hosts.ini:1:6: error: \"novalue\" is no variable of a host", "hosts.ini:2:6: error: unknown kind of section \"var\"",
		"did you mean [web:vars]?", "hosts.ini:3:1: error: this is not a section",
		"hosts.ini:5:1: error: this is no variable", "hosts.ini:8:1: error: this is no group's name",
		"hosts.ini:10:1: error: \"w[1:\": the range that opens", "hosts.ini:11:1: error: \"w[3:1]\": the range begins behind",
		"hosts.ini:12:1: error: a single quote is opened", "hosts.ini:4: error: the group \"db\" is used and not defined",
		"hosts.ini:7: error: the group \"wep\" is used and not defined", "did you mean \"web\"?",
	};
	for (size_t i = 0; i < sizeof(expected) / sizeof(*expected); i++)
		cr_assert(strstr(text, expected[i]), "missing: %s\nin:\n%s", expected[i], text);
}

Test(inventory, reads_both_json_shapes)
{
	struct inventory *inventory = load_text("hosts.json", "// a remark\n{ \"all\": { \"vars\": { \"v\": 1 }, \"hosts\": { \"a\": "
	                                                      "{ \"k\": 1 } }, \"children\": { \"web\": { \"hosts\": "
	                                                      "{ \"w[1:2]:22\": null, } } } } }");
	expect_vars(inventory, "w2", "{\"v\": 1, \"ansible_port\": 22}");
	expect_vars(inventory, "a", "{\"v\": 1, \"k\": 1}");
	inventory_free(inventory);
	inventory = load_text("list.json", "{ \"web\": { \"hosts\": [\"w1\"], \"vars\": { \"v\": 1 }, \"children\": [\"sub\"] }, "
	                                   "\"sub\": [\"s1\"], \"_meta\": { \"hostvars\": { \"s1\": { \"m\": 2 } } } }");
	expect_vars(inventory, "s1", "{\"v\": 1, \"m\": 2}");
	inventory_free(inventory);
}

Test(inventory, tells_the_faults_of_a_json_file_with_their_places)
{
	auto_free char *text = faults("hosts.json", "{ \"all\": { \"host\": {}, \"vars\": [],\n \"hosts\": { \"a\": 5, \"b[\": {} },\n"
	                                            " \"children\": { \"all\": {} } },\n \"x\": 7, \"y\": [1] }");
	static const char *const expected[] = {
		"hosts.json:1:12: error: unknown part \"host\" of the group \"all\"", "did you mean \"hosts\"?",
		"hosts.json:1:32: error: the variables of a group are a dictionary, not a list",
		"hosts.json:2:18: error: the variables of the host \"a\" are a dictionary, not a number",
		"hosts.json:2:21: error: \"b[\": the range that opens",
		"hosts.json:3:16: error: the group \"all\" cannot be its own child",
		"hosts.json:4:7: error: the group \"x\" is a dictionary or a list, not a number",
		"hosts.json:4:16: error: a host's name is a string, not a number",
	};
	for (size_t i = 0; i < sizeof(expected) / sizeof(*expected); i++)
		cr_assert(strstr(text, expected[i]), "missing: %s\nin:\n%s", expected[i], text);
}

Test(inventory, reads_yaml_by_its_ending_or_what_is_in_it)
{
	static const char text[] = "# hosts\nall:\n  vars: &v {port: 80, on: yes}\n  children:\n    web:\n      hosts:\n        web[1:2]:\n"
		"        web9: {<<: *v, port: 81}\n";
	static const char *const names[] = { "hosts.yml", "hosts.yaml", "hosts" };
	for (size_t i = 0; i < sizeof(names) / sizeof(*names); i++) {
		struct inventory *inventory = load_text(names[i], text);
		expect_match(inventory, "web", "web1 web2 web9");
		expect_vars(inventory, "web1", "{\"port\": 80, \"True\": true}");
		expect_vars(inventory, "web9", "{\"port\": 81, \"True\": true}");
		inventory_free(inventory);
	}
	struct inventory *ini = load_text("other", "[web]\nweb1 port=80\n");
	expect_match(ini, "web", "web1");
	inventory_free(ini);
}

Test(inventory, knows_the_configuration_of_a_plugin)
{
	auto_free char *text = faults("aws_ec2.yml", "plugin: aws_ec2\nregions: [x]\n");
	cr_assert(strstr(text, "aws_ec2.yml:1:1: error: this configures the inventory plugin \"aws_ec2\""), "%s", text);
}

Test(inventory, refuses_circles_of_groups)
{
	auto_free char *text = faults("hosts", "[a:children]\nb\n[b:children]\nc\n[c:children]\na\n");
	cr_assert(strstr(text, "closes a circle"), "%s", text);
}

Test(inventory, gives_files_of_variables_the_place_Ansible_gives_them)
{
	free(put("group_vars/all.json", "{ \"from\": \"all file\", \"port\": 1 }"));
	free(put("group_vars/web/a.json", "{ \"x\": 1, \"y\": 1 }"));
	free(put("group_vars/web/b.json", "{ \"y\": 2 }"));
	free(put("host_vars/w1", "{ \"from\": \"host file\" }"));
	struct inventory *inventory = load_text("hosts", "[web]\nw1\nw2 from=inventory\n[web:vars]\nfrom=group\nport=2\n[web2]\nw1\n"
	                                                 "[web2:vars]\nport=3\nz=1\n");
	expect_vars(inventory, "w1", "{\"from\": \"host file\", \"port\": 1, \"x\": 1, \"y\": 2, \"z\": 1}");
	expect_vars(inventory, "w2", "{\"from\": \"inventory\", \"port\": 1, \"x\": 1, \"y\": 2}");
	inventory_free(inventory);
}

Test(inventory, lets_deeper_groups_win_then_priority_then_names)
{
	struct inventory *inventory = load_text("hosts", "[b]\nh\n[a]\nh\n[deep]\nh\n[top:children]\ndeep\n[b:vars]\nv=b\n[a:vars]\nv=a\n"
	                                                 "w=a\nansible_group_priority=5\n[b:vars]\nw=b\n[deep:vars]\nu=deep\n"
	                                                 "[top:vars]\nu=top\n");
	expect_vars(inventory, "h", "{\"v\": \"a\", \"w\": \"a\", \"u\": \"deep\"}");
	inventory_free(inventory);
}

Test(inventory, makes_localhost_when_it_is_asked_for)
{
	struct inventory *inventory = load_text("hosts", "web1\n");
	cr_assert_null(inventory_host(inventory, "web9"));
	struct host *local = inventory_host(inventory, "localhost");
	cr_assert(local && local->implicit);
	expect_vars(inventory, "localhost", "{\"ansible_connection\": \"local\"}");
	expect_match(inventory, "all", "web1");
	expect_match(inventory, "localhost", "localhost");
	inventory_free(inventory);
	inventory = load_text("hosts", "localhost x=1\n");
	cr_assert_not(inventory_host(inventory, "127.0.0.1")->implicit);
	expect_match(inventory, "all", "localhost");
	inventory_free(inventory);
}

Test(inventory, matches_patterns)
{
	struct inventory *inventory = load_text("hosts", "lone\n[web]\nwww[1:4]\n[db]\ndb1\nwww2\n");
	expect_match(inventory, "all", "lone www1 www2 www3 www4 db1");
	expect_match(inventory, "web:!www2", "www1 www3 www4");
	expect_match(inventory, "web,&db", "www2");
	expect_match(inventory, "!web", "lone db1");
	expect_match(inventory, "~(www|db)[12]$", "www1 www2 db1");
	expect_match(inventory, "~db\\d", "db1");
	expect_match(inventory, "web[0]", "www1");
	expect_match(inventory, "web[-1]", "www4");
	expect_match(inventory, "web[1:2]", "www2 www3");
	expect_match(inventory, "web[2:]", "www3 www4");
	expect_match(inventory, "www?", "www1 www2 www3 www4");
	expect_match(inventory, "db1,lone", "db1 lone");
	expect_match(inventory, "nosuch", "");
	auto_free char *path = put("retry", "www3\n\ndb1\n");
	auto_free char *pattern = mem_printf("@%s", path);
	expect_match(inventory, pattern, "www3 db1");
	inventory_free(inventory);
}

Test(inventory, tells_what_is_wrong_with_a_pattern)
{
	struct inventory *inventory = load_text("hosts", "[web]\nwww1\n");
	auto_problems struct problems problems = PROBLEMS_INIT;
	struct err err = ERR_INIT;
	struct host **hosts;
	size_t count;
	cr_assert_eq(inventory_match(inventory, "weg", &hosts, &count, &problems, &err), 0);
	cr_assert_eq(problems.count, 1);
	cr_assert_str_eq(problems.items[0].hint, "did you mean \"web\"?");
	cr_assert_eq(inventory_match(inventory, "web[5]", &hosts, &count, &problems, &err), -1);
	cr_assert_eq(err.kind, ERR_INPUT);
	cr_assert_eq(inventory_match(inventory, "~(", &hosts, &count, &problems, &err), -1);
	cr_assert_eq(inventory_match(inventory, "@/nowhere", &hosts, &count, &problems, &err), -1);
	inventory_free(inventory);
}

Test(inventory, runs_programs_and_shows_what_they_say_when_they_fail)
{
	auto_free char *path = put("inv.sh", "#!/bin/sh\n[ $1 = --list ] && echo '{\"g\": [\"a\"]}' || echo \"{\\\"me\\\": \\\"$2\\\"}\"\n");
	chmod(path, 0700);
	auto_problems struct problems problems = PROBLEMS_INIT;
	struct inventory *inventory = load(path, &problems, 0);
	expect_vars(inventory, "a", "{\"me\": \"a\"}");
	inventory_free(inventory);
	auto_free char *broken = put("broken.sh", "#!/bin/sh\necho 'no credentials' >&2; exit 3\n");
	chmod(broken, 0700);
	inventory_free(load(broken, &problems, -1));
	cr_assert(strstr(problems.items[0].text, "status 3"));
	cr_assert(strstr(problems.items[0].hint, "no credentials"));
	auto_free char *ini = put("executable.ini", "web1\n");
	chmod(ini, 0700);
	inventory = load(ini, &problems, 0);
	expect_match(inventory, "all", "web1");
	inventory_free(inventory);
}

Test(inventory, takes_lists_folders_and_several_sources)
{
	free(put("inv/10-a.json", "{ \"g\": { \"hosts\": { \"h1\": { \"v\": 1 } } } }"));
	free(put("inv/20-b", "[g]\nh2\n[g:vars]\nlate=1\n"));
	free(put("inv/notes.txt", "{{{"));
	free(put("inv/group_vars/g.json", "{ \"file\": true }"));
	auto_free char *path = mem_printf("%s/inv", folder);
	const char *const sources[] = { path, "h2,h[3:4],x:22" };
	auto_problems struct problems problems = PROBLEMS_INIT;
	struct inventory *inventory = NULL;
	cr_assert_eq(inventory_load(&inventory, sources, 2, NULL, &problems), 0);
	expect_match(inventory, "all", "h3 h4 x h1 h2");
	expect_vars(inventory, "h1", "{\"v\": 1, \"late\": 1, \"file\": true}");
	expect_vars(inventory, "x", "{\"ansible_port\": 22}");
	inventory_free(inventory);
}

Test(inventory, grows_while_a_play_runs)
{
	free(put("group_vars/new_group.json", "{ \"file\": true }"));
	struct inventory *inventory = load_text("hosts", "web1\n");
	struct host *host = inventory_add_host(inventory, "fresh");
	cr_assert_eq(inventory_add_host(inventory, "fresh"), host);
	inventory_join(inventory, host, inventory_add_group(inventory, "new_group"));
	expect_match(inventory, "all:&new_group", "fresh");
	expect_vars(inventory, "fresh", "{\"file\": true}");
	inventory_free(inventory);
}

Test(inventory, that_does_not_exist_is_an_error_with_the_nearest_name)
{
	free(put("hosts.json", "{}"));
	auto_free char *path = mem_printf("%s/host.json", folder);
	auto_problems struct problems problems = PROBLEMS_INIT;
	inventory_free(load(path, &problems, -1));
	cr_assert(strstr(problems.items[0].hint, "hosts.json"));
}

static void expect_literal(const char *text, const char *json)
{
	auto_json json_t *have = python_literal(text);
	auto_json json_t *want = json_loads(json, JSON_DECODE_ANY, NULL);
	auto_free char *shown = json_dumps(have, JSON_ENCODE_ANY);
	cr_assert(want && json_equal(have, want), "%s became %s", text, shown);
}

Test(python_literal, reads_what_Python_reads)
{
	static const char *const cases[][2] = {
		{ "5", "5" }, { "-5", "-5" }, { "0x1F", "31" }, { "0b11", "3" }, { "0o17", "15" }, { "1_000", "1000" }, { "00", "0" },
		{ "1.5e3", "1500.0" }, { ".5", "0.5" }, { "5.", "5.0" }, { "True", "true" }, { "None", "null" },
		{ "'a\\tb'", "\"a\\tb\"" }, { "'a' \"b\"", "\"ab\"" }, { "r'\\d'", "\"\\\\d\"" }, { "'''a'b'''", "\"a'b\"" },
		{ "'\\x41\\u00e9'", "\"A\xc3\xa9\"" }, { "[1, [2,], ()]", "[1, [2], []]" }, { "(1)", "1" }, { "(1,)", "[1]" },
		{ "1, 2", "[1, 2]" }, { "{'a': {1: None}}", "{\"a\": {\"1\": null}}" }, { "{1, 2}", "[1, 2]" }, { "{}", "{}" },
		{ "80 # remark", "80" }, { " 7", "7" },
	};
	for (size_t i = 0; i < sizeof(cases) / sizeof(*cases); i++)
		expect_literal(cases[i][0], cases[i][1]);
}

Test(python_literal, leaves_everything_else_as_text)
{
	static const char *const texts[] = { "", "true", "0644", "1__0", "--1", "1 2", "a,b", "10.0.0.1", "'open", "[1", "{'a'}x",
		                                 "b'x'", "1+2j", "99999999999999999999", "f'x'", "{'a': 1, 2}", "[,]", "1e999",
		                                 "'\\ud800'", "x # kept", "None1", "{**a}", "- ", "'a' 5" };
	for (size_t i = 0; i < sizeof(texts) / sizeof(*texts); i++) {
		auto_json json_t *value = python_literal(texts[i]);
		cr_assert(json_is_string(value) && strcmp(json_string_value(value), texts[i]) == 0, "%s", texts[i]);
	}
}

Test(python_literal, shows_values_as_Python_does)
{
	auto_json json_t *value = json_loads("{\"a\": [true, null, \"it's\", 1.0, 1e20, 0.00001, \"x\\n\"]}", 0, NULL);
	auto_buf struct buf out = BUF_INIT;
	python_show(&out, value);
	cr_assert_str_eq(buf_text(&out), "{'a': [True, None, \"it's\", 1.0, 1e+20, 1e-05, 'x\\n']}");
}

Test(shell_words, splits_as_shlex_does)
{
	auto_shell_words char **words = NULL;
	size_t count;
	struct err err = ERR_INIT;
	cr_assert_eq(shell_words("a 'b c' d\\ e \"f\\\"g\\h\" k=v#x y", &words, &count, &err), 0);
	static const char *const expected[] = { "a", "b c", "d e", "f\"g\\h", "k=v" };
	cr_assert_eq(count, 5);
	for (size_t i = 0; i < 5; i++)
		cr_assert_str_eq(words[i], expected[i]);
}

static void expect_range(const char *text, const char *names, int port)
{
	auto_host_names struct host_names found = HOST_NAMES_INIT;
	struct err err = ERR_INIT;
	int have;
	cr_assert_eq(host_range_expand(text, 100, &found, &have, &err), 0, "%s: %s", text, err.text);
	auto_buf struct buf joined = BUF_INIT;
	for (size_t i = 0; i < found.count; i++)
		buf_printf(&joined, "%s%s", i ? " " : "", found.items[i]);
	cr_assert_str_eq(buf_text(&joined), names);
	cr_assert_eq(have, port, "%s", text);
}

Test(host_range, expands_ranges_and_finds_ports)
{
	expect_range("web", "web", 0);
	expect_range("web:22", "web", 22);
	expect_range("w[08:10]", "w08 w09 w10", 0);
	expect_range("w[1:7:3]-[a:b]:22", "w1-a w1-b w4-a w4-b w7-a w7-b", 22);
	expect_range("w[:2]", "w0 w1 w2", 0);
	expect_range("[::1]:22", "::1", 22);
	expect_range("fe80::[1:2]", "fe80::1 fe80::2", 0);
	expect_range("10.0.0.1:2222", "10.0.0.1", 2222);
	expect_range("::1", "::1", 0);
	expect_range("web_:22", "web_:22", 0);
}

Test(host_range, refuses_ranges_that_are_none)
{
	static const char *const texts[] = { "w[1]", "w[1:", "w[a:3]", "w[3:1]", "w[1:2:0]", "w[01:5]", "w[1:]", "w[1:200]", "w[1:9:x]" };
	for (size_t i = 0; i < sizeof(texts) / sizeof(*texts); i++) {
		auto_host_names struct host_names found = HOST_NAMES_INIT;
		struct err err = ERR_INIT;
		int port;
		cr_assert_eq(host_range_expand(texts[i], 100, &found, &port, &err), -1, "%s", texts[i]);
	}
}
