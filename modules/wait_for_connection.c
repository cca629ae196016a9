/* wait_for_connection: until the target can be reached. */
#include "plan/module.h"

struct wait_want { long long connect_timeout, delay, sleep, timeout; };

static const struct arg wait_args[] = {
	{ .name = "timeout", .type = ARG_INT, .fallback = "600", .offset = offsetof(struct wait_want, timeout),
	  .doc = "How many seconds at most; then the task fails." },
	{ .name = "delay", .type = ARG_INT, .fallback = "0", .offset = offsetof(struct wait_want, delay),
	  .doc = "How many seconds to wait before the first try." },
	{ .name = "sleep", .type = ARG_INT, .fallback = "1", .offset = offsetof(struct wait_want, sleep),
	  .doc = "How many seconds to wait between tries." },
	{ .name = "connect_timeout", .type = ARG_INT, .fallback = "5", .offset = offsetof(struct wait_want, connect_timeout),
	  .doc = "How many seconds one try to connect may take." },
	{ 0 },
};

static const struct module_example wait_examples[] = {
	{ "A machine that was just made", "{\"name\": \"it is up\", \"wait_for_connection\": {\"delay\": 5, \"timeout\": 300}}" },
	{ 0 },
};

static const struct module_return wait_returns[] = {
	{ "elapsed", "int", "How many seconds it took." },
	{ 0 },
};

static int wait_decide(const struct module *module, const void *wanted, struct decision *decision, struct err *err)
{
	(void)module, (void)err;
	const struct wait_want *want = wanted;
	static const char *const argv[] = { "true", NULL };
	const struct step step = { .kind = STEP_RECONNECT, .reconnect = {
		.command = { .argv = argv }, .timeout_ms = want->timeout * 1000, .delay_ms = want->delay > 0 ? want->delay * 1000 : 0,
		.apart_ms = want->sleep > 0 ? want->sleep * 1000 : 100, .connect_timeout_ms = want->connect_timeout * 1000,
	} };
	result_changed(decision, false);
	const struct outcome *outcome = step_any(decision, &step);
	if (!outcome)
		return 0;
	result_int(decision, "elapsed", (outcome->run.end_us - outcome->run.start_us) / 1000000);
	if (!command_succeeded(&outcome->run))
		return result_fail(decision, "timed out waiting for the connection: the target could not be reached within %lld seconds",
		                   want->timeout);
	return 0;
}

const struct module wait_for_connection_module = {
	.name = "wait_for_connection",
	.doc = "Waits until the target can be reached and runs a command. A host that is unreachable when it begins is no failure.",
	.spec = { .args = wait_args, .want_size = sizeof(struct wait_want) },
	.examples = wait_examples,
	.returns = wait_returns,
	.decide = wait_decide,
	.no_check_mode = true,
};
