/* Patterns: which hosts "web*:!web3:&staging" names, by Ansible's rules.
 *
 * Parts are separated by commas, or by colons where there is no comma. Parts without "!" and "&" are taken together
 * first, then "&" parts keep what they have in common with them, then "!" parts take away. A part is the name of a host, or
 * a name, a glob or a "~regex" for groups and hosts, with an optional [subscript] of what it found. */
#include <ctype.h>
#include <errno.h>
#include <fnmatch.h>
#include <stdint.h>
#include <string.h>

#define PCRE2_CODE_UNIT_WIDTH 8
#include <pcre2.h>

#include "base/file.h"
#include "base/mem.h"
#include "base/suggest.h"
#include "model/host_range.h"
#include "model/inventory_parts.h"

enum { LIMIT_FILE_MOST = 16 * 1024 * 1024 };

/* An ordered set of hosts. */
struct host_set {
	struct host **items;
	size_t count, room;
	bool *has; /* by index, and one more for the implicit host */
	size_t host_count;
};

struct matcher {
	struct inventory *inventory;
	struct problems *problems;
	struct host_names parts;
	struct host_set found;
};

static void set_init(struct host_set *set, const struct inventory *inventory)
{
	*set = (struct host_set){ .host_count = inventory->host_count };
	set->has = mem_array(inventory->host_count + 1, sizeof(bool));
}

static void set_release(struct host_set *set)
{
	free(set->items);
	free(set->has);
}

static bool *set_place(const struct host_set *set, const struct host *host)
{
	return &set->has[host->implicit ? set->host_count : host->index];
}

static void set_add(struct host_set *set, struct host *host)
{
	bool *has = set_place(set, host);
	if (*has)
		return;
	*has = true;
	mem_grow(set->items, set->count, set->room);
	set->items[set->count++] = host;
}

/* Keeps those that other has (or has not). */
static void set_filter(struct host_set *set, const struct host_set *other, bool keep)
{
	size_t kept = 0;
	for (size_t i = 0; i < set->count; i++) {
		struct host *host = set->items[i];
		*set_place(set, host) = *set_place(other, host) == keep;
		if (*set_place(set, host))
			set->items[kept++] = host;
	}
	set->count = kept;
}

static void parts_add(struct host_names *parts, const char *text, size_t length)
{
	while (length && isspace((unsigned char)*text))
		text++, length--;
	while (length && isspace((unsigned char)text[length - 1]))
		length--;
	if (!length)
		return;
	mem_grow(parts->items, parts->count, parts->room);
	parts->items[parts->count++] = mem_strndup(text, length);
}

/* At colons outside brackets; brackets that do not close, and blanks, separate as well. */
static void parts_add_colons(struct host_names *parts, const char *pattern)
{
	const char *start = pattern, *at = pattern;
	while (*at) {
		const char *close = *at == '[' ? strchr(at, ']') : NULL;
		if (close) {
			at = close + 1;
		} else if (isspace((unsigned char)*at) || strchr(":[]", *at)) {
			parts_add(parts, start, (size_t)(at - start));
			start = ++at;
		} else {
			at++;
		}
	}
	parts_add(parts, start, (size_t)(at - start));
}

static void parts_split(struct host_names *parts, const char *pattern)
{
	if (!strchr(pattern, ',')) {
		if (host_range_is_address(pattern))
			parts_add(parts, pattern, strlen(pattern));
		else
			parts_add_colons(parts, pattern);
		return;
	}
	for (const char *at = pattern;; at++) {
		size_t length = strcspn(at, ",");
		parts_add(parts, at, length);
		at += length;
		if (!*at)
			return;
	}
}

/* The lines of a file stand for "@file". */
static int parts_add_file(struct host_names *parts, const char *path, struct err *err)
{
	auto_buf struct buf bytes = BUF_INIT;
	if (file_read(path, LIMIT_FILE_MOST, &bytes, err) < 0)
		return err_hint(err, "a pattern that begins with @ is a file with a pattern on each line");
	char *rest = bytes.data;
	for (char *line; (line = strsep(&rest, "\n"));)
		parts_add(parts, line, strlen(line));
	return 0;
}

static int matcher_split(struct matcher *m, const char *pattern, struct err *err)
{
	auto_host_names struct host_names words = HOST_NAMES_INIT;
	if (*pattern == '@')
		parts_add(&words, pattern, strcspn(pattern, ","));
	parts_split(&words, *pattern == '@' ? pattern + strcspn(pattern, ",") : pattern);
	for (size_t i = 0; i < words.count; i++) {
		const char *word = words.items[i];
		if (*word != '@')
			parts_add(&m->parts, word, strlen(word));
		else if (parts_add_file(&m->parts, word + 1, err) < 0)
			return -1;
	}
	return 0;
}

/* A compiled name, glob or ~regex. */
struct name_pattern {
	const char *glob; /* NULL: regex */
	pcre2_code *regex;
	pcre2_match_data *match;
};

static int name_pattern_init(struct name_pattern *pattern, const char *text, struct err *err)
{
	*pattern = (struct name_pattern){ .glob = text };
	if (*text != '~')
		return 0;
	int fault;
	PCRE2_SIZE at;
	pattern->glob = NULL;
	/* Anchored: it matches from the start, as Python's re.match. */
	pattern->regex = pcre2_compile((PCRE2_SPTR)text + 1, PCRE2_ZERO_TERMINATED, PCRE2_ANCHORED | PCRE2_UTF, &fault, &at, NULL);
	if (!pattern->regex) {
		char reason[160];
		pcre2_get_error_message(fault, (PCRE2_UCHAR *)reason, sizeof(reason));
		return err_set(err, ERR_INPUT, "the host pattern \"%s\" is no regular expression: %s at character %zu", text, reason,
		               (size_t)at + 2);
	}
	pattern->match = pcre2_match_data_create(1, NULL);
	return 0;
}

static void name_pattern_release(struct name_pattern *pattern)
{
	pcre2_match_data_free(pattern->match);
	pcre2_code_free(pattern->regex);
}

static bool name_pattern_matches(const struct name_pattern *pattern, const char *name)
{
	if (pattern->glob)
		return fnmatch(pattern->glob, name, FNM_NOESCAPE) == 0;
	return pcre2_match(pattern->regex, (PCRE2_SPTR)name, PCRE2_ZERO_TERMINATED, 0, 0, pattern->match, NULL) >= 0;
}

static void warn_unknown(struct matcher *m, const char *text)
{
	struct suggest suggest;
	suggest_start(&suggest, text);
	for (size_t i = 0; i < m->inventory->group_count; i++)
		suggest_offer(&suggest, m->inventory->groups[i]->name);
	for (size_t i = 0; i < m->inventory->host_count; i++)
		suggest_offer(&suggest, m->inventory->hosts[i]->name);
	auto_free char *hint = suggest.best ? mem_printf("did you mean \"%s\"?", suggest.best) : NULL;
	problem_add(m->problems, PROBLEM_WARNING, (struct place){ 0 }, NULL, hint,
	            "the pattern \"%s\" names no host or group", text);
}

/* All that a name, glob or ~regex finds: whole groups, and where it is no plain name, hosts as well. */
static int matcher_enumerate(struct matcher *m, const char *text, struct host_set *set, struct err *err)
{
	struct name_pattern pattern;
	if (name_pattern_init(&pattern, text, err) < 0)
		return -1;
	bool any_group = false;
	for (size_t i = 0; i < m->inventory->group_count; i++) {
		struct group *group = m->inventory->groups[i];
		if (!name_pattern_matches(&pattern, group->name))
			continue;
		any_group = true;
		size_t count;
		auto_free struct host **hosts = inventory_group_hosts(m->inventory, group, &count);
		for (size_t j = 0; j < count; j++)
			set_add(set, hosts[j]);
	}
	if (!any_group || *text == '~' || strpbrk(text, ".?*["))
		for (size_t i = 0; i < m->inventory->host_count; i++)
			if (name_pattern_matches(&pattern, m->inventory->hosts[i]->name))
				set_add(set, m->inventory->hosts[i]);
	name_pattern_release(&pattern);
	if (!set->count && inventory_is_local_name(text))
		set_add(set, inventory_host(m->inventory, text));
	if (!set->count && !any_group && strcmp(text, "all") != 0)
		warn_unknown(m, text);
	return 0;
}

struct subscript {
	bool given, range, to_end;
	long start, end;
};

/* "[0]", "[-1]", "[0:2]", "[3:]" behind something; *length is that of what stands before it. */
static struct subscript subscript_parse(const char *text, size_t *length)
{
	struct subscript s = { 0 };
	const char *open = strrchr(text, '[');
	*length = strlen(text);
	if (*text == '~' || !open || open == text || text[*length - 1] != ']')
		return s;
	char *end;
	const char *digits = open[1] == '-' ? open + 2 : open + 1;
	if (!isdigit((unsigned char)*digits))
		return s;
	errno = 0;
	s.start = strtol(open + 1, &end, 10);
	if (s.start >= 0 && (*end == ':' || *end == '-')) {
		s.range = true;
		const char *from = end + 1;
		s.to_end = *from == ']';
		if (!s.to_end && !isdigit((unsigned char)*from))
			return (struct subscript){ 0 };
		s.end = s.to_end ? 0 : strtol(from, &end, 10);
		if (s.to_end)
			end = (char *)from;
	}
	if (*end != ']' || end[1] || errno)
		return (struct subscript){ 0 };
	s.given = true;
	*length = (size_t)(open - text);
	return s;
}

/* Adds to out what the subscript picks from set. */
static int subscript_apply(const struct subscript *s, const char *text, const struct host_set *set, struct host_set *out,
                           struct err *err)
{
	size_t first = 0, behind = set->count;
	if (s->given && set->count) {
		bool one = !s->range || (!s->to_end && s->end == 0);
		long start = s->start < 0 ? s->start + (long)set->count : s->start;
		if (one && (start < 0 || start >= (long)set->count)) {
			err_set(err, ERR_INPUT, "the pattern \"%s\" counts past its %zu hosts", text, set->count);
			return err_hint(err, "the first host is [0], the last one [-1]");
		}
		first = (size_t)start;
		if (one)
			behind = first + 1;
		else if (!s->to_end && s->end + 1 < (long)set->count)
			behind = (size_t)s->end + 1;
	}
	for (size_t i = first; i < behind; i++)
		set_add(out, set->items[i]);
	return 0;
}

/* One part, without its "!" or "&". */
static int matcher_part(struct matcher *m, const char *text, struct host_set *out, struct err *err)
{
	size_t length;
	struct subscript subscript = subscript_parse(text, &length);
	auto_free char *name = mem_strndup(text, length);
	auto_(set_release) struct host_set set;
	set_init(&set, m->inventory);
	if (!*name)
		return 0;
	if (matcher_enumerate(m, name, &set, err) < 0)
		return -1;
	return subscript_apply(&subscript, text, &set, out, err);
}

static struct host *host_named(const struct inventory *inventory, const char *name)
{
	const json_t *position = json_object_get(inventory->host_index, name);
	return position ? inventory->hosts[json_integer_value(position)] : NULL;
}

/* kind: '!', '&', or 0 for the parts that have neither. */
static int matcher_kind(struct matcher *m, char kind, bool *any, struct err *err)
{
	for (size_t i = 0; i < m->parts.count; i++) {
		const char *part = m->parts.items[i];
		char own = *part == '!' || *part == '&' ? *part : '\0';
		if (own != kind)
			continue;
		*any = true;
		struct host *host = kind ? NULL : host_named(m->inventory, part);
		if (host) {
			set_add(&m->found, host);
			continue;
		}
		auto_(set_release) struct host_set set;
		set_init(&set, m->inventory);
		if (matcher_part(m, kind ? part + 1 : part, kind ? &set : &m->found, err) < 0)
			return -1;
		if (kind)
			set_filter(&m->found, &set, kind == '&');
	}
	return 0;
}

static int matcher_run(struct matcher *m, const char *pattern, struct err *err)
{
	bool any = false, unused;
	if (matcher_split(m, pattern, err) < 0 || matcher_kind(m, '\0', &any, err) < 0)
		return -1;
	if (!any && m->parts.count && matcher_part(m, "all", &m->found, err) < 0)
		return -1;
	if (matcher_kind(m, '&', &unused, err) < 0 || matcher_kind(m, '!', &unused, err) < 0)
		return -1;
	return 0;
}

int inventory_match(struct inventory *inventory, const char *pattern, struct host ***hosts, size_t *count,
                    struct problems *problems, struct err *err)
{
	struct matcher m = { .inventory = inventory, .problems = problems };
	set_init(&m.found, inventory);
	int result = matcher_run(&m, pattern, err);
	*hosts = result == 0 && m.found.count ? steal(m.found.items) : NULL;
	*count = *hosts ? m.found.count : 0;
	set_release(&m.found);
	host_names_release(&m.parts);
	return result;
}
