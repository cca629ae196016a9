/* `neap vault`: files and values sealed by a password, as ansible-vault makes them. */
#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>

#include "base/mem.h"
#include "base/suggest.h"
#include "cli/vault_edit.h"
#include "cli/vault_file.h"
#include "cli/vault_string.h"
#include "cli/vaulting.h"

struct vault_cli {
	struct vault_options secrets;
	struct option_list names;
	const char *encrypt_id, *new_id, *new_file, *output, *stdin_name, *format;
	bool prompt, show_input;
};

/* One command under way. */
struct job {
	const struct vault_cli *cli;
	struct vault *vault;         /* what there is to open with, or for a new text to be sealed with */
	const struct secret *secret; /* to seal with */
	const char *id;              /* its label */
};

/* ---- secrets ---- */

static void show_problems(const struct problems *problems)
{
	auto_buf struct buf text = BUF_INIT;
	problems_print(problems, &text, false);
	fputs(buf_text(&text), stderr);
}

static int read_secrets(struct vault *vault, const struct vault_sources *sources, struct err *err)
{
	auto_problems struct problems problems = PROBLEMS_INIT;
	int status = vault_secrets_read(vault, sources, &problems, err);
	show_problems(&problems);
	return status;
}

/* Which secret seals: the one named, else the only one. */
static int choose_secret(struct job *job, const struct vault *vault, const char *named, struct err *err)
{
	if (!named && vault_count(vault) > 1) {
		auto_buf struct buf ids = BUF_INIT;
		for (size_t i = 0; vault_id(vault, i); i++)
			buf_printf(&ids, "%s\"%s\"", i ? ", " : "", vault_id(vault, i));
		err_set(err, ERR_USAGE, "there are several vault secrets (%s) to seal with", buf_text(&ids));
		return err_hint(err, "say which with --encrypt-vault-id");
	}
	job->id = named ? named : vault_id(vault, 0);
	job->secret = vault_secret(vault, job->id);
	if (!job->secret)
		return err_set(err, ERR_USAGE, "--encrypt-vault-id %s: no secret of that label was given", named);
	return 0;
}

/* Where no source is named, the secret is asked for. */
static int take_secrets(struct job *job, bool seals, struct err *err)
{
	struct vault_sources sources = vaulting_sources(&job->cli->secrets);
	sources.ask |= !sources.id_count && !sources.file_count;
	sources.fresh = seals;
	if (read_secrets(job->vault, &sources, err) < 0)
		return -1;
	return seals ? choose_secret(job, job->vault, job->cli->encrypt_id, err) : 0;
}

/* ---- what is done with each file ---- */

static int open_file(struct job *job, const char *path, struct secret *sealed, struct secret *plain, size_t *used,
                     struct err *err)
{
	if (vault_file_read(path, sealed, err) < 0)
		return -1;
	if (vault_open(job->vault, sealed->bytes ? sealed->bytes : "", sealed->length, plain, used, err) < 0)
		return err_at(err, "%s", path);
	return 0;
}

static int seal_to(const struct secret *secret, const char *id, const struct secret *plain, const char *path, bool wipe,
                   struct err *err)
{
	auto_buf struct buf sealed = BUF_INIT;
	if (vault_seal(secret, id, plain->bytes ? plain->bytes : "", plain->length, &sealed, err) < 0)
		return err_at(err, "%s", path);
	return vault_file_write(path, sealed.data, sealed.length, wipe, err);
}

static int file_encrypt(struct job *job, const char *path, struct err *err)
{
	auto_secret struct secret plain = SECRET_INIT;
	if (vault_file_read(path, &plain, err) < 0)
		return -1;
	return seal_to(job->secret, job->id, &plain, job->cli->output ? job->cli->output : path, !job->cli->output, err);
}

static int file_decrypt(struct job *job, const char *path, struct err *err)
{
	auto_secret struct secret sealed = SECRET_INIT, plain = SECRET_INIT;
	if (open_file(job, path, &sealed, &plain, NULL, err) < 0)
		return -1;
	return vault_file_write(job->cli->output ? job->cli->output : path, plain.bytes, plain.length, false, err);
}

/* Through $PAGER where somebody looks. */
static int file_view(struct job *job, const char *path, struct err *err)
{
	auto_secret struct secret sealed = SECRET_INIT, plain = SECRET_INIT;
	if (open_file(job, path, &sealed, &plain, NULL, err) < 0)
		return -1;
	const char *pager = isatty(STDOUT_FILENO) ? getenv("PAGER") : NULL;
	FILE *to = pager && *pager ? popen(pager, "w") : NULL;
	if (!to)
		return vault_file_write("-", plain.bytes, plain.length, false, err);
	fwrite(plain.bytes, 1, plain.length, to);
	return pclose(to) == 0 ? 0 : err_set(err, ERR_INPUT, "the pager %s failed", pager);
}

static int file_create(struct job *job, const char *path, struct err *err)
{
	struct stat about;
	const char *slash = strrchr(path, '/');
	auto_free char *folder = slash ? mem_strndup(path, slash == path ? 1 : (size_t)(slash - path)) : mem_strdup(".");
	if (lstat(path, &about) == 0) {
		err_set(err, ERR_INPUT, "%s is there already", path);
		return err_hint(err, "change it with neap vault edit, or seal it with neap vault encrypt");
	}
	if (stat(folder, &about) < 0)
		return err_errno(err, ERR_INPUT, "the folder %s", folder);
	auto_secret struct secret text = SECRET_INIT;
	if (vault_edit(path, &text, err) < 0)
		return -1;
	return seal_to(job->secret, job->id, &text, path, false, err);
}

/* Sealed again by the secret that opened it, under the id it had. */
static int file_edit(struct job *job, const char *path, struct err *err)
{
	auto_secret struct secret sealed = SECRET_INIT, plain = SECRET_INIT, edited = SECRET_INIT;
	size_t used = 0;
	if (open_file(job, path, &sealed, &plain, &used, err) < 0)
		return -1;
	secret_copy(&edited, &plain);
	if (vault_edit(path, &edited, err) < 0)
		return -1;
	if (edited.length == plain.length && memcmp(edited.bytes, plain.bytes, plain.length) == 0)
		return 0;
	auto_free char *id = vault_header_id(sealed.bytes, sealed.length);
	return seal_to(vault_secret_at(job->vault, used), id, &edited, path, false, err);
}

static int file_rekey(struct job *job, const char *path, struct err *err)
{
	auto_secret struct secret sealed = SECRET_INIT, plain = SECRET_INIT;
	if (open_file(job, path, &sealed, &plain, NULL, err) < 0)
		return -1;
	return seal_to(job->secret, job->id, &plain, path, false, err);
}

/* ---- the commands ---- */

enum { SEALS = 1, NEEDS_FILE = 2, ONE_FILE = 4, WRITES_OUTPUT = 8, TAKES_ID = 16 };

struct action {
	const char *name;
	unsigned flags;
	int (*file)(struct job *job, const char *path, struct err *err); /* NULL: encrypt-string */
	const char *done; /* said to a terminal */
};

static const struct action actions[] = {
	{ "create", SEALS | NEEDS_FILE | ONE_FILE | TAKES_ID, file_create, NULL },
	{ "encrypt", SEALS | WRITES_OUTPUT | TAKES_ID, file_encrypt, "Encryption successful" },
	{ "encrypt-string", SEALS | WRITES_OUTPUT | TAKES_ID, NULL, "Encryption successful" },
	{ "decrypt", WRITES_OUTPUT, file_decrypt, "Decryption successful" },
	{ "view", NEEDS_FILE, file_view, NULL },
	{ "edit", NEEDS_FILE, file_edit, NULL },
	{ "rekey", NEEDS_FILE | TAKES_ID, file_rekey, "Rekey successful" },
};

static const struct action *find_action(const char *name, struct err *err)
{
	struct suggest suggest;
	suggest_start(&suggest, name);
	for (size_t i = 0; i < sizeof(actions) / sizeof(*actions); i++) {
		if (strcmp(name, actions[i].name) == 0 || (!actions[i].file && strcmp(name, "encrypt_string") == 0))
			return &actions[i];
		suggest_offer(&suggest, actions[i].name);
	}
	err_set(err, ERR_USAGE, "neap vault has no command \"%s\"", name);
	err_hint(err, suggest.best ? "did you mean neap vault %s?" : "see neap vault --help", suggest.best);
	return NULL;
}

/* Options that the command at hand would pass over in silence. */
static int check_options(const struct action *action, const struct vault_cli *cli, char **files, struct err *err)
{
	bool is_string = !action->file, is_rekey = action->file == file_rekey;
	const char *wrong = cli->output && !(action->flags & WRITES_OUTPUT)                      ? "output"
	                    : (cli->new_id || cli->new_file) && !is_rekey                        ? "new-vault-id"
	                    : (cli->prompt || cli->names.count || cli->stdin_name) && !is_string ? "name"
	                    : cli->format && !is_string                                          ? "format"
	                                                                                         : NULL;
	if (wrong)
		return err_set(err, ERR_USAGE, "neap vault %s has no use for --%s", action->name, wrong);
	if (cli->new_id && cli->new_file)
		return err_set(err, ERR_USAGE, "--new-vault-id and --new-vault-password-file cannot both be given");
	if (!is_string && (action->flags & NEEDS_FILE) && !*files)
		return err_set(err, ERR_USAGE, "neap vault %s needs a file", action->name);
	if (!is_string && *files && files[1] && (cli->output || action->flags & ONE_FILE))
		return err_set(err, ERR_USAGE, cli->output ? "--output goes with one file" : "neap vault %s takes one file", action->name);
	return 0;
}

/* The secret to seal with anew: what --new-* name, one of those given already, or one that is asked for. */
static int take_new_secret(struct job *job, struct vault *fresh, struct err *err)
{
	const struct vault_cli *cli = job->cli;
	if (!cli->new_id && !cli->new_file && cli->encrypt_id)
		return choose_secret(job, job->vault, cli->encrypt_id, err);
	const struct vault_sources sources = {
		.ids = &cli->new_id, .id_count = cli->new_id != NULL, .files = &cli->new_file, .file_count = cli->new_file != NULL,
		.ask = !cli->new_id && !cli->new_file, .fresh = true,
	};
	if (read_secrets(fresh, &sources, err) < 0)
		return -1;
	return choose_secret(job, fresh, cli->encrypt_id, err);
}

static int seal_strings(struct job *job, char **words, struct err *err)
{
	const struct vault_cli *cli = job->cli;
	const struct vault_strings strings = {
		.secret = job->secret, .id = job->id, .words = words, .names = &cli->names, .stdin_name = cli->stdin_name,
		.prompt = cli->prompt, .show_input = cli->show_input, .yaml = cli->format && strcmp(cli->format, "yaml") == 0,
	};
	auto_buf struct buf out = BUF_INIT;
	if (vault_strings_seal(&strings, &out, err) < 0)
		return -1;
	return vault_file_write(cli->output ? cli->output : "-", buf_text(&out), out.length, false, err);
}

static int do_action(const struct action *action, struct job *job, struct vault *fresh, char **files, struct err *err)
{
	static char dash[] = "-";
	char *const standard_input[] = { dash, NULL };
	if (take_secrets(job, action->flags & SEALS, err) < 0 ||
	    (action->file == file_rekey && take_new_secret(job, fresh, err) < 0))
		return -1;
	if (!action->file)
		return seal_strings(job, files, err);
	for (char *const *file = *files ? files : standard_input; *file; file++)
		if (action->file(job, *file, err) < 0)
			return -1;
	return 0;
}

static int vault_run(const void *given, char **words, int count)
{
	(void)count;
	struct err err = ERR_INIT;
	struct job job = { .cli = given, .vault = vault_new() };
	struct vault *fresh = vault_new();
	const struct action *action = find_action(words[0], &err);
	int status = action ? check_options(action, given, words + 1, &err) : -1;
	if (status == 0) {
		vault_match_ids(job.vault, job.cli->secrets.match_ids);
		status = do_action(action, &job, fresh, words + 1, &err);
	}
	vault_free(job.vault);
	vault_free(fresh);
	if (status < 0) {
		command_error(&err);
		return err_exit_status(err.kind);
	}
	if (action->done && isatty(STDOUT_FILENO))
		fprintf(stderr, "%s\n", action->done);
	return command_finish();
}

static const char *const string_formats[] = { "json", "yaml", NULL };

#define AT(member) offsetof(struct vault_cli, member)

/* clang-format off */
static const struct option_row vault_rows[] = {
	VAULT_ROWS(AT(secrets)),
	{ "encrypt-vault-id", 0, OPTION_STRING, "LABEL", NULL, "seal with the secret of this label; needed where there are several", AT(encrypt_id), 0, "ANSIBLE_VAULT_ENCRYPT_IDENTITY" },
	{ "new-vault-id", 0, OPTION_STRING, "LABEL@SOURCE", NULL, "rekey: the secret to seal with from now on", AT(new_id) },
	{ "new-vault-password-file", 0, OPTION_STRING, "FILE", NULL, "rekey: that secret from a file, or from a program that prints it", AT(new_file) },
	{ "output", 0, OPTION_STRING, "FILE", NULL, "encrypt, encrypt-string, decrypt: where the result goes; - is standard output", AT(output) },
	{ "name", 'n', OPTION_LIST, "NAME", NULL, "encrypt-string: the variable's name, one for each text", AT(names) },
	{ "stdin-name", 0, OPTION_STRING, "NAME", NULL, "encrypt-string: the name of the variable whose text comes on standard input", AT(stdin_name) },
	{ "prompt", 'p', OPTION_FLAG, NULL, NULL, "encrypt-string: ask for the text", AT(prompt) },
	{ "show-input", 0, OPTION_FLAG, NULL, NULL, "encrypt-string: with --prompt, show what is typed", AT(show_input) },
	{ "format", 0, OPTION_STRING, "FORMAT", string_formats, "encrypt-string: what is printed; json unless given", AT(format) },
	{ 0 },
};
/* clang-format on */

static const struct command_example vault_examples[] = {
	{ "neap vault create group_vars/web/secrets.json", "write a new sealed file in the editor" },
	{ "neap vault encrypt --vault-id prod@prompt secrets.json", "seal a file under the label prod" },
	{ "neap vault encrypt-string --vault-password-file ~/.vault -n db_password < password", "seal one value, to paste into a file" },
	{ "neap vault rekey --vault-password-file old --new-vault-password-file new *.json", "seal files anew with another secret" },
	{ 0 },
};

const struct command_row cmd_vault = {
	.name = "vault",
	.arguments = "create FILE | encrypt [FILE...] | encrypt-string [TEXT...] | decrypt [FILE...] | view FILE... | edit FILE... | rekey FILE...",
	.summary = "seals files and values by a password, and opens them",
	.doc = "What it writes ansible-vault(1) reads, and the other way round. A file is replaced whole and keeps its mode. Without\n"
	       "a FILE encrypt and decrypt read standard input and write standard output. The editor is $EDITOR, and works on a copy\n"
	       "that nobody else can read and that is overwritten and removed behind it.\n"
	       "\n"
	       "A secret is the text in a file without blanks at its ends, or what a program prints; one whose name ends in\n"
	       "-client is called with --vault-id LABEL. To open a text, the secrets of the label in its first line are tried, then\n"
	       "the others in the order in which they are given.",
	.options = vault_rows, .examples = vault_examples, .options_size = sizeof(struct vault_cli),
	.words_least = 1, .words_most = -1, .run = vault_run,
};
