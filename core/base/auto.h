/* Cleanup attributes: a local that owns something says so where it is declared, and leaves through steal().
 *
 *   auto_free char *name = mem_strdup(text);
 *   if (...) return -1;            // freed
 *   return steal(name);            // handed over
 *
 * Each floor adds its own: AUTO_TYPE(buf) in buf.h gives auto_buf. A function that Lua calls must not use these:
 * lua_error jumps over them. */
#ifndef NEAP_BASE_AUTO_H
#define NEAP_BASE_AUTO_H

#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#include <jansson.h>

#define auto_(function) __attribute__((cleanup(function)))

/* The pointer's value; the variable itself becomes NULL, so its cleanup does nothing. */
#define steal(variable)                             \
	({                                              \
		__typeof__(variable) stolen_ = (variable);  \
		(variable) = NULL;                          \
		stolen_;                                    \
	})

static inline void auto_free_(void *pointer) { free(*(void **)pointer); }
static inline void auto_close_(int *fd)
{
	if (*fd >= 0)
		close(*fd);
}
static inline void auto_fclose_(FILE **file)
{
	if (*file)
		fclose(*file);
}
static inline void auto_json_(json_t **value) { json_decref(*value); }

#define auto_free auto_(auto_free_)
#define auto_close auto_(auto_close_)
#define auto_fclose auto_(auto_fclose_)
#define auto_json auto_(auto_json_)

#endif
