/* Choosing algorithms. libssh 0.10 takes plain lists of names that it knows; the signs and patterns are worked out here. */
#include "wire/algorithms.h"

#include <fnmatch.h>
#include <stdlib.h>
#include <string.h>

#include "base/mem.h"

const struct algorithms algorithms_table[ALGORITHMS_COUNT] = {
	[ALGORITHMS_CIPHERS] = {
		.option = "Ciphers", .field = offsetof(struct ssh_config, ciphers),
		.usual = "chacha20-poly1305@openssh.com,aes256-gcm@openssh.com,aes128-gcm@openssh.com,aes256-ctr,aes192-ctr,aes128-ctr",
		.further = "aes256-cbc,aes192-cbc,aes128-cbc,3des-cbc",
		.options = { SSH_OPTIONS_CIPHERS_C_S, SSH_OPTIONS_CIPHERS_S_C },
	},
	[ALGORITHMS_MACS] = {
		.option = "MACs", .field = offsetof(struct ssh_config, macs),
		.usual = "hmac-sha2-256-etm@openssh.com,hmac-sha2-512-etm@openssh.com,hmac-sha2-256,hmac-sha2-512",
		.further = "hmac-sha1-etm@openssh.com,hmac-sha1",
		.options = { SSH_OPTIONS_HMAC_C_S, SSH_OPTIONS_HMAC_S_C },
	},
	[ALGORITHMS_KEX] = {
		.option = "KexAlgorithms", .field = offsetof(struct ssh_config, kex),
		.usual = "curve25519-sha256,curve25519-sha256@libssh.org,ecdh-sha2-nistp256,ecdh-sha2-nistp384,ecdh-sha2-nistp521,"
		         "diffie-hellman-group18-sha512,diffie-hellman-group16-sha512,diffie-hellman-group-exchange-sha256,"
		         "diffie-hellman-group14-sha256",
		.further = "diffie-hellman-group14-sha1,diffie-hellman-group-exchange-sha1,diffie-hellman-group1-sha1",
		.options = { SSH_OPTIONS_KEY_EXCHANGE, SSH_OPTIONS_KEY_EXCHANGE },
	},
	[ALGORITHMS_HOST_KEYS] = {
		.option = "HostKeyAlgorithms", .field = offsetof(struct ssh_config, host_key_algorithms),
		.usual = "ssh-ed25519,ecdsa-sha2-nistp256,ecdsa-sha2-nistp384,ecdsa-sha2-nistp521,sk-ssh-ed25519@openssh.com,"
		         "sk-ecdsa-sha2-nistp256@openssh.com,rsa-sha2-512,rsa-sha2-256",
		.further = "ssh-rsa",
		.options = { SSH_OPTIONS_HOSTKEYS, SSH_OPTIONS_HOSTKEYS },
	},
	[ALGORITHMS_PUBKEYS] = {
		.option = "PubkeyAcceptedAlgorithms", .field = offsetof(struct ssh_config, pubkey_algorithms),
		.usual = "ssh-ed25519-cert-v01@openssh.com,ecdsa-sha2-nistp256-cert-v01@openssh.com,"
		         "ecdsa-sha2-nistp384-cert-v01@openssh.com,ecdsa-sha2-nistp521-cert-v01@openssh.com,"
		         "rsa-sha2-512-cert-v01@openssh.com,rsa-sha2-256-cert-v01@openssh.com,"
		         "ssh-ed25519,ecdsa-sha2-nistp256,ecdsa-sha2-nistp384,ecdsa-sha2-nistp521,sk-ssh-ed25519@openssh.com,"
		         "sk-ecdsa-sha2-nistp256@openssh.com,rsa-sha2-512,rsa-sha2-256",
		.further = "ssh-rsa,ssh-rsa-cert-v01@openssh.com",
		.options = { SSH_OPTIONS_PUBLICKEY_ACCEPTED_TYPES, SSH_OPTIONS_PUBLICKEY_ACCEPTED_TYPES },
	},
};

/* ---- comma lists ---- */

/* The next name of a list as a copy to be freed; NULL at its end. */
static char *next_name(const char **list)
{
	size_t length = strcspn(*list, ",");
	if (!**list)
		return NULL;
	char *name = mem_strndup(*list, length);
	*list += length + ((*list)[length] == ',');
	return name;
}

static bool list_matches(const char *patterns, const char *name)
{
	bool found = false;
	char *pattern;
	while (!found && (pattern = next_name(&patterns))) {
		found = fnmatch(pattern, name, 0) == 0;
		free(pattern);
	}
	return found;
}

static void add_once(struct buf *list, const char *name)
{
	if (!list_matches(buf_text(list), name))
		buf_printf(list, "%s%s", list->length ? "," : "", name);
}

/* Those of `names` that match; a name of a list without patterns matches itself. */
static void add_matching(struct buf *chosen, const char *names, const char *pattern)
{
	char *name;
	while ((name = next_name(&names))) {
		if (fnmatch(pattern, name, 0) == 0)
			add_once(chosen, name);
		free(name);
	}
}

static void add_wanted(struct buf *chosen, const struct algorithms *algorithms, const char *wanted)
{
	char *pattern;
	while ((pattern = next_name(&wanted))) {
		add_matching(chosen, algorithms->usual, pattern);
		add_matching(chosen, algorithms->further, pattern);
		free(pattern);
	}
}

static void add_unwanted(struct buf *chosen, const struct algorithms *algorithms, const char *unwanted)
{
	const char *names = algorithms->usual;
	char *name;
	while ((name = next_name(&names))) {
		if (!list_matches(unwanted, name))
			add_once(chosen, name);
		free(name);
	}
}

/* ---- choosing ---- */

int algorithms_choose(const struct algorithms *algorithms, const char *wanted, struct buf *chosen, struct err *err)
{
	size_t before = chosen->length;
	char sign = wanted ? wanted[0] : '+';
	const char *names = wanted ? wanted + (strchr("+-^", sign) != NULL) : "";
	if (sign == '+')
		add_matching(chosen, algorithms->usual, "*");
	if (sign == '-')
		add_unwanted(chosen, algorithms, names);
	else
		add_wanted(chosen, algorithms, names);
	if (sign == '^')
		add_matching(chosen, algorithms->usual, "*");
	if (chosen->length > before)
		return 0;
	err_set(err, ERR_INPUT, "%s: libssh can do none of %s", algorithms->option, wanted);
	return err_hint(err, "correct ~/.ssh/config or ansible_ssh_common_args; there are %s,%s", algorithms->usual,
	                algorithms->further);
}

static char **field_of(const struct algorithms *algorithms, const struct ssh_config *config)
{
	return (char **)((const char *)config + algorithms->field);
}

int algorithms_settle(struct ssh_config *config, struct err *err)
{
	for (size_t i = 0; i < ALGORITHMS_COUNT; i++) {
		char **field = field_of(&algorithms_table[i], config);
		struct buf chosen = BUF_INIT;
		if (!*field)
			continue;
		if (algorithms_choose(&algorithms_table[i], *field, &chosen, err) < 0) {
			buf_release(&chosen);
			return -1;
		}
		free(*field);
		*field = buf_take(&chosen);
	}
	return 0;
}

int algorithms_apply(ssh_session ssh, const struct ssh_config *config, struct err *err)
{
	for (size_t i = 0; i < ALGORITHMS_COUNT; i++) {
		const struct algorithms *algorithms = &algorithms_table[i];
		const char *chosen = *field_of(algorithms, config);
		if (!chosen || i == ALGORITHMS_HOST_KEYS)
			continue;
		for (size_t j = 0; j < 2 && (j == 0 || algorithms->options[1] != algorithms->options[0]); j++)
			if (ssh_options_set(ssh, algorithms->options[j], chosen) != SSH_OK)
				return err_set(err, ERR_INPUT, "%s: libssh does not take %s", algorithms->option, chosen);
	}
	return 0;
}
