/* Asks: made by modules, known again in the log of the decision, answered by the runner. */
#include "plan/ask.h"

#include <string.h>
#include <sys/stat.h>

#include "base/mem.h"
#include "base/printable.h"
#include "base/text.h"
#include "plan/result.h"

/* All texts of the settings. */
enum { SETTING_TEXTS = 9 };
static void setting_texts(const struct ask_template *settings, const char *texts[SETTING_TEXTS])
{
	const char *const all[SETTING_TEXTS] = {
		settings->newline, settings->block_start, settings->block_end, settings->variable_start, settings->variable_end,
		settings->comment_start, settings->comment_end, settings->name, settings->dest,
	};
	memcpy(texts, all, sizeof(all));
}

static bool same_settings(const struct ask_template *a, const struct ask_template *b)
{
	const char *texts_a[SETTING_TEXTS], *texts_b[SETTING_TEXTS];
	setting_texts(a, texts_a);
	setting_texts(b, texts_b);
	for (size_t i = 0; i < SETTING_TEXTS; i++) {
		if (!text_same(texts_a[i], texts_b[i]))
			return false;
	}
	return a->trim_blocks == b->trim_blocks && a->lstrip_blocks == b->lstrip_blocks;
}

bool ask_same(const struct ask *a, const struct ask *b)
{
	return a->kind == b->kind && a->side == b->side && a->follow == b->follow && a->only_type == b->only_type &&
	       a->recurse == b->recurse && a->opens == b->opens && a->limit == b->limit && text_same(a->path, b->path) && text_same(a->algorithm, b->algorithm) &&
	       text_same(a->folder, b->folder) && command_same(&a->command, &b->command) &&
	       same_settings(&a->settings, &b->settings);
}

/* FNV-1a, 32 bit. */
static unsigned mix(unsigned code, const char *text)
{
	for (const unsigned char *p = (const unsigned char *)(text ? text : ""); *p; p++)
		code = (code ^ *p) * 16777619u;
	return (code ^ 0xff) * 16777619u;
}

unsigned ask_hash_code(const struct ask *ask)
{
	unsigned code = 2166136261u ^ (unsigned)ask->kind * 31u ^ (unsigned)ask->side * 7u ^ ask->follow * 3u ^ ask->recurse;
	code = mix(code, ask->path);
	code = mix(code, ask->algorithm);
	code = mix(code, ask->folder);
	code = mix(code, ask->command.script);
	for (const char *const *word = ask->command.argv; word && *word; word++)
		code = mix(code, *word);
	return code;
}

static struct ask_template copy_settings(struct arena *arena, const struct ask_template *settings)
{
	struct ask_template copy = *settings;
	const char **const texts[SETTING_TEXTS] = {
		&copy.newline, &copy.block_start, &copy.block_end, &copy.variable_start, &copy.variable_end, &copy.comment_start,
		&copy.comment_end, &copy.name, &copy.dest,
	};
	for (size_t i = 0; i < SETTING_TEXTS; i++)
		*texts[i] = arena_str(arena, *texts[i]);
	return copy;
}

const struct ask *ask_copy(struct arena *arena, const struct ask *ask)
{
	struct ask *copy = arena_alloc(arena, sizeof(*copy));
	*copy = *ask;
	copy->path = arena_str(arena, ask->path);
	copy->algorithm = arena_str(arena, ask->algorithm);
	copy->folder = arena_str(arena, ask->folder);
	copy->command = command_copy(arena, &ask->command);
	copy->settings = copy_settings(arena, &ask->settings);
	return copy;
}

const struct ask *ask_keep(struct arena *arena, const struct ask *ask)
{
	struct ask own = *ask;
	own.command.environment = json_deep_copy(ask->command.environment);
	return ask_copy(arena, &own);
}

void ask_drop(const struct ask *ask) { json_decref(ask->command.environment); }

static const char *const kind_words[] = {
	[ASK_STAT] = "stat", [ASK_READ] = "read", [ASK_HASH] = "hash", [ASK_LIST] = "list", [ASK_GLOB] = "glob",
	[ASK_RUN] = "run", [ASK_USER] = "user", [ASK_GROUP] = "group", [ASK_FACTS] = "facts", [ASK_FIND] = "find",
	[ASK_RENDER] = "render", [ASK_VARS] = "variables of", [ASK_VARIABLE] = "variable", [ASK_PROMPT] = "prompt",
};

const char *ask_describe(struct arena *arena, const struct ask *ask)
{
	auto_buf struct buf text = BUF_INIT;
	buf_str(&text, ask->side == ASK_ON_CONTROLLER && ask->kind < ASK_FIND ? "local " : "");
	buf_printf(&text, "%s ", kind_words[ask->kind]);
	if (ask->kind == ASK_RUN)
		command_describe(&text, &ask->command);
	else
		buf_str(&text, ask->path ? ask->path : "");
	auto_buf struct buf line = BUF_INIT;
	printable_line(&line, buf_text(&text), text.length);
	return arena_str(arena, buf_text(&line));
}

/* ---- answers ---- */

struct answer *answer_new(void)
{
	struct answer *answer = mem_alloc(sizeof(*answer));
	answer->references = 1;
	return answer;
}

struct answer *answer_ref(struct answer *answer)
{
	__atomic_add_fetch(&answer->references, 1, __ATOMIC_RELAXED);
	return answer;
}

void answer_unref(struct answer *answer)
{
	if (!answer || __atomic_sub_fetch(&answer->references, 1, __ATOMIC_ACQ_REL) > 0)
		return;
	json_decref(answer->facts);
	arena_release(&answer->arena);
	free(answer);
}

/* ---- for modules ---- */

static bool is_logged_here(const struct decision *decision, size_t index, const struct ask *ask)
{
	const struct asked *asked = &decision->asked[index];
	return asked->after_steps == decision->stepped_next && ask_same(asked->ask, ask);
}

static unsigned log_code(size_t after_steps, const struct ask *ask)
{
	return ask_hash_code(ask) ^ (unsigned)after_steps * 2654435761u;
}

/* The place of the ask in the log, which is mostly the one after the last; the count where it is new. */
static size_t log_find(const struct decision *decision, const struct ask *ask)
{
	if (decision->asked_next < decision->asked_count && is_logged_here(decision, decision->asked_next, ask))
		return decision->asked_next;
	for (size_t probe = 0, i; index_next(&decision->asked_index, log_code(decision->stepped_next, ask), &probe, &i);) {
		if (is_logged_here(decision, i, ask))
			return i;
	}
	return decision->asked_count;
}

void ask_index(struct decision *decision)
{
	index_release(&decision->asked_index);
	for (size_t i = 0; i < decision->asked_count; i++)
		index_add(&decision->asked_index, log_code(decision->asked[i].after_steps, decision->asked[i].ask), i);
}

static void log_add(struct decision *decision, const struct ask *ask)
{
	struct ask kept = *ask;
	if (kept.command.environment) {
		kept.command.environment = json_deep_copy(ask->command.environment);
		json_array_append_new(decision->kept, kept.command.environment);
	}
	mem_grow(decision->asked, decision->asked_count, decision->asked_room);
	index_add(&decision->asked_index, log_code(decision->stepped_next, ask), decision->asked_count);
	decision->asked[decision->asked_count++] = (struct asked){
		.ask = ask_copy(&decision->arena, &kept), .after_steps = decision->stepped_next,
	};
}

/* A command is asked in the task's environment, as Ansible's modules run in it. */
static struct ask in_environment(const struct decision *decision, const struct ask *ask)
{
	struct ask own = *ask;
	if (ask->kind == ASK_RUN && ask->side == ASK_ON_TARGET && !own.command.environment)
		own.command.environment = decision->environment;
	return own;
}

const struct answer *ask_any(struct decision *decision, const struct ask *given)
{
	const struct ask own = in_environment(decision, given), *ask = &own;
	size_t index = log_find(decision, ask);
	if (index == decision->asked_count)
		log_add(decision, ask);
	decision->asked_next = index + 1;
	return decision->asked[index].answer;
}

/* The answer where it can be used; NULL after the task was failed where it cannot. */
static const struct answer *or_fail(struct decision *decision, const struct ask *ask, const struct answer *answer)
{
	if (!answer || answer->state == ANSWER_OK || answer->state == ANSWER_ABSENT)
		return answer;
	const char *why = answer->why ? answer->why : "no reason was given";
	result_fail(decision, "cannot %s: %s", ask_describe(&decision->arena, ask), why);
	return NULL;
}

static const struct stat_answer *look(struct decision *decision, const struct ask *ask)
{
	static const struct stat_answer nothing = { .owner = "", .group = "" };
	const struct answer *answer = or_fail(decision, ask, ask_any(decision, ask));
	if (!answer)
		return NULL;
	return answer->state == ANSWER_OK ? &answer->stat : &nothing;
}

const struct stat_answer *ask_stat(struct decision *decision, const char *path, bool follow)
{
	return look(decision, &(struct ask){ .kind = ASK_STAT, .path = path, .follow = follow });
}

const struct stat_answer *ask_type(struct decision *decision, const char *path)
{
	return look(decision, &(struct ask){ .kind = ASK_STAT, .path = path, .follow = true, .only_type = true });
}

const struct answer *ask_read(struct decision *decision, const char *path)
{
	return ask_any(decision, &(struct ask){ .kind = ASK_READ, .path = path, .limit = ASK_READ_MOST });
}

const struct answer *ask_hash(struct decision *decision, const char *path, const char *algorithm)
{
	return ask_any(decision, &(struct ask){ .kind = ASK_HASH, .path = path, .algorithm = algorithm });
}

const struct answer *ask_list(struct decision *decision, const char *path, bool recurse, const char *algorithm)
{
	return ask_any(decision,
	               &(struct ask){ .kind = ASK_LIST, .path = path, .recurse = recurse, .algorithm = algorithm });
}

const struct answer *ask_glob(struct decision *decision, const char *pattern)
{
	return ask_any(decision, &(struct ask){ .kind = ASK_GLOB, .path = pattern });
}

const struct command_result *ask_run(struct decision *decision, const struct command *command)
{
	const struct ask ask = { .kind = ASK_RUN, .command = *command };
	const struct answer *answer = ask_any(decision, &ask);
	if (answer && answer->state == ANSWER_ABSENT) {
		result_fail(decision, "cannot %s: %s", ask_describe(&decision->arena, &ask), answer->why ? answer->why : "absent");
		return NULL;
	}
	answer = or_fail(decision, &ask, answer);
	return answer ? &answer->run : NULL;
}

const struct answer *ask_user(struct decision *decision, const char *name)
{
	return ask_any(decision, &(struct ask){ .kind = ASK_USER, .path = name });
}

const struct answer *ask_group(struct decision *decision, const char *name)
{
	return ask_any(decision, &(struct ask){ .kind = ASK_GROUP, .path = name });
}

const struct answer *ask_local(struct decision *decision, const struct ask *ask)
{
	struct ask local = *ask;
	local.side = ASK_ON_CONTROLLER;
	return ask_any(decision, &local);
}

const struct answer *ask_find(struct decision *decision, const char *name, const char *folder)
{
	return ask_any(decision,
	               &(struct ask){ .kind = ASK_FIND, .side = ASK_ON_CONTROLLER, .path = name, .folder = folder });
}

const struct answer *ask_render(struct decision *decision, const char *path, const struct ask_template *settings)
{
	return ask_any(decision, &(struct ask){
		.kind = ASK_RENDER, .side = ASK_ON_CONTROLLER, .path = path, .settings = *settings, .limit = ASK_READ_MOST,
	});
}

char stat_answer_type(mode_t mode)
{
	switch (mode & S_IFMT) {
	case S_IFREG: return 'f';
	case S_IFDIR: return 'd';
	case S_IFLNK: return 'l';
	case S_IFCHR: return 'c';
	case S_IFBLK: return 'b';
	case S_IFIFO: return 'p';
	case S_IFSOCK: return 's';
	default: return 0;
	}
}
