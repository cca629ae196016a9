/* Proving who we are. The likely key is offered signed, straight away: no question to the server which methods or keys
 * it takes, because each is a round trip. Only a key that needs a passphrase nobody has given yet is asked about first.
 *
 * Of several keys the one that another host of the run took is the likely one: each other costs a round trip and one of the
 * server's MaxAuthTries. Methods keep their order: a password goes to no host that might take a key. */
#include "wire/ssh.h"

#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/buf.h"
#include "base/clock.h"
#include "base/mem.h"
#include "base/printable.h"
#include "wire/agent.h"
#include "wire/private_key.h"

enum { INTERACTIVE_ROUNDS = 8 };

/* What the name of an agent's key begins with. */
#define AGENT_KEY "agent "

struct auth {
	struct ssh_state *state;
	struct buf tried;       /* "publickey ~/.ssh/id_ed25519, password" */
	struct buf skipped;     /* "~/.ssh/id_rsa needs a passphrase" */
	bool *locked;           /* by identity: left for the second time round, because its passphrase was not known yet */
	int allowed;            /* SSH_AUTH_METHOD_*; all until the server has said */
	bool password_denied, gssapi_denied;
	struct agent *agent;
	bool agent_tried;
	char *likely;           /* the key that another host took, or NULL */
	bool likely_only;       /* no other is offered now */
	struct buf offered;     /* each key's name and a newline; none is offered twice */
	char *taken;            /* the key that this host took */
	bool several;           /* it wants more than one factor */
	char doing[160];
};

/* ---- one exchange ---- */

enum answer { ANSWER_NO, ANSWER_YES, ANSWER_INFO, ANSWER_PARTIAL, ANSWER_BROKEN = -1 };

static void auth_tried(struct auth *auth, const char *what)
{
	buf_printf(&auth->tried, "%s%s", auth->tried.length ? ", " : "", what);
	snprintf(auth->doing, sizeof(auth->doing), "authenticating with %s", what);
	snprintf(auth->state->base.method, sizeof(auth->state->base.method), "%s", what);
	ssh_phase(auth->state, "authenticating with %s", what);
}

static int tried_hint(const struct auth *auth, struct err *err)
{
	const struct ssh_config *c = &auth->state->config;
	if (auth->skipped.length)
		return err_hint(err, "%s; for the rest, check the user name %s and that its authorized_keys has the key",
		                buf_text(&auth->skipped), c->user);
	return err_hint(err, "check the user name %s, that its authorized_keys has the key, and the password", c->user);
}

static enum answer auth_broken(struct auth *auth, struct err *err)
{
	ssh_failed(auth->state, ERR_UNREACHABLE, auth->doing, err);
	if (strstr(err->text, "Too many authentication failures")) {
		err->kind = ERR_AUTH;
		err_hint(err, "tried %s; name the right key with ansible_ssh_private_key_file and set IdentitiesOnly=yes",
		         buf_text(&auth->tried));
	} else if (auth->tried.length) {
		err_hint(err, "tried %s; the server's log says why it closed the connection", buf_text(&auth->tried));
	}
	return ANSWER_BROKEN;
}

/* Waits for one SSH_AUTH_* answer; again() repeats libssh's call. */
static enum answer auth_exchange(struct auth *auth, int (*again)(struct ssh_state *state, void *context), void *context,
                                 struct err *err)
{
	struct ssh_state *state = auth->state;
	int64_t deadline = clock_deadline(state->timeout_ms);
	uint64_t written = state->counter.out_bytes;
	int status;
	while ((status = again(state, context)) == SSH_AUTH_AGAIN)
		if (!ssh_has_written(state, &written) && ssh_wait(state, deadline, auth->doing, err) < 0)
			return ANSWER_BROKEN;
	if (status == SSH_AUTH_DENIED || status == SSH_AUTH_PARTIAL) {
		int list = ssh_userauth_list(state->ssh, NULL);
		auth->allowed = list ? list : auth->allowed;
	}
	switch (status) {
	case SSH_AUTH_SUCCESS: return ANSWER_YES;
	case SSH_AUTH_INFO: return ANSWER_INFO;
	case SSH_AUTH_PARTIAL: return ANSWER_PARTIAL;
	case SSH_AUTH_DENIED: return ANSWER_NO;
	}
	/* A key that libssh cannot use is no reason to give up, a lost connection is. */
	return ssh_is_connected(state->ssh) ? ANSWER_NO : auth_broken(auth, err);
}

/* ---- public keys ---- */

static int again_publickey(struct ssh_state *state, void *key)
{
	return ssh_userauth_publickey(state->ssh, NULL, key);
}

static int again_try(struct ssh_state *state, void *key) { return ssh_userauth_try_publickey(state->ssh, NULL, key); }

static bool may_offer(struct auth *auth, const char *key)
{
	size_t length = strlen(key);
	if (auth->likely_only && strcmp(auth->likely, key) != 0)
		return false;
	for (const char *at = buf_text(&auth->offered); *at; at += strcspn(at, "\n") + 1)
		if (strncmp(at, key, length) == 0 && at[length] == '\n')
			return false;
	buf_printf(&auth->offered, "%s\n", key);
	return true;
}

static enum answer key_answered(struct auth *auth, const char *key, enum answer answer)
{
	if (answer == ANSWER_YES || answer == ANSWER_PARTIAL) {
		free(auth->taken);
		auth->taken = mem_strdup(key);
	}
	return answer;
}

/* certificate: the file that was named for the key, or NULL. */
static enum answer offer_key(struct auth *auth, ssh_key key, const char *path, const char *suffix, const char *certificate,
                             struct err *err)
{
	auto_free char *what = mem_printf("publickey %s%s", path, suffix);
	auto_free char *name = mem_printf("%s %s", what, certificate ? certificate : "");
	if (!may_offer(auth, name))
		return ANSWER_NO;
	auth_tried(auth, what);
	return key_answered(auth, name, auth_exchange(auth, again_publickey, key, err));
}

static void auth_skip(struct auth *auth, const char *path, const char *why)
{
	buf_printf(&auth->skipped, "%s%s %s", auth->skipped.length ? ", " : "", path, why);
}

/* Whether it is worth asking for the passphrase: the server is shown the public half where there is one. */
static enum answer worth_opening(struct auth *auth, const char *path, struct err *err)
{
	ssh_key public = private_key_public(path);
	if (!public)
		return ANSWER_YES;
	snprintf(auth->doing, sizeof(auth->doing), "asking whether the key %s is accepted", path);
	enum answer answer = auth_exchange(auth, again_try, public, err);
	ssh_key_free(public);
	if (answer == ANSWER_NO)
		auth_skip(auth, path, "is not accepted");
	return answer;
}

/* The usual places are silent where they are empty; the file that the user named is not. */
static bool is_the_given(const struct auth *auth, const char *path)
{
	const struct ssh_config_list *identities = &auth->state->config.identities;
	return auth->state->base.config->private_key_file && identities->count && identities->items[0] == path;
}

/* Whether the likely key is of that file. */
static bool is_likely(const struct auth *auth, const char *path)
{
	return strncmp(auth->likely, "publickey ", 10) == 0 && strncmp(auth->likely + 10, path, strlen(path)) == 0;
}

/* later: the second time round, for those that need to be asked about. */
static enum answer try_identity(struct auth *auth, size_t identity, const char *certificate, bool later, struct err *err)
{
	struct ssh_state *state = auth->state;
	const char *path = state->config.identities.items[identity];
	struct private_key file = { .path = path, .certificate = certificate,
		                        .passphrase = state->base.config->key_passphrase, .watch = &state->base.watch };
	if ((later && !auth->locked[identity]) || (auth->likely_only && !is_likely(auth, path)))
		return ANSWER_NO;
	enum private_key_found found = private_key_open(&file, state->hub, false);
	if (found == PRIVATE_KEY_ENCRYPTED && !later) {
		auth->locked[identity] = true;
		return ANSWER_NO;
	}
	if (found == PRIVATE_KEY_ENCRYPTED) { /* not opened for another host meanwhile */
		enum answer worth = worth_opening(auth, path, err);
		if (worth != ANSWER_YES)
			return worth;
		found = private_key_open(&file, state->hub, true);
	}
	if (found == PRIVATE_KEY_ENCRYPTED)
		auth_skip(auth, path, "needs a passphrase");
	else if (found == PRIVATE_KEY_UNREADABLE && !strstr(path, ".pub"))
		auth_skip(auth, path, access(path, R_OK) == 0 ? "is not a private key" : "may not be read");
	else if (found == PRIVATE_KEY_MISSING && !certificate && !later && is_the_given(auth, path))
		auth_skip(auth, path, "does not exist");
	enum answer answer = ANSWER_NO;
	if (file.certified)
		answer = offer_key(auth, file.certified, path, " with its certificate", certificate, err);
	if (answer == ANSWER_NO && file.key)
		answer = offer_key(auth, file.key, path, "", NULL, err);
	return answer;
}

static enum answer try_identities(struct auth *auth, bool later, struct err *err)
{
	const struct ssh_config *c = &auth->state->config;
	enum answer answer = ANSWER_NO;
	for (size_t i = 0; i < c->identities.count && answer == ANSWER_NO; i++) {
		auth->locked[i] = auth->locked[i] && later;
		/* A certificate that is named goes before the key by itself. */
		for (size_t j = 0; j < c->certificates.count && answer == ANSWER_NO; j++)
			answer = try_identity(auth, i, c->certificates.items[j], later, err);
		if (answer == ANSWER_NO && auth->allowed & SSH_AUTH_METHOD_PUBLICKEY)
			answer = try_identity(auth, i, NULL, later, err);
	}
	return answer;
}

/* ---- the agent ---- */

static int again_agent(struct ssh_state *state, void *context)
{
	(void)context;
	return ssh_userauth_agent(state->ssh, NULL);
}

static bool key_is(ssh_key public, const struct agent_key *key)
{
	char *text = NULL;
	auto_buf struct buf blob = BUF_INIT;
	if (!public || ssh_pki_export_pubkey_base64(public, &text) != SSH_OK)
		return false;
	known_hosts_base64(&blob, key->blob, key->length);
	bool same = strcmp(buf_text(&blob), text) == 0;
	ssh_string_free_char(text);
	return same;
}

/* Whether a configured file is the public half of the agent's key. */
static bool is_configured(const struct ssh_config *c, const struct agent_key *key)
{
	bool found = false;
	for (size_t i = 0; i < c->identities.count && !found; i++) {
		ssh_key public = private_key_public(c->identities.items[i]);
		found = key_is(public, key);
		ssh_key_free(public);
	}
	return found;
}

static enum answer try_agent_key(struct auth *auth, struct agent *agent, size_t i, struct err *err)
{
	auto_buf struct buf what = BUF_INIT, key = BUF_INIT;
	buf_str(&key, AGENT_KEY);
	known_hosts_base64(&key, agent_key(agent, i)->blob, agent_key(agent, i)->length);
	if (!may_offer(auth, key.data))
		return ANSWER_NO;
	buf_str(&what, "publickey of the agent: ");
	printable_line(&what, agent_key(agent, i)->comment, strnlen(agent_key(agent, i)->comment, 80));
	auth_tried(auth, what.data);
	agent_show(agent, i);
	return key_answered(auth, key.data, auth_exchange(auth, again_agent, NULL, err));
}

/* Keys that the configuration names first, then, unless it wants these only, the others. */
static enum answer try_agent_keys(struct auth *auth, struct agent *agent, struct err *err)
{
	const struct ssh_config *c = &auth->state->config;
	enum answer answer = ANSWER_NO;
	for (int named = 1; named >= (c->identities_only == SSH_CONFIG_YES); named--)
		for (size_t i = 0; i < agent_count(agent) && answer == ANSWER_NO; i++)
			if (auth->allowed & SSH_AUTH_METHOD_PUBLICKEY && is_configured(c, agent_key(agent, i)) == named)
				answer = try_agent_key(auth, agent, i, err);
	return answer;
}

static const char *agent_path(const struct ssh_config *c)
{
	const char *path = c->identity_agent ? c->identity_agent : getenv("SSH_AUTH_SOCK");
	return path && path[0] && strcmp(path, "none") != 0 ? path : NULL;
}

static struct agent *use_agent(struct auth *auth)
{
	struct ssh_state *state = auth->state;
	const char *path = agent_path(&state->config);
	if (!path || auth->agent_tried)
		return auth->agent;
	auth->agent_tried = true;
	struct agent *agent = agent_open(path, state->base.cancel_fd);
	int fd = agent && agent_count(agent) > 0 ? agent_socket(agent) : -1;
	if (fd >= 0 && ssh_set_agent_socket(state->ssh, fd) == SSH_OK)
		auth->agent = agent;
	else
		agent_free(agent);
	return auth->agent;
}

static enum answer try_agent(struct auth *auth, struct err *err)
{
	struct agent *agent = use_agent(auth);
	return agent ? try_agent_keys(auth, agent, err) : ANSWER_NO;
}

/* The key that another host took, where it is one of ours. */
static enum answer try_likely(struct auth *auth, struct err *err)
{
	if (!auth->likely)
		return ANSWER_NO;
	auth->likely_only = true;
	bool of_agent = strncmp(auth->likely, AGENT_KEY, sizeof(AGENT_KEY) - 1) == 0;
	enum answer answer = of_agent ? try_agent(auth, err) : try_identities(auth, false, err);
	auth->likely_only = false;
	return answer;
}

/* The likely one, files that open by themselves, then the agent, then files that somebody has to be asked about. */
static enum answer try_keys(struct auth *auth, struct err *err)
{
	if (!(auth->allowed & SSH_AUTH_METHOD_PUBLICKEY))
		return ANSWER_NO;
	enum answer answer = try_likely(auth, err);
	if (answer == ANSWER_NO && auth->allowed & SSH_AUTH_METHOD_PUBLICKEY)
		answer = try_identities(auth, false, err);
	if (answer == ANSWER_NO)
		answer = try_agent(auth, err);
	if (answer == ANSWER_NO && auth->allowed & SSH_AUTH_METHOD_PUBLICKEY)
		answer = try_identities(auth, true, err);
	return answer;
}

/* ---- GSSAPI ---- */

static int again_gssapi(struct ssh_state *state, void *context)
{
	(void)context;
	return ssh_userauth_gssapi(state->ssh);
}

/* Without a ticket the Kerberos library would ask the network in vain. */
static bool has_ticket(void)
{
	auto_free char *usual = mem_printf("/tmp/krb5cc_%u", (unsigned)getuid());
	const char *named = getenv("KRB5CCNAME");
	return (named && named[0]) || access(usual, R_OK) == 0;
}

static enum answer try_gssapi(struct auth *auth, struct err *err)
{
	struct ssh_state *state = auth->state;
	int delegate = state->config.gssapi_delegate == SSH_CONFIG_YES;
	if (!(auth->allowed & SSH_AUTH_METHOD_GSSAPI_MIC) || auth->gssapi_denied || !has_ticket())
		return ANSWER_NO;
	auth->gssapi_denied = true;
	ssh_options_set(state->ssh, SSH_OPTIONS_GSSAPI_DELEGATE_CREDENTIALS, &delegate);
	auth_tried(auth, "gssapi-with-mic");
	return auth_exchange(auth, again_gssapi, NULL, err);
}

/* ---- passwords ---- */

static int again_password(struct ssh_state *state, void *password)
{
	return ssh_userauth_password(state->ssh, NULL, ((const struct secret *)password)->bytes);
}

static enum answer try_password(struct auth *auth, struct err *err)
{
	const struct secret *password = auth->state->base.config->password;
	if (!password || !secret_given(password) || !(auth->allowed & SSH_AUTH_METHOD_PASSWORD))
		return ANSWER_NO;
	auth_tried(auth, "password");
	enum answer answer = auth_exchange(auth, again_password, (void *)password, err);
	auth->password_denied = answer == ANSWER_NO && auth->allowed & SSH_AUTH_METHOD_PASSWORD;
	return answer;
}

static int again_interactive(struct ssh_state *state, void *context)
{
	(void)context;
	return ssh_userauth_kbdint(state->ssh, NULL, NULL);
}

/* Answers one question: the first hidden one with the password, others by asking the user. */
static bool answer_prompt(struct auth *auth, unsigned i, bool *password_used)
{
	struct ssh_state *state = auth->state;
	const struct secret *password = state->base.config->password;
	char echo = 0;
	const char *text = ssh_userauth_kbdint_getprompt(state->ssh, i, &echo);
	if (password && secret_given(password) && !echo && !*password_used) {
		*password_used = true;
		return ssh_userauth_kbdint_setanswer(state->ssh, i, password->bytes) == 0;
	}
	auto_buf struct buf question = BUF_INIT;
	auto_secret struct secret answer = SECRET_INIT;
	buf_printf(&question, "%s: ", state->base.config->name);
	size_t length = text ? strnlen(text, 200) : 0;
	while (length > 0 && strchr(": ", text[length - 1]))
		length--;
	printable_line(&question, text ? text : "", length);
	if (!state->base.watch.prompt || !state->base.watch.prompt(state->base.watch.context, question.data, &answer))
		return false;
	return ssh_userauth_kbdint_setanswer(state->ssh, i, answer.bytes ? answer.bytes : "") == 0;
}

static enum answer try_interactive(struct auth *auth, struct err *err)
{
	struct ssh_state *state = auth->state;
	const struct secret *password = state->base.config->password;
	bool password_used = false;
	if (auth->password_denied || !(auth->allowed & SSH_AUTH_METHOD_INTERACTIVE) || !password || !secret_given(password))
		return ANSWER_NO;
	auth_tried(auth, "keyboard-interactive");
	for (int round = 0; round < INTERACTIVE_ROUNDS; round++) {
		enum answer answer = auth_exchange(auth, again_interactive, NULL, err);
		if (answer != ANSWER_INFO)
			return answer;
		int prompts = ssh_userauth_kbdint_getnprompts(state->ssh);
		for (int i = 0; i < prompts; i++)
			if (!answer_prompt(auth, (unsigned)i, &password_used)) {
				auth_skip(auth, "keyboard-interactive", "asked for what nobody could answer");
				return ANSWER_NO;
			}
	}
	return ANSWER_NO;
}

/* ---- in order ---- */

struct method {
	const char *name;
	int (*allowed)(const struct ssh_config *c);
	enum answer (*try)(struct auth *auth, struct err *err);
};

static int gssapi_allowed(const struct ssh_config *c) { return c->gssapi == SSH_CONFIG_YES; }
static int pubkey_allowed(const struct ssh_config *c) { return c->pubkey != SSH_CONFIG_NO; }
static int password_allowed(const struct ssh_config *c) { return c->password != SSH_CONFIG_NO; }
static int interactive_allowed(const struct ssh_config *c) { return c->interactive != SSH_CONFIG_NO; }

static const struct method methods[] = {
	{ "gssapi-with-mic", gssapi_allowed, try_gssapi },
	{ "publickey", pubkey_allowed, try_keys },
	{ "password", password_allowed, try_password },
	{ "keyboard-interactive", interactive_allowed, try_interactive },
};

/* The configured order, else the table's; with a password given and no key named, the password goes first. */
static const char *method_order(const struct ssh_state *state)
{
	const struct wire_config *config = state->base.config;
	if (state->config.preferred_authentications)
		return state->config.preferred_authentications;
	if (config->password && secret_given(config->password) && !config->private_key_file)
		return "password,keyboard-interactive,gssapi-with-mic,publickey";
	return "gssapi-with-mic,publickey,password,keyboard-interactive";
}

static enum answer try_method(struct auth *auth, const char *name, size_t length, struct err *err)
{
	for (size_t i = 0; i < sizeof(methods) / sizeof(*methods); i++)
		if (strlen(methods[i].name) == length && strncmp(methods[i].name, name, length) == 0)
			return methods[i].allowed(&auth->state->config) ? methods[i].try(auth, err) : ANSWER_NO;
	return ANSWER_NO;
}

/* What was refused may be right for the next factor; what was taken is not taken again. */
static void after_partial(struct auth *auth)
{
	buf_clear(&auth->offered);
	if (auth->taken)
		buf_printf(&auth->offered, "%s\n", auth->taken);
	free(auth->likely);
	auth->likely = NULL;
	auth->several = true;
}

static enum answer try_methods(struct auth *auth, struct err *err)
{
	enum answer answer = ANSWER_NO;
	/* After a partial success the server wants another method: start over with what it still allows. */
	for (int factors = 0; factors < 4; factors++) {
		const char *order = method_order(auth->state);
		for (answer = ANSWER_NO; *order && answer == ANSWER_NO;) {
			size_t length = strcspn(order, ",");
			answer = try_method(auth, order, length, err);
			order += length + (order[length] == ',');
		}
		if (answer != ANSWER_PARTIAL)
			break;
		after_partial(auth);
	}
	return answer;
}

static void allowed_names(int allowed, struct buf *names)
{
	static const struct {
		int bit;
		const char *name;
	} bits[] = { { SSH_AUTH_METHOD_PUBLICKEY, "publickey" }, { SSH_AUTH_METHOD_PASSWORD, "password" },
		         { SSH_AUTH_METHOD_INTERACTIVE, "keyboard-interactive" }, { SSH_AUTH_METHOD_GSSAPI_MIC, "gssapi-with-mic" },
		         { SSH_AUTH_METHOD_HOSTBASED, "hostbased" } };
	for (size_t i = 0; i < sizeof(bits) / sizeof(*bits); i++)
		if (allowed & bits[i].bit)
			buf_printf(names, "%s%s", names->length ? ", " : "", bits[i].name);
}

static int denied(const struct auth *auth, struct err *err)
{
	auto_buf struct buf names = BUF_INIT;
	const struct ssh_state *state = auth->state;
	if (auth->allowed >= 0)
		allowed_names(auth->allowed, &names);
	err_set(err, ERR_AUTH, "authenticating as %s on %s: permission denied; tried %s%s%s", state->config.user, state->peer,
	        auth->tried.length ? buf_text(&auth->tried) : "nothing, because there is no usable key or password",
	        names.length ? "; the server takes " : "", buf_text(&names));
	return tried_hint(auth, err);
}

/* Who logs in with which keys, in one text. */
static char *key_set(const struct ssh_config *c)
{
	auto_buf struct buf set = BUF_INIT;
	const char *agent = agent_path(c);
	buf_printf(&set, "%s\n%s\n%d\n", c->user, agent ? agent : "", c->identities_only);
	for (size_t i = 0; i < c->identities.count; i++)
		buf_printf(&set, "%s\n", c->identities.items[i]);
	for (size_t i = 0; i < c->certificates.count; i++)
		buf_printf(&set, "certificate %s\n", c->certificates.items[i]);
	return buf_take(&set);
}

int auth_run(struct ssh_state *state, struct err *err)
{
	struct auth auth = { .state = state, .allowed = ~0 };
	auth.locked = mem_array(state->config.identities.count, sizeof(*auth.locked));
	auto_free char *set = key_set(&state->config);
	auth.likely = hub_taken_find(state->hub, set);
	enum answer answer = try_methods(&auth, err);
	if (answer == ANSWER_YES && auth.taken && !auth.several)
		hub_taken_keep(state->hub, set, auth.taken);
	int status = answer == ANSWER_YES ? 0 : answer == ANSWER_BROKEN ? -1 : denied(&auth, err);
	agent_free(auth.agent);
	buf_release(&auth.tried);
	buf_release(&auth.skipped);
	buf_release(&auth.offered);
	free(auth.likely);
	free(auth.taken);
	free(auth.locked);
	return status;
}
