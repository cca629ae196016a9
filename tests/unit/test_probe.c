/* Probes, run by every shell that is here, against what the system calls say. */
#include <fcntl.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include <criterion/criterion.h>
#include <criterion/parameterized.h>

#include "base/child.h"
#include "base/file.h"
#include "base/mem.h"
#include "run/probe.h"

static const char mark[] = "0123456789abcdef0123456789abcdef";

struct shell { char name[16]; char first[32], second[16]; bool only_busybox; };

static struct shell shells[] = {
	{ "dash", "/usr/bin/dash", "", false },
	{ "bash", "/bin/bash", "", false },
	{ "mksh", "/usr/bin/mksh", "", false },
	{ "busybox", "/usr/bin/busybox", "ash", false },
	{ "only busybox", "/usr/bin/busybox", "ash", true },
};

struct bench { /* a folder with odd things in it, and a shell */
	const struct shell *shell;
	char folder[64];
	char tools[96];
};

static void must(bool ok, const char *what)
{
	cr_assert(ok, "%s: %m", what);
}

static const char *in(struct bench *bench, const char *name)
{
	static char text[8][512];
	static int turn;
	char *path = text[turn++ % 8];
	snprintf(path, 512, "%s/%s", bench->folder, name);
	return path;
}

static void write_file(const char *path, const char *bytes, size_t length, mode_t mode)
{
	auto_close int fd = open(path, O_WRONLY | O_CREAT | O_TRUNC, 0600);
	must(fd >= 0 && write(fd, bytes, length) == (ssize_t)length && fchmod(fd, mode) == 0, path);
}

static const char *const odd_names[] = {
	"plain", "two words", "-n", "it's \"quoted\"", "new\nline\n", "$(id)", "*", "back\\slash", "\xff\xfe", "tab\there", NULL,
};

static int run_shell(struct bench *bench, const char *script, size_t length, struct buf *out)
{
	const char *argv[] = { "env", "-i", NULL, "HOME=/", bench->shell->first, bench->shell->second, "-s", NULL };
	char path[128];
	snprintf(path, sizeof(path), "PATH=%s", bench->shell->only_busybox ? bench->tools : "/usr/sbin:/usr/bin:/sbin:/bin");
	argv[2] = path;
	if (!*bench->shell->second) {
		argv[5] = "-s";
		argv[6] = NULL;
	}
	auto_buf struct buf errors = BUF_INIT;
	struct err err = ERR_INIT;
	int status;
	const struct child_run run = {
		.argv = argv, .input = script, .input_length = length, .timeout_ms = 20000, .output_most = 8 << 20,
	};
	cr_assert_eq(child_run(&run, out, &errors, &status, &err), 0, "%s", err.text);
	cr_expect_str_eq(buf_text(&errors), "", "%s says: %s", bench->shell->name, buf_text(&errors));
	return status;
}

static void bench_start(struct bench *bench, const struct shell *shell)
{
	if (access(shell->first, X_OK) < 0)
		cr_skip_test("%s is not installed", shell->first);
	*bench = (struct bench){ .shell = shell };
	snprintf(bench->folder, sizeof(bench->folder), "/tmp/neap-probe-XXXXXX");
	must(mkdtemp(bench->folder) != NULL, "mkdtemp");
	snprintf(bench->tools, sizeof(bench->tools), "%s-tools", bench->folder);
	must(mkdir(bench->tools, 0755) == 0, "mkdir");
	auto_buf struct buf script = BUF_INIT;
	buf_printf(&script, "/usr/bin/busybox --install -s %s\n", bench->tools);
	if (shell->only_busybox)
		run_shell(bench, buf_text(&script), script.length, NULL);
	for (const char *const *name = odd_names; *name; name++)
		write_file(in(bench, *name), *name, strlen(*name), 0640);
	must(mkdir(in(bench, "d"), 0751) == 0 && mkdir(in(bench, "d/e"), 0700) == 0, "mkdir");
	write_file(in(bench, "d/e/f"), "x\0y\n", 4, 04755);
	must(symlink("d/e/f", in(bench, "l")) == 0 && symlink("no\nwhere\n", in(bench, "dangling")) == 0, "symlink");
	must(mkfifo(in(bench, "fifo"), 0600) == 0, "mkfifo");
}

static void bench_end(struct bench *bench)
{
	const char *argv[] = { "rm", "-rf", bench->folder, bench->tools, NULL };
	int status;
	struct err err = ERR_INIT;
	cr_assert_eq(child_run(&(struct child_run){ .argv = argv, .output_most = 1000 }, NULL, NULL, &status, &err), 0);
}

static void probe(struct bench *bench, const struct ask *asks, size_t count, struct answer **answers)
{
	const struct ask *pointers[64] = { 0 };
	for (size_t i = 0; i < count; i++)
		pointers[i] = &asks[i];
	auto_buf struct buf script = BUF_INIT, reply = BUF_INIT;
	probe_script(pointers, count, false, mark, &script);
	cr_expect_eq(run_shell(bench, buf_text(&script), script.length, &reply), 0);
	probe_parse(pointers, count, false, mark, buf_text(&reply), reply.length, answers);
}

static void drop(struct answer **answers, size_t count)
{
	for (size_t i = 0; i < count; i++)
		answer_unref(answers[i]);
}

static void expect_stat(struct bench *bench, const char *path, const struct answer *answer, bool follow)
{
	struct stat real;
	must((follow ? stat(path, &real) : lstat(path, &real)) == 0, path);
	cr_assert_eq(answer->state, ANSWER_OK, "%s: %s: %s", bench->shell->name, path, answer->why);
	const struct stat_answer *got = &answer->stat;
	cr_expect_eq(got->mode, real.st_mode & 07777, "%s %o", path, (unsigned)got->mode);
	cr_expect(got->uid == real.st_uid && got->gid == real.st_gid && got->inode == real.st_ino &&
	          got->device == real.st_dev && got->links == real.st_nlink && got->size == (uint64_t)real.st_size, "%s", path);
	cr_expect(got->blocks == (uint64_t)real.st_blocks && got->block_size == (uint64_t)real.st_blksize, "%s", path);
	cr_expect_eq(got->mtime.tv_sec, real.st_mtim.tv_sec, "%s", path);
	if (!bench->shell->only_busybox)
		cr_expect_eq(got->mtime.tv_nsec, real.st_mtim.tv_nsec, "%s", path);
	cr_expect_eq(got->readable, access(path, R_OK) == 0, "%s", path);
}

ParameterizedTestParameters(probe, looks_at_paths_of_any_name)
{
	return cr_make_param_array(struct shell, shells, sizeof(shells) / sizeof(*shells));
}
ParameterizedTest(struct shell *shell, probe, looks_at_paths_of_any_name)
{
	struct bench bench;
	bench_start(&bench, shell);
	struct ask asks[32] = { 0 };
	struct answer *answers[32];
	char paths[32][512];
	size_t count = 0;
	for (; odd_names[count]; count++)
		snprintf(paths[count], 512, "%s", in(&bench, odd_names[count]));
	static const char *const more[] = { "d", "l", "dangling", "fifo", "missing", "plain/x" };
	for (size_t i = 0; i < 6; i++)
		snprintf(paths[count++], 512, "%s", in(&bench, more[i]));
	for (size_t i = 0; i < count; i++)
		asks[i] = (struct ask){ .kind = ASK_STAT, .path = paths[i] };
	asks[count] = (struct ask){ .kind = ASK_STAT, .path = paths[count - 5], .follow = true };
	asks[count + 1] = (struct ask){ .kind = ASK_STAT, .path = paths[count - 4], .follow = true };
	asks[count + 2] = (struct ask){ .kind = ASK_STAT, .path = "/dev/null" };
	probe(&bench, asks, count + 3, answers);
	for (size_t i = 0; i < count - 2; i++)
		expect_stat(&bench, paths[i], answers[i], false);
	cr_expect_str_eq(answers[count - 5]->stat.target, "d/e/f");
	cr_expect_str_eq(answers[count - 4]->stat.target, "no\nwhere\n");
	cr_expect_eq(answers[count - 2]->state, ANSWER_ABSENT);
	cr_expect_eq(answers[count - 1]->state, ANSWER_ABSENT);
	expect_stat(&bench, paths[count - 5], answers[count], true);
	cr_expect_eq(answers[count + 1]->state, ANSWER_ABSENT, "what a dangling link leads to is not there");
	cr_expect_eq(answers[count + 2]->stat.type, 'c');
	cr_expect_eq(answers[count + 2]->stat.device_type, 0x103);
	drop(answers, count + 3);
	bench_end(&bench);
}

ParameterizedTestParameters(probe, reads_and_hashes_bytes)
{
	return cr_make_param_array(struct shell, shells, sizeof(shells) / sizeof(*shells));
}
ParameterizedTest(struct shell *shell, probe, reads_and_hashes_bytes)
{
	struct bench bench;
	bench_start(&bench, shell);
	char path[2][512];
	snprintf(path[0], 512, "%s", in(&bench, "d/e/f"));
	snprintf(path[1], 512, "%s", in(&bench, "new\nline\n"));
	const struct ask asks[] = {
		{ .kind = ASK_READ, .path = path[0], .limit = 100 },
		{ .kind = ASK_HASH, .path = path[0], .algorithm = "sha1" },
		{ .kind = ASK_HASH, .path = path[1], .algorithm = "sha1" },
		{ .kind = ASK_HASH, .path = path[1], .algorithm = "sha256" },
		{ .kind = ASK_READ, .path = path[0], .limit = 3 },
		{ .kind = ASK_READ, .path = bench.folder, .limit = 3 },
		{ .kind = ASK_READ, .path = "/nowhere/at/all", .limit = 3 },
		{ .kind = ASK_HASH, .path = "/nowhere", .algorithm = "sha1" },
		{ .kind = ASK_HASH, .path = bench.folder, .algorithm = "sha1" },
		{ .kind = ASK_READ, .path = path[0], .limit = 4 },
	};
	struct answer *answers[10];
	probe(&bench, asks, 10, answers);
	cr_assert_eq(answers[0]->state, ANSWER_OK, "%s", answers[0]->why);
	cr_expect_eq(answers[0]->read.length, 4);
	cr_expect(memcmp(answers[0]->read.bytes, "x\0y\n", 4) == 0);
	cr_assert_eq(answers[1]->state, ANSWER_OK, "%s", answers[1]->why);
	cr_expect_str_eq(answers[1]->hash, "c4f1247b8535dfd99abd06d74984f93d7e8a8ca3");
	cr_assert_eq(answers[2]->state, ANSWER_OK, "%s", answers[2]->why);
	cr_expect_eq(strlen(answers[3]->hash), 64);
	cr_expect_eq(answers[4]->state, ANSWER_FAILED);
	cr_expect_str_eq(answers[4]->why, "it is larger than 3 bytes");
	cr_expect_eq(answers[5]->state, ANSWER_FAILED);
	cr_expect_eq(answers[6]->state, ANSWER_ABSENT);
	cr_expect_eq(answers[7]->state, ANSWER_ABSENT);
	cr_expect_eq(answers[8]->state, ANSWER_FAILED);
	cr_expect_eq(answers[9]->state, ANSWER_OK);
	drop(answers, 10);
	bench_end(&bench);
}

ParameterizedTestParameters(probe, reads_many_files_in_one_piece)
{
	return cr_make_param_array(struct shell, shells, sizeof(shells) / sizeof(*shells));
}
ParameterizedTest(struct shell *shell, probe, reads_many_files_in_one_piece)
{
	static const struct { const char *name; size_t size; } files[] = {
		{ "empty", 0 }, { "one", 1 }, { "small", 1000 }, { "five digits", 99999 }, { "six digits", 100000 }, { "large", 300000 }, { "too large", 400000 },
	};
	enum { FILES = sizeof(files) / sizeof(*files), ODD = 6, LIMIT = 300000 };
	static char bytes[400000 + FILES];
	static const char *const odd[ODD] = { "d", "fifo", "missing", "dangling", "plain/x", "l" };
	static const enum answer_state states[ODD] = { ANSWER_FAILED, ANSWER_FAILED, ANSWER_ABSENT, ANSWER_ABSENT, ANSWER_ABSENT, ANSWER_OK };
	struct bench bench;
	bench_start(&bench, shell);
	char paths[FILES + ODD][512];
	struct ask asks[FILES + ODD];
	struct answer *answers[FILES + ODD];
	for (size_t i = 0; i < sizeof(bytes); i++)
		bytes[i] = (char)(i * 7 + i / 251);
	for (size_t i = 0; i < FILES + ODD; i++) {
		snprintf(paths[i], 512, "%s", in(&bench, i < FILES ? files[i].name : odd[i - FILES]));
		asks[i] = (struct ask){ .kind = ASK_READ, .path = paths[i], .limit = LIMIT };
		if (i < FILES)
			write_file(paths[i], bytes + i, files[i].size, 0600);
	}
	probe(&bench, asks, FILES + ODD, answers);
	for (size_t i = 0; i < FILES - 1; i++) {
		cr_assert_eq(answers[i]->state, ANSWER_OK, "%s: %s: %s", shell->name, files[i].name, answers[i]->why);
		cr_expect_eq(answers[i]->read.length, files[i].size, "%s: %s", shell->name, files[i].name);
		cr_expect(memcmp(answers[i]->read.bytes, bytes + i, files[i].size) == 0, "%s: %s", shell->name, files[i].name);
	}
	cr_expect_str_eq(answers[FILES - 1]->why, "it is larger than 300000 bytes");
	for (size_t i = 0; i < ODD; i++)
		cr_expect_eq(answers[FILES + i]->state, states[i], "%s: %s", shell->name, odd[i]);
	drop(answers, FILES + ODD);
	bench_end(&bench);
}

/* A tool that writes its name into a file before it is what it always is. */
static void count_calls(struct bench *bench, const char *tool)
{
	char path[200], text[400];
	snprintf(path, sizeof(path), "%s/%s", bench->tools, tool);
	int length = snprintf(text, sizeof(text), "#!/bin/sh\necho %s >>%s/calls\nPATH=/usr/sbin:/usr/bin:/sbin:/bin exec %s \"$@\"\n", tool,
	                      bench->tools, tool);
	write_file(path, text, (size_t)length, 0755);
}

Test(probe, starts_as_many_processes_for_hundreds_of_paths_as_for_a_few)
{
	enum { PATHS = 400 };
	static const char *const tools[] = { "stat", "sha1sum", "cat", "head", "readlink", "find", "ls" };
	struct shell shell = shells[0];
	struct bench bench;
	bench_start(&bench, &shell);
	for (size_t i = 0; i < sizeof(tools) / sizeof(*tools); i++)
		count_calls(&bench, tools[i]);
	static struct ask asks[PATHS * 4];
	static const struct ask *pointers[PATHS * 4];
	static struct answer *answers[PATHS * 4];
	static char paths[PATHS][128];
	for (size_t i = 0; i < PATHS * 4; i++)
		pointers[i] = &asks[i];
	for (size_t i = 0; i < PATHS; i++) {
		snprintf(paths[i], 128, "%s/many%zu", bench.folder, i);
		if (i % 10)
			write_file(paths[i], paths[i], i % 50, 0600);
		asks[4 * i] = (struct ask){ .kind = ASK_STAT, .path = paths[i] };
		asks[4 * i + 1] = (struct ask){ .kind = ASK_STAT, .path = paths[i], .follow = true };
		asks[4 * i + 2] = (struct ask){ .kind = ASK_HASH, .path = paths[i], .algorithm = "sha1" };
		asks[4 * i + 3] = (struct ask){ .kind = ASK_READ, .path = paths[i], .limit = 1000 };
	}
	auto_buf struct buf script = BUF_INIT, reply = BUF_INIT, calls = BUF_INIT;
	buf_printf(&script, "PATH=%s:$PATH\n", bench.tools);
	probe_script(pointers, PATHS * 4, false, mark, &script);
	run_shell(&bench, buf_text(&script), script.length, &reply);
	probe_parse(pointers, PATHS * 4, false, mark, buf_text(&reply), reply.length, answers);
	for (size_t i = 0; i < PATHS * 4; i++) {
		cr_assert_eq(answers[i]->state, i / 4 % 10 ? ANSWER_OK : ANSWER_ABSENT, "%s, ask %zu: %s", paths[i / 4], i % 4, answers[i]->why);
		if (i % 4 == 3 && answers[i]->state == ANSWER_OK)
			cr_expect(answers[i]->read.length == i / 4 % 50 && memcmp(answers[i]->read.bytes, paths[i / 4], i / 4 % 50) == 0);
	}
	char path[200];
	struct err err = ERR_INIT;
	snprintf(path, sizeof(path), "%s/calls", bench.tools);
	cr_assert_eq(file_read(path, 10000, &calls, &err), 0, "%s", err.text);
	size_t count = 0;
	for (size_t i = 0; i < calls.length; i++)
		count += calls.data[i] == '\n';
	cr_expect_leq(count, 6, "%s", buf_text(&calls));
	drop(answers, PATHS * 4);
	bench_end(&bench);
}

ParameterizedTestParameters(probe, knows_what_is_reached_without_a_symlink)
{
	return cr_make_param_array(struct shell, shells, sizeof(shells) / sizeof(*shells));
}
ParameterizedTest(struct shell *shell, probe, knows_what_is_reached_without_a_symlink)
{
	static const struct { const char *path; bool seen, followed; } places[] = {
		{ "plain", true, true }, { "missing", true, true }, { "d/e", true, true }, { "d/missing/more", true, true },
		{ "l", true, false }, { "dangling", true, false }, { "way/f", false, false }, { "way/missing", false, false },
		{ "d/e/f", true, true }, { "it's \"quoted\"", true, true },
	};
	enum { PLACES = sizeof(places) / sizeof(*places), KINDS = 5 };
	struct bench bench;
	bench_start(&bench, shell);
	must(symlink("d/e", in(&bench, "way")) == 0, "symlink");
	char paths[PLACES][512];
	struct ask asks[PLACES * KINDS];
	struct answer *answers[PLACES * KINDS];
	for (size_t i = 0; i < PLACES; i++) {
		snprintf(paths[i], 512, "%s", in(&bench, places[i].path));
		asks[i * KINDS] = (struct ask){ .kind = ASK_STAT, .path = paths[i] };
		asks[i * KINDS + 1] = (struct ask){ .kind = ASK_STAT, .path = paths[i], .follow = true };
		asks[i * KINDS + 2] = (struct ask){ .kind = ASK_READ, .path = paths[i], .limit = 100 };
		asks[i * KINDS + 3] = (struct ask){ .kind = ASK_HASH, .path = paths[i], .algorithm = "sha1" };
		asks[i * KINDS + 4] = (struct ask){ .kind = ASK_LIST, .path = paths[i] };
	}
	probe(&bench, asks, PLACES * KINDS, answers);
	for (size_t i = 0; i < PLACES * KINDS; i++) {
		const bool wanted = i % KINDS ? places[i / KINDS].followed : places[i / KINDS].seen;
		cr_expect_eq(answers[i]->is_straight, wanted, "%s: %s, ask %zu", shell->name, places[i / KINDS].path, i % KINDS);
	}
	drop(answers, PLACES * KINDS);
	bench_end(&bench);
}

ParameterizedTestParameters(probe, lists_folders)
{
	return cr_make_param_array(struct shell, shells, sizeof(shells) / sizeof(*shells));
}
ParameterizedTest(struct shell *shell, probe, lists_folders)
{
	struct bench bench;
	bench_start(&bench, shell);
	char pattern[512];
	snprintf(pattern, sizeof(pattern), "%s", in(&bench, "[tp]*"));
	const struct ask asks[] = {
		{ .kind = ASK_LIST, .path = bench.folder, .recurse = true, .algorithm = "sha1" },
		{ .kind = ASK_LIST, .path = bench.folder },
		{ .kind = ASK_GLOB, .path = pattern },
		{ .kind = ASK_GLOB, .path = "/nowhere/*" },
		{ .kind = ASK_LIST, .path = "/etc/passwd" },
		{ .kind = ASK_LIST, .path = "/nowhere" },
	};
	struct answer *answers[6];
	probe(&bench, asks, 6, answers);
	cr_assert_eq(answers[0]->state, ANSWER_OK, "%s: %s", shell->name, answers[0]->why);
	cr_assert_eq(answers[0]->list.count, 16);
	for (size_t i = 0; i < answers[0]->list.count; i++) {
		const struct list_entry *entry = &answers[0]->list.entries[i];
		const struct answer as_answer = { .state = ANSWER_OK, .stat = entry->stat };
		expect_stat(&bench, in(&bench, entry->name), &as_answer, false);
		cr_expect_eq(entry->digest != NULL, entry->stat.type == 'f', "%s", entry->name);
		if (strcmp(entry->name, "d/e/f") == 0)
			cr_expect_str_eq(entry->digest, "c4f1247b8535dfd99abd06d74984f93d7e8a8ca3");
		if (strcmp(entry->name, "dangling") == 0)
			cr_expect_str_eq(entry->stat.target, "no\nwhere\n");
	}
	cr_assert_eq(answers[1]->state, ANSWER_OK, "%s", answers[1]->why);
	cr_expect_eq(answers[1]->list.count, 14);
	cr_expect_eq(answers[2]->glob.count, 3);
	cr_expect_eq(answers[3]->state, ANSWER_OK);
	cr_expect_eq(answers[3]->glob.count, 0);
	cr_expect_eq(answers[4]->state, ANSWER_FAILED);
	cr_expect_eq(answers[5]->state, ANSWER_ABSENT);
	drop(answers, 6);
	bench_end(&bench);
}

ParameterizedTestParameters(probe, looks_up_accounts)
{
	return cr_make_param_array(struct shell, shells, sizeof(shells) / sizeof(*shells));
}
ParameterizedTest(struct shell *shell, probe, looks_up_accounts)
{
	struct bench bench;
	bench_start(&bench, shell);
	const struct ask asks[] = {
		{ .kind = ASK_USER, .path = "root" }, { .kind = ASK_USER, .path = "nobody-here" }, { .kind = ASK_USER, .path = "0" },
		{ .kind = ASK_GROUP, .path = "daemon" }, { .kind = ASK_GROUP, .path = "-x" }, { .kind = ASK_GROUP, .path = "1" },
	};
	struct answer *answers[6];
	probe(&bench, asks, 6, answers);
	cr_assert_eq(answers[0]->state, ANSWER_OK, "%s", answers[0]->why);
	cr_expect_str_eq(answers[0]->user.name, "root");
	cr_expect_str_eq(answers[0]->user.home, "/root");
	cr_expect_eq(answers[1]->state, ANSWER_ABSENT);
	cr_expect_str_eq(answers[2]->user.name, "root");
	cr_expect_eq(answers[3]->group.gid, 1);
	cr_expect_eq(answers[4]->state, ANSWER_ABSENT);
	cr_expect_str_eq(answers[5]->group.name, "daemon");
	drop(answers, 6);
	bench_end(&bench);
}

/* The reply to five files that exist: their sizes, a piece, the sizes again. */
static void expect_pieces(const char *sizes, const char *piece, const char *again, const char *const *texts)
{
	static const char *const paths[] = { "/a", "/b", "/c", "/d", "/e" };
	struct ask asks[5];
	const struct ask *pointers[5];
	struct answer *answers[5];
	for (size_t i = 0; i < 5; i++) {
		asks[i] = (struct ask){ .kind = ASK_READ, .path = paths[i], .limit = 100 };
		pointers[i] = &asks[i];
	}
	auto_buf struct buf reply = BUF_INIT;
	buf_printf(&reply, "\nM R\n es es es es es\n\nM s\n%s\n\nM v\n%s\nM s\n%s\n\nM E\n", sizes, piece, again);
	probe_parse(pointers, 5, false, "M", buf_text(&reply), reply.length, answers);
	for (size_t i = 0; i < 5; i++) {
		cr_assert_eq(answers[i]->state, texts ? ANSWER_OK : ANSWER_FAILED, "%s|%s|%s: %s", sizes, piece, again, answers[i]->why);
		if (texts)
			cr_expect_str_eq(answers[i]->read.bytes, texts[i]);
	}
	drop(answers, 5);
}

Test(probe, takes_no_file_of_a_piece_that_does_not_add_up)
{
	static const char *const whole[] = { "a", "", "ccc", "dd", "e" };
	expect_pieces("1\n0\n3\n2\n1", "acccdde", "1\n0\n3\n2\n1", whole);
	static const struct { const char *sizes, *piece, *again; } wrong[] = {
		{ "1\n0\n3\n2\n1", "acccdd", "1\n0\n3\n2\n1" }, { "1\n0\n3\n2\n1", "acccdded", "1\n0\n3\n2\n1" },
		{ "1\n0\n3\n2\n1", "acccdde", "1\n0\n2\n3\n1" }, { "1\n0\n3\n2\n1", "acccdde", "" }, { "1\n0\n3\n2\n1", "acccdde", "1\n0\n3\n2" },
		{ "-1\n0\n3\n2\n1", "cccdde", "-1\n0\n3\n2\n1" },
		{ "1\nx\n3\n2\n1", "acccdde", "1\nx\n3\n2\n1" }, { "", "", "" }, { "99999\n99999\n99999\n99999\n99999", "", "" },
	};
	for (size_t i = 0; i < sizeof(wrong) / sizeof(*wrong); i++)
		expect_pieces(wrong[i].sizes, wrong[i].piece, wrong[i].again, NULL);
}

Test(probe, gives_an_answer_to_every_ask_whatever_the_target_says)
{
	const struct ask stat = { .kind = ASK_STAT, .path = "/a" }, list = { .kind = ASK_LIST, .path = "/b", .algorithm = "sha1" };
	const struct ask user = { .kind = ASK_USER, .path = "u" }, read = { .kind = ASK_READ, .path = "/c", .limit = 10 };
	const struct ask *asks[] = { &stat, &list, &user, &read };
	static const char *const replies[] = {
		"", "\n", "hello", "\nM ", "\nM S\n", "\nM S\n e7\n", "\nM S\n e7\nx\n\nM E\n", "\nM S\n a\n\nM W o\n\nM N\n/b/x", NULL,
	};
	for (const char *const *reply = replies; *reply; reply++) {
		struct answer *answers[4];
		probe_parse(asks, 4, false, "M", *reply, strlen(*reply), answers);
		for (size_t i = 1; i < 4; i++)
			cr_expect_eq(answers[i]->state, ANSWER_FAILED, "%s", *reply);
		drop(answers, 4);
	}
}
