/* What a task's result means: register, changed_when, failed_when, until, and facts. */
#include "run/task_inside.h"

#include <string.h>

#include "base/mem.h"
#include "run/play.h"

int task_judge_register(struct task *task, struct err *err)
{
	auto_free char *name = NULL;
	if (keyword_text(&task->at, "register", &name, err) < 0)
		return -1;
	if (name)
		variables_set(&task->walk->variables, name, json_deep_copy(task->result));
	return 0;
}

static int judge_condition(struct task *task, const char *keyword, const char *key, struct err *err)
{
	if (!scope_keyword(&task->entry->scope, keyword).value)
		return 0;
	bool holds = false;
	const char *result_key = strcmp(key, "failed") == 0 ? "failed_when_result" : "changed_when_result";
	if (keyword_holds(&task->at, keyword, false, &holds, NULL, err) < 0) {
		/* The task has done what it did: its result stays, with what is wrong with the condition. */
		auto_buf struct buf text = BUF_INIT;
		task_error_text(err, &text);
		json_object_set_new(task->result, result_key, json_string(buf_text(&text)));
		json_object_set_new(task->result, "failed", json_true());
		err_clear(err);
		return 0;
	}
	json_object_set_new(task->result, key, json_boolean(holds));
	if (strcmp(key, "failed") == 0)
		json_object_set_new(task->result, result_key, json_boolean(holds));
	return 0;
}

/* Whose facts a task gives instead of its own host's: with delegate_facts the host it was delegated to; or NULL. */
static struct host_state *fact_host(struct task *task)
{
	bool delegated = false;
	struct err ignored = ERR_INIT;
	const char *name = task->settings.delegate_to;
	if (name && keyword_flag(&task->at, "delegate_facts", false, &delegated, &ignored) == 0 && delegated)
		return context_delegate(task->walk->run, name);
	return NULL;
}

/* run_once: what one host found holds for all of the batch. */
static void share_facts(struct task *task, unsigned kinds, json_t *facts)
{
	struct run_context *run = task->walk->run;
	json_t *names = task->walk->play->batch_names;
	for (size_t i = 0; i < json_array_size(names); i++) {
		const struct host *host = inventory_host(run->inventory, json_string_value(json_array_get(names, i)));
		if (host && host != task->walk->host->host)
			variables_give(run, context_host(run, host), kinds, facts, run->turn, task->walk->place);
	}
}

void task_judge_facts(struct task *task)
{
	json_t *facts = json_object_get(task->result, "ansible_facts");
	if (!json_is_object(facts) || json_is_true(json_object_get(task->result, "failed")))
		return;
	struct run_context *run = task->walk->run;
	struct host_state *host = fact_host(task);
	bool is_set_fact = strcmp(task->entry->action, "set_fact") == 0, once = false;
	unsigned kinds = task->module->gives_templates ? FACTS_INCLUDED : is_set_fact ? FACTS_SET : FACTS_GATHERED;
	if (is_set_fact && json_object_get(task->result, "_ansible_facts_cacheable"))
		kinds |= FACTS_GATHERED;
	struct err ignored = ERR_INIT;
	if (host && host != task->walk->host) {
		variables_give(run, host, kinds, facts, run->turn, task->walk->place);
		return;
	}
	if (!host && keyword_flag(&task->at, "run_once", false, &once, &ignored) == 0 && once)
		share_facts(task, kinds, facts);
	variables_learn(&task->walk->variables, kinds, facts);
}

int task_judge_conditions(struct task *task, bool *again, struct err *err)
{
	if (task->settings.retries >= 1) /* before the conditions, which may look at it */
		json_object_set_new(task->result, "attempts", json_integer(task->tries));
	if (task_judge_register(task, err) < 0 || judge_condition(task, "changed_when", "changed", err) < 0 ||
	    judge_condition(task, "failed_when", "failed", err) < 0)
		return -1;
	if (task->settings.retries < 1)
		return 0;
	if (task_judge_register(task, err) < 0)
		return -1;
	bool enough = !json_is_true(json_object_get(task->result, "failed"));
	if (task->settings.has_until && keyword_holds(&task->at, "until", true, &enough, NULL, err) < 0)
		return -1;
	if (enough)
		return 0;
	*again = task->tries <= task->settings.retries;
	if (*again)
		return 0;
	/* Ansible counts the attempts of a task that never made it without the first. */
	json_object_set_new(task->result, "attempts", json_integer(task->tries - 1));
	json_object_set_new(task->result, "failed", json_true());
	return 0;
}
