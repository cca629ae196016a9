/* Paths as Ansible takes them on a target: "~", "~user" and $NAME are the target's to know. */
#ifndef NEAP_PLAN_PATH_H
#define NEAP_PLAN_PATH_H

#include <stdbool.h>

#include "base/buf.h"
#include "plan/decision.h"

/* The path with "~" and variables replaced, asked from the target where there are any; NULL: not answered yet. path may be
 * NULL, and comes back as an empty string then. Good as long as the decision. */
const char *path_expand(struct decision *decision, const char *path);
/* Whether there is anything to replace. */
bool path_is_expandable(const char *text);
/* Adds text as one word for sh, in which only a "~" or "~user" at its start, $NAME and ${NAME} mean something; a variable
 * that is not set stays as it was written. */
void path_quote(struct buf *buf, const char *text);
/* The part behind the last slash; "" where the path ends in one. */
const char *path_base(const char *path);
/* folder/name, with one slash between them. In the arena of the decision. */
const char *path_join(struct decision *decision, const char *folder, const char *name);
/* The folder that a path is in: "/", "." or what stands before the last slash. In the arena of the decision. */
const char *path_folder(struct decision *decision, const char *path);
bool path_ends_in_slash(const char *path);

#endif
