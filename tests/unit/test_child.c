/* Running a program to its end. */
#include <errno.h>
#include <signal.h>
#include <string.h>

#include <criterion/criterion.h>

#include "base/child.h"
#include "base/clock.h"

static int shell(const char *script, const char *input, int64_t timeout_ms, size_t most, struct buf *out, struct buf *err_out,
                 int *status, struct err *err)
{
	const char *const argv[] = { "sh", "-c", script, NULL };
	struct child_run run = { .argv = argv, .input = input, .input_length = input ? strlen(input) : 0,
		                     .timeout_ms = timeout_ms, .output_most = most };
	return child_run(&run, out, err_out, status, err);
}

Test(child, gives_both_streams_and_the_status)
{
	auto_buf struct buf out = BUF_INIT;
	auto_buf struct buf err_out = BUF_INIT;
	struct err err = ERR_INIT;
	int status = -1;
	cr_assert_eq(shell("cat; echo oops >&2; exit 7", "hello", 0, 0, &out, &err_out, &status, &err), 0);
	cr_assert_str_eq(buf_text(&out), "hello");
	cr_assert_str_eq(buf_text(&err_out), "oops\n");
	cr_assert_eq(status, 7);
}

Test(child, tells_a_signal_from_a_status)
{
	struct err err = ERR_INIT;
	int status = -1;
	cr_assert_eq(shell("kill -TERM $$", NULL, 0, 0, NULL, NULL, &status, &err), 0);
	cr_assert_eq(status, 128 + SIGTERM);
}

Test(child, drains_and_feeds_at_once_more_than_a_pipe_holds)
{
	auto_buf struct buf input = BUF_INIT;
	for (int i = 0; i < 40000; i++)
		buf_str(&input, "0123456789");
	auto_buf struct buf out = BUF_INIT;
	struct err err = ERR_INIT;
	int status = -1;
	cr_assert_eq(shell("cat", buf_text(&input), 20000, 0, &out, NULL, &status, &err), 0);
	cr_assert_eq(out.length, input.length);
}

Test(child, is_killed_with_its_children_when_the_time_is_over)
{
	struct err err = ERR_INIT;
	int status = -1;
	int64_t before = clock_ms();
	cr_assert_eq(shell("sleep 30 & sleep 30", NULL, 200, 0, NULL, NULL, &status, &err), -1);
	cr_assert_eq(err.kind, ERR_TIMEOUT);
	cr_assert_lt(clock_ms() - before, 20000);
}

static bool says_yes_the_third_time(void *context)
{
	int *times = context;
	return ++*times >= 3;
}

Test(child, is_killed_with_its_children_when_it_is_cancelled)
{
	const char *const argv[] = { "sh", "-c", "sleep 600 & sleep 600", NULL };
	int times = 0, status = -1;
	const struct child_run run = { .argv = argv, .cancelled = says_yes_the_third_time, .context = &times };
	struct err err = ERR_INIT;
	cr_assert_eq(child_run(&run, NULL, NULL, &status, &err), -1);
	cr_assert_eq(err.kind, ERR_INTERRUPTED);
	cr_assert_eq(times, 3);
}

Test(child, that_writes_without_end_is_stopped)
{
	auto_buf struct buf out = BUF_INIT;
	struct err err = ERR_INIT;
	int status = -1;
	cr_assert_eq(shell("yes", NULL, 20000, 100000, &out, NULL, &status, &err), -1);
	cr_assert_eq(err.kind, ERR_INPUT);
	cr_assert_lt(out.length, 300000);
}

Test(child, that_does_not_exist_is_named_with_the_reason)
{
	const char *const argv[] = { "/nowhere/prog", NULL };
	struct child_run run = { .argv = argv };
	struct err err = ERR_INIT;
	int status = -1;
	cr_assert_eq(child_run(&run, NULL, NULL, &status, &err), -1);
	cr_assert_eq(err.os_error, ENOENT);
	cr_assert(strstr(err.text, "/nowhere/prog"));
}
