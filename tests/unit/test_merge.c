/* Results of several runs joined: documents in, the joined document or the text out. */
#include <stdlib.h>
#include <string.h>

#include <criterion/criterion.h>

#include "base/mem.h"
#include "report/merge.h"
#include "report/report.h"

/* ---- documents ---- */

#define HEAD(name, id, place, start, end) \
	"{\"name\": \"" name "\", \"id\": \"" id "\", \"path\": \"" place "\", \"duration\": {\"start\": \"" start "\", \"end\": \"" end "\"}}"
#define PLAY(id, tasks) "{\"play\": " HEAD("web", id, "site.json:1", "2026-01-01T00:00:00.000000Z", "2026-01-01T00:00:02.000000Z") \
	", \"tasks\": [" tasks "]}"
#define TASK(name, place, hosts) "{\"task\": " HEAD(name, "task-1", place, "2026-01-01T00:00:01.000000Z", "2026-01-01T00:00:02.000000Z") \
	", \"hosts\": {" hosts "}}"
#define OK(host) "\"" host "\": {\"action\": \"file\", \"changed\": false}"
#define CHANGED(host) "\"" host "\": {\"action\": \"file\", \"changed\": true}"
#define FAILED(host) "\"" host "\": {\"action\": \"file\", \"changed\": false, \"failed\": true, \"msg\": \"no\"}"
#define IGNORED(host) "\"" host "\": {\"action\": \"file\", \"changed\": false, \"failed\": true, \"_ansible_ignore_errors\": true, \"msg\": \"no\"}"
#define COUNTS(host, failures, unreachable) "\"" host "\": {\"ok\": 1, \"changed\": 0, \"unreachable\": " unreachable ", \"failures\": " \
	failures ", \"skipped\": 0, \"rescued\": 0, \"ignored\": 0}"
#define RUN(plays, stats, shard) "{\"plays\": [" plays "], \"stats\": {" stats "}" shard "}"
#define SHARD(index, count, status) ", \"shard\": {\"index\": " index ", \"count\": " count ", \"status\": " status "}"

static struct merge *merge;
static struct err err;

static int add(const char *name, const char *text)
{
	merge = merge ? merge : merge_new();
	err = (struct err)ERR_INIT;
	return merge_add(merge, name, text, strlen(text), &err);
}

static char *out;
static size_t out_length;

static void tell(struct reporter *(*make)(const struct report_options *), bool only_failures)
{
	free(out);
	struct report_options options = { .out = open_memstream(&out, &out_length), .messages = stderr };
	struct reporter *reporter = make(&options);
	merge_replay(merge, reporter, only_failures);
	cr_assert_eq(reporter->finish(reporter->context), 0);
	report_free(reporter);
	fclose(options.out);
}

static int done(void)
{
	int status = merge_status(merge);
	merge_free(merge);
	merge = NULL;
	free(out);
	out = NULL;
	return status;
}

/* The names of the joined tasks with their hosts: "a(h1 h2) b(h1)"; a play is a "|". */
static const char *outline(void)
{
	static char text[1024];
	size_t used = 0, i, j;
	json_t *play, *task, *result;
	const char *host;
	tell(report_json, false);
	auto_json json_t *document = json_loads(out, 0, NULL);
	text[0] = '\0';
	json_array_foreach (json_object_get(document, "plays"), i, play) {
		used += (size_t)snprintf(text + used, sizeof(text) - used, "|");
		json_array_foreach (json_object_get(play, "tasks"), j, task) {
			used += (size_t)snprintf(text + used, sizeof(text) - used, " %s(",
			                         json_string_value(json_object_get(json_object_get(task, "task"), "name")));
			json_object_foreach (json_object_get(task, "hosts"), host, result)
				used += (size_t)snprintf(text + used, sizeof(text) - used, "%s ", host);
			used += (size_t)snprintf(text + used - 1, sizeof(text) - used, ")") - 1;
		}
	}
	return text;
}

/* ---- joining ---- */

Test(merge, joins_tasks_by_the_line_they_stand_on)
{
	cr_assert_eq(add("1", RUN(PLAY("play-1", TASK("a", "s:1", OK("h1")) "," TASK("d", "s:9", OK("h1"))), COUNTS("h1", "0", "0"), "")), 0);
	cr_assert_eq(add("2", RUN(PLAY("play-1", TASK("a", "s:1", OK("h2")) "," TASK("b", "s:4", OK("h2")) "," TASK("c", "s:5", OK("h2")) ","
	                          TASK("d", "s:9", CHANGED("h2"))), COUNTS("h2", "0", "0"), "")), 0);
	cr_expect_str_eq(outline(), "| a(h1 h2) b(h2) c(h2) d(h1 h2)");
	cr_expect_eq(done(), 0);
}

Test(merge, tells_repetitions_apart)
{
	cr_assert_eq(add("1", RUN(PLAY("play-1", TASK("x", "s:1", OK("h1"))) "," PLAY("play-1", TASK("x", "s:1", OK("h2"))) ","
	                          PLAY("play-2", TASK("y", "s:7", OK("h1"))), COUNTS("h1", "0", "0"), "")), 0);
	cr_assert_eq(add("2", RUN(PLAY("play-1", TASK("x", "s:1", OK("h3")) "," TASK("x", "s:1", OK("h3"))), COUNTS("h3", "0", "0"), "")), 0);
	cr_expect_str_eq(outline(), "| x(h1 h3) x(h3)| x(h2)| y(h1)");
	done();
}

Test(merge, of_one_is_that_one)
{
	static const char *const text = RUN(PLAY("play-1", TASK("a", "s:1", OK("h1") "," FAILED("h2"))),
	                                    COUNTS("h1", "0", "0") "," COUNTS("h2", "1", "0"), ", \"custom_stats\": {}, \"global_custom_stats\": {}");
	cr_assert_eq(add("1", text), 0);
	tell(report_json, false);
	auto_json json_t *document = json_loads(out, 0, NULL), *wanted = json_loads(text, 0, NULL);
	cr_expect(json_equal(document, wanted), "%s", out);
	cr_expect_eq(done(), 2);
}

Test(merge, takes_the_earliest_start_and_the_latest_end)
{
	cr_assert_eq(add("1", RUN(PLAY("play-1", TASK("a", "s:1", OK("h1"))), "", "")), 0);
	cr_assert_eq(add("2", "{\"plays\": [{\"play\": {\"id\": \"play-1\", \"duration\": {\"start\": \"2025-12-31T23:59:59.000000Z\","
	                      " \"end\": \"2026-01-01T00:00:08.000000Z\"}}, \"tasks\": []}], \"stats\": {}}"), 0);
	tell(report_jsonl, false);
	cr_expect_not_null(strstr(out, "\"start\":\"2025-12-31T23:59:59.000000Z\""), "%s", out);
	done();
}

Test(merge, shows_what_failed_and_the_recap)
{
	cr_assert_eq(add("1", RUN(PLAY("play-1", TASK("a", "s:1", OK("h1") "," IGNORED("h2")) "," TASK("b", "s:2", FAILED("h2")))
	                          "," PLAY("play-2", TASK("c", "s:3", OK("h1"))),
	                          COUNTS("h1", "0", "0") "," COUNTS("h2", "1", "0"), SHARD("1", "2", "2"))), 0);
	cr_assert_eq(add("2", RUN("", COUNTS("localhost", "0", "1"), SHARD("2", "2", "4"))), 0);
	tell(report_text, true);
	auto_free char *wanted = mem_printf(
		"\nPLAY [web] %.69s\n\nTASK [b] %.71s\nfatal: [h2]: FAILED! => no\n    at: s:2, module file\n\nPLAY RECAP %.69s\n"
		"h1                         : ok=1    changed=0    unreachable=0    failed=0    skipped=0    rescued=0    ignored=0   \n"
		"h2                         : ok=1    changed=0    unreachable=0    failed=1    skipped=0    rescued=0    ignored=0   \n"
		"localhost (2/2)            : ok=1    changed=0    unreachable=1    failed=0    skipped=0    rescued=0    ignored=0   \n\n",
		"*********************************************************************************",
		"*********************************************************************************",
		"*********************************************************************************");
	cr_expect_str_eq(out, wanted, "got:\n%s\nwanted:\n%s", out, wanted);
	cr_expect_eq(merge_complete(merge, &err), 0);
	cr_expect_eq(done(), 4);
}

/* ---- JSON Lines ---- */

#define LINE_PLAY "{\"_event\": \"v2_playbook_on_play_start\", \"play\": {\"id\": \"play-1\", \"name\": \"web\"}, \"tasks\": []}\n"
#define LINE_TASK(id, kind) "{\"_event\": \"v2_playbook_on_" kind "task_start\", \"task\": {\"id\": \"" id "\", \"name\": \"" id "\", \"path\": \"" id "\"," \
	" \"duration\": {\"start\": \"2026-01-01T00:00:01.000000Z\"}}, \"hosts\": {}}\n"
#define LINE_RESULT(id, host) "{\"_event\": \"v2_runner_on_ok\", \"task\": {\"id\": \"" id "\", \"name\": \"" id "\", \"path\": \"" id "\"," \
	" \"duration\": {\"start\": \"2026-01-01T00:00:01.000000Z\", \"end\": \"2026-01-01T00:00:03.000000Z\"}}, \"hosts\": {" OK(host) "}}\n"
#define LINE_END(host, shard) "{\"_event\": \"v2_playbook_on_stats\", \"stats\": {" COUNTS(host, "0", "0") "}" shard "}\n"

Test(merge, reads_json_lines_of_several_runs_in_one_file)
{
	cr_assert_eq(add("all", LINE_PLAY LINE_TASK("t1", "") LINE_RESULT("t1", "h1") LINE_RESULT("t1", "h2") LINE_TASK("t2", "handler_")
	                        LINE_RESULT("t2", "h1") LINE_END("h1", SHARD("1", "2", "0"))
	                        LINE_PLAY LINE_TASK("t1", "") LINE_RESULT("t1", "h3") LINE_END("h3", SHARD("2", "2", "0"))), 0);
	cr_expect_str_eq(outline(), "| t1(h1 h2 h3) t2(h1)");
	tell(report_jsonl, false);
	cr_expect_not_null(strstr(out, "v2_playbook_on_handler_task_start"));
	cr_expect_eq(merge_complete(merge, &err), 0);
	cr_expect_eq(done(), 0);
}

Test(merge, says_what_is_missing_and_keeps_what_is_there)
{
	cr_assert_eq(add("2.jsonl", LINE_PLAY LINE_TASK("t1", "") LINE_RESULT("t1", "h1") LINE_END("h1", SHARD("2", "4", "0"))), 0);
	cr_assert_eq(add("3.jsonl", LINE_PLAY LINE_TASK("t1", "") LINE_RESULT("t1", "h2") "{\"_event\": \"v2_run"), 0);
	cr_expect_str_eq(outline(), "| t1(h1 h2)");
	cr_expect_eq(merge_complete(merge, &err), -1);
	cr_expect_str_eq(err.text, "the results are not complete: no shard 1/4, 3/4, 4/4; no recap in 3.jsonl");
	cr_expect_eq(err.kind, ERR_INPUT);
	done();
}

/* ---- faults ---- */

static void refused(const char *first, const char *second, const char *text)
{
	cr_assert_eq(add("1", first), 0, "%s", err.text);
	cr_expect_eq(add("2", second), -1);
	cr_expect_str_eq(err.text, text);
	cr_expect_str_eq(err.where, "2");
	done();
}

Test(merge, refuses_what_does_not_belong_together)
{
	static const char *const one = RUN("", COUNTS("h1", "0", "0"), SHARD("1", "2", "0"));
	refused(one, one, "shard 1 of 2 was in 1 already");
	refused(one, RUN("", COUNTS("h1", "0", "0"), SHARD("2", "2", "0")), "the host h1 is in 1 as well");
	refused(one, RUN("", "", SHARD("2", "3", "0")), "these are results of a shard, but what came before is not of as many shards");
	refused(one, RUN("", "", ""), "these are results of a whole run, but what came before is not of as many shards");
	refused(RUN(PLAY("play-1", TASK("a", "s:1", OK("h1"))), "", ""), RUN(PLAY("play-2", TASK("a", "s:1", OK("h1"))), "", ""),
	        "the host h1 is in 1 as well");
}

Test(merge, refuses_what_is_no_report)
{
	static const char *const texts[] = {
		"", "x", "[]", "{}", "{\"plays\": {}}", "{\"plays\": [{}]}", "{\"plays\": [{\"play\": {}, \"tasks\": [{}]}]}",
		"{\"plays\": [{\"play\": {}, \"tasks\": [{\"task\": {}, \"hosts\": {\"h\": 1}}]}]}", "{\"plays\": [], \"stats\": {\"h\": 1}}",
		"{\"plays\": [], \"stats\": {\"h\": {\"ok\": -1}}}", "{\"plays\": [], \"stats\": {}, \"shard\": {\"index\": 2, \"count\": 1}}",
		"{\"_event\": \"v2_runner_on_ok\", \"hosts\": {}}\n", "{\"_event\": \"v2_runner_on_ok\"}\nx\n", LINE_PLAY "x\n",
		LINE_PLAY "{\"_event\": \"v2_playbook_on_handler_task_start\"}\n", LINE_PLAY "{}\n",
	};
	for (size_t i = 0; i < sizeof(texts) / sizeof(*texts); i++) {
		cr_expect_eq(add("file", texts[i]), -1, "%s", texts[i]);
		cr_expect_not_null(strstr(err.text, "this is no report of a run"), "%s", err.text);
		done();
	}
}

Test(merge, has_the_gravest_status)
{
	cr_assert_eq(add("1", RUN("", "", SHARD("1", "3", "2"))), 0);
	cr_assert_eq(add("2", RUN("", "", SHARD("2", "3", "99"))), 0);
	cr_assert_eq(add("3", RUN("", COUNTS("h", "0", "1"), SHARD("3", "3", "4"))), 0);
	cr_expect_eq(done(), 99);
}
