/* Names with ranges: "web[01:20].example.com:2222" stands for twenty hosts on port 2222. */
#ifndef NEAP_MODEL_HOST_RANGE_H
#define NEAP_MODEL_HOST_RANGE_H

#include <stdbool.h>
#include <stddef.h>

#include "base/auto.h"
#include "base/err.h"

struct host_names {
	char **items; /* owned */
	size_t count, room;
};

#define HOST_NAMES_INIT { 0 }

/* Adds every host that text stands for: ranges are [begin:end] or [begin:end:step] of numbers or letters, the end
 * included; leading zeros set the width. *port is 0 where none is given. Text that is no address is one name as it is.
 * ERR_INPUT for a malformed range, or one that makes more than most hosts. */
int host_range_expand(const char *text, size_t most, struct host_names *names, int *port, struct err *err) must_check;
void host_names_release(struct host_names *names);
/* Whether text is one name or address, ranges allowed, with or without a port: its colons are its own. */
bool host_range_is_address(const char *text);

#define auto_host_names auto_(host_names_release)

#endif
