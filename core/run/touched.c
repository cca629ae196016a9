/* The effects of steps on asks: the plain definition, and a table of paths that finds the same by hashing. */
#include "run/touched.h"

#include <stdlib.h>
#include <string.h>

#include "base/index.h"
#include "base/mem.h"

/* ---- the definition ---- */

/* "/srv" is above "/srv/www" and itself; "/" is above everything. */
static bool is_above(const char *folder, const char *path)
{
	size_t length = strlen(folder);
	while (length > 1 && folder[length - 1] == '/')
		length--;
	return strncmp(folder, path, length) == 0 &&
	       (path[length] == '/' || path[length] == '\0' || (length == 1 && folder[0] == '/'));
}

/* Where the last part of a path begins, with its slash. */
static size_t name_at(const char *path)
{
	const char *name = strrchr(path, '/');
	return name ? (size_t)(name - path) : 0;
}

static bool is_right_above(const char *folder, const char *path)
{
	return is_above(folder, path) && name_at(path) <= strlen(folder);
}

/* Whether the steps can only change what is at their paths, under them, and in the folder right above. */
static bool makes_no_parents(const struct step *step)
{
	return step->kind != STEP_RUN && !(step->kind == STEP_MKDIR && step->mkdir.parents);
}

static bool changes_above(const struct step *step, const struct ask *ask, const char *touched)
{
	if (!makes_no_parents(step) || (ask->kind == ASK_LIST && ask->recurse))
		return is_above(ask->path, touched);
	return !ask->only_type && is_right_above(ask->path, touched);
}

bool touched_reaches(const struct touched *touched, const struct ask *ask)
{
	for (size_t i = 0; i < touched->count; i++) {
		const struct step *step = touched->steps[i];
		if (step->effects == EFFECT_EVERYTHING)
			return true;
		for (const char *const *path = step->paths; step->effects == EFFECT_PATHS && path && *path; path++) {
			if (is_above(*path, ask->path) || changes_above(step, ask, *path))
				return true;
		}
	}
	return false;
}

/* ---- the table ---- */

/* What a path is to the touched ones. */
enum { IS_TOUCHED = 1, IS_ABOVE = 2, IS_RIGHT_ABOVE = 4, MAY_BE_MADE = 8 };

struct touched_path {
	const char *path; /* of a step, up to length */
	size_t length;
	unsigned flags;
};

struct touched_set {
	bool everything;
	struct touched_path *paths;
	size_t count, room;
	struct index index;
};

static unsigned code_more(unsigned code, char byte) { return (code ^ (unsigned char)byte) * 16777619u; }

static struct touched_path *find(const struct touched_set *set, unsigned code, const char *path, size_t length)
{
	size_t probe = 0, number;
	while (index_next(&set->index, code, &probe, &number)) {
		struct touched_path *found = &set->paths[number];
		if (found->length == length && memcmp(found->path, path, length) == 0)
			return found;
	}
	return NULL;
}

static void mark(struct touched_set *set, unsigned code, const char *path, size_t length, unsigned flags)
{
	struct touched_path *found = find(set, code, path, length);
	if (!found) {
		mem_grow(set->paths, set->count, set->room);
		index_add(&set->index, code, set->count);
		found = &set->paths[set->count++];
		*found = (struct touched_path){ path, length, 0 };
	}
	found->flags |= flags;
}

/* The path and all above it. "/" is the only one that ends in a slash. */
static void mark_path(struct touched_set *set, const struct step *step, const char *path)
{
	unsigned above = makes_no_parents(step) ? IS_ABOVE : IS_ABOVE | MAY_BE_MADE, code = 0;
	size_t name = name_at(path), end = strlen(path);
	while (end > 1 && path[end - 1] == '/')
		end--;
	if (path[0] == '/')
		mark(set, code_more(0, '/'), "/", 1, name == 0 ? above | IS_RIGHT_ABOVE : above);
	for (size_t i = 0; path[i]; i++) {
		if (i == end)
			mark(set, code, path, end, IS_TOUCHED);
		if (i && path[i] == '/')
			mark(set, code, path, i, i >= name ? above | IS_RIGHT_ABOVE : above);
		code = code_more(code, path[i]);
	}
	if (!path[end])
		mark(set, code, path, end, IS_TOUCHED);
}

struct touched_set *touched_set_new(const struct touched *touched)
{
	struct touched_set *set = mem_alloc(sizeof(*set));
	for (size_t i = 0; i < touched->count; i++) {
		const struct step *step = touched->steps[i];
		set->everything |= step->effects == EFFECT_EVERYTHING;
		for (const char *const *path = step->paths; step->effects == EFFECT_PATHS && path && *path; path++)
			mark_path(set, step, *path);
	}
	return set;
}

void touched_set_free(struct touched_set *set)
{
	if (!set)
		return;
	free(set->paths);
	index_release(&set->index);
	free(set);
}

bool touched_set_reaches(const struct touched_set *set, const struct ask *ask)
{
	const struct touched_path *found = find(set, code_more(0, '/'), "/", 1);
	unsigned code = 0;
	size_t i = 0;
	if (set->everything || (found && found->flags & IS_TOUCHED))
		return true;
	/* Is the path, or one above it, touched? */
	for (;; i++) {
		found = ask->path[i] == '/' || !ask->path[i] ? find(set, code, ask->path, i) : NULL;
		if (found && found->flags & IS_TOUCHED)
			return true;
		if (!ask->path[i])
			break;
		code = code_more(code, ask->path[i]);
	}
	/* Is one under it? */
	if (!found)
		return false;
	if (found->flags & MAY_BE_MADE || (ask->kind == ASK_LIST && ask->recurse && found->flags & IS_ABOVE))
		return true;
	return !ask->only_type && found->flags & IS_RIGHT_ABOVE;
}
