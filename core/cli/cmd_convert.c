/* `neap convert`: playbooks, roles, variables and inventories in YAML, written as JSON. */
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <strings.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/mem.h"
#include "cli/command.h"
#include "cli/convert.h"

enum { FOLDERS_DEEPEST = 30 };

struct convert_cli {
	const char *output;
	bool write, remove, force, plain;
};

struct job {
	char *from, *to;
	struct document *document;
};

struct work {
	const struct convert_cli *cli;
	struct job *jobs;
	size_t count, room;
	struct problems problems;
	bool failed;
};

static void work_release(struct work *work)
{
	for (size_t i = 0; i < work->count; i++) {
		free(work->jobs[i].from);
		free(work->jobs[i].to);
		document_free(work->jobs[i].document);
	}
	free(work->jobs);
	problems_release(&work->problems);
}

static void __attribute__((format(printf, 4, 5)))
work_problem(struct work *work, enum problem_level level, const char *file, const char *format, ...)
{
	va_list arguments;
	va_start(arguments, format);
	auto_free char *text = mem_vprintf(format, arguments);
	va_end(arguments);
	problem_add(&work->problems, level, (struct place){ .file = file }, NULL, NULL, "%s", text);
}

/* ---- which files ---- */

/* The length of a name without .yml or .yaml; 0 if it ends in neither. */
static size_t stem_length(const char *name)
{
	static const char *const endings[] = { ".yml", ".yaml" };
	size_t length = strlen(name);
	for (size_t i = 0; i < sizeof(endings) / sizeof(*endings); i++) {
		size_t ending = strlen(endings[i]);
		if (length > ending && strcasecmp(name + length - ending, endings[i]) == 0)
			return length - ending;
	}
	return 0;
}

static bool is_json(const char *path)
{
	size_t length = strlen(path);
	return length > 5 && strcasecmp(path + length - 5, ".json") == 0;
}

static void add_file(struct work *work, const char *path)
{
	size_t stem = stem_length(path), length;
	struct document *document;
	if (strcmp(path, "-") == 0 && work->cli->write) {
		work_problem(work, PROBLEM_ERROR, "standard input", "there is no place beside it; give --output");
		return;
	}
	if (is_json(path) && (work->cli->write || !work->cli->plain)) {
		work_problem(work, PROBLEM_ERROR, path, "this is JSON already; --plain prints it without comments");
		return;
	}
	if (document_load(&document, path, NULL, &work->problems) < 0)
		return;
	const char *bytes = document_bytes(document, &length);
	if (length == 0 || strspn(bytes, " \t\r\n") == length)
		work_problem(work, PROBLEM_WARNING, path, "the file is empty");
	char *to = mem_printf("%.*s.json", stem ? (int)stem : (int)strlen(path), path);
	for (size_t i = 0; i < work->count; i++)
		if (strcmp(work->jobs[i].to, to) == 0)
			work_problem(work, PROBLEM_ERROR, path, "%s would be %s, too", work->jobs[i].from, to);
	mem_grow(work->jobs, work->count, work->room);
	work->jobs[work->count++] = (struct job){ .from = mem_strdup(path), .to = to, .document = document };
}

/* Files that are sent to hosts as they are, and what belongs to other programs. */
static bool is_left_out(const char *name)
{
	static const char *const names[] = { "files", "templates", "library", "node_modules", "venv", "molecule", "collections" };
	if (*name == '.')
		return true;
	for (size_t i = 0; i < sizeof(names) / sizeof(*names); i++)
		if (strcmp(name, names[i]) == 0)
			return true;
	return false;
}

static bool is_vault(const char *path)
{
	char head[14] = "";
	auto_close int fd = open(path, O_RDONLY | O_CLOEXEC);
	return fd >= 0 && read(fd, head, sizeof(head)) == (ssize_t)sizeof(head) && memcmp(head, "$ANSIBLE_VAULT", sizeof(head)) == 0;
}

static void add_path(struct work *work, const char *path, int depth);

static void add_folder(struct work *work, const char *path, int depth)
{
	struct dirent **entries;
	int count = depth < FOLDERS_DEEPEST ? scandir(path, &entries, NULL, alphasort) : -1;
	if (count < 0) {
		work_problem(work, PROBLEM_ERROR, path, "this folder cannot be read: %s",
		             depth < FOLDERS_DEEPEST ? strerror(errno) : "too many folders in folders");
		return;
	}
	for (int i = 0; i < count; i++) {
		auto_free char *inner = mem_printf("%s/%s", path, entries[i]->d_name);
		struct stat status;
		bool known = lstat(inner, &status) == 0 && !is_left_out(entries[i]->d_name);
		if (known && S_ISREG(status.st_mode) && stem_length(inner) && is_vault(inner))
			work_problem(work, PROBLEM_WARNING, inner, "left as it is: it is an Ansible vault");
		else if (known && (S_ISDIR(status.st_mode) || (S_ISREG(status.st_mode) && stem_length(inner))))
			add_path(work, inner, depth + 1);
		free(entries[i]);
	}
	free(entries);
}

static void add_path(struct work *work, const char *path, int depth)
{
	struct stat status;
	if (stat(path, &status) == 0 && S_ISDIR(status.st_mode))
		add_folder(work, path, depth);
	else
		add_file(work, path);
}

/* ---- names of files in them ---- */

static bool path_ends(const char *path, const char *name)
{
	size_t length = strlen(path), name_length = strlen(name);
	return length >= name_length && strcmp(path + length - name_length, name) == 0 &&
	       (length == name_length || path[length - name_length - 1] == '/');
}

static char *renamed(void *context, struct node name)
{
	struct work *work = context;
	const char *text = json_string_value(name.value);
	size_t stem = stem_length(text);
	if (!stem)
		return NULL;
	const char *plain = text;
	while (strncmp(plain, "../", 3) == 0 || strncmp(plain, "./", 2) == 0)
		plain = strchr(plain, '/') + 1;
	for (size_t i = 0; i < work->count; i++)
		if (path_ends(work->jobs[i].from, plain))
			return mem_printf("%.*s.json", (int)stem, text);
	if (strstr(text, "{{"))
		node_warning(&work->problems, name, "write .json where the files it stands for are converted",
		             "which file this names is known when it runs");
	return NULL;
}

/* ---- writing ---- */

static int write_all(int fd, const struct buf *text)
{
	for (size_t at = 0; at < text->length;) {
		ssize_t wrote = write(fd, text->data + at, text->length - at);
		if (wrote < 0 && errno != EINTR)
			return -1;
		at += wrote > 0 ? (size_t)wrote : 0;
	}
	return 0;
}

/* With the rights that the original has: it may hold secrets. */
static int write_file(struct work *work, const struct job *job, const char *to, const struct buf *text)
{
	struct stat status;
	mode_t mode = stat(job->from, &status) == 0 ? status.st_mode & 0666 : 0600;
	int flags = O_WRONLY | O_CREAT | O_CLOEXEC | (work->cli->force ? O_TRUNC : O_EXCL);
	auto_close int fd = open(to, flags, mode);
	if (fd >= 0 && write_all(fd, text) == 0)
		return 0;
	const char *reason = errno == EEXIST ? "the file is there already; --force writes over it" : strerror(errno);
	work_problem(work, PROBLEM_ERROR, to, "%s", reason);
	return -1;
}

static void convert_job(struct work *work, const struct job *job)
{
	const struct convert_cli *cli = work->cli;
	struct convert_options options = { .plain = cli->plain, .renamed = cli->remove ? renamed : NULL, .context = work };
	auto_buf struct buf text = BUF_INIT;
	convert_document(job->document, &options, &text);
	if (!cli->write && !cli->output)
		fwrite(text.data, 1, text.length, stdout);
	else if (write_file(work, job, cli->output ? cli->output : job->to, &text) == 0)
		fprintf(stderr, "%s: written from %s\n", cli->output ? cli->output : job->to, job->from);
}

static void remove_originals(struct work *work)
{
	for (size_t i = 0; i < work->count; i++)
		if (strcmp(work->jobs[i].from, work->jobs[i].to) != 0 && unlink(work->jobs[i].from) < 0)
			work_problem(work, PROBLEM_ERROR, work->jobs[i].from, "cannot be removed: %s", strerror(errno));
}

static int usage(const char *text)
{
	struct err err = ERR_INIT;
	err_set(&err, ERR_USAGE, "%s", text);
	command_error(&err);
	return err_exit_status(err.kind);
}

static int finish(struct work *work)
{
	auto_buf struct buf text = BUF_INIT;
	problems_print(&work->problems, &text, isatty(STDERR_FILENO));
	fputs(buf_text(&text), stderr);
	int status = command_finish();
	return work->problems.errors ? err_exit_status(ERR_INPUT) : status;
}

static int convert_run(const void *given, char **words, int count)
{
	const struct convert_cli *cli = given;
	struct stat status;
	bool folder = count == 1 && stat(words[0], &status) == 0 && S_ISDIR(status.st_mode);
	if (cli->output && (cli->write || count > 1 || folder))
		return usage("--output takes one file; several are written beside the originals by --write");
	if (!cli->write && !cli->output && (count > 1 || folder))
		return usage("several files are written beside the originals by --write");
	if (cli->remove && !cli->write)
		return usage("--remove goes with --write");
	auto_(work_release) struct work work = { .cli = cli };
	for (int i = 0; i < count; i++)
		add_path(&work, words[i], 0);
	if (work.problems.errors)
		return finish(&work); /* all of them or none */
	for (size_t i = 0; i < work.count; i++)
		convert_job(&work, &work.jobs[i]);
	if (cli->remove && !work.problems.errors)
		remove_originals(&work);
	else if (cli->write && work.count && !work.problems.errors)
		fputs("the files in YAML are still there and are taken first, as Ansible takes them; --remove removes them\n", stderr);
	return finish(&work);
}

/* clang-format off */
static const struct option_row convert_rows[] = {
	{ "output", 'o', OPTION_STRING, "FILE", NULL, "write there instead of to standard output", offsetof(struct convert_cli, output) },
	{ "write", 'w', OPTION_FLAG, NULL, NULL, "write NAME.json beside each NAME.yml; of a folder, all files that hold playbooks, tasks or variables", offsetof(struct convert_cli, write) },
	{ "remove", 0, OPTION_FLAG, NULL, NULL, "remove the originals when all is written, and name the new files where tasks name the old ones", offsetof(struct convert_cli, remove) },
	{ "force", 0, OPTION_FLAG, NULL, NULL, "write over files that are there", offsetof(struct convert_cli, force) },
	{ "plain", 0, OPTION_FLAG, NULL, NULL, "without comments, so that every program reads it", offsetof(struct convert_cli, plain) },
	{ 0 },
};
/* clang-format on */

static const struct command_example convert_examples[] = {
	{ "neap convert site.yml", "see a playbook in JSON" },
	{ "neap convert hosts.yml --output hosts.json", "convert an inventory" },
	{ "neap convert --write --remove roles/web", "convert a whole role" },
	{ 0 },
};

const struct command_row cmd_convert = {
	.name = "convert", .arguments = "FILE|FOLDER...", .summary = "writes YAML as JSON",
	.doc = "What Ansible reads from playbooks, roles, variables and inventories in YAML, neap runs as it is. This command writes\n"
	       "it as JSON: order, comments and blank lines stay; anchors, aliases and merge keys are written out; !vault and !unsafe\n"
	       "become { \"__ansible_vault\": ... } and { \"__ansible_unsafe\": ... }, which Ansible reads, too.\n\n"
	       "In folders, files/, templates/, library/, hidden folders and whole vault files are left as they are. If one file\n"
	       "cannot be read, nothing is written.",
	.options = convert_rows, .examples = convert_examples, .options_size = sizeof(struct convert_cli),
	.words_least = 1, .words_most = -1, .run = convert_run,
};
