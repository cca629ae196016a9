/* What ssh_config's lists of algorithms choose. */
#include <criterion/criterion.h>

#include <string.h>

#include "base/mem.h"
#include "wire/algorithms.h"

static const struct algorithms example = { .option = "Ciphers", .usual = "best,good,fair", .further = "old-cbc,older-cbc" };

static void chooses(const char *wanted, const char *expected)
{
	struct err err = ERR_INIT;
	auto_buf struct buf chosen = BUF_INIT;
	cr_assert_eq(algorithms_choose(&example, wanted, &chosen, &err), 0, "%s: %s", wanted, err.text);
	cr_assert_str_eq(chosen.data, expected, "%s gives %s", wanted, chosen.data);
}

Test(algorithms, are_the_usual_ones_where_nothing_is_said) { chooses(NULL, "best,good,fair"); }

Test(algorithms, keep_the_order_of_a_plain_list) { chooses("fair,old-cbc,best", "fair,old-cbc,best"); }

Test(algorithms, leave_out_what_is_not_known_and_what_comes_twice) { chooses("fair,unknown,best,fair", "fair,best"); }

Test(algorithms, are_added_behind_by_plus) { chooses("+old-cbc,best", "best,good,fair,old-cbc"); }

Test(algorithms, are_taken_away_by_minus) { chooses("-good,old-cbc", "best,fair"); }

Test(algorithms, are_put_in_front_by_circumflex) { chooses("^fair,old-cbc", "fair,old-cbc,best,good"); }

Test(algorithms, may_be_patterns)
{
	chooses("*-cbc", "old-cbc,older-cbc");
	chooses("+old*", "best,good,fair,old-cbc,older-cbc");
	chooses("-?o*", "best,fair");
}

Test(algorithms, are_an_error_where_none_remains)
{
	struct err err = ERR_INIT;
	auto_buf struct buf chosen = BUF_INIT;
	cr_assert_eq(algorithms_choose(&example, "rot13", &chosen, &err), -1);
	cr_assert_str_eq(err.text, "Ciphers: libssh can do none of rot13");
	cr_assert(strstr(err.hint, "best,good,fair,old-cbc,older-cbc"));
	cr_assert_eq(algorithms_choose(&example, "-*", &chosen, &err), -1);
}

/* libssh keeps what it knows of a list: each name has to pass alone. */
Test(algorithms, of_the_table_are_all_known_to_libssh)
{
	ssh_session ssh = ssh_new();
	for (size_t i = 0; i < ALGORITHMS_COUNT; i++) {
		const struct algorithms *algorithms = &algorithms_table[i];
		auto_free char *names = mem_printf("%s,%s", algorithms->usual, algorithms->further);
		char *rest = NULL;
		for (char *name = strtok_r(names, ",", &rest); name; name = strtok_r(NULL, ",", &rest))
			for (size_t j = 0; j < 2; j++)
				cr_assert_eq(ssh_options_set(ssh, algorithms->options[j], name), SSH_OK, "%s %s", algorithms->option, name);
	}
	ssh_free(ssh);
}
