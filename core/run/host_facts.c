/* Facts of a host as variables. */
#include "run/host_facts.h"

#include <string.h>

#include "plan/fact_subset.h"

json_t *host_facts_new(void) { return json_pack("{s:{}}", "ansible_facts"); }

/* Under ansible_facts the prefix is left out; ansible_local keeps its own, as with Ansible. */
static const char *short_name(const char *name)
{
	bool has_prefix = strncmp(name, "ansible_", 8) == 0 && name[8] && strcmp(name, "ansible_local") != 0;
	return has_prefix ? name + 8 : name;
}

/* What the setup module says that it has gathered. */
static fact_parts parts_of_setup(json_t *subset)
{
	fact_parts parts;
	struct err ignored = ERR_INIT;
	return json_is_array(subset) && fact_subset_parts(subset, &parts, &ignored) == 0 ? parts : 0;
}

void host_facts_add(struct host_state *host, json_t *facts)
{
	const char *name;
	json_t *value, *all = json_object_get(host->facts, "ansible_facts");
	host->has_new_facts = true;
	json_object_foreach(facts, name, value) {
		if (!fact_subset_may_be_fact(name))
			continue;
		json_object_set_new(host->facts, name, json_deep_copy(value));
		json_object_set_new(all, short_name(name), json_deep_copy(value));
	}
	if (json_is_true(json_object_get(facts, "module_setup")))
		host->gathered |= parts_of_setup(json_object_get(facts, "gather_subset"));
}

void host_facts_clear(struct host_state *host)
{
	json_object_clear(host->facts);
	json_object_set_new(host->facts, "ansible_facts", json_object());
	host->gathered = 0;
	host->has_new_facts = true;
}
