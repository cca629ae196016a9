/* The known_hosts format and the verdicts on keys. */
#include <criterion/criterion.h>
#include <stdlib.h>
#include <string.h>

#include "base/mem.h"
#include "wire/known_hosts.h"

#define ED25519 "AAAAC3NzaC1lZDI1NTE5AAAAIGl6Y9mcAl1hYfP6GOMbzmZKRKjaD9bJ0R8hcSFqFsgk"
#define OTHER "AAAAC3NzaC1lZDI1NTE5AAAAIHl6Y9mcAl1hYfP6GOMbzmZKRKjaD9bJ0R8hcSFqFsgk"

static struct known_hosts parsed(const char *text)
{
	struct known_hosts known;
	known_hosts_parse(&known, "known_hosts", text, strlen(text));
	return known;
}

/* The verdict on the ED25519 key for that name. */
static enum known_hosts_verdict verdict(const char *text, const char *name)
{
	struct known_hosts known = parsed(text), key = parsed("x ssh-ed25519 " ED25519);
	struct known_hosts_answer answer = { 0 };
	const struct known_hosts_line *line = &key.lines[0];
	struct known_hosts_found found = { 0 };
	known_hosts_find(&known, name, &found);
	known_hosts_ask(&known, &found, line->type, line->blob, line->blob_length, &answer);
	known_hosts_found_release(&found);
	known_hosts_release(&known);
	known_hosts_release(&key);
	return answer.verdict;
}

Test(known_hosts, finds_a_plain_name_and_its_aliases)
{
	const char *text = "web1.example,10.0.0.1 ssh-ed25519 " ED25519 " a comment\n";
	cr_assert_eq(verdict(text, "web1.example"), KNOWN_HOSTS_MATCH);
	cr_assert_eq(verdict(text, "10.0.0.1"), KNOWN_HOSTS_MATCH);
	cr_assert_eq(verdict(text, "web1"), KNOWN_HOSTS_UNKNOWN);
	cr_assert_eq(verdict(text, "web1.example.org"), KNOWN_HOSTS_UNKNOWN);
}

Test(known_hosts, puts_the_port_into_the_name_unless_it_is_22)
{
	char *plain = known_hosts_name("Web1", 22), *other = known_hosts_name("Web1", 2222);
	cr_assert_str_eq(plain, "web1");
	cr_assert_str_eq(other, "[web1]:2222");
	free(plain);
	free(other);
}

Test(known_hosts, knows_a_key_of_the_same_type_as_a_change)
{
	cr_assert_eq(verdict("a ssh-ed25519 " OTHER "\n", "a"), KNOWN_HOSTS_CHANGED);
}

Test(known_hosts, knows_a_key_of_another_type_from_a_change)
{
	cr_assert_eq(verdict("a ssh-rsa AAAAB3NzaC1yc2EAAAABAw==\n", "a"), KNOWN_HOSTS_OTHER_TYPE);
	cr_assert_eq(verdict("a ssh-ed25518 " ED25519 "\n", "a"), KNOWN_HOSTS_UNKNOWN, "the key itself says another type");
}

Test(known_hosts, prefers_the_matching_one_of_several_keys)
{
	cr_assert_eq(verdict("a ssh-ed25519 " OTHER "\na ssh-ed25519 " ED25519 "\n", "a"), KNOWN_HOSTS_MATCH);
}

Test(known_hosts, lets_a_revoked_key_win_over_a_match)
{
	cr_assert_eq(verdict("a ssh-ed25519 " ED25519 "\n@revoked * ssh-ed25519 " ED25519 "\n", "a"), KNOWN_HOSTS_WAS_REVOKED);
	cr_assert_eq(verdict("@revoked b ssh-ed25519 " ED25519 "\n", "a"), KNOWN_HOSTS_UNKNOWN);
	cr_assert_eq(verdict("@revoked * ssh-ed25519 " OTHER "\n", "a"), KNOWN_HOSTS_UNKNOWN);
}

Test(known_hosts, does_not_take_an_authority_for_a_host_key)
{
	cr_assert_eq(verdict("@cert-authority * ssh-ed25519 " ED25519 "\n", "a"), KNOWN_HOSTS_UNKNOWN);
}

Test(known_hosts, matches_patterns_and_exceptions)
{
	const char *text = "*.example,!secret.example,web? ssh-ed25519 " ED25519 "\n";
	cr_assert_eq(verdict(text, "a.example"), KNOWN_HOSTS_MATCH);
	cr_assert_eq(verdict(text, "a.b.example"), KNOWN_HOSTS_MATCH);
	cr_assert_eq(verdict(text, "secret.example"), KNOWN_HOSTS_UNKNOWN);
	cr_assert_eq(verdict(text, "web1"), KNOWN_HOSTS_MATCH);
	cr_assert_eq(verdict(text, "web12"), KNOWN_HOSTS_UNKNOWN);
	cr_assert_eq(verdict("[10.0.*]:2222 ssh-ed25519 " ED25519, "[10.0.0.7]:2222"), KNOWN_HOSTS_MATCH);
}

Test(known_hosts, answers_quickly_about_a_hostile_pattern)
{
	char *text = mem_printf("*a*a*a*a*a*a*a*a*a*a*a*a*a*a*a*a*a*b ssh-ed25519 %s\n", ED25519);
	char name[2001];
	memset(name, 'a', 2000);
	name[2000] = '\0';
	cr_assert_eq(verdict(text, name), KNOWN_HOSTS_UNKNOWN);
	free(text);
}

Test(known_hosts, finds_what_it_has_hashed_and_nothing_else)
{
	struct known_hosts key = parsed("x ssh-ed25519 " ED25519);
	struct buf line = BUF_INIT;
	known_hosts_write(&line, "[web1]:2222", true, "ssh-ed25519", key.lines[0].blob, key.lines[0].blob_length);
	cr_assert_null(strstr(line.data, "web1"));
	cr_assert_eq(verdict(line.data, "[web1]:2222"), KNOWN_HOSTS_MATCH);
	cr_assert_eq(verdict(line.data, "web1"), KNOWN_HOSTS_UNKNOWN);
	buf_release(&line);
	known_hosts_release(&key);
}

Test(known_hosts, finds_a_name_that_openssh_has_hashed)
{
	/* ssh-keygen -H on "example.org" */
	const char *text = "|1|vos8h6iStJ2piqaM+DsWyjwPBiI=|KrZGQNdYsu8FHvT3irzaRz9t3NY= ssh-ed25519 " ED25519 "\n";
	cr_assert_eq(verdict(text, "example.org"), KNOWN_HOSTS_MATCH);
	cr_assert_eq(verdict(text, "example.com"), KNOWN_HOSTS_UNKNOWN);
}

Test(known_hosts, skips_and_counts_what_it_does_not_understand)
{
	struct known_hosts known = parsed("# comment\n\n   \nnonsense\na ssh-ed25519\na ssh-ed25519 !!!!\n"
	                                  "a ssh-rsa " ED25519 "\n@other a ssh-ed25519 " ED25519 "\n"
	                                  "|1|bad|bad ssh-ed25519 " ED25519 "\na ssh-ed25519 " ED25519 "\n");
	cr_assert_eq(known.count, 1);
	cr_assert_eq(known.skipped, 6);
	cr_assert_eq(known.lines[0].number, 10);
	known_hosts_release(&known);
}

Test(known_hosts, shows_the_fingerprint_that_ssh_keygen_shows)
{
	struct known_hosts key = parsed("x ssh-ed25519 " ED25519);
	struct buf text = BUF_INIT;
	known_hosts_fingerprint(&text, key.lines[0].blob, key.lines[0].blob_length);
	cr_assert_str_eq(text.data, "SHA256:fHFEXGVr26lDIPn+LJePk4TcPziluF3UY13iH2ej34E");
	buf_release(&text);
	known_hosts_release(&key);
}

Test(known_hosts, finds_each_line_about_a_name_in_the_order_of_the_file)
{
	static const char plain[] = " ssh-ed25519 " ED25519 "\n", hashed[] = "|1|vos8h6iStJ2piqaM+DsWyjwPBiI=|KrZGQNdYsu8FHvT3irzaRz9t3NY=";
	struct buf text = BUF_INIT;
	struct known_hosts known = { 0 };
	struct known_hosts_found found = { 0 };
	for (int i = 0; i < 40; i++) { /* more than the first room of an index */
		buf_printf(&text, "host%d,example.org,example.org%s%s%s", i, plain, i % 2 ? hashed : "*.org,!www.example.org", plain);
		buf_printf(&text, "!example.org,*%sexample.com%s", plain, plain);
	}
	known_hosts_parse(&known, "known_hosts", buf_text(&text), text.length);
	known_hosts_find(&known, "example.org", &found);
	cr_assert_eq(found.count, 80);
	for (size_t i = 0; i < found.count; i++)
		cr_expect_eq(found.lines[i], i / 2 * 4 + i % 2);
	cr_assert(known_hosts_add(&known, "example.org ssh-ed25519 " ED25519, strlen("example.org ssh-ed25519 " ED25519), 161));
	known_hosts_find(&known, "example.org", &found);
	cr_assert_eq(found.count, 81);
	cr_expect_eq(found.lines[80], 160);
	known_hosts_found_release(&found);
	known_hosts_release(&known);
	buf_release(&text);
}
