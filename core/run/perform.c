/* Each kind of step; those that are short commands, and small files, are perform_short.c's. */
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
		.execs = true,
		.last = job->is_last,
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
		commands[i].execs = true;
		commands[i].last = job->is_last;
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

int perform_puts(struct wire *wire, struct job *job, size_t most, struct err *err)
{
	size_t first = job->steps_done, count = 0;
	while (count < most && first + count < job->step_count && job->steps[first + count]->kind == STEP_PUT)
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
		.path = step->get.path, .to = step->get.to, .sha1 = step->get.sha1, .verify = step->get.verify, .size = step->get.size,
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
		bool puts = job->steps[i]->kind == STEP_PUT && !perform_is_short(job, i);
		expected.puts += puts;
		expected.new_puts += puts && job->steps[i]->put.is_new;
		expected.gets += job->steps[i]->kind == STEP_GET && !wire_get_is_small(job->steps[i]->get.size);
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
