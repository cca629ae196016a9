/* Secrets, wiped when they are no longer needed. */
#include "base/secret.h"

#include <string.h>

#include "base/mem.h"

void secret_wipe(void *memory, size_t length)
{
	if (memory && length)
		explicit_bzero(memory, length);
}

void secret_set(struct secret *secret, const char *bytes, size_t length)
{
	char *copy = mem_strndup(bytes, length);
	secret_release(secret);
	secret->bytes = copy;
	secret->length = length;
}

void secret_copy(struct secret *to, const struct secret *from)
{
	if (from->bytes)
		secret_set(to, from->bytes, from->length);
	else
		secret_release(to);
}

bool secret_given(const struct secret *secret) { return secret->bytes != NULL; }

void secret_release(struct secret *secret)
{
	secret_wipe(secret->bytes, secret->length);
	free(secret->bytes);
	*secret = (struct secret)SECRET_INIT;
}
