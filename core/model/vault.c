/* The run's vault: secrets and what was opened with them; see vault.h. The cipher is in vault_cipher.c. */
#include "model/vault.h"

#include <pthread.h>
#include <string.h>
#include <strings.h>

#include "base/digest.h"
#include "base/mem.h"
#include "model/vault_cipher.h"

struct held {
	char *id;
	struct secret secret;
};

struct derived {
	size_t secret; /* which one it came from */
	size_t salt_length;
	unsigned char salt[VAULT_SALT_MAX];
	struct vault_keys keys;
};

struct value { /* a single value, found by its sealed text */
	struct secret plain;
	bool opened;
	char *where;
};

struct vault {
	pthread_mutex_t lock;
	struct held *secrets;
	size_t count, room;
	struct derived *derived;
	size_t derived_count, derived_room;
	struct value **values; /* each stays where it is */
	size_t value_count, value_room;
	json_t *value_index; /* SHA-256 of the sealed text: place in values */
	bool match_ids;
	void (*opened)(void *context, const char *text, size_t length);
	void *context;
};

struct vault *vault_new(void)
{
	struct vault *vault = mem_alloc(sizeof(*vault));
	pthread_mutex_init(&vault->lock, NULL);
	vault->value_index = json_object();
	return vault;
}

void vault_free(struct vault *vault)
{
	if (!vault)
		return;
	for (size_t i = 0; i < vault->count; i++) {
		secret_release(&vault->secrets[i].secret);
		free(vault->secrets[i].id);
	}
	secret_wipe(vault->derived, vault->derived_count * sizeof(*vault->derived));
	for (size_t i = 0; i < vault->value_count; i++) {
		secret_release(&vault->values[i]->plain);
		free(vault->values[i]->where);
		free(vault->values[i]);
	}
	free(vault->secrets);
	free(vault->derived);
	free(vault->values);
	json_decref(vault->value_index);
	pthread_mutex_destroy(&vault->lock);
	free(vault);
}

/* ---- secrets ---- */

int vault_add(struct vault *vault, const char *id, const struct secret *secret, struct err *err)
{
	if (!id)
		id = VAULT_DEFAULT_ID;
	if (!vault_id_is_valid(id, strlen(id))) {
		err_set(err, ERR_USAGE, "\"%.*s\" cannot be a vault id", VAULT_MAX_ID, id);
		return err_hint(err, "an id has up to %d printable characters, and no semicolon or blank", VAULT_MAX_ID);
	}
	if (secret->length == 0)
		return err_set(err, ERR_USAGE, "the password of the vault id \"%s\" is empty", id);
	mem_grow(vault->secrets, vault->count, vault->room);
	vault->secrets[vault->count] = (struct held){ .id = mem_strdup(id), .secret = SECRET_INIT };
	secret_copy(&vault->secrets[vault->count++].secret, secret);
	return 0;
}

void vault_match_ids(struct vault *vault, bool match) { vault->match_ids = match; }

void vault_watch(struct vault *vault, void (*opened)(void *context, const char *text, size_t length), void *context)
{
	vault->opened = opened;
	vault->context = context;
}

size_t vault_count(const struct vault *vault) { return vault->count; }

const char *vault_id(const struct vault *vault, size_t index)
{
	return index < vault->count ? vault->secrets[index].id : NULL;
}

const struct secret *vault_secret_at(const struct vault *vault, size_t index)
{
	return index < vault->count ? &vault->secrets[index].secret : NULL;
}

const struct secret *vault_secret(const struct vault *vault, const char *id)
{
	for (size_t i = 0; i < vault->count; i++)
		if (strcmp(vault->secrets[i].id, id) == 0)
			return &vault->secrets[i].secret;
	return NULL;
}

size_t vault_derivations(const struct vault *vault) { return vault->derived_count; }

/* ---- opening ---- */

static const struct vault_keys *keys_for(struct vault *vault, size_t secret, const struct vault_text *text)
{
	for (size_t i = 0; i < vault->derived_count; i++) {
		const struct derived *known = &vault->derived[i];
		if (known->secret == secret && known->salt_length == text->salt_length &&
		    memcmp(known->salt, text->salt, text->salt_length) == 0)
			return &known->keys;
	}
	if (vault->derived_count == vault->derived_room) { /* by hand: the old copy is wiped */
		size_t room = vault->derived_room ? vault->derived_room * 2 : 8;
		struct derived *larger = mem_array(room, sizeof(*larger));
		if (vault->derived_count)
			memcpy(larger, vault->derived, vault->derived_count * sizeof(*larger));
		secret_wipe(vault->derived, vault->derived_count * sizeof(*larger));
		free(vault->derived);
		vault->derived = larger;
		vault->derived_room = room;
	}
	struct derived *made = &vault->derived[vault->derived_count++];
	made->secret = secret;
	made->salt_length = text->salt_length;
	memcpy(made->salt, text->salt, text->salt_length);
	vault_keys_derive(&made->keys, &vault->secrets[secret].secret, text->salt, text->salt_length);
	return &made->keys;
}

static int no_secret(const struct vault *vault, const struct vault_text *text, struct err *err)
{
	auto_free char *sealed_by = text->id ? mem_printf(" (its id is \"%s\")", text->id) : mem_strdup("");
	if (!vault->count) {
		err_set(err, ERR_INPUT, "it is sealed by Ansible Vault%s and no vault secret was given", sealed_by);
		err_hint(err, "give one with --vault-id, --vault-password-file or --ask-vault-password");
	} else {
		auto_buf struct buf ids = BUF_INIT;
		for (size_t i = 0; i < vault->count && i < 8; i++)
			buf_printf(&ids, "%s\"%s\"", i ? ", " : "", vault->secrets[i].id);
		err_set(err, ERR_INPUT, "none of the vault secrets (%s) opens it%s: the secret is another one, or the text was changed",
		        buf_text(&ids), sealed_by);
		err_hint(err, "give the secret it was sealed with, or take the file from where it is unharmed");
	}
	err->os_error = VAULT_NO_SECRET;
	return -1;
}

/* Whether the secret is tried in the first pass (those of the header's id) or in the second (the others). */
static bool is_tried(const struct vault *vault, size_t secret, const char *id, int pass)
{
	bool of_id = id && strcmp(vault->secrets[secret].id, id) == 0;
	return pass == 0 ? of_id : !of_id && !(vault->match_ids && id);
}

/* Under the lock. */
static int open_text(struct vault *vault, const struct vault_text *text, struct secret *plain, size_t *used, struct err *err)
{
	for (int pass = 0; pass < 2; pass++) {
		for (size_t i = 0; i < vault->count; i++) {
			if (!is_tried(vault, i, text->id, pass))
				continue;
			const struct vault_keys *keys = keys_for(vault, i, text);
			if (!vault_text_is_authentic(text, keys))
				continue;
			if (used)
				*used = i;
			return vault_text_decrypt(text, keys, plain, err);
		}
	}
	return no_secret(vault, text, err);
}

int vault_open(struct vault *vault, const char *sealed, size_t length, struct secret *plain, size_t *used, struct err *err)
{
	auto_vault_text struct vault_text text = VAULT_TEXT_INIT;
	if (vault_text_read(&text, sealed, length, err) < 0)
		return -1;
	pthread_mutex_lock(&vault->lock);
	int status = open_text(vault, &text, plain, used, err);
	pthread_mutex_unlock(&vault->lock);
	return status;
}

int vault_seal(const struct secret *secret, const char *id, const char *plain, size_t length, struct buf *out, struct err *err)
{
	return vault_seal_salted(secret, id, NULL, plain, length, out, err);
}

int vault_seal_salted(const struct secret *secret, const char *id, const struct secret *salt, const char *plain,
                      size_t length, struct buf *out, struct err *err)
{
	if (vault_is_sealed(plain, length))
		return err_set(err, ERR_INPUT, "it is sealed already");
	if (id && strcmp(id, VAULT_DEFAULT_ID) == 0)
		id = NULL;
	if (id && !vault_id_is_valid(id, strlen(id)))
		return err_set(err, ERR_INPUT, "\"%.*s\" cannot be a vault id", VAULT_MAX_ID, id);
	return vault_text_write(secret, id, salt, plain, length, out, err);
}

/* ---- single values ---- */

const char *vault_value_sealed(const json_t *value, size_t *length)
{
	if (!json_is_object(value) || json_object_size(value) != 1)
		return NULL;
	const json_t *sealed = json_object_get(value, "__ansible_vault");
	if (!json_is_string(sealed))
		return NULL;
	*length = json_string_length(sealed);
	return json_string_value(sealed);
}

bool vault_value_is_text(const json_t *value)
{
	return json_is_object(value) && json_object_size(value) == 1 &&
	       (json_is_string(json_object_get(value, "__ansible_vault")) || json_is_string(json_object_get(value, "__ansible_unsafe")));
}

/* Found or made, under the lock. */
static struct value *find_value(struct vault *vault, const char *sealed, size_t length)
{
	char hex[DIGEST_HEX_MAX];
	digest_bytes("sha256", sealed, length, hex);
	const json_t *place = json_object_get(vault->value_index, hex);
	if (place)
		return vault->values[json_integer_value(place)];
	json_object_set_new(vault->value_index, hex, json_integer((json_int_t)vault->value_count));
	mem_grow(vault->values, vault->value_count, vault->value_room);
	struct value *value = mem_alloc(sizeof(*value));
	return vault->values[vault->value_count++] = value;
}

void vault_value_at(struct vault *vault, const char *sealed, size_t length, const char *where)
{
	pthread_mutex_lock(&vault->lock);
	struct value *value = find_value(vault, sealed, length);
	if (!value->where)
		value->where = mem_strdup(where);
	pthread_mutex_unlock(&vault->lock);
}

static bool is_plain_word(const char *text, size_t length)
{
	static const char *const words[] = { "true", "false", "yes", "no", "on", "off", "null", "none", "present", "absent" };
	for (size_t i = 0; i < sizeof(words) / sizeof(*words); i++)
		if (strlen(words[i]) == length && strncasecmp(text, words[i], length) == 0)
			return true;
	return false;
}

/* The parts of a text between its templates: they will stand in what it gives, where the text itself does not. */
static void tell_around_templates(const struct vault *vault, const char *text)
{
	enum { SHORTEST = 6 };
	for (;;) {
		size_t length = 0;
		while (text[length] && !(text[length] == '{' && text[length + 1] && strchr("{%#", text[length + 1])))
			length++;
		if (length >= SHORTEST)
			vault->opened(vault->context, text, length);
		if (!text[length])
			return;
		static const char *const ends[] = { "}}", "%}", "#}" };
		const char *end = strstr(text + length, ends[strchr("{%#", text[length + 1]) - "{%#"]);
		if (!end)
			return;
		text = end + 2;
	}
}

static void tell_text(const struct vault *vault, const char *text, size_t length)
{
	if (!length || is_plain_word(text, length))
		return;
	vault->opened(vault->context, text, length);
	if (strstr(text, "{{") || strstr(text, "{%") || strstr(text, "{#"))
		tell_around_templates(vault, text);
}

static void tell_value(const struct vault *vault, const json_t *value)
{
	if (json_is_string(value)) {
		tell_text(vault, json_string_value(value), json_string_length(value));
	} else if (json_is_integer(value)) {
		char text[32];
		int length = snprintf(text, sizeof(text), "%" JSON_INTEGER_FORMAT, json_integer_value(value));
		if (length >= 4) /* shorter ones are ports and counts, and would be masked only as words */
			vault->opened(vault->context, text, (size_t)length);
	} else if (json_is_array(value)) {
		for (size_t i = 0; i < json_array_size(value); i++)
			tell_value(vault, json_array_get(value, i));
	} else if (json_is_object(value)) {
		for (void *at = json_object_iter((json_t *)value); at; at = json_object_iter_next((json_t *)value, at))
			tell_value(vault, json_object_iter_value(at));
	}
}

/* Plays and tasks: their vars: and environment:, at any depth. */
static void tell_tasks(const struct vault *vault, const json_t *value)
{
	for (size_t i = 0; json_is_array(value) && i < json_array_size(value); i++)
		tell_tasks(vault, json_array_get(value, i));
	for (void *at = json_object_iter((json_t *)value); at; at = json_object_iter_next((json_t *)value, at)) {
		const char *key = json_object_iter_key(at);
		if (strcmp(key, "vars") == 0 || strcmp(key, "environment") == 0)
			tell_value(vault, json_object_iter_value(at));
		else
			tell_tasks(vault, json_object_iter_value(at));
	}
}

void vault_tell(struct vault *vault, const json_t *document)
{
	if (!vault->opened)
		return;
	pthread_mutex_lock(&vault->lock);
	if (json_is_array(document))
		tell_tasks(vault, document);
	else
		tell_value(vault, document);
	pthread_mutex_unlock(&vault->lock);
}

/* Under the lock. */
static int value_open(struct vault *vault, struct value *value, const char *sealed, size_t length, struct err *err)
{
	if (value->opened)
		return 0;
	auto_vault_text struct vault_text text = VAULT_TEXT_INIT;
	if (vault_text_read(&text, sealed, length, err) < 0 || open_text(vault, &text, &value->plain, NULL, err) < 0) {
		int os_error = err ? err->os_error : 0;
		if (value->where)
			err_at(err, "%s", value->where);
		err_wrap(err, "this value");
		if (err)
			err->os_error = os_error;
		return -1;
	}
	value->opened = true;
	if (vault->opened && value->plain.length)
		vault->opened(vault->context, value->plain.bytes, value->plain.length);
	return 0;
}

int vault_value_open(struct vault *vault, const char *sealed, size_t length, const struct secret **plain, struct err *err)
{
	pthread_mutex_lock(&vault->lock);
	struct value *value = find_value(vault, sealed, length);
	int status = value_open(vault, value, sealed, length, err);
	*plain = status == 0 ? &value->plain : NULL;
	pthread_mutex_unlock(&vault->lock);
	return status;
}
