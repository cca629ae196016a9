/* The table of settings, and where their values come from. */
#include "cli/setting.h"

#include <ctype.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/buf.h"
#include "base/file.h"
#include "base/mem.h"

enum { FILE_MOST = 1024 * 1024 };

/* clang-format off */
const struct setting_row setting_rows[] = {
	{ "ANSIBLE_ANY_ERRORS_FATAL", "defaults", "any_errors_fatal", SETTING_TEXT, "as the keyword any_errors_fatal" },
	{ "ANSIBLE_ASK_PASS", "defaults", "ask_pass", SETTING_TEXT, "as --ask-pass" },
	{ "ANSIBLE_ASK_VAULT_PASS", "defaults", "ask_vault_pass", SETTING_TEXT, "as --ask-vault-password" },
	{ "ANSIBLE_BECOME", "privilege_escalation", "become", SETTING_TEXT, "as --become" },
	{ "ANSIBLE_BECOME_ASK_PASS", "privilege_escalation", "become_ask_pass", SETTING_TEXT, "as --ask-become-pass" },
	{ "ANSIBLE_BECOME_EXE", "privilege_escalation", "become_exe", SETTING_TEXT, "as the keyword become_exe" },
	{ "ANSIBLE_BECOME_FLAGS", "privilege_escalation", "become_flags", SETTING_TEXT, "as the keyword become_flags" },
	{ "ANSIBLE_BECOME_METHOD", "privilege_escalation", "become_method", SETTING_TEXT, "as --become-method" },
	{ "ANSIBLE_BECOME_PASSWORD_FILE", "defaults", "become_password_file", SETTING_PATH, "as --become-password-file" },
	{ "ANSIBLE_BECOME_USER", "privilege_escalation", "become_user", SETTING_TEXT, "as --become-user" },
	{ "ANSIBLE_CACHE_PLUGIN", "defaults", "fact_caching", SETTING_TEXT, "jsonfile keeps facts, as --fact-cache; memory does not" },
	{ "ANSIBLE_CACHE_PLUGIN_CONNECTION", "defaults", "fact_caching_connection", SETTING_PATH, "the folder of the facts" },
	{ "ANSIBLE_CACHE_PLUGIN_PREFIX", "defaults", "fact_caching_prefix", SETTING_TEXT, "what the names of their files begin with" },
	{ "ANSIBLE_CACHE_PLUGIN_TIMEOUT", "defaults", "fact_caching_timeout", SETTING_TEXT, "how many seconds facts are good for; 0: always" },
	{ "ANSIBLE_CALLBACKS_ENABLED", "defaults", "callbacks_enabled", SETTING_TEXT, "of Ansible's: timer, profile_tasks and profile_roles tell how long the run, its tasks and its roles took; others are none" },
	{ "ANSIBLE_CALLBACK_WHITELIST", "defaults", "callback_whitelist", SETTING_TEXT, "the same" },
	{ "ANSIBLE_CONNECTION_PASSWORD_FILE", "defaults", "connection_password_file", SETTING_PATH, "as --connection-password-file" },
	{ "ANSIBLE_DEPRECATION_WARNINGS", "defaults", "deprecation_warnings", SETTING_TEXT, "false: what is deprecated is not told of" },
	{ "ANSIBLE_DIFF_ALWAYS", "diff", "always", SETTING_TEXT, "as --diff" },
	{ "ANSIBLE_DIFF_CONTEXT", "diff", "context", SETTING_TEXT, "how many lines a difference shows around what has changed; 3 unless given" },
	{ "ANSIBLE_DISPLAY_OK_HOSTS", "defaults", "display_ok_hosts", SETTING_TEXT, "false: the text does not show tasks that have changed nothing" },
	{ "ANSIBLE_DISPLAY_SKIPPED_HOSTS", "defaults", "display_skipped_hosts", SETTING_TEXT, "false: the text does not show tasks that were skipped" },
	{ "ANSIBLE_ENABLE_TASK_DEBUGGER", "defaults", "enable_task_debugger", SETTING_TEXT, "the task debugger stops at whatever fails" },
	{ "ANSIBLE_ERROR_ON_UNDEFINED_VARS", "defaults", "error_on_undefined_vars", SETTING_FIXED, "true" },
	{ "ANSIBLE_FACT_PATH", "defaults", "fact_path", SETTING_PATH, "as the keyword fact_path" },
	{ "ANSIBLE_FORCE_COLOR", "defaults", "force_color", SETTING_TEXT, "colours also where the output is no terminal" },
	{ "ANSIBLE_FORCE_HANDLERS", "defaults", "force_handlers", SETTING_TEXT, "as --force-handlers" },
	{ "ANSIBLE_FORKS", "defaults", "forks", SETTING_TEXT, "as --forks" },
	{ "ANSIBLE_GATHERING", "defaults", "gathering", SETTING_TEXT, "implicit: facts are gathered at the start of each play; explicit: never unless asked for; else as needed" },
	{ "ANSIBLE_GATHER_SUBSET", "defaults", "gather_subset", SETTING_TEXT, "as the keyword gather_subset, with \",\" between the words" },
	{ "ANSIBLE_GATHER_TIMEOUT", "defaults", "gather_timeout", SETTING_TEXT, "as the keyword gather_timeout" },
	{ "ANSIBLE_HASH_BEHAVIOUR", "defaults", "hash_behaviour", SETTING_TEXT, "merge: a variable that is a dictionary is merged into the one that it would hide; replace: it hides it" },
	{ "ANSIBLE_HOST_KEY_CHECKING", "defaults", "host_key_checking", SETTING_TEXT, "false: host keys are not checked, and a warning says so; accept-new: new ones are kept" },
	{ "ANSIBLE_HOST_KEY_CHECKING", "ssh_connection", "host_key_checking", SETTING_TEXT, "the same" },
	{ "ANSIBLE_HOST_PATTERN_MISMATCH", "inventory", "host_pattern_mismatch", SETTING_TEXT, "where a play's pattern names nothing: warning, error or ignore" },
	{ "ANSIBLE_INJECT_FACT_VARS", "defaults", "inject_facts_as_vars", SETTING_FIXED, "true" },
	{ "ANSIBLE_INVENTORY", "defaults", "inventory", SETTING_SOURCES, "as --inventory" },
	{ "ANSIBLE_INVENTORY_ANY_UNPARSED_IS_FAILED", "inventory", "any_unparsed_is_failed", SETTING_FIXED, "true" },
	{ "ANSIBLE_INVENTORY_UNPARSED_FAILED", "inventory", "unparsed_is_failed", SETTING_FIXED, "true" },
	{ "ANSIBLE_JINJA2_NATIVE", "defaults", "jinja2_native", SETTING_FIXED, "true" },
	{ "ANSIBLE_LIBRARY", "defaults", "library", SETTING_PATHS, "as --module-path" },
	{ "ANSIBLE_LOCALHOST_WARNING", "defaults", "localhost_warning", SETTING_TEXT, "false: it is not told that no inventory was given" },
	{ "ANSIBLE_LOG_PATH", "defaults", "log_path", SETTING_PATH, "a file that gets the report as text, with times" },
	{ "ANSIBLE_NOCOLOR", "defaults", "nocolor", SETTING_TEXT, "no colours" },
	{ "ANSIBLE_NOCOWS", "defaults", "nocows", SETTING_FIXED, "true" },
	{ "ANSIBLE_NO_LOG", "defaults", "no_log", SETTING_TEXT, "as the keyword no_log" },
	{ "ANSIBLE_PIPELINING", "connection", "pipelining", SETTING_FIXED, "true" },
	{ "ANSIBLE_PIPELINING", "defaults", "pipelining", SETTING_FIXED, "true" },
	{ "ANSIBLE_PIPELINING", "ssh_connection", "pipelining", SETTING_FIXED, "true" },
	{ "ANSIBLE_PLAYBOOK_DIR", "defaults", "playbook_dir", SETTING_PATH, "as --playbook-dir of neap inventory" },
	{ "ANSIBLE_POLL_INTERVAL", "defaults", "poll_interval", SETTING_TEXT, "as the keyword poll" },
	{ "ANSIBLE_PRIVATE_KEY_FILE", "defaults", "private_key_file", SETTING_PATH, "as --private-key" },
	{ "ANSIBLE_PRIVATE_ROLE_VARS", "defaults", "private_role_vars", SETTING_TEXT, "the vars of a role are seen by its own tasks only" },
	{ "ANSIBLE_REMOTE_PORT", "defaults", "remote_port", SETTING_TEXT, "the port to connect to, where nothing else says it" },
	{ "ANSIBLE_REMOTE_USER", "defaults", "remote_user", SETTING_TEXT, "as --user" },
	{ "ANSIBLE_RETRY_FILES_ENABLED", "defaults", "retry_files_enabled", SETTING_TEXT, "the hosts that a run has lost are written into PLAYBOOK.retry, for --limit @PLAYBOOK.retry" },
	{ "ANSIBLE_RETRY_FILES_SAVE_PATH", "defaults", "retry_files_save_path", SETTING_PATH, "the folder of those files; beside the playbook unless given" },
	{ "ANSIBLE_ROLES_PATH", "defaults", "roles_path", SETTING_PATHS, "as --roles-path" },
	{ "ANSIBLE_RUN_TAGS", "tags", "run", SETTING_TEXT, "as --tags" },
	{ "ANSIBLE_SKIP_TAGS", "tags", "skip", SETTING_TEXT, "as --skip-tags" },
	{ "ANSIBLE_SSH_ARGS", "ssh_connection", "ssh_args", SETTING_TEXT, "as the variable ansible_ssh_args" },
	{ "ANSIBLE_SSH_COMMON_ARGS", "ssh_connection", "ssh_common_args", SETTING_TEXT, "as --ssh-common-args" },
	{ "ANSIBLE_SSH_EXTRA_ARGS", "ssh_connection", "ssh_extra_args", SETTING_TEXT, "as --ssh-extra-args" },
	{ "ANSIBLE_SSH_RETRIES", "connection", "retries", SETTING_TEXT, "as the variable ansible_ssh_retries: how often connecting is tried again" },
	{ "ANSIBLE_SSH_RETRIES", "ssh_connection", "retries", SETTING_TEXT, "the same" },
	{ "ANSIBLE_SSH_TIMEOUT", "ssh_connection", "timeout", SETTING_TEXT, "as --timeout" },
	{ "ANSIBLE_STDOUT_CALLBACK", "defaults", "stdout_callback", SETTING_TEXT, "json and jsonl, as --format; any other is the text" },
	{ "ANSIBLE_STRATEGY", "defaults", "strategy", SETTING_TEXT, "as the keyword strategy" },
	{ "ANSIBLE_TASK_DEBUGGER_IGNORE_ERRORS", "defaults", "task_debugger_ignore_errors", SETTING_TEXT, "false: it stops at failures with ignore_errors too" },
	{ "ANSIBLE_TASK_TIMEOUT", "defaults", "task_timeout", SETTING_TEXT, "as the keyword timeout" },
	{ "ANSIBLE_TIMEOUT", "defaults", "timeout", SETTING_TEXT, "as --timeout" },
	{ "ANSIBLE_TRANSPORT", "defaults", "transport", SETTING_TEXT, "as --connection" },
	{ "ANSIBLE_VAULT_ENCRYPT_IDENTITY", "defaults", "vault_encrypt_identity", SETTING_TEXT, "as --encrypt-vault-id" },
	{ "ANSIBLE_VAULT_IDENTITY_LIST", "defaults", "vault_identity_list", SETTING_TEXT, "as --vault-id; several with \",\" between them" },
	{ "ANSIBLE_VAULT_ID_MATCH", "defaults", "vault_id_match", SETTING_TEXT, "as --vault-id-match" },
	{ "ANSIBLE_VAULT_PASSWORD_FILE", "defaults", "vault_password_file", SETTING_PATH, "as --vault-password-file" },
	{ "ANSIBLE_VERBOSITY", "defaults", "verbosity", SETTING_TEXT, "as so many -v" },
	{ 0 },
};
/* clang-format on */

/* Variables that are no settings of a run's. */
static const char *const other_variables[] = { "ANSIBLE_CONFIG", "ANSIBLE_HOME", "ANSIBLE_ASYNC_DIR", NULL };

static size_t row_count(void) { return sizeof(setting_rows) / sizeof(*setting_rows) - 1; }

/* ---- which file ---- */

static bool is_readable(const char *path) { return access(path, R_OK) == 0; }

/* The working folder's, unless anybody may have put it there. */
static const char *find_here(struct settings *settings)
{
	struct stat about;
	auto_free char *folder = getcwd(NULL, 0);
	if (!folder || stat(folder, &about) < 0 || access("ansible.cfg", F_OK) < 0)
		return NULL;
	if (about.st_mode & S_IWOTH) {
		settings->passed_over = arena_str(&settings->arena, folder);
		return NULL;
	}
	return arena_printf(&settings->arena, "%s/ansible.cfg", folder);
}

static const char *find_file(struct settings *settings)
{
	struct stat about;
	const char *named = getenv("ANSIBLE_CONFIG"), *home = getenv("HOME");
	if (named && *named && stat(named, &about) == 0 && S_ISDIR(about.st_mode))
		named = arena_printf(&settings->arena, "%s/ansible.cfg", named);
	if (named && *named && is_readable(named))
		return named;
	const char *here = find_here(settings);
	if (here && is_readable(here))
		return here;
	const char *own = home ? arena_printf(&settings->arena, "%s/.ansible.cfg", home) : NULL;
	if (own && is_readable(own))
		return own;
	return is_readable("/etc/ansible/ansible.cfg") ? "/etc/ansible/ansible.cfg" : NULL;
}

/* ---- values ---- */

/* $NAME and ${NAME} by their values, where they have one. */
static void expand(const char *text, struct buf *out)
{
	while (*text) {
		bool braced = text[0] == '$' && text[1] == '{';
		const char *name = text + 1 + braced;
		size_t length = *text == '$' ? strspn(name, "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789_") : 0;
		auto_free char *variable = length ? mem_strndup(name, length) : NULL;
		const char *value = variable && (!braced || name[length] == '}') ? getenv(variable) : NULL;
		if (value) {
			buf_str(out, value);
			text = name + length + braced;
		} else {
			buf_char(out, *text++);
		}
	}
}

static void add_path(const char *path, size_t length, const char *folder, struct buf *out)
{
	auto_free char *word = mem_strndup(path, length);
	auto_buf struct buf whole = BUF_INIT;
	expand(word, &whole);
	const char *text = buf_text(&whole), *home = getenv("HOME");
	if (text[0] == '~' && (!text[1] || text[1] == '/') && home)
		buf_printf(out, "%s%s", home, text + 1);
	else if (*text == '/' || !folder)
		buf_str(out, text);
	else
		buf_printf(out, "%s/%s", folder, text);
}

/* folder: of the file; NULL: what is relative is so to the working folder. */
static const char *value_of(struct settings *settings, const struct setting_row *row, const char *text, const char *folder)
{
	auto_buf struct buf value = BUF_INIT;
	const char *separators = row->kind == SETTING_PATHS ? ":" : row->kind == SETTING_SOURCES ? "," : "";
	if (row->kind == SETTING_TEXT || row->kind == SETTING_FIXED)
		return arena_str(&settings->arena, text);
	while (*text) {
		text += strspn(text, " \t\n");
		size_t length = strcspn(text, separators), used = length;
		while (used && isspace((unsigned char)text[used - 1]))
			used--;
		if (used && value.length)
			buf_str(&value, separators);
		if (used)
			add_path(text, used, folder, &value);
		text += length + (text[length] != '\0');
	}
	return arena_copy(&settings->arena, buf_text(&value), value.length);
}

bool setting_is_true(const char *text)
{
	static const char *const words[] = { "true", "yes", "on", "y", "t", "1", NULL };
	for (const char *const *word = words; *word; word++)
		if (strcasecmp(*word, text) == 0)
			return true;
	return false;
}

static bool is_same(const char *fixed, const char *text)
{
	bool is_flag = strcmp(fixed, "true") == 0 || strcmp(fixed, "false") == 0;
	return is_flag ? setting_is_true(fixed) == setting_is_true(text) : strcmp(fixed, text) == 0;
}

static void add_name(struct buf *names, const char *name) { buf_printf(names, "%s%s", names->length ? ", " : "", name); }

/* ---- the file ---- */

struct reading {
	struct settings *settings;
	const char *folder;
	struct buf ignored;
	char *section, *key;
	struct buf value;
	unsigned line; /* of the key */
};

/* What was read of a key is whole. */
static void end_key(struct reading *reading)
{
	struct settings *settings = reading->settings;
	bool known = false;
	if (!reading->key)
		return;
	char *text = (char *)buf_text(&reading->value);
	size_t length = strlen(text);
	if (length > 1 && strchr("'\"", *text) && text[length - 1] == *text) {
		text[length - 1] = '\0';
		text++;
	}
	for (size_t i = 0; i < row_count() && !known; i++) {
		const struct setting_row *row = &setting_rows[i];
		if (strcmp(row->section, reading->section) != 0 || strcmp(row->key, reading->key) != 0)
			continue;
		known = row->kind != SETTING_FIXED || is_same(row->doc, text);
		settings->values[i].value = value_of(settings, row, text, reading->folder);
		settings->values[i].where = arena_printf(&settings->arena, "%s:%u", settings->path, reading->line);
	}
	if (!known)
		add_name(&reading->ignored, reading->key);
	free(reading->key);
	reading->key = NULL;
	buf_clear(&reading->value);
}

/* The end of a line's text: before a comment, which a blank and a semicolon begin, and blanks. */
static size_t text_length(const char *line)
{
	size_t length = strlen(line);
	for (const char *at = line; (at = strchr(at, ';')); at++) {
		if (at == line || isspace((unsigned char)at[-1])) {
			length = (size_t)(at - line);
			break;
		}
	}
	while (length && isspace((unsigned char)line[length - 1]))
		length--;
	return length;
}

static int read_line(struct reading *reading, char *line, unsigned number, struct err *err)
{
	char *text = line + strspn(line, " \t");
	if (*text == '#' || *text == ';')
		return 0;
	text[text_length(text)] = '\0';
	if (!*text)
		return 0;
	if (text > line && reading->key) {
		buf_printf(&reading->value, "\n%s", text);
		return 0;
	}
	end_key(reading);
	size_t length = strcspn(text, *text == '[' ? "]" : "=:");
	if (!text[length] || !length || (*text != '[' && !reading->section)) {
		err_set(err, ERR_INPUT, "this is no setting: %s", text);
		err_at(err, "%s:%u", reading->settings->path, number);
		return err_hint(err, "a setting stands under its section: [defaults], and then forks = 20");
	}
	char *behind = text + length + 1;
	if (*text == '[') {
		free(reading->section);
		reading->section = mem_strndup(text + 1, length - 1);
		return 0;
	}
	while (length && isspace((unsigned char)text[length - 1]))
		length--;
	reading->key = mem_strndup(text, length);
	for (char *c = reading->key; *c; c++)
		*c = (char)tolower((unsigned char)*c);
	reading->line = number;
	buf_str(&reading->value, behind + strspn(behind, " \t"));
	return 0;
}

static int read_file(struct reading *reading, struct err *err)
{
	auto_buf struct buf text = BUF_INIT;
	if (file_read(reading->settings->path, FILE_MOST, &text, err) < 0)
		return -1;
	unsigned number = 0;
	int failed = 0;
	for (char *line = (char *)buf_text(&text); line && *line && !failed;) {
		char *end = strchr(line, '\n');
		if (end)
			*end = '\0';
		failed = read_line(reading, line, ++number, err);
		line = end ? end + 1 : NULL;
	}
	end_key(reading);
	return failed;
}

/* ---- the environment ---- */

extern char **environ;

static bool is_other(const char *name, size_t length)
{
	for (const char *const *other = other_variables; *other; other++)
		if (strlen(*other) == length && memcmp(*other, name, length) == 0)
			return true;
	return false;
}

static void read_variable(struct reading *reading, const char *name, size_t length)
{
	struct settings *settings = reading->settings;
	const char *value = name + length + 1;
	bool known = is_other(name, length);
	for (size_t i = 0; i < row_count(); i++) {
		const struct setting_row *row = &setting_rows[i];
		if (strlen(row->environment) != length || memcmp(row->environment, name, length) != 0)
			continue;
		known = row->kind != SETTING_FIXED || is_same(row->doc, value);
		/* "a,b," is a list of hosts, not of files. */
		bool is_hosts = row->kind == SETTING_SOURCES && *value && value[strlen(value) - 1] == ',';
		settings->values[i].value = is_hosts ? value : value_of(settings, row, value, NULL);
		settings->values[i].where = row->environment;
	}
	if (known)
		return;
	auto_free char *shown = mem_strndup(name, length);
	add_name(&reading->ignored, shown);
}

static void read_environment(struct reading *reading)
{
	for (char **variable = environ; *variable; variable++) {
		const char *end = strchr(*variable, '=');
		if (end && end[1] && strncmp(*variable, "ANSIBLE_", 8) == 0)
			read_variable(reading, *variable, (size_t)(end - *variable));
	}
}

/* ---- all of it ---- */

int settings_load(struct settings *settings, struct err *err)
{
	*settings = (struct settings){ 0 };
	settings->values = arena_array(&settings->arena, row_count(), sizeof(*settings->values));
	settings->path = find_file(settings);
	const char *slash = settings->path ? strrchr(settings->path, '/') : NULL;
	auto_free char *folder = !slash ? mem_strdup(".") : mem_strndup(settings->path, (size_t)(slash - settings->path));
	struct reading reading = { .settings = settings, .folder = folder };
	int failed = settings->path ? read_file(&reading, err) : 0;
	if (!failed)
		read_environment(&reading);
	settings->ignored = reading.ignored.length ? arena_str(&settings->arena, buf_text(&reading.ignored)) : NULL;
	buf_release(&reading.ignored);
	buf_release(&reading.value);
	free(reading.section);
	free(reading.key);
	return failed;
}

void settings_release(struct settings *settings) { arena_release(&settings->arena); }

const struct setting *settings_find(const struct settings *settings, const char *environment)
{
	const struct setting *found = NULL;
	for (size_t i = 0; settings->values && i < row_count(); i++)
		if (settings->values[i].value && strcmp(setting_rows[i].environment, environment) == 0)
			found = &settings->values[i];
	return found;
}

void settings_warn(const struct settings *settings)
{
	if (settings->passed_over)
		fprintf(stderr, "neap: warning: ansible.cfg in %s is not read, because everybody may write there\n", settings->passed_over);
	if (settings->ignored)
		fprintf(stderr, "neap: warning: settings of Ansible's that neap does not have are ignored: %s\n", settings->ignored);
}
