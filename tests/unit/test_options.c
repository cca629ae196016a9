/* Options by table. */
#include <stdlib.h>
#include <string.h>

#include <criterion/criterion.h>

#include "cli/command.h"

struct given {
	bool check, diff;
	unsigned verbosity;
	const char *user, *format;
	struct option_list inventories, tags;
	int forks;
};

#define AT(member) offsetof(struct given, member)

static const char *const formats[] = { "text", "json", "jsonl", NULL };

static const struct option_row rows[] = {
	{ "check", 'C', OPTION_FLAG, NULL, NULL, "check", AT(check), 0, "TEST_CHECK" },
	{ "diff", 'D', OPTION_FLAG, NULL, NULL, "diff", AT(diff) },
	{ "verbose", 'v', OPTION_COUNT, NULL, NULL, "verbose", AT(verbosity) },
	{ "user", 'u', OPTION_STRING, "NAME", NULL, "user", AT(user), 0, "TEST_USER" },
	{ "format", 0, OPTION_STRING, "FORMAT", formats, "format", AT(format) },
	{ "inventory", 'i', OPTION_LIST, "SOURCE", NULL, "inventory", AT(inventories) },
	{ "tags", 't', OPTION_LIST, "TAGS", NULL, "tags", AT(tags), ',', "TEST_TAGS" },
	{ "forks", 'f', OPTION_INT, "N", NULL, "forks", AT(forks) },
	{ 0 },
};

static const struct option_absent absent[] = { { "vault-id", 0, "not here", "use @FILE" }, { 0 } };

static const struct command_row command = {
	.name = "try", .arguments = "FILE...", .summary = "tries", .doc = "", .options = rows, .absent = absent,
	.options_size = sizeof(struct given), .words_least = 1, .words_most = 2,
};

static char *words[32];
static int count;
static struct given given;
static struct err err;

static int parse(char **argv)
{
	int argc = 0;
	while (argv[argc])
		argc++;
	given = (struct given){ 0 };
	err = (struct err)ERR_INIT;
	return options_parse(&command, &given, argc, argv, words, &count, NULL, &err);
}

#define PARSE(...) parse((char **)(const char *[]){ __VA_ARGS__, NULL })

Test(options, come_in_all_the_spellings_of_getopt_long)
{
	cr_assert_eq(PARSE("-Cvvf5", "a", "--user=me", "-i", "x", "-iy", "--inven", "z,", "--", "-b"), 0);
	cr_assert(given.check && !given.diff);
	cr_assert_eq(given.verbosity, 2);
	cr_assert_eq(given.forks, 5);
	cr_assert_str_eq(given.user, "me");
	cr_assert_eq(given.inventories.count, 3);
	cr_assert_str_eq(given.inventories.items[2], "z,");
	cr_assert_eq(count, 2);
	cr_assert_str_eq(words[0], "a");
	cr_assert_str_eq(words[1], "-b");
	cr_assert_null(words[2]);
	options_release(&command, &given);
}

Test(options, split_lists_that_have_a_separator)
{
	cr_assert_eq(PARSE("a", "-t", "x, y,,z", "-t", "w"), 0);
	cr_assert_eq(given.tags.count, 4);
	cr_assert_str_eq(given.tags.items[1], "y");
	cr_assert_str_eq(given.tags.items[3], "w");
	options_release(&command, &given);
}

static void expect_fault(int status, const char *text, const char *hint)
{
	cr_expect_eq(status, -1);
	cr_expect_eq(err.kind, ERR_USAGE);
	cr_expect_str_eq(err.text, text);
	cr_expect_str_eq(err.hint, hint);
}

Test(options, say_what_was_probably_meant)
{
	expect_fault(PARSE("a", "--forsk", "3"), "unknown option --forsk", "did you mean --forks?");
	expect_fault(PARSE("a", "--fo", "3"), "--fo may be --format or --forks", "write more of its name");
	expect_fault(PARSE("a", "-x"), "unknown option -x", "see neap try --help");
	expect_fault(PARSE("a", "--format", "jsno"), "--format: \"jsno\" is none of text, json, jsonl", "did you mean json?");
	expect_fault(PARSE("a", "--vault-id", "x"), "--vault-id: not here", "use @FILE");
	expect_fault(PARSE("a", "--check=yes"), "--check takes no value", "see neap try --help");
	expect_fault(PARSE("a", "--forks"), "--forks needs a value: N", "see neap try --help");
	expect_fault(PARSE("a", "-f", "0"), "--forks: \"0\" is no whole number from 1 up", "see neap try --help");
	expect_fault(PARSE("a", "-f", "99999999999"), "--forks: \"99999999999\" is no whole number from 1 up", "see neap try --help");
	expect_fault(PARSE("-C"), "neap try needs FILE...", "see neap try --help");
	expect_fault(PARSE("a", "b", "c"), "neap try: one word too many: \"c\"", "see neap try --help");
}

Test(options, ask_for_help_wherever_it_stands)
{
	cr_assert_eq(PARSE("--help"), OPTIONS_HELP);
	cr_assert_eq(PARSE("a", "-Ch"), OPTIONS_HELP);
	cr_assert_eq(PARSE("--hel"), OPTIONS_HELP);
}

Test(options, come_from_the_environment_where_they_are_not_given)
{
	setenv("TEST_CHECK", "yes", 1);
	setenv("TEST_USER", "env", 1);
	setenv("TEST_TAGS", "a,b", 1);
	cr_assert_eq(PARSE("a", "-u", "line"), 0);
	cr_assert(given.check);
	cr_assert_str_eq(given.user, "line");
	cr_assert_eq(given.tags.count, 2);
	options_release(&command, &given);
	setenv("TEST_CHECK", "no", 1);
	cr_assert_eq(PARSE("a", "-t", "c"), 0);
	cr_assert(!given.check);
	cr_assert_str_eq(given.user, "env");
	cr_assert_eq(given.tags.count, 1);
	options_release(&command, &given);
}

Test(commands, have_names_docs_and_options_that_do_not_collide)
{
	for (const struct command_row *const *row = commands; *row; row++) {
		cr_expect_not_null((*row)->summary);
		cr_expect_not_null((*row)->doc);
		for (const struct option_row *a = (*row)->options; a && a->name; a++)
			for (const struct option_row *b = a + 1; b->name; b++) {
				cr_expect_str_neq(a->name, b->name, "%s --%s", (*row)->name, a->name);
				cr_expect(!a->letter || a->letter != b->letter, "%s -%c", (*row)->name, a->letter);
			}
	}
}

Test(help, wraps_at_the_width_and_names_all_options)
{
	auto_buf struct buf text = BUF_INIT;
	help_command(&command, 60, &text);
	for (const struct option_row *row = rows; row->name; row++) {
		char name[32];
		snprintf(name, sizeof(name), "--%s", row->name);
		cr_expect_not_null(strstr(text.data, name));
	}
	for (char *line = text.data, *end; (end = strchr(line, '\n')); line = end + 1)
		cr_expect_leq(end - line, 60);
}
