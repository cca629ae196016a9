/* Results that `neap run` wrote with --format json or jsonl (or Ansible's callbacks of these names), read again. */
#ifndef NEAP_REPORT_RESULTS_H
#define NEAP_REPORT_RESULTS_H

#include <stddef.h>

#include <jansson.h>

#include "base/err.h"

enum {
	RESULTS_BYTES_MOST = 1 << 30, /* of a file */
	RESULTS_PLAYS_MOST = 1000000,
};

/* Adds one document for each run that is told of: {"plays": [{"play": {}, "tasks": [{"task": {}, "hosts": {}}]}], "stats":
 * {host: {}}} and, of one of several runs, "shard": {"index", "count", "status"}. All of that has been checked to have these
 * types. A run of JSON Lines that ends before its recap has no "stats". ERR_INPUT where the text is no such thing. */
int results_read(const char *text, size_t length, json_t *documents, struct err *err) must_check;

#endif
