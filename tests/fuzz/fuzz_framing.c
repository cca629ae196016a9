/* Shell framing fed with any output in pieces of any size: what precedes the mark comes through whole, whatever the cuts.
 *
 * The first byte chooses how the input is cut, the second how much is kept; a byte 0xfe in the rest stands for the mark,
 * 0xfd for its first half, so that the fuzzer finds both without guessing.
 *
 * covers: core/wire/framing.c */
#include <assert.h>
#include <stdint.h>
#include <string.h>

#include "wire/framing.h"

static const char mark[] = "0123456789abcdef0123456789abcdef";

static void expand(struct buf *stream, const uint8_t *data, size_t size)
{
	for (size_t i = 0; i < size; i++) {
		if (data[i] == 0xfe)
			buf_str(stream, mark);
		else if (data[i] == 0xfd)
			buf_add(stream, mark, 1 + i % (FRAMING_MARK - 1));
		else
			buf_char(stream, (char)data[i]);
	}
}

static void count_live(void *context, const char *bytes, size_t length)
{
	(void)bytes;
	*(size_t *)context += length;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);
int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	if (size < 2)
		return 0;
	struct buf stream = BUF_INIT, kept = BUF_INIT;
	expand(&stream, data + 2, size - 2);
	size_t live = 0, piece = 1 + data[0] % 70, keep = data[1] * 4u, taken = 0;
	struct framing framing = { .live = count_live, .context = &live };
	framing_start(&framing, mark, data[1] == 255 ? NULL : &kept, keep);
	while (taken < stream.length && !framing.ended) {
		size_t now = stream.length - taken < piece ? stream.length - taken : piece;
		size_t used = framing_take(&framing, stream.data + taken, now);
		assert(used == now || framing.ended);
		taken += used;
	}
	const char *found = stream.length ? memmem(stream.data, stream.length, mark, FRAMING_MARK) : NULL;
	size_t before = found ? (size_t)(found - stream.data) : stream.length;
	assert(framing.marked == (found != NULL));
	assert(live + framing.held_length == before);
	assert(kept.length <= keep && (!kept.length || memcmp(kept.data, stream.data, kept.length) == 0));
	if (framing.ended)
		assert(framing_number(&framing, 255) <= 255);
	buf_release(&stream);
	buf_release(&kept);
	return 0;
}
