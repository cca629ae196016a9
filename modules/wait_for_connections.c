/* Connections in the kernel's tables, for wait_for's drained. */
#include <arpa/inet.h>
#include <stdio.h>
#include <string.h>

#include "modules/wait_for.h"

struct address { bool is_v6; unsigned char bytes[16]; };

/* Hexadecimal digits, 32 bits at a time in the host's byte order, as the kernel writes them. */
static bool read_address(const char *hex, struct address *address)
{
	size_t length = strcspn(hex, ":");
	address->is_v6 = length == 32;
	if (length != 8 && length != 32)
		return false;
	for (size_t i = 0; i < length / 8; i++) {
		unsigned word;
		char part[9];
		memcpy(part, hex + 8 * i, 8);
		part[8] = 0;
		if (sscanf(part, "%x", &word) != 1)
			return false;
		memcpy(address->bytes + 4 * i, &word, 4);
	}
	return true;
}

static bool is_mapped(const struct address *address)
{
	static const unsigned char prefix[12] = { [10] = 0xff, [11] = 0xff };
	return address->is_v6 && memcmp(address->bytes, prefix, sizeof(prefix)) == 0;
}

/* Whether text is the address; localhost is the one name that is known without asking. */
static bool is_address(const struct address *address, const char *text)
{
	unsigned char bytes[16];
	if (strcmp(text, "localhost") == 0)
		return is_address(address, "127.0.0.1") || is_address(address, "::1");
	if (inet_pton(AF_INET, text, bytes) == 1)
		return memcmp(address->bytes + (is_mapped(address) ? 12 : 0), bytes, 4) == 0 && (!address->is_v6 || is_mapped(address));
	return inet_pton(AF_INET6, text, bytes) == 1 && address->is_v6 && memcmp(address->bytes, bytes, 16) == 0;
}

static bool is_any(const char *text) { return strcmp(text, "0.0.0.0") == 0 || strcmp(text, "::") == 0; }

static bool counts_state(const struct wait_for_want *want, unsigned number)
{
	static const char *const names[] = { "", "ESTABLISHED", "SYN_SENT", "SYN_RECV", "FIN_WAIT1", "FIN_WAIT2", "TIME_WAIT" };
	for (size_t i = 0; number < 7 && i < json_array_size(want->active_connection_states); i++) {
		if (strcmp(json_string_value(json_array_get(want->active_connection_states, i)), names[number]) == 0)
			return true;
	}
	return false;
}

static bool is_excluded(const struct wait_for_want *want, const struct address *peer)
{
	for (size_t i = 0; i < json_array_size(want->exclude_hosts); i++) {
		if (is_address(peer, json_string_value(json_array_get(want->exclude_hosts, i))))
			return true;
	}
	return false;
}

/* "   1: 0100007F:1F90 0100007F:D2F6 01 ..." */
static bool counts(const struct wait_for_want *want, const char *line)
{
	char local[40], peer[40];
	unsigned local_port, peer_port, state;
	struct address here, there;
	if (sscanf(line, " %*u: %32[0-9A-F]:%x %32[0-9A-F]:%x %x", local, &local_port, peer, &peer_port, &state) != 5)
		return false;
	if (local_port != (unsigned)want->port || !counts_state(want, state) || !read_address(local, &here) || !read_address(peer, &there))
		return false;
	return !is_excluded(want, &there) && (is_any(want->host) || is_address(&here, want->host));
}

size_t wait_for_connections(const struct wait_for_want *want, const char *tables)
{
	size_t count = 0;
	for (const char *line = tables; line && *line; line = strchr(line, '\n'), line = line ? line + 1 : NULL)
		count += counts(want, line);
	return count;
}
