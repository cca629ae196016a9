/* Times that a path is wanted to have. */
#include "modules/time_wish.h"

#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#include "modules/file_wish.h"

/* Seconds since 1970 of a time by the target's clock; date(1) knows its zone and when it changed. */
static int ask_seconds(struct decision *decision, const struct tm *time, struct timespec *result)
{
	char text[64], script[320];
	strftime(text, sizeof(text), "%Y-%m-%d %H:%M:%S", time);
	snprintf(script, sizeof(script), "date -d '%s' +%%s 2>/dev/null || date -j -f '%%Y-%%m-%%d %%H:%%M:%%S' '%s' +%%s", text, text);
	const struct command_result *answer = ask_run(decision, &(struct command){ .script = script });
	if (!answer)
		return -1;
	char *end;
	result->tv_sec = strtoll(answer->output ? answer->output : "", &end, 10);
	result->tv_nsec = 0;
	if (command_succeeded(answer) && end != answer->output)
		return 0;
	result_fail(decision, "the target's date(1) cannot say when %s is", text);
	return -1;
}

static int find_one(struct decision *decision, const struct time_wish *wish, const char *state, bool *has,
                    struct timespec *result)
{
	const char *text = wish->text ? wish->text : strcmp(state, "touch") == 0 ? "now" : "preserve";
	*has = strcmp(text, "preserve") != 0;
	if (!*has)
		return 0;
	if (strcmp(text, "now") == 0) {
		result->tv_nsec = UTIME_NOW;
		return 0;
	}
	struct tm time = { .tm_mday = 1, .tm_isdst = -1 };
	const char *end = strptime(text, wish->format, &time);
	if (end && !*end)
		return ask_seconds(decision, &time, result);
	result_fail(decision, "Error while obtaining timestamp for time %s using format %s: it does not match", text, wish->format);
	return -1;
}

int time_change_find(struct time_change *change, const struct time_wish *access, const struct time_wish *modification,
                     struct decision *decision, const char *state)
{
	int a = find_one(decision, access, state, &change->has_atime, &change->atime);
	int m = find_one(decision, modification, state, &change->has_mtime, &change->mtime);
	return a < 0 || m < 0 ? -1 : 0;
}

bool time_change_any(const struct time_change *change)
{
	return change->has_atime || change->has_mtime;
}

static bool differs(const struct timespec *wanted, const struct timespec *now)
{
	return wanted->tv_nsec == UTIME_NOW || wanted->tv_sec != now->tv_sec || wanted->tv_nsec != now->tv_nsec;
}

/* What "now" will be is the target's to say. */
static json_t *shown(const struct timespec *time)
{
	if (time->tv_nsec == UTIME_NOW)
		return json_string("now");
	return json_real((double)time->tv_sec + (double)time->tv_nsec / 1e9);
}

bool time_change_apply(const struct time_change *change, struct decision *decision, const char *path,
                       const struct stat_answer *now, struct attributes *attributes)
{
	bool atime = change->has_atime && differs(&change->atime, &now->atime);
	bool mtime = change->has_mtime && differs(&change->mtime, &now->mtime);
	if (atime)
		file_diff(decision, path, "atime", shown(&now->atime), shown(&change->atime));
	if (mtime)
		file_diff(decision, path, "mtime", shown(&now->mtime), shown(&change->mtime));
	if (atime || mtime)
		time_change_set(change, attributes);
	return atime || mtime;
}

void time_change_set(const struct time_change *change, struct attributes *attributes)
{
	attributes->has_atime = change->has_atime;
	attributes->atime = change->atime;
	attributes->has_mtime = change->has_mtime;
	attributes->mtime = change->mtime;
}
