/* fetch: a file of a target, brought to the controller. */
#include <string.h>

#include "plan/module.h"
#include "plan/path.h"

struct fetch_want {
	const char *src, *dest;
	int flat, fail_on_missing, validate_checksum;
};

static const struct arg fetch_args[] = {
	{ .name = "src", .type = ARG_PATH, .required = true, .offset = offsetof(struct fetch_want, src),
	  .doc = "The file on the target." },
	{ .name = "dest", .type = ARG_PATH, .required = true, .offset = offsetof(struct fetch_want, dest),
	  .doc = "The directory on the controller that gets it, as DEST/HOST/SRC. A relative one is beside the playbook." },
	{ .name = "flat", .type = ARG_BOOL, .fallback = "false", .offset = offsetof(struct fetch_want, flat),
	  .doc = "dest is the file itself; or, where it ends in a slash, the directory that gets it under its own name." },
	{ .name = "fail_on_missing", .type = ARG_BOOL, .fallback = "true", .offset = offsetof(struct fetch_want, fail_on_missing),
	  .doc = "Fails where the file does not exist." },
	{ .name = "validate_checksum", .type = ARG_BOOL, .fallback = "true",
	  .offset = offsetof(struct fetch_want, validate_checksum), .doc = "Compares digests after the transfer." },
	{ 0 },
};

static const struct module_example fetch_examples[] = {
	{ "Gather a file of every host", "{\"name\": \"host keys\", \"fetch\": {\"src\": \"/etc/ssh/ssh_host_ed25519_key.pub\", "
	                                 "\"dest\": \"collected\"}}" },
	{ 0 },
};

static const struct module_return fetch_returns[] = {
	{ "dest", "str", "The file on the controller." },
	{ "checksum", "str", "Its SHA-1." },
	{ "md5sum", "str", "Its MD5." },
	{ "remote_checksum", "str", "The SHA-1 on the target." },
	{ "file", "str", "The file on the target, where nothing was done." },
	{ 0 },
};

/* Adds a path without "." and empty parts, and with ".." resolved in itself: what a task names stays below dest. */
static void add_inside(struct buf *buf, const char *path)
{
	size_t start = buf->length;
	while (*path) {
		size_t length = strcspn(path, "/");
		if (length == 2 && memcmp(path, "..", 2) == 0) {
			while (buf->length > start && buf->data[--buf->length] != '/')
				continue;
			if (buf->data)
				buf->data[buf->length] = 0;
		} else if (length && !(length == 1 && *path == '.')) {
			buf_char(buf, '/');
			buf_add(buf, path, length);
		}
		path += length + (path[length] == '/');
	}
}

/* dest on the controller: a relative one is beside the playbook. */
static const char *local_dest(const struct fetch_want *want, struct decision *decision)
{
	return *want->dest == '/' ? want->dest : path_join(decision, decision->folder, want->dest);
}

/* NULL after the task was failed. */
static const char *destination(const struct fetch_want *want, struct decision *decision, const char *src, bool dest_is_folder)
{
	const char *dest = local_dest(want, decision);
	if (want->flat) {
		if (path_ends_in_slash(dest))
			return path_join(decision, dest, path_base(src));
		if (!dest_is_folder)
			return dest;
		result_fail(decision, "dest is an existing directory, use a trailing slash if you want to fetch src into that directory");
		return NULL;
	}
	const char *host = decision->host;
	if (!*host || strchr(host, '/') || strcmp(host, ".") == 0 || strcmp(host, "..") == 0) {
		result_fail(decision, "the host's name, \"%s\", cannot be the name of a directory: use flat", host);
		return NULL;
	}
	auto_buf struct buf path = BUF_INIT;
	buf_str(&path, dest);
	while (path.length > 1 && path.data[path.length - 1] == '/')
		path.data[--path.length] = 0;
	buf_printf(&path, "%s%s", path.length == 1 && *path.data == '/' ? "" : "/", host);
	add_inside(&path, src);
	return arena_copy(&decision->arena, buf_text(&path), path.length);
}

static int missing(const struct fetch_want *want, struct decision *decision, const char *src, const char *text)
{
	if (want->fail_on_missing)
		return result_fail(decision, "%s", text);
	result_str(decision, "file", src);
	char *ignored = arena_printf(&decision->arena, "%s, ignored", text);
	result_str(decision, "msg", ignored);
	return 0;
}

static const struct answer *ask_here(struct decision *decision, enum ask_kind kind, const char *path, const char *algorithm)
{
	return ask_local(decision, &(struct ask){ .kind = kind, .path = path, .algorithm = algorithm, .follow = kind == ASK_STAT });
}

static int bring(const struct fetch_want *want, struct decision *decision, const struct stat_answer *stat, const char *src,
                 const char *dest, const char *digest)
{
	result_str(decision, "dest", dest);
	result_set(decision, "remote_md5sum", json_null());
	const struct get get = { .path = src, .to = dest, .sha1 = want->validate_checksum ? digest : NULL,
		                     .verify = want->validate_checksum && !digest, .size = stat->size };
	const struct outcome *outcome = step_get(decision, &get);
	if (outcome && outcome->digest)
		digest = outcome->digest;
	if (digest) {
		result_str(decision, "checksum", digest);
		result_str(decision, "remote_checksum", digest);
	}
	if (outcome)
		result_str(decision, "md5sum", outcome->md5);
	return 0;
}

/* What is here already is worth a hash on the target; what is not comes at once, and is hashed there meanwhile. */
static int compare(const struct fetch_want *want, struct decision *decision, const struct stat_answer *stat, const char *src,
                   const char *dest)
{
	const struct answer *here = ask_here(decision, ASK_HASH, dest, "sha1");
	if (!here)
		return 0;
	if (here->state != ANSWER_OK)
		return bring(want, decision, stat, src, dest, NULL);
	const struct answer *there = ask_hash(decision, src, "sha1");
	const struct answer *md5 = ask_here(decision, ASK_HASH, dest, "md5");
	if (!there || !md5)
		return 0;
	if (there->state != ANSWER_OK)
		return missing(want, decision, src, "no read permission on remote file, not transferring");
	if (strcmp(here->hash, there->hash) != 0)
		return bring(want, decision, stat, src, dest, there->hash);
	result_str(decision, "file", src);
	result_str(decision, "dest", dest);
	result_str(decision, "checksum", there->hash);
	if (md5->state == ANSWER_OK)
		result_str(decision, "md5sum", md5->hash);
	return 0;
}

static int fetch_decide(const struct module *module, const void *wanted, struct decision *decision, struct err *err)
{
	(void)module, (void)err;
	const struct fetch_want *want = wanted;
	const char *src = path_expand(decision, want->src);
	if (!src)
		return 0;
	const struct stat_answer *stat = ask_stat(decision, src, ASK_FOLLOW);
	const struct answer *here = want->flat ? ask_here(decision, ASK_STAT, local_dest(want, decision), NULL) : NULL;
	if (!stat || (want->flat && !here))
		return 0;
	if (!stat->type)
		return missing(want, decision, src, "the remote file does not exist, not transferring");
	if (stat->type == 'd')
		return missing(want, decision, src, "remote file is a directory, fetch cannot work on directories");
	if (stat->type != 'f')
		return missing(want, decision, src, "remote file is not a regular file, fetch cannot work on it");
	if (!stat->readable)
		return missing(want, decision, src, "no read permission on remote file, not transferring");
	bool is_folder = here && here->state == ANSWER_OK && here->stat.type == 'd';
	const char *dest = destination(want, decision, src, is_folder);
	return dest ? compare(want, decision, stat, src, dest) : 0;
}

const struct module fetch_module = {
	.name = "fetch",
	.doc = "Brings a file of the target to the controller.",
	.spec = { .args = fetch_args, .want_size = sizeof(struct fetch_want) },
	.examples = fetch_examples,
	.returns = fetch_returns,
	.decide = fetch_decide,
};
