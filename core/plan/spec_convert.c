/* Conversions of argument values. */
#include "plan/spec_convert.h"

#include <errno.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "base/mem.h"
#include "model/keyword.h"
#include "plan/mode.h"

struct place { /* where a complaint goes */
	const char *path;
	spec_report *report;
	void *context;
};

static json_t *refuse(const struct place *place, const char *hint, const char *format, ...)
	__attribute__((format(printf, 3, 4)));

static json_t *refuse(const struct place *place, const char *hint, const char *format, ...)
{
	va_list arguments;
	va_start(arguments, format);
	auto_free char *text = mem_vprintf(format, arguments);
	va_end(arguments);
	place->report(place->context, place->path, false, hint, text);
	return NULL;
}

static const char *kind_of(json_t *value)
{
	switch (json_typeof(value)) {
	case JSON_OBJECT: return "a dictionary";
	case JSON_ARRAY: return "a list";
	case JSON_STRING: return "a string";
	case JSON_INTEGER: return "a whole number";
	case JSON_REAL: return "a number";
	case JSON_NULL: return "null";
	default: return "a boolean";
	}
}

/* ---- text ---- */

/* The shortest digits that give the same number again, as Python's repr. */
static void add_real(struct buf *buf, double number)
{
	char text[40];
	for (int precision = 1; precision <= 17; precision++) {
		snprintf(text, sizeof(text), "%.*g", precision, number);
		if (strtod(text, NULL) == number)
			break;
	}
	if (fabs(number) >= 1e16 || strpbrk(text, ".n"))
		buf_str(buf, text);
	else if (strchr(text, 'e') && fabs(number) >= 1)
		buf_printf(buf, "%.1f", number);
	else
		buf_printf(buf, "%s%s", text, strchr(text, 'e') ? "" : ".0");
}

bool spec_convert_text(struct buf *buf, json_t *value)
{
	switch (json_typeof(value)) {
	case JSON_STRING: buf_add(buf, json_string_value(value), json_string_length(value)); return true;
	case JSON_INTEGER: buf_printf(buf, "%lld", (long long)json_integer_value(value)); return true;
	case JSON_REAL: add_real(buf, json_real_value(value)); return true;
	case JSON_TRUE: buf_str(buf, "True"); return true;
	case JSON_FALSE: buf_str(buf, "False"); return true;
	default: return false;
	}
}

static json_t *to_text(json_t *value, const struct place *place)
{
	auto_buf struct buf text = BUF_INIT;
	if (!spec_convert_text(&text, value))
		return refuse(place, NULL, "must be a string, not %s", kind_of(value));
	if (memchr(buf_text(&text), 0, text.length))
		return refuse(place, NULL, "must not have a NUL character inside");
	return json_stringn(buf_text(&text), text.length);
}

static json_t *to_path(json_t *value, const struct place *place)
{
	if (!json_is_string(value) && !json_is_number(value))
		return refuse(place, NULL, "must be a path, not %s", kind_of(value));
	return to_text(value, place);
}

/* ---- numbers and booleans ---- */

static const char *skip_space(const char *text)
{
	return text + strspn(text, " \t\r\n");
}

static json_t *to_int(json_t *value, const struct place *place)
{
	if (json_is_integer(value))
		return json_integer(json_integer_value(value));
	if (json_is_real(value) && json_real_value(value) == floor(json_real_value(value)) &&
	    fabs(json_real_value(value)) < 9e15)
		return json_integer((json_int_t)json_real_value(value));
	if (!json_is_string(value))
		return refuse(place, NULL, "must be a whole number, not %s", kind_of(value));
	char *end;
	errno = 0;
	const char *start = skip_space(json_string_value(value));
	long long number = strtoll(start, &end, 10);
	if (end == start || *skip_space(end) || errno)
		return refuse(place, NULL, "must be a whole number, not \"%s\"", json_string_value(value));
	return json_integer(number);
}

static json_t *to_float(json_t *value, const struct place *place)
{
	if (json_is_number(value))
		return json_real(json_number_value(value));
	if (!json_is_string(value))
		return refuse(place, NULL, "must be a number, not %s", kind_of(value));
	char *end;
	const char *start = skip_space(json_string_value(value));
	double number = strtod(start, &end);
	if (end == start || *skip_space(end) || !isfinite(number))
		return refuse(place, NULL, "must be a number, not \"%s\"", json_string_value(value));
	return json_real(number);
}

static json_t *to_bool(json_t *value, const struct place *place)
{
	int truth = keyword_bool(value);
	if (truth >= 0)
		return json_boolean(truth);
	if (json_is_real(value) && (json_real_value(value) == 0 || json_real_value(value) == 1))
		return json_boolean(json_real_value(value) == 1);
	if (json_is_string(value))
		return refuse(place, NULL, "must be true or false, not \"%s\"", json_string_value(value));
	return refuse(place, NULL, "must be true or false, not %s", kind_of(value));
}

/* ---- modes ---- */

static json_t *refuse_number_mode(long long number, const struct place *place)
{
	char digits[32], hint[160];
	snprintf(digits, sizeof(digits), "%lld", number);
	bool reads_as_octal = number >= 0 && strlen(digits) <= 4 && !digits[strspn(digits, "01234567")];
	bool reads_as_value = number >= 0 && number <= 07777;
	const char *zero = strlen(digits) < 4 ? "0" : "";
	if (reads_as_octal && reads_as_value)
		snprintf(hint, sizeof(hint), "write \"%s%s\" for the digits as they stand, or \"%04llo\" for what the number is in octal",
		         zero, digits, (unsigned long long)number);
	else if (reads_as_octal)
		snprintf(hint, sizeof(hint), "write \"%s%s\"", zero, digits);
	else if (reads_as_value)
		snprintf(hint, sizeof(hint), "write \"%04llo\", which is what the number is in octal", (unsigned long long)number);
	else
		snprintf(hint, sizeof(hint), "write it as a string, like \"0644\"");
	if (reads_as_value)
		return refuse(place, hint, "a mode must be a string: the number %lld is %04llo in octal", number,
		              (unsigned long long)number);
	return refuse(place, hint, "a mode must be a string: the number %lld is no mode", number);
}

static json_t *to_mode(json_t *value, const struct place *place)
{
	if (json_is_integer(value))
		return refuse_number_mode((long long)json_integer_value(value), place);
	if (!json_is_string(value))
		return refuse(place, "write it as a string, like \"0644\"", "must be a mode, not %s", kind_of(value));
	const char *text = json_string_value(value);
	struct err err = ERR_INIT;
	if (mode_check(text, &err) < 0)
		return refuse(place, err.hint[0] ? err.hint : NULL, "%s", err.text);
	return json_string(text);
}

/* ---- lists and dictionaries ---- */

static json_t *to_list(json_t *value, const struct place *place)
{
	if (json_is_array(value))
		return json_deep_copy(value);
	if (json_is_object(value) || json_is_boolean(value))
		return refuse(place, NULL, "must be a list, not %s", kind_of(value));
	json_t *list = json_array();
	auto_buf struct buf text = BUF_INIT;
	spec_convert_text(&text, value);
	for (const char *p = buf_text(&text);;) {
		size_t length = strcspn(p, ",");
		json_array_append_new(list, json_stringn(p, length));
		p += length;
		if (!*p++)
			return list;
	}
}

/* The end of a k=v word: words end at a comma or a space outside of quotes. */
static size_t word_length(const char *text)
{
	char quote = 0;
	size_t i = 0;
	for (; text[i] && (quote || !strchr(", \t\n", text[i])); i++) {
		if (quote && text[i] == quote)
			quote = 0;
		else if (!quote && (text[i] == '"' || text[i] == '\''))
			quote = text[i];
	}
	return i;
}

static void add_unquoted(struct buf *buf, const char *text, size_t length)
{
	if (length >= 2 && (*text == '"' || *text == '\'') && text[length - 1] == *text)
		buf_add(buf, text + 1, length - 2);
	else
		buf_add(buf, text, length);
}

static json_t *words_to_dict(const char *text)
{
	auto_json json_t *dict = json_object();
	for (;;) {
		text += strspn(text, ", \t\n");
		if (!*text)
			return steal(dict);
		size_t length = word_length(text);
		const char *equals = memchr(text, '=', length);
		if (!equals || equals == text)
			return NULL;
		auto_buf struct buf value = BUF_INIT;
		add_unquoted(&value, equals + 1, length - (size_t)(equals + 1 - text));
		json_object_setn_new(dict, text, (size_t)(equals - text), json_stringn(buf_text(&value), value.length));
		text += length;
	}
}

static json_t *to_dict(json_t *value, const struct place *place)
{
	if (json_is_object(value))
		return json_deep_copy(value);
	const char *text = json_string_value(value);
	if (!text)
		return refuse(place, NULL, "must be a dictionary, not %s", kind_of(value));
	json_t *dict = *skip_space(text) == '{' ? json_loads(text, JSON_REJECT_DUPLICATES, NULL) : words_to_dict(text);
	if (json_is_object(dict))
		return dict;
	json_decref(dict);
	return refuse(place, NULL, "must be a dictionary: the string is neither JSON nor words like key=value");
}

/* ---- expressions ---- */

static json_t *to_expression(json_t *value, const struct place *place)
{
	if (json_is_object(value) && json_object_get(value, "expression"))
		return json_deep_copy(value);
	if (json_is_array(value) || json_is_object(value))
		return refuse(place, NULL, "must be an expression, not %s", kind_of(value));
	auto_buf struct buf text = BUF_INIT;
	if (json_is_boolean(value))
		buf_str(&text, json_is_true(value) ? "true" : "false");
	else
		spec_convert_text(&text, value);
	return json_pack("{s:o}", "expression", json_stringn(buf_text(&text), text.length));
}

static json_t *to_conditions(json_t *value, const struct place *place)
{
	auto_json json_t *list = json_array();
	if (!json_is_array(value)) {
		json_t *one = to_expression(value, place);
		return one ? json_pack("[o]", one) : NULL;
	}
	size_t i;
	json_t *element;
	json_array_foreach(value, i, element) {
		json_t *one = to_expression(element, place);
		if (!one)
			return NULL;
		json_array_append_new(list, one);
	}
	return steal(list);
}

json_t *spec_convert(enum arg_type type, json_t *value, const char *path, spec_report *report, void *context)
{
	const struct place place = { path, report, context };
	switch (type) {
	case ARG_STR: case ARG_SECRET: return to_text(value, &place);
	case ARG_PATH: return to_path(value, &place);
	case ARG_INT: return to_int(value, &place);
	case ARG_FLOAT: return to_float(value, &place);
	case ARG_BOOL: return to_bool(value, &place);
	case ARG_MODE: return to_mode(value, &place);
	case ARG_LIST: return to_list(value, &place);
	case ARG_DICT: return to_dict(value, &place);
	case ARG_RAW: return json_deep_copy(value);
	case ARG_CONDITION: return to_conditions(value, &place);
	case ARG_EXPRESSION: return to_expression(value, &place);
	}
	return NULL;
}
