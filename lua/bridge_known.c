/* known:stat, known:read and the other asks of a Lua module. Each returns nil until it is answered. */
#include "lua/bridge_call.h"

#include <string.h>

#include <lauxlib.h>

#include "base/digest.h"
#include "lua/value.h"

static void set_text(lua_State *L, const char *key, const char *text)
{
	if (!text)
		return;
	lua_pushstring(L, text);
	lua_setfield(L, -2, key);
}

static void set_integer(lua_State *L, const char *key, lua_Integer value)
{
	lua_pushinteger(L, value);
	lua_setfield(L, -2, key);
}

static void set_flag(lua_State *L, const char *key, bool value)
{
	lua_pushboolean(L, value);
	lua_setfield(L, -2, key);
}

static void set_time(lua_State *L, const char *key, struct timespec time)
{
	lua_pushnumber(L, (lua_Number)time.tv_sec + (lua_Number)time.tv_nsec / 1e9);
	lua_setfield(L, -2, key);
}

static void push_names(lua_State *L, const char *const *names, size_t count)
{
	lua_createtable(L, (int)count, 0);
	for (size_t i = 0; i < count; i++) {
		lua_pushstring(L, names[i]);
		lua_rawseti(L, -2, (lua_Integer)i + 1);
	}
	value_make_list(L, -1);
}

static void set_names(lua_State *L, const char *key, const char *const *names, size_t count)
{
	push_names(L, names, count);
	lua_setfield(L, -2, key);
}

static const char *type_name(char type)
{
	switch (type) {
	case 'f': return "file";
	case 'd': return "directory";
	case 'l': return "link";
	case 'c': return "character device";
	case 'b': return "block device";
	case 'p': return "fifo";
	case 's': return "socket";
	default: return NULL;
	}
}

static void push_stat(lua_State *L, const struct stat_answer *stat)
{
	lua_createtable(L, 0, 18);
	set_flag(L, "exists", stat->type != 0);
	if (!stat->type)
		return;
	char mode[8];
	set_text(L, "type", type_name(stat->type));
	set_text(L, "mode", mode_text(stat->mode, mode));
	set_integer(L, "uid", stat->uid);
	set_integer(L, "gid", stat->gid);
	set_text(L, "owner", stat->owner);
	set_text(L, "group", stat->group);
	set_integer(L, "size", (lua_Integer)stat->size);
	set_integer(L, "device", (lua_Integer)stat->device);
	set_integer(L, "inode", (lua_Integer)stat->inode);
	set_integer(L, "links", (lua_Integer)stat->links);
	set_time(L, "atime", stat->atime);
	set_time(L, "mtime", stat->mtime);
	set_time(L, "ctime", stat->ctime);
	set_text(L, "target", stat->target);
	set_flag(L, "readable", stat->readable);
	set_flag(L, "writable", stat->writable);
	set_flag(L, "executable", stat->executable);
}

/* The call that goes on; errors for known.stat(path) in place of known:stat(path). */
static struct bridge_call *known_call(lua_State *L, const char *function)
{
	struct bridge_call *call = bridge_call_get(L);
	if (!lua_istable(L, 1))
		luaL_error(L, "%s is called with a colon: %s(...)", function, function);
	return call;
}

/* Pushes nil or false and returns true where there is nothing more to push; what may not be looked at fails the task. */
static bool push_state(lua_State *L, struct bridge_call *call, const struct answer *answer)
{
	if (!answer) {
		lua_pushnil(L);
		return true;
	}
	if (answer->state == ANSWER_OK)
		return false;
	if (answer->state == ANSWER_ABSENT) {
		lua_pushboolean(L, 0);
		return true;
	}
	result_fail(call->decision, "%s", answer->why ? answer->why : "the target could not be asked");
	return bridge_call_end(L);
}

static int known_stat(lua_State *L)
{
	static const char *const names[] = { "follow", NULL };
	struct bridge_call *call = known_call(L, "known:stat");
	const char *path = bridge_field_argument(L, 2, "known:stat", "the path");
	bool follow = false;
	if (!lua_isnoneornil(L, 3)) {
		bridge_field_check(L, 3, "known:stat", names);
		follow = bridge_field_flag(L, 3, "known:stat", "follow", false);
	}
	const struct stat_answer *stat = ask_stat(call->decision, path, follow);
	if (call->decision->failed)
		return bridge_call_end(L);
	if (stat)
		push_stat(L, stat);
	else
		lua_pushnil(L);
	return 1;
}

static int known_type(lua_State *L)
{
	struct bridge_call *call = known_call(L, "known:type");
	const struct stat_answer *stat = ask_type(call->decision, bridge_field_argument(L, 2, "known:type", "the path"));
	if (call->decision->failed)
		return bridge_call_end(L);
	if (!stat)
		lua_pushnil(L);
	else if (stat->type)
		lua_pushstring(L, type_name(stat->type));
	else
		lua_pushboolean(L, 0);
	return 1;
}

static int known_read(lua_State *L)
{
	static const char *const names[] = { "may_fail", NULL };
	struct bridge_call *call = known_call(L, "known:read");
	const char *path = bridge_field_argument(L, 2, "known:read", "the path");
	bool may_fail = false;
	if (!lua_isnoneornil(L, 3)) {
		bridge_field_check(L, 3, "known:read", names);
		may_fail = bridge_field_flag(L, 3, "known:read", "may_fail", false);
	}
	const struct answer *answer = ask_read(call->decision, path);
	if (answer && may_fail && answer->state != ANSWER_OK) {
		lua_pushboolean(L, 0);
		lua_pushstring(L, answer->why ? answer->why : "");
		return 2;
	}
	if (!push_state(L, call, answer))
		lua_pushlstring(L, answer->read.bytes, answer->read.length);
	return 1;
}

static int known_hash(lua_State *L)
{
	struct bridge_call *call = known_call(L, "known:hash");
	const char *path = bridge_field_argument(L, 2, "known:hash", "the path");
	const char *algorithm = lua_isnoneornil(L, 3) ? "sha256" : bridge_field_argument(L, 3, "known:hash", "the digest");
	if (!digest_known(algorithm))
		luaL_error(L, "known:hash knows md5, sha1, sha224, sha256, sha384 and sha512, not \"%s\"", algorithm);
	const struct answer *answer = ask_hash(call->decision, path, algorithm);
	if (!push_state(L, call, answer))
		lua_pushstring(L, answer->hash);
	return 1;
}

static int known_list(lua_State *L)
{
	static const char *const names[] = { "recurse", "digest", NULL };
	struct bridge_call *call = known_call(L, "known:list");
	const char *path = bridge_field_argument(L, 2, "known:list", "the path");
	bool recurse = false;
	const char *digest = NULL;
	if (!lua_isnoneornil(L, 3)) {
		bridge_field_check(L, 3, "known:list", names);
		recurse = bridge_field_flag(L, 3, "known:list", "recurse", false);
		digest = bridge_field_text(L, 3, "known:list", "digest");
		if (digest && !digest_known(digest))
			luaL_error(L, "known:list: there is no digest \"%s\"", digest);
	}
	const struct answer *answer = ask_list(call->decision, path, recurse, digest);
	if (push_state(L, call, answer))
		return 1;
	lua_createtable(L, (int)answer->list.count, 0);
	for (size_t i = 0; i < answer->list.count; i++) {
		const struct list_entry *entry = &answer->list.entries[i];
		push_stat(L, &entry->stat);
		set_text(L, "name", entry->name);
		set_text(L, "digest", entry->digest);
		lua_rawseti(L, -2, (lua_Integer)i + 1);
	}
	return 1;
}

static int known_glob(lua_State *L)
{
	struct bridge_call *call = known_call(L, "known:glob");
	const char *pattern = bridge_field_argument(L, 2, "known:glob", "the pattern");
	const struct answer *answer = ask_glob(call->decision, pattern);
	if (!push_state(L, call, answer))
		push_names(L, answer->glob.names, answer->glob.count);
	return 1;
}

static void set_stripped(lua_State *L, const char *key, const char *bytes, size_t length)
{
	while (length && bytes[length - 1] == '\n')
		length--;
	lua_pushlstring(L, bytes ? bytes : "", length);
	lua_setfield(L, -2, key);
}

void bridge_command_push(lua_State *L, const struct command_result *result)
{
	char how[64];
	lua_createtable(L, 0, 6);
	set_flag(L, "ok", command_succeeded(result));
	set_integer(L, "rc", result->ended == ENDED_EXIT ? result->code : result->ended == ENDED_SIGNAL ? 128 + result->code : -1);
	set_text(L, "how", command_how(result, how));
	set_stripped(L, "stdout", result->output, result->output_length);
	set_stripped(L, "stderr", result->errors, result->errors_length);
	lua_pushlstring(L, result->output ? result->output : "", result->output_length);
	lua_setfield(L, -2, "raw");
}

static int known_run(lua_State *L)
{
	static const char *const names[] = { "sh", "stdin", "chdir", "env", "secret", NULL };
	struct bridge_call *call = known_call(L, "known:run");
	bridge_field_check(L, 2, "known:run", names);
	struct command command;
	bridge_field_command(L, 2, "known:run", &command);
	const struct command_result *result = ask_run(call->decision, &command);
	json_decref(command.environment);
	if (call->decision->failed)
		return bridge_call_end(L);
	if (result)
		bridge_command_push(L, result);
	else
		lua_pushnil(L);
	return 1;
}

static const char *account_argument(lua_State *L, const char *function)
{
	if (lua_type(L, 2) == LUA_TNUMBER)
		lua_tolstring(L, 2, NULL);
	return bridge_field_argument(L, 2, function, "the name");
}

static int known_user(lua_State *L)
{
	struct bridge_call *call = known_call(L, "known:user");
	const struct answer *answer = ask_user(call->decision, account_argument(L, "known:user"));
	if (push_state(L, call, answer))
		return 1;
	const struct user_answer *user = &answer->user;
	lua_createtable(L, 0, 7);
	set_text(L, "name", user->name);
	set_integer(L, "uid", user->uid);
	set_integer(L, "gid", user->gid);
	set_text(L, "comment", user->comment ? user->comment : "");
	set_text(L, "home", user->home);
	set_text(L, "shell", user->shell ? user->shell : "");
	set_names(L, "groups", user->groups, user->group_count);
	return 1;
}

static int known_group(lua_State *L)
{
	struct bridge_call *call = known_call(L, "known:group");
	const struct answer *answer = ask_group(call->decision, account_argument(L, "known:group"));
	if (push_state(L, call, answer))
		return 1;
	const struct group_answer *group = &answer->group;
	lua_createtable(L, 0, 3);
	set_text(L, "name", group->name);
	set_integer(L, "gid", group->gid);
	set_names(L, "members", group->members, group->member_count);
	return 1;
}

static int known_facts(lua_State *L)
{
	struct bridge_call *call = known_call(L, "known:facts");
	struct ask ask = { .kind = ASK_FACTS, .path = bridge_field_argument(L, 2, "known:facts", "the subset") };
	const struct answer *answer = ask_any(call->decision, &ask);
	if (!push_state(L, call, answer))
		value_push(L, answer->facts);
	return 1;
}

static int known_find(lua_State *L)
{
	struct bridge_call *call = known_call(L, "known:find");
	const char *name = bridge_field_argument(L, 2, "known:find", "the name");
	const char *folder = lua_isnoneornil(L, 3) ? "files" : bridge_field_argument(L, 3, "known:find", "the folder");
	const struct answer *answer = ask_find(call->decision, name, folder);
	if (!push_state(L, call, answer))
		lua_pushstring(L, answer->found);
	return 1;
}

void bridge_known_push(lua_State *L)
{
	static const luaL_Reg functions[] = {
		{ "stat", known_stat },   { "type", known_type }, { "read", known_read },   { "hash", known_hash }, { "list", known_list },
		{ "glob", known_glob },   { "run", known_run },     { "user", known_user }, { "group", known_group },
		{ "facts", known_facts }, { "find", known_find },   { NULL, NULL },
	};
	luaL_newlib(L, functions);
}
