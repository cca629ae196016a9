/* An error is a value of its caller: what kind it is, where it is, what happened and what to do now.
 *
 *   struct err err = ERR_INIT;
 *   if (inventory_load(..., &err) < 0) return err_wrap(&err, "reading the inventory %s", path);
 *
 * A function that can fail returns 0 or -1, takes a struct err last and is marked must_check. Each caller on the
 * way up may say what it was doing: "reading the inventory hosts.json: open: No such file or directory". No heap,
 * so an error can be copied by assignment and dropped without release. */
#ifndef NEAP_BASE_ERR_H
#define NEAP_BASE_ERR_H

#include <stdarg.h>

#define must_check __attribute__((warn_unused_result))

/* name, exit status, what to do when the error itself has no better hint */
#define ERR_KINDS(X)                                                                                  \
	X(NONE, 0, "")                                                                                    \
	X(INPUT, 1, "correct the playbook, inventory, vault or argument it names")                         \
	X(HOST, 2, "see the message of the failed task")                                                   \
	X(BECOME, 2, "check that the login user may become the other one there, and by which password")     \
	X(SYSTEM, 2, "see the operating system's reason on the machine neap runs on")                      \
	X(TIMEOUT, 2, "raise the timeout or find out why it takes so long")                                \
	X(UNREACHABLE, 4, "check that the host is up and that its SSH port can be reached")                \
	X(AUTH, 4, "check the user name, the keys and the password for this host")                         \
	X(HOSTKEY, 4, "compare the host's key with its administrator before you accept it")                \
	X(PROTOCOL, 4, "the peer did not keep to the protocol; check what answers on that port")           \
	X(USAGE, 5, "see neap --help")                                                                     \
	X(INTERRUPTED, 99, "run it again: what was done stays done")

enum err_kind {
#define ERR_KIND_ENUM(name, status, remedy) ERR_##name,
	ERR_KINDS(ERR_KIND_ENUM)
#undef ERR_KIND_ENUM
};

struct err {
	enum err_kind kind;
	int os_error;      /* errno where one was the cause, else 0 */
	char where[256];   /* "file:line:column", "host web1", or "" */
	char text[1024];   /* one line, no final full stop or newline */
	char hint[512];    /* what to do now; "" means the kind's own remedy */
};

#define ERR_INIT { .kind = ERR_NONE }
/* The end of a text that did not fit. What masks secrets in messages knows their beginnings before it. */
#define ERR_CUT "\xe2\x80\xa6"

/* Each of these returns -1, so that `return err_set(...)` reads well; err may be NULL. */
int err_set(struct err *err, enum err_kind kind, const char *format, ...) __attribute__((format(printf, 3, 4)));
/* As err_set, with ": " and the text of errno behind it. */
int err_errno(struct err *err, enum err_kind kind, const char *format, ...) __attribute__((format(printf, 3, 4)));
/* Puts "doing: " before what is there. */
int err_wrap(struct err *err, const char *format, ...) __attribute__((format(printf, 2, 3)));
int err_hint(struct err *err, const char *format, ...) __attribute__((format(printf, 2, 3)));
/* Where it is; an inner place that is already set stays. */
int err_at(struct err *err, const char *format, ...) __attribute__((format(printf, 2, 3)));

void err_clear(struct err *err);
/* What to do where this process may open no more files. */
extern const char err_too_many_files[];
/* The hint, or what the system's reason asks for, or the kind's remedy. */
const char *err_remedy(const struct err *err);
int err_exit_status(enum err_kind kind);
/* "auth", "unreachable", ... for machine-readable reports. */
const char *err_kind_name(enum err_kind kind);

#endif
