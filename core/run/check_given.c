/* Names that must match something and may match nothing in Ansible: tags of the command line, hosts that tasks are delegated
 * to. They are warned of. */
#include <string.h>

#include "base/mem.h"
#include "base/suggest.h"
#include "run/check_inside.h"
#include "run/context.h"
#include "run/select.h"

struct gathering {
	const struct inventory *inventory;
	struct problems *problems;
	json_t *tags;    /* of all tasks and plays, as keys */
	bool is_partial; /* more may come while the play runs */
};

/* ---- hosts ---- */

static void look_at_host(struct gathering *gathering, struct node node)
{
	const char *name = json_string_value(node.value);
	if (!name || !*name || spec_is_template(name))
		return;
	struct suggest suggest;
	suggest_start_within(&suggest, name, strlen(name) < 6 ? 1 : 2); /* any name will do for a host that is in no inventory */
	for (size_t i = 0; i < inventory_host_count(gathering->inventory); i++) {
		const char *known = inventory_host_at(gathering->inventory, i)->name;
		if (strcmp(known, name) == 0)
			return;
		if (!suggest_differ_in_digits(name, known))
			suggest_offer(&suggest, known);
	}
	auto_free char *hint = suggest.best ? mem_printf("did you mean \"%s\"?", suggest.best) : NULL;
	if (hint)
		node_warning(gathering->problems, node, hint, "the inventory has no host \"%s\"", name);
}

/* ---- tags ---- */

static void add_tags(struct gathering *gathering, const struct scope *scope)
{
	auto_json json_t *tags = select_tags(scope);
	size_t i;
	json_t *tag;
	json_array_foreach(tags, i, tag) {
		gathering->is_partial = gathering->is_partial || spec_is_template(json_string_value(tag));
		json_object_set_new(gathering->tags, json_string_value(tag), json_true());
	}
}

static void gather(void *context, const struct entry *entry)
{
	struct gathering *gathering = context;
	add_tags(gathering, &entry->scope);
	gathering->is_partial = gathering->is_partial || (entry->action && strncmp(entry->action, "include_", 8) == 0);
	look_at_host(gathering, scope_own(&entry->scope, "delegate_to"));
}

static void look_at_tag(const struct gathering *gathering, const char *option, const char *tag)
{
	static const char *const special[] = { "all", "always", "never", "tagged", "untagged" };
	bool is_special = json_object_get(gathering->tags, tag) != NULL;
	for (size_t i = 0; i < sizeof(special) / sizeof(*special); i++)
		is_special = is_special || strcmp(special[i], tag) == 0;
	if (is_special)
		return;
	struct suggest suggest;
	const char *known;
	json_t *ignored;
	suggest_start(&suggest, tag);
	json_object_foreach(gathering->tags, known, ignored)
		suggest_offer(&suggest, known);
	auto_free char *hint = suggest.best ? mem_printf("did you mean \"%s\"?", suggest.best) : NULL;
	if (hint || !gathering->is_partial)
		problem_add(gathering->problems, PROBLEM_WARNING, (struct place){ 0 }, NULL, hint ? hint : "--list-tags shows those that there are",
		            "%s %s: no task has this tag", option, tag);
}

static void look_at_tags(const struct gathering *gathering, const char *option, const char *const *items, size_t count)
{
	auto_json json_t *tags = select_given(items, count);
	size_t i;
	json_t *tag;
	json_array_foreach(tags, i, tag)
		look_at_tag(gathering, option, json_string_value(tag));
}

void check_given(const struct run_context *run, struct playbook *const *playbooks, size_t count, struct problems *problems)
{
	auto_json json_t *tags = json_object();
	struct gathering gathering = { .inventory = run->inventory, .problems = problems, .tags = tags };
	for (size_t i = 0; i < count; i++) {
		for (size_t p = 0; p < playbooks[i]->count; p++) {
			const struct play *play = playbooks[i]->plays[p];
			add_tags(&gathering, &play->scope);
			const struct entries *sections[] = { &play->pre_tasks, &play->roles, &play->tasks, &play->post_tasks, &play->handlers };
			for (size_t s = 0; s < sizeof(sections) / sizeof(*sections); s++)
				entries_each(sections[s], gather, &gathering);
		}
	}
	const struct run_options *options = run->options;
	look_at_tags(&gathering, "--tags", options->tags, options->tag_count);
	gathering.is_partial = true; /* tags to skip are often those of other playbooks */
	look_at_tags(&gathering, "--skip-tags", options->skip_tags, options->skip_tag_count);
}
