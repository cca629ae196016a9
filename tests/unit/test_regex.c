/* Python's regular expressions by PCRE2: what re.subn of Python 3.11 gives for the same. */
#include <criterion/criterion.h>

#include <string.h>

#include "lua/regex.h"
#include "lua/vm.h"

/* Flags, pattern, replacement, text; the number of replacements (-1: Python refuses it) and the new text. Made by Python. */
static const struct {
	const char *flags, *pattern, *replacement, *text;
	int count;
	const char *result;
	size_t length;
} cases[] = {
	{ "", "x*", "-", "abxd", 5, "-a-b--d-", 8 },
	{ "", "a|", "-", "banana", 7, "-b--n--n--", 10 },
	{ "m", "^", "# ", "a\nb\n", 3, "# a\n# b\n# ", 10 },
	{ "m", "$", ";", "a\nb\n", 3, "a;\nb;\n;", 7 },
	{ "", "$", "!", "a\n", 2, "a!\n!", 4 },
	{ "", "\\Z", "!", "a\n", 1, "a\n!", 3 },
	{ "", "(\\w+)=(\\d+)", "\\2=\\1", "a=1 b=22", 2, "1=a 22=b", 8 },
	{ "", "(?P<k>\\w)=(?P<v>\\d)", "\\g<v>-\\g<k>", "a=1", 1, "1-a", 3 },
	{ "", "(a)|(b)", "[\\1\\2]", "ab", 2, "[a][b]", 6 },
	{ "", "(a)", "\\g<1>0", "aa", 2, "a0a0", 4 },
	{ "", "a", "\\n\\t\\\\", "a", 1, "\n\011\\", 3 },
	{ "", "a", "\\101\\0", "a", 1, "A\000", 2 },
	{ "", "a", "\\q", "a", -1, "", 0 },
	{ "", "a", "\\.\\-", "a", 1, "\\.\\-", 4 },
	{ "", "a", "\\1", "a", -1, "", 0 },
	{ "", "a", "\\g<x>", "a", -1, "", 0 },
	{ "i", "ABC", "x", "abcAbC", 2, "xx", 2 },
	{ "s", "a.b", "x", "a\nb", 1, "x", 1 },
	{ "", "a.b", "x", "a\nb", 0, "a\nb", 3 },
	{ "", "[[:alpha:]]", "x", "a:]l]", 2, "axx", 3 },
	{ "", "[]a]", "x", "]ab", 2, "xxb", 3 },
	{ "", "[^]a]", "x", "]ab", 1, "]ax", 3 },
	{ "", "a{,2}", "x", "aaab", 4, "xxxbx", 5 },
	{ "", "a{2", "x", "a{2", 1, "x", 1 },
	{ "", "a{,}", "x", "aaa", 2, "xx", 2 },
	{ "", "\\bfoo\\b", "x", "foo foobar", 1, "x foobar", 8 },
	{ "", "\\d{1,3}", "x", "12345", 2, "xx", 2 },
	{ "", "(?i)abc", "x", "ABC", 1, "x", 1 },
	{ "", "(?m)^b", "x", "a\nb", 1, "a\nx", 3 },
	{ "", "(?a)a", "x", "a", 1, "x", 1 },
	{ "", "(?s:a.)", "x", "a\n", 1, "x", 1 },
	{ "", "(?<=a)b", "x", "ab cb", 1, "ax cb", 5 },
	{ "", "(?<!a)b", "x", "ab cb", 1, "ab cx", 5 },
	{ "", "(a)(?(1)b|c)", "x", "ab", 1, "x", 1 },
	{ "", "(?P<q>[\"']).*?(?P=q)", "x", "say \"hi\" 'a'", 2, "say x x", 7 },
	{ "", "\\h", "x", "a b", -1, "", 0 },
	{ "", "\\R", "x", "a", -1, "", 0 },
	{ "", "(*UTF)a", "x", "a", -1, "", 0 },
	{ "", "\\Qa\\E", "x", "a", -1, "", 0 },
	{ "", "(?R)", "x", "a", -1, "", 0 },
	{ "", "(?<n>a)", "x", "a", -1, "", 0 },
	{ "", "a++", "x", "aa", 1, "x", 1 },
	{ "", "(", "x", "a", -1, "", 0 },
	{ "", "[a", "x", "a", -1, "", 0 },
	{ "", "*a", "x", "a", -1, "", 0 },
	{ "", "a\\", "x", "a", -1, "", 0 },
	{ "", "\\x4", "x", "a", -1, "", 0 },
	{ "", "\\x41", "x", "A", 1, "x", 1 },
	{ "u", "\\w+", "x", "h\303\251llo w\303\266rld", 2, "x x", 3 },
	{ "", "\\w+", "x", "h\303\251", 1, "x\303\251", 3 },
	{ "u", "\\u00e9", "x", "\303\251", 1, "x", 1 },
	{ "u", ".", "x", "\346\227\245\346\234\254", 2, "xx", 2 },
	{ "u", "\303\251{2}", "x", "\303\251\303\251\303\251", 1, "x\303\251", 3 },
	{ "i", "\303\251", "x", "\303\211", 0, "\303\211", 2 },
	{ "x", "a  b # comment\n c", "y", "abc", 1, "y", 1 },
	{ "", "(?#hi)a", "x", "a", 1, "x", 1 },
	{ "", "(a*)*", "-", "baac", 4, "-b--c-", 6 },
	{ "", "(a*)+", "-", "baac", 4, "-b--c-", 6 },
	{ "", "\\v", "x", "a\013b\nc", 1, "axb\nc", 5 },
	{ "", "\\s+", " ", "a \011\n\013\014b", 1, "a b", 3 },
	{ "", "a.c", "x", "a\015c", 1, "x", 1 },
	{ "m", "a$", "x", "a\015\na\n", 1, "a\015\nx\n", 5 },
	{ "", "^(#\\s*)?PermitRootLogin.*$", "PermitRootLogin no", "#PermitRootLogin yes\n", 1, "PermitRootLogin no\n", 19 },
	{ "", "(?m)^(host\\s+)\\S+", "\\1x", "host  a\nhost b\n", 2, "host  x\nhost x\n", 15 },
	{ "", "(?:ab)+", "x", "ababab", 1, "x", 1 },
	{ "", "a?\?", "-", "aa", 5, "-----", 5 },
	{ "", "(^|\\s)old\\.host\\.name(\\s+.*)?$", "\\1new.host.name\\2", "1.1.1.1 old.host.name x", 1, "1.1.1.1 new.host.name x", 23 },
};

static const struct vm_budget budget = { .instructions = 10 * 1000 * 1000 };

/* Runs a chunk with regex and some strings as its arguments; leaves two results. */
static int run(struct vm *vm, const char *chunk, const char *const *strings, int count, struct err *err)
{
	lua_State *L = vm_state(vm);
	vm_sandbox(L);
	cr_assert_eq(vm_load(vm, "test", chunk, strlen(chunk), err), 0, "%s", err->text);
	regex_push(L);
	for (int i = 0; i < count; i++)
		lua_pushstring(L, strings[i]);
	return vm_call(vm, count + 1, 2, &budget, err);
}

Test(regex, substitutes_as_python_does)
{
	struct vm *vm = vm_new(64 << 20);
	lua_State *L = vm_state(vm);
	for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
		struct err err = ERR_INIT;
		const char *strings[] = { cases[i].pattern, cases[i].flags, cases[i].replacement, cases[i].text };
		int status = run(vm, "local regex, p, f, r, t = ... return regex(p, f):sub(r, t)", strings, 4, &err);
		if (status < 0) {
			cr_expect_eq(cases[i].count, -1, "%s: %s", cases[i].pattern, err.text);
			continue;
		}
		size_t length;
		const char *result = lua_tolstring(L, -2, &length);
		cr_expect_eq(lua_tointeger(L, -1), cases[i].count, "%s on %s: %d, not %d", cases[i].pattern, cases[i].text,
		             (int)lua_tointeger(L, -1), cases[i].count);
		cr_expect(length == cases[i].length && !memcmp(result, cases[i].result, length), "%s on %s: %s, not %s",
		          cases[i].pattern, cases[i].text, result, cases[i].result);
		lua_pop(L, 2);
	}
	vm_free(vm);
}

Test(regex, tells_where_matches_are)
{
	struct vm *vm = vm_new(64 << 20);
	struct err err = ERR_INIT;
	cr_assert_eq(run(vm,
		"local regex = ...\n"
		"local m = regex('(?P<key>[a-z]+)=(x)?', ''):search('  ab=1')\n"
		"assert(m[0] == 'ab=' and m[1] == 'ab' and m[2] == false and m.first == 3 and m.last == 5)\n"
		"assert(m.names.key == 1 and m.spans[1][1] == 3 and m.spans[1][2] == 4 and not m.spans[2])\n"
		"assert(m:expand('<\\\\g<key>>') == '<ab>')\n"
		"assert(not regex('b'):match('ab') and regex('a'):match('ab') and not regex('a'):full('ab'))\n"
		"local n = 0 for m in regex('a*'):each('baac') do n = n + 1 end\n"
		"assert(n == 4, tostring(n))\n"
		"local parts = regex('(,)'):split('a,b,c', 1)\n"
		"assert(parts[1] == 'a' and parts[2] == ',' and parts[3] == 'b,c')\n"
		"assert(regex('(?m)^a').multiline and not regex('a').multiline)\n"
		"assert((regex('a'):sub(function(m) return m[0] .. m[0] end, 'aba')) == 'aabaa')\n", NULL, 0, &err), 0, "%s", err.text);
	vm_free(vm);
}

Test(regex, a_search_that_backtracks_without_end_is_an_error)
{
	struct vm *vm = vm_new(64 << 20);
	struct err err = ERR_INIT;
	cr_expect_eq(run(vm, "local regex = ... return regex('(a+)+$'):search(('a'):rep(40) .. 'b')", NULL, 0, &err), -1);
	cr_expect(strstr(err.text, "takes too long"), "%s", err.text);
	cr_expect_eq(run(vm, "local regex = ... return regex('.', 'u'):search('\\xff')", NULL, 0, &err), -1);
	cr_expect(strstr(err.text, "not UTF-8"), "%s", err.text);
	vm_free(vm);
}
