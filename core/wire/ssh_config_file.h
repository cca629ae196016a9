/* The small ssh_config(5) reader for machines without the ssh program, and the words of option strings. */
#ifndef NEAP_WIRE_SSH_CONFIG_FILE_H
#define NEAP_WIRE_SSH_CONFIG_FILE_H

#include "base/err.h"
#include "wire/ssh_config.h"

/* Adds the words of a string as a shell would split it (quotes and backslashes, nothing expanded). NULL adds none. */
void ssh_config_words(const char *text, struct ssh_config_list *words);
/* The value of -F, or NULL; borrowed. */
const char *ssh_config_words_file(const struct ssh_config_list *words);
/* Sets one setting by its lower-case name unless it was set before; those that do not concern neap are ignored. */
void ssh_config_set(struct ssh_config *ssh_config, const char *key, const char *value);
/* Whether the files that ssh would read (file, of -F, or its defaults for NULL) tell hosts apart. */
bool ssh_config_names_hosts(const char *file);
/* Applies the option words, then the files that they or ssh's defaults name. 1, or -1 with ERR_INPUT. */
int ssh_config_read_files(struct ssh_config *ssh_config, const struct ssh_config_list *words, struct err *err) must_check;

#endif
