/* Asks to flights, and what flights cannot bring. */
#include "run/batch.h"

#include <string.h>

#include "base/clock.h"
#include "base/digest.h"
#include "base/mem.h"
#include "run/command_text.h"
#include "run/flight.h"
#include "run/probe.h"

static int fly(struct wire *wire, const struct wire_become *become, struct flight *flight, struct err *err)
{
	auto_arena struct arena arena = ARENA_INIT;
	size_t most = flight_most(flight);
	struct wire_command *commands = arena_array(&arena, most, sizeof(*commands));
	struct wire_outcome *outcomes = arena_array(&arena, most, sizeof(*outcomes));
	size_t count = flight_commands(flight, &arena, commands);
	if (!count)
		return 0;
	int failed = wire_batch(wire, become, commands, outcomes, count, false, CLOCK_NEVER, err);
	if (!failed)
		flight_take(flight, outcomes);
	for (size_t i = 0; i < count; i++)
		wire_outcome_release(&outcomes[i]);
	return failed;
}

/* ---- files that are read by themselves ---- */

/* A digest that the target cannot make is made here. */
static void take_read(struct job_ask *ask, struct answer *read)
{
	char hex[DIGEST_HEX_MAX];
	struct answer *answer = read;
	if (ask->ask->kind == ASK_HASH && read->state == ANSWER_OK) {
		digest_bytes(ask->ask->algorithm, read->read.bytes, read->read.length, hex);
		answer = answer_new();
		answer->hash = arena_str(&answer->arena, hex);
		answer_unref(read);
	}
	answer_unref(ask->answer);
	ask->answer = answer;
}

static int read_apart(struct wire *wire, const struct wire_become *become, const struct flight *flight, struct err *err)
{
	auto_arena struct arena arena = ARENA_INIT;
	struct job_ask **asks = arena_array(&arena, flight->probed_count, sizeof(*asks));
	const struct ask **reads = arena_array(&arena, flight->probed_count, sizeof(*reads));
	struct answer **answers = arena_array(&arena, flight->probed_count, sizeof(*answers));
	size_t count = 0;
	for (size_t i = 0; i < flight->probed_count; i++) {
		if (!flight_wants_reading(flight->probed[i]))
			continue;
		const struct ask *ask = flight->probed[i]->ask;
		struct ask *read = arena_alloc(&arena, sizeof(*read));
		*read = (struct ask){ .kind = ASK_READ, .path = ask->path, .limit = ask->limit ? ask->limit : ASK_READ_MOST };
		asks[count] = flight->probed[i];
		reads[count++] = read;
	}
	if (!count)
		return 0;
	char mark[DIGEST_RANDOM_HEX];
	auto_buf struct buf script = BUF_INIT;
	digest_random(mark);
	probe_script(reads, count, true, mark, &script);
	const struct wire_command command = { .script = buf_text(&script), .keep = FLIGHT_REPLY_MOST };
	struct wire_outcome outcome = { 0 };
	int failed = wire_batch(wire, become, &command, &outcome, 1, false, CLOCK_NEVER, err);
	if (!failed)
		probe_parse(reads, count, true, mark, buf_text(&outcome.output), outcome.output.length, answers);
	for (size_t i = 0; !failed && i < count; i++)
		take_read(asks[i], answers[i]);
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
	flight_take_command(ask, &outcome);
	wire_outcome_release(&outcome);
	return 0;
}

/* All that one user asks. */
static int answer_user(struct wire *wire, const struct event_stream *events, struct job *job,
                       const struct target_user *user, struct err *err)
{
	auto_arena struct arena arena = ARENA_INIT;
	struct flight *flight = flight_new(&arena, events, job, user);
	if (fly(wire, user->become, flight, err) < 0 || read_apart(wire, user->become, flight, err) < 0)
		return -1;
	for (size_t i = 0; i < flight->fed_count; i++) {
		if (feed(wire, user->become, flight->fed[i], err) < 0)
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
