/* Passwords and passphrases: from the terminal, a file, or a program that prints one. Never from argv. */
#ifndef NEAP_RUN_PASSWORDS_H
#define NEAP_RUN_PASSWORDS_H

#include <stdatomic.h>
#include <stdbool.h>

#include "base/err.h"
#include "base/secret.h"

/* Asks on /dev/tty without echo; one thread at a time. false when there is no terminal or the user gave up: by the end of
 * the input, or once the atomic_bool that context points to (NULL: none) is true. */
bool passwords_prompt(void *context, const char *text, struct secret *answer);
/* The same with echo, for what is not secret. */
bool passwords_prompt_shown(const char *text, struct secret *answer);
/* Asks for a line; what is typed is seen if echo. text is shown as it is. False, too, once *cancelled (NULL: never). */
bool passwords_ask(const char *text, bool echo, const atomic_bool *cancelled, struct secret *answer);
/* The first line of a file, or of what it prints if it is executable. */
int passwords_read(const char *path, struct secret *password, struct err *err) must_check;

#endif
