/* A sandboxed Lua state. The budget is a count hook: when it is spent, the hook asks to be called at each instruction
 * and raises an error each time, so that code which catches errors in a loop ends as well. C functions of the standard
 * library that can run long without executing an instruction are replaced or bounded. While there is a hook, Lua calls a
 * function for each instruction, so code of neap's own that charges what it does may go without for a while. */
#include "lua/vm.h"

#include <lauxlib.h>
#include <lualib.h>

#include "base/mem.h"
#include "lua/bounded.h"

enum {
	VM_HOOK_STEP = 2000,            /* instructions between two looks at the budget */
	VM_ALLOC_FREE = 4096,           /* bytes in one piece that cost nothing */
	VM_ALLOC_SHIFT = 8,             /* of larger ones, 256 bytes cost an instruction */
	VM_CATCH_COST = 100,            /* instructions charged for an error that is caught */
	VM_WATCH_COST = 100,            /* instructions charged for watching again: shorter work may end before a look */
	VM_RANGE_MAX = 4 * 1000 * 1000, /* elements that one call to the table library may walk */
};

struct vm {
	lua_State *state;
	size_t memory;
	size_t memory_limit;
	int64_t left;
	const struct vm_budget *budget; /* NULL outside calls */
	bool cancelled;
};

static void *vm_alloc(void *context, void *old, size_t old_size, size_t size)
{
	struct vm *vm = context;
	size_t held = old ? old_size : 0;
	if (size == 0) {
		free(old);
		vm->memory -= held;
		return NULL;
	}
	if (size > held && size - held > vm->memory_limit - vm->memory)
		return NULL;
	/* What copies much is charged by what it makes: the hook that comes next finds the budget spent. */
	if (vm->budget && size > VM_ALLOC_FREE && vm->left > 0)
		vm->left -= (int64_t)(size >> VM_ALLOC_SHIFT);
	void *grown = realloc(old, size);
	if (grown)
		vm->memory = vm->memory - held + size;
	return grown;
}

struct vm *vm_of(lua_State *state)
{
	return *(struct vm **)lua_getextraspace(state);
}

static int vm_exhausted(lua_State *state)
{
	const char *why = vm_of(state)->cancelled ? "interrupted" : "it took too many steps and was stopped (an endless loop?)";
	/* Called from a hook or from C: the innermost function that has lines is the one to name. */
	lua_Debug activation = {.currentline = -1};
	for (int level = 0; lua_getstack(state, level, &activation); level++) {
		lua_getinfo(state, "Sl", &activation);
		if (activation.currentline > 0) {
			lua_pushfstring(state, "%s:%d: %s", activation.short_src, activation.currentline, why);
			return lua_error(state);
		}
	}
	lua_pushstring(state, why);
	return lua_error(state);
}

static void vm_hook(lua_State *state, lua_Debug *activation)
{
	(void)activation;
	vm_spend(state, VM_HOOK_STEP);
}

void vm_spend(lua_State *state, int64_t instructions)
{
	struct vm *vm = vm_of(state);
	if (!vm->budget)
		return;
	if (vm->left > 0)
		vm->left -= instructions;
	if (vm->left > 0 && vm->budget->cancelled && vm->budget->cancelled(vm->budget->context)) {
		vm->cancelled = true;
		vm->left = 0;
	}
	if (vm->left > 0)
		return;
	lua_sethook(state, vm_hook, LUA_MASKCOUNT, 1);
	vm_exhausted(state);
}

bool vm_watch(lua_State *state, bool on)
{
	struct vm *vm = vm_of(state);
	const bool was = lua_gethookmask(state) != 0;
	if (!vm->budget || was == on || (was && vm->left <= 0))
		return was;
	lua_sethook(state, on ? vm_hook : NULL, on ? LUA_MASKCOUNT : 0, VM_HOOK_STEP);
	if (on)
		vm_spend(state, VM_WATCH_COST);
	return was;
}

/* Sandbox */

static int vm_pcall_done(lua_State *state, int status, lua_KContext context)
{
	(void)context;
	struct vm *vm = vm_of(state);
	bool ok = status == LUA_OK || status == LUA_YIELD;
	if (!ok) {
		vm_watch(state, true);
		vm_spend(state, VM_CATCH_COST);
	}
	/* Each overflow that is caught moves a large stack: a program may not live on catching them. */
	const char *message = ok || lua_type(state, -1) != LUA_TSTRING ? NULL : lua_tostring(state, -1);
	if (vm->budget && message && strstr(message, "stack overflow"))
		vm->left = 0;
	if (vm->budget && vm->left <= 0)
		return vm_exhausted(state);
	lua_pushboolean(state, ok);
	lua_insert(state, 1);
	return lua_gettop(state);
}

static int vm_pcall(lua_State *state)
{
	luaL_checkany(state, 1);
	int status = lua_pcallk(state, lua_gettop(state) - 1, LUA_MULTRET, 0, 0, vm_pcall_done);
	return vm_pcall_done(state, status, 0);
}

static int vm_setmetatable(lua_State *state)
{
	luaL_checktype(state, 1, LUA_TTABLE);
	if (!lua_isnoneornil(state, 2)) {
		luaL_checktype(state, 2, LUA_TTABLE);
		lua_pushliteral(state, "__gc");
		if (lua_rawget(state, 2) != LUA_TNIL)
			return luaL_error(state, "a metatable here cannot have __gc");
		lua_pop(state, 1);
	}
	if (luaL_getmetafield(state, 1, "__metatable") != LUA_TNIL)
		return luaL_error(state, "cannot change a protected metatable");
	lua_settop(state, 2);
	lua_setmetatable(state, 1);
	return 1;
}

/* A function of the table library, refused where its table claims to be longer than any real one here. */
static int vm_table_function(lua_State *state)
{
	if (lua_istable(state, 1) && luaL_len(state, 1) > VM_RANGE_MAX)
		return luaL_error(state, "the table is too long (more than %d elements)", VM_RANGE_MAX);
	bool ranged = lua_toboolean(state, lua_upvalueindex(2));
	int first = (int)lua_tointeger(state, lua_upvalueindex(2));
	if (ranged && lua_isinteger(state, first) && lua_isinteger(state, first + 1)) {
		lua_Integer from = lua_tointeger(state, first);
		lua_Integer to = lua_tointeger(state, first + 1);
		if (to > from && (lua_Unsigned)to - (lua_Unsigned)from > VM_RANGE_MAX)
			return luaL_error(state, "the range is too long (more than %d elements)", VM_RANGE_MAX);
	}
	lua_pushvalue(state, lua_upvalueindex(1));
	lua_insert(state, 1);
	lua_call(state, lua_gettop(state) - 1, LUA_MULTRET);
	return lua_gettop(state);
}

static int vm_global_undefined(lua_State *state)
{
	const char *name = lua_type(state, 2) == LUA_TSTRING ? lua_tostring(state, 2) : "?";
	return luaL_error(state, "there is no variable or function '%s'", name);
}

static int vm_global_assigned(lua_State *state)
{
	const char *name = lua_type(state, 2) == LUA_TSTRING ? lua_tostring(state, 2) : "?";
	return luaL_error(state, "'%s' is assigned but not declared; write: local %s", name, name);
}

/* Copies the named members of the table at from to the one on top of the stack. */
static void vm_copy(lua_State *state, int from, const char *const *names)
{
	for (; *names; names++) {
		lua_getfield(state, from, *names);
		lua_setfield(state, -2, *names);
	}
}

static const char *const vm_base_names[] = {"assert", "error", "getmetatable", "ipairs", "next", "pairs", "rawequal", "rawget",
                                            "rawlen", "rawset", "select", "tonumber", "tostring", "type", NULL};
static const char *const vm_string_names[] = {"byte",    "char", "format", "len",  "lower",  "reverse",
                                              "sub",     "upper", "pack",  "unpack", "packsize", NULL};
static const char *const vm_math_names[] = {"abs", "ceil", "floor", "fmod", "huge", "log", "max", "maxinteger", "min", "mininteger",
                                            "modf", "pi", "sqrt", "tointeger", "type", "ult", "exp", NULL};
static const char *const vm_utf8_names[] = {"char", "charpattern", "codes", "codepoint", "len", "offset", NULL};
static const struct {
	const char *name;
	int range; /* where a pair of positions starts among the arguments; 0: none */
} vm_table_names[] = {{"concat", 3}, {"insert", 0}, {"move", 2}, {"pack", 0}, {"remove", 0}, {"sort", 0}, {"unpack", 2}};

static void vm_sandbox_library(lua_State *state, const char *library, const char *const *names)
{
	lua_newtable(state);
	luaL_getsubtable(state, LUA_REGISTRYINDEX, LUA_LOADED_TABLE);
	lua_getfield(state, -1, library);
	lua_remove(state, -2);
	lua_insert(state, -2);
	vm_copy(state, lua_gettop(state) - 1, names);
	lua_remove(state, -2);
	lua_setfield(state, -2, library);
}

static void vm_sandbox_table(lua_State *state)
{
	lua_newtable(state);
	luaL_getsubtable(state, LUA_REGISTRYINDEX, LUA_LOADED_TABLE);
	lua_getfield(state, -1, "table");
	for (size_t i = 0; i < sizeof(vm_table_names) / sizeof(vm_table_names[0]); i++) {
		lua_getfield(state, -1, vm_table_names[i].name);
		lua_pushinteger(state, vm_table_names[i].range);
		if (!vm_table_names[i].range) {
			lua_pop(state, 1);
			lua_pushboolean(state, false);
		}
		lua_pushcclosure(state, vm_table_function, 2);
		lua_setfield(state, -4, vm_table_names[i].name);
	}
	lua_pop(state, 2);
	lua_setfield(state, -2, "table");
}

static int vm_frozen_assigned(lua_State *state)
{
	return luaL_error(state, "'%s' cannot be set: the table belongs to all modules", luaL_tolstring(state, 2, NULL));
}

/* Puts an empty table that leads to the one on the top in its place. */
static void vm_shield(lua_State *state, lua_CFunction assigned)
{
	lua_newtable(state);
	lua_createtable(state, 0, 3);
	lua_rotate(state, -3, -1);
	lua_setfield(state, -2, "__index");
	lua_pushcfunction(state, assigned);
	lua_setfield(state, -2, "__newindex");
	lua_pushboolean(state, false);
	lua_setfield(state, -2, "__metatable");
	lua_setmetatable(state, -2);
}

void vm_freeze(lua_State *state)
{
	int table = lua_gettop(state);
	luaL_checkstack(state, 8, NULL);
	for (lua_pushnil(state); lua_next(state, table); lua_pop(state, 1)) {
		if (!lua_istable(state, -1))
			continue;
		if (lua_getmetatable(state, -1)) {
			lua_pop(state, 1);
			continue;
		}
		vm_freeze(state);
		vm_shield(state, vm_frozen_assigned);
		lua_pushvalue(state, -2);
		lua_pushvalue(state, -2);
		lua_rawset(state, table); /* a key that is there: the traversal stays valid */
	}
}

void vm_derive(lua_State *state) { vm_shield(state, vm_global_assigned); }

void vm_sandbox(lua_State *state)
{
	lua_newtable(state);
	lua_pushglobaltable(state);
	lua_insert(state, -2);
	vm_copy(state, lua_gettop(state) - 1, vm_base_names);
	lua_remove(state, -2);
	lua_pushcfunction(state, vm_pcall);
	lua_setfield(state, -2, "pcall");
	lua_pushcfunction(state, vm_setmetatable);
	lua_setfield(state, -2, "setmetatable");
	vm_sandbox_library(state, "string", vm_string_names);
	lua_getfield(state, -1, "string");
	bounded_open(state);
	lua_pop(state, 1);
	vm_sandbox_library(state, "math", vm_math_names);
	vm_sandbox_library(state, "utf8", vm_utf8_names);
	vm_sandbox_table(state);
	lua_createtable(state, 0, 3);
	lua_pushcfunction(state, vm_global_undefined);
	lua_setfield(state, -2, "__index");
	lua_pushcfunction(state, vm_global_assigned);
	lua_setfield(state, -2, "__newindex");
	lua_pushboolean(state, false);
	lua_setfield(state, -2, "__metatable");
	lua_setmetatable(state, -2);
}

/* The state */

static int vm_open(lua_State *state)
{
	static const luaL_Reg libraries[] = {{LUA_GNAME, luaopen_base},        {LUA_TABLIBNAME, luaopen_table},
	                                     {LUA_STRLIBNAME, luaopen_string}, {LUA_MATHLIBNAME, luaopen_math},
	                                     {LUA_UTF8LIBNAME, luaopen_utf8},  {NULL, NULL}};
	for (const luaL_Reg *library = libraries; library->func; library++) {
		luaL_requiref(state, library->name, library->func, 1);
		lua_pop(state, 1);
	}
	lua_pushliteral(state, "");
	lua_getmetatable(state, -1);
	vm_sandbox(state);
	lua_getfield(state, -1, "string");
	lua_setfield(state, -3, "__index");
	lua_pop(state, 1);
	lua_pushboolean(state, false);
	lua_setfield(state, -2, "__metatable");
	return 0;
}

struct vm *vm_new(size_t memory_limit)
{
	struct vm *vm = mem_alloc(sizeof(*vm));
	vm->memory_limit = memory_limit;
	vm->state = lua_newstate(vm_alloc, vm);
	if (vm->state) {
		*(struct vm **)lua_getextraspace(vm->state) = vm;
		lua_pushcfunction(vm->state, vm_open);
	}
	if (!vm->state || lua_pcall(vm->state, 0, 0, 0) != LUA_OK) {
		fprintf(stderr, "neap: no memory for a Lua state\n");
		abort();
	}
	return vm;
}

void vm_free(struct vm *vm)
{
	if (!vm)
		return;
	lua_close(vm->state);
	free(vm);
}

lua_State *vm_state(struct vm *vm)
{
	return vm->state;
}

size_t vm_memory(const struct vm *vm)
{
	return vm->memory;
}

/* mode "t": only text is safe where it is not our own. */
static int load(lua_State *state, const char *chunk, const char *bytes, size_t length, const char *mode, struct err *err)
{
	if (luaL_loadbufferx(state, bytes, length, chunk, mode) != LUA_OK) {
		const char *message = lua_tostring(state, -1);
		err_set(err, ERR_INPUT, "%s", message ? message : "it cannot be compiled");
		lua_pop(state, 2);
		return -1;
	}
	lua_insert(state, -2);
	if (!lua_setupvalue(state, -2, 1))
		lua_pop(state, 1);
	return 0;
}

int vm_load(struct vm *vm, const char *name, const char *text, size_t length, struct err *err)
{
	char chunk[300];
	snprintf(chunk, sizeof(chunk), "@%s", name);
	return load(vm->state, chunk, text, length, "t", err);
}

int vm_load_source(struct vm *vm, const struct vm_source *source, struct err *err)
{
	return load(vm->state, source->path, source->code, source->code_length, "b", err);
}

/* Reads the error value on top of the stack with raw access only, so that it cannot fail in turn. */
static void vm_error_read(struct vm *vm, int status, struct err *err)
{
	lua_State *state = vm->state;
	const char *text = NULL;
	const char *hint = NULL;
	lua_Integer code = 0;
	int top = lua_gettop(state);
	if (lua_istable(state, -1) && lua_checkstack(state, 8)) {
		int table = lua_absindex(state, -1);
		lua_pushliteral(state, "text");
		if (lua_rawget(state, table) == LUA_TSTRING)
			text = lua_tostring(state, -1);
		lua_pushliteral(state, "hint");
		if (lua_rawget(state, table) == LUA_TSTRING)
			hint = lua_tostring(state, -1);
		lua_pushliteral(state, "code");
		if (lua_rawget(state, table) == LUA_TNUMBER)
			code = lua_tointeger(state, -1);
	} else if (lua_type(state, -1) == LUA_TSTRING) {
		text = lua_tostring(state, -1);
	}
	if (status == LUA_ERRMEM)
		err_set(err, ERR_INPUT, "it needs more than %zu MB of memory", vm->memory_limit >> 20);
	else
		err_set(err, vm->cancelled ? ERR_INTERRUPTED : ERR_INPUT, "%s", text ? text : "an error without a message");
	if (hint)
		err_hint(err, "%s", hint);
	if (err)
		err->os_error = (int)code;
	lua_settop(state, top - 1);
}

int vm_call(struct vm *vm, int arguments, int results, const struct vm_budget *budget, struct err *err)
{
	lua_State *state = vm->state;
	const struct vm_budget *outer = vm->budget;
	int64_t outer_left = vm->left;
	int64_t granted = outer && outer_left < budget->instructions ? outer_left : budget->instructions;
	vm->budget = budget;
	vm->left = granted;
	vm->cancelled = false;
	lua_sethook(state, vm_hook, LUA_MASKCOUNT, VM_HOOK_STEP);
	int status = lua_pcall(state, arguments, results, 0);
	if (status != LUA_OK)
		vm_error_read(vm, status, err);
	vm->budget = outer;
	if (outer)
		vm->left = outer_left - (granted - (vm->left > 0 ? vm->left : 0));
	lua_sethook(state, outer ? vm_hook : NULL, outer ? LUA_MASKCOUNT : 0, VM_HOOK_STEP);
	return status == LUA_OK ? 0 : -1;
}

/* Embedded sources */

const struct vm_source *vm_source_find(const char *path)
{
	for (const struct vm_source *source = vm_sources; source->path; source++)
		if (strcmp(source->path, path) == 0)
			return source;
	return NULL;
}

void vm_source_push(lua_State *state, const struct vm_source *source)
{
	if (luaL_loadbufferx(state, source->code, source->code_length, source->path, "b") != LUA_OK)
		lua_error(state);
}

void vm_native(lua_State *state)
{
	luaL_getsubtable(state, LUA_REGISTRYINDEX, "neap.native");
}

static int vm_import_function(lua_State *state)
{
	vm_import(state, luaL_checkstring(state, 1));
	return 1;
}

/* Pushes the globals of all embedded sources, made once in each state. */
static void vm_import_globals(lua_State *state)
{
	if (lua_getfield(state, LUA_REGISTRYINDEX, "neap.globals") != LUA_TNIL)
		return;
	lua_pop(state, 1);
	vm_sandbox(state);
	lua_pushliteral(state, "import");
	lua_pushcfunction(state, vm_import_function);
	lua_rawset(state, -3);
	lua_pushliteral(state, "native");
	vm_native(state);
	lua_rawset(state, -3);
	lua_pushvalue(state, -1);
	lua_setfield(state, LUA_REGISTRYINDEX, "neap.globals");
}

void vm_import(lua_State *state, const char *path)
{
	luaL_getsubtable(state, LUA_REGISTRYINDEX, "neap.imported");
	if (lua_getfield(state, -1, path) != LUA_TNIL) {
		lua_remove(state, -2);
		return;
	}
	lua_pop(state, 1);
	const struct vm_source *source = vm_source_find(path);
	if (!source)
		luaL_error(state, "there is no source %s in this binary", path);
	vm_source_push(state, source);
	vm_import_globals(state);
	lua_setupvalue(state, -2, 1);
	lua_call(state, 0, 1);
	lua_pushvalue(state, -1);
	lua_setfield(state, -3, path);
	lua_remove(state, -2);
}
