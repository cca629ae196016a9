/* Layers of variables in order of precedence. */
#include "model/vars.h"

#include <stdlib.h>
#include <string.h>

#include "base/auto.h"
#include "base/mem.h"

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
}

const struct vars_layer *vars_find(const struct vars *vars, const char *name, json_t **value)
{
	for (size_t i = vars->count; i-- > 0;) {
		*value = json_object_get(vars->layers[i].values, name);
		if (*value)
			return &vars->layers[i];
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
			visit(context, name, value, layer);
		}
	}
}

void vars_release(struct vars *vars)
{
	free(vars->layers);
	*vars = (struct vars)VARS_INIT;
}
