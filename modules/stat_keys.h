/* What stat and find tell of a path's type and permissions, under the same keys. */
#ifndef NEAP_MODULES_STAT_KEYS_H
#define NEAP_MODULES_STAT_KEYS_H

#include <jansson.h>

#include "plan/module.h"

/* isdir, isreg, islnk and their like. */
void stat_keys_type(json_t *about, char type);
/* mode, and rusr, wusr, ... one by one. */
void stat_keys_bits(json_t *about, mode_t mode);
/* Text from the target, which goes in by the way that cleans it. */
void stat_keys_text(struct decision *decision, json_t *about, const char *key, const char *text);
/* A number, in its own kind. */
void stat_keys_number(json_t *about, const char *key, uint64_t value);
void stat_keys_time(json_t *about, const char *key, struct timespec time);

#endif
