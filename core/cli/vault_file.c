/* Reading and replacing the files of `neap vault`; see vault_file.h. */
#include "cli/vault_file.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/digest.h"
#include "base/mem.h"
#include "model/vault.h"

enum { READ_AT_ONCE = 65536, ZEROS = 65536 };

/* ---- reading ---- */

/* By hand: a buffer that grows by realloc leaves copies of what it held. */
static void secret_grow(struct secret *secret, size_t *room)
{
	*room = *room ? *room * 2 : READ_AT_ONCE;
	char *larger = mem_alloc(*room + 1);
	if (secret->length)
		memcpy(larger, secret->bytes, secret->length);
	secret_wipe(secret->bytes, secret->length);
	free(secret->bytes);
	secret->bytes = larger;
}

static int read_all(int fd, struct secret *bytes)
{
	size_t room = 0;
	while (bytes->length <= VAULT_MAX_BYTES) {
		if (bytes->length == room)
			secret_grow(bytes, &room);
		ssize_t got = read(fd, bytes->bytes + bytes->length, room - bytes->length);
		if (got < 0 && errno == EINTR)
			continue;
		if (got <= 0)
			return (int)got;
		bytes->length += (size_t)got;
	}
	errno = EFBIG;
	return -1;
}

int vault_file_read(const char *path, struct secret *bytes, struct err *err)
{
	bool is_stdin = strcmp(path, "-") == 0;
	auto_close int opened = is_stdin ? -1 : open(path, O_RDONLY | O_CLOEXEC | O_NOCTTY);
	secret_release(bytes);
	if (!is_stdin && opened < 0)
		return err_errno(err, ERR_INPUT, "reading %s", path);
	if (read_all(is_stdin ? STDIN_FILENO : opened, bytes) < 0)
		return err_errno(err, ERR_INPUT, "reading %s", is_stdin ? "standard input" : path);
	return 0;
}

/* ---- writing ---- */

static int write_all(int fd, const char *bytes, size_t length)
{
	for (size_t at = 0; at < length;) {
		ssize_t wrote = write(fd, bytes + at, length - at);
		if (wrote < 0 && errno != EINTR)
			return -1;
		at += wrote > 0 ? (size_t)wrote : 0;
	}
	return 0;
}

void vault_file_wipe(int fd)
{
	static const char zeros[ZEROS];
	struct stat about;
	if (fstat(fd, &about) < 0 || lseek(fd, 0, SEEK_SET) < 0)
		return;
	for (off_t left = about.st_size; left > 0; left -= ZEROS)
		if (write_all(fd, zeros, left < ZEROS ? (size_t)left : ZEROS) < 0)
			return;
	fsync(fd);
}

/* What a file that is replaced passes on. */
static int take_over(int fd, const struct stat *old)
{
	if (fchown(fd, old->st_uid, old->st_gid) < 0 && fchown(fd, (uid_t)-1, old->st_gid) < 0 && errno != EPERM)
		return -1; /* who may not give a file away keeps it */
	return fchmod(fd, old->st_mode & 07777);
}

static int write_new(int fd, const char *bytes, size_t length, const struct stat *old)
{
	return write_all(fd, bytes, length) < 0 || (old && take_over(fd, old) < 0) || fsync(fd) < 0 ? -1 : 0;
}

static int sync_folder(const char *path)
{
	const char *slash = strrchr(path, '/');
	auto_free char *folder = slash ? mem_strndup(path, slash == path ? 1 : (size_t)(slash - path)) : mem_strdup(".");
	auto_close int fd = open(folder, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	return fd < 0 ? -1 : fsync(fd);
}

/* "a/.b.RANDOM" for "a/b" */
static char *name_beside(const char *path)
{
	char random[DIGEST_RANDOM_HEX];
	digest_random(random);
	const char *slash = strrchr(path, '/');
	int folder = slash ? (int)(slash - path) + 1 : 0;
	return mem_printf("%.*s.%s.%.12s", folder, path, path + folder, random);
}

static int replace(const char *path, const char *bytes, size_t length, bool wipe, struct err *err)
{
	struct stat old;
	bool exists = stat(path, &old) == 0;
	if (exists && !S_ISREG(old.st_mode))
		return err_set(err, ERR_INPUT, "%s is not a regular file", path);
	auto_close int old_fd = exists && wipe && old.st_nlink == 1 ? open(path, O_WRONLY | O_CLOEXEC) : -1;
	auto_free char *temporary = name_beside(path);
	auto_close int fd = open(temporary, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0600);
	if (fd < 0)
		return err_errno(err, ERR_SYSTEM, "writing beside %s", path);
	if (write_new(fd, bytes, length, exists ? &old : NULL) < 0 || rename(temporary, path) < 0) {
		int reason = errno;
		unlink(temporary);
		errno = reason;
		return err_errno(err, ERR_SYSTEM, "writing %s", path);
	}
	if (old_fd >= 0)
		vault_file_wipe(old_fd);
	return sync_folder(path) < 0 ? err_errno(err, ERR_SYSTEM, "writing %s to the disk", path) : 0;
}

int vault_file_write(const char *path, const char *bytes, size_t length, bool wipe, struct err *err)
{
	if (strcmp(path, "-") == 0) {
		if (fwrite(bytes, 1, length, stdout) != length || fflush(stdout) != 0)
			return err_errno(err, ERR_SYSTEM, "writing to standard output");
		return 0;
	}
	auto_free char *real = realpath(path, NULL);
	return replace(real ? real : path, bytes, length, wipe, err);
}
