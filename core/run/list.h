/* --list-hosts, --list-tasks, --list-tags: what a run would be, in ansible-playbook's words. */
#ifndef NEAP_RUN_LIST_H
#define NEAP_RUN_LIST_H

#include "run/context.h"

/* Adds the listing of one playbook to out. -1: a play's hosts cannot be told. */
int list_playbook(struct run_context *run, const char *path, const struct playbook *playbook, struct template_vm *vm,
                  struct buf *out, struct err *err) must_check;

#endif
