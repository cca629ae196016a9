/* A host in memory. */
#include "plan/model_host.h"

#include <errno.h>
#include <fnmatch.h>
#include <string.h>
#include <sys/stat.h>

#include "base/digest.h"
#include "base/mem.h"
#include "plan/mode.h"

enum { LINKS_MOST = 40, CLOCK_START = 1700000000 };

struct inode {
	unsigned references;
	uint64_t number;
	char type;
	mode_t mode;
	uid_t uid;
	gid_t gid;
	struct buf content;
	char *target;
	bool denied;
	struct timespec atime, mtime;
};

struct name { char *path; struct inode *inode; }; /* path: absolute, without slashes at its end; "" is the root */

struct model_host {
	struct name *names;
	size_t count, room;
	json_t *users, *groups;
	json_t *commands; /* the first that matches counts */
	json_t *facts;    /* all of them, whatever subset is asked for; NULL: none were described */
	uint64_t next_inode;
	long clock;
};

/* ---- names ---- */

static void inode_unref(struct inode *inode)
{
	if (!inode || --inode->references)
		return;
	buf_release(&inode->content);
	free(inode->target);
	free(inode);
}

static struct name *find_name(struct model_host *host, const char *path)
{
	for (size_t i = 0; i < host->count; i++) {
		if (strcmp(host->names[i].path, path) == 0)
			return &host->names[i];
	}
	return NULL;
}

static void drop_name(struct model_host *host, const char *path)
{
	struct name *name = find_name(host, path);
	if (!name)
		return;
	free(name->path);
	inode_unref(name->inode);
	*name = host->names[--host->count];
}

static void set_name(struct model_host *host, const char *path, struct inode *inode)
{
	inode->references++;
	drop_name(host, path);
	mem_grow(host->names, host->count, host->room);
	host->names[host->count++] = (struct name){ mem_strdup(path), inode };
}

static struct inode *inode_new(struct model_host *host, char type, mode_t mode)
{
	struct inode *inode = mem_alloc(sizeof(*inode));
	inode->number = ++host->next_inode;
	inode->type = type;
	inode->mode = mode;
	inode->atime.tv_sec = inode->mtime.tv_sec = host->clock++;
	return inode;
}

static struct inode *make(struct model_host *host, const char *path, char type, mode_t mode)
{
	struct inode *inode = inode_new(host, type, mode);
	set_name(host, path, inode);
	return inode;
}

/* The real path of a path, with symlinks on the way resolved, and the last one too where it is to be followed. NULL with
 * errno: a folder on the way is missing, or symlinks go in a circle. The last part itself need not exist. On the heap. */
static char *resolve(struct model_host *host, const char *path, bool follow, int links)
{
	auto_buf struct buf real = BUF_INIT;
	buf_str(&real, *path == '/' ? "" : "/root");
	while (*path) {
		path += strspn(path, "/");
		size_t length = strcspn(path, "/");
		if (!length)
			break;
		const char *rest = path + length;
		bool is_last = !rest[strspn(rest, "/")];
		if (length == 2 && memcmp(path, "..", 2) == 0) {
			const char *slash = real.length ? strrchr(real.data, '/') : NULL;
			real.length = slash ? (size_t)(slash - real.data) : 0;
			if (real.data)
				real.data[real.length] = 0;
		} else if (length != 1 || *path != '.') {
			size_t parent = real.length;
			buf_char(&real, '/');
			buf_add(&real, path, length);
			struct name *name = find_name(host, buf_text(&real));
			if (!name && !is_last) {
				errno = ENOENT;
				return NULL;
			}
			if (name && name->inode->type == 'l' && (!is_last || follow)) {
				if (links >= LINKS_MOST) {
					errno = ELOOP;
					return NULL;
				}
				auto_buf struct buf next = BUF_INIT;
				if (*name->inode->target != '/')
					buf_add(&next, real.data, parent);
				buf_printf(&next, "/%s%s", name->inode->target, rest);
				return resolve(host, buf_text(&next), follow, links + 1);
			}
			if (name && !is_last && name->inode->type != 'd') {
				errno = ENOTDIR;
				return NULL;
			}
			if (name && name->inode->denied) {
				errno = EACCES;
				return NULL;
			}
		}
		path = rest;
	}
	return buf_take(&real);
}

/* The inode at a path, NULL with errno. */
static struct inode *look(struct model_host *host, const char *path, bool follow)
{
	auto_free char *real = resolve(host, path, follow, 0);
	if (!real)
		return NULL;
	struct name *name = find_name(host, real);
	if (!name)
		errno = ENOENT;
	return name ? name->inode : NULL;
}

/* ---- descriptions ---- */

/* Adds text with \xNN made a byte. */
static void add_bytes(struct buf *buf, const char *text)
{
	for (; *text; text++) {
		unsigned byte;
		if (text[0] == '\\' && text[1] == 'x' && sscanf(text + 2, "%2x", &byte) == 1) {
			buf_char(buf, (char)byte);
			text += 3;
		} else {
			buf_char(buf, *text);
		}
	}
}

static unsigned account_number(json_t *accounts, json_t *name)
{
	if (json_is_integer(name))
		return (unsigned)json_integer_value(name);
	return (unsigned)json_integer_value(json_object_get(accounts, json_string_value(name) ? json_string_value(name) : "root"));
}

static void make_parents(struct model_host *host, const char *path)
{
	for (const char *slash = strchr(path + 1, '/'); slash; slash = strchr(slash + 1, '/')) {
		auto_free char *folder = mem_strndup(path, (size_t)(slash - path));
		if (!find_name(host, folder))
			make(host, folder, 'd', 0755);
	}
}

static int describe_file(struct model_host *host, const char *key, json_t *about, struct err *err)
{
	static const char *const types[] = { "file", "directory", "link", "fifo", NULL };
	auto_buf struct buf path = BUF_INIT;
	add_bytes(&path, key);
	while (path.length > 1 && path.data[path.length - 1] == '/')
		path.data[--path.length] = 0;
	make_parents(host, buf_text(&path));
	const char *same_as = json_string_value(json_object_get(about, "same_as"));
	if (same_as) {
		struct name *other = find_name(host, same_as);
		if (!other)
			return err_set(err, ERR_INPUT, "%s is to be the same as %s, which is not there yet", key, same_as);
		set_name(host, buf_text(&path), other->inode);
		return 0;
	}
	const char *type = json_string_value(json_object_get(about, "type"));
	size_t i = 0;
	while (type && types[i] && strcmp(types[i], type) != 0)
		i++;
	if (!types[i])
		return err_set(err, ERR_INPUT, "%s has the unknown type \"%s\"", key, type);
	struct inode *inode = make(host, buf_text(&path), "fdlp"[i], i == 1 ? 0755 : i == 2 ? 0777 : 0644);
	const char *mode = json_string_value(json_object_get(about, "mode"));
	const char *content = json_string_value(json_object_get(about, "content"));
	if (mode)
		inode->mode = mode_apply(mode, 0, false, 0);
	if (content)
		add_bytes(&inode->content, content);
	inode->target = mem_strdup(json_string_value(json_object_get(about, "target")));
	if (inode->type == 'l' && !inode->target)
		return err_set(err, ERR_INPUT, "the link %s has no target", key);
	inode->uid = account_number(host->users, json_object_get(about, "owner"));
	inode->gid = account_number(host->groups, json_object_get(about, "group"));
	inode->denied = json_is_true(json_object_get(about, "denied"));
	if (json_object_get(about, "mtime"))
		inode->mtime.tv_sec = (time_t)json_integer_value(json_object_get(about, "mtime"));
	return 0;
}

/* Adds what a description says to what is there. */
static int describe(struct model_host *host, json_t *description, struct err *err)
{
	const char *key;
	json_t *value;
	size_t i;
	if (json_object_get(description, "facts")) {
		json_decref(host->facts);
		host->facts = json_deep_copy(json_object_get(description, "facts"));
	}
	json_object_update(host->users, json_object_get(description, "users"));
	json_object_update(host->groups, json_object_get(description, "groups"));
	json_array_foreach(json_object_get(description, "remove_users"), i, value)
		json_object_del(host->users, json_string_value(value));
	json_object_foreach(json_object_get(description, "files"), key, value) {
		if (describe_file(host, key, value, err) < 0)
			return -1;
	}
	json_array_foreach(json_object_get(description, "remove"), i, value)
		drop_name(host, json_string_value(value) ? json_string_value(value) : "");
	json_t *commands = json_object_get(description, "commands");
	for (i = json_array_size(commands); i > 0; i--)
		json_array_insert(host->commands, 0, json_array_get(commands, i - 1));
	return 0;
}

struct model_host *model_host_new(json_t *description, struct err *err)
{
	struct model_host *host = mem_alloc(sizeof(*host));
	host->clock = CLOCK_START;
	host->users = json_pack("{s:i}", "root", 0);
	host->groups = json_pack("{s:i}", "root", 0);
	host->commands = json_array();
	make(host, "", 'd', 0755);
	make(host, "/root", 'd', 0700);
	make(host, "/tmp", 'd', 01777);
	auto_json json_t *own = json_deep_copy(description);
	if (describe(host, own, err) == 0)
		return host;
	model_host_free(host);
	return NULL;
}

void model_host_free(struct model_host *host)
{
	if (!host)
		return;
	for (size_t i = 0; i < host->count; i++) {
		free(host->names[i].path);
		inode_unref(host->names[i].inode);
	}
	free(host->names);
	json_decref(host->users);
	json_decref(host->groups);
	json_decref(host->commands);
	json_decref(host->facts);
	free(host);
}

/* ---- answers ---- */

static void set_errno(struct answer *answer)
{
	answer->state = errno == ENOENT || errno == ENOTDIR ? ANSWER_ABSENT : errno == EACCES ? ANSWER_DENIED : ANSWER_FAILED;
	char text[64];
	answer->why = arena_str(&answer->arena, strerror_r(errno, text, sizeof(text)));
}

static void set_failed(struct answer *answer, const char *why)
{
	answer->state = ANSWER_FAILED;
	answer->why = why;
}

static const char *account_name(struct arena *arena, json_t *accounts, unsigned number)
{
	const char *name;
	json_t *value;
	json_object_foreach(accounts, name, value) {
		json_t *id = json_is_object(value) ? json_object_get(value, "id") : value;
		if (json_integer_value(id) == (json_int_t)number)
			return arena_str(arena, name);
	}
	return arena_printf(arena, "%u", number);
}

static void fill_stat(struct model_host *host, struct arena *arena, const struct inode *inode, struct stat_answer *stat)
{
	*stat = (struct stat_answer){
		.type = inode->type, .mode = inode->mode, .uid = inode->uid, .gid = inode->gid,
		.owner = account_name(arena, host->users, inode->uid), .group = account_name(arena, host->groups, inode->gid),
		.size = inode->type == 'l' ? strlen(inode->target) : inode->content.length, .device = 1, .inode = inode->number,
		.links = inode->type == 'd' ? 2 : inode->references, .blocks = 8, .block_size = 4096,
		.atime = inode->atime, .mtime = inode->mtime, .ctime = inode->mtime, .readable = true, .writable = true,
		.executable = inode->mode & 0111, .target = inode->type == 'l' ? arena_str(arena, inode->target) : NULL,
	};
}

static struct inode *look_at_file(struct model_host *host, const char *path, struct answer *answer)
{
	struct inode *inode = look(host, path, true);
	if (!inode)
		set_errno(answer);
	else if (inode->type != 'f')
		set_failed(answer, "it is not a regular file");
	return inode && inode->type == 'f' ? inode : NULL;
}

static const char *digest(struct arena *arena, const struct inode *inode, const char *algorithm)
{
	char hex[DIGEST_HEX_MAX];
	digest_bytes(algorithm, buf_text(&inode->content), inode->content.length, hex);
	return arena_str(arena, hex);
}

static int compare_entries(const void *a, const void *b)
{
	return strcmp(((const struct list_entry *)a)->name, ((const struct list_entry *)b)->name);
}

static void answer_list(struct model_host *host, const struct ask *ask, struct answer *answer)
{
	auto_free char *real = resolve(host, ask->path, true, 0);
	struct name *folder = real ? find_name(host, real) : NULL;
	if (!folder || folder->inode->type != 'd') {
		if (real)
			errno = ENOENT;
		set_errno(answer);
		if (folder)
			set_failed(answer, "it is not a directory");
		return;
	}
	struct list_entry *entries = arena_array(&answer->arena, host->count, sizeof(*entries));
	size_t length = strlen(real), count = 0;
	for (size_t i = 0; i < host->count; i++) {
		const char *path = host->names[i].path;
		if (strncmp(path, real, length) != 0 || path[length] != '/' || (!ask->recurse && strchr(path + length + 1, '/')))
			continue;
		const struct inode *inode = host->names[i].inode;
		entries[count].name = arena_str(&answer->arena, path + length + 1);
		fill_stat(host, &answer->arena, inode, &entries[count].stat);
		if (ask->algorithm && inode->type == 'f')
			entries[count].digest = digest(&answer->arena, inode, ask->algorithm);
		count++;
	}
	qsort(entries, count, sizeof(*entries), compare_entries);
	answer->list = (struct list_answer){ entries, count };
}

static int compare_names(const void *a, const void *b)
{
	return strcmp(*(const char *const *)a, *(const char *const *)b);
}

static void answer_glob(struct model_host *host, const struct ask *ask, struct answer *answer)
{
	const char **names = arena_array(&answer->arena, host->count + 1, sizeof(*names));
	size_t count = 0;
	for (size_t i = 0; i < host->count; i++) {
		if (fnmatch(ask->path, host->names[i].path, FNM_PATHNAME | FNM_PERIOD) == 0)
			names[count++] = arena_str(&answer->arena, host->names[i].path);
	}
	qsort(names, count, sizeof(*names), compare_names);
	answer->glob = (struct names_answer){ names, count };
}

static void answer_account(struct model_host *host, const struct ask *ask, struct answer *answer)
{
	bool is_user = ask->kind == ASK_USER;
	json_t *accounts = is_user ? host->users : host->groups;
	const char *name = ask->path;
	char *end;
	unsigned long number = strtoul(name, &end, 10);
	if (*name && !*end)
		name = account_name(&answer->arena, accounts, (unsigned)number);
	json_t *value = json_object_get(accounts, name);
	if (!value) {
		answer->state = ANSWER_ABSENT;
		answer->why = is_user ? "there is no such user" : "there is no such group";
		return;
	}
	/* An account is its number, or a dictionary with more. */
	json_t *id = json_is_object(value) ? json_object_get(value, "id") : value;
	if (!is_user) {
		answer->group = (struct group_answer){ .name = arena_str(&answer->arena, name), .gid = (gid_t)json_integer_value(id) };
		return;
	}
	const char *home = json_string_value(json_object_get(value, "home")), *shell = json_string_value(json_object_get(value, "shell"));
	const char *comment = json_string_value(json_object_get(value, "comment"));
	answer->user = (struct user_answer){
		.name = arena_str(&answer->arena, name), .uid = (uid_t)json_integer_value(id),
		.gid = (gid_t)json_integer_value(json_is_object(value) ? json_object_get(value, "group") : id),
		.comment = arena_str(&answer->arena, comment ? comment : ""),
		.home = home ? arena_str(&answer->arena, home) : arena_printf(&answer->arena, "/home/%s", name),
		.shell = arena_str(&answer->arena, shell ? shell : "/bin/sh"),
	};
	json_t *groups = json_object_get(value, "groups");
	const char **names = arena_array(&answer->arena, json_array_size(groups) + 1, sizeof(*names));
	for (size_t i = 0; i < json_array_size(groups); i++)
		names[i] = arena_str(&answer->arena, json_string_value(json_array_get(groups, i)));
	answer->user.groups = names;
	answer->user.group_count = json_array_size(groups);
}

/* Where Ansible looks for files, on a controller that is a model. */
static void answer_find(struct model_host *host, const struct ask *ask, struct answer *answer)
{
	const char *const tries[] = {
		*ask->path == '/' ? ask->path : arena_printf(&answer->arena, "/%s/%s", ask->folder ? ask->folder : "", ask->path),
		*ask->path == '/' ? ask->path : arena_printf(&answer->arena, "/%s", ask->path),
	};
	for (size_t i = 0; i < 2; i++) {
		if (look(host, tries[i], true)) {
			answer->found = arena_str(&answer->arena, tries[i]);
			return;
		}
	}
	answer->state = ANSWER_ABSENT;
	answer->why = "it is not there";
}

/* ---- commands ---- */

/* A script is given whole, or its start with a "*" behind. */
static bool is_script(const char *canned, const char *script)
{
	size_t length = strlen(canned);
	if (length && canned[length - 1] == '*')
		return strncmp(canned, script, length - 1) == 0;
	return strcmp(canned, script) == 0;
}

static bool is_command(json_t *canned, const struct command *command)
{
	const char *script = json_string_value(json_object_get(canned, "script"));
	if (script || command->script)
		return script && command->script && is_script(script, command->script);
	json_t *argv = json_object_get(canned, "argv");
	size_t count = 0;
	while (command->argv && command->argv[count])
		count++;
	if (count != json_array_size(argv))
		return false;
	for (size_t i = 0; i < count; i++) {
		const char *word = json_string_value(json_array_get(argv, i));
		if (!word || (strcmp(word, "*") != 0 && strcmp(word, command->argv[i]) != 0)) /* "*": any word */
			return false;
	}
	return count > 0;
}

static json_t *find_command(struct model_host *host, const struct command *command)
{
	size_t i;
	json_t *canned;
	json_array_foreach(host->commands, i, canned) {
		if (is_command(canned, command))
			return canned;
	}
	return NULL;
}

static const char *stream_of(struct arena *arena, json_t *canned, const char *name, size_t *length)
{
	auto_buf struct buf bytes = BUF_INIT;
	const char *text = json_string_value(json_object_get(canned, name));
	add_bytes(&bytes, text ? text : "");
	*length = bytes.length;
	return arena_copy(arena, buf_text(&bytes), bytes.length);
}

static void fill_run(struct model_host *host, struct arena *arena, json_t *canned, struct command_result *run)
{
	*run = (struct command_result){ .ended = ENDED_EXIT, .code = (int)json_integer_value(json_object_get(canned, "rc")) };
	run->output = stream_of(arena, canned, "stdout", &run->output_length);
	run->errors = stream_of(arena, canned, "stderr", &run->errors_length);
	run->start_us = run->end_us = (int64_t)host->clock * 1000000;
}

static void answer_run(struct model_host *host, const struct ask *ask, struct answer *answer)
{
	json_t *canned = find_command(host, &ask->command);
	if (canned)
		fill_run(host, &answer->arena, canned, &answer->run);
	else
		set_failed(answer, "the case does not say what this command gives");
}

struct answer *model_host_answer(struct model_host *host, const struct ask *ask)
{
	struct answer *answer = answer_new();
	struct inode *inode;
	switch (ask->kind) {
	case ASK_STAT:
		if ((inode = look(host, ask->path, ask->follow)))
			fill_stat(host, &answer->arena, inode, &answer->stat);
		else
			set_errno(answer);
		if (ask->only_type)
			answer->stat = (struct stat_answer){ .type = answer->stat.type, .owner = "", .group = "" };
		break;
	case ASK_READ:
	case ASK_RENDER: /* a template without tags gives itself */
		if ((inode = look_at_file(host, ask->path, answer)))
			answer->read = (struct bytes_answer){
				arena_copy(&answer->arena, buf_text(&inode->content), inode->content.length), inode->content.length };
		break;
	case ASK_HASH:
		if ((inode = look_at_file(host, ask->path, answer)))
			answer->hash = digest(&answer->arena, inode, ask->algorithm);
		break;
	case ASK_LIST: answer_list(host, ask, answer); break;
	case ASK_GLOB: answer_glob(host, ask, answer); break;
	case ASK_RUN: answer_run(host, ask, answer); break;
	case ASK_USER: case ASK_GROUP: answer_account(host, ask, answer); break;
	case ASK_FIND: answer_find(host, ask, answer); break;
	case ASK_VARS:
		if ((inode = look_at_file(host, ask->path, answer)))
			answer->facts = json_loadb(buf_text(&inode->content), inode->content.length, JSON_DECODE_ANY, NULL);
		break;
	case ASK_VARIABLE:
	case ASK_PROMPT: answer->state = ANSWER_ABSENT; break;
	case ASK_FACTS:
		if (host->facts)
			answer->facts = json_deep_copy(host->facts);
		else
			set_failed(answer, "the host of this case has no facts");
		break;
	}
	return answer;
}

/* ---- steps ---- */

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
	struct timespec now = { .tv_sec = host->clock++ };
	if (attributes->has_atime)
		inode->atime = attributes->atime.tv_nsec == UTIME_NOW ? now : attributes->atime;
	if (attributes->has_mtime)
		inode->mtime = attributes->mtime.tv_nsec == UTIME_NOW ? now : attributes->mtime;
	return 0;
}

/* A path whose folder exists, resolved; NULL with errno. On the heap. */
static char *place_for(struct model_host *host, const char *path, bool follow)
{
	auto_free char *real = resolve(host, path, follow, 0);
	if (!real)
		return NULL;
	auto_free char *folder = mem_strndup(real, (size_t)(strrchr(real, '/') ? strrchr(real, '/') - real : 0));
	struct name *parent = find_name(host, folder);
	errno = parent ? ENOTDIR : ENOENT;
	return parent && parent->inode->type == 'd' ? steal(real) : NULL;
}

static int put_content(struct model_host *host, struct model_host *other, const struct put *put, struct buf *content)
{
	if (put->source == PUT_BYTES) {
		buf_add(content, put->bytes, put->length);
		return 0;
	}
	struct inode *from = look(put->source == PUT_LOCAL_FILE ? other : host, put->from, true);
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
	struct name *old = find_name(host, real);
	errno = EISDIR;
	if (old && old->inode->type == 'd')
		return failed(arena, "write", put->path);
	bool keeps_mode = old && old->inode->type == 'f';
	struct inode *inode = inode_new(host, 'f', keeps_mode ? old->inode->mode : 0644);
	if (keeps_mode) {
		inode->uid = old->inode->uid;
		inode->gid = old->inode->gid;
	}
	buf_add(&inode->content, buf_text(&content), content.length);
	if (old && put->backup) {
		outcome->backup_file = arena_printf(arena, "%s.backup~", put->path);
		set_name(host, outcome->backup_file, old->inode);
	}
	set_name(host, real, inode);
	if (set_attributes(host, inode, &put->attributes) < 0)
		return failed(arena, "chown", put->path);
	return outcome;
}

static const struct outcome *do_mkdir(struct model_host *host, const struct step_mkdir *mkdir, struct arena *arena)
{
	if (mkdir->parents)
		make_parents(host, mkdir->path);
	auto_free char *real = place_for(host, mkdir->path, true);
	if (!real)
		return failed(arena, "create directory", mkdir->path);
	struct name *old = find_name(host, real);
	errno = EEXIST;
	if (old && old->inode->type != 'd')
		return failed(arena, "create directory", mkdir->path);
	struct inode *inode = old ? old->inode : make(host, real, 'd', 0755);
	if (set_attributes(host, inode, &mkdir->attributes) < 0)
		return failed(arena, "chown", mkdir->path);
	return succeeded(arena);
}

static const struct outcome *do_link(struct model_host *host, const struct step_link *link, struct arena *arena)
{
	auto_free char *real = place_for(host, link->path, false);
	if (!real)
		return failed(arena, "link", link->path);
	struct name *old = find_name(host, real);
	errno = EEXIST;
	if (old && (!link->replace || old->inode->type == 'd'))
		return failed(arena, "link", link->path);
	if (!link->hard) {
		struct inode *inode = make(host, real, 'l', 0777);
		inode->target = mem_strdup(link->target);
		return succeeded(arena);
	}
	struct inode *target = look(host, link->target, false);
	if (!target)
		return failed(arena, "link", link->target);
	set_name(host, real, target);
	return succeeded(arena);
}

static bool is_inside(const char *path, const char *folder)
{
	size_t length = strlen(folder);
	return strncmp(path, folder, length) == 0 && path[length] == '/';
}

static const struct outcome *do_remove(struct model_host *host, const struct step_remove *remove, struct arena *arena)
{
	auto_free char *real = resolve(host, remove->path, false, 0);
	if (!real)
		return succeeded(arena);
	for (size_t i = host->count; i > 0; i--) {
		if (!is_inside(host->names[i - 1].path, real))
			continue;
		errno = ENOTEMPTY;
		if (!remove->recurse)
			return failed(arena, "remove", remove->path);
		auto_free char *path = mem_strdup(host->names[i - 1].path);
		drop_name(host, path);
		i = host->count + 1;
	}
	drop_name(host, real);
	return succeeded(arena);
}

static const struct outcome *do_rename(struct model_host *host, const struct step_rename *rename, struct arena *arena)
{
	auto_free char *from = resolve(host, rename->from, false, 0);
	auto_free char *to = place_for(host, rename->to, false);
	errno = ENOENT;
	if (!from || !to || !find_name(host, from))
		return failed(arena, "rename", rename->from);
	size_t length = strlen(from);
	for (size_t i = 0; i < host->count; i++) {
		struct name *name = &host->names[i];
		if (!is_inside(name->path, from))
			continue;
		char *moved = mem_printf("%s%s", to, name->path + length);
		free(name->path);
		name->path = moved;
	}
	set_name(host, to, find_name(host, from)->inode);
	drop_name(host, from);
	return succeeded(arena);
}

static const struct outcome *do_run(struct model_host *host, const struct step_run *run, struct arena *arena)
{
	json_t *canned = find_command(host, &run->command);
	struct outcome *outcome = succeeded(arena);
	if (!canned) {
		auto_buf struct buf words = BUF_INIT;
		command_describe(&words, &run->command);
		outcome->ok = false;
		outcome->error = arena_printf(arena, "the case does not say what this command does: %s", buf_text(&words));
		return outcome;
	}
	fill_run(host, arena, canned, &outcome->run);
	outcome->ok = true;
	struct err err = ERR_INIT;
	auto_json json_t *then = json_deep_copy(json_object_get(canned, "then"));
	if (then && describe(host, then, &err) < 0) {
		outcome->ok = false;
		outcome->error = arena_str(arena, err.text);
	}
	return outcome;
}

static const struct outcome *do_get(struct model_host *host, struct model_host *other, const struct get *get,
                                    struct arena *arena)
{
	struct inode *from = look(host, get->path, true);
	if (!from || from->type != 'f')
		return failed(arena, "fetch", get->path);
	make_parents(other, get->to);
	struct inode *to = make(other, get->to, 'f', 0600);
	buf_add(&to->content, buf_text(&from->content), from->content.length);
	struct outcome *outcome = succeeded(arena);
	outcome->digest = digest(arena, to, "sha1");
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
		struct inode *inode = look(host, step->setattr.path, step->setattr.follow);
		if (!inode || set_attributes(host, inode, &step->setattr.attributes) < 0)
			return failed(arena, "set", step->setattr.path);
		return succeeded(arena);
	}
	case STEP_WAIT: return succeeded(arena);
	case STEP_RECONNECT: return do_run(host, &(struct step_run){ .command = step->reconnect.command }, arena);
	}
	return NULL;
}

/* ---- comparison ---- */

struct comparison {
	void (*report)(void *context, const char *text);
	void *context;
	const char *path;
};

static void expect_text(const struct comparison *comparison, json_t *about, const char *key, const char *got)
{
	const char *expected = json_string_value(json_object_get(about, key));
	if (!expected)
		return;
	auto_buf struct buf bytes = BUF_INIT;
	add_bytes(&bytes, expected);
	if (got && strcmp(buf_text(&bytes), got) == 0)
		return;
	auto_free char *text = mem_printf("%s should have %s \"%s\", it has \"%s\"", comparison->path, key, expected, got ? got : "");
	comparison->report(comparison->context, text);
}

static void compare_file(struct model_host *host, const struct comparison *comparison, json_t *about)
{
	auto_buf struct buf path = BUF_INIT;
	add_bytes(&path, comparison->path);
	struct inode *inode = look(host, buf_text(&path), false);
	if (!inode || json_is_null(about)) {
		auto_free char *text = mem_printf("%s should %sbe there", comparison->path, inode ? "not " : "");
		if (!inode != !!json_is_null(about))
			comparison->report(comparison->context, text);
		return;
	}
	auto_arena struct arena arena = ARENA_INIT;
	char mode[8];
	expect_text(comparison, about, "type", inode->type == 'd' ? "directory" : inode->type == 'l' ? "link" : "file");
	expect_text(comparison, about, "content", buf_text(&inode->content));
	expect_text(comparison, about, "target", inode->target);
	expect_text(comparison, about, "mode", mode_text(inode->mode, mode));
	expect_text(comparison, about, "owner", account_name(&arena, host->users, inode->uid));
	expect_text(comparison, about, "group", account_name(&arena, host->groups, inode->gid));
}

void model_host_compare(struct model_host *host, json_t *expected, void (*report)(void *context, const char *text),
                        void *context)
{
	const char *path;
	json_t *about;
	json_object_foreach(expected, path, about) {
		const struct comparison comparison = { report, context, path };
		compare_file(host, &comparison, about);
	}
}
