/* Snapshots of hostvars. Reference counts of what they hold are touched under facts_lock only. */
#include "run/hostvars.h"

#include <stdlib.h>

#include "base/mem.h"
#include "run/variables.h"

struct hostvars {
	json_t *values;
	unsigned version; /* of the facts */
	size_t users;
};

/* ---- one host ---- */

struct evaluating {
	struct variables *of;
	json_t *values;
};

/* A template in a host's variables means that host; where it cannot be evaluated it stays as it is. */
static void evaluate(void *context, const char *name, json_t *value, const struct vars_layer *layer)
{
	struct evaluating *evaluating = context;
	json_t *result = NULL;
	struct err ignored = ERR_INIT;
	if (layer->final || template_value(evaluating->of->run->hostvars_vm, value, &evaluating->of->scope, &result, NULL,
	                                   &ignored) < 0)
		result = json_deep_copy(value);
	if (json_is_string(result) && vars_is_secret(name))
		event_mask(evaluating->of->run->events, json_string_value(result), json_string_length(result));
	json_object_set_new_nocheck(evaluating->values, name, result);
}

static json_t *evaluate_host(struct run_context *run, struct host_state *host)
{
	struct variables variables;
	variables_init_other(&variables, run, NULL, host);
	variables.is_plain = true;
	struct evaluating evaluating = { &variables, json_object() };
	vars_each(&variables.vars, evaluate, &evaluating);
	variables_release(&variables);
	return evaluating.values;
}

/* ---- snapshots ---- */

static void update_host(struct run_context *run, json_t *values, struct host_state *host)
{
	if (!host || host->plain)
		return;
	host->plain = evaluate_host(run, host);
	json_object_set_nocheck(values, host->host->name, host->plain);
}

static void hostvars_free(struct hostvars *hostvars)
{
	json_decref(hostvars->values);
	free(hostvars);
}

/* The latest one, where nobody looks at it; else one that has the same hosts. */
static struct hostvars *writable(struct run_context *run)
{
	struct hostvars *latest = run->hostvars;
	if (latest && !latest->users)
		return latest;
	struct hostvars *made = mem_alloc(sizeof(*made));
	made->values = latest ? json_copy(latest->values) : json_object();
	return run->hostvars = made;
}

struct hostvars *hostvars_take(struct run_context *run)
{
	pthread_mutex_lock(&run->facts_lock);
	if (!run->hostvars_vm)
		run->hostvars_vm = template_vm_new();
	unsigned version = atomic_load(&run->facts_version);
	if (!run->hostvars || run->hostvars->version != version) {
		struct hostvars *next = writable(run);
		for (size_t i = 0; i < run->host_count; i++)
			update_host(run, next->values, run->hosts[i]);
		update_host(run, next->values, run->localhost);
		next->version = version;
	}
	struct hostvars *taken = run->hostvars;
	taken->users++;
	pthread_mutex_unlock(&run->facts_lock);
	return taken;
}

void hostvars_give(struct run_context *run, struct hostvars *hostvars)
{
	if (!hostvars)
		return;
	pthread_mutex_lock(&run->facts_lock);
	if (--hostvars->users == 0 && hostvars != run->hostvars)
		hostvars_free(hostvars);
	pthread_mutex_unlock(&run->facts_lock);
}

json_t *hostvars_values(const struct hostvars *hostvars) { return hostvars->values; }

bool hostvars_is_old(const struct run_context *run, const struct hostvars *hostvars)
{
	return hostvars->version != atomic_load(&run->facts_version);
}

/* ---- changes ---- */

static void forget_host(struct host_state *host)
{
	if (!host)
		return;
	json_decref(host->plain);
	host->plain = NULL;
}

void hostvars_changed(struct run_context *run, struct host_state *host)
{
	forget_host(host);
	atomic_fetch_add(&run->facts_version, 1);
}

void hostvars_forget(struct run_context *run)
{
	pthread_mutex_lock(&run->facts_lock);
	for (size_t i = 0; i < run->host_count; i++)
		forget_host(run->hosts[i]);
	forget_host(run->localhost);
	struct hostvars *latest = run->hostvars;
	run->hostvars = NULL;
	if (latest && !latest->users)
		hostvars_free(latest);
	atomic_fetch_add(&run->facts_version, 1);
	pthread_mutex_unlock(&run->facts_lock);
}

void hostvars_release(struct run_context *run)
{
	hostvars_forget(run);
	template_vm_free(run->hostvars_vm);
}
