/* copy of a whole tree. Only the paths that are in the source are looked at on the target: what else is in the folder may
 * be much, and is none of this task's business. */
#include <string.h>

#include "base/mem.h"
#include "modules/copy_task.h"
#include "modules/folder.h"
#include "plan/path.h"

enum {
	LINKS_DEEP = 16, /* symlinks to folders inside of each other: a circle ends here */
	SHOWN_FILES = 100, SHOWN_BYTES = 4 * 1024 * 1024, /* of a tree's differences */
};

struct item { /* of the source */
	const char *name;   /* relative to the tree */
	char type;          /* 'f', 'd' or 'l' */
	mode_t mode;
	uint64_t size;      /* of a file */
	const char *digest; /* of a file */
	const char *target; /* of a symlink that is copied as one */
	/* on the target */
	const char *path;
	const struct stat_answer *now;
	const struct answer *hash;
};

struct tree {
	struct copy_task *task;
	const char *root; /* on the target */
	struct item *items;
	size_t count, room;
	bool waits;
};

static void tree_release(struct tree *tree) { free(tree->items); }

static void gather(struct tree *tree, const char *folder, const char *prefix, int depth);

static void add(struct tree *tree, const struct item *item)
{
	mem_grow(tree->items, tree->count, tree->room);
	tree->items[tree->count++] = *item;
}

/* Whether the folder that a symlink at path leads to is one that the symlink itself is in. */
static bool leads_up(struct tree *tree, const char *path, const struct stat_answer *folder)
{
	struct decision *decision = tree->task->decision;
	bool leads = false;
	do {
		path = path_folder(decision, path);
		const struct answer *above = copy_ask_source(tree->task, &(struct ask){ .kind = ASK_STAT, .path = path, .follow = true });
		if (!above)
			tree->waits = true;
		else if (above->stat.device == folder->device && above->stat.inode == folder->inode)
			leads = true;
	} while (strcmp(path, "/") != 0 && strcmp(path, ".") != 0);
	return leads;
}

/* What a symlink in the source points to, in its place. One that leads nowhere, or round in a circle, stays a symlink. */
static void gather_link(struct tree *tree, const char *path, const char *name, const struct list_entry *entry, int depth)
{
	struct copy_task *task = tree->task;
	const struct item link = { .name = name, .type = 'l', .target = entry->stat.target };
	if (!task->want->local_follow) {
		add(tree, &link);
		return;
	}
	const struct answer *stat = copy_ask_source(task, &(struct ask){ .kind = ASK_STAT, .path = path, .follow = true });
	const struct answer *hash = copy_ask_source(task, &(struct ask){ .kind = ASK_HASH, .path = path, .algorithm = "sha1" });
	if (!stat || !hash) {
		tree->waits = true;
	} else if (stat->state != ANSWER_OK || (stat->stat.type == 'd' && leads_up(tree, path, &stat->stat))) {
		add(tree, &link);
	} else if (stat->stat.type == 'd' && depth >= LINKS_DEEP) {
		result_fail(task->decision, "%s: the symlinks to folders there go round in a circle", path);
	} else if (stat->stat.type == 'd') {
		add(tree, &(struct item){ .name = name, .type = 'd', .mode = stat->stat.mode });
		gather(tree, path, name, depth + 1);
	} else if (hash->state != ANSWER_OK) {
		result_fail(task->decision, "Source %s not readable: %s", path, hash->why ? hash->why : "");
	} else {
		add(tree, &(struct item){ .name = name, .type = 'f', .mode = stat->stat.mode, .size = stat->stat.size, .digest = hash->hash });
	}
}

static void gather_entry(struct tree *tree, const char *folder, const char *prefix, const struct list_entry *entry, int depth)
{
	struct decision *decision = tree->task->decision;
	const char *name = *prefix ? path_join(decision, prefix, entry->name) : entry->name;
	const char *path = path_join(decision, folder, entry->name);
	if (entry->stat.type == 'd')
		add(tree, &(struct item){ .name = name, .type = 'd', .mode = entry->stat.mode });
	else if (entry->stat.type == 'l')
		gather_link(tree, path, name, entry, depth);
	else if (entry->stat.type == 'f' && entry->digest)
		add(tree, &(struct item){ .name = name, .type = 'f', .mode = entry->stat.mode, .size = entry->stat.size,
		                           .digest = entry->digest });
	else
		result_fail(decision, "Cannot copy '%s': %s", path,
		            entry->stat.type == 'f' ? "it cannot be read" : "it is neither file, directory nor symlink");
}

/* Adds what is in a folder of the source, parents before what is in them. */
static void gather(struct tree *tree, const char *folder, const char *prefix, int depth)
{
	const struct answer *list = copy_ask_source(
		tree->task, &(struct ask){ .kind = ASK_LIST, .path = folder, .recurse = true, .algorithm = "sha1" });
	if (!list) {
		tree->waits = true;
		return;
	}
	if (list->state != ANSWER_OK) {
		result_fail(tree->task->decision, "cannot list %s: %s", folder, list->why ? list->why : "it is gone");
		return;
	}
	for (size_t i = 0; i < list->list.count; i++)
		gather_entry(tree, folder, prefix, &list->list.entries[i], depth);
}

/* Asks about each item's place on the target. */
static void look(struct tree *tree)
{
	struct decision *decision = tree->task->decision;
	for (size_t i = 0; i < tree->count; i++) {
		struct item *item = &tree->items[i];
		item->path = path_join(decision, tree->root, item->name);
		item->now = ask_stat(decision, item->path, item->type == 'd' ? ASK_FOLLOW : ASK_NO_FOLLOW);
		if (item->type == 'f')
			item->hash = ask_hash(decision, item->path, "sha1");
		tree->waits = tree->waits || !item->now || (item->type == 'f' && !item->hash);
	}
}

/* ---- steps; each says whether it is done ---- */

static bool put_folder(struct tree *tree, const struct item *item, const struct file_goal *goal)
{
	struct decision *decision = tree->task->decision;
	if (!item->now->type)
		return step_mkdir(decision, &(struct step_mkdir){ .path = item->path,
		                                                  .attributes = file_goal_new(goal, decision, true) });
	struct attributes change = { 0 };
	if (!file_goal_compare(goal, decision, item->path, item->now, &change))
		return true;
	return step_setattr(decision, &(struct step_setattr){ .path = item->path, .attributes = change, .follow = true });
}

static bool is_same(const struct item *item)
{
	return item->now->type == 'f' && item->hash->state == ANSWER_OK && strcmp(item->hash->hash, item->digest) == 0;
}

static bool put_file(struct tree *tree, const struct item *item)
{
	struct copy_task *task = tree->task;
	if (item->now->type && !task->want->force)
		return true;
	const struct file_goal goal = copy_goal(task, item->mode);
	if (is_same(item)) {
		struct attributes change = { 0 };
		if (!file_goal_compare(&goal, task->decision, item->path, item->now, &change))
			return true;
		return step_setattr(task->decision, &(struct step_setattr){ .path = item->path, .attributes = change });
	}
	return step_put(task->decision, &(struct put){
		.path = item->path, .source = task->want->remote_src ? PUT_REMOTE_FILE : PUT_LOCAL_FILE,
		.from = path_join(task->decision, task->source, item->name), .opens = task->want->decrypt, .backup = task->want->backup,
		.validate = task->want->validate, .sha1 = item->digest, .attributes = copy_attributes(task, &goal, item->now),
		.is_new = !item->now->type,
	});
}

static bool put_link(struct tree *tree, const struct item *item)
{
	const char *target = item->target ? item->target : "";
	if (item->now->type == 'l' && item->now->target && strcmp(item->now->target, target) == 0)
		return true;
	return step_link(tree->task->decision,
	                 &(struct step_link){ .path = item->path, .target = target, .replace = item->now->type != 0 });
}

static bool put_item(struct tree *tree, const struct item *item, const struct file_goal *folders)
{
	struct decision *decision = tree->task->decision;
	bool is_in_the_way = item->now->type && (item->type == 'd') != (item->now->type == 'd');
	if (is_in_the_way) {
		result_fail(decision, "%s already exists as a %s", item->path, file_state(item->now));
		return false;
	}
	if (item->type == 'd')
		return put_folder(tree, item, folders);
	return item->type == 'l' ? put_link(tree, item) : put_file(tree, item);
}

/* Folders first, so that every file has a place to go to; then files; then links. */
static void put_all(struct tree *tree, const struct folder_list *missing)
{
	const struct file_goal folders = copy_folder_goal(tree->task);
	const struct attributes made = file_goal_new(&folders, tree->task->decision, true);
	folder_make(tree->task->decision, missing, &made);
	for (const char *type = "dfl"; *type; type++) {
		for (size_t i = 0; i < tree->count && !tree->task->decision->failed; i++) {
			if (tree->items[i].type == *type)
				put_item(tree, &tree->items[i], &folders);
		}
	}
}

/* What differs in the files that will be put; of the first ones only. false: not answered yet. */
static bool show_differences(struct tree *tree)
{
	struct copy_task *task = tree->task;
	size_t shown = 0, hidden = 0;
	uint64_t bytes = 0;
	bool known = true;
	for (size_t i = 0; result_wants_diff(task->decision) && i < tree->count; i++) {
		const struct item *item = &tree->items[i];
		if (item->type != 'f' || is_same(item) || (item->now->type && !task->want->force))
			continue;
		bytes += item->size;
		if (shown == SHOWN_FILES || bytes > SHOWN_BYTES) {
			hidden++;
			continue;
		}
		shown++;
		known = copy_show_difference(task, item->path, item->now, path_join(task->decision, task->source, item->name), item->size) &&
		        known;
	}
	if (hidden)
		result_diff_note(task->decision, "(%zu more files of this tree differ)", hidden);
	return known;
}

static const char *root_of(struct copy_task *task)
{
	if (path_ends_in_slash(task->want->src))
		return task->dest;
	return path_join(task->decision, task->dest, path_base(task->source));
}

static const char *without_slashes(struct decision *decision, const char *path)
{
	size_t length = strlen(path);
	while (length > 1 && path[length - 1] == '/')
		length--;
	return arena_copy(&decision->arena, path, length);
}

int copy_tree(struct copy_task *task)
{
	auto_(tree_release) struct tree tree = { .task = task, .root = without_slashes(task->decision, root_of(task)) };
	const char *slash = path_ends_in_slash(task->dest) ? "" : "/";
	result_str(task->decision, "dest", arena_printf(&task->decision->arena, "%s%s", task->dest, slash));
	result_str(task->decision, "src",
	           arena_printf(&task->decision->arena, "%s%s", task->source, path_ends_in_slash(task->want->src) ? "/" : ""));
	struct folder_list missing;
	bool waits = folder_missing(task->decision, tree.root, &missing) < 0;
	gather(&tree, task->source, "", 0);
	if (task->decision->failed)
		return 0;
	look(&tree);
	if (waits || tree.waits || task->decision->failed)
		return 0;
	if (show_differences(&tree))
		put_all(&tree, &missing);
	return 0;
}
