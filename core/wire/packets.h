/* The packets of SFTP version 3 (draft-ietf-secsh-filexfer-02): building requests, reading replies. Nothing here trusts a
 * length: a reply is read within its own bytes or refused. Pointers in a reply go into those bytes. */
#ifndef NEAP_WIRE_PACKETS_H
#define NEAP_WIRE_PACKETS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/buf.h"

enum {
	PACKETS_MOST = 256 * 1024 + 1024, /* bytes in a packet; what is longer is no answer to anything asked */
	PACKETS_HANDLE_MOST = 256,        /* section 6.3 */
};

enum packet_type {
	PACKET_INIT = 1, PACKET_VERSION = 2, PACKET_OPEN = 3, PACKET_CLOSE = 4, PACKET_READ = 5, PACKET_WRITE = 6,
	PACKET_LSTAT = 7, PACKET_FSTAT = 8, PACKET_SETSTAT = 9, PACKET_FSETSTAT = 10, PACKET_REMOVE = 13,
	PACKET_REALPATH = 16, PACKET_STAT = 17, PACKET_RENAME = 18,
	PACKET_STATUS = 101, PACKET_HANDLE = 102, PACKET_DATA = 103, PACKET_NAME = 104, PACKET_ATTRS = 105,
	PACKET_EXTENDED = 200, PACKET_EXTENDED_REPLY = 201,
};

enum packet_status {
	STATUS_OK = 0, STATUS_EOF = 1, STATUS_NO_SUCH_FILE = 2, STATUS_PERMISSION_DENIED = 3, STATUS_FAILURE = 4,
	STATUS_BAD_MESSAGE = 5, STATUS_NO_CONNECTION = 6, STATUS_CONNECTION_LOST = 7, STATUS_OP_UNSUPPORTED = 8,
};

enum packet_open { OPEN_READ = 1, OPEN_WRITE = 2, OPEN_CREATE = 8, OPEN_TRUNCATE = 16, OPEN_EXCLUSIVE = 32 };

enum packet_attribute_flags { ATTRIBUTE_SIZE = 1, ATTRIBUTE_OWNER = 2, ATTRIBUTE_MODE = 4, ATTRIBUTE_TIMES = 8 };

struct packet_attributes {
	uint32_t flags;
	uint64_t size;
	uint32_t uid, gid, mode, atime, mtime;
};

struct packet_bytes { const char *bytes; size_t length; };

struct packet_reply {
	enum packet_type type;
	uint32_t id;                      /* of all but VERSION */
	uint32_t version;                 /* VERSION */
	uint32_t status;                  /* STATUS */
	struct packet_bytes text;         /* STATUS: the message; HANDLE; DATA; NAME: the first; EXTENDED_REPLY: all of it */
	uint32_t names;                   /* NAME: how many */
	struct packet_attributes attributes; /* ATTRS */
	struct packet_bytes extensions;   /* VERSION: the pairs, for packets_extension */
};

/* 1: there is a whole packet, of *size bytes behind its length word; 0: not yet; -1: no sane packet begins here. */
int packets_whole(const char *bytes, size_t length, size_t *size);
/* Reads one packet without its length word. -1: it is malformed or of no type that is a reply. */
int packets_read(const char *bytes, size_t length, struct packet_reply *reply);
/* The next name and data from VERSION's pairs; false at the end. */
bool packets_extension(struct packet_bytes *pairs, struct packet_bytes *name, struct packet_bytes *data);
/* 64-bit numbers from the front of bytes; false where there are too few. */
bool packets_numbers(const struct packet_bytes *bytes, uint64_t *numbers, size_t count);

/* ---- building: start, fields, end ---- */

/* Where the packet's length word is, for packets_end. */
size_t packets_start(struct buf *buf, enum packet_type type);
void packets_u32(struct buf *buf, uint32_t value);
void packets_u64(struct buf *buf, uint64_t value);
void packets_string(struct buf *buf, const void *bytes, size_t length);
void packets_text(struct buf *buf, const char *text);
void packets_attributes(struct buf *buf, const struct packet_attributes *attributes);
/* extra: bytes of the packet that the caller sends behind what is in buf. */
void packets_end(struct buf *buf, size_t start, size_t extra);

#endif
