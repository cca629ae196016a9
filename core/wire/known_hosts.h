/* What known_hosts files say (sshd(8), "SSH_KNOWN_HOSTS FILE FORMAT"): one file parsed once, asked many times.
 *
 * A parsed file is immutable but for known_hosts_add, so it may be shared by threads under their owner's lock. */
#ifndef NEAP_WIRE_KNOWN_HOSTS_H
#define NEAP_WIRE_KNOWN_HOSTS_H

#include <stdbool.h>
#include <stddef.h>

#include "base/buf.h"
#include "base/index.h"

enum known_hosts_mark { KNOWN_HOSTS_KEY, KNOWN_HOSTS_REVOKED, KNOWN_HOSTS_AUTHORITY };

struct known_hosts_line {
	enum known_hosts_mark mark;
	char *names;            /* patterns separated by commas; NULL where the name is hashed */
	unsigned char *salt;    /* HMAC-SHA1 key of a hashed name, or NULL */
	size_t salt_length;
	unsigned char hash[20];
	char *type;             /* "ssh-ed25519" */
	unsigned char *blob;    /* the public key as it goes over the wire (RFC 4253 6.6) */
	size_t blob_length;
	size_t number;          /* line in the file, from 1 */
};

struct known_hosts {
	char *file;
	struct known_hosts_line *lines;
	size_t count, room;
	size_t skipped;         /* lines that could not be understood */
	struct index plain;     /* lines whose names are written out, by each of them */
	size_t *others;         /* lines with patterns or a hashed name, which have to be looked at one by one */
	size_t other_count, other_room;
};

/* The lines about one name, by their place. */
struct known_hosts_found {
	size_t *lines;          /* ascending */
	size_t count, room;
	size_t seen;            /* lines that were looked at */
};

/* Parses the text of a file. Lines that are not understood are skipped and counted. */
void known_hosts_parse(struct known_hosts *known, const char *file, const char *text, size_t length);
/* Adds one line's text, as known_hosts_parse does; false if it was skipped. */
bool known_hosts_add(struct known_hosts *known, const char *text, size_t length, size_t number);
void known_hosts_release(struct known_hosts *known);

/* Whether the line is about that name: "host" or "[host]:port", lower case. */
bool known_hosts_line_matches(const struct known_hosts_line *line, const char *name);
/* Adds the lines about the name that are new since the last time; start with a zeroed one, for each file one of its own. */
void known_hosts_find(const struct known_hosts *known, const char *name, struct known_hosts_found *found);
void known_hosts_found_release(struct known_hosts_found *found);
/* The name that lines are looked up by: lower case, with brackets and port unless it is 22. To be freed. */
char *known_hosts_name(const char *host, int port);

enum known_hosts_verdict {
	KNOWN_HOSTS_UNKNOWN,    /* no line about the host */
	KNOWN_HOSTS_OTHER_TYPE, /* only keys of other types are known */
	KNOWN_HOSTS_CHANGED,    /* another key of this type is known */
	KNOWN_HOSTS_MATCH,
	KNOWN_HOSTS_WAS_REVOKED,
};
struct known_hosts_answer {
	enum known_hosts_verdict verdict;
	const struct known_hosts *known; /* whose line decided; NULL for unknown */
	size_t number;
};
/* Improves the answer by what this file says of the name that was looked for; start with a zeroed one, and ask each file in turn. A
 * revoked key wins over a match, a match over a change, a change over another type. Lines of authorities do not count, except
 * revoked ones. */
void known_hosts_ask(const struct known_hosts *known, const struct known_hosts_found *found, const char *type,
                     const unsigned char *blob, size_t blob_length, struct known_hosts_answer *answer);

/* A line for that name and key with a newline; hashed: the name cannot be read back. */
void known_hosts_write(struct buf *text, const char *name, bool hashed, const char *type, const unsigned char *blob,
                       size_t blob_length);

/* Base64 with padding. */
void known_hosts_base64(struct buf *text, const unsigned char *bytes, size_t length);
/* "SHA256:..." as ssh-keygen -l shows it. */
void known_hosts_fingerprint(struct buf *text, const unsigned char *blob, size_t blob_length);

#endif
