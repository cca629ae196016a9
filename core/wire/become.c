/* sudo, su and doas: command lines, prompts, and the word READY. */
#include "wire/become.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "base/mem.h"
#include "base/printable.h"
#include "base/quote.h"

enum { BECOME_SEEN_MOST = 16 * 1024 };

static const char become_word[] = "READY-";
static const char become_prompt[] = "PASSWORD-";

static const char *become_method(const struct wire_become *become)
{
	return become->method ? become->method : "sudo";
}

static const char *become_user(const struct wire_become *become)
{
	return become->user ? become->user : "root";
}

char *become_key(const struct wire_become *become)
{
	if (!become)
		return mem_strdup("");
	return mem_printf("%s\n%s\n%s\n%s", become_method(become), become_user(become),
	                  become->flags ? become->flags : "", become->executable ? become->executable : "");
}

static bool become_has_password(const struct wire_become *become)
{
	return become->password && secret_given(become->password);
}

bool become_needs_pty(const struct wire_become *become)
{
	return become && (become->pty || (strcmp(become_method(become), "doas") == 0 && become_has_password(become)));
}

/* Adds the method with its options; what follows is the command for the user's shell (su) or a word list. */
static void become_method_words(struct buf *line, const struct become_gate *gate, const struct wire_become *become)
{
	const char *method = become_method(become);
	buf_printf(line, "exec %s", become->executable ? become->executable : method);
	if (become->flags && *become->flags)
		buf_printf(line, " %s", become->flags);
	if (strcmp(method, "su") == 0) {
		buf_char(line, ' ');
		quote_word(line, become_user(become));
		buf_str(line, " -c ");
		return;
	}
	if (strcmp(method, "doas") == 0)
		buf_str(line, become_has_password(become) ? "" : " -n");
	else if (become_has_password(become))
		buf_printf(line, " -H -S -p %s%s", become_prompt, gate->nonce);
	else
		buf_str(line, " -H -n");
	buf_str(line, " -u ");
	quote_word(line, become_user(become));
	buf_str(line, strcmp(method, "doas") == 0 ? " " : " -- ");
}

void become_command(struct buf *line, struct become_gate *gate, const struct wire_become *become, const char *shell,
                    const char *inner, bool pty)
{
	digest_random(gate->nonce);
	gate->become = become;
	gate->state = BECOME_WAITING;
	auto_buf struct buf script = BUF_INIT, words = BUF_INIT;
	if (pty)
		buf_str(&script, "stty raw -echo 2>/dev/null; ");
	/* Who may not run it may be told its text, which therefore has the word in two pieces. */
	buf_printf(&script, "neap_r=READY; echo $neap_r-%s; %s", gate->nonce, inner);
	quote_word(&words, shell);
	buf_str(&words, " -c ");
	quote_word(&words, buf_text(&script));
	if (!become) {
		buf_printf(line, "exec %s", buf_text(&words));
		return;
	}
	become_method_words(line, gate, become);
	if (strcmp(become_method(become), "su") == 0) {
		auto_buf struct buf text = BUF_INIT;
		buf_printf(&text, "exec %s", buf_text(&words));
		quote_word(line, buf_text(&text));
	} else {
		buf_add(line, words.data, words.length);
	}
}

/* "su: ", the beginning of a message that comes in pieces. */
static bool become_is_name(const struct become_gate *gate, const char *line, size_t length)
{
	const char *const names[] = { become_method(gate->become), "sudo", "sh" };
	for (size_t i = 0; i < sizeof(names) / sizeof(*names); i++)
		if (strlen(names[i]) + 1 == length && memcmp(line, names[i], length - 1) == 0)
			return true;
	return false;
}

/* su and doas ask in their own words, in the user's language: text without a final newline that ends in a colon. */
static bool become_is_prompt(const struct become_gate *gate, const struct buf *seen)
{
	if (!gate->become)
		return false;
	if (strcmp(become_method(gate->become), "sudo") == 0) {
		char prompt[sizeof(become_prompt) + DIGEST_RANDOM_HEX];
		size_t size = (size_t)snprintf(prompt, sizeof(prompt), "%s%s", become_prompt, gate->nonce);
		return seen->length >= size && memcmp(seen->data + seen->length - size, prompt, size) == 0;
	}
	static const char wide[] = "\xef\xbc\x9a"; /* the colon of Chinese and Japanese prompts */
	size_t length = seen->length;
	while (length && seen->data[length - 1] == ' ')
		length--;
	if (length >= 3 && memcmp(seen->data + length - 3, wide, 3) == 0)
		return true;
	const char *newline = length ? memrchr(seen->data, '\n', length) : NULL;
	const char *line = newline ? newline + 1 : seen->data;
	return length && seen->data[length - 1] == ':' &&
	       !become_is_name(gate, line, (size_t)(seen->data + length - line));
}

static void become_answer(struct become_gate *gate, struct channel *channel, struct buf *seen)
{
	if (gate->answered || !become_has_password(gate->become)) {
		gate->state = BECOME_REFUSED;
		channel_write_eof(channel); /* a sudo that waits for a password lets no other one of this user's ask */
		return;
	}
	channel_write(channel, gate->become->password->bytes, gate->become->password->length);
	channel_write(channel, "\n", 1);
	gate->answered = true;
	buf_clear(seen);
}

size_t become_take(struct become_gate *gate, struct channel *channel, bool is_stderr, const char *bytes, size_t length)
{
	char word[sizeof(become_word) + DIGEST_RANDOM_HEX];
	snprintf(word, sizeof(word), "%s%s", become_word, gate->nonce);
	struct buf *seen = &gate->seen[is_stderr];
	size_t before = seen->length;
	buf_add(seen, bytes, length);
	const char *found = memmem(seen->data, seen->length, word, strlen(word));
	const char *end = found ? memchr(found, '\n', (size_t)(seen->data + seen->length - found)) : NULL;
	if (end) {
		gate->state = BECOME_READY;
		size_t own = (size_t)(end + 1 - seen->data);
		buf_clear(seen);
		return own - before;
	}
	if (!found && become_is_prompt(gate, seen))
		become_answer(gate, channel, seen);
	if (seen->length > BECOME_SEEN_MOST)
		buf_consume(seen, seen->length - BECOME_SEEN_MOST / 2);
	return length;
}

/* The last line that was said before it ended, made printable. */
static void become_said(const struct become_gate *gate, struct buf *said)
{
	const struct buf *seen = gate->seen[1].length ? &gate->seen[1] : &gate->seen[0];
	size_t end = seen->length;
	while (end && strchr(" \r\n", seen->data[end - 1]))
		end--;
	size_t start = end;
	while (start && seen->data[start - 1] != '\n')
		start--;
	if (end - start > 300)
		end = start + 300;
	printable_line(said, seen->data ? seen->data + start : "", end - start);
}

/* sudo asks again after a wrong password, unless told not to; the others end. */
static bool become_password_was_wrong(const struct become_gate *gate, int code, const char *said)
{
	if (!gate->answered)
		return false;
	bool sudo = strcmp(become_method(gate->become), "sudo") == 0;
	return gate->state == BECOME_REFUSED || (sudo ? strstr(said, "incorrect password") != NULL : code == 1);
}

static bool become_wants_terminal(const struct become_gate *gate)
{
	auto_buf struct buf said = BUF_INIT;
	for (int i = 0; i < 2; i++)
		printable_line(&said, gate->seen[i].data ? gate->seen[i].data : "", gate->seen[i].length);
	return !gate->answered && gate->state == BECOME_WAITING &&
	       (strcasestr(buf_text(&said), "tty") || strcasestr(buf_text(&said), "terminal"));
}

int become_check(const struct become_gate *gate, const struct channel *channel, struct err *err)
{
	const struct wire_become *become = gate->become;
	int code = 0;
	enum channel_ended ended = channel_ended(channel, &code);
	if (gate->state == BECOME_READY || (gate->state == BECOME_WAITING && ended == CHANNEL_OPEN))
		return 0;
	auto_buf struct buf said = BUF_INIT;
	become_said(gate, &said);
	if (!become) {
		const char *why = ended == CHANNEL_LOST ? channel_error(channel) : said.length ? said.data : "it ended";
		return err_set(err, ERR_HOST, "starting a shell: %s", why);
	}
	const char *method = become_method(become), *user = become_user(become);
	if (ended == CHANNEL_LOST)
		return err_set(err, ERR_HOST, "becoming %s by %s: %s", user, method, channel_error(channel));
	if (become_password_was_wrong(gate, code, buf_text(&said))) {
		err_set(err, ERR_BECOME, "Incorrect %s password%s%s", method,
		        gate->state == BECOME_REFUSED || !said.length ? "" : ": ",
		        gate->state == BECOME_REFUSED ? "" : buf_text(&said));
		return err_hint(err, "becoming %s: check ansible_become_password, or the file or prompt it comes from", user);
	}
	if (gate->state == BECOME_REFUSED || (!become_wants_terminal(gate) && strstr(buf_text(&said), "a password is required"))) {
		err_set(err, ERR_BECOME, "Missing %s password", method);
		return err_hint(err, "becoming %s needs one: give it with -K, --become-password-file or ansible_become_password", user);
	}
	err_set(err, ERR_BECOME, "becoming %s by %s: %s", user, method, said.length ? said.data : "it ended without a word");
	if (err && become_wants_terminal(gate))
		err->os_error = ENOTTY;
	return err_hint(err, "check that %s is installed there and that the login user may become %s", method, user);
}

void become_release(struct become_gate *gate)
{
	buf_release(&gate->seen[0]);
	buf_release(&gate->seen[1]);
}
