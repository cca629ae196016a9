/* What the parts of the playbook loader share: the files being read, and the checks that plays, roles, blocks and tasks
 * have in common. Private to the model. */
#ifndef NEAP_MODEL_LOADER_H
#define NEAP_MODEL_LOADER_H

#include <stdbool.h>
#include <stddef.h>
#include <sys/types.h>

#include "model/playbook.h"

struct loading { /* a file or role folder that is being read, and what asked for it */
	dev_t device;
	ino_t inode;
	const struct loading *outer;
};

struct loader {
	struct playbook *playbook; /* keeps what is read */
	const char *const *role_paths;
	const struct playbook_modules *modules;
	struct problems *problems;
	const char *directory;     /* of the playbook */
	struct entries *handlers;  /* where the handlers of roles go */
	const struct loading *files, *roles; /* innermost first */
	const char **uses; /* identities of roles whose handlers the play has; borrowed */
	size_t use_count, use_room;
};

/* ---- loader.c ---- */

/* Marks path as being read until loader_leave. False, with a problem at node, if it is already: an import cycle. */
bool loader_enter(const struct loading **stack, struct loading *frame, const char *path, struct node at,
                  struct problems *problems);
void loader_leave(const struct loading **stack);
/* Reads a file that the playbook then owns; NULL with a problem. */
struct document *loader_read(struct loader *loader, const char *path);
/* Tells of directory/library, if there is one, once. */
void loader_library(struct loader *loader, const char *directory);
/* Checks place, support and type of a keyword; what: "a task". False if it must not be used. */
bool loader_keyword(struct loader *loader, const struct keyword *keyword, enum keyword_place place, const char *what,
                    struct node value);
/* Reports a key that is none of the keywords of a place. */
void loader_unknown_key(struct loader *loader, const char *key, enum keyword_place place, const char *what,
                        struct node value, bool with_modules);
bool loader_is_template(const char *text);
/* Members of vars: must be valid names. */
void loader_check_vars(struct loader *loader, struct node vars);

/* "a/b" without what is behind the last slash; "." if there is none. New string. */
char *loader_directory(const char *path);
/* New string; name alone where it is absolute or directory is ".". */
char *loader_join(const char *directory, const char *name);
/* stem with .yml, .yaml, .json or nothing behind it, in that order; as_named: first as it is. The first file that is there,
 * as a new string; NULL if none is. */
char *loader_find_stem(const char *stem, bool as_named);
/* "a/b.json" for "a/b.yml" and "a/b.yaml", as a new string; NULL for any other name. */
char *loader_converted_name(const char *name);
bool loader_is_file(const char *path);
bool loader_is_folder(const char *path);

/* ---- task.c ---- */

/* Reads a list of tasks and blocks; place: KEYWORD_TASK or KEYWORD_HANDLER. */
void task_read_list(struct loader *loader, struct entries *into, struct node list, const struct scope *parent,
                    enum keyword_place place);
/* The list that a task file holds; an empty file's null counts as an empty list. */
void task_read_file(struct loader *loader, struct entries *into, const char *path, struct node at,
                    const struct scope *parent, enum keyword_place place);
struct entry *task_new_entry(struct entries *into, enum entry_kind kind, enum scope_kind scope, struct node node,
                             const struct scope *parent);
void task_free_entries(struct entries *entries);

/* ---- role.c ---- */

/* roles: of a play or dependencies: of a role. */
void role_read_list(struct loader *loader, struct entries *into, struct node list, const struct scope *parent);
/* Makes an entry of import_role, or of an include at run time, the block of that role. at: where the name stands. */
void role_fill_entry(struct loader *loader, struct entry *entry, const char *name, const struct role_from *from,
                     struct node at);
/* Tells of the library/ of a role that is included at run time, if there is such a role: its modules must be known before. */
void role_tell_library(struct loader *loader, const char *name, const struct scope *parent);
void role_free(struct role *role);

#endif
