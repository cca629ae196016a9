/* Copies on this machine by SFTP and by the shell alone: content, attributes, what is kept and what is left behind. */
#include <dirent.h>
#include <fcntl.h>
#include <signal.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <unistd.h>

#include <criterion/criterion.h>

#include "base/clock.h"
#include "base/digest.h"
#include "base/mem.h"
#include "wire/command.h"
#include "wire/get.h"
#include "wire/put.h"

static char folder[64];

static void setup(void)
{
	snprintf(folder, sizeof(folder), "/tmp/neap-test-XXXXXX");
	cr_assert_not_null(mkdtemp(folder));
}

#pragma GCC diagnostic ignored "-Wformat-nonliteral"
static void sh(const char *format, const char *word)
{
	char command[256];
	snprintf(command, sizeof(command), format, word, word);
	FILE *pipe = popen(command, "r");
	cr_assert_eq(pclose(pipe), 0, "%s", command);
}

static void teardown(void)
{
	sh("rm -rf %s", folder);
}

TestSuite(put, .init = setup, .fini = teardown, .timeout = 120);
TestSuite(get, .init = setup, .fini = teardown, .timeout = 120);

struct machine {
	struct wire_config config;
	struct session *session;
	struct identity *identities, *identity;
};

static void open_machine(struct machine *machine, const char *shell, bool no_sftp)
{
	struct err err = ERR_INIT;
	signal(SIGPIPE, SIG_IGN); /* as a wire has it blocked: a command may end before it has read all its input */
	*machine = (struct machine){ .config = { .name = "here", .local = true, .shell = shell } };
	cr_assert_eq(local_session_open(&machine->session, &machine->config, NULL, -1, &err), 0, "%s", err.text);
	machine->identity = identity_find(&machine->identities, machine->session, NULL);
	machine->identity->no_sftp = no_sftp;
}

static void close_machine(struct machine *machine)
{
	cr_assert_eq(machine->identity->journal.count, 0);
	identity_free_all(machine->identities);
	session_free(machine->session);
}

static char *in_folder(const char *name)
{
	return mem_printf("%s/%s", folder, name);
}

static void write_file(const char *path, const char *bytes, size_t length, mode_t mode)
{
	int fd = open(path, O_WRONLY | O_CREAT | O_TRUNC, 0600);
	cr_assert(fd >= 0);
	cr_assert_eq(write(fd, bytes, length), (ssize_t)length);
	cr_assert_eq(fchmod(fd, mode), 0);
	close(fd);
}

static void check_content(const char *path, const char *bytes, size_t length)
{
	auto_buf struct buf found = BUF_INIT;
	auto_fclose FILE *file = fopen(path, "r");
	cr_assert_not_null(file, "%s", path);
	for (int c; (c = getc(file)) != EOF;)
		buf_char(&found, (char)c);
	cr_assert_eq(found.length, length, "%s has %zu bytes", path, found.length);
	cr_assert(length == 0 || memcmp(found.data, bytes, length) == 0, "%s", path);
}

static size_t entries(void)
{
	size_t count = 0;
	DIR *all = opendir(folder);
	for (const struct dirent *entry; (entry = readdir(all));)
		count += entry->d_name[0] != '.' || strlen(entry->d_name) > 2;
	closedir(all);
	return count;
}

static int put(struct identity *identity, const struct wire_put *puts, struct wire_put_result *results, size_t count,
               size_t *done, struct err *err)
{
	*err = (struct err)ERR_INIT;
	memset(results, 0, count * sizeof(*results));
	return put_files(identity, puts, results, count, done, err);
}

static void put_one(struct identity *identity, const struct wire_put *wanted, struct wire_put_result *result)
{
	size_t done;
	struct err err;
	cr_assert_eq(put(identity, wanted, result, 1, &done, &err), 0, "%s", err.text);
	cr_assert_eq(done, 1);
}

/* A PATH of busybox alone: no setsid but its own, no GNU tools. */
static void make_busybox(char path[96])
{
	snprintf(path, 96, "%s.bin", folder);
	sh("mkdir -p %s && /usr/bin/busybox --install -s %s", path);
}

/* Every check runs by SFTP, by the shell with the tools there are, and by the shell with busybox alone. */
static void every_way(void (*check)(struct identity *identity, const char *way))
{
	struct machine machine;
	char bin[96];
	auto_free char *path = mem_strdup(getenv("PATH"));
	open_machine(&machine, NULL, false);
	check(machine.identity, "sftp");
	close_machine(&machine);
	teardown();
	cr_assert_eq(mkdir(folder, 0700), 0);
	open_machine(&machine, NULL, true);
	check(machine.identity, "shell");
	close_machine(&machine);
	teardown();
	cr_assert_eq(mkdir(folder, 0700), 0);
	if (access("/usr/bin/busybox", X_OK) != 0)
		return;
	make_busybox(bin);
	auto_free char *shell = mem_printf("%s/sh", bin);
	setenv("PATH", bin, 1);
	open_machine(&machine, shell, true);
	check(machine.identity, "busybox");
	close_machine(&machine);
	setenv("PATH", path, 1);
	sh("rm -rf %s", bin);
}

static void check_new(struct identity *identity, const char *way)
{
	auto_free char *path = in_folder("new 'file'");
	struct wire_put_result result;
	mode_t old = umask(027);
	put_one(identity, &(struct wire_put){ .path = path, .bytes = "a\0b\n", .length = 4 }, &result);
	check_content(path, "a\0b\n", 4);
	struct stat st;
	stat(path, &st);
	umask(old);
	cr_assert_eq(st.st_mode & 07777, 0640, "%s: %o", way, st.st_mode);
	put_one(identity, &(struct wire_put){ .path = path, .bytes = "x", .length = 1, .has_mode = true, .mode = 04751 }, &result);
	stat(path, &st);
	cr_assert_eq(st.st_mode & 07777, 04751, "%s", way);
	cr_assert(result.fsynced, "%s", way);
	put_one(identity, &(struct wire_put){ .path = path, .bytes = "", .length = 0 }, &result);
	check_content(path, "", 0);
	stat(path, &st);
	cr_assert_eq(st.st_mode & 07777, 04751, "%s: the old mode is kept", way);
	cr_assert_eq(entries(), 1, "%s", way);
}

Test(put, makes_a_file_with_its_mode)
{
	every_way(check_new);
}

static void check_owner(struct identity *identity, const char *way)
{
	auto_free char *path = in_folder("owned");
	struct wire_put_result result;
	struct stat st;
	if (geteuid() != 0)
		return;
	put_one(identity, &(struct wire_put){ .path = path, .bytes = "x", .length = 1, .owner = "nobody", .group = "daemon",
	    .has_mode = true, .mode = 0640 }, &result);
	stat(path, &st);
	cr_assert_eq(st.st_uid, 65534, "%s", way);
	cr_assert_eq(st.st_gid, 1, "%s", way);
	put_one(identity, &(struct wire_put){ .path = path, .bytes = "y", .length = 1, .group = "2" }, &result);
	stat(path, &st);
	cr_assert_eq(st.st_uid, 65534, "%s: the old owner stays", way);
	cr_assert_eq(st.st_gid, 2, "%s", way);
	size_t done;
	struct err err;
	cr_assert_eq(put(identity, &(struct wire_put){ .path = path, .bytes = "z", .length = 1, .owner = "no-such-user" }, &result,
	                 1, &done, &err), -1);
	cr_assert_not_null(strstr(err.text, "no-such-user"), "%s", err.text);
	check_content(path, "y", 1);
	cr_assert_eq(entries(), 1, "%s", way);
}

Test(put, gives_a_file_to_its_owner_by_name_or_number)
{
	every_way(check_owner);
}

static void check_times(struct identity *identity, const char *way)
{
	auto_free char *path = in_folder("timed");
	struct wire_put_result result;
	struct stat st;
	put_one(identity, &(struct wire_put){ .path = path, .bytes = "x", .length = 1, .has_mtime = true, .mtime = { 1000000000, 0 },
	    .has_atime = true, .atime = { 900000000, 0 } }, &result);
	stat(path, &st);
	cr_assert_eq(st.st_mtime, 1000000000, "%s", way);
	cr_assert_eq(st.st_atime, 900000000, "%s", way);
}

Test(put, sets_times)
{
	every_way(check_times);
}

static void check_keeps(struct identity *identity, const char *way)
{
	auto_free char *path = in_folder("f"), *kept = in_folder("f.bak");
	struct wire_put_result result;
	size_t done;
	struct err err;
	struct wire_put wanted = { .path = path, .bytes = "new", .length = 3, .backup = kept };
	put_one(identity, &wanted, &result);
	cr_assert_not(result.backed_up, "%s", way);
	wanted.bytes = "two";
	put_one(identity, &wanted, &result);
	cr_assert(result.backed_up, "%s", way);
	check_content(kept, "new", 3);
	check_content(path, "two", 3);
	unlink(kept);
	auto_free char *nowhere = in_folder("absent/f.bak");
	wanted = (struct wire_put){ .path = path, .bytes = "bad", .length = 3, .backup = nowhere };
	cr_assert_eq(put(identity, &wanted, &result, 1, &done, &err), -1, "%s: there is no backup", way);
	check_content(path, "two", 3);
	wanted = (struct wire_put){ .path = path, .bytes = "bad", .length = 3, .validate = "grep -q good %s || { echo no >&2; exit 3; }" };
	cr_assert_eq(put(identity, &wanted, &result, 1, &done, &err), -1, "%s", way);
	cr_assert(result.validate_failed, "%s", way);
	cr_assert_eq(result.validate.code, 3, "%s", way);
	cr_assert_str_eq(buf_text(&result.validate.errors), "no\n");
	wire_outcome_release(&result.validate);
	check_content(path, "two", 3);
	wanted = (struct wire_put){ .path = path, .bytes = "bad", .length = 3, .sha1 = "0000000000000000000000000000000000000000" };
	cr_assert_eq(put(identity, &wanted, &result, 1, &done, &err), -1, "%s", way);
	check_content(path, "two", 3);
	cr_assert_eq(entries(), 1, "%s left something", way);
}

Test(put, keeps_the_old_file_where_the_new_one_is_not_right)
{
	every_way(check_keeps);
}

static void check_links(struct identity *identity, const char *way)
{
	auto_free char *path = in_folder("real"), *link = in_folder("link"), *dangling = in_folder("dangling"),
	               *made = in_folder("made"), *dir = in_folder("dir"), *dirlink = in_folder("dirlink");
	struct wire_put_result result;
	struct stat st;
	write_file(path, "old", 3, 0644);
	cr_assert_eq(symlink("real", link), 0);
	cr_assert_eq(symlink("made", dangling), 0);
	put_one(identity, &(struct wire_put){ .path = link, .bytes = "followed", .length = 8, .follow = true }, &result);
	check_content(path, "followed", 8);
	lstat(link, &st);
	cr_assert(S_ISLNK(st.st_mode), "%s", way);
	put_one(identity, &(struct wire_put){ .path = dangling, .bytes = "d", .length = 1, .follow = true }, &result);
	check_content(made, "d", 1);
	put_one(identity, &(struct wire_put){ .path = link, .bytes = "replaced", .length = 8 }, &result);
	lstat(link, &st);
	cr_assert(S_ISREG(st.st_mode), "%s", way);
	check_content(path, "followed", 8);
	mkdir(dir, 0755);
	cr_assert_eq(symlink("dir", dirlink), 0);
	size_t done;
	struct err err;
	cr_assert_eq(put(identity, &(struct wire_put){ .path = dir, .bytes = "x", .length = 1 }, &result, 1, &done, &err), -1, "%s", way);
	cr_assert_not_null(strstr(err.text, "directory"), "%s", err.text);
	/* busybox's mv has no -T everywhere: then it is an error, and the link stays. */
	if (put(identity, &(struct wire_put){ .path = dirlink, .bytes = "x", .length = 1 }, &result, 1, &done, &err) == 0)
		check_content(dirlink, "x", 1);
	else
		cr_assert_str_eq(way, "busybox", "%s: %s", way, err.text);
	cr_assert_eq(entries(), 6, "%s left something", way);
}

Test(put, follows_links_only_where_told)
{
	every_way(check_links);
}

static void check_many(struct identity *identity, const char *way)
{
	enum { MANY = 1500 };
	size_t many = strcmp(way, "sftp") == 0 ? MANY : 20;
	struct wire_put *puts = mem_array(many, sizeof(*puts));
	struct wire_put_result *results = mem_array(many, sizeof(*results));
	for (size_t i = 0; i < many; i++)
		puts[i] = (struct wire_put){ .path = mem_printf("%s/%zu", folder, i), .bytes = mem_printf("file %zu\n", i),
			.length = strlen(puts[i].bytes ? puts[i].bytes : "") };
	for (size_t i = 0; i < many; i++)
		puts[i].length = strlen(puts[i].bytes);
	size_t done;
	struct err err;
	cr_assert_eq(put(identity, puts, results, many, &done, &err), 0, "%s: %s", way, err.text);
	cr_assert_eq(done, many);
	cr_assert_eq(entries(), many);
	for (size_t i = 0; i < many; i++)
		check_content(puts[i].path, puts[i].bytes, puts[i].length);
	for (size_t i = 0; i < many; i++) {
		free((char *)puts[i].bytes);
		puts[i].bytes = "again";
		puts[i].length = 5;
	}
	auto_free char *blocker = mem_printf("%s/%zu", folder, many / 2);
	unlink(blocker);
	mkdir(blocker, 0755);
	cr_assert_eq(put(identity, puts, results, many, &done, &err), -1);
	cr_assert_eq(done, many / 2, "%s: %zu %s", way, done, err.text);
	cr_assert_not_null(strstr(err.text, blocker), "%s", err.text);
	check_content(puts[many / 2 - 1].path, "again", 5);
	cr_assert_eq(entries(), many, "%s left something", way);
	for (size_t i = 0; i < many; i++)
		free((char *)puts[i].path);
	free(puts);
	free(results);
}

Test(put, takes_many_files_and_stops_at_the_first_that_fails)
{
	every_way(check_many);
}

/* Names that no line, word list or old tar header takes as they are; those that the stream leaves out go after it. */
static void check_tar(struct identity *identity, const char *way)
{
	enum { FILES = 60 };
	static const char *const names[] = { "-n", ".dot", "with space", "quote'\"$(x)", "*", "new\nline", "back\\slash", "..two", "%s" };
	auto_free char *sub = in_folder("sub"), *deep = mem_printf("%s/%0200d", sub, 7), *from = in_folder("from");
	struct wire_put puts[FILES] = { 0 };
	struct wire_put_result results[FILES];
	cr_assert_eq(mkdir(sub, 0755), 0);
	cr_assert_eq(mkdir(deep, 0755), 0);
	write_file(from, "from here", 9, 0600);
	for (size_t i = 0; i < FILES; i++) {
		const char *into = i % 3 == 0 ? folder : i % 3 == 1 ? sub : deep;
		puts[i] = (struct wire_put){ .is_new = true, .has_mode = true, .mode = i == 20 ? 04755 : 0640,
			.path = i - 40 < 9 ? mem_printf("%s/%s", into, names[i - 40]) : mem_printf("%s/%0*zu", into, i == 30 ? 250 : 3, i) };
		if (i % 2)
			puts[i].source = WIRE_LOCAL_FILE, puts[i].from = from;
		else
			puts[i].bytes = "bytes\0\n", puts[i].length = i == 10 ? 0 : 7;
	}
	size_t done;
	struct err err;
	cr_assert_eq(put(identity, puts, results, FILES, &done, &err), 0, "%s: %s", way, err.text);
	cr_assert_not(identity->no_tar, "%s: it went another way", way);
	for (size_t i = 0; i < FILES; i++) {
		struct stat st;
		check_content(puts[i].path, i % 2 ? "from here" : "bytes\0\n", i % 2 ? 9 : i == 10 ? 0 : 7);
		stat(puts[i].path, &st);
		cr_assert_eq(st.st_mode & 07777, i == 20 ? 04755 : 0640, "%s: %zu has %o", way, i, st.st_mode);
		cr_assert_lt(time(NULL) - st.st_mtime, 1000, "%s", way);
		cr_assert(results[i].fsynced, "%s", way);
	}
	sh("test -z \"$(find %s -name '.*neap-*')\"", folder);
	for (size_t i = 0; i < FILES; i++)
		free((char *)puts[i].path);
}

Test(put, takes_many_new_files_in_one_stream)
{
	every_way(check_tar);
}

static void check_tar_falls_back(struct identity *identity, const char *way)
{
	enum { FILES = 30 };
	struct wire_put puts[FILES] = { 0 };
	struct wire_put_result results[FILES];
	for (size_t i = 0; i < FILES; i++)
		puts[i] = (struct wire_put){ .is_new = true, .path = mem_printf("%s/%02zu", folder, i), .bytes = "new", .length = 3 };
	/* What is there after all is replaced as ever, and keeps its mode. */
	write_file(puts[7].path, "old", 3, 0604);
	size_t done;
	struct err err;
	cr_assert_eq(put(identity, puts, results, FILES, &done, &err), 0, "%s: %s", way, err.text);
	cr_assert(identity->no_tar, "%s", way);
	struct stat st;
	stat(puts[7].path, &st);
	cr_assert_eq(st.st_mode & 07777, 0604, "%s", way);
	for (size_t i = 0; i < FILES; i++)
		check_content(puts[i].path, "new", 3);
	cr_assert_eq(entries(), FILES, "%s left something", way);
	/* A file that cannot be put is named, and those before it are in place. */
	sh("rm -rf %s/*", folder);
	identity->no_tar = false;
	cr_assert_eq(mkdir(puts[9].path, 0755), 0);
	cr_assert_eq(put(identity, puts, results, FILES, &done, &err), -1, "%s", way);
	cr_assert_eq(done, 9, "%s: %zu", way, done);
	cr_assert_not_null(strstr(err.text, puts[9].path), "%s: %s", way, err.text);
	cr_assert_eq(entries(), 10, "%s left something", way);
	/* Wrong content is not put in place. */
	sh("rm -rf %s/*", folder);
	identity->no_tar = false;
	puts[5].sha1 = "0000000000000000000000000000000000000000";
	cr_assert_eq(put(identity, puts, results, FILES, &done, &err), -1, "%s", way);
	cr_assert_eq(done, 5, "%s: %zu", way, done);
	cr_assert_eq(entries(), 5, "%s left something", way);
	for (size_t i = 0; i < FILES; i++)
		free((char *)puts[i].path);
}

Test(put, goes_another_way_where_the_stream_fails)
{
	every_way(check_tar_falls_back);
}

/* Somebody else could lead tar elsewhere by a link in a folder that he may write to. */
/* A channel that only waits for a command, as a connection has one after the first. */
static void make_ready(struct identity *identity)
{
	struct wire_config *config = (struct wire_config *)identity->session->config;
	config->local = false;
	command_expect(identity);
	config->local = true;
	struct err err = ERR_INIT;
	cr_assert_not_null(identity->spare);
	cr_assert_eq(remote_umask(identity, &err), 0);
}

static void check_few(struct identity *identity, const char *way)
{
	enum { FILES = 4 };
	static const char *const names[FILES] = { "old", "with space'", "new", "-n" };
	bool root = geteuid() == 0;
	auto_free char *linked = in_folder("linked");
	struct wire_put puts[FILES] = { 0 };
	struct wire_put_result results[FILES];
	for (size_t i = 0; i < FILES; i++)
		puts[i] = (struct wire_put){ .path = in_folder(names[i]), .bytes = "new\0\n", .length = 5 };
	write_file(puts[0].path, "old", 3, 0604);
	write_file(puts[1].path, "", 0, 0600);
	if (root)
		cr_assert_eq(chown(puts[1].path, 4242, 4243), 0);
	cr_assert_eq(chmod(puts[1].path, 04751), 0);
	cr_assert_eq(link(puts[0].path, linked), 0);
	size_t done;
	struct err err;
	make_ready(identity);
	unsigned before = identity->session->counts.batches;
	cr_assert_eq(put(identity, puts, results, FILES, &done, &err), 0, "%s: %s", way, err.text);
	cr_assert(!identity->no_few && !identity->spare && identity->session->counts.batches == before, "%s: it went another way", way);
	const mode_t modes[FILES] = { 0604, 04751, 0666 & ~(mode_t)identity->umask, 0666 & ~(mode_t)identity->umask };
	for (size_t i = 0; i < FILES; i++) {
		struct stat st;
		check_content(puts[i].path, "new\0\n", 5);
		stat(puts[i].path, &st);
		cr_assert_eq(st.st_mode & 07777, modes[i], "%s: %zu has %o", way, i, st.st_mode);
		cr_assert(i != 1 || !root || (st.st_uid == 4242 && st.st_gid == 4243), "%s", way);
		cr_assert(results[i].fsynced && *results[i].sha1, "%s", way);
	}
	check_content(linked, "old", 3);
	cr_assert_eq(entries(), FILES + 1, "%s left something", way);
	for (size_t i = 0; i < FILES; i++)
		free((char *)puts[i].path);
}

Test(put, replaces_a_few_files_in_one_flight_where_a_channel_is_ready)
{
	every_way(check_few);
}

static void check_few_falls_back(struct identity *identity, const char *way)
{
	auto_free char *file = in_folder("file"), *link = in_folder("link");
	struct wire_put puts[2] = { { .path = file, .bytes = "new", .length = 3, .has_mode = true, .mode = 0640 },
		{ .path = link, .bytes = "new", .length = 3, .has_mode = true, .mode = 0640 } };
	struct wire_put_result results[2];
	size_t done;
	struct err err;
	write_file(file, "old", 3, 0600);
	/* What is there is a link, or a folder: the other ways replace the one and name the other. */
	cr_assert_eq(symlink("file", link), 0);
	make_ready(identity);
	cr_assert_eq(put(identity, puts, results, 2, &done, &err), 0, "%s: %s", way, err.text);
	cr_assert(identity->no_few, "%s", way);
	struct stat st;
	lstat(link, &st);
	cr_assert(S_ISREG(st.st_mode) && (st.st_mode & 07777) == 0640, "%s", way);
	check_content(file, "new", 3);
	cr_assert_eq(unlink(link), 0);
	cr_assert_eq(mkdir(link, 0755), 0);
	identity->no_few = false;
	make_ready(identity);
	cr_assert_eq(put(identity, puts, results, 2, &done, &err), -1, "%s", way);
	cr_assert_not_null(strstr(err.text, link), "%s: %s", way, err.text);
	/* Nor is what is wrong put in place. */
	write_file(file, "old", 3, 0600);
	puts[0].sha1 = "0000000000000000000000000000000000000000";
	identity->no_few = false;
	make_ready(identity);
	cr_assert_eq(put(identity, puts, results, 1, &done, &err), -1, "%s", way);
	check_content(file, "old", 3);
	cr_assert_eq(entries(), 2, "%s left something", way);
	identity->no_few = false;
}

Test(put, goes_another_way_where_few_cannot_fly)
{
	every_way(check_few_falls_back);
}

static void check_tar_shared(struct identity *identity, const char *way)
{
	enum { FILES = 20 };
	static const mode_t modes[] = { 0775, 0757, 01777 };
	struct wire_put puts[FILES] = { 0 };
	struct wire_put_result results[FILES];
	size_t done;
	struct err err;
	for (size_t m = 0; m < 3; m++) {
		for (size_t i = 0; i < FILES; i++)
			puts[i] = (struct wire_put){ .is_new = true, .path = mem_printf("%s/%zu", folder, i), .bytes = "x", .length = 1 };
		cr_assert_eq(chmod(folder, modes[m]), 0);
		identity->no_tar = false;
		cr_assert_eq(put(identity, puts, results, FILES, &done, &err), 0, "%s: %s", way, err.text);
		cr_assert_eq(identity->no_tar, modes[m] != 01777, "%s %o", way, modes[m]);
		cr_assert_eq(entries(), FILES, "%s", way);
		sh("rm -f %s/*", folder);
		for (size_t i = 0; i < FILES; i++)
			free((char *)puts[i].path);
	}
	chmod(folder, 0700);
}

Test(put, streams_nothing_into_a_folder_that_others_may_write_to)
{
	every_way(check_tar_shared);
}

static void check_tar_full(struct identity *identity, const char *way)
{
	enum { FILES = 30 };
	struct wire_put puts[FILES] = { 0 };
	struct wire_put_result results[FILES];
	auto_free char *big = mem_alloc(100 * 1024);
	identity->no_sftp = true; /* this limit kills a server, other than a full disk does */
	memset(big, 'x', 100 * 1024);
	for (size_t i = 0; i < FILES; i++)
		puts[i] = (struct wire_put){ .is_new = true, .path = mem_printf("%s/%02zu", folder, i), .bytes = big,
			.length = i == 12 ? 100 * 1024 : 10 };
	struct rlimit before, small;
	getrlimit(RLIMIT_FSIZE, &before);
	small = (struct rlimit){ 64 * 1024, before.rlim_max };
	signal(SIGXFSZ, SIG_IGN);
	setrlimit(RLIMIT_FSIZE, &small);
	size_t done;
	struct err err;
	int status = put(identity, puts, results, FILES, &done, &err);
	setrlimit(RLIMIT_FSIZE, &before);
	cr_assert_eq(status, -1, "%s", way);
	cr_assert_eq(done, 12, "%s: %zu %s", way, done, err.text);
	cr_assert_not_null(strstr(err.text, puts[12].path), "%s: %s", way, err.text);
	cr_assert_eq(entries(), 12, "%s left something", way);
	for (size_t i = 0; i < FILES; i++)
		free((char *)puts[i].path);
}

Test(put, names_the_file_of_a_stream_that_did_not_fit_the_disk)
{
	every_way(check_tar_full);
}

static void check_tar_owner(struct identity *identity, const char *way)
{
	enum { FILES = 20 };
	struct wire_put puts[FILES] = { 0 };
	struct wire_put_result results[FILES];
	size_t done;
	struct err err;
	struct stat st;
	if (geteuid() != 0)
		return;
	for (size_t i = 0; i < FILES; i++)
		puts[i] = (struct wire_put){ .is_new = true, .path = mem_printf("%s/%zu", folder, i), .bytes = "x", .length = 1,
			.owner = "nobody", .group = "daemon", .has_mode = true, .mode = 0600 };
	cr_assert_eq(put(identity, puts, results, FILES, &done, &err), 0, "%s: %s", way, err.text);
	cr_assert(!identity->no_tar && !identity->sftp, "%s: it went another way", way);
	for (size_t i = 0; i < FILES; i++) {
		stat(puts[i].path, &st);
		cr_assert(st.st_uid == 65534 && st.st_gid == 1 && (st.st_mode & 07777) == 0600, "%s", way);
		free((char *)puts[i].path);
	}
}

Test(put, gives_a_stream_of_files_to_their_owner)
{
	every_way(check_tar_owner);
}

struct tree {
	struct wire_folder folders[3];
	struct wire_put *puts;
	struct wire_put_result *results;
	size_t count;
	char sha1[DIGEST_HEX_MAX];
};

/* A folder with two folders in it, and files with names that no list or old tar header takes as they are. */
static void make_tree(struct tree *tree, size_t count)
{
	static const char *const names[] = { "-n", ".dot", "with space", "quote'\"$(x)", "*", "%s" };
	const char *top = mem_printf("%s/-top of 'it'", folder);
	*tree = (struct tree){ .count = count, .puts = mem_array(count, sizeof(*tree->puts)),
		.results = mem_array(count, sizeof(*tree->results)),
		.folders = { { top, false, 0 }, { mem_printf("%s/sub", top), true, 02750 }, { mem_printf("%s/sub/%0200d", top, 7), false, 0 } } };
	digest_bytes("sha1", "small", 5, tree->sha1);
	for (size_t i = 0; i < count; i++)
		tree->puts[i] = (struct wire_put){ .is_new = true, .has_mode = i % 2, .mode = 0604, .bytes = "small", .length = 5,
			.path = i < 6 ? mem_printf("%s/%s", tree->folders[i % 3].path, names[i])
			              : mem_printf("%s/%zu", tree->folders[i % 3].path, i), .sha1 = tree->sha1 };
}

static void drop_tree(struct tree *tree)
{
	for (size_t i = 0; i < tree->count; i++)
		free((char *)tree->puts[i].path);
	for (size_t i = 0; i < 3; i++)
		free((char *)tree->folders[i].path);
	free(tree->puts);
	free(tree->results);
}

static int put_whole(struct identity *identity, struct tree *tree)
{
	struct err err = ERR_INIT;
	int status = put_tree(identity, tree->folders, 3, tree->puts, tree->results, tree->count, &err);
	cr_assert_neq(status, -1, "%s", err.text);
	return status;
}

static unsigned mode_of(const char *path)
{
	struct stat st;
	cr_assert_eq(stat(path, &st), 0, "%s", path);
	return st.st_mode & 07777;
}

static void check_tree(struct identity *identity, const char *way)
{
	struct tree tree;
	auto_free char *from = in_folder("from");
	make_tree(&tree, strcmp(way, "sftp") == 0 ? 3000 : 30);
	write_file(from, "small", 5, 0600);
	tree.puts[20].source = WIRE_LOCAL_FILE;
	tree.puts[20].from = from;
	mode_t old = umask(022);
	cr_assert_eq(put_whole(identity, &tree), 1, "%s", way);
	umask(old);
	for (size_t i = 0; i < tree.count; i++) {
		check_content(tree.puts[i].path, "small", 5);
		cr_assert_eq(mode_of(tree.puts[i].path), i % 2 ? 0604 : 0644, "%s: %zu", way, i);
	}
	cr_assert_eq(mode_of(tree.folders[0].path), 0755, "%s", way);
	cr_assert_eq(mode_of(tree.folders[1].path), 02750, "%s", way);
	cr_assert_eq(mode_of(tree.folders[2].path), 0755, "%s", way);
	cr_assert(tree.results[5].fsynced && strcmp(tree.results[5].sha1, tree.sha1) == 0, "%s", way);
	cr_assert_eq(entries(), 2, "%s left something", way);
	cr_assert_eq(put_whole(identity, &tree), 0, "%s: something is there", way);
	cr_assert_eq(entries(), 2, "%s left something", way);
	drop_tree(&tree);
}

Test(put, makes_a_whole_new_folder_in_one_stream)
{
	every_way(check_tree);
}

static void check_tree_wrong(struct identity *identity, const char *way)
{
	struct tree tree;
	make_tree(&tree, 30);
	tree.puts[29].sha1 = "0000000000000000000000000000000000000000";
	cr_assert_eq(put_whole(identity, &tree), 0, "%s: a file is not what it should be", way);
	tree.puts[29].sha1 = tree.sha1;
	tree.puts[29].source = WIRE_LOCAL_FILE;
	tree.puts[29].from = "/no/such";
	cr_assert_eq(put_whole(identity, &tree), 0, "%s: a file cannot be read", way);
	tree.puts[29].source = WIRE_BYTES;
	tree.puts[0].owner = "no-such-user";
	cr_assert_eq(put_whole(identity, &tree), 0, "%s: files of two owners", way);
	for (size_t i = 1; i < tree.count; i++)
		tree.puts[i].owner = "no-such-user";
	cr_assert_eq(put_whole(identity, &tree), 0, "%s: an owner that is not there", way);
	for (size_t i = 0; i < tree.count; i++)
		tree.puts[i].owner = NULL;
	cr_assert_eq(chmod(folder, 0777), 0);
	cr_assert_eq(put_whole(identity, &tree), 0, "%s: anybody may rename what is there", way);
	cr_assert_eq(entries(), 0, "%s left something", way);
	cr_assert_eq(chmod(folder, 01777), 0);
	cr_assert_eq(put_whole(identity, &tree), 1, "%s", way);
	cr_assert_eq(entries(), 1, "%s left something", way);
	drop_tree(&tree);
}

Test(put, makes_nothing_of_a_folder_where_anything_is_wrong)
{
	every_way(check_tree_wrong);
}

static void check_sources(struct identity *identity, const char *way)
{
	enum { BIG = 9 * 1000 * 1000 + 7 };
	auto_free char *from = in_folder("from"), *to = in_folder("to"), *copy = in_folder("copy"), *back = in_folder("a/b/back");
	struct wire_put_result result;
	auto_free char *bytes = mem_alloc(BIG);
	for (size_t i = 0; i < BIG; i++)
		bytes[i] = (char)(i * 2654435761u >> 13);
	write_file(from, bytes, BIG, 0600);
	put_one(identity, &(struct wire_put){ .path = to, .source = WIRE_LOCAL_FILE, .from = from }, &result);
	check_content(to, bytes, BIG);
	put_one(identity, &(struct wire_put){ .path = copy, .source = WIRE_REMOTE_FILE, .from = to, .has_mode = true, .mode = 0600 },
	        &result);
	check_content(copy, bytes, BIG);
	struct wire_get_result got;
	struct err err = ERR_INIT;
	cr_assert_eq(get_file(identity, &(struct wire_get){ .path = copy, .to = back }, &got, &err), 0, "%s: %s", way, err.text);
	check_content(back, bytes, BIG);
	char hex[DIGEST_HEX_MAX];
	digest_bytes("sha1", bytes, BIG, hex);
	cr_assert_str_eq(got.sha1, hex, "%s", way);
	cr_assert_eq(got.size, BIG, "%s", way);
	size_t done;
	cr_assert_eq(put(identity, &(struct wire_put){ .path = to, .source = WIRE_LOCAL_FILE, .from = "/no/such" }, &result, 1, &done, &err), -1);
	cr_assert_eq(put(identity, &(struct wire_put){ .path = to, .source = WIRE_REMOTE_FILE, .from = "/no/such" }, &result, 1, &done, &err), -1);
	cr_assert_not_null(strstr(err.text, "/no/such"), "%s", err.text);
	check_content(to, bytes, BIG);
	cr_assert_eq(entries(), 4, "%s left something", way);
}

Test(put, takes_files_from_here_and_there_and_back_again)
{
	every_way(check_sources);
}

/* Big enough to be hashed while it comes. */
static void check_growing(struct identity *identity, const char *way)
{
	enum { BIG = 17 * 1024 * 1024 + 5 };
	auto_free char *from = in_folder("from"), *to = in_folder("to");
	struct wire_put_result result;
	char wanted[DIGEST_HEX_MAX], found[DIGEST_HEX_MAX];
	struct err err = ERR_INIT;
	size_t done;
	write_file(from, "begins", 6, 0600);
	cr_assert_eq(truncate(from, BIG), 0);
	auto_close int source = open(from, O_RDONLY);
	cr_assert_eq(digest_fd("sha1", source, wanted, &err), 0);
	struct wire_put wish = { .path = to, .source = WIRE_LOCAL_FILE, .from = from };
	for (int known = 0; known < 2; known++) {
		unsigned before = identity->session->counts.batches;
		wish.sha1 = known ? wanted : NULL;
		unlink(to); /* else a slow machine may find that comparing blocks wins */
		put_one(identity, &wish, &result);
		if (known && strcmp(way, "sftp") == 0)
			cr_assert_eq(identity->session->counts.batches - before, 1, "it was hashed once more");
		cr_assert_str_eq(result.sha1, wanted, "%s", way);
		auto_close int fd = open(to, O_RDONLY);
		cr_assert_eq(digest_fd("sha1", fd, found, &err), 0);
		cr_assert_str_eq(found, wanted, "%s", way);
	}
	wish.sha1 = "0000000000000000000000000000000000000000";
	cr_assert_eq(put(identity, &wish, &result, 1, &done, &err), -1, "%s", way);
	cr_assert_not_null(strstr(err.text, "it has changed meanwhile"), "%s: %s", way, err.text);
	/* What the shell was busy with is forgotten: it does what comes next. */
	wish.from = "/no/such", wish.sha1 = NULL;
	cr_assert_eq(put(identity, &wish, &result, 1, &done, &err), -1, "%s", way);
	wish.from = from, wish.owner = "no-such-user";
	cr_assert_eq(put(identity, &wish, &result, 1, &done, &err), -1, "%s", way);
	cr_assert_eq(entries(), 2, "%s left something", way);
}

Test(put, tells_the_hash_of_a_big_file_and_refuses_one_that_is_wrong)
{
	every_way(check_growing);
}

static void check_get_errors(struct identity *identity, const char *way)
{
	auto_free char *from = in_folder("from"), *to = in_folder("to"), *link = in_folder("link"), *through = in_folder("link/x");
	struct wire_get_result got;
	write_file(from, "hello", 5, 0644);
	write_file(to, "old", 3, 0644);
	struct err err = ERR_INIT;
	cr_assert_eq(get_file(identity, &(struct wire_get){ .path = "/no/such", .to = to }, &got, &err), -1);
	cr_assert_not_null(strcasestr(err.text, "no such file"), "%s: %s", way, err.text);
	err = (struct err)ERR_INIT;
	cr_assert_eq(get_file(identity, &(struct wire_get){ .path = folder, .to = to }, &got, &err), -1, "%s", way);
	err = (struct err)ERR_INIT;
	cr_assert_eq(get_file(identity, &(struct wire_get){ .path = from, .to = to, .most = 4 }, &got, &err), -1, "%s", way);
	err = (struct err)ERR_INIT;
	cr_assert_eq(get_file(identity, &(struct wire_get){ .path = from, .to = to, .sha1 = "00" }, &got, &err), -1, "%s", way);
	check_content(to, "old", 3);
	/* A small one takes another way. */
	unsigned before = identity->session->counts.batches;
	err = (struct err)ERR_INIT;
	cr_assert_eq(get_file(identity, &(struct wire_get){ .path = from, .to = to, .size = 5, .verify = true }, &got, &err), 0, "%s", way);
	cr_assert(got.size == 5 && strcmp(got.sha1, "aaf4c61ddcc5e8a2dabede0f3b482cd9aea9434d") == 0, "%s", way);
	cr_assert_eq(identity->session->counts.batches - before, 1, "%s", way);
	cr_assert_eq(get_file(identity, &(struct wire_get){ .path = from, .to = to, .sha1 = "00", .size = 5 }, &got, &err), -1, "%s", way);
	err = (struct err)ERR_INIT;
	cr_assert_eq(get_file(identity, &(struct wire_get){ .path = "/no/such", .to = to, .size = 5 }, &got, &err), -1);
	cr_assert_not_null(strcasestr(err.text, "no such file"), "%s: %s", way, err.text);
	check_content(to, "hello", 5);
	write_file(to, "old", 3, 0644);
	cr_assert_eq(truncate(from, 300000), 0); /* it has grown since */
	err = (struct err)ERR_INIT;
	cr_assert_eq(get_file(identity, &(struct wire_get){ .path = from, .to = to, .size = 5, .verify = true }, &got, &err), 0, "%s", way);
	cr_assert_eq(got.size, 300000, "%s", way);
	cr_assert_eq(symlink(".", link), 0);
	err = (struct err)ERR_INIT;
	cr_assert_eq(get_file(identity, &(struct wire_get){ .path = from, .to = through }, &got, &err), -1, "%s", way);
	cr_assert_not_null(strstr(err.text, "symbolic link"), "%s: %s", way, err.text);
	err = (struct err)ERR_INIT;
	cr_assert_eq(get_file(identity, &(struct wire_get){ .path = from, .to = link }, &got, &err), 0, "%s: %s", way, err.text);
	struct stat st;
	lstat(link, &st);
	cr_assert(S_ISREG(st.st_mode), "%s", way);
	cr_assert_eq(st.st_mode & 07777, 0600, "%s", way);
	err = (struct err)ERR_INIT;
	cr_assert_eq(get_file(identity, &(struct wire_get){ .path = "/proc/self/status", .to = to }, &got, &err), 0, "%s: %s", way, err.text);
	cr_assert(got.size > 100, "%s", way);
	cr_assert_eq(entries(), 3, "%s left something", way);
}

Test(get, leaves_the_old_file_when_anything_is_wrong)
{
	every_way(check_get_errors);
}

/* ---- small files, by one command ---- */

enum { ANOTHER_WAY = 99, NO_TEXT = -1 };

/* How the command that writes the file ended. */
static int put_as_text(struct identity *identity, const struct wire_put *put)
{
	auto_buf struct buf script = BUF_INIT;
	auto_free char *temporary = NULL;
	char sha1[41];
	if (!wire_put_text(put, &script, &temporary, sha1))
		return NO_TEXT;
	const struct wire_command command = { .script = buf_text(&script), .temporary = temporary };
	struct wire_outcome outcome = { 0 };
	struct err err = ERR_INIT;
	cr_assert_eq(put_batch(identity, &command, &outcome, 1, true, clock_deadline(60000), &err), 0, "%s", err.text);
	cr_assert_str_eq(buf_text(&outcome.errors), "");
	int code = outcome.code;
	wire_outcome_release(&outcome);
	return code;
}

static void check_put_text(struct identity *identity, const char *way)
{
	static const char odd[] = "-n it's \"$(id)\" `x` \\ %s\\n\\0\r\n\t\xff\x01\x7f ''' no end";
	auto_free char *path = in_folder("it's a file"), *link = in_folder("link"), *missing = in_folder("no/file");
	struct wire_put put = { .path = path, .bytes = odd, .length = sizeof(odd) - 1 };
	struct stat st;
	mode_t mask = umask(0);
	umask(mask);
	bool able = put_as_text(identity, &put) == 0;
	cr_assert(able || strcmp(way, "busybox") == 0, "%s", way); /* some have no mv -T */
	if (able) {
		check_content(path, odd, sizeof(odd) - 1);
		stat(path, &st);
		cr_assert_eq(st.st_mode & 07777, 0666 & ~mask, "%s", way);
		cr_assert_eq(chmod(path, 0640), 0);
		put.bytes = "", put.length = 0;
		cr_assert_eq(put_as_text(identity, &put), 0, "%s", way);
		check_content(path, "", 0);
		stat(path, &st);
		cr_assert_eq(st.st_mode & 07777, 0640, "%s: the old mode stays", way);
		put.has_mode = true, put.mode = 04711;
		cr_assert_eq(put_as_text(identity, &put), 0, "%s", way);
		stat(path, &st);
		cr_assert_eq(st.st_mode & 07777, 04711, "%s", way);
	} else {
		write_file(path, "", 0, 0600);
	}
	cr_assert_eq(symlink("it's a file", link), 0);
	put.path = link, put.bytes = "new", put.length = 3;
	cr_assert_eq(put_as_text(identity, &put), ANOTHER_WAY, "%s: a link", way);
	put.path = folder;
	cr_assert_eq(put_as_text(identity, &put), ANOTHER_WAY, "%s: a folder", way);
	put.path = missing;
	cr_assert_eq(put_as_text(identity, &put), ANOTHER_WAY, "%s: in a folder that is not there", way);
	put.path = path, put.owner = "nobody-has-this-name";
	cr_assert_eq(put_as_text(identity, &put), ANOTHER_WAY, "%s: an owner that is not there", way);
	put.owner = NULL, put.sha1 = "0000000000000000000000000000000000000000";
	cr_assert_eq(put_as_text(identity, &put), NO_TEXT, "%s: not what it should be", way);
	put.sha1 = NULL, put.bytes = "a\0b";
	cr_assert_eq(put_as_text(identity, &put), NO_TEXT, "%s: no text", way);
	check_content(path, "", 0);
	cr_assert_eq(entries(), 2, "%s left something", way);
	unlink(path);
	unlink(link);
}

Test(put, writes_a_small_file_by_one_command)
{
	every_way(check_put_text);
}

Test(put, does_not_show_a_file_to_others_where_the_shell_has_no_printf)
{
	if (access("/usr/bin/mksh", X_OK) != 0)
		cr_skip_test("mksh is not installed");
	struct machine machine;
	open_machine(&machine, "/usr/bin/mksh", true);
	auto_free char *path = in_folder("file");
	cr_assert_eq(put_as_text(machine.identity, &(struct wire_put){ .path = path, .bytes = "x", .length = 1 }), ANOTHER_WAY);
	cr_assert_eq(entries(), 0);
	close_machine(&machine);
}
