/* Reads ssh_config files where there is no ssh program to ask: Host, Include and the settings that neap knows. Match is
 * refused, because half of it would connect to the wrong place. */
#include "wire/ssh_config_file.h"

#include <ctype.h>
#include <errno.h>
#include <fnmatch.h>
#include <glob.h>
#include <stdlib.h>
#include <string.h>

#include "base/buf.h"
#include "base/mem.h"

enum { INCLUDE_DEPTH = 16 };

void ssh_config_words(const char *text, struct ssh_config_list *words)
{
	auto_buf struct buf word = BUF_INIT;
	bool inside = false;
	char quote = '\0';
	for (const char *at = text ? text : ""; *at; at++) {
		if (quote) {
			if (*at == quote)
				quote = '\0';
			else if (*at == '\\' && quote == '"' && (at[1] == '"' || at[1] == '\\'))
				buf_char(&word, *++at);
			else
				buf_char(&word, *at);
		} else if (*at == '"' || *at == '\'') {
			quote = *at;
			inside = true;
		} else if (isspace((unsigned char)*at)) {
			if (inside) {
				mem_grow(words->items, words->count, words->room);
				words->items[words->count++] = buf_take(&word);
			}
			inside = false;
		} else {
			if (*at == '\\' && at[1])
				at++;
			buf_char(&word, *at);
			inside = true;
		}
	}
	if (inside) {
		mem_grow(words->items, words->count, words->room);
		words->items[words->count++] = buf_take(&word);
	}
}

static void words_release(struct ssh_config_list *words)
{
	for (size_t i = 0; i < words->count; i++)
		free(words->items[i]);
	free(words->items);
}

/* Splits "Key value", "Key=value" or "Key = value"; returns false for blank lines and comments. */
static bool split_setting(char *line, char **key, char **value)
{
	while (isspace((unsigned char)*line))
		line++;
	if (!*line || *line == '#')
		return false;
	*key = line;
	for (; *line && !isspace((unsigned char)*line) && *line != '='; line++)
		*line = (char)tolower((unsigned char)*line);
	char *end = line;
	line += strspn(line, " \t");
	if (*line == '=')
		line++;
	line += strspn(line, " \t");
	*end = '\0';
	*value = line;
	for (end = line + strlen(line); end > line && isspace((unsigned char)end[-1]);)
		*--end = '\0';
	return true;
}

/* Whether the settings of a Host line with these patterns are for that host. */
static bool host_covered(const char *patterns, const char *host)
{
	struct ssh_config_list words = { 0 };
	ssh_config_words(patterns, &words);
	bool covered = false, refused = false;
	for (size_t i = 0; i < words.count; i++) {
		bool negated = words.items[i][0] == '!';
		if (fnmatch(words.items[i] + negated, host, FNM_CASEFOLD) == 0) {
			refused |= negated;
			covered |= !negated;
		}
	}
	words_release(&words);
	return covered && !refused;
}

static int read_file(struct ssh_config *c, const char *path, int depth, struct err *err);

static char *include_pattern(const char *word)
{
	auto_free char *home = ssh_config_home();
	if (word[0] == '/')
		return mem_strdup(word);
	return word[0] == '~' ? mem_printf("%s%s", home, word + 1) : mem_printf("%s/.ssh/%s", home, word);
}

static int include(struct ssh_config *c, const char *value, int depth, struct err *err)
{
	struct ssh_config_list words = { 0 };
	ssh_config_words(value, &words);
	int status = 0;
	for (size_t i = 0; i < words.count && status == 0; i++) {
		auto_free char *pattern = include_pattern(words.items[i]);
		glob_t found = { 0 };
		if (glob(pattern, 0, NULL, &found) == 0)
			for (size_t j = 0; j < found.gl_pathc && status == 0; j++)
				status = read_file(c, found.gl_pathv[j], depth + 1, err);
		globfree(&found);
	}
	words_release(&words);
	return status;
}

static int read_file(struct ssh_config *c, const char *path, int depth, struct err *err)
{
	auto_fclose FILE *file = fopen(path, "re");
	if (!file)
		return 0;
	if (depth > INCLUDE_DEPTH)
		return err_set(err, ERR_INPUT, "%s: Include goes deeper than %d files", path, INCLUDE_DEPTH);
	auto_free char *line = NULL;
	size_t room = 0, number = 0;
	bool active = true;
	while (getline(&line, &room, file) > 0) {
		char *key, *value;
		number++;
		if (!split_setting(line, &key, &value))
			continue;
		if (strcmp(key, "host") == 0) {
			active = host_covered(value, c->host);
		} else if (strcmp(key, "match") == 0) {
			if (strcasecmp(value, "all") != 0) {
				err_set(err, ERR_INPUT, "%s:%zu: Match is not understood without the ssh program", path, number);
				return err_hint(err, "install openssh-client, or name another file with -F in ansible_ssh_common_args");
			}
			active = true;
		} else if (active && strcmp(key, "include") == 0) {
			if (include(c, value, depth, err) < 0)
				return -1;
		} else if (active) {
			ssh_config_set(c, key, value);
		}
	}
	return 0;
}

/* ---- whether hosts matter ---- */

static bool file_names_hosts(const char *path, int depth);

static bool include_names_hosts(const char *value, int depth)
{
	struct ssh_config_list words = { 0 };
	ssh_config_words(value, &words);
	bool named = false;
	for (size_t i = 0; i < words.count && !named; i++) {
		auto_free char *pattern = include_pattern(words.items[i]);
		glob_t found = { 0 };
		if (glob(pattern, 0, NULL, &found) == 0)
			for (size_t j = 0; j < found.gl_pathc && !named; j++)
				named = file_names_hosts(found.gl_pathv[j], depth + 1);
		globfree(&found);
	}
	words_release(&words);
	return named;
}

static bool file_names_hosts(const char *path, int depth)
{
	auto_fclose FILE *file = fopen(path, "re");
	if (!file)
		return false;
	auto_free char *line = NULL;
	size_t room = 0;
	bool named = depth > INCLUDE_DEPTH;
	while (!named && getline(&line, &room, file) > 0) {
		char *key, *value;
		if (!split_setting(line, &key, &value))
			continue;
		if (strcmp(key, "host") == 0)
			named = strcmp(value, "*") != 0;
		else if (strcmp(key, "include") == 0)
			named = include_names_hosts(value, depth);
		else
			named = strcmp(key, "match") == 0 || strcmp(key, "hostname") == 0 || strncmp(key, "canonical", 9) == 0;
	}
	return named;
}

bool ssh_config_names_hosts(const char *file)
{
	if (file)
		return strcmp(file, "none") != 0 && file_names_hosts(file, 0);
	auto_free char *home = ssh_config_home();
	auto_free char *own = mem_printf("%s/.ssh/config", home);
	return file_names_hosts(own, 0) || file_names_hosts("/etc/ssh/ssh_config", 0);
}

/* The value of a flag: the rest of its word or the next word. */
static const char *flag_value(const struct ssh_config_list *words, size_t *i)
{
	const char *word = words->items[*i];
	if (word[2])
		return word + 2;
	return *i + 1 < words->count ? words->items[++*i] : "";
}

const char *ssh_config_words_file(const struct ssh_config_list *words)
{
	for (size_t i = 0; i < words->count; i++)
		if (strncmp(words->items[i], "-F", 2) == 0)
			return flag_value(words, &i);
	return NULL;
}

static const char *apply_words(struct ssh_config *c, const struct ssh_config_list *words)
{
	const char *file = NULL;
	int terminals = 0; /* the second -t insists */
	for (size_t i = 0; i < words->count; i++) {
		const char *word = words->items[i];
		if (word[0] != '-')
			continue;
		switch (word[1]) {
		case 'o': {
			auto_free char *setting = mem_strdup(flag_value(words, &i));
			char *key, *value;
			if (split_setting(setting, &key, &value))
				ssh_config_set(c, key, value);
			break;
		}
		case 'i': ssh_config_set(c, "identityfile", flag_value(words, &i)); break;
		case 'p': ssh_config_set(c, "port", flag_value(words, &i)); break;
		case 'l': ssh_config_set(c, "user", flag_value(words, &i)); break;
		case 'J': ssh_config_set(c, "proxyjump", flag_value(words, &i)); break;
		case 'b': ssh_config_set(c, "bindaddress", flag_value(words, &i)); break;
		case 'c': ssh_config_set(c, "ciphers", flag_value(words, &i)); break;
		case 'm': ssh_config_set(c, "macs", flag_value(words, &i)); break;
		case 'F': file = flag_value(words, &i); break;
		case 'C': ssh_config_set(c, "compression", "yes"); break;
		case 't':
			terminals += (int)strspn(word + 1, "t");
			if (terminals > 1)
				ssh_config_set(c, "requesttty", "force");
			break;
		case '4': ssh_config_set(c, "addressfamily", "inet"); break;
		case '6': ssh_config_set(c, "addressfamily", "inet6"); break;
		case 'K': ssh_config_set(c, "gssapidelegatecredentials", "yes"); break;
		case 'k': ssh_config_set(c, "gssapidelegatecredentials", "no"); break;
		}
	}
	return file;
}

int ssh_config_read_files(struct ssh_config *c, const struct ssh_config_list *words, struct err *err)
{
	const char *file = apply_words(c, words);
	if (file && strcmp(file, "none") == 0)
		return 1;
	if (file)
		return read_file(c, file, 0, err) < 0 ? -1 : 1;
	auto_free char *home = ssh_config_home();
	auto_free char *own = mem_printf("%s/.ssh/config", home);
	if (read_file(c, own, 0, err) < 0 || read_file(c, "/etc/ssh/ssh_config", 0, err) < 0)
		return -1;
	return 1;
}
