/* A run: playbooks on the hosts of an inventory, from the check of everything to the recap. Main thread. */
#ifndef NEAP_RUN_RUN_H
#define NEAP_RUN_RUN_H

#include <stdbool.h>
#include <stddef.h>

#include <jansson.h>

#include "base/err.h"
#include "base/secret.h"
#include "model/inventory.h"
#include "model/problem.h"
#include "run/event.h"
#include "run/shard.h"
#include "run/vault_secrets.h"

enum run_list { RUN_LIST_NOTHING, RUN_LIST_HOSTS = 1, RUN_LIST_TASKS = 2, RUN_LIST_TAGS = 4 };

enum run_gathering {
	RUN_GATHER_NEEDED,   /* what is needed, when it is needed */
	RUN_GATHER_IMPLICIT, /* at the start of each play */
	RUN_GATHER_EXPLICIT, /* never */
};

enum run_mismatch { RUN_MISMATCH_WARNING, RUN_MISMATCH_ERROR, RUN_MISMATCH_IGNORED };

/* What keywords are where a playbook does not say. */
struct run_defaults {
	bool no_log;
	double timeout_s;              /* of a task; 0: none */
	int poll_s;                    /* 0: 15 */
	const char *const *gather_subset; size_t gather_subset_count;
	const char *fact_path;         /* or NULL */
	int gather_timeout_s;          /* 0: 10 */
};

/* What the command line asks for; names follow ansible-playbook. Borrowed. NULL or 0: not given. */
struct run_options {
	const char *const *playbooks; size_t playbook_count;
	json_t *adhoc;              /* `neap exec`: a play made in memory instead of playbooks, or NULL */
	const char *const *inventories; size_t inventory_count;
	const char *const *extra_vars; size_t extra_var_count; /* as -e gives them: k=v words, JSON, @file */
	const char *const *tags; size_t tag_count;
	const char *const *skip_tags; size_t skip_tag_count;
	const char *const *limits; size_t limit_count;
	const char *const *module_paths; size_t module_path_count;
	const char *const *role_paths; size_t role_path_count;
	struct shard shard;         /* count 0: all hosts */
	const char *start_at_task;
	bool step, check, diff, syntax_check, force_handlers, any_errors_fatal, flush_cache;
	const char *fact_cache;     /* folder, or NULL */
	long long fact_cache_seconds; /* how old what is in there may be; 0: any age */
	enum run_gathering gathering; /* of facts, where a play does not say */
	unsigned list;              /* enum run_list, or-ed */
	int forks;                  /* 0: 50 */
	int timeout_s;              /* connect timeout, 0: 10 */
	unsigned verbosity;
	const char *user, *private_key, *connection, *ssh_common_args, *ssh_extra_args;
	bool ask_pass, ask_become_pass, become;
	const char *become_user, *become_method, *become_flags, *become_exe;
	const char *ssh_args, *host_key_checking, *strategy;
	struct run_defaults defaults;
	bool has_private_roles;     /* roles show their vars to none but themselves */
	bool is_quiet_of_localhost; /* it is not told that there is no inventory */
	enum run_mismatch mismatch; /* what a pattern is that names nothing */
	const char *fact_cache_prefix; /* of its files, or NULL */
	struct inventory_options inventory; /* how it is read; without vault */
	bool task_debugger;         /* on whatever fails */
	bool debugger_minds_ignored; /* it stops at failures with ignore_errors too */
	int port;                   /* 0: as configured */
	const char *ssh_retries;    /* of a connection that cannot be made; a number, or NULL */
	const char *connection_password_file, *become_password_file;
	struct vault_sources vault; /* without fresh */
	bool vault_match_ids;
	/* Told what the check has found, warnings too, before a password is asked for or a host is connected to; or NULL. */
	void (*checked)(void *context, const struct problems *problems);
	void *checked_context;
};

/* Checks and runs. Events go to the reporters in turn, on this thread. Faults found before the first connection go to
 * problems, and nothing is run. Returns the exit status (0, 1, 2, 4, 5, 99); err says why where it is not told by events
 * or problems. Handles SIGINT and SIGTERM while it runs: the first stops cleanly, the second at once. */
int run_playbooks(const struct run_options *options, struct reporter *const *reporters, size_t reporter_count,
                  struct problems *problems, struct err *err);

#endif
