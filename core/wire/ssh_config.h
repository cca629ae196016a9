/* What ssh_config(5), the option words of the inventory (ansible_ssh_*_args) and its variables say about reaching one
 * host, in OpenSSH's order: ssh_args, the inventory's variables, common_args, extra_args, the files, the defaults; the
 * first that names a value wins. Where the ssh program is installed, `ssh -G` is the parser; else a small one here. */
#ifndef NEAP_WIRE_SSH_CONFIG_H
#define NEAP_WIRE_SSH_CONFIG_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/err.h"
#include "wire/wire.h"

struct ssh_config_list {
	char **items;
	size_t count, room;
};

enum { SSH_CONFIG_NO, SSH_CONFIG_YES, SSH_CONFIG_UNSET = -1 };

/* Strings are owned, NULL is "not said". Switches are SSH_CONFIG_*. */
struct ssh_config {
	char *host;             /* what was asked for: the name that known_hosts are looked up by */
	char *host_name;        /* where to connect; never NULL after a load */
	char *user;             /* never NULL after a load */
	int port;               /* never 0 after a load */
	int family;             /* AF_UNSPEC, AF_INET, AF_INET6 */
	char *bind_address;
	char *file;             /* of -F, or NULL */
	struct ssh_config_list identities, certificates; /* ~ and % expanded */
	char *identity_agent;   /* a socket, "none", or NULL for $SSH_AUTH_SOCK; expanded */
	char *proxy_jump, *proxy_command; /* "none" became NULL; proxy_command is not expanded */
	char *host_key_alias;
	struct ssh_config_list user_known_hosts, global_known_hosts; /* expanded */
	char *strict_host_keys; /* "yes", "ask", "accept-new", "no", "off" or NULL */
	char *ciphers, *macs, *kex, *host_key_algorithms, *pubkey_algorithms; /* after a load: what libssh is to do (algorithms.h) */
	char *preferred_authentications;
	char *request_tty;      /* "force": a terminal for each command; others count only for people at terminals */
	int identities_only, hash_known_hosts, compression, gssapi, gssapi_delegate, pubkey, password, interactive;
	int tcp_keepalive;
	int connect_timeout_ms, alive_interval_ms, alive_count, attempts; /* 0: not said */
};

/* Reads what there is for config->host; the hub, which may be NULL, remembers answers that serve other hosts too.
 * cancel_fd ends the wait for ssh. ERR_INPUT when an option is not understood. */
int ssh_config_load(struct ssh_config *ssh_config, struct wire_hub *hub, const struct wire_config *config, int cancel_fd,
                    struct err *err) must_check;
void ssh_config_release(struct ssh_config *ssh_config);

/* The text with ssh_config(5)'s %h %n %p %r %u %d %% replaced; to be freed. */
char *ssh_config_expand(const struct ssh_config *ssh_config, const char *text);
/* $HOME, else what the password file says; to be freed. */
char *ssh_config_home(void);

#endif
