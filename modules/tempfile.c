/* tempfile: a file or directory under a name that nobody else has. */
#include <string.h>

#include "modules/file_wish.h"
#include "plan/module.h"
#include "plan/path.h"

struct tempfile_want { const char *path, *prefix, *suffix, *state; };

static const char *const states[] = { "directory", "file", NULL };
static const struct arg tempfile_args[] = {
	{ .name = "state", .choices = states, .fallback = "\"file\"", .offset = offsetof(struct tempfile_want, state),
	  .doc = "What is made." },
	{ .name = "path", .type = ARG_PATH, .offset = offsetof(struct tempfile_want, path),
	  .doc = "The directory that it is made in. Without it, what TMPDIR says on the target, or /tmp." },
	{ .name = "prefix", .fallback = "\"ansible.\"", .offset = offsetof(struct tempfile_want, prefix),
	  .doc = "How its name begins.", .pattern = "^[^/]*$", .pattern_doc = "be a part of a name, without a slash" },
	{ .name = "suffix", .fallback = "\"\"", .offset = offsetof(struct tempfile_want, suffix), .doc = "How its name ends.",
	  .pattern = "^[^/]*$", .pattern_doc = "be a part of a name, without a slash" },
	{ 0 },
};

static const struct module_example tempfile_examples[] = {
	{ "A place to build in", "{\"name\": \"a folder to build in\", \"tempfile\": {\"state\": \"directory\", \"suffix\": \"build\"}, "
	                         "\"register\": \"build\"}" },
	{ 0 },
};

static const struct module_return tempfile_returns[] = {
	{ "path", "str", "What was made." },
	FILE_RETURNS,
	{ "state", "str", "file or directory." },
	{ 0 },
};

/* $1: file or directory, $2: the folder or nothing, $3: prefix, $4: suffix. Sixteen hexadecimal digits are not guessed; a name
 * that is taken is tried again all the same. */
static const char script[] =
	"umask 077\n"
	"folder=${2:-${TMPDIR:-/tmp}}\n"
	"[ -d \"$folder\" ] || { echo \"[Errno 2] No such file or directory: '$folder'\" >&2; exit 1; }\n"
	"tries=0\n"
	"while [ $tries -lt 100 ]; do\n"
	"	tries=$((tries + 1))\n"
	"	random=$(od -An -N8 -tx1 /dev/urandom | tr -d ' \\n')\n"
	"	[ ${#random} = 16 ] || { echo 'no random bytes are to be had' >&2; exit 1; }\n"
	"	path=${folder%/}/$3$random$4\n"
	"	if [ \"$1\" = file ]; then\n"
	"		( set -C; : >\"$path\" ) 2>/dev/null && { printf %s \"$path\"; exit 0; }\n"
	"	else\n"
	"		mkdir \"$path\" 2>/dev/null && { printf %s \"$path\"; exit 0; }\n"
	"	fi\n"
	"	[ -e \"$path\" ] || { echo \"cannot create $path\" >&2; exit 1; }\n"
	"done\n"
	"exit 1\n";

static int tempfile_decide(const struct module *module, const void *wanted, struct decision *decision, struct err *err)
{
	(void)module, (void)err;
	const struct tempfile_want *want = wanted;
	const char *folder = path_expand(decision, want->path);
	if (!folder)
		return 0;
	const char *const argv[] = { "/bin/sh", "-c", script, "sh", want->state, folder, want->prefix, want->suffix, NULL };
	const char *const paths[] = { folder, NULL };
	const struct step_run run = {
		.command = { .argv = argv }, .effects = *folder ? EFFECT_PATHS : EFFECT_EVERYTHING, .paths = *folder ? paths : NULL,
	};
	const struct outcome *outcome = step_run(decision, &run);
	if (!outcome)
		return 0;
	if (!command_succeeded(&outcome->run)) {
		size_t length = outcome->run.errors_length;
		while (length && outcome->run.errors[length - 1] == '\n')
			length--;
		result_changed(decision, false);
		return result_fail(decision, "%.*s", (int)length, length ? outcome->run.errors : "it could not be made");
	}
	result_bytes(decision, "path", outcome->run.output, outcome->run.output_length);
	const struct stat_answer *stat = ask_stat(decision, outcome->run.output, ASK_NO_FOLLOW);
	if (stat)
		file_result(decision, stat);
	return 0;
}

const struct module tempfile_module = {
	.name = "tempfile",
	.doc = "Makes a temporary file or directory, for its user only. Nothing removes it by itself.",
	.spec = { .args = tempfile_args, .want_size = sizeof(struct tempfile_want) },
	.examples = tempfile_examples,
	.returns = tempfile_returns,
	.decide = tempfile_decide,
	.no_check_mode = true,
};
