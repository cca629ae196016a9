/* Small scripts for the target's shell. */
#include "wire/remote.h"

#include <ctype.h>
#include <errno.h>
#include <string.h>

#include "base/arena.h"
#include "base/clock.h"
#include "base/mem.h"
#include "base/printable.h"
#include "base/quote.h"
#include "wire/shell.h"

enum { REMOTE_WORDS_MOST = 64 * 1024, REMOTE_NO_TOOL = 99, REMOTE_BEFORE_FAILED = 98, REMOTE_SAID_MOST = 300 };

int remote_run(struct identity *identity, const char *script, struct wire_outcome *outcome, struct err *err)
{
	struct wire_command command = { .script = script };
	*outcome = (struct wire_outcome){ 0 };
	return identity_batch(identity, &command, outcome, 1, false, clock_deadline(REMOTE_PATIENCE_MS), err);
}

int remote_error(const struct wire_outcome *outcome, struct err *err, const char *what)
{
	const struct buf *from = outcome->errors.length ? &outcome->errors : &outcome->output;
	size_t end = from->length;
	while (end && isspace((unsigned char)from->data[end - 1]))
		end--;
	size_t start = end;
	while (start && from->data[start - 1] != '\n' && end - start < REMOTE_SAID_MOST)
		start--;
	auto_buf struct buf said = BUF_INIT;
	printable_line(&said, from->data ? from->data + start : "", end - start);
	if (said.length)
		return err_set(err, ERR_HOST, "%s: %s", what, said.data);
	return err_set(err, ERR_HOST, "%s: it ended with status %d", what, outcome->code);
}

int remote_do(struct identity *identity, const char *what, const char *script, struct err *err)
{
	struct wire_outcome outcome;
	int status = remote_run(identity, script, &outcome, err);
	if (status == 0 && (outcome.ended != WIRE_EXITED || outcome.code != 0))
		status = remote_error(&outcome, err, what);
	wire_outcome_release(&outcome);
	return status;
}

/* ---- hashes ---- */

/* One script for as many files as fit a command line. Absolute or "./" paths: none begins with a dash. */
static size_t remote_sha1_script(struct buf *script, const char *before, const char *const *paths, size_t count)
{
	static const char tools[] =
		"; if command -v sha1sum >/dev/null 2>&1; then sha1sum \"$@\"; "
		"elif busybox sha1sum </dev/null >/dev/null 2>&1; then busybox sha1sum \"$@\"; "
		"elif command -v shasum >/dev/null 2>&1; then shasum -a 1 \"$@\"; "
		"elif command -v openssl >/dev/null 2>&1; then openssl dgst -sha1 -r \"$@\"; else exit 99; fi";
	size_t taken = 0;
	if (*before)
		buf_printf(script, "{ %s; } || exit 98; ", before);
	buf_str(script, "set --");
	while (taken < count && script->length < REMOTE_WORDS_MOST) {
		const char *path = paths[taken++];
		buf_str(script, *path == '/' ? " " : " ./");
		quote_word(script, path);
	}
	buf_str(script, tools);
	return taken;
}

/* Behind the line of a path. busybox writes a path as it is, even one with newlines inside. */
static const char *remote_sha1_next(const char *at, const char *path)
{
	const char *name = at + REMOTE_SHA1 - 1 + strspn(at + REMOTE_SHA1 - 1, " *");
	size_t length = strlen(path);
	name += *path != '/' && strncmp(name, "./", 2) == 0 ? 2 : 0;
	at = strncmp(name, path, length) == 0 ? name + length : at;
	at += strcspn(at, "\n");
	return at + (*at == '\n');
}

/* Lines of "<hex>  <path>", with a backslash before where the tool quotes the path; their order is ours. */
static size_t remote_sha1_parse(const struct buf *output, const char *const *paths, char (*sha1)[REMOTE_SHA1], size_t count)
{
	const char *at = buf_text(output);
	size_t found = 0;
	while (found < count && *at) {
		at += *at == '\\';
		if (strspn(at, "0123456789abcdef") != REMOTE_SHA1 - 1)
			break;
		memcpy(sha1[found], at, REMOTE_SHA1 - 1);
		sha1[found][REMOTE_SHA1 - 1] = '\0';
		at = remote_sha1_next(at, paths[found++]);
	}
	return found;
}

/* What one part's command brought: 0, 1 where no tool is there, -1. */
static int remote_sha1_take(struct wire_outcome *outcome, const char *const *paths, char (*sha1)[REMOTE_SHA1], size_t count,
                            struct err *err)
{
	if (outcome->ended == WIRE_EXITED && outcome->code == REMOTE_NO_TOOL)
		return 1;
	if (outcome->ended == WIRE_EXITED && outcome->code == REMOTE_BEFORE_FAILED)
		return remote_error(outcome, err, "writing to the disk");
	if (remote_sha1_parse(&outcome->output, paths, sha1, count) != count)
		return remote_error(outcome, err, "reading back what was written");
	return 0;
}

int remote_sha1(struct identity *identity, const char *before, const char *const *paths, size_t count,
                char (*sha1)[REMOTE_SHA1], struct err *err)
{
	/* One command for each part that a shell's word list can hold, all in one flight. */
	auto_arena struct arena arena = ARENA_INIT;
	struct wire_command *commands = arena_array(&arena, count, sizeof(*commands));
	struct wire_outcome *outcomes = arena_array(&arena, count, sizeof(*outcomes));
	size_t *parts = arena_array(&arena, count, sizeof(*parts)), part_count = 0;
	for (size_t done = 0; done < count; part_count++) {
		auto_buf struct buf script = BUF_INIT;
		parts[part_count] = remote_sha1_script(&script, done ? "" : before, paths + done, count - done);
		commands[part_count] = (struct wire_command){ .script = arena_copy(&arena, script.data, script.length) };
		done += parts[part_count];
	}
	int status = identity_batch(identity, commands, outcomes, part_count, false, clock_deadline(REMOTE_PATIENCE_MS), err);
	for (size_t i = 0, done = 0; i < part_count; done += parts[i++]) {
		if (status == 0)
			status = remote_sha1_take(&outcomes[i], paths + done, sha1 + done, parts[i], err);
		wire_outcome_release(&outcomes[i]);
	}
	return status < 0 ? -1 : status == 0;
}

int remote_read(struct identity *identity, const char *path, size_t most, struct buf *bytes, char sha1[REMOTE_SHA1],
                struct err *err)
{
	auto_buf struct buf read = BUF_INIT, hash = BUF_INIT;
	buf_str(&read, *path == '/' ? "exec cat <" : "exec cat <./");
	quote_word(&read, path);
	remote_sha1_script(&hash, "", &path, 1);
	const struct wire_command commands[] = { { .script = read.data, .keep = most + 1 }, { .script = hash.data } };
	struct wire_outcome outcomes[2] = { 0 };
	char found[1][REMOTE_SHA1] = { "" };
	int status = identity_batch(identity, commands, outcomes, sha1 ? 2 : 1, false, clock_deadline(REMOTE_PATIENCE_MS), err);
	if (status == 0 && (outcomes[0].ended != WIRE_EXITED || outcomes[0].code != 0))
		status = remote_error(&outcomes[0], err, path);
	if (status == 0 && sha1)
		status = remote_sha1_take(&outcomes[1], &path, found, 1, err);
	if (status >= 0)
		status = outcomes[0].cut || outcomes[0].output.length > most ? 0 : 1;
	if (sha1)
		memcpy(sha1, found[0], REMOTE_SHA1);
	if (status > 0)
		buf_add(bytes, buf_text(&outcomes[0].output), outcomes[0].output.length);
	wire_outcome_release(&outcomes[0]);
	wire_outcome_release(&outcomes[1]);
	return status;
}

static int remote_sha1_begin(struct identity *identity, struct buf *script, struct remote_sha1 *hash, struct err *err)
{
	*hash = (struct remote_sha1){ .started = true, .script = buf_take(script) };
	hash->command.script = hash->script;
	if (identity_start(identity, &hash->command, &hash->outcome, err) == 0)
		return 0;
	hash->started = false;
	free(hash->script);
	return -1;
}

int remote_sha1_start(struct identity *identity, const char *path, struct remote_sha1 *hash, struct err *err)
{
	auto_buf struct buf script = BUF_INIT;
	remote_sha1_script(&script, "", &path, 1);
	return remote_sha1_begin(identity, &script, hash, err);
}

/* cat goes on where the last one stopped: they share a descriptor. Towards the end nobody sleeps, so that the hash is there
 * when the file is; a writer that is gone leaves a file that has been removed, or that does not grow any more. */
static const char remote_grow[] =
	"neap_n=0 neap_r=0 neap_i=0\n"
	"while neap_m=$(wc -c <\"$neap_f\") 2>/dev/null && neap_m=$((neap_m)) && cat <&3 && [ $neap_m -lt $neap_z ]; do\n"
	"neap_d=$((neap_m - neap_n)) neap_n=$neap_m\n"
	"if [ $neap_d -gt 0 ]; then neap_i=0; else neap_i=$((neap_i + 1)); fi\n"
	"[ $neap_d -le $neap_r ] || neap_r=$neap_d\n"
	"[ $neap_i -lt 600 ] || break\n"
	"[ $neap_d -gt 0 ] && [ $((neap_z - neap_m)) -lt $neap_r ] || sleep 0.1 2>/dev/null || sleep 1\n"
	"done";

void remote_sha1_tool(struct buf *script)
{
	buf_printf(script, "neap_h=\n"
	           "if command -v sha1sum >/dev/null 2>&1; then neap_h=sha1sum; "
	           "elif busybox sha1sum </dev/null >/dev/null 2>&1; then neap_h='busybox sha1sum'; else exit %d; fi\n",
	           REMOTE_NO_TOOL);
}

int remote_sha1_start_growing(struct identity *identity, const char *path, uint64_t size, struct remote_sha1 *hash,
                              struct err *err)
{
	auto_buf struct buf script = BUF_INIT;
	remote_sha1_tool(&script);
	buf_str(&script, *path == '/' ? "neap_f=" : "neap_f=./");
	quote_word(&script, path);
	buf_printf(&script, " neap_z=%llu\n", (unsigned long long)size);
	/* An older sync forces all file systems to the disk, whatever it is told. */
	buf_str(&script, "case $(sync --version 2>/dev/null) in *coreutils*) while [ -e \"$neap_f\" ]; do "
	        "sync -d \"$neap_f\" && sleep 0.2 || break; done >/dev/null 2>&1 & neap_s=$!;; *) neap_s=;; esac\n");
	buf_printf(&script, "{ %s\n} 3<\"$neap_f\" | $neap_h\n[ -z \"$neap_s\" ] || kill \"$neap_s\" 2>/dev/null\ntrue", remote_grow);
	return remote_sha1_begin(identity, &script, hash, err);
}

void remote_sha1_drop(struct identity *identity, struct remote_sha1 *hash)
{
	if (!hash->started)
		return;
	hash->started = false;
	identity_drop_shell(identity);
	wire_outcome_release(&hash->outcome);
	free(hash->script);
}

int remote_sha1_finish(struct identity *identity, struct remote_sha1 *hash, char sha1[REMOTE_SHA1], struct err *err)
{
	char found[1][REMOTE_SHA1] = { "" };
	if (!hash->started)
		return 0;
	hash->started = false;
	/* The whole file was read over the wire meanwhile: what is left cannot take longer than that did. */
	int status = identity_finish(identity, CLOCK_NEVER, err);
	if (status == 0)
		status = remote_sha1_take(&hash->outcome, (const char *const[]){ "" }, found, 1, err);
	wire_outcome_release(&hash->outcome);
	free(hash->script);
	memcpy(sha1, found[0], REMOTE_SHA1);
	return status < 0 ? -1 : status == 0;
}

/* ---- names and numbers ---- */

int remote_umask(struct identity *identity, struct err *err)
{
	if (identity->umask < 0 && identity->shell)
		identity->umask = shell_umask(identity->shell);
	if (identity->umask >= 0)
		return 0;
	struct wire_outcome outcome;
	int status = remote_run(identity, "umask", &outcome, err);
	if (status == 0) {
		char *end;
		identity->umask = strtol(buf_text(&outcome.output), &end, 8);
		if (end == buf_text(&outcome.output) || identity->umask < 0 || identity->umask > 0777) {
			identity->umask = -1;
			status = remote_error(&outcome, err, "asking for the umask");
		}
	}
	wire_outcome_release(&outcome);
	return status;
}

static bool remote_number(const char *text, uint32_t *number)
{
	char *end;
	errno = 0;
	unsigned long value = strtoul(text, &end, 10);
	while (*end == '\n')
		end++;
	if (!isdigit((unsigned char)*text) || *end || errno || value >= UINT32_MAX)
		return false;
	*number = (uint32_t)value;
	return true;
}

int remote_id(struct identity *identity, bool group, const char *name, uint32_t *id, struct err *err)
{
	if (remote_number(name, id))
		return 0;
	auto_buf struct buf word = BUF_INIT;
	quote_word(&word, name);
	auto_free char *script = group
		? mem_printf("l=$(getent group %s 2>/dev/null) || l=$(while IFS=: read -r n p i m; do "
		             "[ \"$n\" = %s ] && echo \"$n:$p:$i:\"; done </etc/group); l=${l#*:*:}; echo \"${l%%%%:*}\"",
		             word.data, word.data)
		: mem_printf("id -u -- %s 2>/dev/null || id -u %s", word.data, word.data);
	struct wire_outcome outcome;
	int status = remote_run(identity, script, &outcome, err);
	if (status == 0 && !remote_number(buf_text(&outcome.output), id)) {
		status = err_set(err, ERR_HOST, "there is no %s %s on the target", group ? "group" : "user", word.data);
	}
	wire_outcome_release(&outcome);
	return status;
}
