/* Single values, from the command line, standard input or a prompt, as they are pasted into a file; see vault_string.h. */
#include "cli/vault_string.h"

#include <stdio.h>
#include <string.h>

#include "base/mem.h"
#include "cli/vault_file.h"
#include "model/vault.h"
#include "run/passwords.h"

struct sealing {
	const struct vault_strings *strings;
	json_t *named; /* name: sealed text, for JSON */
	struct buf *out;
};

/* "name: !vault |", and the lines of the text. */
static void add_yaml(struct buf *out, const char *name, const char *sealed)
{
	if (name)
		buf_printf(out, "%s: ", name);
	buf_str(out, "!vault |\n");
	while (*sealed) {
		size_t length = strcspn(sealed, "\n");
		buf_printf(out, "          %.*s\n", (int)length, sealed);
		sealed += length + (sealed[length] == '\n');
	}
}

static void add_json(struct sealing *sealing, const char *name, const char *sealed)
{
	json_t *value = json_pack("{s:s}", "__ansible_vault", sealed);
	if (name) {
		json_object_set_new(sealing->named, name, value);
		return;
	}
	auto_free char *text = json_dumps(value, JSON_INDENT(4));
	json_decref(value);
	buf_printf(sealing->out, "%s\n", text);
}

static int add(struct sealing *sealing, const char *name, const struct secret *plain, const char *from, struct err *err)
{
	if (plain->length == 0)
		return err_set(err, ERR_USAGE, "the text from %s is empty: nothing is sealed", from);
	auto_buf struct buf sealed = BUF_INIT;
	if (vault_seal(sealing->strings->secret, sealing->strings->id, plain->bytes, plain->length, &sealed, err) < 0)
		return err_wrap(err, "the text from %s", from);
	if (sealing->strings->yaml)
		add_yaml(sealing->out, name, sealed.data);
	else
		add_json(sealing, name, sealed.data);
	return 0;
}

static int ask_line(const char *question, bool shown, struct secret *answer, struct err *err)
{
	bool given = shown ? passwords_prompt_shown(question, answer) : passwords_prompt(NULL, question, answer);
	if (given)
		return 0;
	err_set(err, ERR_USAGE, "there is no terminal to ask on");
	return err_hint(err, "give the text on standard input: neap vault encrypt-string --stdin-name NAME < FILE");
}

static int add_prompted(struct sealing *sealing, struct err *err)
{
	auto_secret struct secret name = SECRET_INIT, plain = SECRET_INIT;
	bool shown = sealing->strings->show_input;
	const struct option_list *names = sealing->strings->names;
	if (!names->count && ask_line("Variable name (enter for no name)", true, &name, err) < 0)
		return -1;
	if (ask_line(shown ? "String to encrypt" : "String to encrypt (hidden)", shown, &plain, err) < 0)
		return -1;
	return add(sealing, names->count ? names->items[0] : name.length ? name.bytes : NULL, &plain, "the prompt", err);
}

static int add_stdin(struct sealing *sealing, struct err *err)
{
	auto_secret struct secret plain = SECRET_INIT;
	if (isatty(STDIN_FILENO))
		fputs("Reading the text from standard input; end it with Ctrl-D.\n", stderr);
	if (vault_file_read("-", &plain, err) < 0)
		return -1;
	return add(sealing, sealing->strings->stdin_name, &plain, "standard input", err);
}

static int add_words(struct sealing *sealing, struct err *err)
{
	const struct option_list *names = sealing->strings->names;
	size_t at = sealing->strings->prompt && names->count ? 1 : 0;
	for (char **word = sealing->strings->words; *word; word++) {
		if (strcmp(*word, "-") == 0)
			continue;
		const struct secret plain = { .bytes = *word, .length = strlen(*word) };
		if (add(sealing, at < names->count ? names->items[at] : NULL, &plain, "the command line", err) < 0)
			return -1;
		at++;
	}
	return 0;
}

static bool reads_stdin(const struct vault_strings *strings)
{
	if (strings->stdin_name || (!*strings->words && !strings->prompt))
		return true;
	for (char **word = strings->words; *word; word++)
		if (strcmp(*word, "-") == 0)
			return true;
	return false;
}

int vault_strings_seal(const struct vault_strings *strings, struct buf *out, struct err *err)
{
	auto_json json_t *named = json_object();
	struct sealing sealing = { .strings = strings, .named = named, .out = out };
	bool from_stdin = reads_stdin(strings);
	if (strings->prompt && from_stdin)
		return err_set(err, ERR_USAGE, "--prompt and standard input cannot both give the text");
	if ((strings->prompt && add_prompted(&sealing, err) < 0) || (from_stdin && add_stdin(&sealing, err) < 0) ||
	    add_words(&sealing, err) < 0)
		return -1;
	if (json_object_size(named)) {
		auto_free char *text = json_dumps(named, JSON_INDENT(4));
		buf_printf(out, "%s\n", text);
	}
	return 0;
}
