/* The log of a decision: what was asked and done, kept from one call of decide() to the next. */
#include "plan/decision.h"

#include "base/mem.h"
#include "plan/ask.h"
#include "plan/step.h"

void decision_init(struct decision *decision, bool check_mode)
{
	*decision = (struct decision){
		.host = "", .folder = "", .umask = 022, .check_mode = check_mode, .changed = -1,
		.kept = json_array(), .result = json_object(),
	};
}

static void differences_drop(struct decision *decision)
{
	for (size_t i = 0; i < decision->difference_count; i++) {
		json_decref(decision->differences[i].before_values);
		json_decref(decision->differences[i].after_values);
	}
	decision->difference_count = 0;
}

size_t decision_steps_done(const struct decision *decision)
{
	size_t done = 0;
	while (done < decision->stepped_count && decision->stepped[done].outcome)
		done++;
	return done;
}

/* Asks behind a step that was not done go with it: what they will ask depends on how it ends. */
static void forget_undone(struct decision *decision)
{
	decision->stepped_count = decision_steps_done(decision);
	size_t kept = 0;
	for (size_t i = 0; i < decision->asked_count; i++) {
		struct asked *asked = &decision->asked[i];
		if (asked->after_steps > decision->stepped_count)
			answer_unref(asked->answer);
		else
			decision->asked[kept++] = *asked;
	}
	if (kept == decision->asked_count)
		return;
	decision->asked_count = kept;
	ask_index(decision);
}

void decision_rewind(struct decision *decision)
{
	forget_undone(decision);
	if (decision->stepped_count < decision->last)
		decision->last = 0;
	decision->asked_next = decision->stepped_next = 0;
	json_object_clear(decision->result);
	differences_drop(decision);
	decision->failed = decision->skipped = false;
	decision->changed = -1;
}

bool decision_ask_is_open(const struct decision *decision, size_t index)
{
	const struct asked *asked = &decision->asked[index];
	return !asked->answer && asked->after_steps <= decision_steps_done(decision);
}

bool decision_wants_answers(const struct decision *decision)
{
	for (size_t i = 0; i < decision->asked_count; i++) {
		if (decision_ask_is_open(decision, i))
			return true;
	}
	return false;
}

bool decision_wants_steps(const struct decision *decision)
{
	return decision_steps_done(decision) < decision->stepped_count;
}

bool decision_is_done(const struct decision *decision)
{
	return decision->failed || decision->skipped ||
	       (!decision_wants_answers(decision) && !decision_wants_steps(decision));
}

bool decision_is_changed(const struct decision *decision)
{
	if (decision->changed >= 0)
		return decision->changed;
	for (size_t i = 0; i < decision->stepped_count; i++) {
		const struct stepped *stepped = &decision->stepped[i];
		bool done = !decision->failed || (stepped->outcome && stepped->outcome->ok);
		if (done && !stepped->step->unchanged)
			return true;
	}
	return false;
}

void decision_answer(struct decision *decision, size_t index, struct answer *answer)
{
	answer_unref(decision->asked[index].answer);
	decision->asked[index].answer = answer;
}

void decision_outcome(struct decision *decision, size_t index, const struct outcome *outcome)
{
	decision->stepped[index].outcome = outcome;
}

void decision_release(struct decision *decision)
{
	for (size_t i = 0; i < decision->asked_count; i++)
		answer_unref(decision->asked[i].answer);
	differences_drop(decision);
	free(decision->asked);
	index_release(&decision->asked_index);
	free(decision->stepped);
	free(decision->differences);
	json_decref(decision->result);
	json_decref(decision->kept);
	arena_release(&decision->arena);
	*decision = (struct decision){ .changed = -1 };
}
