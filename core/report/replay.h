/* Results that were read (report/results.h), told to a reporter as the events of a run. */
#ifndef NEAP_REPORT_REPLAY_H
#define NEAP_REPORT_REPLAY_H

#include <stdbool.h>

#include <jansson.h>

#include "run/event.h"

/* plays and stats as results_read has checked them; of the results only those that a host did not get over, where asked for.
 * Ends with the recap. The caller finishes the reporter. */
void replay_results(const json_t *plays, const json_t *stats, struct reporter *reporter, bool only_failures);

#endif
