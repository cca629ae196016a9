/* What a role says of its arguments (meta/argument_specs), for the check before the run. */
#ifndef NEAP_RUN_ARGUMENT_SPEC_H
#define NEAP_RUN_ARGUMENT_SPEC_H

#include <jansson.h>

#include "plan/spec.h"

/* What is wrong with one value by what a specification says of its name: texts, a new array. */
json_t *argument_spec_faults(const char *name, json_t *options, json_t *value);
/* The options of the argument of that name or alias; borrowed, NULL if there is none. */
json_t *argument_spec_find(json_t *spec, const char *name);
/* ARG_RAW: anything will do. */
enum arg_type argument_spec_type(json_t *options);

#endif
