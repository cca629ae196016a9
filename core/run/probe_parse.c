/* Reading a probe's reply. Whatever a target sends, each ask gets an answer, and nothing is read past the reply's end. */
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/sysmacros.h>

#include "base/mem.h"
#include "base/text.h"
#include "run/probe.h"
#include "run/probe_order.h"

struct reply {
	const char *at, *end; /* at stands before a head, or at the end */
	char head[80];        /* "\nMARK " */
	size_t head_length;
	bool broken;          /* what came is not what the script writes */
};

struct section {
	char type, state;     /* "R o": type R, state o; without a state: 0 */
	const char *state_text;
	const char *bytes;
	size_t length;
	bool straight;        /* "R os": no symlink on the way */
};

struct text { const char *at, *end; }; /* a row of lines or words that is taken apart from the front */

/* ---- sections ---- */

static void reply_start(struct reply *reply, const char *mark, const char *bytes, size_t length)
{
	*reply = (struct reply){ .at = bytes, .end = bytes + length };
	int size = snprintf(reply->head, sizeof(reply->head), "\n%s ", mark);
	reply->head_length = size > 0 && (size_t)size < sizeof(reply->head) ? (size_t)size : 0;
	/* What a shell may have said before the script began is skipped. */
	const char *first = reply->head_length ? memmem(bytes, length, reply->head, reply->head_length) : NULL;
	reply->broken = !first;
	reply->at = first ? first : reply->end;
}

/* The type of the section that comes next, 0 at the end. */
static char reply_peek(const struct reply *reply)
{
	size_t left = (size_t)(reply->end - reply->at);
	return left > reply->head_length ? reply->at[reply->head_length] : 0;
}

/* The next section, which must be of that type. false: the reply is broken from here on. */
static bool reply_next(struct reply *reply, char type, struct section *section)
{
	*section = (struct section){ .type = type, .bytes = "", .state_text = "" };
	if (reply->broken || reply_peek(reply) != type) {
		reply->broken = true;
		return false;
	}
	const char *line = reply->at + reply->head_length;
	const char *end = memchr(line, '\n', (size_t)(reply->end - line));
	if (!end) {
		reply->broken = true;
		return false;
	}
	if (end - line > 2 && line[1] == ' ')
		section->state = line[2];
	section->straight = end - line == 4 && line[3] == 's';
	section->state_text = line;
	section->bytes = end + 1;
	const char *next = memmem(end + 1, (size_t)(reply->end - end - 1), reply->head, reply->head_length);
	reply->at = next ? next : reply->end;
	section->length = (size_t)(reply->at - section->bytes);
	/* Only the last section has no other behind it. */
	if (!next && type != 'E') {
		reply->broken = true;
		return false;
	}
	return true;
}

/* Up to the separator; false at the end. */
static bool text_next(struct text *text, char separator, struct text *piece)
{
	if (text->at >= text->end)
		return false;
	const char *end = memchr(text->at, separator, (size_t)(text->end - text->at));
	*piece = (struct text){ text->at, end ? end : text->end };
	text->at = end ? end + 1 : text->end;
	return true;
}

static struct text section_text(const struct section *section)
{
	return (struct text){ section->bytes, section->bytes + section->length };
}

static char *text_copy(struct arena *arena, const struct text *text)
{
	return arena_copy(arena, text->at, (size_t)(text->end - text->at));
}

/* The next word of a line of words; false where there is none. */
static bool word_next(struct text *words, struct text *word)
{
	while (text_next(words, ' ', word)) {
		if (word->at < word->end)
			return true;
	}
	return false;
}

/* ---- answers ---- */

static void set_state(struct answer *answer, enum answer_state state, const char *why)
{
	answer->state = state;
	answer->why = why;
}

static void set_code(struct answer *answer, char code, const char *not_that_type)
{
	switch (code) {
	case 'a': set_state(answer, ANSWER_ABSENT, "no such file or directory"); break;
	case 'd': set_state(answer, ANSWER_DENIED, "permission denied"); break;
	case 'f': set_state(answer, ANSWER_FAILED, not_that_type); break;
	default: set_state(answer, ANSWER_FAILED, "the target's reply could not be read"); break;
	}
}

/* ---- stat ---- */

static bool number_of(struct text *words, int base, uint64_t *number)
{
	struct text word;
	char digits[32];
	if (!word_next(words, &word) || word.end - word.at >= (ptrdiff_t)sizeof(digits))
		return false;
	memcpy(digits, word.at, (size_t)(word.end - word.at));
	digits[word.end - word.at] = 0;
	char *end;
	errno = 0;
	*number = strtoull(digits, &end, base);
	return digits[0] != '-' && end != digits && !*end && !errno;
}

/* "1795366250.547836300", a fraction of any length, or none. */
static bool time_of(struct text *words, struct timespec *time)
{
	struct text word;
	if (!word_next(words, &word))
		return false;
	bool negative = *word.at == '-';
	const char *p = word.at + negative;
	long long seconds = 0;
	long nanoseconds = 0, unit = 100000000;
	for (; p < word.end && *p >= '0' && *p <= '9' && seconds < INT64_MAX / 20; p++)
		seconds = seconds * 10 + (*p - '0');
	if (p < word.end && (*p == '.' || *p == ',')) {
		for (p++; p < word.end && *p >= '0' && *p <= '9'; p++, unit /= 10)
			nanoseconds += unit * (*p - '0');
	}
	if (negative && nanoseconds) {
		seconds++;
		nanoseconds = 1000000000 - nanoseconds;
	}
	*time = (struct timespec){ .tv_sec = negative ? -seconds : seconds, .tv_nsec = nanoseconds };
	return p == word.end;
}

static const char *number_text(struct arena *arena, uint64_t number)
{
	return arena_printf(arena, "%llu", (unsigned long long)number);
}

static bool is_word(const struct text *text, const char *word)
{
	return (size_t)(text->end - text->at) == strlen(word) && memcmp(text->at, word, strlen(word)) == 0;
}

/* "root:root"; numbers where stat(1) knows no name. */
static void names_of(struct arena *arena, struct text words, struct stat_answer *stat)
{
	struct text owner, group;
	stat->owner = stat->group = NULL;
	if (text_next(&words, ':', &owner) && owner.at < owner.end && !is_word(&owner, "UNKNOWN"))
		stat->owner = text_copy(arena, &owner);
	if (text_next(&words, ':', &group) && group.at < group.end && !is_word(&group, "UNKNOWN"))
		stat->group = text_copy(arena, &group);
	if (!stat->owner)
		stat->owner = number_text(arena, stat->uid);
	if (!stat->group)
		stat->group = number_text(arena, stat->gid);
}

static bool parse_stat(struct arena *arena, struct text words, struct stat_answer *stat)
{
	uint64_t mode, links, uid, gid, major, minor;
	if (!number_of(&words, 16, &mode) || !number_of(&words, 10, &links) || !number_of(&words, 10, &uid) ||
	    !number_of(&words, 10, &gid) || !number_of(&words, 10, &stat->size) || !number_of(&words, 10, &stat->device) ||
	    !number_of(&words, 10, &stat->inode) || !number_of(&words, 10, &stat->blocks) ||
	    !number_of(&words, 10, &stat->block_size) || !number_of(&words, 16, &major) || !number_of(&words, 16, &minor) ||
	    !time_of(&words, &stat->atime) || !time_of(&words, &stat->mtime) || !time_of(&words, &stat->ctime))
		return false;
	stat->type = stat_answer_type((mode_t)mode);
	stat->mode = (mode_t)mode & 07777;
	stat->links = links;
	stat->uid = (uid_t)uid;
	stat->gid = (gid_t)gid;
	stat->device_type = makedev((unsigned)major, (unsigned)minor);
	names_of(arena, words, stat);
	return stat->type != 0;
}

/* The permission letters of ls(1). */
static bool parse_letters(const struct text *word, struct stat_answer *stat)
{
	static const char types[] = "-dlcbps", ours[] = "fdlcbps";
	if (word->end - word->at < 10 || !strchr(types, *word->at) || !*word->at)
		return false;
	stat->type = ours[strchr(types, *word->at) - types];
	stat->mode = 0;
	for (int i = 0; i < 9; i++) {
		char letter = word->at[i + 1];
		if (letter != '-' && letter != 'S' && letter != 'T')
			stat->mode |= 0400u >> i;
		if (letter == 's' || letter == 'S')
			stat->mode |= i == 2 ? S_ISUID : S_ISGID;
		if (letter == 't' || letter == 'T')
			stat->mode |= S_ISVTX;
	}
	return true;
}

/* "ls INODE LETTERS LINKS UID GID SIZE": all there is where the target has no stat(1). */
static bool parse_ls(struct arena *arena, struct text words, struct stat_answer *stat)
{
	struct text word;
	uint64_t uid, gid;
	if (!word_next(&words, &word) || !number_of(&words, 10, &stat->inode) || !word_next(&words, &word) ||
	    !parse_letters(&word, stat) || !number_of(&words, 10, &stat->links) || !number_of(&words, 10, &uid) ||
	    !number_of(&words, 10, &gid))
		return false;
	if (!number_of(&words, 10, &stat->size))
		stat->size = 0;
	stat->uid = (uid_t)uid;
	stat->gid = (gid_t)gid;
	stat->owner = number_text(arena, uid);
	stat->group = number_text(arena, gid);
	return true;
}

/* Whether a path's word says that no symlink is on its way. */
static bool is_straight(const struct text *code) { return code->end - code->at > 1 && code->end[-1] == 's'; }

/* What is told of one path. */
struct seen {
	char code;         /* 'e' exists, 'l' is a symlink, 'b' one that leads nowhere; 'a' absent, 'd' denied; 0: the reply is broken */
	struct text word;   /* all of that: "erws" */
	bool straight;
	struct text line;  /* of stat(1), where it exists */
	const char *target; /* of a symlink */
	size_t target_length;
	struct text beyond; /* of what a symlink leads to */
};

static bool exists(const struct seen *seen) { return seen->code == 'e' || seen->code == 'l' || seen->code == 'b'; }

static bool is_link(const struct seen *seen) { return seen->code == 'l' || seen->code == 'b'; }

static void read_links(struct reply *reply, struct seen *seen, size_t count)
{
	struct section section;
	for (size_t i = 0; i < count; i++) {
		if (!is_link(&seen[i]) || !reply_next(reply, 'L', &section))
			continue;
		seen[i].target = section.bytes;
		seen[i].target_length = section.length && section.bytes[section.length - 1] == '\n' ? section.length - 1 : section.length;
	}
}

/* The lines of stat(1): of several tries the last holds. false: there are none. */
static bool read_lines(struct reply *reply, struct text *lines)
{
	struct section section = { .bytes = "" };
	bool any = false;
	while (reply_peek(reply) == 't' && reply_next(reply, 't', &section))
		any = true;
	*lines = section_text(&section);
	return any;
}

/* What the script's s() tells of its paths; the count are all there are. */
static void read_seen(struct reply *reply, bool follow, struct seen *seen, size_t count)
{
	struct section section;
	struct text lines, codes, code, none = { "", "" };
	bool links = false;
	if (!reply_next(reply, 'S', &section))
		return;
	codes = section_text(&section);
	codes.end -= codes.at < codes.end; /* the newline */
	read_lines(reply, &lines);
	for (size_t i = 0; i < count && word_next(&codes, &code); i++) {
		seen[i].code = *code.at;
		seen[i].word = code;
		seen[i].straight = is_straight(&code);
		seen[i].line = seen[i].beyond = none;
		links |= seen[i].code == 'l';
		if (exists(&seen[i]) && !text_next(&lines, '\n', &seen[i].line))
			seen[i].code = 0;
	}
	read_links(reply, seen, count);
	if (!follow || !links || !read_lines(reply, &lines))
		return;
	for (size_t i = 0; i < count; i++) {
		if (seen[i].code == 'l')
			(void)text_next(&lines, '\n', &seen[i].beyond);
	}
}

static bool has_letter(const struct text *word, char letter)
{
	return memchr(word->at, letter, (size_t)(word->end - word->at));
}

/* A line of stat(1) as it is or of ls(1): 'e', 'a' where it says that the file is gone by now, 0 where it is neither. */
static char read_stat(struct arena *arena, const struct seen *seen, struct text line, struct stat_answer *stat)
{
	bool is_ls = line.end - line.at > 3 && memcmp(line.at, "ls ", 3) == 0;
	if (!(is_ls ? parse_ls(arena, line, stat) : parse_stat(arena, line, stat))) {
		*stat = (struct stat_answer){ .owner = "", .group = "" };
		return line.end - line.at == 1 && *line.at == 'x' ? 'a' : 0;
	}
	stat->readable = has_letter(&seen->word, 'r');
	stat->writable = has_letter(&seen->word, 'w');
	stat->executable = has_letter(&seen->word, 'x');
	return 'e';
}

/* The path itself, links not followed. */
static char seen_stat(struct arena *arena, const struct seen *seen, struct stat_answer *stat)
{
	*stat = (struct stat_answer){ .owner = "", .group = "" };
	char code = exists(seen) ? read_stat(arena, seen, seen->line, stat) : seen->code;
	if (code == 'e' && stat->type == 'l' && seen->target)
		stat->target = arena_copy(arena, seen->target, seen->target_length);
	return code;
}

/* What it leads to. */
static char beyond_stat(struct arena *arena, const struct seen *seen, struct stat_answer *stat)
{
	if (!is_link(seen))
		return seen_stat(arena, seen, stat);
	*stat = (struct stat_answer){ .owner = "", .group = "" };
	return seen->code == 'b' ? 'a' : read_stat(arena, seen, seen->beyond, stat);
}

static void take_stat(const struct ask *ask, const struct seen *seen, struct answer *answer)
{
	struct stat_answer *stat = &answer->stat;
	char code = (ask->follow ? beyond_stat : seen_stat)(&answer->arena, seen, stat);
	answer->is_straight = code && seen->straight && !(ask->follow && is_link(seen));
	if (code != 'e')
		set_code(answer, code, "");
	else if (stat->type == 'l' && (!stat->target || ask->follow))
		set_state(answer, ANSWER_FAILED, "it changed while it was looked at");
	else
		set_state(answer, ANSWER_OK, NULL);
	if (ask->only_type)
		*stat = (struct stat_answer){ .type = stat->type, .owner = "", .group = "" };
}

static void parse_stats(struct reply *reply, const struct probe_group *group, struct answer **answers)
{
	auto_free struct seen *seen = mem_array(group->path_count, sizeof(*seen));
	read_seen(reply, group->follow, seen, group->path_count);
	for (size_t i = 0; i < group->count; i++)
		take_stat(group->asks[i], &seen[group->paths[i]], answers[group->places[i]]);
}

/* ---- digests ---- */

static size_t digest_length(const char *algorithm)
{
	static const struct { const char *name; size_t length; } lengths[] = {
		{ "md5", 32 }, { "sha1", 40 }, { "sha224", 56 }, { "sha256", 64 }, { "sha384", 96 }, { "sha512", 128 },
	};
	for (size_t i = 0; i < sizeof(lengths) / sizeof(*lengths); i++) {
		if (strcmp(lengths[i].name, algorithm) == 0)
			return lengths[i].length;
	}
	return 0;
}

/* The hex digits at the start of a tool's line; a backslash before them says that the name is escaped. NULL: no digest. */
static const char *digest_of(struct arena *arena, struct text line, const char *algorithm)
{
	if (line.at < line.end && *line.at == '\\')
		line.at++;
	size_t length = digest_length(algorithm);
	if ((size_t)(line.end - line.at) < length || !length)
		return NULL;
	char *hex = arena_copy(arena, line.at, length);
	if (strspn(hex, "0123456789abcdef") != length)
		return NULL;
	return line.at + length == line.end || line.at[length] == ' ' ? hex : NULL;
}

/* The next path's code, and its digest where it is 'e'. */
static char hash_next(struct text *codes, struct text *lines, struct arena *arena, const char *algorithm,
                      const char **hex, bool *straight)
{
	struct text code, line;
	*hex = NULL;
	if (!word_next(codes, &code))
		return 0;
	*straight = is_straight(&code);
	if (*code.at != 'e')
		return *code.at;
	if (text_next(lines, '\n', &line))
		*hex = digest_of(arena, line, algorithm);
	return 'e';
}

const char probe_no_tool[] = "the target has no tool for this digest, or could not read the file";

static void parse_hashes(struct reply *reply, const struct probe_group *group, struct answer **answers)
{
	struct section section;
	struct text codes = { 0 };
	bool ok = reply_next(reply, 'H', &section);
	struct text lines = section_text(&section);
	ok = ok && text_next(&lines, '\n', &codes);
	for (size_t i = 0; i < group->count; i++) {
		struct answer *answer = answers[group->places[i]];
		const char *hex = NULL;
		char code = !ok ? 0
			: hash_next(&codes, &lines, &answer->arena, group->asks[i]->algorithm, &hex, &answer->is_straight);
		if (hex) {
			set_state(answer, ANSWER_OK, NULL);
			answer->hash = hex;
		} else if (code == 'e') {
			set_state(answer, ANSWER_FAILED, probe_no_tool);
		} else {
			set_code(answer, code, "it is not a regular file");
		}
	}
}

/* ---- contents ---- */

const char probe_mixed_up[] = "it changed while it was read";

static void set_bytes(const struct ask *ask, struct answer *answer, const char *bytes, size_t length)
{
	if (length > ask->limit) {
		answer->why = arena_printf(&answer->arena, "it is larger than %zu bytes", ask->limit);
		answer->state = ANSWER_FAILED;
		return;
	}
	set_state(answer, ANSWER_OK, NULL);
	answer->read = (struct bytes_answer){ arena_copy(&answer->arena, bytes, length), length };
}

/* A file that was read by itself. */
static void parse_read(struct reply *reply, const struct ask *ask, struct answer *answer)
{
	struct section section, ended;
	if (!reply_next(reply, 'o', &section) || !reply_next(reply, 'r', &ended))
		return;
	if (ended.state == '0')
		set_bytes(ask, answer, section.bytes, section.length);
	else
		set_state(answer, ANSWER_FAILED, "it could not be read to its end");
}

enum { DIGITS_MOST = 5 }; /* of the size of a file that is read together with others */

/* The next line of sizes, and what it says. */
static bool size_next(struct text *sizes, struct text *line, size_t *size)
{
	uint64_t number = 0;
	if (!text_next(sizes, '\n', line))
		return false;
	struct text word = *line;
	bool ok = number_of(&word, 10, &number);
	*size = number;
	return ok;
}

/* Whether files that were read in one piece have the same sizes behind it, which are those that it is long. */
static bool adds_up(struct text before, struct text behind, size_t length)
{
	struct text line, again;
	size_t size, same, all = 0;
	while (size_next(&before, &line, &size)) {
		if (line.end - line.at > DIGITS_MOST)
			continue;
		if (!size_next(&behind, &again, &same) || same != size)
			return false;
		all += size;
	}
	return all == length && before.at == before.end;
}

/* The files that exist, as the script's b2() tells of them: the small ones from one piece. */
static void parse_joined(struct reply *reply, const struct ask **asks, struct answer **answers, size_t count)
{
	struct section section, piece = { .bytes = "" }, behind = { .bytes = "" };
	if (!reply_next(reply, 's', &section))
		return;
	struct text sizes = section_text(&section);
	bool any = reply_peek(reply) == 'v', fits = false;
	if (any && reply_next(reply, 'v', &piece) && reply_next(reply, 's', &behind))
		fits = adds_up(sizes, section_text(&behind), piece.length);
	const char *at = piece.bytes;
	for (size_t i = 0; i < count; i++) {
		struct text line = { "", "" };
		size_t size = 0;
		bool small = any && size_next(&sizes, &line, &size) && line.end - line.at <= DIGITS_MOST;
		if (!small) {
			parse_read(reply, asks[i], answers[i]);
		} else if (fits) {
			set_bytes(asks[i], answers[i], at, size);
			at += size;
		} else {
			set_state(answers[i], ANSWER_FAILED, probe_mixed_up);
		}
	}
}

static void parse_reads(struct reply *reply, const struct probe_group *group, struct answer **answers)
{
	struct section section;
	struct text lines, codes, code;
	auto_free const struct ask **asks = mem_array(group->count, sizeof(*asks));
	auto_free struct answer **there = mem_array(group->count, sizeof(*there));
	size_t count = 0;
	if (!reply_next(reply, 'R', &section))
		return;
	lines = section_text(&section);
	if (!text_next(&lines, '\n', &codes))
		return;
	for (size_t i = 0; i < group->count && word_next(&codes, &code); i++) {
		struct answer *answer = answers[group->places[i]];
		answer->is_straight = is_straight(&code);
		if (*code.at == 'e') {
			asks[count] = group->asks[i];
			there[count++] = answer;
		} else {
			set_code(answer, *code.at, "it is not a regular file");
		}
	}
	if (group->joined && count)
		parse_joined(reply, asks, there, count);
	for (size_t i = 0; i < count && !group->joined; i++)
		parse_read(reply, asks[i], there[i]);
}

/* ---- lists ---- */

struct list_room { struct list_entry *entries; size_t count, room; };

/* A path that find(1) printed, less the folder it was given. NULL: it is not in there. */
static const char *entry_name(struct arena *arena, const struct text *path, const struct ask *ask)
{
	const char *p = path->at;
	if (*ask->path != '/' && path->end - p > 2 && memcmp(p, "./", 2) == 0)
		p += 2;
	size_t folder = strlen(ask->path);
	if ((size_t)(path->end - p) <= folder || memcmp(p, ask->path, folder) != 0)
		return NULL;
	p += folder;
	while (p < path->end && *p == '/')
		p++;
	return p < path->end ? arena_copy(arena, p, (size_t)(path->end - p)) : NULL;
}

/* Names, stats, links and digests of one batch. false: the reply is broken. */
static bool parse_batch(struct reply *reply, const struct ask *ask, struct arena *arena, struct list_room *list)
{
	struct section names, hashes = { 0 };
	if (!reply_next(reply, 'N', &names))
		return false;
	size_t first = list->count, count = 0;
	struct text all = section_text(&names), path;
	for (const char *p = all.at; p < all.end; p++)
		count += !*p;
	auto_free struct seen *seen = mem_array(count + 1, sizeof(*seen));
	read_seen(reply, false, seen, count);
	for (size_t i = 0; i < count && text_next(&all, '\0', &path); i++) {
		struct list_entry entry = { .name = entry_name(arena, &path, ask) };
		if (!entry.name || !seen_stat(arena, &seen[i], &entry.stat))
			return false;
		if (entry.stat.type == 'l' && !entry.stat.target)
			entry.stat.type = 0;
		mem_grow(list->entries, list->count, list->room);
		list->entries[list->count++] = entry; /* of type 0 where it is gone: it keeps its place for the digests */
	}
	if (!ask->algorithm)
		return true;
	if (!reply_next(reply, 'H', &hashes))
		return false;
	struct text lines = section_text(&hashes), codes;
	if (!text_next(&lines, '\n', &codes))
		return false;
	bool ignored;
	for (size_t i = first; i < list->count; i++)
		hash_next(&codes, &lines, arena, ask->algorithm, &list->entries[i].digest, &ignored);
	return true;
}

static int compare_entries(const void *a, const void *b)
{
	return strcmp(((const struct list_entry *)a)->name, ((const struct list_entry *)b)->name);
}

static void set_list(struct answer *answer, struct list_room *list)
{
	size_t kept = 0;
	for (size_t i = 0; i < list->count; i++) {
		if (list->entries[i].stat.type)
			list->entries[kept++] = list->entries[i];
	}
	if (kept)
		qsort(list->entries, kept, sizeof(*list->entries), compare_entries);
	struct list_entry *entries = arena_array(&answer->arena, kept + 1, sizeof(*entries));
	if (kept)
		memcpy(entries, list->entries, kept * sizeof(*entries));
	answer->list = (struct list_answer){ entries, kept };
	set_state(answer, ANSWER_OK, NULL);
}

static void parse_list(struct reply *reply, const struct ask *ask, struct answer *answer)
{
	struct section section;
	if (!reply_next(reply, 'W', &section))
		return;
	answer->is_straight = section.straight;
	if (section.state != 'o') {
		set_code(answer, section.state, "it is not a directory");
		return;
	}
	struct list_room list = { 0 };
	bool ok = true;
	while (ok && reply_peek(reply) == 'N')
		ok = parse_batch(reply, ask, &answer->arena, &list);
	if (!ok || !reply_next(reply, 'w', &section))
		reply->broken = true;
	else if (section.state != '0')
		set_state(answer, ANSWER_DENIED, "part of it could not be read");
	else
		set_list(answer, &list);
	free(list.entries);
}

/* ---- globs ---- */

static void parse_glob(struct reply *reply, const struct ask *ask, struct answer *answer)
{
	struct section section;
	if (!reply_next(reply, 'G', &section))
		return;
	struct text all = section_text(&section), path;
	size_t count = 0, room = 0;
	auto_free const char **names = NULL;
	while (text_next(&all, '\0', &path)) {
		if (*ask->path != '/' && path.end - path.at > 2 && memcmp(path.at, "./", 2) == 0)
			path.at += 2;
		mem_grow(names, count, room);
		names[count++] = text_copy(&answer->arena, &path);
	}
	if (count)
		qsort(names, count, sizeof(*names), text_order);
	const char **kept = arena_array(&answer->arena, count + 1, sizeof(*kept));
	for (size_t i = 0; i < count; i++)
		kept[i] = names[i];
	answer->glob = (struct names_answer){ kept, count };
	set_state(answer, ANSWER_OK, NULL);
}

/* ---- accounts ---- */

enum { FIELDS_MOST = 7 };

/* The fields of a line of passwd(5) or group(5); false where it has too few. */
static bool fields_of(struct text line, struct text fields[FIELDS_MOST], size_t least)
{
	size_t count = 0;
	while (count < FIELDS_MOST) {
		const char *end = line.at ? memchr(line.at, ':', (size_t)(line.end - line.at)) : NULL;
		fields[count++] = (struct text){ line.at, end ? end : line.end };
		if (!end)
			break;
		line.at = end + 1;
	}
	return count >= least;
}

static bool field_number(const struct text *field, uint64_t *number)
{
	struct text words = *field;
	return field->at < field->end && number_of(&words, 10, number) && *number <= UINT32_MAX;
}

/* By name; or by number, where no account has the digits for its name. */
static bool find_line(struct text lines, const char *name, size_t least, struct text fields[FIELDS_MOST])
{
	struct text line, candidate[FIELDS_MOST] = { 0 };
	bool found = false;
	char *end;
	uint64_t wanted = strtoull(name, &end, 10), number;
	bool numeric = *name >= '0' && *name <= '9' && !*end;
	while (text_next(&lines, '\n', &line)) {
		if (!fields_of(line, candidate, least))
			continue;
		bool by_name = is_word(&candidate[0], name);
		if (!by_name && (found || !numeric || !field_number(&candidate[2], &number) || number != wanted))
			continue;
		memcpy(fields, candidate, sizeof(candidate));
		found = true;
		if (by_name)
			break;
	}
	return found;
}

static bool has_member(struct text members, const char *name)
{
	struct text member;
	while (text_next(&members, ',', &member)) {
		if (is_word(&member, name))
			return true;
	}
	return false;
}

static void set_user(struct answer *answer, const struct text fields[FIELDS_MOST], struct text groups)
{
	struct arena *arena = &answer->arena;
	struct user_answer *user = &answer->user;
	uint64_t uid, gid;
	if (!field_number(&fields[2], &uid) || !field_number(&fields[3], &gid))
		return;
	*user = (struct user_answer){
		.name = text_copy(arena, &fields[0]), .uid = (uid_t)uid, .gid = (gid_t)gid, .comment = text_copy(arena, &fields[4]),
		.home = text_copy(arena, &fields[5]), .shell = text_copy(arena, &fields[6]),
	};
	auto_free const char **names = NULL;
	size_t room = 0;
	struct text line, group[FIELDS_MOST] = { 0 };
	while (text_next(&groups, '\n', &line)) {
		if (!fields_of(line, group, 4) || !has_member(group[3], user->name))
			continue;
		mem_grow(names, user->group_count, room);
		names[user->group_count++] = text_copy(arena, &group[0]);
	}
	user->groups = user->group_count ? arena_copy(arena, names, user->group_count * sizeof(*names)) : NULL;
	set_state(answer, ANSWER_OK, NULL);
}

static void set_group(struct answer *answer, const struct text fields[FIELDS_MOST])
{
	struct arena *arena = &answer->arena;
	uint64_t gid;
	if (!field_number(&fields[2], &gid))
		return;
	struct text members = fields[3], member;
	auto_free const char **names = NULL;
	size_t count = 0, room = 0;
	while (text_next(&members, ',', &member)) {
		mem_grow(names, count, room);
		names[count++] = text_copy(arena, &member);
	}
	answer->group = (struct group_answer){
		.name = text_copy(arena, &fields[0]), .gid = (gid_t)gid,
		.members = count ? arena_copy(arena, names, count * sizeof(*names)) : NULL, .member_count = count,
	};
	set_state(answer, ANSWER_OK, NULL);
}

static void parse_accounts(struct reply *reply, const struct probe_group *group, struct answer **answers)
{
	struct section lines, groups = { .bytes = "" };
	bool users = group->kind == PROBE_USERS;
	if (!reply_next(reply, 'A', &lines) || (users && !reply_next(reply, 'A', &groups)))
		return;
	for (size_t i = 0; i < group->count; i++) {
		struct answer *answer = answers[group->places[i]];
		struct text fields[FIELDS_MOST] = { 0 };
		if (!find_line(section_text(&lines), group->asks[i]->path, users ? 7 : 4, fields))
			set_state(answer, ANSWER_ABSENT, users ? "there is no such user" : "there is no such group");
		else if (users)
			set_user(answer, fields, section_text(&groups));
		else
			set_group(answer, fields);
	}
}

/* ---- the whole ---- */

static void parse_group(struct reply *reply, const struct probe_group *group, struct answer **answers)
{
	struct answer *first = answers[group->places[0]];
	switch (group->kind) {
	case PROBE_STAT: parse_stats(reply, group, answers); break;
	case PROBE_HASH: parse_hashes(reply, group, answers); break;
	case PROBE_READ: parse_reads(reply, group, answers); break;
	case PROBE_LIST: parse_list(reply, group->asks[0], first); break;
	case PROBE_GLOB: parse_glob(reply, group->asks[0], first); break;
	case PROBE_USERS: case PROBE_GROUPS: parse_accounts(reply, group, answers); break;
	default: break;
	}
}

void probe_parse(const struct ask *const *asks, size_t count, bool apart, const char *mark, const char *reply_bytes, size_t length,
                 struct answer **answers)
{
	for (size_t i = 0; i < count; i++) {
		answers[i] = answer_new();
		set_state(answers[i], ANSWER_FAILED, "the target's reply could not be read");
	}
	auto_(probe_order_release) struct probe_order order = probe_order_of(asks, count, apart);
	struct reply reply;
	reply_start(&reply, mark, reply_bytes, length);
	for (size_t i = 0; i < order.count && !reply.broken; i++)
		parse_group(&reply, &order.groups[i], answers);
}
