/* What the parts of one run share. Made by run.c before the first thread starts; immutable afterwards but for what says
 * that it locks itself. */
#ifndef NEAP_RUN_CONTEXT_H
#define NEAP_RUN_CONTEXT_H

#include <pthread.h>
#include <stdatomic.h>
#include <stdbool.h>

#include <jansson.h>

#include "lua/template.h"
#include "model/inventory.h"
#include "model/playbook.h"
#include "plan/fact_subset.h"
#include "plan/module.h"
#include "run/event.h"
#include "run/run.h"
#include "run/slots.h"
#include "run/target.h"

struct controller;
struct hostvars;
struct stranger;
struct targets;
struct sched;

/* What the run remembers of a host from play to play. Used by the walk that has the host, by the conductor between
 * turns, and read by hostvars of other walks. The owner of the host writes variables under facts_lock and reads them without;
 * others read them under it, and write to given only. */
struct host_state {
	const struct host *host;
	json_t *variables; /* set_fact and registered results: final values */
	json_t *included;  /* include_vars: templates */
	json_t *facts;     /* gathered: final values, also under ansible_facts (host_facts.h) */
	bool has_new_facts;  /* that the fact cache does not have */
	fact_parts gathered; /* the parts of facts that need not be gathered again */
	json_t *added;     /* add_host: final values */
	json_t *plain;     /* its part of hostvars, NULL where that has to be made anew; under facts_lock */
	json_t *given;     /* what walks of other hosts gave it, taken up with its next task: [[kinds, facts]]; under facts_lock */
	struct event_stats stats;
	atomic_bool failed, unreachable, ended; /* read by all: ansible_play_hosts */
	bool took_part; /* a play was for it: it is in the recap */
};

struct run_context {
	const struct run_options *options;
	struct inventory *inventory;   /* the conductor may take over another one between turns (inventory_refresh.h) */
	struct inventory **past_inventories; /* those before it, which much borrows from */
	size_t past_inventory_count, past_inventory_room;
	struct playbook *const *playbooks;
	size_t playbook_count;
	struct registry *registry;
	const struct playbook_modules *playbook_modules;
	struct event_stream *events;
	struct wire_hub *hub;
	struct host_slots *slots;
	struct targets *targets;       /* locks itself */
	struct controller *controller; /* locks itself */
	struct sched *sched;           /* locks itself */
	json_t *extra_vars;            /* -e */
	json_t *groups;                /* the magic variable; the conductor's own to change, as hosts is */
	struct inventory_changes *inventory_changes; /* locks itself */
	fact_parts shared_facts;       /* what is looked up through hostvars, where facts are gathered as needed */
	json_t *options_vars;          /* magic variables that are the same for all hosts */
	struct host_state **hosts;     /* by host->index */
	size_t host_count;
	struct host_state **gone;      /* of hosts that the inventory has no more */
	size_t gone_count, gone_room;
	struct host_state *localhost;  /* where it is implicit, else NULL */
	struct stranger *strangers;    /* that tasks were delegated to, and the inventory does not have; under facts_lock */
	struct secret password, become_password;
	struct vault *vault;           /* locks itself; never NULL */
	pthread_mutex_t facts_lock;    /* recursive; of what hosts' variables say of each other, and of hostvars_vm */
	atomic_uint facts_version;     /* grows with every change of a host's variables */
	struct hostvars *hostvars;     /* the latest snapshot, or NULL; under facts_lock */
	struct template_vm *hostvars_vm; /* evaluates it within another evaluation; made when first needed */
	atomic_bool cancelled;         /* the first Ctrl-C: nothing new is started */
	atomic_bool start_found;       /* --start-at-task was met */
	atomic_bool any_out;           /* context_host_out was called: the magic lists of a play's hosts may lack some */
	atomic_bool debugger_told;     /* that there is no terminal for it */
	atomic_uint task_numbers;
	size_t turn;                     /* under linear: how many turns there have been; the conductor's, between them */
	int forks;
	bool is_last_play;             /* of all; the conductor sets it between plays */
	bool steps_confirmed;          /* --step: the user said "continue"; the conductor's own */
	/* For passphrases that no file or variable gave; NULL when nobody can answer. Serialises itself. */
	bool (*prompt)(void *context, const char *text, struct secret *answer);
};

void context_free_strangers(struct run_context *run);
/* The state of a host that may be new, made if it is. The conductor, while no walk is under way. */
struct host_state *context_add_host(struct run_context *run, const struct host *host);
void context_free_host(struct host_state *state);
/* Makes the magic variable groups from the inventory as it is now. The same. */
void context_set_groups(struct run_context *run);
/* template_scope's open_sealed, where its context is the run. */
int context_open_sealed(void *context, const char *sealed, size_t length, const struct secret **plain, struct err *err);
/* Sets one of the host's flags failed, unreachable, ended. Any thread. */
void context_host_out(struct run_context *run, atomic_bool *flag);
/* The host may be of an inventory before this one. NULL: it is gone. */
struct host_state *context_host(struct run_context *run, const struct host *host);
/* Whether the inventory has the host no more. */
bool context_is_gone(const struct run_context *run, const struct host_state *state);
/* Where the node stands, for events; on the heap. NULL: nobody wrote it, `neap exec` made it. */
char *context_place(const struct run_context *run, struct node node);
/* The host that delegate_to names: of the inventory, by its name or its address; else one of that name that only has the
 * variables of all hosts. Any thread. */
struct host_state *context_delegate(struct run_context *run, const char *name);
/* A warning event. */
void context_warn(struct run_context *run, const char *host, const char *format, ...)
	__attribute__((format(printf, 3, 4)));

#endif
