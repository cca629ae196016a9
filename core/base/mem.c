/* Allocation that ends the program instead of failing. */
#include "base/mem.h"

#include <malloc.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static void *or_die(void *pointer)
{
	if (!pointer) {
		fputs("neap: out of memory\n", stderr);
		abort();
	}
	return pointer;
}

void *mem_alloc(size_t size) { return or_die(calloc(1, size ? size : 1)); }

void *mem_array(size_t count, size_t size)
{
	return or_die(count && size ? calloc(count, size) : calloc(1, 1));
}

void *mem_resize(void *old, size_t count, size_t size)
{
	return or_die(count && size ? reallocarray(old, count, size) : realloc(old, 1));
}

char *mem_strdup(const char *text) { return text ? or_die(strdup(text)) : NULL; }

char *mem_strndup(const char *bytes, size_t length)
{
	if (length == SIZE_MAX)
		or_die(NULL);
	char *copy = mem_alloc(length + 1);
	if (length)
		memcpy(copy, bytes, length);
	return copy;
}

char *mem_vprintf(const char *format, va_list arguments)
{
	char *text = NULL;
	if (vasprintf(&text, format, arguments) < 0)
		or_die(NULL);
	return text;
}

char *mem_printf(const char *format, ...)
{
	va_list arguments;
	va_start(arguments, format);
	char *text = mem_vprintf(format, arguments);
	va_end(arguments);
	return text;
}

void mem_expect_threads(void)
{
#ifdef __GLIBC__
	enum { STEP = 4 * 1024 * 1024 };
	mallopt(M_TOP_PAD, STEP);
	/* With the first option set, the library adapts these two no more; to this is what it would come. */
	mallopt(M_MMAP_THRESHOLD, STEP);
	mallopt(M_TRIM_THRESHOLD, 2 * STEP);
#endif
}
