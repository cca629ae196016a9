/* The playbook loader: the tree it makes, and what it refuses where. Each test writes its files into a folder of its own. */
#include <fcntl.h>
#include <ftw.h>
#include <string.h>
#include <sys/stat.h>

#include <criterion/criterion.h>

#include "base/mem.h"
#include "model/playbook.h"
#include "model/words.h"

/* ---- a folder with files ---- */

static char folder[64];

static void enter_folder(void)
{
	snprintf(folder, sizeof(folder), "/tmp/neap-playbook-XXXXXX");
	cr_assert_not_null(mkdtemp(folder));
	cr_assert_eq(chdir(folder), 0);
}

static int remove_one(const char *path, const struct stat *status, int type, struct FTW *walk)
{
	(void)status, (void)type, (void)walk;
	return remove(path);
}

static void leave_folder(void) { nftw(folder, remove_one, 16, FTW_DEPTH | FTW_PHYS); }

TestSuite(playbook, .init = enter_folder, .fini = leave_folder);

static void write_file(const char *path, const char *text)
{
	auto_free char *copy = mem_strdup(path);
	for (char *slash = copy; (slash = strchr(slash, '/')); slash++) {
		*slash = '\0';
		mkdir(copy, 0755);
		*slash = '/';
	}
	FILE *file = fopen(path, "w");
	cr_assert_not_null(file);
	fputs(text, file);
	fclose(file);
}

/* ---- modules ---- */

static const char *const module_names[] = { "command", "copy", "debug", "file", "fetch", "include_vars", "meta", "ping", "shell", NULL };

static bool known(void *context, const char *name)
{
	(void)context;
	for (size_t i = 0; module_names[i]; i++)
		if (strcmp(name, module_names[i]) == 0)
			return true;
	return false;
}

static void each(void *context, void (*offer)(void *to, const char *name), void *to)
{
	(void)context;
	for (size_t i = 0; module_names[i]; i++)
		offer(to, module_names[i]);
}

static void library(void *context, const char *directory, struct problems *problems)
{
	(void)problems;
	buf_printf(context, "%s;", directory);
}

static struct buf libraries;
static const struct playbook_modules modules = { .context = &libraries, .known = known, .each = each, .library = library };
static const char *const role_paths[] = { "shared", NULL };

static struct playbook *load(const char *text, struct problems *problems)
{
	struct playbook *playbook = NULL;
	write_file("site.json", text);
	int result = playbook_load(&playbook, "site.json", role_paths, &modules, problems);
	cr_assert_eq(result == 0, problems->errors == 0);
	return playbook;
}

static struct playbook *load_good(const char *text)
{
	auto_problems struct problems problems = PROBLEMS_INIT;
	struct playbook *playbook = load(text, &problems);
	auto_buf struct buf shown = BUF_INIT;
	problems_print(&problems, &shown, false);
	cr_assert_eq(problems.count, 0, "%s", buf_text(&shown));
	return playbook;
}

/* All problems, one "file:line:column: text (hint)" a line. */
static void expect_problems(const char *text, const char *expected)
{
	auto_problems struct problems problems = PROBLEMS_INIT;
	playbook_free(load(text, &problems));
	auto_buf struct buf all = BUF_INIT;
	for (size_t i = 0; i < problems.count; i++) {
		const struct problem *problem = &problems.items[i];
		buf_printf(&all, "%s:%d:%d: %s", problem->place.file, problem->place.line, problem->place.column, problem->text);
		if (problem->hint)
			buf_printf(&all, " (%s)", problem->hint);
		buf_char(&all, '\n');
	}
	cr_assert_str_eq(buf_text(&all), expected);
}

/* One problem in one task. */
static void expect_task_problem(const char *task, int column, const char *expected)
{
	auto_free char *text = mem_printf("[{\"hosts\": \"all\", \"tasks\": [\n%s\n]}]", task);
	auto_free char *line = mem_printf("site.json:2:%d: %s\n", column, expected);
	expect_problems(text, line);
}

/* The tree as "block[command copy] ping". */
static void show(struct buf *out, const struct entries *entries)
{
	for (size_t i = 0; i < entries->count; i++) {
		const struct entry *entry = entries->items[i];
		buf_str(out, i ? " " : "");
		if (entry->kind == ENTRY_TASK) {
			buf_str(out, entry->action);
			if (entry->name)
				buf_printf(out, ":%s", entry->name);
			continue;
		}
		buf_printf(out, "%s[", entry->scope.kind == SCOPE_ROLE ? entry->scope.role->name : entry->is_static_import ? "import" : "block");
		show(out, &entry->block);
		buf_str(out, "]");
		if (entry->rescue.count) {
			buf_str(out, "rescue[");
			show(out, &entry->rescue);
			buf_str(out, "]");
		}
		if (entry->always.count) {
			buf_str(out, "always[");
			show(out, &entry->always);
			buf_str(out, "]");
		}
	}
}

static void expect_tree(const struct entries *entries, const char *expected)
{
	auto_buf struct buf out = BUF_INIT;
	show(&out, entries);
	cr_assert_str_eq(buf_text(&out), expected);
}

/* ---- the tree ---- */

Test(playbook, reads_plays_with_their_sections)
{
	struct playbook *playbook = load_good(
		"[{\"name\": \"web\", \"hosts\": [\"web\", \"db\"], \"become\": true, \"gather_facts\": false, \"serial\": [1, \"50%\"],"
		" \"pre_tasks\": [{\"ping\": null}], \"tasks\": [{\"name\": \"a\", \"command\": \"uptime\"}, {\"copy\": {\"src\": \"x\"}}],"
		" \"post_tasks\": [{\"ping\": {}}], \"handlers\": [{\"name\": \"restart\", \"shell\": \"x\", \"listen\": \"web\"}]},"
		" {\"hosts\": \"all\"}]");
	cr_assert_eq(playbook->count, 2);
	struct play *play = playbook->plays[0];
	cr_assert_str_eq(play->name, "web");
	cr_assert_eq(node_count(play->hosts), 2);
	expect_tree(&play->pre_tasks, "ping");
	expect_tree(&play->tasks, "command:a copy");
	expect_tree(&play->post_tasks, "ping");
	expect_tree(&play->handlers, "shell:restart");
	cr_assert(play->handlers.items[0]->is_handler);
	cr_assert_eq(scope_play(&play->tasks.items[0]->scope), play);
	cr_assert(json_is_true(scope_keyword(&play->tasks.items[0]->scope, "become").value));
	cr_assert_null(playbook->plays[1]->name);
	playbook_free(playbook);
}

static void count_visits(void *context, const struct entry *entry)
{
	buf_printf(context, "%s ", entry->kind == ENTRY_TASK ? entry->action : "block");
}

static void add_value(void *context, struct node value) { buf_printf(context, "%s ", json_string_value(value.value)); }

Test(playbook, nests_blocks_and_lets_keywords_reach_inside)
{
	struct playbook *playbook = load_good(
		"[{\"hosts\": \"all\", \"become_user\": \"a\", \"tags\": \"p\", \"tasks\": [{\"block\": [{\"command\": \"x\", \"tags\": \"t\"},"
		" {\"block\": [{\"ping\": null, \"become_user\": null}], \"become_user\": \"c\", \"when\": \"w\"}],"
		" \"rescue\": [{\"debug\": {\"msg\": \"r\"}}], \"always\": [{\"copy\": \"src=a dest=b\"}], \"tags\": \"b\", \"become_user\": \"b\"}]}]");
	const struct entries *tasks = &playbook->plays[0]->tasks;
	expect_tree(tasks, "block[command block[ping]]rescue[debug]always[copy]");
	const struct entry *block = tasks->items[0], *command = block->block.items[0], *inner = block->block.items[1];
	cr_assert_str_eq(json_string_value(scope_keyword(&command->scope, "become_user").value), "b");
	cr_assert_str_eq(json_string_value(scope_keyword(&inner->block.items[0]->scope, "become_user").value), "c");
	cr_assert_null(scope_own(&command->scope, "become_user").value);
	cr_assert_null(scope_keyword(&command->scope, "register").value);
	auto_buf struct buf tags = BUF_INIT, order = BUF_INIT;
	scope_each(&command->scope, "tags", add_value, &tags);
	cr_assert_str_eq(buf_text(&tags), "p b t ");
	entries_each(tasks, count_visits, &order);
	cr_assert_str_eq(buf_text(&order), "block command block ping debug copy ");
	playbook_free(playbook);
}

Test(playbook, accepts_all_shorthands_of_a_task)
{
	struct playbook *playbook = load_good(
		"[{\"hosts\": \"all\", \"tasks\": [{\"ansible.builtin.command\": \"ls -l\", \"args\": {\"chdir\": \"/\"}},"
		" {\"ansible.legacy.copy\": {\"src\": \"a\"}}, {\"action\": \"file path=/x state=touch\"},"
		" {\"action\": {\"module\": \"copy\", \"src\": \"a\"}}, {\"local_action\": \"command uptime\"}, {\"action\": \"ping\"},"
		" {\"include_tasks\": \"{{ x }}.json\"}, {\"include_role\": {\"name\": \"r\"}}, {\"include_vars\": \"v.json\"}]}]");
	const struct entries *tasks = &playbook->plays[0]->tasks;
	expect_tree(tasks, "command copy file copy command ping include_tasks include_role include_vars");
	cr_assert_str_eq(json_string_value(tasks->items[0]->arguments.value), "ls -l");
	cr_assert_str_eq(json_string_value(node_get(tasks->items[0]->extra_arguments, "chdir").value), "/");
	cr_assert_str_eq(json_string_value(tasks->items[2]->arguments.value), "path=/x state=touch");
	cr_assert_eq(tasks->items[2]->arguments.place.line, 1);
	cr_assert_str_eq(json_string_value(node_get(tasks->items[3]->arguments, "src").value), "a");
	cr_assert_null(node_get(tasks->items[3]->arguments, "module").value);
	cr_assert_str_eq(json_string_value(scope_keyword(&tasks->items[4]->scope, "delegate_to").value), "localhost");
	playbook_free(playbook);
}

/* ---- imports ---- */

Test(playbook, expands_task_files_where_they_are_imported)
{
	write_file("tasks/a.json", "[{\"command\": \"a\"}, {\"import_tasks\": \"sub/b.json\", \"when\": \"y\"}] // comment");
	write_file("tasks/sub/b.json", "[{\"ansible.builtin.import_tasks\": {\"file\": \"c.json\"}}]");
	write_file("tasks/sub/c.json", "[{\"ping\": null}]");
	struct playbook *playbook = load_good("[{\"hosts\": \"all\", \"tasks\": [{\"import_tasks\": \"tasks/a.json\", \"tags\": [\"t\"],"
	                                      " \"vars\": {\"v\": 1}}, {\"import_tasks\": \"tasks/sub/c.json\"}]}]");
	expect_tree(&playbook->plays[0]->tasks, "import[command import[import[ping]]] import[ping]");
	const struct entry *b = playbook->plays[0]->tasks.items[0]->block.items[1];
	cr_assert_str_eq(json_string_value(scope_own(&b->scope, "when").value), "y");
	cr_assert_eq(playbook->document_count, 4);
	playbook_free(playbook);
}

Test(playbook, expands_playbooks_with_their_own_folders)
{
	write_file("other/site.json", "[{\"hosts\": \"db\", \"tags\": \"in\", \"tasks\": [{\"import_tasks\": \"t.json\"}]}]");
	write_file("other/t.json", "[{\"ping\": null}]");
	mkdir("other/library", 0755);
	mkdir("library", 0755);
	struct playbook *playbook = load_good("[{\"import_playbook\": \"other/site.json\", \"tags\": \"out\", \"when\": \"x\"},"
	                                      " {\"hosts\": \"all\"}, {\"import_playbook\": \"other/site.json\"}]");
	cr_assert_eq(playbook->count, 3);
	cr_assert_str_eq(playbook->plays[0]->directory, "other");
	cr_assert_str_eq(playbook->plays[1]->directory, ".");
	expect_tree(&playbook->plays[0]->tasks, "import[ping]");
	auto_buf struct buf tags = BUF_INIT;
	scope_each(&playbook->plays[0]->tasks.items[0]->block.items[0]->scope, "tags", add_value, &tags);
	cr_assert_str_eq(buf_text(&tags), "out in ");
	cr_assert_str_eq(buf_text(&libraries), "library;other/library;");
	buf_release(&libraries);
	playbook_free(playbook);
}

Test(playbook, refuses_imports_without_an_end)
{
	write_file("a.json", "[{\"import_tasks\": \"b.json\"}]");
	write_file("b.json", "[{\"import_tasks\": \"./a.json\"}]");
	expect_problems("[{\"hosts\": \"all\", \"tasks\": [{\"import_tasks\": \"a.json\"}]}]",
	                "b.json:1:19: ./a.json brings in itself, without an end (include_tasks with a condition may go round)\n");
	expect_problems("[{\"import_playbook\": \"site.json\"}]",
	                "site.json:1:22: site.json brings in itself, without an end (include_tasks with a condition may go round)\n");
}

Test(playbook, refuses_imports_that_cannot_be_read_before_the_run)
{
	expect_task_problem("{\"import_tasks\": \"{{ x }}.json\"}", 18, "import_tasks is read before the run: \"file\" cannot be a "
	                    "template (use include_tasks, which is read while the play runs)");
	expect_task_problem("{\"import_tasks\": \"no.json\"}", 18, "there is no file no.json");
	expect_task_problem("{\"import_tasks\": {}}", 18, "import_tasks needs \"file\", a string");
	expect_task_problem("{\"import_role\": {\"name\": \"no\"}}", 26,
	                    "there is no role \"no\" (it was looked for in roles, shared and .)");
	write_file("t.json", "[]");
	expect_task_problem("{\"import_tasks\": \"t.json\", \"loop\": [1]}", 28,
	                    "\"loop\" has no meaning for import_tasks, which is read before the run (use include_tasks)");
	write_file("u.yml", "[]");
	expect_task_problem("{\"import_tasks\": \"u.json\"}", 18, "there is no file u.json (there is u.yml)");
	playbook_free(load_good("[{\"hosts\": \"all\", \"tasks\": [{\"import_tasks\": \"t.yml\"}]}]")); /* it was converted */
	write_file("t.json", "{\"ping\": null}");
	expect_problems("[{\"hosts\": \"all\", \"tasks\": [{\"import_tasks\": \"t.json\"}]}]",
	                "t.json:1:1: a file of tasks holds a list, not a dictionary ([ { \"name\": ... }, ... ])\n");
}

/* ---- roles ---- */

Test(playbook, expands_roles_with_dependencies_handlers_and_variables)
{
	write_file("roles/web/tasks/main.json", "[{\"name\": \"w\", \"command\": \"x\", \"notify\": \"restart\"}, {\"import_tasks\": \"more.json\"}]");
	write_file("roles/web/tasks/more.json", "[{\"ping\": null}]");
	write_file("roles/web/handlers/main.json", "[{\"name\": \"restart\", \"shell\": \"r\"}]");
	write_file("roles/web/defaults/main.json", "{\"port\": 80}");
	write_file("roles/web/vars/main", "{\"user\": \"www\"}");
	write_file("roles/web/meta/main.json", "{\"dependencies\": [\"base\", {\"role\": \"user\", \"login\": \"www\", \"when\": \"a\"}]}");
	write_file("roles/base/tasks/main.json", "[{\"copy\": {}}]");
	write_file("shared/user/tasks/main.json", "[{\"file\": {}}]");
	mkdir("roles/web/library", 0755);
	struct playbook *playbook = load_good("[{\"hosts\": \"all\", \"roles\": [\"base\", {\"role\": \"web\", \"tags\": \"t\"}, \"base\"],"
	                                      " \"handlers\": [{\"name\": \"mine\", \"ping\": null}]}]");
	const struct play *play = playbook->plays[0];
	expect_tree(&play->roles, "base[copy] web[base[copy] user[file] command:w import[ping]] base[copy]");
	expect_tree(&play->handlers, "shell:restart ping:mine");
	const struct entry *web = play->roles.items[1], *user = web->block.items[1];
	cr_assert_eq(json_integer_value(node_get(web->scope.role->defaults, "port").value), 80);
	cr_assert_str_eq(json_string_value(node_get(web->scope.role->vars, "user").value), "www");
	cr_assert_str_eq(json_string_value(json_object_get(user->scope.role->params, "login")), "www");
	cr_assert_eq(json_object_size(user->scope.role->params), 1);
	cr_assert_str_eq(json_string_value(scope_own(&user->scope, "when").value), "a");
	cr_assert_eq(play->handlers.items[0]->scope.role, web->scope.role);
	cr_assert_str_eq(json_string_value(scope_keyword(&web->block.items[2]->scope, "tags").value), "t");
	cr_assert_str_eq(buf_text(&libraries), "roles/web/library;");
	buf_release(&libraries);
	playbook_free(playbook);
}

Test(playbook, tells_uses_of_a_role_with_other_variables_apart)
{
	write_file("roles/a/tasks/main.json", "[{\"ping\": null}]");
	write_file("roles/b/tasks/main.json", "[{\"copy\": {}}]");
	write_file("roles/b/meta/main.json", "{\"allow_duplicates\": true}");
	struct playbook *playbook = load_good("[{\"hosts\": \"all\", \"roles\": [\"a\", \"a\", {\"role\": \"a\", \"x\": 1}, {\"role\": \"a\", \"x\": 1},"
	                                      " {\"role\": \"a\", \"vars\": {\"x\": 1}}, \"b\", \"b\"],"
	                                      " \"tasks\": [{\"import_role\": {\"name\": \"a\"}}]}]");
	const struct entries *roles = &playbook->plays[0]->roles;
	expect_tree(roles, "a[ping] a[ping] a[ping] a[ping] a[ping] b[copy] b[copy]");
	static const size_t first_like_it[] = { 0, 0, 2, 2, 4, 5, 5 };
	for (size_t i = 0; i < roles->count; i++) {
		const struct role *role = roles->items[i]->scope.role;
		size_t first = 0;
		while (strcmp(roles->items[first]->scope.role->identity, role->identity) != 0)
			first++;
		cr_assert_eq(first, first_like_it[i]);
		cr_assert_eq(role->allow_duplicates, i > 4);
	}
	expect_tree(&playbook->plays[0]->tasks, "a[ping]");
	playbook_free(playbook);
}

Test(playbook, takes_other_files_of_a_role_when_asked)
{
	write_file("roles/a/tasks/main.json", "[{\"ping\": null}]");
	write_file("roles/a/tasks/setup.json", "[{\"copy\": {}}]");
	write_file("roles/a/vars/linux.json", "{\"x\": 1}");
	struct playbook *playbook = load_good("[{\"hosts\": \"all\", \"tasks\": [{\"import_role\": {\"name\": \"a\", \"tasks_from\": \"setup\","
	                                      " \"vars_from\": \"linux.json\"}, \"become\": true}]}]");
	const struct entries *tasks = &playbook->plays[0]->tasks;
	expect_tree(tasks, "a[copy]");
	cr_assert_not_null(node_get(tasks->items[0]->scope.role->vars, "x").value);
	cr_assert(json_is_true(scope_keyword(&tasks->items[0]->block.items[0]->scope, "become").value));
	playbook_free(playbook);
	expect_task_problem("{\"import_role\": {\"name\": \"a\", \"tasks_from\": \"no\"}}", 26, "role \"a\" has no roles/a/tasks/no.yml or .json");
}

Test(playbook, refuses_roles_that_depend_on_themselves)
{
	write_file("roles/a/meta/main.json", "{\"dependencies\": [\"b\"]}");
	write_file("roles/b/meta/main.json", "{\"dependencies\": [{\"role\": \"a\", \"x\": 1}]}");
	expect_problems("[{\"hosts\": \"all\", \"roles\": [\"a\"]}]",
	                "roles/b/meta/main.json:1:28: roles/a brings in itself, without an end (include_tasks with a condition may go round)\n");
}

Test(playbook, reads_roles_in_yaml)
{
	write_file("roles/a/tasks/main.yml", "- name: one\n  ping:\n");
	write_file("roles/a/tasks/main.json", "[{\"nosuch\": {}}]"); /* .yml comes first, as in Ansible */
	write_file("roles/a/defaults/main.yaml", "---\nport: 80\n");
	write_file("roles/a/vars/main", "user: www\n");
	write_file("roles/a/meta/main.yml", "dependencies: []\n");
	expect_problems("[{\"hosts\": \"all\", \"roles\": [\"a\"]}]", "");
}

Test(playbook, reads_a_folder_of_a_roles_variables)
{
	write_file("roles/a/defaults/main/b.yml", "b: 2\nc: 3\n");
	write_file("roles/a/defaults/main/a.json", "{\"a\": 1, \"c\": 1}");
	write_file("roles/a/defaults/main/sub/d", "d: 4\n");
	write_file("roles/a/defaults/main/README.md", "no: variables\n");
	struct playbook *playbook = load_good("[{\"hosts\": \"all\", \"roles\": [\"a\"]}]");
	const json_t *values = playbook->role_list[0]->defaults.value;
	char *text = json_dumps(values, JSON_SORT_KEYS);
	cr_assert_str_eq(text, "{\"a\": 1, \"b\": 2, \"c\": 3, \"d\": 4}");
	free(text);
	playbook_free(playbook);
}

Test(playbook, points_into_roles_in_yaml)
{
	write_file("roles/a/tasks/main.yml", "---\n- name: one\n  ping:\n  nosuch:\n");
	write_file("roles/a/defaults/main.yml", "a-b: 1\n");
	expect_problems("[{\"hosts\": \"all\", \"roles\": [\"a\"]}]",
	                "roles/a/defaults/main.yml:1:1: \"a-b\" cannot name a variable (letters, digits and _ only, not first a digit, "
	                "and no word of the language)\nroles/a/tasks/main.yml:4:3: unknown key \"nosuch\" of a task\n");
}

Test(playbook, refuses_malformed_roles)
{
	write_file("roles/a/defaults/main.json", "[]");
	write_file("roles/a/meta/main.json", "{\"allow_duplicates\": \"maybe\", \"dependencies\": \"b\"}");
	expect_problems("[{\"hosts\": \"all\", \"roles\": [\n\"a\",\n{\"x\": 1},\n\"{{ r }}\",\n7,\n{\"role\": \"a\", \"x-y\": 1, \"loop\": 1}]}]",
	                "roles/a/defaults/main.json:1:1: a file of variables holds a dictionary, not a list ({ \"name\": value, ... })\n"
	                "roles/a/meta/main.json:1:22: \"allow_duplicates\" must be true or false, not a string\n"
	                "roles/a/meta/main.json:1:47: roles are a list, not a string ([ \"common\", ... ])\n"
	                "site.json:3:1: a role without a name: the key \"role\" is missing ({ \"role\": \"common\", ... })\n"
	                "site.json:4:1: a role is read before the run: its name cannot be a template\n"
	                "site.json:5:1: a role is named by a string, not by a number (\"common\", or { \"role\": \"common\", ... })\n"
	                "site.json:6:15: \"x-y\" is no keyword of a role and cannot name a variable\n"
	                "roles/a/defaults/main.json:1:1: a file of variables holds a dictionary, not a list ({ \"name\": value, ... })\n"
	                "roles/a/meta/main.json:1:22: \"allow_duplicates\" must be true or false, not a string\n"
	                "roles/a/meta/main.json:1:47: roles are a list, not a string ([ \"common\", ... ])\n");
}

/* ---- what is refused ---- */

Test(playbook, refuses_what_is_not_a_list_of_plays)
{
	expect_problems("{\"hosts\": \"all\"}", "site.json:1:1: a playbook is a list of plays, and this is one dictionary (put it into "
	                "a list: [ { \"hosts\": ... } ])\n");
	expect_problems("5", "site.json:1:1: a playbook is a list of plays, not a number ([ { \"hosts\": \"all\", \"tasks\": [ ... ] } ])\n");
	expect_problems("[\"x\"]", "site.json:1:2: a play is a dictionary, not a string ({ \"hosts\": \"all\", \"tasks\": [ ... ] })\n");
	expect_problems("[{\"tasks\": []}]", "site.json:1:2: a play without \"hosts\" (\"hosts\": \"all\")\n");
	expect_problems("[{\"hosts\": []}]", "site.json:1:12: \"hosts\" is empty (\"hosts\": \"all\")\n");
}

Test(playbook, refuses_wrong_keys_of_a_play)
{
	expect_problems("[{\"hosts\": \"all\",\n\"takss\": [],\n\"when\": \"x\",\n\"debugger\": \"sometimes\",\n\"copy\": {},\n\"serial\": \"x\",\n"
	                "\"become\": \"perhaps\",\n\"strategy\": \"fast\",\n\"vars\": {\"a-b\": 1},\n\"tasks\": {},\n\"max_fail_percentage\": \"a\","
	                "\n\"port\": 2.5,\n\"name\": 7,\n\"become_user\": \"{{ x }}\"}]",
	                "site.json:2:1: unknown key \"takss\" of a play (did you mean \"tasks\"?)\n"
	                "site.json:3:1: \"when\" is a keyword of tasks, not of a play\n"
	                "site.json:4:13: neap has no debugger \"sometimes\" (it is one of always, never, on_failed, on_unreachable, on_skipped)\n"
	                "site.json:5:1: unknown key \"copy\" of a play (a module belongs into a task, in the list \"tasks\")\n"
	                "site.json:6:11: \"serial\" must be a number, a percentage such as \"30%\", or a list of them, not \"x\"\n"
	                "site.json:7:11: \"become\" must be true or false, not \"perhaps\"\n"
	                "site.json:8:13: neap has no strategy \"fast\" (it is one of linear, free, host_pinned, debug, ansible.builtin.linear, ansible.builtin.free, ansible.builtin.host_pinned, ansible.builtin.debug)\n"
	                "site.json:9:10: \"a-b\" cannot name a variable (letters, digits and _ only, not first a digit, and no word of the language)\n"
	                "site.json:10:10: \"tasks\" must be a list of tasks, not a dictionary (each task is one of the list: [ { ... }, ... ], in YAML with \"- \" before its first line)\n"
	                "site.json:11:24: \"max_fail_percentage\" must be a number, or a percentage such as \"30%\", not \"a\"\n"
	                "site.json:12:9: \"port\" must be a whole number, not a number\n"
	                "site.json:13:9: \"name\" must be a string, not a number (put it into quotes: \"7\")\n");
}

Test(playbook, refuses_tasks_without_exactly_one_module)
{
	expect_task_problem("{\"name\": \"x\"}", 1, "a task without a module (name one beside the keywords: \"command\": \"uptime\")");
	expect_task_problem("{\"copy\": {}, \"file\": {}}", 14,
	                    "a task has one module, this one names a second: \"file\" (make two tasks of it, one for copy and one for file)");
	expect_task_problem("{\"cpy\": {}}", 2, "unknown key \"cpy\" of a task (did you mean \"copy\"?)");
	expect_task_problem("{\"ping\": null, \"becom\": true}", 16, "unknown key \"becom\" of a task (did you mean \"become\"?)");
	expect_task_problem("{\"ansible.builtin.cpy\": {}}", 2, "unknown module \"cpy\" (did you mean \"copy\"?)");
	expect_task_problem("{\"action\": \"cpy src=a\"}", 12, "unknown module \"cpy\" (did you mean \"copy\"?)");
	expect_task_problem("{\"action\": {\"src\": \"a\"}}", 12, "the module is named by the key \"module\" ({ \"module\": \"copy\", \"src\": ... })");
	expect_task_problem("{\"include\": \"x.json\"}", 13, "there is no file x.json");
	expect_task_problem("{\"import_playbook\": \"x.json\"}", 2, "import_playbook is no task (put it beside the plays)");
	expect_task_problem("{\"copy\": [1]}", 10, "the arguments of copy are a dictionary or a string, not a list ({ \"argument\": value, ... })");
	expect_task_problem("\"ping\"", 1, "a task is a dictionary, not a string ({ \"name\": \"...\", \"command\": \"...\" })");
	expect_task_problem("{\"hosts\": \"a\", \"tasks\": []}", 1, "this is a play, not a task (a playbook is run, or brought in by import_playbook)");
}

Test(playbook, keeps_tasks_whose_module_there_is_none_of)
{
	static const char *const tasks[] = { "{\"yum\": {}}", "{\"frobnicate\": null}", "{\"archive\": {}}", "{\"action\": \"frobnicate a=1\"}",
	                                     "{\"community.general.copy\": {}}" };
	for (size_t i = 0; i < sizeof(tasks) / sizeof(*tasks); i++) {
		auto_free char *text = mem_printf("[{\"hosts\": \"all\", \"tasks\": [%s]}]", tasks[i]);
		struct playbook *playbook = load_good(text);
		cr_assert_eq(playbook->plays[0]->tasks.count, 1, "%s", tasks[i]);
		cr_assert(playbook->plays[0]->tasks.items[0]->is_absent, "%s", tasks[i]);
		playbook_free(playbook);
	}
}

Test(playbook, reads_include_as_an_import_unless_it_has_to_wait)
{
	write_file("x.json", "[{\"ping\": null}]");
	struct playbook *playbook = load_good("[{\"hosts\": \"all\", \"vars\": [{\"a\": 1}, {\"b\": 2}], \"tasks\": [{\"include\": \"x.json\"}, "
	                                      "{\"include\": \"{{ f }}.json\"}, {\"include\": \"x.json\", \"loop\": [1]}]}]");
	struct entry **items = playbook->plays[0]->tasks.items;
	cr_assert_str_eq(items[0]->action, "import_tasks");
	cr_assert_eq(items[0]->block.count, 1);
	cr_assert_str_eq(items[1]->action, "include_tasks");
	cr_assert_str_eq(items[2]->action, "include_tasks");
	playbook_free(playbook);
}

Test(playbook, refuses_wrong_keywords_of_a_task)
{
	expect_task_problem("{\"ping\": null, \"hosts\": \"x\"}", 16, "\"hosts\" is a keyword of plays, not of a task");
	expect_task_problem("{\"ping\": null, \"listen\": \"x\"}", 16, "\"listen\" is a keyword of handlers, not of a task");
	expect_task_problem("{\"ping\": null, \"when\": {}}", 24, "\"when\" must be an expression, true or false, or a list of them, not a dictionary");
	expect_task_problem("{\"ping\": null, \"register\": 5}", 28, "\"register\" must be a string, not a number (put it into quotes: \"5\")");
	expect_task_problem("{\"ping\": null, \"loop\": \"x\"}", 24, "\"loop\" must be a list, not \"x\"");
	expect_task_problem("{\"ping\": null, \"environment\": [1]}", 32, "\"environment\" must be a dictionary, or a list of dictionaries, not a number");
	expect_task_problem("{\"block\": [], \"copy\": {}}", 15, "a block has no module of its own (put it into the block as a task)");
	expect_task_problem("{\"block\": [], \"loop\": []}", 15, "\"loop\" is a keyword of tasks, not of a block");
	expect_task_problem("{\"rescue\": []}", 2, "rescue and always belong to a block, and \"block\" is missing");
}

Test(playbook, refuses_blocks_as_handlers)
{
	expect_problems("[{\"hosts\": \"all\", \"handlers\": [{\"block\": []}]}]",
	                "site.json:1:32: a block cannot be a handler (name each of its tasks as a handler)\n");
}

Test(playbook, reports_files_that_are_not_there)
{
	auto_problems struct problems problems = PROBLEMS_INIT;
	struct playbook *playbook;
	cr_assert_lt(playbook_load(&playbook, "none.json", NULL, &modules, &problems), 0);
	cr_assert_str_eq(problems.items[0].text, "cannot be read: No such file or directory");
	playbook_free(playbook);
	expect_problems("[{\"import_playbook\": \"x.json\", \"serial\": 1}]",
	                "site.json:1:32: \"serial\" has no meaning for import_playbook (it takes name, tags, vars and when)\n"
	                "site.json:1:22: there is no file x.json\n");
}

Test(playbook, reads_files_of_variables)
{
	write_file("vars/a.json", "{\"x\": 1}");
	write_file("b.json", "{\"y\": 2}");
	struct playbook *playbook = load_good("[{\"hosts\": \"all\", \"vars_files\": [\"a.json\", [\"none.json\", \"b.json\"], \"{{ os }}.json\"]}]");
	const struct play *play = playbook->plays[0];
	cr_assert_eq(play->vars_file_count, 3);
	cr_assert_not_null(node_get(play->vars_files[0].vars, "x").value);
	cr_assert_not_null(node_get(play->vars_files[1].vars, "y").value);
	cr_assert_null(play->vars_files[2].vars.value);
	playbook_free(playbook);
	write_file("b.json", "{\"1y\": 2}");
	expect_problems("[{\"hosts\": \"all\", \"vars_files\": [\"c.json\", \"b.json\", 5]}]",
	                "site.json:1:34: there is no file \"c.json\"\n"
	                "b.json:1:2: \"1y\" cannot name a variable (letters, digits and _ only, not first a digit, and no word of the language)\n"
	                "site.json:1:54: a file is named by a string, not by a number\n");
}

/* ---- at run time ---- */

Test(playbook, loads_fragments_inside_the_scope_that_includes_them)
{
	write_file("roles/a/tasks/main.json", "[{\"ping\": null}]");
	write_file("roles/a/handlers/main.json", "[{\"name\": \"h\", \"ping\": null}]");
	write_file("more.json", "[{\"command\": \"x\"}, {\"import_role\": {\"name\": \"a\"}}]");
	struct playbook *playbook = load_good("[{\"hosts\": \"all\", \"tasks\": [{\"become\": true, \"block\": ["
	                                      "{\"include_tasks\": \"more.json\", \"ignore_errors\": true}]}]}]");
	const struct scope *scope = &playbook->plays[0]->tasks.items[0]->block.items[0]->scope;
	auto_problems struct problems problems = PROBLEMS_INIT;
	struct fragment *fragment;
	auto_free char *path = scope_find_file(scope, "tasks", "more.json");
	cr_assert_eq(fragment_load_tasks(&fragment, path, scope, false, &modules, &problems), 0);
	expect_tree(&fragment->entries, "command a[ping]");
	cr_assert(json_is_true(scope_keyword(&fragment->entries.items[0]->scope, "become").value));
	cr_assert_null(scope_keyword(&fragment->entries.items[0]->scope, "ignore_errors").value, "it is about the including");
	fragment_free(fragment);
	cr_assert_eq(fragment_load_role(&fragment, "a", NULL, scope, role_paths, &modules, &problems), 0);
	expect_tree(&fragment->entries, "a[ping]");
	expect_tree(&fragment->handlers, "ping:h");
	cr_assert_str_eq(fragment->role->name, "a");
	fragment_free(fragment);
	cr_assert_lt(fragment_load_role(&fragment, "b", NULL, scope, role_paths, &modules, &problems), 0);
	cr_assert_null(fragment);
	playbook_free(playbook);
}

/* ---- k=v ---- */

static void expect_split(const char *text, const char *json)
{
	struct err err = ERR_INIT;
	auto_json json_t *pairs = words_pairs(text, &err), *expected = json_loads(json, 0, NULL);
	cr_assert_not_null(pairs, "%s: %s", text, err.text);
	auto_free char *shown = json_dumps(pairs, 0);
	cr_assert(json_equal(pairs, expected), "%s: %s", text, shown);
}

Test(split_kv, groups_as_ansible_does)
{
	expect_split("", "{}");
	expect_split("a=b c=d", "{\"a\": \"b\", \"c\": \"d\"}");
	expect_split("a='x y' b=\"z 'w'\"", "{\"a\": \"x y\", \"b\": \"z 'w'\"}");
	expect_split("a={{ x | default('p q') }} b={% if y %} z {% endif %}", "{\"a\": \"{{ x | default('p q') }}\", \"b\": \"{% if y %}\", \"_raw_params\": \"z {% endif %}\"}");
	expect_split("echo hi chdir=/tmp", "{\"_raw_params\": \"echo hi\", \"chdir\": \"/tmp\"}");
	expect_split("a=b=c", "{\"a\": \"b=c\"}");
	expect_split("echo a\\=b", "{\"_raw_params\": \"echo a=b\"}");
	expect_split("a=x\\ y", "{\"a\": \"x\\\\\", \"_raw_params\": \"y\"}");
	expect_split("a='b\\'c d' e=\\\"f g\\\"", "{\"a\": \"b'c d\", \"e\": \"\\\"f\", \"_raw_params\": \"g\\\\\\\"\"}");
	expect_split("a=\"x\\ny\" b=\\u00e9\\x41\\101 c=\\q", "{\"a\": \"x\\ny\", \"b\": \"\\u00e9AA\", \"c\": \"\\\\q\"}");
	expect_split("a=1 a=2", "{\"a\": \"2\"}");
	expect_split("a='\\''", "{\"a\": \"'\"}");
	expect_split("=x a = b", "{\"_raw_params\": \"=x a = b\"}");
	expect_split("a=", "{\"a\": \"\"}");
	expect_split("a=\"\"", "{\"a\": \"\"}");
	expect_split("{{ x == 'a=b' }}", "{\"_raw_params\": \"{{ x == 'a=b' }}\"}");
}

Test(split_kv, refuses_what_is_left_open)
{
	struct err err = ERR_INIT;
	cr_assert_null(words_pairs("a='b", &err));
	cr_assert_not_null(strstr(err.text, "open quote"));
	cr_assert_null(words_pairs("a={{ b", &err));
	cr_assert_not_null(strstr(err.text, "open template"));
}
