/* `neap module`: starts, documents and tests modules in Lua. */
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>

#include "base/mem.h"
#include "base/printable.h"
#include "cli/catalogue.h"
#include "lua/bridge.h"
#include "plan/cases.h"

/* ---- new ---- */

/* %s: the module's name. What is written passes its own cases. */
static const char new_module[] =
	"-- docs/guide/writing-a-lua-module.md tells what there is to ask, to do and to say.\n"
	"return {\n"
	"\tname = \"%s\",\n"
	"\tdoc = \"Keeps a note in a file.\",\n"
	"\targs = {\n"
	"\t\tpath = { \"path\", required = true, doc = \"The file.\" },\n"
	"\t\tnote = { \"str\", default = \"hello\", doc = \"What shall be in it, without its final newline.\" },\n"
	"\t},\n"
	"\texamples = {\n"
	"\t\t{ \"A greeting\", [[{ \"%s\": { \"path\": \"/etc/note\", \"note\": \"Welcome.\" } }]] },\n"
	"\t},\n"
	"\tdecide = function(want, known)\n"
	"\t\tlocal old = need(known:read(want.path)) -- false if there is no such file\n"
	"\t\tlocal new = want.note .. \"\\n\"\n"
	"\t\tif old == new then return end\n"
	"\t\tdiff(want.path, old, new)\n"
	"\t\tstep.put{ path = want.path, content = new }\n"
	"\tend,\n"
	"}\n";

static const char new_cases[] =
	"[\n"
	"  {\"name\": \"a note that is missing is written\", \"args\": {\"path\": \"/tmp/note\"},\n"
	"   \"steps\": [\"write /tmp/note (6 bytes)\"], \"after\": {\"/tmp/note\": {\"content\": \"hello\\n\"}}},\n"
	"  {\"name\": \"a note that is there stays\", \"args\": {\"path\": \"/tmp/note\"},\n"
	"   \"host\": {\"files\": {\"/tmp/note\": {\"content\": \"hello\\n\"}}}, \"steps\": []},\n"
	"  {\"name\": \"a path is needed\", \"args\": {\"note\": \"x\"}, \"refused\": \"path\"}\n"
	"]\n";

static int write_new(const char *path, const char *text, struct err *err)
{
	auto_close int fd = open(path, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0666);
	if (fd < 0)
		return err_errno(err, errno == EEXIST ? ERR_INPUT : ERR_SYSTEM, "%s", path);
	for (size_t left = strlen(text); left;) {
		ssize_t written = write(fd, text, left);
		if (written < 0 && errno == EINTR)
			continue;
		if (written < 0)
			return err_errno(err, ERR_SYSTEM, "writing %s", path);
		text += written;
		left -= (size_t)written;
	}
	return 0;
}

static int module_new(const char *name, struct err *err)
{
	static const char letters[] = "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ_0123456789";
	if (!*name || name[strspn(name, letters)] || (*name >= '0' && *name <= '9'))
		return err_set(err, ERR_USAGE, "a module's name has letters, digits and _ only, not \"%s\"", name);
	if (mkdir("library", 0777) < 0 && errno != EEXIST)
		return err_errno(err, ERR_SYSTEM, "making the folder library");
	auto_free char *path = mem_printf("library/%s.lua", name);
	auto_free char *cases = mem_printf("library/%s.cases.json", name);
	auto_buf struct buf text = BUF_INIT;
	for (const char *p = new_module; *p;) {
		size_t length = strstr(p, "%s") ? (size_t)(strstr(p, "%s") - p) : strlen(p);
		buf_add(&text, p, length);
		p += length;
		if (*p) {
			buf_str(&text, name);
			p += 2;
		}
	}
	if (write_new(path, buf_text(&text), err) < 0 || write_new(cases, new_cases, err) < 0)
		return -1;
	printf("%s\n%s\n", path, cases);
	return 0;
}

/* ---- doc and test ---- */

/* The module of a file, in a registry of the caller. Prints what is wrong with it. */
static const struct module *load(struct registry *registry, const char *path)
{
	auto_problems struct problems problems = PROBLEMS_INIT;
	if (bridge_add_file(registry, path, &problems) < 0) {
		auto_buf struct buf text = BUF_INIT;
		problems_print(&problems, &text, false);
		fputs(buf_text(&text), stderr);
		return NULL;
	}
	const char *file = strrchr(path, '/') ? strrchr(path, '/') + 1 : path;
	auto_free char *name = mem_strndup(file, strlen(file) - strlen(".lua"));
	return registry_find(registry, name);
}

static bool doc_file(struct registry *registry, const char *path)
{
	const struct module *module = load(registry, path);
	if (!module)
		return false;
	auto_buf struct buf text = BUF_INIT;
	catalogue_text(module, &text);
	fputs(buf_text(&text), stdout);
	return true;
}

struct shown { const char *file; };

static void show_fault(void *context, const char *case_name, const char *text)
{
	const struct shown *shown = context;
	auto_buf struct buf line = BUF_INIT;
	buf_printf(&line, "%s: %s: %s", shown->file, case_name, text);
	auto_buf struct buf safe = BUF_INIT;
	printable_add(&safe, buf_text(&line), line.length);
	printf("%s\n", buf_text(&safe));
}

/* An example that its own arguments refuse is a failure as well. */
static void show_complaint(void *context, const char *path, bool at_key, const char *hint, const char *text)
{
	(void)at_key;
	const struct shown *shown = context;
	printf("%s: an example: %s%s%s%s%s\n", shown->file, path, *path ? ": " : "", text, hint ? ": " : "", hint ? hint : "");
}

static void test_examples(struct cases *cases, const struct module *module, struct shown *shown)
{
	for (const struct module_example *example = module->examples; example->json; example++) {
		struct err err = ERR_INIT;
		auto_json json_t *task = json_loads(example->json, 0, NULL);
		json_t *written = json_object_get(task, module->name);
		auto_json json_t *arguments = written ? spec_arguments(&module->spec, written, NULL, &err) : NULL;
		auto_json json_t *bound =
			arguments ? spec_bind(&module->spec, arguments, SPEC_TEMPLATES, show_complaint, shown, NULL) : NULL;
		if (!arguments)
			printf("%s: the example \"%s\": %s\n", shown->file, example->title, written ? err.text : "it does not use the module");
		if (bound)
			cases->passed++;
		else
			cases->failed++;
	}
}

static bool test_file(struct registry *registry, const char *path, struct cases *cases, struct shown *shown)
{
	const struct module *module = load(registry, path);
	if (!module)
		return false;
	shown->file = path;
	test_examples(cases, module, shown);
	auto_free char *file = mem_printf("%.*s.cases.json", (int)(strlen(path) - strlen(".lua")), path);
	struct err err = ERR_INIT;
	shown->file = file;
	if (cases_run_file(cases, module, file, &err) == 0)
		return true;
	err_hint(&err, "the cases of %s stand beside it, in %s", path, file);
	command_error(&err);
	return false;
}

static int module_each(bool test, char **paths)
{
	struct registry *registry = registry_new();
	struct shown shown = { "" };
	struct cases cases = { .fault = show_fault, .context = &shown };
	bool ok = true;
	for (; *paths; paths++)
		ok &= test ? test_file(registry, *paths, &cases, &shown) : doc_file(registry, *paths);
	if (test)
		printf("%zu passed, %zu failed\n", cases.passed, cases.failed);
	registry_free(registry);
	bridge_thread_end();
	int finished = command_finish();
	return ok && !cases.failed ? finished : err_exit_status(ERR_INPUT);
}

static int module_run(const void *given, char **words, int count)
{
	(void)given;
	struct err err = ERR_INIT;
	int status = 0;
	if (!strcmp(words[0], "new") && count == 2)
		status = module_new(words[1], &err);
	else if (!strcmp(words[0], "doc") || !strcmp(words[0], "test"))
		return module_each(words[0][0] == 't', words + 1);
	else
		status = err_set(&err, ERR_USAGE, "neap module takes new NAME, doc FILE... or test FILE...");
	if (status < 0) {
		command_error(&err);
		return err_exit_status(err.kind);
	}
	return command_finish();
}

static const struct command_example module_examples[] = {
	{ "neap module new motd", "library/motd.lua and its cases, to start from" },
	{ "neap module test library/*.lua", "runs the cases that stand beside the modules" },
	{ 0 },
};

const struct command_row cmd_module = {
	.name = "module", .arguments = "new NAME | doc FILE... | test FILE...",
	.summary = "starts, documents and tests modules in Lua",
	.doc = "new writes library/NAME.lua and library/NAME.cases.json, which pass at once. doc shows the documentation of a\n"
	       "module's file. test runs the cases in FILE.cases.json beside FILE.lua: each is done on a host in memory and\n"
	       "decided again, and nothing may remain to do.",
	.examples = module_examples, .words_least = 2, .words_most = -1, .run = module_run,
};
