/* `neap doc`: the documentation of modules and keywords, from the tables that check playbooks. */
#include <stdio.h>
#include <string.h>

#include "base/auto.h"
#include "base/mem.h"
#include "cli/catalogue.h"

struct doc_cli {
	struct option_list module_paths;
	bool list, names, keywords;
	const char *format;
};

static bool is_format(const struct doc_cli *cli, const char *format)
{
	return cli->format && strcmp(cli->format, format) == 0;
}

static void add_json(struct buf *out, json_t *value)
{
	char *text = json_dumps(value, JSON_INDENT(2));
	buf_printf(out, "%s\n", text ? text : "null");
	free(text);
	json_decref(value);
}

static void doc_list(const struct doc_cli *cli, const struct catalogue *catalogue, struct buf *out)
{
	json_t *list = json_object();
	for (size_t i = 0; i < catalogue->count; i++) {
		auto_free char *summary = catalogue_summary(catalogue->modules[i]);
		const char *name = catalogue->modules[i]->name;
		if (cli->names)
			buf_printf(out, "%s\n", name);
		else if (is_format(cli, "json"))
			json_object_set_new(list, name, json_string(summary));
		else if (is_format(cli, "markdown"))
			buf_printf(out, "- [%s](modules/%s.md): %s\n", name, name, summary);
		else
			buf_printf(out, "%-14s %s\n", name, summary);
	}
	if (is_format(cli, "json") && !cli->names)
		add_json(out, json_incref(list));
	json_decref(list);
}

static void doc_keywords(const struct doc_cli *cli, struct buf *out)
{
	if (is_format(cli, "json"))
		add_json(out, catalogue_keywords_json());
	else if (is_format(cli, "markdown"))
		catalogue_keywords_markdown(out);
	else
		catalogue_keywords_text(out);
}

static int doc_modules(const struct doc_cli *cli, const struct catalogue *catalogue, char **words, struct buf *out,
                       struct err *err)
{
	auto_json json_t *list = json_array();
	for (char **word = words; *word; word++) {
		const struct module *module;
		if (catalogue_find(catalogue, *word, &module, err) < 0)
			return -1;
		if (is_format(cli, "json")) {
			json_array_append_new(list, catalogue_json(module));
			continue;
		}
		if (word != words)
			buf_char(out, '\n');
		if (is_format(cli, "markdown"))
			catalogue_markdown(module, out);
		else
			catalogue_text(module, out);
	}
	if (is_format(cli, "json"))
		add_json(out, json_incref(list));
	return 0;
}

static int doc_run(const void *given, char **words, int count)
{
	const struct doc_cli *cli = given;
	struct err err = ERR_INIT;
	auto_buf struct buf out = BUF_INIT;
	if (!count && !cli->list && !cli->names && !cli->keywords) {
		err_set(&err, ERR_USAGE, "neap doc needs a module, --list or --keywords");
		command_error(&err);
		return err_exit_status(err.kind);
	}
	auto_(catalogue_release) struct catalogue catalogue;
	int result = catalogue_load(&catalogue, &cli->module_paths);
	if (cli->keywords)
		doc_keywords(cli, &out);
	else if (cli->list || cli->names)
		doc_list(cli, &catalogue, &out);
	else if (doc_modules(cli, &catalogue, words, &out, &err) < 0)
		result = -1;
	fputs(buf_text(&out), stdout);
	if (err.kind != ERR_NONE)
		command_error(&err);
	int finished = command_finish();
	return result < 0 ? err_exit_status(ERR_INPUT) : finished;
}

static const char *const formats[] = { "text", "json", "markdown", NULL };

/* clang-format off */
static const struct option_row doc_rows[] = {
	{ "list", 'l', OPTION_FLAG, NULL, NULL, "list all modules", offsetof(struct doc_cli, list) },
	{ "names", 0, OPTION_FLAG, NULL, NULL, "list their names only", offsetof(struct doc_cli, names) },
	{ "keywords", 0, OPTION_FLAG, NULL, NULL, "document the keywords of playbooks", offsetof(struct doc_cli, keywords) },
	{ "format", 0, OPTION_STRING, "FORMAT", formats, "how to show it", offsetof(struct doc_cli, format) },
	{ "module-path", 'M', OPTION_LIST, "FOLDER", NULL, "folders of Lua modules", offsetof(struct doc_cli, module_paths), ':', "ANSIBLE_LIBRARY" },
	{ 0 },
};
/* clang-format on */

static const struct command_example doc_examples[] = {
	{ "neap doc copy", "what the module does, its arguments and examples" },
	{ "neap doc -l", "all modules" },
	{ 0 },
};

const struct command_row cmd_doc = {
	.name = "doc", .arguments = "[MODULE...]", .summary = "documents modules and keywords",
	.doc = "Modules of your own are found in ./library and by --module-path.",
	.options = doc_rows, .examples = doc_examples, .options_size = sizeof(struct doc_cli), .words_most = -1, .run = doc_run,
};
