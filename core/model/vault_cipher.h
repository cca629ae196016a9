/* A vault text taken apart, and its cipher. Private to the vault. */
#ifndef NEAP_MODEL_VAULT_CIPHER_H
#define NEAP_MODEL_VAULT_CIPHER_H

#include <stdbool.h>
#include <stddef.h>

#include "base/buf.h"
#include "base/err.h"
#include "base/secret.h"

enum {
	VAULT_SALT_MAX = 256,
	VAULT_SALT = 32,
	VAULT_HMAC = 32,
#ifdef FUZZING_BUILD_MODE_UNSAFE_FOR_PRODUCTION
	VAULT_ROUNDS = 1,
#else
	VAULT_ROUNDS = 10000,
#endif
};

struct vault_keys {
	unsigned char cipher[32], hmac[32], counter[16];
};

struct vault_text {
	char *id; /* NULL: none */
	unsigned char salt[VAULT_SALT_MAX];
	size_t salt_length;
	unsigned char hmac[VAULT_HMAC];
	unsigned char *ciphertext; /* whole blocks, at least one */
	size_t length;
};

#define VAULT_TEXT_INIT { 0 }

/* ERR_INPUT where it is not a whole vault text; text is released by vault_text_release in any case. */
int vault_text_read(struct vault_text *text, const char *sealed, size_t length, struct err *err) must_check;
void vault_text_release(struct vault_text *text);
/* Whether the HMAC is the ciphertext's; in constant time. */
bool vault_text_is_authentic(const struct vault_text *text, const struct vault_keys *keys);
/* Only after vault_text_is_authentic. */
int vault_text_decrypt(const struct vault_text *text, const struct vault_keys *keys, struct secret *plain,
                       struct err *err) must_check;
/* Seals under that salt, NULL: a new random one; id NULL: format 1.1. */
int vault_text_write(const struct secret *secret, const char *id, const struct secret *salt, const char *plain, size_t length,
                     struct buf *out, struct err *err) must_check;
/* The caller wipes them. */
void vault_keys_derive(struct vault_keys *keys, const struct secret *secret, const unsigned char *salt, size_t salt_length);
/* Whether it could stand in a header. */
bool vault_id_is_valid(const char *id, size_t length);

#define auto_vault_text auto_(vault_text_release)

#endif
