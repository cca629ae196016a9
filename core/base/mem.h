/* Allocation that does not fail: a program that cannot get the few bytes it asks for says so and aborts, with
 * whatever is on the targets left as the transfer protocol guarantees (old or new, never half). */
#ifndef NEAP_BASE_MEM_H
#define NEAP_BASE_MEM_H

#include <stdarg.h>
#include <stddef.h>

/* Zeroed. Never NULL; size 0 gives one byte. The caller frees with free(). */
void *mem_alloc(size_t size) __attribute__((malloc, returns_nonnull));
/* count * size bytes, zeroed; an overflowing product aborts. */
void *mem_array(size_t count, size_t size) __attribute__((malloc, returns_nonnull));
/* As reallocarray; the added part is not zeroed. */
void *mem_resize(void *old, size_t count, size_t size) __attribute__((returns_nonnull));
/* Makes room for one more in an array that doubles: items is T *, count and room are size_t lvalues. */
#define mem_grow(items, count, room)                                            \
	do {                                                                        \
		if ((count) == (room)) {                                                \
			(room) = (room) ? (room) * 2 : 8;                                   \
			(items) = mem_resize((items), (room), sizeof(*(items)));            \
		}                                                                       \
	} while (0)
/* A copy of text, or NULL for NULL. */
char *mem_strdup(const char *text);
/* A copy of length bytes with a NUL behind them. */
char *mem_strndup(const char *bytes, size_t length) __attribute__((returns_nonnull));
char *mem_printf(const char *format, ...) __attribute__((format(printf, 1, 2), returns_nonnull));
char *mem_vprintf(const char *format, va_list arguments) __attribute__((format(printf, 1, 0), returns_nonnull));

/* Before many threads begin: their heaps grow in big steps, because each is a system call that stops all threads for a moment. What is
 * not touched takes no memory. */
void mem_expect_threads(void);

#endif
