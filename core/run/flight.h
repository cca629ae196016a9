/* A flight: the asks of one user as commands that are sent together, alone or behind other commands. A probe asks all that it
 * takes, then come commands that are asked, then facts. */
#ifndef NEAP_RUN_FLIGHT_H
#define NEAP_RUN_FLIGHT_H

#include "base/digest.h"
#include "run/target.h"

enum { FLIGHT_REPLY_MOST = 256 * 1024 * 1024 };

struct flight {
	struct job_ask **probed, **commands, **facts;
	struct job_ask **fed; /* commands with an input, which cannot share the shell's; each is a flight of its own */
	size_t probed_count, command_count, fact_count, fed_count;
	const struct ask **asks; /* of probed */
	char mark[DIGEST_RANDOM_HEX], facts_mark[DIGEST_RANDOM_HEX];
	const struct event_stream *events;
};

/* Those of the job's asks that are asked as that user. What events would mask is not shown on the target either; NULL: nothing
 * is. In the arena, which must outlive it. */
struct flight *flight_new(struct arena *arena, const struct event_stream *events, struct job *job,
                          const struct target_user *user);
/* How many commands ask them all, at most. */
size_t flight_most(const struct flight *flight);
/* Fills commands, each of whose texts is in the arena; how many there are. */
size_t flight_commands(struct flight *flight, struct arena *arena, struct wire_command *commands);
/* Fills the answers from what became of the commands; one that was not run leaves its asks without an answer. */
void flight_take(struct flight *flight, const struct wire_outcome *outcomes);
void flight_take_command(struct job_ask *ask, const struct wire_outcome *outcome);
/* Whether the file has to be read by itself, because the target has no tool for the digest that was asked, or because it could not
 * be told apart from others that were read with it. */
bool flight_wants_reading(const struct job_ask *ask);

#endif
