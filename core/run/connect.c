/* Connections: settings from variables, keywords and options, and one target for each distinct set of them. */
#include "run/connect.h"

#include <pthread.h>
#include <pwd.h>
#include <string.h>
#include <sys/resource.h>
#include <unistd.h>

#include "base/mem.h"

/* Open files: of the run, and of each connection (a socket, which libssh and the pump wait on, and two to wake its thread). */
enum { RETRIES_MOST = 1000, FILES_OF_RUN = 40, FILES_EACH = 4, ACCOUNT_MOST = 16384 };

struct user_row {
	struct user_row *next;
	struct target_user user;
	struct wire_become become;
	struct secret password;
	struct arena arena;
};

/* What is known of a machine: of the one neap runs on, and of each host by its name and address, whoever logs in there. */
struct machine_row {
	struct machine_row *next;
	char *key;
	struct store *store;
};

struct target_row {
	struct target_row *next;
	char *key;
	struct target_user login;
	struct target *target;
	struct wire_config config;
	int retries;
	struct secret password, passphrase;
	struct arena arena;
	struct user_row *users;
};

struct targets {
	struct run_context *run;
	pthread_mutex_t lock;
	struct target_row *rows;
	size_t connections; /* of the rows: those by SSH */
	struct machine_row *machines;
	struct store *here;
};

struct targets *targets_new(struct run_context *run)
{
	struct targets *targets = mem_alloc(sizeof(*targets));
	targets->run = run;
	targets->here = store_new();
	pthread_mutex_init(&targets->lock, NULL);
	return targets;
}

static void row_free(struct target_row *row)
{
	target_free(row->target);
	for (struct user_row *user = row->users, *next; user; user = next) {
		next = user->next;
		secret_release(&user->password);
		arena_release(&user->arena);
		free(user);
	}
	secret_release(&row->password);
	secret_release(&row->passphrase);
	arena_release(&row->arena);
	free(row->key);
	free(row);
}

void targets_close(struct targets *targets)
{
	for (struct target_row *row = targets->rows; row; row = row->next)
		target_close(row->target);
	for (struct target_row *row = targets->rows; row; row = row->next)
		target_join(row->target);
}

void targets_free(struct targets *targets)
{
	if (!targets)
		return;
	for (struct target_row *row = targets->rows, *next; row; row = next) {
		next = row->next;
		row_free(row);
	}
	for (struct machine_row *machine = targets->machines, *next; machine; machine = next) {
		next = machine->next;
		store_free(machine->store);
		free(machine->key);
		free(machine);
	}
	store_free(targets->here);
	pthread_mutex_destroy(&targets->lock);
	free(targets);
}

void targets_cancel(struct targets *targets)
{
	pthread_mutex_lock(&targets->lock);
	for (struct target_row *row = targets->rows; row; row = row->next)
		target_cancel(row->target);
	pthread_mutex_unlock(&targets->lock);
}

/* ---- values ---- */

struct reading {
	const struct evaluation *at;
	struct arena *arena;
	struct err *err;
	int failed;
};

/* The first of the variables (names end at NULL) that is defined, evaluated; NULL if none is. */
static json_t *variable(struct reading *reading, const char *const *names)
{
	struct variables *variables = reading->at->variables;
	for (; *names && !reading->failed; names++) {
		json_t *value = NULL, *result = NULL;
		bool final = false;
		if (!variables->scope.find(variables, *names, &value, &final))
			continue;
		if (final)
			return json_deep_copy(value);
		reading->failed = template_value(reading->at->vm, value, &variables->scope, &result, NULL, reading->err);
		if (!reading->failed)
			return result;
		err_wrap(reading->err, "variable %s", *names);
	}
	return NULL;
}

static const char *as_text(struct arena *arena, const json_t *value)
{
	if (json_is_string(value))
		return *json_string_value(value) ? arena_str(arena, json_string_value(value)) : NULL;
	if (json_is_integer(value))
		return arena_printf(arena, "%lld", (long long)json_integer_value(value));
	return NULL;
}

#define NAMES(...) ((const char *const[]){ __VA_ARGS__, NULL })

static const char *variable_text(struct reading *reading, const char *const *names)
{
	auto_json json_t *value = variable(reading, names);
	return as_text(reading->arena, value);
}

static const char *keyword_or(struct reading *reading, const char *keyword, const char *option)
{
	if (reading->at->entry && !reading->failed) {
		auto_free char *text = NULL;
		reading->failed = keyword_text(reading->at, keyword, &text, reading->err);
		if (text)
			return arena_str(reading->arena, text);
	}
	return option;
}

static int whole_number(struct reading *reading, const char *what, const char *text, long most)
{
	if (!text)
		return 0;
	char *end = NULL;
	long number = strtol(text, &end, 10);
	if (end == text || *end || number < 0 || number > most) {
		reading->failed = err_set(reading->err, ERR_INPUT, "%s must be a number from 0 to %ld, but it is \"%s\"", what,
		                          most, text);
		return 0;
	}
	return (int)number;
}

static void variable_secret(struct reading *reading, const char *const *names, const struct secret *option,
                            struct secret *secret)
{
	auto_json json_t *value = variable(reading, names);
	const char *text = as_text(reading->arena, value);
	if (text) {
		secret_set(secret, text, strlen(text));
		event_mask(reading->at->variables->run->events, text, strlen(text));
	} else if (option && secret_given(option)) {
		secret_copy(secret, option);
	}
}

/* Whether a keyword can have that word. */
static bool is_word_of(const char *keyword, const char *word)
{
	const char *const *words = keyword_choices(keyword_find(keyword));
	while (*words && strcmp(*words, word) != 0)
		words++;
	return *words != NULL;
}

/* Ansible's order: a variable beats a keyword, which beats an option of the command line. */
static void read_address(struct reading *reading, struct wire_config *config)
{
	const struct run_options *options = reading->at->variables->run->options;
	const char *connection = variable_text(reading, NAMES("ansible_connection"));
	if (!connection)
		connection = keyword_or(reading, "connection", options->connection);
	config->local = connection && (strcmp(connection, "local") == 0 ||
	                               strcmp(connection, "ansible.builtin.local") == 0);
	if (connection && !is_word_of("connection", connection)) {
		reading->failed = err_set(reading->err, ERR_INPUT, "connection \"%s\" is not one of ssh, local", connection);
		return;
	}
	config->host = variable_text(reading, NAMES("ansible_ssh_host", "ansible_host"));
	if (!config->host)
		config->host = config->name;
	const char *port = variable_text(reading, NAMES("ansible_ssh_port", "ansible_port"));
	config->port = whole_number(reading, "ansible_port", port ? port : keyword_or(reading, "port", NULL), 65535);
	if (!config->port)
		config->port = options->port;
	config->user = variable_text(reading, NAMES("ansible_ssh_user", "ansible_user"));
	if (!config->user)
		config->user = keyword_or(reading, "remote_user", options->user);
}

static void read_host_key_policy(struct reading *reading, struct wire_config *config)
{
	auto_json json_t *checking =
		variable(reading, NAMES("ansible_ssh_host_key_checking", "ansible_host_key_checking"));
	const char *option = reading->at->variables->run->options->host_key_checking;
	auto_json json_t *word = !checking && option ? json_string(option) : NULL;
	const json_t *value = checking ? checking : word;
	if (json_is_string(value) && strcmp(json_string_value(value), "accept-new") == 0)
		config->host_keys = WIRE_KEYS_ACCEPT_NEW;
	else if (keyword_bool(value) == 0)
		config->host_keys = WIRE_KEYS_OFF;
	else if (keyword_bool(value) == 1)
		config->host_keys = WIRE_KEYS_STRICT;
}

/* All that is asked and done is in the language of sh, which these do not speak. */
static const char *read_shell(struct reading *reading)
{
	static const char *const others[] = { "zsh", "fish", "csh", "tcsh" };
	const char *shell = variable_text(reading, NAMES("ansible_shell_executable"));
	const char *slash = shell ? strrchr(shell, '/') : NULL, *name = slash ? slash + 1 : shell;
	for (size_t i = 0; name && i < sizeof(others) / sizeof(*others); i++) {
		if (strcmp(name, others[i]) != 0)
			continue;
		reading->failed = err_set(reading->err, ERR_INPUT, "ansible_shell_executable is %s, which is no POSIX shell", shell);
		err_hint(reading->err, "name sh, dash, bash, ksh or busybox's; which login shell the user has does not matter");
	}
	return shell;
}

static void read_details(struct reading *reading, struct target_row *row)
{
	struct run_context *run = reading->at->variables->run;
	struct wire_config *config = &row->config;
	config->private_key_file =
		variable_text(reading, NAMES("ansible_ssh_private_key_file", "ansible_private_key_file"));
	if (!config->private_key_file)
		config->private_key_file = run->options->private_key;
	config->ssh_args = variable_text(reading, NAMES("ansible_ssh_args"));
	if (!config->ssh_args)
		config->ssh_args = run->options->ssh_args;
	config->common_args = variable_text(reading, NAMES("ansible_ssh_common_args"));
	if (!config->common_args)
		config->common_args = run->options->ssh_common_args;
	config->extra_args = variable_text(reading, NAMES("ansible_ssh_extra_args"));
	if (!config->extra_args)
		config->extra_args = run->options->ssh_extra_args;
	config->shell = read_shell(reading);
	auto_json json_t *tty = variable(reading, NAMES("ansible_ssh_use_tty"));
	config->pty = keyword_bool(tty) == 1;
	const char *timeout = variable_text(reading, NAMES("ansible_ssh_timeout", "ansible_timeout"));
	config->connect_timeout_ms = whole_number(reading, "ansible_timeout", timeout, 86400) * 1000;
	if (!config->connect_timeout_ms)
		config->connect_timeout_ms = run->options->timeout_s * 1000;
	const char *retries = variable_text(reading, NAMES("ansible_ssh_retries"));
	row->retries = whole_number(reading, "ansible_ssh_retries", retries ? retries : run->options->ssh_retries, RETRIES_MOST);
	read_host_key_policy(reading, config);
	variable_secret(reading, NAMES("ansible_ssh_pass", "ansible_ssh_password", "ansible_password"), &run->password,
	                &row->password);
	variable_secret(reading, NAMES("ansible_ssh_private_key_passphrase", "ansible_private_key_passphrase"), NULL,
	                &row->passphrase);
	if (secret_given(&row->password))
		config->password = &row->password;
	if (secret_given(&row->passphrase))
		config->key_passphrase = &row->passphrase;
}

static struct target_row *find_row(struct targets *targets, const char *key)
{
	for (struct target_row *row = targets->rows; row; row = row->next) {
		if (strcmp(row->key, key) == 0)
			return row;
	}
	return NULL;
}

static struct store *machine_store(struct targets *targets, const struct wire_config *config)
{
	if (config->local)
		return targets->here;
	auto_free char *key = mem_printf("%s\n%s", config->name, config->host ? config->host : "");
	struct machine_row *machine = targets->machines;
	while (machine && strcmp(machine->key, key) != 0)
		machine = machine->next;
	if (machine)
		return machine->store;
	machine = mem_alloc(sizeof(*machine));
	*machine = (struct machine_row){ .next = targets->machines, .key = steal(key), .store = store_new() };
	targets->machines = machine;
	return machine->store;
}

/* How many open files the process may have where those of one more connection do not fit; 0 where they do. */
static unsigned long files_too_few(const struct targets *targets)
{
	struct rlimit limit;
	if (getrlimit(RLIMIT_NOFILE, &limit) < 0 || limit.rlim_cur == RLIM_INFINITY)
		return 0;
	return FILES_OF_RUN + (targets->connections + 1) * FILES_EACH > limit.rlim_cur ? limit.rlim_cur : 0;
}

static struct target *make_target(struct targets *targets, struct target_row *row)
{
	unsigned long too_few = row->config.local ? 0 : files_too_few(targets);
	targets->connections += !row->config.local && !too_few;
	const struct target_options options = {
		.name = row->config.name,
		.config = &row->config,
		.hub = targets->run->hub,
		.events = targets->run->events,
		.slots = targets->run->slots,
		.login = &row->login,
		.store = machine_store(targets, &row->config),
		.here = targets->here,
		.prompt = targets->run->prompt,
		.prompt_context = targets->run,
		.tells_phases = targets->run->options->verbosity >= 3,
		.retries = row->retries,
		.files_too_few = too_few,
	};
	return target_new(&options);
}

/* Adds the row, or frees it and gives the one that was there already. */
static struct target *add_row(struct targets *targets, struct target_row *row)
{
	pthread_mutex_lock(&targets->lock);
	struct target_row *known = find_row(targets, row->key);
	if (!known) {
		row->target = make_target(targets, row);
		row->next = targets->rows;
		targets->rows = row;
		if (atomic_load(&targets->run->cancelled))
			target_cancel(row->target);
	}
	pthread_mutex_unlock(&targets->lock);
	if (known)
		row_free(row);
	return known ? known->target : row->target;
}

struct target *targets_get(struct targets *targets, const struct evaluation *at, struct err *err)
{
	struct target_row *row = mem_alloc(sizeof(*row));
	struct reading reading = { .at = at, .arena = &row->arena, .err = err };
	row->config.name = at->variables->host->host->name;
	read_address(&reading, &row->config);
	if (!reading.failed)
		read_details(&reading, row);
	const struct wire_config *config = &row->config;
	row->key = mem_printf("%s\n%d %s %d %s %s", config->name, config->local, config->host ? config->host : "",
	                      config->port, config->user ? config->user : "",
	                      config->private_key_file ? config->private_key_file : "");
	row->login.key = !config->local && config->user ? config->user : "";
	if (reading.failed) {
		row_free(row);
		return NULL;
	}
	return add_row(targets, row);
}

/* ---- become ---- */

static bool wants_become(struct reading *reading)
{
	bool wanted = reading->at->variables->run->options->become;
	auto_json json_t *value = variable(reading, NAMES("ansible_become"));
	if (value)
		return keyword_bool(value) == 1;
	if (reading->at->entry && !reading->failed)
		reading->failed = keyword_flag(reading->at, "become", wanted, &wanted, reading->err);
	return wanted;
}

static const char *become_setting(struct reading *reading, const char *variable_name, const char *keyword,
                                  const char *option)
{
	const char *text = variable_text(reading, NAMES(variable_name));
	return text ? text : keyword_or(reading, keyword, option);
}

static void read_become(struct reading *reading, struct user_row *row)
{
	struct run_context *run = reading->at->variables->run;
	const struct run_options *options = run->options;
	struct wire_become *become = &row->become;
	become->method = become_setting(reading, "ansible_become_method", "become_method", options->become_method);
	if (!become->method)
		become->method = "sudo";
	become->user = become_setting(reading, "ansible_become_user", "become_user", options->become_user);
	become->flags = become_setting(reading, "ansible_become_flags", "become_flags", options->become_flags);
	become->executable = become_setting(reading, "ansible_become_exe", "become_exe", options->become_exe);
	variable_secret(reading, NAMES("ansible_become_password", "ansible_become_pass", "ansible_sudo_pass"),
	                &run->become_password, &row->password);
	if (secret_given(&row->password))
		become->password = &row->password;
	if (!is_word_of("become_method", become->method) && !reading->failed)
		reading->failed = err_set(reading->err, ERR_INPUT, "become_method \"%s\" is not one of sudo, su, doas",
		                          become->method);
}

static struct target_row *row_of(struct targets *targets, const struct target *target)
{
	pthread_mutex_lock(&targets->lock);
	struct target_row *row = targets->rows;
	while (row->target != target)
		row = row->next;
	pthread_mutex_unlock(&targets->lock);
	return row;
}

/* Nothing has to be done to become who one is, as Ansible has it: where sudo is missing, root needs none. */
static bool is_login_user(struct targets *targets, const struct target *target, const char *user)
{
	const struct wire_config *config = &row_of(targets, target)->config;
	if (!config->local)
		return config->user && strcmp(config->user, user) == 0;
	struct passwd about, *found = NULL;
	auto_free char *buffer = mem_alloc(ACCOUNT_MOST);
	return getpwuid_r(geteuid(), &about, buffer, ACCOUNT_MOST, &found) == 0 && found && strcmp(found->pw_name, user) == 0;
}

static bool is_same_password(const struct secret *a, const struct secret *b)
{
	return a->length == b->length && (!a->length || memcmp(a->bytes, b->bytes, a->length) == 0);
}

static const struct target_user *add_user(struct targets *targets, struct target *target, struct user_row *user)
{
	struct target_row *row = row_of(targets, target);
	pthread_mutex_lock(&targets->lock);
	struct user_row *known = row->users;
	while (known && (strcmp(known->user.key, user->user.key) != 0 || !is_same_password(&known->password, &user->password)))
		known = known->next;
	if (!known) {
		user->next = row->users;
		row->users = user;
	}
	pthread_mutex_unlock(&targets->lock);
	if (!known)
		return &user->user;
	secret_release(&user->password);
	arena_release(&user->arena);
	free(user);
	return &known->user;
}

const struct target_user *targets_user(struct targets *targets, struct target *target, const struct evaluation *at,
                                       struct err *err)
{
	struct user_row *row = mem_alloc(sizeof(*row));
	struct reading reading = { .at = at, .arena = &row->arena, .err = err };
	bool wanted = wants_become(&reading);
	if (wanted && !reading.failed)
		read_become(&reading, row);
	if (wanted && !reading.failed)
		wanted = !is_login_user(targets, target, row->become.user ? row->become.user : "root");
	if (!wanted || reading.failed) {
		secret_release(&row->password);
		arena_release(&row->arena);
		free(row);
		return reading.failed ? NULL : target_login(target);
	}
	const struct wire_become *become = &row->become;
	row->user.become = become;
	row->user.key = arena_printf(&row->arena, "%s\n%s\n%s\n%s", become->method, become->user ? become->user : "root",
	                             become->flags ? become->flags : "", become->executable ? become->executable : "");
	return add_user(targets, target, row);
}
