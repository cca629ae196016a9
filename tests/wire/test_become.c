/* Becoming another user, with programs that ask for passwords the way sudo, su and doas do: no account is needed. */
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include <criterion/criterion.h>

#include "base/clock.h"
#include "base/mem.h"
#include "wire/wire.h"

/* Each asks up to three times for "open sesame" and then runs the command it was given. */
static const char fake_sudo[] =
	"#!/bin/sh\n"
	"password=yes\n"
	"while :; do case $1 in -H) shift;; -S) password=; shift;; -n) password=no; shift;; -p) prompt=$2; shift 2;;\n"
	"-u) user=$2; shift 2;; --) shift; break;; *) break;; esac; done\n"
	"[ \"$user\" != free ] || exec \"$@\"\n"
	"[ \"$password\" != no ] || { echo 'sudo: a password is required' >&2; exit 1; }\n"
	"for try in 1 2 3; do printf %s \"$prompt\" >&2; IFS= read -r given; [ \"$given\" != 'open sesame' ] || exec \"$@\"\n"
	"echo 'Sorry, try again.' >&2; done; exit 1\n";
static const char fake_su[] =
	"#!/bin/sh\n"
	"[ \"$2\" = -c ] || exit 9\n"
	"printf 'Passwort: ' >&2; IFS= read -r given; [ \"$given\" = 'open sesame' ] || { echo 'su: failure' >&2; exit 1; }\n"
	"exec sh -c \"$3\"\n";
static const char fake_doas[] =
	"#!/bin/bash\n"
	"exec 4<>/dev/tty || { echo 'doas: a tty is required' >&2; exit 1; }\n"
	"stty -echo <&4; printf 'doas (me@here) password: ' >&4; IFS= read -r given <&4; stty echo <&4; exec 4>&-\n"
	"[ \"$given\" = 'open sesame' ] || { echo 'doas: Authorization failed' >&2; exit 1; }\n"
	"[ \"$1\" = -u ] && shift 2; exec \"$@\"\n";

static char folder[64];
static struct secret password;
static struct wire_config config;
static struct wire *wire;

static char *program(const char *name, const char *text)
{
	char *path = mem_printf("%s/%s", folder, name);
	FILE *file = fopen(path, "w");
	fputs(text, file);
	fclose(file);
	chmod(path, 0755);
	return path;
}

static void setup(void)
{
	struct err err = ERR_INIT;
	snprintf(folder, sizeof(folder), "/tmp/neap-test-XXXXXX");
	cr_assert_not_null(mkdtemp(folder));
	config = (struct wire_config){ .name = "here", .local = true };
	cr_assert_eq(wire_open(&wire, NULL, &config, NULL, &err), 0, "%s", err.text);
}

static void teardown(void)
{
	char command[128];
	wire_close(wire);
	secret_release(&password);
	snprintf(command, sizeof(command), "rm -rf %s", folder);
	pclose(popen(command, "r"));
}

TestSuite(become, .init = setup, .fini = teardown, .timeout = 60);

static int try_batch(const struct wire_become *become, const char *script, struct wire_outcome *outcome, struct err *err)
{
	*outcome = (struct wire_outcome){ 0 };
	*err = (struct err)ERR_INIT;
	return wire_batch(wire, become, &(struct wire_command){ .script = script }, outcome, 1, false, clock_deadline(10000), err);
}

/* The shell, a command with stdin, and a copy both ways, all as that user. */
static void works(const struct wire_become *become)
{
	struct wire_outcome outcome;
	struct err err;
	cr_assert_eq(try_batch(become, "echo \"out 'x'\"; echo err >&2; exit 4", &outcome, &err), 0, "%s", err.text);
	cr_assert_eq(outcome.code, 4);
	cr_assert_str_eq(buf_text(&outcome.output), "out 'x'\n");
	cr_assert_str_eq(buf_text(&outcome.errors), "err\n");
	wire_outcome_release(&outcome);
	outcome = (struct wire_outcome){ 0 };
	cr_assert_eq(wire_run(wire, become, &(struct wire_command){ .script = "cat", .input = "in\n", .input_length = 3 },
	                      &outcome, &err), 0, "%s", err.text);
	cr_assert_str_eq(buf_text(&outcome.output), "in\n");
	wire_outcome_release(&outcome);
	auto_free char *path = mem_printf("%s/there", folder), *back = mem_printf("%s/back", folder);
	struct wire_put_result put = { 0 };
	struct wire_get_result got;
	size_t done;
	struct wire_put wanted = { .path = path, .bytes = "a\r\n\0\377\021", .length = 6, .has_mode = true, .mode = 0640 };
	cr_assert_eq(wire_put(wire, become, &wanted, &put, 1, &done, &err), 0, "%s", err.text);
	cr_assert_eq(wire_get(wire, become, &(struct wire_get){ .path = path, .to = back }, &got, &err), 0, "%s", err.text);
	cr_assert_eq(got.size, 6);
}

static void fails(const struct wire_become *become, const char *with)
{
	struct wire_outcome outcome;
	struct err err;
	cr_assert_eq(try_batch(become, "true", &outcome, &err), -1);
	cr_assert_eq(err.kind, ERR_BECOME, "%s", err.text);
	cr_assert_not_null(strstr(err.text, with), "%s", err.text);
	wire_outcome_release(&outcome);
	cr_assert_eq(try_batch(NULL, "true", &outcome, &err), 0, "%s", err.text);
	wire_outcome_release(&outcome);
}

Test(become, answers_the_prompt_of_sudo)
{
	auto_free char *path = program("sudo", fake_sudo);
	secret_set(&password, "open sesame", 11);
	works(&(struct wire_become){ .method = "sudo", .executable = path, .password = &password });
}

Test(become, needs_no_password_where_sudo_asks_for_none)
{
	auto_free char *path = program("sudo", fake_sudo);
	works(&(struct wire_become){ .method = "sudo", .user = "free", .executable = path });
	secret_set(&password, "whatever", 8);
	works(&(struct wire_become){ .method = "sudo", .user = "free", .flags = "-H", .executable = path, .password = &password });
}

Test(become, says_that_the_password_was_wrong)
{
	auto_free char *path = program("sudo", fake_sudo);
	secret_set(&password, "closed", 6);
	fails(&(struct wire_become){ .method = "sudo", .executable = path, .password = &password }, "Incorrect");
}

Test(become, says_that_a_password_is_needed)
{
	auto_free char *path = program("sudo", fake_sudo);
	fails(&(struct wire_become){ .method = "sudo", .executable = path }, "Missing sudo password");
}

Test(become, says_that_there_is_no_such_program)
{
	fails(&(struct wire_become){ .method = "sudo", .executable = "/no/such/sudo" }, "/no/such/sudo");
}

Test(become, does_not_take_its_own_command_line_for_an_answer)
{
	auto_free char *path = program("sudo", "#!/bin/sh\necho \"Sorry, you may not run '$*' here.\" >&2; exit 1\n");
	secret_set(&password, "open sesame", 11);
	fails(&(struct wire_become){ .method = "sudo", .executable = path, .password = &password }, "Sorry, you may not run");
}

Test(become, tries_a_terminal_where_one_is_wanted)
{
	auto_free char *path = program("sudo", "#!/bin/sh\n[ -t 0 ] || { echo 'sudo: sorry, you must have a tty' >&2; exit 1; }\n"
	                                       "while [ $1 != -- ]; do shift; done; shift; exec \"$@\"\n");
	works(&(struct wire_become){ .method = "sudo", .executable = path });
}

Test(become, answers_su_in_any_language)
{
	auto_free char *path = program("su", fake_su);
	secret_set(&password, "open sesame", 11);
	works(&(struct wire_become){ .method = "su", .executable = path, .password = &password });
	secret_release(&password);
	secret_set(&password, "closed", 6);
	fails(&(struct wire_become){ .method = "su", .user = "other", .executable = path, .password = &password }, "Incorrect");
}

Test(become, answers_doas_on_its_terminal)
{
	auto_free char *path = program("doas", fake_doas);
	secret_set(&password, "open sesame", 11);
	struct wire_become become = { .method = "doas", .executable = path, .password = &password };
	struct wire_outcome outcome;
	struct err err;
	cr_assert_eq(try_batch(&become, "printf out; printf err >&2; exit 4", &outcome, &err), 0, "%s", err.text);
	cr_assert_eq(outcome.code, 4);
	cr_assert_str_eq(buf_text(&outcome.output), "out");
	cr_assert_str_eq(buf_text(&outcome.errors), "err");
	wire_outcome_release(&outcome);
	works(&become);
}
