/* The functions of Lua's string library that match patterns, and rep, bounded: each step that they take is charged to the budget of
 * the vm, which lua_error()s where it is spent. They mean what the manual of Lua 5.4 says (6.4.1). */
#ifndef NEAP_LUA_BOUNDED_H
#define NEAP_LUA_BOUNDED_H

#include <lua.h>

/* Sets find, match, gmatch, gsub and rep in the table on top of the stack. */
void bounded_open(lua_State *state);

#endif
