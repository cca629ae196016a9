/* find: paths below directories, by name, age, size, type and content. */
#include <ctype.h>
#include <fnmatch.h>
#include <math.h>
#include <string.h>

#include "base/mem.h"
#include "base/pattern.h"
#include "modules/stat_keys.h"
#include "plan/module.h"
#include "plan/path.h"

enum { LINKS_DEEP = 16 }; /* symlinks to folders inside of each other: a circle ends here */

struct find_want {
	json_t *paths, *patterns, *excludes;
	const char *contains, *file_type, *age, *age_stamp, *size;
	long long depth;
	int read_whole_file, recurse, hidden, follow, get_checksum, use_regex;
};

static const char *const paths_names[] = { "name", "path", NULL };
static const char *const patterns_names[] = { "pattern", NULL };
static const char *const excludes_names[] = { "exclude", NULL };
static const char *const file_types[] = { "any", "directory", "file", "link", NULL };
static const char *const stamps[] = { "atime", "ctime", "mtime", NULL };
static const struct arg find_args[] = {
	{ .name = "paths", .type = ARG_LIST, .required = true, .aliases = paths_names, .offset = offsetof(struct find_want, paths),
	  .doc = "The directories to look in." },
	{ .name = "patterns", .type = ARG_LIST, .fallback = "[]", .aliases = patterns_names, .offset = offsetof(struct find_want, patterns),
	  .doc = "Shell patterns, or with use_regex regular expressions, one of which the name must match." },
	{ .name = "excludes", .type = ARG_LIST, .aliases = excludes_names, .offset = offsetof(struct find_want, excludes),
	  .doc = "The same for names that are left out." },
	{ .name = "use_regex", .type = ARG_BOOL, .fallback = "false", .offset = offsetof(struct find_want, use_regex),
	  .doc = "Patterns are regular expressions, which match from a name's start." },
	{ .name = "contains", .offset = offsetof(struct find_want, contains),
	  .doc = "A regular expression that matches a line of the file, from the line's start. Of files up to 16 MB.",
	  .regex = true },
	{ .name = "read_whole_file", .type = ARG_BOOL, .fallback = "false", .offset = offsetof(struct find_want, read_whole_file),
	  .doc = "contains may match anywhere in the file, over several lines." },
	{ .name = "file_type", .choices = file_types, .fallback = "\"file\"", .offset = offsetof(struct find_want, file_type),
	  .doc = "What is looked for." },
	{ .name = "age", .offset = offsetof(struct find_want, age),
	  .doc = "At least so old: a number with s, m, h, d or w behind it. Negative: at most so old.",
	  .pattern = "^-?[0-9]+[smhdwSMHDW]?$", .pattern_doc = "be a number, with s, m, h, d or w behind it" },
	{ .name = "age_stamp", .choices = stamps, .fallback = "\"mtime\"", .offset = offsetof(struct find_want, age_stamp),
	  .doc = "The time that tells the age." },
	{ .name = "size", .offset = offsetof(struct find_want, size),
	  .doc = "At least so large: a number with b, k, m, g or t behind it. Negative: at most so large. Of files.",
	  .pattern = "^-?[0-9]+[bkmgtBKMGT]?$", .pattern_doc = "be a number, with b, k, m, g or t behind it" },
	{ .name = "recurse", .type = ARG_BOOL, .fallback = "false", .offset = offsetof(struct find_want, recurse),
	  .doc = "Looks in directories inside, too." },
	{ .name = "depth", .type = ARG_INT, .offset = offsetof(struct find_want, depth),
	  .doc = "How many directories inside of each other are looked in; needs recurse." },
	{ .name = "hidden", .type = ARG_BOOL, .fallback = "false", .offset = offsetof(struct find_want, hidden),
	  .doc = "Names with a point at their start count." },
	{ .name = "follow", .type = ARG_BOOL, .fallback = "false", .offset = offsetof(struct find_want, follow),
	  .doc = "Looks in directories that symlinks point to." },
	{ .name = "get_checksum", .type = ARG_BOOL, .fallback = "false", .offset = offsetof(struct find_want, get_checksum),
	  .doc = "Adds each file's SHA-1." },
	{ 0 },
};

static const struct module_example find_examples[] = {
	{ "Old logs", "{\"name\": \"old logs\", \"find\": {\"paths\": \"/var/log\", \"patterns\": \"*.gz\", \"age\": \"4w\", "
	              "\"recurse\": true}, \"register\": \"old\"}" },
	{ 0 },
};

static const struct module_return find_returns[] = {
	{ "files", "list", "What was found: for each path its attributes, as stat gives them." },
	{ "matched", "int", "How many." },
	{ "examined", "int", "How many paths were looked at." },
	{ "skipped_paths", "dict", "Directories that could not be looked in, and why." },
	{ "msg", "str", "Whether all were." },
	{ 0 },
};

struct finding {
	const struct find_want *want;
	struct decision *decision;
	struct pattern **patterns, **excludes; /* with use_regex; as many as the lists have */
	struct pattern *contains;
	bool has_age, has_size, waits;
	double age, size, now;
	json_t *files, *skipped; /* the decision's result has them */
	long long examined;
};

/* ---- arguments ---- */

/* "-2d": a whole number, with one of the letters behind it. false: it is none. */
static bool parse_amount(const char *text, const char *letters, const double *units, double *amount)
{
	char *end;
	const char *digits = text + (*text == '-');
	if (!isdigit((unsigned char)*digits))
		return false;
	*amount = (double)strtoll(text, &end, 10);
	if (!*end)
		return true;
	const char *letter = strchr(letters, tolower((unsigned char)*end));
	if (!letter || end[1])
		return false;
	*amount *= units[letter - letters];
	return true;
}

static int refuse(struct finding *finding, const char *key, const char *text)
{
	result_str(finding->decision, key, text);
	return result_fail(finding->decision, "failed to process %s", key);
}

/* An array of as many as the list has; each NULL where it is not a regular expression, which fails the task. */
static struct pattern **compile_list(struct decision *decision, json_t *list)
{
	struct pattern **compiled = mem_array(json_array_size(list) + 1, sizeof(struct pattern *));
	for (size_t i = 0; i < json_array_size(list); i++) {
		struct err err = ERR_INIT;
		compiled[i] = pattern_new(json_string_value(json_array_get(list, i)), 0, &err);
		if (!compiled[i])
			result_fail(decision, "%s", err.text);
	}
	return compiled;
}

static void free_list(struct pattern **compiled, json_t *list)
{
	for (size_t i = 0; compiled && i < json_array_size(list); i++)
		pattern_free(compiled[i]);
	free(compiled);
}

static void finding_release(struct finding *finding)
{
	free_list(finding->patterns, finding->want->patterns);
	free_list(finding->excludes, finding->want->excludes);
	pattern_free(finding->contains);
}

/* -1: not answered yet, or the task was failed. */
static int prepare(struct finding *finding)
{
	static const double seconds[] = { 1, 60, 3600, 86400, 604800 };
	static const double bytes[] = { 1, 1024, 1048576, 1073741824, 1099511627776.0 };
	const struct find_want *want = finding->want;
	struct decision *decision = finding->decision;
	finding->has_age = want->age != NULL;
	finding->has_size = want->size != NULL;
	if (want->age && !parse_amount(want->age, "smhdw", seconds, &finding->age))
		return refuse(finding, "age", want->age), -1;
	if (want->size && !parse_amount(want->size, "bkmgt", bytes, &finding->size))
		return refuse(finding, "size", want->size), -1;
	if (want->use_regex) {
		finding->patterns = compile_list(decision, want->patterns);
		finding->excludes = compile_list(decision, want->excludes);
	}
	struct err err = ERR_INIT;
	if (want->contains && !(finding->contains = pattern_new(want->contains, 0, &err)))
		result_fail(decision, "%s", err.text);
	if (decision->failed)
		return -1;
	if (!want->age)
		return 0;
	const char *const argv[] = { "date", "+%s", NULL }; /* by the target's clock, as its files' times are */
	const struct command_result *date = ask_run(decision, &(struct command){ .argv = argv });
	if (date)
		finding->now = strtod(date->output, NULL);
	return date ? 0 : -1;
}

/* ---- filters ---- */

static bool is_like(json_t *list, struct pattern **compiled, const char *name)
{
	for (size_t i = 0; i < json_array_size(list); i++) {
		const char *text = json_string_value(json_array_get(list, i));
		if (compiled ? pattern_matches(compiled[i], name, strlen(name), PATTERN_MATCH)
		             : fnmatch(text, name, FNM_NOESCAPE) == 0)
			return true;
	}
	return false;
}

static bool has_name(const struct finding *finding, const char *name)
{
	const struct find_want *want = finding->want;
	if (json_array_size(want->patterns) && !is_like(want->patterns, finding->patterns, name))
		return false;
	return !is_like(want->excludes, finding->excludes, name);
}

static bool has_age(const struct finding *finding, const struct stat_answer *stat)
{
	if (!finding->has_age)
		return true;
	const char letter = *finding->want->age_stamp;
	const struct timespec stamp = letter == 'a' ? stat->atime : letter == 'c' ? stat->ctime : stat->mtime;
	double old = finding->now - ((double)stamp.tv_sec + (double)stamp.tv_nsec / 1e9);
	return finding->age >= 0 ? old >= finding->age : old <= -finding->age;
}

static bool has_size(const struct finding *finding, const struct stat_answer *stat)
{
	if (!finding->has_size)
		return true;
	return finding->size >= 0 ? (double)stat->size >= finding->size : (double)stat->size <= -finding->size;
}

static bool has_type(const struct finding *finding, char type)
{
	const char *wanted = finding->want->file_type;
	return strcmp(wanted, "any") == 0 || (*wanted == 'f' && type == 'f') || (*wanted == 'd' && type == 'd') ||
	       (*wanted == 'l' && type == 'l');
}

static bool has_line(struct pattern *pattern, const struct bytes_answer *bytes)
{
	for (size_t start = 0; start < bytes->length;) {
		const char *newline = memchr(bytes->bytes + start, '\n', bytes->length - start);
		size_t end = newline ? (size_t)(newline - bytes->bytes) + 1 : bytes->length;
		if (pattern_matches(pattern, bytes->bytes + start, end - start, PATTERN_MATCH))
			return true;
		start = end;
	}
	return false;
}

/* Whether the file has the content; waits until that is known. */
static bool has_content(struct finding *finding, const char *path)
{
	if (!finding->contains || strcmp(finding->want->file_type, "file") != 0)
		return true;
	const struct answer *read = ask_read(finding->decision, path);
	finding->waits = finding->waits || !read;
	if (!read || read->state != ANSWER_OK)
		return false;
	if (finding->want->read_whole_file)
		return pattern_matches(finding->contains, read->read.bytes, read->read.length, PATTERN_SEARCH);
	return has_line(finding->contains, &read->read);
}

/* ---- what is found ---- */

static void add_found(struct finding *finding, const char *path, const struct stat_answer *stat)
{
	struct decision *decision = finding->decision;
	const struct { const char *key; uint64_t value; } numbers[] = {
		{ "uid", stat->uid }, { "gid", stat->gid }, { "size", stat->size }, { "inode", stat->inode }, { "dev", stat->device },
		{ "nlink", stat->links },
	};
	const struct answer *hash =
		finding->want->get_checksum && stat->type == 'f' && strcmp(finding->want->file_type, "link") != 0
			? ask_hash(decision, path, "sha1") : NULL;
	json_t *about = json_object();
	json_array_append_new(finding->files, about);
	stat_keys_text(decision, about, "path", path);
	stat_keys_type(about, stat->type);
	stat_keys_bits(about, stat->mode);
	for (size_t i = 0; i < sizeof(numbers) / sizeof(*numbers); i++)
		stat_keys_number(about, numbers[i].key, numbers[i].value);
	stat_keys_time(about, "atime", stat->atime);
	stat_keys_time(about, "mtime", stat->mtime);
	stat_keys_time(about, "ctime", stat->ctime);
	bool unnamed_user = isdigit((unsigned char)*stat->owner), unnamed_group = isdigit((unsigned char)*stat->group);
	stat_keys_text(decision, about, "pw_name", unnamed_user ? "" : stat->owner);
	stat_keys_text(decision, about, "gr_name", unnamed_group ? "" : stat->group);
	if (hash && hash->state == ANSWER_OK)
		stat_keys_text(decision, about, "checksum", hash->hash);
	finding->waits = finding->waits || (finding->want->get_checksum && stat->type == 'f' && !hash && *finding->want->file_type != 'l');
}

static void consider(struct finding *finding, const char *path, const struct stat_answer *stat)
{
	const char *name = path_base(path);
	if ((*name == '.' && !finding->want->hidden) || !has_type(finding, stat->type) || !has_name(finding, name) ||
	    !has_age(finding, stat) || (stat->type == 'f' && !has_size(finding, stat)) || !has_content(finding, path))
		return;
	add_found(finding, path, stat);
}

static void skip(struct finding *finding, const char *path, const char *why)
{
	stat_keys_text(finding->decision, finding->skipped, path, why);
	result_warn(finding->decision, "Skipped '%s' path due to this access issue: %s", path, why);
}

/* ---- folders ---- */

struct level { /* a folder, and where its entries stand in a list of a whole tree */
	const char *root;    /* the path that was listed */
	const char *inside;  /* the folder below it, "" for itself */
	const struct list_answer *list;
	long long depth;     /* of what is in it */
	int links;           /* symlinks on the way */
};

static void look_into(struct finding *finding, const struct level *level);

static const char *entry_path(const struct finding *finding, const struct level *level, const char *name)
{
	return path_join(finding->decision, level->root, name);
}

/* The first entry that is not before the folder's name with the letter behind it. */
static size_t lower_bound(const struct list_answer *list, const char *folder, char letter)
{
	size_t low = 0, high = list->count, length = strlen(folder);
	while (low < high) {
		size_t middle = (low + high) / 2;
		const char *name = list->entries[middle].name;
		int order = strncmp(name, folder, length);
		if (order < 0 || (order == 0 && (unsigned char)name[length] < (unsigned char)letter))
			low = middle + 1;
		else
			high = middle;
	}
	return low;
}

/* What is below a folder stands together in the sorted list; of it, the folder's own entries have no more slashes. */
static bool is_own(const struct level *level, const char *name)
{
	return !strchr(name + (*level->inside ? strlen(level->inside) + 1 : 0), '/');
}

/* A folder that a symlink leads to is listed by itself. */
static void follow_link(struct finding *finding, const struct level *level, const char *path)
{
	const struct stat_answer *stat = ask_stat(finding->decision, path, ASK_FOLLOW);
	const struct answer *list = ask_list(finding->decision, path, true, NULL);
	finding->waits = finding->waits || !stat || !list;
	if (!stat || !list || stat->type != 'd' || list->state != ANSWER_OK || level->links >= LINKS_DEEP)
		return;
	look_into(finding, &(struct level){ path, "", &list->list, level->depth + 1, level->links + 1 });
}

/* Files before folders, then what is in the folders, as os.walk has it. */
static void look_into(struct finding *finding, const struct level *level)
{
	const struct find_want *want = finding->want;
	size_t first = *level->inside ? lower_bound(level->list, level->inside, '/') : 0;
	size_t end = *level->inside ? lower_bound(level->list, level->inside, '/' + 1) : level->list->count;
	bool too_deep = want->depth != ARG_NO_INT && want->depth > 0 && level->depth > want->depth;
	for (int pass = 0; pass < 2; pass++) {
		for (size_t i = first; i < end; i++) {
			const struct list_entry *entry = &level->list->entries[i];
			if (!is_own(level, entry->name) || (entry->stat.type == 'd') != (pass == 1))
				continue;
			finding->examined++;
			if (!too_deep)
				consider(finding, entry_path(finding, level, entry->name), &entry->stat);
		}
	}
	for (size_t i = first; i < end && want->recurse && !too_deep; i++) {
		const struct list_entry *entry = &level->list->entries[i];
		if (!is_own(level, entry->name))
			continue;
		if (entry->stat.type == 'd')
			look_into(finding, &(struct level){ level->root, entry->name, level->list, level->depth + 1, level->links });
		else if (entry->stat.type == 'l' && want->follow)
			follow_link(finding, level, entry_path(finding, level, entry->name));
	}
}

static void look_below(struct finding *finding, const char *written)
{
	struct decision *decision = finding->decision;
	const char *path = path_expand(decision, written);
	if (!path) {
		finding->waits = true;
		return;
	}
	size_t length = strlen(path);
	while (length > 1 && path[length - 1] == '/')
		length--;
	const char *root = arena_copy(&decision->arena, path, length);
	const struct answer *stat = ask_any(decision, &(struct ask){ .kind = ASK_STAT, .path = root, .follow = true });
	const struct answer *list = ask_list(decision, root, finding->want->recurse, NULL);
	if (!stat || !list) {
		finding->waits = true;
	} else if (stat->state != ANSWER_OK || stat->stat.type != 'd') {
		skip(finding, path, arena_printf(&decision->arena, "'%s' is not a directory", path));
	} else if (list->state != ANSWER_OK) {
		skip(finding, path, list->why ? list->why : "it cannot be read");
	} else {
		look_into(finding, &(struct level){ root, "", &list->list, 1, 0 });
	}
}

static int find_decide(const struct module *module, const void *wanted, struct decision *decision, struct err *err)
{
	(void)module, (void)err;
	const struct find_want *want = wanted;
	auto_(finding_release) struct finding finding = { .want = want, .decision = decision };
	if (prepare(&finding) < 0)
		return 0;
	finding.files = json_array();
	finding.skipped = json_object();
	result_set(decision, "files", finding.files);
	result_set(decision, "skipped_paths", finding.skipped);
	for (size_t i = 0; i < json_array_size(want->paths); i++)
		look_below(&finding, json_string_value(json_array_get(want->paths, i)));
	result_int(decision, "matched", (long long)json_array_size(finding.files));
	result_int(decision, "examined", finding.examined);
	result_str(decision, "msg", json_object_size(finding.skipped) ? "Not all paths examined, check warnings for details"
	                                                             : "All paths examined");
	return 0;
}

const struct module find_module = {
	.name = "find",
	.doc = "Finds files below directories, by name, age, size, type and content. It changes nothing.",
	.spec = { .args = find_args, .want_size = sizeof(struct find_want) },
	.examples = find_examples,
	.returns = find_returns,
	.decide = find_decide,
};
