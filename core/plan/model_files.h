/* The files of a host in memory: inodes, and the names they have. Paths that functions take resolved are absolute, without
 * slashes at their end and without symlinks on the way; "" is the root. */
#ifndef NEAP_PLAN_MODEL_FILES_H
#define NEAP_PLAN_MODEL_FILES_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>
#include <time.h>

#include "base/arena.h"
#include "base/buf.h"

struct inode {
	unsigned references; /* how many names it has */
	uint64_t number;
	char type; /* f, d, l, p: as in struct stat_answer */
	mode_t mode;
	uid_t uid;
	gid_t gid;
	struct buf content;
	char *target;
	bool denied; /* nobody may go there */
	struct timespec atime, mtime;
};

struct name { char *path; struct inode *inode; };

struct model_files {
	struct name *names;
	size_t count, room;
	uint64_t last_inode;
	time_t clock; /* the time now, which goes on by a second with each inode that is made or changed */
};

void model_files_release(struct model_files *files);
/* A new inode without a name. */
struct inode *model_files_inode(struct model_files *files, char type, mode_t mode);
/* Gives an inode a name, in place of what had it before. path is resolved. */
void model_files_set(struct model_files *files, const char *path, struct inode *inode);
/* Both at once. */
struct inode *model_files_make(struct model_files *files, const char *path, char type, mode_t mode);
/* Makes what folders there are not yet above a path, which has no symlinks in it. */
void model_files_make_parents(struct model_files *files, const char *path);
/* Takes a name away, and its inode with the last one. path is resolved. */
void model_files_drop(struct model_files *files, const char *path);
/* The name that is a resolved path; NULL: there is none. Good until a name is set or dropped. */
struct name *model_files_find(struct model_files *files, const char *path);
/* The real path of a path, with symlinks on the way resolved, and the last one too where it is to be followed. NULL with
 * errno: a folder on the way is missing, or symlinks go in a circle. The last part itself need not exist. On the heap. */
char *model_files_resolve(struct model_files *files, const char *path, bool follow);
/* The inode at a path, NULL with errno. */
struct inode *model_files_look(struct model_files *files, const char *path, bool follow);
/* The digest of a file's content in hex, in the arena. */
const char *model_files_digest(struct arena *arena, const struct inode *inode, const char *algorithm);

#endif
