/* `neap report`: what can be done with the results of runs that have ended. */
#include <stdio.h>
#include <string.h>

#include "base/file.h"
#include "cli/command.h"
#include "cli/running.h"
#include "report/merge.h"
#include "report/results.h"

struct report_cli {
	const char *format;
	unsigned verbosity;
};

static int add_file(struct merge *merge, const char *path, struct err *err)
{
	auto_buf struct buf text = BUF_INIT;
	if (file_read(path, RESULTS_BYTES_MOST, &text, err) < 0)
		return -1;
	return merge_add(merge, path, buf_text(&text), text.length, err);
}

static int fail(const struct err *err)
{
	command_error(err);
	return err_exit_status(err->kind);
}

/* What is there is told also where something is missing, which is said after it. */
static int report_merge(const struct report_cli *cli, char **paths)
{
	struct err err = ERR_INIT;
	struct merge *merge = merge_new();
	int status = 0;
	while (*paths && status == 0)
		status = add_file(merge, *paths++, &err);
	if (status < 0) {
		merge_free(merge);
		return fail(&err);
	}
	const struct running_options options = { .format = cli->format, .verbosity = cli->verbosity };
	struct reporter *reporter = running_reporter(&options, false);
	merge_replay(merge, reporter, !cli->format || strcmp(cli->format, "text") == 0);
	(void)!reporter->finish(reporter->context); /* command_finish says what went wrong */
	report_free(reporter);
	status = command_finish();
	if (!status)
		status = merge_complete(merge, &err) < 0 ? fail(&err) : merge_status(merge);
	merge_free(merge);
	return status;
}

static int report_run(const void *given, char **words, int count)
{
	(void)count;
	if (strcmp(words[0], "merge") == 0)
		return report_merge(given, words + 1);
	struct err err = ERR_INIT;
	err_set(&err, ERR_USAGE, "neap report takes merge FILE..., not \"%s\"", words[0]);
	return fail(&err);
}

/* clang-format off */
static const struct option_row report_rows[] = {
	{ "format", 0, OPTION_STRING, "FORMAT", running_formats, "the report on standard output", offsetof(struct report_cli, format), 0, "NEAP_FORMAT" },
	{ "verbose", 'v', OPTION_COUNT, NULL, NULL, "show more of the results that failed", offsetof(struct report_cli, verbosity) },
	{ 0 },
};
/* clang-format on */

static const struct command_example report_examples[] = {
	{ "neap report merge shard-*.json", "what failed in the shards of a run, and the recap of all hosts" },
	{ "neap report merge --format json shard-*.jsonl > run.json", "all results as those of one run" },
	{ 0 },
};

const struct command_row cmd_report = {
	.name = "report", .arguments = "merge FILE...", .summary = "joins the results of a run's shards",
	.doc = "The files hold what neap run or neap exec wrote with --format json or jsonl, each run with hosts of its own. The\n"
	       "exit status is what one run of all hosts would have had; 1 where a shard's results are missing, or do not go to\n"
	       "their end.",
	.options = report_rows, .examples = report_examples, .options_size = sizeof(struct report_cli),
	.words_least = 2, .words_most = -1, .run = report_run,
};
