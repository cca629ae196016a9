/* What was wrong with a text of JSON, without a piece of that text: it may be secret. */
#ifndef NEAP_BASE_JSON_FAULT_H
#define NEAP_BASE_JSON_FAULT_H

#include <jansson.h>

/* "invalid token"; cuts the fault's text, and returns it. */
const char *json_fault_text(json_error_t *fault);

#endif
