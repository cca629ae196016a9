/* Secrets of a vault, from prompts, files and programs; see vault_secrets.h. */
#include "run/vault_secrets.h"

#include <errno.h>
#include <string.h>
#include <sys/stat.h>

#include "base/child.h"
#include "base/file.h"
#include "base/mem.h"
#include "run/passwords.h"

enum { LONGEST = 1024 * 1024, PROGRAM_MS = 600000, UNKNOWN_ID = 2 };

/* What bytes are without those of set at both ends. */
static void set_trimmed(struct secret *secret, const char *bytes, size_t length, const char *set)
{
	while (length && strchr(set, bytes[length - 1]))
		length--;
	while (length && strchr(set, *bytes)) {
		bytes++;
		length--;
	}
	secret_set(secret, bytes, length);
}

/* ---- prompts ---- */

static int ask_once(const char *question, struct secret *secret, struct err *err)
{
	auto_secret struct secret given = SECRET_INIT;
	if (!passwords_prompt(NULL, question, &given)) {
		err_set(err, ERR_USAGE, "no vault password was given: there is no terminal to ask on");
		return err_hint(err, "use --vault-password-file, or --vault-id LABEL@FILE");
	}
	set_trimmed(secret, given.bytes, given.length, " \t\r\n\v\f");
	return 0;
}

/* label NULL: the one of --ask-vault-password. */
static int ask(const char *label, bool fresh, struct secret *secret, struct err *err)
{
	auto_free char *about = label ? mem_printf(" (%s)", label) : mem_strdup("");
	auto_free char *question = mem_printf("%sault password%s", fresh ? "New v" : "V", about);
	if (ask_once(question, secret, err) < 0)
		return -1;
	if (secret->length == 0)
		return err_set(err, ERR_USAGE, "the vault password is empty");
	if (!fresh)
		return 0;
	auto_secret struct secret again = SECRET_INIT;
	auto_free char *confirm = mem_printf("Confirm new vault password%s", about);
	if (ask_once(confirm, &again, err) < 0)
		return -1;
	if (again.length != secret->length || memcmp(again.bytes, secret->bytes, again.length) != 0)
		return err_set(err, ERR_USAGE, "the two vault passwords differ");
	return 0;
}

/* ---- files and programs ---- */

/* "keys-client" and "keys-client.py" */
static bool is_client(const char *path)
{
	const char *name = strrchr(path, '/') ? strrchr(path, '/') + 1 : path;
	const char *dot = strrchr(name, '.');
	size_t length = dot && dot != name ? (size_t)(dot - name) : strlen(name), ending = strlen("-client");
	return length >= ending && memcmp(name + length - ending, "-client", ending) == 0;
}

static int program_failed(const char *path, const char *label, int status, struct buf *said, struct err *err)
{
	const char *why = buf_text(said) + strspn(buf_text(said), " \t\r\n");
	int length = (int)strcspn(why, "\r\n");
	if (label && status == UNKNOWN_ID)
		return err_set(err, ERR_INPUT, "%s knows no secret for the vault id \"%s\"%s%.*s", path, label, length ? ": " : "",
		               length, why);
	return err_set(err, ERR_INPUT, "%s ended with status %d%s%.*s", path, status, length ? ": " : "", length, why);
}

static int read_program(const char *path, const char *label, struct secret *secret, struct err *err)
{
	auto_free char *slashed = strchr(path, '/') ? mem_strdup(path) : mem_printf("./%s", path);
	const char *id = is_client(path) ? label : NULL;
	const char *const argv[] = { slashed, id ? "--vault-id" : NULL, id, NULL };
	const struct child_run run = {
		.argv = argv, .keeps_terminal = true, .timeout_ms = PROGRAM_MS, .output_most = LONGEST,
	};
	auto_buf struct buf out = BUF_INIT, said = BUF_INIT;
	int status = 0, failed = child_run(&run, &out, &said, &status, err);
	if (failed && err && err->os_error == ENOEXEC)
		err_hint(err, "if it is no program but a file with a password in it: chmod a-x %s", path);
	if (!failed && status)
		failed = program_failed(path, id, status, &said, err);
	if (!failed)
		set_trimmed(secret, buf_text(&out), out.length, "\r\n");
	secret_wipe(out.data, out.length);
	return failed;
}

static int read_plain(struct vault *vault, const char *path, struct secret *secret, struct err *err)
{
	auto_buf struct buf bytes = BUF_INIT;
	int failed = file_read(path, LONGEST, &bytes, err);
	if (!failed)
		set_trimmed(secret, buf_text(&bytes), bytes.length, " \t\r\n\v\f");
	secret_wipe(bytes.data, bytes.length);
	if (failed || !vault_is_sealed(secret->bytes, secret->length))
		return failed;
	auto_secret struct secret opened = SECRET_INIT;
	if (vault_open(vault, secret->bytes, secret->length, &opened, NULL, err) < 0)
		return err_wrap(err, "%s", path);
	set_trimmed(secret, opened.bytes, opened.length, "\r\n");
	return 0;
}

static int read_source(struct vault *vault, const char *source, const char *label, struct secret *secret, struct err *err)
{
	const char *home = getenv("HOME");
	auto_free char *path = source[0] == '~' && source[1] == '/' && home ? mem_printf("%s%s", home, source + 1)
	                                                                    : mem_strdup(source);
	struct stat about;
	if (stat(path, &about) < 0)
		return err_errno(err, ERR_INPUT, "the vault password file %s", path);
	bool is_program = S_ISREG(about.st_mode) && (about.st_mode & 0111);
	if ((is_program ? read_program(path, label, secret, err) : read_plain(vault, path, secret, err)) < 0)
		return -1;
	return secret->length ? 0 : err_set(err, ERR_INPUT, "%s gives an empty vault password", path);
}

/* ---- all of them ---- */

struct reading {
	struct vault *vault;
	const struct vault_sources *sources;
	struct problems *problems;
	struct err failure; /* the last source that gave nothing */
};

/* One source; -1: nothing more is to be read. */
static int add_source(struct reading *reading, const char *label, const char *source, struct err *err)
{
	auto_secret struct secret secret = SECRET_INIT;
	bool prompts = strcmp(source, "prompt") == 0 || strcmp(source, "prompt_ask_vault_pass") == 0;
	if (prompts)
		return ask(label ? label : VAULT_DEFAULT_ID, reading->sources->fresh, &secret, err) < 0 ||
		       vault_add(reading->vault, label, &secret, err) < 0 ? -1 : 0;
	struct err why = ERR_INIT;
	if (read_source(reading->vault, source, label, &secret, &why) == 0)
		return vault_add(reading->vault, label, &secret, err);
	reading->failure = why;
	const struct vault_sources *sources = reading->sources;
	if (sources->fresh || sources->id_count + sources->file_count + sources->ask == 1) {
		*err = why;
		return -1;
	}
	problem_add(reading->problems, PROBLEM_WARNING, (struct place){ .file = source }, NULL, why.hint[0] ? why.hint : NULL,
	            "no vault secret comes from here: %s", why.text);
	return 0;
}

static int add_id(struct reading *reading, const char *given, struct err *err)
{
	const char *at = strchr(given, '@');
	if (!at)
		return add_source(reading, NULL, given, err);
	auto_free char *label = mem_strndup(given, (size_t)(at - given));
	return add_source(reading, *label ? label : NULL, at + 1, err);
}

int vault_secrets_read(struct vault *vault, const struct vault_sources *sources, struct problems *problems, struct err *err)
{
	struct reading reading = { .vault = vault, .sources = sources, .problems = problems, .failure = ERR_INIT };
	size_t before = vault_count(vault);
	for (size_t i = 0; i < sources->id_count; i++)
		if (add_id(&reading, sources->ids[i], err) < 0)
			return -1;
	for (size_t i = 0; i < sources->file_count; i++)
		if (add_source(&reading, VAULT_DEFAULT_ID, sources->files[i], err) < 0)
			return -1;
	if (sources->ask) {
		auto_secret struct secret secret = SECRET_INIT;
		if (ask(NULL, sources->fresh, &secret, err) < 0 || vault_add(vault, NULL, &secret, err) < 0)
			return -1;
	}
	if (vault_count(vault) == before && reading.failure.kind != ERR_NONE) {
		*err = reading.failure;
		return -1;
	}
	return 0;
}
