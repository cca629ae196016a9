/* Masking by value: all forms of all secrets (mask_forms.c) in one table, keyed by their first bytes, so that a text is
 * passed over once however many there are. */
#include "run/mask.h"

#include <ctype.h>
#include <pthread.h>
#include <stdint.h>
#include <string.h>

#include "base/buf.h"
#include "base/err.h"
#include "base/mem.h"
#include "base/secret.h"
#include "run/mask_forms.h"

enum { BUCKETS = 4096, NUMBER_SHORTEST = 3 };

struct needle {
	struct needle *next;
	size_t length;
	enum mask_where where;
	char bytes[];
};

struct mask {
	pthread_rwlock_t lock;
	struct needle *buckets[BUCKETS]; /* of needles of at least MASK_ANYWHERE bytes, longest first */
	struct needle *shorter;          /* none of them MASK_INSIDE; longest first */
	size_t count;
};

static const char stars[] = "********";

struct mask *mask_new(void)
{
	struct mask *mask = mem_alloc(sizeof(*mask));
	pthread_rwlock_init(&mask->lock, NULL);
	return mask;
}

static void free_needles(struct needle *needle)
{
	while (needle) {
		struct needle *next = needle->next;
		secret_wipe(needle->bytes, needle->length);
		free(needle);
		needle = next;
	}
}

void mask_free(struct mask *mask)
{
	if (!mask)
		return;
	for (size_t i = 0; i < BUCKETS; i++)
		free_needles(mask->buckets[i]);
	free_needles(mask->shorter);
	pthread_rwlock_destroy(&mask->lock);
	free(mask);
}

static size_t bucket_of(const char *bytes)
{
	uint32_t start;
	memcpy(&start, bytes, sizeof(start));
	return start * 2654435761u >> 20;
}

_Static_assert(sizeof(uint32_t) == MASK_ANYWHERE, "a bucket is chosen by the first bytes of the shortest needle in it");

static struct needle **list_for(struct mask *mask, const char *bytes, size_t length)
{
	return length >= MASK_ANYWHERE ? &mask->buckets[bucket_of(bytes)] : &mask->shorter;
}

static struct needle *find_needle(struct needle *list, const char *bytes, size_t length)
{
	struct needle *needle = list;
	while (needle && (needle->length != length || memcmp(needle->bytes, bytes, length) != 0))
		needle = needle->next;
	return needle;
}

static void add_needle(void *context, const char *bytes, size_t length, enum mask_where where)
{
	struct mask *mask = context;
	struct needle **at = list_for(mask, bytes, length), *known = find_needle(*at, bytes, length);
	if (known) {
		known->where = where < known->where ? where : known->where;
		return;
	}
	struct needle *needle = mem_alloc(sizeof(*needle) + length);
	needle->length = length;
	needle->where = where;
	memcpy(needle->bytes, bytes, length);
	while (*at && (*at)->length > length)
		at = &(*at)->next;
	needle->next = *at;
	*at = needle;
	mask->count++;
}

void mask_add(struct mask *mask, const char *secret, size_t length)
{
	while (length && (secret[length - 1] == '\n' || secret[length - 1] == '\r'))
		length--;
	if (!length)
		return;
	pthread_rwlock_wrlock(&mask->lock);
	struct needle *known = find_needle(*list_for(mask, secret, length), secret, length);
	enum mask_where where = length >= MASK_ANYWHERE ? MASK_INSIDE : MASK_WORD;
	if (!known || known->where > where)
		mask_forms(&(struct mask_forms){ mask, add_needle }, secret, length);
	pthread_rwlock_unlock(&mask->lock);
}

bool mask_is_empty(const struct mask *mask)
{
	struct mask *lockable = (struct mask *)mask;
	pthread_rwlock_rdlock(&lockable->lock);
	bool empty = mask->count == 0;
	pthread_rwlock_unlock(&lockable->lock);
	return empty;
}

/* ---- looking for them ---- */

static bool is_word_char(char c) { return isalnum((unsigned char)c) || c == '_' || (unsigned char)c >= 0x80; }

static bool stands_alone(const char *text, size_t length, size_t at, size_t size)
{
	return (at == 0 || !is_word_char(text[at - 1])) && (at + size == length || !is_word_char(text[at + size]));
}

/* Indented or not. */
static bool is_line(const char *text, size_t length, size_t at, size_t size)
{
	while (at && (text[at - 1] == ' ' || text[at - 1] == '\t')) {
		at--;
		size++;
	}
	return (at == 0 || strchr("\n'\"", text[at - 1])) && (at + size == length || strchr("\r\n'\"", text[at + size]));
}

static bool may_stand(const struct needle *needle, const char *text, size_t length, size_t at)
{
	return needle->where == MASK_INSIDE || (needle->where == MASK_WORD && stands_alone(text, length, at, needle->length)) ||
	       (needle->where == MASK_LINE && is_line(text, length, at, needle->length));
}

/* How much of a needle stands before the sign that a text was cut there; 0 where it is not cut. */
static size_t cut_length(const struct needle *needle, const char *text, size_t left)
{
	size_t size = 0;
	while (size < left && size < needle->length && text[size] == needle->bytes[size])
		size++;
	bool cut = size >= MASK_ANYWHERE && left - size >= strlen(ERR_CUT) && memcmp(text + size, ERR_CUT, strlen(ERR_CUT)) == 0;
	return cut && needle->where == MASK_INSIDE ? size : 0;
}

static size_t match_at(const struct mask *mask, const char *text, size_t length, size_t at)
{
	size_t left = length - at;
	const struct needle *lists[] = { left >= MASK_ANYWHERE ? mask->buckets[bucket_of(text + at)] : NULL, mask->shorter };
	for (size_t i = 0; i < 2; i++)
		for (const struct needle *needle = lists[i]; needle; needle = needle->next) {
			if (needle->length <= left && memcmp(needle->bytes, text + at, needle->length) == 0) {
				if (may_stand(needle, text, length, at))
					return needle->length;
				continue;
			}
			size_t cut = cut_length(needle, text + at, left);
			if (cut)
				return cut;
		}
	return 0;
}

/* Overlapping matches are one: the end of the second must not stay readable. */
static bool mask_into(const struct mask *mask, const char *text, size_t length, struct buf *out)
{
	bool found = false;
	size_t covered_to = 0, copied_to = 0;
	for (size_t i = 0; i < length; i++) {
		size_t size = match_at(mask, text, length, i);
		if (!size)
			continue;
		if (i >= covered_to) {
			buf_add(out, text + copied_to, i - copied_to);
			buf_str(out, stars);
		}
		if (i + size > covered_to)
			copied_to = covered_to = i + size;
		found = true;
	}
	if (found)
		buf_add(out, text + copied_to, length - copied_to);
	return found;
}

/* Where the password of the URL begins whose :// stands at `at`, and its length; 0: it has none. */
static size_t url_password(const char *text, size_t length, size_t at, size_t *start)
{
	size_t end = at + 3, colon = 0;
	while (end < length && text[end] > ' ' && !strchr("/?#@\"'<>", text[end])) {
		if (text[end] == ':' && !colon)
			colon = end;
		end++;
	}
	if (!colon || end == length || text[end] != '@')
		return 0;
	*start = colon + 1;
	return end - *start;
}

/* scheme://user:password@host: nobody has said that it is a secret, but it never is anything else. */
static bool mask_urls(const char *text, size_t length, struct buf *out)
{
	size_t copied_to = 0, start = 0;
	for (const char *at = text; (at = memmem(at, length - (size_t)(at - text), "://", 3)); at += 3) {
		size_t size = url_password(text, length, (size_t)(at - text), &start);
		if (!size || (size == strlen(stars) && memcmp(text + start, stars, size) == 0))
			continue;
		buf_add(out, text + copied_to, start - copied_to);
		buf_str(out, stars);
		copied_to = start + size;
	}
	if (copied_to)
		buf_add(out, text + copied_to, length - copied_to);
	return copied_to;
}

char *mask_text(const struct mask *mask, const char *text, size_t length, size_t *masked_length)
{
	struct mask *lockable = (struct mask *)mask;
	auto_buf struct buf out = BUF_INIT, last = BUF_INIT;
	pthread_rwlock_rdlock(&lockable->lock);
	bool found = mask->count && mask_into(mask, text, length, &out);
	pthread_rwlock_unlock(&lockable->lock);
	bool found_url = mask_urls(found ? buf_text(&out) : text, found ? out.length : length, &last);
	if (!found && !found_url)
		return NULL;
	*masked_length = found_url ? last.length : out.length;
	return buf_take(found_url ? &last : &out);
}

static json_t *mask_number(const struct mask *mask, json_t *value)
{
	char text[32];
	int length = snprintf(text, sizeof(text), "%" JSON_INTEGER_FORMAT, json_integer_value(value));
	struct mask *lockable = (struct mask *)mask;
	pthread_rwlock_rdlock(&lockable->lock);
	const struct needle *list = length >= MASK_ANYWHERE ? mask->buckets[bucket_of(text)] : mask->shorter;
	bool is_secret = length >= NUMBER_SHORTEST && find_needle((struct needle *)list, text, (size_t)length);
	pthread_rwlock_unlock(&lockable->lock);
	if (!is_secret)
		return value;
	json_decref(value);
	return json_string(stars);
}

static void mask_string(const struct mask *mask, json_t *value)
{
	size_t length = 0;
	auto_free char *masked = mask_text(mask, json_string_value(value), json_string_length(value), &length);
	/* A match may begin or end inside a character only where the secret is not UTF-8; then nothing of it is shown. */
	if (masked && json_string_setn(value, masked, length) < 0)
		json_string_set(value, stars);
}

static void mask_object(const struct mask *mask, json_t *object)
{
	auto_json json_t *renamed = NULL;
	const char *key;
	json_t *member;
	void *next;
	json_object_foreach_safe (object, next, key, member) {
		size_t length = 0;
		auto_free char *masked = mask_text(mask, key, strlen(key), &length);
		json_t *replacement = mask_json(mask, json_incref(member));
		if (!masked) {
			json_object_set_new(object, key, replacement);
			continue;
		}
		if (!renamed)
			renamed = json_object();
		auto_free char *name = mem_printf("%s%s", masked, json_object_get(renamed, masked) ? " (another)" : "");
		if (json_object_set(renamed, name, replacement) < 0)
			json_object_set(renamed, stars, replacement);
		json_decref(replacement);
		json_object_del(object, key);
	}
	if (renamed)
		json_object_update(object, renamed);
}

json_t *mask_json(const struct mask *mask, json_t *value)
{
	if (json_is_string(value)) {
		mask_string(mask, value);
	} else if (json_is_integer(value)) {
		return mask_number(mask, value);
	} else if (json_is_array(value)) {
		for (size_t i = 0; i < json_array_size(value); i++)
			json_array_set_new(value, i, mask_json(mask, json_incref(json_array_get(value, i))));
	} else if (json_is_object(value)) {
		mask_object(mask, value);
	}
	return value;
}
