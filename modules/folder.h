/* Folders that have to be made before something can be put into them. */
#ifndef NEAP_MODULES_FOLDER_H
#define NEAP_MODULES_FOLDER_H

#include "plan/module.h"

struct folder_list { const char *const *paths; size_t count; }; /* outermost first, in the decision's arena */

/* The folder and those above it that do not exist. -1: not answered yet, or the task was failed. To be called before the
 * first step. */
int folder_missing(struct decision *decision, const char *path, struct folder_list *missing);
/* Adds the steps that make them. true: all are done. */
bool folder_make(struct decision *decision, const struct folder_list *missing, const struct attributes *attributes);

#endif
