/* Facts about a target: one POSIX sh script reads the raw material in one round trip, and values are made of it here,
 * with the names and the values that Ansible's setup gives (without the prefix "ansible_").
 *
 * What a target sends is data: every text is cleaned to UTF-8, numbers are read with their ends checked, and a reply
 * that is cut or was made up by someone gives ANSWER_FAILED or wrong facts, never more. */
#ifndef NEAP_RUN_FACTS_H
#define NEAP_RUN_FACTS_H

#include <stddef.h>

#include "base/buf.h"
#include "plan/ask.h"

enum { FACTS_REPLY_MOST = 16 * 1024 * 1024 };

/* facts.sh, for facts.c. */
extern const char facts_text[];

/* Adds the script that answers an ask of facts. mark: random hex digits, fresh for each script. */
void facts_script(const struct ask *ask, const char *mark, struct buf *script);
/* The answer, one new reference, from what the script wrote to stdout. */
struct answer *facts_parse(const struct ask *ask, const char *mark, const char *reply, size_t length);

#endif
