/* The modules that are compiled into the program. The table is generated from modules/modules.list and the names of
 * core/run/run_modules.c by modules/meson.build. */
#ifndef NEAP_PLAN_BUILTIN_H
#define NEAP_PLAN_BUILTIN_H

struct module;

/* Ends at NULL. */
extern const struct module *const builtin_modules[];

#endif
