/* What copy does with one file and with a whole tree. */
#ifndef NEAP_MODULES_COPY_TASK_H
#define NEAP_MODULES_COPY_TASK_H

#include "modules/file_wish.h"

struct copy_want {
	const char *src, *dest, *directory_mode, *validate, *checksum;
	json_t *content;
	struct file_wish wish;
	int backup, force, remote_src, follow, local_follow, decrypt;
};

struct copy_task {
	const struct copy_want *want;
	struct decision *decision;
	enum ask_side side;       /* where the source is */
	const char *source;       /* its path, without slashes at its end; NULL: content */
	const char *name;         /* what it is called in a folder; NULL: dest must not be a folder */
	const char *origin;       /* where the content comes from, for messages; NULL: the task itself */
	const char *bytes;        /* content */
	size_t length;
	const char *dest;         /* expanded */
	struct file_goal goal;    /* wish.mode may be "preserve" */
	const struct stat_answer *source_stat; /* of source or origin; or NULL */
};

/* An ask about the source, on its side. NULL: not answered yet. */
const struct answer *copy_ask_source(struct copy_task *task, const struct ask *ask);
/* The attributes that a file is wanted to have, where the source has that mode. */
struct file_goal copy_goal(const struct copy_task *task, mode_t source_mode);
/* As file_goal_new or, where the path exists, the wanted attributes of it with the mode made out. */
struct attributes copy_attributes(const struct copy_task *task, const struct file_goal *goal, const struct stat_answer *now);
/* The goal of directories that are made on the way. */
struct file_goal copy_folder_goal(const struct copy_task *task);

/* Tells what would differ in the file at path, which is as now says, once it has the bytes of from (NULL: the content), of that
 * size. false: not answered yet. */
bool copy_show_difference(struct copy_task *task, const char *path, const struct stat_answer *now, const char *from, uint64_t size);

int copy_file(struct copy_task *task);
int copy_tree(struct copy_task *task);

#endif
