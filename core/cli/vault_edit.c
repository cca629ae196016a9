/* An editor on a file that nobody else sees and that does not stay; see vault_edit.h. */
#include "cli/vault_edit.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <spawn.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/mem.h"
#include "cli/vault_file.h"
#include "model/shell_words.h"

enum { FOLDERS_DEEP = 16 };

/* ---- signals ---- */

static volatile sig_atomic_t ended_by;

static void on_end(int number) { ended_by = number; }

struct signals {
	struct sigaction interrupt, quit, terminate, hangup;
};

/* As a shell does while its child has the terminal; what would end neap is waited out, so that nothing is left. */
static void signals_hold(struct signals *before)
{
	struct sigaction ignore = { .sa_handler = SIG_IGN }, end = { .sa_handler = on_end };
	ended_by = 0;
	sigaction(SIGINT, &ignore, &before->interrupt);
	sigaction(SIGQUIT, &ignore, &before->quit);
	sigaction(SIGTERM, &end, &before->terminate);
	sigaction(SIGHUP, &end, &before->hangup);
}

static void signals_restore(struct signals *before)
{
	sigaction(SIGINT, &before->interrupt, NULL);
	sigaction(SIGQUIT, &before->quit, NULL);
	sigaction(SIGTERM, &before->terminate, NULL);
	sigaction(SIGHUP, &before->hangup, NULL);
}

/* ---- the folder ---- */

/* The first of these that a folder can be made in; the first two are in memory. New string, or NULL with errno. */
static char *folder_make(void)
{
	const char *const bases[] = { getenv("XDG_RUNTIME_DIR"), "/dev/shm", getenv("TMPDIR"), "/tmp" };
	for (size_t i = 0; i < sizeof(bases) / sizeof(*bases); i++) {
		if (!bases[i] || bases[i][0] != '/')
			continue;
		auto_free char *folder = mem_printf("%s/neap-vault-XXXXXX", bases[i]);
		if (mkdtemp(folder))
			return steal(folder);
	}
	return NULL;
}

static void folder_empty(int folder, int depth);

static void entry_remove(int folder, const char *name, int depth)
{
	struct stat about;
	if (fstatat(folder, name, &about, AT_SYMLINK_NOFOLLOW) == 0 && S_ISDIR(about.st_mode)) {
		folder_empty(openat(folder, name, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC), depth + 1);
		unlinkat(folder, name, AT_REMOVEDIR);
		return;
	}
	auto_close int fd = openat(folder, name, O_WRONLY | O_NOFOLLOW | O_NONBLOCK | O_CLOEXEC);
	if (fd >= 0 && fstat(fd, &about) == 0 && S_ISREG(about.st_mode))
		vault_file_wipe(fd);
	unlinkat(folder, name, 0);
}

/* Takes the descriptor over. Editors leave copies of their own beside the file, so all that is there goes. */
static void folder_empty(int folder, int depth)
{
	DIR *entries = folder >= 0 && depth < FOLDERS_DEEP ? fdopendir(folder) : NULL;
	if (!entries) {
		if (folder >= 0)
			close(folder);
		return;
	}
	for (struct dirent *entry; (entry = readdir(entries));)
		if (strcmp(entry->d_name, ".") != 0 && strcmp(entry->d_name, "..") != 0)
			entry_remove(dirfd(entries), entry->d_name, depth);
	closedir(entries);
}

static void folder_remove(char **folder)
{
	if (!*folder)
		return;
	folder_empty(open(*folder, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC), 0);
	rmdir(*folder);
	free(*folder);
}

/* ---- the editor ---- */

extern char **environ;

static int editor_start(char **words, pid_t *pid)
{
	posix_spawnattr_t attributes;
	sigset_t defaults;
	sigemptyset(&defaults);
	sigaddset(&defaults, SIGINT);
	sigaddset(&defaults, SIGQUIT);
	posix_spawnattr_init(&attributes);
	posix_spawnattr_setsigdefault(&attributes, &defaults);
	posix_spawnattr_setflags(&attributes, POSIX_SPAWN_SETSIGDEF);
	int reason = posix_spawnp(pid, words[0], NULL, &attributes, words, environ);
	posix_spawnattr_destroy(&attributes);
	return reason;
}

static int editor_wait(pid_t pid, const char *name, struct err *err)
{
	int state = 0;
	while (waitpid(pid, &state, 0) < 0 && errno == EINTR)
		if (ended_by)
			kill(pid, SIGTERM);
	if (ended_by)
		return err_set(err, ERR_INTERRUPTED, "ended by signal %d: nothing was saved", (int)ended_by);
	if (WIFSIGNALED(state))
		return err_set(err, ERR_INPUT, "the editor %s was ended by signal %d: nothing was saved", name, WTERMSIG(state));
	if (WEXITSTATUS(state))
		return err_set(err, ERR_INPUT, "the editor %s ended with status %d: nothing was saved", name, WEXITSTATUS(state));
	return 0;
}

static int editor_run(const char *path, struct err *err)
{
	const char *editor = getenv("EDITOR");
	auto_shell_words char **words = NULL;
	size_t count = 0;
	if (shell_words(editor && *editor ? editor : "vi", &words, &count, err) < 0 || count == 0)
		return err_wrap(err, "the variable EDITOR");
	auto_free char **argv = mem_array(count + 2, sizeof(*argv));
	memcpy(argv, words, count * sizeof(*argv));
	argv[count] = (char *)path;
	pid_t pid;
	errno = editor_start(argv, &pid);
	return errno ? err_errno(err, ERR_INPUT, "starting the editor %s", argv[0]) : editor_wait(pid, argv[0], err);
}

/* ---- both ---- */

static const char *extension_of(const char *name)
{
	const char *base = strrchr(name, '/') ? strrchr(name, '/') + 1 : name, *dot = strrchr(base, '.');
	return dot && dot != base ? dot : "";
}

int vault_edit(const char *name, struct secret *text, struct err *err)
{
	auto_(signals_restore) struct signals before; /* restored when the folder is gone */
	signals_hold(&before);
	auto_(folder_remove) char *folder = folder_make();
	if (!folder)
		return err_errno(err, ERR_SYSTEM, "making a folder for the editor");
	auto_free char *path = mem_printf("%s/text%s", folder, extension_of(name));
	auto_secret struct secret edited = SECRET_INIT;
	if (vault_file_write(path, text->bytes ? text->bytes : "", text->length, false, err) < 0 || editor_run(path, err) < 0 ||
	    vault_file_read(path, &edited, err) < 0)
		return -1;
	secret_set(text, edited.bytes ? edited.bytes : "", edited.length);
	return 0;
}
