/* Shells, spare channels and SFTP sessions by user. */
#include "wire/identity.h"

#include <errno.h>
#include <string.h>
#include <sys/eventfd.h>

#include "base/mem.h"
#include "wire/become.h"
#include "wire/command.h"
#include "wire/sftp.h"

enum { IDENTITY_KILL_MS = 10000 };

static struct identity *identity_new(struct session *session, const struct wire_become *become, char *key)
{
	struct identity *made = mem_alloc(sizeof(*made));
	made->session = session;
	made->key = key;
	made->becomes = become != NULL;
	made->umask = -1;
	if (become) {
		made->become.method = mem_strdup(become->method);
		made->become.user = mem_strdup(become->user);
		made->become.flags = mem_strdup(become->flags);
		made->become.executable = mem_strdup(become->executable);
		made->become.pty = become->pty || session->config->pty;
		made->become.password = &made->password;
	}
	return made;
}

struct identity *identity_find(struct identity **list, struct session *session, const struct wire_become *become)
{
	auto_free char *key = become_key(become);
	struct identity *found = *list;
	while (found && strcmp(found->key, key) != 0)
		found = found->next;
	if (!found) {
		found = identity_new(session, become, steal(key));
		found->next = *list;
		*list = found;
	}
	if (become && become->password && secret_given(become->password)) {
		secret_release(&found->password);
		secret_copy(&found->password, become->password);
	}
	return found;
}

const struct wire_become *identity_become(const struct identity *identity)
{
	return identity->becomes ? &identity->become : NULL;
}

struct shell *identity_shell(struct identity *identity, struct err *err)
{
	if (identity->shell && !shell_alive(identity->shell))
		identity_drop_shell(identity);
	if (!identity->shell && shell_open(&identity->shell, identity->session, identity_become(identity), err) < 0)
		return NULL;
	return identity->shell;
}

bool identity_may_expect(const struct identity *identity) { return !identity->becomes || identity->became; }

bool identity_wants_terminal(struct identity *identity, struct err *err)
{
	if (!err || err->kind != ERR_BECOME || err->os_error != ENOTTY || !identity->becomes || identity->become.pty)
		return false;
	identity->become.pty = true;
	err_clear(err);
	return true;
}

int identity_batch(struct identity *identity, const struct wire_command *commands, struct wire_outcome *outcomes,
                   size_t count, bool stop, int64_t deadline, struct err *err)
{
	struct shell *shell = identity_shell(identity, err);
	if (!shell)
		return -1;
	if (!count)
		return 0;
	shell_start(shell, commands, outcomes, count, stop);
	if (identity_finish(identity, deadline, err) == 0)
		return 0;
	return identity_wants_terminal(identity, err)
		? identity_batch(identity, commands, outcomes, count, stop, deadline, err) : -1;
}

int identity_start(struct identity *identity, const struct wire_command *command, struct wire_outcome *outcome,
                   struct err *err)
{
	struct shell *shell = identity_shell(identity, err);
	if (!shell)
		return -1;
	shell_start(shell, command, outcome, 1, false);
	return 0;
}

/* Ctrl-C ends what the shell was asked on the target too, through a channel of its own; the cancellation is taken back for
 * that. */
static void identity_interrupt(struct identity *identity, long pid)
{
	struct err ignored = ERR_INIT;
	struct wire_outcome outcome = { 0 };
	auto_buf struct buf script = BUF_INIT;
	eventfd_t value;
	if (pid == 0 || eventfd_read(identity->session->cancel_fd, &value) < 0)
		return;
	session_hurry(identity->session);
	command_kill_text(&script, pid);
	struct wire_command command = { .script = script.data, .keep = 1024, .timeout_ms = IDENTITY_KILL_MS, .last = true };
	(void)!command_run(identity, &command, &outcome, &ignored);
	wire_outcome_release(&outcome);
	(void)eventfd_write(identity->session->cancel_fd, value);
}

int identity_finish(struct identity *identity, int64_t deadline, struct err *err)
{
	if (shell_finish(identity->shell, deadline, err) == 0) {
		identity->became = true;
		return 0;
	}
	long pid = shell_pid(identity->shell);
	identity_drop_shell(identity);
	if (err && err->kind == ERR_INTERRUPTED)
		identity_interrupt(identity, pid);
	return -1;
}

void identity_drop_shell(struct identity *identity)
{
	shell_close(identity->shell);
	identity->shell = NULL;
}

struct sftp *identity_sftp(struct identity *identity, struct err *err)
{
	if (identity->sftp && !sftp_wake(identity->sftp))
		identity_drop_sftp(identity);
	if (!identity->sftp && sftp_open(&identity->sftp, identity->session, identity_become(identity), err) < 0)
		return NULL;
	return identity->sftp;
}

void identity_drop_sftp(struct identity *identity)
{
	sftp_close(identity->sftp);
	identity->sftp = NULL;
}

void identity_free_all(struct identity *list)
{
	while (list) {
		struct identity *next = list->next;
		shell_close(list->shell);
		runner_close(list->spare);
		sftp_close(list->sftp);
		journal_release(&list->journal);
		secret_release(&list->password);
		free(list->key);
		free((char *)list->become.method);
		free((char *)list->become.user);
		free((char *)list->become.flags);
		free((char *)list->become.executable);
		free(list);
		list = next;
	}
}
