/* Speculative decisions about coming tasks. */
#include "run/ahead.h"

#include <string.h>

#include "base/mem.h"
#include "run/attempt.h"
#include "run/connect.h"
#include "run/select.h"
#include "run/special.h"

enum { ASKS_MOST = 8192, ITEMS_MOST = 1000, INCLUDES_DEEP = 8 };

struct looking {
	struct walk *walk;
	struct template_vm *vm;
	struct target *target;
	struct asks *asks;
	const struct touched *behind;
	const struct entry *after; /* nothing before it is looked at, nor itself */
	size_t left;    /* tasks */
	unsigned depth; /* of includes */
};

static void add_open(struct looking *looking, struct attempt *attempt, bool commands)
{
	struct decision *decision = &attempt->decision;
	for (size_t i = 0; i < decision->asked_count; i++) {
		const struct ask *ask = decision->asked[i].ask;
		if (!decision_ask_is_open(decision, i) || ask->side == ASK_ON_CONTROLLER)
			continue;
		if (ask->kind == ASK_RUN && !commands)
			continue;
		struct answer *known = store_find(target_store(looking->target), attempt->user->key, ask, looking->behind);
		if (known)
			answer_unref(known);
		else
			asks_add(looking->asks, attempt->user, ask);
	}
}

/* One module call of a coming task; whatever goes wrong is silent until its turn. */
static void look_once(struct looking *looking, const struct evaluation *at, const struct module *module)
{
	struct run_context *run = looking->walk->run;
	struct err err = ERR_INIT;
	bool holds = true, known = keyword_holds(at, "when", true, &holds, NULL, &err) == 0;
	if (known && !holds)
		return;
	struct attempt attempt;
	enum attempt_need need = ATTEMPT_DONE;
	bool check = run->options->check;
	if (attempt_prepare(&attempt, at, module, check, run->options->diff, &err) == 0) {
		attempt.target = looking->target;
		attempt.behind = looking->behind;
		attempt.user = targets_user(run->targets, looking->target, at, &err);
		if (attempt.user && attempt_decide(&attempt, at, &need, &err) == 0 && need == ATTEMPT_ANSWERS)
			add_open(looking, &attempt, known);
	}
	attempt_release(&attempt);
}

/* What the turn of such a task looks like depends on more than the target's answers. */
static bool is_opaque(const struct entry *entry, const struct module *module)
{
	return !module || module->acts_on_run || scope_keyword(&entry->scope, "delegate_to").value ||
	       keyword_has_own_connection(entry);
}

static bool look_at(void *context, const struct entry *entry);

/* What an include would bring, if it is known to be done: its variables are in force, and again afterwards. */
static void look_into(struct looking *looking, const struct evaluation *at, json_t *params)
{
	struct walk *walk = looking->walk;
	struct err ignored = ERR_INIT;
	bool holds = false;
	const struct entries *entries = NULL;
	if (keyword_holds(at, "when", true, &holds, NULL, &ignored) == 0 && holds)
		entries = special_look(walk, at);
	if (!entries)
		return;
	variables_leave(&walk->variables);
	looking->depth++;
	walk_each_included(walk, entries, params, look_at, looking);
	looking->depth--;
	walk_enter_variables(walk, at->entry);
}

/* All items of a task, or of an include where module is NULL. */
static void look_at_items(struct looking *looking, const struct evaluation *at, const struct module *module)
{
	struct loop loop;
	struct err ignored = ERR_INIT;
	bool known = loop_init(&loop, at, &ignored) == 0;
	size_t count = !known ? 0 : loop.items ? json_array_size(loop.items) : 1;
	for (size_t i = 0; i < count && i < ITEMS_MOST && looking->left; i++) {
		if (loop.items)
			loop_enter(&loop, at->variables, i);
		if (module)
			look_once(looking, at, module);
		else
			look_into(looking, at, loop.values);
	}
	loop_release(&loop);
}

static bool look_at(void *context, const struct entry *entry)
{
	struct looking *looking = context;
	struct walk *walk = looking->walk;
	if (looking->after) {
		looking->after = entry == looking->after ? NULL : looking->after;
		return true;
	}
	const struct module *module = registry_find(walk->run->registry, entry->action);
	bool includes = special_handles(entry) && looking->depth < INCLUDES_DEEP;
	if ((includes || !is_opaque(entry, module)) && select_entry(walk->run, entry)) {
		walk_enter_variables(walk, entry);
		const struct evaluation at = { looking->vm, &walk->variables, entry };
		look_at_items(looking, &at, includes ? NULL : module);
		variables_leave(&walk->variables);
	}
	looking->left -= looking->left > 0;
	return looking->left && looking->asks->count < ASKS_MOST && !atomic_load(&walk->run->cancelled);
}

void ahead_collect(struct walk *walk, struct template_vm *vm, struct target *target, const struct touched *behind,
                   const struct entry *after, struct asks *asks)
{
	struct looking looking = { walk, vm, target, asks, behind, after, walk->ahead_window, 0 };
	walk->variables.scope.early = true;
	if (looking.left)
		walk_each_coming(walk, WALK_TO_END, look_at, &looking);
	walk->variables.scope.early = false;
}

void ahead_collect_items(struct walk *walk, const struct evaluation *at, struct loop *loop, size_t item, size_t index,
                         struct target *target, const struct touched *behind, struct asks *asks)
{
	const struct module *module = registry_find(walk->run->registry, at->entry->action);
	struct looking looking = { walk, at->vm, target, asks, behind, NULL, walk->ahead_window, 0 };
	at->variables->scope.early = true;
	for (size_t i = item + 1; module && i < json_array_size(loop->items) && looking.left-- && asks->count < ASKS_MOST; i++) {
		loop_enter(loop, at->variables, i);
		look_once(&looking, at, module);
	}
	at->variables->scope.early = false;
	loop_enter(loop, at->variables, index);
}
