/* Parsing host certificates and verifying their signatures by libcrypto; libssh knows user certificates only. */
#include "wire/certificate.h"

#include <fnmatch.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>

#include <openssl/bn.h>
#include <openssl/core_names.h>
#include <openssl/ecdsa.h>
#include <openssl/evp.h>
#include <openssl/param_build.h>

#include "base/mem.h"

enum { HOST_CERTIFICATE = 2, SHORTEST_RSA = 2048 };

/* ---- fields ---- */

struct field {
	const unsigned char *bytes;
	size_t length;
};

static bool take_number(struct field *from, size_t width, uint64_t *number)
{
	if (from->length < width)
		return false;
	*number = 0;
	for (size_t i = 0; i < width; i++)
		*number = *number << 8 | from->bytes[i];
	from->bytes += width;
	from->length -= width;
	return true;
}

static bool take_string(struct field *from, struct field *string)
{
	uint64_t length;
	if (!take_number(from, 4, &length) || length > from->length)
		return false;
	*string = (struct field){ from->bytes, (size_t)length };
	from->bytes += length;
	from->length -= (size_t)length;
	return true;
}

static bool field_is(struct field field, const char *text)
{
	return field.length == strlen(text) && memcmp(field.bytes, text, field.length) == 0;
}

static void put_string(struct buf *to, const void *bytes, size_t length)
{
	unsigned char head[4] = { (unsigned char)(length >> 24), (unsigned char)(length >> 16), (unsigned char)(length >> 8),
		                      (unsigned char)length };
	buf_add(to, head, 4);
	buf_add(to, bytes, length);
}

/* ---- signatures ---- */

/* One of the kinds of key: how many fields it has behind its type. */
static const struct kind {
	const char *certificate, *plain;
	int fields;
	const char *group, *digest; /* of ECDSA */
} kinds[] = {
	{ "ssh-ed25519-cert-v01@openssh.com", "ssh-ed25519", 1, NULL, NULL },
	{ "ecdsa-sha2-nistp256-cert-v01@openssh.com", "ecdsa-sha2-nistp256", 2, "prime256v1", "SHA256" },
	{ "ecdsa-sha2-nistp384-cert-v01@openssh.com", "ecdsa-sha2-nistp384", 2, "secp384r1", "SHA384" },
	{ "ecdsa-sha2-nistp521-cert-v01@openssh.com", "ecdsa-sha2-nistp521", 2, "secp521r1", "SHA512" },
	{ "ssh-rsa-cert-v01@openssh.com", "ssh-rsa", 2, NULL, NULL },
};

static const struct kind *kind_find(struct field type, bool certificate)
{
	for (size_t i = 0; i < sizeof(kinds) / sizeof(*kinds); i++)
		if (field_is(type, certificate ? kinds[i].certificate : kinds[i].plain))
			return &kinds[i];
	return NULL;
}

static EVP_PKEY *key_from(const char *algorithm, OSSL_PARAM_BLD *builder)
{
	EVP_PKEY *key = NULL;
	OSSL_PARAM *parameters = OSSL_PARAM_BLD_to_param(builder);
	EVP_PKEY_CTX *context = EVP_PKEY_CTX_new_from_name(NULL, algorithm, NULL);
	if (!parameters || !context || EVP_PKEY_fromdata_init(context) <= 0 ||
	    EVP_PKEY_fromdata(context, &key, EVP_PKEY_PUBLIC_KEY, parameters) <= 0)
		key = NULL;
	EVP_PKEY_CTX_free(context);
	OSSL_PARAM_free(parameters);
	return key;
}

static EVP_PKEY *key_of_point(const struct kind *kind, struct field point)
{
	OSSL_PARAM_BLD *builder = OSSL_PARAM_BLD_new();
	EVP_PKEY *key = NULL;
	if (builder && OSSL_PARAM_BLD_push_utf8_string(builder, OSSL_PKEY_PARAM_GROUP_NAME, kind->group, 0) &&
	    OSSL_PARAM_BLD_push_octet_string(builder, OSSL_PKEY_PARAM_PUB_KEY, point.bytes, point.length))
		key = key_from("EC", builder);
	OSSL_PARAM_BLD_free(builder);
	return key;
}

static EVP_PKEY *key_of_modulus(struct field exponent, struct field modulus)
{
	OSSL_PARAM_BLD *builder = OSSL_PARAM_BLD_new();
	BIGNUM *e = BN_bin2bn(exponent.bytes, (int)exponent.length, NULL);
	BIGNUM *n = BN_bin2bn(modulus.bytes, (int)modulus.length, NULL);
	EVP_PKEY *key = NULL;
	if (builder && e && n && BN_num_bits(n) >= SHORTEST_RSA &&
	    OSSL_PARAM_BLD_push_BN(builder, OSSL_PKEY_PARAM_RSA_E, e) &&
	    OSSL_PARAM_BLD_push_BN(builder, OSSL_PKEY_PARAM_RSA_N, n))
		key = key_from("RSA", builder);
	BN_free(e);
	BN_free(n);
	OSSL_PARAM_BLD_free(builder);
	return key;
}

static bool verify(EVP_PKEY *key, const char *digest, struct field signature, struct field text)
{
	EVP_MD_CTX *context = EVP_MD_CTX_new();
	bool good = key && context &&
	            EVP_DigestVerifyInit_ex(context, NULL, digest, NULL, NULL, key, NULL) == 1 &&
	            EVP_DigestVerify(context, signature.bytes, signature.length, text.bytes, text.length) == 1;
	EVP_MD_CTX_free(context);
	return good;
}

/* SSH writes r and s as two numbers (RFC 5656 3.1.2), libcrypto wants them in DER. */
static bool verify_ecdsa(EVP_PKEY *key, const struct kind *kind, struct field signature, struct field text)
{
	struct field r, s;
	if (!take_string(&signature, &r) || !take_string(&signature, &s))
		return false;
	ECDSA_SIG *pair = ECDSA_SIG_new();
	BIGNUM *first = BN_bin2bn(r.bytes, (int)r.length, NULL), *second = BN_bin2bn(s.bytes, (int)s.length, NULL);
	unsigned char *der = NULL;
	bool good = false;
	if (pair && first && second && ECDSA_SIG_set0(pair, first, second)) {
		int length = i2d_ECDSA_SIG(pair, &der);
		good = length > 0 && verify(key, kind->digest, (struct field){ der, (size_t)length }, text);
	} else {
		BN_free(first);
		BN_free(second);
	}
	OPENSSL_free(der);
	ECDSA_SIG_free(pair);
	return good;
}

/* Whether the authority's key made the signature over text. */
static bool signature_good(struct field authority, struct field signature, struct field text)
{
	struct field type, fields[2] = { { 0 } }, name, bytes;
	if (!take_string(&authority, &type) || !take_string(&signature, &name) || !take_string(&signature, &bytes))
		return false;
	const struct kind *kind = kind_find(type, false);
	for (int i = 0; kind && i < kind->fields; i++)
		if (!take_string(&authority, &fields[i]))
			return false;
	if (!kind)
		return false;
	bool good = false;
	EVP_PKEY *key = NULL;
	if (kind->group) {
		key = key_of_point(kind, fields[1]);
		good = field_is(name, kind->plain) && verify_ecdsa(key, kind, bytes, text);
	} else if (kind->fields == 1) {
		key = EVP_PKEY_new_raw_public_key(EVP_PKEY_ED25519, NULL, fields[0].bytes, fields[0].length);
		good = field_is(name, kind->plain) && verify(key, NULL, bytes, text);
	} else if (field_is(name, "rsa-sha2-512") || field_is(name, "rsa-sha2-256")) {
		key = key_of_modulus(fields[0], fields[1]);
		good = verify(key, field_is(name, "rsa-sha2-512") ? "SHA512" : "SHA256", bytes, text);
	}
	EVP_PKEY_free(key);
	return good;
}

/* ---- certificates ---- */

static bool parse(struct certificate *certificate, struct field *rest, struct field *authority, struct field *critical)
{
	struct field type, nonce, id, principals, ignored;
	uint64_t serial, use;
	if (!take_string(rest, &type) || !take_string(rest, &nonce))
		return false;
	const struct kind *kind = kind_find(type, true);
	if (!kind)
		return false;
	put_string(&certificate->key, kind->plain, strlen(kind->plain));
	for (int i = 0; i < kind->fields; i++) {
		struct field field;
		if (!take_string(rest, &field))
			return false;
		put_string(&certificate->key, field.bytes, field.length);
	}
	if (!take_number(rest, 8, &serial) || !take_number(rest, 4, &use) || use != HOST_CERTIFICATE ||
	    !take_string(rest, &id) || !take_string(rest, &principals) || !take_number(rest, 8, &certificate->after) ||
	    !take_number(rest, 8, &certificate->before) || !take_string(rest, critical) || !take_string(rest, &ignored) ||
	    !take_string(rest, &ignored) || !take_string(rest, authority))
		return false;
	buf_add(&certificate->id, id.bytes, id.length);
	buf_add(&certificate->principals, principals.bytes, principals.length);
	buf_add(&certificate->authority, authority->bytes, authority->length);
	return true;
}

int certificate_read(struct certificate *certificate, const void *blob, size_t length, struct err *err)
{
	struct field rest = { blob, length }, authority = { 0 }, critical = { 0 }, signature;
	*certificate = (struct certificate){ 0 };
	if (!parse(certificate, &rest, &authority, &critical))
		return err_set(err, ERR_HOSTKEY, "it is not a host certificate");
	struct field text = { blob, (size_t)(rest.bytes - (const unsigned char *)blob) };
	if (critical.length > 0)
		return err_set(err, ERR_HOSTKEY, "its certificate has critical options, which host certificates must not");
	if (!take_string(&rest, &signature) || rest.length > 0 || !signature_good(authority, signature, text))
		return err_set(err, ERR_HOSTKEY, "the signature of its certificate is wrong");
	return 0;
}

int certificate_check(const struct certificate *certificate, const char *host, int64_t now, struct err *err)
{
	struct field list = { (const unsigned char *)certificate->principals.data, certificate->principals.length }, name;
	bool named = list.length == 0;
	while (!named && take_string(&list, &name)) {
		auto_free char *pattern = mem_strndup((const char *)name.bytes, name.length);
		named = fnmatch(pattern, host, FNM_NOESCAPE) == 0;
	}
	if (!named)
		return err_set(err, ERR_HOSTKEY, "its certificate is for another host");
	if ((uint64_t)now < certificate->after)
		return err_set(err, ERR_HOSTKEY, "its certificate is not valid yet");
	if ((uint64_t)now >= certificate->before)
		return err_set(err, ERR_HOSTKEY, "its certificate has expired");
	return 0;
}

void certificate_release(struct certificate *certificate)
{
	buf_release(&certificate->key);
	buf_release(&certificate->authority);
	buf_release(&certificate->id);
	buf_release(&certificate->principals);
}
