/* Chance that a seed decides: the function native.random_seeded(bytes), which gives a function(n) for numbers below n. */
#ifndef NEAP_LUA_NATIVE_RANDOM_H
#define NEAP_LUA_NATIVE_RANDOM_H

#include <lua.h>

/* Adds the functions to the table on top of the stack. */
void native_random_open(lua_State *state);

#endif
