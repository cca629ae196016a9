/* A run from its options to its exit status: everything is read and checked, then a conductor goes through the plays
 * while the main thread hands events to the reporters and listens for Ctrl-C. */
#include "run/fact_cache.h"
#include "run/run.h"

#include <errno.h>
#include <pthread.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/file.h"
#include "base/mem.h"
#include "lua/bridge.h"
#include "run/check.h"
#include "run/confirm.h"
#include "run/connect.h"
#include "run/context.h"
#include "run/controller.h"
#include "run/extra_vars.h"
#include "run/hostvars.h"
#include "run/inventory_change.h"
#include "run/inventory_refresh.h"
#include "run/limit.h"
#include "run/list.h"
#include "run/passwords.h"
#include "run/play.h"
#include "run/sched.h"
#include "run/select.h"

enum { FORKS = 50, TICK_MS = 100 };

struct run_state {
	struct run_context context;
	struct playbook_modules modules;
	struct playbook **playbooks;
	size_t playbook_count;
	struct template_vm *vm; /* of the check, then of the conductor */
	struct reporter *const *reporters;
	size_t reporter_count;
	pthread_t conductor;
	bool is_cancelled;      /* cancel() was called */
	struct err err;         /* why the conductor stopped */
};

/* ---- modules for the loader ---- */

static bool module_known(void *context, const char *name)
{
	const struct run_state *state = context;
	return registry_has(state->context.registry, name);
}

static void module_each(void *context, void (*offer)(void *to, const char *name), void *to)
{
	const struct run_state *state = context;
	registry_offer(state->context.registry, offer, to);
}

static bool module_takes(void *context, const char *name, const char *argument)
{
	const struct run_state *state = context;
	const struct module *module = registry_find(state->context.registry, name);
	return module && spec_find(&module->spec, argument);
}

static void module_library(void *context, const char *directory, struct problems *problems)
{
	struct run_state *state = context;
	(void)!bridge_add_folder(state->context.registry, directory, problems); /* the problems say it */
}

static int load_modules(struct run_state *state, struct problems *problems)
{
	struct run_context *run = &state->context;
	run->registry = registry_new();
	bridge_add_builtin(run->registry);
	state->modules = (struct playbook_modules){
		.context = state, .known = module_known, .each = module_each, .takes = module_takes, .library = module_library,
		.vault = run->vault,
	};
	run->playbook_modules = &state->modules;
	int failed = 0;
	for (size_t i = 0; i < run->options->module_path_count; i++)
		failed |= bridge_add_folder(run->registry, run->options->module_paths[i], problems);
	return failed;
}

/* ---- playbooks and inventory ---- */

static int load_playbook(struct run_state *state, size_t i, struct problems *problems)
{
	const struct run_options *options = state->context.options;
	struct playbook **playbook = &state->playbooks[i];
	int failed;
	if (options->adhoc) {
		auto_free char *text = json_dumps(options->adhoc, JSON_INDENT(2));
		auto_free char *list = mem_printf("[%s]", text);
		failed = playbook_parse(playbook, "exec", list, strlen(list), &state->modules, problems);
	} else {
		failed = playbook_load(playbook, options->playbooks[i], options->role_paths, &state->modules, problems);
	}
	check_playbook(*playbook, &state->context, state->context.registry, state->vm, problems);
	return failed;
}

static int load_playbooks(struct run_state *state, struct problems *problems)
{
	const struct run_options *options = state->context.options;
	state->playbook_count = options->adhoc ? 1 : options->playbook_count;
	state->playbooks = mem_array(state->playbook_count, sizeof(struct playbook *));
	int failed = 0;
	for (size_t i = 0; i < state->playbook_count; i++)
		failed |= load_playbook(state, i, problems);
	return failed;
}

static int load_inventory(struct run_state *state, struct problems *problems)
{
	struct run_context *run = &state->context;
	run->playbooks = state->playbooks;
	run->playbook_count = state->playbook_count;
	int failed = inventory_refresh_read(run, &run->inventory, problems);
	check_inventory(run->inventory, state->vm, problems);
	return failed;
}

static json_t *tag_list(const char *const *items, size_t count)
{
	json_t *list = json_array();
	for (size_t i = 0; i < count; i++)
		json_array_append_new(list, json_string(items[i]));
	return list;
}

static json_t *inventory_sources(const struct run_options *options)
{
	json_t *sources = json_array();
	for (size_t i = 0; i < options->inventory_count; i++) {
		auto_free char *path = strchr(options->inventories[i], ',') ? mem_strdup(options->inventories[i])
		                                                            : file_absolute(options->inventories[i]);
		json_array_append_new(sources, json_string(path));
	}
	return sources;
}

static json_t *magic_options(const struct run_options *options, int forks)
{
	json_t *magic = json_object();
	json_object_set_new(magic, "ansible_check_mode", json_boolean(options->check));
	json_object_set_new(magic, "ansible_diff_mode", json_boolean(options->diff));
	json_object_set_new(magic, "ansible_forks", json_integer(forks));
	json_object_set_new(magic, "ansible_verbosity", json_integer(options->verbosity));
	json_object_set_new(magic, "ansible_run_tags",
	                    options->tag_count ? tag_list(options->tags, options->tag_count) : json_pack("[s]", "all"));
	json_object_set_new(magic, "ansible_skip_tags", tag_list(options->skip_tags, options->skip_tag_count));
	json_object_set_new(magic, "ansible_version", /* the one whose language this is */
	                    json_pack("{s:s, s:i, s:i, s:i, s:s}", "full", "2.14.18", "major", 2, "minor", 14, "revision", 18,
	                              "string", "2.14.18"));
	if (options->limit_count) {
		auto_buf struct buf limit = BUF_INIT;
		for (size_t i = 0; i < options->limit_count; i++)
			buf_printf(&limit, "%s%s", i ? ":" : "", options->limits[i]);
		json_object_set_new(magic, "ansible_limit", json_string(buf_text(&limit)));
	}
	json_object_set_new(magic, "ansible_inventory_sources", inventory_sources(options));
	json_object_set_new(magic, "ansible_config_file", json_null());
	json_object_set_new(magic, "ansible_playbook_python", json_string("/usr/bin/python3"));
	json_object_set_new(magic, "neap_version", json_string(NEAP_VERSION));
	json_object_set_new(magic, "neap_shard_index", json_integer(options->shard.count ? options->shard.index : 1));
	json_object_set_new(magic, "neap_shard_count", json_integer(options->shard.count ? options->shard.count : 1));
	return magic;
}

static void make_hosts(struct run_state *state)
{
	struct run_context *run = &state->context;
	inventory_refresh_make_hosts(run);
	run->inventory_changes = inventory_changes_new();
	context_set_groups(run);
	run->options_vars = magic_options(run->options, run->forks);
}

/* What is opened is masked wherever it would show. */
static void mask_opened(void *context, const char *text, size_t length)
{
	struct event_stream *events = context;
	event_mask(events, text, length);
}

static int read_vault(struct run_context *run, struct problems *problems, struct err *err)
{
	vault_match_ids(run->vault, run->options->vault_match_ids);
	vault_watch(run->vault, mask_opened, run->events);
	if (vault_secrets_read(run->vault, &run->options->vault, problems, err) < 0)
		return -1;
	for (size_t i = 0; vault_id(run->vault, i); i++) {
		const struct secret *secret = vault_secret_at(run->vault, i);
		event_mask(run->events, secret->bytes, secret->length);
	}
	return 0;
}

/* Everything that can be wrong is looked at, so that the user hears of all of it at once. */
static int load(struct run_state *state, struct problems *problems, struct err *err)
{
	struct run_context *run = &state->context;
	if (read_vault(run, problems, err) < 0)
		return -1;
	state->vm = template_vm_new();
	int failed = load_modules(state, problems);
	failed |= load_playbooks(state, problems);
	failed |= load_inventory(state, problems);
	check_given(run, state->playbooks, state->playbook_count, problems);
	run->extra_vars = extra_vars_read(run->options->extra_vars, run->options->extra_var_count, run->options->inventory.merges_hashes,
	                                  run->vault, problems, err);
	if (!run->extra_vars || failed || problems->errors)
		return -1;
	if (limit_check(run, err) < 0 || confirm_possible(run, err) < 0 ||
	    select_check_start(run, state->playbooks, state->playbook_count, err) < 0)
		return -1;
	if (!run->options->inventory_count && !run->options->is_quiet_of_localhost)
		context_warn(run, NULL, "no inventory was given (-i): there is no host but localhost");
	make_hosts(state);
	fact_cache_load(run);
	for (size_t i = 0; i < state->playbook_count && run->options->gathering == RUN_GATHER_NEEDED && !run->options->adhoc; i++)
		run->shared_facts |= gather_shared(state->playbooks[i], run->inventory);
	return 0;
}

/* ---- passwords ---- */

static int read_password(const char *path, bool ask, const char *question, struct secret *password,
                         struct event_stream *events, struct err *err)
{
	if (path && passwords_read(path, password, err) < 0)
		return -1;
	if (!path && ask && !passwords_prompt(NULL, question, password)) {
		err_set(err, ERR_USAGE, "no %s was given: there is no terminal to ask on", question);
		return err_hint(err, "use --connection-password-file or --become-password-file");
	}
	if (secret_given(password))
		event_mask(events, password->bytes, password->length);
	return 0;
}

static int read_passwords(struct run_context *run, struct err *err)
{
	const struct run_options *options = run->options;
	if (read_password(options->connection_password_file, options->ask_pass, "SSH password", &run->password,
	                  run->events, err) < 0 ||
	    read_password(options->become_password_file, options->ask_become_pass, "BECOME password",
	                  &run->become_password, run->events, err) < 0)
		return -1;
	if (options->ask_become_pass && run->become_password.length == 0 && secret_given(&run->password))
		secret_copy(&run->become_password, &run->password);
	return 0;
}

/* ---- signals ---- */

static volatile sig_atomic_t interrupts;

static void on_interrupt(int signal)
{
	(void)signal;
	if (++interrupts > 1)
		_exit(err_exit_status(ERR_INTERRUPTED));
}

/* The terminal is gone, which its shell may tell once more. */
static void on_hang_up(int signal)
{
	(void)signal;
	if (!interrupts)
		interrupts = 1;
}

struct handlers {
	struct sigaction interrupt, terminate, hang_up, pipe;
};

static void catch_signals(struct handlers *before)
{
	struct sigaction action = { .sa_handler = on_interrupt };
	interrupts = 0;
	sigaction(SIGINT, &action, &before->interrupt);
	sigaction(SIGTERM, &action, &before->terminate);
	action.sa_handler = on_hang_up;
	sigaction(SIGHUP, &action, &before->hang_up);
	if (before->hang_up.sa_handler == SIG_IGN) /* nohup */
		sigaction(SIGHUP, &before->hang_up, NULL);
	action.sa_handler = SIG_IGN;
	sigaction(SIGPIPE, &action, &before->pipe);
}

static void restore_signals(const struct handlers *before)
{
	sigaction(SIGINT, &before->interrupt, NULL);
	sigaction(SIGTERM, &before->terminate, NULL);
	sigaction(SIGHUP, &before->hang_up, NULL);
	sigaction(SIGPIPE, &before->pipe, NULL);
}

/* After Ctrl-C, or when the user has quit the task debugger. */
static void cancel(struct run_state *state)
{
	struct run_context *run = &state->context;
	if (state->is_cancelled)
		return;
	state->is_cancelled = true;
	atomic_store(&run->cancelled, true);
	struct event *event = event_new(EVENT_MESSAGE);
	event->text = mem_strdup("interrupted: no new step is started, what is under way is ended and cleaned up; "
	                         "press Ctrl-C again to leave at once");
	event_emit(run->events, event);
	wire_hub_cancel(run->hub);
	targets_cancel(run->targets);
	sched_hurry(run->sched);
}

/* ---- events ---- */

static void hand_out(struct run_state *state, const struct event *event)
{
	for (size_t i = 0; i < state->reporter_count; i++)
		state->reporters[i]->handle(state->reporters[i]->context, event);
}

static void tick(struct run_state *state)
{
	for (size_t i = 0; i < state->reporter_count; i++) {
		if (state->reporters[i]->tick)
			state->reporters[i]->tick(state->reporters[i]->context, clock_ms());
	}
}

static void emit_start(struct run_state *state)
{
	const struct run_options *options = state->context.options;
	struct event *event = event_new(EVENT_RUN_START);
	json_t *names = json_array();
	for (size_t i = 0; i < options->playbook_count; i++)
		json_array_append_new(names, json_string(options->playbooks[i]));
	event->data = json_pack("{s:o, s:b}", "playbooks", names, "check", options->check);
	event_emit(state->context.events, event);
}

static void add_stats(struct event *event, const struct host_state *host)
{
	if (!host || !host->took_part)
		return;
	event->stats[event->stats_count] = host->stats;
	event->stats[event->stats_count++].host = mem_strdup(host->host->name);
}

static int exit_status(const struct run_state *state)
{
	const struct run_context *run = &state->context;
	if (atomic_load(&run->cancelled))
		return err_exit_status(ERR_INTERRUPTED);
	if (state->err.kind != ERR_NONE)
		return err_exit_status(state->err.kind);
	bool failed = run->localhost && run->localhost->failed;
	for (size_t i = 0; i < run->host_count + run->gone_count; i++) {
		const struct host_state *host = i < run->host_count ? run->hosts[i] : run->gone[i - run->host_count];
		if (host->unreachable)
			return err_exit_status(ERR_UNREACHABLE);
		failed = failed || host->failed;
	}
	return failed ? err_exit_status(ERR_HOST) : 0;
}

static void emit_end(struct run_state *state)
{
	struct run_context *run = &state->context;
	struct event *event = event_new(EVENT_RUN_END);
	const struct shard *shard = &run->options->shard;
	if (shard->count)
		event->data = json_pack("{s:{s:i, s:i, s:i}}", "shard", "index", (int)shard->index, "count", (int)shard->count,
		                        "status", exit_status(state));
	event->stats = mem_array(run->host_count + run->gone_count + 1, sizeof(*event->stats));
	for (size_t i = 0; i < run->host_count; i++)
		add_stats(event, run->hosts[i]);
	for (size_t i = 0; i < run->gone_count; i++)
		add_stats(event, run->gone[i]);
	add_stats(event, run->localhost);
	event_emit(run->events, event);
}

/* ---- the run ---- */

static void *conduct(void *context)
{
	struct run_state *state = context;
	struct run_context *run = &state->context;
	bool stop = false;
	unsigned number = 0;
	for (size_t i = 0; i < state->playbook_count && !stop; i++) {
		const struct playbook *playbook = state->playbooks[i];
		for (size_t j = 0; j < playbook->count && !stop && !atomic_load(&run->cancelled); j++) {
			run->is_last_play = i + 1 == state->playbook_count && j + 1 == playbook->count;
			if (play_run(run, playbook->plays[j], ++number, state->vm, &stop, &state->err) < 0)
				stop = true;
		}
		stop = stop || exit_status(state); /* as with Ansible, a failure ends what follows in other files */
	}
	fact_cache_save(run);
	targets_close(run->targets); /* the connections end before the recap: nothing comes after it */
	emit_end(state);
	return NULL;
}

static void report_until_end(struct run_state *state)
{
	int64_t ticked = clock_ms();
	for (bool ended = false; !ended;) {
		struct event *event = event_take(state->context.events, TICK_MS);
		if (interrupts || atomic_load(&state->context.cancelled))
			cancel(state);
		if (!event || clock_ms() - ticked >= TICK_MS) { /* also while one host is never silent */
			tick(state);
			ticked = clock_ms();
		}
		if (!event)
			continue;
		ended = event->kind == EVENT_RUN_END;
		hand_out(state, event);
		event_free(event);
	}
}

/* A connection takes a few descriptors; a thousand of them need more than the usual soft limit. */
static void raise_file_limit(void)
{
	struct rlimit limit;
	if (getrlimit(RLIMIT_NOFILE, &limit) == 0 && limit.rlim_cur < limit.rlim_max) {
		limit.rlim_cur = limit.rlim_max;
		setrlimit(RLIMIT_NOFILE, &limit);
	}
}

/* Only the main thread hears of signals: the others' waits are ended by what it does then. */
static void start_conductor(struct run_state *state)
{
	sigset_t signals, before;
	sigemptyset(&signals);
	sigaddset(&signals, SIGINT);
	sigaddset(&signals, SIGTERM);
	sigaddset(&signals, SIGHUP);
	pthread_sigmask(SIG_BLOCK, &signals, &before);
	state->context.sched = sched_new(state->vm);
	if (pthread_create(&state->conductor, NULL, conduct, state) != 0)
		abort();
	pthread_sigmask(SIG_SETMASK, &before, NULL);
}

static int finish_reporters(struct run_state *state, int status, struct err *err)
{
	for (size_t i = 0; i < state->reporter_count; i++) {
		const struct reporter *reporter = state->reporters[i];
		if (reporter->finish && reporter->finish(reporter->context) < 0) {
			err_errno(err, ERR_SYSTEM, "writing the report");
			status = err_exit_status(ERR_SYSTEM);
		}
	}
	return status;
}

static int run_all(struct run_state *state, struct err *err)
{
	struct run_context *run = &state->context;
	struct handlers before;
	mem_expect_threads();
	raise_file_limit();
	const struct wire_hub_options hub = { .host_key_checking = true };
	run->hub = wire_hub_new(&hub);
	run->slots = host_slots_new(run->forks);
	run->controller = controller_new(run->vault);
	run->targets = targets_new(run);
	catch_signals(&before);
	emit_start(state);
	start_conductor(state);
	report_until_end(state);
	pthread_join(state->conductor, NULL);
	restore_signals(&before);
	sched_free(run->sched);
	targets_free(run->targets);
	*err = state->err;
	return finish_reporters(state, exit_status(state), err);
}

static int list_all(struct run_state *state, struct err *err)
{
	struct run_context *run = &state->context;
	auto_buf struct buf text = BUF_INIT;
	for (size_t i = 0; i < state->playbook_count; i++) {
		const char *path = run->options->adhoc ? "exec" : run->options->playbooks[i];
		if (run->options->syntax_check && !run->options->list)
			buf_printf(&text, "\nplaybook: %s\n", path);
		else if (list_playbook(run, path, state->playbooks[i], state->vm, &text, err) < 0)
			return err_exit_status(err->kind);
	}
	struct event *event = event_new(EVENT_LISTING);
	event->text = buf_take(&text);
	event_emit(run->events, event);
	for (struct event *taken; (taken = event_take(run->events, 0)); event_free(taken))
		hand_out(state, taken);
	return finish_reporters(state, 0, err);
}

static void state_release(struct run_state *state)
{
	struct run_context *run = &state->context;
	hostvars_release(run);
	for (size_t i = 0; i < run->host_count; i++)
		context_free_host(run->hosts[i]);
	for (size_t i = 0; i < run->gone_count; i++)
		context_free_host(run->gone[i]);
	free(run->gone);
	context_free_host(run->localhost);
	context_free_strangers(run);
	free(run->hosts);
	wire_hub_free(run->hub);
	host_slots_free(run->slots);
	controller_free(run->controller);
	json_decref(run->groups);
	inventory_changes_free(run->inventory_changes);
	json_decref(run->options_vars);
	json_decref(run->extra_vars);
	vault_free(run->vault);
	secret_release(&run->password);
	secret_release(&run->become_password);
	for (size_t i = 0; i < state->playbook_count; i++)
		playbook_free(state->playbooks[i]);
	free(state->playbooks);
	inventory_free(run->inventory);
	for (size_t i = 0; i < run->past_inventory_count; i++)
		inventory_free(run->past_inventories[i]);
	free(run->past_inventories);
	registry_free(run->registry);
	event_stream_free(run->events);
	pthread_mutex_destroy(&run->facts_lock);
	template_vm_free(state->vm);
	bridge_thread_end();
}

static void mask_array(const struct event_stream *events, char *array, size_t size)
{
	auto_free char *text = mem_strdup(array);
	event_mask_text(events, &text);
	if (strcmp(text, array) != 0)
		snprintf(array, size, "%s", text);
}

/* What is said beside the stream of events holds no secret either. */
static void mask_problems(const struct event_stream *events, struct problems *problems)
{
	if (!event_masks(events))
		return;
	for (size_t i = 0; i < problems->count; i++) {
		event_mask_text(events, &problems->items[i].text);
		event_mask_text(events, &problems->items[i].hint);
		event_mask_text(events, &problems->items[i].line);
	}
}

static void mask_error(const struct event_stream *events, struct err *err)
{
	if (!event_masks(events))
		return;
	mask_array(events, err->text, sizeof(err->text));
	mask_array(events, err->hint, sizeof(err->hint));
}

static int load_and_tell(struct run_state *state, struct problems *problems, struct err *err)
{
	const struct run_options *options = state->context.options;
	int failed = load(state, problems, err);
	mask_problems(state->context.events, problems);
	if (options->checked)
		options->checked(options->checked_context, problems);
	return failed;
}

int run_playbooks(const struct run_options *options, struct reporter *const *reporters, size_t reporter_count,
                  struct problems *problems, struct err *err)
{
	struct run_state state = { .reporters = reporters, .reporter_count = reporter_count };
	struct run_context *run = &state.context;
	run->options = options;
	run->forks = options->forks > 0 ? options->forks : FORKS;
	run->events = event_stream_new();
	pthread_mutexattr_t recursive; /* what a delegate's templates look up may be every host's variables */
	pthread_mutexattr_init(&recursive);
	pthread_mutexattr_settype(&recursive, PTHREAD_MUTEX_RECURSIVE);
	pthread_mutex_init(&run->facts_lock, &recursive);
	pthread_mutexattr_destroy(&recursive);
	run->prompt = passwords_prompt;
	run->vault = vault_new();
	int status = err_exit_status(ERR_INPUT);
	if (load_and_tell(&state, problems, err) == 0) {
		if (options->list || options->syntax_check)
			status = list_all(&state, err);
		else if (read_passwords(run, err) < 0)
			status = err_exit_status(err->kind);
		else
			status = run_all(&state, err);
	} else if (err->kind != ERR_NONE) {
		status = err_exit_status(err->kind);
	}
	mask_error(run->events, err);
	state_release(&state);
	return status;
}
