/* The vault's text format and cipher, by libcrypto; vault.h describes both. */
#include "model/vault_cipher.h"

#include <string.h>

#include <openssl/crypto.h>
#include <openssl/evp.h>
#include <openssl/hmac.h>
#include <openssl/rand.h>

#include "base/mem.h"
#include "model/vault.h"

enum { BLOCK = 16, LINE = 80 };

static const char magic[] = "$ANSIBLE_VAULT";

/* ---- the header ---- */

bool vault_is_sealed(const char *bytes, size_t length)
{
	return length >= sizeof(magic) - 1 && memcmp(bytes, magic, sizeof(magic) - 1) == 0;
}

bool vault_id_is_valid(const char *id, size_t length)
{
	if (length == 0 || length > VAULT_MAX_ID)
		return false;
	for (size_t i = 0; i < length; i++)
		if ((unsigned char)id[i] <= ' ' || id[i] == ';' || id[i] == 0x7f)
			return false;
	return true;
}

struct field {
	const char *bytes;
	size_t length;
};

static bool field_is(struct field field, const char *text)
{
	return field.length == strlen(text) && memcmp(field.bytes, text, field.length) == 0;
}

/* The header's fields, of which at most most; returns how many there are. */
static size_t header_split(const char *line, size_t length, struct field *fields, size_t most)
{
	size_t count = 0;
	for (;;) {
		const char *end = memchr(line, ';', length);
		size_t size = end ? (size_t)(end - line) : length;
		if (count < most)
			fields[count] = (struct field){ line, size };
		count++;
		if (!end)
			return count;
		line += size + 1;
		length -= size + 1;
	}
}

static size_t line_length(const char *bytes, size_t length)
{
	const char *end = memchr(bytes, '\n', length);
	return end ? (size_t)(end - bytes) : length;
}

static size_t without_return(const char *line, size_t length) { return length && line[length - 1] == '\r' ? length - 1 : length; }

/* NULL: it is well-formed, with *id its id or empty; else what is wrong with it. */
static const char *header_fault(const char *line, size_t length, struct field *id)
{
	struct field fields[4];
	size_t count = header_split(line, length, fields, 4);
	*id = (struct field){ "", 0 };
	if (count < 3 || count > 4 || !field_is(fields[0], magic))
		return "its first line is not $ANSIBLE_VAULT;VERSION;CIPHER or $ANSIBLE_VAULT;VERSION;CIPHER;ID";
	if (!field_is(fields[1], "1.1") && !field_is(fields[1], "1.2"))
		return field_is(fields[1], "1.0") ? "it has format 1.0, which protects nothing: seal it anew with an old ansible-vault"
		                                  : "its format is neither 1.1 nor 1.2";
	if (!field_is(fields[2], "AES256"))
		return "its cipher is not AES256";
	if (count < 4)
		return NULL;
	if (!vault_id_is_valid(fields[3].bytes, fields[3].length))
		return "the id in its first line is none";
	*id = fields[3];
	return NULL;
}

char *vault_header_id(const char *sealed, size_t length)
{
	struct field id;
	size_t line = line_length(sealed, length);
	if (header_fault(sealed, without_return(sealed, line), &id) || !id.length)
		return NULL;
	return mem_strndup(id.bytes, id.length);
}

/* ---- hex ---- */

/* -1: no digit. Capital letters are none: see vault.h. */
static int hex_digit(char c)
{
	if (c >= '0' && c <= '9')
		return c - '0';
	return c >= 'a' && c <= 'f' ? c - 'a' + 10 : -1;
}

static bool hex_decode(const char *hex, size_t length, unsigned char *out)
{
	if (length % 2)
		return false;
	for (size_t i = 0; i < length; i += 2) {
		int high = hex_digit(hex[i]), low = hex_digit(hex[i + 1]);
		if (high < 0 || low < 0)
			return false;
		out[i / 2] = (unsigned char)(high << 4 | low);
	}
	return true;
}

static void hex_add(struct buf *out, const unsigned char *bytes, size_t length)
{
	static const char digits[] = "0123456789abcdef";
	char *to = buf_reserve(out, length * 2);
	for (size_t i = 0; i < length; i++) {
		to[2 * i] = digits[bytes[i] >> 4];
		to[2 * i + 1] = digits[bytes[i] & 15];
	}
	out->length += length * 2;
	out->data[out->length] = '\0';
}

/* ---- reading ---- */

/* The lines behind the header, joined. */
static void join_lines(const char *bytes, size_t length, struct buf *out)
{
	buf_reserve(out, length);
	while (length) {
		size_t line = line_length(bytes, length);
		buf_add(out, bytes, without_return(bytes, line));
		size_t step = line < length ? line + 1 : line;
		bytes += step;
		length -= step;
	}
}

/* hex salt, newline, hex HMAC, newline, hex ciphertext. NULL: it is; else what is wrong. */
static const char *inner_fault(struct vault_text *text, const char *inner, size_t length)
{
	size_t salt = line_length(inner, length);
	const char *hmac = inner + salt + 1;
	size_t behind = salt < length ? length - salt - 1 : 0;
	size_t hmac_length = line_length(hmac, behind);
	if (hmac_length >= behind)
		return "it is cut short";
	const char *ciphertext = hmac + hmac_length + 1;
	size_t cipher_length = behind - hmac_length - 1;
	if (salt == 0 || salt > 2 * VAULT_SALT_MAX || !hex_decode(inner, salt, text->salt))
		return "its salt is not well-formed";
	if (hmac_length != 2 * VAULT_HMAC || !hex_decode(hmac, hmac_length, text->hmac))
		return "its HMAC is not well-formed";
	if (cipher_length == 0 || cipher_length % (2 * BLOCK))
		return "its ciphertext is not made of whole blocks: it is cut short, or was changed";
	text->salt_length = salt / 2;
	text->length = cipher_length / 2;
	text->ciphertext = mem_alloc(text->length);
	return hex_decode(ciphertext, cipher_length, text->ciphertext) ? NULL : "its ciphertext is not hexadecimal: it was changed";
}

static const char *text_fault(struct vault_text *text, const char *sealed, size_t length)
{
	struct field id;
	size_t header = line_length(sealed, length);
	const char *fault = header_fault(sealed, without_return(sealed, header), &id);
	if (fault)
		return fault;
	if (header == length)
		return "it is cut short: nothing stands behind its first line";
	if (id.length)
		text->id = mem_strndup(id.bytes, id.length);
	auto_buf struct buf outer = BUF_INIT;
	join_lines(sealed + header + 1, length - header - 1, &outer);
	auto_free unsigned char *inner = mem_alloc(outer.length / 2 + 1);
	if (!hex_decode(buf_text(&outer), outer.length, inner))
		return "behind its first line is something else than hex digits: it is cut short, or was changed";
	return inner_fault(text, (const char *)inner, outer.length / 2);
}

int vault_text_read(struct vault_text *text, const char *sealed, size_t length, struct err *err)
{
	if (length > VAULT_MAX_BYTES)
		return err_set(err, ERR_INPUT, "it is larger than %d MiB", VAULT_MAX_BYTES >> 20);
	if (!vault_is_sealed(sealed, length))
		return err_set(err, ERR_INPUT, "it is not sealed by Ansible Vault");
	const char *fault = text_fault(text, sealed, length);
	if (!fault)
		return 0;
	err_set(err, ERR_INPUT, "not a whole Ansible Vault text: %s", fault);
	return err_hint(err, "take the text from where it is unharmed");
}

void vault_text_release(struct vault_text *text)
{
	free(text->id);
	free(text->ciphertext);
	*text = (struct vault_text)VAULT_TEXT_INIT;
}

/* ---- the cipher ---- */

void vault_keys_derive(struct vault_keys *keys, const struct secret *secret, const unsigned char *salt, size_t salt_length)
{
	unsigned char derived[sizeof(keys->cipher) + sizeof(keys->hmac) + sizeof(keys->counter)];
	if (PKCS5_PBKDF2_HMAC(secret->bytes, (int)secret->length, salt, (int)salt_length, VAULT_ROUNDS, EVP_sha256(),
	                      sizeof(derived), derived) != 1)
		abort();
	memcpy(keys->cipher, derived, sizeof(keys->cipher));
	memcpy(keys->hmac, derived + sizeof(keys->cipher), sizeof(keys->hmac));
	memcpy(keys->counter, derived + sizeof(keys->cipher) + sizeof(keys->hmac), sizeof(keys->counter));
	secret_wipe(derived, sizeof(derived));
}

static void hmac_of(const struct vault_keys *keys, const unsigned char *ciphertext, size_t length, unsigned char hmac[VAULT_HMAC])
{
	unsigned size = VAULT_HMAC;
	if (!HMAC(EVP_sha256(), keys->hmac, sizeof(keys->hmac), ciphertext, length, hmac, &size))
		abort();
}

bool vault_text_is_authentic(const struct vault_text *text, const struct vault_keys *keys)
{
	unsigned char hmac[VAULT_HMAC];
	hmac_of(keys, text->ciphertext, text->length, hmac);
	return CRYPTO_memcmp(hmac, text->hmac, sizeof(hmac)) == 0;
}

/* Counter mode is its own inverse. In pieces, because libcrypto counts in int. */
static void apply_cipher(const struct vault_keys *keys, const unsigned char *from, size_t length, unsigned char *to)
{
	enum { PIECE = 1 << 20 };
	EVP_CIPHER_CTX *context = EVP_CIPHER_CTX_new();
	if (!context || EVP_EncryptInit_ex(context, EVP_aes_256_ctr(), NULL, keys->cipher, keys->counter) != 1)
		abort();
	for (size_t at = 0; at < length; at += PIECE) {
		int size = length - at < PIECE ? (int)(length - at) : PIECE, done = 0;
		if (EVP_EncryptUpdate(context, to + at, &done, from + at, size) != 1 || done != size)
			abort();
	}
	EVP_CIPHER_CTX_free(context);
}

/* PKCS #7: each byte of the padding is its length. 0: there is no such padding. */
static size_t padding_of(const unsigned char *bytes, size_t length)
{
	unsigned char padding = bytes[length - 1];
	if (padding == 0 || padding > BLOCK)
		return 0;
	for (size_t i = 1; i <= padding; i++)
		if (bytes[length - i] != padding)
			return 0;
	return padding;
}

int vault_text_decrypt(const struct vault_text *text, const struct vault_keys *keys, struct secret *plain, struct err *err)
{
	auto_secret struct secret opened = { .bytes = mem_alloc(text->length + 1), .length = text->length };
	apply_cipher(keys, text->ciphertext, text->length, (unsigned char *)opened.bytes);
	size_t padding = padding_of((unsigned char *)opened.bytes, opened.length);
	if (!padding)
		return err_set(err, ERR_INPUT, "its secret fits, but what is sealed does not end as Ansible Vault's texts do");
	secret_wipe(opened.bytes + opened.length - padding, padding);
	opened.length -= padding;
	secret_release(plain);
	*plain = opened;
	opened = (struct secret)SECRET_INIT;
	return 0;
}

static void write_envelope(const char *id, const struct buf *inner, struct buf *out)
{
	auto_buf struct buf outer = BUF_INIT;
	hex_add(&outer, (const unsigned char *)inner->data, inner->length);
	buf_reserve(out, outer.length + outer.length / LINE + 256);
	buf_printf(out, id ? "%s;1.2;AES256;%s\n" : "%s;1.1;AES256\n", magic, id);
	for (size_t at = 0; at < outer.length; at += LINE) {
		buf_add(out, outer.data + at, outer.length - at < LINE ? outer.length - at : LINE);
		buf_char(out, '\n');
	}
}

int vault_text_write(const struct secret *secret, const char *id, const struct secret *salt, const char *plain, size_t length,
                     struct buf *out, struct err *err)
{
	if (salt && salt->length > VAULT_SALT_MAX)
		return err_set(err, ERR_INPUT, "a salt has at most %d bytes", VAULT_SALT_MAX);
	if (length > VAULT_MAX_BYTES / 4 - 4096)
		return err_set(err, ERR_INPUT, "it is larger than 64 MiB, the most that can be sealed");
	unsigned char random[VAULT_SALT], hmac[VAULT_HMAC];
	const unsigned char *salt_bytes = salt ? (const unsigned char *)salt->bytes : random;
	size_t salt_length = salt ? salt->length : sizeof(random);
	struct vault_keys keys;
	size_t padding = BLOCK - length % BLOCK, padded = length + padding;
	if (RAND_bytes(random, sizeof(random)) != 1)
		return err_set(err, ERR_SYSTEM, "there are no random bytes to be had");
	vault_keys_derive(&keys, secret, salt_bytes, salt_length);
	auto_free unsigned char *bytes = mem_alloc(padded);
	if (length)
		memcpy(bytes, plain, length);
	memset(bytes + length, (int)padding, padding);
	apply_cipher(&keys, bytes, padded, bytes);
	hmac_of(&keys, bytes, padded, hmac);
	secret_wipe(&keys, sizeof(keys));
	auto_buf struct buf inner = BUF_INIT;
	hex_add(&inner, salt_bytes, salt_length);
	buf_char(&inner, '\n');
	hex_add(&inner, hmac, sizeof(hmac));
	buf_char(&inner, '\n');
	hex_add(&inner, bytes, padded);
	write_envelope(id, &inner, out);
	return 0;
}
