/* Copies on this machine by SFTP and by the shell alone: content, attributes, what is kept and what is left behind. */
#include <dirent.h>
#include <fcntl.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include <criterion/criterion.h>

#include "base/clock.h"
#include "base/digest.h"
#include "base/mem.h"
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
