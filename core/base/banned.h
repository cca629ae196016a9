/* Calls this program never makes, because each has a safe twin here. The build includes this file first. */
#ifndef NEAP_BASE_BANNED_H
#define NEAP_BASE_BANNED_H

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

/* Only GCC takes the attribute on a function that was declared before; builds with clang go without. */
#if defined(__GNUC__) && !defined(__clang__)

#define NEAP_BANNED(use) __attribute__((error("banned: use " use)))

extern char *strcpy(char *, const char *) NEAP_BANNED("buf_add or snprintf");
extern char *strcat(char *, const char *) NEAP_BANNED("buf_add");
extern char *strtok(char *, const char *) NEAP_BANNED("strtok_r");
extern int sprintf(char *, const char *, ...) NEAP_BANNED("snprintf or buf_printf");
extern int vsprintf(char *, const char *, __gnuc_va_list) NEAP_BANNED("vsnprintf or buf_vprintf");
extern struct tm *localtime(const time_t *) NEAP_BANNED("localtime_r");
extern struct tm *gmtime(const time_t *) NEAP_BANNED("gmtime_r");
extern int system(const char *) NEAP_BANNED("child_run");
extern int atoi(const char *) NEAP_BANNED("strtol with its end checked");
extern char *mktemp(char *) NEAP_BANNED("mkostemp");

#endif

#endif
