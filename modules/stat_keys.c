/* Keys of a path's attributes. */
#include "modules/stat_keys.h"

#include <sys/stat.h>

void stat_keys_type(json_t *about, char type)
{
	static const struct { const char *key; char type; } types[] = {
		{ "isdir", 'd' }, { "ischr", 'c' }, { "isblk", 'b' }, { "isreg", 'f' }, { "isfifo", 'p' }, { "islnk", 'l' },
		{ "issock", 's' },
	};
	for (size_t i = 0; i < sizeof(types) / sizeof(*types); i++)
		json_object_set_new(about, types[i].key, json_boolean(type == types[i].type));
}

void stat_keys_bits(json_t *about, mode_t mode)
{
	static const struct { const char *key; mode_t bit; } bits[] = {
		{ "rusr", S_IRUSR }, { "wusr", S_IWUSR }, { "xusr", S_IXUSR }, { "rgrp", S_IRGRP }, { "wgrp", S_IWGRP },
		{ "xgrp", S_IXGRP }, { "roth", S_IROTH }, { "woth", S_IWOTH }, { "xoth", S_IXOTH }, { "isuid", S_ISUID },
		{ "isgid", S_ISGID },
	};
	char text[8];
	json_object_set_new(about, "mode", json_string(mode_text(mode, text)));
	for (size_t i = 0; i < sizeof(bits) / sizeof(*bits); i++)
		json_object_set_new(about, bits[i].key, json_boolean(mode & bits[i].bit));
}

void stat_keys_text(struct decision *decision, json_t *about, const char *key, const char *text)
{
	result_str(decision, key, text);
	json_object_set(about, key, json_object_get(decision->result, key));
	json_object_del(decision->result, key);
}

void stat_keys_number(json_t *about, const char *key, uint64_t value)
{
	json_object_set_new(about, key, json_integer((json_int_t)value));
}

void stat_keys_time(json_t *about, const char *key, struct timespec time)
{
	json_object_set_new(about, key, json_real((double)time.tv_sec + (double)time.tv_nsec / 1e9));
}
