/* A host in memory does steps. */
#include "plan/model_host_inside.h"

#include <errno.h>
#include <string.h>
#include <sys/stat.h>

#include "base/mem.h"

static const struct outcome *failed(struct arena *arena, const char *format, const char *path)
{
	struct outcome *outcome = arena_alloc(arena, sizeof(*outcome));
	char text[64];
	outcome->error = arena_printf(arena, "%s %s: %s", format, path, strerror_r(errno, text, sizeof(text)));
	return outcome;
}

static struct outcome *succeeded(struct arena *arena)
{
	struct outcome *outcome = arena_alloc(arena, sizeof(*outcome));
	outcome->ok = true;
	return outcome;
}

static int set_account(json_t *accounts, const char *name, unsigned *number)
{
	char *end;
	unsigned long value = strtoul(name, &end, 10);
	json_t *found = json_object_get(accounts, name);
	if (*name && !*end) {
		*number = (unsigned)value;
		return 0;
	}
	errno = EINVAL;
	if (!found)
		return -1;
	*number = (unsigned)json_integer_value(json_is_object(found) ? json_object_get(found, "id") : found);
	return 0;
}

static int set_attributes(struct model_host *host, struct inode *inode, const struct attributes *attributes)
{
	if ((attributes->owner && set_account(host->users, attributes->owner, &inode->uid) < 0) ||
	    (attributes->group && set_account(host->groups, attributes->group, &inode->gid) < 0))
		return -1;
	if (attributes->has_mode)
		inode->mode = attributes->mode;
	struct timespec now = { .tv_sec = host->files.clock++ };
	if (attributes->has_atime)
		inode->atime = attributes->atime.tv_nsec == UTIME_NOW ? now : attributes->atime;
	if (attributes->has_mtime)
		inode->mtime = attributes->mtime.tv_nsec == UTIME_NOW ? now : attributes->mtime;
	return 0;
}

/* A path whose folder exists, resolved; NULL with errno. On the heap. */
static char *place_for(struct model_host *host, const char *path, bool follow)
{
	auto_free char *real = model_files_resolve(&host->files, path, follow);
	if (!real)
		return NULL;
	auto_free char *folder = mem_strndup(real, (size_t)(strrchr(real, '/') ? strrchr(real, '/') - real : 0));
	struct name *parent = model_files_find(&host->files, folder);
	errno = parent ? ENOTDIR : ENOENT;
	return parent && parent->inode->type == 'd' ? steal(real) : NULL;
}

static int put_content(struct model_host *host, struct model_host *other, const struct put *put, struct buf *content)
{
	if (put->source == PUT_BYTES) {
		buf_add(content, put->bytes, put->length);
		return 0;
	}
	struct inode *from = model_files_look(put->source == PUT_LOCAL_FILE ? &other->files : &host->files, put->from, true);
	if (!from)
		return -1;
	buf_add(content, buf_text(&from->content), from->content.length);
	return 0;
}

static const struct outcome *do_put(struct model_host *host, struct model_host *other, const struct put *put,
                                    struct arena *arena)
{
	auto_buf struct buf content = BUF_INIT;
	auto_free char *real = place_for(host, put->path, put->follow);
	if (!real || put_content(host, other, put, &content) < 0)
		return failed(arena, "write", put->path);
	struct outcome *outcome = succeeded(arena);
	struct name *old = model_files_find(&host->files, real);
	errno = EISDIR;
	if (old && old->inode->type == 'd')
		return failed(arena, "write", put->path);
	bool keeps_mode = old && old->inode->type == 'f';
	struct inode *inode = model_files_inode(&host->files, 'f', keeps_mode ? old->inode->mode : 0644);
	if (keeps_mode) {
		inode->uid = old->inode->uid;
		inode->gid = old->inode->gid;
	}
	buf_add(&inode->content, buf_text(&content), content.length);
	if (old && put->backup) {
		outcome->backup_file = arena_printf(arena, "%s.backup~", put->path);
		model_files_set(&host->files, outcome->backup_file, old->inode);
	}
	model_files_set(&host->files, real, inode);
	if (set_attributes(host, inode, &put->attributes) < 0)
		return failed(arena, "chown", put->path);
	return outcome;
}

static const struct outcome *do_mkdir(struct model_host *host, const struct step_mkdir *mkdir, struct arena *arena)
{
	if (mkdir->parents)
		model_files_make_parents(&host->files, mkdir->path);
	auto_free char *real = place_for(host, mkdir->path, true);
	if (!real)
		return failed(arena, "create directory", mkdir->path);
	struct name *old = model_files_find(&host->files, real);
	errno = EEXIST;
	if (old && old->inode->type != 'd')
		return failed(arena, "create directory", mkdir->path);
	struct inode *inode = old ? old->inode : model_files_make(&host->files, real, 'd', 0755);
	if (set_attributes(host, inode, &mkdir->attributes) < 0)
		return failed(arena, "chown", mkdir->path);
	return succeeded(arena);
}

static const struct outcome *do_link(struct model_host *host, const struct step_link *link, struct arena *arena)
{
	auto_free char *real = place_for(host, link->path, false);
	if (!real)
		return failed(arena, "link", link->path);
	struct name *old = model_files_find(&host->files, real);
	errno = EEXIST;
	if (old && (!link->replace || old->inode->type == 'd'))
		return failed(arena, "link", link->path);
	if (!link->hard) {
		struct inode *inode = model_files_make(&host->files, real, 'l', 0777);
		inode->target = mem_strdup(link->target);
		return succeeded(arena);
	}
	struct inode *target = model_files_look(&host->files, link->target, false);
	if (!target)
		return failed(arena, "link", link->target);
	model_files_set(&host->files, real, target);
	return succeeded(arena);
}

static bool is_inside(const char *path, const char *folder)
{
	size_t length = strlen(folder);
	return strncmp(path, folder, length) == 0 && path[length] == '/';
}

static const struct outcome *do_remove(struct model_host *host, const struct step_remove *remove, struct arena *arena)
{
	auto_free char *real = model_files_resolve(&host->files, remove->path, false);
	if (!real)
		return succeeded(arena);
	for (size_t i = host->files.count; i > 0; i--) {
		if (!is_inside(host->files.names[i - 1].path, real))
			continue;
		errno = ENOTEMPTY;
		if (!remove->recurse)
			return failed(arena, "remove", remove->path);
		auto_free char *path = mem_strdup(host->files.names[i - 1].path);
		model_files_drop(&host->files, path);
		i = host->files.count + 1;
	}
	model_files_drop(&host->files, real);
	return succeeded(arena);
}

static const struct outcome *do_rename(struct model_host *host, const struct step_rename *rename, struct arena *arena)
{
	auto_free char *from = model_files_resolve(&host->files, rename->from, false);
	auto_free char *to = place_for(host, rename->to, false);
	errno = ENOENT;
	if (!from || !to || !model_files_find(&host->files, from))
		return failed(arena, "rename", rename->from);
	size_t length = strlen(from);
	for (size_t i = 0; i < host->files.count; i++) {
		struct name *name = &host->files.names[i];
		if (!is_inside(name->path, from))
			continue;
		char *moved = mem_printf("%s%s", to, name->path + length);
		free(name->path);
		name->path = moved;
	}
	model_files_set(&host->files, to, model_files_find(&host->files, from)->inode);
	model_files_drop(&host->files, from);
	return succeeded(arena);
}

static const struct outcome *do_run(struct model_host *host, const struct step_run *run, struct arena *arena)
{
	json_t *canned = model_command_find(host, &run->command);
	struct outcome *outcome = succeeded(arena);
	if (!canned) {
		auto_buf struct buf words = BUF_INIT;
		command_describe(&words, &run->command);
		outcome->ok = false;
		outcome->error = arena_printf(arena, "the case does not say what this command does: %s", buf_text(&words));
		return outcome;
	}
	model_command_fill(host, arena, canned, &outcome->run);
	outcome->ok = true;
	struct err err = ERR_INIT;
	auto_json json_t *then = json_deep_copy(json_object_get(canned, "then"));
	if (then && model_host_describe(host, then, &err) < 0) {
		outcome->ok = false;
		outcome->error = arena_str(arena, err.text);
	}
	return outcome;
}

static const struct outcome *do_get(struct model_host *host, struct model_host *other, const struct get *get,
                                    struct arena *arena)
{
	struct inode *from = model_files_look(&host->files, get->path, true);
	if (!from || from->type != 'f')
		return failed(arena, "fetch", get->path);
	model_files_make_parents(&other->files, get->to);
	struct inode *to = model_files_make(&other->files, get->to, 'f', 0600);
	buf_add(&to->content, buf_text(&from->content), from->content.length);
	struct outcome *outcome = succeeded(arena);
	outcome->digest = model_files_digest(arena, to, "sha1");
	outcome->size = to->content.length;
	return outcome;
}

const struct outcome *model_host_do(struct model_host *host, struct model_host *other, const struct step *step,
                                    struct arena *arena)
{
	switch (step->kind) {
	case STEP_RUN: return do_run(host, &step->run, arena);
	case STEP_PUT: return do_put(host, other, &step->put, arena);
	case STEP_GET: return do_get(host, other, &step->get, arena);
	case STEP_MKDIR: return do_mkdir(host, &step->mkdir, arena);
	case STEP_LINK: return do_link(host, &step->link, arena);
	case STEP_REMOVE: return do_remove(host, &step->remove, arena);
	case STEP_RENAME: return do_rename(host, &step->rename, arena);
	case STEP_SETATTR: {
		struct inode *inode = model_files_look(&host->files, step->setattr.path, step->setattr.follow);
		if (!inode || set_attributes(host, inode, &step->setattr.attributes) < 0)
			return failed(arena, "set", step->setattr.path);
		return succeeded(arena);
	}
	case STEP_WAIT: return succeeded(arena);
	case STEP_RECONNECT: return do_run(host, &(struct step_run){ .command = step->reconnect.command }, arena);
	}
	return NULL;
}
