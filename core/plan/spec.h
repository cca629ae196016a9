/* A module's argument table: the one source of binding, validation, "did you mean", `neap doc`, the JSON Schema,
 * completion and the reference pages, for modules in C and in Lua alike. */
#ifndef NEAP_PLAN_SPEC_H
#define NEAP_PLAN_SPEC_H

#include <limits.h>
#include <stdbool.h>
#include <stddef.h>

#include <jansson.h>

#include "base/arena.h"
#include "base/buf.h"
#include "base/err.h"

enum arg_type {        /* in a C module's want:                    accepted from a playbook: */
	ARG_STR,           /* const char *, NULL if absent              a string; a number or boolean as its text */
	ARG_INT,           /* long long, ARG_NO_INT if absent           a whole number, or a string of one */
	ARG_FLOAT,         /* double, NAN if absent                     a number, or a string of one */
	ARG_BOOL,          /* int: 0, 1, or -1 if absent, no default    a boolean, or yes/no/on/off/true/false/1/0 */
	ARG_PATH,          /* const char *                              as str */
	ARG_MODE,          /* const char *: "0644", "u=rw,go=r"         a string; a number is refused, both readings shown */
	ARG_LIST,          /* json_t * array, NULL if absent            a list; a string is split at commas */
	ARG_DICT,          /* json_t * object, NULL if absent           a dictionary; a string of k=v words or JSON */
	ARG_SECRET,        /* const char *: masked wherever shown       as str */
	ARG_RAW,           /* json_t *                                  anything, as it is */
	ARG_CONDITION,     /* json_t *: [{"expression": "a > 1", "holds": true}, ...]   an expression or a list of them */
	ARG_EXPRESSION,    /* json_t *: {"expression": "a", "value": ...}   the text of an expression, evaluated */
};

#define ARG_NO_INT LLONG_MIN

struct arg {
	const char *name;
	enum arg_type type;
	const char *doc;            /* one sentence or more, plain text */
	bool required;
	const char *fallback;       /* the default as JSON text: "\"present\"", "true", "5"; NULL: none */
	const char *const *choices; /* NULL-terminated, or NULL: any. Of a mode: words that may stand for one ("preserve") */
	const char *const *aliases; /* NULL-terminated, or NULL */
	enum arg_type elements;     /* of a list; ARG_RAW takes any. Lists of strings say ARG_STR (0, the default) */
	const char *pattern;        /* a regular expression that a text, or each in a list, must match; or NULL. Plain enough to be
	                             * JavaScript's too, for the JSON Schema */
	const char *pattern_doc;    /* what that means, behind "must": "have %s in it"; NULL without pattern */
	bool regex;                 /* is, or holds, a regular expression of Python's: one that cannot be compiled is refused */
	const struct arg *options;  /* keys of a dictionary, or of the dictionaries in a list; ends at name NULL; or NULL */
	size_t offset;              /* in want, by offsetof; unused in Lua modules */
	bool controller_path;       /* a path on the machine neap runs on, looked up as Ansible does (files/, templates/) */
	bool deprecated;
};

/* Rules that span arguments. */
enum rule_kind {
	RULE_EXCLUSIVE,   /* at most one of names */
	RULE_TOGETHER,    /* all of names or none */
	RULE_ONE_OF,      /* at least one of names */
	RULE_REQUIRED_IF, /* where if_name has one of if_values, names are needed (any_of: one of them) */
	RULE_REQUIRED_BY, /* where if_name is given, names are needed */
	RULE_ALLOWED_IF,  /* names have a meaning only where if_name has one of if_values, or none at all */
};

struct rule {
	enum rule_kind kind;
	const char *const *names;     /* ends at NULL */
	const char *if_name;
	const char *const *if_values; /* ends at NULL; booleans are "true" and "false" */
	bool any_of;
};

struct spec {
	const struct arg *args;     /* ends at name NULL; NULL: no arguments */
	const struct rule *rules;   /* ends at names NULL; or NULL */
	const char *free_form;      /* the argument that a plain string is: "cmd" for command; NULL: k=v words only */
	bool any_key;               /* keys that are not in the table are arguments too (set_fact) */
	size_t want_size;           /* of the C struct, 0 in Lua modules */
};

/* Where a check says what is wrong. path names the argument as written: "ownr", "options.name", "list[2]", or "" for the
 * arguments as a whole; at_key: the key itself is at fault rather than its value. hint may be NULL. */
typedef void spec_report(void *context, const char *path, bool at_key, const char *hint, const char *text);

enum spec_flags {
	SPEC_TEMPLATES = 1, /* strings with {{ or {% are of unknown value: not judged (checks before the run) */
};

/* Checks arguments and makes them canonical: names for aliases, defaults filled in, each value of its type's JSON form.
 * arguments: an object (a string was split before by spec_arguments). Returns a new object, or NULL after at least one
 * report. secrets, where not NULL, is an array that gets the values of secret arguments. */
json_t *spec_bind(const struct spec *spec, json_t *arguments, unsigned flags, spec_report *report, void *context,
                  json_t *secrets) must_check;
/* Fills a C struct (zeroed, want_size bytes) from canonical arguments, which it borrows. */
void spec_fill(const struct spec *spec, json_t *canonical, void *want);
/* Arguments as a task gives them (a dictionary, a string, NULL; plus args:) as one dictionary. New object.
 * ERR_INPUT for a string that cannot be split. */
json_t *spec_arguments(const struct spec *spec, json_t *written, json_t *extra, struct err *err) must_check;
/* NULL if there is none of that name or alias. */
const struct arg *spec_find(const struct spec *spec, const char *name);
/* "str", "int", ... */
const char *spec_type_name(enum arg_type type);
/* Whether a string has the marks of a template: "{{", "{%" or "{#". */
bool spec_is_template(const char *text);
/* Whether any text in a value, keys included, has. */
bool spec_has_template(const json_t *value);

#endif
