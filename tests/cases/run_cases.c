/* Runs the case files of all modules: run_cases FOLDER, where each module has a folder of its own. */
#include <dirent.h>
#include <stdio.h>
#include <string.h>

#include "base/mem.h"
#include "lua/bridge.h"
#include "plan/cases.h"

struct shown { const char *file; };

static void show(void *context, const char *case_name, const char *text)
{
	const struct shown *place = context;
	printf("%s: %s: %s\n", place->file, case_name, text);
}

static int by_name(const struct dirent **a, const struct dirent **b)
{
	return strcmp((*a)->d_name, (*b)->d_name);
}

static int is_case_file(const struct dirent *entry)
{
	const char *dot = strrchr(entry->d_name, '.');
	return dot && strcmp(dot, ".json") == 0;
}

static int is_module(const struct dirent *entry)
{
	return entry->d_name[0] != '.' && entry->d_type == DT_DIR;
}

/* All files of one module; the number of files that could not be read. */
static int run_folder(struct cases *cases, struct shown *place, const struct module *module, const char *folder)
{
	struct dirent **files;
	int count = scandir(folder, &files, is_case_file, by_name), broken = 0;
	for (int i = 0; i < count; i++) {
		auto_free char *path = mem_printf("%s/%s", folder, files[i]->d_name);
		struct err err = ERR_INIT;
		place->file = path;
		if (cases_run_file(cases, module, path, &err) < 0) {
			printf("%s: %s\n", err.where, err.text);
			broken++;
		}
		free(files[i]);
	}
	if (count >= 0)
		free(files);
	return broken;
}

int main(int argc, char **argv)
{
	if (argc != 2)
		return 5;
	struct shown place = { "" };
	struct cases cases = { .fault = show, .context = &place };
	struct registry *registry = registry_new();
	bridge_add_builtin(registry);
	struct dirent **folders;
	int count = scandir(argv[1], &folders, is_module, by_name), broken = 0;
	for (int i = 0; i < count; i++) {
		auto_free char *folder = mem_printf("%s/%s", argv[1], folders[i]->d_name);
		const struct module *module = registry_find(registry, folders[i]->d_name);
		if (module)
			broken += run_folder(&cases, &place, module, folder);
		free(folders[i]);
	}
	if (count >= 0)
		free(folders);
	registry_free(registry);
	bridge_thread_end();
	printf("%zu cases passed, %zu failed\n", cases.passed, cases.failed + (size_t)broken);
	return cases.failed || broken || !cases.passed;
}
