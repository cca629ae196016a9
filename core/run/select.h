/* Which tasks a run does: --tags, --skip-tags, --start-at-task. */
#ifndef NEAP_RUN_SELECT_H
#define NEAP_RUN_SELECT_H

#include "run/context.h"

/* Whether the tags of an entry and of what is around it let it run ("Tags" in Ansible's documentation: always, never,
 * tagged, untagged, all). Tags that are templates are compared as they are written. */
bool select_entry(const struct run_context *run, const struct entry *entry);
/* Whether a task name is the one that --start-at-task names (wildcards count). */
bool select_starts_at(const struct run_context *run, const struct entry *entry);
/* ERR_INPUT where no task of the playbooks has the name that --start-at-task gives; what includes bring in does not count. */
int select_check_start(const struct run_context *run, struct playbook *const *playbooks, size_t count, struct err *err)
	must_check;
/* The tags of a scope, inherited ones included, once each: new array. */
json_t *select_tags(const struct scope *scope);
/* What an option such as --tags gives, "a,b" for two, once each: new array. */
json_t *select_given(const char *const *items, size_t count);

#endif
