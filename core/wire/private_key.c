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
	auto_free char *public = mem_printf("%s.pub", path);
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
	auto_free char *question = mem_printf("Passphrase for the key %s: ", file->path);
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
	if (!key && encrypted && ask)
		key = ask_and_decrypt(file, &text);
	if (!key)
		return encrypted ? PRIVATE_KEY_ENCRYPTED : PRIVATE_KEY_UNREADABLE;
	file->key = hub_key_keep(hub, file->path, key);
	return PRIVATE_KEY_READY;
}

/* ---- certificates ---- */

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
	if (both && ssh_key_cmp(certificate, file->key, SSH_KEY_CMP_PUBLIC) == 0 &&
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
