/* One argument's value made canonical for its type, with the conversions that Ansible makes. For spec.c. */
#ifndef NEAP_PLAN_SPEC_CONVERT_H
#define NEAP_PLAN_SPEC_CONVERT_H

#include <jansson.h>

#include "base/buf.h"
#include "plan/spec.h"

/* New value, or NULL after a report at path. value is borrowed and not null. Lists and dictionaries are converted on their
 * outside only: their elements are the caller's. */
json_t *spec_convert(enum arg_type type, json_t *value, const char *path, spec_report *report, void *context);
/* A string, a number or a boolean as Python's str() writes it; false for any other value. */
bool spec_convert_text(struct buf *buf, json_t *value);

#endif
