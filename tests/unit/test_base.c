/* The base floor: errors, buffers, quoting, suggestions, safe printing. */
#include <errno.h>
#include <string.h>

#include <criterion/criterion.h>

#include "base/arena.h"
#include "base/buf.h"
#include "base/digest.h"
#include "base/err.h"
#include "base/index.h"
#include "base/printable.h"
#include "base/quote.h"
#include "base/secret.h"
#include "base/suggest.h"

Test(err, says_what_to_do_where_files_run_out)
{
	struct err err = ERR_INIT;
	errno = EMFILE;
	err_errno(&err, ERR_SYSTEM, "opening");
	cr_expect_str_eq(err_remedy(&err), err_too_many_files);
	err_hint(&err, "something better");
	cr_expect_str_eq(err_remedy(&err), "something better");
}

Test(err, is_wrapped_with_what_was_being_done)
{
	struct err err = ERR_INIT;
	cr_assert_eq(err_set(&err, ERR_AUTH, "no key was accepted"), -1);
	err_wrap(&err, "connecting to %s", "web1");
	cr_assert_str_eq(err.text, "connecting to web1: no key was accepted");
	cr_assert_eq(err_exit_status(err.kind), 4);
	err_hint(&err, "run ssh-add");
	cr_assert_str_eq(err_remedy(&err), "run ssh-add");
}

Test(err, keeps_the_inner_place)
{
	struct err err = ERR_INIT;
	err_set(&err, ERR_INPUT, "x");
	err_at(&err, "a.json:1:2");
	err_at(&err, "b.json:3:4");
	cr_assert_str_eq(err.where, "a.json:1:2");
}

Test(buf, grows_and_keeps_a_nul_behind)
{
	auto_buf struct buf buf = BUF_INIT;
	cr_assert_str_eq(buf_text(&buf), "");
	for (int i = 0; i < 1000; i++)
		buf_printf(&buf, "%d,", i % 10);
	cr_assert_eq(buf.length, 2000);
	cr_assert_eq(buf.data[2000], '\0');
	buf_consume(&buf, 1998);
	cr_assert_str_eq(buf_text(&buf), "9,");
}

Test(quote, survives_single_quotes)
{
	auto_buf struct buf buf = BUF_INIT;
	quote_word(&buf, "it's $HOME");
	cr_assert_str_eq(buf_text(&buf), "'it'\\''s $HOME'");
}

Test(quote, leaves_plain_words_and_quotes_the_empty_one)
{
	auto_buf struct buf buf = BUF_INIT;
	quote_words(&buf, (const char *const[]){ "ls", "", "/etc", NULL });
	cr_assert_str_eq(buf_text(&buf), " ls '' /etc");
}

Test(suggest, finds_the_nearest_name)
{
	struct suggest suggest;
	suggest_start(&suggest, "ownr");
	suggest_offer(&suggest, "mode");
	suggest_offer(&suggest, "owner");
	suggest_offer(&suggest, "group");
	cr_assert_str_eq(suggest.best, "owner");
	suggest_start(&suggest, "zzzzzz");
	suggest_offer(&suggest, "owner");
	cr_assert_null(suggest.best);
}

Test(printable, shows_escape_sequences_instead_of_sending_them)
{
	auto_buf struct buf buf = BUF_INIT;
	const char nasty[] = "a\x1b[2Jb\r\xff\xe2\x80\xae\n";
	printable_add(&buf, nasty, sizeof(nasty) - 1);
	cr_assert_str_eq(buf_text(&buf), "a\\x1b[2Jb\\x0d\\xff\\u{202e}\n");
}

Test(digest, agrees_with_the_published_vector)
{
	char hex[DIGEST_HEX_MAX];
	digest_bytes("sha1", "abc", 3, hex);
	cr_assert_str_eq(hex, "a9993e364706816aba3e25717850c26c9cd0d89d");
}

Test(arena, gives_zeroed_memory_and_copies)
{
	auto_arena struct arena arena = ARENA_INIT;
	char *big = arena_alloc(&arena, 100000);
	cr_assert_eq(big[99999], 0);
	cr_assert_str_eq(arena_printf(&arena, "%s-%d", "x", 7), "x-7");
}

Test(secret, is_gone_after_release)
{
	struct secret secret = SECRET_INIT;
	secret_set(&secret, "hunter2", 7);
	cr_assert(secret_given(&secret));
	secret_release(&secret);
	cr_assert(!secret_given(&secret));
}

Test(index, finds_all_numbers_of_a_code)
{
	struct index index = INDEX_INIT;
	size_t probe = 0, number, sum = 0, count = 0;
	cr_assert_not(index_next(&index, 7, &probe, &number));
	for (size_t i = 0; i < 3000; i++)
		index_add(&index, (unsigned)(i % 1000) * 16, i);
	for (probe = 0; index_next(&index, 7 * 16, &probe, &number); count++)
		sum += number;
	cr_assert_eq(count, 3);
	cr_assert_eq(sum, 7 + 1007 + 2007);
	probe = 0;
	cr_assert_not(index_next(&index, 5, &probe, &number));
	index_release(&index);
	probe = 0;
	cr_assert_not(index_next(&index, 0, &probe, &number));
}
