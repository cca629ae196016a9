/* Selection of tasks by tag and by name. */
#include "run/select.h"

#include <fnmatch.h>
#include <string.h>

#include "base/mem.h"
#include "base/suggest.h"

static void add_tag(json_t *tags, const char *text, size_t length)
{
	while (length && text[0] == ' ') {
		text++;
		length--;
	}
	while (length && text[length - 1] == ' ')
		length--;
	for (size_t i = 0; i < json_array_size(tags); i++) {
		const char *known = json_string_value(json_array_get(tags, i));
		if (strlen(known) == length && memcmp(known, text, length) == 0)
			return;
	}
	if (length)
		json_array_append_new(tags, json_stringn(text, length));
}

/* "a,b" is two tags. */
static void split_tags(json_t *tags, const char *text)
{
	for (;;) {
		size_t length = strcspn(text, ",");
		add_tag(tags, text, length);
		if (!text[length])
			return;
		text += length + 1;
	}
}

static void collect(void *context, struct node value)
{
	json_t *tags = context;
	if (json_is_string(value.value))
		split_tags(tags, json_string_value(value.value));
	for (size_t i = 0; i < json_array_size(value.value); i++) {
		json_t *tag = json_array_get(value.value, i);
		if (json_is_string(tag))
			split_tags(tags, json_string_value(tag));
		else if (json_is_integer(tag)) {
			auto_free char *text = mem_printf("%lld", (long long)json_integer_value(tag));
			split_tags(tags, text);
		}
	}
}

json_t *select_tags(const struct scope *scope)
{
	json_t *tags = json_array();
	scope_each(scope, "tags", collect, tags);
	return tags;
}

static bool has(const json_t *tags, const char *name)
{
	for (size_t i = 0; i < json_array_size(tags); i++) {
		if (strcmp(json_string_value(json_array_get(tags, i)), name) == 0)
			return true;
	}
	return false;
}

json_t *select_given(const char *const *items, size_t count)
{
	json_t *tags = json_array();
	for (size_t i = 0; i < count; i++)
		split_tags(tags, items[i]);
	return tags;
}

static bool intersects(const json_t *a, const json_t *b)
{
	for (size_t i = 0; i < json_array_size(a); i++) {
		if (has(b, json_string_value(json_array_get(a, i))))
			return true;
	}
	return false;
}

static bool is_wanted(const json_t *tags, const json_t *wanted)
{
	bool never = has(tags, "never");
	if (has(tags, "always"))
		return true;
	if (!json_array_size(wanted) || has(wanted, "all"))
		return !never || intersects(tags, wanted);
	if (intersects(tags, wanted))
		return true;
	if (has(wanted, "tagged") && json_array_size(tags) && !never)
		return true;
	return has(wanted, "untagged") && !json_array_size(tags);
}

static bool is_skipped(const json_t *tags, const json_t *skipped)
{
	if (!json_array_size(skipped))
		return false;
	if (has(skipped, "all"))
		return !has(tags, "always") || has(skipped, "always");
	return intersects(tags, skipped) || (has(skipped, "tagged") && json_array_size(tags)) ||
	       (has(skipped, "untagged") && !json_array_size(tags));
}

bool select_entry(const struct run_context *run, const struct entry *entry)
{
	const struct run_options *options = run->options;
	if (!options->tag_count && !options->skip_tag_count && !scope_keyword(&entry->scope, "tags").value)
		return true;
	auto_json json_t *tags = select_tags(&entry->scope);
	auto_json json_t *wanted = select_given(options->tags, options->tag_count);
	auto_json json_t *skipped = select_given(options->skip_tags, options->skip_tag_count);
	return is_wanted(tags, wanted) && !is_skipped(tags, skipped);
}

bool select_starts_at(const struct run_context *run, const struct entry *entry)
{
	const char *wanted = run->options->start_at_task;
	if (!wanted || !entry->name)
		return false;
	if (fnmatch(wanted, entry->name, 0) == 0)
		return true;
	if (!entry->scope.role)
		return false;
	auto_free char *full = mem_printf("%s : %s", entry->scope.role->name, entry->name);
	return fnmatch(wanted, full, 0) == 0;
}

static bool any_starts(const struct run_context *run, const struct entries *entries, struct suggest *suggest)
{
	bool found = false;
	for (size_t i = 0; i < entries->count && !found; i++) {
		const struct entry *entry = entries->items[i];
		if (entry->kind == ENTRY_BLOCK) {
			found = any_starts(run, &entry->block, suggest) || any_starts(run, &entry->rescue, suggest) ||
			        any_starts(run, &entry->always, suggest);
			continue;
		}
		found = select_starts_at(run, entry);
		if (entry->name)
			suggest_offer(suggest, entry->name);
	}
	return found;
}

int select_check_start(const struct run_context *run, struct playbook *const *playbooks, size_t count, struct err *err)
{
	if (!run->options->start_at_task)
		return 0;
	struct suggest suggest;
	suggest_start(&suggest, run->options->start_at_task);
	for (size_t i = 0; i < count; i++) {
		for (size_t j = 0; j < playbooks[i]->count; j++) {
			const struct play *play = playbooks[i]->plays[j];
			if (any_starts(run, &play->pre_tasks, &suggest) || any_starts(run, &play->roles, &suggest) ||
			    any_starts(run, &play->tasks, &suggest) || any_starts(run, &play->post_tasks, &suggest))
				return 0;
		}
	}
	err_set(err, ERR_INPUT, "--start-at-task: no task is called \"%s\"", run->options->start_at_task);
	if (suggest.best)
		return err_hint(err, "did you mean \"%s\"?", suggest.best);
	return err_hint(err, "`neap run --list-tasks` shows the tasks; those that are included while it runs cannot be started at");
}
