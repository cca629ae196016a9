/* stat: what a path is. */
#include <string.h>
#include <sys/stat.h>

#include "modules/stat_keys.h"
#include "plan/module.h"
#include "plan/path.h"

struct stat_want {
	const char *path, *checksum_algorithm;
	int follow, get_checksum, get_mime, get_attributes;
};

static const char *const path_names[] = { "dest", "name", NULL };
static const char *const algorithm_names[] = { "checksum", "checksum_algo", NULL };
static const char *const mime_names[] = { "mime", "mime_type", "mime-type", NULL };
static const char *const attributes_names[] = { "attr", "attributes", NULL };
static const char *const algorithms[] = { "md5", "sha1", "sha224", "sha256", "sha384", "sha512", NULL };
static const struct arg stat_args[] = {
	{ .name = "path", .type = ARG_PATH, .required = true, .aliases = path_names, .offset = offsetof(struct stat_want, path),
	  .doc = "The path." },
	{ .name = "follow", .type = ARG_BOOL, .fallback = "false", .offset = offsetof(struct stat_want, follow),
	  .doc = "Where the path is a symlink, tells about what it points to." },
	{ .name = "get_checksum", .type = ARG_BOOL, .fallback = "true", .offset = offsetof(struct stat_want, get_checksum),
	  .doc = "Tells a file's digest too." },
	{ .name = "get_mime", .type = ARG_BOOL, .fallback = "false", .aliases = mime_names,
	  .offset = offsetof(struct stat_want, get_mime), .doc = "Has no effect: the kind of content is not looked at." },
	{ .name = "get_attributes", .type = ARG_BOOL, .fallback = "false", .aliases = attributes_names,
	  .offset = offsetof(struct stat_want, get_attributes), .doc = "Has no effect: attributes of lsattr are not looked at." },
	{ .name = "checksum_algorithm", .choices = algorithms, .aliases = algorithm_names, .fallback = "\"sha1\"",
	  .offset = offsetof(struct stat_want, checksum_algorithm), .doc = "Which digest." },
	{ 0 },
};

static const struct module_example stat_examples[] = {
	{ "Act on what is there", "{\"name\": \"look\", \"stat\": {\"path\": \"/etc/app.conf\"}, \"register\": \"conf\"}" },
	{ 0 },
};

static const struct module_return stat_returns[] = {
	{ "stat", "dict", "exists, and where it does: path, mode, isreg, isdir, islnk and its like, uid, gid, pw_name, gr_name, "
	                  "size, inode, dev, nlink, atime, mtime, ctime, the permission bits one by one (rusr, ...), "
	                  "readable, writeable, executable, checksum, lnk_source, lnk_target." },
	{ 0 },
};

static void set_numbers(json_t *about, const struct stat_answer *stat)
{
	const struct { const char *key; uint64_t value; } numbers[] = {
		{ "uid", stat->uid }, { "gid", stat->gid }, { "size", stat->size }, { "inode", stat->inode }, { "dev", stat->device },
		{ "nlink", stat->links }, { "blocks", stat->blocks }, { "block_size", stat->block_size },
		{ "device_type", stat->device_type },
	};
	for (size_t i = 0; i < sizeof(numbers) / sizeof(*numbers); i++)
		stat_keys_number(about, numbers[i].key, numbers[i].value);
	stat_keys_time(about, "atime", stat->atime);
	stat_keys_time(about, "mtime", stat->mtime);
	stat_keys_time(about, "ctime", stat->ctime);
	json_object_set_new(about, "readable", json_boolean(stat->readable));
	json_object_set_new(about, "writeable", json_boolean(stat->writable));
	json_object_set_new(about, "executable", json_boolean(stat->executable));
}

/* A number that has no name is left out. */
static void set_name(struct decision *decision, json_t *about, const char *key, const char *name)
{
	if (name[strspn(name, "0123456789")])
		stat_keys_text(decision, about, key, name);
}

static void set_link(struct decision *decision, json_t *about, const char *path, const char *target)
{
	const char *source = *target == '/' ? target : path_join(decision, path_folder(decision, path), target);
	stat_keys_text(decision, about, "lnk_target", target);
	stat_keys_text(decision, about, "lnk_source", source);
}

static int stat_decide(const struct module *module, const void *wanted, struct decision *decision, struct err *err)
{
	(void)module, (void)err;
	const struct stat_want *want = wanted;
	const char *path = path_expand(decision, want->path);
	if (!path)
		return 0;
	if (!*path) {
		result_set(decision, "stat", json_pack("{s:b}", "exists", 0));
		return 0;
	}
	const struct stat_answer *stat = ask_stat(decision, path, want->follow);
	/* Asked in the same batch: a digest of what turns out to be no file is simply not there. */
	const struct answer *hash = want->get_checksum ? ask_hash(decision, path, want->checksum_algorithm) : NULL;
	if (!stat || (want->get_checksum && !hash))
		return 0;
	json_t *about = json_object();
	json_object_set_new(about, "exists", json_boolean(stat->type != 0));
	result_set(decision, "stat", about);
	if (!stat->type)
		return 0;
	stat_keys_text(decision, about, "path", path);
	stat_keys_type(about, stat->type);
	stat_keys_bits(about, stat->mode);
	set_numbers(about, stat);
	set_name(decision, about, "pw_name", stat->owner);
	set_name(decision, about, "gr_name", stat->group);
	if (stat->type == 'l' && stat->target)
		set_link(decision, about, path, stat->target);
	if (stat->type == 'f' && hash && hash->state == ANSWER_OK)
		stat_keys_text(decision, about, "checksum", hash->hash);
	return 0;
}

const struct module stat_module = {
	.name = "stat",
	.doc = "Tells what a path is: its type, permissions, owner, size, times and digest. It changes nothing.",
	.spec = { .args = stat_args, .want_size = sizeof(struct stat_want) },
	.examples = stat_examples,
	.returns = stat_returns,
	.decide = stat_decide,
};
