/* Digests and random bytes, by libcrypto. */
#ifndef NEAP_BASE_DIGEST_H
#define NEAP_BASE_DIGEST_H

#include <stdbool.h>
#include <stddef.h>

#include "base/err.h"

enum { DIGEST_HEX_MAX = 129, DIGEST_RANDOM_HEX = 33 };
/* Bytes of a file whose MD5 is told beside its SHA-1: of a bigger one it would cost more than the transfer. */
enum { DIGEST_MD5_MOST = 64 * 1024 * 1024 };

struct digest; /* one running digest */

/* Names: "md5", "sha1", "sha224", "sha256", "sha384", "sha512". NULL for any other. The caller ends it by digest_final. */
struct digest *digest_new(const char *algorithm);
void digest_update(struct digest *digest, const void *bytes, size_t length);
/* Writes lower-case hex and a NUL, and frees the digest. */
void digest_final(struct digest *digest, char hex[DIGEST_HEX_MAX]);

bool digest_known(const char *algorithm);
/* Of bytes in memory; algorithm must be known. */
void digest_bytes(const char *algorithm, const void *bytes, size_t length, char hex[DIGEST_HEX_MAX]);
/* Of what a descriptor holds from its position to its end. ERR_SYSTEM when a read fails. */
int digest_fd(const char *algorithm, int fd, char hex[DIGEST_HEX_MAX], struct err *err) must_check;

/* 128 random bits as 32 hex digits and a NUL. */
void digest_random(char hex[DIGEST_RANDOM_HEX]);

#endif
