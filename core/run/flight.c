/* Asks to shell text, and replies to answers. */
#include "run/flight.h"

#include <string.h>

#include "base/mem.h"
#include "run/command_text.h"
#include "run/facts.h"
#include "run/probe.h"

static struct answer *failed_answer(const char *why)
{
	struct answer *answer = answer_new();
	answer->state = ANSWER_FAILED;
	answer->why = arena_str(&answer->arena, why);
	return answer;
}

static void flight_add(struct flight *flight, struct job_ask *ask)
{
	if (probe_takes(ask->ask)) {
		flight->asks[flight->probed_count] = ask->ask;
		flight->probed[flight->probed_count++] = ask;
	} else if (ask->ask->kind == ASK_RUN && ask->ask->command.input) {
		flight->fed[flight->fed_count++] = ask;
	} else if (ask->ask->kind == ASK_RUN) {
		flight->commands[flight->command_count++] = ask;
	} else if (ask->ask->kind == ASK_FACTS) {
		flight->facts[flight->fact_count++] = ask;
	} else {
		ask->answer = failed_answer("this cannot be asked of a target");
	}
}

/* The text of each command of the flight, the probe's first; in the arena. */
size_t flight_commands(struct flight *flight, struct arena *arena, struct wire_command *commands)
{
	size_t count = 0;
	if (flight->probed_count) {
		auto_buf struct buf script = BUF_INIT;
		digest_random(flight->mark);
		probe_script(flight->asks, flight->probed_count, false, flight->mark, &script);
		commands[count++] = (struct wire_command){
			.script = arena_copy(arena, script.data, script.length), .keep = FLIGHT_REPLY_MOST,
			.open = flight->events && !event_would_mask(flight->events, buf_text(&script)),
		};
	}
	for (size_t i = 0; i < flight->command_count; i++) {
		auto_buf struct buf script = BUF_INIT;
		command_text(&script, &flight->commands[i]->ask->command, NULL);
		commands[count++] = (struct wire_command){ .script = arena_copy(arena, script.data, script.length) };
	}
	for (size_t i = 0; i < flight->fact_count; i++) {
		auto_buf struct buf script = BUF_INIT;
		if (!*flight->facts_mark)
			digest_random(flight->facts_mark);
		facts_script(flight->facts[i]->ask, flight->facts_mark, &script);
		commands[count++] = (struct wire_command){
			.script = arena_copy(arena, script.data, script.length), .keep = FACTS_REPLY_MOST, .open = flight->events != NULL,
		};
	}
	return count;
}

static void take_probe(struct flight *flight, const struct wire_outcome *outcome)
{
	auto_free struct answer **answers = mem_array(flight->probed_count, sizeof(struct answer *));
	probe_parse(flight->asks, flight->probed_count, false, flight->mark, buf_text(&outcome->output), outcome->output.length,
	            answers);
	for (size_t i = 0; i < flight->probed_count; i++)
		flight->probed[i]->answer = answers[i];
}

void flight_take_command(struct job_ask *ask, const struct wire_outcome *outcome)
{
	ask->answer = answer_new();
	command_text_result(&ask->answer->arena, outcome, &ask->answer->run);
}

static void take_facts(const struct flight *flight, struct job_ask *ask, const struct wire_outcome *outcome)
{
	ask->answer = facts_parse(ask->ask, flight->facts_mark, buf_text(&outcome->output), outcome->output.length);
}

void flight_take(struct flight *flight, const struct wire_outcome *outcomes)
{
	size_t at = 0;
	if (flight->probed_count && !outcomes[at++].not_run)
		take_probe(flight, &outcomes[at - 1]);
	for (size_t i = 0; i < flight->command_count; i++, at++)
		if (!outcomes[at].not_run)
			flight_take_command(flight->commands[i], &outcomes[at]);
	for (size_t i = 0; i < flight->fact_count; i++, at++)
		if (!outcomes[at].not_run)
			take_facts(flight, flight->facts[i], &outcomes[at]);
}

struct flight *flight_new(struct arena *arena, const struct event_stream *events, struct job *job,
                          const struct target_user *user)
{
	size_t count = job->ask_count;
	struct flight *flight = arena_alloc(arena, sizeof(*flight));
	*flight = (struct flight){
		.probed = arena_array(arena, count, sizeof(struct job_ask *)),
		.commands = arena_array(arena, count, sizeof(struct job_ask *)),
		.fed = arena_array(arena, count, sizeof(struct job_ask *)),
		.facts = arena_array(arena, count, sizeof(struct job_ask *)),
		.asks = arena_array(arena, count, sizeof(struct ask *)),
		.events = events,
	};
	for (size_t i = 0; i < count; i++) {
		if (job->asks[i].user == user)
			flight_add(flight, &job->asks[i]);
	}
	return flight;
}

size_t flight_most(const struct flight *flight) { return flight->command_count + flight->fact_count + 1; }

bool flight_wants_reading(const struct job_ask *ask)
{
	const struct answer *answer = ask->answer;
	return answer->state == ANSWER_FAILED && ((ask->ask->kind == ASK_HASH && answer->why == probe_no_tool) ||
	                                          (ask->ask->kind == ASK_READ && answer->why == probe_mixed_up));
}
