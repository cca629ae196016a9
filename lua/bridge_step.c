/* step.run, step.put and the other steps of a Lua module. Each returns nil until it was done, then its outcome. */
#include "lua/bridge_call.h"

#include <math.h>
#include <string.h>

#include <lauxlib.h>

#include "base/buf.h"
#include "base/quote.h"

/* A symbolic mode needs what is there now: asked for here, and the call ends until it is answered. */
static mode_t mode_number(lua_State *L, struct bridge_call *call, const char *function, const char *text,
                          const char *path, bool follow, bool directory)
{
	struct err err = ERR_INIT;
	if (mode_check(text, &err) < 0)
		luaL_error(L, "%s: %s", function, err.text);
	mode_t old = directory ? 0777 & ~call->decision->umask : 0666 & ~call->decision->umask;
	if (text[strspn(text, "01234567")]) {
		const struct stat_answer *stat = ask_stat(call->decision, path, follow);
		if (!stat)
			bridge_call_end(L);
		if (stat->type) {
			old = stat->mode;
			directory = stat->type == 'd';
		}
	}
	return mode_apply(text, old, directory, call->decision->umask);
}

static bool field_time(lua_State *L, int index, const char *function, const char *name, struct timespec *time)
{
	double seconds = bridge_field_number(L, index, function, name, NAN);
	if (isnan(seconds))
		return false;
	double whole = floor(seconds);
	*time = (struct timespec){ .tv_sec = (time_t)whole, .tv_nsec = (long)((seconds - whole) * 1e9) };
	return true;
}

static void field_attributes(lua_State *L, struct bridge_call *call, const char *function, const char *path,
                             bool follow, bool directory, struct attributes *attributes)
{
	*attributes = (struct attributes){
		.owner = bridge_field_text(L, 1, function, "owner"),
		.group = bridge_field_text(L, 1, function, "group"),
	};
	if (lua_getfield(L, 1, "mode") == LUA_TNUMBER)
		luaL_error(L, "%s: a mode is a string such as \"0644\": the number %s would be read in decimal", function,
		           lua_tostring(L, -1));
	lua_pop(L, 1);
	const char *mode = bridge_field_text(L, 1, function, "mode");
	if (mode) {
		attributes->has_mode = true;
		attributes->mode = mode_number(L, call, function, mode, path, follow, directory);
	}
	attributes->has_atime = field_time(L, 1, function, "atime", &attributes->atime);
	attributes->has_mtime = field_time(L, 1, function, "mtime", &attributes->mtime);
}

/* step.mkdir("/srv") is step.mkdir{ path = "/srv" }. */
static void path_shorthand(lua_State *L)
{
	if (lua_type(L, 1) != LUA_TSTRING)
		return;
	lua_createtable(L, 0, 1);
	lua_pushvalue(L, 1);
	lua_setfield(L, -2, "path");
	lua_replace(L, 1);
}

static const char *needed_text(lua_State *L, const char *function, const char *name)
{
	const char *text = bridge_field_text(L, 1, function, name);
	if (!text)
		luaL_error(L, "%s needs \"%s\"", function, name);
	return text;
}

static int push_outcome(lua_State *L, const struct outcome *outcome)
{
	if (!outcome) {
		lua_pushnil(L);
		return 1;
	}
	lua_createtable(L, 0, 2);
	lua_pushboolean(L, outcome->ok);
	lua_setfield(L, -2, "ok");
	lua_pushstring(L, outcome->backup_file);
	lua_setfield(L, -2, "backup_file");
	return 1;
}

/* Fails the task as a module's author would: what was run, how it ended, and what it said last. As Ansible's
 * modules have it, a task that fails is not changed, whatever it did before. */
static int fail_command(lua_State *L, struct bridge_call *call, const struct step_run *run,
                        const struct command_result *result)
{
	char how[64];
	struct arena *arena = &call->decision->arena;
	const char *words = run->command.argv ? run->command.argv[0] : "the script";
	const char *said = result->errors_length ? result->errors : result->output ? result->output : "";
	size_t length = strlen(said);
	while (length && said[length - 1] == '\n')
		length--;
	result_changed(call->decision, false);
	result_command(call->decision, result, true);
	result_fail(call->decision, "%s: %s%s%s", words, command_how(result, how), length ? ": " : "",
	            (char *)arena_copy(arena, said, length));
	return bridge_call_end(L);
}

static int step_run_lua(lua_State *L)
{
	static const char *const names[] = { "sh", "stdin", "chdir", "env", "secret", "touches", "changes", "timeout",
		                                 "live", "may_fail", "ends_connection", NULL };
	static const char function[] = "step.run";
	struct bridge_call *call = bridge_call_get(L);
	bridge_field_check(L, 1, function, names);
	struct step_run run = {
		.paths = bridge_field_list(L, 1, function, "touches"),
		.unchanged = !bridge_field_flag(L, 1, function, "changes", true),
		.timeout_ms = (int64_t)(bridge_field_number(L, 1, function, "timeout", 0) * 1000),
		.live = bridge_field_flag(L, 1, function, "live", false),
		.ends_connection = bridge_field_flag(L, 1, function, "ends_connection", false),
	};
	bool may_fail = bridge_field_flag(L, 1, function, "may_fail", false);
	run.effects = !run.paths ? EFFECT_EVERYTHING : run.paths[0] ? EFFECT_PATHS : EFFECT_NOTHING;
	bridge_field_command(L, 1, function, &run.command);
	const struct outcome *outcome = step_run(call->decision, &run);
	json_decref(run.command.environment);
	if (outcome && !command_succeeded(&outcome->run) && !may_fail)
		return fail_command(L, call, &run, &outcome->run);
	if (outcome)
		bridge_command_push(L, &outcome->run);
	else
		lua_pushnil(L);
	return 1;
}

static int step_put_lua(lua_State *L)
{
	static const char *const names[] = { "path", "content", "from", "local_file", "mode", "owner", "group", "atime",
		                                 "mtime", "backup", "validate", "sha1", "follow", "secret", NULL };
	static const char function[] = "step.put";
	struct bridge_call *call = bridge_call_get(L);
	bridge_field_check(L, 1, function, names);
	struct step step = { .kind = STEP_PUT, .secret = bridge_field_flag(L, 1, function, "secret", false) };
	struct put *put = &step.put;
	*put = (struct put){
		.path = needed_text(L, function, "path"),
		.backup = bridge_field_flag(L, 1, function, "backup", false),
		.validate = bridge_field_text(L, 1, function, "validate"),
		.sha1 = bridge_field_text(L, 1, function, "sha1"),
		.follow = bridge_field_flag(L, 1, function, "follow", false),
	};
	put->bytes = bridge_field_bytes(L, 1, function, "content", &put->length);
	const char *from = bridge_field_text(L, 1, function, "from");
	const char *local = bridge_field_text(L, 1, function, "local_file");
	if (!!put->bytes + !!from + !!local != 1)
		luaL_error(L, "%s needs exactly one of content, from (on the target) and local_file", function);
	put->source = put->bytes ? PUT_BYTES : local ? PUT_LOCAL_FILE : PUT_REMOTE_FILE;
	put->from = local ? local : from;
	if (put->validate && !strstr(put->validate, "%s"))
		luaL_error(L, "%s: validate must contain %%s, the new file's path", function);
	field_attributes(L, call, function, put->path, put->follow, false, &put->attributes);
	return push_outcome(L, step_any(call->decision, &step));
}

static int step_last_lua(lua_State *L)
{
	step_last(bridge_call_get(L)->decision);
	return 0;
}

static int step_mkdir_lua(lua_State *L)
{
	static const char *const names[] = { "path", "mode", "owner", "group", "atime", "mtime", "parents", NULL };
	static const char function[] = "step.mkdir";
	struct bridge_call *call = bridge_call_get(L);
	path_shorthand(L);
	bridge_field_check(L, 1, function, names);
	struct step step = { .kind = STEP_MKDIR };
	step.mkdir.path = needed_text(L, function, "path");
	step.mkdir.parents = bridge_field_flag(L, 1, function, "parents", false);
	field_attributes(L, call, function, step.mkdir.path, false, true, &step.mkdir.attributes);
	return push_outcome(L, step_any(call->decision, &step));
}

static int step_link_lua(lua_State *L)
{
	static const char *const names[] = { "path", "target", "hard", "replace", NULL };
	static const char function[] = "step.link";
	struct bridge_call *call = bridge_call_get(L);
	bridge_field_check(L, 1, function, names);
	struct step_link link = {
		.path = needed_text(L, function, "path"),
		.target = needed_text(L, function, "target"),
		.hard = bridge_field_flag(L, 1, function, "hard", false),
		.replace = bridge_field_flag(L, 1, function, "replace", false),
	};
	return push_outcome(L, step_link(call->decision, &link));
}

static int step_remove_lua(lua_State *L)
{
	static const char *const names[] = { "path", "recurse", NULL };
	static const char function[] = "step.remove";
	struct bridge_call *call = bridge_call_get(L);
	path_shorthand(L);
	bridge_field_check(L, 1, function, names);
	struct step_remove remove = {
		.path = needed_text(L, function, "path"),
		.recurse = bridge_field_flag(L, 1, function, "recurse", false),
	};
	return push_outcome(L, step_remove(call->decision, &remove));
}

static int step_rename_lua(lua_State *L)
{
	static const char *const names[] = { "from", "to", NULL };
	static const char function[] = "step.rename";
	struct bridge_call *call = bridge_call_get(L);
	bridge_field_check(L, 1, function, names);
	struct step_rename rename = {
		.from = needed_text(L, function, "from"),
		.to = needed_text(L, function, "to"),
	};
	return push_outcome(L, step_rename(call->decision, &rename));
}

static int step_setattr_lua(lua_State *L)
{
	static const char *const names[] = { "path", "mode", "owner", "group", "atime", "mtime", "follow", NULL };
	static const char function[] = "step.setattr";
	struct bridge_call *call = bridge_call_get(L);
	bridge_field_check(L, 1, function, names);
	struct step step = { .kind = STEP_SETATTR };
	step.setattr.path = needed_text(L, function, "path");
	step.setattr.follow = bridge_field_flag(L, 1, function, "follow", false);
	field_attributes(L, call, function, step.setattr.path, step.setattr.follow, false, &step.setattr.attributes);
	return push_outcome(L, step_any(call->decision, &step));
}

static int step_wait_lua(lua_State *L)
{
	struct bridge_call *call = bridge_call_get(L);
	if (lua_type(L, 1) != LUA_TNUMBER)
		luaL_error(L, "step.wait takes a number of seconds, not %s", luaL_typename(L, 1));
	return push_outcome(L, step_wait(call->decision, (int64_t)(lua_tonumber(L, 1) * 1000)));
}

static int64_t field_ms(lua_State *L, const char *function, const char *name)
{
	return (int64_t)(bridge_field_number(L, 1, function, name, 0) * 1000);
}

static int step_reconnect_lua(lua_State *L)
{
	static const char *const names[] = { "sh", "chdir", "secret", "differs", "timeout", "delay", "connect_timeout",
		                                 "keep", NULL };
	static const char function[] = "step.reconnect";
	struct bridge_call *call = bridge_call_get(L);
	bridge_field_check(L, 1, function, names);
	struct step step = { .kind = STEP_RECONNECT };
	struct step_reconnect *reconnect = &step.reconnect;
	reconnect->differs = bridge_field_text(L, 1, function, "differs");
	reconnect->timeout_ms = field_ms(L, function, "timeout");
	reconnect->delay_ms = field_ms(L, function, "delay");
	reconnect->connect_timeout_ms = field_ms(L, function, "connect_timeout");
	reconnect->keep = bridge_field_flag(L, 1, function, "keep", false);
	bridge_field_command(L, 1, function, &reconnect->command);
	const struct outcome *outcome = step_any(call->decision, &step);
	if (!outcome) {
		lua_pushnil(L);
		return 1;
	}
	bridge_command_push(L, &outcome->run);
	lua_pushinteger(L, (lua_Integer)((outcome->run.end_us - outcome->run.start_us) / 1000000));
	lua_setfield(L, -2, "elapsed");
	return 1;
}

void bridge_step_push(lua_State *L)
{
	static const luaL_Reg functions[] = {
		{ "run", step_run_lua },       { "put", step_put_lua },         { "mkdir", step_mkdir_lua },
		{ "link", step_link_lua },     { "remove", step_remove_lua },   { "rename", step_rename_lua },
		{ "setattr", step_setattr_lua }, { "wait", step_wait_lua },     { "reconnect", step_reconnect_lua },
		{ "last", step_last_lua },       { NULL, NULL },
	};
	luaL_newlib(L, functions);
}
