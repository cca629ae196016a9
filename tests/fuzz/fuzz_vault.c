/* Vault texts of any bytes: nothing is opened that was not sealed, and what is sealed opens again and to the same bytes.
 *
 * The first byte says what the rest is: 'o' a text to open, 'v' a document with sealed values in it, 's' bytes to seal, where the second
 * byte says which byte of the sealed text is then changed, and by what.
 *
 * covers: core/model/vault.c core/model/vault_cipher.c */
#include <assert.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "base/mem.h"
#include "model/document.h"
#include "model/vault.h"

static struct vault *make_vault(void)
{
	static const char *const ids[] = { NULL, "dev", "prod" };
	struct vault *vault = vault_new();
	struct err err = ERR_INIT;
	for (size_t i = 0; i < 3; i++) {
		const struct secret secret = { .bytes = (char *)"secret" + i, .length = 6 - i };
		if (vault_add(vault, ids[i], &secret, &err) < 0)
			abort();
	}
	const struct secret empty = { .bytes = (char *)"", .length = 0 };
	assert(vault_add(vault, "a;b", &empty, &err) < 0 && vault_add(vault, "a", &empty, &err) < 0);
	return vault;
}

static void told(void *context, const char *text, size_t length)
{
	*(size_t *)context += length && text[length - 1];
}

/* Whatever it is: either it opens, or it is refused with words and nothing comes out. */
static void open_any(struct vault *vault, const char *bytes, size_t length)
{
	struct secret plain = SECRET_INIT;
	struct err err = ERR_INIT;
	size_t used = 99;
	free(vault_header_id(bytes, length));
	if (vault_open(vault, bytes, length, &plain, &used, &err) == 0)
		assert(vault_is_sealed(bytes, length) && used < vault_count(vault));
	else
		assert(*err.text && !secret_given(&plain));
	secret_release(&plain);
}

static void open_values(struct vault *vault, struct node node)
{
	size_t length;
	const char *sealed = vault_value_sealed(node.value, &length), *key;
	const struct secret *plain = NULL, *again = NULL;
	struct err err = ERR_INIT;
	if (sealed) {
		int status = vault_value_open(vault, sealed, length, &plain, &err);
		assert(vault_value_open(vault, sealed, length, &again, &err) == status && plain == again);
		assert(status == 0 || *err.where);
		return;
	}
	for (size_t i = 0; i < node_count(node); i++)
		open_values(vault, json_is_array(node.value) ? node_at(node, i) : node_member(node, i, &key));
}

static void open_document(struct vault *vault, const char *bytes, size_t length)
{
	struct problems problems = PROBLEMS_INIT;
	struct document *document = NULL;
	if (document_open(&document, "fuzz.json", bytes, length, vault, &problems) == 0)
		open_values(vault, document_root(document));
	else
		assert(problems.errors);
	document_free(document);
	problems_release(&problems);
}

static void seal(struct vault *vault, const char *bytes, size_t length, uint8_t change)
{
	const char *id = vault_id(vault, change % 3);
	struct buf sealed = BUF_INIT;
	struct secret plain = SECRET_INIT;
	struct err err = ERR_INIT;
	if (vault_seal(vault_secret(vault, id), id, bytes, length, &sealed, &err) < 0) {
		assert(vault_is_sealed(bytes, length));
		return;
	}
	assert(vault_open(vault, sealed.data, sealed.length, &plain, NULL, &err) == 0);
	assert(plain.length == length && memcmp(plain.bytes, bytes, length) == 0);
	open_document(vault, sealed.data, sealed.length);
	size_t header = strcspn(sealed.data, "\n"), at = header + change * 31u % (sealed.length - header);
	sealed.data[at] ^= (char)(1 << change % 8);
	secret_release(&plain);
	assert(vault_open(vault, sealed.data, sealed.length, &plain, NULL, &err) < 0 && !secret_given(&plain));
	vault_match_ids(vault, true);
	sealed.data[at] ^= (char)(1 << change % 8);
	open_any(vault, sealed.data, sealed.length);
	buf_release(&sealed);
	secret_release(&plain);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);
int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	if (size < 2)
		return 0;
	struct vault *vault = make_vault();
	size_t count = 0;
	vault_watch(vault, told, &count);
	char *bytes = mem_strndup((const char *)data + 1, size - 1);
	if (data[0] == 'v')
		open_document(vault, bytes, size - 1);
	else if (data[0] == 's')
		seal(vault, bytes + 1, size - 2, data[1]);
	else
		open_any(vault, bytes, size - 1);
	free(bytes);
	vault_free(vault);
	return 0;
}
