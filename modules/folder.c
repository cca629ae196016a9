/* Missing folders. */
#include "modules/folder.h"

#include <string.h>

#include "base/mem.h"
#include "plan/path.h"

int folder_missing(struct decision *decision, const char *path, struct folder_list *missing)
{
	size_t count = 0, room = 0;
	auto_free const char **inner = NULL;
	bool waits = false;
	for (; strcmp(path, "/") != 0 && strcmp(path, ".") != 0; path = path_folder(decision, path)) {
		const struct stat_answer *stat = ask_type(decision, path);
		waits = waits || !stat;
		if (!stat || stat->type)
			continue;
		mem_grow(inner, count, room);
		inner[count++] = path;
	}
	if (waits)
		return -1;
	const char **paths = arena_array(&decision->arena, count + 1, sizeof(*paths));
	for (size_t i = 0; i < count; i++)
		paths[i] = inner[count - 1 - i];
	*missing = (struct folder_list){ paths, count };
	return 0;
}

bool folder_make(struct decision *decision, const struct folder_list *missing, const struct attributes *attributes)
{
	bool done = true;
	for (size_t i = 0; i < missing->count; i++)
		done = step_mkdir(decision, &(struct step_mkdir){ .path = missing->paths[i], .attributes = *attributes }) && done;
	return done;
}
