/* The hosts that --limit names. */
#include "run/limit.h"

static int match(struct run_context *run, struct host ***hosts, size_t *count, struct buf *pattern,
                 struct problems *problems, struct err *err)
{
	const struct run_options *options = run->options;
	for (size_t i = 0; i < options->limit_count; i++)
		buf_printf(pattern, "%s%s", i ? "," : "", options->limits[i]);
	if (inventory_match(run->inventory, buf_text(pattern), hosts, count, problems, err) < 0)
		return err_wrap(err, "--limit");
	return 0;
}

int limit_check(struct run_context *run, struct err *err)
{
	if (!run->options->limit_count)
		return 0;
	auto_buf struct buf pattern = BUF_INIT;
	auto_free struct host **hosts = NULL;
	size_t count = 0;
	auto_problems struct problems problems = PROBLEMS_INIT;
	if (match(run, &hosts, &count, &pattern, &problems, err) < 0)
		return -1;
	for (size_t i = 0; i < problems.count && count; i++)
		context_warn(run, NULL, "--limit: %s%s%s", problems.items[i].text, problems.items[i].hint ? "; " : "",
		             problems.items[i].hint ? problems.items[i].hint : "");
	if (count)
		return 0;
	err_set(err, ERR_INPUT, "--limit %s names no host of the inventory", buf_text(&pattern));
	const char *hint = problems.count ? problems.items[0].hint : NULL;
	return err_hint(err, "%s", hint ? hint : "`neap inventory --graph` shows the hosts and groups there are");
}

static bool contains(struct host *const *hosts, size_t count, const struct host *host)
{
	for (size_t i = 0; i < count; i++) {
		if (hosts[i] == host)
			return true;
	}
	return false;
}

int limit_apply(struct run_context *run, struct host **hosts, size_t *count, struct err *err)
{
	if (!run->options->limit_count)
		return 0;
	auto_buf struct buf pattern = BUF_INIT;
	auto_free struct host **limit = NULL;
	size_t limit_count = 0, kept = 0;
	auto_problems struct problems told = PROBLEMS_INIT; /* by limit_check */
	if (match(run, &limit, &limit_count, &pattern, &told, err) < 0)
		return -1;
	for (size_t i = 0; i < *count; i++) {
		if (contains(limit, limit_count, hosts[i]))
			hosts[kept++] = hosts[i];
	}
	*count = kept;
	return 0;
}
