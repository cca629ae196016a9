/* Ansible Vault for the template engine: the functions native.vault_seal and native.vault_open. */
#ifndef NEAP_LUA_NATIVE_VAULT_H
#define NEAP_LUA_NATIVE_VAULT_H

#include <lua.h>

#include "lua/template.h"

/* Adds the functions to the table on top of the stack. *scope is the scope of the running evaluation. */
void native_vault_open(lua_State *state, const struct template_scope *const *scope);

#endif
