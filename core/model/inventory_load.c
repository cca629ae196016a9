/* Sources of an inventory: what each -i is, and which reader takes it. */
#include <dirent.h>
#include <errno.h>
#include <string.h>
#include <strings.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/file.h"
#include "base/mem.h"
#include "base/suggest.h"
#include "model/host_range.h"
#include "model/inventory_parts.h"

enum { FOLDERS_DEEPEST = 20 };

static void __attribute__((format(printf, 4, 5)))
source_problem(struct problems *problems, const char *source, const char *hint, const char *format, ...)
{
	auto_buf struct buf text = BUF_INIT;
	va_list arguments;
	va_start(arguments, format);
	buf_vprintf(&text, format, arguments);
	va_end(arguments);
	problem_add(problems, PROBLEM_ERROR, (struct place){ .file = source }, NULL, hint, "%s", buf_text(&text));
}

static bool source_is_list(const char *source)
{
	return strchr(source, ',') && access(source, F_OK) != 0;
}

/* "web1,web[2:4]:2222," */
static void source_read_list(struct inventory *inventory, const char *source, struct problems *problems)
{
	auto_free char *text = mem_strdup(source);
	char *rest = text;
	for (char *item; (item = strsep(&rest, ","));) {
		item += strspn(item, " \t");
		item[strcspn(item, " \t\n")] = '\0';
		if (!*item)
			continue;
		auto_host_names struct host_names names = HOST_NAMES_INIT;
		struct err err = ERR_INIT;
		int port;
		if (host_range_expand(item, INVENTORY_MAX_HOSTS - inventory->expanded, &names, &port, &err) < 0) {
			source_problem(problems, source, NULL, "\"%s\": %s", item, err.text);
			continue;
		}
		inventory->expanded += names.count;
		for (size_t i = 0; i < names.count; i++)
			inventory_put_host(inventory, names.items[i], inventory->ungrouped, port);
	}
}

/* What Ansible leaves out when a folder is an inventory. */
static bool entry_is_ignored(const char *name)
{
	static const char *const endings[] = { ".pyc", ".pyo", ".swp", ".bak", "~", ".rpm", ".md", ".txt", ".rst", ".orig",
		                                   ".ini", ".cfg", ".retry" };
	if (*name == '.' || !strcmp(name, "group_vars") || !strcmp(name, "host_vars") || !strcmp(name, "vars_plugins"))
		return true;
	size_t length = strlen(name);
	for (size_t i = 0; i < sizeof(endings) / sizeof(*endings); i++) {
		size_t ending = strlen(endings[i]);
		if (length >= ending && strcmp(name + length - ending, endings[i]) == 0)
			return true;
	}
	return false;
}

static void source_read_path(struct inventory *inventory, const char *path, int depth, struct problems *problems);

static void source_read_folder(struct inventory *inventory, const char *path, int depth, struct problems *problems)
{
	struct dirent **entries;
	int count = depth < FOLDERS_DEEPEST ? scandir(path, &entries, NULL, alphasort) : -1;
	if (count < 0) {
		source_problem(problems, path, NULL, "this folder cannot be read: %s", depth < FOLDERS_DEEPEST ? strerror(errno) :
		               "too many folders in folders");
		return;
	}
	for (int i = 0; i < count; i++) {
		if (!entry_is_ignored(entries[i]->d_name)) {
			auto_free char *inner = mem_printf("%s/%s", path, entries[i]->d_name);
			source_read_path(inventory, inner, depth + 1, problems);
		}
		free(entries[i]);
	}
	free(entries);
}

static bool path_ends(const char *path, const char *ending)
{
	size_t length = strlen(path), ending_length = strlen(ending);
	return length > ending_length && strcasecmp(path + length - ending_length, ending) == 0;
}

/* Behind blanks, a byte order mark and comments of JSON or YAML. */
static const char *text_start(const char *text)
{
	for (;;) {
		text += strspn(text, " \t\r\n");
		if (strncmp(text, "\xef\xbb\xbf", 3) == 0)
			text += 3;
		else if (strncmp(text, "//", 2) == 0 || *text == '#')
			text += strcspn(text, "\n");
		else if (strncmp(text, "/*", 2) == 0 && strstr(text + 2, "*/"))
			text = strstr(text + 2, "*/") + 2;
		else
			return text;
	}
}

/* "---", or a first line that is a key alone, is no INI file's, even where the rest is faulty. */
static bool text_looks_like_yaml(const char *text)
{
	text = text_start(text);
	size_t line = strcspn(text, "\r\n");
	return strncmp(text, "---", 3) == 0 || (line > 1 && text[line - 1] == ':' && *text != '[' && strcspn(text, "= ") >= line);
}

static bool source_is_tree(const char *path, const char *text)
{
	if (path_ends(path, ".json") || path_ends(path, ".yml") || path_ends(path, ".yaml"))
		return true;
	return *text_start(text) == '{' || text_looks_like_yaml(text);
}

static bool has_extension(const char *path)
{
	const char *slash = strrchr(path, '/');
	return strchr(slash ? slash + 1 : path, '.') != NULL;
}

static void source_read_tree(struct inventory *inventory, struct document *document, struct problems *problems)
{
	inventory_keep_document(inventory, document);
	inventory_json_read(inventory, document_root(document), NULL, problems);
}

/* As Ansible does: a file without an extension is YAML where it is a dictionary in YAML, else INI. */
static struct document *document_without_extension(const char *path, const struct buf *bytes, struct vault *vault)
{
	auto_problems struct problems unseen = PROBLEMS_INIT;
	struct document *document = NULL;
	if (has_extension(path) || document_open(&document, path, buf_text(bytes), bytes->length, vault, &unseen) < 0)
		return NULL;
	if (json_is_object(document_root(document).value))
		return document;
	document_free(document);
	return NULL;
}

/* Every value of an opened INI text is kept out of reports. */
static void ini_tell(struct vault *vault, const char *text)
{
	while (*text) {
		size_t word = strcspn(text, " \t\r\n"), name = strcspn(text, "= \t\r\n");
		if (name < word) {
			auto_json json_t *value = json_stringn(text + name + 1, word - name - 1);
			if (value)
				vault_tell(vault, value);
		}
		text += word + strspn(text + word, " \t\r\n");
	}
}

static void source_read_opened_ini(struct inventory *inventory, const char *path, const struct secret *plain,
                                   struct problems *problems)
{
	auto_problems struct problems inner = PROBLEMS_INIT; /* they show lines */
	ini_tell(inventory->options.vault, plain->bytes);
	inventory_ini_read(inventory, path, plain->bytes, plain->length, &inner);
	if (inner.errors)
		source_problem(problems, path, "look at it with neap vault edit", "line %d of what is sealed here is no inventory's",
		               inner.items[0].place.line);
}

static void source_read_file(struct inventory *inventory, const char *path, struct problems *problems)
{
	auto_buf struct buf bytes = BUF_INIT;
	auto_secret struct secret plain = SECRET_INIT;
	struct err err = ERR_INIT;
	if (file_read(path, DOCUMENT_MAX_BYTES, &bytes, &err) < 0) {
		source_problem(problems, path, NULL, "cannot be read: %s", strerror(err.os_error));
		return;
	}
	bool sealed = inventory->options.vault && vault_is_sealed(buf_text(&bytes), bytes.length);
	if (sealed && vault_open(inventory->options.vault, bytes.data, bytes.length, &plain, NULL, &err) < 0) {
		source_problem(problems, path, err_remedy(&err), "%s", err.text);
		return;
	}
	struct document *document;
	if (source_is_tree(path, sealed ? plain.bytes : buf_text(&bytes))) {
		if (document_open(&document, path, buf_text(&bytes), bytes.length, inventory->options.vault, problems) == 0)
			source_read_tree(inventory, document, problems);
	} else if ((document = document_without_extension(path, &bytes, inventory->options.vault))) {
		source_read_tree(inventory, document, problems);
	} else if (sealed) {
		source_read_opened_ini(inventory, path, &plain, problems);
	} else {
		inventory_ini_read(inventory, path, buf_text(&bytes), bytes.length, problems);
	}
}

/* The file in the same folder whose name is nearest, as a hint; NULL if none is near. */
static char *path_nearest(const char *path)
{
	const char *slash = strrchr(path, '/');
	auto_free char *folder = slash ? mem_strndup(path, (size_t)(slash - path) + 1) : mem_strdup("./");
	struct dirent **entries;
	int count = scandir(folder, &entries, NULL, alphasort);
	struct suggest suggest;
	suggest_start(&suggest, slash ? slash + 1 : path);
	for (int i = 0; i < count; i++)
		suggest_offer(&suggest, entries[i]->d_name);
	char *hint = suggest.best ? mem_printf("did you mean \"%s%s\"?", slash ? folder : "", suggest.best) : NULL;
	for (int i = 0; i < count; i++)
		free(entries[i]);
	if (count >= 0)
		free(entries);
	return hint;
}

static void source_read_path(struct inventory *inventory, const char *path, int depth, struct problems *problems)
{
	struct stat status;
	if (stat(path, &status) < 0) {
		auto_free char *hint = errno == ENOENT ? path_nearest(path) : NULL;
		source_problem(problems, path, hint ? hint : "give -i a file, a folder, or host names with a comma: -i web1,",
		               "there is no such inventory: %s", strerror(errno));
		return;
	}
	if (S_ISDIR(status.st_mode)) {
		source_read_folder(inventory, path, depth, problems);
		return;
	}
	auto_free char *here = getcwd(NULL, 0);
	inventory->source = *path == '/' || !here ? path : arena_printf(&inventory->arena, "%s/%s", here, path);
	if (S_ISREG(status.st_mode) && access(path, X_OK) == 0 && inventory_script_read(inventory, path, problems) == 0)
		return;
	source_read_file(inventory, path, problems);
}

void inventory_source_read(struct inventory *inventory, const char *source, struct problems *problems)
{
	inventory->source = NULL;
	if (source_is_list(source))
		source_read_list(inventory, source, problems);
	else
		source_read_path(inventory, source, 0, problems);
}

void inventory_source_folder(struct inventory *inventory, const char *source, struct problems *problems)
{
	struct stat status;
	if (source_is_list(source) || stat(source, &status) < 0)
		return;
	const char *slash = strrchr(source, '/');
	auto_free char *folder = S_ISDIR(status.st_mode) ? mem_strdup(source) :
	                         slash                   ? mem_strndup(source, slash == source ? 1 : (size_t)(slash - source)) :
	                                                   mem_strdup(".");
	inventory_folder_read(inventory, folder, problems);
}
