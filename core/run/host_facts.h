/* What is known of a host by gathering: facts, as the variables they are, and which parts of them were gathered. */
#ifndef NEAP_RUN_HOST_FACTS_H
#define NEAP_RUN_HOST_FACTS_H

#include <jansson.h>

#include "run/context.h"

/* No facts yet: a dictionary with an empty "ansible_facts". New reference. */
json_t *host_facts_new(void);
/* Adds facts as a module's result has them ("ansible_kernel", or any name): each is a variable, and stands in the
 * variable ansible_facts without its prefix. Names by which a connection is made are left out: what a target says must not
 * choose how it is reached. */
void host_facts_add(struct host_state *host, json_t *facts);
/* Forgets them. */
void host_facts_clear(struct host_state *host);

#endif
