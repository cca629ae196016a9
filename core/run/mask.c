/* Masking by value: all forms of all secrets in one table, keyed by their first bytes, so that a text is passed over once
 * however many there are. */
#include "run/mask.h"

#include <ctype.h>
#include <pthread.h>
#include <stdint.h>
#include <string.h>

#include "base/buf.h"
#include "base/mem.h"
#include "base/secret.h"

enum { BUCKETS = 4096, LINE_SHORTEST = 8, ENCODED_SHORTEST = 6 };

struct needle {
	struct needle *next;
	size_t length;
	char bytes[];
};

struct mask {
	pthread_rwlock_t lock;
	struct needle *buckets[BUCKETS]; /* of needles of at least MASK_ANYWHERE bytes, longest first */
	struct needle *words;            /* shorter ones, longest first */
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
	free_needles(mask->words);
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
	return length >= MASK_ANYWHERE ? &mask->buckets[bucket_of(bytes)] : &mask->words;
}

static bool is_known(struct needle *list, const char *bytes, size_t length)
{
	for (struct needle *needle = list; needle; needle = needle->next)
		if (needle->length == length && memcmp(needle->bytes, bytes, length) == 0)
			return true;
	return false;
}

static void add_needle(struct mask *mask, const char *bytes, size_t length)
{
	struct needle **at = list_for(mask, bytes, length);
	if (!length || is_known(*at, bytes, length))
		return;
	struct needle *needle = mem_alloc(sizeof(*needle) + length);
	needle->length = length;
	memcpy(needle->bytes, bytes, length);
	while (*at && (*at)->length > length)
		at = &(*at)->next;
	needle->next = *at;
	*at = needle;
	mask->count++;
}

/* ---- the forms a value may take ---- */

static void add_form(struct mask *mask, struct buf *form)
{
	if (form->length >= MASK_ANYWHERE)
		add_needle(mask, form->data, form->length);
	if (form->length)
		secret_wipe(form->data, form->length);
	buf_clear(form);
}

/* The digits that the value alone determines when it stands `offset` bytes behind the start of a group of three. */
static void base64_inner(struct buf *form, const char *bytes, size_t length, unsigned offset, const char *digits)
{
	size_t first_bit = offset * 8, last_bit = (offset + length) * 8;
	for (size_t digit = (first_bit + 5) / 6; (digit + 1) * 6 <= last_bit; digit++) {
		unsigned value = 0;
		for (size_t bit = digit * 6; bit < digit * 6 + 6; bit++) {
			unsigned char byte = (unsigned char)bytes[bit / 8 - offset];
			value = value << 1 | (byte >> (7 - bit % 8) & 1);
		}
		buf_char(form, digits[value]);
	}
}

static void add_base64(struct mask *mask, struct buf *form, const char *bytes, size_t length)
{
	static const char *const alphabets[] = {
		"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/",
		"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_",
	};
	for (size_t alphabet = 0; alphabet < 2; alphabet++)
		for (unsigned offset = 0; offset < 3; offset++) {
			base64_inner(form, bytes, length, offset, alphabets[alphabet]);
			if (form->length < ENCODED_SHORTEST)
				buf_clear(form);
			add_form(mask, form);
		}
}

/* RFC 3986, with the reserved characters of a path kept or not, in both cases of the hex digits. */
static void add_url(struct mask *mask, struct buf *form, const char *bytes, size_t length)
{
	for (int variant = 0; variant < 8; variant++) {
		const char *hex = variant & 1 ? "0123456789abcdef" : "0123456789ABCDEF";
		for (size_t i = 0; i < length; i++) {
			unsigned char c = (unsigned char)bytes[i];
			if (isalnum(c) || strchr("-._~", c) || (c == '/' && variant & 2))
				buf_char(form, (char)c);
			else if (c == ' ' && variant & 4)
				buf_char(form, '+');
			else
				buf_add(form, (char[]){ '%', hex[c >> 4], hex[c & 15] }, 3);
		}
		add_form(mask, form);
	}
}

static void add_json(struct mask *mask, struct buf *form, const char *bytes, size_t length)
{
	auto_json json_t *value = json_stringn(bytes, length);
	if (!value)
		return;
	static const size_t flags[] = { 0, JSON_ENSURE_ASCII, JSON_ESCAPE_SLASH };
	for (size_t i = 0; i < sizeof(flags) / sizeof(*flags); i++) {
		char *text = json_dumps(value, JSON_ENCODE_ANY | flags[i]);
		size_t text_length = strlen(text);
		buf_add(form, text + 1, text_length - 2);
		secret_wipe(text, text_length);
		free(text);
		add_form(mask, form);
	}
}

/* Inside of single quotes, which a quote in the text interrupts: as shells' users write it, and as Python's shlex does. */
static void add_shell(struct mask *mask, struct buf *form, const char *bytes, size_t length)
{
	static const char *const quotes[] = { "'\\''", "'\"'\"'" };
	for (size_t variant = 0; variant < 2; variant++) {
		for (size_t i = 0; i < length; i++)
			if (bytes[i] == '\'')
				buf_str(form, quotes[variant]);
			else
				buf_char(form, bytes[i]);
		add_form(mask, form);
	}
}

static void add_lines(struct mask *mask, const char *bytes, size_t length)
{
	const char *end = bytes + length;
	for (const char *line = bytes; line < end;) {
		const char *stop = memchr(line, '\n', (size_t)(end - line));
		size_t line_length = (size_t)((stop ? stop : end) - line);
		if (line_length >= LINE_SHORTEST && line_length < length)
			add_needle(mask, line, line_length);
		line += line_length + 1;
	}
}

void mask_add(struct mask *mask, const char *secret, size_t length)
{
	while (length && (secret[length - 1] == '\n' || secret[length - 1] == '\r'))
		length--;
	if (!length)
		return;
	pthread_rwlock_wrlock(&mask->lock);
	if (!is_known(*list_for(mask, secret, length), secret, length)) {
		auto_buf struct buf form = BUF_INIT;
		buf_reserve(&form, length * 8);
		add_needle(mask, secret, length);
		add_lines(mask, secret, length);
		add_base64(mask, &form, secret, length);
		add_url(mask, &form, secret, length);
		add_json(mask, &form, secret, length);
		add_shell(mask, &form, secret, length);
	}
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

static size_t match_at(const struct mask *mask, const char *text, size_t length, size_t at)
{
	size_t left = length - at;
	if (left >= MASK_ANYWHERE)
		for (const struct needle *needle = mask->buckets[bucket_of(text + at)]; needle; needle = needle->next)
			if (needle->length <= left && memcmp(needle->bytes, text + at, needle->length) == 0)
				return needle->length;
	for (const struct needle *needle = mask->words; needle; needle = needle->next)
		if (needle->length <= left && memcmp(needle->bytes, text + at, needle->length) == 0 &&
		    stands_alone(text, length, at, needle->length))
			return needle->length;
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

char *mask_text(const struct mask *mask, const char *text, size_t length, size_t *masked_length)
{
	struct mask *lockable = (struct mask *)mask;
	auto_buf struct buf out = BUF_INIT;
	pthread_rwlock_rdlock(&lockable->lock);
	bool found = mask->count && mask_into(mask, text, length, &out);
	pthread_rwlock_unlock(&lockable->lock);
	if (!found)
		return NULL;
	*masked_length = out.length;
	return buf_take(&out);
}

static json_t *mask_number(const struct mask *mask, json_t *value)
{
	char text[32];
	int length = snprintf(text, sizeof(text), "%" JSON_INTEGER_FORMAT, json_integer_value(value));
	struct mask *lockable = (struct mask *)mask;
	pthread_rwlock_rdlock(&lockable->lock);
	bool is_secret = length >= MASK_ANYWHERE && is_known(mask->buckets[bucket_of(text)], text, (size_t)length);
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
