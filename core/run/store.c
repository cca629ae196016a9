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
	bool is_straight;   /* only what touches the path by its name can have made it stale */
	struct arena arena; /* holds ask and user */
};

struct store {
	pthread_mutex_t lock, stepping;
	struct kept **buckets;
	size_t bucket_count, count;
	uint64_t generation;
	unsigned targets;
};

enum { FIRST_BUCKETS = 64 };

struct store *store_new(void)
{
	struct store *store = mem_alloc(sizeof(*store));
	pthread_mutex_init(&store->lock, NULL);
	pthread_mutex_init(&store->stepping, NULL);
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

/* What has been touched, with a table where many answers are to be compared with it. */
struct stale {
	const struct touched *touched;
	const struct touched_set *set; /* or NULL */
};

static bool is_stale(const struct kept *kept, const struct stale *stale);

/* Frees what may have become stale; NULL: everything. */
static void sweep(struct store *store, const struct stale *stale)
{
	for (size_t i = 0; i < store->bucket_count; i++) {
		for (struct kept **link = &store->buckets[i]; *link;) {
			struct kept *kept = *link;
			if (stale && !is_stale(kept, stale)) {
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
	sweep(store, NULL);
	pthread_mutex_destroy(&store->lock);
	pthread_mutex_destroy(&store->stepping);
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

struct answer *store_find(struct store *store, const char *user, const struct ask *ask, const struct touched *touched)
{
	unsigned code = code_of(user, ask);
	pthread_mutex_lock(&store->lock);
	struct kept *kept = lookup(store, user, ask, code);
	if (kept && touched && is_stale(kept, &(struct stale){ touched, NULL }))
		kept = NULL;
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

/* Whether the path is written in the one way in which its name can be compared: from the root, without "." and "..". */
static bool is_plain(const char *path)
{
	if (*path != '/')
		return false;
	for (const char *part = path; *part && path[1];) {
		size_t length = strcspn(++part, "/");
		if (!length || (length <= 2 && strncmp(part, "..", length) == 0))
			return false;
		part += length;
	}
	return true;
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
	kept->is_straight = answer->is_straight && ask->path && is_plain(ask->path);
	kept->next = store->buckets[code % store->bucket_count];
	store->buckets[code % store->bucket_count] = kept;
	store->count++;
}

void store_keep(struct store *store, const char *user, const struct ask *ask, struct answer **answer,
                uint64_t generation)
{
	unsigned code = code_of(user, ask);
	pthread_mutex_lock(&store->lock);
	const struct kept *kept = lookup(store, user, ask, code);
	if (kept) {
		struct answer *other = answer_ref(kept->answer);
		answer_unref(*answer);
		*answer = other;
	} else if (store->generation == generation) {
		insert(store, user, ask, *answer, code);
	}
	pthread_mutex_unlock(&store->lock);
}

void store_enter(struct store *store) { pthread_mutex_lock(&store->stepping); }

void store_leave(struct store *store) { pthread_mutex_unlock(&store->stepping); }

void store_share(struct store *store)
{
	pthread_mutex_lock(&store->lock);
	store->targets++;
	pthread_mutex_unlock(&store->lock);
}

bool store_is_shared(struct store *store)
{
	pthread_mutex_lock(&store->lock);
	bool is_shared = store->targets > 1;
	pthread_mutex_unlock(&store->lock);
	return is_shared;
}

/* ---- what steps make stale ---- */

static bool looks_through_links(const struct step *step)
{
	switch (step->kind) {
	case STEP_PUT: return step->put.follow;
	case STEP_SETATTR: return step->setattr.follow;
	case STEP_REMOVE: case STEP_RENAME: return false;
	case STEP_LINK: return step->link.hard;
	default: return true;
	}
}

/* Whether the path is known to be reached without a symlink. */
static bool is_known_straight(struct store *store, const char *user, const char *path, bool follow)
{
	const struct ask asks[] = {
		{ .kind = ASK_STAT, .path = path, .follow = true },
		{ .kind = ASK_STAT, .path = path, .follow = true, .only_type = true },
		{ .kind = ASK_STAT, .path = path },
	};
	for (size_t i = 0; i < (follow ? 2 : 3); i++) {
		const struct kept *kept = lookup(store, user, &asks[i], code_of(user, &asks[i]));
		if (kept && kept->is_straight)
			return true;
	}
	return false;
}

static bool goes_anywhere(struct store *store, const char *user, const struct step *step)
{
	if (step->effects == EFFECT_EVERYTHING)
		return true;
	for (const char *const *path = step->paths; step->effects == EFFECT_PATHS && path && *path; path++) {
		if (!is_known_straight(store, user, *path, looks_through_links(step)))
			return true;
	}
	return false;
}

static bool reaches(const struct stale *stale, const struct ask *ask)
{
	return stale->set ? touched_set_reaches(stale->set, ask) : touched_reaches(stale->touched, ask);
}

static bool touches_accounts(const struct stale *stale)
{
	const struct ask passwd = { .kind = ASK_READ, .path = "/etc/passwd" };
	const struct ask group = { .kind = ASK_READ, .path = "/etc/group" };
	return stale->touched->anywhere || reaches(stale, &passwd) || reaches(stale, &group);
}

/* A file of several names changes under all of them. */
static bool has_other_names(const struct kept *kept)
{
	const struct stat_answer *stat = &kept->answer->stat;
	return kept->ask->kind == ASK_STAT && kept->answer->state == ANSWER_OK && stat->type != 'd' && stat->links > 1;
}

static bool is_stale(const struct kept *kept, const struct stale *stale)
{
	if (kept->ask->side == ASK_ON_CONTROLLER)
		return false;
	switch (kept->ask->kind) {
	case ASK_STAT:
	case ASK_READ:
	case ASK_HASH:
	case ASK_LIST:
		return stale->touched->anywhere || !kept->is_straight || has_other_names(kept) || reaches(stale, kept->ask);
	case ASK_USER:
	case ASK_GROUP:
		return touches_accounts(stale);
	default:
		return true; /* a command's or a pattern's answer may depend on any path */
	}
}

bool touched_changes(const struct touched *touched, const struct ask *ask)
{
	return touched->anywhere || ask->kind != ASK_STAT || touched_reaches(touched, ask);
}

struct touched store_touched(struct store *store, const char *user, const struct step *const *steps, size_t count)
{
	struct touched touched = { steps, count, false };
	pthread_mutex_lock(&store->lock);
	for (size_t i = 0; i < count && !touched.anywhere; i++)
		touched.anywhere = goes_anywhere(store, user, steps[i]);
	pthread_mutex_unlock(&store->lock);
	return touched;
}

bool store_forget(struct store *store, const struct touched *touched)
{
	size_t changing = 0;
	for (size_t i = 0; i < touched->count; i++)
		changing += touched->steps[i]->effects != EFFECT_NOTHING;
	if (!changing)
		return false;
	struct touched_set *set = touched_set_new(touched);
	pthread_mutex_lock(&store->lock);
	store->generation++;
	sweep(store, &(struct stale){ touched, set });
	pthread_mutex_unlock(&store->lock);
	touched_set_free(set);
	return true;
}

bool store_begin(struct store *store, const struct basis *basis, size_t count, const struct touched *touched)
{
	bool holds = true;
	struct touched_set *set = touched_set_new(touched);
	pthread_mutex_lock(&store->lock);
	for (size_t i = 0; i < count && holds; i++) {
		const struct kept *kept = lookup(store, basis[i].user, basis[i].ask, code_of(basis[i].user, basis[i].ask));
		holds = kept && kept->answer == basis[i].answer;
	}
	if (holds) {
		store->generation++;
		sweep(store, &(struct stale){ touched, set });
	}
	pthread_mutex_unlock(&store->lock);
	touched_set_free(set);
	return holds;
}

void store_forget_all(struct store *store)
{
	const struct step anything = { .kind = STEP_RUN, .effects = EFFECT_EVERYTHING };
	store_forget(store, &(struct touched){ (const struct step *const[]){ &anything }, 1, true });
}
