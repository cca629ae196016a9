/* A host in memory answers asks. */
#include "plan/model_host_inside.h"

#include <errno.h>
#include <fnmatch.h>
#include <string.h>

#include "base/text.h"

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

static void fill_stat(struct model_host *host, struct arena *arena, const struct inode *inode, struct stat_answer *stat)
{
	*stat = (struct stat_answer){
		.type = inode->type, .mode = inode->mode, .uid = inode->uid, .gid = inode->gid,
		.owner = model_host_account(arena, host->users, inode->uid), .group = model_host_account(arena, host->groups, inode->gid),
		.size = inode->type == 'l' ? strlen(inode->target) : inode->content.length, .device = 1, .inode = inode->number,
		.links = inode->type == 'd' ? 2 : inode->references, .blocks = 8, .block_size = 4096,
		.atime = inode->atime, .mtime = inode->mtime, .ctime = inode->mtime, .readable = true, .writable = true,
		.executable = inode->mode & 0111, .target = inode->type == 'l' ? arena_str(arena, inode->target) : NULL,
	};
}

static struct inode *look_at_file(struct model_host *host, const char *path, struct answer *answer)
{
	struct inode *inode = model_files_look(&host->files, path, true);
	if (!inode)
		set_errno(answer);
	else if (inode->type != 'f')
		set_failed(answer, "it is not a regular file");
	return inode && inode->type == 'f' ? inode : NULL;
}

static int compare_entries(const void *a, const void *b)
{
	return strcmp(((const struct list_entry *)a)->name, ((const struct list_entry *)b)->name);
}

static void answer_list(struct model_host *host, const struct ask *ask, struct answer *answer)
{
	auto_free char *real = model_files_resolve(&host->files, ask->path, true);
	struct name *folder = real ? model_files_find(&host->files, real) : NULL;
	if (!folder || folder->inode->type != 'd') {
		if (real)
			errno = ENOENT;
		set_errno(answer);
		if (folder)
			set_failed(answer, "it is not a directory");
		return;
	}
	struct list_entry *entries = arena_array(&answer->arena, host->files.count, sizeof(*entries));
	size_t length = strlen(real), count = 0;
	for (size_t i = 0; i < host->files.count; i++) {
		const char *path = host->files.names[i].path;
		if (strncmp(path, real, length) != 0 || path[length] != '/' || (!ask->recurse && strchr(path + length + 1, '/')))
			continue;
		const struct inode *inode = host->files.names[i].inode;
		entries[count].name = arena_str(&answer->arena, path + length + 1);
		fill_stat(host, &answer->arena, inode, &entries[count].stat);
		if (ask->algorithm && inode->type == 'f')
			entries[count].digest = model_files_digest(&answer->arena, inode, ask->algorithm);
		count++;
	}
	qsort(entries, count, sizeof(*entries), compare_entries);
	answer->list = (struct list_answer){ entries, count };
}

static void answer_glob(struct model_host *host, const struct ask *ask, struct answer *answer)
{
	const char **names = arena_array(&answer->arena, host->files.count + 1, sizeof(*names));
	size_t count = 0;
	for (size_t i = 0; i < host->files.count; i++) {
		if (fnmatch(ask->path, host->files.names[i].path, FNM_PATHNAME | FNM_PERIOD) == 0)
			names[count++] = arena_str(&answer->arena, host->files.names[i].path);
	}
	qsort(names, count, sizeof(*names), text_order);
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
		name = model_host_account(&answer->arena, accounts, (unsigned)number);
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
		if (model_files_look(&host->files, tries[i], true)) {
			answer->found = arena_str(&answer->arena, tries[i]);
			return;
		}
	}
	answer->state = ANSWER_ABSENT;
	answer->why = "it is not there";
}

static void answer_run(struct model_host *host, const struct ask *ask, struct answer *answer)
{
	json_t *canned = model_command_find(host, &ask->command);
	if (canned)
		model_command_fill(host, &answer->arena, canned, &answer->run);
	else
		set_failed(answer, "the case does not say what this command gives");
}

struct answer *model_host_answer(struct model_host *host, const struct ask *ask)
{
	struct answer *answer = answer_new();
	struct inode *inode;
	switch (ask->kind) {
	case ASK_STAT:
		if ((inode = model_files_look(&host->files, ask->path, ask->follow)))
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
			answer->hash = model_files_digest(&answer->arena, inode, ask->algorithm);
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
