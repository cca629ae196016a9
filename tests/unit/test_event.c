/* The event stream, and the masking of what passes through it. */
#include <pthread.h>
#include <string.h>

#include <criterion/criterion.h>

#include "base/auto.h"
#include "base/err.h"
#include "base/mem.h"
#include "run/event.h"
#include "run/mask.h"

static void expect_masked(const char *secret, const char *text, const char *masked)
{
	struct mask *mask = mask_new();
	mask_add(mask, secret, strlen(secret));
	size_t length = 0;
	auto_free char *got = mask_text(mask, text, strlen(text), &length);
	cr_expect_str_eq(got ? got : text, masked, "%s in \"%s\" gives \"%s\"", secret, text, got ? got : text);
	mask_free(mask);
}

Test(mask, finds_a_secret_in_its_encodings)
{
	expect_masked("hunter2", "the password is hunter2.", "the password is ********.");
	expect_masked("hunter2", "aHVudGVyMg==", "********g==");
	expect_masked("p@ss w/rd", "http://me:p%40ss%20w%2Frd@host", "http://me:********@host");
	expect_masked("p@ss w/rd", "http://me:p%40ss+w%2frd@host", "http://me:********@host");
	expect_masked("a\"b\\c", "{\"x\": \"a\\\"b\\\\c\"}", "{\"x\": \"********\"}");
	expect_masked("it's", "echo 'it'\\''s'", "echo '********'");
}

Test(mask, finds_a_secret_inside_a_longer_base64)
{
	/* base64 of "user:hunter2", "xuser:hunter2" and "xxuser:hunter2": each of the three offsets in a group */
	expect_masked("hunter2", "Basic dXNlcjpodW50ZXIy", "Basic dXNlcjp********");
	struct mask *mask = mask_new();
	mask_add(mask, "hunter2", 7);
	static const char *const texts[] = { "eHVzZXI6aHVudGVyMg==", "eHh1c2VyOmh1bnRlcjI=" };
	for (size_t i = 0; i < 2; i++) {
		size_t length;
		auto_free char *got = mask_text(mask, texts[i], strlen(texts[i]), &length);
		cr_expect_not_null(got);
	}
	mask_free(mask);
}

Test(mask, leaves_nothing_of_overlapping_secrets)
{
	struct mask *mask = mask_new();
	mask_add(mask, "abcdef", 6);
	mask_add(mask, "defghi", 6);
	mask_add(mask, "abcd", 4);
	size_t length;
	auto_free char *got = mask_text(mask, "-abcdefghi-abcd-", 16, &length);
	cr_assert_str_eq(got, "-********-********-");
	cr_assert_eq(length, strlen(got));
	mask_free(mask);
}

Test(mask, finds_passwords_of_urls_that_nobody_has_told)
{
	expect_masked("known", "https://me:pa55:w@host/x", "https://me:********@host/x");
	expect_masked("known", "a git+ssh://u:x@h b://:y@h/ c://u:known@h", "a git+ssh://u:********@h b://:********@h/ c://u:********@h");
	static const char *const none[] = { "http://host:80/a@b", "http://me@host/", "http://host:80", "http://h:1 u:2@x", "://", "http://u:@h" };
	for (size_t i = 0; i < sizeof(none) / sizeof(*none); i++)
		expect_masked("known", none[i], none[i]);
}

Test(mask, takes_short_secrets_as_words_only)
{
	expect_masked("a", "a banana, a", "******** banana, ********");
	expect_masked("123", "41234 123", "41234 ********");
	expect_masked("", "nothing", "nothing");
	expect_masked("\n", "nothing\n", "nothing\n");
}

Test(mask, finds_the_lines_of_a_key_one_by_one)
{
	expect_masked("-----BEGIN KEY-----\nc2VjcmV0Cg\n-----END KEY-----\n", "line c2VjcmV0Cg", "line ********");
}

Test(mask, finds_a_secret_in_the_quotings_of_languages)
{
	expect_masked("a\"b'c\n<d&e>", "{'k': 'a\"b\\'c\\n<d&e>'}", "{'k': '********'}");
	expect_masked("a\"b'c\n<d&e>", "a&#34;b&#39;c\n&lt;d&amp;e&gt;", "********");
	expect_masked("it's a\nsecret", "x: 'it''s a\nsecret'", "x: '********'");
	expect_masked("a\"b\nc", "\"{\\\"x\\\": \\\"a\\\\\\\"b\\\\nc\\\"}\"", "\"{\\\"x\\\": \\\"********\\\"}\"");
	expect_masked("first\nsecond", "first\r\nsecond", "********");
}

Test(mask, takes_short_lines_where_they_are_lines_or_quoted)
{
	expect_masked("end=\nMIIBLongLine", "  end=\n", "  ********\n");
	expect_masked("end=\nMIIBLongLine", "['end=', 'MIIBLongLine']", "['********', '********']");
	expect_masked("end=\nMIIBLongLine", "the end=3", "the end=3");
}

Test(mask, finds_a_short_secret_that_was_encoded_alone)
{
	expect_masked("abc", "YWJj and xYWJjx", "******** and xYWJjx");
	expect_masked("abcd", "YWJjZA==", "********==");
}

Test(mask, finds_the_beginning_of_a_secret_where_a_text_was_cut)
{
	expect_masked("correct horse battery", "not a mode: correct ho" ERR_CUT " (say \"0644\")",
	              "not a mode: ********" ERR_CUT " (say \"0644\")");
	expect_masked("correct horse battery", "a correct hoof", "a correct hoof");
	struct err err = ERR_INIT;
	err_set(&err, ERR_HOST, "%01020d%s", 0, "secret words");
	cr_expect_str_eq(err.text + 1020, ERR_CUT);
	err_set(&err, ERR_HOST, "%01017d\xc3\xa4\xc3\xa4\xc3\xa4\xc3\xa4", 0);
	cr_expect_str_eq(err.text + 1019, ERR_CUT);
}

Test(mask, reaches_strings_keys_and_numbers_at_any_depth)
{
	struct mask *mask = mask_new();
	mask_add(mask, "31337", 5);
	mask_add(mask, "987", 3);
	mask_add(mask, "0", 1);
	json_t *value = json_pack("{s:[i,i,i,i,{s:s}], s:s}", "list", 31337, 31338, 987, 0, "x31337", "y", "plain", "31337");
	value = mask_json(mask, value);
	auto_free char *text = json_dumps(value, JSON_SORT_KEYS | JSON_COMPACT);
	cr_assert_str_eq(text, "{\"list\":[\"********\",31338,\"********\",0,{\"x********\":\"y\"}],\"plain\":\"********\"}");
	json_decref(value);
	mask_free(mask);
}

Test(event, is_masked_when_it_is_emitted)
{
	struct event_stream *stream = event_stream_new();
	event_mask(stream, "hunter2", 7);
	struct event *event = event_new(EVENT_RESULT);
	event->host = mem_strdup("web1");
	event->text = mem_strdup("x hunter2");
	event->item = mem_strdup("hunter2");
	event->task = mem_strdup("set hunter2");
	event->play = mem_strdup("with hunter2");
	event->data = json_pack("{s:[s]}", "hosts", "hunter2");
	event->result = json_pack("{s:s, s:[s]}", "msg", "hunter2!", "stdout_lines", "a hunter2 b");
	event_emit(stream, event);
	event = event_take(stream, 0);
	cr_assert_str_eq(event->text, "x ********");
	cr_assert_str_eq(event->item, "********");
	cr_assert_str_eq(event->task, "set ********");
	cr_assert_str_eq(event->play, "with ********");
	cr_assert_str_eq(json_string_value(json_array_get(json_object_get(event->data, "hosts"), 0)), "********");
	cr_assert_str_eq(json_string_value(json_object_get(event->result, "msg")), "********!");
	cr_assert_str_eq(json_string_value(json_array_get(json_object_get(event->result, "stdout_lines"), 0)),
	                 "a ******** b");
	event_free(event);
	event_stream_free(stream);
}

Test(event, shows_nothing_of_a_no_log_task)
{
	struct event_stream *stream = event_stream_new();
	struct event *event = event_new(EVENT_RESULT);
	event->no_log = true;
	event->status = STATUS_CHANGED;
	event->item = mem_strdup("private");
	event->result = json_pack("{s:s, s:i}", "msg", "private", "attempts", 2);
	event_emit(stream, event);
	event = event_take(stream, 0);
	cr_assert_str_eq(event->item, "(censored due to no_log)");
	cr_assert_null(json_object_get(event->result, "msg"));
	cr_assert(json_is_true(json_object_get(event->result, "changed")));
	cr_assert_eq(json_integer_value(json_object_get(event->result, "attempts")), 2);
	event_free(event);
	event = event_new(EVENT_OUTPUT);
	event->no_log = true;
	event->text = mem_strdup("private");
	event_emit(stream, event);
	event = event_take(stream, 0);
	cr_assert_str_eq(event->text, "");
	event_free(event);
	event_stream_free(stream);
}

Test(event, keeps_order_and_gives_up_after_the_timeout)
{
	struct event_stream *stream = event_stream_new();
	cr_assert_null(event_take(stream, 10));
	for (uint64_t i = 0; i < 10000; i++) { /* more than the queue holds: the reader must not wait for itself */
		struct event *event = event_new(EVENT_PROGRESS);
		event->done = i;
		event_emit(stream, event);
	}
	for (uint64_t i = 0; i < 10000; i++) {
		struct event *event = event_take(stream, 0);
		cr_assert_eq(event->done, i);
		event_free(event);
	}
	cr_assert_null(event_take(stream, 0));
	event_stream_free(stream);
}

static void *emit_many(void *context)
{
	for (int i = 0; i < 5000; i++)
		event_emit(context, event_new(EVENT_HOST_START));
	return NULL;
}

Test(event, passes_from_many_threads_through_a_full_queue)
{
	struct event_stream *stream = event_stream_new();
	pthread_t threads[4];
	for (size_t i = 0; i < 4; i++)
		pthread_create(&threads[i], NULL, emit_many, stream);
	for (int i = 0; i < 20000; i++) {
		struct event *event = event_take(stream, 5000);
		cr_assert_not_null(event);
		event_free(event);
	}
	for (size_t i = 0; i < 4; i++)
		pthread_join(threads[i], NULL);
	event_stream_free(stream);
}
