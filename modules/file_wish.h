/* Mode, owner and group that a task wants a path to have: what differs, and what the result says. For file, copy and
 * their like. */
#ifndef NEAP_MODULES_FILE_WISH_H
#define NEAP_MODULES_FILE_WISH_H

#include "plan/module.h"

struct file_wish {
	const char *mode, *owner, *group; /* NULL: as it is */
};

/* A wish with the numbers behind its names. */
struct file_goal {
	struct file_wish wish;
	bool has_uid, has_gid;
	long long uid, gid;
};

/* Looks the names up on the target. -1: not answered yet, or the task was failed. To be called before the first step, as
 * asks behind a step are asked anew. */
int file_goal_find(struct file_goal *goal, const struct file_wish *wish, struct decision *decision);
/* Adds what differs from the path as it is to change and to the differences shown; whether anything does. A symlink's mode
 * is left alone. */
bool file_goal_compare(const struct file_goal *goal, struct decision *decision, const char *path,
                       const struct stat_answer *now, struct attributes *change);
/* The attributes of a path that is to be made. */
struct attributes file_goal_new(const struct file_goal *goal, const struct decision *decision, bool is_directory);

/* "file", "hard", "directory", "link" or "absent", as Ansible's file names them. */
const char *file_state(const struct stat_answer *stat);
/* uid, gid, owner, group, mode, state, size. */
void file_result(struct decision *decision, const struct stat_answer *stat);
/* The documentation of what file_result sets, but for the state. */
#define FILE_RETURNS                                              \
	{ "mode", "str", "Its permissions, like 0644." },             \
	{ "owner", "str", "The owner's name." },                      \
	{ "group", "str", "The group's name." },                      \
	{ "uid", "int", "The owner's number." },                      \
	{ "gid", "int", "The group's number." },                      \
	{ "size", "int", "Its size in bytes." }

/* One attribute's difference, with the path as its context. */
void file_diff(struct decision *decision, const char *path, const char *name, json_t *before, json_t *after);

/* words: what a mode may be beside a mode, or NULL. */
#define FILE_WISH_ARGS(want, words) FILE_WISH_ARGS_IN(want, wish, words)
/* The wish is the member of that name. */
#define FILE_WISH_ARGS_IN(want, member, words)                                                                                  \
	{ .name = "mode", .type = ARG_MODE, .choices = words, .offset = offsetof(struct want, member.mode),                \
	  .doc = "The permissions: octal digits in a string (\"0644\") or symbols (\"u=rw,go=r\"). Without it they stay as "  \
	         "they are; a new path gets what the target's umask leaves." },                                           \
	{ .name = "owner", .offset = offsetof(struct want, member.owner), .doc = "The owner, a name or a number." },           \
	{ .name = "group", .offset = offsetof(struct want, member.group), .doc = "The group, a name or a number." }

#endif
