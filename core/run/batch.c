/* Asks to shell text, and replies to answers. */
#include "run/batch.h"

#include <string.h>

#include "base/clock.h"
#include "base/digest.h"
#include "base/mem.h"
#include "run/command_text.h"
#include "run/facts.h"
#include "run/probe.h"

enum { REPLY_MOST = 256 * 1024 * 1024 };

/* The asks of one user in one flight: a probe for all that it takes, then each command, then facts. */
struct flight {
	struct job_ask **probed, **commands, **facts;
	struct job_ask **fed; /* commands with an input, which cannot share the shell's; each is a flight of its own */
	size_t probed_count, command_count, fact_count, fed_count;
	const struct ask **asks; /* of probed */
	char mark[DIGEST_RANDOM_HEX], facts_mark[DIGEST_RANDOM_HEX];
	const struct event_stream *events;
};

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
static size_t flight_commands(struct flight *flight, struct arena *arena, struct wire_command *commands)
{
	size_t count = 0;
	if (flight->probed_count) {
		auto_buf struct buf script = BUF_INIT;
		digest_random(flight->mark);
		probe_script(flight->asks, flight->probed_count, flight->mark, &script);
		commands[count++] = (struct wire_command){
			.script = arena_copy(arena, script.data, script.length), .keep = REPLY_MOST,
			.open = !event_would_mask(flight->events, buf_text(&script)),
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
			.script = arena_copy(arena, script.data, script.length), .keep = FACTS_REPLY_MOST, .open = true,
		};
	}
	return count;
}

static void take_probe(struct flight *flight, const struct wire_outcome *outcome)
{
	auto_free struct answer **answers = mem_array(flight->probed_count, sizeof(struct answer *));
	probe_parse(flight->asks, flight->probed_count, flight->mark, buf_text(&outcome->output), outcome->output.length,
	            answers);
	for (size_t i = 0; i < flight->probed_count; i++)
		flight->probed[i]->answer = answers[i];
}

static void take_command(struct job_ask *ask, const struct wire_outcome *outcome)
{
	ask->answer = answer_new();
	command_text_result(&ask->answer->arena, outcome, &ask->answer->run);
}

static void take_facts(const struct flight *flight, struct job_ask *ask, const struct wire_outcome *outcome)
{
	ask->answer = facts_parse(ask->ask, flight->facts_mark, buf_text(&outcome->output), outcome->output.length);
}

static int fly(struct wire *wire, const struct wire_become *become, struct flight *flight, struct err *err)
{
	auto_arena struct arena arena = ARENA_INIT;
	size_t most = flight->command_count + flight->fact_count + 1;
	struct wire_command *commands = arena_array(&arena, most, sizeof(*commands));
	struct wire_outcome *outcomes = arena_array(&arena, most, sizeof(*outcomes));
	size_t count = flight_commands(flight, &arena, commands);
	if (!count)
		return 0;
	int failed = wire_batch(wire, become, commands, outcomes, count, false, CLOCK_NEVER, err);
	if (!failed) {
		size_t at = 0;
		if (flight->probed_count)
			take_probe(flight, &outcomes[at++]);
		for (size_t i = 0; i < flight->command_count; i++)
			take_command(flight->commands[i], &outcomes[at++]);
		for (size_t i = 0; i < flight->fact_count; i++)
			take_facts(flight, flight->facts[i], &outcomes[at++]);
	}
	for (size_t i = 0; i < count; i++)
		wire_outcome_release(&outcomes[i]);
	return failed;
}

/* ---- digests of a target that cannot make them ---- */

static bool lacks_digest(const struct job_ask *ask)
{
	const struct answer *answer = ask->answer;
	return ask->ask->kind == ASK_HASH && answer->state == ANSWER_FAILED && answer->why && strcmp(answer->why, probe_no_tool) == 0;
}

static void digest_read(struct job_ask *ask, struct answer *read)
{
	char hex[DIGEST_HEX_MAX];
	struct answer *answer = read;
	if (read->state == ANSWER_OK) {
		digest_bytes(ask->ask->algorithm, read->read.bytes, read->read.length, hex);
		answer = answer_new();
		answer->hash = arena_str(&answer->arena, hex);
		answer_unref(read);
	}
	answer_unref(ask->answer);
	ask->answer = answer;
}

/* The files are read instead, and digested here. */
static int digest_here(struct wire *wire, const struct wire_become *become, const struct flight *flight, struct err *err)
{
	auto_arena struct arena arena = ARENA_INIT;
	struct job_ask **asks = arena_array(&arena, flight->probed_count, sizeof(*asks));
	const struct ask **reads = arena_array(&arena, flight->probed_count, sizeof(*reads));
	struct answer **answers = arena_array(&arena, flight->probed_count, sizeof(*answers));
	size_t count = 0;
	for (size_t i = 0; i < flight->probed_count; i++) {
		if (!lacks_digest(flight->probed[i]))
			continue;
		struct ask *read = arena_alloc(&arena, sizeof(*read));
		*read = (struct ask){ .kind = ASK_READ, .path = flight->probed[i]->ask->path, .limit = ASK_READ_MOST };
		asks[count] = flight->probed[i];
		reads[count++] = read;
	}
	if (!count)
		return 0;
	char mark[DIGEST_RANDOM_HEX];
	auto_buf struct buf script = BUF_INIT;
	digest_random(mark);
	probe_script(reads, count, mark, &script);
	const struct wire_command command = { .script = buf_text(&script), .keep = REPLY_MOST };
	struct wire_outcome outcome = { 0 };
	int failed = wire_batch(wire, become, &command, &outcome, 1, false, CLOCK_NEVER, err);
	if (!failed)
		probe_parse(reads, count, mark, buf_text(&outcome.output), outcome.output.length, answers);
	for (size_t i = 0; !failed && i < count; i++)
		digest_read(asks[i], answers[i]);
	wire_outcome_release(&outcome);
	return failed;
}

static int feed(struct wire *wire, const struct wire_become *become, struct job_ask *ask, struct err *err)
{
	const struct command *command = &ask->ask->command;
	auto_buf struct buf script = BUF_INIT;
	command_text(&script, command, NULL);
	struct wire_command request = {
		.script = buf_text(&script), .input = command->input, .input_length = command->input_length,
	};
	struct wire_outcome outcome = { 0 };
	if (wire_run(wire, become, &request, &outcome, err) < 0) {
		wire_outcome_release(&outcome);
		return -1;
	}
	take_command(ask, &outcome);
	wire_outcome_release(&outcome);
	return 0;
}

/* All that one user asks. */
static int answer_user(struct wire *wire, const struct event_stream *events, struct job *job,
                       const struct target_user *user, struct err *err)
{
	auto_arena struct arena arena = ARENA_INIT;
	struct job_ask *asks = job->asks;
	size_t count = job->ask_count;
	struct flight flight = {
		.probed = arena_array(&arena, count, sizeof(struct job_ask *)),
		.commands = arena_array(&arena, count, sizeof(struct job_ask *)),
		.fed = arena_array(&arena, count, sizeof(struct job_ask *)),
		.facts = arena_array(&arena, count, sizeof(struct job_ask *)),
		.asks = arena_array(&arena, count, sizeof(struct ask *)),
		.events = events,
	};
	for (size_t i = 0; i < count; i++) {
		if (asks[i].user == user)
			flight_add(&flight, &asks[i]);
	}
	if (fly(wire, user->become, &flight, err) < 0 || digest_here(wire, user->become, &flight, err) < 0)
		return -1;
	for (size_t i = 0; i < flight.fed_count; i++) {
		if (feed(wire, user->become, flight.fed[i], err) < 0)
			return -1;
	}
	return 0;
}

int batch_answer(struct wire *wire, const struct event_stream *events, struct job *job, struct err *err)
{
	struct job_ask *asks = job->asks;
	size_t count = job->ask_count;
	auto_arena struct arena arena = ARENA_INIT;
	bool *flown = arena_array(&arena, count, sizeof(*flown));
	for (size_t i = 1; i < count; i++) { /* while the first of them is answered */
		if (asks[i].user != asks[i - 1].user)
			wire_expect_shell(wire, asks[i].user->become);
	}
	for (size_t i = 0; i < count; i++) {
		if (flown[i])
			continue;
		for (size_t j = i; j < count; j++)
			flown[j] = flown[j] || asks[j].user == asks[i].user;
		if (answer_user(wire, events, job, asks[i].user, err) == 0)
			continue;
		if (err->kind != ERR_BECOME || asks[i].user == job->user)
			return -1;
		err_clear(err); /* a coming task's: it will meet that itself */
	}
	return 0;
}
