/* Answers from variables, files of variables and the user. */
#include "run/own_asks.h"

#include <string.h>

#include "base/clock.h"
#include "base/mem.h"
#include "run/passwords.h"
#include "run/render.h"

static void fail(struct answer *answer, enum answer_state state, const char *why)
{
	answer->state = state;
	answer->why = arena_str(&answer->arena, why);
}

/* ---- files of variables ---- */

static struct answer *vars_answer(const struct evaluation *at, const struct ask *ask)
{
	struct answer *answer = answer_new();
	auto_problems struct problems problems = PROBLEMS_INIT;
	struct document *document = NULL;
	if (playbook_load_vars(&document, ask->path, at->variables->run->vault, &problems) == 0) {
		json_t *root = document_root(document).value;
		answer->facts = json_is_object(root) ? json_deep_copy(root) : json_object();
	} else {
		const struct problem *first = problems.count ? &problems.items[0] : NULL;
		auto_free char *why = !first ? mem_printf("%s: it cannot be read", ask->path)
			: first->place.line ? mem_printf("%s:%d:%d: %s", ask->path, first->place.line, first->place.column, first->text)
			: mem_printf("%s: %s", ask->path, first->text);
		fail(answer, ANSWER_FAILED, why);
	}
	document_free(document);
	return answer;
}

/* ---- variables ---- */

static struct answer *evaluated_answer(const struct evaluation *at, const struct ask *ask)
{
	struct answer *answer = answer_new();
	struct err err = ERR_INIT;
	json_t *value = NULL;
	if (!vars_find(&at->variables->vars, ask->path, &value))
		fail(answer, ANSWER_ABSENT, "there is no such variable");
	else if (template_expression(at->vm, ask->path, &at->variables->scope, &answer->facts, &err) < 0)
		fail(answer, ANSWER_FAILED, err.text);
	return answer;
}

static struct answer *variable_answer(const struct evaluation *at, const struct ask *ask)
{
	struct answer *answer = answer_new();
	json_t *value = NULL;
	const struct vars_layer *layer = vars_find(&at->variables->vars, ask->path, &value);
	if (!layer)
		fail(answer, ANSWER_ABSENT, "there is no such variable");
	else if (layer->final && spec_has_template(value))
		fail(answer, ANSWER_FAILED, "its value is data with what looks like a template in it, and data is never a template");
	else
		answer->facts = json_deep_copy(value);
	return answer;
}

/* ---- the user ---- */

static struct answer *prompt_answer(const struct evaluation *at, const struct ask *ask)
{
	struct answer *answer = answer_new();
	struct secret line = { 0 };
	struct command_result *run = &answer->run;
	int64_t start = clock_wall_us();
	if (!passwords_ask(at->variables->run, ask->path, ask->follow, &line)) {
		fail(answer, ANSWER_ABSENT, "there is no terminal to ask on");
		return answer;
	}
	*run = (struct command_result){ .start_us = start, .end_us = clock_wall_us(), .errors = "" };
	run->output = arena_copy(&answer->arena, line.length ? line.bytes : "", line.length);
	run->output_length = line.length;
	secret_release(&line);
	return answer;
}

struct answer *own_ask_answer(const struct evaluation *at, const struct ask *ask)
{
	switch (ask->kind) {
	case ASK_RENDER: return render_answer(at, ask);
	case ASK_VARS: return vars_answer(at, ask);
	case ASK_VARIABLE: return ask->follow ? evaluated_answer(at, ask) : variable_answer(at, ask);
	case ASK_PROMPT: return prompt_answer(at, ask);
	default: return NULL;
	}
}
