/* Joining results. */
#include "report/merge.h"

#include <string.h>

#include "base/buf.h"
#include "base/mem.h"
#include "report/replay.h"
#include "report/results.h"

struct merge {
	json_t *plays;    /* as in the reports */
	json_t *stats;    /* of all hosts */
	json_t *owners;   /* host: the name of the file that had it */
	json_t *shards;   /* "3": the name of the file that had it */
	size_t count;     /* of how many shards; 0: the results are not of shards */
	size_t documents; /* how many there were */
	bool has_recap;   /* of one of them count and status are known */
	struct buf cut;   /* names of files whose results have no recap */
	int status;       /* the gravest of the shards */
};

struct merge *merge_new(void)
{
	struct merge *merge = mem_alloc(sizeof(*merge));
	merge->plays = json_array();
	merge->stats = json_object();
	merge->owners = json_object();
	merge->shards = json_object();
	return merge;
}

void merge_free(struct merge *merge)
{
	if (!merge)
		return;
	json_decref(merge->plays);
	json_decref(merge->stats);
	json_decref(merge->owners);
	json_decref(merge->shards);
	buf_release(&merge->cut);
	free(merge);
}

/* ---- two lists of the same things, of which each may lack some ---- */

struct joining {
	const char *head;                          /* "play" or "task": where an element has its name and place */
	void (*join)(json_t *into, json_t *from); /* what is in both */
};

/* "id, third time": plays have numbers, of which a batch is a repetition; a task has its place. */
static char *key_of(const struct joining *joining, const json_t *element, json_t *seen)
{
	const json_t *head = json_object_get(element, joining->head);
	const char *place = json_string_value(json_object_get(head, strcmp(joining->head, "play") == 0 ? "id" : "path"));
	const char *name = json_string_value(json_object_get(head, "name"));
	const char *key = place ? place : name ? name : "";
	json_int_t times = json_integer_value(json_object_get(seen, key)) + 1;
	json_object_set_new(seen, key, json_integer(times));
	return mem_printf("%lld %s", (long long)times, key);
}

static size_t index_of(const json_t *list, const json_t *element)
{
	size_t i = 0;
	while (i < json_array_size(list) && json_array_get(list, i) != element)
		i++;
	return i;
}

/* What only from has goes behind what it followed there. */
static void join_lists(const struct joining *joining, json_t *into, json_t *from)
{
	auto_json json_t *known = json_object(), *seen = json_object(), *seen_from = json_object();
	size_t i, next = 0;
	json_t *element;
	json_array_foreach (into, i, element) {
		auto_free char *key = key_of(joining, element, seen);
		json_object_set(known, key, element);
	}
	json_t *last = NULL; /* whose place is not known */
	json_array_foreach (from, i, element) {
		auto_free char *key = key_of(joining, element, seen_from);
		json_t *same = json_object_get(known, key);
		if (same) {
			joining->join(same, element);
			last = same;
			continue;
		}
		next = last ? index_of(into, last) + 1 : next;
		last = NULL;
		json_array_insert(into, next++, element);
	}
}

/* The earlier start and the later end: times in this form are in order where their texts are. */
static void join_durations(json_t *into, const json_t *from)
{
	json_t *duration = json_object_get(into, "duration"), *other = json_object_get(from, "duration");
	static const struct { const char *name; int sign; } ends[] = { { "start", -1 }, { "end", 1 } };
	for (size_t i = 0; i < 2 && json_is_object(duration); i++) {
		const char *mine = json_string_value(json_object_get(duration, ends[i].name));
		json_t *theirs = json_object_get(other, ends[i].name);
		if (json_is_string(theirs) && (!mine || strcmp(json_string_value(theirs), mine) * ends[i].sign > 0))
			json_object_set(duration, ends[i].name, theirs);
	}
}

static void join_tasks(json_t *into, json_t *from)
{
	json_object_update(json_object_get(into, "hosts"), json_object_get(from, "hosts"));
	join_durations(json_object_get(into, "task"), json_object_get(from, "task"));
}

static void join_plays(json_t *into, json_t *from)
{
	static const struct joining tasks = { "task", join_tasks };
	join_lists(&tasks, json_object_get(into, "tasks"), json_object_get(from, "tasks"));
	join_durations(json_object_get(into, "play"), json_object_get(from, "play"));
}

/* ---- hosts ---- */

static void rename_key(json_t *object, const char *from, const char *to)
{
	json_t *value = json_object_get(object, from);
	if (!value)
		return;
	json_object_set(object, to, value);
	json_object_del(object, from);
}

/* Each shard's own localhost is another machine, and may have other results. */
static void name_localhost(json_t *document, const json_t *shard)
{
	size_t i, j;
	json_t *play, *task;
	auto_free char *name = mem_printf("localhost (%d/%d)", (int)json_integer_value(json_object_get(shard, "index")),
	                                  (int)json_integer_value(json_object_get(shard, "count")));
	rename_key(json_object_get(document, "stats"), "localhost", name);
	json_array_foreach (json_object_get(document, "plays"), i, play)
		json_array_foreach (json_object_get(play, "tasks"), j, task)
			rename_key(json_object_get(task, "hosts"), "localhost", name);
}

static int add_owner(struct merge *merge, const char *host, const char *name, const char *run, struct err *err)
{
	const char *owner = json_string_value(json_object_get(merge->owners, host));
	if (owner && strcmp(owner, run) != 0) {
		err_set(err, ERR_INPUT, "the host %s is in %.*s as well", host, (int)strcspn(owner, "\n"), owner);
		err_hint(err, "results of different hosts are joined: shards of one run, or runs with different --limit");
		return err_at(err, "%s", name);
	}
	json_object_set_new(merge->owners, host, json_string(run));
	return 0;
}

/* Each host belongs to one run; run is the file's name and, on a line of its own, the run's number. */
static int add_owners(struct merge *merge, json_t *document, const char *name, struct err *err)
{
	size_t i, j;
	json_t *play, *task, *value;
	const char *host;
	auto_free char *run = mem_printf("%s\n%zu", name, merge->documents);
	json_object_foreach (json_object_get(document, "stats"), host, value)
		if (add_owner(merge, host, name, run, err) < 0)
			return -1;
	json_array_foreach (json_object_get(document, "plays"), i, play)
		json_array_foreach (json_object_get(play, "tasks"), j, task)
			json_object_foreach (json_object_get(task, "hosts"), host, value)
				if (add_owner(merge, host, name, run, err) < 0)
					return -1;
	return 0;
}

/* ---- shards ---- */

/* As one run does: interrupted, wrong, unreachable, failed. */
static int graver(int a, int b)
{
	static const int order[] = { 99, 5, 1, 4, 2, 0 };
	for (size_t i = 0; i < sizeof(order) / sizeof(*order); i++)
		if (a == order[i] || b == order[i])
			return order[i];
	return a;
}

static int add_shard(struct merge *merge, const json_t *shard, const char *name, struct err *err)
{
	size_t count = (size_t)json_integer_value(json_object_get(shard, "count")); /* 0: it is none */
	long long index = json_integer_value(json_object_get(shard, "index"));
	auto_free char *key = mem_printf("%lld", index);
	const char *other = shard ? json_string_value(json_object_get(merge->shards, key)) : NULL;
	int failed = 0;
	if (merge->has_recap && merge->count != count)
		failed = err_set(err, ERR_INPUT, "these are results of %s, but what came before is not of as many shards",
		                 shard ? "a shard" : "a whole run");
	else if (other)
		failed = err_set(err, ERR_INPUT, "shard %lld of %zu was in %s already", index, count, other);
	if (failed) {
		err_hint(err, "give each shard of one run once");
		return err_at(err, "%s", name);
	}
	merge->has_recap = true;
	merge->count = count;
	if (shard)
		json_object_set_new(merge->shards, key, json_string(name));
	merge->status = graver(merge->status, (int)json_integer_value(json_object_get(shard, "status")));
	return 0;
}

static int add_document(struct merge *merge, json_t *document, const char *name, struct err *err)
{
	static const struct joining plays = { "play", join_plays };
	json_t *shard = json_object_get(document, "shard"), *stats = json_object_get(document, "stats");
	if (!stats)
		buf_printf(&merge->cut, "%s%s", merge->cut.length ? ", " : "", name);
	else if (add_shard(merge, shard, name, err) < 0)
		return -1;
	if (shard)
		name_localhost(document, shard);
	if (add_owners(merge, document, name, err) < 0)
		return -1;
	join_lists(&plays, merge->plays, json_object_get(document, "plays"));
	if (stats)
		json_object_update(merge->stats, stats);
	merge->documents++;
	return 0;
}

int merge_add(struct merge *merge, const char *name, const char *text, size_t length, struct err *err)
{
	auto_json json_t *documents = json_array();
	size_t i;
	json_t *document;
	if (results_read(text, length, documents, err) < 0) {
		auto_free char *where = err->where[0] ? mem_printf("%s, %s", name, err->where) : mem_strdup(name);
		snprintf(err->where, sizeof(err->where), "%s", where);
		return -1;
	}
	json_array_foreach (documents, i, document)
		if (add_document(merge, document, name, err) < 0)
			return -1;
	return 0;
}

int merge_complete(const struct merge *merge, struct err *err)
{
	auto_buf struct buf missing = BUF_INIT;
	for (size_t i = 1; i <= merge->count; i++) {
		auto_free char *key = mem_printf("%zu", i);
		if (!json_object_get(merge->shards, key))
			buf_printf(&missing, "%s%zu/%zu", missing.length ? ", " : "", i, merge->count);
	}
	if (!missing.length && !merge->cut.length)
		return 0;
	err_set(err, ERR_INPUT, "the results are not complete:%s%s%s%s%s", missing.length ? " no shard " : "",
	        buf_text(&missing), missing.length && merge->cut.length ? ";" : "",
	        merge->cut.length ? " no recap in " : "", buf_text(&merge->cut));
	return err_hint(err, "what is not there has not been done, as far as anyone can tell: run it again with its --shard");
}

int merge_status(const struct merge *merge)
{
	int status = merge->status;
	const char *host;
	json_t *counts;
	json_object_foreach (merge->stats, host, counts) {
		if (json_integer_value(json_object_get(counts, "failures")))
			status = graver(status, err_exit_status(ERR_HOST));
		if (json_integer_value(json_object_get(counts, "unreachable")))
			status = graver(status, err_exit_status(ERR_UNREACHABLE));
	}
	return status;
}

void merge_replay(const struct merge *merge, struct reporter *reporter, bool only_failures)
{
	replay_results(merge->plays, merge->stats, reporter, only_failures);
}
