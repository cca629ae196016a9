/* Text that is no template although it looks like one: {"__ansible_unsafe": "text"} stands for it (lua/template.h). */
#ifndef NEAP_MODEL_UNSAFE_H
#define NEAP_MODEL_UNSAFE_H

#include <jansson.h>

/* A deep copy in which all text that looks like a template is marked; for values that are final, where templates are expected. */
json_t *unsafe_mark(const json_t *value);
/* A deep copy without such marks, to be shown. */
json_t *unsafe_show(const json_t *value);

#endif
