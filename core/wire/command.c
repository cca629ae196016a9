/* Commands on channels of their own.
 *
 * The exec request starts a loader that reads all else from its stdin, line by line as the shell's read does, so that
 * nothing of a command shows in the request: line one is the supervisor, line two the inner shell. (That is a system call for
 * each byte: what is always the same comes with the request where it can.) The supervisor starts
 * the inner shell in a session of its own (setsid, where there is one) and says how it ended; the inner shell reads the
 * script from the lines that follow, each with a sign before it (+ a line, - a piece of one, . the end), tells its process
 * number, and runs the script with what remains of stdin. Marks frame the output as in shell.c: the end is known although
 * children may still hold the streams. Of several commands each has an inner shell, and the supervisor goes on to the
 * next only while they exit with 0. A program alone on a channel needs no session but the one that the server has made for it, or
 * else the loader: its inner shell is a subshell, and the supervisor outlives the signals that it may send to its own group.
 *
 * A command without input leaves its stdin to a watcher: a process of its group that waits for the end of the connection,
 * and, if the inner shell is still there then, tells the group what a terminal's loss would (SIGHUP). So what a lost
 * connection, or neap's own sudden end, leaves behind is not a command that runs on unseen. It is never the script's own child,
 * or its `wait` would wait for it: of a program alone it is the supervisor's, which ends it when the program has ended. Where
 * commands follow, their text is still to come, and only the last has one.
 *
 * A loader under way is a spare: the next command costs one round trip. A command has one made ready for the next, unless it
 * is known to be the last. */
#include "wire/command.h"

#include <string.h>
#include <sys/eventfd.h>

#include "base/clock.h"
#include "base/digest.h"
#include "base/mem.h"
#include "base/quote.h"
#include "wire/become.h"
#include "wire/framing.h"

enum { COMMAND_KEEP = 16 * 1024 * 1024, COMMAND_PIECE = 1000, COMMAND_KILL_MS = 10000, COMMAND_FEED = 1024 * 1024 };

struct runner {
	struct session *session;
	struct channel *channel;
	struct become_gate gate;
	bool gated, merged;
	bool has_alone;       /* the request had the supervisor of a program alone in it */
	bool follows;         /* merged, and stderr is told behind stdout */
	struct buf held;
	bool held_eof, fed;
	char mark[DIGEST_RANDOM_HEX];
	const struct wire_command *commands; /* NULL while it is a spare */
	struct wire_outcome *outcomes;
	size_t count;         /* of commands; once one has failed, those up to it */
	struct framing streams[2];
	bool greeted[2];      /* the inner shell of the next command has told that it begins */
	size_t ended[2];      /* commands that have */
	long pid;             /* of the inner shell, once known */
	long supervisor;      /* its parent's */
	bool leads;           /* the inner shell is the first of its process group */
};

/* ---- what comes back ---- */

static void runner_live(void *context, const char *bytes, size_t length, bool is_stderr)
{
	const struct runner *runner = context;
	const struct wire_command *command = &runner->commands[runner->ended[is_stderr]];
	if (command->output)
		command->output(command->context, is_stderr, bytes, length);
}

static void runner_live_output(void *context, const char *bytes, size_t length)
{
	runner_live(context, bytes, length, false);
}

static void runner_live_errors(void *context, const char *bytes, size_t length)
{
	runner_live(context, bytes, length, true);
}

static void runner_input(struct runner *runner);

static void runner_greeted(struct runner *runner, int stream)
{
	struct framing *framing = &runner->streams[stream];
	const struct wire_command *command = &runner->commands[runner->ended[stream]];
	struct wire_outcome *outcome = &runner->outcomes[runner->ended[stream]];
	runner->greeted[stream] = true;
	if (stream == 0) {
		char *end;
		runner->pid = strtol(framing->tail, &end, 10);
		runner->leads = *end == 'l';
		runner->supervisor = strtol(end + strcspn(end, " "), NULL, 10);
	}
	if (stream == 0 && command->pty)
		runner_input(runner);
	if (stream == 0 && runner->follows)
		runner_greeted(runner, 1);
	framing->context = runner;
	framing->live = stream ? runner_live_errors : runner_live_output;
	framing_start(framing, runner->mark, stream ? &outcome->errors : &outcome->output,
	              command->keep ? command->keep : COMMAND_KEEP);
}

static bool runner_is_one_stream(const struct runner *runner) { return runner->merged && !runner->follows; }

/* A command that fails is the last. */
static void runner_command_ended(struct runner *runner, int stream)
{
	size_t at = runner->ended[stream]++;
	struct wire_outcome *outcome = &runner->outcomes[at];
	struct framing *framing = &runner->streams[stream];
	outcome->cut |= framing->cut;
	if (stream == 0) {
		long status = framing_number(framing, 255);
		outcome->ended = status < 0 ? WIRE_UNKNOWN : WIRE_EXITED;
		outcome->code = status < 0 ? 0 : (int)status;
		if (status != 0)
			runner->count = at + 1;
	}
	if (runner_is_one_stream(runner) || runner->ended[!stream] > at) {
		outcome->end_us = clock_wall_us();
		if (at + 1 < runner->count)
			runner->outcomes[at + 1].start_us = outcome->end_us;
	}
	runner->greeted[stream] = false;
	framing->live = NULL;
	framing_start(framing, runner->mark, NULL, 0);
}

static void runner_frame_ended(struct runner *runner, int stream)
{
	if (runner->greeted[stream])
		runner_command_ended(runner, stream);
	else
		runner_greeted(runner, stream);
}

static void runner_data(void *context, bool is_stderr, const char *bytes, size_t length)
{
	struct runner *runner = context;
	if (runner->gated) {
		size_t own = become_take(&runner->gate, runner->channel, is_stderr, bytes, length);
		if (runner->gate.state != BECOME_READY)
			return;
		runner->gated = false;
		channel_write(runner->channel, runner->held.data, runner->held.length);
		buf_release(&runner->held);
		if (runner->held_eof)
			channel_write_eof(runner->channel);
		bytes += own;
		length -= own;
	}
	while (length && runner->commands) {
		int stream = runner->follows ? runner->ended[0] > runner->ended[1] : is_stderr;
		if (runner->ended[stream] >= runner->count)
			return;
		size_t taken = framing_take(&runner->streams[stream], bytes, length);
		bytes += taken;
		length -= taken;
		if (runner->streams[stream].ended)
			runner_frame_ended(runner, stream);
	}
}

static enum channel_need runner_need(void *context)
{
	return ((const struct runner *)context)->commands ? CHANNEL_NEEDED : CHANNEL_SPARE;
}

/* ---- starting ---- */

/* What reads a script from the lines on stdin into $neap_s. $neap_n is a newline, which no line holds: the last of the characters
 * in IFS as every sh begins, else what echo writes. A connection that is cut in the middle of the script must not run its first
 * half: nothing happens before the dot. */
#define COMMAND_READS_SCRIPT \
	"neap_s= neap_d= neap_n=${IFS#??}; case $neap_n in ?) ;; *) neap_n=$(echo; echo .); neap_n=${neap_n%.};; esac; " \
	"while IFS= read -r neap_l; do case $neap_l in .) neap_d=1; break;; " \
	"+*) neap_s=$neap_s${neap_l#?}$neap_n;; *) neap_s=$neap_s${neap_l#?};; esac; done; [ \"$neap_d\" ] || exit 1; "
#define COMMAND_LOADER "IFS= read -r neap_b && eval \"$neap_b\""

/* The loader with the supervisor of a program alone: neap_alone MARK w(atched)|i(nput) [-], which tries for a session of its own
 * unless it was started in one. It is one line, and has nothing that a login shell might read between single quotes. */
static const char alone_loader[] =
	"neap_alone() { neap_g=; if kill -0 -$$ 2>/dev/null; then neap_g=l; elif [ $# = 2 ]; then for neap_x in setsid \"busybox setsid\"; do "
	"$neap_x true 2>/dev/null && exec $neap_x \"$0\" -c \"$neap_f\" \"$0\" $* -; done; fi; "
	COMMAND_READS_SCRIPT
	"trap : HUP INT TERM; if [ $2 = w ]; then exec 3<&0; "
	"{ read -r neap_l; kill -HUP 0; } <&3 3<&- >/dev/null 2>&1 & exec 3<&- </dev/null; fi; "
	"echo $1$$$neap_g; echo $1 >&2; ( set --; eval \"$neap_s\" ); neap_s=$?; "
	"[ $2 = i ] || kill -KILL $! 2>/dev/null; echo $1$neap_s; echo $1 >&2; }; "
	"if [ $# = 3 ]; then neap_alone $*; else neap_f=$1; " COMMAND_LOADER "; fi";

static void runner_request(const struct runner *runner, struct buf *line)
{
	buf_str(line, "exec ");
	quote_word(line, session_sh(runner->session));
	buf_str(line, " -c 'eval \"$1\"' ");
	quote_word(line, session_sh(runner->session));
	buf_printf(line, " '%s'", alone_loader);
}

static struct runner *runner_open(const struct identity *identity, bool pty, struct err *err)
{
	const struct wire_become *become = identity_become(identity);
	struct runner *made = mem_alloc(sizeof(*made));
	made->session = identity->session;
	made->merged = pty || become_needs_pty(become);
	made->follows = made->merged && !pty;
	made->gated = become || made->merged;
	made->has_alone = !made->gated;
	digest_random(made->mark);
	for (int i = 0; i < 2; i++)
		framing_start(&made->streams[i], made->mark, NULL, 0);
	auto_buf struct buf line = BUF_INIT;
	if (made->gated) {
		become_command(&line, &made->gate, become, session_sh(made->session), COMMAND_LOADER, made->merged);
	} else {
		runner_request(made, &line);
	}
	struct channel_events events = { .context = made, .data = runner_data, .need = runner_need };
	made->channel = channel_open(made->session, line.data, NULL, made->merged, &events, err);
	if (!made->channel) {
		runner_close(made);
		return NULL;
	}
	return made;
}

/* Several commands come one behind the other; where they have no input, nothing but the next is left to be read. */
static void runner_supervisor_text(const struct runner *runner, struct buf *text)
{
	auto_buf struct buf sh = BUF_INIT;
	quote_word(&sh, session_sh(runner->session));
	buf_str(text, "neap_x=; ");
	if (!runner->commands->pty) /* a session of its own would lose the terminal */
		buf_str(text, "if command -v setsid >/dev/null 2>&1; then neap_x=setsid; "
		        "elif busybox setsid true 2>/dev/null; then neap_x='busybox setsid'; fi; ");
	if (runner->follows) /* what is left behind may hold stderr open: no pipe would end */
		buf_printf(text, "neap_e=/tmp/.neap-%s; if (umask 077; set -C; : >$neap_e) 2>/dev/null; then "
		           "neap_u=$(umask); umask 077; exec 4>$neap_e 5<$neap_e; umask $neap_u; rm -f $neap_e; else exec 4>&1 5</dev/null; fi; ", runner->mark);
	buf_printf(text, "neap_c=%zu; while [ $neap_c -gt 0 ] && IFS= read -r neap_i; do ", runner->count);
	buf_printf(text, "$neap_x %s -c \"$neap_i\" sh ${neap_x:+l}%s; neap_s=$?; echo %s$neap_s; ", sh.data,
	           runner->follows ? " 2>&4 4>&- 5<&-" : "", runner->mark);
	if (runner->follows)
		buf_printf(text, "cat <&5; echo %s; ", runner->mark);
	else if (!runner->merged)
		buf_printf(text, "echo %s >&2; ", runner->mark);
	buf_str(text, "[ $neap_s = 0 ] || break; neap_c=$((neap_c - 1)); done\n");
}

static bool runner_watched(const struct wire_command *command) { return !command->input && !command->pty; }

static void runner_inner_text(const struct runner *runner, const struct wire_command *command, bool last, struct buf *text)
{
	buf_str(text, COMMAND_READS_SCRIPT);
	if (command->pty)
		buf_str(text, "stty sane 2>/dev/null; ");
	buf_printf(text, "echo \"%s$$$1 $PPID\"; ", runner->mark);
	if (!runner->merged)
		buf_printf(text, "echo %s >&2; ", runner->mark);
	if (last && runner_watched(command))
		buf_str(text, "( exec 3<&0; ( IFS= read -r neap_l; kill -0 $$ && kill -HUP 0 ) <&3 3<&- >/dev/null 2>&1 & ); ");
	if (command->input && runner->merged && !command->pty) /* a terminal that passes all bytes has no end of input */
		buf_printf(text, "set --; head -c %zu | eval \"$neap_s\"\n", command->input_length);
	else
		buf_printf(text, "set --; eval \"$neap_s\"%s\n", command->input || command->pty ? "" : " </dev/null");
}

static void runner_script_text(struct buf *text, const char *script)
{
	for (;;) {
		size_t line = strcspn(script, "\n");
		size_t piece = line < COMMAND_PIECE ? line : COMMAND_PIECE;
		buf_char(text, piece == line && script[piece] ? '+' : '-');
		buf_add(text, script, piece);
		buf_char(text, '\n');
		script += piece;
		if (!*script)
			break;
		if (piece == line)
			script++;
	}
	buf_str(text, ".\n");
}

static void runner_input(struct runner *runner)
{
	const struct wire_command *command = runner->commands;
	struct buf *held = runner->gated ? &runner->held : NULL;
	if (command->input && held)
		buf_add(held, command->input, command->input_length);
	else if (command->input)
		channel_write(runner->channel, command->input, command->input_length);
	if (command->pty)
		channel_write(runner->channel, "\004", 1);
	else if (runner_watched(command))
		return;
	else if (command->feed)
		return;
	else if (held)
		runner->held_eof = true;
	else
		channel_write_eof(runner->channel);
}

/* What a command is fed goes out as fast as the target takes it. */
static void runner_feed(struct runner *runner)
{
	const struct wire_command *command = runner->commands;
	if (!command->feed || runner->fed || runner->gated)
		return;
	auto_buf struct buf more = BUF_INIT;
	while (!runner->fed && channel_queued(runner->channel) < COMMAND_FEED) {
		buf_clear(&more);
		runner->fed = !command->feed(command->context, &more);
		if (more.length)
			channel_write(runner->channel, more.data, more.length);
	}
	if (runner->fed)
		channel_write_eof(runner->channel);
}

static void runner_start(struct runner *runner, const struct wire_command *commands, struct wire_outcome *outcomes,
                         size_t count)
{
	runner->commands = commands;
	runner->outcomes = outcomes;
	runner->count = count;
	auto_buf struct buf text = BUF_INIT;
	bool alone = runner->has_alone && commands->execs && !commands->pty && count == 1;
	if (alone)
		buf_printf(&text, "neap_alone %s %c\n", runner->mark, runner_watched(commands) ? 'w' : 'i');
	else
		runner_supervisor_text(runner, &text);
	for (size_t i = 0; i < count; i++) {
		if (!alone)
			runner_inner_text(runner, &commands[i], i + 1 == count, &text);
		runner_script_text(&text, commands[i].script);
	}
	if (runner->gated)
		buf_add(&runner->held, text.data, text.length);
	else
		channel_write(runner->channel, text.data, text.length);
	if (!commands->pty) /* a terminal first has to be put back into order */
		runner_input(runner);
}

/* ---- waiting ---- */

/* How many commands have, with all that they wrote. */
static size_t runner_ended(const struct runner *runner)
{
	return runner_is_one_stream(runner) || runner->ended[0] < runner->ended[1] ? runner->ended[0] : runner->ended[1];
}

static bool runner_done(const struct runner *runner) { return runner_ended(runner) >= runner->count; }

/* 1: it ended; 0: the deadline passed; -1: the connection is lost, or the user could not be become. */
static int runner_wait(struct runner *runner, int64_t deadline, struct err *err)
{
	int code = 0;
	while (!runner_done(runner) && channel_ended(runner->channel, &code) == CHANNEL_OPEN) {
		if (runner->gated && become_check(&runner->gate, runner->channel, err) < 0)
			return -1;
		if (clock_left(deadline) == 0)
			return 0;
		runner_feed(runner);
		if (session_pump(runner->session, deadline, err) < 0)
			return -1;
	}
	if (runner->gated && become_check(&runner->gate, runner->channel, err) < 0)
		return -1;
	if (runner_done(runner))
		return 1;
	if (session_check(runner->session, err) < 0)
		return -1;
	if (channel_ended(runner->channel, &code) != CHANNEL_LOST || channel_accepted(runner->channel))
		return 1;
	err_set(err, ERR_HOST, "%s", channel_error(runner->channel)); /* nothing has begun */
	if (err)
		err->os_error = COMMAND_REFUSED;
	return -1;
}

/* Without the marks only the channel's own end is known; a status of 0 that nobody vouches for is no success. */
static void runner_judge(const struct runner *runner)
{
	if (runner_done(runner))
		return;
	struct wire_outcome *outcome = &runner->outcomes[runner_ended(runner)];
	int code = 0;
	enum channel_ended ended = channel_ended(runner->channel, &code);
	outcome->ended = ended == CHANNEL_SIGNALLED ? WIRE_SIGNALLED
	               : ended == CHANNEL_EXITED && code ? WIRE_EXITED : WIRE_UNKNOWN;
	outcome->code = outcome->ended == WIRE_UNKNOWN ? 0 : code;
}

void command_kill_text(struct buf *script, long pid)
{
	buf_printf(script, "g=$(ps -o pgid= -p %ld 2>/dev/null) || read -r a b c d g f </proc/%ld/stat; "
	           "kill -KILL -$((g)) || kill -KILL %ld", pid, pid, pid);
}

/* Kills the group through the user's shell, the supervisor of more commands before it. Without setsid the group is the
 * channel's, which is the command's alone. */
static int runner_kill_once(struct runner *runner, struct identity *identity, struct err *err)
{
	auto_buf struct buf text = BUF_INIT;
	if (runner->count > 1 && runner->supervisor > 1)
		buf_printf(&text, "kill -KILL %ld; ", runner->supervisor);
	if (runner->leads)
		buf_printf(&text, "kill -KILL -%ld", runner->pid);
	else
		command_kill_text(&text, runner->pid);
	const char *script = buf_text(&text);
	struct wire_command command = { .script = script, .keep = 1024 };
	struct wire_outcome outcome = { 0 };
	int status = identity_batch(identity, &command, &outcome, 1, false, clock_deadline(COMMAND_KILL_MS), err);
	wire_outcome_release(&outcome);
	return status < 0 ? err_wrap(err, "killing a command that ran into its timeout") : 0;
}

/* Again, if another command had begun meanwhile. */
static int runner_kill(struct runner *runner, struct identity *identity, struct err *err)
{
	for (long killed = 0; runner->pid > 1 && runner->pid != killed;) {
		killed = runner->pid;
		if (runner_kill_once(runner, identity, err) < 0)
			return -1;
	}
	return 0;
}

/* Ctrl-C ends what runs on the target too: the cancellation is taken back for the time that takes. */
static void runner_interrupt(struct runner *runner, struct identity *identity)
{
	struct err ignored = ERR_INIT;
	eventfd_t value;
	if (eventfd_read(identity->session->cancel_fd, &value) < 0)
		return;
	session_hurry(identity->session);
	(void)!runner_kill(runner, identity, &ignored);
	(void)eventfd_write(identity->session->cancel_fd, value);
}

static struct runner *runner_take(struct identity *identity, bool pty, struct err *err)
{
	int code = 0;
	struct runner *spare = pty ? NULL : identity->spare;
	if (!spare)
		return runner_open(identity, pty, err);
	identity->spare = NULL;
	if (channel_ended(spare->channel, &code) == CHANNEL_OPEN)
		return spare;
	runner_close(spare);
	return runner_open(identity, pty, err);
}

void command_expect(struct identity *identity)
{
	struct err ignored = ERR_INIT;
	if (!identity->spare && !identity->session->config->local && identity_may_expect(identity))
		identity->spare = runner_open(identity, false, &ignored);
}

/* Of a stream: *done tells how many have ended, the one that the channel ended with included. */
static int run(struct identity *identity, const struct wire_command *commands, struct wire_outcome *outcomes, size_t count,
               size_t *done, struct err *err)
{
	bool more = !commands->pty && !commands->last;
	int64_t deadline = clock_deadline(commands->timeout_ms);
	*done = 0;
	outcomes->start_us = clock_wall_us();
	struct runner *runner = runner_take(identity, commands->pty, err);
	if (!runner)
		return -1;
	runner_start(runner, commands, outcomes, count);
	if (more)
		command_expect(identity);
	int ended = runner_wait(runner, deadline, err);
	if (!outcomes->end_us)
		outcomes->end_us = clock_wall_us();
	if (ended > 0)
		runner_judge(runner);
	if (ended == 0) {
		outcomes->ended = WIRE_TIMED_OUT;
		ended = runner_kill(runner, identity, err);
		if (ended == 0)
			ended = runner_wait(runner, clock_deadline(500), err);
		outcomes->ended = WIRE_TIMED_OUT; /* however it ended when it was killed */
	}
	*done = runner_ended(runner) + (ended > 0 && !runner_done(runner));
	if (ended < 0 && err && err->kind == ERR_INTERRUPTED)
		runner_interrupt(runner, identity);
	runner_close(runner);
	if (ended < 0)
		return identity_wants_terminal(identity, err) ? run(identity, commands, outcomes, count, done, err) : -1;
	identity->became = true;
	if (more)
		command_expect(identity);
	return 0;
}

int command_run(struct identity *identity, const struct wire_command *command, struct wire_outcome *outcome,
                struct err *err)
{
	size_t done;
	return run(identity, command, outcome, 1, &done, err);
}

int command_stream(struct identity *identity, const struct wire_command *commands, struct wire_outcome *outcomes,
                   size_t count, size_t *done, struct err *err)
{
	return run(identity, commands, outcomes, count, done, err);
}

void runner_close(struct runner *runner)
{
	if (!runner)
		return;
	channel_close(runner->channel);
	become_release(&runner->gate);
	buf_release(&runner->held);
	free(runner);
}
