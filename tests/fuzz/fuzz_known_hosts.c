/* known_hosts files of any bytes, asked about any name: no line is about a host that its own text does not match, what is
 * written is understood again, and asking twice gives the same answer.
 *
 * The first line of the input is the name; the rest is the file.
 *
 * covers: core/wire/known_hosts.c */
#include <assert.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "base/mem.h"
#include "wire/known_hosts.h"

static void ask(const struct known_hosts *known, const char *name, const struct known_hosts_line *line)
{
	struct known_hosts_answer first = { 0 }, again = { 0 };
	struct known_hosts_found found = { 0 };
	size_t about = 0;
	known_hosts_find(known, name, &found);
	for (size_t i = 0; i < known->count; i++)
		about += known_hosts_line_matches(&known->lines[i], name);
	assert(found.count == about);
	known_hosts_ask(known, &found, line->type, line->blob, line->blob_length, &first);
	known_hosts_ask(known, &found, line->type, line->blob, line->blob_length, &again);
	known_hosts_found_release(&found);
	assert(first.verdict == again.verdict && first.number == again.number);
	if (line->mark == KNOWN_HOSTS_KEY && known_hosts_line_matches(line, name))
		assert(first.verdict >= KNOWN_HOSTS_MATCH);
	if (first.verdict != KNOWN_HOSTS_UNKNOWN)
		assert(first.known == known);
}

/* What is saved for a host is found for it, hashed or not. */
static void write_back(const struct known_hosts_line *line, const char *name, bool hashed)
{
	if (name[strcspn(name, " \t\r\n*?!,|@#")] || !name[0])
		return;
	struct buf text = BUF_INIT;
	struct known_hosts read = { 0 };
	known_hosts_write(&text, name, hashed, line->type, line->blob, line->blob_length);
	known_hosts_parse(&read, "written", text.data, text.length);
	assert(read.count == 1 && read.skipped == 0 && known_hosts_line_matches(&read.lines[0], name));
	assert(read.lines[0].blob_length == line->blob_length);
	known_hosts_release(&read);
	buf_clear(&text);
	known_hosts_fingerprint(&text, line->blob, line->blob_length);
	assert(strncmp(text.data, "SHA256:", 7) == 0);
	buf_release(&text);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);
int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	const uint8_t *newline = size ? memchr(data, '\n', size) : NULL;
	size_t name_length = newline ? (size_t)(newline - data) : 0;
	char *host = mem_strndup((const char *)data, name_length);
	char *name = known_hosts_name(host, name_length % 2 ? 22 : 2222);
	struct known_hosts known = { 0 };
	const char *text = newline ? (const char *)newline + 1 : (const char *)data;
	known_hosts_parse(&known, "fuzz", text, size - (size_t)(text - (const char *)data));
	for (size_t i = 0; i < known.count && i < 64; i++) {
		ask(&known, name, &known.lines[i]);
		write_back(&known.lines[i], name, i % 2);
	}
	known_hosts_release(&known);
	free(name);
	free(host);
	return 0;
}
