/* A host in memory: what it is made from and compared with. */
#include "plan/model_host_inside.h"

#include <string.h>

#include "base/mem.h"
#include "plan/mode.h"

enum { CLOCK_START = 1700000000 };

void model_host_bytes(struct buf *buf, const char *text)
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

static int describe_file(struct model_host *host, const char *key, json_t *about, struct err *err)
{
	static const char *const types[] = { "file", "directory", "link", "fifo", NULL };
	auto_buf struct buf path = BUF_INIT;
	model_host_bytes(&path, key);
	while (path.length > 1 && path.data[path.length - 1] == '/')
		path.data[--path.length] = 0;
	model_files_make_parents(&host->files, buf_text(&path));
	const char *same_as = json_string_value(json_object_get(about, "same_as"));
	if (same_as) {
		struct name *other = model_files_find(&host->files, same_as);
		if (!other)
			return err_set(err, ERR_INPUT, "%s is to be the same as %s, which is not there yet", key, same_as);
		model_files_set(&host->files, buf_text(&path), other->inode);
		return 0;
	}
	const char *type = json_string_value(json_object_get(about, "type"));
	size_t i = 0;
	while (type && types[i] && strcmp(types[i], type) != 0)
		i++;
	if (!types[i])
		return err_set(err, ERR_INPUT, "%s has the unknown type \"%s\"", key, type);
	struct inode *inode = model_files_make(&host->files, buf_text(&path), "fdlp"[i], i == 1 ? 0755 : i == 2 ? 0777 : 0644);
	const char *mode = json_string_value(json_object_get(about, "mode"));
	const char *content = json_string_value(json_object_get(about, "content"));
	if (mode)
		inode->mode = mode_apply(mode, 0, false, 0);
	if (content)
		model_host_bytes(&inode->content, content);
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

int model_host_describe(struct model_host *host, json_t *description, struct err *err)
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
		model_files_drop(&host->files, json_string_value(value) ? json_string_value(value) : "");
	json_t *commands = json_object_get(description, "commands");
	for (i = json_array_size(commands); i > 0; i--)
		json_array_insert(host->commands, 0, json_array_get(commands, i - 1));
	return 0;
}

struct model_host *model_host_new(json_t *description, struct err *err)
{
	struct model_host *host = mem_alloc(sizeof(*host));
	host->files.clock = CLOCK_START;
	host->users = json_pack("{s:i}", "root", 0);
	host->groups = json_pack("{s:i}", "root", 0);
	host->commands = json_array();
	model_files_make(&host->files, "", 'd', 0755);
	model_files_make(&host->files, "/root", 'd', 0700);
	model_files_make(&host->files, "/tmp", 'd', 01777);
	auto_json json_t *own = json_deep_copy(description);
	if (model_host_describe(host, own, err) == 0)
		return host;
	model_host_free(host);
	return NULL;
}

void model_host_free(struct model_host *host)
{
	if (!host)
		return;
	model_files_release(&host->files);
	json_decref(host->users);
	json_decref(host->groups);
	json_decref(host->commands);
	json_decref(host->facts);
	free(host);
}

const char *model_host_account(struct arena *arena, json_t *accounts, unsigned number)
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
	model_host_bytes(&bytes, expected);
	if (got && strcmp(buf_text(&bytes), got) == 0)
		return;
	auto_free char *text = mem_printf("%s should have %s \"%s\", it has \"%s\"", comparison->path, key, expected, got ? got : "");
	comparison->report(comparison->context, text);
}

static void compare_file(struct model_host *host, const struct comparison *comparison, json_t *about)
{
	auto_buf struct buf path = BUF_INIT;
	model_host_bytes(&path, comparison->path);
	struct inode *inode = model_files_look(&host->files, buf_text(&path), false);
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
	expect_text(comparison, about, "owner", model_host_account(&arena, host->users, inode->uid));
	expect_text(comparison, about, "group", model_host_account(&arena, host->groups, inode->gid));
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
