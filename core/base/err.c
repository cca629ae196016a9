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

static void fill(struct err *err, enum err_kind kind, int os_error, const char *format, va_list arguments)
{
	*err = (struct err){ .kind = kind, .os_error = os_error };
	vsnprintf(err->text, sizeof(err->text), format, arguments);
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
	size_t used = strlen(err->text);
	snprintf(err->text + used, sizeof(err->text) - used, ": %s",
	         strerror_r(os_error, reason, sizeof(reason)));
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
	int used = vsnprintf(err->text, sizeof(err->text), format, arguments);
	va_end(arguments);
	if (used >= 0 && (size_t)used < sizeof(err->text))
		snprintf(err->text + used, sizeof(err->text) - (size_t)used, ": %s", inner);
	return -1;
}

int err_hint(struct err *err, const char *format, ...)
{
	if (!err)
		return -1;
	va_list arguments;
	va_start(arguments, format);
	vsnprintf(err->hint, sizeof(err->hint), format, arguments);
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

const char *err_remedy(const struct err *err) { return err->hint[0] ? err->hint : kinds[err->kind].remedy; }

int err_exit_status(enum err_kind kind) { return kinds[kind].status; }

const char *err_kind_name(enum err_kind kind) { return kinds[kind].name; }
