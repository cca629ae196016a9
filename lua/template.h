/* Expressions and templates: Jinja2, compiled once to Lua closures and cached per worker.
 *
 * A string that is exactly one expression ("{{ x }}") yields its value with its type; any other template yields a
 * string. Results are never read again as literals or as templates. Variables are looked up lazily; a variable whose
 * text comes from a playbook or an inventory is itself a template and is evaluated when it is used, with recursion
 * bounded. A dictionary {"__ansible_vault": "..."} stands for the text sealed in it, {"__ansible_unsafe": "text"} for that text;
 * neither text is a template. A template_vm belongs to one thread. */
#ifndef NEAP_LUA_TEMPLATE_H
#define NEAP_LUA_TEMPLATE_H

#include <stdbool.h>

#include <jansson.h>

#include "base/err.h"
#include "base/secret.h"
#include "model/document.h"

struct template_vm;

/* Where names come from. */
struct template_scope {
	void *context;
	/* *value: borrowed, good during the evaluation; *final: it holds no templates. false: undefined. */
	bool (*find)(void *context, const char *name, json_t **value, bool *final);
	/* For "did you mean" in the message for an undefined variable; may be NULL. */
	void (*each)(void *context, void (*offer)(void *to, const char *name), void *to);
	/* What the next four are called with: a scope that is another one with more names in it keeps them as they are. */
	void *services;
	/* What is called to end an evaluation early, e.g. on Ctrl-C; may be NULL. */
	bool (*cancelled)(void *services);
	/* Opens a value sealed by Ansible Vault; *plain is borrowed, good during the evaluation. NULL: none can be opened. */
	int (*open_sealed)(void *services, const char *sealed, size_t length, const struct secret **plain, struct err *err);
	/* Told of each text that is to be kept out of reports: a password of the connection, one that a lookup made, what a
	 * template opened by a secret of its own. May be NULL. */
	void (*keep_secret)(void *services, const char *text, size_t length);
	/* Told of an error that the template says is a warning; may be NULL. */
	void (*warn)(void *services, const char *text);
	bool early;            /* a guess about a task whose turn has not come: a lookup that runs a program or writes is an error */
	char *const *folders;  /* where lookups and includes look, in order, until NULL; NULL: in directory only */
	const char *directory; /* the playbook's; NULL: the working directory */
};

struct template_vm *template_vm_new(void);
void template_vm_free(struct template_vm *vm);

/* Counts the looks at files, and commands run, on this machine by templates so far: an evaluation that had none gives the same
 * as long as its variables stay. */
unsigned long template_looks(const struct template_vm *vm);

/* Evaluates every template in a value (strings in lists and dictionaries at any depth; keys too). New value; a value
 * without templates is a deep copy. ERR_INPUT: syntax, undefined variable (err->os_error == TEMPLATE_UNDEFINED), type, bounds.
 * err->text starts without a place; the caller adds err_at. *omitted, where not NULL, is set if the whole value is omit;
 * dictionary members and list elements that are omit are left out. */
int template_value(struct template_vm *vm, json_t *value, const struct template_scope *scope, json_t **result,
                   bool *omitted, struct err *err) must_check;
/* A bare expression without braces ("a > 1 and b is defined"): its truth. A boolean value is itself. */
int template_condition(struct template_vm *vm, json_t *expression, const struct template_scope *scope, bool *truth,
                       struct err *err) must_check;
/* A bare expression's value. */
int template_expression(struct template_vm *vm, const char *expression, const struct template_scope *scope,
                        json_t **result, struct err *err) must_check;
/* How a template file is read. A mark that is NULL is Jinja2's own. */
struct template_settings {
	bool trim_blocks, lstrip_blocks;
	const char *newline; /* what its newlines become; NULL: they stay */
	const char *block_start, *block_end, *variable_start, *variable_end, *comment_start, *comment_end;
};
/* The text that a template file gives. Files that it names are looked for beside it too. settings NULL: as Ansible's
 * template module has them. A first line "#jinja2: ..." has settings of its own. The result is bytes with a NUL behind, to
 * free. In err->text the file and the line come first. */
int template_text(struct template_vm *vm, const char *path, const char *text, size_t length,
                  const struct template_settings *settings, const struct template_scope *scope, char **result,
                  size_t *result_length, struct err *err) must_check;
/* Whether text could be compiled; for the check before the run. is_expression: it is a bare expression. */
int template_check(struct template_vm *vm, const char *text, bool is_expression, struct err *err) must_check;
/* Whether a template file could be compiled, read with those settings; in err->text the file and the line come first. */
int template_check_file(struct template_vm *vm, const char *path, const char *text, size_t length,
                        const struct template_settings *settings, struct err *err) must_check;
/* The names a template reads from its scope ("a" for a.b[c] and "c"), offered once each; for prefetching and checks. */
int template_names(struct template_vm *vm, const char *text, bool is_expression,
                   void (*offer)(void *to, const char *name), void *to, struct err *err) must_check;

/* Offers the names of all filters ("filter"), tests ("test") or methods of a type ("str"), and how many arguments each can
 * take. offer must not use the vm. ERR_INPUT: there is no such type. */
int template_definitions(struct template_vm *vm, const char *what, void (*offer)(void *to, const char *name, int arguments),
                         void *to, struct err *err) must_check;

/* err.os_error: an undefined variable; a value that the engine did not expect, a fault of its own, which the tests look for; a
 * filter, test or lookup that there is none of, and none of nearly that name. */
enum { TEMPLATE_UNDEFINED = 10001, TEMPLATE_WORDLESS = 10002, TEMPLATE_ABSENT = 10003 };

#endif
