/* libssh without the names of its first versions (channel_write, channel_close), which session.h uses for its own. */
#ifndef NEAP_WIRE_LIBSSH_H
#define NEAP_WIRE_LIBSSH_H

#define LIBSSH_LEGACY_0_4

#include <libssh/callbacks.h>
#include <libssh/libssh.h>
#include <libssh/server.h>

#endif
