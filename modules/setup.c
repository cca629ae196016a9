/* setup: facts about a target. */
#include <fnmatch.h>
#include <string.h>

#include "plan/fact_subset.h"
#include "plan/module.h"

struct setup_want {
	json_t *gather_subset, *filter;
	const char *fact_path;
	long long gather_timeout;
};

static const struct arg setup_args[] = {
	{ .name = "gather_subset", .type = ARG_LIST, .elements = ARG_STR, .fallback = "[\"all\"]",
	  .offset = offsetof(struct setup_want, gather_subset),
	  .doc = "Which facts: all, min, hardware, network, virtual, or one of the smaller ones (distribution, mounts, env, ...); "
	         "with ! before it, not these. min is always gathered unless !min says otherwise." },
	{ .name = "filter", .type = ARG_LIST, .elements = ARG_STR, .fallback = "[]", .offset = offsetof(struct setup_want, filter),
	  .doc = "Shell patterns: only facts whose name is like one of them are given." },
	{ .name = "gather_timeout", .type = ARG_INT, .fallback = "10", .offset = offsetof(struct setup_want, gather_timeout),
	  .doc = "Seconds to wait for what may never answer: a name server, a file system whose server is gone." },
	{ .name = "fact_path", .type = ARG_PATH, .fallback = "\"/etc/ansible/facts.d\"",
	  .offset = offsetof(struct setup_want, fact_path),
	  .doc = "The folder on the target whose *.fact files become ansible_local: executables are run, others are read, as "
	         "JSON or INI." },
	{ 0 },
};

static const struct module_example setup_examples[] = {
	{ "All facts", "{\"name\": \"facts\", \"setup\": {}}" },
	{ "Only what the network is like", "{\"name\": \"addresses\", \"setup\": {\"gather_subset\": [\"!all\", \"network\"]}}" },
	{ "Only some names", "{\"name\": \"memory\", \"setup\": {\"filter\": [\"ansible_*_mb\"]}}" },
	{ 0 },
};

static const struct module_return setup_returns[] = {
	{ "ansible_facts", "dict", "The facts, each under ansible_ and its name." },
	{ 0 },
};

/* Whether the whole name is like one of the patterns; those without the prefix are tried with it too. */
static bool is_wanted(json_t *filter, const char *name)
{
	size_t i;
	json_t *pattern;
	json_array_foreach(filter, i, pattern) {
		const char *text = json_string_value(pattern);
		bool has_prefix = strncmp(text, "ansible_", 8) == 0 || strncmp(text, "facter", 6) == 0 || strncmp(text, "ohai", 4) == 0;
		if (!*text || fnmatch(text, name, 0) == 0)
			return true;
		if (!has_prefix && strncmp(name, "ansible_", 8) == 0 && fnmatch(text, name + 8, 0) == 0)
			return true;
	}
	return !json_array_size(filter);
}

static void add_facts(struct decision *decision, json_t *filter, json_t *gathered, json_t *facts)
{
	const char *name;
	json_t *value;
	json_object_foreach(gathered, name, value) {
		const char *full = arena_printf(&decision->arena, "ansible_%s", name);
		if (is_wanted(filter, full))
			json_object_set_new(facts, full, json_deep_copy(value));
	}
}

static int setup_decide(const struct module *module, const void *wanted, struct decision *decision, struct err *err)
{
	(void)module;
	const struct setup_want *want = wanted;
	fact_parts parts;
	if (fact_subset_parts(want->gather_subset, &parts, err) < 0) {
		result_fail(decision, "%s%s%s", err->text, *err->hint ? "; " : "", err->hint);
		err_clear(err);
		return 0;
	}
	const struct ask ask = {
		.kind = ASK_FACTS,
		.path = fact_subset_text(&decision->arena, parts),
		.folder = want->fact_path,
		.limit = want->gather_timeout > 0 ? (size_t)want->gather_timeout : 10,
	};
	const struct answer *answer = ask_any(decision, &ask);
	if (!answer)
		return 0;
	if (answer->state != ANSWER_OK)
		return result_fail(decision, "the facts could not be gathered: %s", answer->why ? answer->why : "no reason was given");
	json_t *facts = json_object();
	result_set(decision, "ansible_facts", facts);
	add_facts(decision, want->filter, answer->facts, facts);
	if (is_wanted(want->filter, "gather_subset"))
		json_object_set_new(facts, "gather_subset", json_deep_copy(want->gather_subset));
	if (is_wanted(want->filter, "module_setup"))
		json_object_set_new(facts, "module_setup", json_true());
	return 0;
}

const struct module setup_module = {
	.name = "setup",
	.doc = "Gathers facts about a target: its system, hardware, network and what its administrator wrote in facts.d. It changes "
	       "nothing, and needs no more than a POSIX sh there.",
	.spec = { .args = setup_args, .want_size = sizeof(struct setup_want) },
	.examples = setup_examples,
	.returns = setup_returns,
	.decide = setup_decide,
};
