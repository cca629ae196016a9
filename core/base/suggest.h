/* "Did you mean": the known name nearest to what was written. */
#ifndef NEAP_BASE_SUGGEST_H
#define NEAP_BASE_SUGGEST_H

#include <stdbool.h>
#include <stddef.h>

#include <jansson.h>

struct suggest {
	const char *written;
	const char *best; /* borrowed from what was offered; NULL when nothing is near */
	size_t distance;
};

void suggest_start(struct suggest *suggest, const char *written);
/* For names that only a slip away counts: at most so many edits. */
void suggest_start_within(struct suggest *suggest, const char *written, size_t most);
/* For a file's name: what is behind its last dot, which it shares with others, counts for nothing. */
void suggest_start_file(struct suggest *suggest, const char *written);
/* Offers a name that lives as long as the suggestion is used. Ties keep the first offered. */
void suggest_offer(struct suggest *suggest, const char *name);

/* Offers the names of what is in a folder, if there is one; kept, an array, gets them. */
void suggest_offer_folder(struct suggest *suggest, const char *folder, json_t *kept);

/* Whether they differ in their digits and case at most: web1 and web2 are two, however near. */
bool suggest_differ_in_digits(const char *a, const char *b);

#endif
