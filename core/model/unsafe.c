/* Marks of texts that are no templates. */
#include "model/unsafe.h"

#include "model/loader.h"
#include "model/vault.h"

/* The same of all that is in a list or a dictionary. */
static json_t *each(const json_t *value, json_t *(*copy)(const json_t *value))
{
	const char *key;
	json_t *inner, *made;
	if (!json_is_array(value) && !json_is_object(value))
		return json_deep_copy(value);
	made = json_is_array(value) ? json_array() : json_object();
	for (size_t i = 0; i < json_array_size(value); i++)
		json_array_append_new(made, copy(json_array_get(value, i)));
	json_object_foreach((json_t *)value, key, inner)
		json_object_set_new_nocheck(made, key, copy(inner));
	return made;
}

json_t *unsafe_mark(const json_t *value)
{
	if (json_is_string(value) && loader_is_template(json_string_value(value)))
		return json_pack("{s:o}", "__ansible_unsafe", json_deep_copy(value));
	return vault_value_is_text(value) ? json_deep_copy(value) : each(value, unsafe_mark);
}

json_t *unsafe_show(const json_t *value)
{
	const json_t *text = vault_value_is_text(value) ? json_object_get(value, "__ansible_unsafe") : NULL;
	return text ? json_deep_copy(text) : each(value, unsafe_show);
}
