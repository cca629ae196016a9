/* Reads a host's settings: builds the command line for `ssh -G`, or reads the files itself, and keeps what applies. */
#include "wire/ssh_config.h"

#include <ctype.h>
#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <pwd.h>
#include <spawn.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/socket.h>
#include <sys/wait.h>

#include "base/buf.h"
#include "base/clock.h"
#include "base/mem.h"
#include "base/printable.h"
#include "wire/algorithms.h"
#include "wire/hub.h"
#include "wire/ssh_config_file.h"

extern char **environ;

/* Stands for every host where the answer is the same for all. */
#define ANY_HOST "any-host"
enum { ANY_PORT = 65535 };

/* ---- lists and names ---- */

static void list_add(struct ssh_config_list *list, char *item)
{
	mem_grow(list->items, list->count, list->room);
	list->items[list->count++] = item;
}

static void list_release(struct ssh_config_list *list)
{
	for (size_t i = 0; i < list->count; i++)
		free(list->items[i]);
	free(list->items);
	*list = (struct ssh_config_list){ 0 };
}

static char *passwd_field(bool home)
{
	struct passwd entry, *found = NULL;
	char space[4096];
	if (getpwuid_r(getuid(), &entry, space, sizeof(space), &found) != 0 || !found)
		return NULL;
	return mem_strdup(home ? found->pw_dir : found->pw_name);
}

char *ssh_config_home(void)
{
	const char *home = getenv("HOME");
	if (home && home[0] == '/')
		return mem_strdup(home);
	char *listed = passwd_field(true);
	return listed ? listed : mem_strdup("/");
}

char *ssh_config_expand(const struct ssh_config *ssh_config, const char *text)
{
	auto_buf struct buf expanded = BUF_INIT;
	auto_free char *home = ssh_config_home();
	for (const char *at = text; *at; at++) {
		if (*at != '%' || !at[1]) {
			buf_char(&expanded, *at);
			continue;
		}
		switch (*++at) {
		case '%': buf_char(&expanded, '%'); break;
		case 'h': buf_str(&expanded, ssh_config->host_name); break;
		case 'n': buf_str(&expanded, ssh_config->host); break;
		case 'k': buf_str(&expanded, ssh_config->host_key_alias ? ssh_config->host_key_alias : ssh_config->host); break;
		case 'p': buf_printf(&expanded, "%d", ssh_config->port); break;
		case 'r': buf_str(&expanded, ssh_config->user); break;
		case 'd': buf_str(&expanded, home); break;
		case 'i': buf_printf(&expanded, "%u", (unsigned)getuid()); break;
		case 'u': {
			auto_free char *local = passwd_field(false);
			buf_str(&expanded, local ? local : "");
			break;
		}
		default: buf_char(&expanded, '%'); buf_char(&expanded, *at);
		}
	}
	return buf_take(&expanded);
}

/* A path as ssh_config writes them: ~ and ${VARIABLE} besides the % signs. */
static char *path_expand(const struct ssh_config *ssh_config, const char *path)
{
	auto_free char *text = ssh_config_expand(ssh_config, path);
	auto_buf struct buf expanded = BUF_INIT;
	const char *at = text;
	if (at[0] == '~' && (at[1] == '/' || !at[1])) {
		auto_free char *home = ssh_config_home();
		buf_str(&expanded, home);
		at++;
	}
	while (*at) {
		const char *close = at[0] == '$' && at[1] == '{' ? strchr(at, '}') : NULL;
		if (!close) {
			buf_char(&expanded, *at++);
			continue;
		}
		auto_free char *name = mem_strndup(at + 2, (size_t)(close - at) - 2);
		const char *value = getenv(name);
		buf_str(&expanded, value ? value : "");
		at = close + 1;
	}
	return buf_take(&expanded);
}

/* ---- one setting ---- */

static bool is_none(const char *value) { return strcasecmp(value, "none") == 0; }

static void set_text(char **text, const char *value)
{
	if (!*text)
		*text = mem_strdup(value);
}

static void set_switch(int *flag, const char *value)
{
	if (*flag == SSH_CONFIG_UNSET)
		*flag = strcasecmp(value, "yes") == 0 || strcasecmp(value, "true") == 0 ? SSH_CONFIG_YES : SSH_CONFIG_NO;
}

/* Seconds, or with s m h d w behind as sshd_config(5) "TIME FORMATS" has them. */
static int parse_time_ms(const char *value)
{
	long total = 0;
	for (const char *at = value; *at;) {
		char *end;
		long number = strtol(at, &end, 10);
		if (end == at || number < 0 || number > 1000000)
			return 0;
		long scale = 1;
		switch (tolower((unsigned char)*end)) {
		case 'm': scale = 60; break;
		case 'h': scale = 3600; break;
		case 'd': scale = 86400; break;
		case 'w': scale = 604800; break;
		}
		total += number * scale;
		at = *end ? end + 1 : end;
	}
	return total > 2000000 ? 2000000000 : (int)(total * 1000);
}

static void set_number(int *number, int value)
{
	if (*number == 0 && value > 0)
		*number = value;
}

/* Words with quotes taken off, each appended raw; expansion comes when host and user are known. */
static void set_list(struct ssh_config_list *list, const char *value)
{
	if (list->count > 0)
		return;
	struct ssh_config_list words = { 0 };
	ssh_config_words(value, &words);
	*list = words;
}

/* A copy without the quotes around all of it. */
static char *unquoted(const char *value)
{
	size_t length = strlen(value);
	bool quoted = length >= 2 && value[0] == '"' && strchr(value + 1, '"') == value + length - 1;
	return quoted ? mem_strndup(value + 1, length - 2) : mem_strdup(value);
}

static void set_family(struct ssh_config *c, const char *value)
{
	if (c->family == AF_UNSPEC)
		c->family = strcasecmp(value, "inet") == 0 ? AF_INET : strcasecmp(value, "inet6") == 0 ? AF_INET6 : AF_UNSPEC;
}

static const struct {
	const char *key;
	size_t offset;
	enum { TEXT, SWITCH, TIME, NUMBER, LIST, PATHS } kind;
} settings[] = {
#define SETTING(key, field, kind) { key, offsetof(struct ssh_config, field), kind }
	SETTING("hostname", host_name, TEXT),
	SETTING("user", user, TEXT),
	SETTING("port", port, NUMBER),
	SETTING("bindaddress", bind_address, TEXT),
	SETTING("identityfile", identities, PATHS),
	SETTING("certificatefile", certificates, PATHS),
	SETTING("identityagent", identity_agent, TEXT),
	SETTING("identitiesonly", identities_only, SWITCH),
	SETTING("proxyjump", proxy_jump, TEXT),
	SETTING("proxycommand", proxy_command, TEXT),
	SETTING("hostkeyalias", host_key_alias, TEXT),
	SETTING("userknownhostsfile", user_known_hosts, LIST),
	SETTING("globalknownhostsfile", global_known_hosts, LIST),
	SETTING("stricthostkeychecking", strict_host_keys, TEXT),
	SETTING("hashknownhosts", hash_known_hosts, SWITCH),
	SETTING("compression", compression, SWITCH),
	SETTING("ciphers", ciphers, TEXT),
	SETTING("macs", macs, TEXT),
	SETTING("kexalgorithms", kex, TEXT),
	SETTING("hostkeyalgorithms", host_key_algorithms, TEXT),
	SETTING("pubkeyacceptedalgorithms", pubkey_algorithms, TEXT),
	SETTING("preferredauthentications", preferred_authentications, TEXT),
	SETTING("gssapiauthentication", gssapi, SWITCH),
	SETTING("gssapidelegatecredentials", gssapi_delegate, SWITCH),
	SETTING("pubkeyauthentication", pubkey, SWITCH),
	SETTING("passwordauthentication", password, SWITCH),
	SETTING("kbdinteractiveauthentication", interactive, SWITCH),
	SETTING("challengeresponseauthentication", interactive, SWITCH),
	SETTING("tcpkeepalive", tcp_keepalive, SWITCH),
	SETTING("requesttty", request_tty, TEXT),
	SETTING("connecttimeout", connect_timeout_ms, TIME),
	SETTING("serveraliveinterval", alive_interval_ms, TIME),
	SETTING("serveralivecountmax", alive_count, NUMBER),
	SETTING("connectionattempts", attempts, NUMBER),
#undef SETTING
};

void ssh_config_set(struct ssh_config *c, const char *key, const char *text)
{
	/* A list has words of its own, and a command goes to a shell as it is. */
	bool whole = strstr(key, "knownhostsfile") || strcmp(key, "proxycommand") == 0;
	auto_free char *value = whole ? mem_strdup(text) : unquoted(text);
	if (strcmp(key, "addressfamily") == 0)
		set_family(c, value);
	for (size_t i = 0; i < sizeof(settings) / sizeof(*settings); i++) {
		if (strcmp(key, settings[i].key) != 0)
			continue;
		void *field = (char *)c + settings[i].offset;
		switch (settings[i].kind) {
		case TEXT: set_text(field, value); break;
		case SWITCH: set_switch(field, value); break;
		case TIME: set_number(field, parse_time_ms(value)); break;
		case NUMBER: set_number(field, (int)strtol(value, NULL, 10)); break;
		case LIST: set_list(field, value); break;
		case PATHS: list_add(field, mem_strdup(value)); break;
		}
	}
}

static void start_config(struct ssh_config *c)
{
	*c = (struct ssh_config){ .identities_only = SSH_CONFIG_UNSET, .hash_known_hosts = SSH_CONFIG_UNSET,
		.compression = SSH_CONFIG_UNSET, .gssapi = SSH_CONFIG_UNSET, .gssapi_delegate = SSH_CONFIG_UNSET,
		.pubkey = SSH_CONFIG_UNSET, .password = SSH_CONFIG_UNSET, .interactive = SSH_CONFIG_UNSET,
		.tcp_keepalive = SSH_CONFIG_UNSET };
}

/* ---- the command line ---- */

static void add_option(struct ssh_config_list *words, char *option)
{
	list_add(words, mem_strdup("-o"));
	list_add(words, option);
}

/* What ssh(1) would be called with for this host, in the order that Ansible gives it; port stands for the host's, if it has one. */
static void command_words(struct ssh_config_list *words, const struct wire_config *config, int port)
{
	ssh_config_words(config->ssh_args, words);
	if (config->port)
		add_option(words, mem_printf("Port=%d", port));
	if (config->private_key_file)
		add_option(words, mem_printf("IdentityFile=\"%s\"", config->private_key_file));
	if (config->user)
		add_option(words, mem_printf("User=\"%s\"", config->user));
	ssh_config_words(config->common_args, words);
	ssh_config_words(config->extra_args, words);
}

/* ---- ssh -G ---- */

/* OpenSSH takes the home directory from the password file only. Where $HOME is another, its configuration is read through
 * a file in memory that includes the two; returns the descriptor, or -1 where that is not needed. */
static int home_config(const struct ssh_config_list *words)
{
	auto_free char *home = ssh_config_home();
	auto_free char *listed = passwd_field(true);
	if (listed && strcmp(home, listed) == 0)
		return -1;
	if (ssh_config_words_file(words))
		return -1;
	int fd = memfd_create("ssh_config", MFD_CLOEXEC);
	if (fd < 0)
		return -1;
	dprintf(fd,
	        "Include \"%s/.ssh/config\"\nInclude /etc/ssh/ssh_config\n"
	        "UserKnownHostsFile \"%s/.ssh/known_hosts\" \"%s/.ssh/known_hosts2\"\n",
	        home, home, home);
	return fd;
}

/* Starts ssh with its output in *out; ENOENT where there is no such program. memory: home_config, or -1. */
static int start_ssh(pid_t *pid, const struct ssh_config_list *words, const char *host, int memory, int *out)
{
	int pipes[2];
	if (pipe2(pipes, O_CLOEXEC) < 0)
		return errno;
	auto_free char *memory_path = mem_printf("/proc/%d/fd/%d", (int)getpid(), memory);
	auto_free char **arguments = mem_array(words->count + 8, sizeof(*arguments));
	size_t count = 0;
	arguments[count++] = (char *)"ssh";
	arguments[count++] = (char *)"-G";
	for (size_t i = 0; i < words->count; i++)
		arguments[count++] = words->items[i];
	if (memory >= 0) {
		arguments[count++] = (char *)"-F";
		arguments[count++] = memory_path;
	}
	arguments[count++] = (char *)"--";
	arguments[count++] = (char *)host;

	posix_spawn_file_actions_t actions;
	posix_spawn_file_actions_init(&actions);
	posix_spawn_file_actions_addopen(&actions, 0, "/dev/null", O_RDONLY, 0);
	posix_spawn_file_actions_adddup2(&actions, pipes[1], 1);
	posix_spawn_file_actions_adddup2(&actions, pipes[1], 2);
	int failed = posix_spawnp(pid, "ssh", &actions, NULL, arguments, environ);
	posix_spawn_file_actions_destroy(&actions);
	close(pipes[1]);
	if (failed)
		close(pipes[0]);
	else
		*out = pipes[0];
	return failed;
}

/* Reads to the end, within ten seconds: a `Match exec` in a file may be slow, but not for ever. */
static int read_all(int fd, int cancel_fd, struct buf *text, struct err *err)
{
	int64_t deadline = clock_deadline(10000);
	for (;;) {
		struct pollfd polls[2] = { { fd, POLLIN, 0 }, { cancel_fd, POLLIN, 0 } };
		int ready = poll(polls, 2, clock_left(deadline));
		if (ready < 0 && errno == EINTR)
			continue;
		if (polls[1].revents)
			return err_set(err, ERR_INTERRUPTED, "cancelled");
		if (ready == 0)
			return err_set(err, ERR_TIMEOUT, "ssh -G did not end within 10 s; see the Match exec lines of ~/.ssh/config");
		ssize_t got = read(fd, buf_reserve(text, 4096), 4096);
		if (got < 0 && errno == EINTR)
			continue;
		if (got <= 0)
			return 0;
		text->length += (size_t)got;
		text->data[text->length] = '\0';
	}
}

static void apply_lines(struct ssh_config *c, char *text)
{
	char *rest = NULL;
	for (char *line = strtok_r(text, "\n", &rest); line; line = strtok_r(NULL, "\n", &rest)) {
		char *value = strchr(line, ' ');
		if (!value)
			continue;
		*value++ = '\0';
		ssh_config_set(c, line, value);
	}
}

/* What ssh says about the host. 1: done; 0: there is no ssh program. */
static int ask_ssh(const char *host, const struct ssh_config_list *words, int cancel_fd, struct buf *text,
                   struct err *err)
{
	pid_t pid;
	auto_close int out = -1;
	auto_close int memory = home_config(words);
	int failed = start_ssh(&pid, words, host, memory, &out);
	if (failed == ENOENT || failed == EACCES)
		return 0;
	if (failed) {
		errno = failed;
		return err_errno(err, ERR_SYSTEM, "starting ssh -G");
	}
	int status = read_all(out, cancel_fd, text, err);
	if (status < 0)
		kill(pid, SIGKILL);
	int ended = 0;
	while (waitpid(pid, &ended, 0) < 0 && errno == EINTR)
		;
	if (status < 0)
		return -1;
	if (!WIFEXITED(ended) || WEXITSTATUS(ended) != 0) {
		auto_buf struct buf clean = BUF_INIT;
		size_t length = text->length;
		while (length > 0 && (text->data[length - 1] == '\n' || text->data[length - 1] == '\r'))
			length--;
		printable_line(&clean, buf_text(text), length);
		err_set(err, ERR_INPUT, "ssh does not accept the options: %s", buf_text(&clean));
		return err_hint(err, "correct ansible_ssh_common_args, ansible_ssh_extra_args or ~/.ssh/config");
	}
	return 1;
}

/* Whether one answer can serve hosts with different ports: it says ANY_PORT where it is the host's own that counts. */
static bool any_port_says_it(const struct wire_config *config)
{
	return config->port && !(config->ssh_args && strstr(config->ssh_args, "65535"));
}

/* A copy of all that can be said. */
static void copy_settings(struct ssh_config *to, const struct ssh_config *from)
{
	char *host = to->host, *file = to->file;
	*to = *from;
	to->host = host;
	to->file = file;
	for (size_t i = 0; i < sizeof(settings) / sizeof(*settings); i++) {
		if (settings[i].kind == TEXT) {
			char **text = (char **)((char *)to + settings[i].offset);
			*text = mem_strdup(*text);
		} else if (settings[i].kind == LIST || settings[i].kind == PATHS) {
			struct ssh_config_list *list = (struct ssh_config_list *)((char *)to + settings[i].offset), old = *list;
			*list = (struct ssh_config_list){ 0 };
			for (size_t j = 0; j < old.count; j++)
				list_add(list, mem_strdup(old.items[j]));
		}
	}
}

/* What ssh says of any host that has these words. *kept stays the hub's; it is NULL where a file tells hosts apart. 1: done; 0: there
 * is no ssh program. */
static int ask_shared(const struct ssh_config **kept, struct wire_hub *hub, const struct ssh_config_list *words, int cancel_fd,
                      struct err *err)
{
	auto_buf struct buf key = BUF_INIT, text = BUF_INIT;
	for (size_t i = 0; i < words->count; i++)
		buf_add(&key, words->items[i], strlen(words->items[i]) + 1);
	if (hub_config_find(hub, &key, kept))
		return 1;
	if (ssh_config_names_hosts(ssh_config_words_file(words))) {
		hub_config_keep(hub, &key, NULL);
		return 1;
	}
	int done = ask_ssh(ANY_HOST, words, cancel_fd, &text, err);
	if (done != 1)
		return done;
	struct ssh_config said;
	start_config(&said);
	apply_lines(&said, text.data);
	if (algorithms_settle(&said, err) < 0)
		done = -1;
	else
		hub_config_keep(hub, &key, &said);
	ssh_config_release(&said);
	return done == 1 && hub_config_find(hub, &key, kept) ? 1 : -1;
}

/* Where no file says anything about particular hosts, one answer serves all that have the same option words. *shared: this is so. */
static int load_shared(struct ssh_config *c, struct wire_hub *hub, const struct wire_config *config, int cancel_fd,
                       bool *shared, struct err *err)
{
	struct ssh_config_list words = { 0 };
	const struct ssh_config *kept = NULL;
	bool any_port = any_port_says_it(config);
	command_words(&words, config, any_port ? ANY_PORT : config->port);
	hub_configs_lock(hub);
	int done = ask_shared(&kept, hub, &words, cancel_fd, err);
	*shared = done != 1 || kept;
	if (kept)
		copy_settings(c, kept);
	hub_configs_unlock(hub);
	list_release(&words);
	if (any_port && c->port == ANY_PORT)
		c->port = config->port;
	if (c->host_name && strcmp(c->host_name, ANY_HOST) == 0) {
		free(c->host_name);
		c->host_name = NULL;
	}
	return done;
}

/* Whether the options give hosts other names, by %h perhaps. */
static bool words_name_hosts(const struct ssh_config_list *words)
{
	bool named = false;
	for (size_t i = 0; i < words->count && !named; i++)
		named = strcasestr(words->items[i], "hostname") || strcasestr(words->items[i], "canonical");
	return named;
}

static int load_by_ssh(struct ssh_config *c, struct wire_hub *hub, const struct wire_config *config,
                       const struct ssh_config_list *words, int cancel_fd, struct err *err)
{
	auto_buf struct buf text = BUF_INIT;
	bool shared = false;
	int done = hub && !words_name_hosts(words) ? load_shared(c, hub, config, cancel_fd, &shared, err) : 0;
	if (shared)
		return done;
	done = ask_ssh(c->host, words, cancel_fd, &text, err);
	if (done == 1)
		apply_lines(c, text.data);
	return done == 1 && algorithms_settle(c, err) < 0 ? -1 : done;
}

/* ---- all of it ---- */

static void expand_list(const struct ssh_config *c, struct ssh_config_list *list)
{
	struct ssh_config_list expanded = { 0 };
	for (size_t i = 0; i < list->count; i++)
		if (!is_none(list->items[i]))
			list_add(&expanded, path_expand(c, list->items[i]));
	list_release(list);
	*list = expanded;
}

static void expand_text(const struct ssh_config *c, char **text)
{
	if (!*text)
		return;
	char *expanded = path_expand(c, *text);
	free(*text);
	*text = expanded;
}

static void drop_none(char **text)
{
	if (*text && is_none(*text)) {
		free(*text);
		*text = NULL;
	}
}

static void add_defaults(struct ssh_config *c)
{
	static const char *const names[] = { "id_ed25519", "id_ecdsa", "id_rsa" };
	set_text(&c->host_name, c->host);
	if (!c->user)
		c->user = passwd_field(false);
	set_text(&c->user, "root");
	set_number(&c->port, 22);
	if (c->identities.count == 0)
		for (size_t i = 0; i < sizeof(names) / sizeof(*names); i++)
			list_add(&c->identities, mem_printf("~/.ssh/%s", names[i]));
	set_list(&c->user_known_hosts, "~/.ssh/known_hosts ~/.ssh/known_hosts2");
	set_list(&c->global_known_hosts, "/etc/ssh/ssh_known_hosts /etc/ssh/ssh_known_hosts2");
}

/* HostName knows %h and %% only: what else follows a % is the zone of an address (fe80::1%eth0). ssh -G has done it. */
static void expand_host_name(struct ssh_config *c)
{
	auto_free char *pattern = c->host_name;
	auto_buf struct buf name = BUF_INIT;
	if (!pattern)
		return;
	for (const char *at = pattern; *at; at++) {
		if (at[0] == '%' && (at[1] == 'h' || at[1] == '%'))
			buf_str(&name, *++at == 'h' ? c->host : "%");
		else
			buf_char(&name, *at);
	}
	c->host_name = buf_take(&name);
}

static void finish(struct ssh_config *c)
{
	add_defaults(c);
	drop_none(&c->proxy_jump);
	drop_none(&c->proxy_command);
	expand_list(c, &c->identities);
	expand_list(c, &c->certificates);
	expand_list(c, &c->user_known_hosts);
	expand_list(c, &c->global_known_hosts);
	if (c->identity_agent && strcmp(c->identity_agent, "SSH_AUTH_SOCK") == 0) {
		free(c->identity_agent);
		c->identity_agent = NULL;
	}
	expand_text(c, &c->identity_agent);
}

int ssh_config_load(struct ssh_config *c, struct wire_hub *hub, const struct wire_config *config, int cancel_fd,
                    struct err *err)
{
	start_config(c);
	c->host = mem_strdup(config->host ? config->host : config->name);
	struct ssh_config_list words = { 0 };
	command_words(&words, config, config->port);
	c->file = mem_strdup(ssh_config_words_file(&words));
	int done = c->host[0] == '-' ? err_set(err, ERR_INPUT, "\"%s\" is not a host name", c->host)
	                             : load_by_ssh(c, hub, config, &words, cancel_fd, err);
	if (done == 0) {
		done = ssh_config_read_files(c, &words, err);
		if (done == 1 && algorithms_settle(c, err) < 0)
			done = -1;
		expand_host_name(c);
	}
	list_release(&words);
	if (done < 0) {
		ssh_config_release(c);
		return -1;
	}
	finish(c);
	return 0;
}

void ssh_config_release(struct ssh_config *c)
{
	for (size_t i = 0; i < sizeof(settings) / sizeof(*settings); i++) {
		void *field = (char *)c + settings[i].offset;
		if (settings[i].kind == TEXT)
			free(*(char **)field);
		else if (settings[i].kind == LIST || settings[i].kind == PATHS)
			list_release(field);
	}
	free(c->host);
	free(c->file);
	*c = (struct ssh_config){ 0 };
}
