/* `neap schema`: a JSON Schema of playbooks, for editors and validators. */
#include <stdio.h>

#include "base/auto.h"
#include "cli/catalogue.h"

struct schema_cli { struct option_list module_paths; };

static int schema_run(const void *given, char **words, int count)
{
	(void)words, (void)count;
	const struct schema_cli *cli = given;
	auto_(catalogue_release) struct catalogue catalogue;
	int result = catalogue_load(&catalogue, &cli->module_paths);
	auto_json json_t *schema = schema_playbook(&catalogue);
	json_dumpf(schema, stdout, JSON_INDENT(2));
	fputc('\n', stdout);
	int finished = command_finish();
	return result < 0 ? err_exit_status(ERR_INPUT) : finished;
}

/* clang-format off */
static const struct option_row schema_rows[] = {
	{ "module-path", 'M', OPTION_LIST, "FOLDER", NULL, "folders of Lua modules", offsetof(struct schema_cli, module_paths), ':', "ANSIBLE_LIBRARY" },
	{ 0 },
};
/* clang-format on */

static const struct command_example schema_examples[] = {
	{ "neap schema > neap.schema.json", "for an editor that completes and checks JSON by a schema" },
	{ 0 },
};

const struct command_row cmd_schema = {
	.name = "schema", .arguments = "", .summary = "prints a JSON Schema of playbooks",
	.doc = "Draft 2020-12, with the arguments of every module. Modules of your own are found in ./library and by\n"
	       "--module-path. What the schema accepts may still be refused by neap run, which knows more.",
	.options = schema_rows, .examples = schema_examples, .options_size = sizeof(struct schema_cli), .run = schema_run,
};
