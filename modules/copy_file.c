/* copy of one file, or of text. */
#include <string.h>

#include "base/digest.h"
#include "modules/copy_task.h"
#include "modules/folder.h"
#include "plan/path.h"

struct place { /* where the file may go */
	const char *path;
	const struct stat_answer *now, *followed;
	const struct answer *hash;
};

/* All that is to be known about a path, in one batch. false: not answered yet. */
static bool look(struct copy_task *task, const char *path, struct place *place)
{
	*place = (struct place){ .path = path };
	place->now = ask_stat(task->decision, path, ASK_NO_FOLLOW);
	place->followed = ask_stat(task->decision, path, ASK_FOLLOW);
	place->hash = ask_hash(task->decision, path, "sha1");
	return place->now && place->followed && place->hash;
}

/* The source's SHA-1; NULL: not answered yet, or failed. */
static const char *source_digest(struct copy_task *task, const char *algorithm)
{
	if (!task->source) {
		char hex[DIGEST_HEX_MAX];
		digest_bytes(algorithm, task->bytes, task->length, hex);
		return arena_str(&task->decision->arena, hex);
	}
	const struct answer *hash =
		copy_ask_source(task, &(struct ask){ .kind = ASK_HASH, .path = task->source, .algorithm = algorithm });
	if (hash && hash->state != ANSWER_OK)
		result_fail(task->decision, "Source %s not readable: %s", task->source, hash->why ? hash->why : "");
	return hash && hash->state == ANSWER_OK ? hash->hash : NULL;
}

/* step: what became of it; what is asked behind it goes with it. */
static int finish(struct copy_task *task, const struct place *place, const struct outcome *step)
{
	step_last(task->decision);
	const struct stat_answer *stat = ask_stat(task->decision, place->path, task->want->follow);
	if (stat && step)
		file_result(task->decision, stat);
	return 0;
}

/* false: not answered yet. */
static bool tell_md5(struct copy_task *task)
{
	if (task->source_stat && task->source_stat->size > DIGEST_MD5_MOST)
		return true;
	const char *md5 = source_digest(task, "md5");
	if (md5)
		result_str(task->decision, "md5sum", md5);
	return md5;
}

/* digest: NULL where it is taken on the way. */
static int put(struct copy_task *task, const struct place *place, const char *digest, const struct folder_list *missing)
{
	struct decision *decision = task->decision;
	uint64_t size = task->source_stat && task->source ? task->source_stat->size : task->length;
	if (!tell_md5(task) || !copy_show_difference(task, place->path, place->followed, task->source, size))
		return 0;
	if (task->origin)
		result_str(decision, "src", task->origin);
	const struct file_goal goal = copy_goal(task, task->source_stat ? task->source_stat->mode : 0), folders = copy_folder_goal(task);
	const struct attributes folder_attributes = file_goal_new(&folders, decision, true);
	bool replaces_link = place->now->type == 'l' && !task->want->follow;
	struct put step = {
		.path = place->path, .source = !task->source ? PUT_BYTES : task->want->remote_src ? PUT_REMOTE_FILE : PUT_LOCAL_FILE,
		.bytes = task->bytes, .length = task->length, .from = task->source, .opens = task->want->decrypt,
		.backup = task->want->backup,
		.validate = task->want->validate, .sha1 = digest, .follow = task->want->follow,
		.attributes = copy_attributes(task, &goal, replaces_link ? place->now : place->followed),
	};
	folder_make(decision, missing, &folder_attributes);
	const struct outcome *outcome = step_put(decision, &step);
	if (outcome && outcome->backup_file)
		result_str(decision, "backup_file", outcome->backup_file);
	if (outcome && !digest && outcome->digest)
		result_str(decision, "checksum", outcome->digest);
	return finish(task, place, outcome);
}

static int keep(struct copy_task *task, const struct place *place)
{
	const struct file_goal goal = copy_goal(task, task->source_stat ? task->source_stat->mode : 0);
	struct attributes change = { 0 };
	result_str(task->decision, "path", place->path);
	file_result(task->decision, place->followed);
	if (!file_goal_compare(&goal, task->decision, place->path, place->followed, &change))
		return 0;
	const struct step_setattr step = { .path = place->path, .attributes = change, .follow = task->want->follow };
	return finish(task, place, step_setattr(task->decision, &step));
}

/* Where the file goes: into dest, where that is a folder, else to dest. false: not answered yet. */
static bool find_place(struct copy_task *task, struct place *place)
{
	if (!task->name)
		return look(task, task->dest, place);
	const char *inside = path_join(task->decision, task->dest, task->name);
	if (path_ends_in_slash(task->dest))
		return look(task, inside, place);
	struct place itself;
	/* Both at once: whether dest is a folder is not known yet. */
	bool known = look(task, task->dest, &itself);
	known = look(task, inside, place) && known;
	if (known && itself.followed->type != 'd')
		*place = itself;
	return known;
}

/* 0: the folder is there, or may be made; -1: not answered yet, or failed. */
static int check_folder(struct copy_task *task, const struct place *place, struct folder_list *missing)
{
	*missing = (struct folder_list){ 0 };
	if (place->now->type)
		return 0;
	const char *folder = path_folder(task->decision, place->path);
	if (folder_missing(task->decision, folder, missing) < 0)
		return -1;
	if (!missing->count || path_ends_in_slash(task->dest))
		return 0;
	if (result_is_check(task->decision)) { /* of a package that would be installed, or of a command */
		result_warn(task->decision, "there is no folder %s: it has to be there by the time the task is run", folder);
		*missing = (struct folder_list){ 0 };
		return 0;
	}
	result_fail(task->decision, "Destination directory %s does not exist", folder);
	return -1;
}

/* Whether the source's digest would only delay what has to be sent anyway, and serve nothing else: it is taken on the way. */
static bool is_surely_sent(const struct copy_task *task, const struct place *place)
{
	enum { BIG = 1024 * 1024 };
	const struct stat_answer *source = task->source_stat;
	const struct copy_want *want = task->want;
	if (task->side != ASK_ON_CONTROLLER || !source || source->size < BIG || source->is_sealed || want->checksum ||
	    !task->decision->alone || result_is_check(task->decision))
		return false;
	return !place->now->type || (want->force && place->followed->type == 'f' && place->followed->size != source->size);
}

int copy_file(struct copy_task *task)
{
	struct decision *decision = task->decision;
	struct place place;
	if (!find_place(task, &place))
		return 0;
	bool is_sent = is_surely_sent(task, &place);
	const char *digest = is_sent ? NULL : source_digest(task, "sha1");
	if (!digest && !is_sent)
		return 0;
	result_str(decision, "dest", place.path);
	bool is_kept = place.now->type && !task->want->force;
	if (digest && !is_kept)
		result_str(decision, "checksum", digest);
	if (task->source)
		result_str(decision, "src", task->source);
	if (digest && task->want->checksum && strcmp(task->want->checksum, digest) != 0) {
		result_str(decision, "expected_checksum", task->want->checksum);
		return result_fail(decision, "Copied file does not match the expected checksum. Transfer failed.");
	}
	if (place.followed->type == 'd')
		return result_fail(decision, task->name ? "%s is a directory" : "can not use content with a dir as dest", place.path);
	if (is_kept)
		return 0;
	bool is_written_through = place.now->type != 'l' || task->want->follow;
	if (digest && is_written_through && place.followed->type == 'f' && place.hash->state == ANSWER_OK &&
	    strcmp(place.hash->hash, digest) == 0)
		return keep(task, &place);
	struct folder_list missing;
	return check_folder(task, &place, &missing) < 0 ? 0 : put(task, &place, digest, &missing);
}
