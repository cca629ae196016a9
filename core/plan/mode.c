/* File modes as text. */
#include "plan/mode.h"

#include <stdio.h>
#include <string.h>
#include <sys/stat.h>

enum { MODE_BITS = 07777 };

static bool is_octal(const char *text)
{
	return *text && !text[strspn(text, "01234567")];
}

static int octal_check(const char *text, struct err *err)
{
	const char *digits = text + strspn(text, "0");
	if (strlen(digits) > 4)
		return err_set(err, ERR_INPUT, "\"%s\" is no mode: the highest is \"7777\"", text);
	return 0;
}

/* One clause of XCU chmod: [ugoa]*([-+=]([rwxXst]*|[ugo]))+ ; its length, 0 if it is none. */
static size_t clause_length(const char *text)
{
	const char *p = text + strspn(text, "ugoa");
	size_t actions = 0;
	while (*p && strchr("+-=", *p)) {
		p++;
		actions++;
		size_t permissions = strspn(p, "rwxXst");
		if (!permissions)
			permissions = *p && strchr("ugo", *p) ? 1 : 0;
		p += permissions;
	}
	return actions ? (size_t)(p - text) : 0;
}

int mode_check(const char *text, struct err *err)
{
	if (is_octal(text))
		return octal_check(text, err);
	for (const char *p = text;; p++) {
		size_t length = clause_length(p);
		if (!length || (p[length] && p[length] != ',')) {
			err_set(err, ERR_INPUT, "\"%s\" is no mode", text);
			return err_hint(err, "write octal digits (\"0644\") or symbols (\"u=rw,go=r\")");
		}
		p += length;
		if (!*p)
			return 0;
	}
}

struct user_class { char letter; int shift; mode_t all, special; };
static const struct user_class classes[] = {
	{ 'u', 6, S_IRWXU | S_ISUID, S_ISUID },
	{ 'g', 3, S_IRWXG | S_ISGID, S_ISGID },
	{ 'o', 0, S_IRWXO | S_ISVTX, S_ISVTX },
};

/* The bits that the permission letters give one class of users. */
static mode_t letters_bits(const struct user_class *user, const char *letters, size_t count, mode_t now,
                           bool is_directory)
{
	mode_t bits = 0;
	for (size_t i = 0; i < count; i++) {
		switch (letters[i]) {
		case 'r': bits |= 4u << user->shift; break;
		case 'w': bits |= 2u << user->shift; break;
		case 'x': bits |= 1u << user->shift; break;
		case 'X': bits |= is_directory || (now & 0111) ? 1u << user->shift : 0; break;
		case 's': bits |= user->letter == 'o' ? 0 : user->special; break;
		case 't': bits |= user->letter == 'o' ? S_ISVTX : 0; break;
		case 'u': bits |= (now >> 6 & 7) << user->shift; break;
		case 'g': bits |= (now >> 3 & 7) << user->shift; break;
		case 'o': bits |= (now & 7) << user->shift; break;
		}
	}
	return bits;
}

struct action {
	const char *users;
	size_t user_count;
	char operator;
	const char *letters;
	size_t letter_count;
};

static mode_t action_apply(const struct action *action, mode_t now, bool is_directory, mode_t umask)
{
	mode_t start = now;
	bool everyone = !action->user_count || memchr(action->users, 'a', action->user_count);
	for (size_t i = 0; i < sizeof(classes) / sizeof(*classes); i++) {
		const struct user_class *user = &classes[i];
		if (!everyone && !memchr(action->users, user->letter, action->user_count))
			continue;
		mode_t bits = letters_bits(user, action->letters, action->letter_count, start, is_directory);
		if (!action->user_count)
			bits &= ~umask;
		if (action->operator == '=')
			now = (now & ~user->all) | bits;
		else
			now = action->operator == '+' ? now | bits : now & ~bits;
	}
	return now;
}

mode_t mode_apply(const char *text, mode_t old, bool is_directory, mode_t umask)
{
	if (is_octal(text)) {
		mode_t mode = 0;
		for (; *text; text++)
			mode = mode * 8 + (mode_t)(*text - '0');
		return mode & MODE_BITS;
	}
	mode_t mode = old & MODE_BITS;
	while (*text) {
		struct action action = { .users = text, .user_count = strspn(text, "ugoa") };
		text += action.user_count;
		while (*text && *text != ',') {
			action.operator = *text++;
			action.letters = text;
			action.letter_count = strspn(text, "rwxXst");
			if (!action.letter_count && *text && strchr("ugo", *text))
				action.letter_count = 1;
			text += action.letter_count;
			mode = action_apply(&action, mode, is_directory, umask);
		}
		if (*text)
			text++;
	}
	return mode;
}

const char *mode_text(mode_t mode, char text[8])
{
	snprintf(text, 8, "%04o", (unsigned)mode & MODE_BITS);
	return text;
}
