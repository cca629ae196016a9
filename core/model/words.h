/* "k=v k=v" text as Ansible splits it: quotes group, templates stay whole, escapes (\n, \u0041) are read in words with a name. */
#ifndef NEAP_MODEL_WORDS_H
#define NEAP_MODEL_WORDS_H

#include <jansson.h>

#include "base/buf.h"
#include "base/err.h"

struct word { /* all NULL before the first; reused, released by word_release */
	char *key;   /* NULL: it is not of the form k=v */
	char *value; /* of k=v, without its quotes */
	char *text;  /* as it is written, but "=" for "\=" */
	char *space; /* the white space before it */
};

void word_release(struct word *word);
#define auto_word auto_(word_release)

/* Takes the next word and moves text behind it; 1, 0 at the end, -1 with ERR_INPUT on an open quote or template. */
int words_next(const char **text, struct word *word, struct err *err) must_check;
/* Adds a word as it is written, with the space before it unless it is the first. */
void words_add(struct buf *text, const struct word *word);
/* All k=v words, of equal names the last; what is no k=v is joined as "_raw_params". New dictionary, or NULL with
 * ERR_INPUT. */
json_t *words_pairs(const char *text, struct err *err) must_check;

#endif
