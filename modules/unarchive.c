/* unarchive: what is in a tar or zip archive, put into a directory by the target's own tools. */
#include <fnmatch.h>
#include <string.h>

#include "base/buf.h"
#include "base/mem.h"
#include "base/quote.h"
#include "modules/file_wish.h"
#include "plan/path.h"

struct unarchive_want {
	const char *src, *dest, *creates;
	struct file_wish wish;
	json_t *exclude, *include, *extra_opts;
	int remote_src, copy, list_files, keep_newer, validate_certs;
};

static const struct arg unarchive_args[] = {
	{ .name = "src", .type = ARG_PATH, .required = true, .offset = offsetof(struct unarchive_want, src), .controller_path = true,
	  .doc = "The archive: tar, plain or by gzip, bzip2, xz or zstd, or zip. It is looked up in files/ beside the role and the "
	         "playbook; with remote_src it is on the target, or an address of the web." },
	{ .name = "dest", .type = ARG_PATH, .required = true, .offset = offsetof(struct unarchive_want, dest),
	  .doc = "The directory that it is unpacked in; it must be there." },
	{ .name = "remote_src", .type = ARG_BOOL, .fallback = "false", .offset = offsetof(struct unarchive_want, remote_src),
	  .doc = "src is on the target." },
	{ .name = "copy", .type = ARG_BOOL, .offset = offsetof(struct unarchive_want, copy), .deprecated = true,
	  .doc = "The opposite of remote_src." },
	{ .name = "creates", .type = ARG_PATH, .offset = offsetof(struct unarchive_want, creates),
	  .doc = "A path; where it is there, nothing is done." },
	{ .name = "include", .type = ARG_LIST, .fallback = "[]", .offset = offsetof(struct unarchive_want, include),
	  .doc = "Only these names are unpacked." },
	{ .name = "exclude", .type = ARG_LIST, .fallback = "[]", .offset = offsetof(struct unarchive_want, exclude),
	  .doc = "These names are not unpacked." },
	{ .name = "keep_newer", .type = ARG_BOOL, .fallback = "false", .offset = offsetof(struct unarchive_want, keep_newer),
	  .doc = "Files that are newer than the archive's stay." },
	{ .name = "list_files", .type = ARG_BOOL, .fallback = "false", .offset = offsetof(struct unarchive_want, list_files),
	  .doc = "Tells the names in the archive." },
	{ .name = "extra_opts", .type = ARG_LIST, .fallback = "[]", .offset = offsetof(struct unarchive_want, extra_opts),
	  .doc = "More options for tar or unzip, each a word." },
	{ .name = "validate_certs", .type = ARG_BOOL, .fallback = "true", .offset = offsetof(struct unarchive_want, validate_certs),
	  .doc = "Checks the certificate of an address." },
	FILE_WISH_ARGS(unarchive_want, NULL),
	{ 0 },
};

static const struct rule unarchive_rules[] = {
	{ .kind = RULE_EXCLUSIVE, .names = (const char *const[]){ "include", "exclude", NULL } },
	{ 0 },
};

static const struct module_example unarchive_examples[] = {
	{ "A release", "{\"name\": \"the release is unpacked\", \"unarchive\": {\"src\": \"app-1.2.tar.gz\", \"dest\": \"/srv/app\", "
	               "\"owner\": \"app\", \"extra_opts\": [\"--strip-components=1\"]}}" },
	{ 0 },
};

static const struct module_return unarchive_returns[] = {
	{ "dest", "str", "Where it was unpacked." },
	{ "src", "str", "The archive." },
	{ "handler", "str", "What it is: TgzArchive, TarArchive or ZipArchive." },
	{ "files", "list", "With list_files, the names in it." },
	{ "extract_results", "dict", "rc, out and err of tar or unzip, where it was unpacked." },
	FILE_RETURNS,
	{ "state", "str", "directory" },
	{ 0 },
};

/* $1: look or extract, $2 archive, $3 dest, $4 keep_newer, $5 words of tar and unzip before the archive's name, $6 those behind,
 * $7: names that unzip leaves out; the last three are quoted for sh. look prints the archive's kind, whether dest differs, and
 * the names. Tars are compared by GNU tar; what cannot compare is unpacked beside and compared file by file. */
static const char script[] =
	"export LC_ALL=C\n"
	"action=$1 archive=$2 dest=$3 newer=$4\n"
	"case $(od -An -N6 -tx1 \"$archive\" | tr -d ' \\n') in\n"
	"504b0304*|504b0506*) kind=Zip;; 1f8b*) kind=Tgz flag=-z;; 425a68*) kind=TarBzip flag=-j;; fd377a585a00) kind=TarXz flag=-J;;\n"
	"28b52ffd*) kind=TarZstd flag=--zstd;; *) kind=Tar flag=;;\n"
	"esac\n"
	"tar=tar; command -v gtar >/dev/null && tar=gtar\n"
	"gnu=; \"$tar\" --version 2>/dev/null | grep -q GNU && gnu=1\n"
	"if [ $kind = Zip ]; then tool=unzip; else tool=$tar; fi\n"
	"command -v $tool >/dev/null || { echo \"the host has no $tool\" >&2; exit 12; }\n"
	"run_tar() { mode=$1 to=$2; shift 2; eval \"\\\"\\$tar\\\" $mode -C \\\"\\$to\\\" $flag $words ${1:-} -f \\\"\\$archive\\\" $behind\"; }\n"
	"words=$5 behind=$6 left_out=$7\n"
	"[ -z \"$gnu\" ] || [ -z \"$8\" ] || words=\"--show-transformed-names $words\"\n"
	"unpack() {\n"
	"	if [ $kind = Zip ]; then eval \"unzip -o $2 $words \\\"\\$archive\\\" $behind ${left_out:+-x $left_out} -d \\\"\\$1\\\"\"\n"
	"	elif [ \"$2\" ] && [ \"$gnu\" ]; then run_tar --extract \"$1\" --keep-newer-files\n"
	"	elif [ \"$gnu\" ]; then run_tar --extract \"$1\"\n"
	"	else run_tar -x \"$1\"; fi\n"
	"}\n"
	"if [ $action = extract ]; then\n"
	"	update=; [ \"$newer\" = 1 ] && update=-u\n"
	"	unpack \"$dest\" \"$update\"; exit\n"
	"fi\n"
	"echo $kind\n"
	"if [ $kind != Zip ] && [ \"$gnu\" ]; then\n"
	"	names=$(run_tar --list \"$dest\" --quoting-style=literal) || exit 13\n"
	"	[ \"$newer\" = 1 ] && words=\"--keep-newer-files $words\"\n"
	"	not_mine=; [ \"$(id -u)\" = 0 ] || not_mine='/: [UG]id differs$/d'\n"
	"	run_tar --diff \"$dest\" 2>&1 | sed -e \"$not_mine\" -e 's/^/diff: /'\n"
	"	printf 'names:\\n%s\\n' \"$names\"\n"
	"	exit 0\n"
	"fi\n"
	"beside=$(mktemp -d) || exit 14\n"
	"trap 'rm -rf \"$beside\"' EXIT\n"
	"unpack \"$beside\" '' >/dev/null || exit 13\n"
	"names=$(cd \"$beside\" && find . ! -name . | sed 's|^\\./||' | sort)\n"
	"printf '%s\\n' \"$names\" | while IFS= read -r name; do\n"
	"	new=$beside/$name old=$dest/$name\n"
	"	if [ -L \"$new\" ]; then [ \"$(readlink \"$new\")\" = \"$(readlink \"$old\")\" ]\n"
	"	elif [ -d \"$new\" ]; then [ -d \"$old\" ]\n"
	"	elif [ \"$newer\" = 1 ] && [ -f \"$old\" ] && [ \"$old\" -nt \"$new\" ]; then :\n"
	"	else cmp -s \"$new\" \"$old\" && if [ -x \"$new\" ]; then [ -x \"$old\" ]; else ! [ -x \"$old\" ]; fi\n"
	"	fi || echo \"diff: $name: differs here\"\n"
	"done\n"
	"printf 'names:\\n'\n"
	"printf '%s\\n' \"$names\" | while IFS= read -r name; do if [ -d \"$beside/$name\" ]; then echo \"$name/\"; else echo \"$name\"; fi; done\n";

struct unpacking {
	const struct unarchive_want *want;
	struct decision *decision;
	bool is_remote, is_address;
	const char *archive, *dest, *folder; /* folder: a temporary one, or NULL */
	struct file_goal goal;
	const char *kind;
	const char *failure; /* said when the temporary folder is gone; NULL: none */
	bool differs, changed;
	json_t *names;
};

/* ---- commands ---- */

static const char *quoted(struct decision *decision, const char *before, json_t *list, bool strips_slash)
{
	auto_buf struct buf text = BUF_INIT;
	for (size_t i = 0; i < json_array_size(list); i++) {
		auto_free char *word = mem_printf("%s%s", before, json_string_value(json_array_get(list, i)));
		size_t length = strlen(word);
		while (strips_slash && length > 1 && word[length - 1] == '/')
			word[--length] = 0;
		buf_str(&text, i ? " " : "");
		quote_word(&text, word);
	}
	return arena_copy(&decision->arena, buf_text(&text), text.length);
}

static const char *const *command_words(struct unpacking *unpacking, const char *action)
{
	const struct unarchive_want *want = unpacking->want;
	struct decision *decision = unpacking->decision;
	bool is_zip = unpacking->kind && strcmp(unpacking->kind, "Zip") == 0;
	const char *opts = quoted(decision, "", want->extra_opts, false);
	const char *excludes = is_zip ? "" : quoted(decision, "--exclude=", want->exclude, true);
	const char **words = arena_array(&decision->arena, 13, sizeof(*words));
	const char *const list[13] = {
		"/bin/sh", "-c", script, "sh", action, unpacking->archive, unpacking->dest, want->keep_newer ? "1" : "",
		arena_printf(&decision->arena, "%s%s%s", opts, *opts && *excludes ? " " : "", excludes),
		quoted(decision, "", want->include, false), quoted(decision, "", want->exclude, true), opts, NULL,
	};
	memcpy(words, list, sizeof(list));
	return words;
}

/* Runs on the target; whether it was done and succeeded. */
static const struct command_result *run_unchanged(struct unpacking *unpacking, const char *const *argv, const char *what)
{
	const struct step_run run = { .command = { .argv = argv }, .effects = EFFECT_NOTHING, .unchanged = true };
	const struct outcome *outcome = step_run(unpacking->decision, &run);
	if (!outcome)
		return NULL;
	if (command_succeeded(&outcome->run))
		return &outcome->run;
	unpacking->failure = arena_printf(&unpacking->decision->arena, "%s: %s", what, outcome->run.errors);
	return NULL;
}

/* ---- where the archive is ---- */

static const char *without_newline(struct decision *decision, const char *text)
{
	return arena_copy(&decision->arena, text, strcspn(text, "\n"));
}

static bool download(struct unpacking *unpacking)
{
	static const char fetch[] =
		"if command -v curl >/dev/null; then curl -fsSL ${3:+-k} -o \"$2\" -- \"$1\"\n"
		"elif command -v wget >/dev/null; then wget -q ${3:+--no-check-certificate} -O \"$2\" -- \"$1\"\n"
		"else echo 'the host has neither curl nor wget' >&2; exit 1; fi\n";
	const struct unarchive_want *want = unpacking->want;
	const char *const argv[] = {
		"/bin/sh", "-c", fetch, "sh", want->src, unpacking->archive, want->validate_certs ? "" : "1", NULL,
	};
	return run_unchanged(unpacking, argv, "Failure downloading the archive");
}

/* The archive in a folder of its own on the target, which nobody else may read. */
static bool bring(struct unpacking *unpacking, const char *local)
{
	struct decision *decision = unpacking->decision;
	const char *const make[] = { "mktemp", "-d", NULL };
	const struct command_result *made = run_unchanged(unpacking, make, "a temporary folder cannot be made");
	if (!made)
		return false;
	unpacking->folder = without_newline(decision, made->output);
	unpacking->archive = path_join(decision, unpacking->folder, "source");
	if (unpacking->is_address)
		return download(unpacking);
	const struct put put = { .path = unpacking->archive, .source = PUT_LOCAL_FILE, .from = local,
	                         .attributes = { .has_mode = true, .mode = 0600 } };
	return step_put(decision, &put) != NULL;
}

static bool find_remote(struct unpacking *unpacking)
{
	struct decision *decision = unpacking->decision;
	const char *path = path_expand(decision, unpacking->want->src);
	const struct stat_answer *stat = path ? ask_stat(decision, path, ASK_FOLLOW) : NULL;
	if (!stat)
		return false;
	if (!stat->type)
		result_fail(decision, "Source '%s' does not exist", path);
	else if (!stat->readable)
		result_fail(decision, "Source '%s' not readable", path);
	else if (!stat->size)
		result_fail(decision, "Invalid archive '%s', the file is 0 bytes", path);
	unpacking->archive = path;
	return !decision->failed;
}

static const char *find_local(struct unpacking *unpacking)
{
	struct decision *decision = unpacking->decision;
	const struct answer *found = ask_find(decision, unpacking->want->src, "files");
	if (found && found->state != ANSWER_OK)
		result_fail(decision, "Could not find or access '%s'%s%s", unpacking->want->src, found->why ? ": " : "",
		            found->why ? found->why : "");
	return found && found->state == ANSWER_OK ? found->found : NULL;
}

/* ---- what is in it ---- */

/* Whether a line of tar's comparison is about something that the task does not set anyway. */
static bool is_difference(const struct unpacking *unpacking, const char *line, size_t length)
{
	const struct file_wish *wish = &unpacking->goal.wish;
	const struct { const char *end; bool counts; } ends[] = {
		{ ": : Warning: Cannot stat: No such file or directory", false }, /* a name that --strip-components left empty */
		{ ": Uid differs", !wish->owner }, { ": Gid differs", !wish->group }, { ": Mode differs", !wish->mode },
		{ ": Mod time differs", true }, { ": Warning: Cannot stat: No such file or directory", true },
		{ ": Symlink differs", true }, { ": Size differs", true }, { ": Contents differ", true }, { ": differs here", true },
	};
	for (size_t i = 0; i < sizeof(ends) / sizeof(*ends); i++) {
		size_t end = strlen(ends[i].end);
		if (length >= end && memcmp(line + length - end, ends[i].end, end) == 0)
			return ends[i].counts;
	}
	return false;
}

static bool is_excluded(const struct unpacking *unpacking, const char *name)
{
	json_t *list = unpacking->want->exclude;
	for (size_t i = 0; i < json_array_size(list); i++) {
		if (fnmatch(json_string_value(json_array_get(list, i)), name, FNM_NOESCAPE) == 0)
			return true;
	}
	return false;
}

static void take_name(struct unpacking *unpacking, const char *line, size_t length)
{
	while (length && *line == '/')
		line++, length--;
	auto_free char *name = mem_strndup(line, length);
	json_t *text = json_string(name);
	if (text && *name && !is_excluded(unpacking, name))
		json_array_append(unpacking->names, text);
	json_decref(text);
}

static void read_look(struct unpacking *unpacking, const char *output)
{
	bool in_names = false;
	unpacking->kind = without_newline(unpacking->decision, output);
	for (const char *line = strchr(output, '\n'); line && *++line; line = strchr(line, '\n')) {
		size_t length = strcspn(line, "\n");
		if (!in_names && length == 6 && memcmp(line, "names:", 6) == 0)
			in_names = true;
		else if (in_names)
			take_name(unpacking, line, length);
		else
			unpacking->differs = unpacking->differs || is_difference(unpacking, line, length);
	}
}

/* false: not answered yet, or failed. */
static bool look(struct unpacking *unpacking)
{
	struct decision *decision = unpacking->decision;
	const struct command_result *run = ask_run(decision, &(struct command){ .argv = command_words(unpacking, "look") });
	if (!run)
		return false;
	if (!command_succeeded(run)) {
		unpacking->failure = arena_printf(
			&decision->arena, "Failed to find handler for \"%s\". Make sure the required command to extract the file is installed.\n%s",
			unpacking->archive, run->errors);
		return false;
	}
	read_look(unpacking, run->output);
	return true;
}

/* ---- doing ---- */

static bool extract(struct unpacking *unpacking)
{
	struct decision *decision = unpacking->decision;
	const char *const paths[] = { unpacking->dest, NULL };
	const struct step_run run = {
		.command = { .argv = command_words(unpacking, "extract") }, .effects = EFFECT_PATHS, .paths = paths,
	};
	const struct outcome *outcome = step_run(decision, &run);
	if (!outcome)
		return false;
	result_bytes(decision, "out", outcome->run.output, outcome->run.output_length);
	result_bytes(decision, "err", outcome->run.errors, outcome->run.errors_length);
	json_t *results = json_pack("{s:i, s:O, s:O}", "rc", outcome->run.ended == ENDED_EXIT ? outcome->run.code : -1, "out",
	                            json_object_get(decision->result, "out"), "err", json_object_get(decision->result, "err"));
	json_object_del(decision->result, "out");
	json_object_del(decision->result, "err");
	result_set(decision, "extract_results", results);
	unpacking->changed = true;
	if (!command_succeeded(&outcome->run))
		unpacking->failure =
			arena_printf(&decision->arena, "failed to unpack %s to %s", unpacking->archive, unpacking->dest);
	return true;
}

static bool clean_up(struct unpacking *unpacking)
{
	if (!unpacking->folder)
		return true;
	const char *const argv[] = { "rm", "-rf", "--", unpacking->folder, NULL };
	const struct step_run run = { .command = { .argv = argv }, .effects = EFFECT_NOTHING, .unchanged = true };
	return step_run(unpacking->decision, &run);
}

/* A name of the archive that leads nowhere else. */
static bool is_inside(const char *name)
{
	for (const char *part = name; part; part = strchr(part, '/'), part = part ? part + 1 : NULL) {
		if (strncmp(part, "..", 2) == 0 && (!part[2] || part[2] == '/'))
			return false;
	}
	return true;
}

struct item { const char *path; const struct stat_answer *now; };

/* All names, and the top folders that have no name of their own. */
static size_t list_items(struct unpacking *unpacking, struct item *items)
{
	struct decision *decision = unpacking->decision;
	size_t count = 0;
	for (size_t i = 0; i < json_array_size(unpacking->names); i++) {
		const char *name = json_string_value(json_array_get(unpacking->names, i));
		if (!is_inside(name))
			continue;
		items[count++].path = path_join(decision, unpacking->dest, name);
		const char *top = path_join(decision, unpacking->dest, arena_copy(&decision->arena, name, strcspn(name, "/")));
		bool is_last = count > 1 && items[count - 2].path && strncmp(items[count - 2].path, top, strlen(top)) == 0;
		if (strchr(name, '/') && !is_last)
			items[count++].path = top;
	}
	return count;
}

static void set_attributes(struct unpacking *unpacking)
{
	struct decision *decision = unpacking->decision;
	const struct file_wish *wish = &unpacking->goal.wish;
	if (!wish->mode && !wish->owner && !wish->group)
		return;
	auto_free struct item *items = mem_array(json_array_size(unpacking->names) * 2 + 1, sizeof(*items));
	size_t count = list_items(unpacking, items);
	bool waits = false;
	for (size_t i = 0; i < count; i++) {
		items[i].now = ask_stat(decision, items[i].path, ASK_NO_FOLLOW);
		waits = waits || !items[i].now;
	}
	for (size_t i = 0; i < count && !waits; i++) {
		struct attributes change = { 0 };
		if (!items[i].now->type || !file_goal_compare(&unpacking->goal, decision, items[i].path, items[i].now, &change))
			continue;
		unpacking->changed = true;
		step_setattr(decision, &(struct step_setattr){ .path = items[i].path, .attributes = change });
	}
}

static void finish(struct unpacking *unpacking)
{
	struct decision *decision = unpacking->decision;
	const struct stat_answer *stat = ask_stat(decision, unpacking->dest, ASK_FOLLOW);
	if (stat)
		file_result(decision, stat);
}

/* false: not done yet, or the task has failed or will. */
static bool look_and_extract(struct unpacking *unpacking)
{
	struct decision *decision = unpacking->decision;
	if (!look(unpacking))
		return false;
	result_str(decision, "src", unpacking->is_remote ? unpacking->archive : unpacking->want->src);
	/* GNU tar finds out the others by itself, so to Ansible they are all the same. */
	const char *handler = strcmp(unpacking->kind, "Zip") == 0 || strcmp(unpacking->kind, "Tgz") == 0 ? unpacking->kind : "Tar";
	result_str(decision, "handler", arena_printf(&decision->arena, "%sArchive", handler));
	if (unpacking->want->list_files)
		result_set(decision, "files", json_incref(unpacking->names));
	return !unpacking->differs || extract(unpacking);
}

static int unpack(struct unpacking *unpacking, const char *local)
{
	struct decision *decision = unpacking->decision;
	bool is_done = (unpacking->archive || bring(unpacking, local)) && look_and_extract(unpacking);
	if (!is_done && !unpacking->failure)
		return 0;
	if (!clean_up(unpacking))
		return 0;
	result_changed(decision, unpacking->changed);
	if (unpacking->failure)
		return result_fail(decision, "%s", unpacking->failure);
	set_attributes(unpacking);
	result_changed(decision, unpacking->changed);
	finish(unpacking);
	return 0;
}

static int unarchive_in(struct unpacking *unpacking)
{
	const struct unarchive_want *want = unpacking->want;
	struct decision *decision = unpacking->decision;
	const char *creates = want->creates ? path_expand(decision, want->creates) : NULL;
	const struct stat_answer *created = creates ? ask_stat(decision, creates, ASK_FOLLOW) : NULL;
	unpacking->dest = path_expand(decision, want->dest);
	const struct stat_answer *dest = unpacking->dest ? ask_stat(decision, unpacking->dest, ASK_FOLLOW) : NULL;
	bool waits = file_goal_find(&unpacking->goal, &want->wish, decision) < 0 || !dest || (want->creates && !created);
	const char *local = unpacking->is_remote ? NULL : find_local(unpacking);
	bool is_there = unpacking->is_remote && !unpacking->is_address ? find_remote(unpacking) : unpacking->is_remote || local;
	if (created && created->type)
		return result_skip(decision, "skipped, since %s exists", creates);
	if (waits || (!is_there && !decision->failed))
		return 0;
	if (dest->type != 'd')
		return result_fail(decision, "dest '%s' must be an existing dir", unpacking->dest);
	if (decision->failed)
		return 0;
	result_str(decision, "dest", unpacking->dest);
	if (!unpacking->archive && result_is_check(decision))
		return result_skip(decision, "an archive that is not on the target yet cannot be compared in check mode");
	return unpack(unpacking, local);
}

static int unarchive_decide(const struct module *module, const void *wanted, struct decision *decision, struct err *err)
{
	(void)module, (void)err;
	const struct unarchive_want *want = wanted;
	struct unpacking unpacking = { .want = want, .decision = decision, .names = json_array() };
	unpacking.is_remote = want->copy >= 0 ? !want->copy : want->remote_src;
	unpacking.is_address = unpacking.is_remote && strstr(want->src, "://") != NULL;
	unarchive_in(&unpacking);
	json_decref(unpacking.names);
	return 0;
}

const struct module unarchive_module = {
	.name = "unarchive",
	.doc = "Unpacks an archive on the target, by its tar or unzip. What is there already and the same is left alone.",
	.spec = { .args = unarchive_args, .rules = unarchive_rules, .want_size = sizeof(struct unarchive_want) },
	.examples = unarchive_examples,
	.returns = unarchive_returns,
	.decide = unarchive_decide,
};
