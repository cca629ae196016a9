/* Names with ranges; see host_range.h. What counts as a name or an address follows Ansible: labels of letters, digits,
 * "_" and "-" that do not end in the last two, IPv4 and IPv6 addresses, each part of which may be a range. */
#include "model/host_range.h"

#include <arpa/inet.h>
#include <ctype.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

#include "base/buf.h"
#include "base/mem.h"

enum { LONGEST = 512 }; /* twice what DNS allows; bounds the depth of range_expand */

/* "[1:20]", "[a:f:2]"; begin and end as written. */
struct range {
	const char *begin, *end;
	size_t begin_length, end_length;
	long step;
	const char *after; /* behind the bracket */
};

void host_names_release(struct host_names *names)
{
	for (size_t i = 0; i < names->count; i++)
		free(names->items[i]);
	free(names->items);
	*names = (struct host_names)HOST_NAMES_INIT;
}

static bool is_digits(const char *text, size_t length)
{
	for (size_t i = 0; i < length; i++)
		if (!isdigit((unsigned char)text[i]))
			return false;
	return length > 0;
}

static bool is_letter(const char *text, size_t length)
{
	return length == 1 && isalpha((unsigned char)*text);
}

/* Length of a well-formed range at text, brackets included, or 0. */
static size_t range_length(const char *text, bool hexadecimal)
{
	if (*text != '[')
		return 0;
	const char *close = strchr(text, ']'), *first = close ? memchr(text, ':', (size_t)(close - text)) : NULL;
	if (!first)
		return 0;
	const char *second = memchr(first + 1, ':', (size_t)(close - first - 1)), *end = second ? second : close;
	size_t begin_length = (size_t)(first - text - 1), end_length = (size_t)(end - first - 1);
	if (second && !is_digits(second + 1, (size_t)(close - second - 1)))
		return 0;
	bool numbers = is_digits(text + 1, begin_length) && is_digits(first + 1, end_length);
	bool letters = is_letter(text + 1, begin_length) && is_letter(first + 1, end_length);
	bool hex = hexadecimal && begin_length && end_length && strspn(text + 1, "0123456789abcdefABCDEF") >= begin_length &&
	           strspn(first + 1, "0123456789abcdefABCDEF") >= end_length;
	return numbers || letters || hex ? (size_t)(close - text) + 1 : 0;
}

static bool is_hostname(const char *text)
{
	char last = '.';
	while (*text) {
		size_t range = range_length(text, false);
		unsigned char c = (unsigned char)*text;
		if (range) {
			last = ']';
			text += range;
			continue;
		}
		if (c == '.' ? strchr("._-", last) != NULL : c == '-' ? last == '.' : !(isalnum(c) || c == '_' || c >= 0x80))
			return false;
		last = (char)c;
		text++;
	}
	return !strchr("._-", last);
}

/* A range may stand for any part of an address: put a number in its place and let the system judge. */
static bool is_ipv6(const char *text)
{
	char plain[INET6_ADDRSTRLEN];
	size_t length = 0;
	while (*text && length + 1 < sizeof(plain)) {
		size_t range = range_length(text, true);
		plain[length++] = range ? '1' : *text;
		text += range ? range : 1;
	}
	plain[length] = '\0';
	struct in6_addr address;
	return !*text && inet_pton(AF_INET6, plain, &address) == 1;
}

static bool is_name_or_address(const char *text)
{
	return is_hostname(text) || is_ipv6(text);
}

/* The colon before a port, or NULL: the last one, behind a bracketed whole or a text without other colons. */
static const char *port_colon(const char *text)
{
	size_t length = strlen(text), digits = 0;
	while (digits < length && isdigit((unsigned char)text[length - digits - 1]))
		digits++;
	if (!digits || digits == length || text[length - digits - 1] != ':')
		return NULL;
	const char *colon = text + length - digits - 1;
	if (*text == '[' && colon[-1] == ']' && colon - text > 2 && memchr(text, ']', (size_t)(colon - text)) == colon - 1 &&
	    !range_length(text, true))
		return colon;
	for (const char *at = text; at < colon; at++) {
		if (*at == ':' || *at == ']')
			return NULL;
		if (*at == '[') {
			at = strchr(at, ']');
			if (!at || at > colon)
				return NULL;
		}
	}
	return colon;
}

/* Splits off the port where what is left is a name or an address. False when text is neither with nor without. */
static bool address_split(const char *text, char **name, int *port)
{
	*port = 0;
	const char *colon = port_colon(text);
	if (!colon) {
		*name = mem_strdup(text);
		return is_name_or_address(text);
	}
	long number = strtol(colon + 1, NULL, 10);
	bool bracketed = *text == '[' && colon[-1] == ']' && !range_length(text, true);
	*name = bracketed ? mem_strndup(text + 1, (size_t)(colon - text) - 2) : mem_strndup(text, (size_t)(colon - text));
	if (is_name_or_address(*name) && number > 0 && number <= 65535) {
		*port = (int)number;
		return true;
	}
	free(*name);
	*name = mem_strdup(text);
	return false;
}

bool host_range_is_address(const char *text)
{
	auto_free char *name = NULL;
	int port;
	return address_split(text, &name, &port);
}

static int range_parse(const char *text, struct range *range, struct err *err)
{
	const char *close = strchr(text, ']');
	if (!close)
		return err_set(err, ERR_INPUT, "the range that opens with \"[\" has no \"]\"");
	const char *first = memchr(text, ':', (size_t)(close - text));
	if (!first)
		return err_set(err, ERR_INPUT, "a range is [begin:end] or [begin:end:step]");
	const char *second = memchr(first + 1, ':', (size_t)(close - first - 1));
	const char *end = second ? second : close;
	*range = (struct range){ .begin = text + 1, .begin_length = (size_t)(first - text - 1), .end = first + 1,
		                     .end_length = (size_t)(end - first - 1), .step = 1, .after = close + 1 };
	if (second) {
		if (!is_digits(second + 1, (size_t)(close - second - 1)))
			return err_set(err, ERR_INPUT, "the step of a range is a number from 1");
		range->step = strtol(second + 1, NULL, 10);
	}
	if (range->step < 1)
		return err_set(err, ERR_INPUT, "the step of a range is a number from 1");
	if (!range->begin_length) {
		range->begin = "0";
		range->begin_length = 1;
	}
	if (!range->end_length)
		return err_set(err, ERR_INPUT, "a range needs an end");
	return 0;
}

/* Letters count from a to z, then from A to Z. */
static long letter_number(char c)
{
	return islower((unsigned char)c) ? c - 'a' : 26 + c - 'A';
}

static int range_bounds(const struct range *range, long *begin, long *end, int *width, struct err *err)
{
	*width = 0;
	if (is_letter(range->begin, range->begin_length) && is_letter(range->end, range->end_length)) {
		*begin = letter_number(*range->begin);
		*end = letter_number(*range->end);
		*width = -1;
	} else if (is_digits(range->begin, range->begin_length) && is_digits(range->end, range->end_length)) {
		if (range->begin_length > 18 || range->end_length > 18)
			return err_set(err, ERR_INPUT, "the numbers of a range are too large");
		*begin = strtol(range->begin, NULL, 10);
		*end = strtol(range->end, NULL, 10);
		if (*range->begin == '0' && range->begin_length > 1) {
			if (range->begin_length != range->end_length)
				return err_set(err, ERR_INPUT, "begin and end of a range with leading zeros must be equally long");
			*width = (int)range->begin_length;
		}
	} else {
		return err_set(err, ERR_INPUT, "a range goes from number to number or from letter to letter");
	}
	if (*begin > *end)
		return err_set(err, ERR_INPUT, "the range begins behind its end");
	return 0;
}

/* Expands the first range of text and, by calling itself, those behind it. */
static int range_expand(const char *text, size_t most, struct host_names *names, struct err *err)
{
	const char *open = strchr(text, '[');
	if (!open) {
		if (names->count >= most)
			return err_set(err, ERR_INPUT, "the ranges stand for too many hosts (more than %zu)", most);
		mem_grow(names->items, names->count, names->room);
		names->items[names->count++] = mem_strdup(text);
		return 0;
	}
	struct range range = { 0 };
	long begin = 0, end = 0;
	int width = 0;
	if (range_parse(open, &range, err) < 0 || range_bounds(&range, &begin, &end, &width, err) < 0)
		return -1;
	for (long number = begin; number <= end; number += range.step) {
		auto_buf struct buf name = BUF_INIT;
		buf_add(&name, text, (size_t)(open - text));
		if (width < 0)
			buf_char(&name, (char)(number < 26 ? 'a' + number : 'A' + number - 26));
		else
			buf_printf(&name, "%0*ld", width, number);
		buf_str(&name, range.after);
		if (range_expand(buf_text(&name), most, names, err) < 0)
			return -1;
		if (range.step > end - number)
			break;
	}
	return 0;
}

int host_range_expand(const char *text, size_t most, struct host_names *names, int *port, struct err *err)
{
	*port = 0;
	if (strlen(text) > LONGEST)
		return err_set(err, ERR_INPUT, "a host's name of more than %d characters", LONGEST);
	auto_free char *name = NULL;
	address_split(text, &name, port);
	return range_expand(name, most, names, err);
}
