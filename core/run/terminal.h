/* Talking to the user on /dev/tty: questions, and longer conversations. One at a time stands there, whichever thread has it,
 * and the run's reports stand still meanwhile, so that nothing is written over it. */
#ifndef NEAP_RUN_TERMINAL_H
#define NEAP_RUN_TERMINAL_H

#include <stdbool.h>

#include "base/auto.h"
#include "base/secret.h"

struct run_context;

struct terminal {
	int fd;
	struct run_context *run; /* NULL: there is none */
};

/* Whether there is a terminal to talk on. */
bool terminal_is_there(void);
/* Waits until nobody else talks. false: there is no terminal. Not to be opened again by a thread that has it open. */
bool terminal_open(struct terminal *terminal, struct run_context *run);
/* Shows a text as it is, and reads a line; what is typed is seen if echo. false: the user gave up, by the end of the input or
 * Ctrl-C. */
bool terminal_ask(const struct terminal *terminal, const char *text, bool echo, struct secret *answer);
/* Shows a text as it is. */
void terminal_say(const struct terminal *terminal, const char *text);
void terminal_close(struct terminal *terminal);

#endif
