/* ping: proves that a target can be reached and answers. */
#include "plan/module.h"

struct ping_want { const char *data; };

static const struct arg ping_args[] = {
	{ .name = "data", .type = ARG_STR, .fallback = "\"pong\"", .offset = offsetof(struct ping_want, data),
	  .doc = "What the result's ping says; \"crash\" fails on purpose." },
	{ 0 },
};

static const struct module_example ping_examples[] = {
	{ "See whether the hosts answer", "{\"name\": \"hosts answer\", \"ping\": {}}" },
	{ 0 },
};

static const struct module_return ping_returns[] = {
	{ "ping", "str", "The value of data." },
	{ 0 },
};

static int ping_decide(const struct module *module, const void *wanted, struct decision *decision, struct err *err)
{
	(void)module;
	(void)err;
	const struct ping_want *want = wanted;
	/* The cheapest question there is: without one, nothing would be sent to the target. */
	const struct stat_answer *root = ask_stat(decision, "/", ASK_NO_FOLLOW);
	if (!root)
		return 0;
	if (strcmp(want->data, "crash") == 0)
		return result_fail(decision, "boom");
	result_str(decision, "ping", want->data);
	return 0;
}

const struct module ping_module = {
	.name = "ping",
	.doc = "Tries to reach a target and answers pong. It changes nothing.",
	.spec = { .args = ping_args, .want_size = sizeof(struct ping_want) },
	.examples = ping_examples,
	.returns = ping_returns,
	.decide = ping_decide,
};
