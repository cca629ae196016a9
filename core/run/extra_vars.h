/* -e: variables from the command line, as k=v words, a JSON dictionary or @file. */
#ifndef NEAP_RUN_EXTRA_VARS_H
#define NEAP_RUN_EXTRA_VARS_H

#include <jansson.h>

#include "base/err.h"
#include "model/problem.h"
#include "model/vault.h"

/* All of them in one new dictionary, a later one over an earlier one. vault opens sealed files. Faults in files go to problems. */
json_t *extra_vars_read(const char *const *given, size_t count, bool merges, struct vault *vault, struct problems *problems,
                        struct err *err) must_check;

#endif
