/* The variables a task sees on a host: layers of model/vars.h filled from inventory, play, roles, blocks, task and what
 * was registered, with the magic variables on top; and the scope in which its templates are evaluated. */
#ifndef NEAP_RUN_VARIABLES_H
#define NEAP_RUN_VARIABLES_H

#include "model/vars.h"
#include "run/context.h"

struct play_state;

struct variables {
	struct run_context *run;
	const struct play_state *play; /* NULL: of a host outside any play (a delegate) */
	struct host_state *host;
	struct vars vars;
	json_t *magic;                 /* the host's own magic variables */
	json_t *task_magic;            /* role_name and its like */
	json_t *hostvars;              /* made when first asked for; owned */
	fact_parts wanted;             /* parts of facts that a template looked for and that are not gathered yet (gather.h) */
	struct template_scope scope;   /* context: this */
};

/* Layers that hold for the whole play. variables must not move afterwards. */
void variables_init(struct variables *variables, struct run_context *run, const struct play_state *play,
                    struct host_state *host);
/* The same anew, after the inventory has changed. To be called between tasks. */
void variables_reload(struct variables *variables);
void variables_release(struct variables *variables);
/* Adds what an entry brings: its roles' defaults, vars and params, its blocks' vars and its own. */
void variables_enter(struct variables *variables, const struct entry *entry);
void variables_leave(struct variables *variables);
/* Loop variables; borrowed until the next call. NULL: none. */
void variables_loop(struct variables *variables, json_t *loop);
/* What hostvars or set_fact changed. */
void variables_changed(struct variables *variables);

#endif
