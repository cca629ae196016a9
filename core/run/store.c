/* A hash table of answers with invalidation by effects. */
#include "run/store.h"

#include <pthread.h>
#include <stdlib.h>
#include <string.h>

#include "base/mem.h"

struct kept {
	struct kept *next;
	unsigned code;
	const char *user;
	const struct ask *ask;
	struct answer *answer;
	struct arena arena; /* holds ask and user */
};

struct store {
	pthread_mutex_t lock;
	struct kept **buckets;
	size_t bucket_count, count;
	uint64_t generation;
};

enum { FIRST_BUCKETS = 64 };

struct store *store_new(void)
{
	struct store *store = mem_alloc(sizeof(*store));
	pthread_mutex_init(&store->lock, NULL);
	store->bucket_count = FIRST_BUCKETS;
	store->buckets = mem_array(store->bucket_count, sizeof(*store->buckets));
	return store;
}

static void kept_free(struct kept *kept)
{
	answer_unref(kept->answer);
	ask_drop(kept->ask);
	arena_release(&kept->arena);
	free(kept);
}

/* Frees what the predicate names; step NULL: everything. */
static void sweep(struct store *store, bool (*stale)(const struct kept *kept, const struct step *step),
                  const struct step *step)
{
	for (size_t i = 0; i < store->bucket_count; i++) {
		for (struct kept **link = &store->buckets[i]; *link;) {
			struct kept *kept = *link;
			if (stale && !stale(kept, step)) {
				link = &kept->next;
				continue;
			}
			*link = kept->next;
			store->count--;
			kept_free(kept);
		}
	}
}

void store_free(struct store *store)
{
	if (!store)
		return;
	sweep(store, NULL, NULL);
	pthread_mutex_destroy(&store->lock);
	free(store->buckets);
	free(store);
}

static unsigned code_of(const char *user, const struct ask *ask)
{
	unsigned code = ask_hash_code(ask);
	for (; *user; user++)
		code = code * 31 + (unsigned char)*user;
	return code;
}

static struct kept *lookup(struct store *store, const char *user, const struct ask *ask, unsigned code)
{
	for (struct kept *kept = store->buckets[code % store->bucket_count]; kept; kept = kept->next) {
		if (kept->code == code && strcmp(kept->user, user) == 0 && ask_same(kept->ask, ask))
			return kept;
	}
	return NULL;
}

struct answer *store_find(struct store *store, const char *user, const struct ask *ask)
{
	unsigned code = code_of(user, ask);
	pthread_mutex_lock(&store->lock);
	struct kept *kept = lookup(store, user, ask, code);
	struct answer *answer = kept ? answer_ref(kept->answer) : NULL;
	pthread_mutex_unlock(&store->lock);
	return answer;
}

uint64_t store_generation(struct store *store)
{
	pthread_mutex_lock(&store->lock);
	uint64_t generation = store->generation;
	pthread_mutex_unlock(&store->lock);
	return generation;
}

static void grow(struct store *store)
{
	size_t count = store->bucket_count * 2;
	struct kept **buckets = mem_array(count, sizeof(*buckets));
	for (size_t i = 0; i < store->bucket_count; i++) {
		for (struct kept *kept = store->buckets[i], *next; kept; kept = next) {
			next = kept->next;
			kept->next = buckets[kept->code % count];
			buckets[kept->code % count] = kept;
		}
	}
	free(store->buckets);
	store->buckets = buckets;
	store->bucket_count = count;
}

static void insert(struct store *store, const char *user, const struct ask *ask, struct answer *answer, unsigned code)
{
	if (store->count >= store->bucket_count)
		grow(store);
	struct kept *kept = mem_alloc(sizeof(*kept));
	kept->code = code;
	kept->user = arena_str(&kept->arena, user);
	kept->ask = ask_keep(&kept->arena, ask);
	kept->answer = answer_ref(answer);
	kept->next = store->buckets[code % store->bucket_count];
	store->buckets[code % store->bucket_count] = kept;
	store->count++;
}

void store_keep(struct store *store, const char *user, const struct ask *ask, struct answer *answer,
                uint64_t generation)
{
	unsigned code = code_of(user, ask);
	pthread_mutex_lock(&store->lock);
	if (store->generation == generation && !lookup(store, user, ask, code))
		insert(store, user, ask, answer, code);
	pthread_mutex_unlock(&store->lock);
}

/* "/srv" is above "/srv/www"; "/" is above everything. */
static bool is_above(const char *folder, const char *path)
{
	size_t length = strlen(folder);
	while (length > 1 && folder[length - 1] == '/')
		length--;
	return strncmp(folder, path, length) == 0 &&
	       (path[length] == '/' || path[length] == '\0' || (length == 1 && folder[0] == '/'));
}

bool store_touches(const struct step *step, const char *path)
{
	for (const char *const *touched = step->paths; touched && *touched; touched++) {
		if (is_above(*touched, path) || is_above(path, *touched))
			return true;
	}
	return false;
}

static bool is_stale(const struct kept *kept, const struct step *step)
{
	if (kept->ask->side == ASK_ON_CONTROLLER)
		return false;
	if (step->effects == EFFECT_EVERYTHING)
		return true;
	switch (kept->ask->kind) {
	case ASK_STAT:
	case ASK_READ:
	case ASK_HASH:
	case ASK_LIST:
		/* A link may lead a path anywhere, so what was reached through one is not trusted. */
		return kept->ask->follow || store_touches(step, kept->ask->path);
	case ASK_USER:
	case ASK_GROUP: {
		static const char *const accounts[] = { "/etc/passwd", "/etc/group", NULL };
		return store_touches(step, accounts[0]) || store_touches(step, accounts[1]);
	}
	default:
		return true; /* a command's or a pattern's answer may depend on any path */
	}
}

void store_forget(struct store *store, const struct step *step)
{
	if (step->effects == EFFECT_NOTHING)
		return;
	pthread_mutex_lock(&store->lock);
	store->generation++;
	sweep(store, is_stale, step);
	pthread_mutex_unlock(&store->lock);
}
