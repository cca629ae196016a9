/* The text that a template gives while it is evaluated. */
#ifndef NEAP_LUA_OUTPUT_H
#define NEAP_LUA_OUTPUT_H

#include <lua.h>

enum { OUTPUT_FLOAT_MAX = 48 };

/* Puts output(text) into the table on top of the stack; text is the engine's function for values that are not written here.
 * It gives a table of functions:
 *   write(...)       adds values as a template prints them
 *   join(...)        the string that they give, as "~" does: None is "None"
 *   mark()           a place to come back to
 *   cut(mark)        takes off what was written since
 *   take(mark)       the same, and gives it as a string
 *   start()          nothing is written yet */
void output_open(lua_State *state);
/* A float as Python's repr() has it: the shortest digits that give the number back. */
void output_float(char text[OUTPUT_FLOAT_MAX], double number);

#endif
