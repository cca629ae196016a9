/* A play under way: its hosts in batches (serial), walked in turns (linear) or each by itself (free). */
#ifndef NEAP_RUN_PLAY_H
#define NEAP_RUN_PLAY_H

#include <pthread.h>
#include <stdatomic.h>

#include "base/index.h"
#include "run/context.h"
#include "run/gather.h"
#include "run/walk.h"

struct play_state {
	struct run_context *run;
	const struct play *play;
	const char *name;
	char *directory; /* of the playbook, from the root; owned */
	unsigned number;
	json_t *prompted;                /* vars_prompt: dictionary, or NULL; owned */
	json_t *all_names, *batch_names; /* names of hosts, for the magic variables */
	json_t *names_in_order;          /* the same as order: has them, for reports */
	json_t **vars_files;             /* the dictionaries of vars_files:, in order; borrowed */
	size_t vars_file_count, vars_file_room;
	bool has_host_files;             /* the names of some are of each host: NULL among the dictionaries */
	struct host_file *host_files;    /* those that were read; under lock */
	size_t host_file_count, host_file_room;
	struct index host_file_index;    /* by host */
	struct document **documents;     /* of those whose names were templates; owned */
	size_t document_count, document_room;
	struct gather gather;            /* of facts */
	bool force_handlers, is_free;
	bool is_debugged;                /* the task debugger stops at what fails, unless a task says otherwise */
	struct throttles *throttles;
	atomic_bool is_fatal;                   /* a task with any_errors_fatal has failed */
	atomic_bool is_over, batch_is_over;     /* meta: end_play, end_batch */
	double max_fail_percentage;      /* < 0: none */
	bool started;                    /* --start-at-task was met before this play, or not asked for */
	pthread_mutex_t lock;            /* of what follows */
	bool *announced;                 /* by number of the task, in this batch */
	size_t announced_room;
	const struct role **public_roles; /* whose variables the rest of the play sees: include_role with public */
	size_t public_role_count, public_role_room;
	struct included *included;       /* what was included */
	const struct entry **handlers;   /* all of them, flat; an include of a role adds its own */
	size_t handler_count, handler_room;
};

/* Tells that a task begins, once for each batch. Any thread. */
void play_announce(struct play_state *play, const struct entry *entry, unsigned number, const char *name);
/* Tells of each turn, also where a handler or what an include has brought in comes again. The conductor, between turns. */
void play_announce_again(struct play_state *play, const struct entry *entry, const char *name);
/* The dictionary of one of vars_files for a host; NULL: its name is not known yet. Any thread. */
json_t *play_vars_file(struct play_state *play, const struct host_state *host, size_t index);
/* walk_enter_variables, and reads those of vars_files whose names are of this host, unless facts are wanted first. The variables
 * are entered in any case. Who has the walk. */
int play_enter_variables(struct walk *walk, struct template_vm *vm, const struct entry *entry, struct err *err) must_check;
/* The task's number in the run. */
unsigned play_task_number(struct play_state *play, const struct entry *entry);
/* Whether handlers that an include brings become the play's: not if it is only looked at. */
enum play_include { PLAY_LOOK, PLAY_INCLUDE };
/* A task file, loaded and checked once for all hosts; NULL with err. Any thread. */
const struct fragment *play_include_tasks(struct play_state *play, const struct entry *from, const char *path,
                                          enum play_include how, struct template_vm *vm, struct err *err);
/* A role, likewise. */
const struct fragment *play_include_role(struct play_state *play, const struct entry *from, const char *name,
                                         const struct role_from *files, enum play_include how, struct template_vm *vm,
                                         struct err *err);
/* Shows an included role's defaults and vars to the rest of the play. Any thread. */
void play_publish_role(struct play_state *play, const struct role *role);
/* One of those roles; NULL behind the last. Any thread. */
const struct role *play_public_role(struct play_state *play, size_t index);
/* How many handlers there are, and one of them. Any thread. */
size_t play_handler_count(struct play_state *play);
const struct entry *play_handler(struct play_state *play, size_t index);

/* Runs a play to its end on the calling thread (the conductor). -1 if the play itself is at fault (a template in hosts:,
 * a vars file): err says why. *stop: the run must not go on to the next play. */
int play_run(struct run_context *run, const struct play *play, unsigned number, struct template_vm *vm, bool *stop,
             struct err *err) must_check;

/* The hosts a play is for, after --limit, in its order. *hosts is new. */
int play_hosts(struct run_context *run, const struct play *play, struct template_vm *vm, struct host ***hosts,
               size_t *count, struct err *err) must_check;

#endif
