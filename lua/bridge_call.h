/* What the files of the bridge share: the call of decide() that is going on, and the pieces of the Lua API.
 *
 * Every function here that takes a lua_State may leave by lua_error, which jumps over cleanup attributes: its callers
 * hold only Lua values, arena memory and plain locals. */
#ifndef NEAP_LUA_BRIDGE_CALL_H
#define NEAP_LUA_BRIDGE_CALL_H

#include <stdbool.h>

#include <lua.h>

#include "base/arena.h"
#include "plan/module.h"

/* One call of one module's decide(); lives on the C stack of bridge.c. */
struct bridge_call {
	const struct module *module;
	struct decision *decision;
	bool over; /* need(), fail() or skip() ended it: nothing more is recorded, and no pcall holds it up */
};

/* The call that is going on. Raises an error where there is none: while the file itself runs. */
struct bridge_call *bridge_call_get(lua_State *L);
void bridge_call_set(lua_State *L, struct bridge_call *call);
/* Ends the call at once, by an error that bridge.c takes as a normal end. */
int bridge_call_end(lua_State *L) __attribute__((noreturn));

/* ---- bridge_field.c: the fields of a table that a module hands over ---- */

/* Errors for a key of the table at index that is not in names (NULL-terminated); whole numbers are let through. */
void bridge_field_check(lua_State *L, int index, const char *function, const char *const *names);
bool bridge_field_has(lua_State *L, int index, const char *name);
/* NULL if absent; borrowed from the table, or from the arena of the call for a number. */
const char *bridge_field_text(lua_State *L, int index, const char *function, const char *name);
const char *bridge_field_bytes(lua_State *L, int index, const char *function, const char *name, size_t *length);
bool bridge_field_flag(lua_State *L, int index, const char *function, const char *name, bool fallback);
double bridge_field_number(lua_State *L, int index, const char *function, const char *name, double fallback);
/* The strings and numbers at 1, 2, ... of the table at index as a NULL-terminated list in the arena. */
const char *const *bridge_field_words(lua_State *L, int index, const char *function);
/* As above of a field's table; NULL if absent. A string is a list of one. */
const char *const *bridge_field_list(lua_State *L, int index, const char *function, const char *name);
/* Text at a position of the arguments, without NUL bytes. */
const char *bridge_field_argument(lua_State *L, int position, const char *function, const char *what);
/* What both known:run and step.run take; input and words are borrowed, the rest is in the arena. */
void bridge_field_command(lua_State *L, int index, const char *function, struct command *command);

/* ---- the API, one piece a file ---- */

/* Each pushes the table it is named for. */
void bridge_known_push(lua_State *L);
void bridge_step_push(lua_State *L);
/* Sets need, fail, skip, warn, changed and diff in the globals on the top. */
void bridge_result_open(lua_State *L);
/* Sets quote, digest, json, list, null, pairs and what lua/bridge/help.lua defines in the globals on the top. */
void bridge_help_open(lua_State *L);
/* Pushes a command's result as a module sees it. */
void bridge_command_push(lua_State *L, const struct command_result *result);
/* Hands the table on the top over as the result's keys. Raises an error for what has no JSON form. */
void bridge_result_take(lua_State *L, struct decision *decision);

/* ---- bridge_spec.c ---- */

/* Fills a module but for its name from the table on the top; all it keeps is in the arena. Raises an error for what is wrong;
 * *word is then the text at fault, to find its line by, or NULL. */
void bridge_spec_fill(lua_State *L, struct arena *arena, struct module *module, const char **word);

#endif
