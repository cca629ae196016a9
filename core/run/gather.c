/* The task that gathers facts, and gathering by need. */
#include "run/gather.h"

#include <string.h>

#include "base/mem.h"
#include "run/connect.h"
#include "run/host_facts.h"
#include "run/play.h"

enum { SECONDS = 10 };
static const char usual_path[] = "/etc/ansible/facts.d";

/* ---- the task ---- */

/* Ansible tags it "always" unless the play has tags of its own. */
static void make_task(struct gather *gather, const struct play *play)
{
	bool has_tags = scope_own(&play->scope, "tags").value != NULL;
	gather->implied = has_tags ? json_object() : json_pack("{s:[s]}", "tags", "always");
	gather->task = (struct entry){
		.kind = ENTRY_TASK,
		.scope = {
			.kind = SCOPE_TASK,
			.parent = &play->scope,
			.node = { .document = play->scope.node.document, .place = play->scope.node.place },
			.implied = gather->implied,
		},
		.name = "Gathering Facts",
		.action = "setup",
		.arguments = { .value = gather->arguments },
	};
	gather->tasks[0] = &gather->task;
	if (gather->is_asked)
		gather->list = (struct entries){ .items = gather->tasks, .count = 1, .room = 1 };
}

static int read_subset(struct gather *gather, struct err *err)
{
	json_t *subset = json_object_get(gather->arguments, "gather_subset");
	auto_json json_t *words = json_is_string(subset) ? json_pack("[O]", subset) : json_incref(subset);
	if (fact_subset_parts(words, &gather->allowed, err) < 0)
		return err_wrap(err, "gather_subset");
	return 0;
}

int gather_init(struct gather *gather, const struct play *play, json_t *gather_facts, json_t *arguments, int by_default,
                struct err *err)
{
	int truth = gather_facts ? keyword_bool(gather_facts) : by_default;
	gather->arguments = json_incref(arguments);
	const char *path = json_string_value(json_object_get(arguments, "fact_path"));
	json_t *timeout = json_object_get(arguments, "gather_timeout");
	gather->fact_path = path ? path : usual_path;
	gather->timeout_s = json_is_integer(timeout) && json_integer_value(timeout) > 0 ? (size_t)json_integer_value(timeout) : SECONDS;
	gather->is_asked = truth == 1;
	if (truth == -1 && read_subset(gather, err) < 0)
		return -1;
	make_task(gather, play);
	return 0;
}

void gather_release(struct gather *gather)
{
	json_decref(gather->arguments);
	json_decref(gather->implied);
}

/* ---- by need ---- */

int gather_ask(struct walk *walk, struct template_vm *vm, struct target *target, struct asks *asks, struct err *err)
{
	const struct gather *gather = &walk->play->gather;
	const struct evaluation at = { vm, &walk->variables, &gather->task };
	const struct target_user *user = targets_user(walk->run->targets, target, &at, err);
	if (!user)
		return -1;
	auto_arena struct arena arena = ARENA_INIT;
	const struct ask ask = {
		.kind = ASK_FACTS,
		.path = fact_subset_text(&arena, walk->variables.wanted),
		.folder = gather->fact_path,
		.limit = gather->timeout_s,
	};
	asks_add(asks, user, &ask);
	return 0;
}

static void add_facts(struct walk *walk, json_t *gathered)
{
	const char *name;
	json_t *value;
	auto_json json_t *facts = json_object();
	json_object_foreach(gathered, name, value) {
		auto_free char *full = mem_printf("ansible_%s", name);
		json_object_set_new(facts, full, json_deep_copy(value));
	}
	variables_learn(&walk->variables, FACTS_GATHERED, facts);
}

void gather_take(struct walk *walk, const struct asks *asks)
{
	for (size_t i = 0; i < asks->count; i++) {
		const struct job_ask *asked = &asks->items[i];
		if (asked->ask->kind != ASK_FACTS || !asked->answer || !walk->variables.wanted)
			continue;
		if (asked->answer->state == ANSWER_OK)
			add_facts(walk, asked->answer->facts);
		else
			context_warn(walk->run, walk->host->host->name, "the facts could not be gathered: %s",
			             asked->answer->why ? asked->answer->why : "no reason was given");
		walk->host->gathered |= walk->variables.wanted;
		walk->variables.wanted = 0;
	}
}
