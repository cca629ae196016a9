/* A whole new folder in one flight: a tar stream on the stdin of one command.
 *
 * All of it is unpacked into a folder with a random name beside its place, which went into the journal first. The same command
 * then compares the SHA-1 of each file with the list that came as the stream's last member, gives all of it to its owner, forces
 * it to the disk, sees that nothing is in its place, and renames the one folder: it is there whole or not at all. The list
 * comes last, so that a stream that was cut anywhere fails before that. Nothing is kept in memory: files are read as the
 * target takes them.
 *
 * Whatever goes wrong, the command removes what it made, and folders and files go one after the other (perform.c, put.c). */
#include "wire/put.h"

#include <fcntl.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/digest.h"
#include "base/mem.h"
#include "base/quote.h"
#include "base/text.h"
#include "wire/become.h"
#include "wire/command.h"

enum { TREE_PIECE = 256 * 1024, TREE_CLEAN_MS = 30000 };

struct tree {
	struct identity *identity;
	const struct wire_folder *folders;
	const struct wire_put *puts;
	size_t folder_count, count;
	size_t top_length;      /* of folders[0].path */
	char *stage;            /* where it is unpacked: "/folder/.neap-<128 random bits>/" */
	char *list_path;
	struct buf list;        /* of the files' hashes */
	size_t next_folder, next_file;
	int fd;                 /* of the file that is being sent; -1: none */
	uint64_t size, left;    /* its bytes */
};

static void tree_release(struct tree *tree)
{
	if (tree->fd >= 0)
		close(tree->fd);
	free(tree->stage);
	free(tree->list_path);
	buf_release(&tree->list);
}

/* ---- whether it can go this way ---- */

static bool tree_holds(const struct tree *tree, const char *path)
{
	return strncmp(path, tree->folders[0].path, tree->top_length) == 0 && path[tree->top_length] == '/' &&
	       put_tar_name_is_plain(path);
}

static bool tree_takes(const struct tree *tree)
{
	const struct wire_become *become = identity_become(tree->identity);
	if (tree->identity->no_tar || become_needs_pty(become) || tree->count < PUT_TAR_LEAST ||
	    !put_tar_name_is_plain(tree->folders[0].path))
		return false;
	for (size_t i = 1; i < tree->folder_count; i++)
		if (!tree_holds(tree, tree->folders[i].path))
			return false;
	for (size_t i = 0; i < tree->count; i++) {
		const struct wire_put *put = &tree->puts[i];
		if (!put_tar_takes(put) || !tree_holds(tree, put->path) || put->source == WIRE_REMOTE_FILE || !put->sha1 ||
		    !text_same(put->owner, tree->puts[0].owner) || !text_same(put->group, tree->puts[0].group))
			return false;
	}
	return true;
}

/* ---- the stream ---- */

static uint32_t tree_folder_mode(const struct tree *tree, size_t index)
{
	const struct wire_folder *folder = &tree->folders[index];
	return folder->has_mode ? folder->mode & 07777 : 0777u & ~(uint32_t)tree->identity->umask;
}

/* Its name in the stage, from the root: tar takes names without their first slash. */
static char *tree_name(const struct tree *tree, const char *path)
{
	return mem_printf("%s%s", tree->stage + 1, path + tree->top_length + 1);
}

/* False where it cannot be read. */
static bool tree_open_file(struct tree *tree, struct buf *more)
{
	const struct wire_put *put = &tree->puts[tree->next_file++];
	struct stat st;
	auto_free char *name = tree_name(tree, put->path);
	uint32_t mode = put->has_mode ? put->mode & 07777 : 0666u & ~(uint32_t)tree->identity->umask;
	buf_printf(&tree->list, "%s  %s\n", put->sha1, name);
	if (put->source == WIRE_BYTES) {
		tar_member(more, name, mode, put->length ? put->bytes : "", put->length);
		return true;
	}
	tree->fd = open(put->from, O_RDONLY | O_CLOEXEC | O_NOCTTY | O_NONBLOCK);
	if (tree->fd < 0 || fstat(tree->fd, &st) < 0 || !S_ISREG(st.st_mode))
		return false;
	tree->size = tree->left = (uint64_t)st.st_size;
	tar_header(more, name, '0', mode, tree->size);
	return true;
}

/* False where it has become shorter. */
static bool tree_read_file(struct tree *tree, struct buf *more)
{
	size_t part = tree->left < TREE_PIECE ? (size_t)tree->left : TREE_PIECE;
	char *room = buf_reserve(more, part);
	ssize_t n = part ? read(tree->fd, room, part) : 0;
	if (n < 0 || (n == 0 && part))
		return false;
	more->length += (size_t)n;
	tree->left -= (uint64_t)n;
	if (tree->left)
		return true;
	tar_pad(more, tree->size);
	close(tree->fd);
	tree->fd = -1;
	return true;
}

static void tree_tell(const struct tree *tree)
{
	const struct wire_watch *watch = &tree->identity->session->watch;
	if (watch->progress)
		watch->progress(watch->context, tree->folders[0].path, tree->next_file, tree->count);
}

/* The stream's next piece; false: that was its end, or it has to be cut, which the command takes for a failure. */
static bool tree_feed(void *context, struct buf *more)
{
	struct tree *tree = context;
	while (more->length < TREE_PIECE) {
		bool ok = true;
		if (tree->fd >= 0) {
			ok = tree_read_file(tree, more);
		} else if (tree->next_folder < tree->folder_count) {
			auto_free char *name = tree_name(tree, tree->folders[tree->next_folder].path);
			auto_free char *folder = mem_printf("%s/", name);
			tar_header(more, folder, '5', tree_folder_mode(tree, tree->next_folder++), 0);
		} else if (tree->next_file < tree->count) {
			ok = tree_open_file(tree, more);
		} else {
			tar_member(more, tree->list_path + 1, 0600, tree->list.data, tree->list.length);
			tar_end(more);
			return false;
		}
		if (!ok)
			return false;
	}
	tree_tell(tree);
	return true;
}

/* ---- the command ---- */

/* tar writes by path: whoever could rename the stage could lead it elsewhere. So the folder that it is in must be ours or the
 * system's, and writable by nobody else or sticky. What it hands down to new folders tar would take off again. */
static const char tree_safe[] =
	"neap_safe() { set -f; set -- $(ls -ldn \"$neap_in/.\"); set +f; case $1 in d????[!w]??[!w]*|d????????[tT]*) ;; "
	"*) return 1;; esac; { [ \"$3\" = 0 ] || [ -O \"$neap_in/.\" ]; } && [ ! -g \"$neap_in/.\" ]; }\n"
	"neap_free() { [ ! -e \"$neap_top\" ] && [ ! -L \"$neap_top\" ]; }\n";

static void tree_word(struct buf *script, const char *name, const char *value, size_t length)
{
	auto_free char *text = mem_strndup(value, length);
	buf_printf(script, "%s=", name);
	quote_word(script, text);
	buf_char(script, '\n');
}

static void tree_owner_text(const struct wire_put *put, struct buf *script)
{
	if (!put->owner && !put->group)
		return;
	auto_free char *who = mem_printf("%s%s%s", put->owner ? put->owner : "", put->group && put->owner ? ":" : "",
	                                 put->group ? put->group : "");
	buf_str(script, put->owner ? "chown -hR -- " : "chgrp -hR -- ");
	quote_word(script, who);
	buf_str(script, " \"$neap_stage\" && ");
}

static void tree_script(const struct tree *tree, struct buf *script)
{
	const char *top = tree->folders[0].path;
	buf_str(script, "LC_ALL=C; export LC_ALL; umask 077; cd / || exit 1; neap_t= neap_h=\n"
	        "command -v tar >/dev/null 2>&1 || neap_t=busybox; command -v sha1sum >/dev/null 2>&1 || neap_h=busybox\n");
	buf_str(script, tree_safe);
	tree_word(script, "neap_top", top, tree->top_length);
	tree_word(script, "neap_in", top, (size_t)(strrchr(top, '/') - top));
	tree_word(script, "neap_stage", tree->stage, strlen(tree->stage) - 1);
	tree_word(script, "neap_list", tree->list_path, strlen(tree->list_path));
	buf_printf(script, "neap_all() { neap_safe && neap_free && mkdir \"$neap_stage\" && $neap_t tar -xpmof - && "
	           "[ \"$($neap_h sha1sum -c \"$neap_list\" 2>/dev/null | grep -c ': OK$')\" = %zu ] && rm \"$neap_list\" && ",
	           tree->count);
	tree_owner_text(&tree->puts[0], script);
	buf_printf(script, "chmod %05o \"$neap_stage\" && { sync -f \"$neap_stage\" 2>/dev/null || sync; } && "
	           "{ mv -nT \"$neap_stage\" \"$neap_top\" 2>/dev/null || { neap_free && mv -n \"$neap_stage\" \"$neap_top\"; }; } && "
	           "[ ! -e \"$neap_stage\" ]; }\n"
	           "neap_all && exit 0; rm -rf \"$neap_stage\"; exit 1", tree_folder_mode(tree, 0));
}

static void tree_names(struct tree *tree)
{
	const char *top = tree->folders[0].path;
	auto_free char *beside = mem_printf("%.*sneap", (int)(strrchr(top, '/') - top) + 1, top);
	auto_free char *path = journal_temporary(beside);
	char random[DIGEST_RANDOM_HEX]; /* as nothing of the files' names may be */
	digest_random(random);
	tree->stage = mem_printf("%s/", path);
	tree->list_path = mem_printf("%slist-%s", tree->stage, random);
	journal_add(&tree->identity->journal, tree->stage);
}

static void tree_done(const struct tree *tree, struct wire_put_result *results)
{
	tree_tell(tree);
	journal_drop(&tree->identity->journal, tree->stage);
	for (size_t i = 0; i < tree->count; i++) {
		results[i].fsynced = true;
		memcpy(results[i].sha1, tree->puts[i].sha1, sizeof(results[i].sha1));
	}
}

int put_tree(struct identity *identity, const struct wire_folder *folders, size_t folder_count, const struct wire_put *puts,
             struct wire_put_result *results, size_t count, struct err *err)
{
	auto_(tree_release) struct tree tree = { .identity = identity, .folders = folders, .puts = puts, .count = count,
		.folder_count = folder_count, .top_length = strlen(folders[0].path), .next_folder = 1, .fd = -1 };
	if (!tree_takes(&tree))
		return 0;
	if (remote_umask(identity, err) < 0)
		return -1;
	auto_buf struct buf script = BUF_INIT;
	tree_names(&tree);
	tree_script(&tree, &script);
	struct wire_command command = { .script = script.data, .input = "", .feed = tree_feed, .context = &tree, .keep = 4096,
		.timeout_ms = REMOTE_PATIENCE_MS, .last = true };
	struct wire_outcome outcome = { 0 };
	int status = command_run(identity, &command, &outcome, err);
	bool ok = status == 0 && outcome.ended == WIRE_EXITED && outcome.code == 0;
	wire_outcome_release(&outcome);
	struct err ignored = ERR_INIT;
	if (ok)
		tree_done(&tree, results);
	else if (status == 0) /* the command did that, unless it was killed */
		(void)!put_clean(identity, false, clock_deadline(TREE_CLEAN_MS), &ignored);
	return status < 0 ? -1 : ok;
}
