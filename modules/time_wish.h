/* Access and modification times that a task wants a path to have. */
#ifndef NEAP_MODULES_TIME_WISH_H
#define NEAP_MODULES_TIME_WISH_H

#include "plan/module.h"

struct time_wish {
	const char *text;   /* "preserve", "now", a time in the format, or NULL: the state's default */
	const char *format; /* strptime(3) */
};

struct time_change {
	bool has_atime, has_mtime;
	struct timespec atime, mtime; /* tv_nsec UTIME_NOW: now */
};

/* Reads both. A time without a zone is by the target's clock, so it may have to be asked. -1: not answered yet, or failed. */
int time_change_find(struct time_change *change, const struct time_wish *access, const struct time_wish *modification,
                     struct decision *decision, const char *state);
bool time_change_any(const struct time_change *change);
/* Adds what differs from the path as it is; whether anything does. "now" always does. */
bool time_change_apply(const struct time_change *change, struct decision *decision, const char *path,
                       const struct stat_answer *now, struct attributes *attributes);
/* Sets all of it. */
void time_change_set(const struct time_change *change, struct attributes *attributes);

#endif
