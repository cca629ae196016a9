/* Variables by Ansible's precedence ("Understanding variable precedence"): layers, each a dictionary with a level and an
 * origin; the highest level that has a name wins, and within a level the layer added last.
 *
 * Text from playbooks and inventories is a template and is evaluated when it is used; values that were evaluated,
 * registered or gathered are final. A layer says which it holds. Layers borrow their dictionaries. One thread at a
 * time.
 *
 * Where hashes are merged (hash_behaviour), a dictionary is merged at all depths into the one that it would hide, down to
 * what is no dictionary. Vars of tasks and blocks hide each other as ever, and so do those of includes; loop variables,
 * magic and what is above hide all. */
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
	struct vars_merged *merged; /* where hashes are merged, else NULL */
};

#define VARS_INIT { 0 }

void vars_add(struct vars *vars, enum vars_level level, json_t *values, bool final, const char *origin);
/* From now on hashes are merged. */
void vars_merge_hashes(struct vars *vars);
/* Forgets the layers of a level (a task's own, after the task). What was merged before is gone as well. */
void vars_remove_level(struct vars *vars, enum vars_level level);
/* The winning layer, with *value borrowed; NULL where no layer has the name. Of a merged value, the layer is good until the next
 * one is found; its level and origin are the highest one's, and it is final if all are. */
const struct vars_layer *vars_find(const struct vars *vars, const char *name, json_t **value);
/* Every name once, with its winning layer. */
void vars_each(const struct vars *vars,
               void (*visit)(void *context, const char *name, json_t *value, const struct vars_layer *layer),
               void *context);
void vars_release(struct vars *vars);
/* Merges a dictionary into another at all depths; copies what it takes over. */
void vars_merge(json_t *into, const json_t *from);
/* Gives a dictionary of variables one more, which is taken; merges: a dictionary with the one that it has, which is not touched. */
void vars_put(json_t *values, const char *name, json_t *value, bool merges);
/* The same with all of another's, which are shared. */
void vars_put_all(json_t *values, json_t *more, bool merges);

/* Whether a variable of that name is a password or a passphrase: ansible_password, ansible_become_pass, ... */
bool vars_is_secret(const char *name);

#endif
