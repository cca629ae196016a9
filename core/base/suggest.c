/* Nearest names by edit distance (optimal string alignment). */
#include "base/suggest.h"

#include <ctype.h>
#include <dirent.h>
#include <string.h>

enum { LONGEST = 64 };

static size_t smaller(size_t a, size_t b) { return a < b ? a : b; }

/* Edits (insert, delete, replace, swap of neighbours) between the two, case-blind; capped at limit + 1. */
static size_t distance_of(const char *a, const char *b, size_t limit)
{
	size_t a_length = strlen(a), b_length = strlen(b);
	size_t gap = a_length > b_length ? a_length - b_length : b_length - a_length;
	if (a_length > LONGEST || b_length > LONGEST || gap > limit)
		return limit + 1;
	size_t rows[3][LONGEST + 1];
	size_t *before = rows[0], *previous = rows[1], *current = rows[2];
	for (size_t j = 0; j <= b_length; j++)
		previous[j] = j;
	for (size_t i = 1; i <= a_length; i++) {
		current[0] = i;
		for (size_t j = 1; j <= b_length; j++) {
			int ca = tolower((unsigned char)a[i - 1]), cb = tolower((unsigned char)b[j - 1]);
			size_t cost = smaller(smaller(previous[j], current[j - 1]) + 1, previous[j - 1] + (ca != cb));
			if (i > 1 && j > 1 && ca == tolower((unsigned char)b[j - 2]) &&
			    tolower((unsigned char)a[i - 2]) == cb)
				cost = smaller(cost, before[j - 2] + 1);
			current[j] = cost;
		}
		size_t *oldest = before;
		before = previous;
		previous = current;
		current = oldest;
	}
	return smaller(previous[b_length], limit + 1);
}

static void start(struct suggest *suggest, const char *written, size_t length)
{
	*suggest = (struct suggest){ .written = written, .distance = length < 4 ? 2 : length / 3 + 2 };
}

void suggest_start(struct suggest *suggest, const char *written) { start(suggest, written, strlen(written)); }

void suggest_start_within(struct suggest *suggest, const char *written, size_t most)
{
	*suggest = (struct suggest){ .written = written, .distance = most + 1 };
}

void suggest_start_file(struct suggest *suggest, const char *written)
{
	const char *dot = strrchr(written, '.');
	size_t length = dot && dot > written ? (size_t)(dot - written) : strlen(written);
	start(suggest, written, length);
	if (length < 3) /* "a" and "b" are near to everything */
		suggest->distance = 1;
}

void suggest_offer(struct suggest *suggest, const char *name)
{
	if (suggest->distance == 0)
		return;
	size_t distance = distance_of(suggest->written, name, suggest->distance - 1);
	if (distance < suggest->distance) {
		suggest->distance = distance;
		suggest->best = name;
	}
}

void suggest_offer_folder(struct suggest *suggest, const char *folder, json_t *kept)
{
	DIR *directory = opendir(folder);
	for (struct dirent *entry; directory && (entry = readdir(directory));) {
		if (entry->d_name[0] == '.' || json_array_append_new(kept, json_string(entry->d_name)) < 0)
			continue;
		suggest_offer(suggest, json_string_value(json_array_get(kept, json_array_size(kept) - 1)));
	}
	if (directory)
		closedir(directory);
}

bool suggest_differ_in_digits(const char *a, const char *b)
{
	for (;; a++, b++) {
		while (isdigit((unsigned char)*a))
			a++;
		while (isdigit((unsigned char)*b))
			b++;
		if (tolower((unsigned char)*a) != tolower((unsigned char)*b))
			return false;
		if (!*a)
			return true;
	}
}
