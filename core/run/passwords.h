/* Passwords and passphrases: from the terminal, a file, or a program that prints one. Never from argv. */
#ifndef NEAP_RUN_PASSWORDS_H
#define NEAP_RUN_PASSWORDS_H

#include <stdbool.h>

#include "base/err.h"
#include "base/secret.h"

struct run_context;

/* Asks on /dev/tty without echo; one thread at a time. context: the struct run_context, or NULL where there is no run; its
 * reports stand still meanwhile. false when there is no terminal or the user gave up: by the end of the input or Ctrl-C. */
bool passwords_prompt(void *context, const char *text, struct secret *answer);
/* The same with echo, for what is not secret. */
bool passwords_prompt_shown(const char *text, struct secret *answer);
/* Asks for a line in the same way; what is typed is seen if echo. text is shown as it is. */
bool passwords_ask(struct run_context *run, const char *text, bool echo, struct secret *answer);
/* The first line of a file, or of what it prints if it is executable. */
int passwords_read(const char *path, struct secret *password, struct err *err) must_check;

#endif
