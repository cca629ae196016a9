/* An SFTP server that misbehaves, to be a Subsystem of a test's sshd:
 *   hostile_sftp garbage   text where packets should be
 *   hostile_sftp huge      a packet that claims 4 GB, and then bytes without end
 *   hostile_sftp ids       every answer carries the id of another question
 *   hostile_sftp flood     answers nobody asked for, without end
 *   hostile_sftp silent    a greeting, then nothing
 *   hostile_sftp mute      not even a greeting
 *   hostile_sftp deny      every question is refused, with escape sequences in the words
 *   hostile_sftp lies      every question is answered OK, and nothing is done
 *   hostile_sftp short     packets whose fields end in the middle
 *   hostile_sftp hangup    ends after the first question */
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

enum { INIT = 1, VERSION = 2, STATUS = 101, HANDLE = 102, ATTRS = 105 };

static unsigned char question[300 * 1024];

static bool read_all(void *to, size_t length)
{
	for (size_t done = 0; done < length;) {
		ssize_t n = read(0, (char *)to + done, length - done);
		if (n <= 0)
			return false;
		done += (size_t)n;
	}
	return true;
}

static bool write_all(const void *from, size_t length)
{
	for (size_t done = 0; done < length;) {
		ssize_t n = write(1, (const char *)from + done, length - done);
		if (n <= 0)
			return false;
		done += (size_t)n;
	}
	return true;
}

static uint32_t number(const unsigned char *at)
{
	return (uint32_t)at[0] << 24 | (uint32_t)at[1] << 16 | (uint32_t)at[2] << 8 | at[3];
}

static unsigned char *put_number(unsigned char *at, uint32_t value)
{
	for (int shift = 24; shift >= 0; shift -= 8)
		*at++ = (unsigned char)(value >> shift);
	return at;
}

static unsigned char *put_text(unsigned char *at, const char *text)
{
	at = put_number(at, (uint32_t)strlen(text));
	memcpy(at, text, strlen(text));
	return at + strlen(text);
}

static bool greet(void)
{
	unsigned char packet[9] = { 0, 0, 0, 5, VERSION, 0, 0, 0, 3 };
	return write_all(packet, sizeof(packet));
}

/* The length and type of the next question, its id in *id; -1 at the end. */
static int next_question(uint32_t *id)
{
	unsigned char head[4];
	if (!read_all(head, 4) || number(head) > sizeof(question) || number(head) < 5 || !read_all(question, number(head)))
		return -1;
	*id = number(question + 1);
	return question[0];
}

static bool answer_status(uint32_t id, uint32_t status, const char *words)
{
	unsigned char packet[256], *at = packet + 4;
	*at++ = STATUS;
	at = put_number(at, id);
	at = put_number(at, status);
	at = put_text(at, words);
	at = put_text(at, "");
	put_number(packet, (uint32_t)(at - packet - 4));
	return write_all(packet, (size_t)(at - packet));
}

/* What keeps the client going: a handle for an OPEN, attributes without any field for a STAT. */
static bool answer_lie(int type, uint32_t id)
{
	unsigned char packet[64], *at = packet + 4;
	bool opens = type == 3, looks = type == 7 || type == 8 || type == 17;
	if (!opens && !looks)
		return answer_status(id, 0, "");
	*at++ = opens ? HANDLE : ATTRS;
	at = put_number(at, id);
	at = opens ? put_text(at, "h") : put_number(at, 0);
	put_number(packet, (uint32_t)(at - packet - 4));
	return write_all(packet, (size_t)(at - packet));
}

static void flood(const void *bytes, size_t length)
{
	while (write_all(bytes, length))
		;
}

static void answer_questions(const char *mode)
{
	static const unsigned char huge[4096] = { 0xff, 0xff, 0xff, 0xff, STATUS };
	static const unsigned char unasked[] = { 0, 0, 0, 17, STATUS, 0x7f, 0, 0, 1, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0 };
	static const unsigned char cut[] = { 0, 0, 0, 7, STATUS, 0, 0, 0, 0, 0, 0 };
	uint32_t id;
	for (int type; (type = next_question(&id)) >= 0;) {
		bool going = true;
		if (strcmp(mode, "huge") == 0)
			flood(huge, sizeof(huge));
		else if (strcmp(mode, "flood") == 0)
			flood(unasked, sizeof(unasked));
		else if (strcmp(mode, "ids") == 0)
			going = answer_status(id + 77777, 0, "");
		else if (strcmp(mode, "deny") == 0)
			going = answer_status(id, 4, "\033[2J\033]0;owned\007no\nok: [forged]");
		else if (strcmp(mode, "lies") == 0)
			going = answer_lie(type, id);
		else if (strcmp(mode, "short") == 0)
			going = write_all(cut, sizeof(cut));
		else if (strcmp(mode, "hangup") == 0)
			going = false;
		if (!going)
			return;
	}
}

int main(int argc, char **argv)
{
	const char *mode = argc > 1 ? argv[1] : "garbage";
	if (strcmp(mode, "garbage") == 0)
		flood("This is no SFTP server.\n\033[31m", 29);
	if (strcmp(mode, "mute") == 0)
		while (read(0, question, sizeof(question)) > 0)
			;
	unsigned char init[9];
	if (!read_all(init, sizeof(init)) || init[4] != INIT || !greet())
		return 1;
	answer_questions(mode);
	return 0;
}
