/* A module: a name, an argument table, and one pure function that decides.
 *
 * A built-in module is one file in modules/ that defines one of these, one name in modules/modules.list and one folder
 * of cases in tests/cases/. A Lua module becomes the same struct (lua/bridge.h); nothing downstream can tell. */
#ifndef NEAP_PLAN_MODULE_H
#define NEAP_PLAN_MODULE_H

#include <stdbool.h>
#include <stddef.h>

#include "plan/ask.h"
#include "plan/decision.h"
#include "plan/mode.h"
#include "plan/result.h"
#include "plan/spec.h"
#include "plan/step.h"

struct module_example {
	const char *title;
	const char *json; /* one task, as it stands in a playbook */
};

struct module_return { /* a key of the result, for documentation */
	const char *name, *type, *doc;
};

struct module {
	const char *name;
	const char *doc;    /* the first sentence is the summary */
	struct spec spec;
	const struct module_example *examples; /* ends at json NULL; at least one */
	const struct module_return *returns;   /* ends at name NULL; or NULL */
	/* Says what to ask, what to do, or the result (decision.h). want: the C struct, or canonical json for Lua modules.
	 * -1 with err is a fault of the module itself; a task that fails is result_fail. Any thread; no state. */
	int (*decide)(const struct module *module, const void *want, struct decision *decision, struct err *err);
	void *context;      /* of a Lua module: its bridge; NULL in C */
	const char *collection; /* of Ansible's, that it is in: "ansible.posix"; NULL: ansible.builtin */
	const char *source; /* file of a Lua module; NULL in C */
	bool is_users;      /* not neap's own: it stands for a module of its name in any collection */
	bool acts_on_run;   /* works on the run, never on a target: debug, set_fact, ... */
	bool judged_by_status; /* does one command, if any, and fails exactly where that does not exit with 0 */
	bool can_detach;    /* its steps are one command, which can go on as a job (async): decision->async_s */
	bool lists_differences; /* diff in the result is a list also of one (copy, lineinfile) */
	bool no_check_mode; /* cannot predict: skipped in check mode (raw, script) */
	/* Of modules that act on the run: */
	bool runs_once;         /* by the first of a batch's hosts, for all (pause, add_host) */
	bool gives_templates;   /* the texts in its ansible_facts are templates (include_vars) */
	bool changes_inventory; /* add_host and add_group in its result are carried out */
};

/* One call of decide: rewinds the decision, calls, and finds a module that is not pure. -1 with err names the module. */
int module_decide(const struct module *module, const void *want, struct decision *decision, struct err *err) must_check;

/* All modules that a run can use. Any thread may look one up; one at a time may add (the library of a role that is included late). */
struct registry;

struct registry *registry_new(void); /* with the built-in ones */
void registry_free(struct registry *registry);
/* Adds a module that the registry then owns through free_module (may be NULL); a later one hides an earlier of the same name. */
void registry_add(struct registry *registry, const struct module *module, void (*free_module)(const struct module *));
/* Adds one that is made by whoever looks it up first, on any thread: a run pays for the modules that it names. context is
 * borrowed; make always succeeds. */
void registry_add_late(struct registry *registry, const char *name, const struct module *(*make)(const void *context),
                       const void *context, void (*free_module)(const struct module *));
/* By short name, or with its collection before it. NULL if there is none. */
const struct module *registry_find(const struct registry *registry, const char *name);
/* Whether there is one of that name. By its short name it is not made. */
bool registry_has(const struct registry *registry, const char *name);
void registry_each(const struct registry *registry, void (*visit)(void *context, const struct module *module),
                   void *context);
/* The names of all modules. */
void registry_offer(const struct registry *registry, void (*offer)(void *to, const char *name), void *to);

#endif
