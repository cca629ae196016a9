/* The forms that a secret takes in texts: as it is, line by line, encoded and quoted. */
#ifndef NEAP_RUN_MASK_FORMS_H
#define NEAP_RUN_MASK_FORMS_H

#include <stddef.h>

enum mask_where {
	MASK_INSIDE, /* anywhere in a text */
	MASK_WORD,   /* where no letter, digit or _ is beside it: what is short is part of innocent words */
	MASK_LINE,   /* where it is a whole line, or stands in quotes */
};

struct mask_forms {
	void *context;
	/* Borrowed bytes, never of length 0; the same form may come twice. */
	void (*add)(void *context, const char *bytes, size_t length, enum mask_where where);
};

/* Calls add for each form of the secret, whose length is not 0. Wipes what it made. */
void mask_forms(const struct mask_forms *forms, const char *secret, size_t length);

#endif
