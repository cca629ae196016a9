/* Which facts are looked up through hostvars: read out of the texts of a playbook and what is beside it. */
#include <dirent.h>
#include <string.h>
#include <sys/stat.h>

#include "base/file.h"
#include "base/mem.h"
#include "run/gather.h"

enum { DEPTH_MOST = 8, FILES_MOST = 5000, FILE_MOST = 1024 * 1024 };

struct scan {
	fact_parts parts;
	size_t files;
};

/* A text that names hostvars needs all facts that it names. */
static void scan_text(struct scan *scan, const char *text)
{
	if (!strstr(text, "hostvars"))
		return;
	for (const char *p = text; (p = strstr(p, "ansible_"));) {
		size_t length = strspn(p, "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789_");
		auto_free char *name = mem_strndup(p, length);
		/* 'ansible_' ~ name may become anything. */
		scan->parts |= length == 8 ? fact_subset_all() : fact_subset_of_variable(name);
		p += length;
	}
}

static void scan_value(struct scan *scan, json_t *value)
{
	const char *key;
	json_t *member;
	size_t i;
	if (json_is_string(value))
		scan_text(scan, json_string_value(value));
	json_object_foreach(value, key, member)
		scan_value(scan, member);
	json_array_foreach(value, i, member)
		scan_value(scan, member);
}

static void scan_path(struct scan *scan, const char *path, int depth);

static void scan_folder(struct scan *scan, const char *path, int depth)
{
	DIR *folder = opendir(path);
	for (struct dirent *entry; folder && (entry = readdir(folder));) {
		auto_free char *inner = mem_printf("%s/%s", path, entry->d_name);
		if (*entry->d_name != '.')
			scan_path(scan, inner, depth + 1);
	}
	if (folder)
		closedir(folder);
}

static void scan_path(struct scan *scan, const char *path, int depth)
{
	struct stat about;
	auto_buf struct buf text = BUF_INIT;
	struct err ignored = ERR_INIT;
	if (depth > DEPTH_MOST || scan->files >= FILES_MOST || lstat(path, &about) < 0)
		return;
	if (S_ISDIR(about.st_mode))
		scan_folder(scan, path, depth);
	if (!S_ISREG(about.st_mode) || about.st_size > FILE_MOST)
		return;
	scan->files++;
	if (file_read(path, FILE_MOST, &text, &ignored) == 0)
		scan_text(scan, buf_text(&text));
}

static void scan_beside(struct scan *scan, const char *folder)
{
	static const char *const names[] = { "templates", "tasks", "vars", "defaults", "handlers", "group_vars", "host_vars", "roles" };
	for (size_t i = 0; i < sizeof(names) / sizeof(*names); i++) {
		auto_free char *path = mem_printf("%s/%s", folder, names[i]);
		scan_path(scan, path, 0);
	}
}

fact_parts gather_shared(const struct playbook *playbook, const struct inventory *inventory)
{
	struct scan scan = { 0 };
	for (size_t i = 0; i < playbook->document_count; i++)
		scan_value(&scan, document_root(playbook->documents[i]).value);
	for (size_t i = 0; i < playbook->count; i++)
		scan_beside(&scan, playbook->plays[i]->directory ? playbook->plays[i]->directory : ".");
	for (size_t i = 0; i < playbook->role_count; i++)
		scan_beside(&scan, playbook->role_list[i]->path);
	for (size_t i = 0; i < inventory_host_count(inventory); i++) {
		struct vars vars = { 0 };
		inventory_vars(inventory, inventory_host_at(inventory, i), &vars);
		for (size_t j = 0; j < vars.count; j++)
			scan_value(&scan, vars.layers[j].values);
		vars_release(&vars);
	}
	return scan.parts;
}
