/* The scanner for marks in a shell's output. */
#include "wire/framing.h"

#include <ctype.h>
#include <string.h>

void framing_start(struct framing *framing, const char *mark, struct buf *kept, size_t keep)
{
	*framing = (struct framing){ .kept = kept, .keep = keep, .live = framing->live, .context = framing->context };
	memcpy(framing->mark, mark, FRAMING_MARK);
}

static void framing_pass(struct framing *framing, const char *bytes, size_t length)
{
	if (!length)
		return;
	if (framing->live)
		framing->live(framing->context, bytes, length);
	size_t room = framing->kept ? framing->keep - framing->kept->length : 0;
	if (length > room)
		framing->cut = true;
	if (room)
		buf_add(framing->kept, bytes, length < room ? length : room);
}

/* Length of the longest end of the bytes that a mark may begin with. */
static size_t framing_beginning(const struct framing *framing, const char *bytes, size_t length)
{
	size_t n = length < FRAMING_MARK ? length : FRAMING_MARK - 1;
	while (n && memcmp(bytes + length - n, framing->mark, n) != 0)
		n--;
	return n;
}

/* Passes all that cannot belong to the mark; returns how many bytes were taken, up to the mark's end. */
static size_t framing_search(struct framing *framing, const char *bytes, size_t length)
{
	const char *found = length ? memmem(bytes, length, framing->mark, FRAMING_MARK) : NULL;
	if (found) {
		framing_pass(framing, bytes, (size_t)(found - bytes));
		framing->marked = true;
		framing->held_length = 0;
		return (size_t)(found - bytes) + FRAMING_MARK;
	}
	size_t held = framing_beginning(framing, bytes, length);
	framing_pass(framing, bytes, length - held);
	memmove(framing->held, bytes + length - held, held);
	framing->held_length = held;
	return length;
}

/* Joins what was held back with just enough new bytes to tell whether a mark begins there. */
static size_t framing_stitch(struct framing *framing, const char *bytes, size_t length)
{
	char joined[2 * FRAMING_MARK];
	size_t held = framing->held_length, more = length < FRAMING_MARK ? length : FRAMING_MARK;
	memcpy(joined, framing->held, held);
	memcpy(joined + held, bytes, more);
	size_t taken = framing_search(framing, joined, held + more);
	return taken - held;
}

static size_t framing_finish(struct framing *framing, const char *bytes, size_t length)
{
	for (size_t i = 0; i < length; i++) {
		if (bytes[i] == '\n') {
			framing->ended = true;
			framing->tail[framing->tail_length] = '\0';
			return i + 1;
		}
		if (bytes[i] != '\r' && framing->tail_length < FRAMING_TAIL)
			framing->tail[framing->tail_length++] = bytes[i];
	}
	return length;
}

size_t framing_take(struct framing *framing, const char *bytes, size_t length)
{
	size_t taken = 0;
	while (taken < length && !framing->ended) {
		const char *rest = bytes + taken;
		size_t left = length - taken;
		if (framing->marked)
			taken += framing_finish(framing, rest, left);
		else if (framing->held_length)
			taken += framing_stitch(framing, rest, left);
		else
			taken += framing_search(framing, rest, left);
	}
	return taken;
}

long framing_number(const struct framing *framing, long most)
{
	long number = 0;
	if (!framing->ended || !framing->tail_length)
		return -1;
	for (size_t i = 0; i < framing->tail_length; i++) {
		if (!isdigit((unsigned char)framing->tail[i]) || number > most)
			return -1;
		number = number * 10 + (framing->tail[i] - '0');
	}
	return number <= most ? number : -1;
}
