/* Paths on a target. */
#include "plan/path.h"

#include <ctype.h>
#include <string.h>

#include "base/quote.h"
#include "plan/ask.h"
#include "plan/result.h"

static const char name_start[] = "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ_";
static const char name_rest[] = "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ_0123456789";
static const char user_letters[] = "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ_0123456789.-";

/* The length of $NAME or ${NAME} at text, 0 if there is none. The name is returned with its length. */
static size_t variable_length(const char *text, const char **name, size_t *name_length)
{
	if (*text != '$')
		return 0;
	bool braced = text[1] == '{';
	*name = text + 1 + braced;
	*name_length = **name && strchr(name_start, **name) ? strspn(*name, name_rest) : 0;
	if (!*name_length || (braced && (*name)[*name_length] != '}'))
		return 0;
	return (size_t)(*name - text) + *name_length + braced;
}

bool path_is_expandable(const char *text)
{
	const char *name;
	size_t length;
	if (*text == '~')
		return true;
	for (; (text = strchr(text, '$')); text++) {
		if (variable_length(text, &name, &length))
			return true;
	}
	return false;
}

void path_quote(struct buf *buf, const char *text)
{
	if (*text == '~') {
		size_t length = 1 + strspn(text + 1, user_letters);
		if (!text[length] || text[length] == '/') {
			/* A tilde counts only where its whole prefix and the slash behind it are not quoted. */
			length += text[length] == '/';
			buf_add(buf, text, length);
			text += length;
			if (!*text)
				return;
		}
	}
	buf_char(buf, '"');
	for (; *text; text++) {
		const char *name;
		size_t name_length, length = variable_length(text, &name, &name_length);
		if (length) {
			buf_printf(buf, "${%.*s-\\%.*s}", (int)name_length, name, (int)length, text);
			text += length - 1;
			continue;
		}
		if (strchr("\\\"$`", *text))
			buf_char(buf, '\\');
		buf_char(buf, *text);
	}
	buf_char(buf, '"');
}

const char *path_expand(struct decision *decision, const char *path)
{
	if (!path)
		return "";
	if (!path_is_expandable(path))
		return path;
	auto_buf struct buf script = BUF_INIT;
	buf_str(&script, "printf %s ");
	path_quote(&script, path);
	const struct command_result *answer = ask_run(decision, &(struct command){ .script = buf_text(&script) });
	if (!answer)
		return NULL;
	if (!command_succeeded(answer) || !answer->output_length) {
		result_fail(decision, "cannot find out what %s is on the target", path);
		return NULL;
	}
	return answer->output;
}

const char *path_base(const char *path)
{
	const char *slash = strrchr(path, '/');
	return slash ? slash + 1 : path;
}

bool path_ends_in_slash(const char *path)
{
	size_t length = strlen(path);
	return length && path[length - 1] == '/';
}

const char *path_join(struct decision *decision, const char *folder, const char *name)
{
	return arena_printf(&decision->arena, "%s%s%s", folder, path_ends_in_slash(folder) || !*folder ? "" : "/", name);
}

const char *path_folder(struct decision *decision, const char *path)
{
	size_t length = strlen(path);
	while (length > 1 && path[length - 1] == '/')
		length--;
	while (length && path[length - 1] != '/')
		length--;
	while (length > 1 && path[length - 1] == '/')
		length--;
	return length ? arena_copy(&decision->arena, path, length) : ".";
}
