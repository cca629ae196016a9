/* The guide to Lua modules: every Lua block in it is a whole module that loads and whose examples bind. */
#include <criterion/criterion.h>

#include <sys/stat.h>

#include "base/buf.h"
#include "base/mem.h"
#include "lua/bridge.h"
#include "plan/cases.h"

static void say(void *context, const char *path, bool at_key, const char *hint, const char *text)
{
	(void)at_key;
	cr_expect(false, "%s: %s: %s (%s)", (const char *)context, path, text, hint ? hint : "");
}

/* Every example of a module is a task that its own argument table accepts. */
static void check_examples(const struct module *module)
{
	cr_assert(module->examples && module->examples[0].json, "%s has no example", module->name);
	for (const struct module_example *example = module->examples; example->json; example++) {
		auto_json json_t *task = json_loads(example->json, 0, NULL);
		json_t *written = json_object_get(task, module->name);
		cr_assert(written, "an example of %s does not use it: %s", module->name, example->json);
		struct err err = ERR_INIT;
		auto_json json_t *arguments = spec_arguments(&module->spec, written, NULL, &err);
		cr_assert(arguments, "%s: %s", module->name, err.text);
		auto_json json_t *bound = spec_bind(&module->spec, arguments, SPEC_TEMPLATES, say, (void *)(uintptr_t)module->name, NULL);
		cr_expect(bound);
	}
}

static char *file_text(const char *path)
{
	struct buf text = BUF_INIT;
	FILE *file = fopen(path, "r");
	cr_assert(file, "%s", path);
	size_t got;
	while ((got = fread(buf_reserve(&text, 4096), 1, 4096, file)))
		text.length += got;
	fclose(file);
	buf_add(&text, "", 0);
	return buf_take(&text);
}

static void check_block(const char *folder, const char *code, size_t length)
{
	const char *name = strstr(code, "name = \"");
	cr_assert(name && name < code + length, "a block without a name");
	name += strlen("name = \"");
	auto_free char *path = mem_printf("%s/%.*s.lua", folder, (int)strcspn(name, "\""), name);
	FILE *file = fopen(path, "w");
	cr_assert_eq(fwrite(code, 1, length, file), length);
	fclose(file);
	struct registry *registry = registry_new();
	auto_problems struct problems problems = PROBLEMS_INIT;
	int status = bridge_add_file(registry, path, &problems);
	cr_expect_eq(status, 0, "%s:%d: %s", path, problems.count ? problems.items[0].place.line : 0,
	             problems.count ? problems.items[0].text : "");
	auto_free char *module = mem_strndup(name, strcspn(name, "\""));
	if (status == 0)
		check_examples(registry_find(registry, module));
	registry_free(registry);
	unlink(path);
}

Test(guide, every_module_in_it_loads)
{
	auto_free char *guide = file_text(NEAP_SOURCE "/docs/guide/writing-a-lua-module.md");
	char folder[] = "/tmp/neap-guide-XXXXXX";
	cr_assert(mkdtemp(folder));
	int count = 0;
	static const char open[] = "```lua\n";
	for (const char *p = strstr(guide, open); p; p = strstr(p, open), count++) {
		p += sizeof open - 1;
		const char *end = strstr(p, "```");
		cr_assert(end);
		check_block(folder, p, (size_t)(end - p));
		p = end + 3;
	}
	cr_expect_geq(count, 3);
	rmdir(folder);
	bridge_thread_end();
}

static void say_fault(void *context, const char *case_name, const char *text)
{
	(void)context;
	cr_expect(false, "%s: %s", case_name, text);
}

/* The block behind the mark, up to its end; new string. */
static char *block(const char *guide, const char *mark)
{
	const char *start = strstr(guide, mark);
	cr_assert(start);
	start += strlen(mark);
	return mem_strndup(start, (size_t)(strstr(start, "```") - start));
}

Test(guide, the_cases_of_its_first_module_pass)
{
	auto_free char *guide = file_text(NEAP_SOURCE "/docs/guide/writing-a-lua-module.md");
	auto_free char *code = block(guide, "```lua\n");
	auto_free char *cases_text = block(guide, "```json\n");
	char folder[] = "/tmp/neap-guide-XXXXXX";
	cr_assert(mkdtemp(folder));
	auto_free char *path = mem_printf("%s/motd.lua", folder);
	FILE *file = fopen(path, "w");
	fputs(code, file);
	fclose(file);
	struct registry *registry = registry_new();
	auto_problems struct problems problems = PROBLEMS_INIT;
	cr_assert_eq(bridge_add_file(registry, path, &problems), 0);
	auto_json json_t *list = json_loads(cases_text, 0, NULL);
	struct cases cases = { .fault = say_fault };
	size_t i;
	json_t *one;
	json_array_foreach(list, i, one)
		cases_run(&cases, registry_find(registry, "motd"), one);
	cr_expect_eq(cases.passed, 3);
	registry_free(registry);
	unlink(path);
	rmdir(folder);
	bridge_thread_end();
}

static void visit(void *context, const struct module *module)
{
	(void)context;
	if (module->source)
		check_examples(module);
}

Test(guide, the_examples_of_built_in_lua_modules_bind)
{
	struct registry *registry = registry_new();
	bridge_add_builtin(registry);
	registry_each(registry, visit, NULL);
	registry_free(registry);
	bridge_thread_end();
}
