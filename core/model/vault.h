/* Ansible Vault: files and single values sealed by a password, in Ansible's formats 1.1 and 1.2 (AES256).
 *
 *   $ANSIBLE_VAULT;1.2;AES256;dev      the id is there in 1.2 only
 *   3665343834...                      hex of: hex salt, newline, hex HMAC, newline, hex ciphertext; 80 to a line
 *
 * A key for AES-256 in counter mode, one for HMAC-SHA-256 and the first counter come from the password by PBKDF2-HMAC-SHA-256
 * with 10,000 rounds. The HMAC over the ciphertext is compared, in constant time, before anything is decrypted. What Ansible never
 * writes is refused (capital hex digits, blanks between them), so that no bit of the salt, the HMAC or the ciphertext can change
 * unseen; the id in the first line is only a name, which nothing protects.
 *
 * A vault holds the secrets of a run, each with its id, and what was derived from them: a key is derived once for each secret
 * and salt, and a single value is opened once. All of that is wiped by vault_free. Any thread. */
#ifndef NEAP_MODEL_VAULT_H
#define NEAP_MODEL_VAULT_H

#include <stdbool.h>
#include <stddef.h>

#include <jansson.h>

#include "base/buf.h"
#include "base/err.h"
#include "base/secret.h"

enum {
	VAULT_MAX_BYTES = 272 * 1024 * 1024, /* of a sealed text: 64 MiB and a little, in hex twice over */
	VAULT_MAX_ID = 128,
};

#define VAULT_DEFAULT_ID "default" /* of a secret without a name; seals in format 1.1 */

struct vault;

struct vault *vault_new(void);
void vault_free(struct vault *vault);
/* A secret to try, behind those there are; id NULL: the default. Not while other threads use the vault. ERR_USAGE for an empty
 * secret, or an id that could not stand in a header. */
int vault_add(struct vault *vault, const char *id, const struct secret *secret, struct err *err) must_check;
/* Whether only secrets of the id in the header are tried, if it has one (ANSIBLE_VAULT_ID_MATCH). */
void vault_match_ids(struct vault *vault, bool match);
/* What is to be told of each value that is opened, so that it can be kept out of reports; called under the vault's lock. */
void vault_watch(struct vault *vault, void (*opened)(void *context, const char *text, size_t length), void *context);
size_t vault_count(const struct vault *vault);
/* NULL behind the last one. */
const char *vault_id(const struct vault *vault, size_t index);
/* A secret by its place, or the first one of an id; NULL: there is none. Borrowed. */
const struct secret *vault_secret_at(const struct vault *vault, size_t index);
const struct secret *vault_secret(const struct vault *vault, const char *id);

/* How often a password was made into keys, which takes its time: once for each secret and salt. */
size_t vault_derivations(const struct vault *vault);

/* Whether it begins as a sealed text does. */
bool vault_is_sealed(const char *bytes, size_t length);
/* The id in the header of a sealed text, as a new string; NULL where it has none or is not well-formed. */
char *vault_header_id(const char *sealed, size_t length);
/* Opens a sealed text: by the secrets of the id in its header first, then by the others in their order. *plain is the caller's to release;
 * *used, where not NULL, is the place of the secret that fitted. ERR_INPUT: no secret fits (os_error VAULT_NO_SECRET), or the
 * text is no whole vault text. */
int vault_open(struct vault *vault, const char *sealed, size_t length, struct secret *plain, size_t *used,
               struct err *err) must_check;
/* Seals bytes under the secret of that place; id names it in the header, NULL or the default: format 1.1. */
int vault_seal(const struct secret *secret, const char *id, const char *plain, size_t length, struct buf *out,
               struct err *err) must_check;
/* The same under a salt that the caller chose, so that what is sealed again is the same text. */
int vault_seal_salted(const struct secret *secret, const char *id, const struct secret *salt, const char *plain,
                      size_t length, struct buf *out, struct err *err) must_check;

enum { VAULT_NO_SECRET = 10101 };

/* ---- single values ---- */

/* The sealed text of {"__ansible_vault": "..."}, else NULL. */
const char *vault_value_sealed(const json_t *value, size_t *length);
/* Whether a dictionary stands for a text: {"__ansible_vault": "..."}, or {"__ansible_unsafe": "text"}, which is no template. */
bool vault_value_is_text(const json_t *value);
/* Remembers where a sealed value stands ("site.json:3:5"), for the message when it cannot be opened. */
void vault_value_at(struct vault *vault, const char *sealed, size_t length, const char *where);
/* Opens a single value, once; *plain is the vault's until vault_free. err->where is set where it is known. */
int vault_value_open(struct vault *vault, const char *sealed, size_t length, const struct secret **plain,
                     struct err *err) must_check;
/* Tells the watcher of what came out of a sealed file: of every string and number in a dictionary of variables; of a list of plays
 * or tasks only of what stands under vars: and environment:, since names and paths of tasks belong into the report. */
void vault_tell(struct vault *vault, const json_t *document);

#endif
