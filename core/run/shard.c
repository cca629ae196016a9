/* Which shard a host belongs to, and which one this run is. */
#include "run/shard.h"

#include <errno.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "base/digest.h"
#include "base/mem.h"

/* ---- hosts ---- */

static unsigned jump(uint64_t key, unsigned count)
{
	int64_t bucket = -1, next = 0;
	while (next < (int64_t)count) {
		bucket = next;
		key = key * 2862933555777941757u + 1;
		next = (int64_t)((double)(bucket + 1) * ((double)(1ll << 31) / (double)((key >> 33) + 1)));
	}
	return (unsigned)bucket;
}

unsigned shard_of(const char *name, unsigned count)
{
	char hex[DIGEST_HEX_MAX];
	digest_bytes("sha256", name, strlen(name), hex);
	hex[16] = '\0';
	return jump(strtoull(hex, NULL, 16), count) + 1;
}

void shard_apply(const struct shard *shard, struct host **hosts, size_t *count)
{
	size_t kept = 0;
	for (size_t i = 0; i < *count && shard->count; i++) {
		const struct host *host = hosts[i];
		if (host->implicit || strcmp(host->name, "localhost") == 0 || shard_of(host->name, shard->count) == shard->index)
			hosts[kept++] = hosts[i];
	}
	if (shard->count)
		*count = kept;
}

/* ---- which one it is ---- */

static bool is_number(const char *text, long long *number)
{
	char *end;
	errno = 0;
	*number = strtoll(text, &end, 10);
	return end != text && !*end && !errno && text[strspn(text, "0123456789")] == '\0';
}

/* A variable of the environment that must hold a number. */
static int read_variable(const char *name, const char *whose, long long *number, struct err *err)
{
	const char *value = getenv(name);
	if (value && is_number(value, number))
		return 0;
	if (value && *value)
		return err_set(err, ERR_USAGE, "--shard auto: %s is \"%s\", not a number", name, value);
	return err_set(err, ERR_USAGE, "--shard auto: %s should have set %s, but it is not there", whose, name);
}

static int set_shard(long long index, long long count, const char *from, struct shard *shard, struct err *err)
{
	if (count < 1 || count > SHARD_MOST || index < 1 || index > count) {
		err_set(err, ERR_USAGE, "%s: there is no shard %lld of %lld", from, index, count);
		return err_hint(err, "shards are counted from 1, as in --shard 1/4 to --shard 4/4; %d are the most", SHARD_MOST);
	}
	*shard = (struct shard){ (unsigned)index, (unsigned)count };
	return 0;
}

/* CI_NODE_TOTAL is there in each job, CI_NODE_INDEX in those with `parallel` only. */
static int from_gitlab(struct shard *shard, struct err *err)
{
	long long index = 1, total;
	if (read_variable("CI_NODE_TOTAL", "GitLab CI", &total, err) < 0)
		return -1;
	if (!getenv("CI_NODE_INDEX") && total > 1)
		return err_set(err, ERR_USAGE, "--shard auto: CI_NODE_TOTAL is %lld, but there is no CI_NODE_INDEX", total);
	if (getenv("CI_NODE_INDEX") && read_variable("CI_NODE_INDEX", "GitLab CI", &index, err) < 0)
		return -1;
	return set_shard(index, total, "CI_NODE_INDEX and CI_NODE_TOTAL", shard, err);
}

/* Kubernetes tells a pod its index, but not of how many. */
static int from_kubernetes(struct shard *shard, struct err *err)
{
	long long index, total;
	if (read_variable("JOB_COMPLETION_INDEX", "a Kubernetes job", &index, err) < 0)
		return -1;
	if (!getenv("NEAP_SHARD_TOTAL")) {
		err_set(err, ERR_USAGE, "--shard auto: Kubernetes says which pod this is (JOB_COMPLETION_INDEX), but not of how many");
		return err_hint(err, "set the environment variable NEAP_SHARD_TOTAL to the job's completions");
	}
	if (read_variable("NEAP_SHARD_TOTAL", "the job", &total, err) < 0)
		return -1;
	return set_shard(index + 1, total, "JOB_COMPLETION_INDEX and NEAP_SHARD_TOTAL", shard, err);
}

/* The place of the task's number between the smallest and the largest, which are a step apart each; a list of numbers with
 * gaps has no such place. */
static int from_slurm(struct shard *shard, struct err *err)
{
	static const char *const names[] = {
		"SLURM_ARRAY_TASK_ID", "SLURM_ARRAY_TASK_MIN", "SLURM_ARRAY_TASK_MAX", "SLURM_ARRAY_TASK_COUNT",
	};
	long long value[4], step = 1;
	for (size_t i = 0; i < 4; i++)
		if (read_variable(names[i], "a Slurm array", &value[i], err) < 0)
			return -1;
	if (getenv("SLURM_ARRAY_TASK_STEP") && read_variable("SLURM_ARRAY_TASK_STEP", "a Slurm array", &step, err) < 0)
		return -1;
	long long id = value[0], least = value[1], most = value[2], count = value[3];
	if (step > 0 && most - least == (count - 1) * step && id >= least && (id - least) % step == 0)
		return set_shard((id - least) / step + 1, count, "SLURM_ARRAY_TASK_ID and _COUNT", shard, err);
	err_set(err, ERR_USAGE, "--shard auto: the array's tasks (%lld of them from %lld to %lld) have gaps", count, least, most);
	return err_hint(err, "run whole arrays, as in --array=1-8; to do one shard again, give --shard $SLURM_ARRAY_TASK_ID/8");
}

static int from_environment(struct shard *shard, struct err *err)
{
	static const struct {
		const char *name, *whose;
		int (*read)(struct shard *shard, struct err *err);
	} rows[] = {
		{ "CI_NODE_TOTAL", "GitLab CI's", from_gitlab },
		{ "JOB_COMPLETION_INDEX", "Kubernetes'", from_kubernetes },
		{ "SLURM_ARRAY_TASK_ID", "Slurm's", from_slurm },
	};
	size_t found = 0, first = 0;
	for (size_t i = 0; i < sizeof(rows) / sizeof(*rows); i++) {
		if (!getenv(rows[i].name))
			continue;
		if (found++) {
			err_set(err, ERR_USAGE, "--shard auto: the environment has %s variables (%s) and %s (%s)", rows[first].whose,
			        rows[first].name, rows[i].whose, rows[i].name);
			return err_hint(err, "unset those that do not count here, or say which shard it is: --shard 2/8");
		}
		first = i;
	}
	if (found)
		return rows[first].read(shard, err);
	err_set(err, ERR_USAGE, "--shard auto: there is no CI_NODE_TOTAL (GitLab CI), JOB_COMPLETION_INDEX (Kubernetes) or "
	                        "SLURM_ARRAY_TASK_ID (Slurm) in the environment");
	return err_hint(err, "say which shard it is: --shard 2/8");
}

int shard_read(const char *text, struct shard *shard, struct err *err)
{
	*shard = (struct shard){ 0 };
	if (strcmp(text, "auto") == 0)
		return from_environment(shard, err);
	long long index, count;
	const char *slash = strchr(text, '/');
	auto_free char *first = mem_strndup(text, slash ? (size_t)(slash - text) : 0);
	if (!slash || !is_number(first, &index) || !is_number(slash + 1, &count)) {
		err_set(err, ERR_USAGE, "--shard: \"%s\" is neither I/N nor auto", text);
		return err_hint(err, "the second of eight shards is --shard 2/8");
	}
	auto_free char *from = mem_printf("--shard %s", text);
	return set_shard(index, count, from, shard, err);
}
