/* Scalars as PyYAML's loader for YAML 1.1 resolves them, and as templates then show them: what has no form of its own in JSON
 * (dates, infinity, integers beyond 64 bits) becomes the text that Python prints for it. */
#include "model/yaml.h"

#include <ctype.h>
#include <errno.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "base/mem.h"
#include "base/printable.h"

#define DIGITS "0123456789"

enum { DIGITS_MOST = 4300 }; /* Python converts no integer with more */

/* ---- which kind ---- */

static bool is_one_of(const char *text, const char *const *words)
{
	for (; *words; words++)
		if (strcmp(text, *words) == 0)
			return true;
	return false;
}

static bool is_true(const char *text)
{
	static const char *const words[] = { "yes", "Yes", "YES", "true", "True", "TRUE", "on", "On", "ON", NULL };
	return is_one_of(text, words);
}

static bool is_false(const char *text)
{
	static const char *const words[] = { "no", "No", "NO", "false", "False", "FALSE", "off", "Off", "OFF", NULL };
	return is_one_of(text, words);
}

static bool is_null(const char *text)
{
	static const char *const words[] = { "", "~", "null", "Null", "NULL", NULL };
	return is_one_of(text, words);
}

static const char *skip_sign(const char *text) { return text + (*text == '+' || *text == '-'); }

/* One or more of ":59"; NULL if there is none. */
static const char *skip_sixties(const char *text)
{
	const char *start = text;
	while (*text == ':' && isdigit((unsigned char)text[1])) {
		bool two = text[1] <= '5' && isdigit((unsigned char)text[2]);
		text += two ? 3 : 2;
	}
	return text == start ? NULL : text;
}

static bool is_only(const char *text, const char *characters)
{
	return *text && !text[strspn(text, characters)];
}

/* One digit at least must be among the underscores, or it is no number in Python either. */
static bool is_radix(const char *text, const char *characters)
{
	return is_only(text, characters) && strspn(text, "_") != strlen(text);
}

static bool is_octal(const char *text) { return text[0] == '0' && is_only(text + 1, "01234567_"); }

static bool is_integer(const char *text)
{
	text = skip_sign(text);
	if (text[0] == '0' && text[1] == 'b')
		return is_radix(text + 2, "01_");
	if (text[0] == '0' && text[1] == 'x')
		return is_radix(text + 2, DIGITS "abcdefABCDEF_");
	if (text[0] == '0')
		return !text[1] || is_octal(text);
	if (!isdigit((unsigned char)*text))
		return false;
	text += strspn(text, DIGITS "_");
	const char *end = *text ? skip_sixties(text) : text;
	return end && !*end;
}

static bool is_exponent(const char *text)
{
	return !*text || ((*text == 'e' || *text == 'E') && (text[1] == '+' || text[1] == '-') && is_only(text + 2, DIGITS));
}

static bool is_special_real(const char *text)
{
	static const char *const infinite[] = { ".inf", ".Inf", ".INF", NULL }, *const none[] = { ".nan", ".NaN", ".NAN", NULL };
	return is_one_of(skip_sign(text), infinite) || is_one_of(text, none);
}

static bool is_real(const char *text)
{
	if (is_special_real(text))
		return true;
	if (*text == '.')
		return isdigit((unsigned char)text[1]) && is_exponent(text + 1 + strspn(text + 1, DIGITS "_"));
	text = skip_sign(text);
	if (!isdigit((unsigned char)*text))
		return false;
	text += strspn(text, DIGITS "_");
	const char *sixties = skip_sixties(text);
	if (sixties)
		return *sixties == '.' && !sixties[1 + strspn(sixties + 1, DIGITS "_")];
	return *text == '.' && is_exponent(text + 1 + strspn(text + 1, DIGITS "_"));
}

/* ---- dates ---- */

struct moment {
	int year, month, day, hour, minute, second, zone_hour, zone_minute;
	char fraction[8], zone; /* 0, 'Z', '+' or '-' */
	bool has_time, is_short; /* is_short: a month, day or hour of one digit */
};

/* least to most digits; false if there are none. */
static bool take_digits(const char **text, int least, int most, int *number)
{
	int count = 0;
	*number = 0;
	while (count < most && isdigit((unsigned char)**text)) {
		*number = *number * 10 + *(*text)++ - '0';
		count++;
	}
	return count >= least;
}

static bool take_char(const char **text, char c)
{
	if (**text != c)
		return false;
	++*text;
	return true;
}

static bool take_zone(const char **text, struct moment *moment)
{
	const char *at = *text + strspn(*text, " \t");
	if (!*at)
		return !**text;
	*text = at;
	moment->zone = *at;
	if (take_char(text, 'Z'))
		return true;
	if (!take_char(text, '+') && !take_char(text, '-'))
		return false;
	return take_digits(text, 1, 2, &moment->zone_hour) &&
	       (!take_char(text, ':') || take_digits(text, 2, 2, &moment->zone_minute));
}

static bool take_time(const char **text, struct moment *moment)
{
	size_t blanks = strspn(*text, " \t");
	if (!blanks && **text != 'T' && **text != 't')
		return false;
	*text += blanks ? blanks : 1;
	moment->has_time = true;
	if (!take_digits(text, 1, 2, &moment->hour) || !take_char(text, ':') || !take_digits(text, 2, 2, &moment->minute) ||
	    !take_char(text, ':') || !take_digits(text, 2, 2, &moment->second))
		return false;
	if (take_char(text, '.')) {
		size_t length = strspn(*text, DIGITS);
		snprintf(moment->fraction, sizeof(moment->fraction), "%.*s", (int)(length < 6 ? length : 6), *text);
		*text += length;
	}
	return take_zone(text, moment);
}

static bool is_day(const struct moment *moment)
{
	static const int days[] = { 31, 28, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31 };
	bool leap = moment->year % 4 == 0 && (moment->year % 100 != 0 || moment->year % 400 == 0);
	return moment->year >= 1 && moment->month >= 1 && moment->month <= 12 && moment->day >= 1 &&
	       moment->day <= days[moment->month - 1] + (moment->month == 2 && leap);
}

/* Whether it is a time as YAML 1.1 has them, of a day that there is. */
static bool take_moment(const char *text, struct moment *moment)
{
	*moment = (struct moment){ 0 };
	const char *start = text;
	if (!take_digits(&text, 4, 4, &moment->year) || !take_char(&text, '-') || !take_digits(&text, 1, 2, &moment->month) ||
	    !take_char(&text, '-') || !take_digits(&text, 1, 2, &moment->day))
		return false;
	if (!*text)
		return text - start == 10 && is_day(moment); /* a day alone has two digits each */
	return take_time(&text, moment) && !*text && is_day(moment) && moment->hour < 24 && moment->minute < 60 &&
	       moment->second < 60 && moment->zone_hour < 24;
}

/* As Python's str() prints it. */
static json_t *moment_text(const struct moment *moment)
{
	auto_buf struct buf text = BUF_INIT;
	buf_printf(&text, "%04d-%02d-%02d", moment->year, moment->month, moment->day);
	if (moment->has_time) {
		buf_printf(&text, " %02d:%02d:%02d", moment->hour, moment->minute, moment->second);
		if (strspn(moment->fraction, "0") != strlen(moment->fraction))
			buf_printf(&text, ".%s%.*s", moment->fraction, 6 - (int)strlen(moment->fraction), "000000");
		int minutes = moment->zone_hour * 60 + moment->zone_minute;
		if (moment->zone)
			buf_printf(&text, "%c%02d:%02d", moment->zone == '-' && minutes ? '-' : '+', minutes / 60, minutes % 60);
	}
	return json_string_nocheck(buf_text(&text));
}

/* ---- numbers ---- */

static char *without_underscores(const char *text)
{
	auto_buf struct buf plain = BUF_INIT;
	for (; *text; text++)
		if (*text != '_')
			buf_char(&plain, *text);
	return buf_take(&plain);
}

/* number = number * factor + digit, as digits with the least first. */
static void decimal_step(struct buf *number, int factor, int digit)
{
	int carry = digit;
	for (size_t i = 0; i < number->length; i++) {
		carry += (number->data[i] - '0') * factor;
		number->data[i] = (char)('0' + carry % 10);
		carry /= 10;
	}
	for (; carry; carry /= 10)
		buf_char(number, (char)('0' + carry % 10));
}

/* Any size of integer: within 64 bits a number, else its digits as text. */
static json_t *integer_value(const struct buf *digits, bool negative)
{
	auto_buf struct buf text = BUF_INIT;
	if (negative && digits->length)
		buf_char(&text, '-');
	for (size_t i = digits->length; i-- > 0;)
		buf_char(&text, digits->data[i]);
	if (!digits->length)
		buf_char(&text, '0');
	errno = 0;
	long long value = strtoll(buf_text(&text), NULL, 10);
	return errno ? json_string_nocheck(buf_text(&text)) : json_integer(value);
}

static json_t *read_integer(const char *given)
{
	auto_free char *plain = without_underscores(given);
	const char *text = skip_sign(plain);
	bool negative = *plain == '-';
	int radix = 10;
	if (text[0] == '0' && (text[1] == 'b' || text[1] == 'x')) {
		radix = text[1] == 'b' ? 2 : 16;
		text += 2;
	} else if (text[0] == '0') {
		radix = 8;
	}
	if (strlen(text) > DIGITS_MOST)
		return json_string_nocheck(given);
	auto_buf struct buf number = BUF_INIT;
	for (; *text && *text != ':'; text++)
		decimal_step(&number, radix, isdigit((unsigned char)*text) ? *text - '0' : (*text | 0x20) - 'a' + 10);
	while (*text == ':') {
		int part = (int)strtol(text + 1, (char **)&text, 10);
		decimal_step(&number, 60, part);
	}
	return integer_value(&number, negative);
}

static json_t *real_value(double value)
{
	if (isnan(value))
		return json_string_nocheck("nan");
	if (isinf(value))
		return json_string_nocheck(value < 0 ? "-inf" : "inf");
	return json_real(value);
}

static json_t *read_real(const char *given)
{
	auto_free char *plain = without_underscores(given);
	const char *text = skip_sign(plain);
	double sign = *plain == '-' ? -1 : 1;
	if (is_special_real(text))
		return real_value((text[1] | 0x20) == 'i' ? sign * INFINITY : NAN);
	double value = strtod(text, (char **)&text);
	while (*text == ':')
		value = value * 60 + strtod(text + 1, (char **)&text);
	return real_value(sign * value);
}

/* ---- tags ---- */

static json_t *plain_value(const char *text, json_t **as_mode)
{
	struct moment moment;
	if (is_true(text) || is_false(text))
		return json_boolean(is_true(text));
	if (is_real(text))
		return read_real(text);
	if (text[0] == '0' && text[1] == 'o' && is_only(text + 2, "01234567")) { /* no number in YAML 1.1, but a mode for Python */
		auto_free char *digits = mem_printf("0%s", text + 2);
		*as_mode = json_string_nocheck(digits);
	}
	if (is_integer(text)) {
		auto_free char *digits = is_octal(text) ? without_underscores(text) : NULL;
		if (digits)
			*as_mode = json_string_nocheck(digits);
		return read_integer(text);
	}
	if (is_null(text))
		return json_null();
	return take_moment(text, &moment) ? moment_text(&moment) : NULL;
}

static int base64_digit(char c)
{
	static const char digits[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
	const char *found = c ? strchr(digits, c) : NULL;
	return found ? (int)(found - digits) : -1;
}

/* !!binary: text in base64, which must be UTF-8 to be a string here. NULL if it is not. */
static json_t *read_binary(const char *text)
{
	auto_buf struct buf bytes = BUF_INIT;
	unsigned bits = 0, count = 0, used = 0;
	for (; *text && *text != '='; text++) {
		int digit = base64_digit(*text);
		if (digit < 0)
			continue; /* as Python: line breaks and what else is none */
		bits = bits << 6 | (unsigned)digit;
		used++;
		count += 6;
		if (count >= 8) {
			count -= 8;
			buf_char(&bytes, (char)(bits >> count & 0xff));
		}
	}
	if ((used + strspn(text, "=")) % 4)
		return NULL;
	for (size_t at = 0; at < bytes.length;) {
		size_t step = printable_utf8(bytes.data + at, bytes.length - at, NULL);
		if (!step)
			return NULL;
		at += step;
	}
	return json_stringn_nocheck(buf_text(&bytes), bytes.length);
}

/* A real that is written as any of Python's float(), behind !!float. */
static json_t *read_tagged_real(const char *text)
{
	if (is_real(text))
		return read_real(text);
	if (!*text || strspn(skip_sign(text), DIGITS ".eE+-") != strlen(skip_sign(text)))
		return NULL; /* strtod takes more: hexadecimal digits, words */
	char *end;
	double value = strtod(text, &end);
	return *end ? NULL : real_value(value);
}

static json_t *tagged_value(const char *kind, const char *text, size_t length)
{
	struct moment moment;
	if (strcmp(kind, "str") == 0 || strcmp(kind, "python/unicode") == 0 || strcmp(kind, "value") == 0 ||
	    strcmp(kind, "merge") == 0)
		return json_stringn_nocheck(text, length);
	if (strcmp(kind, "null") == 0)
		return json_null();
	if (strcmp(kind, "bool") == 0)
		return is_true(text) || is_false(text) ? json_boolean(is_true(text)) : NULL;
	if (strcmp(kind, "int") == 0)
		return is_integer(text) ? read_integer(text) : NULL;
	if (strcmp(kind, "float") == 0)
		return read_tagged_real(text);
	if (strcmp(kind, "timestamp") == 0)
		return take_moment(text, &moment) ? moment_text(&moment) : NULL;
	return strcmp(kind, "binary") == 0 ? read_binary(text) : NULL;
}

json_t *yaml_scalar(struct yaml *yaml, const yaml_event_t *event, struct span span, json_t **as_mode)
{
	static const char prefix[] = "tag:yaml.org,2002:";
	const char *text = (const char *)event->data.scalar.value, *tag = (const char *)event->data.scalar.tag;
	size_t length = event->data.scalar.length;
	*as_mode = NULL;
	json_t *value = NULL;
	if (!tag || strcmp(tag, "!") == 0) {
		if (event->data.scalar.plain_implicit)
			value = plain_value(text, as_mode);
		return value ? value : json_stringn_nocheck(text, length);
	}
	bool own = strncmp(tag, prefix, sizeof(prefix) - 1) == 0;
	if (own)
		value = tagged_value(tag + sizeof(prefix) - 1, text, length);
	if (!value)
		yaml_fault(yaml, PROBLEM_ERROR, span,
		           own ? "the text must fit the tag: !!int 5, !!bool yes; without a tag it is read as it looks"
		               : "the tags that have a meaning are !vault and !unsafe, and YAML's own such as !!str",
		           own ? "the tag !!%.60s does not fit this value" : "the tag %.60s is unknown",
		           own ? tag + sizeof(prefix) - 1 : tag);
	return value;
}

bool yaml_scalar_is_merge(const yaml_event_t *event)
{
	const char *tag = (const char *)event->data.scalar.tag;
	if (tag && strcmp(tag, "!") != 0)
		return strcmp(tag, "tag:yaml.org,2002:merge") == 0;
	return event->data.scalar.plain_implicit && strcmp((const char *)event->data.scalar.value, "<<") == 0;
}

/* ---- keys ---- */

/* The fewest digits that are read back as the same number, as Python's repr() prints it. */
static void add_real(struct buf *text, double value)
{
	char digits[400];
	int precision = 1;
	do
		snprintf(digits, sizeof(digits), "%.*e", precision - 1, value);
	while (strtod(digits, NULL) != value && precision++ < 17);
	int exponent = (int)strtol(strchr(digits, 'e') + 1, NULL, 10);
	if (exponent >= -4 && exponent < 16)
		snprintf(digits, sizeof(digits), "%.*f", precision - 1 - exponent > 0 ? precision - 1 - exponent : 1, value);
	buf_str(text, digits);
}

void yaml_scalar_key(const json_t *value, struct buf *text)
{
	switch (json_typeof(value)) {
	case JSON_STRING: buf_add(text, json_string_value(value), json_string_length(value)); break;
	case JSON_INTEGER: buf_printf(text, "%lld", (long long)json_integer_value(value)); break;
	case JSON_REAL: add_real(text, json_real_value(value)); break;
	case JSON_TRUE: buf_str(text, "True"); break;
	case JSON_FALSE: buf_str(text, "False"); break;
	default: buf_str(text, "None");
	}
}
