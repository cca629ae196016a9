/* Writes Lua sources as one C table, as text and compiled: embed OUTPUT ROOT FILE...
 *
 * Runs while neap is built. The compiled form keeps its lines, so that messages are those of the text; it spares every Lua
 * state of a run the reading of 10,000 lines. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <lauxlib.h>
#include <lua.h>

static const char *root;

/* "jinja/lexer.lua" of a file below the root. */
static const char *path_below(const char *file)
{
	const char *below = strstr(file, root);
	return below ? below + strlen(root) + 1 : file;
}

static int by_path(const void *a, const void *b)
{
	return strcmp(path_below(*(const char *const *)a), path_below(*(const char *const *)b));
}

static int write_bytes(lua_State *state, const void *bytes, size_t length, void *out)
{
	(void)state;
	for (size_t i = 0; i < length; i++)
		fprintf(out, "%u,%s", ((const unsigned char *)bytes)[i], i % 24 == 23 ? "\n" : "");
	return 0;
}

/* Text and code as two arrays; the text's length, or -1. */
static long write_source(lua_State *state, const char *file, int number, FILE *out)
{
	lua_pushfstring(state, "@lua/%s", path_below(file));
	FILE *in = fopen(file, "rb");
	luaL_Buffer text;
	luaL_buffinit(state, &text);
	for (int c; in && (c = fgetc(in)) != EOF;)
		luaL_addchar(&text, (char)c);
	luaL_pushresult(&text);
	size_t length;
	const char *bytes = lua_tolstring(state, -1, &length);
	if (!in || fclose(in) != 0 || luaL_loadbufferx(state, bytes, length, lua_tostring(state, -2), "t") != LUA_OK) {
		fprintf(stderr, "embed: %s: %s\n", file, in ? lua_tostring(state, -1) : "cannot be read");
		return -1;
	}
	fprintf(out, "static const unsigned char text_%d[] = {\n", number);
	write_bytes(state, bytes, length, out);
	fprintf(out, "0};\nstatic const unsigned char code_%d[] = {\n", number);
	lua_dump(state, write_bytes, out, 0);
	fprintf(out, "};\n\n");
	lua_settop(state, 0);
	return (long)length;
}

int main(int argc, char **argv)
{
	if (argc < 4)
		return 2;
	root = argv[2];
	FILE *out = fopen(argv[1], "w");
	lua_State *state = luaL_newstate();
	long *lengths = calloc((size_t)argc, sizeof(*lengths));
	if (!out || !state || !lengths)
		return 1;
	qsort(argv + 3, (size_t)argc - 3, sizeof(*argv), by_path);
	fprintf(out, "/* Generated from the sources named below. */\n#include \"lua/vm.h\"\n\n");
	int failed = 0;
	for (int i = 3; i < argc && !failed; i++)
		failed = (lengths[i] = write_source(state, argv[i], i, out)) < 0;
	fprintf(out, "const struct vm_source vm_sources[] = {\n");
	for (int i = 3; i < argc; i++)
		fprintf(out, "\t{ \"%s\", (const char *)text_%d, %ld, (const char *)code_%d, sizeof(code_%d) },\n",
		        path_below(argv[i]), i, lengths[i], i, i);
	fprintf(out, "\t{ 0 },\n};\n");
	lua_close(state);
	free(lengths);
	return fclose(out) == 0 && !failed ? 0 : 1;
}
