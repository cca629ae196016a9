/* Reading and writing of the fact cache. */
#include "run/fact_cache.h"

#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

#include "base/digest.h"
#include "base/json_fault.h"
#include "base/mem.h"
#include "plan/fact_subset.h"
#include "run/host_facts.h"

/* Which parts were gathered; Ansible, which always gathers whole collectors, reads it as one more fact. */
static const char parts_key[] = "neap_fact_parts";

/* NULL where the host's name cannot be one of a file. */
static char *path_of(const struct run_context *run, const struct host_state *host)
{
	const char *name = host->host->name, *prefix = run->options->fact_cache_prefix;
	return strchr(name, '/') || *name == '.' ? NULL : mem_printf("%s/%s%s", run->options->fact_cache, prefix ? prefix : "", name);
}

static bool is_fresh(const struct run_context *run, const char *path)
{
	struct stat about;
	if (stat(path, &about) < 0 || !S_ISREG(about.st_mode))
		return false;
	return !run->options->fact_cache_seconds || time(NULL) - about.st_mtime <= run->options->fact_cache_seconds;
}

static void load_host(struct run_context *run, struct host_state *host)
{
	auto_free char *path = path_of(run, host);
	if (path && run->options->flush_cache) {
		unlink(path);
		return;
	}
	if (!path || !is_fresh(run, path))
		return;
	json_error_t fault;
	auto_json json_t *facts = json_load_file(path, 0, &fault);
	if (!json_is_object(facts)) {
		context_warn(run, host->host->name, "cached facts: %s: %s; --flush-cache throws them away", path,
		             json_fault_text(&fault));
		return;
	}
	const char *parts = json_string_value(json_object_get(facts, parts_key));
	host->gathered = parts ? fact_subset_of_text(parts) : json_object_get(facts, "module_setup") ? fact_subset_all() : 0;
	json_object_del(facts, parts_key);
	host_facts_add(host, facts);
	host->has_new_facts = false;
}

void fact_cache_load(struct run_context *run)
{
	if (!run->options->fact_cache)
		return;
	for (size_t i = 0; i < run->host_count; i++) {
		if (run->hosts[i])
			load_host(run, run->hosts[i]);
	}
	if (run->localhost)
		load_host(run, run->localhost);
}

/* Written beside its place, so that another run reads it whole or not at all. */
static int write_facts(const char *path, json_t *facts)
{
	char random[DIGEST_RANDOM_HEX];
	digest_random(random);
	auto_free char *beside = mem_printf("%s.%s", path, random);
	auto_close int fd = open(beside, O_WRONLY | O_CREAT | O_EXCL | O_NOFOLLOW | O_CLOEXEC, 0600);
	if (fd < 0)
		return -1;
	if (json_dumpfd(facts, fd, JSON_INDENT(4) | JSON_SORT_KEYS) == 0 && rename(beside, path) == 0)
		return 0;
	int saved = errno;
	unlink(beside);
	errno = saved;
	return -1;
}

static void save_host(struct run_context *run, struct host_state *host)
{
	auto_free char *path = path_of(run, host);
	if (!path || !host->has_new_facts)
		return;
	auto_arena struct arena arena = ARENA_INIT;
	auto_json json_t *facts = json_deep_copy(host->facts);
	json_object_del(facts, "ansible_facts");
	json_object_set_new(facts, parts_key, json_string(fact_subset_text(&arena, host->gathered)));
	if (write_facts(path, facts) < 0) {
		char text[64];
		context_warn(run, host->host->name, "cached facts: %s: %s", path, strerror_r(errno, text, sizeof(text)));
	}
}

void fact_cache_save(struct run_context *run)
{
	if (!run->options->fact_cache)
		return;
	mkdir(run->options->fact_cache, 0700);
	for (size_t i = 0; i < run->host_count; i++) {
		if (run->hosts[i])
			save_host(run, run->hosts[i]);
	}
	if (run->localhost)
		save_host(run, run->localhost);
}
