/* Splitting a line into words. */
#include "model/shell_words.h"

#include <stdbool.h>
#include <string.h>

#include "base/buf.h"
#include "base/mem.h"

struct splitter {
	const char *at;
	struct buf word;
	bool in_word;
	char **words;
	size_t count, room;
};

static void splitter_end_word(struct splitter *s)
{
	if (!s->in_word)
		return;
	mem_grow(s->words, s->count, s->room);
	s->words[s->count++] = buf_take(&s->word);
	s->in_word = false;
}

/* From behind the opening quote to behind the closing one; -1 if there is none. */
static int splitter_quoted(struct splitter *s, char quote, struct err *err)
{
	for (; *s->at && *s->at != quote; s->at++) {
		if (quote == '"' && *s->at == '\\' && (s->at[1] == '"' || s->at[1] == '\\'))
			s->at++;
		buf_char(&s->word, *s->at);
	}
	if (!*s->at)
		return err_set(err, ERR_INPUT, "a %s quote is opened and not closed", quote == '"' ? "double" : "single");
	s->at++;
	return 0;
}

static int splitter_run(struct splitter *s, struct err *err)
{
	while (*s->at && *s->at != '#') {
		char c = *s->at++;
		if (strchr(" \t\r\n", c)) {
			splitter_end_word(s);
			continue;
		}
		s->in_word = true;
		if (c == '\'' || c == '"') {
			if (splitter_quoted(s, c, err) < 0)
				return -1;
		} else if (c == '\\') {
			if (!*s->at)
				return err_set(err, ERR_INPUT, "there is nothing behind the last backslash");
			buf_char(&s->word, *s->at++);
		} else {
			buf_char(&s->word, c);
		}
	}
	splitter_end_word(s);
	return 0;
}

int shell_words(const char *line, char ***words, size_t *count, struct err *err)
{
	struct splitter s = { .at = line };
	int result = splitter_run(&s, err);
	size_t found = s.count;
	mem_grow(s.words, s.count, s.room);
	s.words[found] = NULL;
	buf_release(&s.word);
	*count = found;
	if (result < 0) {
		shell_words_free(s.words);
		s.words = NULL;
	}
	*words = s.words;
	return result;
}

void shell_words_free(char **words)
{
	for (char **word = words; word && *word; word++)
		free(*word);
	free(words);
}
