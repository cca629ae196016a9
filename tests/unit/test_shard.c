/* Which hosts a shard has, and which shard this is. */
#include <stdio.h>
#include <stdlib.h>

#include <criterion/criterion.h>

#include "run/shard.h"

Test(shard, of_a_name_is_the_same_on_each_machine_and_in_each_version)
{
	/* from another implementation of the same */
	static const struct { const char *name; unsigned of4, of5, of1000; } rows[] = {
		{ "web1", 1, 1, 449 }, { "web2", 2, 2, 688 }, { "db1.example.com", 4, 5, 950 }, { "10.0.0.17", 3, 3, 936 },
	};
	for (size_t i = 0; i < sizeof(rows) / sizeof(*rows); i++) {
		cr_expect_eq(shard_of(rows[i].name, 4), rows[i].of4, "%s of 4: %u", rows[i].name, shard_of(rows[i].name, 4));
		cr_expect_eq(shard_of(rows[i].name, 5), rows[i].of5, "%s of 5: %u", rows[i].name, shard_of(rows[i].name, 5));
		cr_expect_eq(shard_of(rows[i].name, 1000), rows[i].of1000, "%s of 1000: %u", rows[i].name, shard_of(rows[i].name, 1000));
	}
}

Test(shard, moves_hosts_to_the_added_one_only)
{
	unsigned moved = 0, sizes[8] = { 0 };
	for (int i = 0; i < 8000; i++) {
		char name[32];
		snprintf(name, sizeof(name), "node%04d.example", i);
		unsigned before = shard_of(name, 7), after = shard_of(name, 8);
		cr_assert(before >= 1 && before <= 7 && (after == before || after == 8));
		moved += after != before;
		sizes[after - 1]++;
	}
	cr_expect(moved > 850 && moved < 1150, "%u of 8000 moved", moved); /* the names are fixed, and so is this */
	for (int i = 0; i < 8; i++)
		cr_expect(sizes[i] > 850 && sizes[i] < 1150, "shard %d has %u of 8000", i + 1, sizes[i]);
}

Test(shard, keeps_each_host_in_one_and_localhost_in_all)
{
	struct host hosts[40];
	char names[40][16];
	for (int i = 0; i < 40; i++) {
		snprintf(names[i], sizeof(names[i]), "h%d", i);
		hosts[i] = (struct host){ .name = i == 7 ? "localhost" : names[i] };
	}
	size_t all = 0;
	for (unsigned index = 1; index <= 3; index++) {
		struct host *kept[40];
		size_t count = 40;
		bool has_localhost = false;
		for (int i = 0; i < 40; i++)
			kept[i] = &hosts[i];
		shard_apply(&(struct shard){ index, 3 }, kept, &count);
		for (size_t i = 0; i < count; i++) {
			cr_assert(i == 0 || kept[i - 1] < kept[i]);
			has_localhost |= kept[i] == &hosts[7];
		}
		cr_expect(has_localhost);
		all += count - 1;
	}
	cr_expect_eq(all, 39);
	struct host *kept[1] = { &hosts[0] };
	size_t count = 1;
	shard_apply(&(struct shard){ 0 }, kept, &count);
	cr_expect_eq(count, 1);
}

/* ---- what is written, and what the environment says ---- */

static const char *read_shard(const char *text)
{
	static char said[1600];
	struct shard shard;
	struct err err = ERR_INIT;
	if (shard_read(text, &shard, &err) < 0)
		snprintf(said, sizeof(said), "%s; %s", err.text, err_remedy(&err));
	else
		snprintf(said, sizeof(said), "%u/%u", shard.index, shard.count);
	return said;
}

Test(shard, is_read_as_a_part_of_a_whole)
{
	cr_expect_str_eq(read_shard("2/8"), "2/8");
	cr_expect_str_eq(read_shard("1/1"), "1/1");
	static const char *const faults[] = { "", "/", "2", "2/", "/8", "a/b", "0/4", "5/4", "-1/4", "1/0", "1/100001", "1/2/3", " 1/2",
	                                      "0x1/2", "1/99999999999999999999", "Auto" };
	for (size_t i = 0; i < sizeof(faults) / sizeof(*faults); i++)
		cr_expect_not_null(strstr(read_shard(faults[i]), "--shard"), "%s: %s", faults[i], read_shard(faults[i]));
}

static void clear(void)
{
	static const char *const names[] = { "CI_NODE_INDEX", "CI_NODE_TOTAL", "JOB_COMPLETION_INDEX", "NEAP_SHARD_TOTAL", "SLURM_ARRAY_TASK_ID",
	                                     "SLURM_ARRAY_TASK_MIN", "SLURM_ARRAY_TASK_MAX", "SLURM_ARRAY_TASK_COUNT", "SLURM_ARRAY_TASK_STEP" };
	for (size_t i = 0; i < sizeof(names) / sizeof(*names); i++)
		unsetenv(names[i]);
}

/* Words "NAME=value", ending at NULL. */
static const char *automatic(const char *const *variables)
{
	clear();
	for (; *variables; variables++) {
		char name[64];
		const char *value = strchr(*variables, '=');
		snprintf(name, sizeof(name), "%.*s", (int)(value - *variables), *variables);
		setenv(name, value + 1, 1);
	}
	return read_shard("auto");
}
#define AUTO(...) automatic((const char *const[]){ __VA_ARGS__, NULL })

Test(shard, is_what_gitlab_says)
{
	cr_expect_str_eq(AUTO("CI_NODE_INDEX=3", "CI_NODE_TOTAL=5"), "3/5");
	cr_expect_str_eq(AUTO("CI_NODE_TOTAL=1"), "1/1"); /* a job without parallel: */
	cr_expect_not_null(strstr(AUTO("CI_NODE_TOTAL=4"), "there is no CI_NODE_INDEX"));
	cr_expect_not_null(strstr(AUTO("CI_NODE_TOTAL=many", "CI_NODE_INDEX=1"), "\"many\", not a number"));
	cr_expect_not_null(strstr(AUTO("CI_NODE_TOTAL=4", "CI_NODE_INDEX=0"), "no shard 0 of 4"));
}

Test(shard, is_what_kubernetes_says)
{
	cr_expect_str_eq(AUTO("JOB_COMPLETION_INDEX=0", "NEAP_SHARD_TOTAL=4"), "1/4");
	cr_expect_str_eq(AUTO("JOB_COMPLETION_INDEX=3", "NEAP_SHARD_TOTAL=4"), "4/4");
	cr_expect_not_null(strstr(AUTO("JOB_COMPLETION_INDEX=3"), "set the environment variable NEAP_SHARD_TOTAL"));
	cr_expect_not_null(strstr(AUTO("JOB_COMPLETION_INDEX=4", "NEAP_SHARD_TOTAL=4"), "no shard 5 of 4"));
}

#define SLURM(id, min, max, count, step) \
	"SLURM_ARRAY_TASK_ID=" id, "SLURM_ARRAY_TASK_MIN=" min, "SLURM_ARRAY_TASK_MAX=" max, "SLURM_ARRAY_TASK_COUNT=" count, \
		"SLURM_ARRAY_TASK_STEP=" step

Test(shard, is_what_slurm_says)
{
	cr_expect_str_eq(AUTO(SLURM("0", "0", "7", "8", "1")), "1/8");
	cr_expect_str_eq(AUTO(SLURM("8", "1", "8", "8", "1")), "8/8");
	cr_expect_str_eq(AUTO(SLURM("30", "10", "50", "5", "10")), "3/5");
	cr_expect_str_eq(AUTO(SLURM("4", "4", "4", "1", "1")), "1/1");
	cr_expect_not_null(strstr(AUTO(SLURM("5", "1", "7", "3", "1")), "(3 of them from 1 to 7) have gaps"));
	cr_expect_not_null(strstr(AUTO("SLURM_ARRAY_TASK_ID=5"), "should have set SLURM_ARRAY_TASK_MIN"));
}

Test(shard, is_not_guessed)
{
	clear();
	cr_expect_not_null(strstr(read_shard("auto"), "there is no CI_NODE_TOTAL"));
	cr_expect_not_null(strstr(AUTO("CI_NODE_INDEX=3", "CI_NODE_TOTAL=5", SLURM("0", "0", "7", "8", "1")),
	                          "GitLab CI's variables (CI_NODE_TOTAL) and Slurm's"));
}
