/* copy: files, whole trees of them, or given text, put on a target. */
#include <ctype.h>
#include <string.h>

#include "base/mem.h"
#include "modules/copy_task.h"
#include "plan/path.h"
#include "plan/spec_convert.h"

static const char *const mode_words[] = { "preserve", NULL };
static const struct arg copy_args[] = {
	{ .name = "src", .type = ARG_PATH, .offset = offsetof(struct copy_want, src), .controller_path = true,
	  .doc = "A file or directory, looked up in files/ beside the role and the playbook. Of a directory with a slash at its "
	         "end only what is in it is copied, without one the directory itself too." },
	{ .name = "content", .type = ARG_RAW, .offset = offsetof(struct copy_want, content),
	  .doc = "The text to write, instead of a src. A list or dictionary is written as JSON." },
	{ .name = "dest", .type = ARG_PATH, .required = true, .offset = offsetof(struct copy_want, dest),
	  .doc = "Where it goes. A directory, or a path that ends in a slash, gets the file under its own name.",
	  .pattern = ".", .pattern_doc = "not be empty" },
	FILE_WISH_ARGS(copy_want, mode_words),
	{ .name = "directory_mode", .type = ARG_MODE, .offset = offsetof(struct copy_want, directory_mode),
	  .doc = "The mode of directories that are made, and of all directories of a tree." },
	{ .name = "backup", .type = ARG_BOOL, .fallback = "false", .offset = offsetof(struct copy_want, backup),
	  .doc = "Keeps the old file beside the new one, under a name with the time in it." },
	{ .name = "force", .type = ARG_BOOL, .fallback = "true", .offset = offsetof(struct copy_want, force),
	  .doc = "Replaces a file that is there and differs. Without it, a file that is there stays." },
	{ .name = "validate", .offset = offsetof(struct copy_want, validate),
	  .doc = "A command that checks the new file before it takes its place; %s is the new file's path.",
	  .pattern = "%s", .pattern_doc = "have %s in it, where the new file's path goes" },
	{ .name = "remote_src", .type = ARG_BOOL, .fallback = "false", .offset = offsetof(struct copy_want, remote_src),
	  .doc = "src is on the target." },
	{ .name = "follow", .type = ARG_BOOL, .fallback = "false", .offset = offsetof(struct copy_want, follow),
	  .doc = "Where dest is a symlink, writes what it points to. Without it the link is replaced by the file." },
	{ .name = "local_follow", .type = ARG_BOOL, .fallback = "true", .offset = offsetof(struct copy_want, local_follow),
	  .doc = "Copies what symlinks in the source point to. Without it they are copied as symlinks." },
	{ .name = "decrypt", .type = ARG_BOOL, .fallback = "true", .offset = offsetof(struct copy_want, decrypt),
	  .doc = "Of a source that is sealed by Ansible Vault, copies what is sealed in it." },
	{ .name = "checksum", .offset = offsetof(struct copy_want, checksum),
	  .doc = "The SHA-1 that src must have." },
	{ 0 },
};

static const struct rule copy_rules[] = {
	{ .kind = RULE_EXCLUSIVE, .names = (const char *const[]){ "src", "content", NULL } },
	{ .kind = RULE_ONE_OF, .names = (const char *const[]){ "src", "content", NULL } },
	{ 0 },
};

static const struct module_example copy_examples[] = {
	{ "A file", "{\"name\": \"nginx is configured\", \"copy\": {\"src\": \"nginx.conf\", \"dest\": \"/etc/nginx/nginx.conf\", "
	            "\"mode\": \"0644\", \"validate\": \"nginx -t -c %s\"}, \"notify\": \"reload nginx\"}" },
	{ "Text", "{\"name\": \"the message of the day\", \"copy\": {\"content\": \"Welcome to {{ inventory_hostname }}\\n\", "
	          "\"dest\": \"/etc/motd\"}}" },
	{ "A tree", "{\"name\": \"the site\", \"copy\": {\"src\": \"site/\", \"dest\": \"/srv/site\", \"mode\": \"preserve\", "
	            "\"directory_mode\": \"0755\"}}" },
	{ 0 },
};

static const struct module_return copy_returns[] = {
	{ "dest", "str", "Where the file is." },
	{ "src", "str", "Where it came from." },
	{ "checksum", "str", "Its SHA-1." },
	{ "md5sum", "str", "Its MD5, where it was copied." },
	{ "backup_file", "str", "Where the old file is kept." },
	FILE_RETURNS,
	{ "state", "str", "file, or hard where it has several names." },
	{ 0 },
};

const struct answer *copy_ask_source(struct copy_task *task, const struct ask *ask)
{
	if (task->side != ASK_ON_CONTROLLER)
		return ask_any(task->decision, ask);
	struct ask local = *ask;
	local.opens = task->want->decrypt && (ask->kind == ASK_HASH || ask->kind == ASK_LIST || ask->kind == ASK_STAT);
	return ask_local(task->decision, &local);
}

struct file_goal copy_goal(const struct copy_task *task, mode_t source_mode)
{
	struct file_goal goal = task->goal;
	char text[8];
	if (goal.wish.mode && strcmp(goal.wish.mode, "preserve") == 0)
		goal.wish.mode = !task->source_stat ? NULL : arena_str(&task->decision->arena, mode_text(source_mode, text));
	return goal;
}

struct file_goal copy_folder_goal(const struct copy_task *task)
{
	struct file_goal goal = task->goal;
	goal.wish.mode = task->want->directory_mode;
	return goal;
}

struct attributes copy_attributes(const struct copy_task *task, const struct file_goal *goal, const struct stat_answer *now)
{
	struct attributes attributes = file_goal_new(goal, task->decision, false);
	if (attributes.has_mode && now->type == 'f')
		attributes.mode = mode_apply(goal->wish.mode, now->mode, false, task->decision->umask);
	return attributes;
}

/* JSON as Python writes it: the digits of an escape are small letters. */
static void add_json(struct buf *text, json_t *value)
{
	auto_free char *dump = json_dumps(value, JSON_ENSURE_ASCII | JSON_ENCODE_ANY);
	for (char *p = dump; p && *p; p++) {
		if (*p != '\\')
			continue;
		if (*++p == 'u') {
			for (int i = 1; i <= 4; i++)
				p[i] = (char)tolower((unsigned char)p[i]);
		}
	}
	buf_str(text, dump ? dump : "");
}

static void take_content(struct copy_task *task)
{
	json_t *content = task->want->content;
	auto_buf struct buf text = BUF_INIT;
	if (!spec_convert_text(&text, content))
		add_json(&text, content);
	task->bytes = arena_copy(&task->decision->arena, buf_text(&text), text.length);
	task->length = text.length;
}

/* Where the source is, and what. -1: not answered yet, or the task was failed. */
static int find_source(struct copy_task *task)
{
	const struct copy_want *want = task->want;
	const char *path;
	if (want->remote_src) {
		path = path_expand(task->decision, want->src);
	} else {
		const struct answer *found = ask_find(task->decision, want->src, "files");
		if (found && found->state != ANSWER_OK)
			result_fail(task->decision, "Could not find or access '%s'%s%s", want->src, found->why ? ": " : "",
			            found->why ? found->why : "");
		path = found && found->state == ANSWER_OK ? found->found : NULL;
	}
	if (!path)
		return -1;
	size_t length = strlen(path);
	while (length > 1 && path[length - 1] == '/')
		length--;
	task->source = arena_copy(&task->decision->arena, path, length);
	task->name = path_base(task->source);
	const struct answer *stat =
		copy_ask_source(task, &(struct ask){ .kind = ASK_STAT, .path = task->source, .follow = true });
	if (!stat)
		return -1;
	if (stat->state != ANSWER_OK) {
		result_fail(task->decision, "Source %s not found%s%s", task->source, stat->state == ANSWER_ABSENT ? "" : ": ",
		            stat->state == ANSWER_ABSENT || !stat->why ? "" : stat->why);
		return -1;
	}
	task->source_stat = &stat->stat;
	return 0;
}

static int copy_decide(const struct module *module, const void *wanted, struct decision *decision, struct err *err)
{
	(void)module, (void)err;
	const struct copy_want *want = wanted;
	struct copy_task task = { .want = want, .decision = decision };
	task.side = want->remote_src ? ASK_ON_TARGET : ASK_ON_CONTROLLER;
	if (!want->src && path_ends_in_slash(want->dest))
		return result_fail(decision, "can not use content with a dir as dest");
	int waits = 0;
	if (want->src)
		waits = find_source(&task);
	else
		take_content(&task);
	task.dest = path_expand(decision, want->dest);
	waits = file_goal_find(&task.goal, &want->wish, decision) < 0 || waits;
	if (waits || !task.dest)
		return 0;
	if (task.source_stat && task.source_stat->type == 'd')
		return copy_tree(&task);
	if (task.source_stat && task.source_stat->type != 'f')
		return result_fail(decision, "Cannot copy invalid source '%s': not a file", task.source);
	return copy_file(&task);
}

const struct module copy_module = {
	.name = "copy",
	.doc = "Copies files, whole trees, or text, to a target. A file is there old or new, never half.",
	.spec = { .args = copy_args, .rules = copy_rules, .want_size = sizeof(struct copy_want) },
	.examples = copy_examples,
	.returns = copy_returns,
	.lists_differences = true,
	.decide = copy_decide,
};
