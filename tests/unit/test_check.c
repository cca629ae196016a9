/* The check before the first connection: each fault with its place and its hint. */
#include <ftw.h>
#include <string.h>
#include <sys/stat.h>

#include <criterion/criterion.h>

#include "base/mem.h"
#include "run/check.h"

static char folder[64];

static void enter_folder(void)
{
	snprintf(folder, sizeof(folder), "/tmp/neap-check-XXXXXX");
	cr_assert_not_null(mkdtemp(folder));
	cr_assert_eq(chdir(folder), 0);
}

static int remove_one(const char *path, const struct stat *status, int type, struct FTW *walk)
{
	(void)status, (void)type, (void)walk;
	return remove(path);
}

static void leave_folder(void) { nftw(folder, remove_one, 16, FTW_DEPTH | FTW_PHYS); }

TestSuite(check, .init = enter_folder, .fini = leave_folder);

static void write_file(const char *path, const char *text)
{
	FILE *file = fopen(path, "w");
	cr_assert_not_null(file);
	fputs(text, file);
	fclose(file);
}

/* ---- modules of the test ---- */

static int decide_nothing(const struct module *module, const void *want, struct decision *decision, struct err *err)
{
	(void)module, (void)want, (void)decision, (void)err;
	return 0;
}

static const struct arg option_args[] = {
	{ .name = "port", .type = ARG_INT, .doc = "a port" },
	{ 0 },
};
static const struct arg place_args[] = {
	{ .name = "path", .type = ARG_PATH, .doc = "a path", .required = true, .aliases = (const char *const[]){ "dest", NULL } },
	{ .name = "mode", .type = ARG_MODE, .doc = "a mode" },
	{ .name = "owner", .type = ARG_STR, .doc = "an owner" },
	{ .name = "state", .type = ARG_STR, .doc = "a state", .choices = (const char *const[]){ "file", "absent", NULL } },
	{ .name = "options", .type = ARG_LIST, .doc = "options", .elements = ARG_DICT, .options = option_args },
	{ .name = "that", .type = ARG_LIST, .doc = "conditions", .elements = ARG_CONDITION },
	{ 0 },
};
static const struct module place_module = {
	.name = "place", .doc = "A place.", .spec = { .args = place_args }, .decide = decide_nothing,
};

/* All problems, one "file:line:column: text (hint)" a line, in the order of the file. */
static void expect(const char *text, const char *expected)
{
	auto_problems struct problems problems = PROBLEMS_INIT;
	struct registry *registry = registry_new();
	registry_add(registry, &place_module, NULL);
	struct template_vm *vm = template_vm_new();
	write_file("site.json", text);
	bool known(void *context, const char *name) { return registry_find(context, name) != NULL || strcmp(name, "meta") == 0; }
	struct playbook_modules modules = { .context = registry, .known = known };
	struct playbook *playbook;
	int loaded = playbook_load(&playbook, "site.json", NULL, &modules, &problems);
	cr_assert_eq(loaded, 0, "%s", problems.count ? problems.items[0].text : "");
	check_playbook(playbook, NULL, registry, vm, &problems);
	auto_buf struct buf all = BUF_INIT;
	for (size_t i = 0; i < problems.count; i++) {
		const struct problem *problem = &problems.items[i];
		buf_printf(&all, "%s:%d:%d: %s", problem->place.file, problem->place.line, problem->place.column, problem->text);
		if (problem->hint)
			buf_printf(&all, " (%s)", problem->hint);
		buf_char(&all, '\n');
	}
	cr_assert_str_eq(buf_text(&all), expected);
	playbook_free(playbook);
	template_vm_free(vm);
	registry_free(registry);
}

static void expect_task(const char *task, const char *expected)
{
	auto_free char *text = mem_printf("[{\"hosts\": \"all\", \"tasks\": [\n%s\n]}]", task);
	expect(text, expected);
}

Test(check, finds_nothing_in_a_good_playbook)
{
	write_file("more.json", "[{\"place\": {\"path\": \"b\"}, \"notify\": [\"restart\", \"topic\"]}, {\"include_tasks\": \"more.json\", \"when\": \"x > 1\"}]");
	expect("[{\"hosts\": \"{{ h }}\", \"vars\": {\"v\": \"{{ a | upper }}\"}, \"tasks\": [\n"
	       "{\"place\": {\"path\": \"{{ p }}\", \"mode\": \"0644\", \"state\": \"{{ s }}\", \"options\": [{\"port\": 1}], \"that\": [\"a == 1\", true]},"
	       " \"when\": [\"a is defined\", true], \"loop\": [1], \"loop_control\": {\"loop_var\": \"x\", \"label\": \"{{ x }}\"}, \"register\": \"r\"},\n"
	       "{\"place\": \"path=/x state=absent\", \"notify\": \"restart\", \"changed_when\": \"r.rc != 0\"},\n"
	       "{\"place\": {\"dest\": \"/x\"}, \"args\": {\"owner\": \"root\"}},\n"
	       "{\"place\": \"{{ everything }}\"},\n"
	       "{\"place\": {}, \"args\": \"{{ everything }}\"},\n"
	       "{\"include_tasks\": \"more.json\"},\n"
	       "{\"meta\": \"flush_handlers\"}],\n"
	       "\"handlers\": [{\"name\": \"restart\", \"place\": {\"path\": \"x\"}, \"listen\": [\"topic\"]}]}]", "");
}

Test(check, finds_wrong_arguments)
{
	expect_task("{\"place\": {\"path\": \"/x\", \"ownr\": \"www\"}}",
	            "site.json:2:26: unknown argument \"ownr\" of module place (did you mean \"owner\"?)\n");
	expect_task("{\"place\": {\"mode\": \"0644\"}}", "site.json:2:2: module place: missing required argument: path\n");
	expect_task("{\"place\": {\"path\": \"/x\", \"state\": \"fil\"}}",
	            "site.json:2:35: \"state\" of module place must be one of file, absent, not \"fil\" (did you mean \"file\"?)\n");
	expect_task("{\"place\": {\"path\": \"/x\", \"options\": [{\"port\": 1}, {\"port\": \"x\"}]}}",
	            "site.json:2:60: \"options[1].port\" of module place must be a whole number, not \"x\"\n");
	expect_task("{\"place\": {\"path\": \"/x\"}, \"args\": {\"ownr\": 1}}",
	            "site.json:2:36: unknown argument \"ownr\" of module place (did you mean \"owner\"?)\n");
	expect_task("{\"place\": \"path=/x ownr=www\"}",
	            "site.json:2:20: unknown argument \"ownr\" of module place (did you mean \"owner\"?)\n");
	expect_task("{\"place\": \"path='x\"}", "site.json:2:11: module place: an open quote in \"path='x\" (close it with ')\n");
}

Test(check, shows_both_readings_of_a_mode_that_is_a_number)
{
	expect_task("{\"place\": {\"path\": \"/x\", \"mode\": 644}}",
	            "site.json:2:34: \"mode\" of module place: a mode must be a string: the number 644 is 1204 in octal "
	            "(write \"0644\" for the digits as they stand, or \"1204\" for what the number is in octal)\n");
}

Test(check, counts_module_defaults)
{
	expect("[{\"hosts\": \"all\", \"module_defaults\": {\"place\": {\"path\": \"/x\"}, \"other\": {}}, \"tasks\": [{\"place\": {}}]}]", "");
	expect("[{\"hosts\": \"all\", \"module_defaults\": {\"place\": {\"path\": \"/x\", \"nope\": 1}}, \"tasks\": [\n{\"place\": {\"dest\": \"/y\"}}]}]",
	       "site.json:2:2: unknown argument \"nope\" of module place (did you mean \"mode\"?)\n");
}

Test(check, finds_faults_in_included_files)
{
	write_file("more.json", "[\n{\"place\": {}}, {\"include_tasks\": \"deeper.json\"}]");
	write_file("deeper.json", "[\n{\"plce\": {}}]");
	expect_task("{\"include_tasks\": \"more.json\"}, {\"include_tasks\": {\"file\": \"no.json\", \"aply\": {}}}, {\"include_tasks\": {}}",
	            "more.json:2:2: module place: missing required argument: path\n"
	            "deeper.json:2:2: unknown key \"plce\" of a task (did you mean \"place\"?)\n"
	            "site.json:2:71: unknown argument \"aply\" of module include_tasks (did you mean \"apply\"?)\n"
	            "site.json:2:60: there is no file no.json\n"
	            "site.json:2:86: module include_tasks: missing required argument: file\n");
}

Test(check, finds_faults_in_included_roles)
{
	mkdir("roles", 0755);
	mkdir("roles/r", 0755);
	mkdir("roles/r/tasks", 0755);
	mkdir("roles/r/handlers", 0755);
	write_file("roles/r/tasks/main.json", "[\n{\"place\": {\"ownr\": 1, \"path\": \"x\"}, \"notify\": \"restart\"}]");
	write_file("roles/r/handlers/main.json", "[{\"name\": \"restart\", \"place\": {\"path\": \"x\"}}]");
	expect_task("{\"include_role\": {\"name\": \"r\"}}",
	            "roles/r/tasks/main.json:2:12: unknown argument \"ownr\" of module place (did you mean \"owner\"?)\n");
	expect_task("{\"include_role\": {\"name\": \"none\"}}",
	            "site.json:2:27: there is no role \"none\" (it was looked for in roles and .)\n");
	expect_task("{\"include_role\": {\"nme\": \"r\"}}",
	            "site.json:2:19: unknown argument \"nme\" of module include_role (did you mean \"name\"?)\n"
	            "site.json:2:2: module include_role: missing required argument: name\n");
	expect_task("{\"place\": \"path=x\", \"notify\": \"any\"}, {\"include_role\": {\"name\": \"{{ r }}\"}}", "");
}

Test(check, finds_handlers_that_are_not_there)
{
	expect("[{\"hosts\": \"all\", \"tasks\": [\n{\"place\": \"path=x\", \"notify\": [\"restrt web\", \"{{ any }}\"]}],"
	       " \"handlers\": [{\"name\": \"restart web\", \"place\": \"path=x\"}]}]",
	       "site.json:2:32: no handler is called \"restrt web\" (did you mean \"restart web\"?)\n");
	expect_task("{\"place\": \"path=x\", \"notify\": \"a\"}", "site.json:2:31: no handler is called \"a\" (the play has no handlers)\n");
}

Test(check, finds_wrong_names)
{
	expect_task("{\"place\": \"path=x\", \"register\": \"a-b\"}", "site.json:2:33: \"a-b\" cannot name a variable\n");
	expect_task("{\"place\": \"path=x\", \"loop\": [], \"loop_control\": {\"lop_var\": \"a\", \"index_var\": 5}}",
	            "site.json:2:50: unknown key \"lop_var\" of loop_control (did you mean \"loop_var\"?)\n"
	            "site.json:2:79: \"index_var\" must be the name of a variable\n");
	expect_task("{\"place\": \"path=x\", \"loop\": [], \"with_items\": []}",
	            "site.json:2:33: a task has one loop, this one has \"loop\" and \"with_items\"\n");
	expect_task("{\"meta\": \"flush_handler\"}", "site.json:2:10: meta has no action \"flush_handler\" (did you mean \"flush_handlers\"?)\n");
	expect_task("{\"meta\": {}}", "site.json:2:10: meta takes the name of an action (\"meta\": \"flush_handlers\")\n");
	expect_task("{\"meta\": \"end_role\"}", "site.json:2:10: end_role is for tasks of a role\n");
}

/* The text of the compiler's messages is its own affair; the place is ours. */
static void expect_places(const char *text, const char *expected)
{
	auto_problems struct problems problems = PROBLEMS_INIT;
	struct registry *registry = registry_new();
	registry_add(registry, &place_module, NULL);
	struct template_vm *vm = template_vm_new();
	write_file("site.json", text);
	bool known(void *context, const char *name) { return registry_find(context, name) != NULL; }
	struct playbook_modules modules = { .context = registry, .known = known };
	struct playbook *playbook;
	cr_assert_eq(playbook_load(&playbook, "site.json", NULL, &modules, &problems), 0);
	check_playbook(playbook, NULL, registry, vm, &problems);
	auto_buf struct buf all = BUF_INIT;
	for (size_t i = 0; i < problems.count; i++)
		buf_printf(&all, "%d:%d ", problems.items[i].place.line, problems.items[i].place.column);
	cr_assert_str_eq(buf_text(&all), expected);
	playbook_free(playbook);
	template_vm_free(vm);
	registry_free(registry);
}

Test(check, finds_templates_and_conditions_that_do_not_compile)
{
	expect_places("[{\"hosts\": \"all\", \"vars\": {\"v\": \"{{ a b }}\",\n\"w\": [\"{{ x\"]},\n\"tasks\": [\n"
	              "{\"place\": {\"path\": \"{{ a | }}\"},\n\"when\": [\"a ==\"],\n\"failed_when\": \"(\",\n\"environment\": {\"A\": \"{% if %}\"},\n"
	              "\"loop\": \"{{ [1, }}\"},\n{\"place\": {\"path\": \"x\", \"that\": [\"a b\"]}},\n{\"place\": \"path={{ c d }}\"}]}]",
	              "1:33 2:7 5:10 6:16 7:22 8:9 4:20 9:34 10:12 ");
}

Test(check, tells_once_of_each_module_that_there_is_none_of)
{
	write_file("later.json", "[{\"ufw\": {}}, {\"place\": \"path=x\"},\n{\"dig\": {}}]");
	expect("[{\"hosts\": \"a\", \"handlers\": [{\"name\": \"h\", \"mail\": {}}], \"tasks\": [\n{\"ufw\": {}, \"when\": \"a\"},\n{\"ufw\": {}, \"when\": true},\n"
	       "{\"include_tasks\": \"later.json\", \"when\": \"b\"},\n{\"when\": \"c\", \"block\": [{\"a.b.ini\": {}}]},\n"
	       "{\"block\": [{\"xml\": {}, \"loop\": [1]}], \"rescue\": [{\"mail\": {}}, {\"pip\": {}, \"loop\": \"{{ d }}\"}]}]}]",
	       "site.json:3:2: neap has no module \"ufw\", which 3 tasks name (write it in Lua as library/ufw.lua, do its work by "
	       "another module, or leave its tasks out by --skip-tags)\n"
	       "later.json:2:2: neap has no module \"dig\": one task with a condition would fail where it is reached\n"
	       "site.json:5:26: neap has no module \"a.b.ini\": one task with a condition would fail where it is reached\n"
	       "site.json:6:13: neap has no module \"xml\", which one task names\n"
	       "site.json:6:51: neap has no module \"mail\": 2 tasks with a condition would fail where it is reached\n"
	       "site.json:6:65: neap has no module \"pip\": one task with a condition would fail where it is reached\n");
}

Test(check, warns_of_braces_around_a_condition)
{
	auto_problems struct problems problems = PROBLEMS_INIT;
	expect_task("{\"place\": \"path=x\", \"when\": \"{{ a }}\"}",
	            "site.json:2:29: a condition is an expression without {{ }} (write the expression alone: \"name == 'x'\")\n");
}
