/* Digests over libcrypto's EVP interface. */
#include "base/digest.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <openssl/evp.h>
#include <openssl/rand.h>

#include "base/auto.h"
#include "base/mem.h"

static const char *const algorithms[] = { "md5", "sha1", "sha224", "sha256", "sha384", "sha512" };

bool digest_known(const char *algorithm)
{
	for (size_t i = 0; i < sizeof(algorithms) / sizeof(*algorithms); i++) {
		if (strcmp(algorithm, algorithms[i]) == 0)
			return true;
	}
	return false;
}

struct digest {
	EVP_MD_CTX *context;
};

struct digest *digest_new(const char *algorithm)
{
	if (!digest_known(algorithm))
		return NULL;
	struct digest *digest = mem_alloc(sizeof(*digest));
	digest->context = EVP_MD_CTX_new();
	if (!digest->context || !EVP_DigestInit_ex(digest->context, EVP_get_digestbyname(algorithm), NULL))
		abort();
	return digest;
}

void digest_update(struct digest *digest, const void *bytes, size_t length)
{
	if (!EVP_DigestUpdate(digest->context, bytes, length))
		abort();
}

static void to_hex(const unsigned char *bytes, size_t count, char *hex)
{
	static const char digits[] = "0123456789abcdef";
	for (size_t i = 0; i < count; i++) {
		hex[2 * i] = digits[bytes[i] >> 4];
		hex[2 * i + 1] = digits[bytes[i] & 15];
	}
	hex[2 * count] = '\0';
}

void digest_final(struct digest *digest, char hex[DIGEST_HEX_MAX])
{
	unsigned char bytes[EVP_MAX_MD_SIZE];
	unsigned count = 0;
	if (!EVP_DigestFinal_ex(digest->context, bytes, &count))
		abort();
	to_hex(bytes, count, hex);
	EVP_MD_CTX_free(digest->context);
	free(digest);
}

void digest_bytes(const char *algorithm, const void *bytes, size_t length, char hex[DIGEST_HEX_MAX])
{
	struct digest *digest = digest_new(algorithm);
	if (!digest)
		abort();
	digest_update(digest, bytes, length);
	digest_final(digest, hex);
}

int digest_fd(const char *algorithm, int fd, char hex[DIGEST_HEX_MAX], struct err *err)
{
	enum { CHUNK = 256 * 1024 };
	auto_free char *chunk = mem_alloc(CHUNK);
	struct digest *digest = digest_new(algorithm);
	if (!digest)
		return err_set(err, ERR_INPUT, "unknown digest %s", algorithm);
	for (;;) {
		ssize_t got = read(fd, chunk, CHUNK);
		if (got < 0 && errno == EINTR)
			continue;
		if (got > 0) {
			digest_update(digest, chunk, (size_t)got);
			continue;
		}
		int failed = got < 0 ? err_errno(err, ERR_SYSTEM, "read") : 0;
		digest_final(digest, hex);
		return failed;
	}
}

void digest_random(char hex[DIGEST_RANDOM_HEX])
{
	unsigned char bytes[16];
	if (RAND_bytes(bytes, sizeof(bytes)) != 1)
		abort();
	to_hex(bytes, sizeof(bytes), hex);
}
