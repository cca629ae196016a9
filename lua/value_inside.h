/* How values are laid out in Lua; for the template engine, which reads members without conversion. */
#ifndef NEAP_LUA_VALUE_INSIDE_H
#define NEAP_LUA_VALUE_INSIDE_H

#include <stdbool.h>

#include <jansson.h>
#include <lua.h>

/* The address is a dict's key for its order of keys (light userdata). */
extern const char value_order[1];
/* The address is JSON's null. */
extern const char value_nothing[1];

/* Pushes null, a boolean, a number or a string; false, with nothing pushed, for an array or object. */
bool value_push_scalar(lua_State *state, const json_t *value);

#endif
