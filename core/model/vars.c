/* Layers of variables in order of precedence. */
#include "model/vars.h"

#include <stdlib.h>
#include <string.h>

#include "base/auto.h"
#include "base/mem.h"
#include "model/unsafe.h"
#include "model/vault.h"

struct vars_merged {
	json_t *values;          /* by name: what was merged last */
	json_t *past;            /* what was before, which somebody may still look at */
	struct vars_layer layer; /* that was told last */
};

void vars_merge_hashes(struct vars *vars)
{
	if (vars->merged)
		return;
	vars->merged = mem_alloc(sizeof(*vars->merged));
	vars->merged->values = json_object();
	vars->merged->past = json_array();
}

void vars_add(struct vars *vars, enum vars_level level, json_t *values, bool final, const char *origin)
{
	mem_grow(vars->layers, vars->count, vars->room);
	size_t at = vars->count;
	while (at > 0 && vars->layers[at - 1].level > level)
		at--;
	memmove(vars->layers + at + 1, vars->layers + at, (vars->count - at) * sizeof(*vars->layers));
	vars->layers[at] = (struct vars_layer){ .level = level, .values = values, .final = final, .origin = origin };
	vars->count++;
}

void vars_remove_level(struct vars *vars, enum vars_level level)
{
	size_t kept = 0;
	for (size_t i = 0; i < vars->count; i++)
		if (vars->layers[i].level != level)
			vars->layers[kept++] = vars->layers[i];
	vars->count = kept;
	if (vars->merged) {
		json_object_clear(vars->merged->values);
		json_array_clear(vars->merged->past);
	}
}

/* ---- merging ---- */

static bool is_hash(const json_t *value) { return json_is_object(value) && !vault_value_is_text(value); }

void vars_merge(json_t *into, const json_t *from)
{
	const char *name;
	json_t *value;
	json_object_foreach((json_t *)from, name, value) {
		json_t *now = json_object_get(into, name);
		if (is_hash(now) && is_hash(value))
			vars_merge(now, value);
		else
			json_object_set_new_nocheck(into, name, json_deep_copy(value));
	}
}

void vars_put(json_t *values, const char *name, json_t *value, bool merges)
{
	json_t *now = merges ? json_object_get(values, name) : NULL;
	if (is_hash(now) && is_hash(value)) {
		json_t *both = json_deep_copy(now);
		vars_merge(both, value);
		json_decref(value);
		value = both;
	}
	json_object_set_new_nocheck(values, name, value);
}

void vars_put_all(json_t *values, json_t *more, bool merges)
{
	const char *name;
	json_t *value;
	json_object_foreach(more, name, value)
		vars_put(values, name, json_incref(value), merges);
}

/* The next layer below that has the name and is not wholly hidden by the one at the index; -1: there is none. */
static ptrdiff_t layer_below(const struct vars *vars, size_t above, const char *name)
{
	enum vars_level level = vars->layers[above].level;
	bool hides_own = level == VARS_TASK || level == VARS_INCLUDE_PARAMS;
	for (size_t i = above; i-- > 0;) {
		if (json_object_get(vars->layers[i].values, name) && !(hides_own && vars->layers[i].level == level))
			return (ptrdiff_t)i;
	}
	return -1;
}

/* Merges what is below into the copy of a layer's value. false: there was nothing below to merge. */
static bool merge_below(const struct vars *vars, size_t at, const char *name, json_t **value, bool *final)
{
	auto_json json_t *layers = json_array(); /* their indices, highest first */
	json_array_append_new(layers, json_integer((json_int_t)at));
	bool any_final = vars->layers[at].final;
	*final = any_final;
	for (ptrdiff_t below = (ptrdiff_t)at; (below = layer_below(vars, (size_t)below, name)) >= 0;) {
		if (!is_hash(json_object_get(vars->layers[below].values, name)))
			break;
		json_array_append_new(layers, json_integer(below));
		any_final = any_final || vars->layers[below].final;
		*final = *final && vars->layers[below].final;
	}
	if (json_array_size(layers) == 1)
		return false;
	*value = json_object();
	for (size_t i = json_array_size(layers); i-- > 0;) {
		const struct vars_layer *layer = &vars->layers[json_integer_value(json_array_get(layers, i))];
		json_t *own = json_object_get(layer->values, name);
		auto_json json_t *marked = any_final && !*final && layer->final ? unsafe_mark(own) : NULL;
		vars_merge(*value, marked ? marked : own);
	}
	return true;
}

/* The value of the layer's at that index, merged with those below; it is kept as long as it may be looked at. */
static const struct vars_layer *merged_layer(const struct vars *vars, size_t at, const char *name, json_t **value)
{
	const struct vars_layer *winner = &vars->layers[at];
	struct vars_merged *merged = vars->merged;
	json_t *made;
	bool final;
	if (!merged || !is_hash(*value) || (winner->level >= VARS_LOOP && winner->level != VARS_EXTRA) ||
	    !merge_below(vars, at, name, &made, &final))
		return winner;
	json_t *known = json_object_get(merged->values, name);
	if (known && json_equal(known, made)) {
		json_decref(made);
	} else {
		if (known)
			json_array_append(merged->past, known);
		json_object_set_new_nocheck(merged->values, name, made);
		known = made;
	}
	*value = known;
	merged->layer = *winner;
	merged->layer.final = final;
	return &merged->layer;
}

/* ---- finding ---- */

const struct vars_layer *vars_find(const struct vars *vars, const char *name, json_t **value)
{
	for (size_t i = vars->count; i-- > 0;) {
		*value = json_object_get(vars->layers[i].values, name);
		if (*value)
			return merged_layer(vars, i, name, value);
	}
	*value = NULL;
	return NULL;
}

void vars_each(const struct vars *vars,
               void (*visit)(void *context, const char *name, json_t *value, const struct vars_layer *layer),
               void *context)
{
	auto_json json_t *seen = json_object();
	for (size_t i = vars->count; i-- > 0;) {
		const struct vars_layer *layer = &vars->layers[i];
		const char *name;
		json_t *value;
		json_object_foreach(layer->values, name, value) {
			if (json_object_get(seen, name))
				continue;
			json_object_set_new_nocheck(seen, name, json_true());
			const struct vars_layer *winner = merged_layer(vars, i, name, &value);
			visit(context, name, value, winner);
		}
	}
}

void vars_release(struct vars *vars)
{
	free(vars->layers);
	if (vars->merged) {
		json_decref(vars->merged->values);
		json_decref(vars->merged->past);
		free(vars->merged);
	}
	*vars = (struct vars)VARS_INIT;
}

bool vars_is_secret(const char *name)
{
	static const char prefix[] = "ansible_";
	return strncmp(name, prefix, sizeof(prefix) - 1) == 0 && strstr(name + sizeof(prefix) - 2, "_pass");
}
