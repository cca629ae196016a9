/* Memory that is freed all at once: what lives as long as one task on one host comes from that task's arena.
 * Used by one thread at a time. */
#ifndef NEAP_BASE_ARENA_H
#define NEAP_BASE_ARENA_H

#include <stdarg.h>
#include <stddef.h>

#include "base/auto.h"

struct arena {
	struct arena_block *blocks; /* newest first */
};

#define ARENA_INIT { 0 }

/* Zeroed and aligned for any type; never NULL. */
void *arena_alloc(struct arena *arena, size_t size) __attribute__((returns_nonnull));
void *arena_array(struct arena *arena, size_t count, size_t size) __attribute__((returns_nonnull));
/* A copy with a NUL behind it. */
void *arena_copy(struct arena *arena, const void *bytes, size_t length) __attribute__((returns_nonnull));
/* NULL for NULL. */
char *arena_str(struct arena *arena, const char *text);
char *arena_printf(struct arena *arena, const char *format, ...) __attribute__((format(printf, 2, 3)));
/* Frees everything; the arena is empty and usable. */
void arena_release(struct arena *arena);

#define auto_arena auto_(arena_release)

#endif
