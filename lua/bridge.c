/* Loads Lua modules and calls their decide().
 *
 * A file is compiled once in each thread's state and run again, in fresh globals, for each call: what one call of decide()
 * sets cannot be seen by the next, so a module is a pure function however it is written. A call may use so much memory
 * and so many instructions; what it asks for is recorded in the decision (bridge_known.c, bridge_step.c), and its keys
 * come from the table result (bridge_result.c). */
#include "lua/bridge.h"

#include <ctype.h>
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdatomic.h>
#include <sys/stat.h>

#include <lauxlib.h>

#include "base/buf.h"
#include "base/mem.h"
#include "base/suggest.h"
#include "lua/bridge_call.h"
#include "lua/value.h"
#include "lua/vm.h"
#include "plan/path.h"

enum {
	MEMORY_MOST = 256 * 1024 * 1024,     /* a file being edited is there a few times over */
	INSTRUCTIONS_MOST = 100 * 1000 * 1000,
	SOURCE_MOST = 1024 * 1024,
};

struct bridge {
	struct module module; /* what the registry sees; its context is this */
	struct arena arena;
	const struct vm_source *embedded; /* a module of this binary; else NULL, and text is the file's */
	char *text;
	size_t length;
	unsigned long serial; /* names its compiled code in each thread's state */
};

static __thread struct vm *thread_vm;

static struct vm *bridge_vm(void)
{
	if (!thread_vm)
		thread_vm = vm_new(MEMORY_MOST);
	return thread_vm;
}

void bridge_thread_end(void)
{
	vm_free(thread_vm);
	thread_vm = NULL;
}

static const struct vm_budget budget = { .instructions = INSTRUCTIONS_MOST };

/* ---- messages ---- */

/* "library/x.lua:12: text" becomes place and text. Lua shortens a long name from its front: "...ary/x.lua:12: text". */
static void place_split(struct err *err, const char *source)
{
	const char *text = err->text;
	bool cut = !strncmp(text, "...", 3);
	const char *name = cut ? text + 3 : text;
	const char *colon = strchr(name, ':');
	size_t length = colon ? (size_t)(colon - name) : 0, whole = strlen(source);
	if (!length || length > whole || strncmp(source + whole - length, name, length) || (!cut && length != whole))
		return;
	char *end;
	long line = strtol(colon + 1, &end, 10);
	if (end == colon + 1 || strncmp(end, ": ", 2))
		return;
	char rest[sizeof err->text];
	snprintf(rest, sizeof rest, "%s", end + 2);
	err_at(err, "%s:%ld", source, line);
	snprintf(err->text, sizeof err->text, "%s", rest);
}

/* ---- running the file ---- */

/* Pushes the file's compiled code, from the state's table of them or anew. */
static int code_push(struct vm *vm, const struct bridge *bridge, struct err *err)
{
	static const char key[1] = "m";
	lua_State *L = vm_state(vm);
	if (lua_rawgetp(L, LUA_REGISTRYINDEX, key) != LUA_TTABLE) {
		lua_pop(L, 1);
		lua_newtable(L);
		lua_pushvalue(L, -1);
		lua_rawsetp(L, LUA_REGISTRYINDEX, key);
	}
	if (lua_rawgeti(L, -1, (lua_Integer)bridge->serial) == LUA_TFUNCTION) {
		lua_remove(L, -2);
		return 0;
	}
	lua_pop(L, 1);
	lua_newtable(L);
	int failed = bridge->embedded ? vm_load_source(vm, bridge->embedded, err)
	                              : vm_load(vm, bridge->module.source, bridge->text, bridge->length, err);
	if (failed) {
		lua_pop(L, 1);
		place_split(err, bridge->module.source);
		return -1;
	}
	lua_pushvalue(L, -1);
	lua_rawseti(L, -3, (lua_Integer)bridge->serial);
	lua_remove(L, -2);
	return 0;
}

/* builtin("apt", ...): what another module's file returns, run with ... in the globals of the one that asks (the upvalue),
 * so that package can decide as apt does. It is compiled once in each state. */
static int code_builtin(lua_State *L)
{
	const char *name = luaL_checkstring(L, 1);
	int more = lua_gettop(L) - 1;
	const char *path = lua_pushfstring(L, "modules/%s.lua", name);
	const struct vm_source *source = vm_source_find(path);
	if (!source)
		return luaL_error(L, "builtin: there is no module \"%s\" in Lua", name);
	luaL_getsubtable(L, LUA_REGISTRYINDEX, "neap.builtin");
	if (lua_getfield(L, -1, path) != LUA_TFUNCTION) {
		lua_pop(L, 1);
		vm_source_push(L, source);
		lua_pushvalue(L, -1);
		lua_setfield(L, -3, path);
	}
	lua_pushvalue(L, lua_upvalueindex(1));
	lua_setupvalue(L, -2, 1);
	for (int i = 0; i < more; i++)
		lua_pushvalue(L, i + 2);
	lua_call(L, more, 1);
	return 1;
}

/* Pushes the globals that all modules share, made once in each state: nobody can change them. */
static void globals_shared(lua_State *L)
{
	static const char key[1] = "g";
	if (lua_rawgetp(L, LUA_REGISTRYINDEX, key) == LUA_TTABLE)
		return;
	lua_pop(L, 1);
	vm_sandbox(L);
	bridge_result_open(L);
	bridge_help_open(L);
	lua_pushstring(L, "step");
	bridge_step_push(L);
	lua_rawset(L, -3);
	vm_freeze(L);
	lua_pushvalue(L, -1);
	lua_rawsetp(L, LUA_REGISTRYINDEX, key);
}

/* Runs the code at index in new globals; pushes the globals and what it returned. */
static void code_run(lua_State *L, int index)
{
	globals_shared(L);
	vm_derive(L);
	lua_pushstring(L, "result");
	lua_newtable(L);
	lua_rawset(L, -3);
	lua_pushstring(L, "builtin");
	lua_pushvalue(L, -2);
	lua_pushcclosure(L, code_builtin, 1);
	lua_rawset(L, -3);
	lua_pushvalue(L, -1);
	if (!lua_setupvalue(L, index, 1))
		lua_pop(L, 1);
	lua_pushvalue(L, index);
	lua_call(L, 0, 1);
}

/* ---- deciding ---- */

/* want.ownr: an argument that the module does not have. Upvalue: the spec. */
static int want_missing(lua_State *L)
{
	const struct spec *spec = lua_touserdata(L, lua_upvalueindex(1));
	const char *name = luaL_tolstring(L, 2, NULL);
	if (spec->any_key || spec_find(spec, name))
		return 0;
	struct suggest near;
	suggest_start(&near, name);
	for (const struct arg *arg = spec->args; arg && arg->name; arg++)
		suggest_offer(&near, arg->name);
	if (near.best)
		return luaL_error(L, "the module has no argument \"%s\"; did you mean \"%s\"?", name, near.best);
	return luaL_error(L, "the module has no argument \"%s\"", name);
}

static void want_push(lua_State *L, const struct module *module, const json_t *want)
{
	json_t *object = (json_t *)(uintptr_t)want; /* jansson's iteration takes no const; nothing is changed */
	lua_newtable(L);
	for (void *at = json_object_iter(object); at; at = json_object_iter_next(object, at)) {
		if (json_is_null(json_object_iter_value(at)))
			continue;
		lua_pushstring(L, json_object_iter_key(at));
		value_push(L, json_object_iter_value(at));
		lua_rawset(L, -3);
	}
	lua_createtable(L, 0, 1);
	lua_pushlightuserdata(L, (void *)(uintptr_t)&module->spec);
	lua_pushcclosure(L, want_missing, 1);
	lua_setfield(L, -2, "__index");
	lua_setmetatable(L, -2);
}

/* Arguments: the code, want as a pointer. The result's keys are taken whichever way decide() ended. */
static int decide_protected(lua_State *L)
{
	enum { CODE = 1, CALL = 2, WANT = 3, GLOBALS = 4, MODULE = 5, RESULT = 6 };
	struct bridge_call *call = lua_touserdata(L, CALL);
	const json_t *want = lua_touserdata(L, WANT);
	code_run(L, CODE);
	lua_pushstring(L, "result");
	lua_rawget(L, GLOBALS);
	lua_getfield(L, MODULE, "decide");
	want_push(L, call->module, want);
	bridge_known_push(L);
	bridge_call_set(L, call);
	int status = lua_pcall(L, 2, 0, 0);
	bridge_call_set(L, NULL);
	if (status == LUA_ERRMEM)
		return luaL_error(L, "it needs more than %d MB of memory", MEMORY_MOST >> 20);
	if (status != LUA_OK && !call->over)
		return lua_error(L);
	lua_settop(L, RESULT);
	if (!call->decision->failed) /* fail() said all that there is to say */
		bridge_result_take(L, call->decision);
	return 0;
}

/* Paths with "~" or variables are what the target says they are: a copy of want with them replaced, want itself where there
 * are none, or NULL until they are known. The decision keeps the copy. */
static json_t *want_expand(const struct module *module, json_t *want, struct decision *decision)
{
	json_t *expanded = want;
	bool waiting = false;
	for (const struct arg *arg = module->spec.args; arg && arg->name; arg++) {
		const char *path = json_string_value(json_object_get(want, arg->name));
		if (arg->type != ARG_PATH || arg->controller_path || !path || !path_is_expandable(path))
			continue;
		const char *is = path_expand(decision, path);
		waiting = waiting || !is;
		if (expanded == want) {
			expanded = json_deep_copy(want);
			json_array_append_new(decision->kept, expanded);
		}
		if (is)
			json_object_set_new(expanded, arg->name, json_string(is));
	}
	return waiting ? NULL : expanded;
}

static int bridge_decide(const struct module *module, const void *given, struct decision *decision, struct err *err)
{
	struct vm *vm = bridge_vm();
	lua_State *L = vm_state(vm);
	const json_t *want = want_expand(module, (json_t *)(uintptr_t)given, decision);
	if (!want)
		return 0;
	struct bridge_call call = { .module = module, .decision = decision };
	lua_pushcfunction(L, decide_protected);
	if (code_push(vm, module->context, err) < 0) {
		lua_pop(L, 1);
		return -1;
	}
	lua_pushlightuserdata(L, &call);
	lua_pushlightuserdata(L, (void *)(uintptr_t)want);
	int status = vm_call(vm, 3, 0, &budget, err);
	bridge_call_set(L, NULL);
	if (status < 0) {
		place_split(err, module->source);
		return err_at(err, "%s", module->source);
	}
	return 0;
}

/* ---- loading ---- */

static void bridge_free(struct bridge *bridge)
{
	if (!bridge)
		return;
	arena_release(&bridge->arena);
	free(bridge->text);
	free(bridge);
}

static void module_free(const struct module *module)
{
	bridge_free(module->context);
}

static void auto_bridge_(struct bridge **bridge)
{
	bridge_free(*bridge);
}

/* Arguments: the code, the bridge, where to put the word at fault. */
static int load_protected(lua_State *L)
{
	struct bridge *bridge = lua_touserdata(L, 2);
	const char **word = lua_touserdata(L, 3);
	code_run(L, 1);
	bridge_spec_fill(L, &bridge->arena, &bridge->module, word);
	return 0;
}

/* The line that has word as a whole word first; 0 if none. */
static int line_of(const char *text, const char *word)
{
	int line = 1;
	size_t length = word ? strlen(word) : 0;
	for (const char *p = text; length && *p; p++) {
		bool starts = p == text || !(isalnum((unsigned char)p[-1]) || p[-1] == '_');
		if (starts && !strncmp(p, word, length) && !(isalnum((unsigned char)p[length]) || p[length] == '_'))
			return line;
		line += *p == '\n';
	}
	return 0;
}

/* Takes text over; of an embedded source it is NULL. source and name are copied. NULL with err, which has file and line. */
static struct bridge *bridge_load(const char *source, const char *name, const struct vm_source *embedded, char *text,
                                  size_t length, struct err *err)
{
	static atomic_ulong serials;
	auto_(auto_bridge_) struct bridge *bridge = mem_alloc(sizeof *bridge);
	bridge->embedded = embedded;
	bridge->text = text;
	bridge->length = length;
	bridge->serial = atomic_fetch_add(&serials, 1) + 1;
	bridge->module = (struct module){
		.name = arena_str(&bridge->arena, name), .decide = bridge_decide, .context = bridge,
		.source = arena_str(&bridge->arena, source), .is_users = !embedded,
	};
	struct vm *vm = bridge_vm();
	lua_State *L = vm_state(vm);
	const char *word = NULL;
	lua_pushcfunction(L, load_protected);
	if (code_push(vm, bridge, err) < 0) {
		lua_pop(L, 1);
		err_at(err, "%s", source);
		return NULL;
	}
	lua_pushlightuserdata(L, bridge);
	lua_pushlightuserdata(L, &word);
	if (vm_call(vm, 3, 0, &budget, err) < 0) {
		place_split(err, source);
		int line = line_of(text ? text : embedded->text, word);
		if (line)
			err_at(err, "%s:%d", source, line);
		err_at(err, "%s", source);
		return NULL;
	}
	return steal(bridge);
}

static const char builtin_folder[] = "modules/";

/* "apt" of modules/apt.lua. */
static char *name_of(const struct vm_source *source)
{
	const char *file = source->path + strlen(builtin_folder);
	return mem_strndup(file, strlen(file) - strlen(".lua"));
}

static const struct module *make_builtin(const void *source)
{
	const struct vm_source *embedded = source;
	struct err err = ERR_INIT;
	auto_free char *name = name_of(embedded);
	auto_free char *path = mem_printf("lua/%s", embedded->path);
	struct bridge *bridge = bridge_load(path, name, embedded, NULL, 0, &err);
	if (!bridge) {
		fprintf(stderr, "neap: %s: %s\n", err.where, err.text);
		abort();
	}
	return &bridge->module;
}

void bridge_add_builtin(struct registry *registry)
{
	for (const struct vm_source *source = vm_sources; source->path; source++) {
		if (strncmp(source->path, builtin_folder, strlen(builtin_folder)) != 0)
			continue;
		auto_free char *name = name_of(source);
		registry_add_late(registry, name, make_builtin, source, module_free);
	}
}

static int file_read(const char *path, struct buf *text, struct err *err)
{
	auto_close int fd = open(path, O_RDONLY | O_CLOEXEC | O_NOCTTY | O_NONBLOCK);
	struct stat stat;
	if (fd < 0 || fstat(fd, &stat) < 0)
		return err_errno(err, ERR_INPUT, "it cannot be opened");
	if (!S_ISREG(stat.st_mode))
		return err_set(err, ERR_INPUT, "it is not a regular file");
	for (;;) {
		ssize_t got = read(fd, buf_reserve(text, 65536), 65536);
		if (got < 0 && errno == EINTR)
			continue;
		if (got < 0)
			return err_errno(err, ERR_INPUT, "it cannot be read");
		if (got == 0)
			return 0;
		text->length += (size_t)got;
		if (text->length > SOURCE_MOST)
			return err_set(err, ERR_INPUT, "it is larger than %d bytes", SOURCE_MOST);
	}
}

/* A name that a playbook can write: letters, digits and underscores. */
static bool name_is_good(const char *name)
{
	return *name && !name[strspn(name, "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789_")] &&
	       !isdigit((unsigned char)*name);
}

static int add_file(struct registry *registry, const char *path, struct err *err)
{
	const char *file = strrchr(path, '/') ? strrchr(path, '/') + 1 : path;
	size_t length = strlen(file);
	if (length <= 4 || strcmp(file + length - 4, ".lua"))
		return err_set(err, ERR_INPUT, "a module's file is called NAME.lua");
	auto_free char *name = mem_strndup(file, length - 4);
	if (!name_is_good(name))
		return err_set(err, ERR_INPUT, "a module's name has letters, digits and _ only, not \"%s\"", name);
	auto_buf struct buf text = BUF_INIT;
	if (file_read(path, &text, err) < 0)
		return -1;
	size_t size = text.length;
	struct bridge *bridge = bridge_load(path, name, NULL, buf_take(&text), size, err);
	if (!bridge)
		return -1;
	registry_add(registry, &bridge->module, module_free);
	return 0;
}

/* A problem at the place that err tells, "file:line" or nothing. */
static void report(struct problems *problems, const char *path, const struct err *err)
{
	struct place place = { .file = path };
	const char *colon = strrchr(err->where, ':');
	if (colon)
		place.line = (int)strtol(colon + 1, NULL, 10);
	problem_add(problems, PROBLEM_ERROR, place, NULL, *err->hint ? err->hint : NULL, "%s", err->text);
}

int bridge_add_file(struct registry *registry, const char *path, struct problems *problems)
{
	struct err err = ERR_INIT;
	if (add_file(registry, path, &err) == 0)
		return 0;
	report(problems, path, &err);
	return -1;
}

static int is_module_file(const struct dirent *entry)
{
	const char *dot = strrchr(entry->d_name, '.');
	return dot && entry->d_name[0] != '.' && (!strcmp(dot, ".lua") || !strcmp(dot, ".py"));
}

int bridge_add_folder(struct registry *registry, const char *directory, struct problems *problems)
{
	struct dirent **entries = NULL;
	int count = scandir(directory, &entries, is_module_file, alphasort), status = 0;
	if (count < 0 && errno == ENOENT)
		return 0;
	if (count < 0) {
		problem_add(problems, PROBLEM_ERROR, (struct place){ .file = directory }, NULL, NULL,
		            "the folder of modules cannot be read: %s", strerror(errno));
		return -1;
	}
	for (int i = 0; i < count; i++) {
		auto_free char *path = mem_printf("%s/%s", directory, entries[i]->d_name);
		if (!strcmp(strrchr(path, '.'), ".py")) {
			problem_add(problems, PROBLEM_ERROR, (struct place){ .file = path }, NULL,
			            "docs/guide/writing-a-lua-module.md shows how to write it in Lua",
			            "modules in Python cannot be used: neap needs no Python on its targets");
			status = -1;
		} else if (bridge_add_file(registry, path, problems) < 0) {
			status = -1;
		}
		free(entries[i]);
	}
	free(entries);
	return status;
}
