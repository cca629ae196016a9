/* What wait_for looks for, and the kernel's tables of connections. */
#ifndef NEAP_MODULES_WAIT_FOR_H
#define NEAP_MODULES_WAIT_FOR_H

#include "plan/module.h"

struct wait_for_want {
	const char *host, *path, *search_regex, *state, *msg;
	json_t *active_connection_states, *exclude_hosts;
	long long port, timeout, delay, sleep, connect_timeout;
};

struct waiting {
	const struct wait_for_want *want;
	struct decision *decision;
	const char *path;    /* expanded */
	int64_t elapsed_us;  /* all waits and looks so far */
};

/* One look at the target, which may itself wait for so many seconds. NULL: not done yet, or the task was failed. */
const struct command_result *wait_for_look(struct waiting *waiting, const char *wanted, long long most);
/* How many connections to the host's port count, by the text of /proc/net/tcp and tcp6. */
size_t wait_for_connections(const struct wait_for_want *want, const char *tables);

#endif
