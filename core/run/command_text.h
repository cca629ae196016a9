/* A command of a module as text for the target's sh, and the wire's outcome as the module's. */
#ifndef NEAP_RUN_COMMAND_TEXT_H
#define NEAP_RUN_COMMAND_TEXT_H

#include "plan/command.h"
#include "wire/wire.h"

/* Adds the whole command: environment (with more variables beside its own; may be NULL), folder, words. It ends in exec, so
 * that the command's own exit status is the shell's. */
void command_text(struct buf *text, const struct command *command, json_t *environment);
/* Adds a space and a path as a word that no utility takes for an option. */
void command_text_path(struct buf *text, const char *path);
/* The outcome with its streams copied into the arena. */
void command_text_result(struct arena *arena, const struct wire_outcome *from, struct command_result *to);

#endif
