/* The variables a task sees on a host: layers of model/vars.h filled from inventory, play, roles, blocks, task and what
 * was registered, with the magic variables on top; and the scope in which its templates are evaluated. */
#ifndef NEAP_RUN_VARIABLES_H
#define NEAP_RUN_VARIABLES_H

#include "model/vars.h"
#include "run/context.h"

struct hostvars;
struct play_state;

struct variables {
	struct run_context *run;
	struct play_state *play; /* NULL: of a host outside any play */
	struct host_state *host;
	struct vars vars;
	json_t *magic;                 /* the host's own magic variables */
	json_t *address;               /* ansible_host, where nothing else says it; owned */
	json_t *task_magic;            /* role_name and its like */
	json_t *matches;               /* the names of the hosts that patterns match, by pattern */
	struct hostvars *hostvars;     /* taken when first asked for, or NULL */
	fact_parts wanted;             /* parts of facts that a template looked for and that are not gathered yet (gather.h) */
	bool is_plain;                 /* made to evaluate hostvars: it has none of its own */
	bool is_other;                 /* of a host that another walk may have: what it was given is that one's to take up */
	char **folders;                /* where the files are looked for that tasks of this document and role name */
	const struct document *folders_document;
	const struct role *folders_role;
	struct template_scope scope;   /* context: this */
};

/* Layers that hold for the whole play. variables must not move afterwards. */
void variables_init(struct variables *variables, struct run_context *run, struct play_state *play,
                    struct host_state *host);
/* The same of a host that another walk may have. Under facts_lock, until they are released. */
void variables_init_other(struct variables *variables, struct run_context *run, struct play_state *play,
                          struct host_state *host);
/* The same anew, after the inventory has changed. To be called between tasks. */
void variables_reload(struct variables *variables);
void variables_release(struct variables *variables);
/* Adds what an entry brings: its roles' defaults, vars and params, its blocks' vars and its own. */
void variables_enter(struct variables *variables, const struct entry *entry);
void variables_leave(struct variables *variables);
/* Loop variables; borrowed until the next call. NULL: none. */
void variables_loop(struct variables *variables, json_t *loop);
/* What a task tells of a host: variables that were set, facts that were gathered, or variables that are templates. */
enum { FACTS_SET = 1, FACTS_GATHERED = 2, FACTS_INCLUDED = 4 };

/* Gives the host a variable (value is taken over), or what a result says of it. Only the thread that has the host. */
void variables_set(struct variables *variables, const char *name, json_t *value);
void variables_learn(struct variables *variables, unsigned kinds, json_t *facts);
/* Forgets the facts that were gathered of a host. Under linear, or of the walk's own host. */
void variables_clear_facts(struct run_context *run, struct host_state *host);
/* Gives facts to another host, which has them with its next task: those of one turn in the order of the hosts that give them
 * (place). Any thread. */
void variables_give(struct run_context *run, struct host_state *host, unsigned kinds, json_t *facts, size_t turn, size_t place);

#endif
