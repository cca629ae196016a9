/* ProxyCommand: started as ssh does, by the shell and with % signs replaced; its last words are kept for the error. */
#include "wire/proxy.h"

#include <errno.h>
#include <poll.h>
#include <signal.h>
#include <spawn.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/buf.h"
#include "base/mem.h"
#include "base/printable.h"
#include "wire/ssh.h"

extern char **environ;

enum { GRACE_MS = 200, LOOK_MS = 10, LAST_WORDS = 400 };

static int spawn(struct proxy *proxy, const char *command, int end)
{
	posix_spawn_file_actions_t actions;
	posix_spawnattr_t attributes;
	sigset_t none;
	char *arguments[] = { (char *)"sh", (char *)"-c", (char *)command, NULL };
	sigemptyset(&none);
	posix_spawnattr_init(&attributes);
	posix_spawnattr_setsigmask(&attributes, &none);
	posix_spawnattr_setpgroup(&attributes, 0);
	/* A group of its own: the Ctrl-C of the terminal is ours to act on. */
	posix_spawnattr_setflags(&attributes, POSIX_SPAWN_SETSIGMASK | POSIX_SPAWN_SETPGROUP);
	posix_spawn_file_actions_init(&actions);
	posix_spawn_file_actions_adddup2(&actions, end, 0);
	posix_spawn_file_actions_adddup2(&actions, end, 1);
	posix_spawn_file_actions_adddup2(&actions, proxy->errors, 2);
	int failed = posix_spawn(&proxy->pid, "/bin/sh", &actions, &attributes, arguments, environ);
	posix_spawn_file_actions_destroy(&actions);
	posix_spawnattr_destroy(&attributes);
	return failed;
}

int proxy_start(struct proxy *proxy, const struct ssh_state *state, int *fd, struct err *err)
{
	int pair[2];
	auto_free char *expanded = ssh_config_expand(&state->config, state->config.proxy_command);
	auto_free char *command = mem_printf("exec %s", expanded);
	if (socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, pair) < 0)
		return err_errno(err, ERR_SYSTEM, "a socket pair for ProxyCommand");
	proxy->errors = memfd_create("proxy", MFD_CLOEXEC);
	int failed = proxy->errors < 0 ? errno : spawn(proxy, command, pair[1]);
	close(pair[1]);
	if (failed) {
		close(pair[0]);
		proxy->pid = 0;
		errno = failed;
		return err_errno(err, ERR_SYSTEM, "starting ProxyCommand %s", expanded);
	}
	*fd = pair[0];
	return 0;
}

static bool wait_a_little(struct proxy *proxy, int *status, int ms)
{
	for (int waited = 0; waitpid(proxy->pid, status, WNOHANG) == 0; waited += LOOK_MS) {
		if (waited >= ms)
			return false;
		(void)poll(NULL, 0, LOOK_MS);
	}
	proxy->pid = 0;
	return true;
}

bool proxy_failure(struct proxy *proxy, struct err *err)
{
	int status = 0;
	if (proxy->pid == 0 || !wait_a_little(proxy, &status, GRACE_MS))
		return false;
	char words[LAST_WORDS];
	off_t end = lseek(proxy->errors, 0, SEEK_END);
	ssize_t got = pread(proxy->errors, words, sizeof(words), end > LAST_WORDS ? end - LAST_WORDS : 0);
	while (got > 0 && (words[got - 1] == '\n' || words[got - 1] == '\r'))
		got--;
	auto_buf struct buf clean = BUF_INIT;
	printable_line(&clean, words, got > 0 ? (size_t)got : 0);
	const char *said = clean.length ? buf_text(&clean) : "and said nothing", *before = clean.length ? ": " : " ";
	if (WIFSIGNALED(status))
		err_set(err, ERR_UNREACHABLE, "ProxyCommand was ended by signal %d%s%s", WTERMSIG(status), before, said);
	else
		err_set(err, ERR_UNREACHABLE, "ProxyCommand ended with status %d%s%s", WEXITSTATUS(status), before, said);
	err_hint(err, "run the ProxyCommand of ~/.ssh/config or ansible_ssh_common_args by hand");
	return true;
}

void proxy_end(struct proxy *proxy)
{
	int status;
	if (proxy->pid != 0) {
		if (!wait_a_little(proxy, &status, GRACE_MS))
			kill(-proxy->pid, SIGTERM);
		if (proxy->pid != 0 && !wait_a_little(proxy, &status, GRACE_MS)) {
			kill(-proxy->pid, SIGKILL);
			(void)waitpid(proxy->pid, &status, 0);
		}
		proxy->pid = 0;
	}
	if (proxy->errors > 0)
		close(proxy->errors);
	proxy->errors = 0;
}
