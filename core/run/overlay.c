/* Predicted files, by path. */
#include "run/overlay.h"

#include <pthread.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#include "base/digest.h"
#include "base/mem.h"

enum predicted { PREDICTED_ABSENT, PREDICTED_FILE, PREDICTED_DIRECTORY, PREDICTED_LINK };

struct node_row { /* one path that is not as it is on the target */
	struct node_row *next;
	char *path;
	enum predicted kind;
	char *content;      /* of a file, where it is known; owned */
	size_t length;
	char *digest;       /* SHA-1, where it is known; owned */
	char *target;       /* of a link; owned */
	char *owner, *group;
	bool has_mode;
	mode_t mode;
};

struct overlay {
	pthread_mutex_t lock;
	struct node_row *rows;
	bool uncertain;
};

struct overlay *overlay_new(void)
{
	struct overlay *overlay = mem_alloc(sizeof(*overlay));
	pthread_mutex_init(&overlay->lock, NULL);
	return overlay;
}

static void row_clear(struct node_row *row)
{
	free(row->content);
	free(row->digest);
	free(row->target);
	free(row->owner);
	free(row->group);
	*row = (struct node_row){ .next = row->next, .path = row->path };
}

void overlay_free(struct overlay *overlay)
{
	if (!overlay)
		return;
	for (struct node_row *row = overlay->rows, *next; row; row = next) {
		next = row->next;
		row_clear(row);
		free(row->path);
		free(row);
	}
	pthread_mutex_destroy(&overlay->lock);
	free(overlay);
}

/* A trailing slash names the same thing. */
static bool same_path(const char *a, const char *b)
{
	size_t a_length = strlen(a), b_length = strlen(b);
	while (a_length > 1 && a[a_length - 1] == '/')
		a_length--;
	while (b_length > 1 && b[b_length - 1] == '/')
		b_length--;
	return a_length == b_length && memcmp(a, b, a_length) == 0;
}

static bool is_under(const char *path, const char *folder)
{
	size_t length = strlen(folder);
	while (length > 1 && folder[length - 1] == '/')
		length--;
	return strncmp(path, folder, length) == 0 && path[length] == '/';
}

static struct node_row *find(struct overlay *overlay, const char *path)
{
	for (struct node_row *row = overlay->rows; row; row = row->next) {
		if (same_path(row->path, path))
			return row;
	}
	return NULL;
}

static struct node_row *make(struct overlay *overlay, const char *path, enum predicted kind)
{
	struct node_row *row = find(overlay, path);
	if (!row) {
		row = mem_alloc(sizeof(*row));
		row->path = mem_strdup(path);
		row->next = overlay->rows;
		overlay->rows = row;
	} else {
		row_clear(row);
	}
	row->kind = kind;
	return row;
}

static void set_attributes(struct node_row *row, const struct attributes *attributes)
{
	if (attributes->has_mode) {
		row->has_mode = true;
		row->mode = attributes->mode;
	}
	if (attributes->owner) {
		free(row->owner);
		row->owner = mem_strdup(attributes->owner);
	}
	if (attributes->group) {
		free(row->group);
		row->group = mem_strdup(attributes->group);
	}
}

static void predict_put(struct overlay *overlay, const struct put *put)
{
	struct node_row *row = make(overlay, put->path, PREDICTED_FILE);
	if (put->source == PUT_BYTES) {
		row->content = mem_strndup(put->bytes, put->length);
		row->length = put->length;
	}
	if (put->sha1)
		row->digest = mem_strdup(put->sha1);
	set_attributes(row, &put->attributes);
}

/* Parents that would be made appear with the folder itself. */
static void predict_mkdir(struct overlay *overlay, const struct step_mkdir *mkdir)
{
	struct node_row *row = make(overlay, mkdir->path, PREDICTED_DIRECTORY);
	set_attributes(row, &mkdir->attributes);
}

static void predict_remove(struct overlay *overlay, const char *path)
{
	for (struct node_row *row = overlay->rows; row; row = row->next) {
		if (is_under(row->path, path)) {
			row_clear(row);
			row->kind = PREDICTED_ABSENT;
		}
	}
	make(overlay, path, PREDICTED_ABSENT);
}

void overlay_predict(struct overlay *overlay, const struct step *step)
{
	pthread_mutex_lock(&overlay->lock);
	struct node_row *row;
	switch (step->kind) {
	case STEP_PUT:
		predict_put(overlay, &step->put);
		break;
	case STEP_MKDIR:
		predict_mkdir(overlay, &step->mkdir);
		break;
	case STEP_LINK:
		row = make(overlay, step->link.path, step->link.hard ? PREDICTED_FILE : PREDICTED_LINK);
		row->target = mem_strdup(step->link.target);
		break;
	case STEP_REMOVE:
		predict_remove(overlay, step->remove.path);
		break;
	case STEP_RENAME:
		predict_remove(overlay, step->rename.from);
		make(overlay, step->rename.to, PREDICTED_FILE);
		break;
	case STEP_SETATTR:
		/* Attributes of what is there already are not laid over: asking again tells the old ones, and a second task
		 * that sets them is honestly "changed" as well. Those of predicted files are. */
		row = find(overlay, step->setattr.path);
		if (row)
			set_attributes(row, &step->setattr.attributes);
		break;
	case STEP_RUN:
		if (!step->unchanged && step->effects != EFFECT_NOTHING)
			overlay->uncertain = true;
		break;
	case STEP_GET:
	case STEP_WAIT:
		break;
	}
	pthread_mutex_unlock(&overlay->lock);
}

/* ---- answers ---- */

static struct answer *absent(const char *path)
{
	struct answer *answer = answer_new();
	answer->state = ANSWER_ABSENT;
	answer->why = arena_printf(&answer->arena, "%s would not exist", path);
	return answer;
}

static struct answer *answer_stat(const struct node_row *row)
{
	struct answer *answer = answer_new();
	struct stat_answer *stat = &answer->stat;
	if (row->kind == PREDICTED_ABSENT)
		return answer; /* type 0: a plain answer */
	static const char types[] = { [PREDICTED_FILE] = 'f', [PREDICTED_DIRECTORY] = 'd', [PREDICTED_LINK] = 'l' };
	stat->type = types[row->kind];
	stat->mode = row->has_mode ? row->mode : row->kind == PREDICTED_DIRECTORY ? 0755 : 0644;
	stat->owner = arena_str(&answer->arena, row->owner ? row->owner : "");
	stat->group = arena_str(&answer->arena, row->group ? row->group : "");
	stat->size = row->length;
	stat->links = 1;
	stat->target = arena_str(&answer->arena, row->target);
	stat->readable = stat->writable = true;
	stat->executable = stat->mode & 0111;
	return answer;
}

static struct answer *answer_content(const struct node_row *row, const struct ask *ask)
{
	if (row->kind != PREDICTED_FILE)
		return absent(ask->path);
	struct answer *answer = answer_new();
	if (ask->kind == ASK_HASH && row->digest && strcmp(ask->algorithm, "sha1") == 0) {
		answer->hash = arena_str(&answer->arena, row->digest);
	} else if (!row->content) {
		answer->state = ANSWER_FAILED;
		answer->why = "it would be made by an earlier task, and its content is not known in check mode";
	} else if (ask->kind == ASK_HASH) {
		char hex[DIGEST_HEX_MAX];
		digest_bytes(ask->algorithm, row->content, row->length, hex);
		answer->hash = arena_str(&answer->arena, hex);
	} else {
		answer->read.bytes = arena_copy(&answer->arena, row->content, row->length);
		answer->read.length = row->length;
	}
	return answer;
}

/* A folder that would be new has in it only what would be put there. */
static struct answer *answer_list(struct overlay *overlay, const struct node_row *row, const struct ask *ask)
{
	if (row->kind != PREDICTED_DIRECTORY)
		return absent(ask->path);
	(void)overlay;
	return answer_new();
}

/* What is under a path that would be gone is gone; what is under a folder that would be new is not there. */
static const struct node_row *covering(struct overlay *overlay, const char *path)
{
	for (const struct node_row *row = overlay->rows; row; row = row->next) {
		if (is_under(path, row->path))
			return row;
	}
	return NULL;
}

static bool has_rows_under(struct overlay *overlay, const char *path)
{
	for (const struct node_row *row = overlay->rows; row; row = row->next) {
		if (row->kind != PREDICTED_ABSENT && is_under(row->path, path))
			return true;
	}
	return false;
}

static struct answer *answer_row(struct overlay *overlay, const struct node_row *row, const struct ask *ask)
{
	switch (ask->kind) {
	case ASK_STAT:
		return answer_stat(row);
	case ASK_READ:
	case ASK_HASH:
		return answer_content(row, ask);
	case ASK_LIST:
		return has_rows_under(overlay, ask->path) ? NULL : answer_list(overlay, row, ask);
	default:
		return NULL;
	}
}

struct answer *overlay_answer(struct overlay *overlay, const struct ask *ask)
{
	if (ask->kind != ASK_STAT && ask->kind != ASK_READ && ask->kind != ASK_HASH && ask->kind != ASK_LIST)
		return NULL;
	pthread_mutex_lock(&overlay->lock);
	struct answer *answer = NULL;
	const struct node_row *row = overlay->rows ? find(overlay, ask->path) : NULL;
	if (row) {
		answer = answer_row(overlay, row, ask);
	} else if (overlay->rows && covering(overlay, ask->path)) {
		const struct node_row gone = { .kind = PREDICTED_ABSENT };
		answer = ask->kind == ASK_STAT ? answer_stat(&gone) : absent(ask->path);
	}
	pthread_mutex_unlock(&overlay->lock);
	return answer;
}

bool overlay_is_uncertain(struct overlay *overlay)
{
	pthread_mutex_lock(&overlay->lock);
	bool uncertain = overlay->uncertain;
	pthread_mutex_unlock(&overlay->lock);
	return uncertain;
}
