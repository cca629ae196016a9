/* Options by table: what was written on the command line, then what the environment says, into a command's struct. */
#include <ctype.h>
#include <errno.h>
#include <limits.h>
#include <stdlib.h>
#include <string.h>

#include "base/mem.h"
#include "base/suggest.h"
#include "cli/command.h"

static const struct option_row help_row = { "help", 'h', OPTION_FLAG, NULL, NULL, "show this help" };

struct parse {
	const struct command_row *command;
	char *options;
	bool *given; /* one for each row */
	struct settings *settings; /* or NULL */
	struct err *err;
};

static bool takes_value(const struct option_row *row) { return row->type >= OPTION_STRING; }

static int usage(const struct parse *parse, const char *hint)
{
	if (hint)
		return err_hint(parse->err, "%s", hint);
	return err_hint(parse->err, "see neap %s --help", parse->command->name);
}

/* ---- storing ---- */

static int check_choice(const struct parse *parse, const struct option_row *row, const char *value)
{
	struct suggest suggest;
	auto_buf struct buf names = BUF_INIT;
	if (!row->choices)
		return 0;
	suggest_start(&suggest, value);
	for (const char *const *choice = row->choices; *choice; choice++) {
		if (strcmp(*choice, value) == 0)
			return 0;
		suggest_offer(&suggest, *choice);
		buf_printf(&names, "%s%s", choice == row->choices ? "" : ", ", *choice);
	}
	err_set(parse->err, ERR_USAGE, "--%s: \"%s\" is none of %s", row->name, value, buf_text(&names));
	return suggest.best ? err_hint(parse->err, "did you mean %s?", suggest.best) : usage(parse, NULL);
}

static void list_add(struct option_list *list, const char *item)
{
	mem_grow(list->items, list->count, list->room);
	list->items[list->count++] = item;
}

static void list_split(struct option_list *list, char separator, const char *value)
{
	while (*value) {
		const char *end = strchrnul(value, separator);
		const char *first = value, *last = end;
		while (first < last && isspace((unsigned char)*first))
			first++;
		while (last > first && isspace((unsigned char)last[-1]))
			last--;
		if (last > first)
			list_add(list, mem_strndup(first, (size_t)(last - first)));
		value = *end ? end + 1 : end;
	}
}

static int store_int(const struct parse *parse, const struct option_row *row, const char *value, int *to)
{
	char *end;
	errno = 0;
	long number = strtol(value, &end, 10);
	if (errno || end == value || *end || number < 1 || number > INT_MAX) {
		err_set(parse->err, ERR_USAGE, "--%s: \"%s\" is no whole number from 1 up", row->name, value);
		return usage(parse, NULL);
	}
	*to = (int)number;
	return 0;
}

static int store(const struct parse *parse, const struct option_row *row, const char *value)
{
	void *to = parse->options + row->offset;
	if (value && check_choice(parse, row, value) < 0)
		return -1;
	switch (row->type) {
	case OPTION_FLAG:
		*(bool *)to = true;
		return 0;
	case OPTION_COUNT:
		++*(unsigned *)to;
		return 0;
	case OPTION_STRING:
		*(const char **)to = value;
		return 0;
	case OPTION_LIST:
		if (row->separator)
			list_split(to, row->separator, value);
		else
			list_add(to, value);
		return 0;
	case OPTION_INT:
		return store_int(parse, row, value ? value : "", to); /* only flags come without one */
	}
	return 0;
}

/* ---- finding ---- */

static int no_such(const struct parse *parse, const char *name, size_t length, char letter)
{
	auto_free char *written = mem_strndup(name, length);
	for (const struct option_absent *row = parse->command->absent; row && row->name; row++)
		if (letter ? row->letter == letter : strcmp(row->name, written) == 0) {
			err_set(parse->err, ERR_USAGE, "--%s: %s", row->name, row->reason);
			return usage(parse, row->instead);
		}
	if (letter) {
		err_set(parse->err, ERR_USAGE, "unknown option -%c", letter);
		return usage(parse, NULL);
	}
	struct suggest suggest;
	suggest_start(&suggest, written);
	for (const struct option_row *row = parse->command->options; row && row->name; row++)
		suggest_offer(&suggest, row->name);
	err_set(parse->err, ERR_USAGE, "unknown option --%s", written);
	return suggest.best ? err_hint(parse->err, "did you mean --%s?", suggest.best) : usage(parse, NULL);
}

static bool is_absent(const struct command_row *command, const char *name, size_t length)
{
	for (const struct option_absent *row = command->absent; row && row->name; row++)
		if (strlen(row->name) == length && memcmp(row->name, name, length) == 0)
			return true;
	return false;
}

/* The exact name, or the only one that starts like it. */
static const struct option_row *find_long(const struct parse *parse, const char *name, size_t length)
{
	const struct option_row *found = NULL, *other = NULL;
	const struct option_row *const tables[] = { parse->command->options, &help_row };
	for (size_t t = 0; t < 2; t++)
		for (const struct option_row *row = tables[t]; row && row->name; row = t ? NULL : row + 1) {
			if (strncmp(row->name, name, length) != 0)
				continue;
			if (!row->name[length])
				return row;
			other = found ? found : other;
			found = row;
		}
	if (!found || !length || is_absent(parse->command, name, length)) {
		no_such(parse, name, length, 0);
		return NULL;
	}
	if (other) {
		err_set(parse->err, ERR_USAGE, "--%.*s may be --%s or --%s", (int)length, name, other->name, found->name);
		usage(parse, "write more of its name");
		return NULL;
	}
	return found;
}

static const struct option_row *find_letter(const struct parse *parse, char letter)
{
	for (const struct option_row *row = parse->command->options; row && row->name; row++)
		if (row->letter == letter)
			return row;
	if (letter == help_row.letter)
		return &help_row;
	no_such(parse, "", 0, letter);
	return NULL;
}

/* ---- reading ---- */

static int needs_value(const struct parse *parse, const struct option_row *row)
{
	err_set(parse->err, ERR_USAGE, "--%s needs a value: %s", row->name, row->value);
	return usage(parse, NULL);
}

/* The words from argv[0] on begin with "--". Returns how many were used, or -1, or 0 for --help. */
static int parse_long(const struct parse *parse, char **argv)
{
	const char *name = argv[0] + 2, *end = strchrnul(name, '=');
	const struct option_row *row = find_long(parse, name, (size_t)(end - name));
	if (!row)
		return -1;
	if (*end && !takes_value(row)) {
		err_set(parse->err, ERR_USAGE, "--%s takes no value", row->name);
		return usage(parse, NULL);
	}
	if (row == &help_row)
		return 0;
	parse->given[row - parse->command->options] = true;
	if (!takes_value(row))
		return store(parse, row, NULL) < 0 ? -1 : 1;
	if (*end)
		return store(parse, row, end + 1) < 0 ? -1 : 1;
	if (!argv[1])
		return needs_value(parse, row);
	return store(parse, row, argv[1]) < 0 ? -1 : 2;
}

/* As parse_long for letters: "-vvv", "-Cf5", "-f 5". */
static int parse_letters(const struct parse *parse, char **argv)
{
	for (const char *at = argv[0] + 1; *at; at++) {
		const struct option_row *row = find_letter(parse, *at);
		if (!row)
			return -1;
		if (row == &help_row)
			return 0;
		parse->given[row - parse->command->options] = true;
		if (takes_value(row)) {
			const char *value = at[1] ? at + 1 : argv[1];
			if (!value)
				return needs_value(parse, row);
			return store(parse, row, value) < 0 ? -1 : at[1] ? 1 : 2;
		}
		if (store(parse, row, NULL) < 0)
			return -1;
	}
	return 1;
}

/* Several sources of one kind, which a setting has with commas between them; "a,b," is one. */
static void list_sources(const struct parse *parse, const char *value, struct option_list *list)
{
	if (!*value || value[strlen(value) - 1] == ',') {
		list_add(list, value);
		return;
	}
	while (*value) {
		size_t length = strcspn(value, ",");
		list_add(list, arena_copy(&parse->settings->arena, value, length));
		value += length + (value[length] == ',');
	}
}

static int stand_in(const struct parse *parse, const struct option_row *row, const char *value, const char *where)
{
	void *to = parse->options + row->offset;
	if (row->type == OPTION_FLAG)
		*(bool *)to = setting_is_true(value);
	else if (row->type == OPTION_COUNT)
		*(unsigned *)to = (unsigned)strtoul(value, NULL, 10);
	else if (row->type == OPTION_LIST && !row->separator && parse->settings)
		list_sources(parse, value, to);
	else if (store(parse, row, value) < 0)
		return err_wrap(parse->err, "%s", where);
	return 0;
}

/* What a row's variable stands in for, from the environment or ansible.cfg. */
static int from_settings(const struct parse *parse, const struct option_row *row)
{
	const struct setting *setting = NULL;
	if (row->environment && strncmp(row->environment, "ANSIBLE_", 8) == 0)
		setting = parse->settings ? settings_find(parse->settings, row->environment) : NULL;
	const char *value = setting ? setting->value : row->environment ? getenv(row->environment) : NULL;
	return value && *value ? stand_in(parse, row, value, setting ? setting->where : row->environment) : 0;
}

static int from_environment(const struct parse *parse)
{
	const struct command_row *command = parse->command;
	for (const struct option_row *row = command->options; row && row->name; row++) {
		if (!parse->given[row - command->options] && from_settings(parse, row) < 0)
			return -1;
	}
	for (const struct option_row *row = command->settings; row && row->name; row++) {
		if (from_settings(parse, row) < 0)
			return -1;
	}
	return 0;
}

static int check_words(const struct parse *parse, char **words, int count)
{
	const struct command_row *command = parse->command;
	if (count < command->words_least) {
		err_set(parse->err, ERR_USAGE, "neap %s needs %s", command->name, command->arguments);
		return usage(parse, NULL);
	}
	if (command->words_most >= 0 && count > command->words_most) {
		err_set(parse->err, ERR_USAGE, "neap %s: one word too many: \"%s\"", command->name, words[command->words_most]);
		return usage(parse, NULL);
	}
	return 0;
}

int options_parse(const struct command_row *command, void *options, int argc, char **argv, char **words, int *count,
                  struct settings *settings, struct err *err)
{
	size_t rows = 0;
	while (command->options && command->options[rows].name)
		rows++;
	auto_free bool *given = mem_array(rows, sizeof(*given));
	struct parse parse = { command, options, given, settings, err };
	*count = 0;
	for (int i = 0; i < argc;) {
		if (strcmp(argv[i], "--") == 0) {
			while (++i < argc)
				words[(*count)++] = argv[i];
		} else if (argv[i][0] != '-' || !argv[i][1]) {
			words[(*count)++] = argv[i++];
		} else {
			int used = argv[i][1] == '-' ? parse_long(&parse, argv + i) : parse_letters(&parse, argv + i);
			if (used <= 0)
				return used < 0 ? -1 : OPTIONS_HELP;
			i += used;
		}
	}
	words[*count] = NULL;
	if (from_environment(&parse) < 0)
		return -1;
	return check_words(&parse, words, *count);
}

static void release_rows(const struct option_row *row, char *options)
{
	for (; row && row->name; row++) {
		if (row->type != OPTION_LIST)
			continue;
		struct option_list *list = (struct option_list *)(options + row->offset);
		for (size_t i = 0; row->separator && i < list->count; i++)
			free((char *)list->items[i]);
		free(list->items);
		*list = (struct option_list){ 0 };
	}
}

void options_release(const struct command_row *command, void *options)
{
	release_rows(command->options, options);
	release_rows(command->settings, options);
}
