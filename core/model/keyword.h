/* The playbook keywords of Ansible ("Playbook Keywords" in its documentation): one table, from which come the loader's
 * checks, inheritance, `neap doc --keywords`, the JSON Schema and the reference page. */
#ifndef NEAP_MODEL_KEYWORD_H
#define NEAP_MODEL_KEYWORD_H

#include <stdbool.h>
#include <stddef.h>

#include <jansson.h>

enum keyword_place { /* where a keyword may stand */
	KEYWORD_PLAY = 1,
	KEYWORD_ROLE = 2,
	KEYWORD_BLOCK = 4,
	KEYWORD_TASK = 8,
	KEYWORD_HANDLER = 16,
};

enum keyword_type { /* what its value may be; any value may instead be a template string where templated is set */
	KEYWORD_STRING,
	KEYWORD_BOOL,
	KEYWORD_INT,
	KEYWORD_PERCENT,    /* 30, 30.0, "30%" */
	KEYWORD_LIST,       /* a list of strings, or one string */
	KEYWORD_DICT,
	KEYWORD_CONDITION,  /* a bare expression, a boolean, or a list of them */
	KEYWORD_TASKS,      /* a list of tasks and blocks */
	KEYWORD_ANY,
};

enum keyword_inherit {
	KEYWORD_OWN,     /* does not reach what is inside */
	KEYWORD_NEAREST, /* the innermost that is given counts */
	KEYWORD_MERGE,   /* all count: conditions and tags add up, dictionaries are merged with the inner one on top */
};

struct keyword {
	const char *name;
	unsigned places; /* enum keyword_place, or-ed */
	enum keyword_type type;
	enum keyword_inherit inherit;
	bool templated;
	const char *doc;
};

/* Sorted by name. */
extern const struct keyword keywords[];
extern const size_t keyword_count;

/* NULL if there is none of that name. "with_items" and its like are found as well. */
const struct keyword *keyword_find(const char *name);

/* Whether it is "loop", or "with_items" and its like. */
bool keyword_is_loop(const char *name);

/* The words that a keyword's value can be, NULL-terminated; NULL: any. */
const char *const *keyword_choices(const struct keyword *keyword);

/* What a value means as a truth: 1 for true, yes, on, y, t, 1; 0 for their opposites; -1 for anything else. */
int keyword_bool(const json_t *value);

#endif
