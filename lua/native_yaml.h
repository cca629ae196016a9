/* YAML for the template engine: the functions native.yaml_decode and native.yaml_open, _scalar, _begin, _end, _text. */
#ifndef NEAP_LUA_NATIVE_YAML_H
#define NEAP_LUA_NATIVE_YAML_H

#include <lua.h>

/* Adds the functions to the table on top of the stack. */
void native_yaml_open(lua_State *state);

#endif
