/* Variables by Ansible's precedence ("Understanding variable precedence"): layers, each a dictionary with a level and an
 * origin; the highest level that has a name wins, and within a level the layer added last.
 *
 * Text from playbooks and inventories is a template and is evaluated when it is used; values that were evaluated,
 * registered or gathered are final. A layer says which it holds. Layers borrow their dictionaries. One thread at a
 * time. */
#ifndef NEAP_MODEL_VARS_H
#define NEAP_MODEL_VARS_H

#include <stdbool.h>
#include <stddef.h>

#include <jansson.h>

enum vars_level { /* lowest first */
	VARS_ROLE_DEFAULTS,
	VARS_INVENTORY_ALL,      /* the inventory's own vars of group all */
	VARS_INVENTORY_GROUP,
	VARS_GROUP_VARS_ALL,     /* group_vars/all beside the inventory, then beside the playbook */
	VARS_GROUP_VARS,
	VARS_INVENTORY_HOST,
	VARS_HOST_VARS,
	VARS_FACTS,              /* gathered and cached facts */
	VARS_PLAY,
	VARS_PLAY_PROMPT,
	VARS_PLAY_FILES,
	VARS_ROLE,               /* vars/main of the role */
	VARS_TASK,               /* vars of blocks and of the task, inner ones last */
	VARS_INCLUDE_VARS,
	VARS_SET_FACT,           /* set_fact and registered results */
	VARS_ROLE_PARAMS,
	VARS_INCLUDE_PARAMS,
	VARS_LOOP,               /* item, ansible_loop and their like */
	VARS_EXTRA,              /* -e: always wins but over magic */
	VARS_MAGIC,              /* inventory_hostname, groups, hostvars, ... */
	VARS_DEBUGGER,           /* what was typed at the task debugger, for one task */
	VARS_LEVELS
};

struct vars_layer {
	enum vars_level level;
	json_t *values;     /* borrowed dictionary */
	bool final;         /* not templates */
	const char *origin; /* "group_vars/web.json", "play vars", for explain and messages; borrowed */
};

struct vars {
	struct vars_layer *layers; /* kept in order of precedence, lowest first */
	size_t count, room;
};

#define VARS_INIT { 0 }

void vars_add(struct vars *vars, enum vars_level level, json_t *values, bool final, const char *origin);
/* Forgets the layers of a level (a task's own, after the task). */
void vars_remove_level(struct vars *vars, enum vars_level level);
/* The winning layer, with *value borrowed; NULL where no layer has the name. */
const struct vars_layer *vars_find(const struct vars *vars, const char *name, json_t **value);
/* Every name once, with its winning layer. */
void vars_each(const struct vars *vars,
               void (*visit)(void *context, const char *name, json_t *value, const struct vars_layer *layer),
               void *context);
void vars_release(struct vars *vars);

#endif
