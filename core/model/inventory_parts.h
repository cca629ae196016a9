/* What the files of the inventory share: the graph as the readers build it, and the readers. Only for inventory*.c.
 *
 * Reading goes: inventory_load takes each source in turn and hands it to the reader for its kind (INI, JSON, the output of
 * an executable, a list); they add hosts, groups and edges with the inventory_put_* functions; when all are read,
 * inventory_settle hangs loose groups under "all" and loose hosts in "ungrouped", and gives each host its groups in order
 * of precedence. group_vars/ and host_vars/ are read last, because their files are named after hosts and groups. */
#ifndef NEAP_MODEL_INVENTORY_PARTS_H
#define NEAP_MODEL_INVENTORY_PARTS_H

#include <sys/types.h>

#include "base/arena.h"
#include "model/document.h"
#include "model/inventory.h"

/* A folder that has group_vars/ or host_vars/ in it. */
struct vars_folder {
	dev_t device;
	ino_t inode;
	json_t *groups, *hosts;               /* name to dictionary */
	json_t *group_origins, *host_origins; /* name to the path it came from */
};

struct inventory {
	struct arena arena; /* names and file names */
	struct host **hosts;
	size_t host_count, host_room;
	struct group **groups;
	size_t group_count, group_room;
	json_t *host_index, *group_index; /* name to position */
	struct group *all, *ungrouped;
	struct host *localhost; /* the first defined host with such a name, or the implicit one */
	struct document **documents;
	size_t document_count, document_room;
	struct vars_folder **folders; /* in order of precedence, lowest first */
	size_t folder_count, folder_room;
	const char *source; /* being read: becomes inventory_file of its new hosts */
	size_t expanded;    /* hosts that ranges made */
	json_t *suspects;    /* names of variables that were warned of */
	struct inventory_options options;
};

/* Finds or makes; loose until it is settled or put under another. */
struct group *inventory_put_group(struct inventory *inventory, const char *name);
/* Finds or makes a host and puts it into group (or NULL). port 0: none; it counts for a new host only. */
struct host *inventory_put_host(struct inventory *inventory, const char *name, struct group *group, int port);
/* Puts child under parent. ERR_INPUT where that would close a circle. */
int inventory_put_child(const struct inventory *inventory, struct group *parent, struct group *child,
                        struct err *err) must_check;
/* A variable of a group; ansible_group_priority sets its priority instead. value is taken. */
int group_put_var(const struct inventory *inventory, struct group *group, const char *name, json_t *value, struct err *err) must_check;
/* Sets one variable of a host; value is taken. Where hashes are merged, a dictionary into the one that is there. */
void host_put_var(const struct inventory *inventory, struct host *host, const char *name, json_t *value);
void inventory_settle(struct inventory *inventory, struct problems *problems);

/* "localhost", "127.0.0.1", "::1" */
bool inventory_is_local_name(const char *name);
/* All groups under group and itself, nearest first, each once. *count of them; the caller frees the array. */
struct group **group_walk(const struct inventory *inventory, struct group *group, size_t *count);

/* One -i: a list, a folder of sources, an executable or a file; decides which reader takes it. */
void inventory_source_read(struct inventory *inventory, const char *source, struct problems *problems);
/* The group_vars/ and host_vars/ beside it. */
void inventory_source_folder(struct inventory *inventory, const char *source, struct problems *problems);

/* The readers. Faults go to problems. */
void inventory_ini_read(struct inventory *inventory, const char *name, const char *bytes, size_t length,
                        struct problems *problems);
/* The static shape and the one of --list, told apart by their parts. script: what printed it, or NULL for a file;
 * without _meta it is asked for each host's variables. */
void inventory_json_read(struct inventory *inventory, struct node root, const char *script, struct problems *problems);
/* 0 read, 1 not something that can be executed. */
int inventory_script_read(struct inventory *inventory, const char *path, struct problems *problems) must_check;
/* The variables an executable gives for one host (--host NAME). */
void inventory_script_host(struct inventory *inventory, const char *path, struct host *host, struct problems *problems);
/* Reads a folder's group_vars/ and host_vars/; one that is known already moves to the end. */
void inventory_folder_read(struct inventory *inventory, const char *directory, struct problems *problems);
void vars_folder_free(struct vars_folder *folder);

/* Warns of a variable that has no meaning and may be a misspelt one that has; line: where it stands, or NULL. */
void inventory_look_at_name(struct inventory *inventory, struct place place, const char *line, const char *name,
                            const json_t *value, struct problems *problems);
/* The same for each in a dictionary. */
void inventory_look_at_names(struct inventory *inventory, struct node vars, struct problems *problems);
/* Warns of files in a group_vars/ or host_vars/ that nobody has, where somebody of nearly that name has none. files: name to
 * file name. */
void inventory_look_at_files(const struct inventory *inventory, const char *folder, bool hosts, const json_t *files,
                             struct problems *problems);

/* The document is the inventory's from now on. */
void inventory_keep_document(struct inventory *inventory, struct document *document);

#endif
