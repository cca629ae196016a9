/* Opens a wire by flags, runs commands on it and says how it was reached: what the connection tests drive.
 *
 *   wire_try [-p port] [-u user] [-i key] [-a common-args] [-P password] [-K key-passphrase] [-A answer-to-prompts]
 *            [-k strict|accept-new|off] [-T timeout-ms] [-L keepalive-ms] [-t] [-n times] [-w wires] [-c cancel-after-ms]
 *            [-C cancel-opening-after-ms] [-Z cancel-opening-at-phase] [-s idle-ms] [-r] [-x timeout-ms] [-q] host[,host...] [script...]
 *
 * Prints "route ...", "method ...", then each script's output. Exit status: that of the last script, 200 plus the kind's
 * exit status when the wire fails, whose error goes to stderr. Scripts go to the persistent shell, with -r or -t to sessions
 * of their own, where their time may be limited (-x). -w opens that many wires at once, a thread each; several hosts are
 * gone to one after another. */
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/mem.h"
#include "wire/wire.h"

struct options {
	struct wire_config config;
	const char *answer, *cancel_at;
	char **scripts;
	int script_count, times, wires, cancel_ms, cancel_open_ms, idle_ms;
	int64_t timeout_ms;
	bool quiet, pty, run;
	struct wire_hub *hub;
	int status;
};

static void on_warning(void *context, const char *text)
{
	(void)context;
	fprintf(stderr, "warning: %s\n", text);
}

static void on_phase(void *context, const char *text)
{
	const struct options *options = context;
	if (options->cancel_at && strncmp(text, options->cancel_at, strlen(options->cancel_at)) == 0)
		wire_hub_cancel(options->hub);
	if (getenv("WIRE_TRY_PHASES"))
		fprintf(stderr, "%lld phase: %s\n", (long long)clock_ms(), text);
}

static bool on_prompt(void *context, const char *text, struct secret *answer)
{
	const struct options *options = context;
	fprintf(stderr, "prompt: %s\n", text);
	if (options->answer)
		secret_set(answer, options->answer, strlen(options->answer));
	return options->answer != NULL;
}

static int failed(const struct err *err)
{
	fprintf(stderr, "error: %s: %s%s%s\nhint: %s\n", err_kind_name(err->kind), err->where, err->where[0] ? ": " : "",
	        err->text, err_remedy(err));
	return 200 + err_exit_status(err->kind);
}

static int run_script(struct wire *wire, const struct options *options, const char *script)
{
	struct err err = ERR_INIT;
	struct wire_command command = { .script = script, .pty = options->pty, .timeout_ms = options->timeout_ms };
	struct wire_outcome outcome = { 0 };
	int status = options->pty || options->run
	             ? wire_run(wire, NULL, &command, &outcome, &err)
	             : wire_batch(wire, NULL, &command, &outcome, 1, false, clock_deadline(60000), &err);
	if (status < 0)
		return failed(&err);
	if (!options->quiet)
		fwrite(buf_text(&outcome.output), 1, outcome.output.length, stdout);
	fwrite(buf_text(&outcome.errors), 1, outcome.errors.length, stderr);
	status = outcome.ended == WIRE_EXITED ? outcome.code : 128 + outcome.code;
	wire_outcome_release(&outcome);
	return status;
}

struct canceller {
	struct wire *wire;
	int after_ms;
};

static void *cancel_later(void *context)
{
	struct canceller *canceller = context;
	usleep((useconds_t)canceller->after_ms * 1000);
	wire_cancel(canceller->wire);
	return NULL;
}

static int use_wire(struct wire *wire, const struct options *options)
{
	int status = 0;
	pthread_t thread;
	struct canceller canceller = { wire, options->cancel_ms };
	if (options->cancel_ms)
		pthread_create(&thread, NULL, cancel_later, &canceller);
	if (!options->quiet)
		printf("route %s\nmethod %s\n", wire_route(wire), wire_auth_method(wire));
	if (options->idle_ms) {
		struct err err = ERR_INIT;
		if (wire_idle(wire, -1, clock_deadline(options->idle_ms), &err) < 0)
			status = failed(&err);
	}
	for (int i = 0; i < options->script_count * options->times && status < 200; i++)
		status = run_script(wire, options, options->scripts[i % options->script_count]);
	if (options->cancel_ms)
		pthread_join(thread, NULL);
	return status;
}

static void *one_wire(void *context)
{
	struct options *options = context;
	struct err err = ERR_INIT;
	struct wire *wire = NULL;
	struct wire_watch watch = { options, on_warning, on_phase, on_prompt, NULL };
	if (wire_open(&wire, options->hub, &options->config, &watch, &err) < 0) {
		options->status = failed(&err);
		return NULL;
	}
	options->status = use_wire(wire, options);
	wire_close(wire);
	return NULL;
}

static void *cancel_openings(void *context)
{
	struct options *options = context;
	usleep((useconds_t)options->cancel_open_ms * 1000);
	wire_hub_cancel(options->hub);
	return NULL;
}

static int run_wires(struct options *options)
{
	int status = 0;
	pthread_t canceller;
	if (options->cancel_open_ms)
		pthread_create(&canceller, NULL, cancel_openings, options);
	struct options *each = mem_array((size_t)options->wires, sizeof(*each));
	pthread_t *threads = mem_array((size_t)options->wires, sizeof(*threads));
	for (int i = 0; i < options->wires; i++) {
		each[i] = *options;
		if (options->wires == 1)
			one_wire(&each[i]);
		else
			pthread_create(&threads[i], NULL, one_wire, &each[i]);
	}
	for (int i = 0; i < options->wires; i++) {
		if (options->wires > 1)
			pthread_join(threads[i], NULL);
		if (each[i].status)
			status = each[i].status;
	}
	free(each);
	free(threads);
	if (options->cancel_open_ms)
		pthread_join(canceller, NULL);
	return status;
}

static enum wire_host_keys policy(const char *name)
{
	return strcmp(name, "strict") == 0       ? WIRE_KEYS_STRICT
	       : strcmp(name, "accept-new") == 0 ? WIRE_KEYS_ACCEPT_NEW
	                                         : WIRE_KEYS_OFF;
}

static const struct secret *secret_of(char *text)
{
	struct secret *secret = mem_alloc(sizeof(*secret));
	secret_set(secret, text, strlen(text));
	return secret;
}

static void secret_drop(const struct secret *secret)
{
	struct secret *own = (struct secret *)secret;
	if (own)
		secret_release(own);
	free(own);
}

int main(int count, char **words)
{
	struct options options = { .times = 1, .wires = 1 };
	struct wire_hub_options hub_options = { .host_key_checking = true };
	int flag;
	while ((flag = getopt(count, words, "+p:u:i:a:P:K:A:k:T:L:tn:w:c:C:Z:s:rx:q")) != -1) {
		switch (flag) {
		case 'p': options.config.port = (int)strtol(optarg, NULL, 10); break;
		case 'u': options.config.user = optarg; break;
		case 'i': options.config.private_key_file = optarg; break;
		case 'a': options.config.common_args = optarg; break;
		case 'P': options.config.password = secret_of(optarg); break;
		case 'K': options.config.key_passphrase = secret_of(optarg); break;
		case 'A': options.answer = optarg; break;
		case 'k': options.config.host_keys = policy(optarg); break;
		case 'T': options.config.connect_timeout_ms = (int)strtol(optarg, NULL, 10); break;
		case 'L': options.config.keepalive_ms = (int)strtol(optarg, NULL, 10); break;
		case 't': options.pty = true; break;
		case 'n': options.times = (int)strtol(optarg, NULL, 10); break;
		case 'w': options.wires = (int)strtol(optarg, NULL, 10); break;
		case 'c': options.cancel_ms = (int)strtol(optarg, NULL, 10); break;
		case 'C': options.cancel_open_ms = (int)strtol(optarg, NULL, 10); break;
		case 'Z': options.cancel_at = optarg; break;
		case 's': options.idle_ms = (int)strtol(optarg, NULL, 10); break;
		case 'r': options.run = true; break;
		case 'x': options.timeout_ms = strtol(optarg, NULL, 10); break;
		case 'q': options.quiet = true; break;
		default: return 99;
		}
	}
	if (optind >= count)
		return 99;
	options.scripts = words + optind + 1;
	options.script_count = count - optind - 1;
	options.hub = wire_hub_new(&hub_options);
	int status = 0;
	char *rest = NULL;
	for (char *host = strtok_r(words[optind], ",", &rest); host; host = strtok_r(NULL, ",", &rest)) {
		options.config.name = options.config.host = host;
		int ended = run_wires(&options);
		status = ended ? ended : status;
	}
	wire_hub_free(options.hub);
	secret_drop(options.config.password);
	secret_drop(options.config.key_passphrase);
	return status;
}
