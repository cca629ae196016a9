/* Listings of plays, hosts, tasks and tags. */
#include "run/list.h"

#include <string.h>

#include "base/mem.h"
#include "base/text.h"
#include "run/keywords.h"
#include "run/play.h"
#include "run/select.h"

static void add_tags(struct buf *out, json_t *tags)
{
	size_t count = json_array_size(tags);
	auto_free const char **names = mem_array(count, sizeof(*names));
	for (size_t i = 0; i < count; i++)
		names[i] = json_string_value(json_array_get(tags, i));
	qsort(names, count, sizeof(*names), text_order);
	buf_char(out, '[');
	for (size_t i = 0; i < count; i++)
		buf_printf(out, "%s%s", i ? ", " : "", names[i]);
	buf_char(out, ']');
}

struct listing {
	struct run_context *run;
	struct buf *out;
	json_t *tags; /* of all tasks */
	bool tasks;
};

static void add_all(json_t *all, json_t *tags)
{
	for (size_t i = 0; i < json_array_size(tags); i++) {
		bool known = false;
		for (size_t j = 0; j < json_array_size(all); j++)
			known = known || json_equal(json_array_get(all, j), json_array_get(tags, i));
		if (!known)
			json_array_append(all, json_array_get(tags, i));
	}
}

static void list_entry(void *context, const struct entry *entry)
{
	struct listing *listing = context;
	if (entry->kind != ENTRY_TASK || strcmp(entry->action, "meta") == 0 || !select_entry(listing->run, entry))
		return;
	auto_json json_t *tags = select_tags(&entry->scope);
	add_all(listing->tags, tags);
	if (!listing->tasks)
		return;
	const char *name = entry->name ? entry->name : entry->action;
	if (entry->scope.role)
		buf_printf(listing->out, "      %s : %s\tTAGS: ", entry->scope.role->name, name);
	else
		buf_printf(listing->out, "      %s\tTAGS: ", name);
	add_tags(listing->out, tags);
	buf_char(listing->out, '\n');
}

static void list_tasks(struct run_context *run, const struct play *play, struct buf *out)
{
	auto_json json_t *tags = json_array();
	struct listing listing = { run, out, tags, run->options->list & RUN_LIST_TASKS };
	if (listing.tasks)
		buf_str(out, "    tasks:\n");
	const struct entries *const sections[] = { &play->pre_tasks, &play->roles, &play->tasks, &play->post_tasks };
	for (size_t i = 0; i < sizeof(sections) / sizeof(*sections); i++)
		entries_each(sections[i], list_entry, &listing);
	if (run->options->list & RUN_LIST_TAGS) {
		buf_str(out, "      TASK TAGS: ");
		add_tags(out, tags);
		buf_char(out, '\n');
	}
}

static int list_play(struct run_context *run, const struct play *play, size_t number, struct template_vm *vm,
                     struct buf *out, struct err *err)
{
	auto_free struct host **hosts = NULL;
	size_t count = 0;
	if (play_hosts(run, play, vm, &hosts, &count, err) < 0)
		return -1;
	auto_free char *pattern = json_is_string(play->hosts.value) ? mem_strdup(json_string_value(play->hosts.value))
	                                                            : json_dumps(play->hosts.value, JSON_ENCODE_ANY);
	json_t *own = scope_own(&play->scope, "tags").value;
	auto_json json_t *tags = json_is_array(own) ? json_deep_copy(own)
	                       : json_is_string(own) ? json_pack("[s]", json_string_value(own)) : json_array();
	buf_printf(out, "\n  play #%zu (%s): %s\tTAGS: ", number, pattern, play->name ? play->name : pattern);
	add_tags(out, tags);
	buf_char(out, '\n');
	if (run->options->list & RUN_LIST_HOSTS) {
		buf_printf(out, "    pattern: ['%s']\n    hosts (%zu):\n", pattern, count);
		for (size_t i = 0; i < count; i++)
			buf_printf(out, "      %s\n", hosts[i]->name);
	}
	if (run->options->list & (RUN_LIST_TASKS | RUN_LIST_TAGS))
		list_tasks(run, play, out);
	return 0;
}

int list_playbook(struct run_context *run, const char *path, const struct playbook *playbook, struct template_vm *vm,
                  struct buf *out, struct err *err)
{
	buf_printf(out, "\nplaybook: %s\n", path);
	for (size_t i = 0; i < playbook->count; i++) {
		if (list_play(run, playbook->plays[i], i + 1, vm, out, err) < 0)
			return -1;
	}
	return 0;
}
