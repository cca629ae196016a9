/* Values as INI inventories write them: Python literals. */
#ifndef NEAP_MODEL_PYTHON_LITERAL_H
#define NEAP_MODEL_PYTHON_LITERAL_H

#include <jansson.h>

#include "base/buf.h"

/* The value of a Python literal (strings, numbers, True, False, None, lists, tuples and sets as lists, dictionaries), and
 * any other text as the string it is. What JSON cannot hold (bytes, complex numbers, integers beyond 64 bits) stays text.
 * New value; NULL only where text is not UTF-8. */
json_t *python_literal(const char *text);
/* Adds a value as Python's str() shows it: a string bare, everything else as it would be written. */
void python_show(struct buf *out, const json_t *value);

#endif
