/* Asks and answers on a target: one POSIX sh script that answers many asks, and the reading of its reply.
 *
 * The script costs the target a handful of processes, however many asks there are: what exists is found by the shell's own
 * tests, then one stat(1) looks at all of it, one sha1sum hashes, one readlink reads links, one cat reads small files. Where a
 * tool knows less (busybox, BSD, none at all), or a path vanished meanwhile, it falls back to one process for each path. Nothing
 * that the shell does by itself takes more than linear time.
 *
 * Files that one cat has read are told apart by their sizes, which are asked before and behind it. Where anything does not add
 * up (a file grew, a file system tells no true sizes), all of them are to be read again, apart.
 *
 * Asks of kind RUN are not part of it: a command's two streams, status and times are the wire's to tell apart, so they
 * travel as commands of their own in the same flight.
 *
 * The reply is a row of sections, each behind a line with a random mark that nothing on the target can know in advance;
 * names in it end at NUL, so that any byte may stand in a name. A reply that is cut, or was made up by someone, gives
 * ANSWER_FAILED, never more. */
#ifndef NEAP_RUN_PROBE_H
#define NEAP_RUN_PROBE_H

#include <stdbool.h>
#include <stddef.h>

#include "base/buf.h"
#include "plan/ask.h"

/* Why a HASH failed where the target has nothing to digest with: its file can be read instead. */
extern const char probe_no_tool[];
/* Why a READ failed where files that were read together could not be told apart: it can be read by itself. */
extern const char probe_mixed_up[];

/* Whether an ask can be part of a probe: STAT, READ, HASH, LIST, GLOB, USER and GROUP about the target. */
bool probe_takes(const struct ask *ask);
/* Adds the script for asks that probe_takes. apart: each file is read by a command of its own. mark: random hex digits, fresh
 * for each script. */
void probe_script(const struct ask *const *asks, size_t count, bool apart, const char *mark, struct buf *script);
/* Fills answers, one new reference each, from what the script wrote to stdout. */
void probe_parse(const struct ask *const *asks, size_t count, bool apart, const char *mark, const char *reply, size_t length,
                 struct answer **answers);

#endif
