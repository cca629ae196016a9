/* Secrets, found by value wherever they stand in a text and replaced by "********".
 *
 * A value is looked for as it is, line by line where it has several, in base64 (at any offset inside a longer encoding), and
 * as URLs, JSON, shells, Python, YAML and HTML quote it; also its beginning where a text was cut (ERR_CUT). Values shorter
 * than MASK_ANYWHERE bytes are replaced only where they stand alone as a word, short lines of longer values only where they
 * are a line or in quotes: masking every "a" would spoil the report and give the secret away. The password in a URL is masked
 * there, known or not. Any thread. */
#ifndef NEAP_RUN_MASK_H
#define NEAP_RUN_MASK_H

#include <stdbool.h>
#include <stddef.h>

#include <jansson.h>

enum { MASK_ANYWHERE = 4 };

struct mask;

struct mask *mask_new(void);
/* Wipes what it knows. */
void mask_free(struct mask *mask);
/* From now on the value is masked; adding it again costs one look-up. */
void mask_add(struct mask *mask, const char *secret, size_t length);
/* Whether nothing was ever added. */
bool mask_is_empty(const struct mask *mask);
/* The masked text as a new string of *masked_length bytes with a NUL behind; NULL where there is nothing to mask. */
char *mask_text(const struct mask *mask, const char *text, size_t length, size_t *masked_length);
/* Masks a value in place: strings, keys and whole numbers at any depth. The value must not be shared. The caller's
 * reference is taken and a reference to the masked value returned, which is another one where value is a number. */
json_t *mask_json(const struct mask *mask, json_t *value);

#endif
