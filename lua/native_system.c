/* Files and the environment where neap runs, time, digests, chance. They run inside Lua calls, so a C resource is
 * released before anything that can raise an error. */
#include "lua/native_system.h"

#include <crypt.h>
#include <errno.h>
#include <fcntl.h>
#include <glob.h>
#include <limits.h>
#include <pwd.h>
#include <sys/stat.h>
#include <sys/utsname.h>
#include <unistd.h>

#include <lauxlib.h>
#include <openssl/evp.h>

#include "base/buf.h"
#include "base/clock.h"
#include "base/digest.h"
#include "base/json_fault.h"
#include "base/mem.h"
#include "lua/regex.h"
#include "lua/value.h"
#include "lua/vm.h"
#include "model/vault.h"

enum { NATIVE_FILE_MAX = 64 << 20 };

struct buf *native_push_buf(lua_State *state)
{
	struct buf *buf = lua_newuserdatauv(state, sizeof(*buf), 0);
	*buf = (struct buf)BUF_INIT;
	luaL_setmetatable(state, "neap.buf");
	return buf;
}

static int native_buf_free(lua_State *state)
{
	buf_release(lua_touserdata(state, 1));
	return 0;
}

/* Files */

void native_look(lua_State *state)
{
	struct native_site *site = lua_touserdata(state, lua_upvalueindex(1));
	site->looks++;
}

void native_act(lua_State *state)
{
	const struct template_scope *scope = *(const struct template_scope *const *)lua_touserdata(state, lua_upvalueindex(1));
	native_look(state);
	if (scope && scope->early)
		luaL_error(state, "nothing is run or written before the task's turn");
}

const char *native_directory(lua_State *state)
{
	const struct template_scope *scope = *(const struct template_scope *const *)lua_touserdata(state, lua_upvalueindex(1));
	return scope && scope->directory ? scope->directory : ".";
}

/* The nth folder that is looked into; NULL behind the last. */
static const char *native_folder(lua_State *state, size_t n)
{
	const struct template_scope *scope = *(const struct template_scope *const *)lua_touserdata(state, lua_upvalueindex(1));
	if (scope && scope->folders)
		return scope->folders[n]; /* asked for in turn, so that the last seen was not the end */
	return n == 0 ? native_directory(state) : NULL;
}

/* Whether the path on top is a file, or is there where any will do; it is taken away where it is not. */
static bool native_keep_path(lua_State *state, bool any)
{
	struct stat info;
	if (stat(lua_tostring(state, -1), &info) == 0 && (any || S_ISREG(info.st_mode)))
		return true;
	lua_pop(state, 1);
	return false;
}

/* Pushes the path of the first of name's places that is a file, or is there where any will do: as it is where it is absolute, else in each folder below its
 * own folder of that kind and beside that, at last beside the template that asks. false, with nothing pushed, if there is none. */
static bool native_push_path(lua_State *state, const char *name, const char *kind, const char *beside, bool any)
{
	const char *slash = beside ? strrchr(beside, '/') : NULL, *folder;
	native_look(state);
	if (name[0] == '/') {
		lua_pushstring(state, name);
		return native_keep_path(state, any);
	}
	for (size_t i = 0; (folder = native_folder(state, i)); i++) {
		lua_pushfstring(state, "%s/%s/%s", folder, kind, name);
		if (native_keep_path(state, any))
			return true;
		lua_pushfstring(state, "%s/%s", folder, name);
		if (native_keep_path(state, any))
			return true;
	}
	if (!slash)
		return false;
	lua_pushlstring(state, beside, (size_t)(slash - beside));
	lua_pushfstring(state, "%s/%s", lua_tostring(state, -1), name);
	lua_remove(state, -2);
	return native_keep_path(state, any);
}

/* Pushes the text or, where it is sealed by Ansible Vault, what is sealed in it; or nil and a message. */
static int native_push_opened(lua_State *state, const char *path, const struct buf *text)
{
	const struct template_scope *scope = *(const struct template_scope *const *)lua_touserdata(state, lua_upvalueindex(1));
	const struct secret *plain = NULL;
	struct err err = ERR_INIT;
	if (!vault_is_sealed(text->data ? text->data : "", text->length) || !scope || !scope->open_sealed) {
		lua_pushlstring(state, text->data ? text->data : "", text->length);
		return 1;
	}
	if (scope->open_sealed(scope->services, text->data, text->length, &plain, &err) == 0) {
		lua_pushlstring(state, plain->bytes, plain->length);
		return 1;
	}
	lua_pushnil(state);
	lua_pushfstring(state, "%s: %s", path, err.text);
	return 2;
}

/* Pushes the content of the file whose path is on top of the stack, or nil and a message. */
static int native_push_content(lua_State *state)
{
	const char *path = lua_tostring(state, -1);
	struct buf *content = native_push_buf(state);
	int fd = open(path, O_RDONLY | O_CLOEXEC);
	struct stat info = {0};
	if (fd < 0 || fstat(fd, &info) < 0 || info.st_size > NATIVE_FILE_MAX) {
		int why = fd < 0 || info.st_size <= NATIVE_FILE_MAX ? errno : EFBIG;
		if (fd >= 0)
			close(fd);
		lua_pushnil(state);
		lua_pushfstring(state, "%s: %s", path, strerror(why));
		return 2;
	}
	ssize_t got;
	do {
		got = read(fd, buf_reserve(content, 65536), 65536);
		content->length += got > 0 ? (size_t)got : 0;
	} while (got > 0 && content->length <= NATIVE_FILE_MAX);
	int why = errno;
	close(fd);
	if (got == 0)
		return native_push_opened(state, path, content);
	lua_pushnil(state);
	lua_pushfstring(state, "%s: %s", path, strerror(got > 0 ? EFBIG : why));
	return 2;
}

/* read_file(name, folder): the content, or nil and why not. */
static int native_read_file(lua_State *state)
{
	const char *name = luaL_checkstring(state, 1);
	if (native_push_path(state, name, luaL_checkstring(state, 2), NULL, false))
		return native_push_content(state);
	lua_pushnil(state);
	lua_pushfstring(state, "there is no file %s", name);
	return 2;
}

/* read_template(name, beside): the content and the path, or nil. */
static int native_read_template(lua_State *state)
{
	const char *beside = lua_isstring(state, 2) ? lua_tostring(state, 2) : NULL;
	if (!native_push_path(state, luaL_checkstring(state, 1), "templates", beside, false))
		return 0;
	int path = lua_gettop(state);
	if (native_push_content(state) != 1)
		return 0;
	lua_pushvalue(state, path);
	return 2;
}

/* find_file(name, folder): the path of a file or a folder; of a file that was converted to JSON and is named as it was called, too. */
static int native_find_file(lua_State *state)
{
	const char *name = luaL_checkstring(state, 1), *folder = luaL_checkstring(state, 2), *dot = strrchr(name, '.');
	if (native_push_path(state, name, folder, NULL, true))
		return 1;
	if (!dot || (strcmp(dot, ".yml") != 0 && strcmp(dot, ".yaml") != 0))
		return 0;
	lua_pushlstring(state, name, (size_t)(dot - name));
	lua_pushliteral(state, ".json");
	lua_concat(state, 2);
	return native_push_path(state, lua_tostring(state, -1), folder, NULL, false);
}

/* search_folders(folder): the folders in which a file is looked for, in order. */
static int native_search_folders(lua_State *state)
{
	const char *kind = luaL_checkstring(state, 1), *folder;
	lua_newtable(state);
	lua_Integer count = 0;
	for (size_t i = 0; (folder = native_folder(state, i)); i++) {
		lua_pushfstring(state, "%s/%s", folder, kind);
		lua_rawseti(state, -2, ++count);
		lua_pushstring(state, folder);
		lua_rawseti(state, -2, ++count);
	}
	return 1;
}

/* Passwords */

/* Makes the folders of a path, for their owner alone. What fails shows when the file is made. */
static void native_make_folders(char *path)
{
	for (char *slash = strchr(path + 1, '/'); slash; slash = strchr(slash + 1, '/')) {
		*slash = '\0';
		(void)mkdir(path, 0700);
		*slash = '/';
	}
}

/* Writes a line into a new file beside path, for its owner alone, and makes that the file at path: over what is there, or only
 * where nothing is. 0, or errno (EEXIST: there is one already). */
static int native_keep_line(const char *path, const char *beside, const char *line, size_t length, bool over)
{
	int fd = open(beside, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC | O_NOFOLLOW, 0600);
	if (fd < 0)
		return errno;
	bool good = write(fd, line, length) == (ssize_t)length && write(fd, "\n", 1) == 1 && fsync(fd) == 0;
	good = close(fd) == 0 && good && (over ? rename(beside, path) : link(beside, path)) == 0;
	int why = good ? 0 : errno ? errno : EIO;
	if (!good || !over)
		(void)unlink(beside);
	return why;
}

static void native_push_password_path(lua_State *state)
{
	const char *path = luaL_checkstring(state, 1);
	const char *home = path[0] == '~' && (path[1] == '/' || !path[1]) ? getenv("HOME") : NULL;
	if (home)
		lua_pushfstring(state, "%s%s", home, path + 1);
	else if (path[0] == '/')
		lua_pushvalue(state, 1);
	else
		lua_pushfstring(state, "%s/%s", native_directory(state), path);
}

/* password_read(path): the content without blanks at its end, or nil where there is no such file. */
static int native_password_read(lua_State *state)
{
	native_push_password_path(state);
	if (access(lua_tostring(state, -1), F_OK) < 0 && errno == ENOENT)
		return 0;
	if (native_push_content(state) != 1)
		return luaL_error(state, "lookup('password'): %s", lua_tostring(state, -1));
	size_t length;
	const char *text = lua_tolstring(state, -1, &length);
	while (length && strchr(" \t\r\n\v\f", text[length - 1]))
		length--;
	lua_pushlstring(state, text, length);
	return 1;
}

/* password_keep(path, line, over): keeps a line for good, in a file that only its owner can read. Gives what the file holds in the end:
 * of those that make it at the same time the first one wins. */
static int native_password_keep(lua_State *state)
{
	size_t length;
	const char *line = luaL_checklstring(state, 2, &length);
	bool over = lua_toboolean(state, 3);
	native_act(state);
	char random[DIGEST_RANDOM_HEX];
	digest_random(random);
	native_push_password_path(state);
	const char *path = lua_tostring(state, -1);
	char *folders = memcpy(lua_newuserdatauv(state, strlen(path) + 1, 0), path, strlen(path) + 1);
	native_make_folders(folders);
	int why = native_keep_line(path, lua_pushfstring(state, "%s.%s", path, random), line, length, over);
	if (why == EEXIST && !over)
		return native_password_read(state);
	if (why)
		return luaL_error(state, "lookup('password'): %s cannot be written: %s", path, strerror(why));
	lua_pushvalue(state, 2);
	return 1;
}

static int native_environment(lua_State *state)
{
	const char *value = getenv(luaL_checkstring(state, 1));
	if (!value)
		return 0;
	lua_pushstring(state, value);
	return 1;
}

/* home(name): the home of an account here, or nothing. */
static int native_home(lua_State *state)
{
	char room[4096];
	struct passwd account;
	struct passwd *found = NULL;
	if (getpwnam_r(luaL_checkstring(state, 1), &account, room, sizeof(room), &found) != 0 || !found)
		return 0;
	lua_pushstring(state, found->pw_dir);
	return 1;
}

static int native_working_directory(lua_State *state)
{
	char path[PATH_MAX];
	lua_pushstring(state, getcwd(path, sizeof(path)) ? path : "/");
	return 1;
}

static int native_real_path(lua_State *state)
{
	char path[PATH_MAX];
	const char *given = luaL_checkstring(state, 1);
	native_look(state);
	lua_pushstring(state, realpath(given, path) ? path : given);
	return 1;
}

/* file_kind(path, follow): "file", "directory", "link", "other", or nil. */
static int native_file_kind(lua_State *state)
{
	struct stat info;
	const char *path = luaL_checkstring(state, 1);
	native_look(state);
	if ((lua_toboolean(state, 2) ? stat(path, &info) : lstat(path, &info)) < 0)
		return 0;
	lua_pushstring(state, S_ISREG(info.st_mode)   ? "file"
	                      : S_ISDIR(info.st_mode) ? "directory"
	                      : S_ISLNK(info.st_mode) ? "link"
	                                              : "other");
	return 1;
}

/* is_mount(path): whether a file system is mounted there; a link to such a place is none. */
static int native_is_mount(lua_State *state)
{
	const char *path = luaL_checkstring(state, 1);
	struct stat here, above;
	native_look(state);
	bool found = lstat(path, &here) == 0 && S_ISDIR(here.st_mode) && lstat(lua_pushfstring(state, "%s/..", path), &above) == 0;
	lua_pushboolean(state, found && (here.st_dev != above.st_dev || here.st_ino == above.st_ino));
	return 1;
}

/* file_about(path): its owner's name or number, when it was changed (in microseconds) and the name of this machine. */
static int native_file_about(lua_State *state)
{
	struct stat info = {0};
	struct passwd account;
	struct passwd *found = NULL;
	struct utsname machine = {0};
	char room[4096];
	native_look(state);
	(void)stat(luaL_checkstring(state, 1), &info);
	(void)uname(&machine);
	(void)getpwuid_r(info.st_uid, &account, room, sizeof(room), &found);
	lua_newtable(state);
	lua_pushstring(state, machine.nodename);
	lua_setfield(state, -2, "node");
	if (found)
		lua_pushstring(state, found->pw_name);
	else
		lua_pushinteger(state, info.st_uid);
	lua_setfield(state, -2, "owner");
	lua_pushinteger(state, (lua_Integer)info.st_mtim.tv_sec * 1000000 + info.st_mtim.tv_nsec / 1000);
	lua_setfield(state, -2, "changed");
	return 1;
}

/* The list of glob(3) is copied and freed before anything can raise an error. */
static int native_glob(lua_State *state)
{
	glob_t found = {0};
	native_look(state);
	const char *pattern = luaL_checkstring(state, 1);
	struct buf *paths = native_push_buf(state);
	if (glob(pattern, GLOB_NOESCAPE, NULL, &found) == 0)
		for (size_t i = 0; i < found.gl_pathc; i++)
			buf_add(paths, found.gl_pathv[i], strlen(found.gl_pathv[i]) + 1);
	globfree(&found);
	const char *at = buf_text(paths);
	lua_newtable(state);
	lua_Integer count = 0;
	for (const char *end = at + paths->length; at < end; at += strlen(at) + 1) {
		struct stat info;
		if (stat(at, &info) == 0 && S_ISREG(info.st_mode)) {
			lua_pushstring(state, at);
			lua_rawseti(state, -2, ++count);
		}
	}
	value_make_list(state, -1);
	return 1;
}

/* Time */

static int native_time(lua_State *state)
{
	lua_pushinteger(state, clock_wall_us());
	return 1;
}

/* strftime(format, seconds, utc) */
static int native_strftime(lua_State *state)
{
	const char *format = luaL_checkstring(state, 1);
	time_t seconds = (time_t)luaL_checkinteger(state, 2);
	struct tm fields = {0};
	char text[4096];
	if (!(lua_toboolean(state, 3) ? gmtime_r(&seconds, &fields) : localtime_r(&seconds, &fields)))
		return luaL_error(state, "the time is beyond what the calendar holds");
#pragma GCC diagnostic push
#pragma GCC diagnostic ignored "-Wformat-nonliteral"
	size_t length = strlen(format) < sizeof(text) / 4 ? strftime(text, sizeof(text), format, &fields) : 0;
#pragma GCC diagnostic pop
	if (length == 0 && format[0] && strcmp(format, "%p") != 0)
		return luaL_error(state, "the result of the time format is too long");
	lua_pushlstring(state, text, length);
	return 1;
}

/* strptime(text, format): seconds since 1970 as if the text were in UTC, or nothing if it does not match. */
static int native_strptime(lua_State *state)
{
	struct tm fields = {.tm_mday = 1};
	const char *end = strptime(luaL_checkstring(state, 1), luaL_checkstring(state, 2), &fields);
	if (!end || *end)
		return 0;
	fields.tm_gmtoff = 0;
	lua_pushinteger(state, timegm(&fields));
	return 1;
}

static int native_time_fields(lua_State *state)
{
	time_t seconds = (time_t)luaL_checkinteger(state, 1);
	struct tm fields = {0};
	gmtime_r(&seconds, &fields);
	const struct {
		const char *name;
		int value;
	} members[] = {{"year", fields.tm_year + 1900}, {"month", fields.tm_mon + 1}, {"day", fields.tm_mday},
	               {"hour", fields.tm_hour},        {"minute", fields.tm_min},    {"second", fields.tm_sec}};
	lua_createtable(state, 0, 8);
	for (size_t i = 0; i < sizeof(members) / sizeof(members[0]); i++) {
		lua_pushinteger(state, members[i].value);
		lua_setfield(state, -2, members[i].name);
	}
	return 1;
}

/* utc_offset(seconds): what local time is ahead of UTC at that moment, in seconds. */
static int native_utc_offset(lua_State *state)
{
	time_t seconds = (time_t)luaL_checkinteger(state, 1);
	struct tm fields = {0};
	localtime_r(&seconds, &fields);
	lua_pushinteger(state, fields.tm_gmtoff);
	return 1;
}

/* local_seconds(seconds): seconds since 1970 of a local time that is given as if it were UTC. */
static int native_local_seconds(lua_State *state)
{
	time_t seconds = (time_t)luaL_checkinteger(state, 1);
	struct tm fields = {0};
	gmtime_r(&seconds, &fields);
	fields.tm_isdst = -1;
	lua_pushinteger(state, mktime(&fields));
	return 1;
}

/* Digests, encodings, chance */

static int native_digest(lua_State *state)
{
	char hex[DIGEST_HEX_MAX];
	size_t length;
	const char *algorithm = luaL_checkstring(state, 1);
	const char *bytes = luaL_checklstring(state, 2, &length);
	if (!digest_known(algorithm))
		return luaL_error(state, "unknown digest '%s'; one of md5, sha1, sha224, sha256, sha384, sha512", algorithm);
	digest_bytes(algorithm, bytes, length, hex);
	lua_pushstring(state, hex);
	return 1;
}

static int native_base64_encode(lua_State *state)
{
	size_t length;
	const char *bytes = luaL_checklstring(state, 1, &length);
	luaL_Buffer out;
	char *room = luaL_buffinitsize(state, &out, (length + 2) / 3 * 4 + 1);
	int written = EVP_EncodeBlock((unsigned char *)room, (const unsigned char *)bytes, (int)length);
	luaL_pushresultsize(&out, (size_t)written);
	return 1;
}

static int native_base64_digit(char c)
{
	static const char digits[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
	const char *at = c ? strchr(digits, c) : NULL;
	return at ? (int)(at - digits) : -1;
}

/* What is no digit is passed over, as Python does. */
static int native_base64_decode(lua_State *state)
{
	size_t length;
	const char *text = luaL_checklstring(state, 1, &length);
	unsigned bits = 0;
	int held = 0;
	int digits = 0;
	luaL_Buffer out;
	luaL_buffinit(state, &out);
	for (size_t i = 0; i < length && text[i] != '='; i++) {
		int digit = native_base64_digit(text[i]);
		if (digit < 0)
			continue;
		digits++;
		bits = bits << 6 | (unsigned)digit;
		held += 6;
		if (held >= 8) {
			held -= 8;
			luaL_addchar(&out, (char)(bits >> held & 0xff));
		}
	}
	if (digits % 4 == 1 || (digits % 4 != 0 && !memchr(text, '=', length)))
		return luaL_error(state, "b64decode: the text is not complete Base64 (incorrect padding)");
	luaL_pushresult(&out);
	return 1;
}

/* random(n): 0 to n - 1, of the system's generator. */
static int native_random(lua_State *state)
{
	lua_Integer limit = luaL_checkinteger(state, 1);
	char hex[DIGEST_RANDOM_HEX];
	digest_random(hex);
	hex[15] = '\0';
	lua_pushinteger(state, limit > 0 ? strtoll(hex, NULL, 16) % limit : 0);
	return 1;
}

static int native_json_decode(lua_State *state)
{
	size_t length;
	const char *text = luaL_checklstring(state, 1, &length);
	json_error_t why;
	json_t *value = json_loadb(text, length, JSON_DECODE_ANY | JSON_ALLOW_NUL, &why);
	if (!value)
		return luaL_error(state, "from_json: %s (line %d, column %d)", json_fault_text(&why), why.line, why.column);
	/* The value is Lua's to free, whatever pushing it raises. */
	json_t **held = lua_newuserdatauv(state, sizeof(*held), 0);
	*held = value;
	luaL_setmetatable(state, "neap.json");
	value_push(state, value);
	return 1;
}

static int native_json_free(lua_State *state)
{
	json_t **held = lua_touserdata(state, 1);
	json_decref(*held);
	*held = NULL;
	return 0;
}

static const struct {
	const char *name;
	const char *prefix;
	int salt;
	bool rounds;
} native_schemes[] = {
    {"sha512", "$6$", 16, true}, {"sha512_crypt", "$6$", 16, true}, {"sha256", "$5$", 16, true},
    {"sha256_crypt", "$5$", 16, true}, {"md5", "$1$", 8, false}, {"md5_crypt", "$1$", 8, false},
    {"blowfish", "$2b$", 22, true}, {"bcrypt", "$2b$", 22, true},
};

/* length characters that a salt may have, at most 30. */
static void native_salt(char *salt, int length)
{
	static const char letters[] = "./0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz";
	char hex[2][DIGEST_RANDOM_HEX];
	digest_random(hex[0]);
	digest_random(hex[1]);
	for (int i = 0; i < length; i++) {
		char pair[3] = {hex[i / 16][i % 16 * 2], hex[i / 16][i % 16 * 2 + 1], '\0'};
		/* The last character of a bcrypt salt has two bits only: one of . O e u */
		salt[i] = length == 22 && i == 21 ? ".Oeu"[strtol(pair, NULL, 16) & 3] : letters[strtol(pair, NULL, 16) & 63];
	}
	salt[length] = '\0';
}

/* Charges the budget for a hash: rounds are a power of two for bcrypt. */
static void native_spend_rounds(lua_State *state, bool is_bcrypt, int rounds)
{
	enum { BCRYPT_COST = 2000, SHA_COST = 100, BCRYPT_ROUNDS_MAX = 31 };
	if (rounds < 0 || (is_bcrypt && rounds > BCRYPT_ROUNDS_MAX))
		luaL_error(state, "password_hash: the number of rounds is not valid");
	vm_spend(state, is_bcrypt ? (int64_t)BCRYPT_COST << (rounds ? rounds : 12) : (int64_t)SHA_COST * rounds);
}

/* password_hash(text, scheme, salt, salt_size, rounds, ident) by crypt(3). */
static int native_password_hash(lua_State *state)
{
	const char *scheme = luaL_checkstring(state, 2);
	const char *salt = luaL_optstring(state, 3, NULL);
	int size = (int)luaL_checkinteger(state, 4);
	int rounds = (int)luaL_checkinteger(state, 5);
	size_t at = 0;
	while (at < sizeof(native_schemes) / sizeof(native_schemes[0]) && strcmp(native_schemes[at].name, scheme) != 0)
		at++;
	if (at == sizeof(native_schemes) / sizeof(native_schemes[0]))
		return luaL_error(state, "password_hash: unknown hashtype '%s'; one of sha512, sha256, md5, blowfish", scheme);
	char made[32];
	if (!salt) {
		native_salt(made, size > 0 && size < native_schemes[at].salt ? size : native_schemes[at].salt);
		salt = made;
	}
	if (strchr(salt, '$') || strchr(salt, '='))
		return luaL_error(state, "password_hash: a salt has letters, digits, dots and slashes");
	const bool is_bcrypt = strcmp(native_schemes[at].prefix, "$2b$") == 0;
	native_spend_rounds(state, is_bcrypt, rounds);
	if (is_bcrypt)
		lua_pushfstring(state, "$%s$%d%d$%s", luaL_optstring(state, 6, "2b"), (rounds ? rounds : 12) / 10, (rounds ? rounds : 12) % 10, salt);
	else if (native_schemes[at].rounds && rounds)
		lua_pushfstring(state, "%srounds=%d$%s", native_schemes[at].prefix, rounds, salt);
	else
		lua_pushfstring(state, "%s%s", native_schemes[at].prefix, salt);
	struct crypt_data *data = lua_newuserdatauv(state, sizeof(*data), 0);
	memset(data, 0, sizeof(*data));
	const char *hashed = crypt_rn(luaL_checkstring(state, 1), lua_tostring(state, -2), data, sizeof(*data));
	if (!hashed || hashed[0] == '*')
		return luaL_error(state, "password_hash: the salt or the number of rounds is not valid");
	lua_pushstring(state, hashed);
	return 1;
}

void native_system_open(lua_State *state, const struct template_scope *const *scope)
{
	static const luaL_Reg functions[] = {
	    {"read_file", native_read_file},
	    {"read_template", native_read_template},
	    {"find_file", native_find_file},
	    {"search_folders", native_search_folders},
	    {"environment", native_environment},
	    {"home", native_home},
	    {"working_directory", native_working_directory},
	    {"real_path", native_real_path},
	    {"file_kind", native_file_kind},
	    {"is_mount", native_is_mount},
	    {"file_about", native_file_about},
	    {"glob", native_glob},
	    {"time", native_time},
	    {"strftime", native_strftime},
	    {"strptime", native_strptime},
	    {"time_fields", native_time_fields},
	    {"utc_offset", native_utc_offset},
	    {"local_seconds", native_local_seconds},
	    {"digest", native_digest},
	    {"base64_encode", native_base64_encode},
	    {"base64_decode", native_base64_decode},
	    {"random", native_random},
	    {"json_decode", native_json_decode},
	    {"password_hash", native_password_hash},
	    {"password_read", native_password_read},
	    {"password_keep", native_password_keep},
	    {"regex_escape", regex_escape},
	    {NULL, NULL},
	};
	luaL_newmetatable(state, "neap.json");
	lua_pushcfunction(state, native_json_free);
	lua_setfield(state, -2, "__gc");
	luaL_newmetatable(state, "neap.buf");
	lua_pushcfunction(state, native_buf_free);
	lua_setfield(state, -2, "__gc");
	lua_pop(state, 2);
	lua_pushlightuserdata(state, (void *)scope);
	luaL_setfuncs(state, functions, 1);
	regex_push(state);
	lua_setfield(state, -2, "regex");
}
