/* Each kind of step as shell text or a transfer; steps that can share a flight do. */
#include "run/perform.h"

#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <time.h>

#include "base/clock.h"
#include "base/digest.h"
#include "base/mem.h"
#include "base/quote.h"
#include "run/command_text.h"

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
	bool guarded = mkdir->attributes.has_mode && !mkdir->parents; /* nobody looks in before owner and mode are right */
	buf_str(text, guarded ? "(umask 077; mkdir" : mkdir->parents ? "mkdir -p" : "mkdir");
	command_text_path(text, mkdir->path);
	if (guarded)
		buf_char(text, ')');
	add_attributes(text, &mkdir->attributes, mkdir->path, true);
}

static void script_link(struct buf *text, const struct step_link *link)
{
	const char *how = link->hard ? "ln" : "ln -s";
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
	buf_str(text, remove->recurse ? "rm -rf --" : "rm -f --");
	command_text_path(text, remove->path);
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

/* Short steps in one flight: commands, and how many steps each of them does. */
struct short_steps {
	struct wire_command *commands;
	struct wire_outcome *outcomes;
	size_t *covers, count;
};

static void collect_short(struct job *job, struct short_steps *flight)
{
	for (size_t at = job->steps_done; at < job->step_count; at += flight->covers[flight->count++]) {
		auto_buf struct buf text = BUF_INIT;
		flight->covers[flight->count] = 1;
		if (is_plain_mkdir(job->steps[at]))
			flight->covers[flight->count] = script_mkdirs(job->steps + at, job->step_count - at, &text);
		else if (!step_script(job->steps[at], &text))
			return;
		flight->commands[flight->count].script = arena_str(job->arena, buf_text(&text));
	}
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

/* All the short steps from the job's position on. */
static int perform_short(struct wire *wire, struct job *job, struct err *err)
{
	size_t most = job->step_count - job->steps_done;
	struct short_steps flight = {
		.commands = arena_array(job->arena, most, sizeof(*flight.commands)),
		.outcomes = arena_array(job->arena, most, sizeof(*flight.outcomes)),
		.covers = arena_array(job->arena, most + 1, sizeof(*flight.covers)),
	};
	collect_short(job, &flight);
	int failed = wire_batch(wire, job->user->become, flight.commands, flight.outcomes, flight.count, true, CLOCK_NEVER,
	                        err);
	bool going = !failed;
	for (size_t i = 0; i < flight.count; i++) {
		if (going && !flight.outcomes[i].not_run) {
			take_short(job, &flight.outcomes[i], flight.covers[i]);
			going = job->outcomes[job->steps_done - 1].ok;
		}
		wire_outcome_release(&flight.outcomes[i]);
	}
	return failed;
}

/* A local script goes to a file of its own on the target, which is removed afterwards whatever happens. */
static const char *send_script(struct wire *wire, struct job *job, const struct command *command, struct err *err)
{
	char random[DIGEST_RANDOM_HEX];
	digest_random(random);
	const char *path = arena_printf(job->arena, "/tmp/.neap-%s", random);
	struct wire_put put = {
		.path = path, .source = command->script_bytes ? WIRE_BYTES : WIRE_LOCAL_FILE, .from = command->local_script,
		.bytes = command->script_bytes, .length = command->script_length, .has_mode = true, .mode = 0700,
	};
	struct wire_put_result result = { 0 };
	size_t done = 0;
	return wire_put(wire, job->user->become, &put, &result, 1, &done, err) < 0 ? NULL : path;
}

enum { INTERPRETER_MOST = 256 }; /* what Linux reads of a first line */

/* The beginning of the script on its way to the target. */
static size_t script_beginning(const struct command *command, char *bytes, size_t most)
{
	if (command->script_bytes) {
		size_t length = command->script_length < most ? command->script_length : most;
		memcpy(bytes, command->script_bytes, length);
		return length;
	}
	auto_close int fd = open(command->local_script, O_RDONLY | O_CLOEXEC | O_NOCTTY);
	ssize_t got = fd < 0 ? -1 : read(fd, bytes, most);
	return got < 0 ? 0 : (size_t)got;
}

/* The words before a script's name that run it where nothing may be executed from its folder, as the system would make them
 * from its first line; none for what is no text. */
static size_t interpreter_words(struct arena *arena, const struct command *command, const char **words)
{
	char line[INTERPRETER_MOST + 1];
	size_t length = script_beginning(command, line, INTERPRETER_MOST);
	line[length] = '\0';
	char *end = memchr(line, '\n', length);
	if (memchr(line, '\0', length) || !length || (line[0] == '#' && line[1] == '!' && !end))
		return 0;
	if (line[0] != '#' || line[1] != '!') {
		words[0] = "/bin/sh";
		return 1;
	}
	*end = '\0';
	while (end > line && strchr(" \t", end[-1]))
		*--end = '\0';
	char *program = line + 2 + strspn(line + 2, " \t"), *rest = program + strcspn(program, " \t");
	words[0] = arena_printf(arena, "%.*s", (int)(rest - program), program);
	rest += strspn(rest, " \t");
	words[1] = *rest ? arena_str(arena, rest) : NULL;
	return *words[0] ? *rest ? 2 : 1 : 0;
}

static int run_command(struct wire *wire, struct job *job, const struct step_run *run, const char *script_path,
                       const struct perform_watch *watch, struct wire_outcome *outcome, struct err *err)
{
	struct command command = run->command;
	const char **argv = NULL;
	if (script_path) {
		size_t count = 0;
		while (command.argv && command.argv[count])
			count++;
		bool by_shell = command.shell != NULL;
		argv = arena_array(job->arena, count + 4, sizeof(*argv));
		size_t at = by_shell ? 0 : interpreter_words(job->arena, &command, argv);
		if (by_shell)
			argv[at++] = command.shell;
		argv[at++] = script_path;
		for (size_t i = 0; i < count; i++)
			argv[at++] = command.argv[i];
		command.argv = argv;
		command.script = NULL;
	}
	auto_buf struct buf text = BUF_INIT;
	command_text(&text, &command, job->environment);
	struct wire_command request = {
		.script = buf_text(&text),
		.input = command.input,
		.input_length = command.input_length,
		.timeout_ms = run->timeout_ms ? run->timeout_ms : job->timeout_ms,
		.pty = job->pty,
		.output = job->live && watch ? watch->output : NULL,
		.context = watch ? watch->context : NULL,
	};
	return wire_run(wire, job->user->become, &request, outcome, err);
}

static void remove_script(struct wire *wire, struct job *job, const char *path)
{
	auto_buf struct buf text = BUF_INIT;
	buf_str(&text, "rm -f --");
	command_text_path(&text, path);
	struct wire_command command = { .script = buf_text(&text) };
	struct wire_outcome outcome = { 0 };
	struct err ignored = ERR_INIT;
	(void)!wire_batch(wire, job->user->become, &command, &outcome, 1, false, clock_deadline(10000), &ignored);
	wire_outcome_release(&outcome);
}

static void take_run(struct job *job, const struct step *step, const struct wire_outcome *raw)
{
	struct outcome *outcome = &job->outcomes[job->steps_done++];
	command_text_result(job->arena, raw, &outcome->run);
	outcome->ok = true; /* what the exit status means is for the module to judge */
	if (raw->ended == WIRE_TIMED_OUT) {
		outcome->ok = false;
		outcome->error = "the command did not end within its timeout and was killed";
	} else if (raw->ended == WIRE_UNKNOWN && !step->run.ends_connection) {
		outcome->ok = false;
		outcome->error = "the connection was closed before the command's exit status came: whether it ended is unknown";
	}
}

static int perform_run(struct wire *wire, struct job *job, const struct step *step, const struct perform_watch *watch,
                       struct err *err)
{
	const char *script_path = NULL;
	if (step->run.command.local_script) {
		script_path = send_script(wire, job, &step->run.command, err);
		if (!script_path)
			return -1;
	}
	struct wire_outcome raw = { 0 };
	int failed = run_command(wire, job, &step->run, script_path, watch, &raw, err);
	if (failed && step->run.ends_connection && err->kind != ERR_INTERRUPTED) {
		err_clear(err);
		raw.ended = WIRE_UNKNOWN;
		failed = 0;
	}
	if (script_path)
		remove_script(wire, job, script_path);
	if (failed) {
		wire_outcome_release(&raw); /* what had come before the connection ended */
		return -1;
	}
	take_run(job, step, &raw);
	wire_outcome_release(&raw);
	return 0;
}

/* Commands of several tasks in one flight. */
static int perform_stream(struct wire *wire, struct job *job, struct err *err)
{
	size_t count = job->step_count - job->steps_done, done = 0;
	struct wire_command *commands = arena_array(job->arena, count, sizeof(*commands));
	struct wire_outcome *outcomes = arena_array(job->arena, count, sizeof(*outcomes));
	for (size_t i = 0; i < count; i++) {
		auto_buf struct buf text = BUF_INIT;
		command_text(&text, &job->steps[job->steps_done + i]->run.command, NULL);
		commands[i].script = arena_str(job->arena, buf_text(&text));
	}
	int failed = wire_stream(wire, job->user->become, commands, outcomes, count, &done, err);
	for (size_t i = 0; i < count; i++) {
		if (i < done)
			take_run(job, job->steps[job->steps_done], &outcomes[i]);
		wire_outcome_release(&outcomes[i]);
	}
	return failed;
}

/* Ansible's name for a backup: path.PID.YYYY-MM-DD@HH:MM:SS~ */
static const char *backup_name(struct arena *arena, const char *path)
{
	time_t now = time(NULL);
	struct tm local;
	localtime_r(&now, &local);
	char stamp[32];
	strftime(stamp, sizeof(stamp), "%Y-%m-%d@%H:%M:%S", &local);
	return arena_printf(arena, "%s.%ld.%s~", path, (long)getpid(), stamp);
}

struct wire_put perform_wire_put(struct arena *arena, const struct put *put)
{
	static const enum wire_source sources[] = {
		[PUT_BYTES] = WIRE_BYTES, [PUT_LOCAL_FILE] = WIRE_LOCAL_FILE, [PUT_REMOTE_FILE] = WIRE_REMOTE_FILE,
	};
	return (struct wire_put){
		.path = put->path,
		.source = sources[put->source],
		.bytes = put->bytes,
		.length = put->length,
		.from = put->from,
		.has_mode = put->attributes.has_mode,
		.mode = put->attributes.mode,
		.owner = put->attributes.owner,
		.group = put->attributes.group,
		.has_atime = put->attributes.has_atime,
		.has_mtime = put->attributes.has_mtime,
		.atime = put->attributes.atime,
		.mtime = put->attributes.mtime,
		.backup = put->backup ? backup_name(arena, put->path) : NULL,
		.validate = put->validate,
		.sha1 = put->sha1,
		.follow = put->follow,
		.is_new = put->is_new,
	};
}

/* A transfer that failed on the target (disk full, denied) fails its task; a lost connection loses the host. */
static bool is_lost(const struct err *err)
{
	return err->kind == ERR_UNREACHABLE || err->kind == ERR_INTERRUPTED || err->kind == ERR_PROTOCOL ||
	       err->kind == ERR_AUTH || err->kind == ERR_BECOME || err->kind == ERR_HOSTKEY;
}

static int fail_step(struct job *job, struct err *err)
{
	if (is_lost(err))
		return -1;
	job->outcomes[job->steps_done++] = (struct outcome){ .error = arena_str(job->arena, err->text) };
	err_clear(err);
	return 0;
}

/* All the PUTs from the job's position on, their data pipelined. */
static int perform_puts(struct wire *wire, struct job *job, struct err *err)
{
	size_t first = job->steps_done, count = 0;
	while (first + count < job->step_count && job->steps[first + count]->kind == STEP_PUT)
		count++;
	struct wire_put *puts = arena_array(job->arena, count, sizeof(*puts));
	struct wire_put_result *results = arena_array(job->arena, count, sizeof(*results));
	for (size_t i = 0; i < count; i++)
		puts[i] = perform_wire_put(job->arena, &job->steps[first + i]->put);
	size_t done = 0;
	int failed = wire_put(wire, job->user->become, puts, results, count, &done, err);
	for (size_t i = 0; i < done; i++) {
		job->outcomes[first + i] = (struct outcome){
			.ok = true, .backup_file = results[i].backed_up ? puts[i].backup : NULL,
			.digest = *results[i].sha1 ? arena_str(job->arena, results[i].sha1) : NULL,
		};
	}
	job->steps_done += done;
	if (!failed)
		return 0;
	if (results[done].validate_failed) {
		struct outcome *outcome = &job->outcomes[job->steps_done++];
		command_text_result(job->arena, &results[done].validate, &outcome->run);
		wire_outcome_release(&results[done].validate);
		outcome->refused = true;
		outcome->error = arena_printf(job->arena, "failed to validate: %s", err->text);
		err_clear(err);
		return 0;
	}
	return fail_step(job, err);
}

static int perform_get(struct wire *wire, struct job *job, const struct step *step, struct err *err)
{
	struct wire_get get = {
		.path = step->get.path, .to = step->get.to, .sha1 = step->get.sha1, .verify = step->get.verify,
	};
	struct wire_get_result result = { 0 };
	if (wire_get(wire, job->user->become, &get, &result, err) < 0)
		return fail_step(job, err);
	job->outcomes[job->steps_done++] = (struct outcome){
		.ok = true, .digest = arena_str(job->arena, result.sha1),
		.md5 = *result.md5 ? arena_str(job->arena, result.md5) : NULL, .size = result.size,
	};
	return 0;
}

static int perform_wait(struct wire *wire, struct job *job, const struct step *step, struct err *err)
{
	int64_t deadline = clock_deadline(step->wait.ms);
	while (clock_ms() < deadline) {
		if (wire_idle(wire, -1, deadline, err) < 0)
			return -1;
	}
	job->outcomes[job->steps_done++] = (struct outcome){ .ok = true };
	return 0;
}

static int perform_next(struct wire *wire, struct job *job, const struct perform_watch *watch, struct err *err)
{
	const struct step *step = job->steps[job->steps_done];
	int tree = step->kind == STEP_MKDIR ? perform_tree(wire, job, err) : 0;
	if (tree)
		return tree < 0 ? -1 : 0;
	switch (step->kind) {
	case STEP_RUN:
		return perform_run(wire, job, step, watch, err);
	case STEP_PUT:
		return perform_puts(wire, job, err);
	case STEP_GET:
		return perform_get(wire, job, step, err);
	case STEP_WAIT:
		return perform_wait(wire, job, step, err);
	default:
		return perform_short(wire, job, err);
	}
}

int perform_once(struct wire *wire, struct job *job, const struct command *command, struct wire_outcome *outcome,
                 struct err *err)
{
	const struct step_run run = { .command = *command };
	return run_command(wire, job, &run, NULL, NULL, outcome, err);
}

int perform_steps(struct wire *wire, struct job *job, const struct perform_watch *watch, struct err *err)
{
	if (job->is_stream)
		return perform_stream(wire, job, err);
	struct wire_expected expected = { 0 };
	for (size_t i = job->steps_done; i < job->step_count; i++) {
		expected.puts += job->steps[i]->kind == STEP_PUT;
		expected.new_puts += job->steps[i]->kind == STEP_PUT && job->steps[i]->put.is_new;
		expected.gets += job->steps[i]->kind == STEP_GET;
	}
	if (expected.puts || expected.gets)
		wire_expect_files(wire, job->user->become, &expected);
	while (job->steps_done < job->step_count && job->steps[job->steps_done]->kind != STEP_RECONNECT) {
		if (perform_next(wire, job, watch, err) < 0)
			return -1;
		if (job->steps_done && !job->outcomes[job->steps_done - 1].ok)
			break;
	}
	return 0;
}
