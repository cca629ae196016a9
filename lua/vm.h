/* A Lua state that cannot reach the machine, with a memory cap and an instruction budget.
 *
 * The sandbox has the base, string, table, math and utf8 libraries without what loads code, collects garbage, prints or
 * changes the state's own tables: no io, os, debug, package, coroutine, load, dofile, collectgarbage. Bytecode is
 * refused. Undefined globals are errors, assigning one too. Finalizers (__gc) cannot be set.
 *
 * The budget holds inside pcall: once it is spent every further instruction fails. A vm belongs to one thread. */
#ifndef NEAP_LUA_VM_H
#define NEAP_LUA_VM_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include <lua.h>

#include "base/err.h"

struct vm;

/* What one call may use. */
struct vm_budget {
	int64_t instructions;              /* of Lua's virtual machine; work done in C counts through vm_spend */
	bool (*cancelled)(void *context);  /* asked every few thousand instructions; may be NULL */
	void *context;
};

/* memory_limit in bytes. Never NULL. */
struct vm *vm_new(size_t memory_limit);
void vm_free(struct vm *vm);
lua_State *vm_state(struct vm *vm);
/* The vm that a state belongs to; for C functions that Lua calls. */
struct vm *vm_of(lua_State *state);
/* Bytes in use. */
size_t vm_memory(const struct vm *vm);

/* Pushes a new sandboxed table of globals. */
void vm_sandbox(lua_State *state);
/* Puts what cannot be changed in the place of every table in the globals on the top, however deep, but for those that have
 * a metatable. Their members are read as before; pairs finds none. */
void vm_freeze(lua_State *state);
/* Pushes new, empty globals that have all that those on the top have, in their place. */
void vm_derive(lua_State *state);
/* Compiles source text and pushes the function, with the table on top of the stack (which it takes off) as its globals.
 * name is shown in messages ("library/x.lua"). On error nothing is pushed; the globals are taken off just the same. */
int vm_load(struct vm *vm, const char *name, const char *text, size_t length, struct err *err) must_check;
struct vm_source;
/* The same with an embedded source. */
int vm_load_source(struct vm *vm, const struct vm_source *source, struct err *err) must_check;
/* As lua_pcall, within the budget. On error nothing is left and err is ERR_INPUT, or ERR_INTERRUPTED when cancelled.
 * An error value that is a table gives text, hint and os_error by its fields text, hint and code. Calls nest: an
 * inner call's budget is what is left of the outer one's, if that is less. */
int vm_call(struct vm *vm, int arguments, int results, const struct vm_budget *budget, struct err *err) must_check;
/* Charges work that a C function does to the running call's budget; raises an error once it is spent. */
void vm_spend(lua_State *state, int64_t instructions);
/* Whether the running call's instructions are counted, which is so when it starts; the answer is how it was. Who turns it off
 * charges what is done meanwhile, and turns it on for whatever takes longer for larger values. An error that is caught
 * turns it on. */
bool vm_watch(lua_State *state, bool on);

/* Sources compiled into the binary, by path below lua/: "jinja/lexer.lua". */
struct vm_source {
	const char *path;
	const char *text;
	size_t length;
	const char *code; /* the same compiled, by the Lua that neap was built with */
	size_t code_length;
};
extern const struct vm_source vm_sources[]; /* sorted; ends with a NULL path */
/* NULL if there is none. */
const struct vm_source *vm_source_find(const char *path);
/* Pushes the source as a function, or raises its error. */
void vm_source_push(lua_State *state, const struct vm_source *source);
/* Pushes what the embedded source returned; it runs once in each state. The globals of all of them are one sandbox with
 * import(path) and native (a table of C functions, see vm_native). Raises Lua errors: call it inside a protected call. */
void vm_import(lua_State *state, const char *path);
/* Pushes the table that embedded sources see as `native`. */
void vm_native(lua_State *state);

#endif
