/* How values are laid out in Lua; for the template engine, which reads members without conversion. */
#ifndef NEAP_LUA_VALUE_INSIDE_H
#define NEAP_LUA_VALUE_INSIDE_H

#include <stdbool.h>

#include <jansson.h>
#include <lua.h>

#include "lua/template.h"

/* The address is a dict's key for its order of keys (light userdata). */
extern const char value_order[1];
/* ... for the JSON object that it mirrors: members that are absent are still there. */
extern const char value_source[1];
/* ... for a boolean: the strings inside that object are no templates. */
extern const char value_final[1];
/* The address is JSON's null. */
extern const char value_nothing[1];
/* The address is "omit": value_json leaves it out of lists and dictionaries; by itself it gives null. */
extern const char value_omitted[1];

/* Pushes the metatable of tuples, which become arrays. */
void value_tuple_metatable(lua_State *state);
/* Pushes null, a boolean, a number or a string; false, with nothing pushed, for an array or object. */
bool value_push_scalar(lua_State *state, const json_t *value);
/* Pushes a scalar, a list of mirrors and scalars, or a mirror of an object, which must outlive it. True: the value, or
 * an element of the list, is a string that may be a template. scope: opens sealed values, where not final. */
bool value_push_mirror(lua_State *state, const json_t *value, bool final, const struct template_scope *scope);
/* The text of {"__ansible_unsafe": "text"}, which is no template, or of {"__ansible_vault": "..."}, opened by the scope. 0: value is
 * neither. 1: *text is borrowed, good during the evaluation. -1: it cannot be opened. */
int value_closed(const json_t *value, const struct template_scope *scope, const char **text, size_t *length, struct err *err);

#endif
