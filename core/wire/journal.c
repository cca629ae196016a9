/* The journal of temporary files. */
#include "wire/journal.h"

#include <ctype.h>
#include <string.h>

#include "base/digest.h"
#include "base/mem.h"
#include "base/quote.h"

enum { JOURNAL_SHORT = 24 };

void journal_add(struct journal *journal, const char *path)
{
	mem_grow(journal->paths, journal->count, journal->room);
	journal->paths[journal->count++] = mem_strdup(path);
}

void journal_drop(struct journal *journal, const char *path)
{
	for (size_t i = 0; i < journal->count; i++)
		if (strcmp(journal->paths[i], path) == 0) {
			free(journal->paths[i]);
			journal->paths[i] = journal->paths[--journal->count];
			return;
		}
}

void journal_script(const struct journal *journal, struct buf *script)
{
	for (size_t i = 0; i < journal->count; i++) {
		buf_str(script, i % 256 ? " " : i ? "\nrm -rf -- " : "rm -rf -- ");
		quote_word(script, journal->paths[i]);
	}
}

void journal_clear(struct journal *journal)
{
	for (size_t i = 0; i < journal->count; i++)
		free(journal->paths[i]);
	journal->count = 0;
}

void journal_release(struct journal *journal)
{
	journal_clear(journal);
	free(journal->paths);
	*journal = (struct journal){ 0 };
}

char *journal_temporary(const char *path)
{
	const char *slash = strrchr(path, '/');
	const char *name = slash ? slash + 1 : path;
	int folder = slash ? (int)(slash + 1 - path) : 0;
	char beginning[JOURNAL_SHORT + 1], random[DIGEST_RANDOM_HEX];
	size_t n = 0;
	for (; name[n] && n < JOURNAL_SHORT; n++)
		beginning[n] = isalnum((unsigned char)name[n]) || strchr("._-", name[n]) ? name[n] : '_';
	beginning[n] = '\0';
	digest_random(random);
	return mem_printf("%.*s.%s-%s", folder, path, beginning, random);
}
