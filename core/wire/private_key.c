/* Opening private keys: each file once for the run, because an encrypted one takes a tenth of a second. */
#include "wire/private_key.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <openssl/evp.h>

#include "base/auto.h"
#include "base/buf.h"
#include "base/mem.h"

enum { LONGEST_KEY = 256 * 1024, ASK_TIMES = 3 };

/* ---- files ---- */

static bool read_file(const char *path, struct secret *text)
{
	auto_fclose FILE *file = fopen(path, "re");
	if (!file)
		return false;
	setbuf(file, NULL); /* stdio would keep what it reads in memory that nobody wipes */
	auto_free char *bytes = mem_alloc(LONGEST_KEY);
	size_t length = fread(bytes, 1, LONGEST_KEY, file);
	secret_set(text, bytes, length);
	secret_wipe(bytes, length);
	return length > 0;
}

/* OpenSSH's own format names the cipher in its head (PROTOCOL.key); PEM says ENCRYPTED in clear text. */
static bool is_encrypted(const char *text)
{
	static const char begin[] = "-----BEGIN OPENSSH PRIVATE KEY-----";
	const char *at = strstr(text, begin);
	if (!at)
		return strstr(text, "ENCRYPTED") != NULL;
	char head[41];
	unsigned char bytes[32] = { 0 };
	size_t length = 0;
	for (at += sizeof(begin) - 1; *at && length < 40; at++)
		if (*at != '\n' && *at != '\r')
			head[length++] = *at;
	head[length] = '\0';
	/* "openssh-key-v1\0", the length of the cipher's name, its name */
	if (length < 40 || EVP_DecodeBlock(bytes, (const unsigned char *)head, 40) < 0)
		return false;
	return memcmp(bytes + 15, "\0\0\0\4none", 8) != 0;
}

ssh_key private_key_public(const char *path)
{
	ssh_key key = NULL;
	/* IdentityFile may name the public half itself, for a key that is in the agent. */
	const char *dot = strrchr(path, '.');
	auto_free char *public = mem_printf("%s%s", path, dot && strcmp(dot, ".pub") == 0 ? "" : ".pub");
	return ssh_pki_import_pubkey_file(public, &key) == SSH_OK ? key : NULL;
}

/* ---- opening ---- */

static ssh_key decrypt(const struct secret *text, const char *passphrase)
{
	ssh_key key = NULL;
	return ssh_pki_import_privkey_base64(text->bytes, passphrase, NULL, NULL, &key) == SSH_OK ? key : NULL;
}

static ssh_key ask_and_decrypt(const struct private_key *file, const struct secret *text)
{
	ssh_key key = NULL;
	auto_free char *question = mem_printf("Passphrase for the key %s", file->path);
	for (int i = 0; i < ASK_TIMES && !key; i++) {
		auto_secret struct secret answer = SECRET_INIT;
		if (!file->watch->prompt || !file->watch->prompt(file->watch->context, question, &answer))
			return NULL;
		key = decrypt(text, answer.bytes ? answer.bytes : "");
	}
	return key;
}

static enum private_key_found open_key(struct private_key *file, struct wire_hub *hub, bool ask)
{
	auto_secret struct secret text = SECRET_INIT;
	file->key = hub_key_find(hub, file->path);
	if (file->key)
		return PRIVATE_KEY_READY;
	if (!read_file(file->path, &text))
		return access(file->path, F_OK) == 0 ? PRIVATE_KEY_UNREADABLE : PRIVATE_KEY_MISSING;
	bool encrypted = is_encrypted(text.bytes);
	ssh_key key = NULL;
	if (!encrypted)
		key = decrypt(&text, NULL);
	else if (file->passphrase && secret_given(file->passphrase))
		key = decrypt(&text, file->passphrase->bytes);
	if (!key && encrypted && ask && !hub_key_refused(hub, file->path)) {
		key = ask_and_decrypt(file, &text);
		if (!key)
			hub_key_refuse(hub, file->path);
	}
	if (!key)
		return encrypted ? PRIVATE_KEY_ENCRYPTED : PRIVATE_KEY_UNREADABLE;
	file->key = hub_key_keep(hub, file->path, key);
	return PRIVATE_KEY_READY;
}

/* ---- certificates ---- */

/* The public half, or the certificate, as it goes over the wire. */
static bool key_blob(const ssh_key key, struct buf *blob)
{
	char *text = NULL;
	if (ssh_pki_export_pubkey_base64(key, &text) != SSH_OK)
		return false;
	size_t length = strlen(text);
	unsigned char *place = (unsigned char *)buf_reserve(blob, length);
	int decoded = EVP_DecodeBlock(place, (const unsigned char *)text, (int)length);
	blob->length = decoded > 0 ? (size_t)decoded : 0;
	while (length > 0 && blob->length > 0 && text[--length] == '=')
		blob->length--;
	ssh_string_free_char(text);
	return blob->length > 0;
}

/* Where the string at that place of a blob ends; past the end if it does not fit. */
static size_t after_string(const struct buf *blob, size_t at)
{
	if (at + 4 > blob->length)
		return blob->length + 1;
	const unsigned char *bytes = (const unsigned char *)blob->data + at;
	return at + 4 + ((size_t)bytes[0] << 24 | (size_t)bytes[1] << 16 | (size_t)bytes[2] << 8 | bytes[3]);
}

/* A certificate is its type, a nonce, and then the key's own fields (PROTOCOL.certkeys): libssh's comparison stops at the
 * type. */
static bool certificate_is_for(const ssh_key certificate, const ssh_key key)
{
	auto_buf struct buf certified = BUF_INIT, plain = BUF_INIT;
	if (!key_blob(certificate, &certified) || !key_blob(key, &plain))
		return false;
	size_t at = after_string(&certified, after_string(&certified, 0)), from = after_string(&plain, 0);
	if (from > plain.length || at > certified.length || certified.length - at < plain.length - from)
		return false;
	return memcmp(certified.data + at, plain.data + from, plain.length - from) == 0;
}

static void attach_certificate(struct private_key *file, struct wire_hub *hub)
{
	auto_free char *beside = mem_printf("%s-cert.pub", file->path);
	const char *certificate_path = file->certificate ? file->certificate : beside;
	auto_free char *name = mem_printf("%s\n%s", file->path, certificate_path);
	file->certified = hub_key_find(hub, name);
	ssh_key certificate = NULL;
	if (file->certified || ssh_pki_import_cert_file(certificate_path, &certificate) != SSH_OK)
		return;
	ssh_key both = ssh_key_dup(file->key);
	if (both && certificate_is_for(certificate, file->key) &&
	    ssh_pki_copy_cert_to_privkey(certificate, both) == SSH_OK)
		file->certified = hub_key_keep(hub, name, both);
	else
		ssh_key_free(both);
	ssh_key_free(certificate);
}

enum private_key_found private_key_open(struct private_key *file, struct wire_hub *hub, bool ask)
{
	hub_keys_lock(hub);
	enum private_key_found found = open_key(file, hub, ask);
	if (found == PRIVATE_KEY_READY)
		attach_certificate(file, hub);
	hub_keys_unlock(hub);
	if (file->certificate && found == PRIVATE_KEY_READY) {
		/* The key by itself was offered before the named certificates. */
		file->key = NULL;
		return file->certified ? PRIVATE_KEY_READY : PRIVATE_KEY_MISSING;
	}
	return found;
}
