/* Asks: read-only questions about a target or about the controller, and their answers.
 *
 * Each ask_*() returns NULL until it is answered (decision.h). Answers live as long as the decision. An answer with
 * state other than ANSWER_OK says why in .why; ask_stat and its like answer "it does not exist" as a plain answer, not as
 * an error. */
#ifndef NEAP_PLAN_ASK_H
#define NEAP_PLAN_ASK_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>
#include <time.h>

#include <jansson.h>

#include "plan/command.h"
#include "plan/decision.h"

enum ask_kind {
	ASK_STAT,  /* a path's type and attributes */
	ASK_READ,  /* a file's bytes */
	ASK_HASH,  /* a file's digest */
	ASK_LIST,  /* what is in a folder, its whole tree if wanted, with digests if wanted */
	ASK_GLOB,  /* the paths a shell pattern names */
	ASK_RUN,   /* a command that changes nothing */
	ASK_USER,  /* an account, by name or number */
	ASK_GROUP, /* a group, by name or number */
	ASK_FACTS, /* facts by subset */
	ASK_FIND,  /* controller only: a file looked up where Ansible looks: role's and playbook's files/ or templates/ */
	ASK_RENDER, /* controller only: what a template file gives with the variables of the task */
	ASK_VARS,   /* controller only: the dictionary in a file of variables */
	ASK_VARIABLE, /* controller only: a variable of the task, evaluated with follow, else as it is written: ANSWER_FAILED
	               * where that is a final value with what looks like a template in it */
	ASK_PROMPT, /* controller only: a line from the terminal; ANSWER_ABSENT where there is none */
};

enum ask_side { ASK_ON_TARGET, ASK_ON_CONTROLLER };

enum { ASK_NO_FOLLOW = 0, ASK_FOLLOW = 1 };
/* The letter of a mode's type, 0: none of them. */
char stat_answer_type(mode_t mode);

enum { ASK_READ_MOST = 16 * 1024 * 1024 };

/* How a template file is read; NULL: as Jinja2 has it. */
struct ask_template {
	bool trim_blocks, lstrip_blocks;
	const char *newline;
	const char *block_start, *block_end, *variable_start, *variable_end, *comment_start, *comment_end;
	const char *name; /* the file as the task names it */
	const char *dest; /* where the result goes, for template_destpath */
};

/* What makes two asks the same is every field here (ask_same). */
struct ask {
	enum ask_kind kind;
	enum ask_side side;
	const char *path;      /* STAT READ HASH LIST RENDER VARS; the pattern of GLOB; the name in USER, GROUP, FIND, VARIABLE; the text of PROMPT; subset of FACTS */
	bool follow;           /* STAT: of what a symlink points to; PROMPT: what is typed is seen; VARIABLE */
	bool only_type;        /* STAT: nothing else is told, so that what is done inside a folder leaves the answer as it is */
	bool recurse;          /* LIST: the whole tree */
	bool opens;            /* READ, HASH, LIST on the controller: a file sealed by Ansible Vault counts as what is sealed in it;
	                        * STAT there: whether it is sealed is told */
	const char *algorithm; /* HASH, and LIST with digests: "sha1", "sha256", "md5", ...; else NULL */
	const char *folder;    /* FIND: "files", "templates", "tasks", "vars" or "" */
	size_t limit;          /* READ: most bytes; a longer file answers ANSWER_FAILED */
	struct command command;/* RUN */
	struct ask_template settings; /* RENDER */
};

enum answer_state {
	ANSWER_OK,
	ANSWER_ABSENT, /* there is no such file, account, group */
	ANSWER_DENIED, /* not allowed to look */
	ANSWER_FAILED, /* .why says the rest */
};

struct stat_answer {
	char type;         /* 'f' file 'd' directory 'l' symlink 'c' 'b' devices 'p' FIFO 's' socket; 0: does not exist */
	mode_t mode;       /* the lower 12 bits */
	uid_t uid;
	gid_t gid;
	const char *owner, *group; /* names, or numbers as text where there is no name */
	uint64_t size, device, inode, links;
	uint64_t blocks, block_size, device_type; /* 0 where stat(1) does not tell */
	struct timespec atime, mtime, ctime;
	const char *target;        /* of a symlink, else NULL */
	bool readable, writable, executable; /* by the user that asked */
	bool is_sealed;            /* by Ansible Vault; on the controller, where the ask opens */
};

struct bytes_answer { const char *bytes; size_t length; };

struct list_entry {
	const char *name;  /* relative to the folder asked for, "a/b"; never "." */
	struct stat_answer stat;
	const char *digest; /* of files, where asked for; else NULL */
};
struct list_answer { const struct list_entry *entries; size_t count; }; /* sorted by name, bytewise */
struct names_answer { const char *const *names; size_t count; };        /* sorted, bytewise */

struct user_answer {
	const char *name; uid_t uid; gid_t gid; const char *comment, *home, *shell;
	const char *const *groups; size_t group_count; /* supplementary, by name */
};
struct group_answer { const char *name; gid_t gid; const char *const *members; size_t member_count; };

/* Shared between tasks and threads by reference count; immutable once made. */
struct answer {
	int references;      /* atomic */
	struct arena arena;  /* holds everything below */
	enum answer_state state;
	bool is_straight;    /* STAT, READ, HASH, LIST of the target: there is no symlink on the way to what was looked at, nor,
	                      * where the ask looks through one, in its place */
	const char *why;     /* in words, for every state but OK */
	union {
		struct stat_answer stat;
		struct bytes_answer read; /* READ, RENDER */
		const char *hash; /* lower-case hex */
		struct list_answer list;
		struct names_answer glob;
		struct command_result run; /* RUN; PROMPT: the line as its output */
		struct user_answer user;
		struct group_answer group;
		const char *found; /* FIND: the path */
	};
	json_t *facts; /* FACTS, VARS, VARIABLE; owned */
};

/* ---- for modules ---- */

/* type 0 where nothing is there. What cannot be looked at fails the task: the module need not check the state. */
const struct stat_answer *ask_stat(struct decision *decision, const char *path, bool follow);
/* The same of a path's type alone, symlinks followed: what is made or removed in a folder leaves it a folder, so this does
 * not have to be asked again, and tasks that work in one folder do not wait for one another. */
const struct stat_answer *ask_type(struct decision *decision, const char *path);
/* The whole answer, for modules that treat "absent" or "denied" themselves. */
const struct answer *ask_read(struct decision *decision, const char *path);
const struct answer *ask_hash(struct decision *decision, const char *path, const char *algorithm);
const struct answer *ask_list(struct decision *decision, const char *path, bool recurse, const char *algorithm);
const struct answer *ask_glob(struct decision *decision, const char *pattern);
/* The command is declared to change nothing; it may run early, and in check mode. */
const struct command_result *ask_run(struct decision *decision, const struct command *command);
const struct answer *ask_user(struct decision *decision, const char *name);
const struct answer *ask_group(struct decision *decision, const char *name);
/* The same questions about the machine neap runs on. */
const struct answer *ask_local(struct decision *decision, const struct ask *ask);
/* A controller file by Ansible's search order; ANSWER_ABSENT has the places that were looked at in .why. */
const struct answer *ask_find(struct decision *decision, const char *name, const char *folder);
/* The text that a template file on the controller gives; path as ask_find found it. */
const struct answer *ask_render(struct decision *decision, const char *path, const struct ask_template *settings);
/* Any ask; copies what it needs. */
const struct answer *ask_any(struct decision *decision, const struct ask *ask);

/* ---- for the runner ---- */

/* Makes the index of the decision's log anew, after some of the log was dropped. */
void ask_index(struct decision *decision);
bool ask_same(const struct ask *a, const struct ask *b);
unsigned ask_hash_code(const struct ask *ask);
/* A command's environment stays borrowed. */
const struct ask *ask_copy(struct arena *arena, const struct ask *ask);
/* A copy that owns its environment, which an arena cannot: to be dropped before the arena is released. */
const struct ask *ask_keep(struct arena *arena, const struct ask *ask);
void ask_drop(const struct ask *ask);
/* One line: "stat /etc/hosts", "run sysctl -n net.ipv4.ip_forward". In the arena. */
const char *ask_describe(struct arena *arena, const struct ask *ask);
struct answer *answer_new(void); /* one reference */
struct answer *answer_ref(struct answer *answer);
void answer_unref(struct answer *answer);

#endif
