/* Reading files; see file.h. */
#include "base/file.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <string.h>
#include <unistd.h>

#include "base/mem.h"

enum { READ_AT_ONCE = 65536 };

int file_read(const char *path, size_t most, struct buf *out, struct err *err)
{
	auto_close int fd = open(path, O_RDONLY | O_CLOEXEC | O_NOCTTY);
	if (fd < 0)
		return err_errno(err, ERR_INPUT, "reading %s", path);
	size_t before = out->length;
	for (;;) {
		char *to = buf_reserve(out, READ_AT_ONCE);
		ssize_t n = read(fd, to, READ_AT_ONCE);
		if (n < 0 && errno == EINTR)
			continue;
		if (n < 0)
			return err_errno(err, ERR_INPUT, "reading %s", path);
		out->length += (size_t)n;
		out->data[out->length] = '\0';
		if (n == 0)
			return 0;
		if (out->length - before > most) {
			errno = EFBIG;
			return err_errno(err, ERR_INPUT, "reading %s", path);
		}
	}
}

char *file_absolute(const char *path)
{
	char here[PATH_MAX];
	auto_buf struct buf whole = BUF_INIT;
	if (*path != '/' && getcwd(here, sizeof(here)))
		buf_str(&whole, strcmp(here, "/") == 0 ? "" : here);
	while (*path) {
		size_t length = strcspn(path, "/");
		if (length && !(length == 1 && *path == '.')) {
			buf_char(&whole, '/');
			buf_add(&whole, path, length);
		}
		path += length + (path[length] == '/');
	}
	if (!whole.length)
		buf_char(&whole, '/');
	return mem_strdup(buf_text(&whole));
}
