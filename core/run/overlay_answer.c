/* Answers as they would be, once the predicted steps were done. */
#include <fnmatch.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#include "base/buf.h"
#include "base/digest.h"
#include "base/file.h"
#include "base/mem.h"
#include "base/text.h"
#include "run/overlay_rows.h"

static bool is_there(const struct node_row *row)
{
	return row->kind == PREDICTED_FILE || row->kind == PREDICTED_DIRECTORY || row->kind == PREDICTED_LINK;
}

/* What is under a path that would be gone is gone; what is under a folder that would be new is not there. */
static bool is_covered(const struct overlay *overlay, const char *path)
{
	for (const struct node_row *row = overlay->rows; row; row = row->next) {
		bool covers = row->kind == PREDICTED_ABSENT || row->kind == PREDICTED_FILE || row->kind == PREDICTED_DIRECTORY;
		if (covers && overlay_is_under(path, row->path))
			return true;
	}
	return false;
}

static bool has_rows_under(const struct overlay *overlay, const char *path)
{
	for (const struct node_row *row = overlay->rows; row; row = row->next) {
		if (is_there(row) && overlay_is_under(row->path, path))
			return true;
	}
	return false;
}

static struct answer *absent(const char *path)
{
	struct answer *answer = answer_new();
	answer->state = ANSWER_ABSENT;
	answer->why = arena_printf(&answer->arena, "%s would not exist", path);
	return answer;
}

/* ---- stat ---- */

static void copy_stat(struct arena *arena, struct stat_answer *to, const struct stat_answer *from)
{
	*to = *from;
	to->owner = arena_str(arena, from->owner);
	to->group = arena_str(arena, from->group);
	to->target = arena_str(arena, from->target);
}

static void set_attributes(struct arena *arena, struct stat_answer *stat, const struct node_row *row)
{
	stat->mode = row->has_mode ? row->mode : stat->mode;
	stat->uid = row->has_uid ? row->uid : stat->uid;
	stat->gid = row->has_gid ? row->gid : stat->gid;
	if (row->owner)
		stat->owner = arena_str(arena, row->owner);
	if (row->group)
		stat->group = arena_str(arena, row->group);
}

static uint64_t size_of(const struct node_row *row, uint64_t known)
{
	struct stat local;
	if (row->content)
		return row->length;
	if (row->local && stat(row->local, &local) == 0)
		return (uint64_t)local.st_size;
	return known;
}

/* What a row makes of what is there; stat->type is 0 where nothing is. */
static void lay_stat(struct arena *arena, struct stat_answer *stat, const struct node_row *row)
{
	static const char types[] = { [PREDICTED_FILE] = 'f', [PREDICTED_DIRECTORY] = 'd', [PREDICTED_LINK] = 'l' };
	if (row->kind == PREDICTED_ABSENT || (row->kind == PREDICTED_ATTRIBUTES && !stat->type)) {
		*stat = (struct stat_answer){ 0 };
		return;
	}
	if (row->kind != PREDICTED_ATTRIBUTES && stat->type != types[row->kind]) {
		*stat = (struct stat_answer){ .type = types[row->kind], .owner = "", .group = "", .links = 1,
			                          .readable = true, .writable = true };
		stat->mode = row->kind == PREDICTED_FILE ? 0644 : row->kind == PREDICTED_LINK ? 0777 : 0755;
	}
	set_attributes(arena, stat, row);
	if (row->kind == PREDICTED_FILE)
		stat->size = size_of(row, stat->size);
	if (row->kind == PREDICTED_LINK)
		stat->target = arena_str(arena, row->target);
	stat->executable = stat->type == 'd' || (stat->mode & 0111);
}

static struct answer *stat_over(const struct overlay *overlay, const struct ask *ask, const struct answer *base)
{
	static const struct node_row folder = { .kind = PREDICTED_DIRECTORY };
	const struct node_row *row = overlay_find(overlay, ask->path);
	bool is_parent = !row && base->state == ANSWER_OK && !base->stat.type && has_rows_under(overlay, ask->path);
	if (!row && !is_parent)
		return NULL;
	if (base->state != ANSWER_OK && !is_there(row))
		return NULL;
	struct answer *answer = answer_new();
	if (base->state == ANSWER_OK)
		copy_stat(&answer->arena, &answer->stat, &base->stat);
	lay_stat(&answer->arena, &answer->stat, row ? row : &folder);
	return answer;
}

/* ---- content ---- */

/* Bytes that would be sent from here; the file is read now, as the run would. */
static bool read_local(const struct node_row *row, size_t limit, struct buf *bytes)
{
	struct err ignored = ERR_INIT;
	return row->local && file_read(row->local, limit, bytes, &ignored) == 0;
}

static struct answer *answer_content(const struct node_row *row, const struct ask *ask)
{
	if (row->kind != PREDICTED_FILE)
		return absent(ask->path);
	struct answer *answer = answer_new();
	auto_buf struct buf bytes = BUF_INIT;
	bool hash = ask->kind == ASK_HASH;
	if (hash && row->digest && strcmp(ask->algorithm, "sha1") == 0) {
		answer->hash = arena_str(&answer->arena, row->digest);
		return answer;
	}
	if (row->content)
		buf_add(&bytes, row->content, row->length);
	else if (!read_local(row, ASK_READ_MOST, &bytes)) {
		answer->state = ANSWER_FAILED;
		answer->why = "it would be made by an earlier task, and its content is not known in check mode";
		return answer;
	}
	if (hash) {
		char hex[DIGEST_HEX_MAX];
		digest_bytes(ask->algorithm, buf_text(&bytes), bytes.length, hex);
		answer->hash = arena_str(&answer->arena, hex);
	} else {
		answer->read.bytes = arena_copy(&answer->arena, buf_text(&bytes), bytes.length);
		answer->read.length = bytes.length;
	}
	return answer;
}

/* ---- lists ---- */

struct listing {
	struct answer *answer;
	struct list_entry *entries;
	size_t count;
};

static int by_name(const void *a, const void *b)
{
	return strcmp(((const struct list_entry *)a)->name, ((const struct list_entry *)b)->name);
}

static const char *digest_of(struct arena *arena, const struct node_row *row, const struct ask *ask)
{
	if (!ask->algorithm || row->kind != PREDICTED_FILE)
		return NULL;
	struct ask hash = { .kind = ASK_HASH, .path = row->path, .algorithm = ask->algorithm };
	struct answer *answer = answer_content(row, &hash);
	const char *hex = answer->state == ANSWER_OK ? arena_str(arena, answer->hash) : NULL;
	answer_unref(answer);
	return hex;
}

/* What the target has there, less what would be gone, with the attributes it would have. */
static void list_base(struct listing *list, const struct overlay *overlay, const struct ask *ask, const struct answer *base)
{
	struct arena *arena = &list->answer->arena;
	for (size_t i = 0; i < base->list.count; i++) {
		const struct list_entry *from = &base->list.entries[i];
		auto_free char *path = mem_printf("%s/%s", ask->path, from->name);
		const struct node_row *row = overlay_find(overlay, path);
		if ((row && row->kind != PREDICTED_ATTRIBUTES) || is_covered(overlay, path))
			continue; /* gone, or added by its row */
		struct list_entry *entry = &list->entries[list->count++];
		entry->name = arena_str(arena, from->name);
		entry->digest = arena_str(arena, from->digest);
		copy_stat(arena, &entry->stat, &from->stat);
		if (row)
			lay_stat(arena, &entry->stat, row);
	}
}

static void list_rows(struct listing *list, const struct overlay *overlay, const struct ask *ask)
{
	struct arena *arena = &list->answer->arena;
	size_t folder = strlen(ask->path);
	while (folder > 1 && ask->path[folder - 1] == '/')
		folder--;
	for (const struct node_row *row = overlay->rows; row; row = row->next) {
		if (!is_there(row) || !overlay_is_under(row->path, ask->path))
			continue;
		const char *name = row->path + folder + 1;
		if (!ask->recurse && strchr(name, '/'))
			continue;
		struct list_entry *entry = &list->entries[list->count++];
		*entry = (struct list_entry){ .name = arena_str(arena, name), .digest = digest_of(arena, row, ask) };
		lay_stat(arena, &entry->stat, row);
	}
}

/* base: what the target has, or NULL for a folder that would be new. */
static struct answer *list_over(const struct overlay *overlay, const struct ask *ask, const struct answer *base)
{
	size_t most = base ? base->list.count : 0;
	for (const struct node_row *row = overlay->rows; row; row = row->next)
		most++;
	struct listing list = { .answer = answer_new() };
	list.entries = arena_array(&list.answer->arena, most, sizeof(*list.entries));
	if (base)
		list_base(&list, overlay, ask, base);
	list_rows(&list, overlay, ask);
	if (list.count)
		qsort(list.entries, list.count, sizeof(*list.entries), by_name);
	list.answer->list = (struct list_answer){ list.entries, list.count };
	return list.answer;
}

static struct answer *glob_over(const struct overlay *overlay, const struct ask *ask, const struct answer *base)
{
	struct answer *answer = answer_new();
	size_t count = 0, most = base->glob.count;
	for (const struct node_row *row = overlay->rows; row; row = row->next)
		most++;
	const char **names = arena_array(&answer->arena, most, sizeof(*names));
	for (size_t i = 0; i < base->glob.count; i++) {
		const struct node_row *row = overlay_find(overlay, base->glob.names[i]);
		if ((!row || row->kind == PREDICTED_ATTRIBUTES) && !is_covered(overlay, base->glob.names[i]))
			names[count++] = arena_str(&answer->arena, base->glob.names[i]);
	}
	for (const struct node_row *row = overlay->rows; row; row = row->next)
		if (is_there(row) && fnmatch(ask->path, row->path, FNM_PATHNAME | FNM_PERIOD) == 0)
			names[count++] = arena_str(&answer->arena, row->path);
	if (count)
		qsort(names, count, sizeof(*names), text_order);
	answer->glob = (struct names_answer){ names, count };
	return answer;
}

/* ---- before and after the target is asked ---- */

static struct answer *answer_row(const struct overlay *overlay, const struct node_row *row, const struct ask *ask)
{
	if (row->kind == PREDICTED_ATTRIBUTES)
		return NULL;
	switch (ask->kind) {
	case ASK_STAT:
		return row->kind == PREDICTED_ABSENT ? answer_new() : NULL; /* type 0: a plain answer */
	case ASK_READ:
	case ASK_HASH:
		return answer_content(row, ask);
	default:
		return row->kind == PREDICTED_DIRECTORY ? list_over(overlay, ask, NULL) : absent(ask->path);
	}
}

struct answer *overlay_answer(struct overlay *overlay, const struct ask *ask)
{
	bool is_path = ask->kind == ASK_STAT || ask->kind == ASK_READ || ask->kind == ASK_HASH || ask->kind == ASK_LIST;
	if (!is_path)
		return NULL;
	pthread_mutex_lock(&overlay->lock);
	struct answer *answer = NULL;
	const struct node_row *row = overlay_find(overlay, ask->path);
	if (row)
		answer = answer_row(overlay, row, ask);
	else if (is_covered(overlay, ask->path) && !has_rows_under(overlay, ask->path))
		answer = ask->kind == ASK_STAT ? answer_new() : absent(ask->path);
	pthread_mutex_unlock(&overlay->lock);
	return answer;
}

static struct answer *over(const struct overlay *overlay, const struct ask *ask, const struct answer *base)
{
	bool is_new_parent = base->state == ANSWER_ABSENT && has_rows_under(overlay, ask->path);
	if (ask->kind == ASK_STAT)
		return stat_over(overlay, ask, base);
	if (ask->kind == ASK_LIST && (base->state == ANSWER_OK || is_new_parent))
		return list_over(overlay, ask, base->state == ANSWER_OK ? base : NULL);
	if (ask->kind == ASK_GLOB && base->state == ANSWER_OK)
		return glob_over(overlay, ask, base);
	return NULL;
}

struct answer *overlay_over(struct overlay *overlay, const struct ask *ask, struct answer *answer)
{
	pthread_mutex_lock(&overlay->lock);
	struct answer *laid = overlay->rows && ask->side == ASK_ON_TARGET ? over(overlay, ask, answer) : NULL;
	pthread_mutex_unlock(&overlay->lock);
	if (!laid)
		return answer;
	answer_unref(answer);
	return laid;
}
