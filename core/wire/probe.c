/* The few messages that make a server show its host certificate. */
#include "wire/probe.h"

#include <errno.h>
#include <poll.h>
#include <stdbool.h>
#include <stdint.h>
#include <string.h>
#include <sys/socket.h>

#include <openssl/rand.h>

#include "base/clock.h"

enum { MSG_DISCONNECT = 1, MSG_KEXINIT = 20, MSG_ECDH_INIT = 30, MSG_ECDH_REPLY = 31, POINT = 32, COOKIE = 16,
       LONGEST_PACKET = 65536, MOST_BYTES = 256 * 1024 };

/* ---- what is sent: all in one flight, because the outcome of the negotiation is known ---- */

static void put_u32(struct buf *to, size_t value)
{
	unsigned char bytes[4] = { (unsigned char)(value >> 24), (unsigned char)(value >> 16), (unsigned char)(value >> 8),
		                       (unsigned char)value };
	buf_add(to, bytes, 4);
}

static void put_text(struct buf *to, const char *text)
{
	put_u32(to, strlen(text));
	buf_str(to, text);
}

/* RFC 4253 6: length, padding to a multiple of eight, payload. */
static void put_packet(struct buf *to, const struct buf *payload)
{
	static const char zeros[16];
	size_t padding = 8 - (5 + payload->length) % 8;
	padding += padding < 4 ? 8 : 0;
	put_u32(to, 1 + payload->length + padding);
	buf_char(to, (char)padding);
	buf_add(to, payload->data, payload->length);
	buf_add(to, zeros, padding);
}

static bool put_random(struct buf *to, size_t length)
{
	unsigned char bytes[POINT];
	if (RAND_bytes(bytes, (int)length) != 1)
		return false;
	buf_add(to, bytes, length);
	return true;
}

static bool write_opening(struct buf *out)
{
	static const char *const lists[] = {
		"curve25519-sha256@libssh.org",
		"ssh-ed25519-cert-v01@openssh.com,ecdsa-sha2-nistp256-cert-v01@openssh.com,"
		"ecdsa-sha2-nistp384-cert-v01@openssh.com,ecdsa-sha2-nistp521-cert-v01@openssh.com,"
		"rsa-sha2-512-cert-v01@openssh.com,rsa-sha2-256-cert-v01@openssh.com",
		"aes256-gcm@openssh.com,aes128-gcm@openssh.com,aes256-ctr,aes128-ctr,chacha20-poly1305@openssh.com",
		"aes256-gcm@openssh.com,aes128-gcm@openssh.com,aes256-ctr,aes128-ctr,chacha20-poly1305@openssh.com",
		"hmac-sha2-256-etm@openssh.com,hmac-sha2-256,hmac-sha2-512",
		"hmac-sha2-256-etm@openssh.com,hmac-sha2-256,hmac-sha2-512",
		"none", "none", "", "",
	};
	auto_buf struct buf kexinit = BUF_INIT, init = BUF_INIT;
	buf_char(&kexinit, MSG_KEXINIT);
	if (!put_random(&kexinit, COOKIE))
		return false;
	for (size_t i = 0; i < sizeof(lists) / sizeof(*lists); i++)
		put_text(&kexinit, lists[i]);
	buf_add(&kexinit, "\0\0\0\0", 5);
	buf_char(&init, MSG_ECDH_INIT);
	put_u32(&init, POINT);
	if (!put_random(&init, POINT))
		return false;
	buf_str(out, "SSH-2.0-neap\r\n");
	put_packet(out, &kexinit);
	put_packet(out, &init);
	return true;
}

/* ---- what comes back ---- */

struct reading {
	struct buf in;
	bool banner;
};

/* Drops lines up to the banner's; false while it is not complete. */
static bool take_banner(struct reading *reading)
{
	while (!reading->banner) {
		char *newline = reading->in.length ? memchr(reading->in.data, '\n', reading->in.length) : NULL;
		if (!newline)
			return false;
		reading->banner = strncmp(reading->in.data, "SSH-", 4) == 0;
		buf_consume(&reading->in, (size_t)(newline - reading->in.data) + 1);
	}
	return true;
}

/* The payload of the next whole packet: 1, 0 if more is needed, -1 if it is none. */
static int take_packet(struct reading *reading, struct buf *payload)
{
	const unsigned char *bytes = (const unsigned char *)reading->in.data;
	if (reading->in.length < 6)
		return 0;
	size_t length = (size_t)bytes[0] << 24 | (size_t)bytes[1] << 16 | (size_t)bytes[2] << 8 | bytes[3];
	if (length > LONGEST_PACKET || length < 2 || bytes[4] > length - 2)
		return -1;
	if (reading->in.length < length + 4)
		return 0;
	buf_clear(payload);
	buf_add(payload, bytes + 5, length - 1 - bytes[4]);
	buf_consume(&reading->in, length + 4);
	return 1;
}

/* The host key of an ECDH reply; without one the server has no certificate to show. */
static int take_key(const struct buf *payload, struct buf *blob, struct err *err)
{
	const unsigned char *bytes = (const unsigned char *)payload->data;
	if (payload->length > 5 && bytes[0] == MSG_ECDH_REPLY) {
		size_t length = (size_t)bytes[1] << 24 | (size_t)bytes[2] << 16 | (size_t)bytes[3] << 8 | bytes[4];
		if (length <= payload->length - 5) {
			buf_add(blob, bytes + 5, length);
			return 0;
		}
	}
	return err_set(err, ERR_HOSTKEY, "the server has no host certificate");
}

static int take_all(struct reading *reading, struct buf *blob, bool *done, struct err *err)
{
	auto_buf struct buf payload = BUF_INIT;
	int found = 0;
	while (take_banner(reading) && (found = take_packet(reading, &payload)) > 0) {
		unsigned char type = payload.length ? (unsigned char)payload.data[0] : 0;
		*done = type == MSG_ECDH_REPLY || type == MSG_DISCONNECT;
		if (*done)
			return take_key(&payload, blob, err);
	}
	return found < 0 || reading->in.length > MOST_BYTES ? err_set(err, ERR_PROTOCOL, "that is no SSH server") : 0;
}

int probe_certificate(int fd, int cancel_fd, int64_t deadline, struct buf *blob, struct err *err)
{
	auto_buf struct buf out = BUF_INIT;
	struct reading reading = { .in = BUF_INIT };
	bool done = false;
	int status = write_opening(&out) ? 0 : err_set(err, ERR_SYSTEM, "no random bytes");
	while (status == 0 && !done) {
		struct pollfd polls[2] = { { fd, (short)(POLLIN | (out.length ? POLLOUT : 0)), 0 }, { cancel_fd, POLLIN, 0 } };
		int ready = poll(polls, 2, clock_left(deadline));
		if (polls[1].revents) {
			status = err_set(err, ERR_INTERRUPTED, "cancelled while fetching the host certificate");
		} else if (ready == 0) {
			status = err_set(err, ERR_TIMEOUT, "fetching the host certificate took too long");
		} else if (out.length && polls[0].revents & POLLOUT) {
			ssize_t sent = send(fd, out.data, out.length, MSG_NOSIGNAL | MSG_DONTWAIT);
			buf_consume(&out, sent > 0 ? (size_t)sent : 0);
		}
		if (status == 0 && polls[0].revents & (POLLIN | POLLHUP | POLLERR)) {
			ssize_t got = recv(fd, buf_reserve(&reading.in, 4096), 4096, MSG_DONTWAIT);
			reading.in.length += got > 0 ? (size_t)got : 0;
			status = take_all(&reading, blob, &done, err);
			if (status == 0 && !done && (got == 0 || (got < 0 && errno != EAGAIN && errno != EINTR)))
				status = err_set(err, ERR_HOSTKEY, "the server has no host certificate");
		}
	}
	buf_release(&reading.in);
	return status;
}
