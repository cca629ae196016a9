/* Steps that are one command of the shell each: folders, links, attributes, small files. They go in one flight, which stops
 * at the first that fails, and what the task asks behind them goes with them. */
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <time.h>

#include "base/clock.h"
#include "base/digest.h"
#include "base/mem.h"
#include "base/quote.h"
#include "run/command_text.h"
#include "run/flight.h"
#include "run/perform.h"

enum {
	FILES_MOST = 8,              /* that follow one another: more are faster by a stream */
	FLIGHT_BYTES = 256 * 1024,
};

static void add_owner(struct buf *text, const struct attributes *attributes, const char *path, bool follow)
{
	if (!attributes->owner && !attributes->group)
		return;
	auto_free char *who = mem_printf("%s%s%s", attributes->owner ? attributes->owner : "",
	                                 attributes->group ? ":" : "", attributes->group ? attributes->group : "");
	buf_str(text, attributes->owner ? " && chown" : " && chgrp");
	if (!follow)
		buf_str(text, " -h");
	buf_str(text, " -- ");
	quote_word(text, attributes->owner ? who : attributes->group);
	command_text_path(text, path);
}

static void add_mode(struct buf *text, const struct attributes *attributes, const char *path, bool follow)
{
	if (!attributes->has_mode)
		return;
	/* chmod has no -h: a symlink's own mode is not settable on Linux and is left alone. */
	if (!follow) {
		buf_str(text, " && { [ -L");
		command_text_path(text, path);
		buf_str(text, " ] ||");
	} else {
		buf_str(text, " && {");
	}
	/* A leading zero would mean "keep setuid on folders" to some chmods; five digits set all twelve bits. */
	buf_printf(text, " chmod 0%04o", (unsigned)attributes->mode);
	command_text_path(text, path);
	buf_str(text, "; }");
}

/* touch -d '@s.ns' where it is known, else POSIX -t in UTC. */
static void add_time(struct buf *text, char which, struct timespec time, const char *path, bool follow)
{
	const char *link = follow ? "" : " -h";
	if (time.tv_nsec == UTIME_NOW) {
		buf_printf(text, " && touch -c%s -%c", link, which);
		command_text_path(text, path);
		return;
	}
	struct tm utc;
	gmtime_r(&time.tv_sec, &utc);
	char stamp[32];
	strftime(stamp, sizeof(stamp), "%Y%m%d%H%M.%S", &utc);
	buf_printf(text, " && { touch -c%s -%c -d '@%lld.%09ld'", link, which, (long long)time.tv_sec, time.tv_nsec);
	command_text_path(text, path);
	buf_printf(text, " 2>/dev/null || TZ=UTC0 touch -c%s -%c -t %s", link, which, stamp);
	command_text_path(text, path);
	buf_str(text, "; }");
}

static void add_attributes(struct buf *text, const struct attributes *attributes, const char *path, bool follow)
{
	add_owner(text, attributes, path, follow);
	add_mode(text, attributes, path, follow); /* after chown, which takes setuid off */
	if (attributes->has_atime)
		add_time(text, 'a', attributes->atime, path, follow);
	if (attributes->has_mtime)
		add_time(text, 'm', attributes->mtime, path, follow);
}

static void script_mkdir(struct buf *text, const struct step_mkdir *mkdir)
{
	struct attributes attributes = mkdir->attributes;
	bool guarded = attributes.has_mode && !mkdir->parents; /* nobody looks in before owner and mode are right */
	buf_str(text, guarded ? "(umask 077; mkdir" : mkdir->parents ? "mkdir -p" : "mkdir");
	if (guarded && !attributes.owner && !attributes.group) {
		buf_printf(text, " -m 0%04o", (unsigned)attributes.mode);
		attributes.has_mode = false;
	}
	command_text_path(text, mkdir->path);
	if (guarded)
		buf_char(text, ')');
	add_attributes(text, &attributes, mkdir->path, true);
}

/* ln would say only that something is missing. */
static void script_needs_folder(struct buf *text, const char *path)
{
	const char *slash = strrchr(path, '/');
	if (!slash || slash == path)
		return;
	auto_free char *folder = mem_strndup(path, (size_t)(slash - path)), *missing = mem_printf(WIRE_NO_FOLDER, folder);
	buf_str(text, "{ [ -d");
	command_text_path(text, folder);
	buf_str(text, " ] || { echo ");
	quote_word(text, missing);
	buf_str(text, " >&2; false; }; } && ");
}

static void script_link(struct buf *text, const struct step_link *link)
{
	const char *how = link->hard ? "ln" : "ln -s";
	script_needs_folder(text, link->path);
	if (!link->replace) {
		buf_printf(text, "%s --", how);
		command_text_path(text, link->target);
		command_text_path(text, link->path);
		return;
	}
	char random[DIGEST_RANDOM_HEX];
	digest_random(random);
	auto_free char *temporary = mem_printf("%s.%.16s", link->path, random);
	buf_printf(text, "%s --", how);
	buf_char(text, ' ');
	quote_word(text, link->target);
	command_text_path(text, temporary);
	/* A rename replaces; where mv has no -T, a folder in the way would be moved into, so it is refused. */
	buf_str(text, " && { mv -fT");
	command_text_path(text, temporary);
	command_text_path(text, link->path);
	buf_str(text, " 2>/dev/null || { [ ! -d");
	command_text_path(text, link->path);
	buf_str(text, " ] && mv -f");
	command_text_path(text, temporary);
	command_text_path(text, link->path);
	buf_str(text, "; } || { rm -f");
	command_text_path(text, temporary);
	buf_str(text, "; false; }; }");
}

static void script_remove(struct buf *text, const struct step_remove *remove)
{
	if (remove->recurse) {
		buf_str(text, "rm -rf --");
		command_text_path(text, remove->path);
		return;
	}
	buf_str(text, "if [ -d");
	command_text_path(text, remove->path);
	buf_str(text, " ] && [ ! -L");
	command_text_path(text, remove->path);
	buf_str(text, " ]; then rmdir --");
	command_text_path(text, remove->path);
	buf_str(text, "; else rm -f --");
	command_text_path(text, remove->path);
	buf_str(text, "; fi");
}

static void script_rename(struct buf *text, const struct step_rename *rename)
{
	buf_str(text, "mv -f --");
	command_text_path(text, rename->from);
	command_text_path(text, rename->to);
}

/* A folder that is made without attributes: any number of them are one command. */
static bool is_plain_mkdir(const struct step *step)
{
	const struct attributes *attributes = &step->mkdir.attributes;
	return step->kind == STEP_MKDIR && !step->mkdir.parents && !attributes->has_mode && !attributes->owner &&
	       !attributes->group && !attributes->has_atime && !attributes->has_mtime;
}

/* How many of the steps one command does: the text gets it. */
static size_t script_mkdirs(const struct step *const *steps, size_t count, struct buf *text)
{
	enum { WORDS_MOST = 60000 }; /* bytes: well under what any exec takes */
	size_t taken = 0;
	buf_str(text, "mkdir");
	while (taken < count && is_plain_mkdir(steps[taken]) && text->length < WORDS_MOST)
		command_text_path(text, steps[taken++]->mkdir.path);
	return taken;
}

/* Shell text for the steps that are one short command; false for the others. */
static bool step_script(const struct step *step, struct buf *text)
{
	switch (step->kind) {
	case STEP_MKDIR:
		script_mkdir(text, &step->mkdir);
		return true;
	case STEP_LINK:
		script_link(text, &step->link);
		return true;
	case STEP_REMOVE:
		script_remove(text, &step->remove);
		return true;
	case STEP_RENAME:
		script_rename(text, &step->rename);
		return true;
	case STEP_SETATTR:
		buf_char(text, ':');
		add_attributes(text, &step->setattr.attributes, step->setattr.path, step->setattr.follow);
		return true;
	default:
		return false;
	}
}

/* The first line of what a failed utility wrote, else how it ended. */
static const char *failure_text(struct arena *arena, const struct wire_outcome *outcome)
{
	struct command_result result;
	command_text_result(arena, outcome, &result);
	char how[64];
	const char *errors = result.errors;
	errors += strspn(errors, " \t\n");
	size_t length = strcspn(errors, "\n");
	if (length)
		return arena_printf(arena, "%.*s", (int)length, errors);
	return arena_str(arena, command_how(&result, how));
}

/* A flight under way: commands, and how many steps each of them does. Those behind the steps' ask. */
struct short_steps {
	struct wire_command *commands;
	struct wire_outcome *outcomes;
	size_t *covers, count;
	char (*sha1)[PERFORM_SHA1]; /* of files */
	size_t bytes;
	struct flight *asks;
	size_t ask_count;
};

/* Whether the file is one of few that follow one another. No more of them are counted: there may be thousands. */
static bool is_one_of_few(const struct job *job, size_t at)
{
	size_t first = at, behind = at;
	if (job->is_joined)
		return true;
	while (first && at - first <= FILES_MOST && job->steps[first - 1]->kind == STEP_PUT)
		first--;
	while (behind < job->step_count && behind - first <= FILES_MOST && job->steps[behind]->kind == STEP_PUT)
		behind++;
	return behind - first <= FILES_MOST;
}

static bool is_small_file(const struct step *step)
{
	auto_arena struct arena arena = ARENA_INIT;
	const struct wire_put put = perform_wire_put(&arena, &step->put);
	return wire_put_is_text(&put);
}

bool perform_is_short(const struct job *job, size_t at)
{
	return job->steps[at]->kind == STEP_PUT && is_one_of_few(job, at) && is_small_file(job->steps[at]);
}

bool perform_can_be_short(const struct step *step)
{
	switch (step->kind) {
	case STEP_PUT: return is_small_file(step);
	case STEP_MKDIR: case STEP_LINK: case STEP_REMOVE: case STEP_RENAME: case STEP_SETATTR: return true;
	default: return false;
	}
}

/* The text of what the next command does; how many steps that is. 0: the step is none of those. */
static size_t collect_next(const struct job *job, size_t at, struct short_steps *flight, struct buf *text)
{
	const struct step *step = job->steps[at];
	if (is_plain_mkdir(step))
		return script_mkdirs(job->steps + at, job->step_count - at, text);
	if (step->kind != STEP_PUT)
		return step_script(step, text);
	struct wire_command *command = &flight->commands[flight->count];
	const struct wire_put put = perform_wire_put(job->arena, &step->put);
	auto_free char *temporary = NULL;
	if (!is_one_of_few(job, at) || !wire_put_text(&put, text, &temporary, flight->sha1[flight->count]))
		return 0;
	command->temporary = arena_str(job->arena, temporary);
	return 1;
}

static void collect_short(struct job *job, struct short_steps *flight)
{
	size_t at = job->steps_done;
	while (at < job->step_count && flight->bytes < FLIGHT_BYTES) {
		auto_buf struct buf text = BUF_INIT;
		size_t covers = collect_next(job, at, flight, &text);
		if (!covers)
			return;
		flight->commands[flight->count].script = arena_copy(job->arena, buf_text(&text), text.length);
		flight->covers[flight->count++] = covers;
		flight->bytes += text.length;
		at += covers;
	}
	if (at == job->step_count && job->ask_count)
		flight->ask_count = flight_commands(flight->asks, job->arena, flight->commands + flight->count);
}

/* Where one command does several steps and fails, the first of them is told to have failed, with what the utility said. */
static void take_short(struct job *job, const struct wire_outcome *outcome, size_t covers)
{
	bool ok = outcome->ended == WIRE_EXITED && outcome->code == 0;
	for (size_t i = 0; i < (ok ? covers : 1); i++)
		job->outcomes[job->steps_done++].ok = ok;
	if (!ok)
		job->outcomes[job->steps_done - 1].error = failure_text(job->arena, outcome);
}

/* What became of a small file. false: it has to be written in another way, which also tells what is wrong. */
static bool take_file(struct job *job, const struct wire_outcome *outcome, const char *sha1)
{
	if (outcome->ended != WIRE_EXITED || outcome->code != 0)
		return false;
	job->outcomes[job->steps_done++] = (struct outcome){ .ok = true, .digest = arena_str(job->arena, sha1) };
	return true;
}

/* What was asked behind the steps, which are all done. */
static void take_asks(struct job *job, const struct short_steps *flight)
{
	flight_take(flight->asks, flight->outcomes + flight->count);
	for (size_t i = 0; i < job->ask_count; i++) {
		struct job_ask *ask = &job->asks[i];
		if (!ask->answer || !flight_wants_reading(ask))
			continue;
		answer_unref(ask->answer); /* it is read instead, by who needs it */
		ask->answer = NULL;
	}
}

/* true: the next step has to be done in another way. */
static bool take_flight(struct job *job, const struct short_steps *flight)
{
	for (size_t i = 0; i < flight->count; i++) {
		const struct wire_outcome *outcome = &flight->outcomes[i];
		if (outcome->not_run)
			return false;
		if (flight->commands[i].temporary) {
			if (!take_file(job, outcome, flight->sha1[i]))
				return true;
			continue;
		}
		take_short(job, outcome, flight->covers[i]);
		if (!job->outcomes[job->steps_done - 1].ok)
			return false;
	}
	if (flight->ask_count)
		take_asks(job, flight);
	return false;
}

int perform_short(struct wire *wire, struct job *job, struct err *err)
{
	size_t most = job->step_count - job->steps_done;
	struct short_steps flight = { .asks = flight_new(job->arena, NULL, job, job->user) };
	size_t room = most + flight_most(flight.asks);
	flight.commands = arena_array(job->arena, room, sizeof(*flight.commands));
	flight.outcomes = arena_array(job->arena, room, sizeof(*flight.outcomes));
	flight.covers = arena_array(job->arena, room, sizeof(*flight.covers));
	flight.sha1 = arena_array(job->arena, room, sizeof(*flight.sha1));
	collect_short(job, &flight);
	if (!flight.count)
		return perform_puts(wire, job, SIZE_MAX, err);
	size_t count = flight.count + flight.ask_count;
	int failed = wire_batch(wire, job->user->become, flight.commands, flight.outcomes, count, true, CLOCK_NEVER, err);
	bool another_way = !failed && take_flight(job, &flight);
	for (size_t i = 0; i < count; i++)
		wire_outcome_release(&flight.outcomes[i]);
	return another_way ? perform_puts(wire, job, 1, err) : failed;
}
