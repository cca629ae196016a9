/* A document, in JSON or YAML, that knows where each of its values stands.
 *
 * The JSON reader takes RFC 8259, with line and block comments and trailing commas as people write them in configuration.
 * Duplicate keys, lone surrogates, bytes that are not UTF-8, numbers that do not fit, too much depth or size are
 * errors. The YAML reader takes what Ansible's takes, with the same meaning; there a duplicate key is a warning. What JSON
 * has no form for is written as Ansible writes it: !vault is { "__ansible_vault": text }, !unsafe { "__ansible_unsafe": text }.
 * Dates, infinity and integers beyond 64 bits are texts, and so are all keys. mode: 0644 is "0644". The values are jansson's; a document is immutable once it is loaded and may be read by any thread that does
 * not touch reference counts (see architecture.md, "Values across threads").
 *
 * A node is a value together with the document it stands in and its position. Values that did not come from a
 * document (results, extra vars) have node.document == NULL. */
#ifndef NEAP_MODEL_DOCUMENT_H
#define NEAP_MODEL_DOCUMENT_H

#include <stdbool.h>
#include <stddef.h>

#include <jansson.h>

#include "base/err.h"
#include "model/problem.h"
#include "model/vault.h"

enum {
	DOCUMENT_MAX_BYTES = 64 * 1024 * 1024,
	DOCUMENT_MAX_DEPTH = 200,
};

struct document;

enum document_format {
	DOCUMENT_BY_NAME, /* .json: JSON; .yml, .yaml: EITHER; else JSON where it begins with { or [ or a JSON comment, or YAML */
	DOCUMENT_JSON,
	DOCUMENT_YAML,
	DOCUMENT_EITHER,  /* JSON if it is JSON without a fault, else YAML: as Ansible tries them */
};

struct node {
	const struct document *document; /* NULL: made in memory */
	json_t *value;                   /* borrowed; NULL: there is no such value */
	struct place place;              /* of the value */
	struct place key;                /* of its key, where it is a member of an object; else the same as place */
};

/* Reads a file ("-" is standard input). Faults go to problems with their position and -1 is returned; a file that
 * cannot be opened or read is a problem without a line. vault: opens a file that is sealed by Ansible Vault, and learns where
 * sealed values stand; NULL: such a file is a problem. The caller frees with document_free. */
int document_load(struct document **document, const char *path, struct vault *vault, struct problems *problems) must_check;
/* The same for bytes that were read already; name is what messages call them. */
int document_open(struct document **document, const char *name, const char *bytes, size_t length, struct vault *vault,
                  struct problems *problems) must_check;
/* The same without a vault, for what cannot be sealed; name tells the format. */
int document_parse(struct document **document, const char *name, const char *bytes, size_t length,
                   struct problems *problems) must_check;
int document_parse_as(struct document **document, enum document_format format, const char *name, const char *bytes,
                      size_t length, struct problems *problems) must_check;
void document_free(struct document *document);

/* The text as it was read. */
const char *document_bytes(const struct document *document, size_t *length);
const char *document_name(const struct document *document);
struct node document_root(const struct document *document);
/* The text of a line without its end, as a new string; NULL if there is no such line, or it came out of a sealed file: what is in
 * that is not shown. */
char *document_line(const struct document *document, int line);

/* A node that stands in no document. */
struct node node_of(json_t *value);
/* A member of an object; node.value is NULL if it is missing or object is none. */
struct node node_get(struct node object, const char *key);
/* An element of an array. */
struct node node_at(struct node array, size_t index);
/* The nth member of an object in the order it is written; sets *key (borrowed). */
struct node node_member(struct node object, size_t index, const char **key);
/* Members of an object, elements of an array, else 0. */
size_t node_count(struct node node);
/* "site.json:12:17" as a new string. */
char *node_where(struct node node);
/* "a string", "a number", "true or false", "a list", "a dictionary", "null" */
const char *node_kind(const json_t *value);

/* Reports at the value (or, with _key, at its key), with the source line. */
void node_problem(struct problems *problems, struct node node, const char *hint, const char *format, ...)
	__attribute__((format(printf, 4, 5)));
void node_problem_key(struct problems *problems, struct node node, const char *hint, const char *format, ...)
	__attribute__((format(printf, 4, 5)));
void node_warning(struct problems *problems, struct node node, const char *hint, const char *format, ...)
	__attribute__((format(printf, 4, 5)));

/* Characters of a compact, bounded copy of a value for messages: "\"644\"", "{...}". New string. */
char *node_text(const json_t *value);

#endif
