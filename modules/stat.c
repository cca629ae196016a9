/* stat: what a path is. */
#include <string.h>
#include <sys/stat.h>

#include "plan/module.h"
#include "plan/path.h"

struct stat_want {
	const char *path, *checksum_algorithm;
	int follow, get_checksum;
};

static const char *const path_names[] = { "dest", "name", NULL };
static const char *const algorithm_names[] = { "checksum", "checksum_algo", NULL };
static const char *const algorithms[] = { "md5", "sha1", "sha224", "sha256", "sha384", "sha512", NULL };
static const struct arg stat_args[] = {
	{ .name = "path", .type = ARG_PATH, .required = true, .aliases = path_names, .offset = offsetof(struct stat_want, path),
	  .doc = "The path." },
	{ .name = "follow", .type = ARG_BOOL, .fallback = "false", .offset = offsetof(struct stat_want, follow),
	  .doc = "Where the path is a symlink, tells about what it points to." },
	{ .name = "get_checksum", .type = ARG_BOOL, .fallback = "true", .offset = offsetof(struct stat_want, get_checksum),
	  .doc = "Tells a file's digest too." },
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

static double seconds(struct timespec time)
{
	return (double)time.tv_sec + (double)time.tv_nsec / 1e9;
}

static void set_type(json_t *about, char type)
{
	static const struct { const char *key; char type; } types[] = {
		{ "isdir", 'd' }, { "ischr", 'c' }, { "isblk", 'b' }, { "isreg", 'f' }, { "isfifo", 'p' }, { "islnk", 'l' },
		{ "issock", 's' },
	};
	for (size_t i = 0; i < sizeof(types) / sizeof(*types); i++)
		json_object_set_new(about, types[i].key, json_boolean(type == types[i].type));
}

static void set_bits(json_t *about, mode_t mode)
{
	static const struct { const char *key; mode_t bit; } bits[] = {
		{ "rusr", S_IRUSR }, { "wusr", S_IWUSR }, { "xusr", S_IXUSR }, { "rgrp", S_IRGRP }, { "wgrp", S_IWGRP },
		{ "xgrp", S_IXGRP }, { "roth", S_IROTH }, { "woth", S_IWOTH }, { "xoth", S_IXOTH }, { "isuid", S_ISUID },
		{ "isgid", S_ISGID },
	};
	char text[8];
	json_object_set_new(about, "mode", json_string(mode_text(mode, text)));
	for (size_t i = 0; i < sizeof(bits) / sizeof(*bits); i++)
		json_object_set_new(about, bits[i].key, json_boolean(mode & bits[i].bit));
}

static void set_numbers(json_t *about, const struct stat_answer *stat)
{
	const struct { const char *key; uint64_t value; } numbers[] = {
		{ "uid", stat->uid }, { "gid", stat->gid }, { "size", stat->size }, { "inode", stat->inode }, { "dev", stat->device },
		{ "nlink", stat->links }, { "blocks", stat->blocks }, { "block_size", stat->block_size },
		{ "device_type", stat->device_type },
	};
	for (size_t i = 0; i < sizeof(numbers) / sizeof(*numbers); i++)
		json_object_set_new(about, numbers[i].key, json_integer((json_int_t)numbers[i].value));
	json_object_set_new(about, "atime", json_real(seconds(stat->atime)));
	json_object_set_new(about, "mtime", json_real(seconds(stat->mtime)));
	json_object_set_new(about, "ctime", json_real(seconds(stat->ctime)));
	json_object_set_new(about, "readable", json_boolean(stat->readable));
	json_object_set_new(about, "writeable", json_boolean(stat->writable));
	json_object_set_new(about, "executable", json_boolean(stat->executable));
}

/* Text from the target goes in by the way that cleans it. */
static void set_text(struct decision *decision, json_t *about, const char *key, const char *text)
{
	result_str(decision, key, text);
	json_object_set(about, key, json_object_get(decision->result, key));
	json_object_del(decision->result, key);
}

static void set_link(struct decision *decision, json_t *about, const char *path, const char *target)
{
	const char *source = *target == '/' ? target : path_join(decision, path_folder(decision, path), target);
	set_text(decision, about, "lnk_target", target);
	set_text(decision, about, "lnk_source", source);
}

static int stat_decide(const struct module *module, const void *wanted, struct decision *decision, struct err *err)
{
	(void)module, (void)err;
	const struct stat_want *want = wanted;
	const char *path = path_expand(decision, want->path);
	if (!path)
		return 0;
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
	set_text(decision, about, "path", path);
	set_type(about, stat->type);
	set_bits(about, stat->mode);
	set_numbers(about, stat);
	set_text(decision, about, "pw_name", stat->owner);
	set_text(decision, about, "gr_name", stat->group);
	if (stat->type == 'l' && stat->target)
		set_link(decision, about, path, stat->target);
	if (stat->type == 'f' && hash && hash->state == ANSWER_OK)
		set_text(decision, about, "checksum", hash->hash);
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
