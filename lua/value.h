/* JSON values in Lua and back.
 *
 *   null            value_null(): a light userdata, not nil, so that it can be a member
 *   true, 1, 1.0    boolean, integer, float
 *   "text"          string
 *   [..]            table 1..n with the list metatable
 *   {..}            table by key with the dict metatable; pairs() gives the members in their order
 *
 * Back: a table with one of the metatables is what it says; a plain table is an array when it has an element 1, else an
 * object with its keys sorted (an empty plain table is an object). */
#ifndef NEAP_LUA_VALUE_H
#define NEAP_LUA_VALUE_H

#include <stdbool.h>

#include <jansson.h>
#include <lua.h>

enum { VALUE_DEPTH_MAX = 200 };

/* Pushes a copy; nothing of value is kept. NULL gives nil. May raise a Lua error (memory, depth). */
void value_push(lua_State *state, const json_t *value);
/* Pushes the null of JSON. */
void value_null(lua_State *state);
bool value_is_null(lua_State *state, int index);
/* Gives the table at index the metatable of a list or a dict. */
void value_make_list(lua_State *state, int index);
void value_make_dict(lua_State *state, int index);
/* Pushes those metatables. */
void value_list_metatable(lua_State *state);
void value_dict_metatable(lua_State *state);
/* A new JSON value of what is at index; nil gives null. It raises no Lua error. NULL: *problem says why (static text). */
json_t *value_json(lua_State *state, int index, const char **problem);

#endif
