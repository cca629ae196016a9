/* Python's regular expressions for Lua, by PCRE2.
 *
 * regex(pattern, flags) compiles; flags are letters of Python's: "i", "m", "s", "x", "u" (Unicode: text is UTF-8; else
 * bytes). An object has:
 *
 *   re:search(text, from)    the first match at or behind position from (1), or nil
 *   re:match(text)           the same, only at the start of text
 *   re:full(text)            the same, only if all of text matches
 *   re:each(text)            an iterator over all matches
 *   re:sub(replacement, text, most)  the new text and the number of replacements; replacement is a template as Python's re.sub
 *                            has it ("\1", "\g<name>"), or a function of the match
 *   re:split(text, most)     the parts between the matches, with groups, as Python's re.split
 *   re.groups, re.multiline  how many groups there are; whether (?m) is on
 *
 * A match is a table: [0] the whole, [1].. the groups (false where one took no part), first and last (positions of the
 * whole), spans ([i] = {first, last}), names (name: number), and m:expand(template).
 *
 * A search that takes too long is an error. */
#ifndef NEAP_LUA_REGEX_H
#define NEAP_LUA_REGEX_H

#include <lua.h>


/* Pushes the function regex. */
void regex_push(lua_State *state);
/* regex.escape: pushes the argument with every character that means something escaped, as re.escape does. */
int regex_escape(lua_State *state);

#endif
