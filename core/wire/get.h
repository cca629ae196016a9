/* Fetching a file to this machine, old or new, never half. */
#ifndef NEAP_WIRE_GET_H
#define NEAP_WIRE_GET_H

#include "wire/identity.h"

/* As wire_get. */
int get_file(struct identity *identity, const struct wire_get *get, struct wire_get_result *result, struct err *err)
	must_check;

#endif
