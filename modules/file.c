/* file: the type, mode, owner, group and times of a path. */
#include <string.h>
#include <sys/stat.h>

#include "base/mem.h"
#include "modules/file_wish.h"
#include "modules/folder.h"
#include "modules/time_wish.h"
#include "plan/path.h"

struct file_want {
	const char *path, *src, *state;
	struct file_wish wish;
	struct time_wish access, modification;
	int recurse, force, follow;
};

static const char *const path_names[] = { "dest", "name", NULL };
static const char *const states[] = { "absent", "directory", "file", "hard", "link", "touch", NULL };
static const struct arg file_args[] = {
	{ .name = "path", .type = ARG_PATH, .required = true, .aliases = path_names, .offset = offsetof(struct file_want, path),
	  .doc = "The path.", .pattern = ".", .pattern_doc = "not be empty" },
	{ .name = "state", .choices = states, .offset = offsetof(struct file_want, state),
	  .doc = "absent: nothing of that name, a directory goes with all that is in it. directory: a directory, its parents are "
	         "made too. file: a file that must be there already. hard, link: a hard or symbolic link to src. touch: a file, "
	         "made empty if it is missing, with new times. Without it: what is there stays what it is." },
	{ .name = "src", .type = ARG_PATH, .offset = offsetof(struct file_want, src),
	  .doc = "What a link points to. A relative one is relative to the link." },
	FILE_WISH_ARGS(file_want, NULL),
	{ .name = "recurse", .type = ARG_BOOL, .fallback = "false", .offset = offsetof(struct file_want, recurse),
	  .doc = "Sets the attributes of all that is in the directory too. Only with state directory." },
	{ .name = "force", .type = ARG_BOOL, .fallback = "false", .offset = offsetof(struct file_want, force),
	  .doc = "Makes a link even if its src does not exist, or in the place of a file or an empty directory." },
	{ .name = "follow", .type = ARG_BOOL, .fallback = "true", .offset = offsetof(struct file_want, follow),
	  .doc = "Where the path is a symlink, means what it points to." },
	{ .name = "modification_time", .offset = offsetof(struct file_want, modification.text),
	  .doc = "The modification time, by the format; or preserve, or now. The default is preserve, with touch it is now." },
	{ .name = "modification_time_format", .fallback = "\"%Y%m%d%H%M.%S\"",
	  .offset = offsetof(struct file_want, modification.format), .doc = "The format of modification_time, as strptime(3) has it." },
	{ .name = "access_time", .offset = offsetof(struct file_want, access.text),
	  .doc = "The access time, by the format; or preserve, or now. The default is preserve, with touch it is now." },
	{ .name = "access_time_format", .fallback = "\"%Y%m%d%H%M.%S\"", .offset = offsetof(struct file_want, access.format),
	  .doc = "The format of access_time, as strptime(3) has it." },
	{ 0 },
};

static const struct rule file_rules[] = {
	{ .kind = RULE_ALLOWED_IF, .names = (const char *const[]){ "recurse", NULL }, .if_name = "state",
	  .if_values = (const char *const[]){ "directory", NULL } },
	{ .kind = RULE_ALLOWED_IF, .names = (const char *const[]){ "src", NULL }, .if_name = "state",
	  .if_values = (const char *const[]){ "link", "hard", NULL } },
	{ 0 },
};

static const struct module_example file_examples[] = {
	{ "A directory", "{\"name\": \"site directory\", \"file\": {\"path\": \"/srv/site\", \"state\": \"directory\", "
	                 "\"mode\": \"0755\", \"owner\": \"www-data\"}}" },
	{ "A link", "{\"name\": \"current release\", \"file\": {\"path\": \"/srv/site/current\", \"state\": \"link\", "
	            "\"src\": \"releases/7\"}}" },
	{ "Take something away", "{\"name\": \"no default site\", \"file\": {\"path\": \"/etc/nginx/sites-enabled/default\", "
	                         "\"state\": \"absent\"}}" },
	{ 0 },
};

static const struct module_return file_returns[] = {
	{ "path", "str", "The path (dest for links and touch)." },
	{ "dest", "str", "The path, for links and touch." },
	{ "src", "str", "What a link points to." },
	{ "state", "str", "What is there now: file, hard, directory, link or absent." },
	FILE_RETURNS,
	{ 0 },
};

struct file_task {
	const struct file_want *want;
	struct decision *decision;
	const char *path, *src, *state;
	const char *told;                   /* the path as it was given, with its slash at the end */
	const struct stat_answer *now;      /* the path itself */
	const struct stat_answer *followed; /* what it means: of a symlink that is followed, its target */
	struct file_goal goal;
	struct time_change times;
};

/* The result's keys from the path as it is after all that was done. Asked behind the last step, and sent with it. */
static int finish(struct file_task *task, bool follow)
{
	step_last(task->decision);
	const struct stat_answer *stat = ask_stat(task->decision, task->path, follow);
	if (stat)
		file_result(task->decision, stat);
	return 0;
}

static void diff_state(struct file_task *task, const char *before, const char *after)
{
	if (strcmp(before, after) != 0)
		file_diff(task->decision, task->path, "state", json_string(before), json_string(after));
}

/* Failed, as Ansible tells it: with what is at the path, and nothing of what was wanted. */
static int fail_with_stat(struct file_task *task, const char *text)
{
	json_decref(result_take(task->decision));
	result_str(task->decision, "path", task->told);
	if (task->now->type)
		file_result(task->decision, task->now);
	return result_fail(task->decision, "%s", text);
}

/* Sets what differs on one path. */
static void settle(struct file_task *task, const char *path, const struct stat_answer *stat, bool follow)
{
	struct attributes change = { 0 };
	bool differs = file_goal_compare(&task->goal, task->decision, path, stat, &change);
	bool times = time_change_apply(&task->times, task->decision, path, stat, &change);
	if (differs || times)
		step_setattr(task->decision, &(struct step_setattr){ .path = path, .attributes = change, .follow = follow });
}

/* ---- absent ---- */

static json_t *paths_of(struct file_task *task, const struct list_answer *list, bool directories)
{
	json_t *paths = json_array();
	for (size_t i = 0; i < list->count; i++) {
		if ((list->entries[i].stat.type == 'd') == directories)
			json_array_append_new(paths, json_string(path_join(task->decision, task->path, list->entries[i].name)));
	}
	return paths;
}

static int make_absent(struct file_task *task)
{
	result_str(task->decision, "state", "absent");
	if (!task->now->type)
		return 0;
	bool is_directory = task->now->type == 'd';
	diff_state(task, file_state(task->now), "absent");
	if (is_directory && result_wants_diff(task->decision)) {
		const struct answer *list = ask_list(task->decision, task->path, true, NULL);
		if (!list)
			return 0;
		if (list->state == ANSWER_OK)
			file_diff(task->decision, task->path, "path_content",
			          json_pack("{s:o, s:o}", "directories", paths_of(task, &list->list, true), "files",
			                    paths_of(task, &list->list, false)),
			          json_null());
	}
	step_remove(task->decision, &(struct step_remove){ .path = task->path, .recurse = is_directory });
	step_last(task->decision);
	return 0;
}

/* ---- file and touch ---- */

static int keep_file(struct file_task *task)
{
	if (task->followed->type == 'd' || task->followed->type == 'l' || !task->followed->type) {
		auto_free char *text = mem_printf("file (%s) is %s, cannot continue", task->path, file_state(task->followed));
		fail_with_stat(task, text);
		file_result(task->decision, task->now);
		return 0;
	}
	file_result(task->decision, task->followed);
	settle(task, task->path, task->followed, task->want->follow);
	return finish(task, task->want->follow);
}

static int touch(struct file_task *task)
{
	diff_state(task, file_state(task->now), "touch");
	if (task->now->type && !task->followed->type)
		return result_fail(task->decision, "%s is a link to nothing", task->path);
	if (!task->now->type) {
		struct put put = { .path = task->path, .source = PUT_BYTES, .bytes = "" };
		put.attributes = file_goal_new(&task->goal, task->decision, false);
		time_change_set(&task->times, &put.attributes);
		step_put(task->decision, &put);
		return finish(task, false);
	}
	file_result(task->decision, task->now);
	settle(task, task->path, task->followed, task->want->follow);
	return finish(task, false);
}

/* ---- directory ---- */

/* Every missing parent is made with the attributes of the directory itself. */
static int make_directories(struct file_task *task)
{
	struct folder_list missing;
	if (folder_missing(task->decision, task->path, &missing) < 0)
		return 0;
	struct attributes made = file_goal_new(&task->goal, task->decision, true);
	time_change_set(&task->times, &made);
	folder_make(task->decision, &missing, &made);
	return finish(task, true);
}

/* What is in the directory; targets gets what the symlinks in it lead to, by their places in the list. All is asked before
 * the first step. NULL: not answered yet, or the task was failed. */
static const struct list_answer *ask_tree(struct file_task *task, const struct stat_answer ***targets)
{
	const struct answer *list = ask_list(task->decision, task->path, true, NULL);
	if (!list)
		return NULL;
	if (list->state != ANSWER_OK) {
		result_fail(task->decision, "cannot list %s: %s", task->path, list->why ? list->why : "it is gone");
		return NULL;
	}
	bool waits = false;
	*targets = arena_array(&task->decision->arena, list->list.count, sizeof(**targets));
	for (size_t i = 0; task->want->follow && i < list->list.count; i++) {
		const struct list_entry *entry = &list->list.entries[i];
		if (entry->stat.type != 'l')
			continue;
		(*targets)[i] = ask_stat(task->decision, path_join(task->decision, task->path, entry->name), ASK_FOLLOW);
		waits = waits || !(*targets)[i];
	}
	return waits ? NULL : &list->list;
}

static int recurse(struct file_task *task)
{
	const struct stat_answer **targets;
	const struct list_answer *list = ask_tree(task, &targets);
	if (!list)
		return 0;
	settle(task, task->path, task->followed, task->want->follow);
	for (size_t i = 0; i < list->count; i++) {
		const char *path = path_join(task->decision, task->path, list->entries[i].name);
		settle(task, path, &list->entries[i].stat, false);
		if (targets[i] && targets[i]->type)
			settle(task, path, targets[i], true);
	}
	return finish(task, task->want->follow);
}

static int make_directory(struct file_task *task)
{
	diff_state(task, file_state(task->followed), "directory");
	if (!task->now->type)
		return make_directories(task);
	if (task->followed->type != 'd') {
		auto_free char *text = mem_printf("%s already exists as a %s", task->path, file_state(task->now));
		return fail_with_stat(task, text);
	}
	file_result(task->decision, task->followed);
	if (task->want->recurse)
		return recurse(task);
	settle(task, task->path, task->followed, task->want->follow);
	return finish(task, task->want->follow);
}

/* ---- link ---- */

/* Whether what stands in the way may be replaced. 0: yes; 1: not answered yet, or failed. */
static int link_may_replace(struct file_task *task)
{
	const char *state = file_state(task->now);
	if (!task->now->type || task->now->type == 'l')
		return 0;
	if (!task->want->force) {
		auto_free char *text = mem_printf("refusing to convert from %s to symlink for %s", state, task->path);
		fail_with_stat(task, text);
		result_str(task->decision, "src", task->src);
		return 1;
	}
	if (task->now->type != 'd')
		return 0;
	const struct answer *list = ask_list(task->decision, task->path, false, NULL);
	if (!list)
		return 1;
	if (list->state == ANSWER_OK && !list->list.count)
		return 0;
	auto_free char *text = mem_printf("the directory %s is not empty, refusing to convert it", task->path);
	fail_with_stat(task, text);
	return 1;
}

/* The attributes of a link, or of what it points to where it is followed. */
static int link_settle(struct file_task *task, const char *target)
{
	const struct file_wish *wish = &task->want->wish;
	if (!wish->mode && !wish->owner && !wish->group && !time_change_any(&task->times))
		return finish(task, false);
	const struct stat_answer *stat = task->want->follow ? ask_stat(task->decision, target, ASK_FOLLOW)
	                                                    : ask_stat(task->decision, task->path, ASK_NO_FOLLOW);
	if (!stat)
		return 0;
	if (task->want->follow && !stat->type) {
		result_warn(task->decision, "Cannot set fs attributes on a non-existent symlink target. follow should be set to False "
		                            "to avoid this.");
		return finish(task, false);
	}
	const char *path = task->want->follow ? target : task->path;
	settle(task, path, stat, task->want->follow);
	return finish(task, false);
}

static int make_link(struct file_task *task)
{
	const char *src = task->src;
	if (!*src && task->now->type != 'l')
		return result_fail(task->decision, "src is required for creating new symlinks");
	if (!*src)
		src = task->now->target ? task->now->target : "";
	result_str(task->decision, "src", src);
	const char *folder = task->now->type == 'd' ? task->path : path_folder(task->decision, task->path);
	const char *target = *src == '/' ? src : path_join(task->decision, folder, src);
	if (!task->want->force && *task->src) {
		const struct stat_answer *stat = ask_stat(task->decision, target, ASK_FOLLOW);
		if (!stat)
			return 0;
		auto_free char *text = mem_printf(
			"src file does not exist, use \"force=yes\" if you really want to create the link: %s", target);
		if (!stat->type) {
			fail_with_stat(task, text);
			result_str(task->decision, "src", task->src);
			return 0;
		}
	}
	if (link_may_replace(task))
		return 0;
	diff_state(task, file_state(task->now), "link");
	if (task->now->type)
		file_result(task->decision, task->now);
	if (task->now->type == 'l' && strcmp(task->now->target ? task->now->target : "", src) == 0)
		return link_settle(task, target);
	if (task->now->type == 'l')
		file_diff(task->decision, task->path, "src", json_string(task->now->target), json_string(src));
	if (task->now->type == 'd')
		step_remove(task->decision, &(struct step_remove){ .path = task->path, .recurse = false });
	step_link(task->decision, &(struct step_link){ .path = task->path, .target = src, .replace = task->now->type != 0 });
	return link_settle(task, target);
}

/* ---- hard ---- */

static int hard_refuse(struct file_task *task, const char *text)
{
	json_decref(result_take(task->decision));
	result_str(task->decision, "dest", task->told);
	result_str(task->decision, "src", task->src);
	if (task->now->type)
		file_result(task->decision, task->now);
	return result_fail(task->decision, "%s", text);
}

static int hard_settle(struct file_task *task, const struct stat_answer *stat)
{
	settle(task, task->path, stat, false);
	return finish(task, false);
}

static int make_hard(struct file_task *task)
{
	bool is_hard = strcmp(file_state(task->now), "hard") == 0;
	if (!*task->src && !is_hard)
		return result_fail(task->decision, "src is required for creating new hardlinks");
	if (!*task->src) {
		result_set(task->decision, "src", json_null());
		file_result(task->decision, task->now);
		return hard_settle(task, task->now);
	}
	result_str(task->decision, "src", task->src);
	const struct stat_answer *src = ask_stat(task->decision, task->src, ASK_FOLLOW);
	if (!src)
		return 0;
	if (!src->type)
		return hard_refuse(task, "src does not exist");
	diff_state(task, file_state(task->now), "hard");
	if (task->now->type)
		file_result(task->decision, task->now);
	if (task->now->type && task->now->device == src->device && task->now->inode == src->inode)
		return hard_settle(task, task->now);
	if (task->now->type == 'd')
		return hard_refuse(task, "Cannot link: a directory exists at destination");
	if (is_hard && !task->want->force)
		return hard_refuse(task, "Cannot link, different hard link exists at destination");
	if (task->now->type && task->now->type != 'l' && !task->want->force)
		return hard_refuse(task, "Cannot link, file exists at destination");
	step_link(task->decision, &(struct step_link){ .path = task->path, .target = task->src, .hard = true,
	                                               .replace = task->now->type != 0 });
	const struct stat_answer *made = ask_stat(task->decision, task->path, ASK_NO_FOLLOW);
	return made ? hard_settle(task, made) : 0;
}

/* ---- the whole ---- */

/* What Ansible takes the task to mean where state is not given. */
static const char *state_meant(const struct file_want *want, const struct stat_answer *now)
{
	if (want->state)
		return want->state;
	if (now->type)
		return file_state(now);
	return want->recurse ? "directory" : "file";
}

static int act(struct file_task *task)
{
	const char *state = task->state;
	if (strcmp(state, "absent") == 0)
		return make_absent(task);
	if (strcmp(state, "directory") == 0)
		return make_directory(task);
	if (strcmp(state, "touch") == 0)
		return touch(task);
	if (strcmp(state, "link") == 0)
		return make_link(task);
	return strcmp(state, "hard") == 0 ? make_hard(task) : keep_file(task);
}

/* 0, or 1 with the task failed. */
static int check_together(struct file_task *task)
{
	bool is_link = strcmp(task->state, "link") == 0 || strcmp(task->state, "hard") == 0;
	if (task->want->recurse && strcmp(task->state, "directory") != 0)
		result_fail(task->decision, "recurse option requires state to be 'directory'");
	else if (*task->src && !is_link)
		result_fail(task->decision, "src option requires state to be 'link' or 'hard'");
	return task->decision->failed;
}

static const char *without_slashes(struct decision *decision, const char *path)
{
	size_t length = strlen(path);
	while (length > 1 && path[length - 1] == '/')
		length--;
	return arena_copy(&decision->arena, path, length);
}

static int file_decide(const struct module *module, const void *wanted, struct decision *decision, struct err *err)
{
	(void)module, (void)err;
	const struct file_want *want = wanted;
	struct file_task task = { .want = want, .decision = decision };
	const char *path = path_expand(decision, want->path);
	task.src = path_expand(decision, want->src);
	if (!path || !task.src)
		return 0;
	task.path = without_slashes(decision, path);
	task.told = path;
	bool removing = want->state && strcmp(want->state, "absent") == 0;
	task.now = ask_stat(decision, task.path, ASK_NO_FOLLOW);
	task.followed = want->follow && !removing ? ask_stat(decision, task.path, ASK_FOLLOW) : task.now;
	int found = removing ? 0 : file_goal_find(&task.goal, &want->wish, decision);
	if (decision->failed && task.now) {
		result_str(decision, "path", task.told);
		file_result(decision, task.now);
	}
	if (!task.now || !task.followed || found < 0)
		return 0;
	task.state = state_meant(want, task.now);
	bool has_dest = strcmp(task.state, "link") == 0 || strcmp(task.state, "hard") == 0 || strcmp(task.state, "touch") == 0;
	if (check_together(&task))
		return 0;
	result_str(decision, has_dest ? "dest" : "path", task.told);
	if (time_change_find(&task.times, &want->access, &want->modification, decision, task.state) < 0)
		return 0;
	return act(&task);
}

const struct module file_module = {
	.name = "file",
	.doc = "Sets the type, mode, owner, group and times of a path.",
	.spec = { .args = file_args, .rules = file_rules, .want_size = sizeof(struct file_want) },
	.examples = file_examples,
	.returns = file_returns,
	.decide = file_decide,
};
