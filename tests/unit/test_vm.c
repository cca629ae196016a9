/* The sandbox, its bounds, and JSON values in Lua. */
#include <criterion/criterion.h>
#include <criterion/new/assert.h>

#include <lauxlib.h>
#include <lualib.h>

#include "lua/value.h"
#include "lua/vm.h"

static int run(struct vm *vm, const char *text, int64_t instructions, struct err *err)
{
	const struct vm_budget budget = {.instructions = instructions};
	vm_sandbox(vm_state(vm));
	if (vm_load(vm, "test.lua", text, strlen(text), err) < 0)
		return -1;
	return vm_call(vm, 0, 1, &budget, err);
}

static void refused(const char *text, const char *expected)
{
	struct vm *vm = vm_new(32 << 20);
	struct err err = ERR_INIT;
	cr_assert_eq(run(vm, text, 2000000, &err), -1, "%s", text);
	cr_assert_not_null(strstr(err.text, expected), "%s\ngave: %s\nnot: %s", text, err.text, expected);
	cr_assert_eq(lua_gettop(vm_state(vm)), 0);
	vm_free(vm);
}

Test(vm, runs_code)
{
	struct vm *vm = vm_new(32 << 20);
	struct err err = ERR_INIT;
	cr_assert_eq(run(vm, "local t = {} for i = 1, 10 do t[#t + 1] = i end return table.concat(t, ',') .. ('x'):rep(2)", 10000, &err), 0);
	cr_assert_str_eq(lua_tostring(vm_state(vm), -1), "1,2,3,4,5,6,7,8,9,10xx");
	vm_free(vm);
}

Test(vm, cannot_reach_the_machine_or_load_code)
{
	const char *names[] = {"io", "os", "debug", "load", "loadstring", "dofile", "loadfile", "require", "package",
	                       "collectgarbage", "coroutine", "print", "warn", "string.dump", "_G"};
	for (size_t i = 0; i < sizeof(names) / sizeof(names[0]); i++) {
		char text[100];
		snprintf(text, sizeof(text), "local x = %s; x()", names[i]);
		refused(text, strchr(names[i], '.') ? "attempt to call a nil value" : "there is no variable or function");
	}
	refused("x = 1", "write: local x");
	refused("\x1bLua", "attempt to load a binary chunk");
}

Test(vm, stops_what_does_not_end)
{
	refused("while true do end", "too many steps");
	refused("while true do pcall(function() while true do end end) end", "too many steps");
	refused("local function f() return pcall(f) or f() end f()", "too many steps");
	refused("setmetatable({}, {__gc = function() while true do end end})", "cannot have __gc");
	refused("table.move({}, 1, 1 << 60, 2)", "too long");
	refused("table.concat({}, '', 1, 1 << 60)", "too long");
	refused("table.insert(setmetatable({}, {__len = function() return 1 << 60 end}), 1, 2)", "too long");
	refused("local s = 'x' while true do s = s .. s end", "memory");
	refused("('x'):rep(1 << 40)", "too large");
	refused("('x'):rep(1 << 40, 'y')", "too large");
	refused("(''):rep(1 << 60) while true do end", "too many steps");
	refused("local s = ('a'):rep(100000) return s:find('.-.-.-.-b')", "too many steps");
	refused("local s = ('a'):rep(100000) return s:match('^(a*)(a*)(a*)(a*)b')", "too many steps");
	refused("local s = ('a'):rep(100000) return s:gsub('a*a*a*a*b', '')", "too many steps");
	refused("local s = ('('):rep(100000) for _ in s:gmatch('%b()') do end while true do end", "too many steps");
	refused("local s = ('a'):rep(1 << 20) while true do local t = s .. 'b' end", "too many steps");
	refused("return ('x'):find(('('):rep(300) .. (')'):rep(300))", "too many captures");
	refused("return ('x'):find('[')", "missing ']'");
	refused("return ('x'):find('%')", "ends with");
	refused("return ('x'):gsub('x', '%2')", "capture index");
}

/* The library's own functions and the bounded ones, side by side. */
static const char *const side_by_side =
	"local subjects = {'', 'a', 'aaa', 'hello world', 'key = value', '[x][y]]', 'a.b.c', '  pad  ', '%d+%', 'x-y_z9', '(a(b)c)', 'THE (quick) fox',"
	" 'a\\0b', 'line1\\nline2\\n', '^start$', 'a,b,,c', 'aXbXc', '2024-01-31', 'ab12cd345', '\\xe9t\\xe9'}\n"
	"local patterns = {'', '.', '.*', '.-', '.+', 'a', '^a', 'a$', '^$', '%a+', '%d+', '%s*', '%w-%s', '%S+', '[abc]', '[^abc]+', '[%a_][%w_]*', '[]]', '[^]]',"
	" '[a-z]+', '[a-]+', '[%]x]', '()', '(a)', '(.)(.)', '(a*)(b?)', '((a)(b))', '%b()', '%f[%w]%w+', '%f[%a]', '(%w+)%s*=%s*(%w+)', 'o.-o', 'l+o?', '%%', '%.',"
	" 'x?', 'x-y', '(.)%1', '^(.-)%s*$', '^%s*(.-)%s*$', '$', 'a$b', '[%d%-]+', '(%d+)-(%d+)-(%d+)', '[^,]*', '%z', '%g+', '%p', '%u', '%x+', '[%W]', '.-%f[%s\\0]'}\n"
	"local function all(...) local t = table.pack(...) for i = 1, t.n do t[i] = tostring(t[i]) end return table.concat(t, ';') end\n"
	"local out = {}\n"
	"for _, s in ipairs(subjects) do for _, p in ipairs(patterns) do\n"
	"  out[#out + 1] = all(s:find(p)) .. '|' .. all(s:match(p, 2)) .. '|' .. all(s:find(p, -3)) .. '|' .. all(s:gsub(p, '<%0>'))\n"
	"    .. all(s:gsub(p, {a = 'A', hello = 1})) .. all(s:gsub(p, function(a, b) return b end, 2)) .. all(s:find(p, 1, true)) .. all(s:find(p, 99))\n"
	"  local g = {} for a, b in s:gmatch(p) do g[#g + 1] = all(a, b) end out[#out + 1] = table.concat(g, '/') .. s:rep(#p % 4, p)\n"
	"end end\n"
	"return table.concat(out, '\\n')";

Test(vm, bounded_patterns_mean_what_luas_own_do)
{
	struct err err = ERR_INIT;
	const struct vm_budget budget = {.instructions = 100000000};
	lua_State *plain = luaL_newstate();
	struct vm *vm = vm_new(64 << 20);
	luaL_openlibs(plain);
	cr_assert_eq(luaL_dostring(plain, side_by_side), LUA_OK, "%s", lua_tostring(plain, -1));
	vm_sandbox(vm_state(vm));
	cr_assert_eq(vm_load(vm, "side.lua", side_by_side, strlen(side_by_side), &err), 0, "%s", err.text);
	cr_assert_eq(vm_call(vm, 0, 1, &budget, &err), 0, "%s", err.text);
	cr_assert_gt(lua_rawlen(plain, -1), 10000);
	cr_expect(lua_rawlen(plain, -1) == lua_rawlen(vm_state(vm), -1) &&
	          memcmp(lua_tostring(plain, -1), lua_tostring(vm_state(vm), -1), lua_rawlen(plain, -1)) == 0);
	vm_free(vm);
	lua_close(plain);
}

Test(vm, shares_no_tables_between_sandboxes)
{
	struct vm *vm = vm_new(32 << 20);
	struct err err = ERR_INIT;
	cr_assert_eq(run(vm, "string.upper = nil; table.concat = nil", 10000, &err), 0, "%s", err.text);
	cr_assert_eq(run(vm, "return string.upper('a') .. ('b'):upper() .. table.concat({'c'})", 10000, &err), 0, "%s", err.text);
	refused("getmetatable('').__index.upper = nil", "attempt to index a boolean value");
	vm_free(vm);
}

static bool always(void *context)
{
	(void)context;
	return true;
}

Test(vm, ends_when_cancelled)
{
	struct vm *vm = vm_new(32 << 20);
	struct err err = ERR_INIT;
	const struct vm_budget budget = {.instructions = INT64_MAX, .cancelled = always};
	const char *text = "while true do pcall(function() while true do end end) end";
	vm_sandbox(vm_state(vm));
	cr_assert_eq(vm_load(vm, "x", text, strlen(text), &err), 0);
	cr_assert_eq(vm_call(vm, 0, 0, &budget, &err), -1);
	cr_assert_eq(err.kind, ERR_INTERRUPTED);
	vm_free(vm);
}

static void there_and_back(const char *text)
{
	struct vm *vm = vm_new(32 << 20);
	json_t *value = json_loads(text, JSON_DECODE_ANY, NULL);
	cr_assert_not_null(value);
	value_push(vm_state(vm), value);
	const char *problem = NULL;
	json_t *back = value_json(vm_state(vm), -1, &problem);
	cr_assert_not_null(back, "%s", problem ? problem : "");
	char *printed = json_dumps(back, JSON_ENCODE_ANY | JSON_COMPACT);
	cr_assert_str_eq(printed, text);
	cr_assert_eq(lua_gettop(vm_state(vm)), 1);
	free(printed);
	json_decref(value);
	json_decref(back);
	vm_free(vm);
}

Test(value, survives_the_way_through_lua)
{
	there_and_back("null");
	there_and_back("[]");
	there_and_back("{}");
	there_and_back("[null,[],{},1,1.0,true,false,\"\",\"\\u0001\"]");
	there_and_back("{\"z\":1,\"a\":{\"y\":null,\"b\":[]},\"m\":-9223372036854775808}");
}

static void gives(const char *code, const char *expected)
{
	struct vm *vm = vm_new(32 << 20);
	struct err err = ERR_INIT;
	lua_State *state = vm_state(vm);
	json_t *value = json_loads("{\"z\":1,\"a\":2,\"m\":3}", 0, NULL);
	vm_sandbox(state);
	lua_pushliteral(state, "d");
	value_push(state, value);
	lua_rawset(state, -3);
	const struct vm_budget budget = {.instructions = 100000};
	cr_assert_eq(vm_load(vm, "test.lua", code, strlen(code), &err), 0);
	cr_assert_eq(vm_call(vm, 0, 1, &budget, &err), 0, "%s", err.text);
	const char *problem = NULL;
	json_t *back = value_json(state, -1, &problem);
	if (!back) {
		cr_assert_str_eq(problem, expected);
	} else {
		char *printed = json_dumps(back, JSON_ENCODE_ANY | JSON_COMPACT);
		cr_assert_str_eq(printed, expected);
		free(printed);
	}
	json_decref(back);
	json_decref(value);
	vm_free(vm);
}

Test(value, keeps_the_order_of_members)
{
	gives("d.b = 4; return d", "{\"z\":1,\"a\":2,\"m\":3,\"b\":4}");
	gives("d.a = nil; return d", "{\"z\":1,\"m\":3}");
	gives("d.z = nil; d.z = 9; local t = {} for k, v in pairs(d) do t[#t + 1] = k .. v end return t", "[\"z9\",\"a2\",\"m3\"]");
	gives("return {b = 1, a = 2}", "{\"a\":2,\"b\":1}");
	gives("return {}", "{}");
}

Test(value, refuses_what_json_cannot_hold)
{
	gives("return 1/0", "a number is infinite or not a number, which JSON cannot hold");
	gives("return function() end", "a function or another value without a form in JSON");
	gives("local t = {} t[1] = t return t", "a value is nested too deeply, or contains itself");
}
