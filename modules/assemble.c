/* assemble: a file made of the files in a directory. */
#include <ctype.h>
#include <string.h>

#include "base/digest.h"
#include "base/mem.h"
#include "base/pattern.h"
#include "modules/copy_task.h"
#include "plan/path.h"

struct assemble_want {
	struct copy_want copy;
	const char *delimiter, *regexp;
	int remote_src, ignore_hidden;
};

static const struct arg assemble_args[] = {
	{ .name = "src", .type = ARG_PATH, .required = true, .offset = offsetof(struct assemble_want, copy.src), .controller_path = true,
	  .doc = "The directory with the parts, which are put together in order of their names." },
	{ .name = "dest", .type = ARG_PATH, .required = true, .offset = offsetof(struct assemble_want, copy.dest),
	  .doc = "The file that is made of them." },
	{ .name = "remote_src", .type = ARG_BOOL, .fallback = "true", .offset = offsetof(struct assemble_want, remote_src),
	  .doc = "src is on the target. Without it, it is looked up in files/ beside the role and the playbook." },
	{ .name = "regexp", .offset = offsetof(struct assemble_want, regexp),
	  .doc = "A regular expression; only files whose names have it are parts.", .regex = true },
	{ .name = "delimiter", .offset = offsetof(struct assemble_want, delimiter),
	  .doc = "Text between the parts, on lines of its own; \\n and its like mean what they mean in Python." },
	{ .name = "ignore_hidden", .type = ARG_BOOL, .fallback = "false", .offset = offsetof(struct assemble_want, ignore_hidden),
	  .doc = "Files whose names begin with a point are no parts." },
	{ .name = "backup", .type = ARG_BOOL, .fallback = "false", .offset = offsetof(struct assemble_want, copy.backup),
	  .doc = "Keeps the old file beside the new one, under a name with the time in it." },
	{ .name = "validate", .offset = offsetof(struct assemble_want, copy.validate),
	  .doc = "A command that checks the new file before it takes its place; %s is the new file's path.",
	  .pattern = "%s", .pattern_doc = "have %s in it, where the new file's path goes" },
	FILE_WISH_ARGS_IN(assemble_want, copy.wish, NULL),
	{ 0 },
};

static const struct module_example assemble_examples[] = {
	{ "A configuration in parts", "{\"name\": \"sshd is configured\", \"assemble\": {\"src\": \"/etc/ssh/conf.d\", \"dest\": "
	                              "\"/etc/ssh/sshd_config\", \"validate\": \"sshd -t -f %s\"}}" },
	{ 0 },
};

static const struct module_return assemble_returns[] = {
	{ "dest", "str", "Where the file is." },
	{ "src", "str", "The directory with the parts." },
	{ "checksum", "str", "The SHA-1 of the file." },
	{ "md5sum", "str", "Its MD5." },
	{ "backup_file", "str", "Where the old file is kept." },
	FILE_RETURNS,
	{ "state", "str", "file" },
	{ 0 },
};

struct assembling {
	const struct assemble_want *want;
	struct copy_task task;
	struct pattern *pattern;
	struct buf text;
	bool waits, any, lacks_newline;
};

static void assembling_release(struct assembling *assembling)
{
	pattern_free(assembling->pattern);
	buf_release(&assembling->text);
}

/* The escapes of a Python string that people write in a delimiter. */
static void add_unescaped(struct buf *text, const char *p)
{
	static const char letters[] = "ntrabfv\\'\"", meanings[] = "\n\t\r\a\b\f\v\\'\"";
	for (; *p; p++) {
		const char *known = *p == '\\' && p[1] ? strchr(letters, p[1]) : NULL;
		if (known) {
			buf_char(text, meanings[known - letters]);
			p++;
		} else if (*p == '\\' && p[1] == 'x' && isxdigit((unsigned char)p[2]) && isxdigit((unsigned char)p[3])) {
			buf_char(text, (char)strtol((char[]){ p[2], p[3], 0 }, NULL, 16));
			p += 3;
		} else {
			buf_char(text, *p);
		}
	}
}

static void add_part(struct assembling *assembling, const struct bytes_answer *part)
{
	struct buf *text = &assembling->text;
	const char *delimiter = assembling->want->delimiter;
	if (assembling->lacks_newline)
		buf_char(text, '\n');
	if (assembling->any && delimiter && *delimiter) {
		add_unescaped(text, delimiter);
		if (text->data[text->length - 1] != '\n')
			buf_char(text, '\n');
	}
	buf_add(text, part->bytes, part->length);
	assembling->any = true;
	assembling->lacks_newline = !part->length || part->bytes[part->length - 1] != '\n';
}

static void consider(struct assembling *assembling, const char *folder, const struct list_entry *entry)
{
	struct copy_task *task = &assembling->task;
	if (assembling->pattern && !pattern_matches(assembling->pattern, entry->name, strlen(entry->name), PATTERN_SEARCH))
		return;
	if ((assembling->want->ignore_hidden && *entry->name == '.') || (entry->stat.type != 'f' && entry->stat.type != 'l'))
		return;
	const char *path = path_join(task->decision, folder, entry->name);
	const struct answer *stat = entry->stat.type == 'l'
		? copy_ask_source(task, &(struct ask){ .kind = ASK_STAT, .path = path, .follow = true }) : NULL;
	const struct answer *read = copy_ask_source(task, &(struct ask){ .kind = ASK_READ, .path = path, .limit = ASK_READ_MOST });
	assembling->waits = assembling->waits || !read || (entry->stat.type == 'l' && !stat);
	if (assembling->waits || (stat && (stat->state != ANSWER_OK || stat->stat.type != 'f')))
		return;
	if (read->state != ANSWER_OK)
		result_fail(task->decision, "%s cannot be read: %s", path, read->why ? read->why : "it is gone");
	else
		add_part(assembling, &read->read);
}

/* NULL: not answered yet, or the task was failed. */
static const char *find_folder(struct assembling *assembling)
{
	struct decision *decision = assembling->task.decision;
	const char *src = assembling->want->copy.src;
	if (assembling->want->remote_src)
		return path_expand(decision, src);
	const struct answer *found = ask_find(decision, src, "files");
	if (found && found->state != ANSWER_OK)
		result_fail(decision, "Could not find or access '%s'%s%s", src, found->why ? ": " : "", found->why ? found->why : "");
	return found && found->state == ANSWER_OK ? found->found : NULL;
}

/* Puts the parts together. -1: not answered yet, or the task was failed. */
static int gather(struct assembling *assembling)
{
	struct copy_task *task = &assembling->task;
	struct decision *decision = task->decision;
	const char *folder = find_folder(assembling);
	if (!folder)
		return -1;
	const struct answer *stat = copy_ask_source(task, &(struct ask){ .kind = ASK_STAT, .path = folder, .follow = true });
	const struct answer *list = copy_ask_source(task, &(struct ask){ .kind = ASK_LIST, .path = folder });
	if (!stat || !list)
		return -1;
	if (stat->state != ANSWER_OK)
		result_fail(decision, "Source (%s) does not exist", folder);
	else if (stat->stat.type != 'd')
		result_fail(decision, "Source (%s) is not a directory", folder);
	else if (list->state != ANSWER_OK)
		result_fail(decision, "Source (%s) cannot be listed: %s", folder, list->why ? list->why : "it is gone");
	for (size_t i = 0; !decision->failed && i < list->list.count; i++)
		consider(assembling, folder, &list->list.entries[i]);
	task->origin = folder;
	task->bytes = arena_copy(&decision->arena, buf_text(&assembling->text), assembling->text.length);
	task->length = assembling->text.length;
	return assembling->waits || decision->failed ? -1 : 0;
}

static int assemble_decide(const struct module *module, const void *wanted, struct decision *decision, struct err *err)
{
	(void)module, (void)err;
	const struct assemble_want *want = wanted;
	auto_(assembling_release) struct assembling assembling = { .want = want, .text = BUF_INIT };
	struct copy_want copy = want->copy;
	copy.force = true;
	struct copy_task *task = &assembling.task;
	*task = (struct copy_task){
		.want = &copy, .decision = decision, .side = want->remote_src ? ASK_ON_TARGET : ASK_ON_CONTROLLER,
	};
	struct err invalid = ERR_INIT;
	if (want->regexp && !(assembling.pattern = pattern_new(want->regexp, 0, &invalid)))
		return result_fail(decision, "Invalid Regexp (%s) in \"%s\"", invalid.text, want->regexp);
	int waits = gather(&assembling);
	task->dest = path_expand(decision, copy.dest);
	waits = file_goal_find(&task->goal, &copy.wish, decision) < 0 || waits;
	if (waits || !task->dest || decision->failed)
		return 0;
	copy_file(task);
	result_str(decision, "src", task->origin);
	if (want->remote_src && !decision->failed) {
		char md5[DIGEST_HEX_MAX];
		digest_bytes("md5", task->bytes, task->length, md5);
		result_str(decision, "md5sum", md5);
		result_str(decision, "msg", "OK");
		json_object_del(decision->result, "path");
	}
	return 0;
}

const struct module assemble_module = {
	.name = "assemble",
	.doc = "Makes a file of the files in a directory. The file is there old or new, never half.",
	.spec = { .args = assemble_args, .want_size = sizeof(struct assemble_want) },
	.examples = assemble_examples,
	.returns = assemble_returns,
	.decide = assemble_decide,
};
