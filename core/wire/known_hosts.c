/* The known_hosts format: marks, patterns, hashed names, keys; and the verdict on a key that a server shows. */
#include "wire/known_hosts.h"

#include <ctype.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <openssl/evp.h>
#include <openssl/rand.h>

#include "base/mem.h"

enum { HASH_LENGTH = 20, HMAC_BLOCK = 64, LONGEST_BLOB = 64 * 1024 };

/* ---- small tools ---- */

/* Decodes padded base64; NULL if it is none or too long. */
static unsigned char *base64_decode(const char *text, size_t length, size_t *decoded)
{
	if (length == 0 || length % 4 != 0 || length > LONGEST_BLOB)
		return NULL;
	auto_free unsigned char *bytes = mem_alloc(length / 4 * 3 + 1);
	int written = EVP_DecodeBlock(bytes, (const unsigned char *)text, (int)length);
	if (written < 0)
		return NULL;
	size_t padding = text[length - 1] != '=' ? 0 : text[length - 2] != '=' ? 1 : 2;
	*decoded = (size_t)written - padding;
	return steal(bytes);
}

void known_hosts_base64(struct buf *text, const unsigned char *bytes, size_t length)
{
	char *place = buf_reserve(text, length / 3 * 4 + 5);
	text->length += (size_t)EVP_EncodeBlock((unsigned char *)place, bytes, (int)length);
}

/* HMAC-SHA1 of name (RFC 2104), by plain digests because setting up an HMAC for each of thousands of lines costs more
 * than the hashing. The key is at most one block long. */
struct hasher {
	EVP_MD *sha1; /* NULL until the first is hashed */
	EVP_MD_CTX *context;
};

static void hasher_release(struct hasher *hasher)
{
	EVP_MD_CTX_free(hasher->context);
	EVP_MD_free(hasher->sha1);
}

static bool name_hash(struct hasher *hasher, const unsigned char *key, size_t key_length, const char *name,
                      unsigned char hash[HASH_LENGTH])
{
	unsigned char inner[HMAC_BLOCK] = { 0 }, outer[HMAC_BLOCK];
	if (key_length > HMAC_BLOCK)
		return false;
	memcpy(inner, key, key_length);
	for (size_t i = 0; i < HMAC_BLOCK; i++) {
		outer[i] = inner[i] ^ 0x5c;
		inner[i] ^= 0x36;
	}
	if (!hasher->sha1) {
		hasher->sha1 = EVP_MD_fetch(NULL, "SHA1", NULL);
		hasher->context = EVP_MD_CTX_new();
	}
	EVP_MD_CTX *context = hasher->context;
	return context && hasher->sha1 && EVP_DigestInit_ex(context, hasher->sha1, NULL) &&
	       EVP_DigestUpdate(context, inner, HMAC_BLOCK) && EVP_DigestUpdate(context, name, strlen(name)) &&
	       EVP_DigestFinal_ex(context, hash, NULL) && EVP_DigestInit_ex(context, hasher->sha1, NULL) &&
	       EVP_DigestUpdate(context, outer, HMAC_BLOCK) && EVP_DigestUpdate(context, hash, HASH_LENGTH) &&
	       EVP_DigestFinal_ex(context, hash, NULL);
}

/* ---- parsing ---- */

struct word {
	const char *start;
	size_t length;
};

static bool is_blank(char c) { return c == ' ' || c == '\t' || c == '\r'; }

static struct word next_word(const char **at, const char *end)
{
	while (*at < end && is_blank(**at))
		(*at)++;
	struct word word = { *at, 0 };
	while (*at < end && !is_blank(**at))
		(*at)++;
	word.length = (size_t)(*at - word.start);
	return word;
}

static bool word_is(struct word word, const char *text)
{
	return word.length == strlen(text) && memcmp(word.start, text, word.length) == 0;
}

/* "|1|salt|hash" */
static bool parse_hashed(struct known_hosts_line *line, struct word names)
{
	const char *salt = names.start + 3;
	const char *end = names.start + names.length;
	if (names.length < 4 || memcmp(names.start, "|1|", 3) != 0)
		return false;
	const char *bar = memchr(salt, '|', (size_t)(end - salt));
	if (!bar)
		return false;
	size_t length = 0;
	auto_free unsigned char *hash = base64_decode(bar + 1, (size_t)(end - bar - 1), &length);
	if (!hash || length != HASH_LENGTH)
		return false;
	memcpy(line->hash, hash, HASH_LENGTH);
	line->salt = base64_decode(salt, (size_t)(bar - salt), &line->salt_length);
	return line->salt && line->salt_length > 0 && line->salt_length <= HMAC_BLOCK;
}

static bool parse_names(struct known_hosts_line *line, struct word names)
{
	if (names.length == 0 || memchr(names.start, '\0', names.length))
		return false;
	if (names.start[0] == '|')
		return parse_hashed(line, names);
	line->names = mem_strndup(names.start, names.length);
	for (char *c = line->names; *c; c++)
		*c = (char)tolower((unsigned char)*c);
	return true;
}

/* The key's blob starts with its type as a string: what the line says must agree. */
static bool parse_key(struct known_hosts_line *line, struct word type, struct word key)
{
	line->blob = base64_decode(key.start, key.length, &line->blob_length);
	if (!line->blob || line->blob_length < 4 + type.length || type.length == 0)
		return false;
	const unsigned char *blob = line->blob;
	size_t inner = (size_t)blob[0] << 24 | (size_t)blob[1] << 16 | (size_t)blob[2] << 8 | blob[3];
	if (inner != type.length || memcmp(blob + 4, type.start, inner) != 0 || memchr(type.start, '\0', inner))
		return false;
	line->type = mem_strndup(type.start, type.length);
	return true;
}

static void line_release(struct known_hosts_line *line)
{
	free(line->names);
	free(line->salt);
	free(line->type);
	free(line->blob);
}

static unsigned name_code(const char *name, size_t length)
{
	unsigned code = 0;
	for (size_t i = 0; i < length; i++)
		code = code * 31 + (unsigned char)name[i];
	return code;
}

static void index_line(struct known_hosts *known, size_t place)
{
	const struct known_hosts_line *line = &known->lines[place];
	if (!line->names || strpbrk(line->names, "*?!")) {
		mem_grow(known->others, known->other_count, known->other_room);
		known->others[known->other_count++] = place;
		return;
	}
	for (const char *at = line->names; *at;) {
		size_t length = strcspn(at, ",");
		index_add(&known->plain, name_code(at, length), place);
		at += length + (at[length] == ',');
	}
}

bool known_hosts_add(struct known_hosts *known, const char *text, size_t length, size_t number)
{
	const char *at = text, *end = text + length;
	struct known_hosts_line line = { .number = number };
	struct word names = next_word(&at, end);
	bool good = true;
	if (names.length > 0 && names.start[0] == '@') {
		good = word_is(names, "@revoked") || word_is(names, "@cert-authority");
		line.mark = word_is(names, "@revoked") ? KNOWN_HOSTS_REVOKED : KNOWN_HOSTS_AUTHORITY;
		names = next_word(&at, end);
	}
	struct word type = next_word(&at, end), key = next_word(&at, end);
	if (!good || !parse_names(&line, names) || !parse_key(&line, type, key)) {
		line_release(&line);
		known->skipped++;
		return false;
	}
	mem_grow(known->lines, known->count, known->room);
	known->lines[known->count++] = line;
	index_line(known, known->count - 1);
	return true;
}

void known_hosts_parse(struct known_hosts *known, const char *file, const char *text, size_t length)
{
	*known = (struct known_hosts){ .file = mem_strdup(file) };
	const char *end = text + length;
	size_t number = 0;
	while (text < end) {
		const char *newline = memchr(text, '\n', (size_t)(end - text));
		const char *stop = newline ? newline : end;
		const char *first = text;
		while (first < stop && is_blank(*first))
			first++;
		number++;
		if (first < stop && *first != '#')
			known_hosts_add(known, first, (size_t)(stop - first), number);
		text = newline ? newline + 1 : end;
	}
}

void known_hosts_release(struct known_hosts *known)
{
	for (size_t i = 0; i < known->count; i++)
		line_release(&known->lines[i]);
	free(known->lines);
	free(known->file);
	free(known->others);
	index_release(&known->plain);
	*known = (struct known_hosts){ 0 };
}

/* ---- looking up ---- */

char *known_hosts_name(const char *host, int port)
{
	char *name = port == 22 || port == 0 ? mem_strdup(host) : mem_printf("[%s]:%d", host, port);
	for (char *c = name; *c; c++)
		*c = (char)tolower((unsigned char)*c);
	return name;
}

/* Whether one pattern with * and ? covers the name; linear in both by going back to the last star only. */
static bool pattern_covers(const char *pattern, size_t length, const char *name)
{
	const char *end = pattern + length, *star = NULL, *star_name = NULL;
	while (*name) {
		if (pattern < end && *pattern == '*') {
			star = ++pattern;
			star_name = name;
		} else if (pattern < end && (*pattern == '?' || *pattern == *name)) {
			pattern++;
			name++;
		} else if (star) {
			pattern = star;
			name = ++star_name;
		} else {
			return false;
		}
	}
	while (pattern < end && *pattern == '*')
		pattern++;
	return pattern == end;
}

static bool is_about(const struct known_hosts_line *line, const char *name, struct hasher *hasher)
{
	if (line->salt) {
		unsigned char hash[HASH_LENGTH];
		return name_hash(hasher, line->salt, line->salt_length, name, hash) && memcmp(hash, line->hash, HASH_LENGTH) == 0;
	}
	bool covered = false;
	for (const char *at = line->names; *at;) {
		size_t length = strcspn(at, ",");
		bool negated = at[0] == '!';
		if (pattern_covers(at + negated, length - negated, name)) {
			if (negated)
				return false;
			covered = true;
		}
		at += length + (at[length] == ',');
	}
	return covered;
}

bool known_hosts_line_matches(const struct known_hosts_line *line, const char *name)
{
	struct hasher hasher = { 0 };
	bool about = is_about(line, name, &hasher);
	hasher_release(&hasher);
	return about;
}

/* In its place; a line that has the name twice is found once. */
static void found_add(struct known_hosts_found *found, size_t line)
{
	size_t at = found->count;
	while (at && found->lines[at - 1] > line)
		at--;
	if (at && found->lines[at - 1] == line)
		return;
	mem_grow(found->lines, found->count, found->room);
	memmove(found->lines + at + 1, found->lines + at, (found->count++ - at) * sizeof(*found->lines));
	found->lines[at] = line;
}

void known_hosts_find(const struct known_hosts *known, const char *name, struct known_hosts_found *found)
{
	struct hasher hasher = { 0 };
	size_t probe = 0, line;
	unsigned code = name_code(name, strlen(name));
	while (index_next(&known->plain, code, &probe, &line)) {
		if (line >= found->seen && is_about(&known->lines[line], name, &hasher))
			found_add(found, line);
	}
	for (size_t i = known->other_count; i-- && known->others[i] >= found->seen;) {
		if (is_about(&known->lines[known->others[i]], name, &hasher))
			found_add(found, known->others[i]);
	}
	hasher_release(&hasher);
	found->seen = known->count;
}

void known_hosts_found_release(struct known_hosts_found *found)
{
	free(found->lines);
	*found = (struct known_hosts_found){ 0 };
}

void known_hosts_ask(const struct known_hosts *known, const struct known_hosts_found *found, const char *type,
                     const unsigned char *blob, size_t blob_length, struct known_hosts_answer *answer)
{
	for (size_t i = 0; i < found->count; i++) {
		const struct known_hosts_line *line = &known->lines[found->lines[i]];
		bool same = line->blob_length == blob_length && memcmp(line->blob, blob, blob_length) == 0;
		enum known_hosts_verdict verdict;
		if (line->mark == KNOWN_HOSTS_AUTHORITY || (line->mark == KNOWN_HOSTS_REVOKED && !same))
			continue;
		if (line->mark == KNOWN_HOSTS_REVOKED)
			verdict = KNOWN_HOSTS_WAS_REVOKED;
		else if (same)
			verdict = KNOWN_HOSTS_MATCH;
		else
			verdict = strcmp(line->type, type) == 0 ? KNOWN_HOSTS_CHANGED : KNOWN_HOSTS_OTHER_TYPE;
		if (verdict > answer->verdict)
			*answer = (struct known_hosts_answer){ verdict, known, line->number };
	}
}

/* ---- writing ---- */

void known_hosts_write(struct buf *text, const char *name, bool hashed, const char *type, const unsigned char *blob,
                       size_t blob_length)
{
	unsigned char salt[HASH_LENGTH], hash[HASH_LENGTH];
	struct hasher hasher = { 0 };
	if (hashed && RAND_bytes(salt, sizeof(salt)) == 1 && name_hash(&hasher, salt, sizeof(salt), name, hash)) {
		buf_str(text, "|1|");
		known_hosts_base64(text, salt, sizeof(salt));
		buf_char(text, '|');
		known_hosts_base64(text, hash, sizeof(hash));
	} else {
		buf_str(text, name);
	}
	hasher_release(&hasher);
	buf_printf(text, " %s ", type);
	known_hosts_base64(text, blob, blob_length);
	buf_char(text, '\n');
}

void known_hosts_fingerprint(struct buf *text, const unsigned char *blob, size_t blob_length)
{
	unsigned char hash[EVP_MAX_MD_SIZE];
	unsigned length = 0;
	EVP_Digest(blob, blob_length, hash, &length, EVP_sha256(), NULL);
	buf_str(text, "SHA256:");
	known_hosts_base64(text, hash, length);
	while (text->length > 0 && text->data[text->length - 1] == '=')
		text->data[--text->length] = '\0';
}
