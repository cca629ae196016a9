/* What a build without the runner says. */
#include "run/run.h"

int run_playbooks(const struct run_options *options, struct reporter *const *reporters, size_t reporter_count,
                  struct problems *problems, struct err *err)
{
	(void)options, (void)reporters, (void)reporter_count, (void)problems;
	err_set(err, ERR_SYSTEM, "this build has no runner");
	err_hint(err, "build all of core/run");
	return err_exit_status(ERR_SYSTEM);
}
