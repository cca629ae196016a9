/* The hosts of a play: chosen by its pattern and the command line, in its order. */
#include "run/play_inside.h"

#include <stdlib.h>
#include <string.h>
#include <sys/random.h>

#include "base/mem.h"
#include "run/limit.h"
#include "run/play_keywords.h"

void play_join_pattern(struct buf *pattern, json_t *value)
{
	if (json_is_string(value)) {
		buf_printf(pattern, "%s%s", pattern->length ? "," : "", json_string_value(value));
		return;
	}
	for (size_t i = 0; i < json_array_size(value); i++)
		play_join_pattern(pattern, json_array_get(value, i));
}

static int by_name(const void *a, const void *b)
{
	return strcmp((*(struct host *const *)a)->name, (*(struct host *const *)b)->name);
}

static int by_index(const void *a, const void *b)
{
	size_t x = (*(struct host *const *)a)->index, y = (*(struct host *const *)b)->index;
	return x < y ? -1 : x > y;
}

static void swap(struct host **a, struct host **b)
{
	struct host *other = *a;
	*a = *b;
	*b = other;
}

static void reverse(struct host **hosts, size_t count)
{
	for (size_t i = 0; i < count / 2; i++)
		swap(&hosts[i], &hosts[count - 1 - i]);
}

static void shuffle(struct host **hosts, size_t count)
{
	for (size_t left = count; left > 1; left--) {
		uint32_t random = 0;
		(void)!getrandom(&random, sizeof(random), 0);
		swap(&hosts[left - 1], &hosts[random % left]);
	}
}

static int order_hosts(struct run_context *run, const struct play *play, struct template_vm *vm, struct host **hosts,
                       size_t count, struct err *err)
{
	auto_json json_t *order = NULL;
	if (play_keyword_value(run, play, "order", vm, &order, err) < 0)
		return -1;
	const char *word = json_is_string(order) ? json_string_value(order) : "inventory";
	if (strcmp(word, "sorted") == 0 || strcmp(word, "reverse_sorted") == 0)
		qsort(hosts, count, sizeof(*hosts), by_name);
	if (strcmp(word, "reverse_sorted") == 0 || strcmp(word, "reverse_inventory") == 0)
		reverse(hosts, count);
	if (strcmp(word, "shuffle") == 0)
		shuffle(hosts, count);
	return 0;
}

int play_hosts(struct run_context *run, const struct play *play, struct template_vm *vm, struct host ***hosts,
               size_t *count, struct err *err)
{
	auto_json json_t *value = NULL;
	auto_buf struct buf pattern = BUF_INIT;
	auto_problems struct problems warnings = PROBLEMS_INIT;
	*hosts = NULL;
	*count = 0;
	if (play_keyword_value(run, play, "hosts", vm, &value, err) < 0)
		return -1;
	play_join_pattern(&pattern, value);
	if (inventory_match(run->inventory, buf_text(&pattern), hosts, count, &warnings, err) < 0)
		return -1;
	if (warnings.count && run->options->mismatch == RUN_MISMATCH_ERROR) {
		err_set(err, ERR_INPUT, "%s", warnings.items[0].text);
		return warnings.items[0].hint ? err_hint(err, "%s", warnings.items[0].hint) : -1;
	}
	for (size_t i = 0; i < warnings.count && run->options->mismatch == RUN_MISMATCH_WARNING; i++)
		context_warn(run, NULL, "%s%s%s", warnings.items[i].text, warnings.items[i].hint ? "; " : "",
		             warnings.items[i].hint ? warnings.items[i].hint : "");
	if (limit_apply(run, *hosts, count, err) < 0)
		return -1;
	shard_apply(&run->options->shard, *hosts, count);
	return order_hosts(run, play, vm, *hosts, *count, err);
}

json_t *play_host_names(struct host *const *hosts, size_t count)
{
	json_t *names = json_array();
	for (size_t i = 0; i < count; i++)
		json_array_append_new(names, json_string(hosts[i]->name));
	return names;
}

json_t *play_names_as_matched(const struct play *play, struct host *const *hosts, size_t count)
{
	if (!scope_own(&play->scope, "order").value || !count)
		return play_host_names(hosts, count);
	auto_free struct host **sorted = mem_array(count, sizeof(struct host *));
	memcpy(sorted, hosts, count * sizeof(struct host *));
	qsort(sorted, count, sizeof(*sorted), by_index);
	return play_host_names(sorted, count);
}
