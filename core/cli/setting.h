/* Settings: what ansible.cfg and the environment say where an option was not given. One table has their names in both places;
 * options name a setting by its variable (command.h), so a new one is a row here and a row there. */
#ifndef NEAP_CLI_SETTING_H
#define NEAP_CLI_SETTING_H

#include <stdbool.h>
#include <stddef.h>

#include "base/arena.h"
#include "base/err.h"

enum setting_kind {
	SETTING_TEXT,
	SETTING_PATH,    /* in the file: relative to its folder; "~" and $NAME are replaced */
	SETTING_PATHS,   /* several, with ":" between them */
	SETTING_SOURCES, /* several, with "," between them */
	SETTING_FIXED,   /* neap knows one value, which is doc: anything else is ignored, and told */
};

struct setting_row {
	const char *environment;   /* "ANSIBLE_FORKS" */
	const char *section, *key; /* in ansible.cfg */
	enum setting_kind kind;
	const char *doc;           /* begins in lower case, no full stop */
};

extern const struct setting_row setting_rows[]; /* ends at environment NULL; a setting with two places has two rows */

struct setting {
	const char *value; /* NULL: not set */
	const char *where; /* "/etc/ansible/ansible.cfg:3" or "ANSIBLE_FORKS" */
};

struct settings {
	struct arena arena;
	const char *path;        /* of the ansible.cfg that counts, or NULL */
	const char *passed_over; /* the folder of one that does not, because all may write there; or NULL */
	struct setting *values;  /* one for each row */
	const char *ignored;     /* what neap has not, "a, b"; or NULL */
};

/* Reads the first there is of $ANSIBLE_CONFIG, ansible.cfg in the working folder unless all may write there, ~/.ansible.cfg
 * and /etc/ansible/ansible.cfg; then the environment, which wins. ERR_INPUT with the line that cannot be read. */
int settings_load(struct settings *settings, struct err *err) must_check;
void settings_release(struct settings *settings);
/* Whether the text of a flag sets it. */
bool setting_is_true(const char *text);
/* NULL where it is not set. By the name of its variable. */
const struct setting *settings_find(const struct settings *settings, const char *environment);
/* What was passed over and what is ignored, to stderr. */
void settings_warn(const struct settings *settings);

#endif
