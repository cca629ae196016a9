/* Error values: filled where something fails, wrapped on the way up, printed once. */
#include "base/err.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>

static const struct {
	const char *name;
	int status;
	const char *remedy;
} kinds[] = {
#define ERR_KIND_ROW(name, status, remedy) { #name, status, remedy },
	ERR_KINDS(ERR_KIND_ROW)
#undef ERR_KIND_ROW
};

/* Of a text that did not fit: its end says so. */
static void mark_cut(char *text, size_t size)
{
	size_t end = size - sizeof(ERR_CUT);
	while (end && (text[end] & 0xc0) == 0x80)
		end--;
	memcpy(text + end, ERR_CUT, sizeof(ERR_CUT));
}

static void write_text(char *text, size_t size, const char *format, va_list arguments)
{
	if (vsnprintf(text, size, format, arguments) >= (int)size)
		mark_cut(text, size);
}

static void add_text(char *text, size_t size, const char *more)
{
	size_t used = strlen(text);
	if (snprintf(text + used, size - used, ": %s", more) >= (int)(size - used))
		mark_cut(text, size);
}

static void fill(struct err *err, enum err_kind kind, int os_error, const char *format, va_list arguments)
{
	*err = (struct err){ .kind = kind, .os_error = os_error };
	write_text(err->text, sizeof(err->text), format, arguments);
}

int err_set(struct err *err, enum err_kind kind, const char *format, ...)
{
	if (!err)
		return -1;
	va_list arguments;
	va_start(arguments, format);
	fill(err, kind, 0, format, arguments);
	va_end(arguments);
	return -1;
}

int err_errno(struct err *err, enum err_kind kind, const char *format, ...)
{
	int os_error = errno;
	if (!err)
		return -1;
	va_list arguments;
	va_start(arguments, format);
	fill(err, kind, os_error, format, arguments);
	va_end(arguments);
	char reason[128];
	add_text(err->text, sizeof(err->text), strerror_r(os_error, reason, sizeof(reason)));
	return -1;
}

int err_wrap(struct err *err, const char *format, ...)
{
	if (!err)
		return -1;
	char inner[sizeof(err->text)];
	memcpy(inner, err->text, sizeof(inner));
	va_list arguments;
	va_start(arguments, format);
	write_text(err->text, sizeof(err->text), format, arguments);
	va_end(arguments);
	add_text(err->text, sizeof(err->text), inner);
	return -1;
}

int err_hint(struct err *err, const char *format, ...)
{
	if (!err)
		return -1;
	va_list arguments;
	va_start(arguments, format);
	write_text(err->hint, sizeof(err->hint), format, arguments);
	va_end(arguments);
	return -1;
}

int err_at(struct err *err, const char *format, ...)
{
	if (!err || err->where[0])
		return -1;
	va_list arguments;
	va_start(arguments, format);
	vsnprintf(err->where, sizeof(err->where), format, arguments);
	va_end(arguments);
	return -1;
}

void err_clear(struct err *err) { *err = (struct err)ERR_INIT; }

const char err_too_many_files[] =
	"raise the limit on open files (ulimit -Hn; each host takes four), or do fewer hosts in one run: --limit, --shard";

/* What the operator can do about the system's reason, where that is plainer than the kind's remedy. */
static const struct {
	int os_error;
	const char *remedy;
} reasons[] = {
	{ EMFILE, err_too_many_files },
	{ ENOSPC, "free some space on that file system, or write elsewhere" },
	{ EDQUOT, "this user's quota is used up: free some space, or write elsewhere" },
	{ EROFS, "that file system is mounted read-only: write elsewhere" },
	{ EACCES, "check the permissions for the user that runs neap" },
	{ EPIPE, "what read neap's output has ended before it; the tasks were carried out all the same" },
};

const char *err_remedy(const struct err *err)
{
	if (err->hint[0])
		return err->hint;
	for (size_t i = 0; i < sizeof(reasons) / sizeof(*reasons); i++)
		if (reasons[i].os_error == err->os_error)
			return reasons[i].remedy;
	return kinds[err->kind].remedy;
}

int err_exit_status(enum err_kind kind) { return kinds[kind].status; }

const char *err_kind_name(enum err_kind kind) { return kinds[kind].name; }
