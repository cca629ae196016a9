/* The YAML reader behind document.h, on libyaml: text to the same values and positions as the JSON reader's, with the
 * meaning that Ansible's loader gives to them (YAML 1.1 as PyYAML reads it). Private to the document.
 *
 *   yaml.c         events to values: mappings, merge keys, anchors and aliases, tags
 *   yaml_scalar.c  what a plain or tagged scalar means
 *   yaml_fault.c   faults: libyaml's words as ours, with a hint at the usual mistakes */
#ifndef NEAP_MODEL_YAML_H
#define NEAP_MODEL_YAML_H

#include <stdbool.h>
#include <stddef.h>

#include <jansson.h>
#include <yaml.h>

#include "base/buf.h"
#include "model/position.h"
#include "model/problem.h"

/* A value as it was read. */
struct yaml_value {
	json_t *json;     /* owned */
	json_t *as_mode;  /* owned: "0644" for an integer written 0644, else NULL */
	struct span span;
	size_t weight;    /* about how many bytes it takes when every alias in it is written out */
	int height;       /* levels of lists and dictionaries in it */
};

struct yaml_anchor {
	struct yaml_value value; /* json NULL: it is still being read */
};

struct yaml {
	const char *name;  /* of the file, for messages */
	const char *bytes; /* with a NUL behind them */
	size_t length;
	struct problems *problems;
	struct positions *positions;
	/* the reader's own */
	yaml_parser_t parser;
	struct yaml_anchor *anchors;
	size_t anchor_count, anchor_room;
	json_t *anchor_names; /* name to index */
	size_t brought;       /* weight of what aliases stand for */
	int depth;
	size_t faults;
	bool stopped;         /* nothing sensible can be read behind the last fault */
	struct yaml_cursor {  /* a place that is known: libyaml counts characters, and more kinds of line ends */
		size_t byte, index;
		int line, column;
	} cursor;
};

/* Reads the one value of the text; of an empty one null. NULL if there was any fault; *span is the value's place. */
json_t *yaml_read(struct yaml *yaml, struct span *span);

/* ---- yaml_fault.c ---- */

/* The place between two marks of libyaml's. */
struct span yaml_span(struct yaml *yaml, yaml_mark_t start, yaml_mark_t end);
void yaml_fault(struct yaml *yaml, enum problem_level level, struct span span, const char *hint, const char *format, ...)
	__attribute__((format(printf, 5, 6)));
/* What libyaml could not parse. Ends reading. */
void yaml_fault_syntax(struct yaml *yaml);

/* ---- yaml_scalar.c ---- */

/* The value of a scalar; NULL with a fault where it does not fit its tag. *as_mode: see yaml_value. */
json_t *yaml_scalar(struct yaml *yaml, const yaml_event_t *event, struct span span, json_t **as_mode);
/* Whether it is the plain << of a merge key. */
bool yaml_scalar_is_merge(const yaml_event_t *event);
/* A scalar as the key of a dictionary, in Python's words: True, None, 1.5. */
void yaml_scalar_key(const json_t *value, struct buf *text);

#endif
