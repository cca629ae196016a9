/* group_vars/ and host_vars/: a file or a folder named after each group and host. */
#include <dirent.h>
#include <errno.h>
#include <string.h>
#include <sys/stat.h>

#include "base/mem.h"
#include "model/inventory_parts.h"

enum { FOLDERS_DEEPEST = 10 };

/* In the order in which Ansible looks for NAME; the first that is there is taken. */
static const char *const extensions[] = { "", ".yml", ".yaml", ".json" };
enum { EXTENSIONS = sizeof(extensions) / sizeof(*extensions) };

struct folder_reader {
	struct inventory *inventory;
	struct problems *problems;
};

void vars_folder_free(struct vars_folder *folder)
{
	json_decref(folder->groups);
	json_decref(folder->hosts);
	json_decref(folder->group_origins);
	json_decref(folder->host_origins);
	free(folder);
}

/* Which of the extensions name has; 0 for none. *stem is its length without. */
static size_t extension_of(const char *name, size_t *stem)
{
	size_t length = strlen(name);
	for (size_t i = 1; i < EXTENSIONS; i++) {
		size_t ending = strlen(extensions[i]);
		if (length > ending && strcmp(name + length - ending, extensions[i]) == 0) {
			*stem = length - ending;
			return i;
		}
	}
	*stem = length;
	return 0;
}

static bool path_is_folder(const char *path)
{
	struct stat status;
	return stat(path, &status) == 0 && S_ISDIR(status.st_mode);
}

/* Adds a file's variables to values, over those that are there. */
static void vars_file_read(struct folder_reader *r, const char *path, json_t *values)
{
	struct document *document;
	if (document_load(&document, path, r->inventory->options.vault, r->problems) < 0)
		return;
	inventory_keep_document(r->inventory, document);
	struct node root = document_root(document);
	inventory_look_at_names(r->inventory, root, r->problems);
	if (json_is_object(root.value))
		vars_put_all(values, root.value, r->inventory->options.merges_hashes);
	else if (!json_is_null(root.value))
		node_problem(r->problems, root, "write { \"name\": value }", "a file of variables is a dictionary, not %s",
		             node_kind(root.value));
}

/* All files in a folder NAME/, and those in folders in it, in the order of their names. */
static void vars_folder_files(struct folder_reader *r, const char *path, int depth, json_t *values)
{
	struct dirent **entries;
	int count = depth < FOLDERS_DEEPEST ? scandir(path, &entries, NULL, alphasort) : 0;
	for (int i = 0; i < count; i++) {
		const char *name = entries[i]->d_name;
		size_t stem, length = strlen(name);
		auto_free char *inner = mem_printf("%s/%s", path, name);
		bool plain = !extension_of(name, &stem) && strchr(name, '.');
		if (*name == '.' || name[length - 1] == '~') {
			/* hidden files and editors' copies */
		} else if (path_is_folder(inner)) {
			if (!strchr(name, '.'))
				vars_folder_files(r, inner, depth + 1, values);
		} else if (!plain) {
			vars_file_read(r, inner, values);
		}
		free(entries[i]);
	}
	if (count > 0 || depth < FOLDERS_DEEPEST)
		free(count < 0 ? NULL : entries);
}

/* The better of two entries for one name: *chosen has name to file name. */
static void entry_choose(json_t *chosen, const char *name, const char *file, size_t extension)
{
	size_t other, stem;
	const char *known = json_string_value(json_object_get(chosen, name));
	if (known) {
		other = extension_of(known, &stem);
		if (other <= extension)
			return;
	}
	json_object_set_new(chosen, name, json_string(file));
}

static bool name_is_known(const struct inventory *inventory, bool hosts, const char *name)
{
	return json_object_get(hosts ? inventory->host_index : inventory->group_index, name) != NULL;
}

/* Names of what to read: everything that is named after a known host or group, and what has a variables file's ending,
 * because group_by and add_host make groups and hosts later. */
static json_t *folder_choose(const struct inventory *inventory, bool hosts, const char *path)
{
	json_t *chosen = json_object();
	struct dirent **entries;
	int count = scandir(path, &entries, NULL, alphasort);
	for (int i = 0; i < count; i++) {
		const char *file = entries[i]->d_name;
		size_t stem, extension = extension_of(file, &stem);
		auto_free char *inner = mem_printf("%s/%s", path, file);
		auto_free char *name = mem_strndup(file, stem);
		bool folder = path_is_folder(inner);
		if (*file != '.' && (folder || extension || name_is_known(inventory, hosts, file)))
			entry_choose(chosen, folder ? file : name, file, folder ? 0 : extension);
		free(entries[i]);
	}
	if (count >= 0)
		free(entries);
	return chosen;
}

static void folder_read_kind(struct folder_reader *r, const char *directory, bool hosts, json_t *values, json_t *origins)
{
	auto_free char *path = mem_printf("%s/%s", directory, hosts ? "host_vars" : "group_vars");
	if (!path_is_folder(path))
		return;
	auto_json json_t *chosen = folder_choose(r->inventory, hosts, path);
	inventory_look_at_files(r->inventory, path, hosts, chosen, r->problems);
	const char *name;
	json_t *file;
	json_object_foreach(chosen, name, file) {
		auto_free char *inner = mem_printf("%s/%s", path, json_string_value(file));
		json_t *own = json_object();
		if (path_is_folder(inner))
			vars_folder_files(r, inner, 0, own);
		else
			vars_file_read(r, inner, own);
		json_object_set_new(values, name, own);
		json_object_set_new(origins, name, json_string(inner));
	}
}

/* Moves a folder that is known to the end, where it wins. */
static bool folder_again(struct inventory *inventory, const struct stat *status)
{
	for (size_t i = 0; i < inventory->folder_count; i++) {
		struct vars_folder *folder = inventory->folders[i];
		if (folder->device != status->st_dev || folder->inode != status->st_ino)
			continue;
		memmove(inventory->folders + i, inventory->folders + i + 1, (inventory->folder_count - i - 1) * sizeof(folder));
		inventory->folders[inventory->folder_count - 1] = folder;
		return true;
	}
	return false;
}

void inventory_folder_read(struct inventory *inventory, const char *directory, struct problems *problems)
{
	struct stat status;
	if (stat(directory, &status) < 0 || folder_again(inventory, &status))
		return;
	struct vars_folder *folder = mem_alloc(sizeof(*folder));
	*folder = (struct vars_folder){ .device = status.st_dev, .inode = status.st_ino, .groups = json_object(),
		                            .hosts = json_object(), .group_origins = json_object(),
		                            .host_origins = json_object() };
	mem_grow(inventory->folders, inventory->folder_count, inventory->folder_room);
	inventory->folders[inventory->folder_count++] = folder;
	struct folder_reader r = { .inventory = inventory, .problems = problems };
	folder_read_kind(&r, directory, false, folder->groups, folder->group_origins);
	folder_read_kind(&r, directory, true, folder->hosts, folder->host_origins);
}
