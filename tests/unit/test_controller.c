/* Asks about the machine that the program runs on. */
#include <fcntl.h>
#include <pthread.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include <criterion/criterion.h>

#include "base/child.h"
#include "base/mem.h"
#include "run/controller.h"

static char folder[] = "/tmp/neap-controller-XXXXXX";
static struct controller *controller;

static char *in(const char *name)
{
	return mem_printf("%s/%s", folder, name);
}

static void write_file(const char *name, const char *text)
{
	auto_free char *path = in(name);
	auto_close int fd = open(path, O_WRONLY | O_CREAT | O_TRUNC, 0640);
	cr_assert(fd >= 0 && write(fd, text, strlen(text)) == (ssize_t)strlen(text));
}

static void start(void)
{
	cr_assert_not_null(mkdtemp(folder));
	cr_assert_eq(chdir(folder), 0);
	cr_assert(mkdir("role", 0755) == 0 && mkdir("role/files", 0755) == 0 && mkdir("files", 0755) == 0);
	write_file("a", "hello\n");
	write_file("role/files/x", "role");
	write_file("files/x", "playbook");
	write_file("files/y", "playbook");
	cr_assert_eq(symlink("a", "l"), 0);
	controller = controller_new(NULL);
}

static void end(void)
{
	controller_free(controller);
	cr_assert_eq(chdir("/"), 0);
	const char *argv[] = { "rm", "-rf", folder, NULL };
	int status;
	struct err err = ERR_INIT;
	cr_assert_eq(child_run(&(struct child_run){ .argv = argv, .output_most = 1000 }, NULL, NULL, &status, &err), 0);
}

static struct answer *answer(const struct ask *ask)
{
	auto_free char *role = in("role");
	char *const folders[] = { role, folder, NULL };
	return controller_answer(controller, ask, folders);
}

static void expect_hash(const char *path, const char *expected)
{
	struct answer *got = answer(&(struct ask){ .kind = ASK_HASH, .path = path, .algorithm = "sha1" });
	cr_assert_eq(got->state, ANSWER_OK, "%s", got->why);
	cr_expect_str_eq(got->hash, expected);
	answer_unref(got);
}

Test(controller, hashes_anew_what_has_changed, .init = start, .fini = end)
{
	expect_hash("a", "f572d396fae9206628714fb2ce00f72e94f2258f");
	expect_hash("l", "f572d396fae9206628714fb2ce00f72e94f2258f");
	write_file("a", "hello2\n");
	expect_hash("a", "0d2aae7d156d796b97ae11b4dba506a55f54a75e");
}

/* Bytes that this process has read; 0: the system does not say. */
static unsigned long long bytes_read(void)
{
	unsigned long long bytes = 0;
	auto_fclose FILE *counts = fopen("/proc/self/io", "r");
	return counts && fscanf(counts, "rchar: %llu", &bytes) == 1 ? bytes : 0;
}

static void *hash_big(void *path)
{
	expect_hash(path, "57b587e1bf2d09335bdac6db18902d43dfe76449");
	return NULL;
}

Test(controller, reads_a_file_once_for_all_that_want_its_hash, .init = start, .fini = end)
{
	enum { THREADS = 8, BIG = 32 * 1024 * 1024 };
	pthread_t threads[THREADS];
	char name[] = "a";
	cr_assert_eq(truncate("a", 0), 0);
	cr_assert_eq(truncate("a", BIG), 0);
	unsigned long long before = bytes_read();
	for (int i = 0; i < THREADS; i++)
		cr_assert_eq(pthread_create(&threads[i], NULL, hash_big, name), 0);
	for (int i = 0; i < THREADS; i++)
		pthread_join(threads[i], NULL);
	cr_expect_lt(bytes_read() - before, 2ull * BIG);
}

static void expect_found(const char *name, const char *inner, const char *expected)
{
	struct answer *got = answer(&(struct ask){ .kind = ASK_FIND, .path = name, .folder = inner });
	auto_free char *path = expected ? in(expected) : NULL;
	cr_expect_eq(got->state, expected ? ANSWER_OK : ANSWER_ABSENT, "%s: %s", name, got->why);
	if (expected && got->found)
		cr_expect_str_eq(got->found, path);
	answer_unref(got);
}

Test(controller, finds_files_where_ansible_looks, .init = start, .fini = end)
{
	expect_found("x", "files", "role/files/x");
	expect_found("y", "files", "files/y");
	expect_found("a", "files", "a");
	expect_found("nothing", "files", NULL);
}

Test(controller, lists_a_folder_with_digests, .init = start, .fini = end)
{
	struct answer *got = answer(&(struct ask){ .kind = ASK_LIST, .path = folder, .recurse = true, .algorithm = "sha1" });
	cr_assert_eq(got->state, ANSWER_OK, "%s", got->why);
	cr_assert_eq(got->list.count, 8);
	cr_expect_str_eq(got->list.entries[0].name, "a");
	cr_expect_str_eq(got->list.entries[0].digest, "f572d396fae9206628714fb2ce00f72e94f2258f");
	cr_expect_str_eq(got->list.entries[4].name, "l");
	cr_expect_str_eq(got->list.entries[4].stat.target, "a");
	cr_expect_str_eq(got->list.entries[7].name, "role/files/x");
	answer_unref(got);
}

Test(controller, says_what_it_cannot_answer, .init = start, .fini = end)
{
	static const struct { struct ask ask; enum answer_state state; } wrong[] = {
		{ { .kind = ASK_STAT, .path = "none" }, ANSWER_ABSENT },
		{ { .kind = ASK_READ, .path = "role", .limit = 10 }, ANSWER_FAILED },
		{ { .kind = ASK_READ, .path = "a", .limit = 3 }, ANSWER_FAILED },
		{ { .kind = ASK_HASH, .path = "/dev/zero", .algorithm = "sha1" }, ANSWER_FAILED },
		{ { .kind = ASK_LIST, .path = "none" }, ANSWER_ABSENT },
		{ { .kind = ASK_USER, .path = "nobody-here" }, ANSWER_ABSENT },
	};
	for (size_t i = 0; i < sizeof(wrong) / sizeof(*wrong); i++) {
		struct answer *got = answer(&wrong[i].ask);
		cr_expect_eq(got->state, wrong[i].state, "%zu", i);
		cr_expect_not_null(got->why);
		answer_unref(got);
	}
}

Test(controller, runs_a_command, .init = start, .fini = end)
{
	const struct ask ask = { .kind = ASK_RUN, .command = { .script = "cat; exit 3", .input = "in", .input_length = 2 } };
	struct answer *got = answer(&ask);
	cr_assert_eq(got->state, ANSWER_OK, "%s", got->why);
	cr_expect_str_eq(got->run.output, "in");
	cr_expect_eq(got->run.code, 3);
	answer_unref(got);
}
