/* The reports: events in, whole outputs compared. */
#include <stdlib.h>
#include <string.h>

#include <criterion/criterion.h>

#include "base/mem.h"
#include "report/progress.h"
#include "report/report.h"

/* ---- a run made of events ---- */

static struct report_options options;
static char *out, *messages;
static size_t out_length, messages_length;
static struct reporter *reporter;

static void begin(struct reporter *(*make)(const struct report_options *), struct report_options with)
{
	options = with;
	options.out = open_memstream(&out, &out_length);
	options.messages = open_memstream(&messages, &messages_length);
	reporter = make(&options);
}

static void end(void)
{
	cr_assert_eq(reporter->finish(reporter->context), 0);
	report_free(reporter);
	fclose(options.out);
	fclose(options.messages);
}

static void put(struct event *event)
{
	reporter->handle(reporter->context, event);
	event_free(event);
}

static struct event *make(enum event_kind kind)
{
	struct event *event = event_new(kind);
	event->time_us = 1700000000123456;
	event->play = mem_strdup("web");
	event->play_number = 1;
	return event;
}

static void play(const char *hosts)
{
	struct event *event = make(EVENT_PLAY_START);
	event->data = json_pack("{s:o}", "hosts", json_loads(hosts, 0, NULL));
	put(event);
}

static unsigned task_number;
static const char *task_action;

static struct event *of_task(enum event_kind kind, const char *host)
{
	struct event *event = make(kind);
	event->task = mem_strdup("do it");
	event->task_number = task_number;
	event->action = mem_strdup(task_action);
	event->place = mem_strdup("site.json:7");
	event->host = mem_strdup(host);
	return event;
}

static void task(const char *action)
{
	task_number++;
	task_action = action;
	put(of_task(EVENT_TASK_START, NULL));
}

static struct event *result(const char *host, enum event_status status, const char *json)
{
	struct event *event = of_task(EVENT_RESULT, host);
	event->status = status;
	event->result = json_loads(json, 0, NULL);
	cr_assert_not_null(event->result);
	return event;
}

static void recap(void)
{
	struct event *event = event_new(EVENT_RUN_END);
	event->stats = mem_array(2, sizeof(*event->stats));
	event->stats_count = 2;
	event->stats[0] = (struct event_stats){ .host = mem_strdup("web2"), .ok = 12, .failed = 1, .ignored = 1 };
	event->stats[1] = (struct event_stats){ .host = mem_strdup("web1"), .ok = 3, .changed = 2 };
	put(event);
}

#define STARS(n) &"*******************************************************************************"[79 - (n)]

static void expect_out(const char *wanted) { cr_expect_str_eq(out, wanted, "got:\n%s\nwanted:\n%s", out, wanted); }

/* ---- text ---- */

Test(text, reads_like_ansibles)
{
	begin(report_text, (struct report_options){ 0 });
	play("[\"web1\", \"web2\"]");
	task("file");
	put(result("web1", STATUS_CHANGED, "{\"changed\": true}"));
	put(result("web2", STATUS_OK, "{\"changed\": false}"));
	task("debug");
	put(result("web1", STATUS_OK, "{\"msg\": \"hi \\\"you\\\"\", \"changed\": false}"));
	put(result("web2", STATUS_SKIPPED, "{\"skip_reason\": \"Conditional result was False\"}"));
	recap();
	end();
	auto_free char *wanted = mem_printf(
		"\nPLAY [web] %s\n\nTASK [do it] %s\nchanged: [web1]\nok: [web2]\n\nTASK [do it] %s\n"
		"ok: [web1] => {\n    \"msg\": \"hi \\\"you\\\"\"\n}\nskipping: [web2]\n\nPLAY RECAP %s\n"
		"web1                       : ok=3    changed=2    unreachable=0    failed=0    skipped=0    rescued=0    ignored=0   \n"
		"web2                       : ok=12   changed=0    unreachable=0    failed=1    skipped=0    rescued=0    ignored=1   \n\n",
		STARS(69), STARS(67), STARS(67), STARS(69));
	expect_out(wanted);
	cr_expect_str_eq(messages, "");
}

Test(text, shows_a_failure_as_blocks)
{
	begin(report_text, (struct report_options){ 0 });
	task_number = 4;
	task("command");
	out_length = 0;
	struct event *event = result("web1", STATUS_FAILED,
	                             "{\"changed\": true, \"cmd\": [\"ls\", \"no file\"], \"rc\": 2, \"msg\": \"non-zero return code\","
	                             " \"stdout\": \"\", \"stderr\": \"ls: cannot access\\n  'no file'\\n\", \"stderr_lines\": [\"x\"],"
	                             " \"start\": \"now\", \"extra\": {\"a\": 1}, \"failed\": true}");
	event->ignored = true;
	put(event);
	put(result("web2", STATUS_UNREACHABLE, "{\"msg\": \"connecting: refused\", \"unreachable\": true}"));
	end();
	auto_free char *wanted = mem_printf("\nTASK [do it] %s\n"
	                                    "fatal: [web1]: FAILED! => non-zero return code\n"
	                                    "    cmd: ls 'no file'\n"
	                                    "    rc: 2\n"
	                                    "    extra: {\"a\": 1}\n"
	                                    "    at: site.json:7, module command\n"
	                                    "    stderr:\n"
	                                    "        ls: cannot access\n"
	                                    "          'no file'\n"
	                                    "...ignoring\n"
	                                    "fatal: [web2]: UNREACHABLE! => connecting: refused\n"
	                                    "    at: site.json:7, module command\n", STARS(67));
	expect_out(wanted);
}

Test(text, shows_the_end_of_a_long_output)
{
	begin(report_text, (struct report_options){ 0 });
	task("command");
	auto_buf struct buf lines = BUF_INIT;
	for (int i = 1; i <= 100; i++)
		buf_printf(&lines, "line %d\n", i);
	struct event *event = result("web1", STATUS_FAILED, "{\"msg\": \"no\"}");
	json_object_set_new(event->result, "stdout", json_string(lines.data));
	put(event);
	end();
	cr_expect_not_null(strstr(out, "    stdout:\n        (40 lines before these; -v shows them)\n        line 41\n"), "%s", out);
	cr_expect_not_null(strstr(out, "        line 100\n"));
}

Test(text, shows_items_and_not_their_sum)
{
	begin(report_text, (struct report_options){ 0 });
	task("file");
	static const enum event_status statuses[] = { STATUS_CHANGED, STATUS_OK, STATUS_SKIPPED, STATUS_FAILED };
	for (size_t i = 0; i < 4; i++) {
		struct event *event = result("web1", statuses[i], "{\"msg\": \"m\"}");
		event->is_item = true;
		event->item = mem_printf("i%zu", i);
		put(event);
	}
	put(result("web1", STATUS_FAILED, "{\"msg\": \"One or more items failed\", \"results\": []}"));
	end();
	auto_free char *wanted = mem_printf("\nTASK [do it] %s\nchanged: [web1] => (item=i0)\nok: [web1] => (item=i1)\n"
	                                    "skipping: [web1] => (item=i2)\nfailed: [web1] (item=i3) => m\n"
	                                    "    at: site.json:7, module file\n", STARS(67));
	expect_out(wanted);
}

Test(text, names_delegates_retries_includes_and_handlers)
{
	begin(report_text, (struct report_options){ 0 });
	task("command");
	struct event *event = of_task(EVENT_RETRY, "web1");
	event->data = json_pack("{s:i, s:i}", "attempts", 1, "retries", 3);
	put(event);
	event = result("web1", STATUS_OK, "{}");
	event->delegated_to = mem_strdup("db1");
	put(event);
	event = make(EVENT_INCLUDED);
	event->text = mem_strdup("more.json");
	event->data = json_pack("{s:[s,s]}", "hosts", "web1", "web2");
	put(event);
	task_number++;
	event = of_task(EVENT_TASK_START, NULL);
	event->is_handler = true;
	put(event);
	put(make(EVENT_NO_HOSTS_LEFT));
	end();
	auto_free char *wanted = mem_printf("\nTASK [do it] %s\nFAILED - RETRYING: [web1]: do it (2 retries left).\n"
	                                    "ok: [web1 -> db1]\nincluded: more.json for web1, web2\n"
	                                    "\nRUNNING HANDLER [do it] %s\n\nNO MORE HOSTS LEFT %s\n", STARS(67), STARS(56),
	                                    STARS(61));
	expect_out(wanted);
}

Test(text, lets_nothing_from_a_target_touch_the_terminal)
{
	begin(report_text, (struct report_options){ .verbosity = 1 });
	task("command");
	struct event *event = result("web1", STATUS_FAILED, "{\"msg\": \"a\\u001b[2Jb\\nfatal\", \"stdout\": \"\\u009b31m\\r\"}");
	event->item = mem_strdup("x\nok: [web9]");
	event->is_item = true;
	put(event);
	event = of_task(EVENT_OUTPUT, "web1");
	event->text = mem_strdup("\x1b]0;owned\x07\nrest");
	put(event);
	end();
	cr_expect_null(strchr(out, '\x1b'));
	cr_expect_null(strstr(out, "\nok: [web9]"));
	cr_expect_null(strstr(out, "\xc2\x9b"));
	cr_expect_null(strchr(out, '\r'));
	cr_expect_str_eq(messages, "web1 | \\x1b]0;owned\\x07\nweb1 | rest\n");
}

static void put_output(const char *text, bool is_stderr)
{
	struct event *event = of_task(EVENT_OUTPUT, "web1");
	event->text = mem_strdup(text);
	event->is_stderr = is_stderr;
	put(event);
}

Test(text, does_not_join_a_line_of_live_output_with_one_of_the_other_stream)
{
	begin(report_text, (struct report_options){ .verbosity = 1 });
	put_output("half", false);
	put_output("oops\n", true);
	end();
	cr_expect_str_eq(messages, "web1 | half\nweb1 | oops\n");
}

Test(text, bounds_a_line_of_live_output_that_never_ends)
{
	begin(report_text, (struct report_options){ .verbosity = 1 });
	char chunk[1025] = "";
	memset(chunk, 'x', 1024);
	for (int i = 0; i < 64; i++)
		put_output(chunk, false);
	fflush(options.messages);
	cr_expect_not_null(strchr(messages, '\n'));
	end();
}

Test(text, colours_lines_and_only_where_asked)
{
	begin(report_text, (struct report_options){ .colour = true });
	task("file");
	put(result("web1", STATUS_CHANGED, "{}"));
	recap();
	end();
	cr_expect_not_null(strstr(out, "\x1b[0;33mchanged: [web1]\x1b[0m\n"));
	cr_expect_not_null(strstr(out, "\x1b[0;33mweb1\x1b[0m                       : \x1b[0;32mok=3   \x1b[0m"));
}

Test(text, puts_hosts_in_the_plays_order)
{
	begin(report_text, (struct report_options){ .ordered = true });
	play("[\"a\", \"b\", \"c\"]");
	task("file");
	put(result("c", STATUS_OK, "{}"));
	put(result("a", STATUS_FAILED, "{\"msg\": \"no\"}"));
	put(result("b", STATUS_OK, "{}"));
	task("file");
	put(result("c", STATUS_CHANGED, "{}"));
	put(result("b", STATUS_CHANGED, "{}"));
	end();
	auto_free char *wanted = mem_printf("\nPLAY [web] %s\n\nTASK [do it] %s\nfatal: [a]: FAILED! => no\n"
	                                    "    at: site.json:7, module file\nok: [b]\nok: [c]\n\nTASK [do it] %s\n"
	                                    "changed: [b]\nchanged: [c]\n", STARS(69), STARS(67), STARS(67));
	expect_out(wanted);
}

Test(text, says_warnings_beside_the_report)
{
	begin(report_text, (struct report_options){ 0 });
	task("file");
	put(result("web1", STATUS_OK, "{\"warnings\": [\"careful\"]}"));
	struct event *event = make(EVENT_WARNING);
	event->text = mem_strdup("look out");
	put(event);
	end();
	cr_expect_str_eq(messages, "[WARNING]: careful\n[WARNING]: look out\n");
}

Test(text, shows_differences_before_the_line_that_names_them)
{
	begin(report_text, (struct report_options){ .diff = true });
	task("copy");
	put(result("web1", STATUS_CHANGED, "{\"diff\": [{\"before\": \"\", \"after\": \"x\\n\"}]}"));
	end();
	auto_free char *wanted = mem_printf("\nTASK [do it] %s\n--- before\n+++ after\n@@ -0,0 +1 @@\n+x\n\nchanged: [web1]\n",
	                                    STARS(67));
	expect_out(wanted);
}

Test(exec, shows_a_commands_output_below_its_host)
{
	begin(report_exec, (struct report_options){ 0 });
	play("[\"web1\", \"web2\"]");
	task("command");
	put(result("web1", STATUS_CHANGED, "{\"rc\": 0, \"stdout\": \"up 3 days\", \"stderr\": \"\"}"));
	put(result("web2", STATUS_FAILED, "{\"rc\": 3, \"stdout\": \"\", \"stderr\": \"bad\\n\", \"msg\": \"non-zero return code\"}"));
	task("ping");
	put(result("web1", STATUS_OK, "{\"ping\": \"pong\", \"changed\": false}"));
	end();
	expect_out("web1 | CHANGED | rc=0 >>\nup 3 days\nweb2 | FAILED | rc=3 >>\nbad\nnon-zero return code\n"
	           "web1 | SUCCESS => {\n    \"changed\": false,\n    \"ping\": \"pong\"\n}\n");
}

/* ---- json ---- */

Test(json, has_the_shape_of_ansibles)
{
	begin(report_json, (struct report_options){ 0 });
	play("[\"web1\"]");
	task_number = 1;
	task("file");
	put(result("web1", STATUS_CHANGED, "{\"changed\": true, \"path\": \"/\\u00e9\"}"));
	put(result("web2", STATUS_SKIPPED, "{}"));
	recap();
	end();
	auto_json json_t *document = json_loads(out, 0, NULL);
	auto_json json_t *wanted = json_loads(
		"{\"plays\": [{\"play\": {\"name\": \"web\", \"id\": \"play-1\", \"duration\": {\"start\": \"2023-11-14T22:13:20.123456Z\","
		"  \"end\": \"2023-11-14T22:13:20.123456Z\"}}, \"tasks\": [{\"task\": {\"name\": \"do it\", \"id\": \"task-2\","
		"  \"path\": \"site.json:7\", \"duration\": {\"start\": \"2023-11-14T22:13:20.123456Z\", \"end\": \"2023-11-14T22:13:20.123456Z\"}},"
		"  \"hosts\": {\"web1\": {\"action\": \"file\", \"changed\": true, \"path\": \"/\\u00e9\"},"
		"              \"web2\": {\"action\": \"file\", \"changed\": false, \"skipped\": true}}}]}],"
		" \"stats\": {\"web1\": {\"ok\": 3, \"changed\": 2, \"unreachable\": 0, \"failures\": 0, \"skipped\": 0, \"rescued\": 0, \"ignored\": 0},"
		"             \"web2\": {\"ok\": 12, \"changed\": 0, \"unreachable\": 0, \"failures\": 1, \"skipped\": 0, \"rescued\": 0, \"ignored\": 1}},"
		" \"custom_stats\": {}, \"global_custom_stats\": {}}", 0, NULL);
	cr_assert_not_null(wanted);
	cr_assert(json_equal(document, wanted), "%s", out);
	cr_assert_not_null(strstr(out, "\"/\\u00E9\""));
}

Test(json, prints_nothing_for_a_run_that_never_began)
{
	begin(report_json, (struct report_options){ 0 });
	end();
	cr_expect_str_eq(out, "");
}

Test(jsonl, writes_one_line_for_each_event)
{
	begin(report_jsonl, (struct report_options){ 0 });
	play("[\"web1\"]");
	task_number = 1;
	task("file");
	put(result("web1", STATUS_FAILED, "{\"msg\": \"no\"}"));
	recap();
	end();
	static const char *const names[] = { "v2_playbook_on_play_start", "v2_playbook_on_task_start", "v2_runner_on_failed",
	                                     "v2_playbook_on_stats" };
	size_t count = 0;
	for (char *line = out, *stop; (stop = strchr(line, '\n')); line = stop + 1) {
		auto_json json_t *value = json_loadb(line, (size_t)(stop - line), 0, NULL);
		cr_assert_not_null(value);
		cr_assert_lt(count, 4);
		cr_expect_str_eq(json_string_value(json_object_get(value, "_event")), names[count++]);
	}
	cr_assert_eq(count, 4);
	cr_assert_not_null(strstr(out, "\"hosts\":{\"web1\":{\"action\":\"file\",\"changed\":false,\"failed\":true,\"msg\":\"no\"}}"),
	                   "%s", out);
}

/* ---- the progress line ---- */

Test(progress, names_the_stragglers_and_the_rate)
{
	struct progress *progress = progress_new();
	task_action = "copy";
	struct event *events[] = { of_task(EVENT_TASK_START, NULL), of_task(EVENT_HOST_START, "web1"),
	                           of_task(EVENT_HOST_START, "web2"), of_task(EVENT_PROGRESS, "web2"),
	                           of_task(EVENT_PROGRESS, "web2"), of_task(EVENT_RESULT, "web1") };
	events[3]->text = mem_strdup("/tmp/big.iso");
	events[3]->total = events[4]->total = 10000000;
	events[4]->text = mem_strdup("/tmp/big.iso");
	events[4]->done = 4000000;
	for (size_t i = 0; i < 6; i++) {
		progress_note(progress, events[i]);
		event_free(events[i]);
	}
	auto_buf struct buf line = BUF_INIT;
	progress_line(progress, 1700000002123456, 100, &line);
	cr_expect_str_eq(line.data, "waiting for web2 (0:02) big.iso 40% 4.0 MB, 2.0 MB/s: do it");
	buf_clear(&line);
	progress_line(progress, 1700000002123456, 12, &line);
	cr_expect_str_eq(line.data, "waiting for ");
	progress_free(progress);
}

static void note(struct progress *progress, enum event_kind kind, const char *host)
{
	struct event *event = of_task(kind, host);
	progress_note(progress, event);
	event_free(event);
}

enum { HALF_A_MINUTE = 30000000 };

Test(progress, tells_of_a_straggler_once_for_each_task)
{
	struct progress *progress = progress_new();
	auto_buf struct buf line = BUF_INIT;
	const int64_t start = 1700000000123456;
	static const char *const hosts[] = { "a", "b", "c", "d", "e", "f", "g", "h" };
	for (int task = 0; task < 2; task++) {
		note(progress, EVENT_TASK_START, NULL);
		for (size_t i = 0; i < 8; i++)
			note(progress, EVENT_HOST_START, hosts[i]);
		for (size_t i = 4; i < 7; i++)
			note(progress, EVENT_RESULT, hosts[i]);
		progress_straggler(progress, start + HALF_A_MINUTE, &line);
		cr_expect_eq(line.length, 0, "five run, and three wait for them: %s", line.data);
		note(progress, EVENT_RESULT, hosts[7]);
		progress_straggler(progress, start + HALF_A_MINUTE - 1, &line);
		cr_expect_eq(line.length, 0, "it is too early: %s", line.data);
		progress_straggler(progress, start + HALF_A_MINUTE, &line);
		cr_expect_str_eq(line.data, "waiting for a (0:30), b (0:30), c (0:30) and 1 more: do it");
		buf_clear(&line);
		progress_straggler(progress, start + 2 * HALF_A_MINUTE, &line);
		cr_expect_eq(line.length, 0, "it was told already: %s", line.data);
		for (size_t i = 0; i < 4; i++)
			note(progress, EVENT_RESULT, hosts[i]);
		progress_straggler(progress, start + HALF_A_MINUTE, &line);
		cr_expect_eq(line.length, 0, "none is left: %s", line.data);
	}
	progress_free(progress);
}

Test(progress, does_not_wait_where_each_host_goes_its_own_way)
{
	struct progress *progress = progress_new();
	auto_buf struct buf line = BUF_INIT;
	struct event *event = make(EVENT_PLAY_START);
	event->data = json_pack("{s:s}", "strategy", "free");
	progress_note(progress, event);
	event_free(event);
	note(progress, EVENT_TASK_START, NULL);
	note(progress, EVENT_HOST_START, "a");
	note(progress, EVENT_HOST_START, "b");
	note(progress, EVENT_RESULT, "a");
	progress_straggler(progress, 1700000000123456 + HALF_A_MINUTE, &line);
	cr_expect_eq(line.length, 0);
	progress_line(progress, 1700000002123456, 100, &line);
	cr_expect_str_eq(line.data, "1 host, 0:02: b [do it]");
	progress_free(progress);
}

Test(progress, names_a_straggler_where_there_is_no_terminal)
{
	begin(report_text, (struct report_options){ 0 });
	task("apt");
	put(of_task(EVENT_HOST_START, "web1"));
	put(of_task(EVENT_HOST_START, "web7")); /* years ago */
	put(result("web1", STATUS_OK, "{}"));
	reporter->tick(reporter->context, 0);
	reporter->tick(reporter->context, 0);
	end();
	cr_expect_eq(strncmp(messages, "waiting for web7 (", 18), 0, "%s", messages);
	cr_expect_not_null(strstr(messages, "): do it\n"));
	cr_expect_eq(strchr(messages, '\n') - messages, (long)messages_length - 1, "it is one line: %s", messages);
}
