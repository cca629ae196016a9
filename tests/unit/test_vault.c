/* Ansible Vault: what ansible-vault wrote is opened, and whatever was changed in it is refused. */
#include <criterion/criterion.h>

#include <string.h>

#include "base/mem.h"
#include "model/document.h"
#include "model/vault.h"

/* By ansible-vault of ansible-core 2.14.18, password "secretpw": the text "the plain text\n", in 1.1 and, as "dev", in 1.2. */
static const char of_ansible[] =
	"$ANSIBLE_VAULT;1.1;AES256\n"
	"35303030306231656139373432393564313233333332363830336566633234656563613037393132\n"
	"6165386136383265663038373738633163613437653635640a386461643963393062343135623563\n"
	"66333662623562376161373132306665373839363234306566633930303565353233613761346338\n"
	"6130373630303963640a653437343233303462633736346632363064366636393765313939643665\n"
	"3136\n";
static const char of_ansible_dev[] =
	"$ANSIBLE_VAULT;1.2;AES256;dev\n"
	"66646330323033383539666434343661633263313463633263323761313031326239303731653935\n"
	"3036363632653932343061616563363564303137396339370a616661383162663130316161636633\n"
	"39393133646535666361383439323436333161386139623064653535333832353665313835376466\n"
	"3364623361613833650a336134313463363730633031386336353931346263313166383830613439\n"
	"3863\n";
static const char plain_text[] = "the plain text\n";

static struct vault *vault_with(const char *id, const char *password)
{
	struct vault *vault = vault_new();
	auto_secret struct secret secret = SECRET_INIT;
	struct err err = ERR_INIT;
	secret_set(&secret, password, strlen(password));
	cr_assert_eq(vault_add(vault, id, &secret, &err), 0, "%s", err.text);
	return vault;
}

static void add(struct vault *vault, const char *id, const char *password)
{
	auto_secret struct secret secret = SECRET_INIT;
	struct err err = ERR_INIT;
	secret_set(&secret, password, strlen(password));
	cr_assert_eq(vault_add(vault, id, &secret, &err), 0, "%s", err.text);
}

static void assert_opens(struct vault *vault, const char *sealed, size_t secret)
{
	auto_secret struct secret plain = SECRET_INIT;
	struct err err = ERR_INIT;
	size_t used = 99;
	cr_assert_eq(vault_open(vault, sealed, strlen(sealed), &plain, &used, &err), 0, "%s", err.text);
	cr_assert_str_eq(plain.bytes, plain_text);
	cr_assert_eq(used, secret);
}

/* The refusal's text, good until the next call. */
static const char *refusal(struct vault *vault, const char *sealed, size_t length)
{
	static struct err err;
	auto_secret struct secret plain = SECRET_INIT;
	err = (struct err)ERR_INIT;
	cr_assert_lt(vault_open(vault, sealed, length, &plain, NULL, &err), 0, "it was opened");
	cr_assert_not(secret_given(&plain), "something was decrypted");
	cr_assert_eq(err.kind, ERR_INPUT);
	cr_assert(*err.text);
	return err.text;
}

Test(vault, opens_what_ansible_vault_sealed)
{
	struct vault *vault = vault_with(NULL, "secretpw");
	assert_opens(vault, of_ansible, 0);
	assert_opens(vault, of_ansible_dev, 0); /* the id is only a hint */
	vault_free(vault);
}

Test(vault, refuses_every_single_flipped_bit)
{
	struct vault *vault = vault_with(NULL, "secretpw");
	size_t length = strlen(of_ansible);
	auto_free char *changed = mem_strdup(of_ansible);
	auto_secret struct secret plain = SECRET_INIT;
	struct err err = ERR_INIT;
	for (size_t bit = 0; bit < length * 8; bit++) {
		changed[bit / 8] ^= (char)(1 << bit % 8);
		cr_assert_lt(vault_open(vault, changed, length, &plain, NULL, &err), 0, "bit %zu", bit);
		cr_assert_not(secret_given(&plain), "bit %zu", bit);
		changed[bit / 8] ^= (char)(1 << bit % 8);
	}
	assert_opens(vault, changed, 0);
	vault_free(vault);
}

/* Under the right password and with the right digest: "thirteen-byte" with padding 3 3 3; with 2 3 3; 17 long; 0 long. */
Test(vault, refuses_what_does_not_end_in_a_padding)
{
#define PADDED(rest) \
	"$ANSIBLE_VAULT;1.1;AES256\n" \
	"30303031303230333034303530363037303830393061306230633064306530663130313131323133\n" \
	"3134313531363137313831393161316231633164316531660a" rest "\n"
	static const char right[] = PADDED("626330363032323666316265353162\n"
		"64303036666437663830313130356365386432306266623461346431333431353837643062633538\n"
		"3036356161343739340a643466643336633461313230396166316462613736383139373037383030\n6233");
	static const char *const wrong[] = {
		PADDED("336266633564363863613139386532\n"
			"35393739383662383065383566373261643762653661643934313836396664616331643764386165\n"
			"3139376561646335650a643466643336633461313230396166316462613736383139373037393030\n6233"),
		PADDED("313737346538383839653736663637\n"
			"38356662386165653739383662643035663734326330633835326432613031666165363564336166\n"
			"6238336333373661630a623038353466613663353535656638666536643530313764303536623133\n6131"),
		PADDED("343062393132386132356363383132\n"
			"31343465306130363661633966373864303237363639326164653063653066346430326438343265\n"
			"3666623935306261300a643366633237633262303230393162663934626336353038363635613232\n6230"),
	};
#undef PADDED
	struct vault *vault = vault_with(NULL, "secretpw");
	auto_secret struct secret plain = SECRET_INIT;
	struct err err = ERR_INIT;
	cr_assert_eq(vault_open(vault, right, strlen(right), &plain, NULL, &err), 0, "%s", err.text);
	cr_expect_str_eq(plain.bytes, "thirteen-byte");
	for (size_t i = 0; i < sizeof(wrong) / sizeof(*wrong); i++)
		cr_expect(strstr(refusal(vault, wrong[i], strlen(wrong[i])), "does not end as"), "%zu", i);
	vault_free(vault);
}

Test(vault, derives_the_keys_of_a_salt_once)
{
	struct vault *vault = vault_with(NULL, "secretpw");
	auto_secret struct secret salt = SECRET_INIT, plain = SECRET_INIT;
	auto_buf struct buf sealed = BUF_INIT;
	struct err err = ERR_INIT;
	secret_set(&salt, "the salt of them all", 20);
	for (int i = 0; i < 2; i++) {
		char text[16];
		int length = snprintf(text, sizeof(text), "value %d", i);
		buf_clear(&sealed);
		cr_assert_eq(vault_seal_salted(vault_secret_at(vault, 0), NULL, &salt, text, (size_t)length, &sealed, &err), 0);
		cr_assert_eq(vault_open(vault, sealed.data, sealed.length, &plain, NULL, &err), 0, "%s", err.text);
		cr_assert_eq(strncmp(plain.bytes, text, (size_t)length), 0);
	}
	cr_assert_eq(vault_derivations(vault), 1);
	vault_free(vault);
}

Test(vault, refuses_every_truncated_text)
{
	struct vault *vault = vault_with(NULL, "secretpw");
	size_t length = strlen(of_ansible) - 1; /* its last newline may be missing */
	for (size_t kept = 0; kept < length; kept++)
		refusal(vault, of_ansible, kept);
	auto_free char *whole = mem_strndup(of_ansible, length);
	assert_opens(vault, whole, 0);
	vault_free(vault);
}

Test(vault, says_what_is_wrong_with_hostile_texts)
{
	static const struct { const char *text, *says; } cases[] = {
		{ "", "not sealed" },
		{ "$ANSIBLE_VAULT", "its first line is not" },
		{ "$ANSIBLE_VAULT;1.1", "its first line is not" },
		{ "$ANSIBLE_VAULT;1.1;AES256;a;b\n00\n", "its first line is not" },
		{ "$ANSIBLE_VAULTS;1.1;AES256\n00\n", "its first line is not" },
		{ "$ANSIBLE_VAULT;1.0;AES\n00\n", "format 1.0" },
		{ "$ANSIBLE_VAULT;1.3;AES256\n00\n", "neither 1.1 nor 1.2" },
		{ "$ANSIBLE_VAULT;1.1;AES128\n00\n", "not AES256" },
		{ "$ANSIBLE_VAULT;1.1;AES256", "cut short" },
		{ "$ANSIBLE_VAULT;1.1;AES256\n", "cut short" },
		{ "$ANSIBLE_VAULT;1.2;AES256;\n00\n", "the id" },
		{ "$ANSIBLE_VAULT;1.2;AES256;a\x1b[2J\n00\n", "the id" },
		{ "$ANSIBLE_VAULT;1.1;AES256\n0\n", "hex" },
		{ "$ANSIBLE_VAULT;1.1;AES256\nzz\n", "hex" },
		{ "$ANSIBLE_VAULT;1.1;AES256\n00 00\n", "hex" },
		{ "$ANSIBLE_VAULT;1.1;AES256\n3030\n", "cut short" },
		{ "$ANSIBLE_VAULT;1.1;AES256\n0a0a30\n", "salt" },
		{ "$ANSIBLE_VAULT;1.1;AES256\n30300a0a30\n", "HMAC" },
	};
	struct vault *vault = vault_with(NULL, "secretpw");
	for (size_t i = 0; i < sizeof(cases) / sizeof(*cases); i++) {
		const char *text = refusal(vault, cases[i].text, strlen(cases[i].text));
		cr_expect(strstr(text, cases[i].says), "\"%s\" says: %s", cases[i].text, text);
	}
	vault_free(vault);
}

Test(vault, refuses_a_salt_that_is_too_long)
{
	struct vault *vault = vault_with(NULL, "secretpw");
	auto_buf struct buf text = BUF_INIT;
	buf_str(&text, "$ANSIBLE_VAULT;1.1;AES256\n");
	for (int i = 0; i < 100000; i++)
		buf_str(&text, "6161");
	buf_str(&text, "0a61610a6161");
	cr_assert(strstr(refusal(vault, text.data, text.length), "salt"));
	vault_free(vault);
}

Test(vault, names_the_secrets_that_do_not_open_it)
{
	struct vault *vault = vault_with("prod", "another");
	const char *text = refusal(vault, of_ansible_dev, strlen(of_ansible_dev));
	cr_assert(strstr(text, "\"prod\"") && strstr(text, "\"dev\""), "%s", text);
	vault_free(vault);
	vault = vault_new();
	text = refusal(vault, of_ansible_dev, strlen(of_ansible_dev));
	cr_assert(strstr(text, "no vault secret was given"), "%s", text);
	vault_free(vault);
}

Test(vault, tries_the_secret_of_the_id_first_then_the_others_in_order)
{
	struct vault *vault = vault_with("a", "secretpw");
	add(vault, "b", "wrong");
	add(vault, "dev", "secretpw");
	assert_opens(vault, of_ansible_dev, 2);
	assert_opens(vault, of_ansible, 0);
	vault_free(vault);
}

Test(vault, can_be_bound_to_the_ids)
{
	struct vault *vault = vault_with("a", "secretpw");
	vault_match_ids(vault, true);
	refusal(vault, of_ansible_dev, strlen(of_ansible_dev));
	assert_opens(vault, of_ansible, 0); /* it names none */
	vault_free(vault);
}

Test(vault, seals_so_that_it_opens_again)
{
	static const size_t lengths[] = { 0, 1, 15, 16, 17, 4096, 100001 };
	struct vault *vault = vault_with("dev", "p\xc3\xa4ss \"word\"");
	struct err err = ERR_INIT;
	for (size_t i = 0; i < sizeof(lengths) / sizeof(*lengths); i++) {
		auto_free char *bytes = mem_alloc(lengths[i] + 1);
		for (size_t at = 0; at < lengths[i]; at++)
			bytes[at] = (char)(at * 7);
		auto_buf struct buf sealed = BUF_INIT;
		auto_secret struct secret plain = SECRET_INIT;
		cr_assert_eq(vault_seal(vault_secret(vault, "dev"), "dev", bytes, lengths[i], &sealed, &err), 0, "%s", err.text);
		cr_assert_eq(strncmp(sealed.data, "$ANSIBLE_VAULT;1.2;AES256;dev\n", 30), 0);
		cr_assert_eq(vault_open(vault, sealed.data, sealed.length, &plain, NULL, &err), 0, "%s", err.text);
		cr_assert_eq(plain.length, lengths[i]);
		cr_assert_eq(memcmp(plain.bytes, bytes, lengths[i]), 0);
	}
	vault_free(vault);
}

Test(vault, seals_under_a_new_salt_each_time_and_not_twice)
{
	struct vault *vault = vault_with(NULL, "secretpw");
	struct err err = ERR_INIT;
	auto_buf struct buf one = BUF_INIT, other = BUF_INIT;
	cr_assert_eq(vault_seal(vault_secret_at(vault, 0), NULL, "x", 1, &one, &err), 0);
	cr_assert_eq(vault_seal(vault_secret_at(vault, 0), "default", "x", 1, &other, &err), 0);
	cr_assert_eq(strncmp(one.data, "$ANSIBLE_VAULT;1.1;AES256\n", 26), 0);
	cr_assert_eq(strncmp(other.data, one.data, 26), 0);
	cr_assert_str_neq(one.data, other.data);
	auto_free char *text = mem_strdup(one.data);
	cr_assert_lt(vault_seal(vault_secret_at(vault, 0), NULL, text, strlen(text), &other, &err), 0);
	vault_free(vault);
}

Test(vault, refuses_empty_secrets_and_impossible_ids)
{
	struct vault *vault = vault_new();
	const struct secret empty = { .bytes = (char *)"", .length = 0 }, good = { .bytes = (char *)"x", .length = 1 };
	struct err err = ERR_INIT;
	cr_assert_lt(vault_add(vault, NULL, &empty, &err), 0);
	cr_assert_lt(vault_add(vault, "a;b", &good, &err), 0);
	cr_assert_lt(vault_add(vault, "a b", &good, &err), 0);
	cr_assert_lt(vault_add(vault, "", &good, &err), 0);
	cr_assert_eq(vault_count(vault), 0);
	vault_free(vault);
}

/* ---- documents ---- */

static void remember(void *context, const char *text, size_t length)
{
	buf_char(context, '|');
	buf_add(context, text, length);
}

static char *seal_text(struct vault *vault, const char *plain)
{
	auto_buf struct buf sealed = BUF_INIT;
	struct err err = ERR_INIT;
	cr_assert_eq(vault_seal(vault_secret_at(vault, 0), NULL, plain, strlen(plain), &sealed, &err), 0);
	return buf_take(&sealed);
}

Test(vault, a_sealed_document_is_read_and_its_values_are_told)
{
	struct vault *vault = vault_with(NULL, "pw");
	auto_buf struct buf told = BUF_INIT;
	vault_watch(vault, remember, &told);
	auto_free char *sealed =
		seal_text(vault, "{\"a\": \"hunter2\", \"on\": \"yes\", \"n\": 12345, \"l\": [\"x-{{ user }}-suffix\", true, 7]}");
	auto_problems struct problems problems = PROBLEMS_INIT;
	struct document *document;
	cr_assert_eq(document_open(&document, "vars.json", sealed, strlen(sealed), vault, &problems), 0);
	cr_assert_str_eq(json_string_value(node_get(document_root(document), "a").value), "hunter2");
	cr_assert_str_eq(buf_text(&told), "|hunter2|12345|x-{{ user }}-suffix|-suffix");
	cr_assert_null(document_line(document, 1), "a line of a sealed file is shown");
	document_free(document);
	vault_free(vault);
}

Test(vault, of_sealed_tasks_only_variables_are_told)
{
	struct vault *vault = vault_with(NULL, "pw");
	auto_buf struct buf told = BUF_INIT;
	vault_watch(vault, remember, &told);
	auto_free char *sealed = seal_text(vault, "[{\"name\": \"a task\", \"vars\": {\"p\": \"hunter2\"}, \"block\": "
	                                          "[{\"environment\": {\"T\": \"token1\"}, \"file\": {\"path\": \"/srv\"}}]}]");
	auto_problems struct problems problems = PROBLEMS_INIT;
	struct document *document;
	cr_assert_eq(document_open(&document, "tasks.json", sealed, strlen(sealed), vault, &problems), 0);
	cr_assert_str_eq(buf_text(&told), "|hunter2|token1");
	document_free(document);
	vault_free(vault);
}

Test(vault, a_fault_in_a_sealed_document_shows_nothing_of_it)
{
	struct vault *vault = vault_with(NULL, "pw");
	auto_free char *sealed = seal_text(vault, "{\n  \"a\": \"hunter2\",\n  \"b\": hunter3 \"hunter4\"\n}");
	auto_problems struct problems problems = PROBLEMS_INIT;
	auto_buf struct buf shown = BUF_INIT;
	struct document *document;
	cr_assert_lt(document_open(&document, "vars.json", sealed, strlen(sealed), vault, &problems), 0);
	problems_print(&problems, &shown, false);
	cr_assert(strstr(buf_text(&shown), "vars.json:3:"), "%s", buf_text(&shown));
	cr_assert_null(strstr(buf_text(&shown), "hunter"), "%s", buf_text(&shown));
	vault_free(vault);
}

Test(vault, a_sealed_document_without_a_vault_is_a_problem)
{
	auto_problems struct problems problems = PROBLEMS_INIT;
	struct document *document;
	cr_assert_lt(document_open(&document, "v.json", of_ansible, strlen(of_ansible), NULL, &problems), 0);
	cr_assert_eq(problems.errors, 1);
}

Test(vault, a_single_value_is_opened_once_and_its_place_is_named)
{
	struct vault *vault = vault_with(NULL, "secretpw"), *other = vault_with(NULL, "wrong");
	auto_json json_t *value = json_pack("{s:{s:s}}", "secret", "__ansible_vault", of_ansible);
	auto_free char *text = json_dumps(value, JSON_INDENT(2));
	auto_problems struct problems problems = PROBLEMS_INIT;
	struct document *document;
	auto_buf struct buf told = BUF_INIT;
	vault_watch(vault, remember, &told);
	cr_assert_eq(document_open(&document, "vars.json", text, strlen(text), other, &problems), 0);
	size_t length;
	const char *sealed = vault_value_sealed(node_get(document_root(document), "secret").value, &length);
	const struct secret *plain = NULL, *again = NULL;
	struct err err = ERR_INIT;
	cr_assert_lt(vault_value_open(other, sealed, length, &plain, &err), 0);
	cr_assert_str_eq(err.where, "vars.json:2:13");
	cr_assert_eq(err.os_error, VAULT_NO_SECRET);
	cr_assert_eq(vault_value_open(vault, sealed, length, &plain, &err), 0);
	cr_assert_eq(vault_value_open(vault, sealed, length, &again, &err), 0);
	cr_assert_str_eq(plain->bytes, plain_text);
	cr_assert_eq(plain, again);
	cr_assert_str_eq(buf_text(&told), "|the plain text\n");
	document_free(document);
	vault_free(vault);
	vault_free(other);
}
