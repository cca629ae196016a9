/* The wire: one connection to one target, over SSH or (connection "local") to this machine, through the same calls.
 *
 * A wire belongs to the thread that opened it; every call blocks that thread until it is done, its deadline has passed or
 * the wire was cancelled, and pumps the session meanwhile. wire_cancel may be called from any thread. Different wires are
 * independent but for the hub, which they share and which locks itself.
 *
 * From the bottom up: dial.c and ssh.c (connecting, its phases, the pump), hostkeys.c, auth.c and ssh_config.c; local.c in
 * their place on this machine; session.h, against which all that follows is written: shell.c (the shell that stays open) and
 * framing.c, command.c (one command on a channel of its own), become.c, sftp.c (the SFTP v3 engine), put.c and get.c (files
 * that are old or new, never half). */
#ifndef NEAP_WIRE_WIRE_H
#define NEAP_WIRE_WIRE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>
#include <time.h>

#include "base/buf.h"
#include "base/err.h"
#include "base/secret.h"

struct wire;
struct wire_hub;

/* ---- what is shared by all wires of a run ---- */

struct wire_hub_options {
	int handshakes;      /* at once; 0: a sensible number */
	bool host_key_checking; /* false: off, warned about (ANSIBLE_HOST_KEY_CHECKING) */
};
/* Holds parsed known_hosts, opened private keys, ssh -G results, sessions of jump hosts, and paces handshakes. */
struct wire_hub *wire_hub_new(const struct wire_hub_options *options);
/* Makes every wire_open under way, and all later ones, fail with ERR_INTERRUPTED: a wire that is not open yet has no
 * handle for wire_cancel. Any thread. */
void wire_hub_cancel(struct wire_hub *hub);
/* After all wires are closed. */
void wire_hub_free(struct wire_hub *hub);

/* ---- how to connect ---- */

enum wire_host_keys { WIRE_KEYS_CONFIGURED, WIRE_KEYS_STRICT, WIRE_KEYS_ACCEPT_NEW, WIRE_KEYS_OFF };

/* Everything NULL or 0 is "not given": ssh_config decides, then OpenSSH's defaults. Borrowed while the wire lives. */
struct wire_config {
	const char *name;       /* inventory name, for messages */
	bool local;             /* ansible_connection: local */
	const char *host;       /* ansible_host */
	int port;
	const char *user;
	const struct secret *password;       /* ansible_password, -k; or NULL */
	const struct secret *key_passphrase; /* or NULL */
	const char *private_key_file;
	const char *ssh_args, *common_args, *extra_args; /* option words as ssh(1) takes them: -o, -J, -i, -p, -l, -F, ... */
	enum wire_host_keys host_keys;
	bool pty;               /* for wire_run; -tt and RequestTTY force ask for one too */
	const char *shell;      /* the sh to start on the target; NULL: /bin/sh (ansible_shell_executable) */
	int connect_timeout_ms; /* each phase's; 0: 10 s */
	int keepalive_ms;       /* silence after which the peer is asked; dead after three times that; 0: as
	                         * ServerAliveInterval and ServerAliveCountMax say, else 15 s */
};

/* What a wire tells while it works; called on its thread, with its context. Any may be NULL. */
struct wire_watch {
	void *context;
	void (*warning)(void *context, const char *text);
	/* "resolving", "connecting to 10.0.0.1 port 22", "checking the host key", "authenticating with key ...", -vvv */
	void (*phase)(void *context, const char *text);
	/* A passphrase or password that no file or variable has given: false when nobody can answer. The text has no colon at
	 * its end. */
	bool (*prompt)(void *context, const char *text, struct secret *answer);
	void (*progress)(void *context, const char *path, uint64_t done, uint64_t total);
};

/* A wire that is not connected yet: what another thread may cancel while it connects. Closed by wire_close. */
struct wire *wire_new(struct wire_hub *hub, const struct wire_config *config);
/* Connects, checks the host key and authenticates. ERR_UNREACHABLE, ERR_AUTH, ERR_HOSTKEY, ERR_TIMEOUT or
 * ERR_INTERRUPTED, saying which phase failed, what was tried and what to do; then only wire_close may follow. Otherwise
 * wire_expect_shell or wire_expect_command follows at once: the first channel ends the wire's part in the queue of
 * handshakes. */
int wire_connect(struct wire *wire, const struct wire_watch *watch, struct err *err) must_check;
/* All in one, with a shell under way; *wire is set only where it succeeds. */
int wire_open(struct wire **wire, struct wire_hub *hub, const struct wire_config *config,
              const struct wire_watch *watch, struct err *err) must_check;
/* Ends the session: temporary files that are still journalled are removed first, if the peer answers. */
void wire_close(struct wire *wire);
/* Makes the call that is under way, and all later ones, fail with ERR_INTERRUPTED. Any thread. */
void wire_cancel(struct wire *wire);
/* Keeps an idle session alive and notices a dead one: pumps until fd is readable or the deadline (clock_ms) passes.
 * 1: fd is readable; 0: deadline; -1: the connection is gone. fd may be -1. */
int wire_idle(struct wire *wire, int fd, int64_t deadline, struct err *err) must_check;

/* ---- become ---- */

struct wire_become { /* NULL pointers to one: as the login user */
	const char *method;            /* "sudo", "su", "doas" */
	const char *user;              /* NULL: root */
	const char *flags;             /* words added to the method's, or NULL */
	const char *executable;        /* words of the shell, as a user writes them; NULL: the method's name */
	const struct secret *password; /* or NULL */
	bool pty;                      /* on a terminal, because its rules want one */
};

/* ---- commands ---- */

enum wire_ended { WIRE_EXITED, WIRE_SIGNALLED, WIRE_TIMED_OUT, WIRE_UNKNOWN };

struct wire_command {
	const char *script;     /* text for the target's sh; any bytes but NUL */
	const char *input;      /* stdin; NULL: /dev/null. wire_run only */
	size_t input_length;
	size_t keep;            /* bytes kept of each stream, the first ones; 0: 16 MiB */
	int64_t timeout_ms;     /* 0: none. wire_run only: then its process group is killed */
	bool pty;               /* wire_run only */
	bool execs;             /* wire_run only: the script ends in exec, so nobody sees which process its own shell was */
	bool last;              /* wire_run, and wire_stream of its first: no channel is made ready for another command */
	bool open;              /* wire_batch only: it may be run twice and may be seen in the target's list of processes. A
	                         * first batch of such commands goes with the request for the shell, a round trip earlier */
	const char *temporary;  /* wire_batch only: a file that the command makes and takes away again; removed where it was cut */
	/* live output as it comes, on the wire's thread, or NULL; wire_run only */
	void (*output)(void *context, bool is_stderr, const char *bytes, size_t length);
	/* Adds some of what follows the input; false: that was all. Not where become needs a terminal. wire_run only */
	bool (*feed)(void *context, struct buf *more);
	void *context;
};

struct wire_outcome {
	enum wire_ended ended;
	int code;               /* exit status or signal */
	struct buf output, errors;
	bool cut;               /* more came than was kept */
	bool not_run;           /* wire_batch stopped before it */
	int64_t start_us, end_us;
};
void wire_outcome_release(struct wire_outcome *outcome);

/* Short commands in the persistent shell of that user, all written in one flight and run in order, each in a subshell
 * with stdin from /dev/null (framing.h). outcomes has count zeroed elements, which the caller releases. stop: after
 * the first that does not exit with 0 the others are not run. deadline is clock_ms(), for the whole batch.
 * -1 only if the connection or the shell is lost: ERR_UNREACHABLE, ERR_TIMEOUT, ERR_BECOME, ERR_INTERRUPTED. */
int wire_batch(struct wire *wire, const struct wire_become *become, const struct wire_command *commands,
               struct wire_outcome *outcomes, size_t count, bool stop, int64_t deadline, struct err *err) must_check;
/* Says that a batch of that user will follow: the shell is under way then. Costs no round trip; a failure shows later. */
void wire_expect_shell(struct wire *wire, const struct wire_become *become);
/* Says that a command of that user will follow, and nothing else: a channel waits for it then, or a shell where the command
 * needs a terminal or the user is yet to be become. */
void wire_expect_command(struct wire *wire, const struct wire_become *become);
/* One command that may be long, read stdin, leave children behind or have to be killed: in a session (process group) of
 * its own, on a channel of its own. */
int wire_run(struct wire *wire, const struct wire_become *become, const struct wire_command *command,
             struct wire_outcome *outcome, struct err *err) must_check;
/* Several such commands, written in one flight and run in order; after the first that does not exit with 0 the others are
 * not run. They have no input, no timeout and no terminal of their own. outcomes has count zeroed elements, which the
 * caller releases; *done says how many ended. After -1 those behind them may have been run, or may still be. */
int wire_stream(struct wire *wire, const struct wire_become *become, const struct wire_command *commands,
                struct wire_outcome *outcomes, size_t count, size_t *done, struct err *err) must_check;

/* ---- files ---- */

/* What is said where a file is to be written into a folder that is not there. */
#define WIRE_NO_FOLDER "there is no folder %s: make it first, by a task of file with state directory"

enum wire_source { WIRE_BYTES, WIRE_LOCAL_FILE, WIRE_REMOTE_FILE };

struct wire_put { /* the whole protocol of an atomic copy: old or new, never half */
	const char *path;
	enum wire_source source;
	const char *bytes;
	size_t length;
	const char *from;
	bool has_mode;
	mode_t mode;
	const char *owner, *group; /* names or numbers; NULL: as the old file's, or the writer's own for a new one */
	bool has_atime, has_mtime; /* tv_nsec == UTIME_NOW: the target's clock */
	struct timespec atime, mtime;
	const char *backup;        /* path that the old file is kept under, or NULL */
	const char *validate;      /* sh text with %s, or NULL */
	const char *sha1;          /* the content's, or NULL */
	bool follow;
	bool is_new;               /* a hint: nothing was at path when that was last looked at */
};
struct wire_put_result {
	bool backed_up;                /* there was an old file, and it is kept */
	bool validate_failed;
	struct wire_outcome validate;  /* the command's, where it failed; released by the caller */
	bool fsynced;
	char sha1[41];                 /* of what is in place now, as the target read it; "" where it was not asked */
};
/* Says that files will be sent, some of them with is_new, or fetched soon: what carries them is started at once, so that it is
 * there when they are. Costs no round trip; a failure shows later. */
struct wire_expected { size_t puts, new_puts, gets /* that are not small */; };
void wire_expect_files(struct wire *wire, const struct wire_become *become, const struct wire_expected *expected);
/* Sends count files, their data pipelined. On an error *done says how many are in place; the one after it is old. */
int wire_put(struct wire *wire, const struct wire_become *become, const struct wire_put *puts,
             struct wire_put_result *results, size_t count, size_t *done, struct err *err) must_check;

/* A small file as one command for wire_batch, whose temporary (heap) goes with it. It exits with 0 once the file is in place as
 * wire_put would have put it, sha1 being its content's; else nothing has changed, and wire_put does it or tells what is wrong.
 * false: it is none of those that can be written so. */
bool wire_put_text(const struct wire_put *put, struct buf *script, char **temporary, char sha1[41]);
/* Whether it looks like one, by a glance at its size. */
bool wire_put_is_text(const struct wire_put *put);

/* A folder that is not there yet, with all that is in it: folders[0], folders in it, each behind the one that it is in, and
 * files in them, all with is_new and the same owner. It is there whole or not at all. 1: it is; 0: it cannot be done so, or
 * failed, and nothing is there: folders and files have to be made one by one, which tells what is wrong; -1. */
struct wire_folder { const char *path; bool has_mode; mode_t mode; };
int wire_put_tree(struct wire *wire, const struct wire_become *become, const struct wire_folder *folders,
                  size_t folder_count, const struct wire_put *puts, struct wire_put_result *results, size_t count,
                  struct err *err) must_check;

/* Fetches one file to a path on this machine, atomically: directories are made (0777 less the umask, as Ansible
 * does), the file is written beside its place as 0600, checked and renamed; no symlink is followed on this side. */
struct wire_get {
	const char *path;
	const char *to;
	const char *sha1;       /* expected, or NULL */
	bool verify;            /* the target hashes it too, while it comes, and must agree */
	uint64_t most;          /* bytes; 0: no bound */
	uint64_t size;          /* as it was when last looked at; 0: not known. A small file takes one round trip */
};
static inline bool wire_get_is_small(uint64_t size) { return size && size <= 128 * 1024; }
/* md5: "" for files over DIGEST_MD5_MOST. */
struct wire_get_result { char sha1[41], md5[33]; uint64_t size; };
int wire_get(struct wire *wire, const struct wire_become *become, const struct wire_get *get,
             struct wire_get_result *result, struct err *err) must_check;

/* ---- about the connection, for messages, -v and tests ---- */
struct wire_counts {
	uint64_t bytes_sent, bytes_received;
	unsigned channels, batches;
};
struct wire_counts wire_counts(const struct wire *wire);
/* "publickey ~/.ssh/id_ed25519", "password"; borrowed */
const char *wire_auth_method(const struct wire *wire);
/* "deploy@10.0.0.1 port 22 by jump1"; borrowed */
const char *wire_route(const struct wire *wire);

#endif
