/* The inventory: hosts, groups and their variables, from Ansible's static JSON, its --list JSON (with and without
 * _meta), executables that print either, INI files, "a,b," lists, folders of these, and the group_vars/ and host_vars/
 * beside them. Immutable after loading, but for add_host and group_by, which the runner serialises. */
#ifndef NEAP_MODEL_INVENTORY_H
#define NEAP_MODEL_INVENTORY_H

#include <stdbool.h>
#include <stddef.h>

#include <jansson.h>

#include "base/buf.h"
#include "base/err.h"
#include "model/document.h"
#include "model/problem.h"
#include "model/vars.h"
#include "model/vault.h"

struct inventory;

struct group {
	const char *name;
	json_t *vars;       /* the inventory's own, never NULL */
	struct group **children, **parents;
	size_t child_count, parent_count;
	struct host **hosts; /* direct members, in order */
	size_t host_count;
	int depth;           /* of all: 0 */
	int priority;        /* ansible_group_priority, 1 unless set */
	size_t child_room, parent_room, host_room;
};

struct host {
	const char *name;
	json_t *vars;          /* the inventory's own, never NULL */
	struct group **groups; /* all it is in, directly or not, by depth, priority, name: lowest precedence first */
	size_t group_count;
	size_t index;          /* in order of appearance; SIZE_MAX for an implicit host */
	bool implicit;         /* localhost where nobody defined it */
	size_t group_room;
};

enum {
#ifdef FUZZING_BUILD_MODE_UNSAFE_FOR_PRODUCTION
	INVENTORY_MAX_HOSTS = 1000,
#else
	INVENTORY_MAX_HOSTS = 1000000, /* what ranges may expand to, all in all */
#endif
	INVENTORY_SCRIPT_MS = 60000,   /* how long an executable may take for one answer */
};

struct inventory_options {
	struct vault *vault; /* opens files that are sealed, borrowed; or NULL */
	bool merges_hashes;  /* dictionaries are merged (model/vars.h) */
};

/* sources: paths and lists as given by -i; later ones win. options: NULL: none of them. Faults go to problems; -1 on an error. The inventory is made
 * even then, as far as it could be read: problems borrow their files' names from it. Freed by inventory_free. */
int inventory_load(struct inventory **inventory, const char *const *sources, size_t count,
                   const struct inventory_options *options, struct problems *problems) must_check;
void inventory_free(struct inventory *inventory);
/* Reads group_vars/ and host_vars/ beside a playbook as well; each folder once. */
int inventory_add_vars_beside(struct inventory *inventory, const char *directory, struct problems *problems) must_check;

/* The documents that were read, JSON and YAML, in order. */
void inventory_each_document(const struct inventory *inventory, void (*visit)(void *context, struct node root), void *context);

size_t inventory_host_count(const struct inventory *inventory);
struct host *inventory_host_at(const struct inventory *inventory, size_t index);
/* NULL if there is none; "localhost" and its like are made implicitly (ansible_connection: local). */
struct host *inventory_host(struct inventory *inventory, const char *name);
struct group *inventory_group(const struct inventory *inventory, const char *name);
/* All groups: "all" first, "ungrouped" second, then in order of appearance. */
size_t inventory_group_count(const struct inventory *inventory);
struct group *inventory_group_at(const struct inventory *inventory, size_t index);

/* The hosts in a group or its children, each once: its own first, then those of its children. The caller frees the array. */
struct host **inventory_group_hosts(const struct inventory *inventory, struct group *group, size_t *count);

/* For add_host and group_by. New names are made; known ones are found. A new group is a child of "all". */
struct host *inventory_add_host(struct inventory *inventory, const char *name);
struct group *inventory_add_group(struct inventory *inventory, const char *name);
void inventory_join(struct inventory *inventory, struct host *host, struct group *group);
/* Puts a group into another. ERR_INPUT where that would close a circle. */
int inventory_nest(struct inventory *inventory, struct group *parent, struct group *child, struct err *err) must_check;
/* After all of these: "ungrouped" is anew for hosts in no other group, and each host has the groups above its own. */
void inventory_tidy(struct inventory *inventory);

/* Adds a host's inventory layers (VARS_INVENTORY_ALL to VARS_HOST_VARS) to vars. The layers borrow from the
 * inventory. Threads: read only. */
void inventory_vars(const struct inventory *inventory, const struct host *host, struct vars *vars);

/* The hosts a pattern names ("web*:!web3:&staging", "~regex", "web[0:2]", "@file", "all"), each once, in the order in which
 * Ansible runs them: as the pattern names them, and within a group its own hosts before its children's.
 * *hosts is a new array of borrowed hosts, NULL when there are none. A pattern that names nothing known adds a warning with the nearest name.
 * ERR_INPUT for a malformed pattern. */
int inventory_match(struct inventory *inventory, const char *pattern, struct host ***hosts, size_t *count,
                    struct problems *problems, struct err *err) must_check;

/* As `neap inventory --list`, in ansible-inventory's shape: new value. */
json_t *inventory_list(const struct inventory *inventory);
/* As `--host NAME`: all its variables from the inventory, the winning values only. New dictionary. */
json_t *inventory_host_vars(const struct inventory *inventory, const struct host *host);
/* As `--graph`, printed to out. */
void inventory_graph(const struct inventory *inventory, const char *group, bool with_vars, struct buf *out);

#endif
