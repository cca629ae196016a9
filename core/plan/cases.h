/* A module's case files: arguments and a host in, steps and result out. Each case is done on the model host and decided again:
 * nothing may remain to do.
 *
 * A file holds one case or a list of them. A case:
 *   "name":    a sentence
 *   "args":    as a task gives them: a dictionary or a string
 *   "host", "controller": what is there (model_host.h); may be absent
 *   "check", "diff": true for check mode and --diff; "host_name": the host's name in the inventory
 *   "refused": text that the binding of the arguments must complain with; nothing else is tried then
 *   "steps":   the lines of all steps that are done, in order; [] for none
 *   "result":  keys that the result must have, with their values; a dictionary within is compared key by key;
 *              null where the key must be missing
 *   "changed", "failed", "skipped": what the task must be; changed defaults to whether there are steps, the others to false
 *   "after":   files of the host afterwards (model_host_compare); "controller_after": those of the controller
 *   "always":  true for a module that acts each time it is asked to */
#ifndef NEAP_PLAN_CASES_H
#define NEAP_PLAN_CASES_H

#include <stddef.h>

#include <jansson.h>

#include "base/err.h"
#include "plan/module.h"

struct cases {
	void (*fault)(void *context, const char *case_name, const char *text); /* may be NULL */
	void *context;
	size_t passed, failed; /* counted */
};

/* Tries all cases of a file. ERR_INPUT: it cannot be read. A case that fails is no error. */
int cases_run_file(struct cases *cases, const struct module *module, const char *path, struct err *err) must_check;
/* Tries one case. */
void cases_run(struct cases *cases, const struct module *module, json_t *one);

#endif
