/* File modes as text: octal ("0644", "1777") and symbolic ("u=rw,go=r", "a+X") as chmod(1) in POSIX has them. */
#ifndef NEAP_PLAN_MODE_H
#define NEAP_PLAN_MODE_H

#include <stdbool.h>
#include <sys/types.h>

#include "base/err.h"

/* Checks the text; ERR_INPUT says what is wrong with it. */
int mode_check(const char *text, struct err *err) must_check;
/* The mode that text gives a file which has old now. text must have passed mode_check. */
mode_t mode_apply(const char *text, mode_t old, bool is_directory, mode_t umask);
/* "0644" */
const char *mode_text(mode_t mode, char text[8]);

#endif
