/* A value that must not show: it has no printing function, is wiped at release and travels on stdin only. */
#ifndef NEAP_BASE_SECRET_H
#define NEAP_BASE_SECRET_H

#include <stdbool.h>
#include <stddef.h>

#include "base/auto.h"

struct secret {
	char *bytes; /* NUL behind the last byte; NULL where none was given */
	size_t length;
};

#define SECRET_INIT { 0 }

void secret_set(struct secret *secret, const char *bytes, size_t length);
void secret_copy(struct secret *to, const struct secret *from);
bool secret_given(const struct secret *secret);
/* Wipes and frees. */
void secret_release(struct secret *secret);
/* Wipes memory in a way the compiler keeps. */
void secret_wipe(void *memory, size_t length);

#define auto_secret auto_(secret_release)

#endif
