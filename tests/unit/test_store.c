/* What is kept of what a target answered, once steps were done. */
#include <stdint.h>
#include <string.h>

#include <criterion/criterion.h>

#include "run/store.h"

static struct store *store;

static void start(void) { store = store_new(); }
static void end(void) { store_free(store); }
TestSuite(store, .init = start, .fini = end);

static void keep(enum ask_kind kind, const char *path, bool follow, bool straight, char type, uint64_t links)
{
	struct answer *answer = answer_new();
	answer->is_straight = straight;
	answer->stat.type = type;
	answer->stat.links = links;
	store_keep(store, "", &(struct ask){ .kind = kind, .path = path, .follow = follow }, &answer, store_generation(store));
	answer_unref(answer);
}

static bool knows(enum ask_kind kind, const char *path, bool follow)
{
	struct answer *answer = store_find(store, "", &(struct ask){ .kind = kind, .path = path, .follow = follow }, NULL);
	answer_unref(answer);
	return answer;
}

/* A file that is written, with its one path in the list of what it touches. */
static void write_file(const char *path, bool follow)
{
	const struct step step = {
		.kind = STEP_PUT, .effects = EFFECT_PATHS, .paths = (const char *const[]){ path, NULL }, .put = { .path = path, .follow = follow },
	};
	const struct step *const steps[] = { &step };
	const struct touched touched = store_touched(store, "", steps, 1);
	store_forget(store, &touched);
}

Test(store, keeps_what_a_step_does_not_touch)
{
	keep(ASK_STAT, "/srv/a", false, true, 0, 0);
	keep(ASK_STAT, "/srv/b", true, true, 'f', 1);
	keep(ASK_READ, "/srv/b", false, true, 0, 0);
	keep(ASK_STAT, "/srv", true, true, 'd', 3);
	keep(ASK_STAT, "/srv/ab", false, true, 'f', 1);
	write_file("/srv/a", false);
	cr_expect(!knows(ASK_STAT, "/srv/a", false));
	cr_expect(!knows(ASK_STAT, "/srv", true), "its times have changed");
	cr_expect(knows(ASK_STAT, "/srv/b", true));
	cr_expect(knows(ASK_READ, "/srv/b", false));
	cr_expect(knows(ASK_STAT, "/srv/ab", false));
}

Test(store, forgets_all_of_the_target_behind_a_command)
{
	keep(ASK_STAT, "/srv/a", false, true, 'f', 1);
	const struct step step = { .kind = STEP_RUN, .effects = EFFECT_EVERYTHING };
	const struct touched touched = store_touched(store, "", (const struct step *const[]){ &step }, 1);
	store_forget(store, &touched);
	cr_expect(!knows(ASK_STAT, "/srv/a", false));
}

Test(store, forgets_what_was_reached_through_a_symlink)
{
	keep(ASK_STAT, "/srv/a", false, true, 0, 0);
	keep(ASK_STAT, "/srv/link/b", false, false, 'f', 1);
	keep(ASK_READ, "/srv/link", false, false, 0, 0);
	keep(ASK_HASH, "/srv/link", false, false, 0, 0);
	write_file("/srv/a", false);
	cr_expect(!knows(ASK_STAT, "/srv/link/b", false));
	cr_expect(!knows(ASK_READ, "/srv/link", false));
	cr_expect(!knows(ASK_HASH, "/srv/link", false));
}

Test(store, forgets_all_paths_when_a_step_goes_where_nobody_has_looked)
{
	static const char *const paths[] = { "/srv/unknown", "/srv/link", "srv/a", "/srv//a", "/srv/./a", "/srv/x/../a", "/srv/a/" };
	for (size_t i = 0; i < sizeof(paths) / sizeof(*paths); i++) {
		keep(ASK_STAT, "/elsewhere", false, true, 'f', 1);
		keep(ASK_STAT, "/srv/link", false, true, 'l', 1);
		if (i > 1)
			keep(ASK_STAT, paths[i], true, true, 'f', 1);
		write_file(paths[i], true);
		cr_expect(!knows(ASK_STAT, "/elsewhere", false), "%s", paths[i]);
	}
}

Test(store, takes_a_path_that_is_not_written_plainly_for_any)
{
	static const char *const paths[] = { "srv/a", "/srv//a", "/srv/./a", "/srv/x/../a", "/srv/a/", "/srv/a/." };
	for (size_t i = 0; i < sizeof(paths) / sizeof(*paths); i++) {
		keep(ASK_STAT, "/other", false, true, 0, 0);
		keep(ASK_STAT, paths[i], false, true, 'f', 1);
		write_file("/other", false);
		cr_expect(!knows(ASK_STAT, paths[i], false), "%s", paths[i]);
	}
	keep(ASK_STAT, "/other", false, true, 0, 0);
	keep(ASK_STAT, "/srv/..a/.b", false, true, 'f', 1);
	write_file("/other", false);
	cr_expect(knows(ASK_STAT, "/srv/..a/.b", false));
}

Test(store, forgets_a_file_that_has_other_names)
{
	keep(ASK_STAT, "/srv/a", false, true, 0, 0);
	keep(ASK_STAT, "/srv/hard", false, true, 'f', 2);
	keep(ASK_STAT, "/srv/folder", false, true, 'd', 2);
	write_file("/srv/a", false);
	cr_expect(!knows(ASK_STAT, "/srv/hard", false));
	cr_expect(knows(ASK_STAT, "/srv/folder", false));
}

Test(store, keeps_nothing_that_was_asked_before_it_forgot)
{
	uint64_t before = store_generation(store);
	keep(ASK_STAT, "/srv/a", false, true, 0, 0);
	write_file("/srv/a", false);
	struct answer *answer = answer_new();
	store_keep(store, "", &(struct ask){ .kind = ASK_STAT, .path = "/srv/b" }, &answer, before);
	answer_unref(answer);
	cr_expect(!knows(ASK_STAT, "/srv/b", false));
}

/* What a file is written on, where that is still what is known. */
static bool begin_writing(const char *path, const struct answer *answer)
{
	const struct ask ask = { .kind = ASK_STAT, .path = path };
	const struct basis basis = { "", &ask, answer };
	const struct step step = { .kind = STEP_PUT, .effects = EFFECT_PATHS, .paths = (const char *const[]){ path, NULL }, .put = { .path = path } };
	const struct step *const steps[] = { &step };
	const struct touched touched = store_touched(store, "", steps, 1);
	return store_begin(store, &basis, 1, &touched);
}

Test(store, begins_once_on_an_answer_and_on_the_one_that_is_kept)
{
	const struct ask ask = { .kind = ASK_STAT, .path = "/srv/a" };
	struct answer *first = answer_new(), *second = answer_new();
	first->is_straight = second->is_straight = true;
	store_keep(store, "", &ask, &first, store_generation(store));
	store_keep(store, "", &ask, &second, store_generation(store));
	cr_expect_eq(first, second);
	cr_expect(begin_writing("/srv/a", second));
	cr_expect_not(begin_writing("/srv/a", first));
	answer_unref(first);
	answer_unref(second);
}

Test(store, forgets_all)
{
	keep(ASK_STAT, "/srv/a", false, true, 'f', 1);
	keep(ASK_USER, "root", false, false, 0, 0);
	store_forget_all(store);
	cr_expect(!knows(ASK_STAT, "/srv/a", false) && !knows(ASK_USER, "root", false));
}

/* ---- the table of touched paths, against the definition ---- */

static uint32_t random_below(uint32_t *state, uint32_t most)
{
	*state = *state * 1664525 + 1013904223;
	return (*state >> 16) % most;
}

/* Up to four parts; plain ones have no empty parts, no slash at their end, and begin with one. */
static void random_path(uint32_t *state, bool plain, char path[32])
{
	static const char *const parts[] = { "a", "b", "ab", "" };
	size_t length = 0;
	*path = '\0';
	for (uint32_t left = random_below(state, 5); left; left--) {
		bool slash = plain || length || random_below(state, 8);
		length += (size_t)snprintf(path + length, 32 - length, "%s%s", slash ? "/" : "", parts[random_below(state, plain ? 3 : 4)]);
	}
	if (plain ? !length : random_below(state, 8) == 0)
		snprintf(path + length, 32 - length, "/");
}

static void random_step(uint32_t *state, struct step *step, char texts[2][32], const char *paths[3])
{
	static const enum step_kind kinds[] = { STEP_PUT, STEP_RUN, STEP_MKDIR, STEP_MKDIR, STEP_REMOVE };
	uint32_t count = random_below(state, 3);
	*step = (struct step){ .kind = kinds[random_below(state, 5)], .paths = paths,
		                   .effects = random_below(state, 60) ? random_below(state, 6) ? EFFECT_PATHS : EFFECT_NOTHING : EFFECT_EVERYTHING };
	if (step->kind == STEP_MKDIR)
		step->mkdir.parents = random_below(state, 2);
	for (uint32_t i = 0; i < count; i++) {
		random_path(state, false, texts[i]);
		paths[i] = texts[i];
	}
	paths[count] = NULL;
}

Test(store, finds_by_hashing_what_looking_at_each_step_finds)
{
	enum { STEPS = 4, ROUNDS = 20000, ASKS = 8 };
	uint32_t state = 1, reached = 0;
	for (int round = 0; round < ROUNDS; round++) {
		struct step made[STEPS];
		char texts[STEPS][2][32];
		const char *paths[STEPS][3];
		const struct step *steps[STEPS];
		for (size_t i = 0; i < STEPS; i++) {
			random_step(&state, &made[i], texts[i], paths[i]);
			steps[i] = &made[i];
		}
		const struct touched touched = { steps, random_below(&state, STEPS + 1), false };
		struct touched_set *set = touched_set_new(&touched);
		for (int i = 0; i < ASKS; i++) {
			static const enum ask_kind kinds[] = { ASK_STAT, ASK_READ, ASK_HASH, ASK_LIST };
			char path[32];
			random_path(&state, true, path);
			const struct ask ask = { .kind = kinds[random_below(&state, 4)], .path = path, .recurse = random_below(&state, 2),
				                     .only_type = random_below(&state, 2) };
			bool reaches = touched_reaches(&touched, &ask);
			cr_assert_eq(touched_set_reaches(set, &ask), reaches, "round %d, %s", round, path);
			reached += reaches;
		}
		touched_set_free(set);
	}
	cr_expect(reached > ROUNDS && reached < ROUNDS * (ASKS - 1), "both answers are tried: %u", reached);
}
