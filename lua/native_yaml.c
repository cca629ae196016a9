/* YAML for the template engine: reading by the reader of documents, writing by libyaml's emitter. The emitter and what was
 * read are userdata, so that Lua frees them whatever is raised in between. */
#include "lua/native_yaml.h"

#include <lauxlib.h>
#include <yaml.h>

#include "base/buf.h"
#include "lua/value.h"
#include "lua/vm.h"
#include "model/document.h"
#include "model/vault.h"

/* Reading */

/* Values that only files of plays may have. */
static bool native_yaml_is_sealed(const json_t *value)
{
	if (vault_value_is_text(value))
		return true;
	for (size_t i = 0; i < json_array_size(value); i++)
		if (native_yaml_is_sealed(json_array_get(value, i)))
			return true;
	for (void *member = json_object_iter((json_t *)value); member; member = json_object_iter_next((json_t *)value, member))
		if (native_yaml_is_sealed(json_object_iter_value(member)))
			return true;
	return false;
}

/* The value of a text, or NULL with the first fault in message. */
static json_t *native_yaml_read(const char *text, size_t length, char *message, size_t room)
{
	auto_problems struct problems problems = PROBLEMS_INIT;
	struct document *document = NULL;
	json_t *value = NULL;
	if (document_parse_as(&document, DOCUMENT_YAML, "text", text, length, &problems) < 0) {
		const struct problem *problem = problems.items;
		while (problem->level != PROBLEM_ERROR)
			problem++;
		snprintf(message, room, "%s (line %d)", problem->text, problem->place.line);
	} else if (native_yaml_is_sealed(document_root(document).value)) {
		snprintf(message, room, "!vault and !unsafe are for the files of a play");
	} else {
		value = json_deep_copy(document_root(document).value);
	}
	document_free(document);
	return value;
}

/* yaml_decode(text): the value of a text that is one document. */
static int native_yaml_decode(lua_State *state)
{
	size_t length;
	char message[512];
	const char *text = luaL_checklstring(state, 1, &length);
	vm_spend(state, (lua_Integer)length);
	json_t **held = lua_newuserdatauv(state, sizeof(*held), 0);
	*held = NULL;
	luaL_setmetatable(state, "neap.json");
	*held = native_yaml_read(text, length, message, sizeof(message));
	if (!*held)
		return luaL_error(state, "from_yaml: %s", message);
	value_push(state, *held);
	return 1;
}

/* Writing */

struct native_yaml {
	yaml_emitter_t emitter;
	struct buf text;
};

static int native_yaml_write(void *context, unsigned char *bytes, size_t length)
{
	buf_add(context, bytes, length);
	return 1;
}

static int native_yaml_free(lua_State *state)
{
	struct native_yaml *yaml = lua_touserdata(state, 1);
	yaml_emitter_delete(&yaml->emitter);
	buf_release(&yaml->text);
	return 0;
}

static struct native_yaml *native_yaml_check(lua_State *state)
{
	return luaL_checkudata(state, 1, "neap.yaml");
}

/* The event is the emitter's from here on. */
static void native_yaml_emit(lua_State *state, struct native_yaml *yaml, int made, yaml_event_t *event)
{
	if (!made)
		luaL_error(state, "to_yaml: the text is not UTF-8");
	vm_spend(state, 20);
	if (!yaml_emitter_emit(&yaml->emitter, event))
		luaL_error(state, "to_yaml: %s", yaml->emitter.problem ? yaml->emitter.problem : "it cannot be written");
}

/* yaml_open(indent, width, canonical, explicit_start): an emitter; a number that is nil is libyaml's own. */
static int native_yaml_new(lua_State *state)
{
	struct native_yaml *yaml = lua_newuserdatauv(state, sizeof(*yaml), 0);
	yaml_event_t event;
	yaml->text = (struct buf)BUF_INIT;
	if (!yaml_emitter_initialize(&yaml->emitter))
		return luaL_error(state, "to_yaml: out of memory");
	luaL_setmetatable(state, "neap.yaml");
	yaml_emitter_set_output(&yaml->emitter, native_yaml_write, &yaml->text);
	yaml_emitter_set_unicode(&yaml->emitter, 1);
	yaml_emitter_set_canonical(&yaml->emitter, lua_toboolean(state, 3));
	if (!lua_isnoneornil(state, 1))
		yaml_emitter_set_indent(&yaml->emitter, (int)luaL_checkinteger(state, 1));
	if (!lua_isnoneornil(state, 2))
		yaml_emitter_set_width(&yaml->emitter, (int)luaL_checkinteger(state, 2));
	native_yaml_emit(state, yaml, yaml_stream_start_event_initialize(&event, YAML_UTF8_ENCODING), &event);
	native_yaml_emit(state, yaml, yaml_document_start_event_initialize(&event, NULL, NULL, NULL, !lua_toboolean(state, 4)), &event);
	return 1;
}

static yaml_scalar_style_t native_yaml_style(const char *style)
{
	switch (style ? *style : '\0') {
	case '\'': return YAML_SINGLE_QUOTED_SCALAR_STYLE;
	case '"': return YAML_DOUBLE_QUOTED_SCALAR_STYLE;
	case '|': return YAML_LITERAL_SCALAR_STYLE;
	case '>': return YAML_FOLDED_SCALAR_STYLE;
	default: return YAML_ANY_SCALAR_STYLE;
	}
}

/* yaml_scalar(emitter, text, tag, plain, quoted, style): plain and quoted say whether it reads as the tag when written so. */
static int native_yaml_scalar(lua_State *state)
{
	struct native_yaml *yaml = native_yaml_check(state);
	size_t length;
	const char *text = luaL_checklstring(state, 2, &length);
	const char *tag = luaL_checkstring(state, 3);
	const yaml_scalar_style_t style = native_yaml_style(luaL_optstring(state, 6, NULL));
	yaml_event_t event;
	lua_pushfstring(state, "tag:yaml.org,2002:%s", tag);
	vm_spend(state, (lua_Integer)length);
	int made = yaml_scalar_event_initialize(&event, NULL, (const yaml_char_t *)lua_tostring(state, -1), (const yaml_char_t *)text,
	                                        (int)length, lua_toboolean(state, 4), lua_toboolean(state, 5), style);
	native_yaml_emit(state, yaml, made, &event);
	return 0;
}

/* yaml_begin(emitter, is_list, flow) */
static int native_yaml_begin(lua_State *state)
{
	struct native_yaml *yaml = native_yaml_check(state);
	bool is_list = lua_toboolean(state, 2), flow = lua_toboolean(state, 3);
	yaml_event_t event;
	int made = is_list ? yaml_sequence_start_event_initialize(&event, NULL, (const yaml_char_t *)YAML_SEQ_TAG, 1,
	                                                          flow ? YAML_FLOW_SEQUENCE_STYLE : YAML_BLOCK_SEQUENCE_STYLE)
	                   : yaml_mapping_start_event_initialize(&event, NULL, (const yaml_char_t *)YAML_MAP_TAG, 1,
	                                                         flow ? YAML_FLOW_MAPPING_STYLE : YAML_BLOCK_MAPPING_STYLE);
	native_yaml_emit(state, yaml, made, &event);
	return 0;
}

/* yaml_end(emitter, is_list) */
static int native_yaml_end(lua_State *state)
{
	struct native_yaml *yaml = native_yaml_check(state);
	yaml_event_t event;
	int made = lua_toboolean(state, 2) ? yaml_sequence_end_event_initialize(&event) : yaml_mapping_end_event_initialize(&event);
	native_yaml_emit(state, yaml, made, &event);
	return 0;
}

/* yaml_text(emitter, explicit_end): ends the document and gives all of it. */
static int native_yaml_text(lua_State *state)
{
	struct native_yaml *yaml = native_yaml_check(state);
	yaml_event_t event;
	native_yaml_emit(state, yaml, yaml_document_end_event_initialize(&event, !lua_toboolean(state, 2)), &event);
	native_yaml_emit(state, yaml, yaml_stream_end_event_initialize(&event), &event);
	lua_pushlstring(state, buf_text(&yaml->text), yaml->text.length);
	return 1;
}

void native_yaml_open(lua_State *state)
{
	static const luaL_Reg functions[] = {
	    {"yaml_decode", native_yaml_decode},
	    {"yaml_open", native_yaml_new},
	    {"yaml_scalar", native_yaml_scalar},
	    {"yaml_begin", native_yaml_begin},
	    {"yaml_end", native_yaml_end},
	    {"yaml_text", native_yaml_text},
	    {NULL, NULL},
	};
	luaL_newmetatable(state, "neap.yaml");
	lua_pushcfunction(state, native_yaml_free);
	lua_setfield(state, -2, "__gc");
	lua_pop(state, 1);
	luaL_setfuncs(state, functions, 0);
}
