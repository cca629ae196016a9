/* Sealing and opening under a password that the template gives. What raises errors holds nothing but Lua's own memory: the work
 * is done by functions that do not raise any. */
#include "lua/native_vault.h"

#include <lauxlib.h>

#include "base/auto.h"
#include "base/buf.h"
#include "lua/native_system.h"
#include "model/vault.h"

static int seal(lua_State *state, struct buf *out, struct err *err)
{
	auto_secret struct secret secret = SECRET_INIT, salt = SECRET_INIT;
	size_t length, secret_length, salt_length = 0;
	const char *text = lua_tolstring(state, 1, &length), *given = lua_tolstring(state, 2, &secret_length);
	const char *salt_text = lua_tolstring(state, 4, &salt_length);
	secret_set(&secret, given, secret_length);
	if (salt_text)
		secret_set(&salt, salt_text, salt_length);
	return vault_seal_salted(&secret, lua_tostring(state, 3), salt_text ? &salt : NULL, text, length, out, err);
}

/* vault_seal(text, secret, id, salt or nil): the sealed text. */
static int native_vault_seal(lua_State *state)
{
	struct err err = ERR_INIT;
	for (int i = 1; i <= 3; i++)
		luaL_checkstring(state, i);
	lua_settop(state, 4);
	struct buf *out = native_push_buf(state);
	if (seal(state, out, &err) < 0)
		return luaL_error(state, "vault: %s", err.text);
	lua_pushlstring(state, out->data, out->length);
	return 1;
}

static int open_text(lua_State *state, struct buf *out, struct err *err)
{
	const struct template_scope *scope = *(const struct template_scope *const *)lua_touserdata(state, lua_upvalueindex(1));
	auto_secret struct secret secret = SECRET_INIT, plain = SECRET_INIT;
	size_t length, secret_length;
	const char *sealed = lua_tolstring(state, 1, &length), *given = lua_tolstring(state, 2, &secret_length);
	struct vault *vault = vault_new();
	secret_set(&secret, given, secret_length);
	int failed = vault_add(vault, NULL, &secret, err) < 0 || vault_open(vault, sealed, length, &plain, NULL, err) < 0;
	vault_free(vault);
	if (failed)
		return -1;
	if (scope && scope->keep_secret)
		scope->keep_secret(scope->services, plain.bytes, plain.length);
	buf_add(out, plain.bytes, plain.length);
	return 0;
}

/* vault_open(sealed, secret): what is sealed; a text that is not sealed is itself. */
static int native_vault_unseal(lua_State *state)
{
	struct err err = ERR_INIT;
	size_t length;
	const char *sealed = luaL_checklstring(state, 1, &length);
	luaL_checkstring(state, 2);
	lua_settop(state, 2);
	if (!vault_is_sealed(sealed, length)) {
		lua_pushvalue(state, 1);
		return 1;
	}
	struct buf *out = native_push_buf(state);
	if (open_text(state, out, &err) < 0)
		return luaL_error(state, "unvault: %s", err.text);
	lua_pushlstring(state, out->data ? out->data : "", out->length);
	if (out->length)
		secret_wipe(out->data, out->length);
	return 1;
}

void native_vault_open(lua_State *state, const struct template_scope *const *scope)
{
	static const luaL_Reg functions[] = { { "vault_seal", native_vault_seal }, { "vault_open", native_vault_unseal }, { NULL, NULL } };
	lua_pushlightuserdata(state, (void *)scope);
	luaL_setfuncs(state, functions, 1);
}
