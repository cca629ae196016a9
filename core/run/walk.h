/* A walk: one host's place in a play. It knows the next task, where a failure leads (rescue, always, out), which handlers
 * were notified, and carries the task under way.
 *
 * The place is a stack of frames. Its position compares with other hosts' (walk_compare), so that under the linear
 * strategy the hosts that are furthest behind go first. */
#ifndef NEAP_RUN_WALK_H
#define NEAP_RUN_WALK_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "lua/template.h"
#include "run/variables.h"

struct debugger_edits;
struct play_state;
struct stream;
struct task;
struct throttle;

enum frame_kind {
	FRAME_PLAY,     /* the play's own sections */
	FRAME_BLOCK,    /* block, rescue or always of a block */
	FRAME_HANDLERS, /* the handlers that were notified */
	FRAME_INCLUDE,  /* what an include brought in */
};

struct part {                    /* of what an include brought in: one for each element of its loop */
	const struct entries *list;
	json_t *params;              /* variables that the include gives; owned, or NULL */
	unsigned rank;               /* among what all hosts have brought in at the same time */
};

struct frame {
	enum frame_kind kind;
	unsigned section;            /* which list of the frame; FRAME_INCLUDE: the rank of the part */
	size_t index;                /* next entry in it */
	const struct entry *block;   /* FRAME_BLOCK */
	const struct entries *list;  /* the section's entries; NULL for handlers */
	bool failing;                /* a failure waits for always to end */
	bool has_run;                /* of a role: a task of its own was not skipped */
	struct part *parts;          /* FRAME_INCLUDE: the part under way and those behind it */
	size_t part, part_count, part_room;
	json_t *params;              /* the part's; borrowed from it, or NULL */
	bool is_new;                 /* the current task has brought it in */
};

struct walk {
	struct run_context *run;
	struct play_state *play;
	struct host_state *host;
	size_t place;                /* among the batch's hosts */
	struct variables variables;
	struct frame *frames;
	size_t frame_count, frame_room;
	bool *notified;              /* by handler */
	size_t notified_count;
	bool notified_any;
	const struct entry *next;    /* the task to do; NULL: the end */
	struct task *task;           /* under way, or NULL */
	const struct debugger_edits *edits; /* of that task, or NULL */
	size_t included;             /* parts that the current task has included */
	json_t *spent;               /* variables of includes that have been left: the task under way may still look at them */
	bool facts_only;             /* this turn only gathers the facts that variables.wanted names */
	bool was_rescued;            /* the last task failed, and the walk went on */
	bool failed;                 /* out of the play: failed or unreachable */
	bool ended;                  /* end_host, end_play */
	struct target *target;       /* its own, once it was needed */
	size_t ahead_window;         /* tasks to look ahead at most */
	bool alone;                  /* no other host is to be waited for between tasks */
	json_t *roles_done;          /* identities of roles, as keys */
	struct throttle *throttle;   /* where it has a place, or waits for one; or NULL */
	struct throttle *machine;    /* the same of the machine that its task acts on, where others have come before it */
	struct stream *stream;       /* commands that were sent with an earlier one; or NULL */
	struct arena arena;

	/* for sched.c */
	struct walk *next_ready;
	int64_t due;
};

/* place: among the hosts of its batch. */
struct walk *walk_new(struct run_context *run, struct play_state *play, struct host_state *host, size_t place);
void walk_free(struct walk *walk);

/* Carries the walk on until its task waits for something, or its turn has ended. A worker, by sched.c. */
void walk_continue(struct walk *walk, struct template_vm *vm);

/* Goes to the next task after the one at walk->next was done (or left out). */
void walk_advance(struct walk *walk);
/* The task at walk->next has failed: to the rescue, the always, or out. Whether it is rescued, now or
 * after an always. */
bool walk_fail(struct walk *walk);
/* Runs these entries after the current task, before what follows it, and behind those included by it before. Borrowed:
 * they live as long as the play. params are taken over; NULL: none. */
void walk_include(struct walk *walk, const struct entries *entries, json_t *params);
/* Puts what these walks have included in their last turn into one order, that of the hosts and of each host's own loop, so that
 * what several hosts have included is done by them together. Under linear, by the conductor. */
void walk_order_included(struct walk *const *walks, size_t count);
/* variables_enter, with what the includes around the walk's place give. */
void walk_enter_variables(struct walk *walk, const struct entry *entry);
/* The same for another host, to which the task is delegated. */
void walk_enter_other(const struct walk *walk, struct variables *other, const struct entry *entry);
/* Runs the notified handlers next. */
void walk_flush_handlers(struct walk *walk);
/* Notifies handlers by name or topic; false if there is none. */
bool walk_notify(struct walk *walk, struct template_vm *vm, const char *name);
/* Ends the walk without failing it. */
void walk_end(struct walk *walk);
/* The current task, of this role (NULL: none), was not skipped. */
void walk_note_role(struct walk *walk, const struct role *role);
/* Leaves the role whose task this is, and what stands in it. false: it is in none. */
bool walk_end_role(struct walk *walk);
/* Before, at the same place, behind: < 0, 0, > 0. Neither may be at its end. */
int walk_compare(const struct walk *a, const struct walk *b);
/* How far to look: to the end of the play, or only as far as neither handlers nor the end of an include with variables
 * of its own come between. */
enum walk_reach { WALK_TO_END, WALK_TO_HANDLERS };
/* Entries that follow walk->next in the order they would run, as far as they can be told: visit returns false to stop. */
void walk_each_coming(struct walk *walk, enum walk_reach reach, bool (*visit)(void *context, const struct entry *entry),
                      void *context);
/* Entries that an include would bring to the walk's place, with the variables that it would give (borrowed, or NULL) in
 * force meanwhile. */
void walk_each_included(struct walk *walk, const struct entries *entries, json_t *params,
                        bool (*visit)(void *context, const struct entry *entry), void *context);

#endif
