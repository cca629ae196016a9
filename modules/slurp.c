/* slurp: a file's content, in base64. */
#include <string.h>

#include "plan/module.h"
#include "plan/path.h"

struct slurp_want { const char *src; };

static const char *const src_names[] = { "path", NULL };
static const struct arg slurp_args[] = {
	{ .name = "src", .type = ARG_PATH, .required = true, .aliases = src_names, .offset = offsetof(struct slurp_want, src),
	  .doc = "The file on the target; at most 16 MB." },
	{ 0 },
};

static const struct module_example slurp_examples[] = {
	{ "A key", "{\"name\": \"the host's key\", \"slurp\": {\"src\": \"/etc/ssh/ssh_host_ed25519_key.pub\"}, \"register\": \"key\"}" },
	{ 0 },
};

static const struct module_return slurp_returns[] = {
	{ "content", "str", "The bytes in base64: {{ key.content | b64decode }} is the text." },
	{ "encoding", "str", "base64" },
	{ "source", "str", "The file." },
	{ 0 },
};

static const char *base64(struct arena *arena, const char *bytes, size_t length)
{
	static const char letters[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
	const unsigned char *from = (const unsigned char *)bytes;
	char *text = arena_alloc(arena, (length + 2) / 3 * 4 + 1), *to = text;
	for (size_t i = 0; i < length; i += 3) {
		unsigned left = length - i < 3 ? (unsigned)(length - i) : 3;
		unsigned long group = (unsigned long)from[i] << 16 | (left > 1 ? (unsigned)from[i + 1] << 8 : 0) | (left > 2 ? from[i + 2] : 0);
		*to++ = letters[group >> 18];
		*to++ = letters[group >> 12 & 63];
		*to++ = left > 1 ? letters[group >> 6 & 63] : '=';
		*to++ = left > 2 ? letters[group & 63] : '=';
	}
	*to = 0;
	return text;
}

static int slurp_decide(const struct module *module, const void *wanted, struct decision *decision, struct err *err)
{
	(void)module, (void)err;
	const struct slurp_want *want = wanted;
	const char *path = path_expand(decision, want->src);
	if (!path)
		return 0;
	const struct stat_answer *stat = ask_stat(decision, path, ASK_FOLLOW);
	const struct answer *read = ask_read(decision, path);
	if (!stat || !read)
		return 0;
	if (!stat->type)
		return result_fail(decision, "file not found: %s", path);
	if (stat->type == 'd')
		return result_fail(decision, "source is a directory and must be a file: %s", path);
	if (read->state == ANSWER_DENIED)
		return result_fail(decision, "file is not readable: %s", path);
	if (read->state != ANSWER_OK)
		return result_fail(decision, "unable to slurp file: %s: %s", path, read->why ? read->why : "it cannot be read");
	result_str(decision, "content", base64(&decision->arena, read->read.bytes, read->read.length));
	result_str(decision, "encoding", "base64");
	result_str(decision, "source", path);
	return 0;
}

const struct module slurp_module = {
	.name = "slurp",
	.doc = "Brings a file's content into a variable.",
	.spec = { .args = slurp_args, .want_size = sizeof(struct slurp_want) },
	.examples = slurp_examples,
	.returns = slurp_returns,
	.decide = slurp_decide,
};
