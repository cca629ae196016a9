/* The wire on this machine: the persistent shell with each shell there is, commands of their own, outcomes. */
#include <signal.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include <criterion/criterion.h>

#include "base/clock.h"
#include "base/mem.h"
#include "wire/wire.h"

static struct wire *open_local(const char *shell)
{
	static struct wire_config config;
	struct err err = ERR_INIT;
	struct wire *wire = NULL;
	config = (struct wire_config){ .name = "here", .local = true, .shell = shell };
	cr_assert_eq(wire_open(&wire, NULL, &config, NULL, &err), 0, "%s", err.text);
	return wire;
}

/* busybox takes the applet from its name, so that ash is reached by a link. */
static const char *busybox_sh(void)
{
	static char path[64];
	char folder[] = "/tmp/neap-test-XXXXXX";
	cr_assert_not_null(mkdtemp(folder));
	snprintf(path, sizeof(path), "%s/sh", folder);
	cr_assert_eq(symlink("/usr/bin/busybox", path), 0);
	return path;
}

static void drop_busybox_sh(const char *path)
{
	auto_free char *folder = mem_strdup(path);
	unlink(path);
	*strrchr(folder, '/') = '\0';
	rmdir(folder);
}

static void each_shell(void (*check)(struct wire *wire, const char *name))
{
	const char *busybox = busybox_sh();
	const char *const shells[] = { "/bin/dash", "/bin/bash", "/bin/mksh", busybox };
	for (size_t i = 0; i < sizeof(shells) / sizeof(*shells); i++) {
		if (access(shells[i], X_OK) != 0)
			continue;
		struct wire *wire = open_local(shells[i]);
		check(wire, shells[i]);
		wire_close(wire);
	}
	drop_busybox_sh(busybox);
}

static void batch(struct wire *wire, const char *const *scripts, struct wire_outcome *outcomes, size_t count, bool stop)
{
	struct wire_command commands[32] = { 0 };
	struct err err = ERR_INIT;
	for (size_t i = 0; i < count; i++)
		commands[i].script = scripts[i];
	cr_assert_eq(wire_batch(wire, NULL, commands, outcomes, count, stop, clock_deadline(10000), &err), 0, "%s", err.text);
}

static void release(struct wire_outcome *outcomes, size_t count)
{
	for (size_t i = 0; i < count; i++)
		wire_outcome_release(&outcomes[i]);
}

static void check_hard_commands(struct wire *wire, const char *name)
{
	static const char *const scripts[] = {
		"echo one; echo two >&2; exit 3",
		"printf 'no newline'",
		"printf 'a\\000b\\377c\\n'; printf '\\000' >&2",
		"exec true",
		"set -eu; false; echo not reached",
		"cat <<EOF\nhere 'it' is\nEOF",
		"if",
		"echo \"open quote",
		"sleep 5 >/dev/null 2>&1 &\necho started",
		"cat; echo read nothing",
		"cd /; x=1; trap 'echo bye' EXIT; exit 0",
		"echo \"[$x]\"; pwd >/dev/null; # a comment",
		"kill -9 $(sh -c 'echo $PPID')",
		"",
		"echo still here",
	};
	struct wire_outcome o[15] = { 0 };
	batch(wire, scripts, o, 15, false);
	for (int i = 0; i < 15; i++)
		cr_assert_eq(o[i].ended, WIRE_EXITED, "%s: command %d", name, i);
	cr_assert_str_eq(buf_text(&o[0].output), "one\n", "%s", name);
	cr_assert_str_eq(buf_text(&o[0].errors), "two\n", "%s", name);
	cr_assert_eq(o[0].code, 3, "%s", name);
	cr_assert_str_eq(buf_text(&o[1].output), "no newline", "%s", name);
	cr_assert_eq(o[2].output.length, 6, "%s", name);
	cr_assert_arr_eq(o[2].output.data, "a\0b\377c\n", 6, "%s", name);
	cr_assert_eq(o[2].errors.length, 1, "%s", name);
	cr_assert_eq(o[3].code, 0, "%s", name);
	cr_assert_neq(o[4].code, 0, "%s", name);
	cr_assert_eq(o[4].output.length, 0, "%s", name);
	cr_assert_str_eq(buf_text(&o[5].output), "here 'it' is\n", "%s", name);
	cr_assert_neq(o[6].code, 0, "%s", name);
	cr_assert(o[6].errors.length > 0, "%s", name);
	cr_assert_neq(o[7].code, 0, "%s", name);
	cr_assert_str_eq(buf_text(&o[8].output), "started\n", "%s", name);
	cr_assert_str_eq(buf_text(&o[9].output), "read nothing\n", "%s", name);
	cr_assert_str_eq(buf_text(&o[10].output), "bye\n", "%s", name);
	cr_assert_str_eq(buf_text(&o[11].output), "[]\n", "%s", name);
	cr_assert_eq(o[12].code, 137, "%s: %d", name, o[12].code);
	cr_assert_eq(o[13].code, 0, "%s", name);
	cr_assert_str_eq(buf_text(&o[14].output), "still here\n", "%s", name);
	cr_assert_eq(wire_counts(wire).channels, 1, "%s", name);
	release(o, 15);
}

Test(shell, holds_whatever_a_command_does)
{
	each_shell(check_hard_commands);
}

static void check_stop(struct wire *wire, const char *name)
{
	char mark[] = "/tmp/neap-stop-XXXXXX";
	int fd = mkstemp(mark);
	close(fd);
	auto_free char *remove = mem_printf("rm %s", mark);
	const char *scripts[] = { "true", "exit 4", remove, "echo x" };
	struct wire_outcome o[4] = { 0 };
	batch(wire, scripts, o, 4, true);
	cr_assert_eq(o[0].code, 0, "%s", name);
	cr_assert_eq(o[1].code, 4, "%s", name);
	cr_assert(!o[1].not_run && o[2].not_run && o[3].not_run, "%s", name);
	cr_assert_eq(access(mark, F_OK), 0, "%s ran what it had to leave", name);
	unlink(mark);
	release(o, 4);
	struct wire_outcome again[1] = { 0 };
	batch(wire, (const char *[]){ "echo again" }, again, 1, true);
	cr_assert_str_eq(buf_text(&again[0].output), "again\n", "%s", name);
	release(again, 1);
}

Test(shell, runs_nothing_behind_a_failure_where_it_is_to_stop)
{
	each_shell(check_stop);
}

Test(shell, keeps_the_first_bytes_only)
{
	struct wire *wire = open_local(NULL);
	struct err err = ERR_INIT;
	struct wire_command command = { .script = "head -c 3000000 /dev/zero; echo end >&2", .keep = 1000 };
	struct wire_outcome outcome = { 0 };
	cr_assert_eq(wire_batch(wire, NULL, &command, &outcome, 1, false, clock_deadline(10000), &err), 0, "%s", err.text);
	cr_assert_eq(outcome.output.length, 1000);
	cr_assert(outcome.cut);
	cr_assert_eq(outcome.code, 0);
	cr_assert_str_eq(buf_text(&outcome.errors), "end\n");
	release(&outcome, 1);
	wire_close(wire);
}

Test(shell, that_is_killed_is_an_error_and_the_next_batch_gets_a_new_one)
{
	struct wire *wire = open_local(NULL);
	struct err err = ERR_INIT;
	struct wire_command command = { .script = "kill -9 $$" };
	struct wire_outcome outcome = { 0 };
	cr_assert_eq(wire_batch(wire, NULL, &command, &outcome, 1, false, clock_deadline(10000), &err), -1);
	cr_assert_not_null(strstr(err.text, "signal 9"), "%s", err.text);
	release(&outcome, 1);
	struct wire_outcome again[1] = { 0 };
	batch(wire, (const char *[]){ "echo again" }, again, 1, false);
	cr_assert_str_eq(buf_text(&again[0].output), "again\n");
	release(again, 1);
	wire_close(wire);
}

Test(shell, that_does_not_answer_runs_into_the_deadline)
{
	struct wire *wire = open_local(NULL);
	struct err err = ERR_INIT;
	struct wire_command command = { .script = "sleep 3" };
	struct wire_outcome outcome = { 0 };
	cr_assert_eq(wire_batch(wire, NULL, &command, &outcome, 1, false, clock_deadline(100), &err), -1);
	cr_assert_eq(err.kind, ERR_TIMEOUT);
	release(&outcome, 1);
	wire_close(wire);
}

/* ---- commands on channels of their own ---- */

static void run(struct wire *wire, const struct wire_command *command, struct wire_outcome *outcome)
{
	struct err err = ERR_INIT;
	*outcome = (struct wire_outcome){ 0 };
	cr_assert_eq(wire_run(wire, NULL, command, outcome, &err), 0, "%s", err.text);
}

static void check_runs(struct wire *wire, const char *name)
{
	struct wire_outcome o;
	run(wire, &(struct wire_command){ .script = "cat; echo err >&2; exit 7", .input = "in\0put", .input_length = 6 }, &o);
	cr_assert_eq(o.ended, WIRE_EXITED, "%s", name);
	cr_assert_eq(o.code, 7, "%s: %d %s", name, o.code, buf_text(&o.errors));
	cr_assert_eq(o.output.length, 6, "%s", name);
	cr_assert_arr_eq(o.output.data, "in\0put", 6, "%s", name);
	cr_assert_str_eq(buf_text(&o.errors), "err\n", "%s", name);
	release(&o, 1);
	run(wire, &(struct wire_command){ .script = "cat <<'E'\n  a\\b\n\n-x\n+y\n.\nE\necho \"$#$neap_q\"" }, &o);
	cr_assert_str_eq(buf_text(&o.output), "  a\\b\n\n-x\n+y\n.\n0\n", "%s", name);
	release(&o, 1);
	run(wire, &(struct wire_command){ .script = "if" }, &o);
	cr_assert_neq(o.code, 0, "%s", name);
	release(&o, 1);
	run(wire, &(struct wire_command){ .script = "sleep 30 & echo $!" }, &o);
	cr_assert_eq(o.code, 0, "%s", name);
	kill((pid_t)strtol(buf_text(&o.output), NULL, 10), SIGKILL);
	release(&o, 1);
	run(wire, &(struct wire_command){ .script = "kill -9 $$" }, &o);
	cr_assert_eq(o.code, 137, "%s", name);
	release(&o, 1);
}

static void check_program(struct wire *wire, const char *name)
{
	struct wire_outcome o;
	run(wire, &(struct wire_command){ .script = "exec sh -c 'trap \"\" TERM; kill 0; echo \"$$\"; read -r x; cat; exit 5'",
	                                  .input = "a\nb\n", .input_length = 4, .execs = true, .last = true }, &o);
	cr_expect_eq(o.code, 5, "%s: %d %s", name, o.code, buf_text(&o.errors));
	cr_expect(strtol(buf_text(&o.output), NULL, 10) > 1 && strstr(buf_text(&o.output), "\nb\n"), "%s: %s", name,
	          buf_text(&o.output));
	release(&o, 1);
	run(wire, &(struct wire_command){ .script = "exec sh -c 'kill -TERM $$'", .execs = true }, &o);
	cr_expect_eq(o.code, 143, "%s: %d", name, o.code);
	release(&o, 1);
	run(wire, &(struct wire_command){ .script = "exec sh -c 'sleep 30 & sleep 30'", .execs = true, .timeout_ms = 100 }, &o);
	cr_expect_eq(o.ended, WIRE_TIMED_OUT, "%s", name);
	release(&o, 1);
}

Test(command, that_is_one_program_is_a_session_of_the_channel)
{
	each_shell(check_program);
}

Test(command, has_its_own_stdin_and_session)
{
	each_shell(check_runs);
}

static void check_stream(struct wire *wire, const char *name)
{
	static const char *const scripts[] = {
		"echo one; echo err >&2", "sleep 30 >/dev/null 2>&1 & echo $!", "cat; printf 'no end'", "echo last; exit 3",
		"echo never",
	};
	struct wire_command commands[5] = { 0 };
	struct wire_outcome o[5] = { 0 };
	struct err err = ERR_INIT;
	size_t done = 0;
	for (int i = 0; i < 5; i++)
		commands[i].script = scripts[i];
	cr_assert_eq(wire_stream(wire, NULL, commands, o, 5, &done, &err), 0, "%s: %s", name, err.text);
	cr_assert_eq(done, 4, "%s: %zu", name, done);
	cr_assert_str_eq(buf_text(&o[0].output), "one\n", "%s", name);
	cr_assert_str_eq(buf_text(&o[0].errors), "err\n", "%s", name);
	pid_t child = (pid_t)strtol(buf_text(&o[1].output), NULL, 10);
	cr_assert(child > 1 && kill(child, SIGKILL) == 0, "%s: what a command leaves behind goes on", name);
	cr_assert_str_eq(buf_text(&o[2].output), "no end", "%s", name);
	cr_assert_eq(o[2].code, 0, "%s", name);
	cr_assert_eq(o[3].code, 3, "%s", name);
	cr_assert_str_eq(buf_text(&o[3].output), "last\n", "%s", name);
	cr_assert_eq(o[4].output.length, 0, "%s: %s", name, buf_text(&o[4].output));
	for (int i = 0; i < 4; i++)
		cr_assert(o[i].ended == WIRE_EXITED && o[i].start_us && o[i].end_us >= o[i].start_us, "%s: %d", name, i);
	release(o, 5);
}

Test(command, streams_up_to_the_first_that_fails)
{
	each_shell(check_stream);
}

/* A dead process may stay a zombie where nobody reaps orphans. */
static bool lives(pid_t pid)
{
	char path[64], text[256] = "";
	snprintf(path, sizeof(path), "/proc/%d/stat", (int)pid);
	auto_fclose FILE *file = fopen(path, "r");
	return file && fgets(text, sizeof(text), file) && !strstr(text, ") Z ");
}

static void check_timeout(struct wire *wire, const char *name)
{
	struct wire_outcome o;
	run(wire, &(struct wire_command){ .script = "sleep 31 & echo $!; sleep 32; echo late", .timeout_ms = 300 }, &o);
	cr_assert_eq(o.ended, WIRE_TIMED_OUT, "%s", name);
	cr_assert_null(strstr(buf_text(&o.output), "late"), "%s", name);
	pid_t child = (pid_t)strtol(buf_text(&o.output), NULL, 10);
	cr_assert(child > 1, "%s: %s", name, buf_text(&o.output));
	for (int i = 0; i < 100 && lives(child); i++)
		usleep(10000);
	cr_assert_not(lives(child), "%s left a child of what it killed", name);
	release(&o, 1);
}

Test(command, that_runs_into_its_timeout_is_killed_with_its_children)
{
	each_shell(check_timeout);
}

Test(command, has_a_terminal_where_one_is_wanted)
{
	struct wire *wire = open_local(NULL);
	struct wire_outcome o;
	run(wire, &(struct wire_command){ .script = "test -t 0 && test -t 1 && test -t 2 && echo tty", .pty = true }, &o);
	cr_assert_eq(o.code, 0);
	cr_assert_str_eq(buf_text(&o.output), "tty\r\n");
	release(&o, 1);
	run(wire, &(struct wire_command){ .script = "stty -echo; read -r a; echo \"got $a\"", .pty = true, .input = "typed\n",
	    .input_length = 6 }, &o);
	cr_assert_not_null(strstr(buf_text(&o.output), "got typed\r\n"), "%s", buf_text(&o.output));
	release(&o, 1);
	wire_close(wire);
}

struct live { struct buf bytes; char seen[64]; };

static void live_take(void *context, bool is_stderr, const char *bytes, size_t length)
{
	struct live *live = context;
	fclose(fopen(live->seen, "w"));
	buf_char(&live->bytes, is_stderr ? 'E' : 'O');
	buf_add(&live->bytes, bytes, length);
}

Test(command, shows_its_output_while_it_runs)
{
	struct wire *wire = open_local(NULL);
	struct wire_outcome o;
	struct live live = { 0 };
	snprintf(live.seen, sizeof(live.seen), "/tmp/neap-test-seen-%d", (int)getpid());
	auto_free char *script = mem_printf("echo a; until [ -e %s ]; do sleep 0.02; done; echo b >&2", live.seen);
	run(wire, &(struct wire_command){ .script = script, .output = live_take, .context = &live, .timeout_ms = 60000 }, &o);
	cr_assert_str_eq(live.bytes.data, "Oa\nEb\n");
	unlink(live.seen);
	buf_release(&live.bytes);
	release(&o, 1);
	wire_close(wire);
}

Test(command, takes_a_long_script_and_much_input)
{
	struct wire *wire = open_local(NULL);
	struct wire_outcome o;
	struct buf script = BUF_INIT, input = BUF_INIT;
	buf_str(&script, "x='");
	for (int i = 0; i < 40000; i++)
		buf_str(&script, "0123456789");
	buf_str(&script, "'; echo ${#x}; cat | wc -c");
	memset(buf_reserve(&input, 5000000), 'i', 5000000);
	input.length = 5000000;
	run(wire, &(struct wire_command){ .script = script.data, .input = input.data, .input_length = input.length }, &o);
	cr_assert_str_eq(buf_text(&o.output), "400000\n5000000\n");
	buf_release(&script);
	buf_release(&input);
	release(&o, 1);
	wire_close(wire);
}

Test(wire, that_is_cancelled_returns_at_once)
{
	struct wire *wire = open_local(NULL);
	struct err err = ERR_INIT;
	struct wire_outcome o = { 0 };
	wire_cancel(wire);
	cr_assert_eq(wire_run(wire, NULL, &(struct wire_command){ .script = "sleep 5" }, &o, &err), -1);
	cr_assert_eq(err.kind, ERR_INTERRUPTED);
	cr_assert_eq(wire_idle(wire, -1, clock_deadline(1000), &err), -1);
	release(&o, 1);
	wire_close(wire);
}

Test(wire, wakes_from_idling_when_there_is_work)
{
	struct wire *wire = open_local(NULL);
	struct err err = ERR_INIT;
	int pair[2];
	cr_assert_eq(pipe(pair), 0);
	cr_assert_eq(wire_idle(wire, pair[0], clock_deadline(50), &err), 0);
	cr_assert_eq(write(pair[1], "x", 1), 1);
	cr_assert_eq(wire_idle(wire, pair[0], clock_deadline(5000), &err), 1);
	close(pair[0]);
	close(pair[1]);
	wire_close(wire);
}
