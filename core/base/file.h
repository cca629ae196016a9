/* Files on the machine neap runs on. */
#ifndef NEAP_BASE_FILE_H
#define NEAP_BASE_FILE_H

#include <stddef.h>

#include "base/buf.h"
#include "base/err.h"

/* Adds a file's whole content to out. ERR_INPUT with os_error where it cannot be read (EISDIR for a folder), or is larger than
 * most bytes (EFBIG). */
int file_read(const char *path, size_t most, struct buf *out, struct err *err) must_check;

/* The path from the root, without "." and empty parts; symlinks and ".." stay as they are. New string. */
char *file_absolute(const char *path);

#endif
