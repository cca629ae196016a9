/* What starts a job on the target, looks at it, and reads how it ended. */
#include "modules/async_job.h"

#include <string.h>

#include "base/buf.h"
#include "base/quote.h"
#include "modules/command_task.h"
#include "plan/path.h"

enum { FIRST_LOOK_MS = 20, LOOKS_APART_MS = 100, GRACE_MS = 30000, SEEN_RUNNING = 3, SEEN_NOTHING = 4 };

/* $1 the job's folder, $2 its seconds, $3 what starts a session or nothing, $4 the command, $5 the end of the last line, $6 the
 * script below. What it waits for is a sleep that the end of the command ends too: so nothing of it stays, and no signal can
 * come at a bad time. */
static const char supervisor[] =
	"[ \"$3\" ] || trap '' HUP\n"
	"f=$1/job\n"
	"w() { printf '%s\\n' \"$1\" >\"$f.new\" && mv -f \"$f.new\" \"$f\"; }\n"
	"w \"{\\\"finished\\\": 0, \\\"pid\\\": $$}\"\n"
	"b=$(date +%s)\n"
	"sleep \"$2\" & k=$!\n"
	"$3 /bin/sh -c \"$6\" sh \"$1\" \"$4\" \"$k\" & p=$!\n"
	"wait \"$k\"\n"
	"l=false; [ -e \"$1/rc\" ] || { l=true; kill -KILL \"-$p\" || kill -KILL \"$p\" $(cat \"$1/pid\"); }\n"
	"[ $l = true ] && c=137 || c=$(cat \"$1/rc\")\n"
	"w \"{\\\"finished\\\": 1, \\\"late\\\": $l, \\\"start\\\": $b, \\\"end\\\": $(date +%s), \\\"rc\\\": $c, $5\"\n";

/* In a session of its own where there is one: what ends that ends all that the command has started. */
static const char runner[] =
	"/bin/sh -c \"$2\" <\"$1/in\" >\"$1/out\" 2>\"$1/err\" & echo $! >\"$1/pid\"\n"
	"wait $!; echo $? >\"$1/rc.new\"; mv \"$1/rc.new\" \"$1/rc\"; kill \"$3\"\n";

/* ---- where jobs are ---- */

/* The folder of jobs as a word for sh; NULL: not answered yet. */
static const char *folder_word(struct decision *decision)
{
	const struct ask ask = { .kind = ASK_VARIABLE, .side = ASK_ON_CONTROLLER, .path = "ansible_async_dir", .follow = true };
	const struct answer *answer = ask_any(decision, &ask);
	if (!answer)
		return NULL;
	const char *given = answer->state == ANSWER_OK ? json_string_value(answer->facts) : NULL;
	if (!given || !*given)
		return "\"${ANSIBLE_ASYNC_DIR:-$HOME/.ansible_async}\"";
	auto_buf struct buf word = BUF_INIT;
	path_quote(&word, given);
	return arena_str(&decision->arena, buf_text(&word));
}

/* What was registered names the job: it must not name another place. */
static bool is_id(const char *id)
{
	return *id && *id != '.' && strspn(id, "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789._-") == strlen(id);
}

static void set_stand(struct decision *decision, const char *id, const char *path, bool finished)
{
	result_str(decision, "ansible_job_id", id);
	result_str(decision, "results_file", path);
	result_int(decision, "started", 1);
	result_int(decision, "finished", finished);
}

/* A line of text behind *at, in the arena, and *at behind it; NULL at the end. */
static const char *next_line(struct decision *decision, const char **at)
{
	size_t length = strcspn(*at, "\n");
	if (!(*at)[length])
		return NULL;
	const char *line = arena_copy(&decision->arena, *at, length);
	*at += length + 1;
	return line;
}

/* ---- starting ---- */

/* The command as sh runs it, with the umask of the shell that starts the job. */
static void add_job_command(struct buf *text, const struct command *command)
{
	if (!command) {
		buf_str(text, ":");
		return;
	}
	auto_buf struct buf line = BUF_INIT;
	buf_str(&line, "exec");
	if (command->script) {
		buf_char(&line, ' ');
		quote_word(&line, command->shell ? command->shell : "/bin/sh");
		buf_str(&line, " -c ");
		quote_word(&line, command->script);
	} else {
		quote_words(&line, command->argv);
	}
	quote_word(text, buf_text(&line));
}

/* What the job's last line has beside what only its end can tell. */
static const char *last_words(struct decision *decision, bool strip)
{
	auto_json json_t *set = result_take(decision);
	auto_json json_t *words = json_pack("{s:b, s:O}", "strip", strip, "result", set);
	auto_free char *text = json_dumps(words, JSON_COMPACT | JSON_ENSURE_ASCII);
	return arena_str(&decision->arena, text ? text + 1 : "}"); /* it goes on what the supervisor begins */
}

static void add_ended_job(struct buf *text, const char *words)
{
	auto_buf struct buf line = BUF_INIT;
	buf_printf(&line, "{\"finished\": 1, %s", words);
	buf_str(text, "printf '%s\\n' ");
	quote_word(text, buf_text(&line));
	buf_str(text, " >\"$f/job\"\n");
}

static void add_started_job(struct buf *text, const struct command *command, long long seconds, const char *words)
{
	buf_str(text, "printf '{\"finished\": 0}\\n' >\"$f/job\"\n");
	buf_str(text, command->input ? "cat >\"$f/in\" || exit 1\n" : ": >\"$f/in\"\n");
	buf_str(text, "x=; if command -v setsid >/dev/null 2>&1; then x=setsid; "
	        "elif busybox setsid true 2>/dev/null; then x='busybox setsid'; else trap '' HUP; fi\n$x /bin/sh -c ");
	quote_word(text, supervisor);
	buf_printf(text, " sh \"$f\" %lld \"$x\" \"umask $u\n\"", seconds);
	add_job_command(text, command);
	buf_char(text, ' ');
	quote_word(text, words);
	buf_char(text, ' ');
	quote_word(text, runner);
	buf_str(text, " </dev/null >/dev/null 2>&1 &\n");
}

static const char *start_script(struct decision *decision, const struct command *command, const char *folder, bool strip)
{
	auto_buf struct buf text = BUF_INIT;
	const char *words = last_words(decision, strip);
	buf_printf(&text, "u=$(umask); umask 077; d=%s\nmkdir -p -- \"$d\" || exit 1\n"
	           "j=j$(date +%%Y%%m%%d%%H%%M%%S).$$; mkdir -- \"$d/$j\" || exit 1\n"
	           "f=$(cd -- \"$d/$j\" && pwd) || exit 1\nprintf '%%s\\n%%s\\n' \"$j\" \"$f\"\n", folder);
	if (command)
		add_started_job(&text, command, decision->async_s, words);
	else
		add_ended_job(&text, words);
	return arena_str(&decision->arena, buf_text(&text));
}

/* ---- looking ---- */

static struct command look_command(struct decision *decision, const char *folder, const char *id)
{
	const char *script = arena_printf(&decision->arena,
		"d=%s; f=$d/%s\n[ -d \"$f\" ] || { printf '%%s\\n' \"$f\"; exit %d; }\ncd -- \"$f\" && pwd && j=$(cat job) || exit 1\n"
		"case $j in '{\"finished\": 0, '*)\n"
		"p=${j#*'\"pid\": '}; kill -0 \"${p%%%%[!0-9]*}\" 2>/dev/null && exit %d\n" /* else it may just have ended */
		"j=$(cat job); case $j in '{\"finished\": 0'*) j='{\"finished\": 1, \"lost\": true}';; esac;;\n"
		"'{\"finished\": 0'*) exit %d;; esac\n"
		"printf '%%s\\n' \"$j\"; [ ! -e out ] || cat out; [ ! -e err ] || cat err >&2\n",
		folder, id, SEEN_NOTHING, SEEN_RUNNING, SEEN_RUNNING);
	return (struct command){ .script = script };
}

/* What the command gave, from the job's line and its streams behind that. */
static enum async_job_state set_result(struct decision *decision, json_t *line, const struct command_result *seen, const char *output)
{
	const char *key;
	json_t *value;
	json_object_foreach(json_object_get(line, "result"), key, value)
		result_set(decision, key, json_deep_copy(value));
	json_t *rc = json_object_get(line, "rc");
	if (json_is_true(json_object_get(line, "lost"))) {
		result_fail(decision, "the job has ended without a result: what watched over it is gone");
	} else if (json_is_true(json_object_get(line, "late"))) {
		return JOB_LATE;
	} else if (json_is_integer(rc)) {
		int code = (int)json_integer_value(rc);
		const struct command_result run = {
			.ended = code > 128 ? ENDED_SIGNAL : ENDED_EXIT, .code = code > 128 ? code - 128 : code,
			.output = output, .output_length = seen->output_length - (size_t)(output - seen->output),
			.errors = seen->errors, .errors_length = seen->errors_length,
			.start_us = json_integer_value(json_object_get(line, "start")) * 1000000,
			.end_us = json_integer_value(json_object_get(line, "end")) * 1000000,
		};
		result_changed(decision, true);
		command_task_judge(decision, &run, json_is_true(json_object_get(line, "strip")));
	}
	return JOB_ENDED;
}

/* What a look has shown. */
static enum async_job_state take_look(struct decision *decision, const char *id, const struct command_result *seen)
{
	const char *at = seen->output ? seen->output : "", *path = next_line(decision, &at);
	bool is_running = seen->ended == ENDED_EXIT && seen->code == SEEN_RUNNING;
	if (seen->ended == ENDED_EXIT && seen->code == SEEN_NOTHING)
		return JOB_MISSING;
	auto_json json_t *line = NULL;
	if (path && command_succeeded(seen)) {
		const char *text = next_line(decision, &at);
		line = text ? json_loads(text, 0, NULL) : NULL;
	}
	set_stand(decision, id, path, line || !is_running);
	if (!is_running && !json_is_object(line)) {
		result_fail(decision, "the job's file cannot be read: %s", seen->errors_length ? seen->errors : "it is not as it was written");
		return JOB_OPEN;
	}
	if (is_running)
		return JOB_RUNNING;
	return set_result(decision, line, seen, at);
}

enum async_job_state async_job_look(struct decision *decision, const char *id)
{
	if (!is_id(id))
		return JOB_MISSING;
	const char *folder = folder_word(decision);
	if (!folder)
		return JOB_OPEN;
	/* Since it was started, the job may have changed anything. */
	const struct step_run run = { .command = look_command(decision, folder, id), .unchanged = true };
	const struct outcome *outcome = step_run(decision, &run);
	return outcome ? take_look(decision, id, &outcome->run) : JOB_OPEN;
}

enum async_job_state async_job_erase(struct decision *decision, const char *id, const char **path)
{
	*path = id;
	if (!is_id(id))
		return JOB_MISSING;
	const char *folder = folder_word(decision);
	if (!folder)
		return JOB_OPEN;
	const struct step_run run = { .unchanged = true, .effects = EFFECT_NOTHING, .command = {
		.script = arena_printf(&decision->arena, "d=%s; f=$d/%s\n[ -d \"$f\" ] || exit %d\ncd -- \"$f\" && pwd && rm -rf -- \"$PWD\"\n",
		                       folder, id, SEEN_NOTHING),
	} };
	const struct outcome *outcome = step_run(decision, &run);
	if (!outcome)
		return JOB_OPEN;
	if (outcome->run.ended == ENDED_EXIT && outcome->run.code == SEEN_NOTHING)
		return JOB_MISSING;
	if (!command_succeeded(&outcome->run)) {
		result_fail(decision, "the job cannot be removed: %s", outcome->run.errors_length ? outcome->run.errors : "no reason was given");
		return JOB_OPEN;
	}
	const char *at = outcome->run.output, *line = next_line(decision, &at);
	*path = line ? line : id;
	return JOB_ENDED;
}

/* ---- a task ---- */

static int fail_late(struct decision *decision, const char *id, const char *path)
{
	json_decref(result_take(decision));
	result_set(decision, "async_result", json_pack("{s:s, s:s?, s:i, s:i, s:s, s:s, s:[], s:[]}", "ansible_job_id", id,
	           "results_file", path, "started", 1, "finished", 0, "stdout", "", "stderr", "", "stdout_lines", "stderr_lines"));
	result_changed(decision, false);
	return result_fail(decision, "async task did not complete within the requested time - %llds", decision->async_s);
}

/* Looks until the job has ended, on a connection that is made again where it is lost. */
static int wait_for_end(struct decision *decision, const char *folder, const char *id, const char *path)
{
	long long apart_ms = decision->poll_s * 1000;
	const struct step step = { .kind = STEP_RECONNECT, .reconnect = {
		.command = look_command(decision, folder, id), .keep = true, .stays = true, .delay_ms = FIRST_LOOK_MS,
		.apart_ms = apart_ms < LOOKS_APART_MS ? apart_ms : LOOKS_APART_MS, .apart_most_ms = apart_ms,
		.timeout_ms = decision->async_s * 1000 + GRACE_MS,
	} };
	const struct outcome *outcome = step_any(decision, &step);
	const char *erased;
	if (!outcome)
		return 0;
	if (outcome->run.ended == ENDED_TIMEOUT)
		return fail_late(decision, id, path);
	if (async_job_erase(decision, id, &erased) == JOB_OPEN)
		return 0;
	return take_look(decision, id, &outcome->run) == JOB_LATE ? fail_late(decision, id, path) : 0;
}

int async_job_run(struct decision *decision, const struct command *command, bool strip)
{
	const char *folder = folder_word(decision);
	if (!folder)
		return 0;
	struct command start = command ? *command : (struct command){ 0 };
	start.argv = NULL;
	start.shell = NULL;
	start.script = start_script(decision, command, folder, strip);
	const struct outcome *outcome = step_run(decision, &(struct step_run){ .command = start });
	if (!outcome)
		return 0;
	const char *at = outcome->run.output ? outcome->run.output : "";
	const char *id = next_line(decision, &at), *path = next_line(decision, &at);
	if (!command_succeeded(&outcome->run) || !id || !path || !is_id(id))
		return result_fail(decision, "the job cannot be started: %s", outcome->run.errors_length ? outcome->run.errors : "no reason was given");
	if (decision->poll_s && command)
		return wait_for_end(decision, folder, id, path);
	set_stand(decision, id, path, false);
	result_changed(decision, true);
	return 0;
}
