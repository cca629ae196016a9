/* Predicted files, by path: what steps that are not done would make of them. */
#include "run/overlay.h"

#include <stdlib.h>
#include <string.h>

#include "base/mem.h"
#include "run/overlay_rows.h"

enum { LINKS_MOST = 40, PATH_MOST = 4096 };

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
	free(row->local);
	free(row->origin);
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

bool overlay_is_under(const char *path, const char *folder)
{
	size_t length = strlen(folder);
	while (length > 1 && folder[length - 1] == '/')
		length--;
	return strncmp(path, folder, length) == 0 && path[length] == '/';
}

struct node_row *overlay_find(const struct overlay *overlay, const char *path)
{
	for (struct node_row *row = overlay->rows; row; row = row->next) {
		if (same_path(row->path, path))
			return row;
	}
	return NULL;
}

/* The first link that would be made on the way of a path, and where the rest begins; its last part only if last. */
static const struct node_row *link_on_the_way(const struct overlay *overlay, const char *path, bool last, size_t *rest)
{
	for (const struct node_row *row = overlay->rows; row; row = row->next) {
		if (row->kind != PREDICTED_LINK)
			continue;
		*rest = strlen(row->path);
		if (overlay_is_under(path, row->path) || (last && strcmp(path, row->path) == 0))
			return row;
	}
	return NULL;
}

/* Where a path leads once those links are there. */
static void follow_links(const struct overlay *overlay, char path[PATH_MOST], bool last)
{
	size_t rest;
	const struct node_row *row;
	for (int i = 0; i < LINKS_MOST && (row = link_on_the_way(overlay, path, last, &rest)); i++) {
		const char *slash = strrchr(row->path, '/');
		size_t folder = *row->target == '/' || !slash ? 0 : (size_t)(slash - row->path) + 1;
		auto_free char *next = mem_printf("%.*s%s%s", (int)folder, row->path, row->target, path + rest);
		if (strlen(next) >= PATH_MOST)
			return;
		memcpy(path, next, strlen(next) + 1);
	}
}

/* The row of a path, by its name without such links. */
static struct node_row *row_of(const struct overlay *overlay, char path[PATH_MOST], const char *given, bool follow)
{
	size_t length = strlen(given);
	while (length > 1 && given[length - 1] == '/')
		length--;
	length = length < PATH_MOST ? length : PATH_MOST - 1;
	memcpy(path, given, length);
	path[length] = '\0';
	follow_links(overlay, path, follow);
	return overlay_find(overlay, path);
}

static struct node_row *make(struct overlay *overlay, const char *given, bool follow, enum predicted kind)
{
	char path[PATH_MOST];
	struct node_row *row = row_of(overlay, path, given, follow);
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

/* The account that the decision asked about by that name. */
static const struct answer *account(const struct decision *decision, enum ask_kind kind, const char *name)
{
	for (size_t i = 0; i < decision->asked_count; i++) {
		const struct asked *asked = &decision->asked[i];
		if (asked->ask->kind == kind && asked->answer && asked->answer->state == ANSWER_OK && strcmp(asked->ask->path, name) == 0)
			return asked->answer;
	}
	return NULL;
}

/* The number of an account, given by number or by a name that the decision asked about. */
static bool account_number(const struct decision *decision, enum ask_kind kind, const char *name, unsigned *number)
{
	char *end;
	const struct answer *found = account(decision, kind, name);
	*number = (unsigned)strtoul(name, &end, 10);
	if (found)
		*number = kind == ASK_USER ? found->user.uid : found->group.gid;
	return found || (end != name && !*end);
}

static void set_attributes(struct node_row *row, const struct attributes *attributes, const struct decision *decision)
{
	if (attributes->has_mode) {
		row->has_mode = true;
		row->mode = attributes->mode;
	}
	if (attributes->owner) {
		free(row->owner);
		row->owner = mem_strdup(attributes->owner);
		row->has_uid = account_number(decision, ASK_USER, row->owner, &row->uid);
	}
	if (attributes->group) {
		free(row->group);
		row->group = mem_strdup(attributes->group);
		row->has_gid = account_number(decision, ASK_GROUP, row->group, &row->gid);
	}
}

/* The attributes of the old row stay where a file is written anew. */
static void keep_attributes(struct node_row *row, struct node_row *old)
{
	row->owner = old->owner;
	row->group = old->group;
	old->owner = old->group = NULL;
	row->has_uid = old->has_uid;
	row->has_gid = old->has_gid;
	row->has_mode = old->has_mode;
	row->uid = old->uid;
	row->gid = old->gid;
	row->mode = old->mode;
}

static void set_content(struct node_row *row, const char *bytes, size_t length)
{
	row->content = mem_strndup(bytes ? bytes : "", length);
	row->length = length;
}

/* A copy of a file on the target is as that is now, or as it would be. */
static void copy_from(const struct overlay *overlay, struct node_row *row, const char *path)
{
	char place[PATH_MOST];
	const struct node_row *from = row_of(overlay, place, path, true);
	if (!from || from->kind != PREDICTED_FILE) {
		row->origin = mem_strdup(place);
		return;
	}
	if (from->content)
		set_content(row, from->content, from->length);
	row->digest = from->digest ? mem_strdup(from->digest) : NULL;
	row->local = from->local ? mem_strdup(from->local) : NULL;
	row->origin = from->origin ? mem_strdup(from->origin) : NULL;
}

static void predict_put(struct overlay *overlay, const struct put *put, const struct decision *decision)
{
	char place[PATH_MOST];
	struct node_row *old = row_of(overlay, place, put->path, put->follow), kept = { 0 };
	if (old && old->kind != PREDICTED_ABSENT)
		keep_attributes(&kept, old);
	struct node_row *row = make(overlay, put->path, put->follow, PREDICTED_FILE);
	keep_attributes(row, &kept);
	if (put->source == PUT_BYTES)
		set_content(row, put->bytes, put->length);
	else if (put->source == PUT_LOCAL_FILE)
		row->local = mem_strdup(put->from);
	else
		copy_from(overlay, row, put->from);
	if (put->sha1) {
		free(row->digest);
		row->digest = mem_strdup(put->sha1);
	}
	set_attributes(row, &put->attributes, decision);
}

static void predict_link(struct overlay *overlay, const struct step_link *link)
{
	struct node_row *row = make(overlay, link->path, false, link->hard ? PREDICTED_FILE : PREDICTED_LINK);
	if (link->hard)
		copy_from(overlay, row, link->target);
	else
		row->target = mem_strdup(link->target);
}

/* Parents that would be made appear with the folder itself. */
static void predict_mkdir(struct overlay *overlay, const struct step_mkdir *mkdir, const struct decision *decision)
{
	struct node_row *row = make(overlay, mkdir->path, true, PREDICTED_DIRECTORY);
	set_attributes(row, &mkdir->attributes, decision);
}

static void predict_remove(struct overlay *overlay, const char *path)
{
	const char *place = make(overlay, path, false, PREDICTED_ABSENT)->path;
	for (struct node_row *row = overlay->rows; row; row = row->next) {
		if (overlay_is_under(row->path, place)) {
			row_clear(row);
			row->kind = PREDICTED_ABSENT;
		}
	}
}

static void predict(struct overlay *overlay, const struct step *step, const struct decision *decision)
{
	char place[PATH_MOST];
	struct node_row *row;
	switch (step->kind) {
	case STEP_PUT:
		predict_put(overlay, &step->put, decision);
		break;
	case STEP_MKDIR:
		predict_mkdir(overlay, &step->mkdir, decision);
		break;
	case STEP_LINK:
		predict_link(overlay, &step->link);
		break;
	case STEP_REMOVE:
		predict_remove(overlay, step->remove.path);
		break;
	case STEP_RENAME:
		copy_from(overlay, make(overlay, step->rename.to, false, PREDICTED_FILE), step->rename.from);
		predict_remove(overlay, step->rename.from);
		break;
	case STEP_SETATTR:
		row = row_of(overlay, place, step->setattr.path, step->setattr.follow);
		if (!row)
			row = make(overlay, place, false, PREDICTED_ATTRIBUTES);
		if (row->kind != PREDICTED_ABSENT)
			set_attributes(row, &step->setattr.attributes, decision);
		break;
	case STEP_RUN:
		if (!step->unchanged && step->effects != EFFECT_NOTHING)
			overlay->uncertain = true;
		break;
	case STEP_GET:
	case STEP_WAIT:
	case STEP_RECONNECT:
		break;
	}
}

void overlay_predict(struct overlay *overlay, const struct decision *decision)
{
	pthread_mutex_lock(&overlay->lock);
	for (size_t i = 0; i < decision->stepped_count; i++)
		predict(overlay, decision->stepped[i].step, decision);
	pthread_mutex_unlock(&overlay->lock);
}

/* ---- asking elsewhere ---- */

const struct ask *overlay_redirect(struct overlay *overlay, struct arena *arena, const struct ask *ask)
{
	bool is_path = ask->kind == ASK_STAT || ask->kind == ASK_READ || ask->kind == ASK_HASH || ask->kind == ASK_LIST;
	if (!is_path || ask->side != ASK_ON_TARGET || strlen(ask->path) >= PATH_MOST)
		return ask;
	char path[PATH_MOST];
	memcpy(path, ask->path, strlen(ask->path) + 1);
	pthread_mutex_lock(&overlay->lock);
	follow_links(overlay, path, ask->kind != ASK_STAT || ask->follow);
	const struct node_row *row = overlay_find(overlay, path);
	bool reads = ask->kind == ASK_READ || ask->kind == ASK_HASH;
	if (row && reads && row->origin && strlen(row->origin) < PATH_MOST)
		memcpy(path, row->origin, strlen(row->origin) + 1);
	pthread_mutex_unlock(&overlay->lock);
	if (strcmp(path, ask->path) == 0)
		return ask;
	struct ask *other = arena_copy(arena, ask, sizeof(*ask));
	other->path = arena_str(arena, path);
	return other;
}

bool overlay_is_uncertain(struct overlay *overlay)
{
	pthread_mutex_lock(&overlay->lock);
	bool uncertain = overlay->uncertain;
	pthread_mutex_unlock(&overlay->lock);
	return uncertain;
}
