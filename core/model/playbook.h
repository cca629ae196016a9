/* A playbook: plays, each with its entries (tasks, blocks and what is imported), as an immutable tree in which every
 * piece knows its place in a file and the piece around it.
 *
 * Static imports (import_playbook, import_tasks, import_role, the play's roles: and their dependencies) are expanded
 * while loading. include_tasks, include_role and include_vars stay tasks; what they load at run time becomes a fragment
 * with the same types. Values stay JSON: a keyword's value is read when it is needed, because most may be templates. */
#ifndef NEAP_MODEL_PLAYBOOK_H
#define NEAP_MODEL_PLAYBOOK_H

#include <stdbool.h>
#include <stddef.h>

#include "base/err.h"
#include "model/document.h"
#include "model/keyword.h"

enum scope_kind { SCOPE_PLAY, SCOPE_ROLE, SCOPE_BLOCK, SCOPE_TASK };

/* What plays, roles, blocks and tasks share: an object with keywords, inside another one. */
struct scope {
	enum scope_kind kind;
	const struct scope *parent; /* NULL for a play */
	struct node node;           /* the object; value NULL where a role is named by a plain string */
	const struct role *role;    /* the innermost role this stands in, or NULL */
	const struct scope *importer; /* of a play: the import_playbook that brought it in, or NULL */
	json_t *implied;            /* keywords that follow from others (local_action: delegate_to), or NULL; owned */
};

/* The innermost value of a keyword that is KEYWORD_NEAREST (or the scope's own, for KEYWORD_OWN);
 * node.value is NULL where none is given; null counts as not given. */
struct node scope_keyword(const struct scope *scope, const char *name);
/* The scope's own value only. */
struct node scope_own(const struct scope *scope, const char *name);
/* From the play (and what imported it) inwards to scope: calls visit for each that gives the keyword (KEYWORD_MERGE). */
void scope_each(const struct scope *scope, const char *name, void (*visit)(void *context, struct node value),
                void *context);

enum entry_kind { ENTRY_TASK, ENTRY_BLOCK };

struct entries {
	struct entry **items; /* owned */
	size_t count, room;
};

/* The play a scope stands in. */
const struct play *scope_play(const struct scope *scope);

/* One thing in a task list. */
struct entry {
	enum entry_kind kind;
	struct scope scope;
	const char *name; /* as written, NULL if it has none; may be a template */
	/* ENTRY_TASK */
	const char *action;   /* the module's short name: "copy" for "ansible.builtin.copy" */
	struct node module;   /* where it is named */
	bool is_absent;       /* there is no such module: the task fails where it is reached */
	struct node arguments;/* a dictionary, a string, or NULL value, as written under the module's name or action: */
	struct node extra_arguments; /* the task's args: keyword */
	bool is_handler;
	unsigned number;      /* given by the runner, for events; 0 before */
	/* ENTRY_BLOCK */
	struct entries block, rescue, always;
	bool is_static_import; /* made by an import or a role, not written as a block */
};

struct role {
	char *name;
	char *path;             /* the role's folder */
	json_t *params;         /* variables given where the role is named, beside role: and its keywords, or NULL; owned */
	struct node dependencies;   /* as meta/main names them; value NULL if it names none */
	struct node defaults, vars; /* defaults/main.json and vars/main.json; value NULL if missing */
	char *identity;         /* the same for uses with the same variables, conditions and tags: unless duplicates are allowed, a host does the role once */
	bool allow_duplicates;
};

/* One name in vars_files. A literal name is read while loading; vars.value is NULL where the name is a template, which
 * only the run can tell (playbook_load_vars). */
struct vars_file {
	struct node name; /* a string, or a list of which the first that exists counts */
	struct node vars;
};

struct play {
	struct scope scope;   /* first, so that a play is found from its scope */
	const char *name;     /* as written, NULL if none */
	struct node hosts;    /* a string or a list of strings; may be a template */
	struct entries pre_tasks, roles, tasks, post_tasks, handlers; /* roles: a block for each role */
	char *directory;      /* of the playbook file the play stands in; "." where it has none */
	struct vars_file *vars_files; /* owned */
	size_t vars_file_count, vars_file_room;
};

struct playbook {
	struct play **plays;
	size_t count, room;
	struct document **documents; /* every file that was read; owned */
	size_t document_count, document_room;
	struct role **role_list;     /* owned */
	size_t role_count, role_room;
	struct scope **imports;      /* of import_playbook; owned */
	size_t import_count, import_room;
	char **libraries;            /* library/ folders that were told of; owned */
	size_t library_count, library_room;
	json_t *values;              /* made from the action shorthands; owned */
	const char *const *role_paths; /* as they were given to playbook_load; borrowed */
};

/* What the loader asks about modules, which live on a higher floor; and what it opens sealed files with. */
struct playbook_modules {
	void *context;
	/* Whether a module of that short name exists, in the given library folder too. */
	bool (*known)(void *context, const char *name);
	/* Offers all names, for "did you mean". */
	void (*each)(void *context, void (*offer)(void *to, const char *name), void *to);
	/* Whether a module of that name has an argument of that name; NULL: not known. */
	bool (*takes)(void *context, const char *module, const char *argument);
	/* Tells of a library/ folder found beside a playbook or in a role; faults go to problems. */
	void (*library)(void *context, const char *directory, struct problems *problems);
	/* Opens sealed files; NULL: none can be opened. */
	struct vault *vault;
};

/* Loads a playbook file and all that it imports. Faults go to problems; -1 when there was an error. The playbook is
 * returned even then, as far as it could be read, so that its other parts can be checked. Freed by playbook_free. */
int playbook_load(struct playbook **playbook, const char *path, const char *const *role_paths,
                  const struct playbook_modules *modules, struct problems *problems) must_check;
/* The same from memory: plays that were made by the command line. Relative names are looked for in the working folder. */
int playbook_parse(struct playbook **playbook, const char *name, const char *text, size_t length,
                   const struct playbook_modules *modules, struct problems *problems) must_check;
void playbook_free(struct playbook *playbook);

/* What an include brings in at run time; the entries' outermost parent is the scope that included them, which must
 * outlive it. */
struct fragment {
	struct entries entries;   /* of an include_role: one block for the role */
	struct entries handlers;  /* of an include_role */
	struct playbook *files;   /* the documents and roles that were read; owned, without plays */
	struct role *role;        /* of an include_role, else NULL; borrowed from files */
	bool is_blank;            /* a task file that says nothing, not even that its list is empty */
};

/* A task file. Faults go to problems, -1 when there was an error; *fragment is NULL then. Freed by fragment_free. */
int fragment_load_tasks(struct fragment **fragment, const char *path, const struct scope *parent, bool handlers,
                        const struct playbook_modules *modules, struct problems *problems) must_check;

/* Which files of a role count instead of main; NULL: main. */
struct role_from {
	const char *tasks, *handlers, *vars, *defaults;
	bool unvalidated; /* the role's argument specs are not looked at */
	bool once;        /* allow_duplicates: false */
};

int fragment_load_role(struct fragment **fragment, const char *name, const struct role_from *from,
                       const struct scope *parent, const char *const *role_paths,
                       const struct playbook_modules *modules, struct problems *problems) must_check;
void fragment_free(struct fragment *fragment);

/* The folders in which files are looked for that a task names, in Ansible's order: its role, the roles that brought that one,
 * the folder of the file that the task stands in, that of the playbook. Ends with NULL; the caller frees it. */
char **scope_folders(const struct scope *scope);
void scope_folders_free(char **folders);
/* Where a file named by a task is: kind is the folder of a role ("tasks", "vars", "files", "templates"). Looks into the folders
 * of the scope, each with and without the kind; for NAME.yml also NAME.json, if there is only that. New string; NULL if there
 * is none. */
char *scope_find_file(const struct scope *scope, const char *kind, const char *name);
/* A hint for one that is not there: "did you mean ...?" from what is in those folders, or NULL. */
char *scope_near_file(const struct scope *scope, const char *kind, const char *name);

/* A file of variables: a dictionary with valid names. vault: as in document_load. The caller frees the document. */
int playbook_load_vars(struct document **document, const char *path, struct vault *vault,
                       struct problems *problems) must_check;
/* Whether text can name a variable. */
bool playbook_is_identifier(const char *text);

/* Calls visit for each entry in the order it runs, blocks before what they hold (block, rescue, always). */
void entries_each(const struct entries *entries, void (*visit)(void *context, const struct entry *entry), void *context);

#endif
