/* A probe's reply, made up by the target: every ask gets an answer, whose texts end, whose lists are sorted, and which is not
 * OK where the reply was cut before it.
 *
 * A byte 0xfe stands for the head of a section, so that the fuzzer finds it without guessing.
 *
 * covers: core/run/probe_parse.c */
#include <assert.h>
#include <stdint.h>
#include <string.h>

#include "run/probe.h"

static const char mark[] = "0123456789abcdef0123456789abcdef";

static const struct ask asks[] = {
	{ .kind = ASK_STAT, .path = "/tmp/f/a" },
	{ .kind = ASK_STAT, .path = "/tmp/f/l" },
	{ .kind = ASK_STAT, .path = "/tmp/f/l", .follow = true },
	{ .kind = ASK_STAT, .path = "/tmp/f/none" },
	{ .kind = ASK_HASH, .path = "/tmp/f/a", .algorithm = "sha1" },
	{ .kind = ASK_HASH, .path = "/tmp/f", .algorithm = "sha1" },
	{ .kind = ASK_READ, .path = "/tmp/f/a", .limit = 63 },
	{ .kind = ASK_READ, .path = "/tmp/f/a", .limit = 64 },
	{ .kind = ASK_READ, .path = "/tmp/f/b", .limit = 64 },
	{ .kind = ASK_READ, .path = "/tmp/f/c", .limit = 64 },
	{ .kind = ASK_READ, .path = "/tmp/f/d", .limit = 64 },
	{ .kind = ASK_READ, .path = "/tmp/f/e", .limit = 64 },
	{ .kind = ASK_LIST, .path = "/tmp/f", .recurse = true, .algorithm = "md5" },
	{ .kind = ASK_LIST, .path = "f" },
	{ .kind = ASK_GLOB, .path = "/tmp/f/*" },
	{ .kind = ASK_USER, .path = "root" },
	{ .kind = ASK_USER, .path = "1" },
	{ .kind = ASK_GROUP, .path = "adm" },
};
enum { ASKS = sizeof(asks) / sizeof(*asks) };

static void add_head(struct buf *reply)
{
	buf_printf(reply, "\n%s ", mark);
}

static size_t list_check(const struct list_answer *list)
{
	size_t length = 0;
	for (size_t i = 0; i < list->count; i++) {
		assert(!i || strcmp(list->entries[i - 1].name, list->entries[i].name) <= 0);
		assert(list->entries[i].stat.type && list->entries[i].stat.owner);
		length += strlen(list->entries[i].name);
	}
	return length;
}

static void answer_check(const struct ask *ask, const struct answer *answer)
{
	assert(answer->state == ANSWER_OK || answer->why);
	if (answer->state != ANSWER_OK)
		return;
	switch (ask->kind) {
	case ASK_STAT: assert(answer->stat.type && answer->stat.owner && answer->stat.group); break;
	case ASK_HASH: assert(strlen(answer->hash) == 40); break;
	case ASK_READ: assert(answer->read.length <= ask->limit && !answer->read.bytes[answer->read.length]); break;
	case ASK_LIST: list_check(&answer->list); break;
	case ASK_USER: assert(answer->user.name && answer->user.home); break;
	case ASK_GROUP: assert(answer->group.name); break;
	default: break;
	}
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);
int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct buf reply = BUF_INIT;
	for (size_t i = 0; i < size; i++) {
		if (data[i] == 0xfe)
			add_head(&reply);
		else
			buf_char(&reply, (char)data[i]);
	}
	const struct ask *pointers[ASKS];
	struct answer *answers[ASKS];
	for (size_t i = 0; i < ASKS; i++)
		pointers[i] = &asks[i];
	probe_parse(pointers, ASKS, false, mark, buf_text(&reply), reply.length, answers);
	for (size_t i = 0; i < ASKS; i++) {
		answer_check(&asks[i], answers[i]);
		answer_unref(answers[i]);
	}
	buf_release(&reply);
	return 0;
}
