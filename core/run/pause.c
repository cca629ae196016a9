/* pause: waits for a time, or for the user. */
#include <math.h>
#include <string.h>

#include "base/mem.h"
#include "plan/module.h"

struct pause_want { double seconds, minutes; const char *prompt; int echo; };

static const struct arg pause_args[] = {
	{ .name = "seconds", .type = ARG_FLOAT, .offset = offsetof(struct pause_want, seconds),
	  .doc = "How long; what is behind the point does not count, and the shortest is one second." },
	{ .name = "minutes", .type = ARG_FLOAT, .offset = offsetof(struct pause_want, minutes), .doc = "How long, in whole minutes." },
	{ .name = "prompt", .offset = offsetof(struct pause_want, prompt),
	  .doc = "What the user is shown. Without a time the run goes on when a line was typed; where there is no terminal, at once." },
	{ .name = "echo", .type = ARG_BOOL, .fallback = "true", .offset = offsetof(struct pause_want, echo),
	  .doc = "Whether what is typed is seen." },
	{ 0 },
};

static const struct rule pause_rules[] = {
	{ .kind = RULE_EXCLUSIVE, .names = (const char *const[]){ "minutes", "seconds", NULL } },
	{ 0 },
};

static const struct module_example pause_examples[] = {
	{ "Let a service settle", "{\"name\": \"settle\", \"pause\": {\"seconds\": 10}}" },
	{ "Ask", "{\"name\": \"sure?\", \"pause\": {\"prompt\": \"Enter the release to deploy\"}, \"register\": \"release\"}" },
	{ 0 },
};

static const struct module_return pause_returns[] = {
	{ "start", "str", "When it began." },
	{ "stop", "str", "When it ended." },
	{ "delta", "int", "How long it was, in whole seconds." },
	{ "stdout", "str", "The same in words." },
	{ "echo", "bool", "Whether what was typed was seen." },
	{ "user_input", "str", "What was typed." },
	{ 0 },
};

/* As Python writes a number that was rounded to two places. */
static const char *rounded(struct arena *arena, double number)
{
	char *text = arena_printf(arena, "%.2f", number);
	size_t length = strlen(text);
	if (text[length - 1] == '0')
		text[length - 1] = 0;
	return text;
}

static void tell(struct decision *decision, const struct command_result *times, bool in_minutes)
{
	double seconds = (double)(times->end_us - times->start_us) / 1e6;
	result_time(decision, "start", times->start_us);
	result_time(decision, "stop", times->end_us);
	result_int(decision, "delta", (long long)seconds);
	const char *number = rounded(&decision->arena, in_minutes ? seconds / 60 : seconds);
	result_str(decision, "stdout",
	           arena_printf(&decision->arena, "Paused for %s %s", number, in_minutes ? "minutes" : "seconds"));
}

static int wait_a_time(const struct pause_want *want, struct decision *decision)
{
	bool in_minutes = !isnan(want->minutes);
	double seconds = fmax(in_minutes ? trunc(want->minutes) * 60 : trunc(want->seconds), 1);
	const char *prompt = want->prompt && *want->prompt ? want->prompt : NULL;
	const struct step step = { .kind = STEP_WAIT, .wait = {
		.ms = (int64_t)(fmin(seconds, 1e9) * 1000),
		.say = arena_printf(&decision->arena, "Pausing for %.0f seconds%s%s", seconds, prompt ? ": " : "", prompt ? prompt : ""),
	} };
	const struct outcome *outcome = step_any(decision, &step);
	if (outcome)
		tell(decision, &outcome->run, in_minutes);
	return 0;
}

static int wait_for_user(const struct pause_want *want, struct decision *decision)
{
	const char *text = want->prompt && *want->prompt ? want->prompt : "Press enter to continue, Ctrl+C to interrupt";
	const char *question = arena_printf(&decision->arena, "%s%s:\n", text, want->echo ? "" : " (output is hidden)");
	const struct ask ask = { .kind = ASK_PROMPT, .side = ASK_ON_CONTROLLER, .path = question, .follow = want->echo };
	const struct answer *answer = ask_any(decision, &ask);
	if (!answer)
		return 0;
	if (answer->state != ANSWER_OK) {
		result_warn(decision, "Not waiting for response to prompt as stdin is not interactive");
		result_str(decision, "stdout", "Paused for 0.0 minutes");
		result_int(decision, "delta", 0);
		return 0;
	}
	tell(decision, &answer->run, true);
	result_bytes(decision, "user_input", answer->run.output, answer->run.output_length);
	return 0;
}

static int pause_decide(const struct module *module, const void *wanted, struct decision *decision, struct err *err)
{
	(void)module, (void)err;
	const struct pause_want *want = wanted;
	result_int(decision, "rc", 0);
	result_str(decision, "stderr", "");
	result_bool(decision, "echo", want->echo);
	result_str(decision, "user_input", "");
	result_changed(decision, false);
	return isnan(want->seconds) && isnan(want->minutes) ? wait_for_user(want, decision) : wait_a_time(want, decision);
}

const struct module pause_module = {
	.name = "pause",
	.doc = "Waits for a time, or for the user. It does so once for all hosts.",
	.spec = { .args = pause_args, .rules = pause_rules, .want_size = sizeof(struct pause_want) },
	.examples = pause_examples,
	.returns = pause_returns,
	.decide = pause_decide,
	.acts_on_run = true,
	.runs_once = true,
};
