/* wait_for: until a port, a file or a text in one of them is there, or no longer. */
#include <arpa/inet.h>
#include <string.h>

#include "base/buf.h"
#include "base/mem.h"
#include "base/pattern.h"
#include "modules/file_wish.h"
#include "modules/wait_for.h"
#include "plan/path.h"

static const char *const states[] = { "absent", "drained", "present", "started", "stopped", NULL };
static const char *const connection_states[] = {
	"ESTABLISHED", "FIN_WAIT1", "FIN_WAIT2", "SYN_RECV", "SYN_SENT", "TIME_WAIT", NULL,
};
static const struct arg wait_for_args[] = {
	{ .name = "host", .fallback = "\"127.0.0.1\"", .offset = offsetof(struct wait_for_want, host),
	  .doc = "The name or address that port is tried at, from the target." },
	{ .name = "port", .type = ARG_INT, .offset = offsetof(struct wait_for_want, port), .doc = "The TCP port." },
	{ .name = "path", .type = ARG_PATH, .offset = offsetof(struct wait_for_want, path), .doc = "The file, on the target." },
	{ .name = "search_regex", .offset = offsetof(struct wait_for_want, search_regex),
	  .doc = "A regular expression that must be found in the file, or in what the port sends.", .regex = true },
	{ .name = "state", .choices = states, .fallback = "\"started\"", .offset = offsetof(struct wait_for_want, state),
	  .doc = "started, present: it is there. stopped, absent: it is not. drained: the port has no connections." },
	{ .name = "timeout", .type = ARG_INT, .fallback = "300", .offset = offsetof(struct wait_for_want, timeout),
	  .doc = "How many seconds at most; then the task fails. Without port and path the task waits so long, and does not fail." },
	{ .name = "delay", .type = ARG_INT, .fallback = "0", .offset = offsetof(struct wait_for_want, delay),
	  .doc = "How many seconds to wait before the first look." },
	{ .name = "sleep", .type = ARG_INT, .fallback = "1", .offset = offsetof(struct wait_for_want, sleep),
	  .doc = "How many seconds to wait between looks." },
	{ .name = "connect_timeout", .type = ARG_INT, .fallback = "5", .offset = offsetof(struct wait_for_want, connect_timeout),
	  .doc = "How many seconds one attempt to connect may take." },
	{ .name = "active_connection_states", .type = ARG_LIST, .choices = connection_states,
	  .fallback = "[\"ESTABLISHED\", \"FIN_WAIT1\", \"FIN_WAIT2\", \"SYN_RECV\", \"SYN_SENT\", \"TIME_WAIT\"]",
	  .offset = offsetof(struct wait_for_want, active_connection_states), .doc = "What counts as a connection for drained." },
	{ .name = "exclude_hosts", .type = ARG_LIST, .offset = offsetof(struct wait_for_want, exclude_hosts),
	  .doc = "Peers whose connections do not count for drained." },
	{ .name = "msg", .offset = offsetof(struct wait_for_want, msg), .doc = "What to say where it takes too long." },
	{ 0 },
};

static const struct rule wait_for_rules[] = {
	{ .kind = RULE_EXCLUSIVE, .names = (const char *const[]){ "port", "path", NULL } },
	{ .kind = RULE_ALLOWED_IF, .names = (const char *const[]){ "path", NULL }, .if_name = "state",
	  .if_values = (const char *const[]){ "started", "present", "absent", NULL } },
	{ .kind = RULE_ALLOWED_IF, .names = (const char *const[]){ "exclude_hosts", NULL }, .if_name = "state",
	  .if_values = (const char *const[]){ "drained", NULL } },
	{ .kind = RULE_REQUIRED_IF, .names = (const char *const[]){ "port", NULL }, .if_name = "state",
	  .if_values = (const char *const[]){ "drained", NULL } },
	{ 0 },
};

static const struct module_example wait_for_examples[] = {
	{ "A service", "{\"name\": \"the service answers\", \"wait_for\": {\"port\": 8080, \"timeout\": 60}}" },
	{ "A line in a log", "{\"name\": \"it is up\", \"wait_for\": {\"path\": \"/var/log/app.log\", \"search_regex\": \"^ready\"}}" },
	{ 0 },
};

static const struct module_return wait_for_returns[] = {
	{ "elapsed", "int", "How many seconds it took." },
	{ "match_groups", "list", "What the groups of search_regex matched in the file." },
	{ "match_groupdict", "dict", "The same of groups with names." },
	{ "state", "str", "As it was wanted; of a file that is there, what it is." },
	{ 0 },
};

/* $1: open, closed, there or gone: looks until that is so, or for $6 seconds; 10: it is not so yet.
 * read: what the port sends within $6 seconds. text: the file. connections: the kernel's tables. address: of a name. */
static const char script[] =
	"wanted=$1 host=$2 port=$3 connect=$4 sleep=$5 most=$6 path=$7\n"
	"limit() { if command -v timeout >/dev/null; then timeout \"$@\"; else shift; \"$@\"; fi; }\n"
	"if command -v bash >/dev/null; then tool=bash\n"
	"elif command -v nc >/dev/null; then tool=nc\n"
	"else case $wanted in open|closed|read) echo 'a port is tried by bash or nc, and the host has neither' >&2; exit 11;; esac; fi\n"
	"is_open() {\n"
	"	if [ $tool = bash ]; then limit \"$connect\" bash -c 'exec 3<>\"/dev/tcp/$0/$1\"' \"$host\" \"$port\"\n"
	"	elif nc -h 2>&1 | grep -q -e '-[a-z]*z'; then limit \"$connect\" nc -z \"$host\" \"$port\"\n"
	"	else limit \"$connect\" nc \"$host\" \"$port\"; fi </dev/null >/dev/null 2>&1\n"
	"}\n"
	"is_so() {\n"
	"	case $wanted in\n"
	"	open) is_open;; closed) ! is_open;; there) [ -e \"$path\" ];; gone) ! [ -e \"$path\" ];;\n"
	"	esac\n"
	"}\n"
	"case $wanted in\n"
	"read)\n"
	"	is_open || exit 10\n"
	"	if [ $tool = bash ]; then limit \"$most\" bash -c 'exec 3<>\"/dev/tcp/$0/$1\"; cat <&3' \"$host\" \"$port\" 2>/dev/null\n"
	"	else limit \"$most\" nc \"$host\" \"$port\" </dev/null 2>/dev/null; fi\n"
	"	exit 0;;\n"
	"text) [ -r \"$path\" ] && cat -- \"$path\" || exit 10; exit 0;;\n"
	"connections) cat /proc/net/tcp /proc/net/tcp6 2>/dev/null; exit 0;;\n"
	"esac\n"
	"end=$(($(date +%s) + most))\n"
	"until is_so; do\n"
	"	[ \"$(date +%s)\" -lt \"$end\" ] || exit 10\n"
	"	sleep \"$sleep\"\n"
	"done\n";

enum { CHUNK_S = 20, NOT_YET = 10 };

static bool is_state(const struct waiting *waiting, const char *a, const char *b)
{
	return strcmp(waiting->want->state, a) == 0 || strcmp(waiting->want->state, b) == 0;
}

const struct command_result *wait_for_look(struct waiting *waiting, const char *wanted, long long most)
{
	const struct wait_for_want *want = waiting->want;
	struct arena *arena = &waiting->decision->arena;
	long long sleep = want->sleep > 0 ? want->sleep : 1;
	const char *const argv[] = {
		"/bin/sh", "-c", script, "sh", wanted, want->host,
		arena_printf(arena, "%lld", want->port == ARG_NO_INT ? 0 : want->port),
		arena_printf(arena, "%lld", want->connect_timeout > 0 ? want->connect_timeout : 1),
		arena_printf(arena, "%lld", sleep), arena_printf(arena, "%lld", most > 0 ? most : 0),
		waiting->path ? waiting->path : "", NULL,
	};
	const struct step_run run = {
		/* What was known of the target before the wait is old now. */
		.command = { .argv = argv }, .effects = EFFECT_EVERYTHING, .unchanged = true,
		.timeout_ms = (most + want->connect_timeout + sleep + 60) * 1000,
	};
	const struct outcome *outcome = step_run(waiting->decision, &run);
	if (!outcome)
		return NULL;
	waiting->elapsed_us += outcome->run.end_us - outcome->run.start_us;
	if (outcome->run.ended == ENDED_EXIT && (outcome->run.code == 0 || outcome->run.code == NOT_YET))
		return &outcome->run;
	size_t length = outcome->run.errors_length;
	while (length && outcome->run.errors[length - 1] == '\n')
		length--;
	result_fail(waiting->decision, "%.*s", (int)length, length ? outcome->run.errors : "the target cannot be looked at");
	return NULL;
}

static long long left_s(const struct waiting *waiting)
{
	return waiting->want->timeout - waiting->elapsed_us / 1000000;
}

/* false: not done yet. */
static bool wait_a_while(struct waiting *waiting)
{
	int64_t ms = waiting->want->sleep > 0 ? waiting->want->sleep * 1000 : 200;
	waiting->elapsed_us += ms * 1000;
	return step_wait(waiting->decision, ms) != NULL;
}

static void set_elapsed(struct waiting *waiting)
{
	result_int(waiting->decision, "elapsed", waiting->elapsed_us / 1000000);
}

static int time_out(struct waiting *waiting)
{
	const struct wait_for_want *want = waiting->want;
	struct arena *arena = &waiting->decision->arena;
	set_elapsed(waiting);
	if (want->msg)
		return result_fail(waiting->decision, "%s", want->msg);
	const char *place = want->port == ARG_NO_INT ? want->path : arena_printf(arena, "%s:%lld", want->host, want->port);
	if (is_state(waiting, "drained", "drained"))
		return result_fail(waiting->decision, "Timeout when waiting for %s to drain", place);
	if (is_state(waiting, "absent", "stopped"))
		return result_fail(waiting->decision, "Timeout when waiting for %s to %s", place, want->path ? "be absent." : "stop.");
	if (want->search_regex)
		return result_fail(waiting->decision, "Timeout when waiting for search string %s in %s", want->search_regex, place);
	return result_fail(waiting->decision, "Timeout when waiting for %s%s", want->path ? "file " : "", place);
}

/* ---- the waits; 1: it is so; 0: not done yet, or failed ---- */

static int wait_plain(struct waiting *waiting)
{
	bool gone = is_state(waiting, "absent", "stopped"), is_path = waiting->want->path != NULL;
	const char *wanted = is_path ? (gone ? "gone" : "there") : (gone ? "closed" : "open");
	do {
		long long left = left_s(waiting);
		const struct command_result *run = wait_for_look(waiting, wanted, left < CHUNK_S ? left : CHUNK_S);
		if (!run)
			return 0;
		if (run->code == 0)
			return 1;
	} while (left_s(waiting) > 0);
	return time_out(waiting);
}

static json_t *group_text(const struct pattern *pattern, const struct command_result *run, size_t group)
{
	size_t start, end;
	if (!pattern_group(pattern, group, &start, &end))
		return json_null();
	json_t *text = json_stringn(run->output + start, end - start);
	return text ? text : json_null();
}

static void set_groups(struct waiting *waiting, const struct pattern *pattern, const struct command_result *run)
{
	json_t *groups = json_array(), *named = json_object();
	for (size_t i = 1; i <= pattern_group_count(pattern); i++) {
		json_t *text = group_text(pattern, run, i);
		if (pattern_group_name(pattern, i))
			json_object_set(named, pattern_group_name(pattern, i), text);
		json_array_append_new(groups, text);
	}
	result_set(waiting->decision, "match_groups", groups);
	result_set(waiting->decision, "match_groupdict", named);
}

static int wait_text(struct waiting *waiting, struct pattern *pattern)
{
	bool is_path = waiting->want->path != NULL;
	long long reading = 1; /* a banner is there at once; what comes later gets more time at each look */
	do {
		long long left = left_s(waiting), most = reading < left ? reading : left;
		const struct command_result *run = wait_for_look(waiting, is_path ? "text" : "read", most);
		if (!run)
			return 0;
		if (run->code == 0 && pattern_matches(pattern, run->output, run->output_length, PATTERN_SEARCH)) {
			if (is_path)
				set_groups(waiting, pattern, run);
			return 1;
		}
		reading = reading < CHUNK_S ? reading * 2 : reading;
		if (left_s(waiting) > 0 && !wait_a_while(waiting))
			return 0;
	} while (left_s(waiting) > 0);
	return time_out(waiting);
}

static int wait_drained(struct waiting *waiting)
{
	do {
		const struct command_result *run = wait_for_look(waiting, "connections", 0);
		if (!run)
			return 0;
		if (!wait_for_connections(waiting->want, run->output))
			return 1;
		if (!wait_a_while(waiting))
			return 0;
	} while (left_s(waiting) > 0);
	return time_out(waiting);
}

/* ---- the decision ---- */

static void set_keys(struct waiting *waiting)
{
	const struct wait_for_want *want = waiting->want;
	struct decision *decision = waiting->decision;
	result_str(decision, "state", want->state);
	result_set(decision, "port", want->port == ARG_NO_INT ? json_null() : json_integer(want->port));
	result_str(decision, "path", want->path ? waiting->path : NULL);
	result_str(decision, "search_regex", want->search_regex);
	if (!json_object_get(decision->result, "match_groups")) {
		result_set(decision, "match_groups", json_array());
		result_set(decision, "match_groupdict", json_object());
	}
	set_elapsed(waiting);
	const struct stat_answer *stat = want->path ? ask_stat(decision, waiting->path, ASK_NO_FOLLOW) : NULL;
	if (stat && stat->type)
		file_result(decision, stat);
}

static int wait_for_decide(const struct module *module, const void *wanted, struct decision *decision, struct err *err)
{
	(void)module, (void)err;
	struct waiting waiting = { .want = wanted, .decision = decision };
	const struct wait_for_want *want = wanted;
	struct err invalid = ERR_INIT;
	auto_pattern struct pattern *pattern =
		want->search_regex ? pattern_new(want->search_regex, PATTERN_MULTILINE, &invalid) : NULL;
	if (want->search_regex && !pattern)
		return result_fail(decision, "Invalid regular expression: %s", invalid.text);
	if (want->path && !(waiting.path = path_expand(decision, want->path)))
		return 0;
	bool any = want->port != ARG_NO_INT || want->path;
	long long first = want->delay + (any ? 0 : want->timeout);
	waiting.elapsed_us = first * 1000000;
	if (first > 0 && !step_wait(decision, first * 1000))
		return 0;
	int met = !any ? 1 : is_state(&waiting, "drained", "drained") ? wait_drained(&waiting)
	          : pattern && is_state(&waiting, "started", "present") ? wait_text(&waiting, pattern) : wait_plain(&waiting);
	if (met)
		set_keys(&waiting);
	return 0;
}

const struct module wait_for_module = {
	.name = "wait_for",
	.doc = "Waits until a port, a file, or a text in one of them is there, or no longer. It needs bash or nc on the target for ports.",
	.spec = { .args = wait_for_args, .rules = wait_for_rules, .want_size = sizeof(struct wait_for_want) },
	.examples = wait_for_examples,
	.returns = wait_for_returns,
	.decide = wait_for_decide,
	.no_check_mode = true,
};
