/* Modules in Lua: the same descriptor as one in C, built from the table that the file returns.
 *
 * The file is run in a sandbox: no io, os, debug, load or bytecode; undefined globals are errors; memory and instructions
 * are bounded. decide(want, known) is run in a fresh environment on whichever worker calls it; each worker compiles a
 * module once. See docs/guide/writing-a-lua-module.md. */
#ifndef NEAP_LUA_BRIDGE_H
#define NEAP_LUA_BRIDGE_H

#include "base/err.h"
#include "model/problem.h"
#include "plan/module.h"

/* Adds the Lua modules that are compiled into the binary; each is loaded when it is first looked up. */
void bridge_add_builtin(struct registry *registry);
/* Adds each NAME.lua of a library folder. Faults (syntax, wrong spec, a Python module) go to problems with file:line. */
int bridge_add_folder(struct registry *registry, const char *directory, struct problems *problems) must_check;
/* One file; for `neap module doc|test`. */
int bridge_add_file(struct registry *registry, const char *path, struct problems *problems) must_check;
/* Frees the calling thread's Lua state for modules; at the end of each worker. */
void bridge_thread_end(void);

#endif
