/* async_status: how a job that was started by async stands. */
#include <string.h>

#include "modules/async_job.h"

struct async_status_want { const char *jid, *mode; };

static const char *const modes[] = { "status", "cleanup", NULL };
static const struct arg async_status_args[] = {
	{ .name = "jid", .required = true, .offset = offsetof(struct async_status_want, jid),
	  .doc = "The job: `ansible_job_id` in the result of the task that started it." },
	{ .name = "mode", .choices = modes, .fallback = "\"status\"",
	  .offset = offsetof(struct async_status_want, mode),
	  .doc = "status tells how the job stands and what it gave; cleanup removes what is left of it on the target." },
	{ 0 },
};

static const struct module_example async_status_examples[] = {
	{ "Wait for a job", "{\"name\": \"the import has ended\", \"async_status\": {\"jid\": \"{{ job.ansible_job_id }}\"}, "
	                    "\"register\": \"import\", \"until\": \"import.finished\", \"retries\": 60, \"delay\": 5}" },
	{ "Remove what is left of it", "{\"name\": \"no traces\", \"async_status\": {\"jid\": \"{{ job.ansible_job_id }}\", "
	                               "\"mode\": \"cleanup\"}}" },
	{ 0 },
};

static const struct module_return async_status_returns[] = {
	{ "ansible_job_id", "str", "The job." },
	{ "started", "int", "1 where there is such a job." },
	{ "finished", "int", "1 where it has ended; then the result is that of its command." },
	{ "results_file", "str", "Where the target keeps what is known of it." },
	{ "erased", "str", "With cleanup: what was removed." },
	{ 0 },
};

static void set_empty(struct decision *decision)
{
	result_stream(decision, "stdout", "", 0);
	result_stream(decision, "stderr", "", 0);
}

static int fail_missing(struct decision *decision, const char *id)
{
	result_str(decision, "ansible_job_id", id);
	result_int(decision, "started", 1);
	result_int(decision, "finished", 1);
	return result_fail(decision, "could not find job");
}

static int async_status_decide(const struct module *module, const void *wanted, struct decision *decision, struct err *err)
{
	(void)module, (void)err;
	const struct async_status_want *want = wanted;
	const char *path = NULL;
	set_empty(decision);
	bool erases = strcmp(want->mode, "cleanup") == 0;
	enum async_job_state state = erases ? async_job_erase(decision, want->jid, &path) : async_job_look(decision, want->jid);
	if (state == JOB_MISSING)
		return fail_missing(decision, want->jid);
	if (state == JOB_LATE)
		return result_fail(decision, "Timeout exceeded");
	if (!erases || state == JOB_OPEN)
		return 0;
	result_str(decision, "ansible_job_id", want->jid);
	result_str(decision, "erased", path);
	result_int(decision, "started", 0);
	result_int(decision, "finished", 0);
	return 0;
}

const struct module async_status_module = {
	.name = "async_status",
	.doc = "Tells how a job that a task with async started stands.",
	.spec = { .args = async_status_args, .want_size = sizeof(struct async_status_want) },
	.examples = async_status_examples,
	.returns = async_status_returns,
	.decide = async_status_decide,
	.no_check_mode = true,
};
