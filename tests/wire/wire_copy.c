/* Copies files over SSH and says how long each call took: what the transfer tests drive.
 *
 *   wire_copy -p port -i key -a common-args [-b method:user] [-n] put FROM TO | many COUNT FOLDER | tree COUNT FOLDER |
 *             get FROM TO | run SCRIPT
 *
 * put sends the local file FROM; many writes COUNT small files "0", "1", ... into FOLDER, -v TEXT in each; -n says that all are new;
 * tree makes FOLDER with them. Prints "ms N",
 * "sent N", "received N". Exit status 0, or 200 plus the kind's exit status, with the error on stderr. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/digest.h"
#include "base/mem.h"
#include "wire/wire.h"

struct options {
	struct wire_config config;
	struct wire_become become;
	bool becomes;
	struct secret password;
	const char *text;
	bool is_new;
	char **words;
};

static int copy_put(struct wire *wire, const struct options *options, struct err *err)
{
	struct wire_put put = { .path = options->words[2], .source = WIRE_LOCAL_FILE, .from = options->words[1],
		.has_mode = true, .mode = 0644 };
	struct wire_put_result result = { 0 };
	size_t done;
	int status = wire_put(wire, options->becomes ? &options->become : NULL, &put, &result, 1, &done, err);
	wire_outcome_release(&result.validate);
	return status;
}

static int copy_many(struct wire *wire, const struct options *options, struct err *err)
{
	size_t count = strtoul(options->words[1], NULL, 10), done;
	struct wire_put *puts = mem_array(count, sizeof(*puts));
	struct wire_put_result *results = mem_array(count, sizeof(*results));
	for (size_t i = 0; i < count; i++)
		puts[i] = (struct wire_put){ .path = mem_printf("%s/%zu", options->words[2], i), .bytes = options->text,
			.length = strlen(options->text), .has_mode = true, .mode = 0644, .is_new = options->is_new };
	int status = wire_put(wire, options->becomes ? &options->become : NULL, puts, results, count, &done, err);
	printf("done %zu\n", done);
	for (size_t i = 0; i < count; i++)
		free((char *)puts[i].path);
	free(puts);
	free(results);
	return status;
}

static int copy_tree(struct wire *wire, const struct options *options, struct err *err)
{
	size_t count = strtoul(options->words[1], NULL, 10);
	struct wire_put *puts = mem_array(count, sizeof(*puts));
	struct wire_put_result *results = mem_array(count, sizeof(*results));
	struct wire_folder folder = { .path = options->words[2] };
	char sha1[DIGEST_HEX_MAX];
	digest_bytes("sha1", options->text, strlen(options->text), sha1);
	for (size_t i = 0; i < count; i++)
		puts[i] = (struct wire_put){ .path = mem_printf("%s/%zu", folder.path, i), .bytes = options->text,
			.length = strlen(options->text), .sha1 = sha1, .is_new = true };
	int status = wire_put_tree(wire, options->becomes ? &options->become : NULL, &folder, 1, puts, results, count, err);
	for (size_t i = 0; i < count; i++)
		free((char *)puts[i].path);
	free(puts);
	free(results);
	return status == 0 ? err_set(err, ERR_HOST, "it cannot be done so") : status;
}

static int copy_get(struct wire *wire, const struct options *options, struct err *err)
{
	struct wire_get get = { .path = options->words[1], .to = options->words[2] };
	struct wire_get_result result;
	int status = wire_get(wire, options->becomes ? &options->become : NULL, &get, &result, err);
	if (status == 0)
		printf("sha1 %s\n", result.sha1);
	return status;
}

static int copy_run(struct wire *wire, const struct options *options, struct err *err)
{
	const struct wire_become *become = options->becomes ? &options->become : NULL;
	struct wire_command command = { .script = options->words[1], .timeout_ms = 5000 };
	struct wire_outcome outcomes[2] = { 0 };
	int status = wire_batch(wire, become, &command, &outcomes[0], 1, false, clock_deadline(20000), err);
	if (status == 0)
		status = wire_run(wire, become, &command, &outcomes[1], err);
	for (int i = 0; i < 2; i++) {
		if (status == 0)
			printf("ended %d code %d output %s\n", outcomes[i].ended, outcomes[i].code, buf_text(&outcomes[i].output));
		wire_outcome_release(&outcomes[i]);
	}
	return status;
}

static int copy(struct wire *wire, const struct options *options, struct err *err)
{
	const char *verb = options->words[0];
	int64_t before = clock_ms();
	int status = strcmp(verb, "put") == 0    ? copy_put(wire, options, err)
	             : strcmp(verb, "many") == 0 ? copy_many(wire, options, err)
	             : strcmp(verb, "tree") == 0 ? copy_tree(wire, options, err)
	             : strcmp(verb, "get") == 0  ? copy_get(wire, options, err)
	                                         : copy_run(wire, options, err);
	struct wire_counts counts = wire_counts(wire);
	printf("ms %lld\nsent %llu\nreceived %llu\n", (long long)(clock_ms() - before), (unsigned long long)counts.bytes_sent,
	       (unsigned long long)counts.bytes_received);
	return status;
}

static void take_option(struct options *options, int option, char *value)
{
	switch (option) {
	case 'p': options->config.port = (int)strtol(value, NULL, 10); break;
	case 'i': options->config.private_key_file = value; break;
	case 'a': options->config.common_args = value; break;
	case 'u': options->config.user = value; break;
	case 'l': options->config.local = true; break;
	case 'n': options->is_new = true; break;
	case 'v': options->text = value; break;
	case 'P': secret_set(&options->password, value, strlen(value)); break;
	case 'b':
		options->becomes = true;
		options->become.method = value;
		options->become.user = strchr(value, ':') + 1;
		*strchr(value, ':') = '\0';
		break;
	default: exit(5);
	}
}

int main(int argc, char **argv)
{
	struct options options = { .config = { .name = "target", .host = "127.0.0.1" }, .text = "small\n" };
	struct err err = ERR_INIT;
	struct wire *wire = NULL;
	for (int option; (option = getopt(argc, argv, "p:i:a:u:lnv:P:b:")) != -1;)
		take_option(&options, option, optarg);
	options.become.password = &options.password;
	options.words = argv + optind;
	if (argc - optind < 2)
		return 5;
	struct wire_hub_options hub_options = { .host_key_checking = true };
	struct wire_hub *hub = wire_hub_new(&hub_options);
	int status = wire_open(&wire, hub, &options.config, NULL, &err);
	if (status == 0)
		status = copy(wire, &options, &err);
	if (status < 0)
		fprintf(stderr, "error: %s: %s\n", err_kind_name(err.kind), err.text);
	wire_close(wire);
	wire_hub_free(hub);
	secret_release(&options.password);
	return status < 0 ? 200 + err_exit_status(err.kind) : 0;
}
