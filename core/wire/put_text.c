/* A small file written by one command of the target's shell, so that it costs one round trip, or none of its own where other
 * commands are in the same flight.
 *
 * The order of things is put.c's: what is there is looked at; a temporary file is made beside it, for its owner only; its
 * hash is compared as the target reads it; owner and mode are set, it is forced to the disk; what is there is looked at again;
 * only then it is renamed. Whatever goes wrong, or is not as it is here taken to be (a link, a folder, a tool that is missing,
 * a change meanwhile), the command removes its file and ends with a status of its own: then the file goes the way of put.c,
 * which can tell what is wrong. The bytes are in the shell's text, which comes on its stdin: no list of processes shows them,
 * because a printf that is not the shell's own is not used. */
#include "wire/put.h"

#include <fcntl.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/digest.h"
#include "base/mem.h"
#include "base/quote.h"

enum { TEXT_MOST = 32 * 1024 /* bytes; for more SFTP is faster */ };

/* What is written now has the times of now. */
static bool text_sets_times(const struct wire_put *put)
{
	return (put->has_atime && put->atime.tv_nsec != UTIME_NOW) || (put->has_mtime && put->mtime.tv_nsec != UTIME_NOW);
}

bool wire_put_is_text(const struct wire_put *put)
{
	struct stat st = { .st_size = (off_t)put->length, .st_mode = S_IFREG };
	if (put->validate || put->backup || text_sets_times(put) || put->source == WIRE_REMOTE_FILE || *put->path != '/')
		return false;
	if (put->source == WIRE_LOCAL_FILE && stat(put->from, &st) < 0)
		return false;
	return S_ISREG(st.st_mode) && st.st_size <= TEXT_MOST &&
	       (put->source == WIRE_LOCAL_FILE || !memchr(put->length ? put->bytes : "", '\0', put->length));
}

/* The content as text; false where it cannot be: a NUL, or more than there was. */
static bool text_content(const struct wire_put *put, struct buf *content)
{
	if (put->source == WIRE_BYTES) {
		buf_add(content, put->length ? put->bytes : "", put->length);
		return true;
	}
	auto_close int fd = open(put->from, O_RDONLY | O_CLOEXEC | O_NOCTTY);
	ssize_t n;
	while (fd >= 0 && content->length <= TEXT_MOST &&
	       (n = read(fd, buf_reserve(content, TEXT_MOST + 1), TEXT_MOST + 1)) > 0)
		content->length += (size_t)n;
	return fd >= 0 && content->length <= TEXT_MOST && !memchr(buf_text(content), '\0', content->length);
}

static void add_word(struct buf *script, const char *name, const char *value)
{
	buf_printf(script, "%s=", name);
	quote_word(script, value ? value : "");
	buf_char(script, '\n');
}

/* f: how what is there is looked at. x: gives up. Each $(...) is a process more: where nothing is there, none is needed. */
static const char text_begin[] =
	"PATH=/dev/null printf ''&&[ ! -L \"$p\" ]||exit 99\n"
	"f='%a %u %g %d %i %s %h %y %z' o=\n"
	"x(){ rm -f \"$t\";exit 99;}\n"
	"[ ! -e \"$p\" ]||{ o=$(LC_ALL=C stat -c \"$f\" \"$p\")&&[ -f \"$p\" ]&&[ -n \"$o\" ];}||exit 99\n";

/* The owner of a file that was there is kept where that is allowed; one that was asked for must be got, and setuid without
 * the owner that it was meant for would be worse than another way. */
static const char text_end[] =
	"set -- $o\n"
	"if [ -n \"$u$g\" ];then u=${u:-${2-}} g=${g:-${3-}};chown \"$u${g:+:$g}\" \"$t\"||x\n"
	"elif [ $# -gt 0 ];then { [ -O \"$p\" ]&&[ -G \"$p\" ]&&[ -G \"$t\" ];}||chown \"$2:$3\" \"$t\"||chgrp \"$3\" \"$t\"||"
	"case $1 in ????*)x;;esac;fi 2>/dev/null\n"
	"chmod \"${m:-${1:-=rw}}\" \"$t\"||x\n"
	"sync \"$t\"||x\n"
	"if [ -n \"$o\" ];then [ \"$(LC_ALL=C stat -c \"$f\" \"$p\")\" = \"$o\" ];else [ ! -e \"$p\" ]&&[ ! -L \"$p\" ];fi&&mv -fT \"$t\" \"$p\"||x\n";

bool wire_put_text(const struct wire_put *put, struct buf *script, char **temporary, char sha1[41])
{
	auto_buf struct buf content = BUF_INIT;
	char hex[DIGEST_HEX_MAX], mode[16] = "";
	if (!wire_put_is_text(put) || !text_content(put, &content))
		return false;
	digest_bytes("sha1", buf_text(&content), content.length, hex);
	if (put->sha1 && strcmp(put->sha1, hex) != 0)
		return false;
	memcpy(sha1, hex, REMOTE_SHA1);
	*temporary = journal_temporary(put->path);
	if (put->has_mode)
		snprintf(mode, sizeof(mode), "%04o", (unsigned)put->mode & 07777);
	buf_str(script, "{\n");
	add_word(script, "p", put->path);
	add_word(script, "t", *temporary);
	add_word(script, "u", put->owner);
	add_word(script, "g", put->group);
	add_word(script, "m", mode);
	buf_str(script, text_begin);
	/* Where no mode is wanted, chmod needs the umask as it was. */
	buf_printf(script, "%sumask 077;set -C;printf %%s ", put->has_mode ? "" : "(");
	quote_word(script, buf_text(&content));
	buf_printf(script, " >\"$t\"%s||x\n"
	           "h=$(sha1sum <\"$t\")||h=$(busybox sha1sum <\"$t\")\n[ \"${h%%%% *}\" = %s ]||x\n", put->has_mode ? "" : ")", hex);
	buf_str(script, text_end);
	buf_str(script, "} 2>/dev/null");
	return true;
}
