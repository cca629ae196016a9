/* The persistent shell.
 *
 * A command is written as
 *
 *   ( eval '<text>' ) </dev/null; echo <mark>$?; echo <mark> >&2
 *
 * with a mark of its own: eval keeps a syntax error inside, the subshell keeps exit, exec, cd and set inside, and the
 * command is done when its mark was seen on both streams. echo, because it is built into every shell and a mark has
 * nothing that echo would interpret. A first frame without a command drops what rc files print, and tells the umask.
 *
 * The first commands, if anybody may see them, ride in the request for the shell itself,
 *
 *   exec sh -c 'eval "$(printf %b "$1")"; exec sh' sh '<greeting and frames, encoded>'
 *
 * because the server takes no input before it has answered that. In the encoding nothing is left that a login shell could
 * read in a way of its own. One that ends without a greeting all the same (it limits the length of a word, or of a command)
 * is asked again in the usual way.
 *
 * Where both streams arrive as one (a terminal was needed to give a password), the command's stderr is collected by the
 * shell and follows its stdout, each with the mark behind it. */
#include "wire/shell.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/clock.h"
#include "base/digest.h"
#include "base/mem.h"
#include "base/quote.h"
#include "wire/become.h"
#include "wire/framing.h"

enum { LEAD_MOST = 100000 /* bytes: Linux takes 128 KiB in one argument */ };
enum { SHELL_KEEP = 16 * 1024 * 1024, GREETING_MOST = 8 * 1024 * 1024, GREETING_MS = 60 * 1000 };

struct shell {
	struct session *session;
	struct channel *channel;
	struct become_gate gate;
	bool gated;        /* the gate has not opened yet */
	bool merged;       /* both streams arrive as one */
	struct buf held;   /* what is to be written once the gate opens */
	struct buf first;  /* the greeting, and the frames behind it that went with the request; until it has come back */
	bool leads;        /* the request has more than the greeting */
	struct framing streams[2];
	bool greeted[2];
	size_t before_greeting;    /* bytes of start-up files */
	int64_t greeting_deadline; /* 0: nobody has waited yet */
	long umask;        /* of the user there, told by the greeting; -1: not known */
	long pid;          /* its process number, told by the greeting; 0: not known */
	const struct wire_command *commands; /* of the batch under way */
	struct wire_outcome *outcomes;
	char (*marks)[DIGEST_RANDOM_HEX];
	size_t count, at[2];
};

/* ---- what comes back ---- */

static void shell_expect(struct shell *shell, int stream)
{
	size_t at = shell->at[stream];
	if (at == shell->count)
		return;
	struct wire_outcome *outcome = &shell->outcomes[at];
	size_t keep = shell->commands[at].keep;
	framing_start(&shell->streams[stream], shell->marks[at], stream ? &outcome->errors : &outcome->output,
	              keep ? keep : SHELL_KEEP);
}

/* "UMASK,PROCESS" */
static void shell_introduced(struct shell *shell, const char *text)
{
	char *end, *last;
	long mask = strtol(text, &end, 8);
	if (end == text || *end != ',' || mask < 0 || mask > 0777)
		return;
	long pid = strtol(end + 1, &last, 10);
	shell->umask = mask;
	shell->pid = *last || pid <= 1 ? 0 : pid;
}

long shell_umask(const struct shell *shell) { return shell->umask; }

long shell_pid(const struct shell *shell) { return shell->pid; }

static void shell_frame_ended(struct shell *shell, int stream)
{
	struct framing *framing = &shell->streams[stream];
	if (!shell->greeted[stream]) {
		shell->greeted[stream] = true;
		if (stream == 0)
			shell_introduced(shell, framing->tail);
		shell_expect(shell, stream);
		return;
	}
	size_t at = shell->at[stream]++;
	struct wire_outcome *outcome = &shell->outcomes[at];
	outcome->cut |= framing->cut;
	if (stream == 0) {
		long code = framing_number(framing, 255);
		outcome->not_run = strcmp(framing->tail, "-") == 0;
		outcome->ended = code < 0 ? WIRE_UNKNOWN : WIRE_EXITED;
		outcome->code = code < 0 ? 0 : (int)code;
	}
	if (shell->at[!stream] > at) {
		outcome->end_us = clock_wall_us();
		if (at + 1 < shell->count)
			shell->outcomes[at + 1].start_us = outcome->end_us;
	}
	shell_expect(shell, stream);
}

static void shell_data(void *context, bool is_stderr, const char *bytes, size_t length)
{
	struct shell *shell = context;
	if (shell->gated) {
		size_t own = become_take(&shell->gate, shell->channel, is_stderr, bytes, length);
		if (shell->gate.state != BECOME_READY)
			return;
		shell->gated = false;
		channel_write(shell->channel, shell->held.data, shell->held.length);
		buf_release(&shell->held);
		bytes += own;
		length -= own;
	}
	while (length) {
		int stream = is_stderr;
		shell->before_greeting += shell->greeted[stream] ? 0 : length;
		if (shell->merged)
			stream = shell->greeted[0] != shell->greeted[1] || shell->at[0] > shell->at[1];
		/* Between batches only what an earlier command left behind can speak. */
		if (shell->greeted[stream] && shell->at[stream] == shell->count)
			return;
		size_t taken = framing_take(&shell->streams[stream], bytes, length);
		bytes += taken;
		length -= taken;
		if (shell->streams[stream].ended)
			shell_frame_ended(shell, stream);
	}
}

static enum channel_need shell_need(void *context)
{
	return ((const struct shell *)context)->count ? CHANNEL_NEEDED : CHANNEL_RESTS;
}

/* ---- what is sent ---- */

static void shell_write(struct shell *shell, const struct buf *text)
{
	if (shell->gated)
		buf_add(&shell->held, text->data, text->length);
	else
		channel_write(shell->channel, text->data, text->length);
}

/* A shell on a terminal would be interactive; cat is between them. */
static void shell_line(const struct shell *shell, struct buf *line)
{
	buf_str(line, shell->merged ? "cat | " : "exec ");
	quote_word(line, session_sh(shell->session));
}

/* A mark as the shell's text has it. The first text rides in an exec request, which shows among the processes and, with a
 * ForceCommand, in the environment: a command that prints these must not end its own frame. */
enum { SHELL_MARK_WORD = DIGEST_RANDOM_HEX + 2 };

static void shell_mark_word(char word[SHELL_MARK_WORD], const char *mark)
{
	snprintf(word, SHELL_MARK_WORD, "%.16s''%s", mark, mark + 16);
}

static void shell_greet(struct shell *shell)
{
	char mark[DIGEST_RANDOM_HEX];
	digest_random(mark);
	auto_buf struct buf text = BUF_INIT;
	char word[SHELL_MARK_WORD];
	shell_mark_word(word, mark);
	buf_printf(&text, "echo %s$(umask),$$; echo %s%s\n", word, word, shell->merged ? "" : " >&2");
	for (int i = 0; i < 2; i++)
		framing_start(&shell->streams[i], mark, NULL, 0);
	shell_write(shell, &text);
	buf_clear(&shell->first);
	buf_add(&shell->first, text.data, text.length);
}

static void shell_run_text(const struct shell *shell, struct buf *text, const char *script)
{
	buf_str(text, shell->merged ? "{ neap_e=$( ( eval " : "( eval ");
	quote_word(text, script);
	if (shell->merged)
		buf_str(text, " ) </dev/null 2>&1 >&3 3>&-; echo \".$?\" ); } 3>&1; neap_s=${neap_e##*.}; neap_e=${neap_e%.*}");
	else
		buf_str(text, " ) </dev/null; neap_s=$?");
}

static void shell_frame_text(const struct shell *shell, struct buf *text, const char *script, const char *mark, bool stop)
{
	if (stop)
		buf_str(text, "case $neap_s in 0) ");
	shell_run_text(shell, text, script);
	char word[SHELL_MARK_WORD];
	shell_mark_word(word, mark);
	buf_printf(text, "; echo %s$neap_s", word);
	if (stop)
		buf_printf(text, ";; *) neap_e=; echo %s-;; esac", word);
	if (shell->merged)
		buf_printf(text, "; printf %%s \"$neap_e\"; echo %s\n", word);
	else
		buf_printf(text, "; echo %s >&2\n", word);
}

/* As printf %b reads it, without a byte that some login shell does not take as it is between single quotes. */
static void shell_encode(struct buf *line, const struct buf *text)
{
	for (size_t i = 0; i < text->length; i++) { /* text ends in a NUL */
		size_t run = strcspn(text->data + i, "\n'!\\");
		buf_add(line, text->data + i, run);
		i += run;
		if (i < text->length)
			buf_printf(line, "\\0%03o", (unsigned char)text->data[i]);
	}
}

/* Puts the first batch into the request for the shell; false where it cannot ride there. */
static bool shell_lead(struct shell *shell, const struct wire_command *commands, size_t count, const struct buf *text)
{
	for (size_t i = 0; i < count; i++)
		if (!commands[i].open)
			return false;
	if (shell->gated || shell->merged || shell->leads || !shell->first.length || text->length > LEAD_MOST)
		return false;
	auto_buf struct buf line = BUF_INIT, all = BUF_INIT;
	buf_add(&all, shell->first.data, shell->first.length);
	buf_add(&all, text->data, text->length);
	shell_line(shell, &line);
	buf_str(&line, " -c 'eval \"$(printf %b \"$1\")\"; exec \"$0\"' ");
	quote_word(&line, session_sh(shell->session));
	buf_str(&line, " '");
	shell_encode(&line, &all);
	buf_char(&line, '\'');
	if (line.length > LEAD_MOST || !channel_replace(shell->channel, line.data))
		return false;
	buf_clear(&shell->first);
	buf_add(&shell->first, all.data, all.length);
	return shell->leads = true;
}

/* ---- life ---- */

static int shell_start_channel(struct shell *shell, const struct wire_become *become, struct err *err)
{
	auto_buf struct buf line = BUF_INIT, inner = BUF_INIT;
	shell_line(shell, &inner);
	if (become)
		become_command(&line, &shell->gate, become, session_sh(shell->session), inner.data, shell->merged);
	else
		buf_add(&line, inner.data, inner.length);
	struct channel_events events = { .context = shell, .data = shell_data, .need = shell_need };
	shell->channel = channel_open(shell->session, line.data, NULL, shell->merged, &events, err);
	return shell->channel ? 0 : -1;
}

int shell_open(struct shell **shell, struct session *session, const struct wire_become *become, struct err *err)
{
	struct shell *made = mem_alloc(sizeof(*made));
	made->umask = -1;
	made->session = session;
	made->merged = become_needs_pty(become);
	made->gated = become != NULL;
	if (shell_start_channel(made, become, err) < 0) {
		shell_close(made);
		return -1;
	}
	shell_greet(made);
	*shell = made;
	return 0;
}

/* The request with the first batch in it was not understood: the same, written to a shell as it always is. */
static int shell_start_over(struct shell *shell, struct err *err)
{
	channel_close(shell->channel);
	shell->leads = false;
	shell->before_greeting = 0;
	for (int stream = 0; stream < 2; stream++) {
		char mark[DIGEST_RANDOM_HEX];
		memcpy(mark, shell->streams[stream].mark, sizeof(mark));
		framing_start(&shell->streams[stream], mark, NULL, 0);
	}
	if (shell_start_channel(shell, NULL, err) < 0)
		return -1;
	channel_write(shell->channel, shell->first.data, shell->first.length);
	return 0;
}

/* -1 once no answer can come any more. */
static int shell_check(struct shell *shell, struct err *err)
{
	int code = 0;
	if (shell->leads && !shell->greeted[0] && !shell->greeted[1] && channel_ended(shell->channel, &code) != CHANNEL_OPEN &&
	    session_check(shell->session, err) == 0)
		return shell_start_over(shell, err);
	if (shell->gated && become_check(&shell->gate, shell->channel, err) < 0)
		return -1;
	switch (channel_ended(shell->channel, &code)) {
	case CHANNEL_OPEN:
		return 0;
	case CHANNEL_LOST:
		if (session_check(shell->session, err) < 0)
			return -1;
		return err_set(err, ERR_HOST, "the shell on the target was lost: %s", channel_error(shell->channel));
	case CHANNEL_SIGNALLED:
		return err_set(err, ERR_HOST, "the shell on the target was ended by signal %d", code);
	case CHANNEL_EXITED:
		break;
	}
	err_set(err, ERR_HOST, "the shell on the target ended with status %d", code);
	return err_hint(err, "check that the login user may run /bin/sh there (ForceCommand, nologin)");
}

/* Start-up files may take their time and say a lot, but not for ever. */
static int shell_check_greeting(const struct shell *shell, struct err *err)
{
	if (shell->greeted[0] && shell->greeted[1])
		return 0;
	if (shell->before_greeting > GREETING_MOST)
		err_set(err, ERR_PROTOCOL, "the shell on the target says much, but not what it is asked to");
	else if (clock_left(shell->greeting_deadline) == 0)
		err_set(err, ERR_TIMEOUT, "the shell on the target has not answered for %d seconds", GREETING_MS / 1000);
	else
		return 0;
	return err_hint(err, "log in by hand and see what the shell's start-up files do there");
}

static int shell_wait(struct shell *shell, int64_t deadline, struct err *err)
{
	if (!shell->greeting_deadline)
		shell->greeting_deadline = clock_deadline(GREETING_MS);
	while (shell->at[0] < shell->count || shell->at[1] < shell->count) {
		if (shell_check(shell, err) < 0 || shell_check_greeting(shell, err) < 0)
			return -1;
		if (clock_left(deadline) == 0)
			return err_set(err, ERR_TIMEOUT, "no answer from the shell on the target in time");
		bool greeted = shell->greeted[0] && shell->greeted[1];
		int64_t until = greeted || deadline < shell->greeting_deadline ? deadline : shell->greeting_deadline;
		if (session_pump(shell->session, until, err) < 0)
			return -1;
	}
	return 0;
}

void shell_start(struct shell *shell, const struct wire_command *commands, struct wire_outcome *outcomes,
                 size_t count, bool stop)
{
	auto_buf struct buf text = BUF_INIT;
	if (stop)
		buf_str(&text, "neap_s=0; ");
	shell->marks = mem_array(count, sizeof(*shell->marks));
	for (size_t i = 0; i < count; i++) {
		digest_random(shell->marks[i]);
		shell_frame_text(shell, &text, commands[i].script, shell->marks[i], stop);
	}
	shell->commands = commands;
	shell->outcomes = outcomes;
	shell->count = count;
	for (int stream = 0; stream < 2; stream++) {
		shell->at[stream] = 0;
		if (shell->greeted[stream])
			shell_expect(shell, stream);
	}
	outcomes[0].start_us = clock_wall_us();
	shell->session->counts.batches++;
	if (!shell_lead(shell, commands, count, &text))
		shell_write(shell, &text);
}

int shell_finish(struct shell *shell, int64_t deadline, struct err *err)
{
	int status = shell_wait(shell, deadline, err);
	free(shell->marks);
	shell->marks = NULL;
	buf_release(&shell->first);
	shell->count = shell->at[0] = shell->at[1] = 0;
	return status;
}

int shell_batch(struct shell *shell, const struct wire_command *commands, struct wire_outcome *outcomes, size_t count,
                bool stop, int64_t deadline, struct err *err)
{
	if (!count)
		return 0;
	shell_start(shell, commands, outcomes, count, stop);
	return shell_finish(shell, deadline, err);
}

bool shell_alive(const struct shell *shell)
{
	int code = 0;
	return channel_ended(shell->channel, &code) == CHANNEL_OPEN;
}

void shell_close(struct shell *shell)
{
	if (!shell)
		return;
	channel_close(shell->channel);
	become_release(&shell->gate);
	buf_release(&shell->held);
	buf_release(&shell->first);
	free(shell->marks); /* of a batch that nobody waits for */
	free(shell);
}
