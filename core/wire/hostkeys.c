/* Whether the server is the one that known_hosts know: the order of host key types to ask for, and the verdict with its
 * policy. Nothing about the user has been sent when this runs. */
#include "wire/ssh.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

#include <openssl/evp.h>

#include "base/buf.h"
#include "base/clock.h"
#include "base/mem.h"
#include "wire/algorithms.h"
#include "wire/certificate.h"
#include "wire/probe.h"

/* ---- the name and the policy ---- */

/* OpenSSH looks a host up by its alias if it has one, else by the name as configured, with the port. */
static char *lookup_name(const struct ssh_config *c)
{
	return c->host_key_alias ? known_hosts_name(c->host_key_alias, 22) : known_hosts_name(c->host_name, c->port);
}

static enum wire_host_keys policy(const struct ssh_state *state)
{
	const char *configured = state->config.strict_host_keys;
	if (state->base.config->host_keys != WIRE_KEYS_CONFIGURED)
		return state->base.config->host_keys;
	if (!hub_checks_host_keys(state->hub))
		return WIRE_KEYS_OFF;
	if (configured && strcasecmp(configured, "accept-new") == 0)
		return WIRE_KEYS_ACCEPT_NEW;
	if (configured && (strcasecmp(configured, "no") == 0 || strcasecmp(configured, "off") == 0 ||
	                   strcasecmp(configured, "false") == 0))
		return WIRE_KEYS_OFF;
	return WIRE_KEYS_STRICT;
}

/* ---- which type to ask for ---- */

/* The type of the key that an algorithm signs with. */
static bool algorithm_is_of(const char *algorithm, size_t length, const char *type)
{
	if (strcmp(type, "ssh-rsa") == 0 && strncmp(algorithm, "rsa-sha2-", 9) == 0)
		return true;
	return strlen(type) == length && strncmp(algorithm, type, length) == 0;
}

struct types_known {
	const char *allowed; /* comma list of algorithms */
	bool known[32];      /* by place in that list: the type of its key is known for the host */
};

static void look_types(const struct known_hosts *known, const struct known_hosts_found *found, void *context)
{
	struct types_known *types = context;
	for (size_t i = 0; i < found->count; i++) {
		const struct known_hosts_line *line = &known->lines[found->lines[i]];
		if (line->mark != KNOWN_HOSTS_KEY)
			continue;
		const char *at = types->allowed;
		for (size_t j = 0; *at && j < sizeof(types->known); j++) {
			size_t length = strcspn(at, ",");
			types->known[j] |= algorithm_is_of(at, length, line->type);
			at += length + (at[length] == ',');
		}
	}
}

static void each_file(struct ssh_state *state,
                      void (*look)(const struct known_hosts *known, const struct known_hosts_found *found, void *context),
                      void *context)
{
	const struct ssh_config_list *users = &state->config.user_known_hosts, *global = &state->config.global_known_hosts;
	auto_free char *name = lookup_name(&state->config);
	if (!state->known)
		state->known = mem_array(users->count + global->count, sizeof(*state->known));
	for (size_t i = 0; i < users->count + global->count; i++) {
		const char *path = i < users->count ? users->items[i] : global->items[i - users->count];
		hub_known_hosts(state->hub, path, name, &state->known[i], look, context);
	}
}

void hostkeys_release(struct ssh_state *state)
{
	size_t count = state->config.user_known_hosts.count + state->config.global_known_hosts.count;
	for (size_t i = 0; state->known && i < count; i++)
		known_hosts_found_release(&state->known[i]);
	free(state->known);
	state->known = NULL;
}

/* Those of known types first, otherwise in their order. */
static void order_types(struct types_known *types, struct buf *order)
{
	for (int wanted = 1; wanted >= 0; wanted--) {
		const char *at = types->allowed;
		for (size_t j = 0; *at && j < sizeof(types->known); j++) {
			size_t length = strcspn(at, ",");
			if (types->known[j] == wanted)
				buf_printf(order, "%s%.*s", order->length ? "," : "", (int)length, at);
			at += length + (at[length] == ',');
		}
	}
}

int hostkeys_prefer(struct ssh_state *state, struct err *err)
{
	auto_buf struct buf order = BUF_INIT;
	const char *chosen = state->config.host_key_algorithms;
	struct types_known types = { .allowed = chosen ? chosen : algorithms_table[ALGORITHMS_HOST_KEYS].usual };
	each_file(state, look_types, &types);
	order_types(&types, &order);
	if (ssh_options_set(state->ssh, SSH_OPTIONS_HOSTKEYS, order.data) != SSH_OK)
		return err_set(err, ERR_INPUT, "HostKeyAlgorithms: libssh does not take %s", order.data);
	return 0;
}

/* ---- the verdict ---- */

struct host_key {
	const char *type;
	unsigned char *blob;
	size_t length;
	char *fingerprint;
};

static void host_key_release(struct host_key *key)
{
	free(key->blob);
	free(key->fingerprint);
}

static int host_key_get(struct ssh_state *state, struct host_key *key, struct err *err)
{
	ssh_key server = NULL;
	char *text = NULL;
	if (ssh_get_server_publickey(state->ssh, &server) != SSH_OK || ssh_pki_export_pubkey_base64(server, &text) != SSH_OK) {
		ssh_key_free(server);
		return err_set(err, ERR_PROTOCOL, "the host key of %s cannot be read", state->peer);
	}
	key->type = ssh_key_type(server) == SSH_KEYTYPE_RSA ? "ssh-rsa" : ssh_key_type_to_char(ssh_key_type(server));
	size_t length = strlen(text);
	key->blob = mem_alloc(length);
	int decoded = EVP_DecodeBlock(key->blob, (const unsigned char *)text, (int)length);
	size_t padding = length < 2 || text[length - 1] != '=' ? 0 : text[length - 2] != '=' ? 1 : 2;
	key->length = decoded < 0 ? 0 : (size_t)decoded - padding;
	ssh_string_free_char(text);
	ssh_key_free(server);
	auto_buf struct buf fingerprint = BUF_INIT;
	known_hosts_fingerprint(&fingerprint, key->blob, key->length);
	key->fingerprint = buf_take(&fingerprint);
	return 0;
}

struct question {
	const char *name;
	const struct host_key *key;
	enum known_hosts_verdict verdict;
	char *file; /* where the deciding line is */
	size_t number;
};

static void look_key(const struct known_hosts *known, const struct known_hosts_found *found, void *context)
{
	struct question *question = context;
	struct known_hosts_answer answer = { question->verdict, NULL, 0 };
	known_hosts_ask(known, found, question->key->type, question->key->blob, question->key->length, &answer);
	if (!answer.known)
		return;
	question->verdict = answer.verdict;
	question->number = answer.number;
	free(question->file);
	question->file = mem_strdup(known->file);
}

/* ---- saving a new key ---- */

static void make_directory(const char *path)
{
	auto_free char *directory = mem_strdup(path);
	char *slash = strrchr(directory, '/');
	if (slash && slash != directory) {
		*slash = '\0';
		(void)mkdir(directory, 0700);
	}
}

/* Asks the file once more as it is now that it is locked: another process may have been faster. */
static bool is_still_unknown(int fd, const char *path, off_t length, struct question *question)
{
	struct known_hosts now = { 0 };
	auto_buf struct buf text = BUF_INIT;
	ssize_t got = length > 0 ? pread(fd, buf_reserve(&text, (size_t)length), (size_t)length, 0) : 0;
	text.length = got > 0 ? (size_t)got : 0;
	known_hosts_parse(&now, path, buf_text(&text), text.length);
	struct known_hosts_found found = { 0 };
	known_hosts_find(&now, question->name, &found);
	look_key(&now, &found, question);
	known_hosts_found_release(&found);
	known_hosts_release(&now);
	return question->verdict == KNOWN_HOSTS_UNKNOWN;
}

/* Appends under a lock in one write, after a newline if the last line lacks one: other writers of the file, ssh among
 * them, append too, so a file put in its place would lose their lines. Where the host is known by now nothing is written. */
static int save_line(const char *path, struct question *question, const struct buf *line, struct err *err)
{
	make_directory(path);
	auto_close int fd = open(path, O_RDWR | O_CREAT | O_APPEND | O_CLOEXEC, 0600);
	if (fd < 0 || flock(fd, LOCK_EX) < 0)
		return err_errno(err, ERR_SYSTEM, "saving the host key in %s", path);
	off_t end = lseek(fd, 0, SEEK_END);
	if (!is_still_unknown(fd, path, end, question))
		return 0;
	char last = '\n';
	auto_buf struct buf text = BUF_INIT;
	if (end > 0 && pread(fd, &last, 1, end - 1) == 1 && last != '\n')
		buf_char(&text, '\n');
	buf_add(&text, line->data, line->length);
	ssize_t written = write(fd, text.data, text.length);
	if (written < 0 || (size_t)written != text.length)
		return err_errno(err, ERR_SYSTEM, "saving the host key in %s", path);
	return 0;
}

static void save_key(struct ssh_state *state, struct question *question)
{
	const char *name = question->name;
	const struct host_key *key = question->key;
	struct err err = ERR_INIT;
	auto_buf struct buf line = BUF_INIT;
	if (state->config.user_known_hosts.count == 0)
		return;
	const char *path = state->config.user_known_hosts.items[0];
	known_hosts_write(&line, name, state->config.hash_known_hosts == SSH_CONFIG_YES, key->type, key->blob, key->length);
	if (save_line(path, question, &line, &err) < 0)
		ssh_warning(state, "%s", err.text);
	else if (question->verdict == KNOWN_HOSTS_UNKNOWN)
		ssh_warning(state, "the new host key of %s (%s %s) is now in %s", name, key->type, key->fingerprint, path);
	if (question->verdict == KNOWN_HOSTS_UNKNOWN || question->verdict == KNOWN_HOSTS_MATCH)
		hub_known_hosts_add(state->hub, path, line.data, line.length - 1);
}

static void save_once(struct ssh_state *state, struct question *question)
{
	hub_saving_lock(state->hub);
	each_file(state, look_key, question);
	if (question->verdict == KNOWN_HOSTS_UNKNOWN)
		save_key(state, question);
	hub_saving_unlock(state->hub);
}

/* ---- authorities ---- */

struct vouching {
	const struct certificate *certificate; /* NULL: is there any authority for the host? */
	bool found, revoked;
};

static void look_authority(const struct known_hosts *known, const struct known_hosts_found *found, void *context)
{
	struct vouching *vouching = context;
	for (size_t i = 0; i < found->count; i++) {
		const struct known_hosts_line *line = &known->lines[found->lines[i]];
		const struct buf *authority = vouching->certificate ? &vouching->certificate->authority : NULL;
		bool same = !authority || (line->blob_length == authority->length &&
		                           memcmp(line->blob, authority->data, authority->length) == 0);
		if (line->mark == KNOWN_HOSTS_KEY || !same)
			continue;
		vouching->found |= line->mark == KNOWN_HOSTS_AUTHORITY;
		vouching->revoked |= authority && line->mark == KNOWN_HOSTS_REVOKED;
	}
}

static int certificate_fetch(struct ssh_state *state, struct certificate *certificate, struct err *err)
{
	struct ssh_state probe;
	auto_buf struct buf blob = BUF_INIT;
	ssh_phase(state, "fetching the host certificate of %s", state->peer);
	int status = ssh_dial_again(state, &probe, err);
	if (status == 0)
		status = probe_certificate(probe.fd, state->base.cancel_fd, clock_deadline(state->timeout_ms), &blob, err);
	ssh_dial_end(&probe);
	return status < 0 ? -1 : certificate_read(certificate, blob.data, blob.length, err);
}

static int certificate_passes(struct ssh_state *state, const struct certificate *certificate, const struct host_key *key,
                              struct err *err)
{
	const struct ssh_config *c = &state->config;
	struct vouching vouching = { .certificate = certificate };
	each_file(state, look_authority, &vouching);
	if (vouching.revoked)
		return err_set(err, ERR_HOSTKEY, "the authority of its certificate is revoked");
	if (!vouching.found)
		return err_set(err, ERR_HOSTKEY, "its certificate is of an authority that is not known");
	if (certificate->key.length != key->length || memcmp(certificate->key.data, key->blob, key->length) != 0)
		return err_set(err, ERR_HOSTKEY, "its certificate is for another key than it uses");
	return certificate_check(certificate, c->host_key_alias ? c->host_key_alias : c->host_name,
	                         clock_wall_us() / 1000000, err);
}

/* 1: an authority vouches for the key; 0: no authority is known for this host; -1: there is one, and it does not. */
static int ask_authority(struct ssh_state *state, const char *name, const struct host_key *key, struct err *err)
{
	struct vouching any = { 0 };
	each_file(state, look_authority, &any);
	if (!any.found)
		return 0;
	struct certificate certificate = { 0 };
	int status = certificate_fetch(state, &certificate, err);
	if (status == 0)
		status = certificate_passes(state, &certificate, key, err);
	certificate_release(&certificate);
	if (status < 0 && err->kind == ERR_HOSTKEY)
		err_wrap(err, "known hosts have an authority for %s, but", name);
	return status < 0 ? -1 : 1;
}

/* ---- what follows from it ---- */

static int refuse(const struct ssh_state *state, const struct question *question, struct err *err)
{
	const struct host_key *key = question->key;
	const char *name = question->name, *type = key->type, *print = key->fingerprint;
	switch (question->verdict) {
	case KNOWN_HOSTS_WAS_REVOKED:
		err_set(err, ERR_HOSTKEY, "the %s host key of %s (%s) is marked as revoked in %s:%zu", type, name, print,
		        question->file, question->number);
		return err_hint(err, "do not connect; tell the administrator of the host that it still uses a revoked key");
	case KNOWN_HOSTS_CHANGED:
		err_set(err, ERR_HOSTKEY, "the %s host key of %s has changed: it shows %s, and %s:%zu knows another", type, name,
		        print, question->file, question->number);
		return err_hint(err, "somebody may be in between; if the host was reinstalled, compare the key and run "
		                     "ssh-keygen -R '%s'", name);
	case KNOWN_HOSTS_OTHER_TYPE:
		err_set(err, ERR_HOSTKEY, "%s shows a %s host key (%s), but %s:%zu knows it by a key of another type", name, type,
		        print, question->file, question->number);
		return err_hint(err, "compare the key with the host's administrator and add it to %s", question->file);
	default:
		err_set(err, ERR_HOSTKEY, "the host key of %s is not known: %s %s", name, type, print);
		return err_hint(err, "compare it, then run ssh-keyscan -p %d %s >> %s, or set StrictHostKeyChecking=accept-new",
		                state->config.port, state->config.host_name,
		                state->config.user_known_hosts.count ? state->config.user_known_hosts.items[0]
		                                                     : "~/.ssh/known_hosts");
	}
}

static int decide(struct ssh_state *state, struct question *question, struct err *err)
{
	enum wire_host_keys rule = policy(state);
	if (question->verdict == KNOWN_HOSTS_MATCH)
		return 0;
	if (question->verdict == KNOWN_HOSTS_WAS_REVOKED)
		return refuse(state, question, err);
	if (rule == WIRE_KEYS_OFF) {
		ssh_warning(state, "the host key of %s (%s %s) is not checked", question->name, question->key->type,
		            question->key->fingerprint);
		return 0;
	}
	if (rule == WIRE_KEYS_ACCEPT_NEW && question->verdict == KNOWN_HOSTS_UNKNOWN) {
		save_once(state, question);
		return question->verdict == KNOWN_HOSTS_UNKNOWN ? 0 : decide(state, question, err);
	}
	return refuse(state, question, err);
}

int hostkeys_check(struct ssh_state *state, struct err *err)
{
	auto_free char *name = lookup_name(&state->config);
	struct host_key key = { 0 };
	struct question question = { .name = name, .key = &key };
	int status = host_key_get(state, &key, err);
	if (status == 0) {
		each_file(state, look_key, &question);
		bool open = question.verdict != KNOWN_HOSTS_MATCH && question.verdict != KNOWN_HOSTS_WAS_REVOKED;
		status = open && policy(state) != WIRE_KEYS_OFF ? ask_authority(state, name, &key, err) : 0;
		status = status == 0 ? decide(state, &question, err) : status < 0 ? -1 : 0;
	}
	free(question.file);
	host_key_release(&key);
	return status;
}
