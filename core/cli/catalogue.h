/* The modules there are, and their documentation in each form: what `neap doc`, `neap schema` and `neap module` show. */
#ifndef NEAP_CLI_CATALOGUE_H
#define NEAP_CLI_CATALOGUE_H

#include <jansson.h>

#include "base/buf.h"
#include "cli/command.h"
#include "model/keyword.h"
#include "plan/module.h"

struct catalogue {
	struct registry *registry;
	const struct module **modules; /* sorted by name, each once */
	size_t count, room;
};

/* The built-in modules, those in ./library and those in the given folders. Prints what is wrong in them to stderr;
 * -1 where something is. The caller releases it in any case. */
int catalogue_load(struct catalogue *catalogue, const struct option_list *folders) must_check;
void catalogue_release(struct catalogue *catalogue);
/* ERR_INPUT with the nearest name where there is none. */
int catalogue_find(const struct catalogue *catalogue, const char *name, const struct module **module,
                   struct err *err) must_check;

/* One module's documentation. */
void catalogue_text(const struct module *module, struct buf *out);
void catalogue_markdown(const struct module *module, struct buf *out);
json_t *catalogue_json(const struct module *module);
/* The first sentence of a module's doc; new string. */
char *catalogue_summary(const struct module *module);

/* The table of playbook keywords. */
void catalogue_keywords_text(struct buf *out);
void catalogue_keywords_markdown(struct buf *out);
json_t *catalogue_keywords_json(void);

/* A JSON Schema (draft 2020-12) of playbooks that use these modules; new value. */
json_t *schema_playbook(const struct catalogue *catalogue);

#endif
