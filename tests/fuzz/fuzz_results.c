/* Reports of any bytes, merged with a good one: what is read can be joined and told in each format, and what was told as one
 * document can be read again.
 *
 * covers: core/report/results.c core/report/replay.c */
#include <assert.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "base/mem.h"
#include "report/merge.h"
#include "report/report.h"

static char *tell(const struct merge *merge, struct reporter *(*make)(const struct report_options *), bool only_failures)
{
	char *out = NULL;
	size_t length = 0;
	FILE *null = fopen("/dev/null", "w");
	struct report_options options = { .out = open_memstream(&out, &length), .messages = null };
	struct reporter *reporter = make(&options);
	merge_replay(merge, reporter, only_failures);
	assert(reporter->finish(reporter->context) == 0);
	report_free(reporter);
	fclose(options.out);
	fclose(null);
	return out;
}

static void read_back(const char *told)
{
	struct err err = ERR_INIT;
	struct merge *merge = merge_new();
	assert(merge_add(merge, "told", told, strlen(told), &err) == 0);
	merge_free(merge);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);
int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	static const char good[] = "{\"plays\": [{\"play\": {\"id\": \"play-1\"}, \"tasks\": [{\"task\": {\"path\": \"s:1\"}, \"hosts\": {\"h\": {}}}]}],"
	                           " \"stats\": {\"h\": {\"ok\": 1}}}";
	struct err err = ERR_INIT;
	struct merge *merge = merge_new();
	if (merge_add(merge, "fuzz", (const char *)data, size, &err) == 0) {
		(void)!merge_add(merge, "good", good, strlen(good), &err);
		(void)!merge_complete(merge, &err);
		(void)!merge_status(merge);
		char *told = tell(merge, report_json, false);
		read_back(told);
		free(told);
		free(tell(merge, report_jsonl, false));
		free(tell(merge, report_text, true));
	}
	merge_free(merge);
	return 0;
}
