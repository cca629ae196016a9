/* The files of a host in memory. */
#include "plan/model_files.h"

#include <errno.h>
#include <string.h>

#include "base/digest.h"
#include "base/mem.h"

enum { LINKS_MOST = 40 };

static void inode_unref(struct inode *inode)
{
	if (!inode || --inode->references)
		return;
	buf_release(&inode->content);
	free(inode->target);
	free(inode);
}

struct name *model_files_find(struct model_files *files, const char *path)
{
	for (size_t i = 0; i < files->count; i++) {
		if (strcmp(files->names[i].path, path) == 0)
			return &files->names[i];
	}
	return NULL;
}

void model_files_drop(struct model_files *files, const char *path)
{
	struct name *name = model_files_find(files, path);
	if (!name)
		return;
	free(name->path);
	inode_unref(name->inode);
	*name = files->names[--files->count];
}

void model_files_set(struct model_files *files, const char *path, struct inode *inode)
{
	inode->references++;
	model_files_drop(files, path);
	mem_grow(files->names, files->count, files->room);
	files->names[files->count++] = (struct name){ mem_strdup(path), inode };
}

struct inode *model_files_inode(struct model_files *files, char type, mode_t mode)
{
	struct inode *inode = mem_alloc(sizeof(*inode));
	inode->number = ++files->last_inode;
	inode->type = type;
	inode->mode = mode;
	inode->atime.tv_sec = inode->mtime.tv_sec = files->clock++;
	return inode;
}

struct inode *model_files_make(struct model_files *files, const char *path, char type, mode_t mode)
{
	struct inode *inode = model_files_inode(files, type, mode);
	model_files_set(files, path, inode);
	return inode;
}

/* Goes on from the folder real to the part of length bytes at part, what is behind it being rest. 1: it is a symlink to be
 * followed, whose way is in next; -1 with errno. */
static int go_to(struct model_files *files, struct buf *real, const char *part, size_t length, bool follow, struct buf *next)
{
	const char *rest = part + length;
	bool is_last = !rest[strspn(rest, "/")];
	size_t parent = real->length;
	buf_char(real, '/');
	buf_add(real, part, length);
	const struct name *name = model_files_find(files, buf_text(real));
	errno = ENOENT;
	if (!name)
		return is_last ? 0 : -1;
	if (name->inode->type == 'l' && (!is_last || follow)) {
		if (*name->inode->target != '/')
			buf_add(next, real->data, parent);
		buf_printf(next, "/%s%s", name->inode->target, rest);
		return 1;
	}
	errno = name->inode->denied ? EACCES : ENOTDIR;
	return name->inode->denied || (!is_last && name->inode->type != 'd') ? -1 : 0;
}

static void go_up(struct buf *real)
{
	const char *slash = real->length ? strrchr(real->data, '/') : NULL;
	real->length = slash ? (size_t)(slash - real->data) : 0;
	if (real->data)
		real->data[real->length] = 0;
}

static char *resolve(struct model_files *files, const char *path, bool follow, int links)
{
	auto_buf struct buf real = BUF_INIT, next = BUF_INIT;
	if (links > LINKS_MOST) {
		errno = ELOOP;
		return NULL;
	}
	buf_str(&real, *path == '/' ? "" : "/root");
	for (path += strspn(path, "/"); *path; path += strspn(path, "/")) {
		size_t length = strcspn(path, "/");
		int gone = 0;
		if (length == 2 && memcmp(path, "..", 2) == 0)
			go_up(&real);
		else if (length != 1 || *path != '.')
			gone = go_to(files, &real, path, length, follow, &next);
		if (gone)
			return gone < 0 ? NULL : resolve(files, buf_text(&next), follow, links + 1);
		path += length;
	}
	return buf_take(&real);
}

char *model_files_resolve(struct model_files *files, const char *path, bool follow)
{
	return resolve(files, path, follow, 0);
}

struct inode *model_files_look(struct model_files *files, const char *path, bool follow)
{
	auto_free char *real = model_files_resolve(files, path, follow);
	if (!real)
		return NULL;
	struct name *name = model_files_find(files, real);
	if (!name)
		errno = ENOENT;
	return name ? name->inode : NULL;
}

void model_files_make_parents(struct model_files *files, const char *path)
{
	for (const char *slash = strchr(path + 1, '/'); slash; slash = strchr(slash + 1, '/')) {
		auto_free char *folder = mem_strndup(path, (size_t)(slash - path));
		if (!model_files_find(files, folder))
			model_files_make(files, folder, 'd', 0755);
	}
}

const char *model_files_digest(struct arena *arena, const struct inode *inode, const char *algorithm)
{
	char hex[DIGEST_HEX_MAX];
	digest_bytes(algorithm, buf_text(&inode->content), inode->content.length, hex);
	return arena_str(arena, hex);
}

void model_files_release(struct model_files *files)
{
	for (size_t i = 0; i < files->count; i++) {
		free(files->names[i].path);
		inode_unref(files->names[i].inode);
	}
	free(files->names);
	*files = (struct model_files){ 0 };
}
